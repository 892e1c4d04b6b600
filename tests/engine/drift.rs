//! What others did to our objects, before the plan and between the plan and the run.

use seaworthy::event::Ended;
use seaworthy::plan::install::Policy;
use seaworthy::plan::{Change, Choice, Plan};
use serde_json::{Value, json};

use super::fake::Fake;
use super::harbour::{Voyage, config, deployment, desired, installed, reference};

fn web() -> Value {
    deployment("web", &[])
}

async fn with_web() -> Fake {
    let fake = Fake::new();
    installed(&fake, desired([web()])).await;
    fake
}

fn replicas(fake: &Fake) -> Value {
    fake.object(&reference(&web())).unwrap()["spec"]["replicas"].clone()
}

fn conflicts(plan: &Plan) -> Vec<(String, Vec<String>, Choice)> {
    plan.conflicts().map(|(_, c)| (c.path.clone(), c.owners.clone(), c.choice)).collect()
}

#[tokio::test]
async fn what_was_changed_by_hand_is_taken_back() {
    let fake = with_web().await;
    fake.set(&reference(&web()), "spec.replicas", &json!(5), "kubectl");
    let voyage = Voyage::new(&fake);
    let prepared = voyage.prepare(desired([web()])).await;
    assert_eq!(conflicts(&prepared.plan), [("spec.replicas".to_owned(), vec!["kubectl".to_owned()], Choice::Take)]);
    voyage.run(prepared, None).await.went_well();
    assert_eq!(replicas(&fake), 2);
}

#[tokio::test]
async fn a_controller_is_not_overruled_by_default() {
    let fake = with_web().await;
    fake.set(&reference(&web()), "spec.replicas", &json!(5), "autoscaler");
    let prepared = Voyage::new(&fake).prepare(desired([web()])).await;
    assert_eq!(conflicts(&prepared.plan)[0].2, Choice::Stop);
    assert_eq!(prepared.plan.summary().undecided, 1);
}

#[tokio::test]
async fn a_field_can_be_left_to_its_owner_for_good() {
    let fake = with_web().await;
    fake.set(&reference(&web()), "spec.replicas", &json!(5), "autoscaler");
    let keep = Policy { conflicts: Some(Choice::Keep), ..Policy::default() };
    let mut wanted = web();
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    let voyage = Voyage { policy: keep, ..Voyage::new(&fake) };
    voyage.install(desired([wanted.clone()])).await.went_well();
    let live = fake.object(&reference(&web())).unwrap();
    assert_eq!(
        (replicas(&fake), &live["spec"]["template"]["spec"]["containers"][0]["image"]),
        (json!(5), &json!("web:2"))
    );
    let before = fake.writes().len();
    voyage.install(desired([wanted])).await.went_well();
    assert_eq!(fake.writes().len(), before, "what is kept was written again");
}

#[tokio::test]
async fn a_scale_that_nobody_owns_is_seen_kept_and_taken_back() {
    for scaled in [0, 3] {
        let fake = with_web().await;
        fake.scale(&reference(&web()), scaled);
        let mut wanted = web();
        wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
        let keep = Policy { conflicts: Some(Choice::Keep), ..Policy::default() };
        let keeping = Voyage { policy: keep, ..Voyage::new(&fake) };
        keeping.install(desired([wanted.clone()])).await.went_well();
        assert_eq!(replicas(&fake), scaled);
        let before = fake.writes().len();
        keeping.install(desired([wanted.clone()])).await.went_well();
        assert_eq!(fake.writes().len(), before, "what is kept was written again");
        let voyage = Voyage::new(&fake);
        let prepared = voyage.prepare(desired([wanted])).await;
        let owner = "kubectl scale or an autoscaler".to_owned();
        assert_eq!(conflicts(&prepared.plan), [("spec.replicas".to_owned(), vec![owner], Choice::Take)]);
        voyage.run(prepared, None).await.went_well();
        assert_eq!(replicas(&fake), 2);
    }
}

