//! The phases of volumes, and what becomes of one that is released. Measured on a real cluster: an object is `Released` when
//! the claim with the uid in its `claimRef` is gone; a `claimRef` without a uid only reserves it.

use serde_json::{Value, json};

use super::provisioner;
use crate::object::text;
use crate::sandbox::disks::Disks;
use crate::sandbox::store::{read_time, time};
use crate::sandbox::world::World;

/// How long the provisioner takes to delete a directory, in seconds.
const DELETION: i64 = 2;

pub(super) fn run(world: &mut World) {
    for volume in world.all("PersistentVolume") {
        let phase = phase(world, &volume);
        let mut status = volume["status"].clone();
        if status["phase"] != phase {
            status = json!({"phase": phase, "lastPhaseTransitionTime": time(world.now)});
        }
        world.put_status(&volume, status);
        if phase == "Released" {
            reclaim(world, &volume);
        }
    }
}

fn phase(world: &World, volume: &Value) -> &'static str {
    let reference = &volume["spec"]["claimRef"];
    let Some(name) = reference["name"].as_str() else { return "Available" };
    let claim = world.find("PersistentVolumeClaim", reference["namespace"].as_str(), name);
    let Some(uid) = reference["uid"].as_str().filter(|uid| !uid.is_empty()) else { return "Available" };
    match claim.filter(|claim| claim["metadata"]["uid"] == uid) {
        None => "Released",
        Some(claim) if text(claim, "/spec/volumeName") == text(volume, "/metadata/name") => "Bound",
        Some(_) => "Available",
    }
}

/// A released volume that its provisioner made is deleted by it with all that is on it, unless it is to be kept.
fn reclaim(world: &mut World, volume: &Value) {
    let Some(by) = text(volume, "/metadata/annotations/pv.kubernetes.io~1provisioned-by") else { return };
    let kept = volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete";
    let leaving = volume["metadata"].get("deletionTimestamp").is_some();
    if kept || leaving || !provisioner::is_there(world, by) {
        return;
    }
    let since = read_time(volume, "/status/lastPhaseTransitionTime").unwrap_or(world.now);
    if world.is_since(since, DELETION) {
        world.disks.erase(&Disks::place(volume));
        world.remove(volume);
    }
}
