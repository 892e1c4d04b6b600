//! What a pod needs before its containers can start: volumes, and the values of variables.

use serde_json::Value;

use crate::object::{items, text};
use crate::sandbox::world::World;

/// Why a volume of the pod cannot be mounted, in the words of the kubelet.
pub(super) fn volumes(world: &World, pod: &Value) -> Option<String> {
    items(pod, "/spec/volumes").find_map(|volume| mount(world, pod, volume))
}

fn mount(world: &World, pod: &Value, volume: &Value) -> Option<String> {
    let namespace = text(pod, "/metadata/namespace");
    let name = text(volume, "/name").unwrap_or_default();
    let failed = |why: String| Some(format!("MountVolume.SetUp failed for volume \"{name}\" : {why}"));
    if let Some(unmet) = source(world, namespace, volume) {
        return failed(unmet);
    }
    // A projected volume has several sources at once, and in each a Secret is called by its name alone.
    if let Some(unmet) = items(volume, "/projected/sources").find_map(|part| source(world, namespace, part)) {
        return failed(unmet);
    }
    let claim = text(volume, "/persistentVolumeClaim/claimName")?;
    let Some(live) = world.find("PersistentVolumeClaim", namespace, claim) else {
        return failed(format!("persistentvolumeclaim \"{claim}\" not found"));
    };
    // What is mounted stays mounted, whatever becomes of the claim.
    let started = items(pod, "/status/containerStatuses")
        .any(|status| status["restartCount"] != 0 || status["state"].get("waiting").is_none());
    if !started && live["status"]["phase"] != "Bound" {
        return failed(format!("PVC is not bound: {claim}"));
    }
    None
}

/// Why an object that a volume is made of will not do.
fn source(world: &World, namespace: Option<&str>, part: &Value) -> Option<String> {
    for (source, pointer, kind, word) in [
        ("configMap", "/configMap/name", "ConfigMap", "configmap"),
        ("secret", "/secret/secretName", "Secret", "secret"),
        ("secret", "/secret/name", "Secret", "secret"),
    ] {
        let Some(wanted) = text(part, pointer).filter(|_| part[source]["optional"] != true) else { continue };
        let Some(object) = world.find(kind, namespace, wanted) else {
            return Some(format!("{word} \"{wanted}\" not found"));
        };
        let has = |key: &str| object["data"].get(key).is_some() || object["binaryData"].get(key).is_some();
        if items(part, &format!("/{source}/items")).filter_map(|item| text(item, "/key")).any(|key| !has(key)) {
            return Some("references non-existent config key".to_owned());
        }
    }
    None
}

/// Why a container cannot be made: a variable's source is not there.
pub(super) fn environment(world: &World, pod: &Value, container: &Value) -> Option<String> {
    let namespace = text(pod, "/metadata/namespace");
    for variable in items(container, "/env") {
        for (source, kind, word) in
            [("configMapKeyRef", "ConfigMap", "configmap"), ("secretKeyRef", "Secret", "secret")]
        {
            let reference = &variable["valueFrom"][source];
            let (Some(name), Some(key)) = (reference["name"].as_str(), reference["key"].as_str()) else { continue };
            if reference["optional"] == true {
                continue;
            }
            match world.find(kind, namespace, name) {
                None => return Some(format!("{word} \"{name}\" not found")),
                Some(object) if object["data"].get(key).is_none() => {
                    return Some(format!("couldn't find key {key} in {kind} {}/{name}", namespace.unwrap_or_default()));
                }
                Some(_) => {}
            }
        }
    }
    for from in items(container, "/envFrom") {
        for (source, kind, word) in [("configMapRef", "ConfigMap", "configmap"), ("secretRef", "Secret", "secret")] {
            if let Some(name) = from[source]["name"].as_str().filter(|_| from[source]["optional"] != true)
                && world.find(kind, namespace, name).is_none()
            {
                return Some(format!("{word} \"{name}\" not found"));
            }
        }
    }
    None
}
