//! The scheduler: claims, taints, selectors, room, the nodes of volumes, rules about other pods. Texts as Kubernetes 1.34
//! writes them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::nodes::is_lost;
use crate::object::{items, text};
use crate::sandbox::containers::is_active;
use crate::sandbox::disks;
use crate::sandbox::store::time;
use crate::sandbox::world::World;
use crate::snapshot::placing::{asked, matches, ports, selects, tolerated, untolerated};
use crate::stack::quantity;

const BY: &str = "default-scheduler";

pub(super) fn run(world: &mut World) {
    for pod in world.all("Pod") {
        let waits = text(&pod, "/spec/nodeName").is_none() && is_active(&pod);
        let gated = items(&pod, "/spec/schedulingGates").next().is_some();
        if waits && gated && items(&pod, "/status/conditions").next().is_none() {
            hold(world, &pod);
        } else if waits && !gated && pod["spec"]["schedulerName"] == BY {
            place(world, &pod);
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

/// What preemption could do about these obstacles: nothing, or nothing here.
fn preemption(reasons: &BTreeMap<String, usize>, count: usize) -> String {
    let is_others = |reason: &str| {
        ["anti-affinity rules", "free ports", "topology spread"].iter().any(|part| reason.contains(part))
    };
    let others: usize = reasons.iter().filter(|(reason, _)| is_others(reason)).map(|(_, count)| count).sum();
    let all = [
        (others, "No preemption victims found for incoming pod"),
        (count - others, "Preemption is not helpful for scheduling"),
    ];
    let said = all.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    said.collect::<Vec<_>>().join(", ")
}

fn place(world: &mut World, pod: &Value) {
    let waiting = match claims(world, pod) {
        Err(why) => {
            let count = world.store.all("Node").count();
            // The last words are those of the preemption that finds no node to look at.
            return refuse(world, pod, &format!("0/{count} nodes are available: {why}. not found"));
        }
        Ok(waiting) => waiting,
    };
    let nodes = world.all("Node");
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut best: Option<(i128, usize, String)> = None;
    for node in &nodes {
        if let Some(reason) = obstacle(world, pod, node) {
            *reasons.entry(reason).or_default() += 1;
        } else {
            let name = text(node, "/metadata/name").unwrap_or_default().to_owned();
            let used = asked_on(world, pod, &name, "cpu");
            let same = crowd(world, pod, &name);
            if best.as_ref().is_none_or(|(cpu, alike, _)| (same, used) < (*alike, *cpu)) {
                best = Some((used, same, name));
            }
        }
    }
    let Some((_, _, node)) = best else {
        let said: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let count = nodes.len();
        let message = if count == 0 {
            "no nodes available to schedule pods".to_owned()
        } else {
            format!(
                "0/{count} nodes are available: {}. no new claims to deallocate, preemption: 0/{count} nodes are available: {}.",
                said.join(", "),
                preemption(&reasons, count)
            )
        };
        return refuse(world, pod, &message);
    };
    if waiting.is_empty() {
        return bind(world, pod, &node);
    }
    // The volumes first; the pod follows when they are bound.
    for mut claim in waiting {
        claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = node.as_str().into();
        world.put(claim);
    }
}

fn bind(world: &mut World, pod: &Value, node: &str) {
    let mut pod = pod.clone();
    pod["spec"]["nodeName"] = node.into();
    let scheduled = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": time(world.now), "observedGeneration": 1});
    pod["status"]["conditions"] = json!([scheduled]);
    let pod = world.put(pod);
    let part = |pointer| text(&pod, pointer).unwrap_or_default();
    let message = format!("Successfully assigned {}/{} to {node}", part("/metadata/namespace"), part("/metadata/name"));
    world.event(&pod, ("Normal", "Scheduled"), &message, BY);
}

fn refuse(world: &mut World, pod: &Value, message: &str) {
    let known = items(pod, "/status/conditions").find(|condition| condition["type"] == "PodScheduled");
    if known.is_some_and(|known| known["message"] == message) {
        return;
    }
    let mut pod = pod.clone();
    let since = known.map_or(json!(time(world.now)), |known| known["lastTransitionTime"].clone());
    pod["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastProbeTime": null, "lastTransitionTime": since, "observedGeneration": 1}]);
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

/// Why a pod cannot be on a node, by the first filter of the scheduler that says no.
fn obstacle(world: &World, pod: &Value, node: &Value) -> Option<String> {
    let spec = &pod["spec"];
    if node["spec"]["unschedulable"] == true
        && !tolerated(spec, &json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}))
    {
        return Some("node(s) were unschedulable".to_owned());
    }
    if let Some(taint) = untolerated(spec, node, &["NoSchedule", "NoExecute"]) {
        return Some(format!(
            "node(s) had untolerated taint {{{}: {}}}",
            text(taint, "/key").unwrap_or_default(),
            text(taint, "/value").unwrap_or_default()
        ));
    }
    if is_lost(node) {
        return Some("node(s) were not ready".to_owned());
    }
    if !selects(spec, node) {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    let name = text(node, "/metadata/name").unwrap_or_default();
    if ports(spec).any(|port| on(world, pod, name).any(|other| ports(&other["spec"]).any(|taken| taken == port))) {
        return Some("node(s) didn't have free ports for the requested pod ports".to_owned());
    }
    for resource in ["cpu", "memory", "ephemeral-storage"] {
        let wanted = asked(spec, resource);
        let room = text(node, &format!("/status/allocatable/{resource}")).and_then(quantity::parse).unwrap_or(0);
        let full = resource == "cpu" && world.suffers("no-room", "");
        if wanted > 0 && (full || asked_on(world, pod, name, resource) + wanted > room) {
            return Some(format!("Insufficient {resource}"));
        }
    }
    if items(spec, "/volumes").any(|volume| is_elsewhere(world, pod, volume, name)) {
        return Some("node(s) didn't match PersistentVolume's node affinity".to_owned());
    }
    rivals(world, pod, node)
}

/// Required rules about other pods; what is only preferred is left to luck.
fn rivals(world: &World, pod: &Value, node: &Value) -> Option<String> {
    let name = text(node, "/metadata/name").unwrap_or_default();
    let near = |term: &Value, other: &Value| {
        let key = text(term, "/topologyKey").unwrap_or_default();
        let there = seat(world, other).and_then(|name| world.find("Node", None, name));
        there.is_some_and(|there| there["metadata"]["labels"][key] == node["metadata"]["labels"][key])
    };
    let names = |term: &Value, other: &Value| matches(&term["labelSelector"], &other["metadata"]["labels"]);
    let namespace = &pod["metadata"]["namespace"];
    let others = || {
        world
            .store
            .all("Pod")
            .filter(|other| is_active(other) && other["metadata"]["namespace"] == *namespace && is_other(pod, other))
    };
    let meets = |term: &Value| others().any(|other| near(term, other) && names(term, other));
    let required = |pod: &Value, kind: &str| {
        let terms = items(&pod["spec"]["affinity"][kind], "/requiredDuringSchedulingIgnoredDuringExecution");
        terms.cloned().collect::<Vec<_>>()
    };
    if required(pod, "podAntiAffinity").iter().any(meets) {
        return Some("node(s) didn't match pod anti-affinity rules".to_owned());
    }
    let minds =
        |other: &Value| required(other, "podAntiAffinity").iter().any(|term| near(term, other) && names(term, pod));
    if others().any(minds) {
        return Some("node(s) didn't satisfy existing pods anti-affinity rules".to_owned());
    }
    // The first of a group has nobody to be near to.
    let alone = |term: &Value| matches(&term["labelSelector"], &pod["metadata"]["labels"]);
    if required(pod, "podAffinity").iter().any(|term| !meets(term) && !alone(term)) {
        return Some("node(s) didn't match pod affinity rules".to_owned());
    }
    let strict =
        items(&pod["spec"], "/topologySpreadConstraints").filter(|rule| rule["whenUnsatisfiable"] == "DoNotSchedule");
    for rule in strict {
        let here = crowd_of(world, &rule["labelSelector"], pod, name);
        let least = world
            .store
            .all("Node")
            .filter_map(|node| text(node, "/metadata/name"))
            .map(|node| crowd_of(world, &rule["labelSelector"], pod, node))
            .min()
            .unwrap_or(0);
        if here + 1 - least > usize::try_from(rule["maxSkew"].as_u64().unwrap_or(1)).unwrap_or(1) {
            return Some("node(s) didn't match pod topology spread constraints".to_owned());
        }
    }
    None
}

/// The node of a pod, or the one that its volumes are being made on: it will go there.
fn seat<'a>(world: &'a World, pod: &'a Value) -> Option<&'a str> {
    let claims = items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let chosen = |name: &str| {
        let claim = world.find("PersistentVolumeClaim", text(pod, "/metadata/namespace"), name)?;
        text(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node")
    };
    text(pod, "/spec/nodeName").or_else(|| claims.into_iter().find_map(chosen))
}

fn is_other(pod: &Value, other: &Value) -> bool {
    pod["metadata"]["uid"] != other["metadata"]["uid"]
}

/// The other pods on a node.
fn on<'a>(world: &'a World, pod: &'a Value, node: &str) -> impl Iterator<Item = &'a Value> {
    let node = node.to_owned();
    world.store.all("Pod").filter(move |other| {
        is_other(pod, other)
            && seat(world, other) == Some(&node)
            && !matches!(text(other, "/status/phase"), Some("Succeeded" | "Failed"))
    })
}

fn crowd_of(world: &World, selector: &Value, pod: &Value, node: &str) -> usize {
    let namespace = &pod["metadata"]["namespace"];
    on(world, pod, node)
        .filter(|other| other["metadata"]["namespace"] == *namespace && matches(selector, &other["metadata"]["labels"]))
        .count()
}

/// How many pods of the same owner are on a node.
fn crowd(world: &World, pod: &Value, node: &str) -> usize {
    let owner = &pod["metadata"]["ownerReferences"][0]["uid"];
    on(world, pod, node)
        .filter(|other| !owner.is_null() && other["metadata"]["ownerReferences"][0]["uid"] == *owner)
        .count()
}

fn asked_on(world: &World, pod: &Value, node: &str, resource: &str) -> i128 {
    on(world, pod, node).map(|pod| asked(&pod["spec"], resource)).sum()
}

fn is_elsewhere(world: &World, pod: &Value, volume: &Value, node: &str) -> bool {
    let claim = text(volume, "/persistentVolumeClaim/claimName")
        .and_then(|name| world.find("PersistentVolumeClaim", text(pod, "/metadata/namespace"), name));
    let volume = claim
        .and_then(|claim| text(claim, "/spec/volumeName"))
        .and_then(|name| world.find("PersistentVolume", None, name));
    volume.and_then(disks::node).is_some_and(|there| there != node)
}
