//! The templates that a workload had: the `ReplicaSet`s of a Deployment, the `ControllerRevision`s of a `StatefulSet` or `DaemonSet`.

use std::cmp::Reverse;

use serde_json::Value;

use crate::object::{number, text};
use crate::snapshot::Snapshot;

/// The annotation in which a Deployment counts its revisions.
const COUNT: &str = "deployment.kubernetes.io/revision";

/// All that are there, in no order.
pub(super) fn of<'a>(workload: &Value, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Value> + use<'a> {
    let held_by = if workload["kind"] == "Deployment" { "ReplicaSet" } else { "ControllerRevision" };
    snapshot.owned_by(workload).filter(move |one| one["kind"] == held_by)
}

/// Which one it is, counted from 1.
pub(super) fn number_of(revision: &Value) -> Option<i64> {
    if revision["kind"] == "ControllerRevision" {
        return number(revision, "/revision");
    }
    revision["metadata"]["annotations"].get(COUNT)?.as_str()?.parse().ok()
}

/// The one of the template that the workload has.
pub(super) fn newest<'a>(workload: &Value, snapshot: &'a Snapshot) -> Option<&'a Value> {
    of(workload, snapshot).max_by_key(|one| {
        (number_of(one), text(one, "/metadata/creationTimestamp"), Reverse(text(one, "/metadata/name")))
    })
}

/// Its template; that of a `ControllerRevision` is written as a patch.
pub(super) fn template(revision: &Value) -> Option<&Value> {
    revision.pointer(if revision["kind"] == "ControllerRevision" { "/data/spec/template" } else { "/spec/template" })
}
