//! The pod gets no node.
//!
//! The scheduler tries its filters on every node in a fixed order and counts each node under the first filter that it does
//! not pass: tolerations, node selector, host ports, resources, volumes, spread, affinity between pods. A node counted under
//! a late filter came closest, so the rules are asked from the last filter to the first.

pub(super) mod nodes;

use super::site::{Site, event_text};
use super::words::{between, clip, span};
use super::{Rule, Subject, choose, walk};
use crate::doctor::{Cause, Outlook};
use crate::object::text;

pub(super) const RULES: &[Rule] = &[
    rule("S010", "a pod is held back by a scheduling gate", gated),
    rule("S011", "no scheduler looks at a pod", no_scheduler),
    rule("N001", "the cluster has no nodes", nodes::none),
    rule("S006", "a pod's claim is missing or not bound", claims),
    rule("N001", "no node is ready", nodes::unready),
    rule("S008", "too few nodes for pods that must be apart", |site| plain(site, APART)),
    rule("S005", "a pod's volume is on another node", volume_elsewhere),
    rule("S002", "no node has a device that a pod asks for", nodes::device),
    rule("S001", "no node has room for a pod", nodes::room),
    rule("S009", "the nodes take no more pods", |site| plain(site, PODS)),
    rule("S007", "a port of the node is taken", nodes::ports),
    rule("S004", "no node has the labels that a pod asks for", nodes::labels),
    rule("S003", "the nodes are tainted", nodes::taints),
    rule("S001", "a pod cannot be scheduled", other),
];

const fn rule(id: &'static str, title: &'static str, find: fn(&Site<'_>) -> Option<Cause>) -> Rule {
    Rule { id, group: "scheduling", title, on: Subject::Pod, find }
}

/// Seconds within which a scheduler that runs has looked at a pod.
const SCHEDULER_LOOKS: i64 = 10;
/// Seconds after which a scheduling gate is no longer only about to be opened.
const GATE_OPENS: i64 = 120;

/// What the scheduler says of a pod without a node, without what it says of preemption.
fn said<'a>(site: &Site<'a>) -> Option<&'a str> {
    *site.scheduler.get_or_init(|| if site.node.is_none() { read(site) } else { None })
}

fn read<'a>(site: &Site<'a>) -> Option<&'a str> {
    let condition = site.condition("PodScheduled").filter(|condition| condition["reason"] == "Unschedulable");
    let said = condition
        .and_then(|condition| text(condition, "/message"))
        .or_else(|| site.event(&["FailedScheduling"]).map(event_text))?;
    let end = ["no new claims to deallocate", "preemption:"].iter().filter_map(|mark| said.find(mark)).min();
    Some(said[..end.unwrap_or(said.len())].trim())
}

/// Reasons that need no more than the scheduler's words.
struct Plain {
    words: &'static [&'static str],
    what: &'static str,
    remedy: &'static str,
}

const APART: &Plain = &Plain {
    words: &["anti-affinity", "topology spread constraints", "pod affinity"],
    what: "no node is left that its rules about other pods allow",
    remedy: "Add nodes, choose the profile for a single node, or relax affinity and topologySpreadConstraints in the values.",
};
const VOLUME: &Plain = &Plain {
    words: &[
        "volume node affinity conflict",
        "PersistentVolume's node affinity",
        "no available volume zone",
        "didn't find available persistent volumes to bind",
        "did not have enough free storage",
        "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
    ],
    what: "its volume is on a node that is gone, full or closed",
    remedy: "Bring that node back: the data lies on it.",
};
const PODS: &Plain = &Plain {
    words: &["Too many pods"],
    what: "the nodes have as many pods as they take",
    remedy: "Add a node, or raise `maxPods` of the kubelet.",
};

fn plain(site: &Site<'_>, plain: &Plain) -> Option<Cause> {
    let said = said(site).filter(|said| plain.words.iter().any(|word| said.contains(word)))?;
    Some(unschedulable(site, plain.what, said).remedy(plain.remedy))
}

/// Of a claim that has no volume yet nothing lies on any node.
fn volume_elsewhere(site: &Site<'_>) -> Option<Cause> {
    let said = said(site).filter(|said| VOLUME.words.iter().any(|word| said.contains(word)))?;
    let is_empty = |claim: &Site<'_>| text(claim.object, "/spec/volumeName").is_none_or(str::is_empty);
    let is_to_be_made = walk::claims_of(site).any(|claim| is_empty(&claim));
    let remedy = "Nothing lies there yet: `seaworthy recover` lets another one be chosen.";
    let what = if is_to_be_made { "its volume is to be made on a node that it cannot use" } else { VOLUME.what };
    Some(unschedulable(site, what, said).remedy(if is_to_be_made { remedy } else { VOLUME.remedy }))
}

fn unschedulable(site: &Site<'_>, what: &str, said: &str) -> Cause {
    site.stuck("Unschedulable", format!("the pod gets no node: {what}: {}", clip(said.trim_end_matches('.'))))
}

