//! What is kept of an object: what checks read, and never the value of a secret.

use serde_json::{Map, Value, json};

use super::certificate::Certificate;
use crate::doctor::change::{CHANGED, last_change};
use crate::object::text;

/// An annotation that repeats the whole object, values of Secrets too.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Reasons of Events that tell of what goes well, and that no rule reads (`tests/layering.rs`): most of the objects of a large cluster.
pub const CHATTER: &[&str] =
    &["Created", "LeaderElection", "ScalingReplicaSet", "Scheduled", "Started", "SuccessfulCreate", "SuccessfulDelete"];

/// What is kept of an object that is watched, which may be for days; `None`: nobody reads it.
pub(super) fn kept_of_watched(object: Value) -> Option<Value> {
    let is_calm = object["kind"] == "Event" && object["type"] == "Normal";
    let is_chatter = is_calm && text(&object, "/reason").is_some_and(|reason| CHATTER.contains(&reason));
    (!is_chatter).then(|| kept(object))
}

/// An object as evidence keeps it.
pub(crate) fn kept(mut object: Value) -> Value {
    strip(&mut object);
    compact(object)
}

/// The same without room to grow: nothing is added any more.
fn compact(value: Value) -> Value {
    match value {
        // A map that is collected is made for as many entries as there are.
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (shrunk(key), compact(value))).collect())
        }
        Value::Array(list) => {
            Value::Array(list.into_iter().map(compact).collect::<Vec<_>>().into_boxed_slice().into_vec())
        }
        Value::String(text) => Value::String(shrunk(text)),
        other => other,
    }
}

fn shrunk(mut text: String) -> String {
    text.shrink_to_fit();
    text
}

/// Takes out what no check reads: values of Secrets and `ConfigMap`s (names of keys stay, and what a certificate says
/// publicly), arguments and environment of containers, schemas of definitions, bookkeeping.
fn strip(object: &mut Value) {
    if let Some(change) = last_change(object) {
        object[CHANGED] = change;
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    match text(object, "/kind").unwrap_or_default() {
        "Secret" => secret(object),
        "ConfigMap" => forget_values(object),
        "CustomResourceDefinition" => definition(object),
        _ => pod_specs(object),
    }
}

fn secret(object: &mut Value) {
    if text(object, "/type") == Some("kubernetes.io/tls")
        && let Some(encoded) = object.pointer("/data/tls.crt").and_then(Value::as_str).filter(|text| !text.is_empty())
    {
        let facts = match Certificate::of_secret(encoded) {
            Ok(certificate) => json!(certificate),
            Err(why) => json!({ "error": why }),
        };
        object[Certificate::PLACE] = facts;
    }
    forget_values(object);
}

/// Empties every value, and keeps the keys.
fn forget_values(object: &mut Value) {
    for part in ["data", "stringData", "binaryData"] {
        let values = object.get_mut(part).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
        values.for_each(|value| *value = json!(""));
    }
}

fn definition(object: &mut Value) {
    let versions = object.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for version in versions.into_iter().flatten().filter_map(Value::as_object_mut) {
        version.remove("schema");
    }
}

/// Programs take passwords in arguments and environment.
fn pod_specs(object: &mut Value) {
    let places = [
        "/spec",
        "/spec/template/spec",
        "/spec/jobTemplate/spec/template/spec",
        "/data/spec/template/spec",
        "/template/spec",
    ];
    for place in places {
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let containers =
                object.pointer_mut(place).and_then(|spec| spec.get_mut(list)).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
                container.remove("args");
                container.remove("command");
                let environment = container.get_mut("env").and_then(Value::as_array_mut);
                for variable in environment.into_iter().flatten().filter_map(Value::as_object_mut) {
                    variable.remove("value");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_secret_stays() {
        let mut secret = json!({"kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "s", "annotations":
            {LAST_APPLIED: "hunter2"}}, "data": {"tls.key": "aHVudGVyMg==", "tls.crt": "aHVudGVyMg=="}, "stringData": {"a": "hunter2"}});
        strip(&mut secret);
        let text = secret.to_string();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
        assert_eq!(secret["data"], json!({"tls.key": "", "tls.crt": ""}));
        assert!(secret[Certificate::PLACE]["error"].is_string());
    }

    #[test]
    fn of_events_only_those_that_rules_read_are_watched_and_all_else_stays_as_it_is() {
        let event = |reason: &str, kind: &str| json!({"kind": "Event", "reason": reason, "type": kind, "metadata": {"name": "e"}, "message": "m"});
        assert_eq!(kept_of_watched(event("Started", "Normal")), None);
        for kept in
            [event("Killing", "Normal"), event("Started", "Warning"), json!({"kind": "Pod", "a": [1, {"b": [null]}]})]
        {
            assert_eq!(kept_of_watched(kept.clone()), Some(kept));
        }
    }

    #[test]
    fn arguments_and_environment_go_and_names_stay() {
        let container = json!({"name": "c", "image": "i", "args": ["--password=x"], "command": ["x"],
            "env": [{"name": "P", "value": "x"}, {"name": "Q", "valueFrom": {"secretKeyRef": {"name": "s"}}}]});
        let mut deployment =
            json!({"kind": "Deployment", "spec": {"template": {"spec": {"initContainers": [container]}}}});
        strip(&mut deployment);
        let mut revision = json!({"kind": "ControllerRevision", "data": {"spec": deployment["spec"].clone()}});
        revision["data"]["spec"]["template"]["spec"]["initContainers"][0]["args"] = json!(["--password=x"]);
        strip(&mut revision);
        assert_eq!(revision["data"]["spec"], deployment["spec"]);
        let left = json!({"name": "c", "image": "i",
            "env": [{"name": "P"}, {"name": "Q", "valueFrom": {"secretKeyRef": {"name": "s"}}}]});
        assert_eq!(deployment["spec"]["template"]["spec"]["initContainers"][0], left);
    }
}
