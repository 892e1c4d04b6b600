use super::*;

/// The claim waits for a volume of class `fast`, whose provisioner does not run.
fn waiting() -> Vec<Value> {
    let mut objects = without("PersistentVolume");
    change(&mut objects, "PersistentVolumeClaim", "/spec", json!({"storageClassName": "fast"}));
    change(&mut objects, "PersistentVolumeClaim", "/status/phase", json!("Pending"));
    change(&mut objects, "PersistentVolumeClaim", "/metadata/annotations", json!({}));
    change(&mut objects, "PersistentVolumeClaim", "/metadata/creationTimestamp", json!("2026-01-01T00:30:00Z"));
    objects.push(class("fast"));
    objects.push(
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "maker", "namespace": "s", "uid": "m"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "m", "args": ["--name=example.com/fast"]}]}}}}),
    );
    objects
}

fn class(name: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "example.com/fast"})
}

fn annotate(objects: &mut [Value], key: &str, value: &str) {
    change(objects, "PersistentVolumeClaim", "/metadata/annotations", json!({key: value}));
}

const ASKED: &str = "volume.kubernetes.io/storage-provisioner";

#[test]
fn a_claim_that_waits_for_its_first_pod_is_well() {
    assert_eq!(found(&sighting(&waiting())), [], "nobody was asked for a volume yet");
}

#[test]
fn a_provisioner_is_gone_when_it_was_asked_and_has_no_pod() {
    let mut objects = waiting();
    annotate(&mut objects, ASKED, "example.com/fast");
    assert_eq!(found(&sighting(&objects)), [(LossKind::ProvisionerGone, true)]);
    // It is just being asked.
    change(&mut objects, "PersistentVolumeClaim", "/metadata/creationTimestamp", json!("2026-01-01T00:59:00Z"));
    assert_eq!(found(&sighting(&objects)), []);
    change(&mut objects, "PersistentVolumeClaim", "/metadata/creationTimestamp", json!("2026-01-01T00:30:00Z"));
    // One that runs is slow, or refuses; that is another matter.
    objects.last_mut().unwrap()["status"] = json!({"readyReplicas": 1});
    assert_eq!(found(&sighting(&objects)), []);
    // Nobody knows under which name the driver of a storage system runs.
    objects.pop();
    assert_eq!(found(&sighting(&objects)), [(LossKind::ProvisionerGone, false)]);
    annotate(&mut objects, ASKED, "kubernetes.io/no-provisioner");
    assert_eq!(found(&sighting(&objects)), [], "static volumes are made by people");
}

#[test]
fn local_path_is_gone_when_no_workload_is_it_and_all_could_be_seen() {
    let mut objects = waiting();
    annotate(&mut objects, ASKED, "rancher.io/local-path");
    let mut sighting = sighting(&objects);
    assert_eq!(found(&sighting), [(LossKind::ProvisionerGone, true)]);
    let unread = Unread { kind: "DaemonSet".to_owned(), namespace: None, why: "forbidden".to_owned() };
    sighting.snapshot.unread.push(unread);
    assert_eq!(found(&sighting), [(LossKind::ProvisionerGone, false)]);
}

#[test]
fn a_class_is_gone_only_when_something_says_that_it_was_there() {
    let mut objects = waiting();
    objects.retain(|object| object["kind"] != "StorageClass");
    assert_eq!(found(&sighting(&objects)), [(LossKind::ClassGone, false)], "it may be a name for static volumes");
    let mut then = record(3, 1);
    then.volumes[0].class_manifest = class("fast");
    let recorded = Sighting { records: vec![then], ..sighting(&objects) };
    assert_eq!(found(&recorded), [(LossKind::ClassGone, true)]);
    let of_it = |phase: &str, annotations: Value| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "w", "annotations": annotations},
            "spec": {"storageClassName": "fast"}, "status": {"phase": phase}})
    };
    let made = json!({"pv.kubernetes.io/provisioned-by": "example.com/fast"});
    objects.push(of_it("Bound", made));
    assert_eq!(found(&sighting(&objects)), [(LossKind::ClassGone, true)]);
    objects.push(of_it("Available", json!({})));
    assert_eq!(found(&sighting(&objects)), [], "a static volume is free for it");
}

#[test]
fn a_claim_without_a_class_waits_for_a_default_one() {
    let mut objects = waiting();
    change(&mut objects, "PersistentVolumeClaim", "/spec", json!({}));
    let losses = recognise(&sighting(&objects));
    assert_eq!((losses[0].kind, losses[0].certain), (LossKind::ClassGone, false));
    assert_eq!(losses[0].facts, ["it names no StorageClass, and none is the default one"]);
    let default = json!({"storageclass.kubernetes.io/is-default-class": "true"});
    let mut then = record(3, 1);
    then.volumes[0].class_manifest = class("usual");
    then.volumes[0].class_manifest["metadata"]["annotations"] = default.clone();
    let recorded = Sighting { records: vec![then], ..sighting(&objects) };
    assert_eq!(found(&recorded), [(LossKind::ClassGone, true)]);
    change(&mut objects, "StorageClass", "/metadata/annotations", default);
    assert_eq!(found(&sighting(&objects)), []);
    change(&mut objects, "StorageClass", "/metadata/annotations", json!({}));
    change(&mut objects, "PersistentVolumeClaim", "/spec", json!({"storageClassName": ""}));
    assert_eq!(found(&sighting(&objects)), [], "it is for static volumes alone");
}

#[test]
fn a_choice_is_stale_only_when_its_node_is_gone() {
    let mut objects = waiting();
    annotate(&mut objects, "volume.kubernetes.io/selected-node", "node-9");
    assert_eq!(found(&sighting(&objects)), [(LossKind::ClaimStranded, false)], "no pod has waited for long");
    pending(&mut objects);
    let losses = recognise(&sighting(&objects));
    assert_eq!((losses[0].kind, losses[0].certain), (LossKind::ClaimStranded, true));
    assert_eq!(losses[0].node.as_deref(), Some("node-9"));
    annotate(&mut objects, "volume.kubernetes.io/selected-node", "node-1");
    // Cordoned, full or slow: the node is there, and the choice stands.
    change(&mut objects, "Node", "/spec", json!({"unschedulable": true}));
    assert_eq!(found(&sighting(&objects)), []);
}
