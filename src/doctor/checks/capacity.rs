//! Nodes that work, and will not for long, or not as their operator believes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Texts, each, each_that, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::event_time;
use crate::doctor::stall::words::{clip, span};
use crate::object::{ObjectRef, has_ended, items, number, text};
use crate::stack::quantity;

const NODES: &[&str] = &["Node"];

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("N008", Severity::Info, "a node has been closed to new pods for long"),
        [
            "The node was cordoned more than an hour ago and not opened again: most often it was forgotten after maintenance.",
            "Open it: `kubectl uncordon NODE`.",
            "a node that was closed within the last hour: somebody is at work.",
        ],
        NODES,
        closed,
    ),
    looks(
        ("N010", Severity::Warning, "a node keeps much of its memory for itself"),
        [
            "Less than seven tenths of the node's memory may be given to pods; the rest is reserved for the system.",
            "Look at `kubeReserved`, `systemReserved` and `evictionHard` in the configuration of its kubelet.",
            "a node with 8 GiB or less, of which managed clusters reserve as much by default.",
        ],
        NODES,
        reserved,
    ),
    looks(
        ("N012", Severity::Warning, "a node has nearly as many pods as it takes"),
        [
            "More than nine tenths of the pods that the kubelet takes are there (110 by default): the next ones stay Pending.",
            "Add a node, or raise `maxPods` of its kubelet.",
            "pods that have ended, which do not count.",
        ],
        &["Node", "Pod"],
        full,
    ),
    looks(
        ("N014", Severity::Warning, "a kubelet's version does not fit the API server's"),
        [
            "The kubelet is newer than the API server, or more than three minor versions older: Kubernetes supports neither.",
            "Upgrade the older of the two: `kubectl get nodes` and `kubectl version` tell. The control plane goes first.",
            "a kubelet that is up to three minor versions older, as in every upgrade.",
        ],
        NODES,
        skew,
    ),
    looks(
        ("N018", Severity::Error, "two nodes have the same identity"),
        [
            "Two nodes name the same address: what is meant for one reaches the other. Or they name the same machine id, because one was \
            cloned from the other: what goes by that id, such as DHCP, takes them for one machine (then it is a warning).",
            "Give each an address of its own. On the clone: `rm /etc/machine-id`, `systemd-machine-id-setup`, and start it again.",
            "nodes that name no machine id.",
        ],
        NODES,
        twins,
    ),
    looks(("N020", Severity::Warning, "a node itself ran out of memory"), SYSTEM_OOM, &["Event"], |evidence| {
        told(evidence, |reason, _| reason == "SystemOOM", "ran out of memory", SYSTEM_OOM[1])
    }),
    looks(("N021", Severity::Warning, "a node cannot get its disk free"), NO_ROOM, &["Event"], |evidence| {
        told(evidence, is_about_disk, "cannot get its disk free", NO_ROOM[1])
    }),
];

const SYSTEM_OOM: Texts = [
    "The kernel ended processes of the node because its memory was used up, not because a container reached its limit.",
    "Set limits for what uses most, `kubectl top pods -A --sort-by=memory`, or give the node more memory.",
    "one that is more than an hour ago, and a container that reached its own limit (P011).",
];
const NO_ROOM: Texts = [
    "The kubelet wants to delete images or pods to get room on the disk, and does not get enough, or cannot.",
    "Free disk on the node: `crictl rmi --prune`, logs, volumes; or move the runtime's data to a larger disk.",
    "an event that is more than an hour old, and a kubelet that wants memory back, which is N005 and N020.",
];

const HOUR: i64 = 3600;
const NODE: (&str, &str) = ("", "Node");
/// Up to this a usual reserve is a large part of the memory: managed clusters keep a quarter of the first 4 GiB, a fifth of the next,
/// and room for eviction.
const SMALL: &str = "8Gi";
/// Minor versions by which a kubelet may be older (kubernetes.io/releases/version-skew-policy).
const OLDER: u64 = 3;

fn closed(evidence: &Evidence) -> Verdict {
    each(evidence, NODE, |node, reference| {
        let mut taints = items(node, "/spec/taints");
        let taint = taints.find(|taint| taint["key"] == "node.kubernetes.io/unschedulable")?;
        let since = evidence.since(taint, "/timeAdded").filter(|since| *since > HOUR)?;
        let message = format!("the node {} has been closed to new pods for {}", reference.name, span(since));
        let fix = format!("Open it again: `kubectl uncordon {}`.", reference.name);
        Some(Finding::new(reference, "Cordoned", message).fix(fix))
    })
}

fn reserved(evidence: &Evidence) -> Verdict {
    each(evidence, NODE, |node, reference| {
        let read = |pointer| Some((text(node, pointer)?, quantity::parse(text(node, pointer)?)?));
        let ((whole, all), (left, free)) = (read("/status/capacity/memory")?, read("/status/allocatable/memory")?);
        (all > quantity::parse(SMALL)? && free.saturating_mul(10) < all.saturating_mul(7)).then(|| {
            let message = format!("the node {} gives pods only {left} of its {whole} of memory", reference.name);
            let fix = format!(
                "Look at the reserves of its kubelet: `kubectl get --raw /api/v1/nodes/{}/proxy/configz`.",
                reference.name
            );
            Finding::new(reference, "MemoryReserved", message).fix(fix)
        })
    })
}

