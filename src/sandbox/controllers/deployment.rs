//! Deployments: a `ReplicaSet` for each template, scaled up and down within the strategy's limits.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pods::{condition, owner_reference, share, template_hash, without_zeros};
use crate::object::{number, text};
use crate::sandbox::defaults;
use crate::sandbox::world::World;

const BY: &str = "deployment-controller";

pub(super) fn run(world: &mut World) {
    for deployment in world.all("Deployment") {
        if deployment["metadata"].get("deletionTimestamp").is_none() {
            roll(world, &deployment);
        }
    }
}

fn roll(world: &mut World, deployment: &Value) {
    let hash = template_hash(&deployment["spec"]["template"]);
    let sets = world.owned("ReplicaSet", deployment);
    let is_new = |set: &Value| set["metadata"]["labels"]["pod-template-hash"] == hash.as_str();
    let new = sets.iter().find(|set| is_new(set));
    if new.is_none() {
        begin(world, deployment, &hash, &sets);
    } else if let Some(new) = new.filter(|new| sets.iter().any(|set| revision(set) > revision(new))) {
        take_again(world, deployment, new, &sets);
    } else if deployment["spec"]["paused"] != true {
        scale(world, deployment, &hash);
    }
    judge(world, deployment, &hash);
}

fn count(object: &Value, pointer: &str) -> i64 {
    number(object, pointer).unwrap_or(0)
}

fn revision(object: &Value) -> i64 {
    let text = object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The highest revision of these.
fn newest(sets: &[Arc<Value>]) -> i64 {
    sets.iter().map(|set| revision(set)).max().unwrap_or(0)
}

/// Makes the set for a new template, with nothing in it.
fn begin(world: &mut World, deployment: &Value, hash: &str, sets: &[Arc<Value>]) {
    let next = newest(sets) + 1;
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = hash.into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = hash.into();
    let name = format!("{}-{hash}", text(deployment, "/metadata/name").unwrap_or_default());
    let mut set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": deployment["metadata"]["namespace"], "labels": template["metadata"]["labels"],
            "annotations": {"deployment.kubernetes.io/revision": next.to_string()}, "ownerReferences": [owner_reference(deployment)]},
        "spec": {"replicas": 0, "selector": selector, "template": template}});
    if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
        set["spec"]["minReadySeconds"] = seconds.clone();
    }
    defaults::complete(&mut set, None, world);
    world.put(set);
    let mut deployment = deployment.clone();
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = next.to_string().into();
    world.put(deployment);
}

/// A set of an earlier template is taken again: it becomes the newest revision, and remembers the one it was.
fn take_again(world: &mut World, deployment: &Value, set: &Value, sets: &[Arc<Value>]) {
    const REVISION: &str = "deployment.kubernetes.io/revision";
    const HISTORY: &str = "deployment.kubernetes.io/revision-history";
    let next = (newest(sets) + 1).to_string();
    let (mut set, mut deployment, was) = (set.clone(), deployment.clone(), revision(set).to_string());
    let annotations = &mut set["metadata"]["annotations"];
    let history = match annotations[HISTORY].as_str() {
        Some(before) if !before.is_empty() => format!("{before},{was}"),
        _ => was,
    };
    annotations[HISTORY] = history.into();
    annotations[REVISION] = next.as_str().into();
    deployment["metadata"]["annotations"][REVISION] = next.into();
    world.put(set);
    world.put(deployment);
}

