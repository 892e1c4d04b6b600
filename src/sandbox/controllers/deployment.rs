//! Deployments: a `ReplicaSet` for each template, scaled up and down within the strategy's limits.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ownership::{adopt, owner_reference};
use super::pods::{condition, share, template_hash, without_zeros};
use crate::object::{items, number, text};
use crate::sandbox::defaults;
use crate::sandbox::store::{read_time, time};
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
    adopt(world, "ReplicaSet", deployment, |_| true);
    let sets = world.owned("ReplicaSet", deployment);
    let is_new = |set: &Value| set["metadata"]["labels"]["pod-template-hash"] == hash.as_str();
    let new = sets.iter().find(|set| is_new(set));
    let paused = deployment["spec"]["paused"] == true;
    if new.is_none() && paused {
        // The next template waits, too.
    } else if new.is_none() {
        begin(world, deployment, &hash, &sets);
    } else if let Some(new) = new.filter(|new| sets.iter().any(|set| revision(set) > revision(new))) {
        take_again(world, deployment, new, &sets);
    } else if !paused {
        if let Some(new) = new {
            annotate(world, deployment, new);
        }
        scale(world, deployment, &hash);
    }
    judge(world, deployment, &hash);
}

/// What of its deployment a set carries in its annotations. Source: `SetNewReplicaSetAnnotations`, 1.34.
fn annotate(world: &mut World, deployment: &Value, set: &Value) {
    const OWN: [&str; 5] = [
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
    ];
    let wanted = count(deployment, "/spec/replicas");
    let most = if wanted == 0 { 0 } else { wanted + surge(deployment) };
    let name = text(set, "/metadata/name").unwrap_or_default();
    let Some(mut set) = world.find("ReplicaSet", text(set, "/metadata/namespace"), name).cloned() else { return };
    let before = set.clone();
    let annotations = &mut set["metadata"]["annotations"];
    for (key, value) in deployment["metadata"]["annotations"].as_object().into_iter().flatten() {
        if !OWN.contains(&key.as_str()) {
            annotations[key] = value.clone();
        }
    }
    annotations["deployment.kubernetes.io/desired-replicas"] = wanted.to_string().into();
    annotations["deployment.kubernetes.io/max-replicas"] = most.to_string().into();
    if set != before {
        world.put(set);
    }
}

/// Sets of the past go, the oldest first, but for as many as are to be kept.
fn clean(world: &mut World, deployment: &Value, hash: &str) {
    let kept = usize::try_from(count(deployment, "/spec/revisionHistoryLimit")).unwrap_or(0);
    let is_old = |set: &Arc<Value>| {
        set["metadata"]["labels"]["pod-template-hash"] != hash
            && count(set, "/spec/replicas") == 0
            && count(set, "/status/replicas") == 0
    };
    let mut old: Vec<Arc<Value>> = world.owned("ReplicaSet", deployment).into_iter().filter(is_old).collect();
    old.sort_by_key(|set| revision(set));
    let many = old.len().saturating_sub(kept);
    old.iter().take(many).for_each(|set| world.discard(set));
}

/// Whether a rollout gets on, as the condition says it: status, reason, message, and whether it has just moved.
fn progress(
    world: &mut World,
    deployment: &Value,
    (now, is_complete): (&Value, bool),
    set: &str,
) -> (&'static str, &'static str, String, bool) {
    let known = items(deployment, "/status/conditions").find(|condition| condition["type"] == "Progressing").cloned();
    let known_reason = known.as_ref().and_then(|known| text(known, "/reason")).unwrap_or_default();
    if deployment["spec"]["paused"] == true {
        return ("Unknown", "DeploymentPaused", "Deployment is paused".to_owned(), false);
    }
    if is_complete {
        return ("True", "NewReplicaSetAvailable", format!("ReplicaSet \"{set}\" has successfully progressed."), false);
    }
    let before = &deployment["status"];
    let grew = |key: &str| now[key].as_i64().unwrap_or(0) > before[key].as_i64().unwrap_or(0);
    let old =
        |status: &Value| status["replicas"].as_i64().unwrap_or(0) - status["updatedReplicas"].as_i64().unwrap_or(0);
    let moved =
        ["updatedReplicas", "readyReplicas", "availableReplicas"].into_iter().any(grew) || old(now) < old(before);
    if known_reason == "NewReplicaSetAvailable" && old(now) == 0 && set_of(known.as_ref()) == set && !moved {
        let message = known.as_ref().and_then(|known| text(known, "/message")).unwrap_or_default().to_owned();
        return ("True", "NewReplicaSetAvailable", message, false);
    }
    let seconds = count(deployment, "/spec/progressDeadlineSeconds");
    let since = known.as_ref().filter(|_| known_reason == "ReplicaSetUpdated" && !moved);
    let since = since.and_then(|known| read_time(known, "/lastUpdateTime"));
    let is_over = since.is_some_and(|since| world.is_since(since, seconds));
    if is_over || (known_reason == "ProgressDeadlineExceeded" && !moved) {
        let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
        return ("False", "ProgressDeadlineExceeded", message, false);
    }
    ("True", "ReplicaSetUpdated", format!("ReplicaSet \"{set}\" is progressing."), moved)
}

