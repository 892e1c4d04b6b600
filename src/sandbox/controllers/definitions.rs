//! Definitions of custom kinds: their names are accepted when no other has them, and then they are served; when they go, their
//! objects go first. Source: `k8s.io/apiextensions-apiserver`, `pkg/controller/{status,establish,finalizer}` and
//! `pkg/registry/customresourcedefinition`, 1.34.

use serde_json::{Value, json};

use super::collector::finish;
use super::pods::{condition, put_condition, without_update};
use crate::object::{is_true, items, text};
use crate::sandbox::address::Address;
use crate::sandbox::defaults;
use crate::sandbox::store::{address_of, time};
use crate::sandbox::world::World;

/// Holds a definition as long as there are objects of its kind.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
const ENDING: &str = "Terminating";

pub(super) fn run(world: &mut World) {
    for definition in world.all("CustomResourceDefinition") {
        let accepted = if is_taken(world, &definition) {
            condition(world, &definition, "NamesAccepted", "False", ("MultipleNamesNotAllowed", "the names are taken"))
        } else {
            condition(world, &definition, "NamesAccepted", "True", ("NoConflicts", "no conflicts found"))
        };
        let established = if accepted["status"] == "True" {
            ("True", ("InitialNamesAccepted", "the initial names have been accepted"))
        } else {
            ("False", ("NotAccepted", "not all names are accepted"))
        };
        let established = condition(world, &definition, "Established", established.0, established.1);
        let versions = items(&definition, "/spec/versions");
        let stored: Vec<Value> =
            versions.filter(|version| version["storage"] == true).map(|version| version["name"].clone()).collect();
        let ending = items(&definition, "/status/conditions").find(|condition| condition["type"] == ENDING).cloned();
        let conditions: Vec<Value> = [accepted, established].map(without_update).into_iter().chain(ending).collect();
        let status = json!({"conditions": conditions, "acceptedNames": definition["spec"]["names"],
            "storedVersions": stored});
        world.put_status(&definition, status);
    }
    for definition in world.all("CustomResourceDefinition") {
        let has_to_clean = items(&definition, "/metadata/finalizers").any(|known| known == CLEANUP);
        if definition["metadata"].get("deletionTimestamp").is_some() && has_to_clean {
            clean(world, &definition);
        }
    }
}

/// Whether a definition is going, and takes no new objects.
pub(in crate::sandbox) fn is_ending(definition: &Value) -> bool {
    is_true(definition, ENDING)
}

/// The first deletion of a definition only begins it.
pub(in crate::sandbox) fn end(world: &World, definition: &mut Value) {
    definition["metadata"]["deletionTimestamp"] = time(world.now).into();
    defaults::finalizer(definition, CLEANUP);
    let said = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    say(world, definition, "True", ("InstanceDeletionPending", said));
}

/// Says how far the end of a definition is.
fn say(world: &World, definition: &mut Value, status: &str, why: (&str, &str)) {
    let said = without_update(condition(world, definition, ENDING, status, why));
    put_condition(definition, said);
}

/// Deletes the objects of a definition that goes, and lets it go when the last is gone.
fn clean(world: &mut World, definition: &Value) {
    let mut after = definition.clone();
    let is_established = is_true(definition, "Established");
    if is_established {
        for address in instances(world, definition) {
            // What has a finalizer of its own stays until somebody has taken it away.
            if let Err(refusal) = world.delete(&address, None) {
                tracing::debug!(message = refusal.message, "an object of a definition went by itself");
            }
        }
    }
    if is_established && !instances(world, definition).is_empty() {
        say(world, &mut after, "True", ("InstanceDeletionInProgress", "CustomResource deletion is in progress"));
        world.put_status(definition, after["status"].clone());
        return;
    }
    let why = if is_established {
        ("InstanceDeletionCompleted", "removed all instances")
    } else {
        ("NeverEstablished", "resource was never established")
    };
    say(world, &mut after, "False", why);
    if let Some(address) = address_of(&after) {
        finish(world, &address, &after, CLEANUP);
    }
}

/// Where the objects of a definition are, in all its versions.
fn instances(world: &World, definition: &Value) -> Vec<Address> {
    let (Some(group), Some(plural)) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural")) else {
        return Vec::new();
    };
    let versions = items(definition, "/spec/versions").filter_map(|version| text(version, "/name"));
    let of_version =
        |version| world.store.range(&format!("{group}/{version}"), plural).map(|(address, _)| address.clone());
    versions.flat_map(of_version).collect()
}

/// Whether another definition of the group, made before, has the plural or the kind.
fn is_taken(world: &World, definition: &Value) -> bool {
    let same = |other: &Value, pointer: &str| text(other, pointer) == text(definition, pointer);
    world.store.all("CustomResourceDefinition").any(|other| {
        let earlier = text(other, "/metadata/creationTimestamp") < text(definition, "/metadata/creationTimestamp");
        let clash = same(other, "/spec/names/plural") || same(other, "/spec/names/kind");
        earlier && clash && same(other, "/spec/group") && !same(other, "/metadata/name")
    })
}
