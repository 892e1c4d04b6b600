//! `ReplicaSets`: as many pods as are wanted.

use serde_json::{Value, json};

use super::pods::{create, discard, from_template, is_available, without_zeros};
use crate::object::number;
use crate::sandbox::containers::{is_active, is_ready};
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
    let mut pods: Vec<Value> = world.owned("Pod", set).into_iter().filter(is_active).collect();
    let wanted = usize::try_from(number(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    for _ in pods.len()..wanted {
        let pod = from_template(world, set, None, &[]);
        match create(world, set, pod, BY) {
            Ok(pod) => pods.push(pod),
            Err(_) => break,
        }
    }
    if pods.len() > wanted {
        // Those go first that are least worth: without a node, then not ready.
        pods.sort_by_key(|pod| (pod["spec"].get("nodeName").is_some(), is_ready(pod)));
        let many = pods.len() - wanted;
        pods.drain(..many).collect::<Vec<_>>().iter().for_each(|pod| discard(world, set, pod, BY));
    }
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let available = pods.iter().filter(|pod| is_available(world, pod, seconds)).count();
    let status = json!({"replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "readyReplicas": ready,
        "availableReplicas": available, "observedGeneration": set["metadata"]["generation"]});
    world.put_status(set.clone(), without_zeros(status, &["replicas"]));
}
