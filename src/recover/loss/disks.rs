//! Volumes whose file system takes no writes any more: it has become read-only, or it is full.

use serde_json::{Value, json};

use super::{Loss, LossKind};
use crate::engine::rescue::Disk;
use crate::object::{ObjectRef, is_true, items, text};
use crate::plan::verb::holders;
use crate::recover::Sighting;
use crate::recover::join::{hosts, node_of_host, place_of, volume_of};

/// Every volume whose file system, as a pod that has it mounted sees it, is read-only although it is to be written to, or has no room.
pub(super) fn failing(sighting: &Sighting) -> Vec<Loss> {
    let one = |(claim, disk): (&ObjectRef, &Disk)| {
        let volume = volume_of(&sighting.snapshot, claim)?;
        read_only(sighting, (claim, volume), disk).or_else(|| full(sighting, (claim, volume), disk))
    };
    sighting.disks.iter().filter_map(one).collect()
}

fn read_only(sighting: &Sighting, (claim, volume): (&ObjectRef, &Value), disk: &Disk) -> Option<Loss> {
    if !disk.read_only || is_meant_to_be(volume) {
        return None;
    }
    let writers = holders(&sighting.snapshot, claim).filter(|pod| writes(pod, claim));
    let writers: Vec<&str> = writers.filter_map(|pod| text(pod, "/metadata/name")).collect();
    if writers.is_empty() {
        return None;
    }
    let facts = vec![
        format!("in pod {} the file system of {} is read-only ({})", disk.pod, disk.path, place_of(volume)),
        format!("{} mounts it to write, and nothing in the volume asks for read-only", writers.join(", ")),
    ];
    Some(Loss::new(LossKind::VolumeReadOnly, Some(claim.clone()), ObjectRef::of(volume), facts))
}

/// Whether the volume itself asks for it.
fn is_meant_to_be(volume: &Value) -> bool {
    let sources = volume["spec"].as_object().into_iter().flatten();
    sources.into_iter().any(|(_, source)| source["readOnly"] == true)
        || items(volume, "/spec/mountOptions").any(|option| option == "ro")
        || volume["spec"]["accessModes"] == json!(["ReadOnlyMany"])
}

/// Whether a pod mounts a claim without asking for read-only.
fn writes(pod: &Value, claim: &ObjectRef) -> bool {
    let of_it = |volume: &&Value| {
        text(volume, "/persistentVolumeClaim/claimName") == Some(&claim.name)
            && volume["persistentVolumeClaim"]["readOnly"] != true
    };
    let names: Vec<&str> =
        items(pod, "/spec/volumes").filter(of_it).filter_map(|volume| text(volume, "/name")).collect();
    let mut mounts = items(pod, "/spec/containers").flat_map(|container| items(container, "/volumeMounts"));
    mounts.any(|mount| mount["readOnly"] != true && text(mount, "/name").is_some_and(|name| names.contains(&name)))
}

/// KiB as people read them: `0 KiB`, `15 MiB`, `9.8 GiB`.
fn size(kib: u64) -> String {
    const UNIT: u64 = 1024;
    match kib {
        0..UNIT => format!("{kib} KiB"),
        UNIT..1_048_576 => format!("{} MiB", kib / UNIT),
        _ => format!("{}.{} GiB", kib / 1_048_576, kib % 1_048_576 * 10 / 1_048_576).replace(".0 ", " "),
    }
}

fn full(sighting: &Sighting, (claim, volume): (&ObjectRef, &Value), disk: &Disk) -> Option<Loss> {
    let room = disk.room.filter(|_| disk.is_full())?;
    let mut facts = vec![format!(
        "in pod {} the file system of {} has {} free of {} ({})",
        disk.pod,
        disk.path,
        size(room.free),
        size(room.size),
        place_of(volume)
    )];
    facts.extend(disk.said.as_ref().map(|line| format!("{} says: {line}", disk.pod)));
    facts.extend(hosts(volume).into_iter().find_map(|host| {
        let node = node_of_host(&sighting.snapshot, host)?;
        is_true(node, "DiskPressure").then(|| format!("node {host} has the condition DiskPressure"))
    }));
    Some(Loss::new(LossKind::VolumeFull, Some(claim.clone()), ObjectRef::of(volume), facts))
}
