//! Volumes that are to be erased and stay, and those that are only on their way, or wanted.

use super::*;

/// A volume that was let go by a claim that nobody names, and the workload that made it.
fn let_go(ready: i64) -> Vec<Value> {
    let mut objects: Vec<Value> = healthy().into_iter().filter(|object| object["kind"] == "Node").collect();
    objects.push(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "uid": "v1",
            "annotations": {"pv.kubernetes.io/provisioned-by": "rancher.io/local-path"}},
        "spec": {"persistentVolumeReclaimPolicy": "Delete", "claimRef": {"namespace": "n", "name": "c", "uid": "c1"}, "hostPath": {"path": "/opt/v"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["host-1"]}]}]}}},
        "status": {"phase": "Released"}}));
    objects.push(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "maker", "namespace": "s", "uid": "m"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"image": "rancher/local-path-provisioner:v0.0.30"}]}}}, "status": {"readyReplicas": ready}}));
    objects
}

#[test]
fn what_is_not_erased_says_why_and_what_is_on_its_way_is_no_loss() {
    let unerased = [(LossKind::VolumeUnerased, true)];
    assert_eq!(found(&sighting(&let_go(1))), [], "it goes in a moment");
    assert_eq!(found(&sighting(&let_go(0))), unerased, "its maker has no pod");
    let without: Vec<Value> = let_go(0).into_iter().filter(|object| object["kind"] != "Deployment").collect();
    assert_eq!(found(&sighting(&without)), unerased, "its maker is nowhere");
    let mut away = let_go(1);
    let silent = json!([{"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    change(&mut away, "Node", "/status/conditions", silent);
    assert_eq!(found(&sighting(&away)), unerased, "its node is away");
    let mut failed = let_go(1);
    change(
        &mut failed,
        "PersistentVolume",
        "/status",
        json!({"phase": "Failed", "message": "no volume plugin matched"}),
    );
    assert_eq!(found(&sighting(&failed)), unerased, "the cluster says why");
}

#[test]
fn what_is_kept_or_wanted_is_not_to_be_erased() {
    for (pointer, value) in [
        ("/spec/persistentVolumeReclaimPolicy", json!("Retain")),
        ("/metadata/labels", json!({"seaworthy.dev/quarantine": "replaced"})),
        ("/status/phase", json!("Bound")),
    ] {
        let mut kept = let_go(0);
        change(&mut kept, "PersistentVolume", pointer, value);
        assert_eq!(found(&sighting(&kept)), [], "{pointer}");
    }
    let wanted = Sighting { records: vec![record(3, 1)], ..sighting(&let_go(0)) };
    assert_eq!(found(&wanted), [(LossKind::VolumeReleased, true)]);
}
