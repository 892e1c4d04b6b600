//! The kubelets: containers start after a second, probes pass after their delay, and what a pod needs has to be there.
//!
//! Nothing runs. Everything that a kubelet knows of a container stands in the pod's status, with times in whole seconds, so
//! a look at the objects and the clock is enough to go on.

mod conditions;
mod containers;
mod needs;

use std::sync::Arc;

use serde_json::{Value, json};

use super::attach;
use super::nodes::is_lost;
use crate::object::{has_ended, items, text};
use crate::sandbox::containers::own_folders;
use crate::sandbox::ids::Ids;
use crate::sandbox::store::{address_of, read_time, time};
use crate::sandbox::world::World;

pub(super) const BY: &str = "kubelet";
/// How long a container that is told to end takes, in seconds.
const ENDING: i64 = 1;

pub(super) fn run(world: &mut World) {
    for pod in world.all("Pod") {
        let node = text(&pod, "/spec/nodeName").and_then(|node| world.find("Node", None, node));
        if node.is_none_or(is_lost) {
            continue;
        }
        if pod["metadata"].get("deletionTimestamp").is_some() {
            end(world, &pod);
        } else if !has_ended(&pod) {
            tend(world, &pod);
        }
    }
}

/// A pod that is to go is gone a second after it was told, whatever its grace period allows.
fn end(world: &mut World, pod: &Value) {
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let Some(limit) = read_time(pod, "/metadata/deletionTimestamp") else { return };
    let told = limit.saturating_sub(jiff::SignedDuration::from_secs(grace)).unwrap_or(limit);
    let running = items(pod, "/status/containerStatuses").any(|status| status["state"].get("running").is_some());
    if running && !world.is_since(told, ENDING.min(grace)) {
        for container in items(pod, "/spec/containers") {
            let name = text(container, "/name").unwrap_or_default();
            world.event_at(
                (pod, Some(&format!("spec.containers{{{name}}}"))),
                ("Normal", "Killing"),
                &format!("Stopping container {name}"),
                BY,
            );
        }
        return;
    }
    // Finalizers of pods are their owners' business.
    if items(pod, "/metadata/finalizers").next().is_none()
        && let Some(address) = address_of(pod)
    {
        world.store.remove(&address);
        world.disks.erase_all(&own_folders(pod));
    }
}

fn tend(world: &mut World, pod: &Arc<Value>) {
    let is_new = pod["status"].get("startTime").is_none();
    let pod = if is_new { accept(world, Value::clone(pod)) } else { pod.clone() };
    if let Some(unmet) = needs::volumes(world, &pod) {
        world.event(&pod, ("Warning", "FailedMount"), &unmet, BY);
        return;
    }
    let has_begun = items(&pod, "/status/containerStatuses").any(|status| status["state"].get("waiting").is_none());
    if let Some(unmet) = attach::obstacle(world, &pod).filter(|_| !has_begun) {
        world.event(&pod, ("Warning", "FailedAttachVolume"), &unmet, "attachdetach-controller");
        return;
    }
    let status = containers::status(world, &pod);
    world.put_status(&pod, status);
}

/// A node takes a pod: it gets an address, and its containers are made.
fn accept(world: &mut World, mut pod: Value) -> Arc<Value> {
    let node =
        text(&pod, "/spec/nodeName").and_then(|node| world.find("Node", None, node)).cloned().unwrap_or_default();
    let host = items(&node, "/status/addresses")
        .find(|address| address["type"] == "InternalIP")
        .map(|address| address["address"].clone())
        .unwrap_or_default();
    let status = &mut pod["status"];
    status["startTime"] = time(world.now).into();
    status["hostIP"] = host.clone();
    status["hostIPs"] = json!([{"ip": host}]);
    let waiting = |container: &Value, reason: &str| {
        json!({"name": container["name"], "image": container["image"], "imageID": "", "ready": false,
        "restartCount": 0, "started": false, "lastState": {}, "state": {"waiting": {"reason": reason}}})
    };
    let has_init = items(&pod, "/spec/initContainers").next().is_some();
    let first = if has_init { "PodInitializing" } else { "ContainerCreating" };
    let all = |pointer: &str| items(&pod, pointer).map(|container| waiting(container, first)).collect::<Vec<_>>();
    let (init, main) = (all("/spec/initContainers"), all("/spec/containers"));
    if !init.is_empty() {
        pod["status"]["initContainerStatuses"] = init.into();
    }
    pod["status"]["containerStatuses"] = main.into();
    world.put(pod)
}

/// A free address in the range of the pod's node.
pub(super) fn pod_address(ids: &mut Ids, node: &Value) -> String {
    let range = text(node, "/spec/podCIDR").unwrap_or("10.244.0.0/24");
    let prefix = range.rsplit_once('.').map_or("10.244.0", |(prefix, _)| prefix);
    format!("{prefix}.{}", ids.number() % 250 + 2)
}
