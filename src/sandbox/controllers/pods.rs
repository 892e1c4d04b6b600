//! Pods as their controllers make them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ownership::{adopt, keep_owners, owner_reference};
use crate::object::{change_list, items, number, text};
use crate::sandbox::admission;
use crate::sandbox::containers::{is_active, is_ready};
use crate::sandbox::ids::hash;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::store::read_time;
use crate::sandbox::world::World;
use crate::snapshot::placing::matches;

/// The hash of a pod template, as it stands in labels and names.
pub(super) fn template_hash(template: &Value) -> String {
    hash(&template.to_string(), 10)
}

/// A pod from the template of a workload; without a name it gets one of the owner's when it is admitted.
pub(super) fn from_template(owner: &Value, name: Option<&str>, labels: &[(&str, String)]) -> Value {
    let template = &owner["spec"]["template"];
    let mut metadata =
        json!({"namespace": owner["metadata"]["namespace"], "ownerReferences": [owner_reference(owner)]});
    for key in ["labels", "annotations"] {
        if template["metadata"][key].is_object() {
            metadata[key] = template["metadata"][key].clone();
        }
    }
    for (key, value) in labels {
        metadata["labels"][*key] = value.as_str().into();
    }
    let prefix = format!("{}-", text(owner, "/metadata/name").unwrap_or_default());
    if let Some(name) = name {
        metadata["name"] = name.into();
    }
    metadata["generateName"] = prefix.into();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Sends a pod to the API server and tells of it in an event of its owner, good or bad.
pub(super) fn create(world: &mut World, owner: &Value, mut pod: Value, by: &str) -> Result<Arc<Value>, Refusal> {
    hold_back(world, owner)?;
    let there = |name: &&str| world.find("Pod", text(&pod, "/metadata/namespace"), name).is_some();
    let made = match text(&pod, "/metadata/name").filter(there) {
        Some(name) => Err(Refusal::new(409, "AlreadyExists", format!("pods \"{name}\" already exists"))),
        None => admission::admit(world, &mut pod),
    };
    let name = text(&pod, "/metadata/name").unwrap_or_default().to_owned();
    if let Err(refusal) = made {
        let said = match (text(owner, "/kind"), text(owner, "/metadata/name").unwrap_or_default()) {
            (Some("StatefulSet"), set) => format!("create Pod {name} in StatefulSet {set} failed error: "),
            _ => "Error creating: ".to_owned(),
        };
        world.event(owner, ("Warning", "FailedCreate"), &format!("{said}{}", refusal.message), by);
        return Err(refusal);
    }
    let stored = world.put(pod);
    if text(owner, "/kind") != Some("StatefulSet") {
        world.event(owner, ("Normal", "SuccessfulCreate"), &format!("Created pod: {name}"), by);
    }
    Ok(stored)
}

/// Pods that are no longer selected are let go.
fn release(world: &mut World, owner: &Value) {
    for pod in world.owned("Pod", owner) {
        if !matches(&owner["spec"]["selector"], &pod["metadata"]["labels"]) {
            let mut pod = Value::clone(&pod);
            keep_owners(&mut pod, |known| known["uid"] != owner["metadata"]["uid"]);
            world.put(pod);
        }
    }
}

/// What a controller holds back answers so, and nobody asked the API server.
const HELD_BACK: &str = "held back";

/// Whether a refusal is only that nothing was asked again yet.
pub(super) fn is_held_back(refusal: &Refusal) -> bool {
    refusal.message == HELD_BACK
}

/// The pods of a workload, after as many were made or deleted as it takes to have what it wants; and why there are fewer.
pub(super) fn match_replicas(
    world: &mut World,
    owner: &Value,
    by: &str,
    make: impl Fn(&mut World) -> Value,
) -> (Vec<Arc<Value>>, Option<Refusal>) {
    release(world, owner);
    adopt(world, "Pod", owner, is_active);
    let mut pods: Vec<Arc<Value>> = world.owned("Pod", owner).into_iter().filter(|pod| is_active(pod)).collect();
    let wanted = usize::try_from(number(owner, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let mut refused = None;
    for _ in pods.len()..wanted {
        let pod = make(world);
        match create(world, owner, pod, by) {
            Ok(pod) => pods.push(pod),
            Err(refusal) => {
                refused = Some(refusal);
                break;
            }
        }
    }
    if pods.len() > wanted {
        // Those go first that are least worth: without a node, then not ready.
        pods.sort_by_key(|pod| (pod["spec"].get("nodeName").is_some(), is_ready(pod)));
        let many = pods.len() - wanted;
        pods.drain(..many).collect::<Vec<_>>().iter().for_each(|pod| discard(world, owner, pod, by));
    }
    (pods, refused)
}

/// Seconds until a controller tries again what was refused.
const RETRY: i64 = 10;

/// What was refused a moment ago is not asked for again.
fn hold_back(world: &mut World, owner: &Value) -> Result<(), Refusal> {
    let failed = |event: &&Value| {
        event["involvedObject"]["uid"] == owner["metadata"]["uid"] && event["reason"] == "FailedCreate"
    };
    // Events are called after what they are about.
    let begin = format!("{}.", text(owner, "/metadata/name").unwrap_or_default());
    let events = world.store.begun("Event", text(owner, "/metadata/namespace"), &begin);
    let last = events.filter(failed).filter_map(|event| read_time(event, "/lastTimestamp")).max();
    if last.is_none_or(|last| world.is_since(last, RETRY)) {
        return Ok(());
    }
    Err(Refusal::new(429, "TooManyRequests", HELD_BACK))
}

/// Deletes a pod of a workload.
pub(super) fn discard(world: &mut World, owner: &Value, pod: &Value, by: &str) {
    if pod["metadata"].get("deletionTimestamp").is_none() {
        let name = text(pod, "/metadata/name").unwrap_or_default().to_owned();
        world.discard(pod);
        world.event(owner, ("Normal", "SuccessfulDelete"), &format!("Deleted pod: {name}"), by);
    }
}

/// Whether a pod has been ready for long enough to count as available.
pub(super) fn is_available(world: &mut World, pod: &Value, seconds: i64) -> bool {
    if !is_ready(pod) {
        return false;
    }
    let condition = items(pod, "/status/conditions").find(|condition| condition["type"] == "Ready");
    let since = condition.and_then(|condition| read_time(condition, "/lastTransitionTime"));
    seconds == 0 || since.is_none_or(|since| world.is_since(since, seconds))
}

/// A status without the counts that are 0, as Go's `omitempty` writes it.
pub(super) fn without_zeros(mut status: Value, always: &[&str]) -> Value {
    if let Some(map) = status.as_object_mut() {
        map.retain(|key, value| *value != 0 || always.contains(&key.as_str()));
    }
    status
}

/// A number that may also be a share of a whole: `25%`.
pub(super) fn share(value: &Value, whole: i64, up: bool) -> i64 {
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok());
    match percent {
        Some(percent) if up => (whole * percent + 99) / 100,
        Some(percent) => whole * percent / 100,
        None => value.as_i64().unwrap_or(0),
    }
}

/// A condition, with the time of its last change kept where only its words have changed.
pub(super) fn condition(
    world: &World,
    before: &Value,
    kind: &str,
    status: &str,
    (reason, message): (&str, &str),
) -> Value {
    let now = crate::sandbox::store::time(world.now);
    let known = items(before, "/status/conditions").find(|condition| condition["type"] == kind);
    let kept = known.filter(|known| known["status"] == status);
    let changed = kept.map_or(json!(now), |known| known["lastTransitionTime"].clone());
    let same = kept.filter(|known| known["reason"] == reason && known["message"] == message);
    let updated = same.map_or(json!(now), |known| known["lastUpdateTime"].clone());
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": changed, "lastUpdateTime": updated})
}

/// Puts a condition in the place of the earlier one of its type; the others stay.
pub(super) fn put_condition(object: &mut Value, condition: Value) {
    change_list(&mut object["status"]["conditions"], |all| {
        all.retain(|known| known["type"] != condition["type"]);
        all.push(condition);
    });
}

/// A condition of a kind whose conditions do not say when they were updated.
pub(super) fn without_update(mut condition: Value) -> Value {
    if let Some(map) = condition.as_object_mut() {
        map.shift_remove("lastUpdateTime");
    }
    condition
}
