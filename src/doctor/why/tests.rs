//! Every kind with what is well, what is ill and what only looks ill, as `why` tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::doctor::evidence;
use crate::snapshot::Snapshot;

/// The time at which the fixtures are judged.
const NOW: &str = "2026-11-20T10:00:00Z";

/// One object in one state; it is the first of the items.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scene {
    name: String,
    items: Vec<Value>,
    /// What was read beside the evidence: `VERSION KIND`.
    #[serde(default)]
    beside: Vec<String>,
    #[serde(default)]
    well: bool,
    #[serde(default)]
    passing: bool,
    /// How the state begins.
    state: String,
    /// What the reason holds.
    #[serde(default)]
    why: String,
    check: Option<String>,
    /// Parts of details, `about: says`.
    #[serde(default)]
    has: Vec<String>,
    /// What must not be said.
    #[serde(default)]
    lacks: Vec<String>,
}

fn seen(scene: &Scene) -> (ObjectRef, Evidence) {
    let mut snapshot = Snapshot::default();
    for item in &scene.items {
        snapshot.insert(evidence::kept(item.clone()));
    }
    let mut evidence = Evidence::new(snapshot, NOW.parse().unwrap());
    for read in &scene.beside {
        let (version, kind) = read.split_once(' ').unwrap();
        evidence.beside.push(ObjectRef::new(version, kind, None, ""));
    }
    (ObjectRef::of(&scene.items[0]).unwrap(), evidence)
}

/// What is wrong with an answer.
fn faults(scene: &Scene) -> Vec<String> {
    let (object, evidence) = seen(scene);
    let told = why(&object, &evidence).unwrap();
    let lines: Vec<String> = told.details.iter().map(|one| format!("{}: {}", one.about, one.says)).collect();
    let whole = format!("{told:#?}");
    let mut faults = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    expect(
        (told.well, told.passing) == (scene.well, scene.passing),
        format!("well {}, passing {}: {}", told.well, told.passing, told.why),
    );
    expect(told.state.starts_with(&scene.state), format!("state `{}`", told.state));
    expect(told.why.contains(&scene.why), format!("why `{}`", told.why));
    expect(scene.check.is_none() || told.check == scene.check, format!("check {:?}", told.check));
    for part in &scene.has {
        expect(lines.iter().any(|line| line.contains(part)), format!("no `{part}` in {lines:#?}"));
    }
    for part in &scene.lacks {
        expect(!whole.contains(part), format!("`{part}` in {whole}"));
    }
    faults
}

fn scenes() -> Vec<Scene> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/why");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: PathBuf| -> Vec<Scene> {
        serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.flat_map(read).collect()
}

