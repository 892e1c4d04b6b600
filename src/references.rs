//! What the pods of a workload name: ConfigMaps, Secrets, claims, an account. Pure.

use serde_json::Value;

use crate::object::{items, text};

/// Something that a pod names in its own namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// `ConfigMap`, `Secret`, `PersistentVolumeClaim` or `ServiceAccount`.
    pub kind: &'static str,
    /// Its name; never empty.
    pub name: &'a str,
    /// The entry that is asked for; `None`: the whole object.
    pub key: Option<&'a str>,
    /// What becomes of the pod without it.
    pub need: Need,
}

/// What becomes of a pod without something that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It does not start.
    Required,
    /// It starts all the same (`optional: true`).
    Optional,
    /// It starts where its images are there, or can be had without it.
    Pull,
}

/// A reference by its field, as `containers[].env[].valueFrom` and the sources of volumes have them.
const BY_KEY: [(&str, &str); 2] = [("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")];
const WHOLE: [(&str, &str); 2] = [("Secret", "secretRef"), ("ConfigMap", "configMapRef")];
const MOUNTED: [(&str, &str); 2] = [("Secret", "secret"), ("ConfigMap", "configMap")];

/// Everything that a pod of this specification names, as often as it does.
pub fn of_pods(spec: &Value) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    let mut add = |kind, name, key, need| found.extend(named(kind, name, key, need));
    add("ServiceAccount", text(spec, "/serviceAccountName"), None, Need::Required);
    for secret in items(spec, "/imagePullSecrets") {
        add("Secret", text(secret, "/name"), None, Need::Pull);
    }
    for volume in items(spec, "/volumes") {
        add("PersistentVolumeClaim", text(volume, "/persistentVolumeClaim/claimName"), None, Need::Required);
    }
    let volumes =
        items(spec, "/volumes").chain(items(spec, "/volumes").flat_map(|one| items(one, "/projected/sources")));
    for (volume, (kind, field)) in volumes.flat_map(|volume| MOUNTED.map(|way| (volume, way))) {
        let Some(source) = volume.get(field) else { continue };
        let name = text(source, "/secretName").or_else(|| text(source, "/name"));
        add(kind, name, None, need(source));
        for item in items(source, "/items") {
            add(kind, name, text(item, "/key"), need(source));
        }
    }
    for container in items(spec, "/containers").chain(items(spec, "/initContainers")) {
        for (from, (kind, field)) in items(container, "/envFrom").flat_map(|from| WHOLE.map(|way| (from, way))) {
            add(kind, text(&from[field], "/name"), None, need(&from[field]));
        }
        for (variable, (kind, field)) in items(container, "/env").flat_map(|one| BY_KEY.map(|way| (one, way))) {
            let from = &variable["valueFrom"][field];
            add(kind, text(from, "/name"), text(from, "/key"), need(from));
        }
    }
    found
}

fn named<'a>(kind: &'static str, name: Option<&'a str>, key: Option<&'a str>, need: Need) -> Option<Named<'a>> {
    name.filter(|name| !name.is_empty()).map(|name| Named { kind, name, key, need })
}

fn need(source: &Value) -> Need {
    if source["optional"] == true { Need::Optional } else { Need::Required }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_way_of_naming_something_is_known() {
        let spec = json!({"serviceAccountName": "runner", "imagePullSecrets": [{"name": "pull"}],
            "containers": [{"envFrom": [{"configMapRef": {"name": "all"}}, {"secretRef": {"name": "maybe", "optional": true}}]}],
            "initContainers": [{"env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}, {"name": "Q"}]}],
            "volumes": [{"configMap": {"name": "conf", "items": [{"key": "x"}]}}, {"persistentVolumeClaim": {"claimName": "data"}},
                {"projected": {"sources": [{"secret": {"name": "part"}}]}}, {"secret": {"secretName": "soft", "optional": true}}, {"emptyDir": {}}]});
        let told: Vec<String> = of_pods(&spec)
            .iter()
            .map(|one| format!("{} {} {} {:?}", one.kind, one.name, one.key.unwrap_or("-"), one.need))
            .collect();
        assert_eq!(
            told,
            [
                "ServiceAccount runner - Required",
                "Secret pull - Pull",
                "PersistentVolumeClaim data - Required",
                "ConfigMap conf - Required",
                "ConfigMap conf x Required",
                "Secret soft - Optional",
                "Secret part - Required",
                "ConfigMap all - Required",
                "Secret maybe - Optional",
                "Secret login password Required"
            ]
        );
        assert_eq!(of_pods(&json!({"serviceAccountName": "", "containers": [{"env": [{"valueFrom": {}}]}]})), []);
    }
}
