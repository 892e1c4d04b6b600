//! What the nodes have, and what of it a pod may use.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{said, unschedulable};
use crate::doctor::Cause;
use crate::doctor::stall::Site;
use crate::doctor::stall::node;
use crate::doctor::stall::words::{clip, some};
use crate::object::{ObjectRef, has_ended, items, text};

/// The nodes of a cluster, all of them: where it is mended that there is none.
pub(in crate::doctor) fn all() -> ObjectRef {
    ObjectRef::new("seaworthy.dev/v1", "Cluster", None, "nodes")
}

pub(super) fn none(site: &Site<'_>) -> Option<Cause> {
    let said = said(site).filter(|said| said.contains("no nodes available") || said.starts_with("0/0 nodes"))?;
    let remedy = "Bring the machines back under their names, or add a node: `kubectl get nodes`.";
    let message = format!("the cluster has no nodes, so no pod gets one: {}", clip(said));
    Some(site.stuck("NoNodes", message).about(all()).remedy(remedy))
}

/// All nodes that the pod's selector allows are not ready. Newer schedulers no longer name the taint, so the nodes are asked.
pub(super) fn unready(site: &Site<'_>) -> Option<Cause> {
    let said = said(site).filter(|said| said.contains("untolerated taint"))?;
    let mut candidates = candidates(site).peekable();
    let Some(first) = candidates.peek().copied() else {
        return named(said, &["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
            .then(|| unschedulable(site, "no node is ready", said).remedy(node::LOOK));
    };
    candidates.all(|node| !node::is_ready(node)).then(|| node::unready(site, first))?
}

fn named(said: &str, taints: &[&str]) -> bool {
    taints.iter().any(|taint| said.contains(taint)) && !said.contains("Insufficient")
}

/// The nodes in the snapshot that the pod's `nodeSelector` allows.
fn candidates<'s, 'a>(site: &'s Site<'a>) -> impl Iterator<Item = &'a Value> + use<'s, 'a> {
    let selector = site.object["spec"]["nodeSelector"].as_object();
    site.nodes().values().copied().filter(move |node| {
        let labels = &node["metadata"]["labels"];
        selector.is_none_or(|selector| selector.iter().all(|(key, value)| &labels[key] == value))
    })
}

/// The resources of which the scheduler says there is not enough.
fn scarce(said: &str) -> impl Iterator<Item = &str> {
    said.split("Insufficient ")
        .skip(1)
        .filter_map(|rest| rest.split([',', '.', ' ']).next())
        // A name with dots (nvidia.com/gpu) was cut at its first one.
        .filter(|name| !name.is_empty())
}

/// The whole name of a resource, dots and all.
fn whole<'a>(said: &'a str, start: &str) -> &'a str {
    let Some(at) = said.find(&format!("Insufficient {start}")) else { return "" };
    let rest = &said[at + "Insufficient ".len()..];
    rest.split([',', ' ']).next().unwrap_or_default().trim_end_matches('.')
}

fn is_device(name: &str) -> bool {
    !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !name.starts_with("hugepages")
}

pub(super) fn device(site: &Site<'_>) -> Option<Cause> {
    let said = said(site)?;
    let name = scarce(said).map(|start| whole(said, start)).find(|name| is_device(name))?;
    let what = format!("it asks for {name}, and no node has any left");
    let remedy = format!("Add a node with {name} and its device plugin, or switch the use of it off in the values.");
    Some(unschedulable(site, &what, said).remedy(remedy))
}

