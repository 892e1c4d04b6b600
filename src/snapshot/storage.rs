//! Claims and volumes, joined by what they name: which workload wants a claim, and whether a volume was let go. Pure.

use serde_json::Value;

use crate::object::{ObjectRef, items, text};

/// Whether the pods of a workload would use a claim: its template names it, or it makes it for one of them.
pub fn wants(workload: &Value, claim: &ObjectRef) -> bool {
    if text(workload, "/metadata/namespace") != claim.namespace.as_deref() {
        return false;
    }
    let pods = items(workload, "/spec/template/spec/volumes")
        .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == Some(&claim.name));
    pods || makes_claim(workload, &claim.name)
}

/// Whether a StatefulSet makes the claim of this name by itself.
pub fn makes_claim(object: &Value, claim: &str) -> bool {
    made_from(object, claim).is_some()
}

/// The template of a StatefulSet and the ordinal of the pod for which it makes a claim of this name: `<template>-<set>-<ordinal>`.
pub fn made_from<'a>(object: &'a Value, claim: &str) -> Option<(&'a str, u32)> {
    let set = text(object, "/metadata/name").filter(|_| object["kind"] == "StatefulSet")?;
    items(object, "/spec/volumeClaimTemplates").find_map(|template| {
        let template = text(template, "/metadata/name")?;
        let ordinal = claim.strip_prefix(&format!("{template}-{set}-"))?.parse().ok()?;
        Some((template, ordinal))
    })
}

/// Whether the claim that a volume was of is gone, and nobody has erased it yet.
pub fn was_let_go(volume: &Value) -> bool {
    matches!(text(volume, "/status/phase"), Some("Released" | "Failed"))
}

/// Whether whoever made a volume erases it as soon as it can.
pub fn waits_to_be_erased(volume: &Value) -> bool {
    was_let_go(volume) && text(volume, "/spec/persistentVolumeReclaimPolicy") == Some("Delete")
}
