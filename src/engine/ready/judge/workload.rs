//! Deployment, `StatefulSet`, `DaemonSet`, `ReplicaSet`, Job and Pod.

use serde_json::Value;

use super::{Readiness, condition};
use crate::object::{is_true, items, number, text};

fn count(object: &Value, pointer: &str) -> i64 {
    number(object, pointer).unwrap_or(0)
}

/// `spec.replicas`; the API server's default is 1.
fn wanted(object: &Value) -> i64 {
    number(object, "/spec/replicas").unwrap_or(1)
}

fn pods_ready(ready: i64, wanted: i64) -> String {
    format!("{ready} of {wanted} pods ready")
}

const SWITCHED_OFF: &str = "switched off: 0 replicas are wanted";

/// As `kubectl rollout status deployment`: all pods updated, none of the old ones left, all available. It gives up at
/// `ProgressDeadlineExceeded`; this does not, because the Deployment goes on trying and the deadline names no cause.
pub(super) fn deployment(object: &Value) -> Readiness {
    let wanted = wanted(object);
    let updated = count(object, "/status/updatedReplicas");
    let old = count(object, "/status/replicas") - updated;
    let ready = count(object, "/status/readyReplicas");
    let available = count(object, "/status/availableReplicas");
    if updated < wanted && count(object, "/status/replicas") > updated {
        return Readiness::waiting(format!("{updated} of {wanted} pods updated"));
    }
    if updated < wanted {
        return Readiness::waiting(pods_ready(ready.min(updated), wanted));
    }
    if old > 0 {
        return Readiness::waiting(format!("{updated} of {wanted} pods updated, {old} old left"));
    }
    if available < wanted {
        return Readiness::waiting(if ready > available {
            format!("{}, {available} for long enough", pods_ready(ready, wanted))
        } else {
            pods_ready(ready, wanted)
        });
    }
    if wanted == 0 { Readiness::noted(SWITCHED_OFF) } else { Readiness::ready() }
}

/// As `kubectl rollout status statefulset`, but for `OnDelete`, which it refuses: there the pods that are there count.
pub(super) fn stateful_set(object: &Value) -> Readiness {
    let wanted = wanted(object);
    let ready = count(object, "/status/readyReplicas");
    let updated = count(object, "/status/updatedReplicas");
    if ready < wanted {
        return Readiness::waiting(pods_ready(ready, wanted));
    }
    let revisions_differ = text(object, "/status/updateRevision") != text(object, "/status/currentRevision");
    if text(object, "/spec/updateStrategy/type") == Some("OnDelete") {
        return if revisions_differ && updated < wanted {
            Readiness::noted(format!("{updated} of {wanted} pods updated; the others wait to be deleted (OnDelete)"))
        } else {
            Readiness::ready()
        };
    }
    let partition = count(object, "/spec/updateStrategy/rollingUpdate/partition");
    if partition > 0 {
        let meant = (wanted - partition).max(0);
        return if updated < meant {
            Readiness::waiting(format!("{updated} of {meant} pods updated"))
        } else {
            Readiness::noted(format!("{updated} of {wanted} pods updated, up to partition {partition}"))
        };
    }
    // updatedReplicas is asked too: while pods are replaced, ready counts old ones.
    if revisions_differ {
        return Readiness::waiting(format!("{updated} of {wanted} pods updated"));
    }
    if count(object, "/status/replicas") > wanted {
        return Readiness::waiting(format!("{} pods too many", count(object, "/status/replicas") - wanted));
    }
    if wanted == 0 { Readiness::noted(SWITCHED_OFF) } else { Readiness::ready() }
}

/// As `kubectl rollout status daemonset`: updated and available on every node that it is meant for.
pub(super) fn daemon_set(object: &Value) -> Readiness {
    let wanted = count(object, "/status/desiredNumberScheduled");
    let updated = count(object, "/status/updatedNumberScheduled");
    let available = count(object, "/status/numberAvailable");
    if wanted == 0 {
        return Readiness::noted("no node is meant for it");
    }
    let on_delete = text(object, "/spec/updateStrategy/type") == Some("OnDelete");
    if updated < wanted && !on_delete {
        return Readiness::waiting(format!("updated on {updated} of {wanted} nodes"));
    }
    if available < wanted {
        return Readiness::waiting(pods_ready(count(object, "/status/numberReady").min(wanted), wanted));
    }
    Readiness::ready()
}

/// kstatus: all labelled, available and ready.
pub(super) fn replica_set(object: &Value) -> Readiness {
    let wanted = wanted(object);
    let available = count(object, "/status/availableReplicas");
    if available < wanted {
        return Readiness::waiting(pods_ready(count(object, "/status/readyReplicas"), wanted));
    }
    if wanted == 0 { Readiness::noted(SWITCHED_OFF) } else { Readiness::ready() }
}

/// Kubernetes: `Complete` and `Failed` are the two terminal conditions. kstatus calls a Job that runs ready; a step of an
/// installation needs its end.
pub(super) fn job(object: &Value) -> Readiness {
    if let Some(condition) = condition(object, "Failed").filter(|condition| condition["status"] == "True") {
        return Readiness::failed(condition, "Failed");
    }
    if is_true(object, "Complete") {
        return Readiness::ready();
    }
    if object.pointer("/spec/suspend").and_then(Value::as_bool) == Some(true) {
        return Readiness::waiting("suspended");
    }
    let wanted = number(object, "/spec/completions").or_else(|| number(object, "/spec/parallelism")).unwrap_or(1);
    let failed = count(object, "/status/failed");
    let done = format!("{} of {wanted} pods done", count(object, "/status/succeeded"));
    Readiness::waiting(if failed > 0 { format!("{done}, {failed} failed") } else { done })
}

/// Kubernetes: the condition `Ready`, or the phases in which a pod ends.
pub(super) fn pod(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        Some("Succeeded") => return Readiness::noted("ended with success"),
        Some("Failed") => return Readiness::failed(&object["status"], "Failed"),
        _ => {}
    }
    if is_true(object, "Ready") {
        return Readiness::ready();
    }
    let statuses = || items(object, "/status/containerStatuses");
    let containers = items(object, "/spec/containers").count();
    let ready = statuses().filter(|status| status["ready"] == true).count();
    if text(object, "/spec/nodeName").is_none() {
        return Readiness::waiting("no node chosen yet");
    }
    Readiness::waiting(format!("{ready} of {containers} containers ready"))
}
