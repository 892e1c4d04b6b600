//! The garbage collector: what all owners are gone of goes; foreground and orphan deletion. Source: Kubernetes, "Garbage
//! Collection".

use std::collections::HashSet;

use serde_json::Value;

use super::ownership::keep_owners;
use crate::object::{items, text};
use crate::sandbox::address::Address;
use crate::sandbox::world::World;

pub(super) fn run(world: &mut World) {
    let uids: HashSet<&str> = world.store.iter().filter_map(|(_, object)| text(object, "/metadata/uid")).collect();
    let is_gone = |owner: &Value| !owner["uid"].as_str().is_some_and(|uid| uids.contains(uid));
    // Nearly every object has its owners and stays; none of these is copied.
    let matters = |object: &Value| is_leaving(object) || items(object, "/metadata/ownerReferences").any(is_gone);
    let some = world.store.iter().filter(|(_, object)| matters(object));
    let some: Vec<(Address, Value)> = some.map(|(address, object)| (address.clone(), object.clone())).collect();
    if some.is_empty() {
        return;
    }
    let uids: HashSet<String> = uids.into_iter().map(str::to_owned).collect();
    for (address, object) in &some {
        let mut owners = items(object, "/metadata/ownerReferences").peekable();
        if owners.peek().is_some() && owners.all(|owner| !owner["uid"].as_str().is_some_and(|uid| uids.contains(uid))) {
            // It may have gone since the list was made.
            let _ = if is_leaving(object) { Ok(Value::Null) } else { world.delete(address, None) };
        } else if !is_leaving(object) {
            forget(world, (address, object), |uid| uids.contains(uid));
        }
        if is_leaving(object) {
            leave(world, (address, object));
        }
    }
}

fn is_leaving(object: &Value) -> bool {
    object["metadata"].get("deletionTimestamp").is_some()
}

fn has(object: &Value, finalizer: &str) -> bool {
    items(object, "/metadata/finalizers").any(|known| known == finalizer)
}

/// Owners that are not to be kept are taken out of an object.
fn forget(world: &mut World, (address, object): (&Address, &Value), keep: impl Fn(&str) -> bool) {
    let mut object = object.clone();
    let changed = keep_owners(&mut object, |owner| owner["uid"].as_str().is_some_and(&keep));
    if changed && world.store.get(address).is_some() {
        world.store.put(address, object, world.now);
    }
}

/// An object that goes after its dependents, or without them.
fn leave(world: &mut World, (address, object): (&Address, &Value)) {
    if !has(object, "orphan") && !has(object, "foregroundDeletion") {
        return;
    }
    let uid = &object["metadata"]["uid"];
    let is_below = |below: &Value| items(below, "/metadata/ownerReferences").any(|owner| owner["uid"] == *uid);
    let all = world.store.iter().filter(|(_, below)| is_below(below));
    let all: Vec<(Address, Value)> = all.map(|(address, below)| (address.clone(), below.clone())).collect();
    if has(object, "orphan") {
        for (below_address, below) in &all {
            forget(world, (below_address, below), |known| *uid != known);
        }
        return finish(world, address, object, "orphan");
    }
    if has(object, "foregroundDeletion") {
        let mut left = false;
        let blocks = |below: &Value| {
            items(below, "/metadata/ownerReferences")
                .any(|owner| owner["uid"] == *uid && owner["blockOwnerDeletion"] == true)
        };
        for (below, was) in &all {
            if world.store.get(below).is_some() {
                let _ = foreground(world, below);
                left |= world.store.get(below).is_some() && blocks(was);
            }
        }
        if !left {
            finish(world, address, object, "foregroundDeletion");
        }
    }
}

/// What goes before its owner lets its own dependents go first, too.
fn foreground(world: &mut World, address: &Address) -> Option<()> {
    let mut live = world.store.get(address)?.clone();
    let is_owner = ["ReplicaSet", "Job"].iter().any(|kind| live["kind"] == *kind);
    if is_owner && !is_leaving(&live) {
        live["metadata"]["finalizers"] = serde_json::json!(["foregroundDeletion"]);
        world.store.put(address, live, world.now);
    }
    world.delete(address, None).ok().map(|_| ())
}

/// Takes a finalizer away, and the object when that was the last.
pub(super) fn finish(world: &mut World, address: &Address, object: &Value, finalizer: &str) {
    let mut object = object.clone();
    if let Some(Value::Array(list)) = object["metadata"].get_mut("finalizers") {
        list.retain(|known| known != finalizer);
        if list.is_empty()
            && let Some(metadata) = object["metadata"].as_object_mut()
        {
            metadata.shift_remove("finalizers");
        }
    }
    if object["metadata"].get("finalizers").is_none() && is_leaving(&object) {
        // Its last state is that of before: a finalizer that goes and its object are one event.
        world.store.remove(address);
    } else {
        world.store.put(address, object, world.now);
    }
}
