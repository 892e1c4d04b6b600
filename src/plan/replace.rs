//! What is done when a field can no longer be changed: the object is deleted and made anew, where that loses nothing that cannot be had again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FieldChange;
use super::compare::compare;
use super::install::{field_change, is_protected};
use crate::object::text;

/// How an object is replaced, and what that means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replacement {
    /// Field by field, what the new one has otherwise.
    pub fields: Vec<FieldChange>,
    /// The incarnation that goes.
    pub uid: String,
    /// In the API server's words, why it cannot be changed.
    pub said: String,
    /// What the replacement does to those who use it.
    pub effect: String,
    /// Its pods go on without it, and the new one takes them over.
    pub leaves_pods: bool,
}

/// How a live object could be replaced by the wanted one.
///
/// # Errors
/// Why it must not be.
pub fn replacement(wanted: &Value, live: &Value, said: &str) -> Result<Replacement, String> {
    let kind = text(live, "/kind").or(text(wanted, "/kind")).unwrap_or_default();
    let (effect, leaves_pods) = effect(kind, wanted, live)?;
    let uid = text(live, "/metadata/uid").unwrap_or_default().to_owned();
    let fields = compare(wanted, live).changed.into_iter().map(field_change).collect();
    Ok(Replacement { fields, uid, said: said.to_owned(), effect: effect.to_owned(), leaves_pods })
}

fn effect(kind: &str, wanted: &Value, live: &Value) -> Result<(&'static str, bool), String> {
    let same_pods = live.pointer("/spec/selector") == wanted.pointer("/spec/selector");
    Ok(match kind {
        _ if is_protected(kind) => return Err("it may hold what cannot be had again".to_owned()),
        "StatefulSet" if deletes_claims(live) => {
            return Err(
                "its claims would be deleted with it (persistentVolumeClaimRetentionPolicy.whenDeleted)".to_owned()
            );
        }
        "StatefulSet" if same_pods => {
            ("its pods go on meanwhile and are taken over; claims that are there stay as they are", true)
        }
        "StatefulSet" => ("its pods end before new ones start; its claims stay", false),
        "Deployment" | "DaemonSet" => ("its pods end before new ones start", false),
        "Job" => ("it runs once more", false),
        "Service" => ("it gets another cluster address, and connections break", false),
        "ConfigMap" => ("pods read the new one when they start", false),
        "RoleBinding" | "ClusterRoleBinding" => ("for a moment nobody has the rights that it gives", false),
        "StorageClass" => ("volumes that it has made stay as they are", false),
        "CronJob" | "Ingress" | "NetworkPolicy" | "PodDisruptionBudget" | "IngressClass" | "PriorityClass" => {
            ("for a moment it is not there", false)
        }
        _ => return Err(format!("nobody knows here what goes with a {kind}")),
    })
}

fn deletes_claims(live: &Value) -> bool {
    text(live, "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted") == Some("Delete")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(kind: &str, wanted: Value, live: Value) -> Result<(String, bool), String> {
        let object = |spec: Value| json!({"kind": kind, "metadata": {"uid": "u"}, "spec": spec});
        replacement(&object(wanted), &object(live), "said").map(|it| (it.effect, it.leaves_pods))
    }

    #[test]
    fn what_may_hold_data_is_not_replaced() {
        for kind in [
            "PersistentVolumeClaim",
            "PersistentVolume",
            "Namespace",
            "Secret",
            "CustomResourceDefinition",
            "Prometheus",
        ] {
            assert!(of(kind, json!({}), json!({})).is_err(), "{kind}");
        }
        let deletes = json!({"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}});
        assert!(of("StatefulSet", json!({}), deletes).unwrap_err().contains("claims would be deleted"));
    }

    #[test]
    fn pods_of_a_set_go_on_where_the_new_one_selects_them() {
        let app = |name: &str| json!({"selector": {"matchLabels": {"app": name}}});
        assert!(of("StatefulSet", app("a"), app("a")).unwrap().1);
        assert!(!of("StatefulSet", app("b"), app("a")).unwrap().1);
        assert!(!of("Deployment", app("b"), app("a")).unwrap().1, "pods that nobody selects would stay for ever");
    }
}
