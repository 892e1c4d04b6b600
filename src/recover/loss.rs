//! Recognising losses. Pure: a sighting in, losses out.
//!
//! Each rule gathers facts, in the cluster's own words where it has some. Two that do not follow from each other make a loss certain;
//! with one it is suspected, and no playbook is proposed for it unasked. The signatures were measured on Kubernetes 1.20 to 1.34.

mod attach;
mod blast;
mod claims;
mod disks;
mod etcd;
mod kind;
mod misbound;
mod namespaces;
mod nodes;
mod renewed;
mod scattered;
mod unerased;
mod unserved;
mod volumes;

use serde::Serialize;

use super::Sighting;
use super::former::Former;
use super::join::{hosts, volume_of, volumes_of, workloads};
use crate::object::{ObjectRef, text};
use crate::plan::verb::Pinned;
use crate::snapshot::Snapshot;

pub(in crate::recover) use attach::attachments;
pub use blast::Blast;
pub use etcd::{gone_for_good, is_beyond_return};
pub use kind::LossKind;
pub(in crate::recover) use misbound::strayed;
pub(in crate::recover) use scattered::is_of_any_node;
pub(in crate::recover) use unerased::is_to_be_erased;
pub(in crate::recover) use unserved::waits;

/// A recognised loss.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// What kind.
    pub kind: LossKind,
    /// The claim whose data it is.
    pub claim: Option<ObjectRef>,
    /// The volume.
    pub volume: Option<ObjectRef>,
    /// The node.
    pub node: Option<String>,
    /// The `StatefulSet` of the etcd, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<ObjectRef>,
    /// The namespace, where it is about one as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<ObjectRef>,
    /// What was on volumes of it that are gone: whatever is done, that comes only from a backup.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Former>,
    /// Whether the volume that has the data is kept already: nothing erases it when it is let go.
    #[serde(skip)]
    pub is_kept: bool,
    /// What was seen; each can be checked.
    pub facts: Vec<String>,
    /// Whether two independent facts agree.
    pub certain: bool,
    /// What it reaches.
    pub blast: Blast,
}

impl Loss {
    fn new(kind: LossKind, claim: Option<ObjectRef>, volume: Option<ObjectRef>, facts: Vec<String>) -> Self {
        let certain = facts.len() >= 2;
        Self {
            kind,
            claim,
            volume,
            node: None,
            set: None,
            namespace: None,
            gone: Vec::new(),
            is_kept: false,
            facts,
            certain,
            blast: Blast::default(),
        }
    }

    /// With what was on volumes that are gone. It is told, and makes nothing more certain.
    fn with_gone(mut self, gone: Vec<Former>) -> Self {
        self.facts.extend(
            gone.iter().map(|former| {
                format!("{}: that volume is gone, and no other one was let go by its claim", former.told())
            }),
        );
        self.gone = gone;
        self
    }

    /// Whether a copy that is made now does not have the data, and may be taken for one that has.
    pub fn has_no_data(&self) -> bool {
        !self.gone.is_empty()
            || matches!(
                self.kind,
                LossKind::ClaimLost
                    | LossKind::ClaimGone
                    | LossKind::ClaimRenewed
                    | LossKind::ClaimReplaced
                    | LossKind::ClaimMisbound
                    | LossKind::VolumeReleased
                    | LossKind::VolumeEmptied
                    | LossKind::EtcdEmptied
            )
    }

    /// Whether data is lost, or may be: not where a volume is only waited for, or only not erased.
    pub fn is_of_data(&self) -> bool {
        let waits = [LossKind::ClassGone, LossKind::ProvisionerGone, LossKind::ClaimStranded, LossKind::VolumeUnerased];
        !self.gone.is_empty() || !waits.contains(&self.kind)
    }

    /// What it means for the data: one sentence.
    pub fn meaning(&self) -> &'static str {
        self.kind.meaning_of_gone().filter(|_| !self.gone.is_empty()).unwrap_or_else(|| self.kind.meaning())
    }

    /// What to do first, whatever comes then.
    pub fn advice(&self) -> String {
        let kept = self.kind.advice_when_kept().filter(|_| self.is_kept);
        let advice = kept.unwrap_or_else(|| self.kind.advice());
        if self.gone.is_empty() || self.kind == LossKind::ClaimGone {
            return advice.to_owned();
        }
        format!(
            "{advice}; what was lost comes only from a backup, so look for one before anything writes to an empty volume"
        )
    }

    /// The object that it is about, for people.
    pub fn object(&self) -> Option<&ObjectRef> {
        self.claim.as_ref().or(self.namespace.as_ref()).or(self.set.as_ref()).or(self.volume.as_ref())
    }

    /// The namespace that it is in, or is about.
    pub fn home(&self) -> Option<&str> {
        let of_object = self.object().and_then(|object| object.namespace.as_deref());
        self.namespace.as_ref().map(|namespace| namespace.name.as_str()).or(of_object)
    }

    /// Whether it is certain, and of this claim.
    fn is_of(&self, claim: &ObjectRef) -> bool {
        self.certain && self.claim.as_ref() == Some(claim)
    }
}

