//! Volumes copied out and in by the engine, in every way in which that goes wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seaworthy::cluster::{Cluster, Meter, Resources};
use seaworthy::engine::rescue::copy::archive::{Certificate, Paths, certified};
use seaworthy::engine::{self, Context, Limits};
use seaworthy::event::{Ended, Event, Outcome};
use seaworthy::object::ObjectRef;
use seaworthy::plan::verb::{Pinned, Verb};
use seaworthy::plan::{Action, Installation, Plan, Purpose, Step};
use seaworthy::sandbox::{Kind, Quay, faults};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::support::{Harbour, SEA, claim, pod};

const DATA: &str = "data";

fn data() -> ObjectRef {
    ObjectRef::new("v1", "PersistentVolumeClaim", Some(SEA), DATA)
}

fn app() -> Value {
    let mut app = pod("app", DATA);
    app["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    app
}

/// A claim whose pod has written, and has gone again; a pod of busybox has left its image on the node.
async fn harbour() -> Harbour {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&claim(DATA)).await.unwrap();
    harbour.make(&app()).await.unwrap();
    let mut other = pod("other", "none");
    other["spec"]["containers"][0]["image"] = "docker.io/library/busybox:1.36".into();
    other["spec"].as_object_mut().unwrap().remove("volumes");
    harbour.make(&other).await.unwrap();
    harbour.sandbox.rest(30);
    for (path, content) in [("one", b"first".to_vec()), ("a b/\u{e4}\nc", vec![7; 300_000]), ("empty/", Vec::new())] {
        assert!(harbour.sandbox.write_file((SEA, DATA), path, &content));
    }
    harbour
}

async fn stop(harbour: &Harbour) {
    harbour.delete(&format!("/api/v1/namespaces/{SEA}/pods/app")).await.unwrap();
    harbour.sandbox.rest(30);
}

fn strike(harbour: &Harbour, fault: &str, target: &str) {
    harbour.sandbox.strike(faults::find(fault).unwrap(), target);
}

fn out(harbour: &Harbour, folder: &Path, quiet: bool) -> Verb {
    let live = harbour.sandbox.object(&data()).unwrap();
    Verb::CopyOut { claim: Pinned::of(&live).unwrap(), folder: folder.display().to_string(), image: None, quiet }
}

fn into(folder: &Path, over: bool) -> Verb {
    Verb::CopyIn { claim: data(), folder: folder.display().to_string(), image: None, over }
}

/// Runs one verb; how it ended, and what was noted of it.
async fn run(cluster: &Cluster, verb: Verb) -> (Outcome, String) {
    let own = |text: &str| text.to_owned();
    let installation = Installation {
        stack: own("shop"),
        version: own("1"),
        namespace: own(SEA),
        release: own("shop"),
        profile: own("ha"),
    };
    let (id, title, change) = (verb.id(), verb.title(), verb.change());
    let action = Action::Rescue { verb: Box::new(verb), limit: 0 };
    let step = Step { id, title, component: None, needs: Vec::new(), action, change };
    let plan = Plan {
        purpose: Purpose::Recover,
        installation,
        cluster: cluster.id.clone(),
        steps: vec![step],
        reach: Vec::new(),
        occasion: None,
    };
    let (events, mut receiver) = mpsc::channel(64);
    let context = Context {
        cluster: cluster.clone(),
        here: seaworthy::host::Surroundings::new([], 1000),
        resources: Resources::default(),
        snapshot: seaworthy::snapshot::Snapshot::default(),
        events,
        cancel: CancellationToken::new(),
        limits: Limits::default(),
        stacks: None,
        commands: None,
    };
    let run = async {
        let outcome = engine::run(&plan, &context, None).await;
        drop(context);
        outcome
    };
    let listen = async {
        let mut notes = String::new();
        while let Some(event) = receiver.recv().await {
            match event {
                Event::Step { state: seaworthy::event::StepState::Done { note, .. }, .. } => {
                    notes.push_str(&note.unwrap_or_default());
                }
                Event::Notice { text } => notes.extend([text.as_str(), "\n"]),
                _ => {}
            }
        }
        notes
    };
    tokio::join!(run, listen)
}

async fn plainly(harbour: &Harbour, verb: Verb) -> (Outcome, String) {
    run(&harbour.sandbox.cluster(Meter::new(false)), verb).await
}

fn known(folder: &Path) -> Option<Certificate> {
    certified(&Paths::of(folder, &data())).unwrap()
}

fn helpers(harbour: &Harbour) -> Vec<Value> {
    let all = harbour.sandbox.objects();
    all.into_iter().filter(|object| object["metadata"]["labels"]["seaworthy.dev/helper"].is_string()).collect()
}

