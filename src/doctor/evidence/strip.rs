//! What is kept of an object: what checks read, and never the value of a secret.

use serde_json::{Map, Value, json};

use super::certificate::Certificate;
use crate::doctor::change::{CHANGED, last_change};
use crate::engine::record::is_one;
use crate::object::{ObjectRef, text};
use crate::snapshot::collect::Keep;

/// Where the objects of a record of an installation are kept.
const INVENTORY: &str = "seaworthy.dev/inventory";
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

/// What evidence keeps of a list.
pub(crate) const KEPT: Keep = Keep { skip, of: stripped };

/// What no check reads, with what it stands in (`tests/layering.rs`): who owns which field, the schemas of definitions, copies of whole objects, and
/// what the API server writes into every pod are most of what is sent.
pub const UNREAD: &[(&str, &[&str])] = &[
    ("managedFields", &["fieldsV1"]),
    ("schema", &["openAPIV3Schema"]),
    ("annotations", &[LAST_APPLIED]),
    ("metadata", &["generateName"]),
    ("ownerReferences", &["blockOwnerDeletion"]),
    ("spec", &["dnsPolicy", "enableServiceLinks", "preemptionPolicy", "priority", "serviceAccount"]),
    ("containers", CONTAINER),
    ("initContainers", CONTAINER),
    ("livenessProbe", PROBE),
    ("readinessProbe", PROBE),
    ("startupProbe", PROBE),
    ("httpGet", &["scheme"]),
    ("projected", &["defaultMode"]),
    ("sources", &["downwardAPI", "serviceAccountToken"]),
    ("volumeMounts", &["recursiveReadOnly"]),
    ("status", &["daemonEndpoints", "features", "hostIPs", "podIPs", "qosClass", "runtimeHandlers", "volumesInUse"]),
    ("conditions", &["lastProbeTime"]),
    ("containerStatuses", STATUS),
    ("initContainerStatuses", STATUS),
];
const CONTAINER: &[&str] = &["terminationMessagePath", "terminationMessagePolicy"];
const PROBE: &[&str] = &["successThreshold", "timeoutSeconds"];
const STATUS: &[&str] = &["allocatedResources", "volumeMounts"];

fn skip(parent: &str, key: &str) -> bool {
    UNREAD.iter().any(|(place, keys)| *place == parent && keys.contains(&key))
}

fn stripped(mut object: Value) -> Value {
    strip(&mut object);
    object
}

/// An object as evidence keeps it.
pub(crate) fn kept(object: Value) -> Value {
    compact("", stripped(object))
}

/// The same without what nobody reads, and without room to grow: nothing is added any more.
fn compact(parent: &str, value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let read = map.into_iter().filter(|(key, _)| !skip(parent, key));
            let kept: Vec<(String, Value)> = read
                .map(|(key, value)| {
                    let value = compact(&key, value);
                    (shrunk(key), value)
                })
                .collect();
            // A map that is collected is made for as many entries as there are.
            Value::Object(kept.into_iter().collect())
        }
        Value::Array(list) => {
            let kept: Vec<Value> = list.into_iter().map(|item| compact(parent, item)).collect();
            Value::Array(kept.into_boxed_slice().into_vec())
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
    }
    match text(object, "/kind").unwrap_or_default() {
        "Secret" => secret(object),
        "ConfigMap" => config(object),
        "Pod" => {
            forget_token(object);
            pod_specs(object);
        }
        _ => pod_specs(object),
    }
}

/// Of a record of an installation what was installed stays: references, no values.
fn config(object: &mut Value) {
    if let Some(inventory) = recorded(object) {
        object[INVENTORY] = inventory;
    }
    forget_values(object);
}

fn recorded(map: &Value) -> Option<Value> {
    let record: Value = serde_json::from_str(text(map, "/data/record.json").filter(|_| is_one(map))?).ok()?;
    record.get("inventory").cloned()
}

/// What the record of an installation says was installed; `None` of anything else.
pub(in crate::doctor) fn inventory(map: &Value) -> Option<Vec<ObjectRef>> {
    serde_json::from_value(map.get(INVENTORY)?.clone()).ok()
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

/// The volume with the token of its account, which the API server puts into every pod.
fn forget_token(pod: &mut Value) {
    let is_other = |one: &Value| !text(one, "/name").is_some_and(|name| name.starts_with("kube-api-access-"));
    let Some(spec) = pod.get_mut("spec") else { return };
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(is_other);
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                mounts.retain(is_other);
            }
        }
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
        let secret = json!({"kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "s", "annotations":
            {LAST_APPLIED: "hunter2"}}, "data": {"tls.key": "aHVudGVyMg==", "tls.crt": "aHVudGVyMg=="}, "stringData": {"a": "hunter2"}});
        let secret = kept(secret);
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
    fn what_a_list_is_cut_down_to_is_what_any_object_is() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "generateName": "p-", "annotations": {LAST_APPLIED: "x", "a": "b"},
            "managedFields": [{"manager": "m", "time": "t", "fieldsV1": {"f:spec": {}}}]},
            "spec": {"containers": [{"name": "c", "terminationMessagePath": "/dev/log", "args": ["x"]}]},
            "status": {"conditions": [{"type": "Ready", "lastProbeTime": null}], "podIPs": [{"ip": "10.0.0.1"}], "podIP": "10.0.0.1"}});
        let page = json!({"items": [pod]}).to_string();
        let mut listed = Vec::new();
        crate::snapshot::page::read(&page, KEPT.skip, &mut |part| match part {
            crate::snapshot::page::Part::Object(object) => listed.push((KEPT.of)(object)),
            crate::snapshot::page::Part::GoesOn(_) => {}
        })
        .unwrap();
        assert_eq!(listed, [kept(pod)]);
        assert_eq!(
            listed[0],
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]},
            "status": {"conditions": [{"type": "Ready"}], "podIP": "10.0.0.1"}, CHANGED: {"by": "m", "at": "t"}})
        );
    }

    #[test]
    fn arguments_and_environment_go_and_names_stay() {
        let container = json!({"name": "c", "image": "i", "args": ["--password=x"], "command": ["x"],
            "env": [{"name": "P", "value": "x"}, {"name": "Q", "valueFrom": {"secretKeyRef": {"name": "s"}}}]});
        let deployment = json!({"kind": "Deployment", "spec": {"template": {"spec": {"initContainers": [container]}}}});
        let deployment = kept(deployment);
        let mut revision = json!({"kind": "ControllerRevision", "data": {"spec": deployment["spec"].clone()}});
        revision["data"]["spec"]["template"]["spec"]["initContainers"][0]["args"] = json!(["--password=x"]);
        assert_eq!(kept(revision)["data"]["spec"], deployment["spec"]);
        let left = json!({"name": "c", "image": "i",
            "env": [{"name": "P"}, {"name": "Q", "valueFrom": {"secretKeyRef": {"name": "s"}}}]});
        assert_eq!(deployment["spec"]["template"]["spec"]["initContainers"][0], left);
    }
}
