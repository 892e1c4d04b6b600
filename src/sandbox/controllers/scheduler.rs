//! The scheduler: claims, taints, selectors, room, the nodes of volumes, rules about other pods. Texts as Kubernetes 1.34
//! writes them.

mod filters;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::pods::put_condition;
use crate::object::{items, text};
use crate::sandbox::containers::is_active;
use crate::sandbox::store::time;
use crate::sandbox::world::World;
use filters::{Board, Obstacle, Trial};

const BY: &str = "default-scheduler";

pub(super) fn run(world: &mut World) {
    let waits = |pod: &Arc<Value>| text(pod, "/spec/nodeName").is_none() && is_active(pod);
    let is_gated = |pod: &Arc<Value>| items(pod, "/spec/schedulingGates").next().is_some();
    let waiting = world.all("Pod").into_iter().filter(waits);
    let (gated, free): (Vec<_>, Vec<_>) = waiting.partition(is_gated);
    for pod in gated.iter().filter(|pod| items(pod, "/status/conditions").next().is_none()) {
        hold(world, pod);
    }
    let mut free = free.iter().filter(|pod| pod["spec"]["schedulerName"] == BY).peekable();
    if free.peek().is_none() {
        return;
    }
    let mut board = Board::of(world);
    for pod in free {
        board.rise(world, pod);
        if let Some(placed) = place(world, &board, pod) {
            board.seat(world, &placed);
        }
    }
}

/// A pod with gates says that it waits for them.
fn hold(world: &mut World, pod: &Value) {
    let mut pod = pod.clone();
    pod["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates", "lastProbeTime": null,
        "lastTransitionTime": time(world.now)}]);
    world.put(pod);
}

/// Finds a node for a pod; the pod, where it has one now or its volumes are being made on one.
fn place(world: &mut World, board: &Board, pod: &Arc<Value>) -> Option<Arc<Value>> {
    let waiting = match claims(world, pod) {
        Err(why) => {
            let count = world.store.all("Node").count();
            // The last words are those of the preemption that finds no node to look at.
            refuse(world, pod, &format!("0/{count} nodes are available: {why}. not found"));
            return None;
        }
        Ok(waiting) => waiting,
    };
    let node = match choose(world, board, pod) {
        Ok(node) => node,
        Err(why) => {
            refuse(world, pod, &why);
            return None;
        }
    };
    if waiting.is_empty() {
        return Some(bind(world, pod, &node));
    }
    // The volumes first; the pod follows when they are bound.
    for mut claim in waiting {
        claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = node.as_str().into();
        world.put(claim);
    }
    Some(pod.clone())
}

/// The node that suits a pod best, or why none does.
fn choose(world: &World, board: &Board, pod: &Value) -> Result<String, String> {
    let trial = Trial::of(world, board, pod);
    let mut obstacles = Vec::new();
    let mut best: Option<(usize, i128, &str)> = None;
    for node in world.store.all("Node") {
        if let Some(obstacle) = trial.obstacle(node) {
            obstacles.push(obstacle);
            continue;
        }
        let name = text(node, "/metadata/name").unwrap_or_default();
        let (same, used) = (trial.crowd(name), board.asked_on(name, "cpu"));
        if best.as_ref().is_none_or(|(alike, cpu, _)| (same, used) < (*alike, *cpu)) {
            best = Some((same, used, name));
        }
    }
    best.map(|(_, _, name)| name.to_owned()).ok_or_else(|| unplaceable(&obstacles))
}

