//! The node under the pod, and pods that a node has given up.

use serde_json::Value;

use super::site::{Site, event_text};
use super::words::{clip, span};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::{ObjectRef, items, number, text};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "N001", group: "node", title: "the node of a pod is not ready", on: Subject::Pod, find: not_ready },
    Rule { id: "P028", group: "node", title: "the node of a pod is lost", on: Subject::Pod, find: lost },
    Rule { id: "P025", group: "node", title: "a pod was evicted", on: Subject::Pod, find: evicted },
    Rule { id: "P026", group: "node", title: "the node refused a pod", on: Subject::Pod, find: refused },
    Rule { id: "P027", group: "node", title: "a pod does not end", on: Subject::Pod, find: terminating },
];

pub(super) const LOOK: &str = "Look at the nodes: `kubectl describe nodes`.";
/// Seconds beyond its grace period in which a pod that is deleted should be gone.
const ENDS: i64 = 60;

/// The node's condition `Ready`, unless it is true.
fn unready_condition(node: &Value) -> Option<&Value> {
    items(node, "/status/conditions").find(|one| one["type"] == "Ready" && one["status"] != "True")
}

pub(super) fn is_ready(node: &Value) -> bool {
    unready_condition(node).is_none()
}

/// The cause that a node is not ready; `None` when it is.
pub(super) fn unready(site: &Site<'_>, node: &Value) -> Option<Cause> {
    let ready = unready_condition(node)?;
    let name = text(node, "/metadata/name")?;
    let said = text(ready, "/message").unwrap_or_default();
    let since = site.since(ready, "/lastTransitionTime").filter(|since| *since > 0);
    let stands = since.map_or("is not ready".to_owned(), |time| format!("has not been ready for {}", span(time)));
    let message = format!("the node {name} {stands}: {}", clip(said));
    let network = said.contains("NetworkPluginNotReady") || said.contains("cni plugin not initialized");
    let remedy = if network {
        "Install or restart the network plugin: `kubectl get pods -n kube-system`.".to_owned()
    } else {
        format!("Look at the node: `kubectl describe node {name}`.")
    };
    let cause = site.stuck(text(ready, "/reason").unwrap_or("NotReady"), message).remedy(remedy);
    Some(cause.about(ObjectRef::new("v1", "Node", None, name)).id(if network { "N002" } else { "N001" }))
}

fn not_ready(site: &Site<'_>) -> Option<Cause> {
    let name = site.node?;
    let reference = ObjectRef::new("v1", "Node", None, name);
    if let Some(node) = site.nodes().get(name) {
        return unready(site, node);
    }
    // Gone, or not read: only other nodes in the snapshot tell that nodes were read.
    if site.nodes().is_empty() {
        return None;
    }
    let message = format!("the node {name} of the pod is no longer there");
    Some(site.stuck("NodeGone", message).about(reference).remedy(LOOK))
}

fn lost(site: &Site<'_>) -> Option<Cause> {
    let reason = text(site.object, "/status/reason").filter(|reason| matches!(*reason, "NodeLost" | "NodeShutdown"));
    if reason.is_none() && text(site.object, "/status/phase") != Some("Unknown") {
        return None;
    }
    let node = site.node.unwrap_or("of the pod");
    Some(site.stuck("NodeLost", format!("the node {node} no longer says anything about the pod")).remedy(LOOK))
}

/// A record stays of a pod that was evicted or refused; it does not start again.
fn over(site: &Site<'_>, what: &str) -> Cause {
    let reason = text(site.object, "/status/reason").unwrap_or("Failed");
    let node = site.node.unwrap_or_default();
    let said = clip(text(site.object, "/status/message").unwrap_or_default());
    let cause = site.stuck(reason, format!("{what} by the node {node}: {said}"));
    // A controller makes another one; nobody does for a pod of its own.
    if super::walk::controller(site).is_some() { cause } else { cause.outlook(Outlook::Final) }
}

fn evicted(site: &Site<'_>) -> Option<Cause> {
    if text(site.object, "/status/reason") != Some("Evicted") {
        return None;
    }
    Some(
        over(site, "the pod was evicted")
            .remedy("Free disk or memory on the node, or raise the pod's requests and limits."),
    )
}

/// The reasons with which a kubelet refuses a pod that was already given to it.
fn refused(site: &Site<'_>) -> Option<Cause> {
    let reason = text(site.object, "/status/reason")?;
    let known = reason.starts_with("OutOf")
        || matches!(reason, "NodeAffinity" | "UnexpectedAdmissionError" | "Terminated" | "Preempting" | "NodePorts");
    known.then(|| {
        over(site, "the pod was refused").remedy(format!(
            "Delete the pod: `kubectl delete pod {}{}`.",
            site.reference.name,
            site.flag()
        ))
    })
}

fn terminating(site: &Site<'_>) -> Option<Cause> {
    let since = site.since(site.object, "/metadata/deletionTimestamp")?;
    let grace = number(site.object, "/metadata/deletionGracePeriodSeconds").unwrap_or(0);
    // The time of deletion already lies the grace period ahead of the request.
    let finalizers: Vec<_> = items(site.object, "/metadata/finalizers").filter_map(Value::as_str).collect();
    let kill =
        site.event(&["FailedKillPod"]).map(event_text).map(|said| format!(": {}", clip(said))).unwrap_or_default();
    let held = if finalizers.is_empty() { kill } else { format!(": held by the finalizer {}", finalizers.join(", ")) };
    let ended = if since < 1 { "is ending".to_owned() } else { format!("should have ended {} ago", span(since)) };
    let message = format!("the pod {ended}{held}");
    let cause = site.stuck("Terminating", message);
    if since <= ENDS.max(grace) {
        return Some(cause.outlook(Outlook::Passing));
    }
    Some(cause.remedy(if finalizers.is_empty() {
        format!(
            "After you made sure that its node is off: `kubectl delete pod {}{} --force`.",
            site.reference.name,
            site.flag()
        )
    } else {
        "Look after the controller that set the finalizer; it removes it when it is done.".to_owned()
    }))
}
