//! The pod has a node, but not its volumes or its network.

use serde_json::Value;

use super::config::{missing, missing_key};
use super::site::{Site, event_count, event_text};
use super::words::{between, clip, word_after};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::{items, text};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "F002",
        group: "mount",
        title: "a Secret or ConfigMap that a pod mounts is missing",
        on: Subject::Pod,
        find: no_source,
    },
    Rule { id: "F003", group: "mount", title: "a key that a pod mounts is missing", on: Subject::Pod, find: no_key },
    Rule {
        id: "P020",
        group: "mount",
        title: "a volume is still attached to another node",
        on: Subject::Pod,
        find: multi_attach,
    },
    Rule {
        id: "V020",
        group: "mount",
        title: "the storage driver does not run on the node",
        on: Subject::Pod,
        find: no_driver,
    },
    Rule { id: "V019", group: "mount", title: "a volume cannot be attached", on: Subject::Pod, find: attach },
    Rule { id: "P020", group: "mount", title: "a volume cannot be mounted", on: Subject::Pod, find: other },
    Rule { id: "P019", group: "mount", title: "a pod gets no network", on: Subject::Pod, find: no_sandbox },
];

/// Whether no container has been created yet: old events say nothing about a pod that runs.
fn is_being_created(site: &Site<'_>) -> bool {
    site.node.is_some()
        && site
            .containers
            .iter()
            .all(|one| one.status.is_null() || matches!(one.waiting, "ContainerCreating" | "PodInitializing"))
}

/// The newest complaint about a volume. That some volumes are still missing after a time is said on top of the cause.
fn complaint<'a>(site: &Site<'a>) -> Option<(&'a Value, &'a str)> {
    if !is_being_created(site) {
        return None;
    }
    let complaints = || site.events_of(&["FailedMount", "FailedAttachVolume"]);
    let own = complaints().filter(|event| !event_text(event).starts_with("Unable to attach or mount volumes"));
    let newest = own.max_by_key(|event| super::site::event_time(event));
    newest.or_else(|| complaints().next()).map(|event| (event, event_text(event)))
}

fn no_source(site: &Site<'_>) -> Option<Cause> {
    let (_, message) = complaint(site)?;
    [("Secret", "secret \""), ("ConfigMap", "configmap \"")].into_iter().find_map(|(kind, mark)| {
        between(message, mark, "\" not found").map(|name| missing(site, kind, name, "FailedMount"))
    })
}

fn no_key(site: &Site<'_>) -> Option<Cause> {
    let (_, message) = complaint(site)?;
    let key = word_after(message, "references non-existent config key: ")
        .or_else(|| word_after(message, "references non-existent secret key: "))?;
    let volume = between(message, "for volume \"", "\"")?;
    let spec = items(site.object, "/spec/volumes").find(|spec| spec["name"] == volume)?;
    let (kind, name) = text(spec, "/configMap/name")
        .map(|name| ("ConfigMap", name))
        .or_else(|| text(spec, "/secret/secretName").map(|name| ("Secret", name)))?;
    Some(missing_key(site, &site.neighbour("v1", kind, name), key, "FailedMount"))
}

fn multi_attach(site: &Site<'_>) -> Option<Cause> {
    let (_, message) = complaint(site).filter(|(_, message)| message.contains("Multi-Attach"))?;
    let message = format!("a volume of the pod is still attached to another node: {}", last(message));
    let remedy = "End the pod that holds the volume; after the loss of a node, take its taint `node.kubernetes.io/out-of-service`.";
    Some(site.stuck("FailedAttachVolume", message).remedy(remedy))
}

fn no_driver(site: &Site<'_>) -> Option<Cause> {
    let (_, message) = complaint(site)?;
    let driver = between(message, "driver name ", " not found in the list of registered CSI drivers")?;
    let node = site.node.unwrap_or_default();
    let message = format!("the storage driver {driver} does not run on the node {node}");
    Some(site.stuck("FailedMount", message).remedy("Look after the driver's DaemonSet: `kubectl get daemonsets -A`."))
}

fn attach(site: &Site<'_>) -> Option<Cause> {
    let (event, message) = complaint(site).filter(|(event, _)| event["reason"] == "FailedAttachVolume")?;
    if message.contains("Multi-Attach") {
        return None;
    }
    let cause = site.stuck("FailedAttachVolume", format!("a volume cannot be attached to the node: {}", last(message)));
    Some(early(cause, event).remedy("Look after the storage driver's controller: `kubectl get volumeattachments`."))
}

fn other(site: &Site<'_>) -> Option<Cause> {
    let (event, message) = complaint(site).filter(|(event, _)| event["reason"] == "FailedMount")?;
    if [no_source, no_key, no_driver].iter().any(|rule| rule(site).is_some()) {
        return None;
    }
    let volume = between(message, "for volume \"", "\"").unwrap_or_default();
    let message = format!("the volume `{volume}` cannot be mounted: {}", last(message));
    let remedy = if message.contains("hostPath type check failed") {
        "Create the folder or file on the node, or correct `hostPath` in the values.".to_owned()
    } else {
        format!("Look at what the node says: `kubectl describe pod {}{}`.", site.reference.name, site.flag())
    };
    Some(early(site.stuck("FailedMount", message), event).remedy(remedy))
}

fn no_sandbox(site: &Site<'_>) -> Option<Cause> {
    if !is_being_created(site) {
        return None;
    }
    let event = site.event(&["FailedCreatePodSandBox"])?;
    let said = event_text(event);
    let said = said.rsplit_once("desc = ").map_or(said, |(_, rest)| rest);
    let cause =
        site.stuck("FailedCreatePodSandBox", format!("the node cannot set up the pod's network: {}", clip(said)));
    Some(early(cause, event).remedy("Look after the network plugin's pods: `kubectl get pods -n kube-system`."))
}

/// A first failure is often only too early.
fn early(cause: Cause, event: &Value) -> Cause {
    if event_count(event) < 2 { cause.outlook(Outlook::Passing) } else { cause }
}

/// What is said behind the volume's name.
fn last(message: &str) -> String {
    let rest = message
        .split_once("for volume \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or(message, |(_, rest)| rest);
    clip(rest.trim_start_matches([' ', ':']))
}
