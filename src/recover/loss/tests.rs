use super::*;
use crate::engine::rescue::{Disk, Files};
use crate::recover::join::claim_ref;
use crate::recover::record::{Record, VolumeRecord};
use crate::snapshot::{Snapshot, Unread};
use serde_json::{Value, json};

/// A claim bound to a volume on a node, and a Deployment with a pod that uses it.
fn healthy() -> Vec<Value> {
    let affinity = json!({"required": {"nodeSelectorTerms": [{"matchExpressions":
        [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["host-1"]}]}]}});
    vec![
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"kubernetes.io/hostname": "host-1"}},
            "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "uid": "v1"},
            "spec": {"claimRef": {"namespace": "n", "name": "c", "uid": "c1"}, "hostPath": {"path": "/opt/v"}, "nodeAffinity": affinity},
            "status": {"phase": "Bound"}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n", "uid": "c1",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": "v"}, "status": {"phase": "Bound"}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n", "uid": "d1",
            "labels": {"app.kubernetes.io/component": "front"}}, "spec": {"replicas": 1, "template": {"spec": {"volumes":
            [{"name": "x", "persistentVolumeClaim": {"claimName": "c"}}]}}}, "status": {"readyReplicas": 1}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "n",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d1", "controller": true}]},
            "spec": {"nodeName": "node-1", "volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "c"}}]},
            "status": {"phase": "Running"}}),
    ]
}

fn sighting(objects: &[Value]) -> Sighting {
    let mut snapshot = Snapshot::default();
    for object in objects {
        snapshot.insert(object.clone());
    }
    Sighting { snapshot, now: "2026-01-01T01:00:00Z".parse().unwrap(), ..Sighting::default() }
}

fn change(objects: &mut [Value], kind: &str, pointer: &str, value: Value) {
    let object = objects.iter_mut().find(|object| object["kind"] == kind).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key] = value;
}

fn without(kind: &str) -> Vec<Value> {
    healthy().into_iter().filter(|object| object["kind"] != kind).collect()
}

/// Kind and certainty of what is recognised.
fn found(sighting: &Sighting) -> Vec<(LossKind, bool)> {
    recognise(sighting).into_iter().map(|loss| (loss.kind, loss.certain)).collect()
}

fn record(files: u64, root: u64) -> Record {
    let empty = String::new;
    let cluster = crate::cluster::ClusterId { context: empty(), server: empty(), uid: empty() };
    let installation = crate::plan::Installation {
        stack: "s".to_owned(),
        version: empty(),
        namespace: "n".to_owned(),
        release: empty(),
        profile: empty(),
    };
    let volume = VolumeRecord {
        claim: claim_ref("n", "c"),
        claim_uid: "c1".to_owned(),
        volume: "v".to_owned(),
        volume_uid: "v1".to_owned(),
        place: "/opt/v on host-1".to_owned(),
        files: Files::Counted { files, root },
        claim_manifest: Value::Null,
        class_manifest: Value::Null,
        volume_manifest: Value::Null,
    };
    Record {
        format: 1,
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
        cluster,
        installation,
        images: [].into(),
        nodes: [].into(),
        volumes: vec![volume],
        etcds: Vec::new(),
        gone: Vec::new(),
    }
}

#[test]
fn what_is_well_is_no_loss() {
    assert_eq!(found(&sighting(&healthy())), []);
}

#[test]
fn a_volume_that_is_being_deleted_shows_although_it_says_bound() {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolume", "/metadata/deletionTimestamp", json!("2026-01-01T00:59:00Z"));
    let losses = recognise(&sighting(&objects));
    assert_eq!((losses[0].kind, losses[0].certain, losses.len()), (LossKind::VolumeGoing, true, 1));
    assert_eq!(losses[0].blast.components, ["front"]);
    assert_eq!(losses[0].blast.still_runs, ["web-1"]);
}

