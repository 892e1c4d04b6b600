//! Binding claims to volumes, as the volume controller does it; the texts are those of Kubernetes 1.34.

use serde_json::{Value, json};

use super::provisioner;
use crate::object::{items, text};
use crate::sandbox::world::World;
use crate::stack::quantity;

const BY: &str = "persistentvolume-controller";
const BOUND: &str = "pv.kubernetes.io/bind-completed";
const BY_US: &str = "pv.kubernetes.io/bound-by-controller";

pub(super) fn run(world: &mut World) {
    for claim in world.all("PersistentVolumeClaim") {
        if is_bound(&claim) {
            grow(world, &claim);
            check(world, &claim);
        } else if claim["metadata"].get("deletionTimestamp").is_none() {
            bind(world, &claim);
        }
    }
}

/// Whether a claim was once bound for good.
fn is_bound(claim: &Value) -> bool {
    claim["metadata"]["annotations"].get(BOUND).is_some()
}

fn volume_of(world: &World, claim: &Value) -> Option<Value> {
    world.find("PersistentVolume", None, text(claim, "/spec/volumeName")?).cloned()
}

/// A volume of the network grows as its claim asks; the others are as large as their disk, whatever they say (csi-resizer; local-path has
/// nothing like it). The claim's own size follows.
fn grow(world: &mut World, claim: &Value) {
    let class = text(claim, "/spec/storageClassName").and_then(|name| world.find("StorageClass", None, name));
    if !class.is_some_and(|class| class["allowVolumeExpansion"] == true) {
        return;
    }
    let Some(mut volume) = volume_of(world, claim) else { return };
    if size(claim, "/spec/resources/requests/storage") > size(&volume, "/spec/capacity/storage") {
        volume["spec"]["capacity"]["storage"] = claim["spec"]["resources"]["requests"]["storage"].clone();
        world.put(volume);
    }
}

