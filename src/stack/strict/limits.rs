//! Limits and formats that a type does not show: sizes, labels, quantities, ports.

use serde_json::Value;

use super::super::fault::Fault;
use super::super::path::{Step, Way};
use super::super::render::Rendered;
use super::super::{names, quantity};
use super::{fault, items, text};

/// What a ConfigMap or Secret can hold.
const MOST_DATA: usize = 1 << 20;

/// What all annotations of an object can hold.
const MOST_ANNOTATIONS: usize = 256 << 10;

pub(super) fn check(object: &Rendered, faults: &mut Vec<Fault>) {
    metadata(object, faults);
    match object.kind_name() {
        "ConfigMap" | "Secret" => data(object, faults),
        "Service" => service(object, faults),
        "PersistentVolumeClaim" => claim(object, &object.object["spec"], &Way::dotted("spec"), faults),
        "StatefulSet" => {
            for (index, template) in items(&object.object["spec"], "volumeClaimTemplates").enumerate() {
                let way = Way::dotted("spec.volumeClaimTemplates").with(Step::Index(index));
                if !names::is_label(text(&template["metadata"], "name")) {
                    faults.push(fault(
                        object,
                        &way.key("metadata"),
                        "a claim's template needs a name that is a DNS label",
                    ));
                }
                claim(object, &template["spec"], &way.key("spec"), faults);
            }
        }
        "ResourceQuota" => quantities(object, &object.object["spec"], &Way::dotted("spec"), "hard", faults),
        "HorizontalPodAutoscaler" => autoscaler(object, faults),
        _ => {}
    }
}

fn metadata(object: &Rendered, faults: &mut Vec<Fault>) {
    let metadata = &object.object["metadata"];
    let way = Way::dotted("metadata");
    for (name, value) in metadata["labels"].as_object().into_iter().flatten() {
        let way = way.key("labels").key(name);
        let (prefix, short) =
            name.rsplit_once('/').map_or((None, name.as_str()), |(prefix, short)| (Some(prefix), short));
        if short.is_empty()
            || !names::is_label_value(short)
            || prefix.is_some_and(|prefix| !names::is_subdomain(prefix))
        {
            faults.push(fault(object, &way, "is not a label's name"));
        }
        if !value.as_str().is_some_and(names::is_label_value) {
            faults.push(fault(object, &way, "is not a label's value: at most 63 letters, digits, `-`, `_` and `.`"));
        }
    }
    let size: usize =
        metadata["annotations"].as_object().into_iter().flatten().map(|(name, value)| name.len() + length(value)).sum();
    if size > MOST_ANNOTATIONS {
        faults.push(fault(
            object,
            &way.key("annotations"),
            format!("annotations are {size} bytes; at most 256 KiB are allowed"),
        ));
    }
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

fn data(object: &Rendered, faults: &mut Vec<Fault>) {
    let mut size = 0;
    for field in ["data", "stringData", "binaryData"] {
        for (name, value) in object.object[field].as_object().into_iter().flatten() {
            size += length(value);
            let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if name.is_empty() || !fits || name.len() > 253 {
                let way = Way::default().key(field).key(name);
                faults.push(fault(object, &way, "is not a file's name: letters, digits, `-`, `_` and `.`"));
            }
        }
    }
    if size > MOST_DATA {
        let message = format!("holds {size} bytes; at most 1 MiB is allowed");
        faults.push(fault(object, &Way::default(), message));
    }
}

fn service(object: &Rendered, faults: &mut Vec<Fault>) {
    let spec = &object.object["spec"];
    let way = Way::dotted("spec");
    let kind = text(spec, "type");
    if !["", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"].contains(&kind) {
        faults.push(fault(object, &way.key("type"), format!("`{kind}` is not a Service's type")));
    }
    let ports: Vec<&Value> = items(spec, "ports").collect();
    if ports.is_empty() && kind != "ExternalName" && spec["clusterIP"] != "None" {
        faults.push(fault(object, &way, "a Service needs at least one port"));
    }
    for (index, port) in ports.iter().enumerate() {
        let way = way.key("ports").with(Step::Index(index));
        let name = text(port, "name");
        if ports.len() > 1 && name.is_empty() {
            faults.push(fault(object, &way, "of several ports each needs a name"));
        } else if !name.is_empty() && !names::is_label(name) {
            faults.push(fault(object, &way.key("name"), format!("`{name}` is not a DNS label")));
        }
        if !port["port"].as_i64().is_some_and(|port| (1..=65535).contains(&port)) {
            faults.push(fault(object, &way.key("port"), "is not a port from 1 to 65535"));
        }
        let same = |other: &&&Value| other["port"] == port["port"] && protocol(other) == protocol(port);
        if ports[..index].iter().any(|other| same(&other)) {
            faults.push(fault(object, &way, format!("port {}/{} is there twice", port["port"], protocol(port))));
        } else if !name.is_empty() && ports[..index].iter().any(|other| text(other, "name") == name) {
            faults.push(fault(object, &way, format!("two ports are named `{name}`")));
        }
    }
}

pub(super) fn protocol(port: &Value) -> &str {
    port["protocol"].as_str().unwrap_or("TCP")
}

/// What a claim must say.
fn claim(object: &Rendered, spec: &Value, way: &Way, faults: &mut Vec<Fault>) {
    const MODES: [&str; 4] = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];
    if items(spec, "accessModes").next().is_none() {
        faults.push(fault(object, way, "a claim needs `accessModes`"));
    }
    for mode in items(spec, "accessModes").filter_map(Value::as_str).filter(|mode| !MODES.contains(mode)) {
        faults.push(fault(object, &way.key("accessModes"), format!("`{mode}` is not one of {}", MODES.join(", "))));
    }
    if spec["resources"]["requests"].get("storage").is_none() {
        faults.push(fault(object, way, "a claim needs `resources.requests.storage`"));
    }
    quantities(object, &spec["resources"], &way.key("resources"), "requests", faults);
}

/// Checks all quantities of a map.
pub(super) fn quantities(object: &Rendered, value: &Value, way: &Way, field: &str, faults: &mut Vec<Fault>) {
    for (name, value) in value[field].as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if quantity::parse(&text).is_none_or(|nano| nano < 0) {
            let message = format!("`{text}` is not a quantity such as `500m` or `2Gi`");
            faults.push(fault(object, &way.key(field).key(name), message));
        }
    }
}

fn autoscaler(object: &Rendered, faults: &mut Vec<Fault>) {
    let spec = &object.object["spec"];
    let least = spec["minReplicas"].as_i64().unwrap_or(1);
    if let Some(most) = spec["maxReplicas"].as_i64().filter(|most| *most < least.max(1)) {
        faults.push(fault(object, &Way::dotted("spec.maxReplicas"), format!("{most} is below minReplicas, {least}")));
    }
}
