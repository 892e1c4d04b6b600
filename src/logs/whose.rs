//! Which pods are an object's. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{ObjectRef, items, text};

/// What makes a pod one of an object's.
pub(super) enum Whose {
    /// It is the pod.
    Itself(ObjectRef),
    /// It is owned: directly, or by a ReplicaSet that is named after its Deployment and the pod's template.
    Owned(ObjectRef),
    /// It mounts this claim.
    Mounting(ObjectRef),
    /// It has these labels.
    Selected(BTreeMap<String, String>),
}

impl Whose {
    /// By the kind of the object; `None` for kinds that have no pods. What a Service selects has to be read.
    pub(super) fn of(object: &ObjectRef) -> Option<Self> {
        match (object.group(), object.kind.as_str()) {
            ("", "Pod") => Some(Self::Itself(object.clone())),
            ("", "PersistentVolumeClaim") => Some(Self::Mounting(object.clone())),
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
                Some(Self::Owned(object.clone()))
            }
            // Custom kinds own their pods as those of Kubernetes do; which of them have any shows.
            (group, _) if group.contains('.') && !group.ends_with(".k8s.io") => Some(Self::Owned(object.clone())),
            _ => None,
        }
    }

    pub(super) fn owns(&self, pod: &Value) -> bool {
        match self {
            Self::Itself(object) => text(pod, "/metadata/name") == Some(object.name.as_str()),
            Self::Owned(object) => {
                let hash = text(pod, "/metadata/labels/pod-template-hash");
                items(pod, "/metadata/ownerReferences").any(|owner| {
                    let (kind, name) = (text(owner, "/kind"), text(owner, "/name").unwrap_or_default());
                    let is_set = kind == Some("ReplicaSet") && object.kind == "Deployment";
                    let of_set = || hash.is_some_and(|hash| name == format!("{}-{hash}", object.name));
                    (kind == Some(object.kind.as_str()) && name == object.name) || (is_set && of_set())
                })
            }
            Self::Mounting(claim) => items(pod, "/spec/volumes")
                .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == Some(claim.name.as_str())),
            Self::Selected(labels) => {
                labels.iter().all(|(key, value)| pod["metadata"]["labels"][key.as_str()] == value.as_str())
            }
        }
    }
}

/// Why there are no logs of it.
pub(super) fn without_pods(object: &ObjectRef) -> String {
    format!("{object} has no pods, and so no logs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_are_known_by_their_owners_claims_and_labels() {
        let pod = json!({"metadata": {"name": "web-5d9-x", "labels": {"app": "web", "pod-template-hash": "5d9"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d9"}]},
            "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}});
        let object = |version: &str, kind: &str, name: &str| ObjectRef::new(version, kind, Some("sea"), name);
        let owns = |object: &ObjectRef| Whose::of(object).is_some_and(|whose| whose.owns(&pod));
        let mine = [
            ("apps/v1", "Deployment", "web"),
            ("apps/v1", "ReplicaSet", "web-5d9"),
            ("v1", "Pod", "web-5d9-x"),
            ("v1", "PersistentVolumeClaim", "data"),
        ];
        for (version, kind, name) in mine {
            assert!(owns(&object(version, kind, name)), "{kind}");
        }
        // `we` is not its Deployment because its name begins so, and a StatefulSet of that name is another one.
        let others = [("apps/v1", "Deployment", "we"), ("apps/v1", "StatefulSet", "web"), ("v1", "ConfigMap", "web")];
        for (version, kind, name) in others {
            assert!(!owns(&object(version, kind, name)), "{kind}/{name}");
        }
        let labels = |value: &str| Whose::Selected([("app".to_owned(), value.to_owned())].into());
        assert!(labels("web").owns(&pod) && !labels("mq").owns(&pod));
    }

    #[test]
    fn what_others_define_may_have_pods_and_what_kubernetes_defines_is_known() {
        let of = |version: &str, kind: &str| Whose::of(&ObjectRef::new(version, kind, Some("sea"), "x")).is_some();
        assert!(of("apps.kruise.io/v1alpha1", "CloneSet"));
        assert!(
            !of("networking.k8s.io/v1", "Ingress")
                && !of("rbac.authorization.k8s.io/v1", "Role")
                && !of("v1", "Secret")
        );
    }
}
