//! Evidence that keeps itself up to date, and the home screen's picture of it, on a cluster that breaks under it.

use std::time::Duration;

use seaworthy::cluster::Meter;
use seaworthy::doctor::evidence::{Freshness, Live};
use seaworthy::home::{Beside, Home};
use seaworthy::sandbox::{Kind, faults};

use super::support::{Harbour, SEA, claim, pod};

/// Looks until something is to be seen; the time is the sandbox's, which leaps.
async fn until(live: &Live, is_seen: impl Fn(&Home) -> bool) -> Home {
    let mut ear = live.changes();
    let see = || live.look(|evidence, freshness| Home::of(evidence, freshness, &Beside::default()));
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
