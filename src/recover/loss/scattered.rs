//! Volumes that are another folder on every node: a `hostPath` that nothing ties to one, used from several.

use serde_json::Value;

use super::{Loss, LossKind};
use crate::engine::rescue::{Disk, Files, files_text};
use crate::object::ObjectRef;
use crate::recover::Sighting;
use crate::recover::join::{place_of, volume_of};
use crate::snapshot::Snapshot;

/// File systems in which an inode is a folder's own, and two numbers therefore two folders. Those that are shared over a network, or made up
/// by a program (FUSE, SMB without `serverino`), may number the same folder in another way on every node.
const LOCAL: [&str; 8] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs"];

/// Every claim whose pods see different folders.
pub(super) fn all(sighting: &Sighting) -> Vec<Loss> {
    let one = |(claim, seen): (&ObjectRef, &Vec<(Files, Disk)>)| of(sighting, claim, seen);
    sighting.per_node.iter().filter_map(one).collect()
}

/// Whether the volume of a claim is a path that is looked for on whichever node a pod runs.
pub(in crate::recover) fn is_of_any_node(snapshot: &Snapshot, claim: &ObjectRef) -> bool {
    volume_of(snapshot, claim).is_some_and(is_untied)
}

fn is_untied(volume: &Value) -> bool {
    volume.pointer("/spec/hostPath").is_some() && volume.pointer("/spec/nodeAffinity/required").is_none()
}

fn of(sighting: &Sighting, claim: &ObjectRef, seen: &[(Files, Disk)]) -> Option<Loss> {
    let volume = volume_of(&sighting.snapshot, claim).filter(|volume| is_untied(volume))?;
    let told: Vec<(u64, u64, &Disk)> = seen.iter().filter_map(counted).collect();
    let (_, first, base) = told.first()?;
    let is_other = |(_, root, disk): &&(u64, u64, &Disk)| root != first && (is_local(disk) || is_local(base));
    let holds = told.iter().any(|(files, ..)| *files > 0);
    if !holds || !told.iter().any(|one| is_other(&one)) {
        return None;
    }
    let nodes = told.iter().map(|(files, root, disk)| {
        format!(
            "on {} ({} in {}) it is the folder with inode {root}, and holds {}",
            disk.node,
            disk.path,
            disk.pod,
            files_text(*files)
        )
    });
    let untied =
        format!("nothing ties the volume to a node: it is {} of whichever node a pod runs on", place_of(volume));
    let facts = std::iter::once(untied).chain(nodes).collect();
    Some(Loss::new(LossKind::VolumeScattered, Some(claim.clone()), ObjectRef::of(volume), facts))
}

fn counted((files, disk): &(Files, Disk)) -> Option<(u64, u64, &Disk)> {
    match files {
        Files::Counted { files, root } => Some((*files, *root, disk)),
        Files::Unknown { .. } => None,
    }
}

fn is_local(disk: &Disk) -> bool {
    disk.kind.as_deref().is_some_and(|kind| LOCAL.contains(&kind))
}