#[test]
fn a_claim_that_is_being_deleted_is_certain_only_while_something_holds_it() {
    let mut objects = healthy();
    change(&mut objects, "PersistentVolumeClaim", "/metadata/deletionTimestamp", json!("2026-01-01T00:59:00Z"));
    assert_eq!(found(&sighting(&objects)), [(LossKind::ClaimGoing, true)]);
    let alone: Vec<Value> = objects.into_iter().filter(|object| object["kind"] != "Pod").collect();
    assert_eq!(found(&sighting(&alone)), [(LossKind::ClaimGoing, false)]);
}

#[test]
fn a_lost_claim_needs_the_phase_and_the_absent_volume() {
    let mut objects = without("PersistentVolume");
    assert_eq!(found(&sighting(&objects)), [(LossKind::ClaimLost, false)], "the phase does not say it yet");
    change(&mut objects, "PersistentVolumeClaim", "/status/phase", json!("Lost"));
    let mut sighting = sighting(&objects);
    assert_eq!(found(&sighting), [(LossKind::ClaimLost, true)]);
    // What may not be read is not gone.
    sighting.snapshot.unread.push(Unread {
        kind: "PersistentVolume".to_owned(),
        namespace: None,
        why: "forbidden".to_owned(),
    });
    assert_eq!(found(&sighting), [(LossKind::ClaimLost, false)]);
}

#[test]
fn a_claim_that_waits_for_its_volume_has_lost_nothing() {
    let mut objects = without("PersistentVolume");
    change(&mut objects, "PersistentVolumeClaim", "/metadata/annotations", json!({}));
    change(&mut objects, "PersistentVolumeClaim", "/status/phase", json!("Pending"));
    assert_eq!(found(&sighting(&objects)), []);
}

#[test]
fn a_released_volume_is_a_loss_only_when_somebody_wants_it() {
    let mut objects = without("PersistentVolumeClaim");
    change(&mut objects, "PersistentVolume", "/status/phase", json!("Released"));
    assert_eq!(found(&sighting(&objects)), [(LossKind::VolumeReleased, true)], "a Deployment names the claim");
    let alone: Vec<Value> = objects.iter().filter(|object| object["kind"] == "PersistentVolume").cloned().collect();
    assert_eq!(found(&sighting(&alone)), [], "nobody wants it");
    let recorded = Sighting { records: vec![record(3, 1)], ..sighting(&alone) };
    assert_eq!(found(&recorded), [(LossKind::VolumeReleased, true)], "the record wants it");
    change(&mut objects, "PersistentVolume", "/metadata/labels", json!({crate::plan::verb::QUARANTINE: "replaced"}));
    assert_eq!(found(&sighting(&objects)), [], "it was put aside");
}

#[test]
fn a_claim_that_never_was_is_suspected_and_one_with_a_record_is_gone() {
    let objects: Vec<Value> =
        without("PersistentVolumeClaim").into_iter().filter(|object| object["kind"] != "PersistentVolume").collect();
    assert_eq!(found(&sighting(&objects)), [(LossKind::ClaimGone, false)]);
    let recorded = Sighting { records: vec![record(3, 1)], ..sighting(&objects) };
    assert_eq!(found(&recorded), [(LossKind::ClaimGone, true)]);
}

#[test]
fn an_emptied_volume_shows_only_against_its_record() {
    let now = |files, root| [(claim_ref("n", "c"), Files::Counted { files, root })].into();
    let cases = [
        (record(3, 1), now(0, 1), 2),
        (record(3, 1), now(0, 2), 3),
        (record(3, 1), now(2, 1), 0),
        // Somebody writes into a folder that was made anew; one that only lost files, or has most of them, may be as it is wanted.
        (record(40, 1), now(2, 2), 3),
        (record(40, 1), now(2, 1), 0),
        (record(40, 1), now(30, 2), 0),
        (record(0, 1), now(0, 1), 0),
        (record(3, 1), [].into(), 0),
        (record(3, 1), [(claim_ref("n", "c"), Files::Unknown { why: "no shell".to_owned() })].into(), 0),
    ];
    for (record, files, facts) in cases {
        let sighting = Sighting { records: vec![record], files, ..sighting(&healthy()) };
        let losses = recognise(&sighting);
        let expected = if facts == 0 { Vec::new() } else { vec![(LossKind::VolumeEmptied, facts)] };
        assert_eq!(losses.iter().map(|loss| (loss.kind, loss.facts.len())).collect::<Vec<_>>(), expected);
    }
}

