//! Stopping in good order.

use std::time::Duration;

use seaworthy::engine::journal::{RunState, Runs};
use seaworthy::event::{Ended, Event};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::fake::{Fake, Fate};
use super::harbour::{Run, Voyage, deployment, inputs, installed, reference, shop};

/// Runs the shop, and stops at the first event of this sort.
async fn stopped_at(voyage: Voyage, moment: impl Fn(&Event) -> bool) -> (Run, RunState) {
    let home = tempfile::tempdir().unwrap();
    let runs = Runs::new(home.path());
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let voyage = Voyage { watcher: Some(sender), ..voyage };
    let prepared = voyage.prepare(shop()).await;
    let journal = runs.open(inputs(), prepared.plan.without_secrets()).await.unwrap();
    let stop = async {
        while let Some(event) = receiver.recv().await {
            if moment(&event) {
                voyage.cancel.cancel();
                break;
            }
        }
    };
    let (run, ()) = tokio::join!(voyage.run(prepared, Some(&journal)), stop);
    let id = journal.run().to_owned();
    drop(journal);
    (run, runs.load(&id).unwrap().state)
}

#[tokio::test]
async fn while_something_is_waited_for() {
    let fake = Fake::new();
    fake.hold("Deployment/mq");
    let waits = |event: &Event| matches!(event, Event::Waiting { object, .. } if object.name == "mq");
    let (run, state) = stopped_at(Voyage::new(&fake), waits).await;
    assert_eq!((run.outcome.ended, state), (Ended::Interrupted, RunState::Interrupted));
    assert!(!fake.writes().iter().any(|write| write.ends_with("/deployments/web")));
    fake.release(&reference(&deployment("mq", &[])));
    let before = fake.writes().len();
    installed(&fake, shop()).await;
    assert!(fake.writes()[before..].iter().all(|write| write.ends_with("/web")), "{:#?}", &fake.writes()[before..]);
}

#[tokio::test]
async fn before_anything_was_begun() {
    let fake = Fake::new();
    let (run, state) = stopped_at(Voyage::new(&fake), |event| matches!(event, Event::Started { .. })).await;
    assert_eq!((run.outcome.ended, state), (Ended::Interrupted, RunState::Interrupted));
}

/// A server that takes a request and never answers must not hold up the stop: what came of the request is looked at by
/// the next run.
#[tokio::test]
async fn while_the_server_does_not_answer() {
    let fake = Fake::new();
    fake.rule(|call| {
        if call.write.is_some() && call.path.ends_with("/deployments/mq") { Fate::Hanging } else { Fate::Answered }
    });
    let sent = |event: &Event| matches!(event, Event::Step { id, .. } if id == "apply:Deployment/sea/mq");
    let stopped = timeout(Duration::from_secs(15), stopped_at(Voyage::new(&fake), sent)).await;
    let (run, state) = stopped.expect("the stop is held up by a request that nobody answers");
    assert_eq!((run.outcome.ended, state), (Ended::Interrupted, RunState::Interrupted));
}
