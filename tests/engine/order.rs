//! What comes before what, how much at once, and nothing twice.

use seaworthy::engine::Limits;
use seaworthy::event::{Event, StepState};
use tokio::sync::mpsc;

use super::fake::Fake;
use super::harbour::{Voyage, config, deployment, desired, installed, reference, shop};

fn position(writes: &[String], end: &str) -> usize {
    writes.iter().position(|write| write.ends_with(end)).unwrap_or_else(|| panic!("no write to {end}: {writes:#?}"))
}

#[tokio::test]
async fn a_step_begins_when_what_it_needs_is_done() {
    let fake = Fake::new();
    installed(&fake, shop()).await;
    let writes = fake.writes();
    let before = |first: &str, second: &str| {
        assert!(position(&writes, first) < position(&writes, second), "{first} before {second}: {writes:#?}");
    };
    before("/namespaces/sea", "/configmaps/shared");
    for (config, deployment) in [("shared", "web"), ("web", "web"), ("shared", "mq"), ("mq", "mq")] {
        before(&format!("/configmaps/{config}"), &format!("/deployments/{deployment}"));
    }
    before("/deployments/mq", "/deployments/web");
    assert_eq!(writes.len(), 7, "{writes:#?}");
}

#[tokio::test]
async fn a_component_waits_until_the_one_before_is_ready() {
    let fake = Fake::new();
    fake.hold("Deployment/mq");
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let voyage = Voyage { watcher: Some(sender), ..Voyage::new(&fake) };
    let release = async {
        while let Some(event) = receiver.recv().await {
            if matches!(&event, Event::Waiting { object, progress, .. } if object.name == "mq" && progress == "0 of 2 pods ready")
            {
                break;
            }
        }
        assert!(!fake.writes().iter().any(|write| write.ends_with("/deployments/web")), "web was not to be begun");
        fake.release(&reference(&deployment("mq", &[])));
    };
    let (run, ()) = tokio::join!(voyage.install(shop()), release);
    let run = run.went_well();
    let done = run.steps(|state| matches!(state, StepState::Done { .. }));
    let place = |id: &str| done.iter().position(|done| *done == id).unwrap();
    assert!(place("await:Deployment/sea/mq") < place("apply:Deployment/sea/web"), "{done:#?}");
}

#[tokio::test]
async fn no_more_is_in_flight_than_allowed() {
    let fake = Fake::new();
    let mut voyage = Voyage::new(&fake);
    voyage.limits = Limits { in_flight: 4, ..voyage.limits };
    voyage.install(desired((0..60).map(|number| config(&format!("c{number}"), "1")))).await.went_well();
    assert_eq!((fake.most_in_flight(), fake.writes().len()), (4, 61));
}

#[tokio::test]
async fn a_second_run_writes_nothing_and_asks_little() {
    let fake = Fake::new();
    installed(&fake, shop()).await;
    let before = fake.calls().len();
    let voyage = Voyage::new(&fake);
    let prepared = voyage.prepare(shop()).await;
    assert!(!prepared.plan.writes(), "{:#?}", prepared.plan.steps);
    let run = voyage.run(prepared, None).await.went_well();
    assert_eq!(fake.writes().len(), 7, "the second run wrote");
    assert_eq!((run.outcome.requests.writes, run.outcome.requests.dry), (0, 0));
    // A list for each kind, and the namespace: what is as it was needs no watch.
    let calls: Vec<String> =
        fake.calls()[before..].iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    assert_eq!(calls.len(), 4, "{calls:#?}");
}

#[tokio::test]
async fn an_update_sends_only_what_differs() {
    let fake = Fake::new();
    installed(&fake, shop()).await;
    let mut wanted = shop();
    wanted.objects[1].1 = config("web", "2");
    installed(&fake, wanted).await;
    assert_eq!(fake.writes()[7..], ["PATCH /api/v1/namespaces/sea/configmaps/web"]);
}
