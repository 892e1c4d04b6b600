//! What the API server refuses of an object's values, field by field: as far as users meet it. Source: `pkg/apis/*/validation` of
//! Kubernetes 1.34, whose words and order these are.

pub(super) mod claim;
mod difference;
mod immutable;
mod name;
mod pod;
mod policy;
mod webhook;
mod workload;

pub(super) use immutable::unchanged;
pub(super) use name::name;

use serde_json::{Value, json};

use super::address::Address;
use super::refusal::Refusal;
use crate::object::{items, number, text};

/// Faults of fields, each as `field: message`.
pub(super) type Faults = Vec<(String, String)>;

const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const PORT: &str = "must be between 1 and 65535, inclusive";

/// Refuses an object of a built-in kind whose fields do not fit; `live` is what was there.
pub(super) fn check(object: &Value, live: Option<&Value>, address: &Address) -> Result<(), Refusal> {
    let kind = text(object, "/kind").unwrap_or_default();
    // What nobody changes is not judged again.
    if live.is_some_and(|live| {
        live["spec"] == object["spec"]
            && live["metadata"] == object["metadata"]
            && live["webhooks"] == object["webhooks"]
            && kind != "Secret"
    }) {
        return Ok(());
    }
    let mut faults = metadata(object);
    match kind {
        "Pod" if live.is_none() => pod::spec(&object["spec"], "spec", &mut faults),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => workload::selected(object, &mut faults),
        "Job" if live.is_none() => workload::job(object, &mut faults),
        "CronJob" => workload::cron_job(object, &mut faults),
        "Service" => service(object, &mut faults),
        "ConfigMap" => keys(object, &mut faults),
        "Secret" => secret(object, live, &mut faults),
        "PersistentVolumeClaim" if live.is_none() => claim(object, &mut faults),
        "PersistentVolume" if live.is_none() => volume(object, &mut faults),
        "PodDisruptionBudget" => workload::budget(object, &mut faults),
        "HorizontalPodAutoscaler" => workload::autoscaler(object, &mut faults),
        "ResourceQuota" => policy::quota(object, &mut faults),
        "LimitRange" => policy::limit_range(object, &mut faults),
        "Ingress" => ingress(object, &mut faults),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => webhook::all(object, &mut faults),
        "CustomResourceDefinition" => definition(object, &mut faults),
        _ => {}
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(kind, address.group(), &address.name, &faults))
}

/// No finalizer comes to what is being deleted.
pub(super) fn finalizers(live: &Value, after: &Value, address: &Address) -> Result<(), Refusal> {
    if live["metadata"].get("deletionTimestamp").is_none() {
        return Ok(());
    }
    let is_known = |wanted: &&Value| items(live, "/metadata/finalizers").any(|known| known == *wanted);
    let new: Vec<String> =
        items(after, "/metadata/finalizers").filter(|name| !is_known(name)).map(Value::to_string).collect();
    if new.is_empty() {
        return Ok(());
    }
    let fault = format!(
        "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        new.join(", ")
    );
    let kind = text(after, "/kind").unwrap_or_default();
    // The real one judges metadata twice, and says it twice.
    let faults = vec![("metadata.finalizers".to_owned(), fault); 2];
    Err(Refusal::invalid(kind, address.group(), &address.name, &faults))
}

fn invalid(value: impl std::fmt::Display, fault: &str) -> String {
    format!("Invalid value: {value}: {fault}")
}

fn is_word(text: &str) -> bool {
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let inner = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    text.len() <= 63 && edge(text.chars().next()) && edge(text.chars().last()) && text.chars().all(inner)
}

fn metadata(object: &Value) -> Faults {
    let mut faults = Faults::new();
    for key in ["labels", "annotations"] {
        let field = format!("metadata.{key}");
        for (name, value) in object["metadata"][key].as_object().into_iter().flatten() {
            let part = name.rsplit('/').next().unwrap_or_default();
            if !is_word(part) {
                faults.push((field.clone(), invalid(format_args!("{name:?}"), NAME_PART)));
            }
            let value = value.as_str().unwrap_or_default();
            if key == "labels" && !value.is_empty() && !is_word(value) {
                faults.push((field.clone(), invalid(format_args!("{value:?}"), LABEL)));
            }
        }
    }
    faults
}