#[test]
fn every_kind_says_how_it_is() {
    let wrong: Vec<String> = scenes()
        .iter()
        .flat_map(|scene| faults(scene).into_iter().map(|fault| format!("{}: {fault}", scene.name)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kinds that cannot be ill by themselves: they only describe.
const ONLY_DESCRIBE: &[&str] = &[
    "ClusterRole",
    "ConfigMap",
    "ControllerRevision",
    "CSIDriver",
    "CSINode",
    "Event",
    "IngressClass",
    "LimitRange",
    "NetworkPolicy",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "Role",
    "RuntimeClass",
    "ServiceCIDR",
    "StorageClass",
    "ReplicationController",
    "Endpoints",
    "VolumeSnapshotContent",
    "ValidatingAdmissionPolicy",
];

#[test]
fn every_kind_is_proved_well_and_ill() {
    let mut proved: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    for scene in scenes() {
        let object = ObjectRef::of(&scene.items[0]).unwrap();
        proved.entry(format!("{} {}", object.group(), object.kind)).or_default().insert(scene.well);
    }
    let lacking = kinds::ROWS.iter().filter(|(group, kind, _)| {
        let has = proved.get(&format!("{group} {kind}"));
        has.is_none_or(|has| !has.contains(&true) || !has.contains(&false) && !ONLY_DESCRIBE.contains(kind))
    });
    let lacking: Vec<String> = lacking.map(|(group, kind, _)| format!("{group} {kind}")).collect();
    assert_eq!(lacking, [""; 0]);
}

#[test]
fn a_pod_that_is_well_does_not_suffer_from_its_siblings() {
    let owner = |kind: &str, version: &str, name: &str, uid: &str| json!([{"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true}]);
    let pod = |name: &str, waiting: bool| {
        let state = if waiting {
            json!({"waiting": {"reason": "ErrImagePull", "message": "rpc error: code = NotFound desc = reg/x:2: not found"}})
        } else {
            json!({"running": {"startedAt": "2026-11-20T09:00:00Z"}})
        };
        let ready = if waiting { "False" } else { "True" };
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "sea", "creationTimestamp": "2026-11-20T09:00:00Z",
                "ownerReferences": owner("ReplicaSet", "apps/v1", "web-1", "u2")},
            "spec": {"nodeName": "w1", "containers": [{"name": "app", "image": "reg/x:2"}]},
            "status": {"phase": if waiting { "Pending" } else { "Running" }, "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{"name": "app", "image": "reg/x:2", "ready": !waiting, "restartCount": 0, "state": state}]}})
    };
    let items = [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "sea", "uid": "u1", "generation": 1},
            "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "readyReplicas": 1, "replicas": 2, "updatedReplicas": 2}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1", "namespace": "sea", "uid": "u2", "generation": 1,
                "ownerReferences": owner("Deployment", "apps/v1", "web", "u1")},
            "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "replicas": 2, "readyReplicas": 1}}),
        pod("web-1-a", false),
        pod("web-1-b", true),
    ];
    let mut snapshot = Snapshot::default();
    for item in items {
        snapshot.insert(item);
    }
    let evidence = Evidence::new(snapshot, NOW.parse().unwrap());
    let ask = |kind: &str, version: &str, name: &str| {
        why(&ObjectRef::new(version, kind, Some("sea"), name), &evidence).unwrap()
    };
    assert!(ask("Pod", "v1", "web-1-a").well);
    for (kind, version, name) in
        [("Pod", "v1", "web-1-b"), ("Deployment", "apps/v1", "web"), ("ReplicaSet", "apps/v1", "web-1")]
    {
        let told = ask(kind, version, name);
        assert_eq!(told.check.as_deref(), Some("P002"), "{told:#?}");
    }
    // It is the root that the doctor names, in the same words.
    let report = judge(&evidence, &Choice::default());
    assert_eq!(ask("Deployment", "apps/v1", "web").why, report.findings[0].message);
}

#[test]
fn what_suffers_only_by_its_pods_is_told_the_root() {
    // The finding is about the node, and its symptoms are pods: the Deployment above them is in neither.
    let items = [
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1", "creationTimestamp": "2026-11-01T10:00:00Z"},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.", "lastTransitionTime": "2026-11-20T09:00:00Z"}]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "sea", "uid": "u1", "generation": 1},
            "spec": {"replicas": 1}, "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}}),
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1", "namespace": "sea", "uid": "u2", "generation": 1,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u1", "controller": true}]},
            "spec": {"replicas": 1}, "status": {"observedGeneration": 1, "replicas": 1}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1-a", "namespace": "sea", "creationTimestamp": "2026-11-20T08:00:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "u2", "controller": true}]},
            "spec": {"nodeName": "w1", "containers": [{"name": "app", "image": "i"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-20T09:01:00Z"}]}}),
    ];
    let mut snapshot = Snapshot::default();
    for item in items {
        snapshot.insert(item);
    }
    let evidence = Evidence::new(snapshot, NOW.parse().unwrap());
    for (version, kind, name) in
        [("v1", "Pod", "web-1-a"), ("apps/v1", "ReplicaSet", "web-1"), ("apps/v1", "Deployment", "web")]
    {
        let told = why(&ObjectRef::new(version, kind, Some("sea"), name), &evidence).unwrap();
        assert_eq!(told.root.map(|root| root.short()).as_deref(), Some("Node/w1"), "{kind}: {}", told.why);
    }
}
