//! Who owns what, as `metadata.ownerReferences` says it.

use serde_json::{Value, json};

use crate::object::items;
use crate::sandbox::world::World;
use crate::snapshot::placing::matches;

/// A reference to the controller of an object.
pub(super) fn owner_reference(owner: &Value) -> Value {
    json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true})
}

/// Makes objects of a kind that a workload selects and nobody controls its own, as after the workload was deleted without them.
/// Source: Kubernetes, `pkg/controller/controller_ref_manager.go`.
pub(super) fn adopt(world: &mut World, kind: &str, owner: &Value, is_meant: impl Fn(&Value) -> bool) {
    let selector = &owner["spec"]["selector"];
    let is_free = |object: &Value| object["metadata"].get("deletionTimestamp").is_none();
    let here = |object: &Value| object["metadata"]["namespace"] == owner["metadata"]["namespace"];
    let selects = |object: &Value| matches(selector, &object["metadata"]["labels"]);
    let is_ours = |object: &&Value| is_free(object) && here(object) && selects(object) && is_meant(object);
    let free: Vec<Value> = world.store.loose(kind).filter(is_ours).cloned().collect();
    for mut object in free {
        let mut owners: Vec<Value> = items(&object, "/metadata/ownerReferences").cloned().collect();
        owners.push(owner_reference(owner));
        object["metadata"]["ownerReferences"] = owners.into();
        world.put(object);
    }
}

/// Takes all other owners out of an object. `false`: there was none to take out.
pub(super) fn keep_owners(object: &mut Value, keep: impl Fn(&Value) -> bool) -> bool {
    let Some(metadata) = object["metadata"].as_object_mut() else { return false };
    let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") else { return false };
    let count = owners.len();
    owners.retain(keep);
    let (left, is_empty) = (owners.len(), owners.is_empty());
    if is_empty {
        metadata.shift_remove("ownerReferences");
    }
    left < count
}
