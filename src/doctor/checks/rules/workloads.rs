//! What makes pods, and what does not go.

use super::{error, row, warning};
use crate::doctor::check::{Check, Severity};

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "W001",
        "a rollout does not get on",
        [
            "The Deployment's new pods have not become ready within `progressDeadlineSeconds`. Why is most often a finding about its pods, \
            below which this one is then shown.",
            "Repair the pods, or take the rollout back: `kubectl rollout undo deployment/NAME`.",
            "a rollout that still makes progress.",
        ],
        &["Deployment"],
    ),
    error(
        "W003",
        "no controller looks at a workload",
        [
            "The object was made or changed, and the controller that should act on it has not seen it.",
            "Look after kube-controller-manager: `kubectl get pods -n kube-system`.",
            "the first half minute.",
        ],
        &["Deployment"],
    ),
    error(
        "W004",
        "the pods of a workload are refused",
        [
            "The API server refuses to make the pods. When the reason is a quota, a webhook, a policy or an account, that is the finding.",
            "Follow the message: `kubectl describe replicaset -n NAMESPACE`.",
            "refusals that are over: all pods are there.",
        ],
        &["ReplicaSet"],
    ),
    row(
        "W015",
        Severity::Info,
        "a rollout is paused",
        [
            "Changes of the Deployment have no effect until the rollout is resumed.",
            "`kubectl rollout resume deployment/NAME`.",
            "a rollout that goes on.",
        ],
        &["Deployment"],
    ),
    error(
        "J001",
        "a Job has failed",
        [
            "The Job's pods failed more often than allowed, or took longer. It does not try again.",
            "Read its log, `kubectl logs job/NAME`; mend the cause, delete the Job and have it made anew.",
            "a failed Job of a CronJob after which another one succeeded.",
        ],
        &["Job"],
    ),
    warning(
        "J002",
        "a Job is suspended",
        [
            "Somebody, or a queue, has suspended the Job: it does not run.",
            "`kubectl patch job NAME -p '{\"spec\":{\"suspend\":false}}'`.",
            "a suspended CronJob, which is how one switches it off.",
        ],
        &["Job"],
    ),
    warning(
        "T004",
        "an object is being deleted and does not go",
        [
            "The object was deleted, and a finalizer holds it: somebody wants to be told first and has not answered. Of a claim it is mostly \
            a pod that still uses it; that pod is named.",
            "End the pod, or look after the controller that set the finalizer.",
            "the first minute of a deletion.",
        ],
        &["PersistentVolumeClaim"],
    ),
];