/// Why no node will do, and that no pod can be made to yield. Source: `FitError` in `pkg/scheduler/framework/types.go`, 1.34, which
/// puts the reasons in the order of their letters, with the count before them.
fn unplaceable(obstacles: &[Obstacle]) -> String {
    let count = obstacles.len();
    if count == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in obstacles.iter().flat_map(|obstacle| &obstacle.reasons) {
        *reasons.entry(reason).or_default() += 1;
    }
    let lasting = obstacles.iter().filter(|obstacle| obstacle.is_lasting).count();
    let preemption = [
        ("No preemption victims found for incoming pod", count - lasting),
        ("Preemption is not helpful for scheduling", lasting),
    ];
    format!(
        "0/{count} nodes are available: {}. no new claims to deallocate, preemption: 0/{count} nodes are available: {}.",
        counted(reasons),
        counted(preemption)
    )
}

fn counted<'a>(reasons: impl IntoIterator<Item = (&'a str, usize)>) -> String {
    let some = reasons.into_iter().filter(|(_, count)| *count > 0);
    let mut said: Vec<String> = some.map(|(reason, count)| format!("{count} {reason}")).collect();
    said.sort();
    said.join(", ")
}

fn bind(world: &mut World, pod: &Value, node: &str) -> Arc<Value> {
    let mut pod = pod.clone();
    pod["spec"]["nodeName"] = node.into();
    let scheduled = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": time(world.now), "observedGeneration": 1});
    put_condition(&mut pod, scheduled);
    let pod = world.put(pod);
    let part = |pointer| text(&pod, pointer).unwrap_or_default();
    let message = format!("Successfully assigned {}/{} to {node}", part("/metadata/namespace"), part("/metadata/name"));
    world.event(&pod, ("Normal", "Scheduled"), &message, BY);
    pod
}

fn refuse(world: &mut World, pod: &Value, message: &str) {
    let known = items(pod, "/status/conditions").find(|condition| condition["type"] == "PodScheduled");
    if known.is_some_and(|known| known["message"] == message) {
        return;
    }
    let mut pod = pod.clone();
    let since = known.map_or(json!(time(world.now)), |known| known["lastTransitionTime"].clone());
    let refused = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastProbeTime": null, "lastTransitionTime": since, "observedGeneration": 1});
    put_condition(&mut pod, refused);
    let pod = world.put(pod);
    world.event(&pod, ("Warning", "FailedScheduling"), message, BY);
}

/// The claims of a pod that are to be bound to a volume on its node; or why no node can be chosen.
fn claims(world: &World, pod: &Value) -> Result<Vec<Value>, String> {
    let mut waiting = Vec::new();
    for name in items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName")) {
        let Some(claim) = world.find("PersistentVolumeClaim", text(pod, "/metadata/namespace"), name) else {
            return Err(format!("persistentvolumeclaim \"{name}\" not found"));
        };
        if claim["metadata"].get("deletionTimestamp").is_some() {
            return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
        }
        match claim["status"]["phase"].as_str() {
            Some("Bound") => {}
            Some("Lost") => {
                let volume = text(claim, "/spec/volumeName").unwrap_or_default();
                return Err(format!(
                    "persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\""
                ));
            }
            _ if waits_for_pod(world, claim) => waiting.push(claim.clone()),
            _ => return Err("pod has unbound immediate PersistentVolumeClaims".to_owned()),
        }
    }
    Ok(waiting)
}

fn waits_for_pod(world: &World, claim: &Value) -> bool {
    let class = text(claim, "/spec/storageClassName").and_then(|class| world.find("StorageClass", None, class));
    class.is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer")
        && text(claim, "/spec/volumeName").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacle(reasons: &[&str], is_lasting: bool) -> Obstacle {
        Obstacle { reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(), is_lasting }
    }

    #[test]
    fn every_reason_of_a_node_counts_and_the_counts_come_first_in_the_order() {
        let obstacles = [
            obstacle(&["Insufficient cpu", "Insufficient memory"], true),
            obstacle(&["Insufficient cpu"], false),
            obstacle(&["node(s) were unschedulable"], true),
        ];
        assert_eq!(
            unplaceable(&obstacles),
            "0/3 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
        );
        assert_eq!(unplaceable(&[]), "no nodes available to schedule pods");
    }
}
