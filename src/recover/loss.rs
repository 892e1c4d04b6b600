//! Recognising losses. Pure: a sighting in, losses out.
//!
//! Each rule gathers facts, in the cluster's own words where it has some. Two that do not follow from each other make a loss certain;
//! with one it is suspected, and no playbook is proposed for it unasked. The signatures were measured on Kubernetes 1.20 to 1.34.

mod blast;
mod claims;
mod etcd;
mod nodes;
mod volumes;

use serde::{Deserialize, Serialize};

use super::Sighting;
use super::join::workloads;
use crate::object::ObjectRef;
use crate::plan::verb::Pinned;
use crate::snapshot::Snapshot;

pub use blast::Blast;
pub use etcd::{gone_for_good, is_beyond_return};

/// What kind of loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// A volume's deletion was asked for while its claim is bound to it.
    VolumeGoing,
    /// A claim's deletion was asked for while pods use it.
    ClaimGoing,
    /// A claim whose volume object is gone (phase `Lost`).
    ClaimLost,
    /// A volume that was let go, and is wanted (phase `Released`).
    VolumeReleased,
    /// A claim that is used and is not there, and no volume that was of it either.
    ClaimGone,
    /// A volume that held files and holds none.
    VolumeEmptied,
    /// A volume that lies on a node that does not answer.
    NodeUnreachable,
    /// A volume that lies on a node that is not there any more.
    NodeGone,
    /// An etcd that has fewer members than decide.
    EtcdQuorumLost,
    /// An etcd in which there is less than there was.
    EtcdEmptied,
    /// A member of an etcd whose files are broken.
    EtcdCorrupt,
    /// A member of an etcd whose data is gone, while the others go on.
    EtcdMemberLost,
    /// An etcd that has used up its space and takes no more writes.
    EtcdFull,
}

