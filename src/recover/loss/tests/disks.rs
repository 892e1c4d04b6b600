//! Volumes that take no writes any more, and what only looks so.

use super::*;
use crate::engine::rescue::Room;

fn disk(read_only: bool, size: u64, free: u64) -> Disk {
    Disk {
        pod: "web-1".to_owned(),
        path: "/data".to_owned(),
        read_only,
        room: Some(Room { size, free }),
        ..Disk::default()
    }
}

/// The healthy cluster, with a mount, and a file system.
fn seen(objects: &[Value], disk: Disk) -> Sighting {
    Sighting { disks: [(claim_ref("n", "c"), disk)].into(), ..sighting(objects) }
}

fn mounting(mount: &Value) -> Vec<Value> {
    let mut objects = healthy();
    change(&mut objects, "Pod", "/spec/containers", json!([{"name": "w"}]));
    change(&mut objects, "Pod", "/spec/containers/0/volumeMounts", json!([mount]));
    objects
}

#[test]
fn a_file_system_that_became_read_only_is_told_from_one_that_was_asked_for() {
    let objects = mounting(&json!({"name": "x", "mountPath": "/data"}));
    let failing = disk(true, 1000, 500);
    assert_eq!(found(&seen(&objects, disk(false, 1000, 500))), []);
    assert_eq!(found(&seen(&objects, failing.clone())), [(LossKind::VolumeReadOnly, true)]);
    let asked = mounting(&json!({"name": "x", "mountPath": "/data", "readOnly": true}));
    assert_eq!(found(&seen(&asked, failing.clone())), [], "its only pod asks for it");
    for (pointer, value) in [
        ("/spec/mountOptions", json!(["ro"])),
        ("/spec/accessModes", json!(["ReadOnlyMany"])),
        ("/spec/nfs", json!({"server": "s", "path": "/p", "readOnly": true})),
    ] {
        let mut meant = objects.clone();
        change(&mut meant, "PersistentVolume", pointer, value);
        assert_eq!(found(&seen(&meant, failing.clone())), [], "{pointer}");
    }
}

#[test]
fn a_file_system_is_full_for_certain_only_when_somebody_was_refused() {
    let objects = mounting(&json!({"name": "x", "mountPath": "/data"}));
    let mut full = disk(false, 1_000_000, 0);
    assert_eq!(found(&seen(&objects, full.clone())), [(LossKind::VolumeFull, false)]);
    full.said = Some("write /data/x: no space left on device".to_owned());
    assert_eq!(found(&seen(&objects, full.clone())), [(LossKind::VolumeFull, true)]);
    full.said = None;
    let mut pressed = objects.clone();
    let conditions = json!([{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}, {"type": "DiskPressure", "status": "True"}]);
    change(&mut pressed, "Node", "/status/conditions", conditions);
    assert_eq!(found(&seen(&pressed, full)), [(LossKind::VolumeFull, true)]);
    // Little is not none, and what is small and half empty has room.
    for room in [disk(false, 100_000_000, 4096), disk(false, 2000, 900)] {
        assert_eq!(found(&seen(&objects, room)), []);
    }
}

#[test]
fn what_has_to_lie_beside_a_claim_moves_with_it() {
    let mut objects = healthy();
    let beside = |name: &str, host: &str| {
        let mut pair: Vec<Value> = healthy().into_iter().skip(1).take(2).collect();
        pair[0]["metadata"] = json!({"name": format!("v-{name}"), "uid": format!("v-{name}")});
        pair[0]["spec"]["claimRef"] = json!({"namespace": "n", "name": name, "uid": name});
        pair[0]["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] =
            json!([host]);
        pair[1]["metadata"] = json!({"name": name, "namespace": "n", "uid": name});
        pair[1]["spec"]["volumeName"] = format!("v-{name}").into();
        pair
    };
    for (name, host) in [("logs", "host-1"), ("far", "host-2"), ("foreign", "host-1")] {
        objects.extend(beside(name, host));
    }
    let volumes = json!([{"name": "x", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "y", "persistentVolumeClaim": {"claimName": "logs"}}, {"name": "z", "persistentVolumeClaim": {"claimName": "far"}}]);
    change(&mut objects, "Deployment", "/spec/template/spec/volumes", volumes);
    let snapshot = sighting(&objects).snapshot;
    assert_eq!(neighbours(&snapshot, &claim_ref("n", "c")), [claim_ref("n", "logs")]);
    assert_eq!(neighbours(&snapshot, &claim_ref("n", "foreign")), [], "nobody uses it with another one");
}
