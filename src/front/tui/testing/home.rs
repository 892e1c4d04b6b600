//! A cluster as home sees it.

use std::sync::{Arc, LazyLock};

use crossterm::event::KeyCode;
use seaworthy::doctor::change::Mark;
use seaworthy::doctor::evidence::{ClusterFacts, Evidence, Freshness};
use seaworthy::doctor::stacks::Knowledge;
use seaworthy::engine::journal::RunState;
use seaworthy::engine::record::InstallRecord;
use seaworthy::home::{Beside, Home, OpenRun, PrerequisiteState};
use seaworthy::object::ObjectRef;
use seaworthy::prepare::discover::LastRun;
use seaworthy::prerequisites::Prerequisite;
use seaworthy::snapshot::{Snapshot, Unread};
use seaworthy::stack::Catalogue;
use serde_json::json;

use super::{all, begun, key, plan};
use crate::front::tui::model::{Message, Model};

/// A cluster: all is well, or much is broken.
pub(super) fn sea(well: bool) -> Evidence {
    let status = if well { "True" } else { "Unknown" };
    let node = |name: &str, address: &str, status: &str| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "nodeInfo": {"kubeletVersion": "v1.34.2"},
                "addresses": [{"type": "InternalIP", "address": address}],
                "conditions": [{"type": "Ready", "status": status, "reason": "NodeStatusUnknown",
                    "message": "Kubelet stopped posting node status.\u{1b}[2J", "lastTransitionTime": "2026-11-20T09:00:00Z"}]}})
    };
    let pod = |name: &str, node: &str, cpu: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "sea", "creationTimestamp": "2026-11-20T09:00:00Z",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-web-7dbd656c9f", "uid": "set", "controller": true}]},
            "spec": {"nodeName": node, "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "shop-data"}}],
                "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "c", "ready": true, "restartCount": 0, "state": {"running": {}}}]}})
    };
    let labels = json!({"seaworthy.dev/stack": "shop", "seaworthy.dev/namespace": "sea"});
    let claim = |name: &str, volume: &str, phase: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "sea", "uid": name, "labels": labels},
            "spec": {"volumeName": volume, "storageClassName": "standard"}, "status": {"phase": phase, "capacity": {"storage": "10Gi"}}})
    };
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pvc-0d8c9d4e-8a0b-4a50-9c51-0e5a3f3f1a11"},
        "spec": {"capacity": {"storage": "10Gi"}, "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "standard",
            "hostPath": {"path": "/var/local-path-provisioner/shop-data"},
            "claimRef": {"namespace": "sea", "name": "shop-data", "uid": "shop-data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": ["dev-worker"]}]}]}}},
        "status": {"phase": "Bound"}});
    let ready = usize::from(well);
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop-web", "namespace": "sea", "generation": 1, "labels": labels},
        "seaworthy.dev/changed": {"by": "kubectl-set", "at": "2026-11-20T09:58:00Z"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": format!("registry.example.com/harbour/window:1.{}.0", 1 - ready)}]}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready, "availableReplicas": ready,
            "unavailableReplicas": 1 - ready}});
    let mut snapshot = Snapshot::default();
    let whole = [
        deployment,
        node("dev-control-plane", "172.18.0.3", "True"),
        node("dev-worker", "172.18.0.2", status),
        pod("shop-web-7dbd656c9f-cw986", "dev-worker", "3500m"),
        claim("shop-data", "pvc-0d8c9d4e-8a0b-4a50-9c51-0e5a3f3f1a11", "Bound"),
        volume,
    ];
    for object in whole {
        snapshot.insert(object);
    }
    if !well {
        snapshot.insert(claim("shop-lost", "pvc-gone", "Lost"));
        let why = "secrets is forbidden: User \"reader\" cannot list resource \"secrets\"".to_owned();
        snapshot.unread.push(Unread { kind: "Secret".to_owned(), namespace: None, why });
    }
    let taken = if well { "2026-11-20T09:50:00Z" } else { "2026-11-20T10:00:00Z" };
    let mut evidence = Evidence::new(snapshot, taken.parse().unwrap());
    evidence.cluster = Some(ClusterFacts {
        context: "dev".to_owned(),
        uid: "u".to_owned(),
        version: Some("v1.34.2".to_owned()),
        ..ClusterFacts::default()
    });
    evidence
}

/// What is known of it.
pub(in crate::front::tui) fn home(well: bool) -> Home {
    PLAIN[usize::from(well)].clone()
}

/// Broken and well, judged once for the many screens that show it.
static PLAIN: LazyLock<[Home; 2]> = LazyLock::new(|| [false, true].map(|well| home_with(well, None)));

/// The same, of a stack whose symptoms can be gone through.
pub(in crate::front::tui) fn home_with_walks(well: bool) -> Home {
    WITH_WALKS[usize::from(well)].clone()
}

/// Broken and well, read and judged once for the many screens that show it.
static WITH_WALKS: LazyLock<[Home; 2]> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/walks");
    let (known, faults) = Knowledge::of(&[Catalogue::new([folder.into()])]);
    assert_eq!(faults, [""; 0]);
    let known = Arc::new(known);
    [false, true].map(|well| home_with(well, Some(known.clone())))
});

fn home_with(well: bool, stacks: Option<Arc<Knowledge>>) -> Home {
    let state = |prerequisite, there, said: &str| PrerequisiteState {
        prerequisite,
        there: Some(there),
        said: said.to_owned(),
        manager: there.then(|| "by Helm".to_owned()),
    };
    let prerequisites = vec![
        state(Prerequisite::LocalPath, true, "v0.0.32"),
        state(Prerequisite::Metallb, false, "nobody gives addresses to Services of type LoadBalancer"),
    ];
    let inventory = [("apps/v1", "Deployment", "shop-web"), ("v1", "PersistentVolumeClaim", "shop-data")];
    let inventory = inventory.map(|(version, kind, name)| ObjectRef::new(version, kind, Some("sea"), name));
    let record = InstallRecord {
        format: 1,
        installation: plan().installation,
        inputs: serde_json::from_value(
            json!({"binary": "0.1.0", "stack_version": "1.0.0", "release": "shop", "profile": "single-node", "values": {}}),
        )
        .unwrap(),
        inventory: inventory.to_vec(),
        reach: Vec::new(),
        run: "20261120-090000".to_owned(),
    };
    let green = Mark::of(&sea(true)).map(Arc::new);
    assert!(green.is_some(), "all is well");
    let beside =
        Beside { records: vec![record], green, prerequisites: Some(Ok(prerequisites)), stacks, ..Beside::default() };
    Home::of(&sea(well), &Freshness { awaited: 0, broken: None }, &beside)
}

/// Beside it a run that was not finished.
pub(in crate::front::tui) fn home_with_run() -> Home {
    let causes = vec![super::cause(seaworthy::doctor::Outlook::Stuck)];
    let run = LastRun {
        run: "20261120-094500".to_owned(),
        purpose: plan().purpose,
        command: "upgrade".to_owned(),
        state: RunState::Interrupted,
        causes,
    };
    let at = "2026-11-20T09:45:00Z".parse().unwrap();
    Home { runs: vec![OpenRun { run, of: "shop in sea".to_owned(), at, done: (2, 5) }], ..home(true) }
}

/// At home, with this to be seen.
pub(in crate::front::tui) fn at_home(size: (u16, u16), home: Result<Home, String>) -> Model {
    let mut model = begun(size);
    model.wish.home = true;
    let home = Message::Home { context: "dev".to_owned(), home: home.map(Box::new) };
    all(&mut model, [key(KeyCode::Enter), home]);
    model
}