fn scale(world: &mut World, deployment: &Value, hash: &str) {
    let sets = world.owned("ReplicaSet", deployment);
    let (new, old): (Vec<Arc<Value>>, Vec<Arc<Value>>) =
        sets.into_iter().partition(|set| set["metadata"]["labels"]["pod-template-hash"] == hash);
    let Some(new) = new.into_iter().next() else { return };
    let wanted = count(deployment, "/spec/replicas");
    let has = count(&new, "/spec/replicas");
    if deployment["spec"]["strategy"]["type"] == "Recreate" {
        for set in &old {
            resize(world, deployment, set, 0);
        }
        let left = old.iter().any(|set| !world.owned("Pod", set).is_empty());
        if !left && has != wanted {
            resize(world, deployment, &new, wanted);
        }
        return;
    }
    let limits = &deployment["spec"]["strategy"]["rollingUpdate"];
    let surge = share(&limits["maxSurge"], wanted, true);
    let mut away = share(&limits["maxUnavailable"], wanted, false);
    if surge == 0 && away == 0 {
        away = 1;
    }
    let total: i64 = has + old.iter().map(|set| count(set, "/spec/replicas")).sum::<i64>();
    let room = (wanted + surge - total).max(0);
    let size = if has > wanted { wanted } else { (has + room).min(wanted) };
    if size != has {
        return resize(world, deployment, &new, size);
    }
    // What is not available anyway goes first; then as many as the new ones make up for.
    let available: i64 = old.iter().chain([&new]).map(|set| count(set, "/status/availableReplicas")).sum();
    let mut spare = (available - (wanted - away)).max(0);
    for set in old.iter().filter(|set| count(set, "/spec/replicas") > 0) {
        let idle = count(set, "/spec/replicas") - count(set, "/status/availableReplicas");
        let gone = idle.max(0) + spare.min(count(set, "/status/availableReplicas"));
        spare -= (gone - idle).max(0);
        if gone > 0 {
            resize(world, deployment, set, (count(set, "/spec/replicas") - gone).max(0));
        }
    }
}

fn resize(world: &mut World, deployment: &Value, set: &Value, size: i64) {
    let before = count(set, "/spec/replicas");
    if before == size {
        return;
    }
    let mut set = set.clone();
    set["spec"]["replicas"] = size.into();
    let name = text(&set, "/metadata/name").unwrap_or_default().to_owned();
    world.put(set);
    let way = if size > before { "up" } else { "down" };
    let message = format!("Scaled {way} replica set {name} from {before} to {size}");
    world.event(deployment, ("Normal", "ScalingReplicaSet"), &message, BY);
}

fn judge(world: &mut World, before: &Value, hash: &str) {
    let name = text(before, "/metadata/name").unwrap_or_default();
    let Some(deployment) = world.find("Deployment", text(before, "/metadata/namespace"), name).cloned() else { return };
    let sets = world.owned("ReplicaSet", &deployment);
    let sum = |pointer: &str| sets.iter().map(|set| count(set, pointer)).sum::<i64>();
    let (replicas, ready, available) =
        (sum("/status/replicas"), sum("/status/readyReplicas"), sum("/status/availableReplicas"));
    let new = sets.iter().find(|set| set["metadata"]["labels"]["pod-template-hash"] == hash);
    let updated = new.map_or(0, |set| count(set, "/status/replicas"));
    let wanted = count(&deployment, "/spec/replicas");
    let away = share(&deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], wanted, false);
    let enough = available >= wanted - away;
    let set = new.and_then(|set| text(set, "/metadata/name")).unwrap_or_default();
    let complete = updated == wanted && replicas == wanted && available == wanted;
    let said = if enough {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let progress = if complete {
        ("NewReplicaSetAvailable", format!("ReplicaSet \"{set}\" has successfully progressed."))
    } else {
        ("ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing."))
    };
    let conditions = [
        condition(world, &deployment, "Available", if enough { "True" } else { "False" }, said),
        condition(world, &deployment, "Progressing", "True", (progress.0, &progress.1)),
    ];
    let status = json!({"observedGeneration": deployment["metadata"]["generation"], "replicas": replicas, "updatedReplicas": updated,
        "readyReplicas": ready, "availableReplicas": available, "unavailableReplicas": (wanted - available).max(0), "conditions": conditions});
    world.put_status(&deployment, without_zeros(status, &[]));
}
