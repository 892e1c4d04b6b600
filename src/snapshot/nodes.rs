//! Nodes, as the scheduler reads them.

use serde_json::Value;

use crate::object::{is_true, items};

/// Whether its kubelet says that it is well, and is heard of.
pub fn is_ready(node: &Value) -> bool {
    is_true(node, "Ready")
}

/// Whether a pod that tolerates nothing may go there: ready, not cordoned, and without a taint that keeps it away.
pub fn takes_pods(node: &Value) -> bool {
    let tainted = items(node, "/spec/taints").any(|taint| taint["effect"] != "PreferNoSchedule");
    is_ready(node) && !tainted && node.pointer("/spec/unschedulable") != Some(&Value::Bool(true))
}
