//! Says whether an object is ready, from what the API server last said about it. Pure, and never more than one look.
//!
//! The rules follow what Kubernetes documents for each kind, what `kubectl rollout status` waits for
//! (`k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go`) and kstatus (`sigs.k8s.io/cli-utils/pkg/kstatus`). Where they
//! differ the rule says which it follows. One rule is common to all: a status that describes an older generation says
//! nothing about the object as it is wanted now.
//!
//! Of the snapshot only claims need anything: `StorageClass`, Pod and Event.

mod claim;
mod network;
mod other;
mod workload;

use serde_json::Value;

use crate::doctor::stall::words::clip;
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::Snapshot;

pub(crate) use claim::{binds_at_first_use, claims, consumers};

/// How an object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It does what it is there for.
    Ready {
        /// Something worth saying, such as an address.
        note: Option<String>,
    },
    /// Not yet.
    Waiting {
        /// How far it is: `1 of 3 pods ready`.
        progress: String,
    },
    /// It says itself that it failed and will not try again.
    Failed {
        /// The reason in a word, as Kubernetes names it.
        reason: String,
        /// What Kubernetes says about it.
        message: String,
    },
}

impl Readiness {
    fn ready() -> Self {
        Self::Ready { note: None }
    }

    fn noted(note: impl Into<String>) -> Self {
        Self::Ready { note: Some(note.into()) }
    }

    fn waiting(progress: impl Into<String>) -> Self {
        Self::Waiting { progress: progress.into() }
    }

    fn failed(condition: &Value, otherwise: &str) -> Self {
        Self::Failed {
            reason: text(condition, "/reason").filter(|reason| !reason.is_empty()).unwrap_or(otherwise).to_owned(),
            message: clip(text(condition, "/message").unwrap_or_default()),
        }
    }
}

/// The API groups whose kinds come with Kubernetes; every other group was added to the cluster.
const BUILT_IN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether the kind came with Kubernetes.
fn is_built_in(reference: &ObjectRef) -> bool {
    BUILT_IN_GROUPS.contains(&reference.group())
}

/// Whether an object of this kind becomes ready some time after it was written, so that waiting for it means something.
pub fn is_awaited(reference: &ObjectRef) -> bool {
    matches!(
        reference.kind.as_str(),
        "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "Job"
            | "Pod"
            | "PersistentVolumeClaim"
            | "Service"
            | "Ingress"
            | "CustomResourceDefinition"
            | "APIService"
    ) || !is_built_in(reference)
}

/// Whether the object is ready; the snapshot is asked only for what is around it.
pub fn judge(object: &Value, snapshot: &Snapshot) -> Readiness {
    let Some(reference) = ObjectRef::of(object) else { return Readiness::waiting("unknown") };
    if text(object, "/metadata/deletionTimestamp").is_some() {
        return Readiness::waiting("being deleted");
    }
    if is_behind(object, &reference) {
        return Readiness::waiting("its controller has not seen the change yet");
    }
    match (reference.group(), reference.kind.as_str()) {
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("apps", "ReplicaSet") => workload::replica_set(object),
        ("batch", "Job") => workload::job(object),
        ("", "Pod") => workload::pod(object),
        ("", "PersistentVolumeClaim") => claim::claim(object, &reference, snapshot),
        ("", "Service") => network::service(object),
        ("networking.k8s.io", "Ingress") => network::ingress(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => other::definition(object),
        ("apiregistration.k8s.io", "APIService") => other::api_service(object),
        _ if is_built_in(&reference) => Readiness::ready(),
        _ => other::custom(object),
    }
}

/// Whether the status describes an older generation. The controllers of workloads always write the generation that they
/// saw, so there its absence means that they have seen none; other kinds may not have the field.
fn is_behind(object: &Value, reference: &ObjectRef) -> bool {
    let generation = number(object, "/metadata/generation").unwrap_or(0);
    match number(object, "/status/observedGeneration") {
        Some(seen) => seen < generation,
        None => reference.group() == "apps" && reference.kind != "ControllerRevision",
    }
}

/// The condition of this type.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, "/status/conditions").find(|condition| condition["type"] == kind)
}

/// `reason: message` of a condition, as far as it says anything.
fn says(condition: &Value) -> String {
    let part = |pointer| text(condition, pointer).filter(|text| !text.is_empty());
    clip(&match (part("/reason"), part("/message")) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (one, other) => one.or(other).unwrap_or("not ready").to_owned(),
    })
}

#[cfg(test)]
mod tests;