impl LossKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::VolumeGoing,
        Self::ClaimGoing,
        Self::ClaimLost,
        Self::VolumeReleased,
        Self::ClaimGone,
        Self::VolumeEmptied,
        Self::NodeUnreachable,
        Self::NodeGone,
        Self::EtcdQuorumLost,
        Self::EtcdEmptied,
        Self::EtcdCorrupt,
        Self::EtcdMemberLost,
        Self::EtcdFull,
    ];

    /// Its name, as playbooks and documents write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::VolumeGoing => "volume-going",
            Self::ClaimGoing => "claim-going",
            Self::ClaimLost => "claim-lost",
            Self::VolumeReleased => "volume-released",
            Self::ClaimGone => "claim-gone",
            Self::VolumeEmptied => "volume-emptied",
            Self::NodeUnreachable => "node-unreachable",
            Self::NodeGone => "node-gone",
            Self::EtcdQuorumLost => "etcd-quorum-lost",
            Self::EtcdEmptied => "etcd-emptied",
            Self::EtcdCorrupt => "etcd-corrupt",
            Self::EtcdMemberLost => "etcd-member-lost",
            Self::EtcdFull => "etcd-full",
        }
    }

    /// What it means for the data: one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::VolumeGoing => {
                "the volume goes when its claim goes; the data is untouched as long as the claim stays"
            }
            Self::ClaimGoing => {
                "the claim goes with the last pod that uses it, and then its volume by its policy; do not restart that pod"
            }
            Self::ClaimLost => {
                "the volume's object is gone; with local and hostPath volumes its folder is most likely still there"
            }
            Self::VolumeReleased => "the data is in the volume; nothing may use it until it is bound again",
            Self::ClaimGone => "claim and volume are gone; with a policy of Delete the data was erased with them",
            Self::VolumeEmptied => "every object looks healthy, and the data is not there",
            Self::NodeUnreachable => "the data is most likely intact on the node's disk; it comes back with the node",
            Self::NodeGone => {
                "the data is on the disk of a machine that is no node any more; it comes back only with that disk"
            }
            Self::EtcdQuorumLost => {
                "nothing can be written or surely read; what was written is on the disks of the members, of those that are away too"
            }
            Self::EtcdEmptied => "every object looks healthy, and what was in etcd is not there",
            Self::EtcdCorrupt => {
                "the files of a member are broken; the other members, if there are any, have what was in them"
            }
            Self::EtcdMemberLost => "the others have everything, and one more loss may be one too many",
            Self::EtcdFull => {
                "everything is there and can be read; nothing is written until space is made and the alarm is taken back"
            }
        }
    }

    /// What to do first, whatever comes then.
    pub fn advice(self) -> &'static str {
        match self {
            Self::VolumeGoing | Self::ClaimGoing | Self::VolumeReleased => {
                "`seaworthy hold` keeps every volume and saves all manifests; it takes two seconds"
            }
            Self::ClaimGone => "look for a backup before a fresh volume is made; nothing on the cluster has the data",
            Self::ClaimLost => "do not delete the claim: a volume made anew is bound to its uid",
            Self::VolumeEmptied => {
                "stop what writes before anything is overwritten; look for a backup, or for what an old process still holds open"
            }
            Self::NodeUnreachable => "bring the node back; do not force-delete its pods while it may be running",
            Self::NodeGone => {
                "if the machine comes back with its disk, start it under the same name; if not, replace the volume"
            }
            Self::EtcdQuorumLost => {
                "bring the members back with their disks; as long as they may come back, do not restore anything: that would make two clusters"
            }
            Self::EtcdEmptied => {
                "stop what writes; look for a snapshot, or for a volume that was let go and has a folder `member`, before anything is overwritten"
            }
            Self::EtcdCorrupt => {
                "do not delete the claim; a disk that was full cuts files off too, so look at that first"
            }
            Self::EtcdMemberLost => "do not touch the other members until this one is back",
            Self::EtcdFull => "find out who writes so much; history is compacted, and what is there stays",
        }
    }
}

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
        Self { kind, claim, volume, node: None, set: None, facts, certain, blast: Blast::default() }
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
    losses.extend(volumes::emptied(sighting));
    losses.extend(nodes::gone(sighting));
    losses.extend(etcd::all(sighting));
    for loss in &mut losses {
        loss.blast = blast::of(sighting, loss);
    }
    losses.sort_by(|a, b| (!a.certain, a.kind, &a.claim, &a.set).cmp(&(!b.certain, b.kind, &b.claim, &b.set)));
    losses
}

/// The claims that were lost with this one: on the same node, for certain, and each used by a workload that uses another one of them. A
/// pod that has two of them starts only when both are there again.
pub fn companions(losses: &[Loss], snapshot: &Snapshot, claim: &ObjectRef) -> Vec<ObjectRef> {
    let Some(node) = losses.iter().find(|loss| loss.is_of(claim)).and_then(|loss| loss.node.as_ref()) else {
        return Vec::new();
    };
    let mut open: Vec<&ObjectRef> = losses
        .iter()
        .filter(|loss| loss.certain && loss.node.as_ref() == Some(node))
        .filter_map(|loss| loss.claim.as_ref())
        .filter(|other| *other != claim && other.namespace == claim.namespace)
        .collect();
    let users = |claim: &ObjectRef| workloads(snapshot, claim).into_iter().map(|user| user.pinned);
    let mut stopped: Vec<Pinned> = users(claim).collect();
    let mut found = Vec::new();
    while let Some(at) = open.iter().position(|other| users(other).any(|user| stopped.contains(&user))) {
        let other = open.swap_remove(at);
        stopped.extend(users(other));
        found.push(other.clone());
    }
    found.sort();
    found
}

/// Whether this kind could be read; `Some` of nothing is then a fact.
fn was_read(sighting: &Sighting, kind: &str) -> bool {
    !sighting.snapshot.is_unread(kind)
}

#[cfg(test)]
mod tests;
