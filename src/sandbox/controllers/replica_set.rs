//! `ReplicaSets`: as many pods as are wanted.

use serde_json::{Value, json};

use super::pods::{from_template, is_available, match_replicas, without_zeros};
use crate::object::number;
use crate::sandbox::containers::is_ready;
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
    let pods = match_replicas(world, set, BY, |_| from_template(set, None, &[]));
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let available = pods.iter().filter(|pod| is_available(world, pod, seconds)).count();
    let status = json!({"replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "readyReplicas": ready,
        "availableReplicas": available, "observedGeneration": set["metadata"]["generation"]});
    world.put_status(set, without_zeros(status, &["replicas"]));
}