/// A bound claim whose volume is gone, or is another's, is lost; one whose volume knows it is bound again.
fn check(world: &mut World, claim: &Value) {
    let Some(volume) = volume_of(world, claim) else {
        return lose(
            world,
            claim,
            "ClaimLost",
            "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
        );
    };
    let reference = &volume["spec"]["claimRef"];
    if reference["name"].is_null() {
        return seal(world, claim, &volume);
    }
    if reference["uid"] == claim["metadata"]["uid"] {
        return seal(world, claim, &volume);
    }
    // A reservation without a uid is not enough for a claim that was bound before.
    if reference["uid"].as_str().is_some_and(|uid| !uid.is_empty()) {
        lose(world, claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
    }
}

fn lose(world: &mut World, claim: &Value, reason: &str, message: &str) {
    if claim["status"]["phase"] != "Lost" {
        world.put_status(claim, json!({"phase": "Lost"}));
        world.event(claim, ("Warning", reason), message, BY);
    }
}

fn bind(world: &mut World, claim: &Value) {
    if let Some(name) = text(claim, "/spec/volumeName").filter(|name| !name.is_empty()) {
        let Some(volume) = world.find("PersistentVolume", None, name).cloned() else { return };
        if is_free_for(&volume, claim) {
            return seal(world, claim, &volume);
        }
        return world.event(
            claim,
            ("Warning", "FailedBinding"),
            &format!("volume \"{name}\" already bound to a different claim."),
            BY,
        );
    }
    let reserved =
        world.all("PersistentVolume").into_iter().find(|volume| is_reserved_for(volume, claim) && fits(volume, claim));
    if let Some(volume) = reserved {
        return seal(world, claim, &volume);
    }
    let class = text(claim, "/spec/storageClassName").unwrap_or_default().to_owned();
    if class.is_empty() {
        if !take_any(world, claim) {
            world.event(
                claim,
                ("Normal", "FailedBinding"),
                "no persistent volumes available for this claim and no storage class is set",
                BY,
            );
        }
        return;
    }
    let Some(class) = world.find("StorageClass", None, &class).cloned() else {
        if !take_any(world, claim) {
            world.event(
                claim,
                ("Warning", "ProvisioningFailed"),
                &format!("storageclass.storage.k8s.io \"{class}\" not found"),
                BY,
            );
        }
        return;
    };
    let node = text(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node");
    if class["volumeBindingMode"] == "WaitForFirstConsumer" && node.is_none() {
        return wait(world, claim);
    }
    if !take_any(world, claim) {
        provisioner::provision(world, claim, &class);
    }
}

fn wait(world: &mut World, claim: &Value) {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let user = world.all("Pod").into_iter().find(|pod| {
        pod["metadata"]["namespace"] == claim["metadata"]["namespace"]
            && items(pod, "/spec/volumes").any(|volume| text(volume, "/persistentVolumeClaim/claimName") == Some(name))
    });
    match user.as_ref().and_then(|pod| text(pod, "/metadata/name")) {
        None => world.event(
            claim,
            ("Normal", "WaitForFirstConsumer"),
            "waiting for first consumer to be created before binding",
            BY,
        ),
        Some(pod) => {
            world.event(
                claim,
                ("Normal", "WaitForPodScheduled"),
                &format!("waiting for pod {pod} to be scheduled"),
                BY,
            );
        }
    }
}

/// Binds to a free volume that fits, if there is one.
fn take_any(world: &mut World, claim: &Value) -> bool {
    let node = text(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node").map(str::to_owned);
    let there = |volume: &Value| {
        let on = crate::sandbox::disks::node(volume);
        node.is_none() || on.is_none() || on == node.as_deref()
    };
    let free = |volume: &Value| {
        volume["spec"]["claimRef"]["name"].is_null() && volume["metadata"].get("deletionTimestamp").is_none()
    };
    let found =
        world.all("PersistentVolume").into_iter().find(|volume| free(volume) && there(volume) && fits(volume, claim));
    match found {
        Some(volume) => {
            seal(world, claim, &volume);
            true
        }
        None => false,
    }
}

fn is_reserved_for(volume: &Value, claim: &Value) -> bool {
    let reference = &volume["spec"]["claimRef"];
    let same = |key: &str| reference[key] == claim["metadata"][key];
    let uid = reference["uid"].as_str().filter(|uid| !uid.is_empty());
    same("name") && same("namespace") && uid.is_none_or(|uid| claim["metadata"]["uid"] == uid)
}

fn is_free_for(volume: &Value, claim: &Value) -> bool {
    volume["spec"]["claimRef"]["name"].is_null() || is_reserved_for(volume, claim)
}

fn size(object: &Value, pointer: &str) -> quantity::Nano {
    text(object, pointer).and_then(quantity::parse).unwrap_or(0)
}

/// Class, size and modes.
fn fits(volume: &Value, claim: &Value) -> bool {
    let class = |object: &Value| text(object, "/spec/storageClassName").unwrap_or_default().to_owned();
    let modes =
        items(claim, "/spec/accessModes").all(|mode| items(volume, "/spec/accessModes").any(|known| known == mode));
    modes
        && class(volume) == class(claim)
        && size(volume, "/spec/capacity/storage") >= size(claim, "/spec/resources/requests/storage")
}

/// Writes both sides of a binding.
fn seal(world: &mut World, claim: &Value, volume: &Value) {
    let mut volume = volume.clone();
    let ours = volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"];
    if !ours {
        volume["spec"]["claimRef"] = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim["metadata"]["name"],
            "namespace": claim["metadata"]["namespace"], "uid": claim["metadata"]["uid"], "resourceVersion": claim["metadata"]["resourceVersion"]});
        volume["metadata"]["annotations"][BY_US] = "yes".into();
    }
    if volume["status"]["phase"] != "Bound" {
        volume["status"] = json!({"phase": "Bound", "lastPhaseTransitionTime": crate::sandbox::store::time(world.now)});
    }
    let volume = world.put(volume);
    let mut claim = claim.clone();
    if text(&claim, "/spec/volumeName") != text(&volume, "/metadata/name") {
        claim["spec"]["volumeName"] = volume["metadata"]["name"].clone();
        claim["metadata"]["annotations"][BY_US] = "yes".into();
    }
    claim["metadata"]["annotations"][BOUND] = "yes".into();
    claim["status"] =
        json!({"phase": "Bound", "accessModes": volume["spec"]["accessModes"], "capacity": volume["spec"]["capacity"]});
    world.put(claim);
}
