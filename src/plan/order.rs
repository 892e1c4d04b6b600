//! What must be there before what: from what objects say of each other, never from a fixed list of waves.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{ObjectRef, items, text};
use crate::references::of_pods;

/// Where an object stands when everything is done one after the other; also the order in which people read a plan.
pub fn rank(reference: &ObjectRef) -> u8 {
    match reference.kind.as_str() {
        "Namespace" => 0,
        "CustomResourceDefinition" | "PriorityClass" | "StorageClass" => 1,
        "ServiceAccount"
        | "ConfigMap"
        | "Secret"
        | "PersistentVolume"
        | "PersistentVolumeClaim"
        | "ResourceQuota"
        | "LimitRange" => 2,
        "Role" | "ClusterRole" => 3,
        "RoleBinding" | "ClusterRoleBinding" => 4,
        "Service" | "NetworkPolicy" | "PodDisruptionBudget" => 5,
        "Pod" | "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" => 6,
        "HorizontalPodAutoscaler" | "Ingress" | "APIService" => 8,
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => 9,
        _ => 7,
    }
}

/// The objects that this one names and cannot start without.
pub fn references(object: &Value) -> Vec<ObjectRef> {
    let Some(own) = ObjectRef::of(object) else { return Vec::new() };
    let namespace = own.namespace.as_deref();
    let mut found = Vec::new();
    if let Some(namespace) = namespace {
        found.push(ObjectRef::new("v1", "Namespace", None, namespace));
    }
    if let Some(spec) = pod_spec(object) {
        found.extend(of_pods(spec).iter().map(|one| ObjectRef::new("v1", one.kind, namespace, one.name)));
    }
    if own.kind.ends_with("RoleBinding") {
        let kind = text(object, "/roleRef/kind").unwrap_or("ClusterRole");
        let scope = if kind == "Role" { namespace } else { None };
        if let Some(name) = text(object, "/roleRef/name") {
            found.push(ObjectRef::new("rbac.authorization.k8s.io/v1", kind, scope, name));
        }
        for subject in items(object, "/subjects").filter(|subject| subject["kind"] == "ServiceAccount") {
            let scope = text(subject, "/namespace").or(namespace);
            found.extend(text(subject, "/name").map(|name| ObjectRef::new("v1", "ServiceAccount", scope, name)));
        }
    }
    // The claim is bound to this one alone; that it was not there yet is looked at again only after a quarter of a minute.
    if own.kind == "PersistentVolumeClaim" {
        let volume = text(object, "/spec/volumeName");
        found.extend(volume.map(|name| ObjectRef::new("v1", "PersistentVolume", None, name)));
    }
    if let (Some(version), Some(kind), Some(name)) = (
        text(object, "/spec/scaleTargetRef/apiVersion"),
        text(object, "/spec/scaleTargetRef/kind"),
        text(object, "/spec/scaleTargetRef/name"),
    ) {
        found.push(ObjectRef::new(version, kind, namespace, name));
    }
    found
}

/// The pod spec within a workload, wherever its kind keeps it.
pub fn pod_spec(object: &Value) -> Option<&Value> {
    match text(object, "/kind")? {
        "Pod" => object.pointer("/spec"),
        "CronJob" => object.pointer("/spec/jobTemplate/spec/template/spec"),
        _ => object.pointer("/spec/template/spec").filter(|spec| spec.get("containers").is_some()),
    }
}

/// The custom kinds that are defined among these objects: (group, kind) to its CustomResourceDefinition.
pub fn defined_kinds<'a>(objects: impl Iterator<Item = &'a Value>) -> BTreeMap<(String, String), ObjectRef> {
    objects
        .filter(|object| object["kind"] == "CustomResourceDefinition")
        .filter_map(|object| {
            let kind = (text(object, "/spec/group")?.to_owned(), text(object, "/spec/names/kind")?.to_owned());
            Some((kind, ObjectRef::of(object)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_workload_needs_what_its_pods_name() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "n"},
            "spec": {"template": {"spec": {"serviceAccountName": "sa",
                "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "c", "configMap": {"name": "conf"}}],
                "containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "s"}}],
                    "env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "keys", "key": "k"}}}]}]}}}});
        let names: Vec<String> = references(&object).iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "Namespace/n",
                "ServiceAccount/n/sa",
                "PersistentVolumeClaim/n/data",
                "ConfigMap/n/conf",
                "Secret/n/s",
                "ConfigMap/n/keys"
            ]
        );
    }

    #[test]
    fn a_claim_needs_the_volume_that_it_names() {
        let claim = |spec: Value| {
            let object = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n"}, "spec": spec});
            references(&object).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(claim(json!({"volumeName": "v"})), ["Namespace/n", "PersistentVolume/v"]);
        assert_eq!(claim(json!({})), ["Namespace/n"]);
    }

    #[test]
    fn a_binding_needs_its_role_and_subjects() {
        let object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "n"},
            "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "sa"}, {"kind": "User", "name": "u"}]});
        let names: Vec<String> = references(&object).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["Namespace/n", "Role/n/r", "ServiceAccount/n/sa"]);
    }
}