#[track_caller]
fn done(outcome: &Outcome) {
    assert_eq!(outcome.ended, Ended::Done, "{:#?}", outcome.causes);
}

#[track_caller]
fn failed(outcome: &Outcome, id: &str) -> String {
    assert_eq!(outcome.ended, Ended::Failed);
    let cause = &outcome.causes[0];
    assert_eq!(cause.id, id, "{cause:#?}");
    assert!(cause.remedy.is_some(), "{cause:#?}");
    cause.message.clone()
}

#[tokio::test]
async fn what_was_on_a_volume_is_copied_out_once_and_in_again() {
    let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
    stop(&harbour).await;
    let before = harbour.sandbox.files(SEA, DATA).unwrap();
    let (outcome, note) = plainly(&harbour, out(&harbour, home.path(), true)).await;
    done(&outcome);
    assert!(note.contains("3 files") && note.contains("sea.data.tar"), "{note}");
    let certificate = known(home.path()).unwrap();
    assert!(!certificate.live && certificate.by.contains("busybox"), "{certificate:?}");
    let tar = home.path().join("sea.data.tar");
    assert_eq!(std::fs::metadata(&tar).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!home.path().join("sea.data.tar.part").exists());
    assert!(helpers(&harbour).is_empty());
    // A second time nothing is written.
    let cluster = harbour.sandbox.cluster(Meter::new(false));
    done(&run(&cluster, out(&harbour, home.path(), true)).await.0);
    assert_eq!(cluster.meter.counts().writes, 0);

    strike(&harbour, "volume-emptied", DATA);
    done(&plainly(&harbour, into(home.path(), false)).await.0);
    assert_eq!(harbour.sandbox.files(SEA, DATA).unwrap(), before);
    assert!(helpers(&harbour).is_empty());
    let marked =
        harbour.sandbox.object(&data()).unwrap()["metadata"]["annotations"]["seaworthy.dev/copying-in"].clone();
    assert!(marked.is_null(), "{marked}");
    // What is there already is not written again; what is there otherwise goes only when that was said.
    done(&plainly(&harbour, into(home.path(), false)).await.0);
    harbour.sandbox.write_file((SEA, DATA), "later", b"new");
    let message = failed(&plainly(&harbour, into(home.path(), false)).await.0, "copy-not-empty");
    assert!(message.contains("nothing was written"), "{message}");
    assert!(harbour.sandbox.files(SEA, DATA).unwrap().contains_key("later"));
    done(&plainly(&harbour, into(home.path(), true)).await.0);
    assert_eq!(harbour.sandbox.files(SEA, DATA).unwrap(), before);
}

#[tokio::test]
async fn a_copy_of_what_is_in_use_says_so_and_is_refused_where_it_must_not_be() {
    let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
    let message = failed(&plainly(&harbour, out(&harbour, home.path(), true)).await.0, "copy-in-use");
    assert!(message.contains("app"), "{message}");
    let (outcome, note) = plainly(&harbour, out(&harbour, home.path(), false)).await;
    done(&outcome);
    assert!(note.contains("live, not of one moment"), "{note}");
    assert!(known(home.path()).unwrap().live);
    failed(&plainly(&harbour, into(home.path(), true)).await.0, "copy-in-use");
    assert!(helpers(&harbour).is_empty());
}

#[tokio::test]
async fn a_copy_that_was_cut_short_begins_anew_and_is_never_taken_for_whole() {
    let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
    stop(&harbour).await;
    strike(&harbour, "copy-truncated", "2");
    let (outcome, note) = plainly(&harbour, out(&harbour, home.path(), true)).await;
    done(&outcome);
    assert_eq!(note.matches("copied anew").count(), 2, "{note}");
    assert!(known(home.path()).is_some());
    harbour.sandbox.mend();
    strike(&harbour, "copy-truncated", "");
    let other = home.path().join("other");
    let message = failed(&plainly(&harbour, out(&harbour, &other, true)).await.0, "copy-unproven");
    assert!(message.contains("3 times"), "{message}");
    assert!(known(&other).is_none() && !other.join("sea.data.tar").exists());
    assert!(helpers(&harbour).is_empty());
}

#[tokio::test]
async fn without_tools_every_image_that_was_tried_is_named() {
    let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
    stop(&harbour).await;
    strike(&harbour, "no-tar", "busybox");
    let message = failed(&plainly(&harbour, out(&harbour, home.path(), true)).await.0, "copy-no-tools");
    assert!(message.contains("busybox:1.36: ") && message.contains("it has no tar"), "{message}");
    assert!(helpers(&harbour).is_empty());
    // Named, only that one is tried; the image of what uses the claim does as well.
    let mut named = out(&harbour, home.path(), true);
    let Verb::CopyOut { image, .. } = &mut named else { unreachable!() };
    *image = Some("mine:1".to_owned());
    done(&plainly(&harbour, named).await.0);
    assert!(known(home.path()).unwrap().by.contains("mine:1"));
    let running = harbour.make(&app()).await;
    running.unwrap();
    harbour.sandbox.rest(30);
    let other = home.path().join("other");
    done(&plainly(&harbour, out(&harbour, &other, false)).await.0);
    assert!(known(&other).unwrap().by.contains("app:1"));
}

