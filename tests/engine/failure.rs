//! What fails stops what follows, and is named with its root first.

use seaworthy::cluster::{ClusterId, Meter};
use seaworthy::doctor::Outlook;
use seaworthy::event::{Ended, StepState};
use seaworthy::plan::{Action, Change, Step};

use super::fake::{Fake, Fate};
use super::harbour::{Voyage, config, desired, shop};

#[tokio::test]
async fn a_refusal_stops_what_follows() {
    let fake = Fake::new();
    fake.rule(|call| {
        if call.path.ends_with("/namespaces/sea") && call.write.is_some() {
            Fate::Refused(403, "Forbidden")
        } else {
            Fate::Answered
        }
    });
    let run = Voyage::new(&fake).install(shop()).await;
    assert_eq!((run.outcome.ended, run.outcome.done), (Ended::Failed, 0));
    assert_eq!(fake.writes().len(), 1, "{:#?}", fake.writes());
    assert_eq!(run.outcome.causes.len(), 1, "{:#?}", run.outcome.causes);
    assert!(run.outcome.causes[0].message.contains("the rule says Forbidden"), "{:?}", run.outcome.causes[0]);
    let skipped = run.steps(|state| matches!(state, StepState::Skipped)).len();
    assert_eq!(skipped, run.outcome.total - 1);
}

#[tokio::test]
async fn what_is_under_way_ends_and_the_root_comes_first() {
    let fake = Fake::new();
    fake.rule(|call| match call.path.rsplit('/').next() {
        Some("a") if call.write.is_some() => Fate::Refused(500, "InternalError"),
        Some("b") if call.write.is_some() => Fate::Refused(422, "Invalid"),
        _ => Fate::Answered,
    });
    let run = Voyage::new(&fake).install(desired(["a", "b", "c"].map(|name| config(name, "1")))).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    let outlooks: Vec<Outlook> = run.outcome.causes.iter().map(|cause| cause.outlook).collect();
    assert_eq!(outlooks.len(), 2, "{:#?}", run.outcome.causes);
    assert!(outlooks[0] >= outlooks[1], "{outlooks:?}");
    assert!(fake.object(&super::harbour::reference(&config("c", "1"))).is_some(), "what was sent was to be finished");
}

/// A plan from a file or an old version may be damaged; it must not end as done.
#[tokio::test]
async fn steps_that_need_each_other_are_a_failure() {
    let fake = Fake::new();
    let voyage = Voyage::new(&fake);
    let mut prepared = voyage.prepare(desired([config("a", "1"), config("b", "1")])).await;
    let step = |id: &str, needs: &str| Step {
        id: id.to_owned(),
        title: id.to_owned(),
        component: None,
        needs: vec![needs.to_owned()],
        action: Action::Apply { object: config(id, "1") },
        change: Change::Create,
    };
    prepared.plan.steps.extend([step("x", "y"), step("y", "x")]);
    let run = voyage.run(prepared, None).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    assert!(run.outcome.causes[0].message.contains('x'), "{:?}", run.outcome.causes);
}

#[tokio::test]
async fn a_plan_is_for_its_own_cluster() {
    let fake = Fake::new();
    let mut voyage = Voyage::new(&fake);
    let prepared = voyage.prepare(shop()).await;
    voyage.cluster.id = ClusterId { uid: "another".to_owned(), ..voyage.cluster.id };
    let run = voyage.run(prepared, None).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["OtherCluster"]));
    assert_eq!(fake.writes(), [""; 0]);
}

#[tokio::test]
async fn read_only_sends_no_write() {
    let fake = Fake::new();
    let voyage = Voyage { cluster: fake.cluster_with(Meter::new(true)), ..Voyage::new(&fake) };
    let run = voyage.install(shop()).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["ReadOnly"]));
    assert_eq!((run.outcome.requests.writes, run.outcome.requests.refused), (0, 1));
    assert_eq!(fake.writes(), [""; 0]);
}

#[tokio::test]
async fn a_kind_that_nobody_defines_is_named() {
    let fake = Fake::new();
    let mut berth = config("one", "1");
    berth["apiVersion"] = "harbour.example/v1".into();
    berth["kind"] = "Berth".into();
    let run = Voyage::new(&fake).install(desired([berth])).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["NoKindMatch"]));
}

#[tokio::test]
async fn what_changes_while_the_run_is_under_way_is_no_success() {
    let fake = Fake::new();
    let other = fake.clone();
    // As soon as the last object is written, somebody takes the first one away.
    fake.rule(move |call| {
        if call.write.is_some() && call.path.ends_with("/deployments/web") {
            other.remove(&super::harbour::reference(&config("shared", "1")));
        }
        Fate::Answered
    });
    let run = Voyage::new(&fake).install(shop()).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["NotAsApplied"]));
}
