//! `OpenKruise`'s manager, as long as its Deployment runs: `CloneSet`s have as many pods as they want, and its webhooks a
//! certificate. Names, labels and defaults: kruise 1.8, `pkg/controller/cloneset` and `apis/apps/defaults/v1alpha1.go`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pods::{from_template, is_available, match_replicas, template_hash};
use crate::object::{number, text};
use crate::sandbox::address::Address;
use crate::sandbox::containers::{is_ready, runs_image};
use crate::sandbox::world::World;

const BY: &str = "cloneset-controller";
const SETS: (&str, &str) = ("apps.kruise.io/v1alpha1", "clonesets");
const WEBHOOKS: [(&str, &str); 2] = [
    ("MutatingWebhookConfiguration", "kruise-mutating-webhook-configuration"),
    ("ValidatingWebhookConfiguration", "kruise-validating-webhook-configuration"),
];

pub(super) fn run(world: &mut World) {
    if !runs_image(world, "openkruise/kruise-manager") {
        return;
    }
    for (kind, name) in WEBHOOKS {
        certify(world, kind, name);
    }
    let sets: Vec<(Address, Value)> =
        world.store.range(SETS.0, SETS.1).map(|(address, set)| (address.clone(), set.clone())).collect();
    for (address, set) in sets {
        if set["metadata"].get("deletionTimestamp").is_none() {
            let set = complete(world, &address, set);
            fill(world, &address, &set);
        }
    }
}

/// A certificate of nobody's: in a sandbox nothing is called.
fn certify(world: &mut World, kind: &str, name: &str) {
    let Some(mut configuration) = world.find(kind, None, name).cloned() else { return };
    let Some(Value::Array(entries)) = configuration.get_mut("webhooks") else { return };
    for entry in entries {
        entry["clientConfig"]["caBundle"] = "c2FuZGJveA==".into();
    }
    world.put(configuration);
}

/// What its webhook completes.
fn complete(world: &mut World, address: &Address, mut set: Value) -> Arc<Value> {
    let defaults = json!({"replicas": 1, "revisionHistoryLimit": 10, "scaleStrategy": {},
        "updateStrategy": {"type": "ReCreate", "partition": 0, "maxUnavailable": "20%", "maxSurge": 0}});
    for (key, value) in defaults.as_object().into_iter().flatten() {
        if set["spec"].get(key).is_none_or(Value::is_null) {
            set["spec"][key] = value.clone();
        }
    }
    world.store.put(address, set, world.now)
}

fn fill(world: &mut World, address: &Address, set: &Value) {
    let hash = template_hash(&set["spec"]["template"]);
    let (pods, _) = match_replicas(world, set, BY, |world| {
        let instance = world.store.ids.suffix();
        let name = format!("{}-{instance}", text(set, "/metadata/name").unwrap_or_default());
        let labels = [
            ("apps.kruise.io/cloneset-instance-id", instance),
            ("controller-revision-hash", hash.clone()),
            ("lifecycle.apps.kruise.io/state", "Normal".to_owned()),
        ];
        from_template(set, Some(&name), &labels)
    });
    count(world, address, set, (&pods, &hash));
}

fn count(world: &mut World, address: &Address, set: &Value, (pods, hash): (&[Arc<Value>], &str)) {
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let available = pods.iter().filter(|pod| is_available(world, pod, seconds)).count();
    let new: Vec<&Arc<Value>> =
        pods.iter().filter(|pod| pod["metadata"]["labels"]["controller-revision-hash"] == hash).collect();
    let name = text(set, "/metadata/name").unwrap_or_default();
    let status = json!({"observedGeneration": set["metadata"]["generation"], "replicas": pods.len(), "readyReplicas": ready,
        "availableReplicas": available, "updatedReplicas": new.len(), "expectedUpdatedReplicas": pods.len(),
        "updatedReadyReplicas": new.iter().filter(|pod| is_ready(pod)).count(),
        "currentRevision": format!("{name}-{hash}"), "updateRevision": format!("{name}-{hash}")});
    let mut set = set.clone();
    set["status"] = status;
    world.store.put(address, set, world.now);
}