pub(super) fn room(site: &Site<'_>) -> Option<Cause> {
    let said = said(site)?;
    let mut names: Vec<&str> = scarce(said).map(|start| whole(said, start)).filter(|name| !is_device(name)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    let what: Vec<String> = names.iter().map(|name| too_much(site, name)).collect();
    let requests = if names.len() == 1 { "request" } else { "requests" };
    let remedy = format!("Lower the {} {requests} in the values, stop something, or add a node.", names.join(" and "));
    Some(unschedulable(site, &what.join(", and "), said).remedy(remedy))
}

/// What a pod asks for of a resource, beside the most that a node has of it.
fn too_much(site: &Site<'_>, name: &str) -> String {
    let asks = requested(site.object, name);
    let largest =
        candidates(site).filter_map(|node| quantity(node["status"]["allocatable"][name].as_str()?)).fold(0.0, f64::max);
    match (asks > 0.0, largest > 0.0) {
        (true, true) if asks <= largest => match most_left(site, name) {
            Some(left) if left >= asks => format!(
                "it asks for {} {name}; by what other pods ask for, a node has {} left, so the scheduler may take it at its next try",
                amount(asks),
                amount(left)
            ),
            Some(left) => format!(
                "it asks for {} {name}, the node with most left has {} ({} in all)",
                amount(asks),
                amount(left),
                amount(largest)
            ),
            None => format!("it asks for {} {name}, and others ask for the rest", amount(asks)),
        },
        (true, true) => format!("it asks for {} {name}, the largest node has {} in all", amount(asks), amount(largest)),
        (true, false) => format!("it asks for {} {name}", amount(asks)),
        _ => format!("there is not enough {name}"),
    }
}

/// What is left of a resource on the node that has most of it left, after what its pods ask for.
fn most_left(site: &Site<'_>, name: &str) -> Option<f64> {
    let mut taken: BTreeMap<&str, f64> = BTreeMap::new();
    for pod in site.snapshot.of_kind("", "Pod").filter(|pod| !has_ended(pod)) {
        if let Some(node) = text(pod, "/spec/nodeName") {
            *taken.entry(node).or_default() += requested(pod, name);
        }
    }
    let left = candidates(site).filter_map(|node| {
        let all = quantity(node["status"]["allocatable"][name].as_str()?)?;
        Some((all - taken.get(text(node, "/metadata/name")?).copied().unwrap_or(0.0)).max(0.0))
    });
    left.reduce(f64::max)
}

/// What a pod asks for: the sum of its containers, or the largest init container.
fn requested(pod: &Value, resource: &str) -> f64 {
    let of = |container: &Value| {
        let set = |part: &str| container["resources"][part][resource].as_str().and_then(quantity);
        set("requests").or_else(|| set("limits")).unwrap_or(0.0)
    };
    let sum: f64 = items(pod, "/spec/containers").map(of).sum();
    items(pod, "/spec/initContainers").map(of).fold(sum, f64::max)
}

/// A Kubernetes quantity as a number.
fn quantity(text: &str) -> Option<f64> {
    const UNITS: &[(&str, f64)] = &[
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("m", 0.001),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    let unit = UNITS.iter().find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)));
    let (number, factor) = unit.unwrap_or((text, 1.0));
    number.parse::<f64>().ok().map(|number| number * factor).filter(|number| number.is_finite())
}

/// A number for people: `1.5`, `16 Gi`.
fn amount(number: f64) -> String {
    let (number, unit) = match number {
        n if n >= 1_099_511_627_776.0 => (n / 1_099_511_627_776.0, " Ti"),
        n if n >= 1_073_741_824.0 => (n / 1_073_741_824.0, " Gi"),
        n if n >= 1_048_576.0 => (n / 1_048_576.0, " Mi"),
        n => (n, ""),
    };
    let short = format!("{number:.2}");
    format!("{}{unit}", short.trim_end_matches('0').trim_end_matches('.'))
}

/// Names the pod that holds the port, where it can be seen.
pub(super) fn ports(site: &Site<'_>) -> Option<Cause> {
    let said = said(site).filter(|said| said.contains("didn't have free ports"))?;
    let wanted: Vec<i64> = host_ports(site.object).collect();
    let holder = site.snapshot.of_kind("", "Pod").find(|pod| {
        pod["metadata"]["uid"] != site.object["metadata"]["uid"]
            && text(pod, "/spec/nodeName").is_some()
            && host_ports(pod).any(|port| wanted.contains(&port))
    });
    let ports = wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let held = holder
        .and_then(|pod| text(pod, "/metadata/name"))
        .map(|name| format!(" by the pod {name}"))
        .unwrap_or_default();
    let remedy = "Choose another hostPort in the values, or stop what holds it.";
    Some(unschedulable(site, &format!("the node's port {ports} is taken{held}"), said).remedy(remedy))
}

