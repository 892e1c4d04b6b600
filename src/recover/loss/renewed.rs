//! Claims of a `StatefulSet` that were made anew, empty, by the set itself: its pods run, and what they had is elsewhere or gone.

use jiff::Timestamp;
use serde_json::Value;

use super::{Loss, LossKind, was_read};
use crate::object::{ObjectRef, text};
use crate::plan::verb::QUARANTINE;
use crate::recover::join::{claim_of, place_of, volume_ref};
use crate::recover::{Sighting, former};
use crate::snapshot::storage::makes_claim;

/// A set makes the claims of its pods within this time of its own making, seconds; one that is younger by more was made again.
const WITH_ITS_SET: i64 = 60;

/// Every claim that was made anew and bound to another volume than it had.
pub(super) fn all(sighting: &Sighting) -> Vec<Loss> {
    let claims = sighting.snapshot.of_kind("", "PersistentVolumeClaim");
    claims.filter_map(|claim| one(sighting, claim)).collect()
}

/// Whether a claim is one that its set has made anew: the volume that it had is then not merely wanted, another one is in its place.
pub(super) fn is_renewed(sighting: &Sighting, claim: &ObjectRef) -> bool {
    sighting.snapshot.get(claim).and_then(|live| one(sighting, live)).is_some()
}

fn one(sighting: &Sighting, claim: &Value) -> Option<Loss> {
    let reference = ObjectRef::of(claim)?;
    let bound = text(claim, "/status/phase") == Some("Bound") && text(claim, "/metadata/deletionTimestamp").is_none();
    let now = text(claim, "/spec/volumeName").filter(|_| bound)?;
    let sets = sighting.snapshot.of_kind("apps", "StatefulSet");
    let set = sets.into_iter().find(|set| {
        text(set, "/metadata/namespace") == reference.namespace.as_deref() && makes_claim(set, &reference.name)
    })?;
    let (kind, volume, fact) = former(sighting, &reference, claim, now)?;
    let mut facts = vec![fact];
    facts.extend(younger(sighting, set, claim));
    if kind == LossKind::ClaimRenewed {
        facts.push(format!("{reference} is bound to {now} now"));
    }
    let gone = former::of_claim(sighting, &reference).filter(|_| kind == LossKind::ClaimReplaced);
    Some(Loss { gone: gone.into_iter().collect(), ..Loss::new(kind, Some(reference), Some(volume), facts) })
}

/// The volume that the claim had: one that was let go by an earlier claim of its name, or one that only the record knows.
fn former(
    sighting: &Sighting,
    reference: &ObjectRef,
    claim: &Value,
    now: &str,
) -> Option<(LossKind, ObjectRef, String)> {
    let uid = text(claim, "/metadata/uid");
    let let_go = |volume: &&Value| {
        text(volume, "/status/phase") == Some("Released")
            && claim_of(volume).as_ref() == Some(reference)
            && text(volume, "/spec/claimRef/uid") != uid
            && volume["metadata"]["labels"].get(QUARANTINE).is_none()
    };
    if let Some(volume) = sighting.snapshot.of_kind("", "PersistentVolume").find(let_go) {
        let name = text(volume, "/metadata/name")?;
        let fact = format!("{name} is Released by an earlier claim of that name, with its data ({})", place_of(volume));
        return Some((LossKind::ClaimRenewed, volume_ref(name), fact));
    }
    let all = sighting.records.iter().flat_map(|record| record.volumes.iter().map(move |volume| (record, volume)));
    let newest = all.filter(|(_, then)| then.claim == *reference).max_by_key(|(record, _)| record.at);
    let gone =
        |volume: &str| was_read(sighting, "PersistentVolume") && sighting.snapshot.get(&volume_ref(volume)).is_none();
    let (record, then) =
        newest.filter(|(_, then)| Some(then.claim_uid.as_str()) != uid && then.volume != now && gone(&then.volume))?;
    let (stack, at) = (&record.installation.stack, record.at.strftime("%F %T UTC"));
    let fact = format!(
        "another claim of that name was bound to {} when {stack} was well, at {at}; that volume is gone",
        then.volume
    );
    Some((LossKind::ClaimReplaced, volume_ref(&then.volume), fact))
}

/// Whether the claim is younger than its set and than every claim that the set made for its other pods.
fn younger(sighting: &Sighting, set: &Value, claim: &Value) -> Option<String> {
    let made = |object: &Value| text(object, "/metadata/creationTimestamp")?.parse::<Timestamp>().ok();
    let (own, of_set) = (made(claim)?, made(set)?);
    let siblings = sighting.snapshot.of_kind("", "PersistentVolumeClaim").filter(|other| {
        text(other, "/metadata/namespace") == text(set, "/metadata/namespace")
            && text(other, "/metadata/uid") != text(claim, "/metadata/uid")
            && text(other, "/metadata/name").is_some_and(|name| makes_claim(set, name))
    });
    let eldest = siblings.filter_map(made).max().unwrap_or(of_set).max(of_set);
    let later = own.duration_since(eldest).as_secs() > WITH_ITS_SET;
    let named = ObjectRef::of(set)?;
    later.then(|| format!("it was made at {own}, long after {named} and the claims of its other pods"))
}
