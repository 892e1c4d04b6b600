//! The finalizers that keep claims and volumes as long as they are in use. Measured: a claim that only a pod without a node
//! names is not protected; a pod that has ended still holds its claim.

use serde_json::Value;

use super::collector::finish;
use crate::object::{items, text};
use crate::sandbox::store::address_of;
use crate::sandbox::world::World;

const CLAIM: &str = "kubernetes.io/pvc-protection";
const VOLUME: &str = "kubernetes.io/pv-protection";

pub(super) fn run(world: &mut World) {
    for claim in world.all("PersistentVolumeClaim") {
        if is_leaving(&claim, CLAIM) && !is_used(world, &claim) {
            release(world, &claim, CLAIM);
        }
    }
    for volume in world.all("PersistentVolume") {
        if is_leaving(&volume, VOLUME) && volume["status"]["phase"] != "Bound" {
            release(world, &volume, VOLUME);
        }
    }
}

fn is_leaving(object: &Value, finalizer: &str) -> bool {
    object["metadata"].get("deletionTimestamp").is_some()
        && items(object, "/metadata/finalizers").any(|known| known == finalizer)
}

fn is_used(world: &World, claim: &Value) -> bool {
    let name = text(claim, "/metadata/name");
    let mut pods = world.store.all("Pod").filter(|pod| {
        pod["metadata"]["namespace"] == claim["metadata"]["namespace"] && pod["spec"].get("nodeName").is_some()
    });
    pods.any(|pod| items(pod, "/spec/volumes").any(|volume| text(volume, "/persistentVolumeClaim/claimName") == name))
}

fn release(world: &mut World, object: &Value, finalizer: &str) {
    if let Some(address) = address_of(object) {
        finish(world, &address, object, finalizer);
    }
}
