//! Volumes that were let go, are to be erased, and stay.

use serde_json::Value;

use super::nodes::{Host, state};
use super::volumes::wanted;
use super::{Loss, LossKind};
use crate::object::{ObjectRef, text};
use crate::plan::verb::QUARANTINE;
use crate::recover::Sighting;
use crate::recover::join::{claim_of, hosts, place_of};
use crate::snapshot::provisioner::{Maker, made_by, maker};
use crate::snapshot::storage::waits_to_be_erased;

/// Every volume that nobody wants, has the policy Delete, and of which something says why it is not erased. One that is wanted is another
/// loss, and one that is only on its way shows no reason.
pub(super) fn all(sighting: &Sighting) -> Vec<Loss> {
    sighting.snapshot.of_kind("", "PersistentVolume").filter_map(|volume| one(sighting, volume)).collect()
}

fn one(sighting: &Sighting, volume: &Value) -> Option<Loss> {
    let phase = text(volume, "/status/phase").filter(|_| is_to_be_erased(volume))?;
    let (reference, claim) = (ObjectRef::of(volume)?, claim_of(volume)?);
    if !wanted(sighting, &claim, &reference.name).is_empty() {
        return None;
    }
    let mut facts =
        vec![format!("{} is {phase} with policy Delete, and is still there ({})", reference.name, place_of(volume))];
    facts.extend(why_not(sighting, volume));
    (facts.len() > 1).then(|| Loss::new(LossKind::VolumeUnerased, Some(claim), Some(reference), facts))
}

/// Whether it was let go and nothing keeps it.
pub(in crate::recover) fn is_to_be_erased(volume: &Value) -> bool {
    waits_to_be_erased(volume) && volume["metadata"]["labels"].get(QUARANTINE).is_none()
}

fn why_not(sighting: &Sighting, volume: &Value) -> Vec<String> {
    let mut why: Vec<String> =
        text(volume, "/status/message").map(|said| format!("the cluster says: {said}")).into_iter().collect();
    match made_by(volume).map(|by| (by, maker(&sighting.snapshot, by))) {
        Some((by, Maker::Idle(_))) => why.push(format!("{by} erases it, and has no pod that is ready")),
        Some((by, Maker::Absent)) => {
            why.push(format!("{by} erases it, and no workload of the cluster answers to that"));
        }
        _ => {}
    }
    let away = |host: &str| !matches!(state(sighting, host), Host::There);
    why.extend(
        hosts(volume).into_iter().find(|host| away(host)).map(|host| format!("node {host}, on which it lies, is away")),
    );
    why
}
