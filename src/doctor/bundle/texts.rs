//! Texts of a bundle for people: events and nodes as tables, what could not be read. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Gap;
use crate::object::{is_true, number, printable, text};
use crate::snapshot::Snapshot;

/// The events of each namespace, oldest first.
pub(super) fn events(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let mut by_namespace: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for event in snapshot.of_kind("", "Event") {
        let namespace = text(event, "/metadata/namespace").unwrap_or("default").to_owned();
        by_namespace.entry(namespace).or_default().push(line(event));
    }
    let whole = |mut lines: Vec<(String, String)>| {
        lines.sort();
        lines.into_iter().map(|(_, line)| line + "\n").collect()
    };
    by_namespace.into_iter().map(|(namespace, lines)| (namespace, whole(lines))).collect()
}

/// When it was seen last, and the line.
fn line(event: &Value) -> (String, String) {
    let part = |pointer| text(event, pointer).filter(|part| !part.is_empty());
    let times =
        ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp", "/metadata/creationTimestamp"];
    let at = times.into_iter().find_map(part).unwrap_or("-").to_owned();
    let kind = part("/type").unwrap_or("-");
    let (of, name) = (part("/involvedObject/kind").unwrap_or("-"), part("/involvedObject/name").unwrap_or("-"));
    let times = number(event, "/series/count").or(number(event, "/count")).unwrap_or(1);
    let again = if times > 1 { format!(" (x{times})") } else { String::new() };
    let (reason, message) = (part("/reason").unwrap_or("-"), part("/message").unwrap_or_default());
    let line = format!("{at} {kind} {of}/{name} {reason}: {message}{again}");
    (at, printable(&line).replace('\n', " "))
}

/// A line for each node.
pub(super) fn nodes(snapshot: &Snapshot) -> String {
    let node = |node: &Value| {
        let part = |pointer| text(node, pointer).unwrap_or("-");
        let ready = if is_true(node, "Ready") { "ready" } else { "not ready" };
        let unschedulable =
            if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) { ", cordoned" } else { "" };
        printable(&format!(
            "{}: {ready}{unschedulable}, kubelet {}, {}, kernel {}, {}, {} processors, {} memory, {} pods\n",
            part("/metadata/name"),
            part("/status/nodeInfo/kubeletVersion"),
            part("/status/nodeInfo/osImage"),
            part("/status/nodeInfo/kernelVersion"),
            part("/status/nodeInfo/containerRuntimeVersion"),
            part("/status/allocatable/cpu"),
            part("/status/allocatable/memory"),
            part("/status/allocatable/pods"),
        ))
    };
    snapshot.of_kind("", "Node").map(node).collect()
}

/// A line for each gap.
pub(super) fn unread(gaps: &[Gap]) -> String {
    if gaps.is_empty() {
        return "everything could be read\n".to_owned();
    }
    let lines: Vec<String> = gaps.iter().map(|gap| format!("{}: {}", printable(&gap.what), gap.why)).collect();
    lines.join("\n") + "\n"
}
