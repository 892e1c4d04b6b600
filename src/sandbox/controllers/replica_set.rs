//! `ReplicaSets`: as many pods as are wanted.

use serde_json::{Value, json};

use super::pods::{from_template, is_available, is_held_back, match_replicas, without_zeros};
use crate::object::{items, number};
use crate::sandbox::containers::is_ready;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::store::time;
use crate::sandbox::world::World;

const BY: &str = "replicaset-controller";

pub(super) fn run(world: &mut World) {
    for set in world.all("ReplicaSet") {
        if set["metadata"].get("deletionTimestamp").is_none() {
            fill(world, &set);
        }
    }
}

fn fill(world: &mut World, set: &Value) {
    let (pods, refused) = match_replicas(world, set, BY, |_| from_template(set, None, &[]));
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let available = pods.iter().filter(|pod| is_available(world, pod, seconds)).count();
    let mut status = json!({"replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "readyReplicas": ready,
        "availableReplicas": available, "observedGeneration": set["metadata"]["generation"]});
    if let Some(failure) = failure(world, set, refused.as_ref()) {
        status["conditions"] = json!([failure]);
    }
    world.put_status(set, without_zeros(status, &["replicas"]));
}

/// That a pod was refused, as it was said first. It stays until all are there, so also while nothing is asked again. Source:
/// `calculateStatus` in `pkg/controller/replicaset/replica_set_utils.go`, 1.34.
fn failure(world: &World, set: &Value, refused: Option<&Refusal>) -> Option<Value> {
    let refused = refused?;
    let known = items(set, "/status/conditions").find(|condition| condition["type"] == "ReplicaFailure");
    if known.is_some() || is_held_back(refused) {
        return known.cloned();
    }
    Some(json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refused.message,
        "lastTransitionTime": time(world.now)}))
}
