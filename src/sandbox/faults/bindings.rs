//! Claims and volumes that do not belong to each other any more.

use serde_json::{Value, json};

use super::strike::{claim_released, claims_of, lasting};
use super::{targets, volumes};
use crate::object::text;
use crate::sandbox::disks::{self, Disks};
use crate::sandbox::world::World;
use crate::snapshot::storage::makes_claim;

/// A uid that no object has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// The claims that a `StatefulSet` has made, and would make again.
pub(super) fn of_sets(world: &World, target: &str) -> Vec<Value> {
    let sets: Vec<&Value> = world.store.all("StatefulSet").collect();
    let is_made = |claim: &Value| {
        let name = text(claim, "/metadata/name").unwrap_or_default();
        let here = |set: &&&Value| text(set, "/metadata/namespace") == text(claim, "/metadata/namespace");
        sets.iter().filter(here).any(|set| makes_claim(set, name))
    };
    targets(world, "PersistentVolumeClaim", target).into_iter().filter(is_made).collect()
}

pub(super) fn claim_renewed(world: &mut World, target: &str) {
    let claims = of_sets(world, target);
    for claim in &claims {
        let part = |pointer| text(claim, pointer).unwrap_or_default();
        claim_released(world, &format!("{}/{}", part("/metadata/namespace"), part("/metadata/name")));
    }
    let uses = |pod: &&Value| {
        let of_it = |claim: &Value| {
            text(claim, "/metadata/namespace") == text(pod, "/metadata/namespace")
                && claims_of(pod).any(|used| Some(used) == text(claim, "/metadata/name"))
        };
        claims.iter().any(of_it)
    };
    let pods: Vec<Value> = world.store.all("Pod").filter(uses).cloned().collect();
    for pod in &pods {
        world.discard(pod);
    }
}

pub(super) fn claim_misbound(world: &mut World, target: &str) {
    for mut volume in volumes(world, target) {
        volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
        volume["spec"]["claimRef"]["uid"] = NOBODY.into();
        world.put(volume);
    }
}

/// The other volumes of the namespace that a volume's claim is in.
pub(super) fn beside(world: &World, volume: &Value) -> Vec<Value> {
    let is_other = |other: &Value| {
        other["spec"]["claimRef"]["namespace"] == volume["spec"]["claimRef"]["namespace"]
            && other["metadata"]["uid"] != volume["metadata"]["uid"]
    };
    volumes(world, "").into_iter().filter(is_other).collect()
}

pub(super) fn volumes_swapped(world: &mut World, target: &str) {
    let has_other = |volume: &Value| !beside(world, volume).is_empty();
    let Some(mut one) = volumes(world, target).into_iter().find(has_other) else { return };
    // Volumes have names of chance; by their claims it is the same one each time.
    let mut others = beside(world, &one);
    others.sort_by_key(|other| other["spec"]["claimRef"]["name"].as_str().map(str::to_owned));
    let Some(mut other) = others.into_iter().next() else { return };
    std::mem::swap(&mut one["spec"]["claimRef"], &mut other["spec"]["claimRef"]);
    for mut volume in [one, other] {
        volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
        world.put(volume);
    }
}

/// Whoever makes, attaches and enlarges volumes of the network.
const NETWORK: &str = "network.sandbox.example";

/// A volume becomes one of the network, with what is on it: it lies on no node, and one node at a time may have it.
fn to_the_network(world: &mut World, mut volume: Value) -> Value {
    let held = world.disks.files(&Disks::place(&volume)).cloned().unwrap_or_default();
    world.disks.erase(&Disks::place(&volume));
    if let Some(spec) = volume["spec"].as_object_mut() {
        spec.shift_remove("nodeAffinity");
    }
    if let Some(annotations) = volume["metadata"]["annotations"].as_object_mut() {
        annotations.shift_remove("local.path.provisioner/selected-node");
    }
    world.disks.make(&Disks::place(&volume)).extend(held);
    Value::clone(&world.put(volume))
}

/// The volumes of a node become such that are attached to one node at a time; then the node is not heard of any more.
pub(super) fn attach_stuck(world: &mut World, target: &str) {
    let Some(node) = targets(world, "Node", target).into_iter().next() else { return };
    let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
    let here: Vec<Value> = volumes(world, "").into_iter().filter(|volume| disks::node(volume) == Some(&name)).collect();
    for volume in here {
        let volume = to_the_network(world, volume);
        let attachment = format!("csi-{}", text(&volume, "/metadata/uid").unwrap_or_default());
        world.put(
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": attachment},
            "spec": {"attacher": NETWORK, "nodeName": name,
                "source": {"persistentVolumeName": volume["metadata"]["name"]}}, "status": {"attached": true}}),
        );
    }
    lasting(world, "node-unreachable", name);
}

/// The volume of a claim becomes one of the network whose class lets it grow, and has no room left as long as it is not larger.
pub(super) fn volume_full(world: &mut World, target: &str) {
    const CLASS: &str = "network";
    for mut claim in targets(world, "PersistentVolumeClaim", target) {
        let name = text(&claim, "/spec/volumeName").unwrap_or_default();
        let Some(mut volume) = world.find("PersistentVolume", None, name).cloned() else { continue };
        world.put(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": CLASS},
            "provisioner": NETWORK, "allowVolumeExpansion": true, "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}));
        for spec in [&mut claim["spec"], &mut volume["spec"]] {
            spec["storageClassName"] = CLASS.into();
        }
        let volume = to_the_network(world, volume);
        world.put(claim);
        let size = text(&volume, "/spec/capacity/storage").unwrap_or_default();
        lasting(world, FULL, format!("{}{size}", full_from(&volume)));
    }
}

/// The fault of a volume that has no room.
const FULL: &str = "volume-full";

fn full_from(volume: &Value) -> String {
    format!("{} as large as ", text(volume, "/metadata/name").unwrap_or_default())
}

/// Whether a volume has no room left: it is as large as when that was brought about.
pub(in crate::sandbox) fn is_full(world: &World, volume: &Value) -> bool {
    let size = text(volume, "/spec/capacity/storage").unwrap_or_default();
    let full = format!("{}{size}", full_from(volume));
    world.faults.get(FULL).is_some_and(|targets| targets.contains(&full))
}
