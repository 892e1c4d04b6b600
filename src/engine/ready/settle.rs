//! "Ready" a moment after its start says little of a container without a readiness probe: Kubernetes calls it ready as soon
//! as it runs, and many programs fail in their first seconds. What this run has changed is looked at a little longer.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::object::{items, text};
use crate::snapshot::Snapshot;

/// How long a container without a readiness probe must have been running. Kubernetes tells its start in whole seconds,
/// rounded down: one of these may not have passed.
const SETTLED: SignedDuration = SignedDuration::from_secs(4);
/// The same, for one that has failed before.
const SETTLED_AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);

/// A container that is not believed yet.
pub(super) struct Unsettled<'a> {
    /// What is waited for.
    pub(super) progress: String,
    /// Its pod, when it has failed before.
    pub(super) failed: Option<&'a Value>,
}

/// How far the newest container is from being believed; `None`: far enough.
pub(super) fn unsettled<'a>(workload: &Value, snapshot: &'a Snapshot, now: Timestamp) -> Option<Unsettled<'a>> {
    // What a Job or a Pod runs may end.
    if matches!(text(workload, "/kind"), Some("Job" | "Pod")) {
        return None;
    }
    pods_of(workload, snapshot).into_iter().find_map(|pod| {
        items(pod, "/status/containerStatuses").find_map(|status| {
            let progress = wait_for(pod, status, now)?;
            Some(Unsettled { progress, failed: has_failed(status).then_some(pod) })
        })
    })
}

fn has_failed(status: &Value) -> bool {
    let ends = ["/lastState/terminated/exitCode", "/state/terminated/exitCode"];
    ends.into_iter().any(|end| status.pointer(end).is_some_and(|code| *code != 0))
}

/// The pods of a workload that are not being deleted.
pub(super) fn pods_of<'a>(workload: &Value, snapshot: &'a Snapshot) -> Vec<&'a Value> {
    let mut pods = Vec::new();
    pods_below(workload, snapshot, 2, &mut pods);
    pods
}

/// The pods of a workload; those of a Deployment hang below each ReplicaSet of it.
fn pods_below<'a>(owner: &Value, snapshot: &'a Snapshot, depth: usize, pods: &mut Vec<&'a Value>) {
    for child in snapshot.owned_by(owner) {
        match (text(child, "/kind"), depth) {
            (Some("Pod"), _) if child.pointer("/metadata/deletionTimestamp").is_none() => pods.push(child),
            (Some("ReplicaSet"), 1..) => pods_below(child, snapshot, depth - 1, pods),
            _ => {}
        }
    }
}

fn wait_for(pod: &Value, status: &Value, now: Timestamp) -> Option<String> {
    let name = text(status, "/name")?;
    let container = items(pod, "/spec/containers").find(|container| container["name"] == name)?;
    let failed_before = has_failed(status);
    if container.get("readinessProbe").is_some() && !failed_before {
        return None;
    }
    let needed = if failed_before { SETTLED_AFTER_FAILURE } else { SETTLED };
    // The workload's own status lags behind its pods: it may still count what has just ended.
    let Some(started) = text(status, "/state/running/startedAt") else {
        return Some(format!("container `{name}` does not run"));
    };
    let started: Timestamp = started.parse().ok()?;
    let age = now.duration_since(started);
    // A node whose clock is ahead must not hold up anybody.
    let young = age < needed && age > -needed;
    young.then(|| format!("started, watched for {} s", needed.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(probe: bool, failed: bool, age: i64) -> bool {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let started = (now - SignedDuration::from_secs(age)).to_string();
        let mut container = json!({"name": "c"});
        if probe {
            container["readinessProbe"] = json!({});
        }
        let mut status = json!({"name": "c", "state": {"running": {"startedAt": started}}});
        if failed {
            status["lastState"] = json!({"terminated": {"exitCode": 1}});
        }
        let owner = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d", "namespace": "n", "uid": "u"}});
        let mut snapshot = Snapshot::default();
        snapshot.insert(json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]},
            "metadata": {"name": "p", "namespace": "n", "uid": "v", "ownerReferences": [{"uid": "u"}]},
            "status": {"containerStatuses": [status]}}));
        unsettled(&owner, &snapshot, now).is_some()
    }

    #[test]
    fn only_what_is_young_and_unproven_is_watched() {
        assert!(verdict(false, false, 1));
        assert!(!verdict(false, false, 5));
        assert!(!verdict(true, false, 0));
        assert!(verdict(true, true, 5));
        assert!(!verdict(false, true, 11));
        assert!(!verdict(false, false, -60));
    }

    #[test]
    fn what_has_just_ended_is_not_ready_whatever_its_workload_says() {
        let status = json!({"name": "c", "state": {"terminated": {"exitCode": 1}}});
        let pod = json!({"spec": {"containers": [{"name": "c"}]}});
        assert!(wait_for(&pod, &status, Timestamp::UNIX_EPOCH).is_some());
    }
}
