//! A user who has only the role reads everything; one who lacks a rule is told which checks cannot tell.

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::cluster::{Cluster, Meter};
use crate::doctor::evidence::{Scope, gather};
use crate::doctor::report::{Choice, Report, judge};
use crate::sandbox::{Kind, Sandbox};

/// The rules of a role.
fn rules(role: &str) -> Vec<Value> {
    let role: Value = serde_yaml::from_str(role).unwrap();
    role["rules"].as_array().unwrap().clone()
}

fn has(rule: &Value, field: &str, wanted: &str) -> bool {
    rule[field].as_array().is_some_and(|all| all.iter().any(|one| one == wanted))
}

/// What Kubernetes' authoriser decides by: group, resource, verb; or a path that is no resource.
fn allows(rules: &[Value], request: &Request<Body>) -> bool {
    let parts: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return rules.iter().any(|rule| has(rule, "nonResourceURLs", request.uri().path())),
    };
    let rest = if let ["namespaces", _, inner, ..] = rest {
        &rest[rest.iter().position(|one| one == inner).unwrap()..]
    } else {
        rest
    };
    let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    let (resource, verb) = match rest {
        [resource] => ((*resource).to_owned(), if watches { "watch" } else { "list" }),
        [resource, _] => ((*resource).to_owned(), "get"),
        [resource, _, sub] => (format!("{resource}/{sub}"), "get"),
        _ => return false,
    };
    request.method() == http::Method::GET
        && rules
            .iter()
            .any(|rule| has(rule, "apiGroups", group) && has(rule, "resources", &resource) && has(rule, "verbs", verb))
}

fn refused(path: &str) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
        "message": format!("{path} is forbidden: User \"reader\" may not")});
    Response::builder()
        .status(403)
        .header("content-type", "application/json")
        .body(status.to_string().into_bytes().into())
        .unwrap()
}

/// A sandbox as somebody sees it who has these rules.
fn guarded(rules: Vec<Value>) -> Cluster {
    let mut cluster = Sandbox::new(Kind::default()).cluster(Meter::new(true));
    let inner = cluster.client.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, allowed) = (inner.clone(), allows(&rules, &request));
        async move { if allowed { inner.send(request).await } else { Ok(refused(request.uri().path())) } }
    });
    cluster.client = kube::Client::new(service, "default");
    cluster
}

async fn report(role: &str) -> Report {
    let evidence = gather(&guarded(rules(role)), &Scope::default()).await.unwrap();
    judge(&evidence, &Choice::default())
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn whoever_has_the_role_is_told_everything() {
    let report = report(&cluster_role()).await;
    assert!(report.unread.is_empty() && report.unknown.is_empty(), "{:?} {:?}", report.unread, report.unknown);
    assert!(report.summary.evaluated > 20, "{:?}", report.summary);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn without_the_right_to_list_secrets_their_checks_say_so() {
    let role = cluster_role().replace("resources: [secrets]", "resources: [none]");
    let report = report(&role).await;
    let told: Vec<&str> = report.unknown.iter().map(|unknown| unknown.id.as_str()).collect();
    for id in blind_without_secrets() {
        assert!(told.contains(&id), "{id}: {told:?}");
    }
    assert_eq!(report.unread.iter().map(|unread| unread.kind.as_str()).collect::<Vec<_>>(), ["Secret"]);
}

/// Every rule is needed: without it something cannot be told.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_role_holds_nothing_that_is_not_needed() {
    let all = rules(&cluster_role());
    for at in 0..all.len() {
        // In a sandbox that is well there are no last words, and here it is known already which cluster it is.
        if all[at]["resources"].is_array() && all[at]["verbs"] == json!(["get"]) {
            continue;
        }
        let mut fewer = all.clone();
        let gone = fewer.remove(at);
        let missed = match gather(&guarded(fewer), &Scope::default()).await {
            Ok(evidence) => !evidence.is_whole() || evidence.readyz.is_none(),
            Err(_) => true,
        };
        assert!(missed, "{gone}");
    }
}
