//! What an update must not change. Source: `pkg/apis/*/validation`, `Validate*Update`, 1.34.

use serde_json::Value;

use super::claim;
use crate::object::text;
use crate::sandbox::address::Address;
use crate::sandbox::refusal::Refusal;

const STATEFUL_SET: &str = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const POD: &str = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const SOURCE: &str = "Forbidden: spec.persistentvolumesource is immutable after creation";

/// What an update must not change.
pub(in crate::sandbox) fn unchanged(live: &Value, after: &Value, address: &Address) -> Result<(), Refusal> {
    let kind = after["kind"].as_str().unwrap_or_default();
    let differs = |pointer: &str| live.pointer(pointer) != after.pointer(pointer);
    let field = |name: &str, fault: &str| vec![(name.to_owned(), fault.to_owned())];
    let updates = |name: &str| format!("Forbidden: updates to {name} are forbidden.");
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
        "PersistentVolumeClaim" => claim::changed(live, after),
        "PersistentVolume"
            if ["/spec/hostPath", "/spec/local", "/spec/nfs", "/spec/csi"].iter().any(|pointer| differs(pointer)) =>
        {
            field("spec.persistentvolumesource", SOURCE)
        }
        "Pod" if pod_spec(live) != pod_spec(after) => field("spec", POD),
        "StorageClass" if differs("/provisioner") => field("provisioner", &updates("provisioner")),
        "StorageClass" if differs("/parameters") => field("parameters", &updates("parameters")),
        "StorageClass" if differs("/reclaimPolicy") => field("reclaimPolicy", &updates("reclaimPolicy")),
        "Service" if is_set(live, "/spec/clusterIP") && differs("/spec/clusterIP") => field(
            "spec.clusterIPs[0]",
            &format!("Invalid value: {}: may not change once set", after["spec"]["clusterIPs"]),
        ),
        "ConfigMap" | "Secret"
            if live["immutable"] == true && (differs("/data") || differs("/binaryData") || differs("/immutable")) =>
        {
            let key = if differs("/immutable") { "immutable" } else { "data" };
            field(key, "Forbidden: field is immutable when `immutable` is set")
        }
        _ => return Ok(()),
    };
    if faults.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(kind, address.group(), &address.name, &faults))
}

/// What of a pod's spec cannot change.
fn pod_spec(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if let Some(map) = spec.as_object_mut() {
        for key in [
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "schedulingGates",
            "ephemeralContainers",
        ] {
            map.shift_remove(key);
        }
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            container["image"] = Value::Null;
            // Resources change through their own subresource.
            container["resources"] = Value::Null;
        }
    }
    spec
}

fn is_set(object: &Value, pointer: &str) -> bool {
    text(object, pointer).is_some_and(|text| !text.is_empty())
}

/// The claim templates without what the server keeps in them.
fn templates(object: &Value) -> Vec<(Value, Value)> {
    let all = crate::object::items(object, "/spec/volumeClaimTemplates");
    all.map(|template| (template["metadata"]["name"].clone(), template["spec"].clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
