//! A wait that stalls names the root in place, as the doctor names it.

use std::time::Duration;

use http::Method;
use seaworthy::cluster::{Cluster, Meter, Resources};
use seaworthy::doctor::Cause;
use seaworthy::doctor::evidence::{Scope, gather};
use seaworthy::doctor::report::{Choice, judge};
use seaworthy::engine::{self, Context, Limits};
use seaworthy::event::{Ended, Event, Outcome};
use seaworthy::plan::Installation;
use seaworthy::plan::install::{Desired, Policy};
use seaworthy::prepare;
use seaworthy::sandbox::{Kind, Quay, faults};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::support::{Harbour, SEA};

fn deployment(name: &str, namespace: &str, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "app", "image": image}]}}}})
}

/// A webhook that must be asked about every pod of the namespace of these tests, whose own image does not exist.
async fn guarded() -> Harbour {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.sandbox.strike(faults::find("image-missing").unwrap(), "example/guard");
    let make = async |path: &str, object: &Value| {
        harbour.send(Method::POST, path, "application/json", object).await.unwrap();
    };
    make("/api/v1/namespaces", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "yard"}})).await;
    make("/apis/apps/v1/namespaces/yard/deployments", &deployment("guard", "yard", "example/guard:2")).await;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "guard", "namespace": "yard"},
        "spec": {"selector": {"app": "guard"}, "ports": [{"port": 443}]}});
    make("/api/v1/namespaces/yard/services", &service).await;
    let hooks = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "guard"},
        "webhooks": [{"name": "guard.example.com", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"namespace": "yard", "name": "guard"}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": SEA}},
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]}]});
    make("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", &hooks).await;
    harbour
}

/// Installs one Deployment, for a minute at the most. How it ended, and every cause that was shown meanwhile.
async fn install(cluster: &Cluster, object: Value) -> (Outcome, Vec<Cause>) {
    let own = |text: &str| text.to_owned();
    let installation = Installation {
        stack: own("shop"),
        version: own("1"),
        namespace: own(SEA),
        release: own("shop"),
        profile: own("single-node"),
    };
    let desired = Desired { objects: vec![(None, object)], ..Desired::default() };
    let prepared = prepare::install(cluster, installation, desired, Policy::default()).await.unwrap();
    let (events, mut receiver) = mpsc::channel(64);
    let context = Context {
        cluster: cluster.clone(),
        here: seaworthy::host::Surroundings::new([], 1000),
        resources: Resources::default(),
        snapshot: prepared.snapshot,
        events,
        cancel: CancellationToken::new(),
        limits: Limits { wait: Duration::from_secs(60), ..Limits::default() },
        stacks: None,
        commands: None,
    };
    let run = async {
        let outcome = engine::run(&prepared.plan, &context, None).await;
        drop(context);
        outcome
    };
    let listen = async {
        let mut causes = Vec::new();
        while let Some(event) = receiver.recv().await {
            if let Event::Waiting { cause: Some(cause), .. } = event {
                causes.push(cause);
            }
        }
        causes
    };
    tokio::join!(run, listen)
}

#[tokio::test]
async fn the_cause_in_place_is_the_root_that_the_doctor_names() {
    let harbour = guarded().await;
    let cluster = harbour.sandbox.cluster(Meter::new(false));
    let before = tokio::time::Instant::now();
    let (outcome, shown) = install(&cluster, deployment("web", SEA, "example/web:1")).await;
    assert_eq!(outcome.ended, Ended::Failed);
    // The rules about stalls see the webhook that refuses; what is wrong is its own image, in another namespace.
    let root = &outcome.causes[0];
    assert_eq!(
        (root.id.as_str(), root.object.as_ref().unwrap().to_string().as_str()),
        ("P002", "Deployment/yard/guard"),
        "{root:#?}"
    );
    assert!(shown.iter().any(|cause| cause.id == "P002"), "it is shown while the wait goes on, too: {shown:#?}");
    // Asking the doctor has cost the wait nothing.
    assert!(before.elapsed() < Duration::from_secs(64), "{:?}", before.elapsed());
    let evidence = gather(&cluster, &Scope::default()).await.unwrap();
    let report = judge(&evidence, &Choice::default());
    let named = report.findings.iter().find(|finding| finding.id == "P002").unwrap();
    assert_eq!(
        (&root.message, &root.reason, root.remedy.as_ref()),
        (&named.message, &named.reason, named.fix.as_ref())
    );
    assert!(named.walk().iter().any(|below| below.id == shown[0].id), "{}: {report:#?}", shown[0].id);
}

#[tokio::test]
async fn what_the_wait_knows_itself_stays_when_the_doctor_cannot_read() {
    let harbour = guarded().await;
    // Only the doctor lists these; it is not answered.
    let silent = |quay: Quay| {
        let pass = move |request: http::Request<kube::client::Body>| {
            let quay = quay.clone();
            async move {
                if request.uri().path() == "/apis/apps/v1/daemonsets" {
                    return std::future::pending().await;
                }
                quay.oneshot(request).await
            }
        };
        Quay::new(tower::service_fn(pass))
    };
    let cluster = harbour.sandbox.cluster_through(Meter::new(false), silent);
    let before = tokio::time::Instant::now();
    let (outcome, shown) = install(&cluster, deployment("web", SEA, "example/web:1")).await;
    assert_eq!(outcome.ended, Ended::Failed);
    assert!(outcome.causes[0].message.contains("guard.example.com"), "{:#?}", outcome.causes);
    assert_eq!(outcome.causes[0].id, shown[0].id);
    // A minute of waiting, and eight seconds for a last question.
    assert!(before.elapsed() < Duration::from_secs(72), "{:?}", before.elapsed());
}

/// What the wait sees is the root itself: the doctor says the same, and nothing is exchanged.
#[tokio::test]
async fn a_cause_that_is_the_root_is_left_as_it_is() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team", "namespace": SEA}, "spec": {"hard": {"pods": "0"}}});
    harbour.make(&quota).await.unwrap();
    let cluster = harbour.sandbox.cluster(Meter::new(false));
    let reads = cluster.meter.counts();
    let (outcome, shown) = install(&cluster, deployment("web", SEA, "example/web:1")).await;
    assert_eq!(outcome.ended, Ended::Failed);
    let ids: std::collections::BTreeSet<&str> =
        shown.iter().chain(&outcome.causes).map(|cause| cause.id.as_str()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let report = judge(&gather(&cluster, &Scope::default()).await.unwrap(), &Choice::default());
    assert!(report.findings.iter().any(|finding| ids.contains(finding.id.as_str())), "{ids:?}: {report:#?}");
    // At most once in ten seconds, 29 requests each.
    let asked = cluster.meter.counts().reads - reads.reads;
    assert!(asked < 29 * 9 + 120, "{asked} reads");
}
