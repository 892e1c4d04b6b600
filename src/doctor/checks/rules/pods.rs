//! Pods that cannot be set up, or that their node gave up.

use super::{PASSED, error, warning};
use crate::doctor::check::Check;

const POD: &[&str] = &["Pod"];

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "P019",
        "a pod gets no network",
        [
            "The node cannot make the pod's sandbox: the network plugin does not work there, or has no addresses left.",
            "Restart the network plugin's pod on that node: `kubectl get pods -n kube-system -o wide`.",
            "a pod whose containers have been created since.",
        ],
        POD,
    ),
    error(
        "P020",
        "a volume cannot be mounted",
        [
            "The pod has a node, but one of its volumes cannot be attached or mounted there; a volume for one node may still be held by another.",
            "Follow the message: `kubectl describe pod POD`; end the pod that holds the volume.",
            "a mount that failed once or twice while the volume was being made.",
        ],
        POD,
    ),
    error(
        "P025",
        "a pod was evicted",
        [
            "The node was short of disk, memory or ephemeral storage, and the kubelet ended the pod.",
            "Free what was short on the node, or raise the pod's requests and limits.",
            "the record of an evicted pod that its controller has replaced.",
        ],
        POD,
    ),
    warning(
        "P026",
        "a node refused a pod",
        [
            "The kubelet did not take a pod that the scheduler gave it (OutOfcpu, NodeAffinity, ...). The object stays and blocks its name.",
            "Delete the pod: `kubectl delete pod POD -n NAMESPACE`.",
            "the record of a refused pod that its controller has replaced.",
        ],
        POD,
    ),
    warning(
        "P027",
        "a pod does not end",
        [
            "The pod was deleted and should be gone: its node does not answer, a volume is busy, or a finalizer holds it.",
            "Find out who holds it; force it only when its node is surely off: `kubectl delete pod POD --force`.",
            "a pod within its grace period and a minute.",
        ],
        POD,
    ),
    error(
        "P028",
        "the node of a pod is lost",
        ["The node no longer says anything about the pod.", "Look after the node: `kubectl get nodes`.", PASSED],
        POD,
    ),
];
