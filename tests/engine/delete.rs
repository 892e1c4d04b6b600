//! What goes away, what stays, and waiting for what holds on.

use std::collections::BTreeSet;
use std::time::Duration;

use seaworthy::event::{Ended, Event, StepState};
use seaworthy::object::ObjectRef;
use seaworthy::plan::Change;
use seaworthy::plan::install::Desired;
use seaworthy::plan::uninstall::Destroy;
use seaworthy::prepare;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::fake::Fake;
use super::harbour::{Run, Voyage, claim, config, desired, installation, installed, reference, shop};

fn inventory(objects: &[Value]) -> Vec<ObjectRef> {
    objects.iter().map(reference).collect()
}

/// Wants only `a`, after an installation of more.
fn only_a(more: &[Value]) -> Desired {
    Desired { inventory: inventory(more), ..desired([config("a", "1")]) }
}

#[tokio::test]
async fn what_is_no_longer_wanted_goes_but_data_stays() {
    let fake = Fake::new();
    let all = [config("a", "1"), config("b", "1"), claim("data")];
    installed(&fake, desired(all.clone())).await;
    let prepared = Voyage::new(&fake).prepare(only_a(&all)).await;
    let summary = prepared.plan.summary();
    assert_eq!((summary.delete, summary.keep), (1, 1));
    installed(&fake, only_a(&all)).await;
    assert!(fake.object(&reference(&config("b", ""))).is_none());
    assert!(fake.object(&reference(&claim("data"))).is_some());
}

#[tokio::test]
async fn what_somebody_made_anew_is_left_alone() {
    let fake = Fake::new();
    let all = [config("a", "1"), config("b", "1")];
    installed(&fake, desired(all.clone())).await;
    let voyage = Voyage::new(&fake);
    let prepared = voyage.prepare(only_a(&all)).await;
    let anew = config("b", "theirs");
    fake.remove(&reference(&anew));
    fake.made_by_hand(&anew);
    voyage.run(prepared, None).await.went_well();
    assert_eq!(fake.object(&reference(&anew)).unwrap()["data"]["a"], "theirs", "another incarnation was deleted");
    let prepared = voyage.prepare(only_a(&all)).await;
    assert_eq!((prepared.plan.summary().delete, prepared.plan.summary().keep), (0, 1));
}

fn held() -> Value {
    let mut object = config("b", "1");
    object["metadata"]["finalizers"] = json!(["harbour.example/pilot"]);
    object
}

/// Prunes an object with a finalizer; `then` is done when it is waited for.
async fn prune_held(fake: &Fake, wait: Duration, then: impl FnOnce()) -> Run {
    let all = [config("a", "1"), held()];
    installed(fake, desired(all.clone())).await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut voyage = Voyage { watcher: Some(sender), ..Voyage::new(fake) };
    voyage.limits.wait = wait;
    let act = async {
        while let Some(event) = receiver.recv().await {
            if matches!(&event, Event::Waiting { object, .. } if object.name == "b") {
                break;
            }
        }
        then();
    };
    tokio::join!(voyage.install(only_a(&all)), act).0
}

#[tokio::test]
async fn a_delete_waits_for_finalizers() {
    let fake = Fake::new();
    let other = fake.clone();
    prune_held(&fake, Duration::from_secs(20), || other.remove(&reference(&held()))).await.went_well();
    assert!(fake.object(&reference(&held())).is_none());
}

#[tokio::test]
async fn a_finalizer_that_nobody_serves_is_named_at_the_deadline() {
    let fake = Fake::new();
    let run = prune_held(&fake, Duration::from_millis(300), || {}).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["Finalizers"]));
    assert!(run.outcome.causes[0].message.contains("harbour.example/pilot"), "{:?}", run.outcome.causes);
}

#[tokio::test]
async fn a_cause_is_held_back_until_it_has_stood() {
    let fake = Fake::new();
    let run = prune_held(&fake, Duration::from_secs(2), || {}).await;
    let causes: Vec<bool> = run
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Waiting { object, cause, .. } if object.name == "b" => Some(cause.is_some()),
            _ => None,
        })
        .collect();
    assert_eq!(causes, [false, true], "first that it is waited for, a second later why");
}

#[tokio::test]
async fn a_delete_that_was_sent_is_not_told_as_skipped() {
    let fake = Fake::new();
    let all = [config("a", "1"), held()];
    installed(&fake, desired(all.clone())).await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let voyage = Voyage { watcher: Some(sender), ..Voyage::new(&fake) };
    let stop = async {
        while let Some(event) = receiver.recv().await {
            if matches!(&event, Event::Waiting { object, .. } if object.name == "b") {
                break;
            }
        }
        voyage.cancel.cancel();
    };
    let (run, ()) = tokio::join!(voyage.install(only_a(&all)), stop);
    assert_eq!(run.outcome.ended, Ended::Interrupted);
    assert_eq!(run.steps(|state| matches!(state, StepState::Left)), ["prune:ConfigMap/sea/b"]);
    assert_eq!(run.steps(|state| matches!(state, StepState::Skipped)), [""; 0]);
}

async fn uninstall(fake: &Fake, destroy: &[&str]) -> Run {
    let voyage = Voyage::new(fake);
    let destroy = Destroy(destroy.iter().map(|name| name.parse().unwrap()).collect());
    let prepared = prepare::uninstall(&voyage.cluster, installation(), &[], &destroy).await.unwrap();
    voyage.run(prepared, None).await.went_well()
}

fn left(fake: &Fake) -> Vec<String> {
    let own = |object: &Value| object["metadata"]["namespace"] == "sea" || object["metadata"]["name"] == "sea";
    fake.state().iter().filter(|object| own(object)).map(|object| reference(object).to_string()).collect()
}

#[tokio::test]
async fn uninstall_takes_everything_but_data() {
    let fake = Fake::new();
    installed(&fake, shop()).await;
    let beside = config("theirs", "1");
    fake.made_by_hand(&beside);
    let run = uninstall(&fake, &[]).await;
    assert_eq!(left(&fake), ["ConfigMap/sea/theirs", "Namespace/sea", "PersistentVolumeClaim/sea/data"]);
    let writes = fake.writes();
    let place =
        |end: &str| writes.iter().position(|write| write.starts_with("DELETE") && write.ends_with(end)).unwrap();
    assert!(place("/deployments/web") < place("/configmaps/web"), "{writes:#?}");
    assert_eq!(run.outcome.requests.writes, 5);
    // Once more: nothing is left to do.
    let again = uninstall(&fake, &[]).await;
    assert_eq!(again.outcome.requests.writes, 0);
}

#[tokio::test]
async fn data_goes_only_by_name() {
    let fake = Fake::new();
    installed(&fake, shop()).await;
    uninstall(&fake, &["pvc/sea/data", "pvc/sea/other"]).await;
    assert_eq!(left(&fake), ["Namespace/sea"]);
}

#[tokio::test]
async fn a_plan_that_was_made_again_says_what_is_gone() {
    let fake = Fake::new();
    let all = [config("a", "1"), config("b", "1")];
    installed(&fake, desired(all.clone())).await;
    let voyage = Voyage::new(&fake);
    let plan = voyage.prepare(only_a(&all)).await.plan;
    fake.remove(&reference(&config("b", "")));
    let prepared = prepare::resume(&voyage.cluster, (&plan, &BTreeSet::new()), voyage.policy).await.unwrap();
    assert_eq!(prepared.plan.step("prune:ConfigMap/sea/b").unwrap().change, Change::Unchanged);
}