#[tokio::test]
async fn a_namespace_that_lets_no_helper_in_is_named_and_a_pod_of_the_application_is_asked_instead() {
    let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    harbour.merge(&format!("/api/v1/namespaces/{SEA}"), &labels).await.unwrap();
    done(&plainly(&harbour, out(&harbour, home.path(), false)).await.0);
    assert!(known(home.path()).unwrap().by.starts_with("app/main"));
    stop(&harbour).await;
    let other = home.path().join("other");
    let (outcome, _) = plainly(&harbour, out(&harbour, &other, true)).await;
    failed(&outcome, "copy-refused");
    assert!(outcome.causes[0].remedy.as_ref().unwrap().contains("enforce=baseline"));
    // The baseline is enough.
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}});
    harbour.merge(&format!("/api/v1/namespaces/{SEA}"), &labels).await.unwrap();
    done(&plainly(&harbour, out(&harbour, &other, true)).await.0);
    strike(&harbour, "volume-emptied", DATA);
    done(&plainly(&harbour, into(&other, false)).await.0);
}

#[tokio::test]
async fn a_claim_that_is_being_deleted_is_copied_by_the_pod_that_holds_it() {
    let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
    strike(&harbour, "claim-deleted", DATA);
    done(&plainly(&harbour, out(&harbour, home.path(), false)).await.0);
    let certificate = known(home.path()).unwrap();
    assert!(certificate.live && certificate.by.starts_with("app/main"), "{certificate:?}");
}

#[tokio::test]
async fn the_disk_of_this_machine_is_named_when_it_refuses() {
    let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
    stop(&harbour).await;
    std::fs::create_dir(home.path().join("sea.data.tar.part")).unwrap();
    let message = failed(&plainly(&harbour, out(&harbour, home.path(), true)).await.0, "shelf-io");
    assert!(message.contains("sea.data.tar.part"), "{message}");
    assert!(helpers(&harbour).is_empty());
}

/// The API server as a process sees it that dies at its n-th request.
fn dying(quay: Quay, left: Arc<AtomicUsize>, dead: CancellationToken) -> Quay {
    let pass = move |request: http::Request<kube::client::Body>| {
        let (quay, left, dead) = (quay.clone(), left.clone(), dead.clone());
        async move {
            if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
                dead.cancel();
                return std::future::pending().await;
            }
            quay.oneshot(request).await
        }
    };
    Quay::new(tower::service_fn(pass))
}

/// Runs a verb in a process that dies; whether it came to its end before.
async fn killed_at(harbour: &Harbour, verb: Verb, requests: usize) -> bool {
    let (left, dead) = (Arc::new(AtomicUsize::new(requests)), CancellationToken::new());
    let cluster = harbour.sandbox.cluster_through(Meter::new(false), |quay| dying(quay, left.clone(), dead.clone()));
    tokio::select! {
        biased;
        () = dead.cancelled() => false,
        (outcome, _) = run(&cluster, verb) => {
            done(&outcome);
            true
        }
    }
}

#[tokio::test]
async fn killed_at_any_request_it_comes_to_the_same_end() {
    for way in ["out", "in"] {
        for requests in 0.. {
            assert!(requests < 60, "{way}: it never ends");
            let (harbour, home) = (harbour().await, tempfile::tempdir().unwrap());
            stop(&harbour).await;
            let before = harbour.sandbox.files(SEA, DATA).unwrap();
            let verb = || if way == "out" { out(&harbour, home.path(), true) } else { into(home.path(), false) };
            if way == "in" {
                done(&plainly(&harbour, out(&harbour, home.path(), true)).await.0);
                strike(&harbour, "volume-emptied", DATA);
            }
            let whole = killed_at(&harbour, verb(), requests).await;
            let (outcome, _) = plainly(&harbour, verb()).await;
            assert_eq!(outcome.ended, Ended::Done, "{way}, killed at {requests}: {:#?}", outcome.causes);
            assert!(known(home.path()).is_some(), "{way} {requests}");
            assert_eq!(harbour.sandbox.files(SEA, DATA).unwrap(), before, "{way} {requests}");
            assert!(helpers(&harbour).is_empty(), "{way} {requests}");
            if whole {
                assert!(requests > 8, "{way}: only {requests} requests");
                break;
            }
        }
    }
}
