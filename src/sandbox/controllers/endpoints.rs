//! Endpoints and `EndpointSlices` of Services with a selector.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ownership::owner_reference;
use crate::object::{has_ended, items, text};
use crate::sandbox::containers::is_ready;
use crate::sandbox::world::World;
use crate::snapshot::placing::matches;

pub(super) fn run(world: &mut World) {
    for service in world.all("Service") {
        if service["spec"]["selector"].as_object().is_some_and(|selector| !selector.is_empty()) {
            point(world, &service);
        }
    }
    // Endpoints have no owner; their own controller takes them away.
    for endpoints in world.all("Endpoints") {
        let managed = endpoints["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"] == "endpoint-controller";
        let (namespace, name) =
            (text(&endpoints, "/metadata/namespace"), text(&endpoints, "/metadata/name").unwrap_or_default());
        if managed && world.find("Service", namespace, name).is_none() {
            world.remove(&endpoints);
        }
    }
}

/// The number of a container's port that a Service's port leads to.
pub(in crate::sandbox) fn target(pod: &Value, port: &Value) -> Option<i64> {
    match &port["targetPort"] {
        Value::Number(number) => number.as_i64(),
        Value::String(name) => {
            let mut ports = items(pod, "/spec/containers").flat_map(|container| items(container, "/ports"));
            ports.find(|known| known["name"] == name.as_str())?["containerPort"].as_i64()
        }
        _ => port["port"].as_i64(),
    }
}

fn point(world: &mut World, service: &Value) {
    let behind = |pod: &Value| {
        pod["metadata"]["namespace"] == service["metadata"]["namespace"]
            && text(pod, "/status/podIP").is_some()
            && !has_ended(pod)
            && matches(&service["spec"]["selector"], &pod["metadata"]["labels"])
    };
    let pods: Vec<Arc<Value>> = world.all("Pod").into_iter().filter(|pod| behind(pod)).collect();
    let published = service["spec"]["publishNotReadyAddresses"] == true;
    let goes = |pod: &Value| pod["metadata"].get("deletionTimestamp").is_some();
    let serves = |pod: &Value| published || (is_ready(pod) && !goes(pod));
    let reference = |pod: &Value| json!({"kind": "Pod", "name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"], "uid": pod["metadata"]["uid"]});
    let address = |pod: &Value| json!({"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": reference(pod)});
    let ready: Vec<Value> = pods.iter().filter(|pod| serves(pod)).map(|pod| address(pod)).collect();
    let unready: Vec<Value> = pods.iter().filter(|pod| !serves(pod) && !goes(pod)).map(|pod| address(pod)).collect();
    let numbered = |port: &Value| {
        let number = pods.first().and_then(|pod| target(pod, port))?;
        let mut known = json!({"port": number, "protocol": port["protocol"]});
        if let Some(name) = port.get("name") {
            known["name"] = name.clone();
        }
        Some(known)
    };
    let ports: Vec<Value> = items(service, "/spec/ports").filter_map(numbered).collect();
    let (namespace, name) =
        (text(service, "/metadata/namespace"), text(service, "/metadata/name").unwrap_or_default().to_owned());
    let known = world.find("Endpoints", namespace, &name).cloned();
    let mut endpoints = known.unwrap_or_else(
        || json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name, "namespace": namespace}}),
    );
    endpoints["metadata"]["labels"] = labelled(service, ("endpoints.kubernetes.io/managed-by", "endpoint-controller"));
    let mut subset = json!({});
    for (key, list) in [("addresses", &ready), ("notReadyAddresses", &unready)] {
        if !list.is_empty() {
            subset[key] = list.as_slice().into();
        }
    }
    let any = subset.as_object().is_some_and(|map| !map.is_empty());
    if any {
        subset["ports"] = ports.as_slice().into();
        endpoints["subsets"] = json!([subset]);
    } else if let Some(map) = endpoints.as_object_mut() {
        map.shift_remove("subsets");
    }
    world.put(endpoints);
    let ends: Vec<Value> = pods.iter().map(|pod| json!({"addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"], "targetRef": reference(pod),
        "conditions": {"ready": serves(pod), "serving": published || is_ready(pod), "terminating": goes(pod)}})).collect();
    slice(world, service, &ends, &ports);
}

fn labelled(service: &Value, (key, value): (&str, &str)) -> Value {
    let mut labels = service["metadata"].get("labels").cloned().unwrap_or_else(|| json!({}));
    labels[key] = value.into();
    labels
}

fn slice(world: &mut World, service: &Value, ends: &[Value], ports: &[Value]) {
    let known = world.owned("EndpointSlice", service).into_iter().next();
    let name = text(service, "/metadata/name").unwrap_or_default();
    let mut slice = match known {
        Some(known) => Value::clone(&known),
        None => json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": format!("{name}-{}", world.store.ids.suffix()), "generateName": format!("{name}-"),
                "namespace": service["metadata"]["namespace"], "ownerReferences": [owner_reference(service)]}}),
    };
    slice["metadata"]["labels"] =
        labelled(service, ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"));
    slice["metadata"]["labels"]["kubernetes.io/service-name"] = name.into();
    // Where there is nothing, the real one writes null.
    let listed = |list: &[Value]| if list.is_empty() { Value::Null } else { list.into() };
    slice["endpoints"] = listed(ends);
    slice["ports"] = listed(if ends.is_empty() { &[] } else { ports });
    world.put(slice);
}
