//! Pods that get no node.

use super::{error, warning};
use crate::doctor::check::Check;

const POD: &[&str] = &["Pod"];

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "S001",
        "no node has room for a pod",
        [
            "The pod asks for more CPU or memory than any node has left. The message says how much is missing where.",
            "Lower the requests in the values, add a node, or choose a smaller profile.",
            "a pod that was given a node in the meantime.",
        ],
        POD,
    ),
    error(
        "S002",
        "no node has a device that a pod asks for",
        [
            "The pod asks for a device such as `nvidia.com/gpu`, and no node offers one.",
            "Switch the device off in the values, or install its device plugin on the nodes.",
            "a pod that was given a node in the meantime.",
        ],
        POD,
    ),
    error(
        "S003",
        "the nodes are tainted or closed",
        [
            "Every node has a taint that the pod does not tolerate, or is closed to new pods (cordoned).",
            "Open the node, `kubectl uncordon NODE`; take the taint away, or add a toleration.",
            "taints of nodes while another node is open.",
        ],
        POD,
    ),
    error(
        "S004",
        "no node has the labels that a pod asks for",
        [
            "The pod's nodeSelector or node affinity fits no node. The nearest node is shown with what it lacks.",
            "Label a node, `kubectl label node NODE KEY=VALUE`, or correct the selector.",
            "preferred affinity, which only orders the nodes.",
        ],
        POD,
    ),
    error(
        "S005",
        "a pod's volume is on another node",
        [
            "The volume can only be used on one node, and that node is full, closed or gone.",
            "Bring that node back: the data lies on it.",
            "a volume that is not bound to nodes.",
        ],
        POD,
    ),
    error(
        "S006",
        "a pod's claim is missing or not bound",
        [
            "The pod mounts a claim that does not exist, or that has no volume. Where the claim says why, that is shown instead.",
            "Create the claim, or correct its name in the values.",
            "a claim that waits for its first consumer: that is normal.",
        ],
        POD,
    ),
    error(
        "S007",
        "a port of the node is taken",
        [
            "The pod asks for a port of the node itself (hostPort), and every node has it in use.",
            "Choose another port, or run fewer of them on a node.",
            "ports of Services, which are not ports of nodes.",
        ],
        POD,
    ),
    warning(
        "S008",
        "there are too few nodes for pods that must be apart",
        [
            "Anti-affinity or topologySpreadConstraints want the pods on different nodes, and there are not enough.",
            "Add nodes, choose the profile for a single node, or relax the rule.",
            "preferred rules, which never hold a pod back.",
        ],
        POD,
    ),
    error(
        "S009",
        "the nodes take no more pods",
        [
            "Every node has as many pods as its kubelet takes (110 by default).",
            "Add a node, or raise `maxPods` of the kubelet.",
            "many pods, as long as all have a node.",
        ],
        POD,
    ),
    warning(
        "S010",
        "a pod is held back by a scheduling gate",
        [
            "Some controller has to open the gate before the pod is given a node.",
            "Look after the controller that set the gate.",
            "a gate that has been closed for less than two minutes.",
        ],
        POD,
    ),
    error(
        "S011",
        "no scheduler looks at a pod",
        [
            "Nobody has tried to give the pod a node: the scheduler does not run, or the pod names one that does not exist.",
            "Look after the scheduler, `kubectl get pods -n kube-system`, or correct `schedulerName`.",
            "a pod that was made within the last seconds, or waits for a volume that the scheduler has asked for.",
        ],
        POD,
    ),
];
