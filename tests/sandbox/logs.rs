//! Logs as they are followed for a person: what has begun, what cannot yet, what was before, and a cluster that does not answer.

use std::time::Duration;

use seaworthy::cluster::Meter;
use seaworthy::logs::{Said, follow};
use seaworthy::object::ObjectRef;
use seaworthy::sandbox::{Kind, faults};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use super::support::{Harbour, SEA};

fn deployment(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": SEA},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": format!("{name}:1")}]}}}})
}

/// Follows until it is dropped.
fn listen(harbour: &Harbour, object: ObjectRef) -> (JoinHandle<String>, Receiver<Said>) {
    let client = harbour.sandbox.cluster(Meter::new(true)).client;
    let (sender, said) = channel(64);
    (tokio::spawn(async move { follow(&client, &object, &sender).await }), said)
}

fn object(kind: &str, name: &str) -> ObjectRef {
    ObjectRef::new(if kind == "Deployment" { "apps/v1" } else { "v1" }, kind, Some(SEA), name)
}

/// What is said, up to the first that is wanted; the time is the sandbox's, which leaps.
async fn until(said: &mut Receiver<Said>, wanted: impl Fn(&Said) -> bool) -> Vec<Said> {
    let mut heard = Vec::new();
    let wait = async {
        loop {
            let one = said.recv().await.expect("more is said");
            heard.push(one);
            if wanted(heard.last().unwrap()) {
                return;
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(900), wait).await;
    assert!(in_time.is_ok(), "not heard: {heard:#?}");
    heard
}

fn line(said: &Said, words: &str) -> bool {
    matches!(said, Said::Line { text, .. } if text.contains(words))
}

fn note(said: &Said, words: &str) -> bool {
    matches!(said, Said::Note(text) if text.contains(words))
}

#[tokio::test]
async fn a_workload_is_heard_from_before_it_is_there() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let _leap = harbour.clock.leap();
    let (task, mut said) = listen(&harbour, object("Deployment", "web"));
    until(&mut said, |said| note(said, "there is no pod of Deployment/sea/web yet")).await;
    harbour.make(&deployment("web")).await.unwrap();
    harbour.make(&deployment("web-other")).await.unwrap();
    let heard = until(&mut said, |said| line(said, "container main of image web:1 started")).await;
    assert!(heard.iter().all(|said| !line(said, "web-other")), "{heard:#?}");
    drop(said);
    assert_eq!(task.await.unwrap(), "", "nobody listens any more");
}

#[tokio::test]
async fn what_has_no_log_yet_says_why_and_what_crashes_has_that_of_before() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let _leap = harbour.clock.leap();
    harbour.sandbox.strike(faults::find("image-missing").unwrap(), "gone:1");
    harbour.make(&deployment("gone")).await.unwrap();
    let (_task, mut said) = listen(&harbour, object("Deployment", "gone"));
    until(&mut said, |said| note(said, "waits: ErrImagePull") || note(said, "waits: ImagePullBackOff")).await;
    harbour.make(&deployment("bad")).await.unwrap();
    harbour.sandbox.strike(faults::find("crash").unwrap(), "bad");
    let (_task, mut said) = listen(&harbour, object("Deployment", "bad"));
    until(&mut said, |said| note(said, "waits: CrashLoopBackOff")).await;
    until(&mut said, |said| line(said, "started; nothing runs in it")).await;
    // Whoever begins to listen when it has been started again hears what was before.
    let (_task, mut said) = listen(&harbour, object("Deployment", "bad"));
    until(&mut said, |said| line(said, "started; nothing runs in it")).await;
}

#[tokio::test]
async fn a_service_is_heard_through_its_pods_and_what_has_none_says_so() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let _leap = harbour.clock.leap();
    harbour.make(&deployment("web")).await.unwrap();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": SEA},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    harbour.make(&service).await.unwrap();
    let (_task, mut said) = listen(&harbour, object("Service", "web"));
    until(&mut said, |said| line(said, "image web:1")).await;
    let why = |object: ObjectRef| {
        let (task, said) = listen(&harbour, object);
        async move {
            let why = task.await.unwrap();
            drop(said);
            why
        }
    };
    assert_eq!(why(object("ConfigMap", "web")).await, "ConfigMap/sea/web has no pods, and so no logs");
    assert_eq!(why(ObjectRef::new("v1", "Namespace", None, SEA)).await, "Namespace/sea has no pods, and so no logs");
    assert!(why(object("Service", "none")).await.contains("not found"));
}

#[tokio::test]
async fn an_api_server_that_is_away_is_said_to_be_and_then_it_goes_on() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let _leap = harbour.clock.leap();
    harbour.make(&deployment("web")).await.unwrap();
    harbour.sandbox.strike(faults::find("api-down").unwrap(), "120");
    let (_task, mut said) = listen(&harbour, object("Deployment", "web"));
    until(&mut said, |said| note(said, "the API server does not answer")).await;
    until(&mut said, |said| line(said, "image web:1")).await;
}