/// Whoever deletes on purpose does not go on writing to what he deleted.
#[test]
fn files_that_were_deleted_under_a_writer_are_missed() {
    let claim = claim_ref("n", "c");
    let held = |names: &[&str]| Disk {
        pod: "p".to_owned(),
        container: "main".to_owned(),
        held: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Disk::default()
    };
    let losses = |had, has, names: &[&str]| {
        let files = [(claim.clone(), Files::Counted { files: has, root: 1 })].into();
        let disks = [(claim.clone(), held(names))].into();
        recognise(&Sighting { records: vec![record(had, 1)], files, disks, ..sighting(&healthy()) })
    };
    let found = losses(40, 2, &["/data/a", "/data/b"]);
    assert_eq!((found[0].kind, found[0].certain, found[0].facts.len()), (LossKind::VolumeEmptied, true, 3));
    assert!(found[0].facts[2].starts_with("/data/a and 1 file more was deleted"), "{:?}", found[0].facts);
    assert!(found[0].facts[2].contains("kubectl exec -n n p -c main"), "{:?}", found[0].facts);
    assert_eq!(
        losses(40, 30, &["/data/a"]),
        [],
        "a file that is deleted while it is open is an ordinary temporary file"
    );
    assert_eq!(losses(40, 2, &[]), [], "it may be as it is wanted");
}

fn pending(objects: &mut [Value]) {
    change(objects, "Pod", "/spec/nodeName", Value::Null);
    change(
        objects,
        "Pod",
        "/status",
        json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "lastTransitionTime": "2026-01-01T00:30:00Z"}]}),
    );
}

#[test]
fn a_node_is_gone_when_its_name_is_and_a_pod_finds_no_place() {
    let mut objects = without("Node");
    assert_eq!(found(&sighting(&objects)), [(LossKind::NodeGone, false)], "a pod still runs there");
    pending(&mut objects);
    assert_eq!(found(&sighting(&objects)), [(LossKind::NodeGone, true)]);
}

/// Redpanda's unbinder once deleted claims because the pod was Pending for another reason.
#[test]
fn a_pod_that_waits_for_memory_is_no_lost_node() {
    let mut objects = healthy();
    pending(&mut objects);
    assert_eq!(found(&sighting(&objects)), []);
}

#[test]
fn a_silent_node_is_away_after_five_minutes_and_not_before() {
    let mut objects = healthy();
    pending(&mut objects);
    let silent = |since: &str| json!([{"type": "Ready", "status": "Unknown", "lastTransitionTime": since}]);
    change(&mut objects, "Node", "/status/conditions", silent("2026-01-01T00:57:00Z"));
    assert_eq!(found(&sighting(&objects)), []);
    change(&mut objects, "Node", "/status/conditions", silent("2026-01-01T00:30:00Z"));
    assert_eq!(found(&sighting(&objects)), [(LossKind::NodeUnreachable, true)]);
}