fn host_ports(pod: &Value) -> impl Iterator<Item = i64> {
    items(pod, "/spec/containers")
        .flat_map(|container| items(container, "/ports"))
        .filter_map(|port| port["hostPort"].as_i64())
}

pub(super) fn labels(site: &Site<'_>) -> Option<Cause> {
    let said = said(site).filter(|said| {
        said.contains("didn't match Pod's node affinity")
            || said.contains("didn't match node selector")
            || said.contains("were unschedulable") && is_wanted_nowhere(site)
    })?;
    if super::came_further(said) {
        return None;
    }
    let selector = site.object.pointer("/spec/nodeSelector").and_then(Value::as_object);
    let wanted: Vec<_> = selector
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    // With a node that has the labels, the labels are not what is missing.
    if !wanted.is_empty() && said.contains("untolerated taint") && candidates(site).next().is_some() {
        return None;
    }
    let what = if wanted.is_empty() {
        "no node matches its node affinity".to_owned()
    } else {
        format!("no node that it may use has the labels {}", wanted.join(", "))
    };
    let label = wanted.first().map_or("KEY=VALUE", String::as_str);
    Some(
        unschedulable(site, &what, said)
            .remedy(format!("Label a node, `kubectl label node NODE {label}`, or correct the selector in the values.")),
    )
}

/// Whether there are nodes, and none has the labels that a pod asks for: that they are closed is not what keeps it away.
fn is_wanted_nowhere(site: &Site<'_>) -> bool {
    !site.nodes().is_empty() && candidates(site).next().is_none()
}

pub(super) fn taints(site: &Site<'_>) -> Option<Cause> {
    let said = said(site).filter(|said| said.contains("untolerated taint") || said.contains("were unschedulable"))?;
    if super::came_further(said) {
        return None;
    }
    if !said.contains("untolerated taint")
        && let Some(cause) = closed(site, said)
    {
        return Some(cause);
    }
    let mut taints: Vec<String> = candidates(site).flat_map(|node| untolerated(site.object, node)).collect();
    taints.sort();
    taints.dedup();
    let what = if taints.is_empty() {
        "it tolerates none of the nodes' taints".to_owned()
    } else {
        format!("it does not tolerate the nodes' taint {}", taints.join(", "))
    };
    Some(unschedulable(site, &what, said).remedy(untaint(site, &taints)))
}

/// The nodes that the pod may use were closed by somebody: that is where it is mended.
fn closed(site: &Site<'_>, said: &str) -> Option<Cause> {
    let closed: Vec<&Value> = candidates(site).filter(|node| node["spec"]["unschedulable"] == true).collect();
    let names: Vec<&str> = closed.iter().filter_map(|node| text(node, "/metadata/name")).collect();
    let (who, root, it) = match closed.as_slice() {
        [] => return None,
        [node] => (format!("the node {} is", names[0]), ObjectRef::of(node)?, "it"),
        _ => (format!("the nodes {} are", some(&names)), all(), "them"),
    };
    let message = format!("{who} closed to new pods (cordoned), and no other takes the pod: {}", clip(said));
    let remedy = format!("Open {it} again: `kubectl uncordon {}`.", names.join(" "));
    Some(site.stuck("Cordoned", message).about(root).remedy(remedy))
}

/// What Kubernetes puts on a node by itself, and takes away again with the condition that it stands for.
const OF_CONDITIONS: [&str; 6] = [
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
];

/// Whether a taint, by its key or in words, is one that Kubernetes takes away by itself.
pub(in crate::doctor) fn is_of_condition(taint: &str) -> bool {
    OF_CONDITIONS.iter().any(|key| taint.starts_with(key))
}

