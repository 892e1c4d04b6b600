//! `DaemonSets`: a pod on every node that is meant.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pods::{create, discard, from_template, is_available, template_hash};
use super::revisions;
use crate::object::{change_list, has_ended, number, text};
use crate::sandbox::containers::is_ready;
use crate::sandbox::world::World;
use crate::snapshot::placing::{selects, tolerates};

const BY: &str = "daemonset-controller";
const REVISION: &str = "controller-revision-hash";

pub(super) fn run(world: &mut World) {
    for set in world.all("DaemonSet") {
        if set["metadata"].get("deletionTimestamp").is_none() {
            fill(world, &set);
        }
    }
}

/// The node that a daemon's pod was made for.
fn meant_for(pod: &Value) -> Option<&str> {
    text(
        pod,
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0",
    )
}

fn fill(world: &mut World, set: &Value) {
    let hash = template_hash(&set["spec"]["template"]);
    let name = format!("{}-{hash}", text(set, "/metadata/name").unwrap_or_default());
    revisions::note(world, set, &name, &hash);
    let spec = &set["spec"]["template"]["spec"];
    let fits = |node: &Value| selects(spec, node) && tolerates(spec, node, &["NoSchedule", "NoExecute"], true);
    let nodes: Vec<Arc<Value>> = world.all("Node").into_iter().filter(|node| fits(node)).collect();
    let mut pods = world.owned("Pod", set);
    for node in &nodes {
        let name = text(node, "/metadata/name").unwrap_or_default();
        match pods.iter().find(|pod| meant_for(pod) == Some(name)) {
            None => {
                let pod = pod_for(set, name, &hash);
                if let Ok(pod) = create(world, set, pod, BY) {
                    pods.push(pod);
                }
            }
            Some(pod) if has_ended(pod) => {
                discard(world, set, pod, BY);
            }
            Some(_) => {}
        }
    }
    let strays = pods.iter().filter(|pod| !nodes.iter().any(|node| text(node, "/metadata/name") == meant_for(pod)));
    strays.for_each(|pod| discard(world, set, pod, BY));
    // One at a time, when all others are whole.
    let old = pods.iter().find(|pod| pod["metadata"]["labels"][REVISION] != hash.as_str());
    let going = pods.iter().any(|pod| pod["metadata"].get("deletionTimestamp").is_some());
    if let Some(old) = old.filter(|old| {
        set["spec"]["updateStrategy"]["type"] != "OnDelete"
            && !going
            && (!is_ready(old) || pods.iter().all(|pod| is_ready(pod)))
    }) {
        discard(world, set, old, BY);
    }
    judge(world, set, &nodes, &hash);
}

fn pod_for(set: &Value, node: &str, hash: &str) -> Value {
    let mut pod = from_template(set, None, &[(REVISION, hash.to_owned()), ("pod-template-generation", "1".to_owned())]);
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({"nodeSelectorTerms":
        [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]});
    change_list(&mut pod["spec"]["tolerations"], |list| {
        for (key, effect) in [
            ("not-ready", "NoExecute"),
            ("unreachable", "NoExecute"),
            ("disk-pressure", "NoSchedule"),
            ("memory-pressure", "NoSchedule"),
            ("pid-pressure", "NoSchedule"),
            ("unschedulable", "NoSchedule"),
        ] {
            list.push(json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect}));
        }
    });
    pod
}

fn judge(world: &mut World, set: &Value, nodes: &[Arc<Value>], hash: &str) {
    let pods = world.owned("Pod", set);
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let available = pods.iter().filter(|pod| is_available(world, pod, seconds)).count();
    let updated = pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION] == hash).count();
    let mut status = json!({"currentNumberScheduled": pods.len(), "desiredNumberScheduled": nodes.len(), "numberMisscheduled": 0,
        "numberReady": ready, "observedGeneration": set["metadata"]["generation"]});
    for (key, count) in [
        ("updatedNumberScheduled", updated),
        ("numberAvailable", available),
        ("numberUnavailable", nodes.len() - available.min(nodes.len())),
    ] {
        if count > 0 {
            status[key] = count.into();
        }
    }
    world.put_status(set, status);
}
