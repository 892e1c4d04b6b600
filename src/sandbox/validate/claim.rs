//! What of a claim may be changed, and how. Source: `ValidatePersistentVolumeClaimUpdate` in
//! `pkg/apis/core/validation/validation.go`, and the admission plugin `PersistentVolumeClaimResize`, 1.34.

use serde_json::{Map, Value, json};

use super::{Faults, difference, invalid};
use crate::object::text;
use crate::sandbox::amount::Amount;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::world::World;

const SIZE: &str = "/spec/resources/requests/storage";
const SPEC: &str = "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

/// What a change of a claim must not change.
pub(in crate::sandbox) fn changed(live: &Value, after: &Value) -> Faults {
    let (mut one, mut other) = (spec(live), spec(after));
    // The volume's name can be set once, and so can a class.
    if one["VolumeName"] == "" {
        one["VolumeName"] = other["VolumeName"].clone();
    }
    if one["StorageClassName"].is_null() {
        one["StorageClassName"] = other["StorageClassName"].clone();
    }
    if text(live, "/status/phase") == Some("Bound") {
        for pointer in ["/Resources/Requests/storage", "/VolumeAttributesClassName"] {
            if let (Some(before), Some(now)) = (one.pointer(pointer).cloned(), other.pointer_mut(pointer)) {
                *now = before;
            }
        }
    }
    let mut faults = Faults::new();
    if one != other {
        faults.push(("spec".to_owned(), format!("{SPEC}\n{}", difference::of(&one, &other))));
    }
    let size = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Amount::of).unwrap_or_default().nano();
    if size(after, SIZE) < size(live, SIZE) && size(after, SIZE) <= size(live, "/status/capacity/storage") {
        let fault = "Forbidden: field can not be less than status.capacity";
        faults.push(("spec.resources.requests.storage".to_owned(), fault.to_owned()));
    }
    if live["spec"]["volumeMode"] != after["spec"]["volumeMode"] {
        faults.push(("volumeMode".to_owned(), invalid(&after["spec"]["volumeMode"], "field is immutable")));
    }
    faults
}

/// A claim grows when it is bound and its class allows it.
pub(in crate::sandbox) fn resized(live: &Value, after: &Value, world: &World) -> Result<(), Refusal> {
    let size = |object: &Value| object.pointer(SIZE).and_then(Amount::of).unwrap_or_default().nano();
    if after["kind"] != "PersistentVolumeClaim" || size(after) <= size(live) {
        return Ok(());
    }
    let name = text(after, "/metadata/name").unwrap_or_default();
    let refused = |why: &str| {
        let message = format!("persistentvolumeclaims \"{name}\" is forbidden: {why}");
        Err(Refusal::new(403, "Forbidden", message).with(json!({"name": name, "kind": "persistentvolumeclaims"})))
    };
    if text(live, "/status/phase") != Some("Bound") {
        return refused("Only bound persistent volume claims can be expanded");
    }
    let class = text(after, "/spec/storageClassName").and_then(|name| world.find("StorageClass", None, name));
    if class.is_some_and(|class| class["allowVolumeExpansion"] == true) {
        return Ok(());
    }
    refused(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    )
}

/// A claim's spec with the names and the order that it has inside the API server.
fn spec(claim: &Value) -> Value {
    let spec = &claim["spec"];
    let name = |key: &str| spec[key].as_str().unwrap_or_default();
    let amounts = |key: &str| match &spec["resources"][key] {
        Value::Object(map) => {
            let mut sorted: Vec<_> = map.iter().collect();
            sorted.sort_by_key(|(key, _)| key.as_str());
            let written = |value: &Value| Amount::of(value).map_or(value.clone(), |amount| json!(amount.to_string()));
            sorted.into_iter().map(|(key, value)| (key.clone(), written(value))).collect::<Map<_, _>>().into()
        }
        _ => Value::Null,
    };
    let source = |source: &Value, keys: &[(&str, &str)]| match source {
        Value::Object(_) => {
            keys.iter().map(|(inner, key)| ((*inner).to_owned(), source[*key].clone())).collect::<Map<_, _>>().into()
        }
        _ => Value::Null,
    };
    let plain = [("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")];
    let wide = [plain.as_slice(), &[("Namespace", "namespace")]].concat();
    json!({
        "AccessModes": spec["accessModes"],
        "Selector": spec["selector"],
        "Resources": {"Limits": amounts("limits"), "Requests": amounts("requests")},
        "VolumeName": name("volumeName"),
        "StorageClassName": spec["storageClassName"],
        "VolumeMode": spec["volumeMode"],
        "DataSource": source(&spec["dataSource"], &plain),
        "DataSourceRef": source(&spec["dataSourceRef"], &wide),
        "VolumeAttributesClassName": spec["volumeAttributesClassName"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(phase: &str, size: &str) -> Value {
        json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "a"}, "status": {"phase": phase, "capacity": {"storage": "2Gi"}},
            "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "resources": {"requests": {"storage": size}}}})
    }

    #[test]
    fn of_a_bound_claim_only_the_size_can_change_and_not_below_what_it_has() {
        let live = claim("Bound", "4Gi");
        assert!(changed(&live, &claim("Bound", "8Gi")).is_empty());
        assert!(changed(&live, &claim("Bound", "4096Mi")).is_empty());
        // What was asked for and not given yet can be taken back.
        assert!(changed(&live, &claim("Bound", "3Gi")).is_empty());
        assert_eq!(
            changed(&live, &claim("Bound", "1Gi"))[0].1,
            "Forbidden: field can not be less than status.capacity"
        );
        let mut named = live.clone();
        named["spec"]["volumeName"] = "v".into();
        assert!(changed(&live, &named).is_empty(), "the volume's name can be set once");
        assert!(changed(&named, &live)[0].1.contains("- \"VolumeName\": \"v\",\n+ \"VolumeName\": \"\","));
        let mut other = live.clone();
        other["spec"]["volumeMode"] = "Block".into();
        let faults: Vec<String> = changed(&live, &other).into_iter().map(|(field, _)| field).collect();
        assert_eq!(faults, ["spec", "volumeMode"]);
    }

    #[test]
    fn a_claim_that_waits_cannot_grow() {
        let faults = changed(&claim("Pending", "1Gi"), &claim("Pending", "2Gi"));
        assert!(
            faults[0]
                .1
                .ends_with("   \"storage\": \"1Gi\"\n+   \"storage\": \"2Gi\"\n   }\n  },\n  \"VolumeName\": \"\",\n")
        );
    }
}
