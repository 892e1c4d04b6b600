//! What the API server refuses: bad names, unknown fields, changes of what cannot change. Texts as Kubernetes 1.34 writes them.

use serde_json::{Value, json};

use super::address::Address;
use super::refusal::Refusal;
use super::world::World;
use crate::object::text;
use crate::stack::names::{is_label, is_subdomain};
use crate::stack::quantity;
use crate::stack::strict::unknown_fields;

/// Kinds whose names are DNS labels; names of the others are subdomains.
const LABELS: [&str; 2] = ["Namespace", "Service"];

/// The name is one that Kubernetes takes.
pub(super) fn name(kind: &str, address: &Address) -> Result<(), Refusal> {
    let name = address.name.as_str();
    let fault = if name.is_empty() {
        Some("Required value: name or generateName is required".to_owned())
    } else if LABELS.contains(&kind) && !is_label(name) {
        Some(format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
        ))
    } else if address.group() != "rbac.authorization.k8s.io" && !is_subdomain(name) {
        Some(format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
        ))
    } else {
        None
    };
    match fault {
        Some(fault) => Err(Refusal::invalid(kind, address.group(), name, &[("metadata.name".to_owned(), fault)])),
        None => Ok(()),
    }
}

/// `fieldValidation=Strict`: no field that the type does not have.
pub(super) fn strictly(object: &Value) -> Result<(), Refusal> {
    let unknown = unknown_fields(object);
    if unknown.is_empty() {
        return Ok(());
    }
    let said: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    Err(Refusal::new(400, "BadRequest", format!("strict decoding error: {}", said.join(", "))))
}

/// The namespace of what is to be made is there, and stays.
pub(super) fn namespace(world: &World, address: &Address) -> Result<(), Refusal> {
    let Some(name) = address.namespace.as_deref() else { return Ok(()) };
    let Some(namespace) = world.find("Namespace", None, name) else {
        return Err(Refusal::not_found("", "namespaces", name));
    };
    if namespace["metadata"].get("deletionTimestamp").is_some() {
        let message = format!(
            "{} \"{}\" is forbidden: unable to create new content in namespace {name} because it is being terminated",
            super::refusal::dotted(&address.plural, address.group()),
            address.name
        );
        return Err(Refusal::new(403, "Forbidden", message)
            .with(json!({"causes": [{"reason": "NamespaceTerminating", "message": format!("namespace {name} is being terminated"), "field": "metadata.namespace"}]})));
    }
    Ok(())
}

const STATEFUL_SET: &str = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const CLAIM: &str = "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
const SOURCE: &str = "Forbidden: spec.persistentvolumesource is immutable after creation";

/// What an update must not change.
pub(super) fn unchanged(live: &Value, after: &Value, address: &Address) -> Result<(), Refusal> {
    let kind = after["kind"].as_str().unwrap_or_default();
    let differs = |pointer: &str| live.pointer(pointer) != after.pointer(pointer);
    let field = |name: &str, fault: &str| vec![(name.to_owned(), fault.to_owned())];
    let faults = match kind {
        "Deployment" | "DaemonSet" | "ReplicaSet" if differs("/spec/selector") => {
            field("spec.selector", &format!("Invalid value: {}: field is immutable", after["spec"]["selector"]))
        }
        "StatefulSet"
            if differs("/spec/serviceName")
                || differs("/spec/selector")
                || differs("/spec/podManagementPolicy")
                || templates(live) != templates(after) =>
        {
            field("spec", STATEFUL_SET)
        }
        "Job" if differs("/spec/template/spec") || differs("/spec/selector") => {
            field("spec.template", "Invalid value: field is immutable")
        }
        "PersistentVolumeClaim" if claim(live) != claim(after) => field("spec", CLAIM),
        "PersistentVolume"
            if ["/spec/hostPath", "/spec/local", "/spec/nfs", "/spec/csi"].iter().any(|pointer| differs(pointer)) =>
        {
            field("spec.persistentvolumesource", SOURCE)
        }
        "Service" if is_set(live, "/spec/clusterIP") && differs("/spec/clusterIP") => field(
            "spec.clusterIPs[0]",
            &format!("Invalid value: {}: may not change once set", after["spec"]["clusterIPs"]),
        ),
        "ConfigMap" | "Secret"
            if live["immutable"] == true && (differs("/data") || differs("/binaryData") || differs("/immutable")) =>
        {
            field("data", "Forbidden: field is immutable when `immutable` is set")
        }
        "Secret" if differs("/type") => field("type", "Invalid value: field is immutable"),
        _ => return Ok(()),
    };
    Err(Refusal::invalid(kind, address.group(), &address.name, &faults))
}

/// A claim that is bound grows where its class allows it, and never shrinks.
pub(super) fn resized(live: &Value, after: &Value, address: &Address, world: &World) -> Result<(), Refusal> {
    const SIZE: &str = "/spec/resources/requests/storage";
    const FORBIDDEN: &str = "Forbidden: field can not be less than status.capacity";
    let size = |object: &Value, pointer: &str| text(object, pointer).and_then(quantity::parse);
    if after["kind"] != "PersistentVolumeClaim" || live.pointer(SIZE) == after.pointer(SIZE) {
        return Ok(());
    }
    if text(live, "/status/phase") != Some("Bound") {
        let faults = [("spec".to_owned(), CLAIM.to_owned())];
        return Err(Refusal::invalid("PersistentVolumeClaim", address.group(), &address.name, &faults));
    }
    let (wanted, has) = (size(after, SIZE), size(live, "/status/capacity/storage"));
    if wanted < has {
        let faults = [("spec.resources.requests.storage".to_owned(), FORBIDDEN.to_owned())];
        return Err(Refusal::invalid("PersistentVolumeClaim", address.group(), &address.name, &faults));
    }
    let class = text(after, "/spec/storageClassName").and_then(|name| world.find("StorageClass", None, name));
    if class.is_some_and(|class| class["allowVolumeExpansion"] == true) {
        return Ok(());
    }
    let message = format!(
        "persistentvolumeclaims \"{}\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        address.name
    );
    Err(Refusal::new(403, "Forbidden", message).with(json!({"name": address.name, "kind": "persistentvolumeclaims"})))
}

fn is_set(object: &Value, pointer: &str) -> bool {
    text(object, pointer).is_some_and(|text| !text.is_empty())
}

/// The claim templates without what the server keeps in them.
fn templates(object: &Value) -> Vec<(Value, Value)> {
    let all = crate::object::items(object, "/spec/volumeClaimTemplates");
    all.map(|template| (template["metadata"]["name"].clone(), template["spec"].clone())).collect()
}

/// What of a claim's spec cannot change; its volume's name can be set once.
fn claim(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    if let Some(map) = spec.as_object_mut() {
        for key in ["resources", "volumeName", "volumeAttributesClassName"] {
            map.shift_remove(key);
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_change_is_refused_with_the_servers_words() {
        let live = json!({"kind": "Deployment", "spec": {"selector": {"matchLabels": {"a": "1"}}}});
        let mut after = live.clone();
        let address = Address::new("apps/v1", "deployments", Some("n"), "web");
        assert!(unchanged(&live, &after, &address).is_ok());
        after["spec"]["selector"]["matchLabels"]["a"] = "2".into();
        let refusal = unchanged(&live, &after, &address).unwrap_err();
        assert_eq!(refusal.code, 422);
        assert!(
            refusal.message.starts_with("Deployment.apps \"web\" is invalid: spec.selector: Invalid value: "),
            "{}",
            refusal.message
        );
    }
}
