//! Losses that show on a volume, or in it.

use serde_json::Value;

use super::{Loss, LossKind, renewed, strayed};
use crate::engine::rescue::{Disk, Files, files_text};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{QUARANTINE, holders};
use crate::recover::join::{claim_of, place_of, volume_ref, workloads};
use crate::recover::record::VolumeRecord;
use crate::recover::{Record, Sighting};

fn volumes(sighting: &Sighting) -> impl Iterator<Item = (ObjectRef, &Value)> {
    let of_kind = sighting.snapshot.of_kind("", "PersistentVolume");
    of_kind.filter_map(|volume| Some((ObjectRef::of(volume)?, volume)))
}

/// A volume that waits for its deletion. Its phase still says `Bound`, and there is no event: kubectl alone prints `Terminating`.
pub(super) fn going(sighting: &Sighting) -> Vec<Loss> {
    let one = |(reference, volume): (ObjectRef, &Value)| {
        let since = text(volume, "/metadata/deletionTimestamp")?;
        let claim = claim_of(volume)?;
        let live = sighting.snapshot.get(&claim)?;
        let bound = text(live, "/spec/volumeName") == Some(&reference.name)
            && text(live, "/metadata/uid") == text(volume, "/spec/claimRef/uid");
        let facts = vec![
            format!("the deletion of {} was asked for at {since}", reference.name),
            format!("{claim} is bound to it, by name and uid"),
        ];
        bound.then(|| Loss::new(LossKind::VolumeGoing, Some(claim), Some(reference), facts))
    };
    volumes(sighting).filter_map(one).collect()
}

/// A volume that was let go by a claim that is gone, while somebody still wants that claim: a claim of the same name that is not
/// bound to it, a workload, or a record. A volume that was replaced on purpose is not wanted.
pub(super) fn released(sighting: &Sighting) -> Vec<Loss> {
    let one = |(reference, volume): (ObjectRef, &Value)| {
        let marked = volume["metadata"]["labels"].get(QUARANTINE).is_some();
        if text(volume, "/status/phase") != Some("Released") || marked {
            return None;
        }
        let claim = claim_of(volume)?;
        let live = sighting.snapshot.get(&claim);
        // Of these more is known.
        if live.and_then(|live| strayed(sighting, live)).is_some() || renewed::is_renewed(sighting, &claim) {
            return None;
        }
        let wants = wanted(sighting, &claim, &reference.name);
        if wants.is_empty() {
            return None;
        }
        let policy = text(volume, "/spec/persistentVolumeReclaimPolicy").unwrap_or("Retain");
        let mut facts =
            vec![format!("{} is Released, with its data ({}) and policy {policy}", reference.name, place_of(volume))];
        facts.extend(wants);
        Some(Loss::new(LossKind::VolumeReleased, Some(claim), Some(reference), facts))
    };
    volumes(sighting).filter_map(one).collect()
}

/// Who wants the volume that a claim was bound to.
pub(super) fn wanted(sighting: &Sighting, claim: &ObjectRef, volume: &str) -> Vec<String> {
    let live = sighting.snapshot.get(claim);
    let mut wants = Vec::new();
    match live.map(|live| (live, text(live, "/spec/volumeName"))) {
        Some((live, None)) => {
            let phase = text(live, "/status/phase").unwrap_or_default();
            wants.push(format!("{claim} is there and {phase}"));
        }
        Some((_, Some(name))) if name == volume => {
            wants.push(format!("{claim} asks for this volume, and is not the claim that it was bound to"));
        }
        Some((_, Some(other))) => wants.push(format!("{claim} was made anew and is bound to {other}")),
        None => {}
    }
    let users: Vec<String> =
        workloads(&sighting.snapshot, claim).iter().map(|workload| workload.pinned.object.short()).collect();
    if live.is_none() && !users.is_empty() {
        wants.push(format!("{claim} is not there, and is named by {}", users.join(", ")));
    }
    let then = records(sighting, claim).find(|record| record.1.volume == volume);
    wants.extend(then.map(|(record, _)| {
        format!(
            "{claim} was bound to it when {} was well, at {}",
            record.installation.stack,
            record.at.strftime("%F %T UTC")
        )
    }));
    wants
}

fn records<'a>(sighting: &'a Sighting, claim: &'a ObjectRef) -> impl Iterator<Item = (&'a Record, &'a VolumeRecord)> {
    sighting
        .records
        .iter()
        .flat_map(|record| record.volumes.iter().map(move |volume| (record, volume)))
        .filter(move |(_, volume)| volume.claim == *claim)
}

/// Where what was deleted can be read still.
fn still_open(claim: &ObjectRef, disk: &Disk) -> String {
    let namespace = claim.namespace.as_deref().unwrap_or_default();
    let more = match disk.held.len() - 1 {
        0 => String::new(),
        more => format!(" and {} more", files_text(more as u64)),
    };
    format!(
        "{}{more} was deleted, and a program has it open still: it can be copied as long as that runs (`kubectl exec -n {namespace} {} -c {} -- sh -c 'ls -l /proc/[0-9]*/fd | grep deleted'` shows which, `cp /proc/PID/fd/NUMBER` reads it)",
        disk.held[0], disk.pod, disk.container
    )
}

/// A volume that is the same object as when it was last known to be well, held files then, and holds none; or holds few of them, and its
/// folder is another one than then, because somebody writes into it again, or a program has files open still that were deleted.
pub(super) fn emptied(sighting: &Sighting) -> Vec<Loss> {
    let one = |(record, then): (&Record, &VolumeRecord)| {
        let Files::Counted { files: now, root } = sighting.files.get(&then.claim)? else { return None };
        let Files::Counted { files: had, root: was } = then.files else { return None };
        let live = sighting.snapshot.get(&then.claim)?;
        let same = text(live, "/spec/volumeName") == Some(&then.volume);
        let is_another = *root != was;
        // Whoever deletes on purpose does not go on writing to what he deleted.
        let held = sighting.disks.get(&then.claim).filter(|disk| !disk.held.is_empty());
        let holds_little = *now == 0 || (is_another || held.is_some()) && *now < had / 2;
        if had == 0 || !same || !holds_little || holders(&sighting.snapshot, &then.claim).next().is_none() {
            return None;
        }
        let when = record.at.strftime("%F %T UTC");
        let counts = if *now == 0 { "none".to_owned() } else { files_text(*now) };
        let mut facts = vec![
            format!("it held {} when {} was well, at {when}", files_text(had), record.installation.stack),
            format!("a pod that has it mounted counts {counts}, in {}", then.place),
        ];
        if is_another {
            facts.push(format!("its folder is another one than then: inode {root}, was {was}"));
        }
        facts.extend(held.map(|disk| still_open(&then.claim, disk)));
        Some(Loss::new(LossKind::VolumeEmptied, Some(then.claim.clone()), Some(volume_ref(&then.volume)), facts))
    };
    let all = sighting.records.iter().flat_map(|record| record.volumes.iter().map(move |volume| (record, volume)));
    all.filter_map(one).collect()
}
