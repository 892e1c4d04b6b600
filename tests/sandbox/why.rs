//! `why` about objects that no check reads, by the real reading from an API server.

use http::Response;
use http_body_util::{BodyExt as _, Full};
use seaworthy::cluster::{Cluster, Meter};
use seaworthy::doctor::report::Choice;
use seaworthy::doctor::why::{Asked, ReadError, Why, WhyError, answer, read};
use seaworthy::error::Explain as _;
use seaworthy::sandbox::Kind;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::support::{Harbour, SEA};

async fn ask(cluster: &Cluster, words: &str) -> Result<Why, ReadError> {
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let (object, evidence) = read(cluster, &Asked::parse(&words, Some(SEA))?).await?;
    Ok(answer(&object, &evidence, &Choice::default())?)
}

fn lines(why: &Why) -> String {
    let lines: Vec<String> = why.details.iter().map(|detail| format!("{}: {}", detail.about, detail.says)).collect();
    lines.join("\n")
}

fn binding(role: &str) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "give", "namespace": SEA},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": SEA}]})
}

#[tokio::test]
async fn what_an_object_refers_to_is_read_beside_it() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&binding("gone")).await.unwrap();
    let cluster = harbour.sandbox.cluster(Meter::new(true));
    let told = ask(&cluster, "rolebinding/give").await.unwrap();
    assert_eq!((told.well, told.passing), (false, false), "{told:#?}");
    assert_eq!(told.why, "it gives Role/sea/gone, which is not there: it allows nothing");
    let account = ask(&cluster, "sa default").await.unwrap();
    assert!(lines(&account).contains("roles: Role/gone, which is not there"), "{account:#?}");
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "gone", "namespace": SEA},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
    harbour.make(&role).await.unwrap();
    assert!(ask(&cluster, "rolebinding/give").await.unwrap().well);
    let role = ask(&cluster, "roles.rbac.authorization.k8s.io/gone").await.unwrap();
    assert!(lines(&role).contains("given: by RoleBinding/sea/give"), "{role:#?}");
    let node = ask(&cluster, "node/sandbox-1").await.unwrap();
    assert!(node.well && node.state.starts_with("ready"), "{node:#?}");
}

#[tokio::test]
async fn a_workload_that_is_well_is_called_so_with_all_below_it() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": SEA},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "app", "image": "example/web:1"}]}}}});
    harbour.make(&deployment).await.unwrap();
    {
        let _leap = harbour.clock.leap();
        // Time leaps: nobody waits for it.
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
    let pods = harbour
        .sandbox
        .objects()
        .into_iter()
        .filter(|object| object["kind"] == "Pod" && object["metadata"]["namespace"] == SEA);
    let pod = pods.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).next().unwrap();
    let cluster = harbour.sandbox.cluster(Meter::new(true));
    for words in ["deploy/web".to_owned(), format!("po/{pod}")] {
        let told = ask(&cluster, &words).await.unwrap();
        assert!(told.well, "{told:#?}");
    }
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "example/web:2"}]}}}});
    harbour.merge("/apis/apps/v1/namespaces/sea/deployments/web", &image).await.unwrap();
    {
        let _leap = harbour.clock.leap();
        // Time leaps: nobody waits for it.
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
    let told = ask(&cluster, "deploy/web").await.unwrap();
    assert!(lines(&told).contains("against 1: app.image :1 -> :2"), "{told:#?}");
}

#[tokio::test]
async fn a_name_that_is_nearly_right_is_told_of_any_kind() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&binding("gone")).await.unwrap();
    let cluster = harbour.sandbox.cluster(Meter::new(true));
    let error = ask(&cluster, "rolebinding/gvie").await.unwrap_err();
    assert_eq!(error.to_string(), "RoleBinding/sea/gvie is not there; did you mean `rolebinding/give`?");
    assert_eq!((error.id(), error.class()), ("no-such-object", seaworthy::error::Class::Input));
    let error = ask(&cluster, "rolebnding/give").await.unwrap_err();
    assert_eq!(error.to_string(), "the cluster has no kind called `rolebnding`; did you mean `rolebinding`?");
}

/// A cluster that refuses what is asked for by one of these parts of a path.
fn refusing(harbour: &Harbour, parts: &'static [&'static str]) -> Cluster {
    harbour.sandbox.cluster_through(Meter::new(true), move |quay| {
        let refuse = move |request: http::Request<kube::client::Body>| {
            let quay = quay.clone();
            async move {
                if !parts.iter().any(|part| request.uri().path().contains(part)) {
                    return quay.oneshot(request).await;
                }
                let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
                    "message": "you may not"});
                let body = Full::from(status.to_string()).map_err(|never| match never {}).boxed_unsync();
                Ok::<_, tower::BoxError>(Response::builder().status(403).body(body).unwrap())
            }
        };
        tower::util::BoxCloneService::new(tower::service_fn(refuse))
    })
}

#[tokio::test]
async fn without_the_right_that_is_said_and_never_taken_for_missing() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&binding("gone")).await.unwrap();
    let error = ask(&refusing(&harbour, &["/rolebindings"]), "rolebinding/give").await.unwrap_err();
    assert!(matches!(&error, ReadError::Why(WhyError::Unread { why, .. }) if why.contains("you may not")), "{error}");
    // The role was not read, so nothing is said of it.
    let told = ask(&refusing(&harbour, &["/roles/"]), "rolebinding/give").await.unwrap();
    assert!(told.well, "{told:#?}");
}

fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "barges.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Barge", "plural": "barges", "singular": "barge", "shortNames": ["bg"]},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

#[tokio::test]
async fn custom_kinds_are_known_by_their_definition_or_by_the_api_server_itself() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour
        .send(
            http::Method::POST,
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "application/json",
            &definition(),
        )
        .await
        .unwrap();
    let _leap = harbour.clock.leap();
    // Time leaps: nobody waits for it.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let barge = json!({"apiVersion": "example.com/v1", "kind": "Barge", "metadata": {"name": "one", "namespace": SEA}, "spec": {}});
    let made = harbour
        .send(http::Method::POST, "/apis/example.com/v1/namespaces/sea/barges", "application/json", &barge)
        .await;
    made.unwrap();
    let status = json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Leak", "message": "water in the hold"}]}});
    harbour.merge("/apis/example.com/v1/namespaces/sea/barges/one/status", &status).await.unwrap();
    let whole = harbour.sandbox.cluster(Meter::new(true));
    let blind = refusing(&harbour, &["/customresourcedefinitions"]);
    for (cluster, words) in [
        (&whole, "bg/one"),
        (&whole, "barges.example.com one"),
        (&blind, "barges/one"),
        (&blind, "barge.example.com/one"),
    ] {
        let told = ask(cluster, words).await.unwrap();
        assert_eq!((told.well, told.why.as_str()), (false, "Leak: water in the hold"), "{words}");
    }
}
