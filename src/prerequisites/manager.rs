//! Who looks after an object: what may be changed, and what would be changed back.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::object::{items, text};
use crate::plan::{FIELD_MANAGER, STACK_LABEL};

/// Who looks after an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Manager {
    /// This program.
    Seaworthy,
    /// The deploy controller of k3s or RKE2, which applies it anew at every start.
    Addon {
        /// Name of the `AddOn`.
        name: String,
    },
    /// Helm.
    Helm {
        /// `namespace/name` of the release.
        release: String,
    },
    /// Argo CD.
    ArgoCd {
        /// The application, or what tracks it.
        application: String,
    },
    /// Flux.
    Flux {
        /// `namespace/name` of the Kustomization or `HelmRelease`.
        source: String,
    },
    /// The Operator Lifecycle Manager.
    Olm,
    /// The addon manager of minikube and of clouds.
    AddonManager {
        /// `Reconcile`: changes are undone; `EnsureExists`: only made.
        mode: String,
    },
    /// Another controller that owns it.
    Controller {
        /// `Kind/name` of the owner.
        owner: String,
    },
    /// A person, with kubectl; kind at a cluster's creation does so, too.
    Hand,
    /// Nobody that left a mark.
    Nobody,
}

impl Manager {
    /// What the words for nobody mean, for whoever wants to know more.
    pub fn explained(&self) -> Option<&'static str> {
        (*self == Self::Nobody)
            .then_some("somebody unknown: nothing on the objects says who made them, or looks after them")
    }

    /// Who looks after this object. The marks are looked for in the order in which they are sure.
    pub fn of(object: &Value) -> Self {
        let first = [ours, addon, helm, argo, flux, olm, addon_manager, controller];
        first.iter().find_map(|find| find(object)).unwrap_or_else(|| by_hand(object))
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seaworthy => f.write_str("seaworthy"),
            Self::Addon { name } => write!(f, "the k3s addon {name}"),
            Self::Helm { release } => write!(f, "the Helm release {release}"),
            Self::ArgoCd { application } => write!(f, "Argo CD ({application})"),
            Self::Flux { source } => write!(f, "Flux ({source})"),
            Self::Olm => f.write_str("the Operator Lifecycle Manager"),
            Self::AddonManager { mode } => write!(f, "the addon manager ({mode})"),
            Self::Controller { owner } => write!(f, "its owner {owner}"),
            Self::Hand => f.write_str("kubectl"),
            Self::Nobody => f.write_str("somebody unknown"),
        }
    }
}

fn mark<'a>(object: &'a Value, place: &str, name: &str) -> Option<&'a str> {
    object.get("metadata")?.get(place)?.get(name)?.as_str()
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    mark(object, "annotations", name)
}

fn label<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    mark(object, "labels", name)
}

fn managers(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    items(object, "/metadata/managedFields")
        .filter_map(|entry| Some((text(entry, "/manager")?, text(entry, "/operation")?)))
}

/// The label alone may have been copied.
fn ours(object: &Value) -> Option<Manager> {
    let applied = managers(object).any(|entry| entry == (FIELD_MANAGER, "Apply"));
    (applied && label(object, STACK_LABEL).is_some()).then_some(Manager::Seaworthy)
}

fn addon(object: &Value) -> Option<Manager> {
    let kind = annotation(object, "objectset.rio.cattle.io/owner-gvk")?;
    let name = annotation(object, "objectset.rio.cattle.io/owner-name").unwrap_or("of no name");
    kind.contains("Kind=Addon").then(|| Manager::Addon { name: name.to_owned() })
}

/// `helm template | kubectl apply` leaves the label without the annotations: that is by hand.
fn helm(object: &Value) -> Option<Manager> {
    let name = annotation(object, "meta.helm.sh/release-name")?;
    let namespace = annotation(object, "meta.helm.sh/release-namespace").unwrap_or_default();
    Some(Manager::Helm { release: format!("{namespace}/{name}") })
}

fn argo(object: &Value) -> Option<Manager> {
    let tracked = annotation(object, "argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    let application = tracked.or_else(|| label(object, "argocd.argoproj.io/instance"))?;
    Some(Manager::ArgoCd { application: application.to_owned() })
}

fn flux(object: &Value) -> Option<Manager> {
    let source = |tool: &str| {
        let name = label(object, &format!("{tool}.toolkit.fluxcd.io/name"))?;
        let namespace = label(object, &format!("{tool}.toolkit.fluxcd.io/namespace")).unwrap_or_default();
        Some(Manager::Flux { source: format!("{namespace}/{name}") })
    };
    source("kustomize").or_else(|| source("helm"))
}

fn olm(object: &Value) -> Option<Manager> {
    let operator = items(object, "/metadata/ownerReferences").any(|owner| owner["kind"] == "ClusterServiceVersion");
    (operator || label(object, "olm.managed") == Some("true")).then_some(Manager::Olm)
}

fn addon_manager(object: &Value) -> Option<Manager> {
    let mode = label(object, "addonmanager.kubernetes.io/mode")?;
    Some(Manager::AddonManager { mode: mode.to_owned() })
}

fn controller(object: &Value) -> Option<Manager> {
    let owner = items(object, "/metadata/ownerReferences").find(|owner| owner["controller"] == true)?;
    let part = |pointer| text(owner, pointer).unwrap_or_default();
    Some(Manager::Controller { owner: format!("{}/{}", part("/kind"), part("/name")) })
}

fn by_hand(object: &Value) -> Manager {
    let kubectl = managers(object).any(|(manager, _)| manager == "kubectl" || manager.starts_with("kubectl-"));
    let applied = annotation(object, "kubectl.kubernetes.io/last-applied-configuration").is_some();
    if kubectl || applied { Manager::Hand } else { Manager::Nobody }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(metadata: &Value) -> String {
        Manager::of(&json!({"metadata": metadata})).to_string()
    }

    #[test]
    fn each_leaves_its_own_mark() {
        let apply = |manager: &str| json!([{"manager": manager, "operation": "Apply"}]);
        let table = [
            (json!({"labels": {STACK_LABEL: "a"}, "managedFields": apply(FIELD_MANAGER)}), "seaworthy"),
            (json!({"labels": {STACK_LABEL: "a"}, "managedFields": apply("other")}), "somebody unknown"),
            (
                json!({"annotations": {"objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
                    "objectset.rio.cattle.io/owner-name": "local-storage"}}),
                "the k3s addon local-storage",
            ),
            (
                json!({"labels": {"app.kubernetes.io/managed-by": "Helm"},
                    "annotations": {"meta.helm.sh/release-name": "m", "meta.helm.sh/release-namespace": "n"}}),
                "the Helm release n/m",
            ),
            (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "managedFields": apply("kubectl")}), "kubectl"),
            (json!({"annotations": {"argocd.argoproj.io/tracking-id": "app:apps/Deployment:n/d"}}), "Argo CD (app)"),
            (
                json!({"labels": {"helm.toolkit.fluxcd.io/name": "m", "helm.toolkit.fluxcd.io/namespace": "n"}}),
                "Flux (n/m)",
            ),
            (
                json!({"ownerReferences": [{"kind": "ClusterServiceVersion", "name": "x", "controller": true}]}),
                "the Operator Lifecycle Manager",
            ),
            (json!({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}), "the addon manager (Reconcile)"),
            (json!({"ownerReferences": [{"kind": "MetalLB", "name": "m", "controller": true}]}), "its owner MetalLB/m"),
            (json!({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}), "kubectl"),
        ];
        for (metadata, manager) in table {
            assert_eq!(said(&metadata), manager, "{metadata}");
        }
    }
}
