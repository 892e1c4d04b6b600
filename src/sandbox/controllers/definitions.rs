//! Definitions of custom kinds: their names are accepted when no other has them, and then they are served. Source:
//! `k8s.io/apiextensions-apiserver`, `pkg/controller/status` and `pkg/controller/establish`, 1.34.

use serde_json::{Value, json};

use super::pods::condition;
use crate::object::{items, text};
use crate::sandbox::world::World;

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
        let status = json!({"conditions": [accepted, established], "acceptedNames": definition["spec"]["names"],
            "storedVersions": stored});
        world.put_status(&definition, status);
    }
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