/// What to do about taints. Who takes away one that stands for a condition lets pods onto a node that cannot carry them.
fn untaint(site: &Site<'_>, taints: &[String]) -> String {
    let passing = taints.iter().find(|taint| is_of_condition(taint));
    let Some(taint) = passing.or(taints.first()) else {
        return "Remove the taint, `kubectl taint node NODE KEY-`, or add a toleration in the values.".to_owned();
    };
    let node = only_node(site, taint).unwrap_or("NODE");
    if passing.is_some() {
        return format!(
            "Kubernetes set the taint and takes it away when the node is well again: `kubectl describe node {node}` says what it lacks."
        );
    }
    if taint.starts_with("node.kubernetes.io/unschedulable") {
        return format!("Open the node again: `kubectl uncordon {node}`.");
    }
    format!("Remove it, `kubectl taint node {node} {taint}-`, or add a toleration in the values.")
}

/// The node with this taint, where it is only one.
fn only_node<'a>(site: &Site<'a>, taint: &str) -> Option<&'a str> {
    let has = |node: &&Value| untolerated(site.object, node).any(|one| one == taint);
    let mut nodes = candidates(site).filter(has).filter_map(|node| text(node, "/metadata/name"));
    nodes.next().filter(|_| nodes.next().is_none())
}

/// The taints of a node that keep a pod away.
fn untolerated<'a>(pod: &'a Value, node: &'a Value) -> impl Iterator<Item = String> + use<'a> {
    items(node, "/spec/taints").filter(|taint| taint["effect"] != "PreferNoSchedule").filter_map(|taint| {
        let tolerated = items(pod, "/spec/tolerations").any(|toleration| {
            let same = |field: &str| toleration.get(field).is_none_or(|value| value == "" || value == &taint[field]);
            let value = toleration["operator"] == "Exists"
                || text(toleration, "/value").unwrap_or_default() == text(taint, "/value").unwrap_or_default();
            same("key") && same("effect") && value
        });
        let key = text(taint, "/key").filter(|_| !tolerated)?;
        let value = text(taint, "/value").map(|value| format!("={value}")).unwrap_or_default();
        Some(format!("{key}{value}:{}", text(taint, "/effect").unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::snapshot::Snapshot;

    #[test]
    fn quantities_are_read_and_written() {
        for (text, number, shown) in [
            ("100m", 0.1, "0.1"),
            ("2", 2.0, "2"),
            ("4Ti", 4.0 * 1_099_511_627_776.0, "4 Ti"),
            ("24581692Ki", 24_581_692.0 * 1024.0, "23.44 Gi"),
        ] {
            assert_eq!(quantity(text), Some(number));
            assert_eq!(amount(number), shown);
        }
        assert_eq!(quantity("many"), None);
    }

    /// What fits into a node may find no room in it; and of two that are short both are told.
    #[test]
    fn what_is_missing_is_told_with_what_is_left() {
        let told = |asks: &str, said: &str| {
            let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}});
            let pod = |name: &str, node: Option<&str>, cpu: &str| {
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n"},
                    "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": cpu, "memory": "16Gi"}}}]},
                    "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}]}})
            };
            let mut snapshot = Snapshot::default();
            for object in [node, pod("there", Some("a"), "3500m")] {
                snapshot.insert(object);
            }
            let waits = pod("waits", None, asks);
            let cause = room(&Site::new(&waits, &snapshot, Timestamp::UNIX_EPOCH).unwrap()).unwrap();
            format!("{} {}", cause.message, cause.remedy.unwrap())
        };
        let one = told("600m", "0/1 nodes are available: 1 Insufficient cpu.");
        assert!(one.contains("it asks for 0.6 cpu, the node with most left has 0.5 (4 in all)"), "{one}");
        let both = told("64", "0/1 nodes are available: 1 Insufficient memory, 1 Insufficient cpu.");
        assert!(both.contains("64 cpu, the largest node has 4 in all, and it asks for 16 Gi memory"), "{both}");
        assert!(both.contains("Lower the cpu and memory requests"), "{both}");
    }

    #[test]
    fn resources_keep_their_dots() {
        let said = "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 Insufficient cpu.";
        assert_eq!(scarce(said).map(|start| whole(said, start)).collect::<Vec<_>>(), ["nvidia.com/gpu", "cpu"]);
    }
}
