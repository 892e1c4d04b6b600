//! Losses that show on a claim.

use serde_json::Value;

use super::{Loss, LossKind, strayed, was_read};
use crate::engine::rescue::Files;
use crate::object::{ObjectRef, has_ended, items, text};
use crate::plan::verb::holders;
use crate::recover::join::{claim_of, claim_ref, volume_ref, workloads};
use crate::recover::record::VolumeRecord;
use crate::recover::{Sighting, former};
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

/// A claim that pods or pod templates name, or that a record knows with files, that is not there, and of which no volume is left. Somebody
/// may be about to make it, so only a record that it was there makes that certain; where nobody names it any more, only that its namespace
/// is gone or goes, too.
pub(super) fn gone(sighting: &Sighting) -> Vec<Loss> {
    if !was_read(sighting, "PersistentVolumeClaim") || !was_read(sighting, "PersistentVolume") {
        return Vec::new();
    }
    let absent = |claim: &ObjectRef| sighting.snapshot.get(claim).is_none() && !has_volume(sighting, claim);
    let mut claims = named(sighting);
    claims.extend(recorded(sighting));
    claims.into_iter().filter(absent).map(|claim| one_gone(sighting, claim)).collect()
}

fn one_gone(sighting: &Sighting, claim: ObjectRef) -> Loss {
    let mut users: Vec<String> =
        workloads(&sighting.snapshot, &claim).iter().map(|workload| workload.pinned.object.short()).collect();
    if users.is_empty() {
        users.extend(holders(&sighting.snapshot, &claim).filter_map(ObjectRef::of).map(|pod| pod.short()));
    }
    let mut facts = Vec::new();
    if let [.., _] = users.as_slice() {
        let name = if users.len() == 1 { "names" } else { "name" };
        facts.push(format!("{} {name} it, and it is not there", users.join(", ")));
    }
    let then = sighting.records.iter().find_map(|record| {
        let volume = record.volumes.iter().find(|volume| volume.claim == claim)?;
        Some((record, volume))
    });
    facts.extend(then.map(|(record, volume)| {
        let when = record.at.strftime("%F %T UTC");
        format!(
            "it was bound to {} when {} was well, at {when}; {} gone",
            volume.volume,
            record.installation.stack,
            if users.is_empty() { "both are" } else { "that is" }
        )
    }));
    facts.extend(gone_with_namespace(sighting, &claim));
    let volume = then.map(|(_, volume)| volume_ref(&volume.volume));
    let gone = former::of_claim(sighting, &claim).into_iter().collect();
    Loss { gone, ..Loss::new(LossKind::ClaimGone, Some(claim), volume, facts) }
}

/// That the namespace of a claim is gone, or goes. A picture without any namespace tells nothing of them.
fn gone_with_namespace(sighting: &Sighting, claim: &ObjectRef) -> Option<String> {
    let snapshot = &sighting.snapshot;
    let name = claim.namespace.as_deref()?;
    snapshot.of_kind("", "Namespace").next()?;
    match snapshot.get(&ObjectRef::new("v1", "Namespace", None, name)) {
        None => was_read(sighting, "Namespace").then(|| format!("there is no namespace {name} any more")),
        Some(live) => {
            text(live, "/metadata/deletionTimestamp").map(|since| format!("namespace {name} was told to go at {since}"))
        }
    }
}

/// Every claim that did not hold nothing when it was last known to be well, as far as it was looked for.
fn recorded(sighting: &Sighting) -> impl Iterator<Item = ObjectRef> {
    let is_empty = |volume: &&VolumeRecord| matches!(volume.files, Files::Counted { files: 0, .. });
    let claims = sighting.records.iter().flat_map(|record| &record.volumes).filter(move |volume| !is_empty(volume));
    let is_here =
        |claim: &ObjectRef| sighting.namespace.is_none() || sighting.namespace.as_deref() == claim.namespace.as_deref();
    claims.map(|volume| volume.claim.clone()).filter(is_here)
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
    // What is made by a kind that is not read shows in its pods.
    let pods = sighting.snapshot.of_kind("", "Pod").filter(|pod| !has_ended(pod));
    let by_pods = pods.flat_map(|pod| {
        let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
        let volumes = items(pod, "/spec/volumes");
        volumes.filter_map(move |volume| Some(claim_ref(namespace, text(volume, "/persistentVolumeClaim/claimName")?)))
    });
    templates.flat_map(names).chain(by_pods).collect()
}
