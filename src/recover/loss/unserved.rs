//! Claims that wait for a volume which nobody will make: their pods start nowhere. Of a claim that was made anew, what it had before may be
//! gone.

use serde_json::Value;

use super::nodes::{age, unscheduled};
use super::{Loss, LossKind, was_read};
use crate::object::{ObjectRef, text};
use crate::plan::verb::holders;
use crate::recover::join::volume_ref;
use crate::recover::{Sighting, former};
use crate::snapshot::classes::is_default;
use crate::snapshot::provisioner::{Maker, NOBODY, asked, chosen, class_ref, maker};

/// A claim that was not served for this long is a fact, seconds.
const UNSERVED: i64 = 120;

/// Every claim that waits for a volume, and why it waits in vain.
pub(super) fn all(sighting: &Sighting) -> Vec<Loss> {
    let claims = sighting.snapshot.of_kind("", "PersistentVolumeClaim").filter(|claim| waits(claim));
    let one = |claim: &Value| {
        let reference = ObjectRef::of(claim)?;
        stranded(sighting, &reference, claim)
            .or_else(|| classless(sighting, &reference, claim))
            .or_else(|| unserved(sighting, &reference, claim))
            .map(|loss| with_former(sighting, loss, &reference))
    };
    claims.filter_map(one).collect()
}

/// A claim that was made anew had a volume once: what was on it may be gone.
fn with_former(sighting: &Sighting, loss: Loss, claim: &ObjectRef) -> Loss {
    let Some(former) = former::of_claim(sighting, claim) else { return loss };
    Loss { volume: Some(volume_ref(&former.volume)), ..loss }.with_gone(vec![former])
}

/// Whether a claim waits for a volume to be made: not one that names its volume, and not one that goes.
pub(in crate::recover) fn waits(claim: &Value) -> bool {
    text(claim, "/status/phase") == Some("Pending")
        && text(claim, "/spec/volumeName").is_none_or(str::is_empty)
        && text(claim, "/metadata/deletionTimestamp").is_none()
}

/// The scheduler passes over every node but the one that was chosen (`pkg/scheduler/framework/plugins/volumebinding/binder.go`,
/// `FindPodVolumes`), and nobody takes the choice back when that node is deleted.
fn stranded(sighting: &Sighting, reference: &ObjectRef, claim: &Value) -> Option<Loss> {
    let node = chosen(claim)?;
    if !was_read(sighting, "Node") || sighting.snapshot.get(&ObjectRef::new("v1", "Node", None, node)).is_some() {
        return None;
    }
    let mut facts = vec![format!("its volume is to be made on {node}, and there is no such node")];
    let pod = holders(&sighting.snapshot, reference).find(|pod| unscheduled(sighting, pod));
    facts.extend(
        pod.and_then(|pod| text(pod, "/metadata/name")).map(|pod| format!("pod {pod} has found no node for 2 min")),
    );
    let mut loss = Loss::new(LossKind::ClaimStranded, Some(reference.clone()), None, facts);
    loss.node = Some(node.to_owned());
    Some(loss)
}

/// The class is not there. That it was is the second fact: a name that no class ever had means static volumes, and of those one is missing.
fn classless(sighting: &Sighting, reference: &ObjectRef, claim: &Value) -> Option<Loss> {
    if !was_read(sighting, "StorageClass") {
        return None;
    }
    let fact = match text(claim, "/spec/storageClassName") {
        // Only static volumes are for it.
        Some("") => return None,
        Some(name) if sighting.snapshot.get(&class_ref(name)).is_some() || has_free_volume(sighting, name) => {
            return None;
        }
        Some(name) => format!("it names StorageClass {name}, which is not there"),
        None if sighting.snapshot.of_kind("storage.k8s.io", "StorageClass").any(is_default) => return None,
        None => "it names no StorageClass, and none is the default one".to_owned(),
    };
    let facts = std::iter::once(fact).chain(was_there(sighting, reference, claim)).collect();
    Some(Loss::new(LossKind::ClassGone, Some(reference.clone()), None, facts))
}

/// A volume that nobody has is what such a claim may be waiting for.
fn has_free_volume(sighting: &Sighting, class: &str) -> bool {
    let volumes = sighting.snapshot.of_kind("", "PersistentVolume");
    volumes.into_iter().any(|volume| {
        text(volume, "/spec/storageClassName") == Some(class) && text(volume, "/status/phase") == Some("Available")
    })
}

/// What says that the class was there: the record of the claim, or a volume that was made for it.
fn was_there(sighting: &Sighting, reference: &ObjectRef, claim: &Value) -> Option<String> {
    let class = text(claim, "/spec/storageClassName");
    let recorded = sighting.records.iter().find_map(|record| {
        let volumes = record.volumes.iter().filter(|volume| class.is_some() || volume.claim == *reference);
        let classes = volumes.map(|volume| &volume.class_manifest);
        let then = classes
            .into_iter()
            .find(|then| class.map_or(is_default(then), |class| then["metadata"]["name"] == class))?;
        Some(format!(
            "StorageClass {} of {} was there when {} was well, at {}",
            text(then, "/metadata/name").unwrap_or_default(),
            text(then, "/provisioner").unwrap_or("no provisioner"),
            record.installation.stack,
            record.at.strftime("%F %T UTC")
        ))
    });
    recorded.or_else(|| {
        let class = class?;
        let volumes = sighting.snapshot.of_kind("", "PersistentVolume");
        let mut made = volumes.filter(|volume| text(volume, "/spec/storageClassName") == Some(class));
        made.find_map(|volume| {
            let by = volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"].as_str()?;
            Some(format!("{} was made for that class by {by}", volume_ref(text(volume, "/metadata/name")?)))
        })
    })
}

/// Somebody was asked for the volume and does not run. With a pod still to be placed nobody is asked, which is as it should be.
fn unserved(sighting: &Sighting, reference: &ObjectRef, claim: &Value) -> Option<Loss> {
    let provisioner = asked(claim).filter(|name| *name != NOBODY)?;
    let since = text(claim, "/metadata/creationTimestamp")?;
    if age(sighting.now, since) <= UNSERVED {
        return None;
    }
    let mut facts =
        vec![format!("{provisioner} was asked for its volume, and there is none; the claim is from {since}")];
    match maker(&sighting.snapshot, provisioner) {
        // It is slow, or refuses: its events say which.
        Maker::Runs(_) => return None,
        Maker::Idle(workload) => {
            let named = ObjectRef::of(workload).map(|workload| workload.to_string()).unwrap_or_default();
            facts.push(format!("{named}, which makes such volumes, has no pod that is ready"));
        }
        Maker::Absent => facts.push(format!("no workload of the cluster answers to {provisioner}")),
        Maker::Unknown => {}
    }
    Some(Loss::new(LossKind::ProvisionerGone, Some(reference.clone()), None, facts))
}
