//! Losses that show on a claim.

use serde_json::Value;

use super::{Loss, LossKind, strayed, was_read};
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::holders;
use crate::recover::Sighting;
use crate::recover::join::{claim_of, claim_ref, volume_ref, workloads};
use std::collections::BTreeSet;

fn claims(sighting: &Sighting) -> impl Iterator<Item = (ObjectRef, &Value)> {
    let of_kind = sighting.snapshot.of_kind("", "PersistentVolumeClaim");
    of_kind.filter_map(|claim| Some((ObjectRef::of(claim)?, claim)))
}

/// A claim that waits for its deletion: still `Bound`, held by `kubernetes.io/pvc-protection` until no pod uses it.
pub(super) fn going(sighting: &Sighting) -> Vec<Loss> {
    let one = |(reference, claim): (ObjectRef, &Value)| {
        let since = text(claim, "/metadata/deletionTimestamp")?;
        let mut facts = vec![format!("its deletion was asked for at {since}")];
        let pods: Vec<&str> =
            holders(&sighting.snapshot, &reference).filter_map(|pod| text(pod, "/metadata/name")).collect();
        if !pods.is_empty() {
            facts.push(format!("it is used by {}", pods.join(", ")));
        }
        let finalizers: Vec<&str> = items(claim, "/metadata/finalizers").filter_map(Value::as_str).collect();
        if finalizers.contains(&"kubernetes.io/pvc-protection") {
            facts.push("kubernetes.io/pvc-protection still holds it".to_owned());
        }
        let volume = text(claim, "/spec/volumeName").map(volume_ref);
        Some(Loss::new(LossKind::ClaimGoing, Some(reference), volume, facts))
    };
    claims(sighting).filter_map(one).collect()
}

/// A claim whose volume object is gone. The event says that the data is lost; for local volumes that is not so.
pub(super) fn lost(sighting: &Sighting) -> Vec<Loss> {
    let one = |(reference, claim): (ObjectRef, &Value)| {
        let name = text(claim, "/spec/volumeName")?;
        let volume = volume_ref(name);
        let lost = text(claim, "/status/phase") == Some("Lost");
        let gone = was_read(sighting, "PersistentVolume") && sighting.snapshot.get(&volume).is_none();
        // A claim that was just made with a volume's name waits for it, and has lost nothing.
        let was_bound = claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes";
        if !(lost || gone && was_bound) || strayed(sighting, claim).is_some() {
            return None;
        }
        let mut facts = Vec::new();
        if lost {
            facts.push("the claim's phase is Lost".to_owned());
        }
        if gone {
            facts.push(format!("there is no PersistentVolume {name}, to which it was bound"));
        }
        Some(Loss::new(LossKind::ClaimLost, Some(reference), Some(volume), facts))
    };
    claims(sighting).filter_map(one).collect()
}

/// A claim that pods or pod templates name, that is not there, and of which no volume is left. Somebody may be about to make it, so
/// only a record that it was there makes that certain.
pub(super) fn gone(sighting: &Sighting) -> Vec<Loss> {
    if !was_read(sighting, "PersistentVolumeClaim") || !was_read(sighting, "PersistentVolume") {
        return Vec::new();
    }
    let absent = |claim: &ObjectRef| sighting.snapshot.get(claim).is_none() && !has_volume(sighting, claim);
    named(sighting).into_iter().filter(absent).map(|claim| one_gone(sighting, claim)).collect()
}

fn one_gone(sighting: &Sighting, claim: ObjectRef) -> Loss {
    let users: Vec<String> =
        workloads(&sighting.snapshot, &claim).iter().map(|workload| workload.pinned.object.short()).collect();
    let mut facts = vec![format!("{} name it, and it is not there", users.join(", "))];
    let then = sighting.records.iter().find_map(|record| {
        let volume = record.volumes.iter().find(|volume| volume.claim == claim)?;
        Some((record, volume))
    });
    facts.extend(then.map(|(record, volume)| {
        let when = record.at.strftime("%F %T UTC");
        format!(
            "it was bound to {} when {} was well, at {when}; that is gone too",
            volume.volume, record.installation.stack
        )
    }));
    let volume = then.map(|(_, volume)| volume_ref(&volume.volume));
    Loss::new(LossKind::ClaimGone, Some(claim), volume, facts)
}

fn has_volume(sighting: &Sighting, claim: &ObjectRef) -> bool {
    sighting.snapshot.of_kind("", "PersistentVolume").any(|volume| claim_of(volume).as_ref() == Some(claim))
}

/// Every claim that the pods of a workload name, or would name.
fn named(sighting: &Sighting) -> BTreeSet<ObjectRef> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let templates = kinds.into_iter().flat_map(|kind| sighting.snapshot.of_kind("apps", kind));
    let names = |workload: &Value| {
        let namespace = text(workload, "/metadata/namespace").unwrap_or_default().to_owned();
        let volumes = items(workload, "/spec/template/spec/volumes");
        volumes
            .filter_map(move |volume| Some(claim_ref(&namespace, text(volume, "/persistentVolumeClaim/claimName")?)))
            .collect::<Vec<_>>()
    };
    templates.flat_map(names).collect()
}
