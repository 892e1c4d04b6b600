//! Every wait has a deadline, and an API server may be away for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seaworthy::event::{Ended, Event, StepState};
use tokio::sync::mpsc;

use super::fake::{Fake, Fate};
use super::harbour::{Voyage, deployment, reference, shop};

fn impatient(fake: &Fake, wait: Duration, api_away: Duration) -> Voyage {
    let mut voyage = Voyage::new(fake);
    (voyage.limits.wait, voyage.limits.api_away) = (wait, api_away);
    voyage
}

#[tokio::test]
async fn the_deadline_is_kept_and_says_what_was_waited_for() {
    let fake = Fake::new();
    fake.hold("PersistentVolumeClaim/data");
    let run = impatient(&fake, Duration::from_millis(200), Duration::from_secs(10)).install(shop()).await;
    assert_eq!(run.outcome.ended, Ended::Failed);
    let cause = &run.outcome.causes[0];
    assert_eq!(cause.object.as_ref().unwrap().name, "data", "{cause:?}");
    assert!(cause.remedy.is_some(), "{cause:?}");
    // web waits for mq, and mq is whole only with its claim.
    assert!(!fake.writes().iter().any(|write| write.ends_with("/deployments/web")));
}

#[tokio::test]
async fn a_write_is_tried_again_while_the_server_is_away() {
    let fake = Fake::new();
    let (mut lost, mut refused) = (1, 2);
    fake.rule(move |call| {
        if call.write.is_some() && call.path.ends_with("/configmaps/mq") && lost > 0 {
            lost -= 1;
            return Fate::AnswerLost;
        }
        if call.write.is_some() && call.path.ends_with("/configmaps/web") && refused > 0 {
            refused -= 1;
            return Fate::Refused(503, "ServiceUnavailable");
        }
        Fate::Answered
    });
    let run = Voyage::new(&fake).install(shop()).await.went_well();
    assert_eq!(fake.writes().len(), 7 + 3);
    let said = |event: &&Event| matches!(event, Event::Notice { text } if text.contains("does not answer"));
    assert_eq!(run.events.iter().filter(said).count(), 2, "once for each that had to wait");
}

#[tokio::test]
async fn a_server_that_stays_away_ends_the_run() {
    let fake = Fake::new();
    fake.rule(|call| if call.write.is_some() { Fate::Lost } else { Fate::Answered });
    let run = impatient(&fake, Duration::from_secs(20), Duration::from_millis(300)).install(shop()).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["ApiServerGone"]));
    assert!(run.outcome.causes[0].message.contains("connection refused"), "{:?}", run.outcome.causes);
}

#[tokio::test]
async fn a_wait_outlives_a_server_that_comes_back() {
    let fake = Fake::new();
    fake.hold("Deployment/mq");
    let away = Arc::new(AtomicBool::new(true));
    let gone = away.clone();
    fake.rule(move |call| {
        if call.path.contains("/apps/") && call.is_watch() && gone.load(Ordering::Relaxed) {
            Fate::Lost
        } else {
            Fate::Answered
        }
    });
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let voyage = Voyage { watcher: Some(sender), ..Voyage::new(&fake) };
    let back = async {
        while let Some(event) = receiver.recv().await {
            if matches!(&event, Event::Waiting { object, .. } if object.name == "mq") {
                break;
            }
        }
        away.store(false, Ordering::Relaxed);
        fake.release(&reference(&deployment("mq", &[])));
    };
    let (run, ()) = tokio::join!(voyage.install(shop()), back);
    let run = run.went_well();
    assert!(run.steps(|state| matches!(state, StepState::Failed { .. })).is_empty());
}

#[tokio::test]
async fn a_wait_ends_when_the_server_stays_away() {
    let fake = Fake::new();
    fake.hold("Deployment/mq");
    fake.rule(|call| {
        if call.path.contains("/apps/") && call.number > 3 && call.write.is_none() {
            Fate::Lost
        } else {
            Fate::Answered
        }
    });
    let run = impatient(&fake, Duration::from_secs(20), Duration::from_millis(300)).install(shop()).await;
    assert_eq!((run.outcome.ended, run.reasons()), (Ended::Failed, vec!["ApiServerGone"]));
}

/// Who may not read pods can still install: what is not readable is said, not waited for for ever.
#[tokio::test]
async fn kinds_that_may_not_be_read_do_not_stop_the_run() {
    let fake = Fake::new();
    fake.rule(|call| {
        if ["/pods", "/events", "/replicasets"].iter().any(|end| call.path.ends_with(end)) {
            Fate::Refused(403, "Forbidden")
        } else {
            Fate::Answered
        }
    });
    Voyage::new(&fake).install(shop()).await.went_well();
}