/// Claims, volumes and one Deployment for each group of claims, all on one node that is gone.
fn on_a_lost_node(groups: &[&[&str]]) -> Vec<Value> {
    let mut objects = Vec::new();
    let names: std::collections::BTreeSet<&str> = groups.iter().flat_map(|group| group.iter().copied()).collect();
    for name in names {
        for mut object in
            healthy().into_iter().filter(|object| object["kind"].as_str().unwrap().starts_with("Persistent"))
        {
            object["metadata"]["name"] = name.into();
            object["metadata"]["uid"] = name.into();
            match object["kind"].as_str() {
                Some("PersistentVolume") => {
                    object["spec"]["claimRef"] = json!({"namespace": "n", "name": name, "uid": name});
                }
                _ => object["spec"]["volumeName"] = name.into(),
            }
            objects.push(object);
        }
    }
    for (number, group) in groups.iter().enumerate() {
        let volumes: Vec<Value> =
            group.iter().map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}})).collect();
        let owner = format!("web-{number}");
        objects.push(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": owner, "namespace": "n", "uid": owner},
            "spec": {"replicas": 1, "template": {"spec": {"volumes": volumes}}}}));
        objects.push(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{owner}-1"), "namespace": "n",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "uid": owner, "controller": true}]},
            "spec": {"volumes": volumes}, "status": {"conditions": [{"type": "PodScheduled", "status": "False",
                "reason": "Unschedulable", "lastTransitionTime": "2026-01-01T00:30:00Z"}]}}));
    }
    objects
}

#[test]
fn what_was_lost_with_a_claim_is_what_its_pods_need_too_directly_or_not() {
    let sighting = sighting(&on_a_lost_node(&[&["a", "b"], &["b", "c"], &["d"]]));
    let losses = recognise(&sighting);
    assert!(losses.len() == 4 && losses.iter().all(|loss| loss.certain), "{losses:#?}");
    let with = |name: &str| companions(&losses, &sighting.snapshot, &claim_ref("n", name));
    assert_eq!(with("a"), [claim_ref("n", "b"), claim_ref("n", "c")]);
    assert_eq!(with("d"), []);
    assert_eq!(with("unknown"), []);
}

/// The first was replaced by a recovery that failed then: the others still keep the pods away.
#[test]
fn what_is_left_behind_of_a_lost_node_is_what_the_pods_of_a_replaced_claim_need() {
    let mut objects = on_a_lost_node(&[&["a", "b"], &["d"]]);
    let fresh = objects.iter_mut().find(|object| object["kind"] == "PersistentVolumeClaim").unwrap();
    assert_eq!(fresh["metadata"]["name"], "a");
    fresh["spec"]["volumeName"] = Value::Null;
    fresh["status"] = json!({"phase": "Pending"});
    let sighting = sighting(&objects);
    let losses = recognise(&sighting);
    let left = |kinds: &[LossKind]| left_behind(&losses, &sighting.snapshot, (&claim_ref("n", "a"), kinds));
    assert_eq!(left(&[LossKind::NodeGone]), [claim_ref("n", "b")], "{losses:#?}");
    assert_eq!(left(&[LossKind::VolumeEmptied]), []);
}

/// Both are wanted back before a pod that has them starts; one alone would end in a wait without end.
#[test]
fn volumes_of_one_pod_that_were_let_go_come_back_together() {
    let mut objects = on_a_lost_node(&[&["a", "b"], &["c"]]);
    objects.retain(|object| object["kind"] != "PersistentVolumeClaim");
    objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"kubernetes.io/hostname": "host-1"}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
    for volume in objects.iter_mut().filter(|object| object["kind"] == "PersistentVolume") {
        volume["status"]["phase"] = "Released".into();
    }
    let sighting = sighting(&objects);
    let losses = recognise(&sighting);
    let released = losses.iter().filter(|loss| loss.kind == LossKind::VolumeReleased && loss.certain).count();
    assert_eq!(released, 3, "{losses:#?}");
    let with = |name: &str| companions(&losses, &sighting.snapshot, &claim_ref("n", name));
    assert_eq!((with("a"), with("c")), (vec![claim_ref("n", "b")], Vec::new()));
}

mod attach;
mod bindings;
mod disks;
mod former;
mod scattered;
mod unerased;
mod unserved;
