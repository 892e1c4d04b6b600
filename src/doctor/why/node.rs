//! A node: its conditions, who may come to it, what is asked of it, and when its kubelet was last heard of.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::{Case, Said, counted, some, words};
use super::conditions::is_amiss;
use crate::doctor::stall::words::span;
use crate::engine::ready::judge::{Readiness, judge};
use crate::object::{ObjectRef, has_ended, text};
use crate::snapshot::placing::asked;
use crate::stack::quantity;

/// Where kubelets say that they live.
pub(super) const LEASES: &str = "kube-node-lease";
/// Seconds after which the control plane takes a silent kubelet for gone (`node-monitor-grace-period`).
const SILENT: i64 = 50;
/// How full, in percent, is worth a word.
const FULL: i128 = 90;

/// A node.
pub(super) fn node(case: &Case<'_>) -> Said {
    let ready = case.condition("Ready");
    let word = match ready.and_then(|ready| text(ready, "/status")) {
        Some("True") => "ready",
        Some("Unknown") => "not heard of",
        Some(_) => "not ready",
        None => "no condition yet",
    };
    let closed = if case.live["spec"]["unschedulable"] == true { ", cordoned" } else { "" };
    let roles: Vec<&str> = case.live["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/").filter(|role| !role.is_empty()))
        .collect();
    let roles = if roles.is_empty() { String::new() } else { format!(", {}", roles.join(", ")) };
    let version = case.text("/status/nodeInfo/kubeletVersion").map(|version| format!(", kubelet {version}"));
    let mut said = Said::new(format!("{word}{closed}{roles}{}", version.unwrap_or_default()));
    for condition in case.items("/status/conditions").filter(|one| is_amiss(one)) {
        let since = case.evidence.since(condition, "/lastTransitionTime").map(|since| format!(" for {}", span(since)));
        let (kind, status) =
            (text(condition, "/type").unwrap_or_default(), text(condition, "/status").unwrap_or_default());
        said =
            said.amiss("condition", format!("{kind} is {status}{}: {}", since.unwrap_or_default(), words(condition)));
    }
    said = heartbeat(case, said);
    let taints: Vec<String> = case.items("/spec/taints").map(taint).collect();
    said = said.note("taints", (!taints.is_empty()).then(|| some(&taints)));
    pods(case, said)
}

fn taint(taint: &Value) -> String {
    let part = |pointer| text(taint, pointer).unwrap_or_default();
    let value = text(taint, "/value").filter(|value| !value.is_empty()).map(|value| format!("={value}"));
    format!("{}{}:{}", part("/key"), value.unwrap_or_default(), part("/effect"))
}

/// The last sign of life: the Lease, which kubelets renew every 10 s; else the condition, which they write every 5 min.
fn heartbeat(case: &Case<'_>, said: Said) -> Said {
    let lease = ObjectRef::new("coordination.k8s.io/v1", "Lease", Some(LEASES), &case.object.name);
    let lease = case.snapshot().get(&lease);
    if let Some(age) = lease.and_then(|lease| case.evidence.since(lease, "/spec/renewTime")) {
        let says = format!("its kubelet was last heard of {} ago", span(age));
        return if age > SILENT { said.amiss("heartbeat", says) } else { said.note("heartbeat", says) };
    }
    let ready = case.condition("Ready").and_then(|ready| case.ago(ready, "/lastHeartbeatTime"));
    said.note("heartbeat", ready.map(|ago| format!("its kubelet last wrote its conditions {ago}")))
}

/// What its pods ask for against what it gives, and which of them are not well.
fn pods(case: &Case<'_>, said: Said) -> Said {
    let name = case.object.name.as_str();
    let all = case.snapshot().of_kind("", "Pod");
    let pods: Vec<&Value> = all.filter(|pod| text(pod, "/spec/nodeName") == Some(name) && !has_ended(pod)).collect();
    if case.evidence.gap("Pod").is_some() || case.evidence.only.is_some() {
        return said;
    }
    let mut shares = Vec::new();
    let mut is_full = false;
    for resource in ["cpu", "memory"] {
        let given = case.text(&format!("/status/allocatable/{resource}"));
        let Some((words, given)) =
            given.and_then(|text| Some((text, quantity::parse(text)?))).filter(|(_, given)| *given > 0)
        else {
            continue;
        };
        let wanted: i128 = pods.iter().map(|pod| asked(&pod["spec"], resource)).sum();
        let share = wanted.saturating_mul(100) / given;
        is_full |= share >= FULL;
        shares.push(format!("{resource} {share} % of {words}"));
    }
    if let Some(slots) = case.text("/status/allocatable/pods").and_then(|slots| slots.parse::<usize>().ok()) {
        is_full |= pods.len() * 100 >= slots * 90;
        shares.push(format!("{} of {slots} pods", pods.len()));
    }
    let shares = (!shares.is_empty()).then(|| shares.join(", "));
    let said = if is_full { said.amiss("requests", shares) } else { said.note("requests", shares) };
    let mut unwell: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !matches!(judge(pod, case.snapshot()), Readiness::Ready { .. })) {
        *unwell.entry(text(pod, "/metadata/namespace").unwrap_or_default()).or_default() += 1;
    }
    let count: usize = unwell.values().sum();
    let places: Vec<&str> = unwell.keys().copied().collect();
    said.amiss("pods", (count > 0).then(|| format!("{} not ready, in {}", counted(count, "pod"), some(&places))))
}
