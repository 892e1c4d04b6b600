//! `PersistentVolumeClaim`.

use serde_json::Value;

use super::Readiness;
use crate::object::{ObjectRef, has_ended, items, text};
use crate::snapshot::Snapshot;

/// Kubernetes: phase `Bound`. A claim whose class binds at the first use is as ready as it can be while nothing uses it;
/// kstatus would wait for ever.
pub(super) fn claim(object: &Value, reference: &ObjectRef, snapshot: &Snapshot) -> Readiness {
    match text(object, "/status/phase") {
        Some("Bound") => Readiness::ready(),
        Some("Lost") => Readiness::Failed {
            reason: "Lost".to_owned(),
            message: format!("the volume {} is gone", text(object, "/spec/volumeName").unwrap_or("of the claim")),
        },
        _ if !binds_at_first_use(object, reference, snapshot) => Readiness::waiting("not bound to a volume yet"),
        _ => match consumers(reference, snapshot).next().and_then(|pod| text(pod, "/metadata/name")) {
            Some(pod) => Readiness::waiting(format!("waits for the pod {pod} to get a node")),
            None => Readiness::noted("waits for its first consumer"),
        },
    }
}

/// Whether the claim's class binds at the first use. Where the classes are not known, the event that the volume binder
/// writes about such a claim tells it.
pub(crate) fn binds_at_first_use(object: &Value, reference: &ObjectRef, snapshot: &Snapshot) -> bool {
    let class = text(object, "/spec/storageClassName").unwrap_or_default();
    match snapshot.get(&ObjectRef::new("storage.k8s.io/v1", "StorageClass", None, class)) {
        Some(class) => text(class, "/volumeBindingMode") == Some("WaitForFirstConsumer"),
        None => snapshot.events_about(reference).any(|event| event["reason"] == "WaitForFirstConsumer"),
    }
}

/// The pods that mount the claim and have not ended.
pub(crate) fn consumers<'a>(reference: &ObjectRef, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Value> {
    let name = reference.name.clone();
    snapshot
        .in_namespace("", "Pod", reference.namespace.as_deref().unwrap_or_default())
        .filter(|pod| !has_ended(pod))
        .filter(move |pod| claims(pod).any(|claim| claim == name))
}

/// The names of the claims that a pod mounts. A generic ephemeral volume makes a claim `POD-VOLUME`.
pub(crate) fn claims(pod: &Value) -> impl Iterator<Item = String> {
    let own = text(pod, "/metadata/name").unwrap_or_default();
    items(pod, "/spec/volumes").filter_map(move |volume| {
        let named = text(volume, "/persistentVolumeClaim/claimName").map(str::to_owned);
        let made = || volume.get("ephemeral").and(text(volume, "/name")).map(|name| format!("{own}-{name}"));
        named.or_else(made)
    })
}
