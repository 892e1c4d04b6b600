//! What a recovery is about, from what was recognised. Pure.

use jiff::Timestamp;

use super::join::{place_of, volume_ref, workloads};
use super::record::VolumeRecord;
use super::{Loss, Playbook, Record, Sighting};
use crate::object::{ObjectRef, text};
use crate::plan::{Lost, Occasion};

/// Why these claims are recovered. `at` and `by`: when, by the clock of this machine, and who does it, for people.
pub fn occasion(
    playbook: &Playbook,
    claims: &[ObjectRef],
    (losses, sighting): (&[Loss], &Sighting),
    (at, by): (Timestamp, &str),
) -> Occasion {
    let sheet = &playbook.sheet;
    Occasion {
        playbook: playbook.name.clone(),
        title: sheet.title.clone(),
        at,
        by: by.to_owned(),
        losses: claims.iter().map(|claim| lost(claim, losses, sighting)).collect(),
        lost: sheet.lost.clone(),
        untouched: sheet.untouched.clone(),
        returns: sheet.returns.clone(),
        agreed: Vec::new(),
    }
}

fn lost(claim: &ObjectRef, losses: &[Loss], sighting: &Sighting) -> Lost {
    let loss = losses.iter().find(|loss| loss.claim.as_ref() == Some(claim));
    let then = known(claim, sighting);
    let named = sighting.snapshot.get(claim).and_then(|live| text(live, "/spec/volumeName").map(str::to_owned));
    let of_loss = loss.and_then(|loss| loss.volume.as_ref()).map(|volume| volume.name.clone());
    let volume = named.or(of_loss);
    let users = || workloads(&sighting.snapshot, claim).into_iter().map(|user| user.pinned.object.short()).collect();
    let place = || volume.as_ref().and_then(|name| sighting.snapshot.get(&volume_ref(name))).map(place_of);
    let data = || place().map_or_else(|| claim.to_string(), |place| format!("{claim}, {place}"));
    Lost {
        claim: claim.clone(),
        kind: loss.map(|loss| loss.kind.name().to_owned()),
        facts: loss.map(|loss| loss.facts.clone()).unwrap_or_default(),
        data: loss.map_or_else(data, |loss| loss.blast.data.clone()),
        used_by: loss.map_or_else(users, |loss| loss.blast.components.clone()),
        still_works: loss.map(|loss| loss.blast.still_works.clone()).unwrap_or_default(),
        last_good: then.map(|(at, _)| at),
        files_then: then.map(|(_, volume)| volume.files_then()).filter(|files| *files > 0),
        volume,
    }
}

/// When the data of a claim was last known to be well.
pub fn last_good(claim: &ObjectRef, sighting: &Sighting) -> Option<Timestamp> {
    known(claim, sighting).map(|(at, _)| at)
}

/// What the newest record tells of a claim.
fn known<'a>(claim: &ObjectRef, sighting: &'a Sighting) -> Option<(Timestamp, &'a VolumeRecord)> {
    let of = |record: &'a Record| Some((record.at, record.volumes.iter().find(|volume| volume.claim == *claim)?));
    sighting.records.iter().filter_map(of).max_by_key(|(at, _)| *at)
}
