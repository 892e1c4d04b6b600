//! Nodes: gone, or short of something.

use super::{each, is_true, looks, rules};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::{clip, span};
use crate::object::text;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    rules::row(
        "N001",
        Severity::Critical,
        "a node is not ready",
        [
            "The kubelet of the node says that it cannot run pods, or says nothing any more. After 40 s without a word the \
            control plane calls the node Unknown; after 5 min its pods are made anew elsewhere, unless they hold volumes of that node.",
            "Look after the machine and its kubelet: `kubectl describe node NAME`, then the kubelet's log on the node. Data of \
            local volumes lies on the node: bring it back before anything is deleted.",
            "a node that is only closed to new pods (cordoned) is ready.",
        ],
        &["Node"],
    ),
    rules::row(
        "N002",
        Severity::Error,
        "the network plugin of a node does not work",
        [
            "The kubelet finds no working network plugin, so the node stays not ready and no pod gets an address.",
            "Install or restart the network plugin: `kubectl get pods -n kube-system -o wide`.",
            "a node that is not ready for another reason is N001.",
        ],
        &["Node"],
    ),
    pressure(
        "N004",
        "a node runs out of disk",
        "DiskPressure: the kubelet deletes images and evicts pods until there is room again.",
        "Free disk on the node: unused images, logs, volumes; or move the container runtime's data to a larger disk.",
        |evidence| look(evidence, "DiskPressure", "too little disk"),
    ),
    pressure(
        "N005",
        "a node runs out of memory",
        "MemoryPressure: the kubelet evicts pods, those without requests first.",
        "Find what uses it, `kubectl top pods -A --sort-by=memory`, and lower it or set requests and limits.",
        |evidence| look(evidence, "MemoryPressure", "too little memory"),
    ),
    pressure(
        "N006",
        "a node runs out of process ids",
        "PIDPressure: new processes cannot start on the node.",
        "Find the pod with most processes and restart it; set `podPidsLimit` of the kubelet.",
        |evidence| look(evidence, "PIDPressure", "too few process ids"),
    ),
    pressure(
        "N007",
        "the routes of a node are not set up",
        "NetworkUnavailable: pods of the node cannot be reached from others.",
        "Restart the network plugin's pod on that node: `kubectl get pods -n kube-system -o wide`.",
        |evidence| look(evidence, "NetworkUnavailable", "no routes to the other nodes"),
    ),
];

const fn pressure(
    id: &'static str,
    title: &'static str,
    explain: &'static str,
    fix: &'static str,
    look: fn(&Evidence) -> Verdict,
) -> Check {
    let unless = "a node that no longer says anything has the condition Unknown; that is N001, and no pressure.";
    looks((id, Severity::Error, title), [explain, fix, unless], &["Node"], look)
}

fn look(evidence: &Evidence, kind: &str, what: &str) -> Verdict {
    each(evidence, ("", "Node"), |node, reference| {
        let said = is_true(node, kind)?;
        let stands = match evidence.since(said, "/lastTransitionTime").filter(|since| *since > 0) {
            Some(since) => format!("has had {what} for {}", span(since)),
            None => format!("has {what}"),
        };
        let message = format!("the node {} {stands}", reference.name);
        let fix = format!("Look at the node: `kubectl describe node {}`.", reference.name);
        let words = format!("{kind}: {}", clip(text(said, "/message").unwrap_or_default()));
        Some(Finding::new(reference, text(said, "/reason").unwrap_or(kind), message).saw(words).fix(fix))
    })
}
