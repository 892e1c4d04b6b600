//! Volumes of a network that stay attached to a machine that is away, while a pod waits for them elsewhere.

use serde_json::Value;

use super::nodes::{Host, age, state_of};
use super::{Loss, LossKind, was_read};
use crate::object::{ObjectRef, has_ended, items, text};
use crate::plan::verb::holders;
use crate::recover::Sighting;
use crate::recover::join::{claim_of, volume_ref};

/// A pod that has waited on its node for this long is a fact, seconds. The node that has the volume was silent for minutes before it was
/// made, so it need not be long.
const WAITED: i64 = 5;
/// Volumes that only one node at a time may have; of the others any number has them.
const EXCLUSIVE: [&str; 2] = ["ReadWriteOnce", "ReadWriteOncePod"];

/// Every volume that is attached to a node that does not answer, or is not there, and is waited for on another.
pub(super) fn stuck(sighting: &Sighting) -> Vec<Loss> {
    if !was_read(sighting, "Node") {
        return Vec::new();
    }
    let attachments = sighting.snapshot.of_kind("storage.k8s.io", "VolumeAttachment");
    attachments.filter_map(|attachment| one(sighting, attachment)).collect()
}

/// The attachments of a volume to a node.
pub(in crate::recover) fn attachments<'a>(sighting: &'a Sighting, volume: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = sighting.snapshot.of_kind("storage.k8s.io", "VolumeAttachment");
    all.filter(move |attachment| text(attachment, "/spec/source/persistentVolumeName") == Some(volume))
}

fn one(sighting: &Sighting, attachment: &Value) -> Option<Loss> {
    let node = text(attachment, "/spec/nodeName").filter(|_| attachment["status"]["attached"] == true)?;
    let volume = sighting.snapshot.get(&volume_ref(text(attachment, "/spec/source/persistentVolumeName")?))?;
    if !items(volume, "/spec/accessModes").any(|mode| EXCLUSIVE.iter().any(|only| mode == only)) {
        return None;
    }
    let (named, claim) = (ObjectRef::of(volume)?, claim_of(volume)?);
    let live = sighting.snapshot.get(&ObjectRef::new("v1", "Node", None, node));
    let away = match state_of(sighting, live) {
        Host::There => return None,
        Host::Absent => format!("{} is attached to {node}, and there is no such node", named.name),
        Host::Silent(since) => format!("{} is attached to {node}, which has not been ready since {since}", named.name),
    };
    let facts = std::iter::once(away).chain(waiting(sighting, &claim, node)).collect();
    let mut loss = Loss::new(LossKind::AttachStuck, Some(claim), Some(named), facts);
    loss.node = Some(node.to_owned());
    Some(loss)
}

/// A pod that was given another node and does not start there.
fn waiting(sighting: &Sighting, claim: &ObjectRef, node: &str) -> Option<String> {
    let waits = |pod: &&Value| {
        text(pod, "/spec/nodeName").is_some_and(|other| other != node)
            && text(pod, "/status/phase") == Some("Pending")
            && !has_ended(pod)
            && text(pod, "/status/startTime").is_some_and(|since| age(sighting.now, since) > WAITED)
    };
    let pod = holders(&sighting.snapshot, claim).find(waits)?;
    let (name, other) = (text(pod, "/metadata/name")?, text(pod, "/spec/nodeName")?);
    Some(format!("pod {name} waits for it on {other} since {}", text(pod, "/status/startTime")?))
}
