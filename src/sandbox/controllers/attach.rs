//! Volumes of a network that one node at a time may have: attachments of a node that is out of service go, and so do the pods that are
//! stuck there. Sources: Kubernetes 1.34, `pkg/controller/podgc/gc_controller.go` (`gcTerminating`) and
//! `pkg/controller/volume/attachdetach/reconciler`.

use serde_json::Value;

use super::nodes::is_lost;
use crate::object::{items, text};
use crate::plan::verb::OUT_OF_SERVICE;
use crate::sandbox::world::World;

pub(super) fn run(world: &mut World) {
    for node in world.all("Node").into_iter().filter(|node| is_out(node)) {
        let name = text(&node, "/metadata/name").unwrap_or_default();
        for pod in world.all("Pod").into_iter().filter(|pod| text(pod, "/spec/nodeName") == Some(name)) {
            if pod["metadata"].get("deletionTimestamp").is_some() {
                world.remove(&pod);
            } else {
                world.discard(&pod);
            }
        }
        for attachment in world.all("VolumeAttachment") {
            if text(&attachment, "/spec/nodeName") == Some(name) {
                world.remove(&attachment);
            }
        }
    }
}

/// Whether a node is marked as switched off, and is not heard of.
fn is_out(node: &Value) -> bool {
    is_lost(node) && items(node, "/spec/taints").any(|taint| taint["key"] == OUT_OF_SERVICE)
}

/// Why a pod's volume cannot be attached to its node, in the words of the attach/detach controller.
pub(super) fn obstacle(world: &World, pod: &Value) -> Option<String> {
    let node = text(pod, "/spec/nodeName")?;
    let claims = items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    claims.into_iter().find_map(|claim| {
        let live = world.find("PersistentVolumeClaim", text(pod, "/metadata/namespace"), claim)?;
        let volume = text(live, "/spec/volumeName")?;
        let elsewhere = |attachment: &&Value| {
            text(attachment, "/spec/source/persistentVolumeName") == Some(volume)
                && text(attachment, "/spec/nodeName") != Some(node)
        };
        world.store.all("VolumeAttachment").find(elsewhere)?;
        Some(format!(
            "Multi-Attach error for volume \"{volume}\" Volume is already exclusively attached to one node and can't be attached to another"
        ))
    })
}
