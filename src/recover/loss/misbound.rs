//! Claims whose volume names another claim: a reference that was edited by hand, two volumes whose references were swapped, or two claims
//! on one disk.

use serde_json::Value;

use super::{Loss, LossKind};
use crate::object::{ObjectRef, text};
use crate::recover::Sighting;
use crate::recover::join::{claim_of, volume_ref};

/// Every claim that was bound to a volume which is not its own any more. What a claim names cannot be changed afterwards
/// (`pkg/apis/core/validation`, `ValidatePersistentVolumeClaimUpdate`); what a volume names can.
pub(super) fn all(sighting: &Sighting) -> Vec<Loss> {
    let claims = sighting.snapshot.of_kind("", "PersistentVolumeClaim");
    claims.filter_map(|claim| one(sighting, claim)).collect()
}

/// The volume that a claim was bound to, where that names another claim, this name with the uid of another, or this name with none: it is
/// kept for that name then, and a claim that was bound does not take it (`pkg/controller/volume/persistentvolume`, `syncBoundClaim`).
pub(in crate::recover) fn strayed<'a>(sighting: &'a Sighting, claim: &Value) -> Option<&'a Value> {
    let was_bound = claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes";
    let name = text(claim, "/spec/volumeName").filter(|_| was_bound)?;
    let volume = sighting.snapshot.get(&volume_ref(name))?;
    let strays = match text(volume, "/spec/claimRef/uid").filter(|uid| !uid.is_empty()) {
        Some(names) => Some(names) != text(claim, "/metadata/uid"),
        None => text(claim, "/status/phase") == Some("Lost") && claim_of(volume) == ObjectRef::of(claim),
    };
    strays.then_some(volume)
}

fn one(sighting: &Sighting, claim: &Value) -> Option<Loss> {
    let reference = ObjectRef::of(claim)?;
    let volume = strayed(sighting, claim)?;
    let (named, of) = (ObjectRef::of(volume)?, claim_of(volume)?);
    let uid = text(volume, "/spec/claimRef/uid").unwrap_or_default();
    let what = if of == reference && uid.is_empty() {
        format!("{} names a claim of that name without its uid, and so waits for another one", named.name)
    } else if of == reference {
        format!("{} names a claim of that name with uid {uid}, and this one has another", named.name)
    } else {
        format!("{} names {of}", named.name)
    };
    let mut facts = vec![format!("it was bound to {}, and {what}", named.name)];
    if text(claim, "/status/phase") == Some("Lost") {
        facts.push("its phase is Lost, although its volume is there".to_owned());
    }
    Some(Loss::new(LossKind::ClaimMisbound, Some(reference), Some(named), facts))
}