fn gated(site: &Site<'_>) -> Option<Cause> {
    let condition = site.condition("PodScheduled").filter(|condition| condition["reason"] == "SchedulingGated")?;
    let gates: Vec<_> =
        crate::object::items(site.object, "/spec/schedulingGates").filter_map(|gate| text(gate, "/name")).collect();
    let held = site.since(condition, "/lastTransitionTime").unwrap_or_else(|| site.age());
    let message = format!("the pod is held back by the scheduling gate {} for {}", gates.join(", "), span(held));
    let cause = site.stuck("SchedulingGated", message).remedy("Look after the controller that opens the gate.");
    Some(if held < GATE_OPENS { cause.outlook(Outlook::Passing) } else { cause })
}

fn no_scheduler(site: &Site<'_>) -> Option<Cause> {
    let seen = site.condition("PodScheduled").is_some() || site.event(&["FailedScheduling"]).is_some();
    if seen || site.node.is_some() || text(site.object, "/status/phase") != Some("Pending") {
        return None;
    }
    // The scheduler says nothing while it waits for the volumes that it has asked for.
    if chosen(site) {
        return None;
    }
    let age = site.age();
    if age <= SCHEDULER_LOOKS {
        let cause = site.stuck("Pending", "the pod waits for the scheduler").outlook(Outlook::Passing);
        return Some(cause.id("scheduling"));
    }
    let name = text(site.object, "/spec/schedulerName").unwrap_or("default-scheduler");
    let message = format!("no scheduler named `{name}` has looked at the pod for {}", span(age));
    let remedy = if name == "default-scheduler" {
        "Look after the scheduler: `kubectl get pods -n kube-system`."
    } else {
        "Start that scheduler, or correct `schedulerName`."
    };
    Some(site.stuck("Unscheduled", message).remedy(remedy))
}

/// Whether the scheduler has chosen a node and now waits for a volume there.
fn chosen(site: &Site<'_>) -> bool {
    let mark =
        |claim: &Site<'_>| !claim.object["metadata"]["annotations"]["volume.kubernetes.io/selected-node"].is_null();
    site.node.is_none() && walk::claims_of(site).any(|claim| mark(&claim))
}

/// A claim that is not there, or goes its own way to the root.
fn claims(site: &Site<'_>) -> Option<Cause> {
    let below = || choose::among(walk::claims_of(site).filter_map(|claim| walk::claim(&claim)).collect());
    if chosen(site) {
        return below();
    }
    let said = said(site)?;
    if let Some(name) = between(said, "persistentvolumeclaim \"", "\" not found") {
        let claim = site.neighbour("v1", "PersistentVolumeClaim", name);
        let mut volumes = site.snapshot.of_kind("", "PersistentVolume");
        let was_its = |volume: &serde_json::Value| {
            text(volume, "/spec/claimRef/name") == Some(name)
                && text(volume, "/spec/claimRef/namespace") == claim.namespace.as_deref()
                && volume["metadata"]["labels"].get(crate::plan::verb::QUARANTINE).is_none()
        };
        let held = volumes.find(|volume| was_its(volume)).and_then(|volume| text(volume, "/metadata/name"));
        let (more, remedy) = match held {
            Some(volume) => (
                format!("; the volume {volume} has its data"),
                "Create no claim, it would get an empty volume: `seaworthy recover` binds that volume to its claim again.",
            ),
            None => (
                String::new(),
                "Create the claim, or correct its name in the values. If it was there before, look first: `seaworthy recover`.",
            ),
        };
        let cause = site
            .stuck("Unschedulable", format!("the claim `{name}` that the pod mounts is not there{more}"))
            .about(claim);
        return Some(cause.remedy(remedy));
    }
    let lower = said.to_lowercase();
    if !lower.contains("persistentvolumeclaim") && !lower.contains("to bind") {
        return None;
    }
    below().or_else(|| Some(unschedulable(site, "a claim of it is not bound", said)))
}

/// Whether a node passed the filters that are about the nodes themselves: then these are not what is missing.
fn came_further(said: &str) -> bool {
    let plain = [APART, VOLUME, PODS].iter().flat_map(|plain| plain.words);
    plain.chain(&["Insufficient", "didn't have free ports"]).any(|word| said.contains(word))
}

/// Words that a rule above knows.
const KNOWN: &[&str] = &[
    "persistentvolumeclaim",
    "to bind",
    "PersistentVolumeClaim",
    "untolerated taint",
    "were unschedulable",
    "didn't match Pod's node affinity",
    "didn't match node selector",
    "no nodes available",
    "0/0 nodes",
];

/// Words that no rule knows: a filter of the cluster's own.
fn other(site: &Site<'_>) -> Option<Cause> {
    let said = said(site)?;
    let known = came_further(said) || KNOWN.iter().any(|word| said.contains(word));
    (!known).then(|| unschedulable(site, "the scheduler says", said))
}
