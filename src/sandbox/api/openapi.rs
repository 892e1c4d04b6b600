//! `/openapi/v3`: the types of what is served, a document for each group and version, for `kubectl apply`, `diff` and `explain`, and helm. Source:
//! KEP-2896. Nothing is explained in them: the sentences are of Kubernetes, and stay there.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::discovery::{self, VERSION};
use crate::object::text;
use crate::sandbox::address::{group, parts};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::schema::{COMPONENTS, META, name_of, types, version_of};
use crate::sandbox::world::World;

/// What can be asked of a write, as far as it is looked at here.
const ASKED: [&str; 4] = ["dryRun", "fieldManager", "fieldValidation", "force"];

/// Which documents there are.
pub(super) fn index(world: &World) -> Value {
    let documents = discovery::versions(world).into_iter().map(|version| {
        let path = path(&version);
        let url = format!("/openapi/v3/{path}?hash={}", state(world, &version));
        (path, json!({"serverRelativeURL": url}))
    });
    json!({"paths": documents.collect::<Map<_, _>>()})
}

/// `api/v1`, `apis/apps/v1`
fn path(api_version: &str) -> String {
    let root = if group(api_version).is_empty() { "api" } else { "apis" };
    format!("{root}/{api_version}")
}

/// What changes when the document does: clients keep it until then.
fn state(world: &World, api_version: &str) -> String {
    let definitions = world.store.all("CustomResourceDefinition");
    let versions = definitions
        .filter(|definition| super::defines(definition, api_version))
        .filter_map(|definition| text(definition, "/metadata/resourceVersion"));
    let versions: Vec<&str> = versions.collect();
    if versions.is_empty() { VERSION.to_owned() } else { versions.join("-") }
}

/// The document of one group and version.
pub(super) fn document(world: &World, api_version: &str) -> Result<Value, Refusal> {
    let served = discovery::served_in(world, api_version);
    if served.is_empty() {
        return Err(Refusal::no_resource());
    }
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for kind in &served {
        let (name, schema) = match name_of(api_version, &kind.kind) {
            Some(name) => (name.to_owned(), types()[name].clone()),
            None => (name_of_custom(api_version, &kind.kind), custom(world, api_version, kind)),
        };
        add(&mut schemas, name, schema);
        paths.extend(operations(api_version, kind));
    }
    Ok(json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION},
        "paths": paths, "components": {"schemas": schemas}}))
}

/// A type, and those that it names.
fn add(schemas: &mut Map<String, Value>, name: String, schema: Value) {
    let mut named = BTreeSet::new();
    references(&schema, &mut named);
    schemas.insert(name, schema);
    for name in named {
        if !schemas.contains_key(&name)
            && let Some(schema) = types().get(&name)
        {
            add(schemas, name, schema.clone());
        }
    }
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str) {
                found.extend(name.strip_prefix(COMPONENTS).map(str::to_owned));
            }
            map.values().for_each(|below| references(below, found));
        }
        Value::Array(list) => list.iter().for_each(|below| references(below, found)),
        _ => {}
    }
}

/// `test.seaworthy.v1.Boat` of the group `seaworthy.test`.
fn name_of_custom(api_version: &str, kind: &str) -> String {
    let (group, version) = parts(api_version);
    group.split('.').rev().chain([version, kind]).collect::<Vec<_>>().join(".")
}

/// The schema of a definition, with what every object has.
fn custom(world: &World, api_version: &str, served: &discovery::Resource) -> Value {
    let (group, version) = parts(api_version);
    let definition = super::definition(world, api_version, &served.plural);
    let known = definition.and_then(|definition| version_of(definition, api_version));
    let schema = known.and_then(|known| known.pointer("/schema/openAPIV3Schema").cloned());
    let mut schema = schema.unwrap_or_else(|| json!({"type": "object"}));
    schema["properties"]["apiVersion"] = json!({"type": "string"});
    schema["properties"]["kind"] = json!({"type": "string"});
    schema["properties"]["metadata"] = json!({"allOf": [{"$ref": format!("{COMPONENTS}{META}")}]});
    schema["x-kubernetes-group-version-kind"] = json!([{"group": group, "version": version, "kind": served.kind}]);
    schema
}

/// The paths of a kind, with what can be done there.
fn operations(api_version: &str, kind: &discovery::Resource) -> [(String, Value); 2] {
    let (group, version) = parts(api_version);
    let parameters: Vec<Value> = ASKED
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
        .collect();
    let operation = |verb: &str| {
        let parameters = if verb == "get" { Vec::new() } else { parameters.clone() };
        json!({"x-kubernetes-action": verb, "parameters": parameters, "responses": {"200": {"description": "OK"}},
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind.kind}})
    };
    let space = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
    let collection = format!("/{}/{space}{}", path(api_version), kind.plural);
    let object = format!("{collection}/{{name}}");
    let all = |verbs: &[(&str, &str)]| {
        let operations = verbs.iter().map(|(method, verb)| ((*method).to_owned(), operation(verb)));
        Value::Object(operations.collect())
    };
    let whole = all(&[("get", "list"), ("post", "post"), ("delete", "deletecollection")]);
    [(collection, whole), (object, all(&[("get", "get"), ("put", "put"), ("patch", "patch"), ("delete", "delete")]))]
}
