use serde_json::{Value, json};

use super::*;
use crate::snapshot::Snapshot;

fn evidence(objects: &[Value]) -> Evidence {
    let mut snapshot = Snapshot::default();
    objects.iter().cloned().for_each(|object| snapshot.insert(object));
    Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse().unwrap())
}

fn node(name: &str, ready: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/hostname": name}},
        "spec": {"unschedulable": ready != "True"},
        "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
            "nodeInfo": {"kubeletVersion": "v1.34.2"}, "addresses": [{"type": "InternalIP", "address": "172.18.0.2"}],
            "conditions": [{"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "container runtime is down"},
                {"type": "DiskPressure", "status": "False"}]}})
}

fn pod(name: &str, node: &str, phase: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n", "creationTimestamp": "2026-11-20T09:00:00Z"},
        "spec": {"nodeName": node, "containers": [{"name": "c", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]},
        "status": {"phase": phase}})
}

fn fresh() -> Freshness {
    Freshness { awaited: 0, broken: None }
}

#[test]
fn a_node_shows_what_is_asked_of_it_by_pods_that_have_not_ended() {
    let evidence =
        evidence(&[node("a", "True"), pod("p", "a", "Running"), pod("q", "a", "Pending"), pod("r", "a", "Succeeded")]);
    let home = Home::of(&evidence, &fresh(), &Beside::default());
    let [node] = home.nodes.as_slice() else { panic!("{:?}", home.nodes) };
    assert_eq!((node.cpu.percent(), node.memory.percent()), (50, 50));
    assert_eq!(node.pods, Share { taken: 2, whole: 110 });
    assert_eq!(
        (node.role.as_str(), node.version.as_str(), node.address.as_str()),
        ("control-plane", "v1.34.2", "172.18.0.2")
    );
    assert!(node.ready && node.remarks.is_empty(), "{node:?}");
}

#[test]
fn a_node_that_is_unwell_says_why_in_the_words_of_its_kubelet() {
    let home = Home::of(&evidence(&[node("a", "False")]), &fresh(), &Beside::default());
    assert!(!home.nodes[0].ready && !home.is_green());
    assert_eq!(home.nodes[0].remarks, ["container runtime is down", "cordoned: it takes no new pods"]);
}

#[test]
fn an_installation_is_judged_by_the_kinds_that_were_read_alone() {
    let labels = json!({"seaworthy.dev/stack": "shop", "seaworthy.dev/namespace": "n"});
    let object = |version: &str, kind: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "n", "labels": labels.clone()}});
    let evidence = evidence(&[object("v1", "ConfigMap"), object("v1", "PersistentVolumeClaim")]);
    let installation = crate::plan::Installation {
        stack: "shop".to_owned(),
        version: "1.0.0".to_owned(),
        namespace: "n".to_owned(),
        release: "shop".to_owned(),
        profile: "ha".to_owned(),
    };
    let reference = |version: &str, kind: &str| crate::object::ObjectRef::new(version, kind, Some("n"), "x");
    let record = InstallRecord {
        format: crate::engine::record::FORMAT,
        installation,
        inputs: serde_json::from_value(
            json!({"binary": "0.1.0", "stack_version": "1.0.0", "release": "shop", "profile": "ha", "values": {}}),
        )
        .unwrap(),
        inventory: vec![
            reference("v1", "ConfigMap"),
            reference("apps/v1", "Deployment"),
            reference("rbac.authorization.k8s.io/v1", "Role"),
        ],
        reach: Vec::new(),
        run: "20261120-090000".to_owned(),
    };
    let home = Home::of(&evidence, &fresh(), &Beside { records: vec![record], ..Beside::default() });
    let [health] = home.installations.as_slice() else { panic!("{:?}", home.installations) };
    let states: Vec<_> =
        health.objects.iter().map(|object| (object.object.kind.as_str(), object.state.as_str())).collect();
    // Of roles nothing is read, so nothing is said.
    assert_eq!(states, [("ConfigMap", "ready"), ("Deployment", "missing")]);
    assert!(!health.is_healthy());
}

#[test]
fn nothing_is_green_before_all_is_known() {
    let evidence = evidence(&[node("a", "True")]);
    let reading = Freshness { awaited: 3, broken: None };
    assert!(!Home::of(&evidence, &reading, &Beside::default()).is_green());
    let silent = Freshness { awaited: 0, broken: Some((evidence.taken, "connection refused".to_owned())) };
    assert!(!Home::of(&evidence, &silent, &Beside::default()).is_green());
}

#[test]
fn records_are_known_by_their_versions() {
    let map = |version: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sea.shop", "namespace": SYSTEM_NAMESPACE, "resourceVersion": version}});
    let elsewhere = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "n", "resourceVersion": "1"}});
    let first = records_mark(&evidence(&[map("1"), elsewhere]));
    assert_eq!(first, [("sea.shop".to_owned(), "1".to_owned())]);
    assert_ne!(first, records_mark(&evidence(&[map("2")])));
}

/// Whoever makes volumes runs in another namespace, in which nothing is odd.
#[test]
fn a_claim_that_is_not_served_is_no_loss_while_its_provisioner_runs() {
    let name = "rancher.io/local-path";
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "n", "uid": "c",
        "creationTimestamp": "2026-11-20T09:00:00Z", "annotations": {"volume.kubernetes.io/storage-provisioner": name}},
        "spec": {"storageClassName": "local-path"}, "status": {"phase": "Pending"}});
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local-path"}, "provisioner": name});
    let maker = |ready: i64| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "local-path-provisioner", "namespace": "local-path-storage"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "p", "image": "rancher/local-path-provisioner:v0.0.31"}]}}},
            "status": {"readyReplicas": ready}})
    };
    // By which the namespace is looked at.
    let odd = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "old", "uid": "o"}, "status": {"phase": "Released"},
        "spec": {"persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "n", "name": "other", "uid": "x"}}});
    let lost = |objects: &[Value]| {
        let objects = [objects, std::slice::from_ref(&odd)].concat();
        Home::of(&evidence(&objects), &fresh(), &Beside::default())
            .losses
            .into_iter()
            .map(|loss| loss.kind.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(lost(&[claim.clone(), class.clone(), maker(1)]), [""; 0]);
    assert_eq!(lost(&[claim, class, maker(0)]), ["provisioner-gone"]);
}