/// The set that a condition speaks of.
fn set_of(condition: Option<&Value>) -> &str {
    let message = condition.and_then(|condition| text(condition, "/message")).unwrap_or_default();
    message.split('"').nth(1).unwrap_or_default()
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

/// How many pods there may be above what is wanted.
fn surge(deployment: &Value) -> i64 {
    let strategy = &deployment["spec"]["strategy"];
    match strategy["type"].as_str() {
        Some("Recreate") => 0,
        _ => share(&strategy["rollingUpdate"]["maxSurge"], count(deployment, "/spec/replicas"), true),
    }
}

/// How many pods a new set begins with: as many as there is room for.
fn first_size(deployment: &Value, sets: &[Arc<Value>]) -> i64 {
    let wanted = count(deployment, "/spec/replicas");
    if deployment["spec"]["strategy"]["type"] == "Recreate" {
        let busy = sets.iter().any(|set| count(set, "/spec/replicas") > 0 || count(set, "/status/replicas") > 0);
        return if busy { 0 } else { wanted };
    }
    let total: i64 = sets.iter().map(|set| count(set, "/spec/replicas")).sum();
    (wanted + surge(deployment) - total).clamp(0, wanted)
}

/// Makes the set for a new template.
fn begin(world: &mut World, deployment: &Value, hash: &str, sets: &[Arc<Value>]) {
    let next = newest(sets) + 1;
    let size = first_size(deployment, sets);
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = hash.into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = hash.into();
    let name = format!("{}-{hash}", text(deployment, "/metadata/name").unwrap_or_default());
    let mut set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": deployment["metadata"]["namespace"], "labels": template["metadata"]["labels"],
            "annotations": {"deployment.kubernetes.io/revision": next.to_string()}, "ownerReferences": [owner_reference(deployment)]},
        "spec": {"replicas": size, "selector": selector, "template": template}});
    if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
        set["spec"]["minReadySeconds"] = seconds.clone();
    }
    defaults::complete(&mut set, None, world);
    let set = world.put(set);
    annotate(world, deployment, &set);
    if size > 0 {
        let name = text(&set, "/metadata/name").unwrap_or_default();
        let message = format!("Scaled up replica set {name} from 0 to {size}");
        world.event(deployment, ("Normal", "ScalingReplicaSet"), &message, BY);
    }
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
    let surge = surge(deployment);
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

/// That pods of a set are refused, as a condition of its Deployment. Source: `getReplicaFailures` in
/// `pkg/controller/deployment/progress.go`, 1.34.
fn failure(set: &Value) -> Option<Value> {
    let mut failure = items(set, "/status/conditions").find(|condition| condition["type"] == "ReplicaFailure")?.clone();
    failure["lastUpdateTime"] = failure["lastTransitionTime"].clone();
    Some(failure)
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
    // Of those that are asked for of all revisions (`calculateStatus` in `pkg/controller/deployment/sync.go`, 1.34).
    let unavailable = (sum("/spec/replicas") - available).max(0);
    let counts = json!({"replicas": replicas, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": available});
    let (state, reason, message, moved) = progress(world, &deployment, (&counts, complete), set);
    let mut progressing = condition(world, &deployment, "Progressing", state, (reason, &message));
    if moved {
        progressing["lastUpdateTime"] = time(world.now).into();
    }
    let available_now = condition(world, &deployment, "Available", if enough { "True" } else { "False" }, said);
    let failure = new.into_iter().chain(&sets).find_map(|set| failure(set));
    let conditions: Vec<Value> = [available_now, progressing].into_iter().chain(failure).collect();
    if complete {
        clean(world, &deployment, hash);
    }
    let status = json!({"observedGeneration": deployment["metadata"]["generation"], "replicas": replicas, "updatedReplicas": updated,
        "readyReplicas": ready, "availableReplicas": available, "unavailableReplicas": unavailable, "conditions": conditions});
    world.put_status(&deployment, without_zeros(status, &[]));
}