#[tokio::test]
async fn a_field_can_be_taken() {
    let fake = with_web().await;
    fake.set(&reference(&web()), "spec.replicas", &json!(5), "autoscaler");
    let voyage = Voyage { policy: Policy { conflicts: Some(Choice::Take), ..Policy::default() }, ..Voyage::new(&fake) };
    voyage.install(desired([web()])).await.went_well();
    assert_eq!(replicas(&fake), 2);
    let before = fake.writes().len();
    installed(&fake, desired([web()])).await;
    assert_eq!(fake.writes().len(), before);
}

/// Force is bound to what was shown: a conflict that came up since is not overruled.
#[tokio::test]
async fn force_takes_only_what_was_shown() {
    let fake = with_web().await;
    fake.set(&reference(&web()), "spec.replicas", &json!(5), "kubectl");
    let voyage = Voyage::new(&fake);
    let prepared = voyage.prepare(desired([web()])).await;
    fake.set(&reference(&web()), "spec.template.spec.containers[web].image", &json!("evil:1"), "somebody");
    let run = voyage.run(prepared, None).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["Drifted"]));
    assert!(
        run.outcome.causes[0].message.contains("spec.template.spec.containers[web].image (somebody)"),
        "{:?}",
        run.outcome.causes
    );
    assert_eq!(replicas(&fake), 5);
}

/// What else happens to the object meanwhile (a status, a field of others) does not matter.
#[tokio::test]
async fn force_looks_again_when_the_object_has_changed() {
    let fake = with_web().await;
    fake.set(&reference(&web()), "spec.replicas", &json!(5), "kubectl");
    let voyage = Voyage::new(&fake);
    let prepared = voyage.prepare(desired([web()])).await;
    fake.set(&reference(&web()), "spec.paused", &json!(true), "somebody");
    voyage.run(prepared, None).await.went_well();
    assert_eq!(replicas(&fake), 2);
}

/// Without a conflict in the plan nothing is forced: the server itself refuses what came up since.
#[tokio::test]
async fn a_conflict_that_came_up_since_is_refused() {
    let fake = with_web().await;
    let voyage = Voyage::new(&fake);
    let mut wanted = web();
    wanted["spec"]["replicas"] = 3.into();
    let prepared = voyage.prepare(desired([wanted])).await;
    fake.set(&reference(&web()), "spec.replicas", &json!(5), "autoscaler");
    let run = voyage.run(prepared, None).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    assert_eq!(replicas(&fake), 5);
}

#[tokio::test]
async fn what_others_made_is_left_alone_unless_adopted() {
    let fake = Fake::new();
    fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sea"}}));
    fake.made_by_hand(&config("conf", "theirs"));
    let wanted = || desired([config("conf", "ours")]);
    let prepared = Voyage::new(&fake).prepare(wanted()).await;
    assert_eq!(prepared.plan.summary().undecided, 2, "{:#?}", conflicts(&prepared.plan));
    let adopt = Policy { conflicts: Some(Choice::Take), adopt: true, ..Policy::default() };
    Voyage { policy: adopt, ..Voyage::new(&fake) }.install(wanted()).await.went_well();
    assert_eq!(fake.object(&reference(&config("conf", ""))).unwrap()["data"]["a"], "ours");
    // The namespace was there, and that is all that is asked of it.
    assert!(!fake.writes().iter().any(|write| write.ends_with("/namespaces/sea")));
}

#[tokio::test]
async fn what_was_deleted_by_hand_is_made_again() {
    let fake = with_web().await;
    fake.remove(&reference(&web()));
    let prepared = Voyage::new(&fake).prepare(desired([web()])).await;
    assert_eq!(prepared.plan.step("apply:Deployment/sea/web").unwrap().change, Change::Create);
    installed(&fake, desired([web()])).await;
    assert_eq!(replicas(&fake), 2);
}
