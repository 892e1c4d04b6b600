use super::*;

/// The volume is of the network and attached to `node-1`, and a pod of its claim waits on another node.
fn attached(ready: &str, since: &str) -> Vec<Value> {
    let mut objects = healthy();
    change(
        &mut objects,
        "Node",
        "/status/conditions",
        json!([{"type": "Ready", "status": ready, "lastTransitionTime": since}]),
    );
    change(&mut objects, "PersistentVolume", "/spec/nodeAffinity", Value::Null);
    change(&mut objects, "PersistentVolume", "/spec/accessModes", json!(["ReadWriteOnce"]));
    change(&mut objects, "Pod", "/metadata/deletionTimestamp", json!("2026-01-01T00:35:00Z"));
    let mut waits = objects.last().unwrap().clone();
    waits["metadata"] = json!({"name": "web-2", "namespace": "n"});
    waits["spec"]["nodeName"] = "node-2".into();
    waits["status"] = json!({"phase": "Pending", "startTime": "2026-01-01T00:36:00Z"});
    objects.push(waits);
    objects.push(
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "a", "uid": "a1"},
        "spec": {"nodeName": "node-1", "source": {"persistentVolumeName": "v"}}, "status": {"attached": true}}),
    );
    objects
}

const LONG: &str = "2026-01-01T00:30:00Z";

#[test]
fn an_attachment_is_stuck_when_its_node_is_away_and_a_pod_waits_elsewhere() {
    let losses = recognise(&sighting(&attached("Unknown", LONG)));
    assert_eq!((losses[0].kind, losses[0].certain, losses.len()), (LossKind::AttachStuck, true, 1));
    assert_eq!(losses[0].node.as_deref(), Some("node-1"));
    let gone: Vec<Value> = attached("Unknown", LONG).into_iter().filter(|object| object["kind"] != "Node").collect();
    assert_eq!(found(&sighting(&gone)), [(LossKind::AttachStuck, true)]);
}

#[test]
fn what_is_let_go_by_itself_is_not_stuck() {
    // The old pod ends on a node that is well, or that has just gone silent.
    assert_eq!(found(&sighting(&attached("True", LONG))), []);
    assert_eq!(found(&sighting(&attached("Unknown", "2026-01-01T00:57:00Z"))), []);
    // Nobody waits for it.
    let mut alone = attached("Unknown", LONG);
    alone.retain(|object| object["metadata"]["name"] != "web-2");
    assert_eq!(found(&sighting(&alone)), [(LossKind::AttachStuck, false)]);
    // Any number of nodes may have it.
    let mut shared = attached("Unknown", LONG);
    change(&mut shared, "PersistentVolume", "/spec/accessModes", json!(["ReadWriteMany"]));
    assert_eq!(found(&sighting(&shared)), []);
    // It is being attached, or let go.
    let mut passing = attached("Unknown", LONG);
    change(&mut passing, "VolumeAttachment", "/status/attached", json!(false));
    assert_eq!(found(&sighting(&passing)), []);
}
