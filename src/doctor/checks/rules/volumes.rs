//! Claims without a volume.

use super::{error, row};
use crate::doctor::check::{Check, Severity};

const CLAIM: &[&str] = &["PersistentVolumeClaim"];

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "V001",
        "a claim names no class and there is no default",
        [
            "The claim leaves the choice of its storage class to the cluster, and the cluster has no default class.",
            "Name a class in the values; or make one the default: `kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true`.",
            "a cluster without a default class in which every claim names one.",
        ],
        CLAIM,
    ),
    error(
        "V003",
        "a claim's storage class does not exist",
        [
            "The claim names a class that is not there. A claim's class cannot be changed later.",
            "Set the class in the values to one that exists, and delete the claim that holds no data yet.",
            "a class that is only a name, for volumes made by hand.",
        ],
        CLAIM,
    ),
    error(
        "V005",
        "no volume can be made for a claim",
        [
            "The provisioner tried and failed, or the claim names a volume that does not fit.",
            "Follow the message; look at the provisioner's log.",
            "a try that failed and was followed by one that succeeded.",
        ],
        CLAIM,
    ),
    error(
        "V006",
        "nobody makes volumes of a claim's class",
        [
            "The class names a provisioner that has not answered: it is not installed, or does not run.",
            "Install or start the provisioner: `kubectl get storageclass`, `kubectl get pods -A`.",
            "the first half minute.",
        ],
        CLAIM,
    ),
    error(
        "V007",
        "a storage class cannot do what a claim asks for",
        [
            "For one, local-path serves only one node at a time: it refuses ReadWriteMany and selectors.",
            "Use `ReadWriteOnce` in the values, or a class that can; `seaworthy prerequisites list` says whether shared-path can be one.",
            "modes that the class supports.",
        ],
        CLAIM,
    ),
    row(
        "V009",
        Severity::Critical,
        "a claim has lost its volume",
        [
            "The claim was bound to a volume whose object no longer exists. The data may still be on the disk.",
            "Do not delete the claim. Find out what became of the volume: `kubectl get pv`, and the disk itself.",
            "a claim that was never bound.",
        ],
        CLAIM,
    ),
    error(
        "V019",
        "a volume cannot be attached",
        [
            "The storage driver could not attach the volume to the node.",
            "Look after the driver's controller: `kubectl get volumeattachments`.",
            "a first try that failed.",
        ],
        &["Pod"],
    ),
    error(
        "V020",
        "a storage driver does not run on a node",
        [
            "The node's kubelet knows no such driver: its DaemonSet has no pod there.",
            "Look after the driver's DaemonSet: `kubectl get daemonsets -A`.",
            "drivers that nobody on the node uses.",
        ],
        &["Pod"],
    ),
];