/// A number that is a port.
fn port(faults: &mut Faults, field: String, value: &Value) {
    if value.as_i64().is_some_and(|port| !(1..=65535).contains(&port)) {
        faults.push((field, invalid(value, PORT)));
    }
}

fn service(object: &Value, faults: &mut Faults) {
    let ports: Vec<&Value> = items(object, "/spec/ports").collect();
    let is_headless = object["spec"]["clusterIP"] == "None";
    if ports.is_empty() && !is_headless && object["spec"]["type"] != "ExternalName" {
        faults.push(("spec.ports".to_owned(), "Required value".to_owned()));
    }
    for (index, entry) in ports.iter().enumerate() {
        let field = |name: &str| format!("spec.ports[{index}].{name}");
        if ports.len() > 1 && text(entry, "/name").is_none_or(str::is_empty) {
            faults.push((field("name"), "Required value".to_owned()));
        }
        port(faults, field("port"), &entry["port"]);
        port(faults, field("targetPort"), &entry["targetPort"]);
        if let Some(taken) = number(entry, "/nodePort").filter(|port| !(30000..=32767).contains(port)) {
            let fault = "provided port is not in the valid range. The range of valid ports is 30000-32767";
            faults.push((field("nodePort"), invalid(taken, fault)));
        }
    }
}

fn keys(object: &Value, faults: &mut Faults) {
    for part in ["data", "binaryData"] {
        for name in object[part].as_object().into_iter().flat_map(|data| data.keys()) {
            let inner = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
            if name.is_empty() || !name.chars().all(inner) {
                faults.push((format!("{part}[{name}]"), invalid(format_args!("{name:?}"), KEY)));
            }
        }
    }
}

fn secret(object: &Value, live: Option<&Value>, faults: &mut Faults) {
    keys(object, faults);
    if live.is_some_and(|live| live["type"] != object["type"]) {
        faults.push(("type".to_owned(), invalid(&object["type"], "field is immutable")));
    }
    if object["type"] == "kubernetes.io/tls" {
        for name in ["tls.crt", "tls.key"].iter().filter(|name| object["data"].get(**name).is_none()) {
            faults.push((format!("data[{name}]"), "Required value".to_owned()));
        }
    }
}

fn claim(object: &Value, faults: &mut Faults) {
    if items(object, "/spec/accessModes").next().is_none() {
        faults.push(("spec.accessModes".to_owned(), "Required value: at least 1 access mode is required".to_owned()));
    }
    if text(object, "/spec/resources/requests/storage").is_none() {
        faults.push(("spec.resources[storage]".to_owned(), "Required value".to_owned()));
    }
}

fn volume(object: &Value, faults: &mut Faults) {
    const PLAIN: [&str; 9] = [
        "capacity",
        "accessModes",
        "claimRef",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "mountOptions",
        "volumeMode",
        "nodeAffinity",
        "volumeAttributesClassName",
    ];
    let has_source =
        object["spec"].as_object().is_some_and(|spec| spec.keys().any(|key| !PLAIN.contains(&key.as_str())));
    if !has_source {
        faults.push(("spec".to_owned(), "Required value: must specify a volume type".to_owned()));
    }
}

fn ingress(object: &Value, faults: &mut Faults) {
    for (rule, of_rule) in items(object, "/spec/rules").enumerate() {
        for (path, of_path) in items(of_rule, "/http/paths").enumerate() {
            if of_path.get("pathType").is_none_or(Value::is_null) {
                let field = format!("spec.rules[{rule}].http.paths[{path}].pathType");
                faults.push((field, "Required value: pathType must be specified".to_owned()));
            }
        }
    }
}

fn definition(object: &Value, faults: &mut Faults) {
    let part = |pointer| text(object, pointer).unwrap_or_default();
    let name = json!(part("/metadata/name"));
    if name != format!("{}.{}", part("/spec/names/plural"), part("/spec/group")) {
        faults.push(("metadata.name".to_owned(), invalid(name, "must be spec.names.plural+\".\"+spec.group")));
    }
}
