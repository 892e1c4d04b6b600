//! Custom objects by the schema of their definition: defaults are filled in, fields that it does not know are left out. Source:
//! `k8s.io/apiextensions-apiserver`, `pkg/apiserver/schema/{defaulting,pruning}`, 1.34.

use serde_json::Value;

use super::address::Address;
use super::world::World;
use crate::object::{items, text};

/// An object as its definition keeps it.
pub(super) fn complete(world: &World, address: &Address, object: &mut Value) {
    let Some(schema) = schema(world, address) else { return };
    let Some(map) = object.as_object_mut() else { return };
    // What every object has is not the schema's.
    let own: Vec<(String, Value)> = ["apiVersion", "kind", "metadata"]
        .iter()
        .filter_map(|key| map.shift_remove(*key).map(|value| ((*key).to_owned(), value)))
        .collect();
    shape(schema, object);
    let rest = std::mem::take(object);
    let fields = own.into_iter().chain(rest.as_object().cloned().into_iter().flatten());
    *object = Value::Object(fields.collect());
}

fn schema<'a>(world: &'a World, address: &Address) -> Option<&'a Value> {
    let (group, version) = address.api_version.split_once('/')?;
    let definition = world.find("CustomResourceDefinition", None, &format!("{}.{group}", address.plural))?;
    let version = items(definition, "/spec/versions").find(|known| text(known, "/name") == Some(version))?;
    version.pointer("/schema/openAPIV3Schema")
}

fn shape(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            let properties = schema["properties"].as_object();
            for (key, below) in properties.into_iter().flatten() {
                if let Some(default) = below.get("default").filter(|_| !map.contains_key(key)) {
                    map.insert(key.clone(), default.clone());
                }
                if let Some(value) = map.get_mut(key) {
                    shape(below, value);
                }
            }
            let is_open =
                schema["x-kubernetes-preserve-unknown-fields"] == true || schema["additionalProperties"] == true;
            let others = &schema["additionalProperties"];
            let is_known = |key: &str| properties.is_some_and(|properties| properties.contains_key(key));
            if others.is_object() {
                map.iter_mut().filter(|(key, _)| !is_known(key)).for_each(|(_, value)| shape(others, value));
            } else if !is_open && schema["x-kubernetes-embedded-resource"] != true {
                map.retain(|key, _| is_known(key));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| shape(&schema["items"], item)),
        _ => {}
    }
}