fn full(evidence: &Evidence) -> Verdict {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for pod in evidence.snapshot.of_kind("", "Pod").filter(|pod| !has_ended(pod)) {
        *counts.entry(text(pod, "/spec/nodeName").unwrap_or_default()).or_default() += 1;
    }
    each(evidence, NODE, |node, reference| {
        let room: i64 = text(node, "/status/allocatable/pods")
            .and_then(|text| text.parse().ok())
            .or_else(|| number(node, "/status/allocatable/pods"))?;
        let there = counts.get(reference.name.as_str()).copied().unwrap_or(0);
        (room > 0 && there * 10 > room * 9).then(|| {
            let message = format!("the node {} has {there} of the {room} pods that it takes", reference.name);
            let fix = format!(
                "Add a node, or raise `maxPods` of its kubelet; what is there: `kubectl get pods -A --field-selector spec.nodeName={}`.",
                reference.name
            );
            Finding::new(reference, "TooManyPods", message).fix(fix)
        })
    })
}

/// Major and minor version of `v1.34.2+k3s1`.
fn minor(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.strip_prefix('v').unwrap_or(version).split(['.', '+', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn skew(evidence: &Evidence) -> Verdict {
    let nodes = evidence.snapshot.of_kind("", "Node").count();
    let server = evidence.cluster.as_ref().and_then(|cluster| cluster.version.as_deref());
    let Some((server, (major, own))) = server.and_then(|server| Some((server, minor(server)?))) else {
        let because = "the version of the API server is not in the evidence".to_owned();
        return if nodes == 0 { Verdict::Pass { looked: 0 } } else { Verdict::Unknown { because } };
    };
    each(evidence, NODE, |node, reference| {
        let version = text(node, "/status/nodeInfo/kubeletVersion")?;
        let (its_major, its) = minor(version)?;
        let how = if (its_major, its) > (major, own) {
            "newer than"
        } else if its_major == major && its + OLDER < own {
            "more than three minor versions older than"
        } else {
            return None;
        };
        let message = format!("the kubelet of {} is {version}, {how} the API server ({server})", reference.name);
        Some(Finding::new(reference, "VersionSkew", message).fix("Upgrade the older of the two: `kubectl get nodes`."))
    })
}

fn twins(evidence: &Evidence) -> Verdict {
    let nodes: Vec<&Value> = evidence.snapshot.of_kind("", "Node").collect();
    let mut owners: BTreeMap<(&str, String), &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for node in &nodes {
        let name = text(node, "/metadata/name").unwrap_or_default();
        let twin = identities(node).find_map(|identity| {
            let first = owners.entry(identity.clone()).or_insert(name);
            (*first != name).then(|| (identity, (*first).to_owned()))
        });
        if let (Some(((what, value), other)), Some(reference)) = (twin, ObjectRef::of(node)) {
            let message = format!("the nodes {other} and {name} have the same {what}, {value}");
            let finding = Finding::new(reference, "SameIdentity", message);
            findings.push(if what == ADDRESS {
                finding.fix("Give one of them another address: `kubectl get nodes -o wide`.")
            } else {
                let fix = format!("On the clone, most likely {name}: `rm /etc/machine-id; systemd-machine-id-setup`, then start it again.");
                finding.severity(Severity::Warning).fix(fix)
            });
        }
    }
    Verdict::of(nodes.len(), findings)
}

const ADDRESS: &str = "address";

/// What tells a node from all others, what does most harm first.
fn identities(node: &Value) -> impl Iterator<Item = (&'static str, String)> {
    let addresses = items(node, "/status/addresses").filter(|address| address["type"] == "InternalIP");
    let addresses = addresses.filter_map(|address| text(address, "/address")).map(|address| (ADDRESS, address));
    let machine = text(node, "/status/nodeInfo/machineID").filter(|id| !id.is_empty()).map(|id| ("machine id", id));
    addresses.chain(machine).map(|(what, value)| (what, value.to_owned()))
}

/// Whether what a kubelet says is that it gets no room on its disk; of a threshold it tells for memory, too.
fn is_about_disk(reason: &str, message: &str) -> bool {
    let wants_disk = ["ephemeral-storage", "inodes", "nodefs", "imagefs"].iter().any(|what| message.contains(what));
    matches!(reason, "ImageGCFailed" | "FreeDiskSpaceFailed") || reason == "EvictionThresholdMet" && wants_disk
}

/// What the kubelet said of its own node within the last hour.
fn told(evidence: &Evidence, is_it: fn(&str, &str) -> bool, what: &str, fix: &str) -> Verdict {
    let about_node = |event: &Value| event["involvedObject"]["kind"] == "Node";
    each_that(evidence, ("", "Event"), about_node, |event, _| {
        let said = text(event, "/message").unwrap_or_default();
        let reason = text(event, "/reason").filter(|reason| is_it(reason, said))?;
        let since = evidence.taken.as_second() - event_time(event)?.as_second();
        if since > HOUR {
            return None;
        }
        let name = text(event, "/involvedObject/name")?;
        let message = format!("the node {name} {what}: {}", clip(said));
        Some(Finding::new(ObjectRef::new("v1", "Node", None, name), reason, message).fix(fix))
    })
}
