//! Nodes that are not heard of, and the pods of nodes that are gone.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object::{change_list, items, text};
use crate::sandbox::store::{address_of, read_time, time};
use crate::sandbox::world::World;

/// How long pods stay on a node that is not heard of: their tolerations say so by default.
const TOLERATED: i64 = 300;
const TAINT: &str = "node.kubernetes.io/unreachable";

pub(super) fn run(world: &mut World) {
    for (node, back) in world.returns.clone() {
        if world.is_past(back) {
            world.returns.remove(&node);
            world.answers_again(&node);
        }
    }
    for node in world.all("Node") {
        let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
        let lost = world.suffers("node-unreachable", &name);
        let known = is_lost(&node);
        if lost != known {
            report(world, Value::clone(&node), lost);
        } else if lost {
            evict(world, &node, &name);
        }
    }
    // Pods of a node that does not exist any more are collected.
    for pod in world.all("Pod") {
        let node = text(&pod, "/spec/nodeName");
        if node.is_some_and(|node| world.find("Node", None, node).is_none()) {
            world.remove(&pod);
        }
    }
}

/// Whether a node is not heard of.
pub(super) fn is_lost(node: &Value) -> bool {
    items(node, "/status/conditions").any(|condition| condition["type"] == "Ready" && condition["status"] != "True")
}

fn report(world: &mut World, mut node: Value, lost: bool) {
    let now = time(world.now);
    let (status, reason, message) = if lost {
        ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    } else {
        ("True", "KubeletReady", "kubelet is posting ready status")
    };
    if let Some(Value::Array(conditions)) = node["status"].get_mut("conditions") {
        for condition in conditions.iter_mut().filter(|condition| condition["type"] == "Ready") {
            *condition = json!({"type": "Ready", "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": condition["lastHeartbeatTime"], "lastTransitionTime": now});
        }
    }
    change_list(&mut node["spec"]["taints"], |taints| {
        taints.retain(|taint| taint["key"] != TAINT);
        if lost {
            taints.extend(
                ["NoSchedule", "NoExecute"].map(|effect| json!({"key": TAINT, "effect": effect, "timeAdded": now})),
            );
        }
    });
    if node["spec"]["taints"] == json!([])
        && let Some(spec) = node["spec"].as_object_mut()
    {
        spec.shift_remove("taints");
    }
    let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
    let node = world.put(node);
    let said = if lost { "NodeNotReady" } else { "NodeReady" };
    world.event(&node, ("Normal", said), &format!("Node {name} status is now: {said}"), "node-controller");
    if lost {
        for pod in world.all("Pod").into_iter().filter(|pod| text(pod, "/spec/nodeName") == Some(&name)) {
            unready(world, Value::clone(&pod));
        }
    }
}

fn unready(world: &mut World, mut pod: Value) {
    let now = time(world.now);
    if let Some(Value::Array(conditions)) = pod["status"].get_mut("conditions") {
        for condition in conditions.iter_mut().filter(|condition| condition["type"] == "Ready") {
            condition["status"] = "False".into();
            condition["lastTransitionTime"] = now.as_str().into();
        }
    }
    let pod = world.put(pod);
    world.event(&pod, ("Warning", "NodeNotReady"), "Node is not ready", "node-controller");
}

/// After a while the pods are to go; they stay until the node says that they are gone.
fn evict(world: &mut World, node: &Value, name: &str) {
    let taint = items(node, "/spec/taints").find(|taint| taint["key"] == TAINT);
    let Some(since) = taint.and_then(|taint| read_time(taint, "/timeAdded")) else { return };
    let pods: Vec<Arc<Value>> =
        world.all("Pod").into_iter().filter(|pod| text(pod, "/spec/nodeName") == Some(name)).collect();
    if pods.is_empty() || !world.is_since(since, TOLERATED) {
        return;
    }
    let forever = |pod: &Value| {
        items(pod, "/spec/tolerations").any(|toleration| {
            (toleration["key"] == TAINT || toleration.get("key").is_none())
                && toleration.get("tolerationSeconds").is_none()
        })
    };
    for pod in pods.iter().filter(|pod| !forever(pod) && pod["metadata"].get("deletionTimestamp").is_none()) {
        if let Some(address) = address_of(pod) {
            let _ = world.delete(&address, None);
            world.event(
                pod,
                ("Normal", "TaintManagerEviction"),
                &format!(
                    "Marking for deletion Pod {}/{}",
                    text(pod, "/metadata/namespace").unwrap_or_default(),
                    address.name
                ),
                "taint-eviction-controller",
            );
        }
    }
}
