//! Evidence that keeps itself up to date, and the home screen's picture of it, on a cluster that breaks under it.

use std::sync::Arc;
use std::time::Duration;

use seaworthy::cluster::Meter;
use seaworthy::doctor::change::{How, Mark};
use seaworthy::doctor::evidence::{Freshness, Live};
use seaworthy::home::{Beside, Home};
use seaworthy::sandbox::{Kind, faults};
use serde_json::json;

use super::support::{Harbour, SEA, claim, pod};

/// Looks until something is to be seen; the time is the sandbox's, which leaps.
async fn until(live: &Live, is_seen: impl Fn(&Home) -> bool) -> Home {
    until_beside(live, &Beside::default(), is_seen).await
}

async fn until_beside(live: &Live, beside: &Beside, is_seen: impl Fn(&Home) -> bool) -> Home {
    let mut ear = live.changes();
    let see = || live.look(|evidence, freshness| Home::of(evidence, freshness, beside));
    let wait = async {
        loop {
            ear.heed();
            let home = see();
            if is_seen(&home) {
                return home;
            }
            tokio::select! {
                () = ear.rung() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    };
    let home = tokio::time::timeout(Duration::from_secs(900), wait).await;
    home.unwrap_or_else(|late| panic!("{late}, and not seen: {:#?}", see()))
}

async fn at_sea() -> (Harbour, Live) {
    let harbour = Harbour::new(Kind::Ha).await;
    harbour.make(&claim("data")).await.unwrap();
    harbour.make(&pod("web", "data")).await.unwrap();
    let live = Live::begin(&harbour.sandbox.cluster(Meter::new(true)));
    (harbour, live)
}

fn inject(harbour: &Harbour, fault: &str, target: &str) {
    harbour.sandbox.strike(faults::find(fault).unwrap(), target);
}

fn heal(harbour: &Harbour, fault: &str) {
    harbour.sandbox.heal(faults::find(fault).unwrap());
}

#[tokio::test]
async fn what_breaks_is_seen_without_being_asked_for_and_so_is_its_end() {
    let (harbour, live) = at_sea().await;
    let _leap = harbour.clock.leap();
    let calm = until(&live, |home| {
        home.is_green() && home.chains.iter().any(|chain| !chain.pods.is_empty() && !chain.nodes.is_empty())
    })
    .await;
    assert_eq!((calm.nodes.len(), calm.chains.len()), (3, 1));
    assert_eq!(calm.cluster.version.as_deref().map(|version| version.starts_with("v1.34")), Some(true));
    let host = calm.chains[0].nodes[0].clone();
    inject(&harbour, "node-unreachable", &host);
    let down = until(&live, |home| home.nodes.iter().any(|node| !node.ready)).await;
    assert_eq!(down.chains[0].broken.as_ref().unwrap().why, format!("node {host} is not ready"));
    let worst = until(&live, |home| !home.report.healthy).await;
    assert_eq!(worst.report.findings[0].object.name, host, "{:#?}", worst.report.findings);
    heal(&harbour, "node-unreachable");
    until(&live, Home::is_green).await;
    inject(&harbour, "volume-lost", &format!("{SEA}/data"));
    let lost = until(&live, |home| home.chains.iter().any(|chain| chain.broken.is_some())).await;
    assert!(lost.chains[0].broken.as_ref().unwrap().why.ends_with("is not there any more"), "{:?}", lost.chains);
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_any_more_is_said_to_and_comes_back() {
    let (harbour, live) = at_sea().await;
    let _leap = harbour.clock.leap();
    let calm = until(&live, Home::is_green).await;
    assert_eq!(calm.freshness, Freshness { awaited: 0, broken: None });
    inject(&harbour, "api-down", "120");
    let silent = until(&live, |home| home.freshness.broken.is_some()).await;
    // What was known is still to be seen.
    assert_eq!(silent.nodes.len(), 3);
    until(&live, Home::is_green).await;
}

/// Over a watch nothing comes when nothing happens, and nothing when the other side hangs: it is asked whether it is there.
#[tokio::test]
async fn an_api_server_that_hangs_is_said_to_hang_though_its_watches_stand() {
    let (harbour, live) = at_sea().await;
    let _leap = harbour.clock.leap();
    until(&live, Home::is_green).await;
    inject(&harbour, "api-slow", "30");
    let silent = until(&live, |home| home.freshness.broken.is_some()).await;
    assert_eq!(silent.freshness.broken.unwrap().1, "no answer within 5 s");
    heal(&harbour, "api-slow");
    until(&live, Home::is_green).await;
}

/// What was changed after all was well is shown with what it broke, and by whom.
#[tokio::test]
async fn what_has_changed_since_all_was_well_is_shown_with_what_it_broke() {
    let (harbour, live) = at_sea().await;
    let _leap = harbour.clock.leap();
    let conf = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf", "namespace": SEA}, "data": {"a": "1"}});
    harbour.make(&conf).await.unwrap();
    let container = json!({"name": "shop", "image": "shop:1", "envFrom": [{"configMapRef": {"name": "conf"}}]});
    let template = json!({"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [container]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "namespace": SEA},
        "spec": {"selector": {"matchLabels": {"app": "shop"}}, "template": template}});
    harbour.make(&deployment).await.unwrap();
    let mark = || live.look(|evidence, _| Mark::of(evidence));
    until(&live, |home| home.is_green() && mark().is_some()).await;
    let green = mark().map(Arc::new);
    inject(&harbour, "image-missing", "shop:2");
    harbour.merge(&format!("/api/v1/namespaces/{SEA}/configmaps/conf"), &json!({"data": {"a": "2"}})).await.unwrap();
    let other = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "shop:2"}]);
    let path = format!("/apis/apps/v1/namespaces/{SEA}/deployments/shop");
    harbour.send(http::Method::PATCH, &path, "application/json-patch+json", &other).await.unwrap();
    let beside = Beside { green, ..Beside::default() };
    let broken = until_beside(&live, &beside, |home| home.report.findings.iter().any(|root| root.id == "P002")).await;
    let root = broken.report.findings.iter().find(|root| root.id == "P002").unwrap();
    let said: Vec<String> =
        root.changed.iter().map(|change| format!("{} {}", change.object.short(), change.how)).collect();
    assert_eq!(said, ["Deployment/shop image of shop: was shop:1, is shop:2", "ConfigMap/conf its content changed"]);
    assert!(root.changed.iter().all(|change| change.at.is_some()), "{:?}", root.changed);
    assert!(matches!(root.changed[0].how, How::Value { .. }));
}
