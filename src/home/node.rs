//! Nodes with what is asked of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{has_ended, items, text};
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::is_ready;
use crate::snapshot::placing::asked;
use crate::stack::quantity;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    /// Its name.
    pub name: String,
    /// Whether its kubelet is well and heard of.
    pub ready: bool,
    /// What else is to be said of it: cordoned, under pressure, not heard of since.
    pub remarks: Vec<String>,
    /// `control-plane`, or empty.
    pub role: String,
    /// Version of its kubelet.
    pub version: String,
    /// Its address inside the cluster's network.
    pub address: String,
    /// Pods there, of those that it may have.
    pub pods: Share,
    /// CPU that the pods ask for, nano units, of what they may have.
    pub cpu: Share,
    /// Memory that the pods ask for, nano bytes, of what they may have.
    pub memory: Share,
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// What is taken.
    pub taken: i128,
    /// What there is.
    pub whole: i128,
}

impl Share {
    /// How much is taken, of 100; 0 where there is nothing to take.
    pub fn percent(self) -> u32 {
        let percent = if self.whole > 0 { self.taken * 100 / self.whole } else { 0 };
        u32::try_from(percent).unwrap_or(u32::MAX)
    }
}

/// All nodes, by name.
pub(super) fn states(snapshot: &Snapshot) -> Vec<NodeState> {
    let mut by_node: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for pod in snapshot.of_kind("", "Pod").filter(|pod| !has_ended(pod)) {
        if let Some(node) = text(pod, "/spec/nodeName") {
            by_node.entry(node).or_default().push(pod);
        }
    }
    let none = Vec::new();
    let state = |node: &Value| {
        let name = text(node, "/metadata/name").unwrap_or_default();
        of(node, name, by_node.get(name).unwrap_or(&none))
    };
    snapshot.of_kind("", "Node").map(state).collect()
}

fn of(node: &Value, name: &str, pods: &[&Value]) -> NodeState {
    let room = |resource: &str| text(node, &format!("/status/allocatable/{resource}")).and_then(quantity::parse);
    let share = |resource: &str| Share {
        taken: pods.iter().map(|pod| asked(&pod["spec"], resource)).sum(),
        whole: room(resource).unwrap_or_default(),
    };
    let address = items(node, "/status/addresses").find(|address| address["type"] == "InternalIP");
    NodeState {
        name: name.to_owned(),
        ready: is_ready(node),
        remarks: remarks(node),
        role: role(node),
        version: text(node, "/status/nodeInfo/kubeletVersion").unwrap_or_default().to_owned(),
        address: address.and_then(|address| text(address, "/address")).unwrap_or_default().to_owned(),
        pods: Share {
            taken: i128::try_from(pods.len()).unwrap_or_default(),
            whole: room("pods").unwrap_or_default() / NANO,
        },
        cpu: share("cpu"),
        memory: share("memory"),
    }
}

/// Nano units of one.
const NANO: i128 = 1_000_000_000;

fn role(node: &Value) -> String {
    const PREFIX: &str = "node-role.kubernetes.io/";
    let labels = node["metadata"]["labels"].as_object();
    let roles = labels.into_iter().flatten().filter_map(|(key, _)| key.strip_prefix(PREFIX));
    roles.filter(|role| !role.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What keeps pods away, and what the kubelet complains of.
fn remarks(node: &Value) -> Vec<String> {
    let conditions = items(node, "/status/conditions");
    let complaint = |condition: &Value| {
        let (kind, status) = (text(condition, "/type")?, text(condition, "/status")?);
        match (kind, status) {
            ("Ready", "True") => None,
            ("Ready", _) => {
                let said = text(condition, "/message").filter(|said| !said.is_empty());
                Some(said.or_else(|| text(condition, "/reason")).unwrap_or("not ready").to_owned())
            }
            (kind, "True") => Some(kind.to_owned()),
            _ => None,
        }
    };
    let cordoned = (node["spec"]["unschedulable"] == true).then(|| "cordoned: it takes no new pods".to_owned());
    conditions.filter_map(complaint).chain(cordoned).collect()
}
