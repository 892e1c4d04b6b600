//! Claims and volumes that do not belong to each other any more.

use serde_json::{Value, json};

use super::strike::{claim_released, claims_of, lasting};
use super::{targets, volumes};
use crate::object::text;
use crate::sandbox::disks::{self, Disks};
use crate::sandbox::world::World;

/// A uid that no object has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

pub(super) fn claim_renewed(world: &mut World, target: &str) {
    let claims = targets(world, "PersistentVolumeClaim", target);
    claim_released(world, target);
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

pub(super) fn volumes_swapped(world: &mut World, target: &str) {
    let Some(mut one) = volumes(world, target).into_iter().next() else { return };
    let namespace = one["spec"]["claimRef"]["namespace"].clone();
    let is_other = |other: &Value| {
        other["spec"]["claimRef"]["namespace"] == namespace && other["metadata"]["uid"] != one["metadata"]["uid"]
    };
    // Volumes have names of chance; by their claims it is the same one each time.
    let mut others: Vec<Value> = volumes(world, "").into_iter().filter(is_other).collect();
    others.sort_by_key(|other| other["spec"]["claimRef"]["name"].as_str().map(str::to_owned));
    let Some(mut other) = others.into_iter().next() else { return };
    std::mem::swap(&mut one["spec"]["claimRef"], &mut other["spec"]["claimRef"]);
    for mut volume in [one, other] {
        volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
        world.put(volume);
    }
}

/// The volumes of a node become such that are attached to one node at a time, with what is on them; then the node is not heard of any more.
pub(super) fn attach_stuck(world: &mut World, target: &str) {
    let Some(node) = targets(world, "Node", target).into_iter().next() else { return };
    let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
    let here: Vec<Value> = volumes(world, "").into_iter().filter(|volume| disks::node(volume) == Some(&name)).collect();
    for mut volume in here {
        let held = world.disks.files(&Disks::place(&volume)).cloned().unwrap_or_default();
        world.disks.erase(&Disks::place(&volume));
        if let Some(spec) = volume["spec"].as_object_mut() {
            spec.shift_remove("nodeAffinity");
        }
        if let Some(annotations) = volume["metadata"]["annotations"].as_object_mut() {
            annotations.shift_remove("local.path.provisioner/selected-node");
        }
        world.disks.make(&Disks::place(&volume)).extend(held);
        let attachment = format!("csi-{}", text(&volume, "/metadata/uid").unwrap_or_default());
        world.put(
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": attachment},
            "spec": {"attacher": "network.sandbox.example", "nodeName": name,
                "source": {"persistentVolumeName": volume["metadata"]["name"]}}, "status": {"attached": true}}),
        );
        world.put(volume);
    }
    lasting(world, "node-unreachable", name);
}
