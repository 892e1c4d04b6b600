//! A run may break off anywhere; the next one ends where an undisturbed one would have.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use seaworthy::engine::Limits;
use seaworthy::engine::journal::Runs;
use seaworthy::event::Ended;
use seaworthy::object::ObjectRef;
use seaworthy::plan::install::Policy;
use seaworthy::prepare;
use serde_json::{Value, json};

use super::fake::{Fake, Fate};
use super::harbour::{Voyage, inputs, installed, shop};

async fn undisturbed() -> Vec<Value> {
    let fake = Fake::new();
    installed(&fake, shop()).await;
    fake.state()
}

/// From this write on the server is gone; the answer to the one before may be lost.
fn gone_from(fake: &Fake, write: usize, answer_lost: bool) {
    let mut gone = false;
    fake.rule(move |call| {
        if call.write == Some(write) && answer_lost {
            gone = true;
            return Fate::AnswerLost;
        }
        gone |= call.write == Some(write);
        if gone { Fate::Lost } else { Fate::Answered }
    });
}

async fn broken_off_at(write: usize, answer_lost: bool, expected: &[Value]) {
    let fake = Fake::new();
    let home = tempfile::tempdir().unwrap();
    let runs = Runs::new(home.path());
    let mut voyage = Voyage::new(&fake);
    let patient = voyage.limits;
    voyage.limits = Limits { api_away: Duration::ZERO, ..patient };
    let prepared = voyage.prepare(shop()).await;
    gone_from(&fake, write, answer_lost);
    let journal = runs.open(inputs(), prepared.plan.without_secrets()).await.unwrap();
    let id = journal.run().to_owned();
    let run = voyage.run(prepared, Some(&journal)).await;
    assert_eq!(run.outcome.ended, Ended::Failed, "at {write}");
    drop(journal);
    fake.rule(|_| Fate::Answered);
    voyage.limits = patient;

    let record = runs.load(&id).unwrap();
    let written: Vec<String> =
        record.plan.steps.iter().filter(|step| step.change.writes()).map(|step| step.id.clone()).collect();
    assert!(record.done.iter().all(|done| written.contains(done)), "{:?}", record.done);
    let prepared = prepare::resume(&voyage.cluster, (&record.plan, &record.done), Policy::default()).await.unwrap();
    let journal = runs.resume(&id, "0").await.unwrap();
    voyage.run(prepared, Some(&journal)).await.went_well();
    drop(journal);
    assert_eq!(fake.state(), expected, "at {write}, answer lost: {answer_lost}");

    let before = fake.writes().len();
    installed(&fake, shop()).await;
    assert_eq!(fake.writes().len(), before, "the run after that wrote, at {write}");
}

#[tokio::test]
async fn from_every_write_on() {
    let expected = undisturbed().await;
    let cases = (0..7).flat_map(|write| [(write, false), (write, true)]);
    join_all(cases.map(|(write, lost)| broken_off_at(write, lost, &expected))).await;
}

/// Not one write is sent before the journal has its intent: what is in the cluster is always in the journal.
#[tokio::test]
async fn the_intent_is_durable_before_the_act() {
    let fake = Fake::new();
    let home = tempfile::tempdir().unwrap();
    let runs = Runs::new(home.path());
    let voyage = Voyage::new(&fake);
    let prepared = voyage.prepare(shop()).await;
    let journal = runs.open(inputs(), prepared.plan.without_secrets()).await.unwrap();
    let path = home.path().join("runs").join(format!("{}.jsonl", journal.run()));
    fake.rule(move |call| {
        if call.write.is_some() {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = call.path.rsplit('/').next().unwrap();
            let intent = |line: &str| line.contains("\"entry\":\"intent\"") && line.contains(&format!("/{name}\""));
            assert!(text.lines().any(intent), "{name} was written without an intent");
        }
        Fate::Answered
    });
    voyage.run(prepared, Some(&journal)).await.went_well();
}

fn secret(password: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "sea"}, "data": {"password": password}})
}

/// A journal holds no secrets. Taking a run up again must not write what stands in their place.
#[tokio::test]
async fn what_stands_in_place_of_a_secret_is_never_written() {
    for written_before in [true, false] {
        let fake = Fake::new();
        let mut wanted = shop();
        wanted.objects.push((None, secret("c3dvcmRmaXNo")));
        let voyage = Voyage::new(&fake);
        let plan = voyage.prepare(wanted.clone()).await.plan.without_secrets();
        if written_before {
            installed(&fake, wanted).await;
        }
        let before = fake.writes().len();
        let prepared = prepare::resume(&voyage.cluster, (&plan, &BTreeSet::new()), Policy::default()).await.unwrap();
        let needed: Vec<String> = prepared.refusals.iter().map(|cause| cause.reason.clone()).collect();
        let run = voyage.run(prepared, None).await;
        if written_before {
            run.went_well();
            assert_eq!((needed.len(), fake.writes().len()), (0, before));
        } else {
            assert_eq!((needed, run.reasons()), (vec!["SecretNeeded".to_owned()], vec!["SecretNeeded"]));
        }
        let live = fake.object(&ObjectRef::of(&secret("")).unwrap());
        let password = live.map(|live| live["data"]["password"].clone());
        assert_eq!(password, written_before.then(|| Value::from("c3dvcmRmaXNo")));
    }
}