/// Every loss that shows, the most urgent kind first. What could not be read is never taken for lost: a kind that is unread gives
/// no fact.
pub fn recognise(sighting: &Sighting) -> Vec<Loss> {
    let mut losses = claims::going(sighting);
    losses.extend(claims::lost(sighting));
    losses.extend(claims::gone(sighting));
    losses.extend(volumes::going(sighting));
    losses.extend(volumes::released(sighting));
    let scattered = scattered::all(sighting);
    // What is not on the node that was asked first is on another one.
    let is_elsewhere = |loss: &Loss| scattered.iter().any(|other| other.claim == loss.claim);
    losses.extend(volumes::emptied(sighting).into_iter().filter(|loss| !is_elsewhere(loss)));
    losses.extend(scattered);
    losses.extend(disks::failing(sighting));
    losses.extend(nodes::gone(sighting));
    losses.extend(attach::stuck(sighting));
    losses.extend(misbound::all(sighting));
    losses.extend(renewed::all(sighting));
    losses.extend(unserved::all(sighting));
    losses.extend(unerased::all(sighting));
    losses.extend(etcd::all(sighting));
    losses.extend(namespaces::stuck(sighting));
    for loss in &mut losses {
        loss.blast = blast::of(sighting, loss);
        loss.is_kept = is_kept(sighting, loss);
    }
    losses.sort_by(|a, b| {
        (!a.certain, a.kind, &a.claim, &a.set, &a.namespace).cmp(&(!b.certain, b.kind, &b.claim, &b.set, &b.namespace))
    });
    losses
}

/// The claims that go with this one when it is moved to another node: each is used by a workload that uses another one of them, and lies
/// where this one lies. A pod whose volumes lie on two nodes starts on neither.
pub(in crate::recover) fn neighbours(snapshot: &Snapshot, claim: &ObjectRef) -> Vec<ObjectRef> {
    // Of the volume that the claim has now; one that it had before may lie elsewhere.
    let host = |claim: &ObjectRef| volume_of(snapshot, claim).and_then(|volume| hosts(volume).first().copied());
    let Some(host_of_it) = host(claim) else { return Vec::new() };
    let claims = snapshot.of_kind("", "PersistentVolumeClaim").filter_map(ObjectRef::of);
    let here = claims.filter(|other| host(other) == Some(host_of_it));
    used_together(snapshot, claim, here)
}

/// The claims that were lost with this one: in the same way, on the same node where that is what was lost, for certain, and each used by a
/// workload that uses another one of them. A pod that has two of them starts only when both are there again.
pub fn companions(losses: &[Loss], snapshot: &Snapshot, claim: &ObjectRef) -> Vec<ObjectRef> {
    let keeps_pods_away = |loss: &&Loss| {
        loss.node.is_some()
            || matches!(loss.kind, LossKind::ClaimGoing | LossKind::ClaimLost | LossKind::VolumeReleased)
    };
    let Some(lost) = losses.iter().find(|loss| loss.is_of(claim)).filter(keeps_pods_away) else { return Vec::new() };
    let others = losses
        .iter()
        // What lies on a node, what hangs on it, and what was only to be made there are brought back in other ways.
        .filter(|loss| loss.certain && loss.node == lost.node && loss.kind == lost.kind)
        .filter_map(|loss| loss.claim.clone());
    used_together(snapshot, claim, others)
}

/// The claims that were lost with their node and that a workload uses beside this one, which is not lost (any more): without them no pod of it
/// starts. Of the kinds of loss that a playbook is for.
pub fn left_behind(losses: &[Loss], snapshot: &Snapshot, (claim, kinds): (&ObjectRef, &[LossKind])) -> Vec<ObjectRef> {
    let others = losses
        .iter()
        .filter(|loss| loss.certain && loss.node.is_some() && kinds.contains(&loss.kind))
        .filter_map(|loss| loss.claim.clone());
    used_together(snapshot, claim, others)
}

/// Those of the other claims that a workload uses which uses this one, or another one that was found so.
fn used_together(snapshot: &Snapshot, claim: &ObjectRef, others: impl Iterator<Item = ObjectRef>) -> Vec<ObjectRef> {
    let mut open: Vec<ObjectRef> =
        others.filter(|other| other != claim && other.namespace == claim.namespace).collect();
    let users = |claim: &ObjectRef| workloads(snapshot, claim).into_iter().map(|user| user.pinned);
    let mut stopped: Vec<Pinned> = users(claim).collect();
    let mut found = Vec::new();
    while let Some(at) = open.iter().position(|other| users(other).any(|user| stopped.contains(&user))) {
        let other = open.swap_remove(at);
        stopped.extend(users(&other));
        found.push(other);
    }
    found.sort();
    found
}

/// Whether every volume that a loss is about is kept; there is one.
fn is_kept(sighting: &Sighting, loss: &Loss) -> bool {
    let of_namespace = loss.namespace.iter().flat_map(|namespace| volumes_of(&sighting.snapshot, &namespace.name));
    let own = loss.volume.as_ref().and_then(|volume| sighting.snapshot.get(volume));
    let mut policies =
        of_namespace.chain(own).map(|volume| text(volume, "/spec/persistentVolumeReclaimPolicy")).peekable();
    policies.peek().is_some() && policies.all(|policy| policy.is_none_or(|policy| policy == "Retain"))
}

/// Whether this kind could be read; `Some` of nothing is then a fact.
fn was_read(sighting: &Sighting, kind: &str) -> bool {
    !sighting.snapshot.is_unread(kind)
}

#[cfg(test)]
mod tests;
