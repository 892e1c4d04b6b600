//! The kinds of losses: what each is called, means, and wants done first.

use serde::{Deserialize, Serialize};

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
    /// A claim whose volume names another claim.
    ClaimMisbound,
    /// A claim of a `StatefulSet` that was made anew, while the volume of the former one was let go.
    ClaimRenewed,
    /// A claim of a `StatefulSet` that was made anew, and the volume of the former one is gone.
    ClaimReplaced,
    /// A claim that is used and is not there, and no volume that was of it either.
    ClaimGone,
    /// A volume that held files and holds none.
    VolumeEmptied,
    /// A volume that is another folder on every node, with files in more than one or missing in one.
    VolumeScattered,
    /// A volume whose file system takes no writes any more.
    VolumeReadOnly,
    /// A volume whose file system has no room left.
    VolumeFull,
    /// A volume that lies on a node that does not answer.
    NodeUnreachable,
    /// A volume that lies on a node that is not there any more.
    NodeGone,
    /// A volume that is attached to a node that is away, and is waited for on another.
    AttachStuck,
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
    /// A claim that waits for a volume of a class that is not there any more.
    ClassGone,
    /// A claim that waits for a volume, and whoever makes volumes of its class does not run.
    ProvisionerGone,
    /// A claim whose volume is to be made on a node that is not there any more.
    ClaimStranded,
    /// A volume that nobody wants, that is to be erased, and is not.
    VolumeUnerased,
    /// A namespace that was told to go, and does not.
    NamespaceStuck,
}

impl LossKind {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::VolumeGoing,
        Self::ClaimGoing,
        Self::ClaimLost,
        Self::VolumeReleased,
        Self::ClaimMisbound,
        Self::ClaimRenewed,
        Self::ClaimReplaced,
        Self::ClaimGone,
        Self::VolumeEmptied,
        Self::VolumeScattered,
        Self::VolumeReadOnly,
        Self::VolumeFull,
        Self::NodeUnreachable,
        Self::NodeGone,
        Self::AttachStuck,
        Self::EtcdQuorumLost,
        Self::EtcdEmptied,
        Self::EtcdCorrupt,
        Self::EtcdMemberLost,
        Self::EtcdFull,
        Self::ClassGone,
        Self::ProvisionerGone,
        Self::ClaimStranded,
        Self::VolumeUnerased,
        Self::NamespaceStuck,
    ];

    /// Its name, as playbooks and documents write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::VolumeGoing => "volume-going",
            Self::ClaimGoing => "claim-going",
            Self::ClaimLost => "claim-lost",
            Self::VolumeReleased => "volume-released",
            Self::ClaimMisbound => "claim-misbound",
            Self::ClaimRenewed => "claim-renewed",
            Self::ClaimReplaced => "claim-replaced",
            Self::ClaimGone => "claim-gone",
            Self::VolumeEmptied => "volume-emptied",
            Self::VolumeScattered => "volume-scattered",
            Self::VolumeReadOnly => "volume-read-only",
            Self::VolumeFull => "volume-full",
            Self::NodeUnreachable => "node-unreachable",
            Self::NodeGone => "node-gone",
            Self::AttachStuck => "attach-stuck",
            Self::EtcdQuorumLost => "etcd-quorum-lost",
            Self::EtcdEmptied => "etcd-emptied",
            Self::EtcdCorrupt => "etcd-corrupt",
            Self::EtcdMemberLost => "etcd-member-lost",
            Self::EtcdFull => "etcd-full",
            Self::ClassGone => "class-gone",
            Self::ProvisionerGone => "provisioner-gone",
            Self::ClaimStranded => "claim-stranded",
            Self::VolumeUnerased => "volume-unerased",
            Self::NamespaceStuck => "namespace-stuck",
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
            Self::ClaimMisbound => {
                "the data is in the volume, which is another's by now, or nobody's: with a policy of Delete it is erased"
            }
            Self::ClaimRenewed => "its pods run on an empty volume; the data is in the one that was let go",
            Self::ClaimReplaced => {
                "its pods run on an empty volume; with a policy of Delete the data was erased with the former one"
            }
            Self::ClaimGone => "claim and volume are gone; with a policy of Delete the data was erased with them",
            Self::VolumeEmptied => "every object looks healthy, and the data is not there",
            Self::VolumeScattered => {
                "every object looks healthy, and what a pod reads and writes depends on the node that it runs on"
            }
            Self::VolumeReadOnly => {
                "the disk under it has most likely begun to fail; what is on it can still be read, and nothing new is kept"
            }
            Self::VolumeFull => {
                "what is there stays; what is written from now on is refused, and what was being written may be cut off"
            }
            Self::NodeUnreachable => "the data is most likely intact on the node's disk; it comes back with the node",
            Self::NodeGone => {
                "the data is on the disk of a machine that is no node any more; it comes back only with that disk"
            }
            Self::AttachStuck => {
                "the data is in the volume; only one node at a time may have it, and the one that has it does not answer"
            }
            Self::EtcdQuorumLost => {
                "nothing can be written or surely read; what was written is on the disks of the members, of those that are away too"
            }
            Self::EtcdEmptied => "every object looks healthy, and what was in etcd is not there",
            Self::EtcdCorrupt => {
                "the files of a member are broken; the other members, if there are any, have what was in them"
            }
            Self::EtcdMemberLost => {
                "members that serve as one cluster have everything that it had; one more loss may be one too many"
            }
            Self::EtcdFull => {
                "everything is there and can be read; nothing is written until space is made and the alarm is taken back"
            }
            Self::ClassGone => {
                "no data is at risk; new claims of that class get no volume, and those that are bound go on"
            }
            Self::ProvisionerGone => {
                "no data is at risk; no volume is made, and none that was let go is erased, until it runs again"
            }
            Self::ClaimStranded => {
                "no data is at risk; its pod starts nowhere, because every other node is passed over"
            }
            Self::VolumeUnerased => {
                "what is on it is still there, against the wish of whoever deleted its claim; it is erased as soon as somebody can"
            }
            Self::NamespaceStuck => {
                "its claims are gone or on their way out, and their volumes go with them by their policy; nothing new can be made in it"
            }
        }
    }

    /// What it means where a volume of it that held files is gone already.
    pub(super) fn meaning_of_gone(self) -> Option<&'static str> {
        match self {
            Self::ClassGone => Some(
                "data is lost: the claim was made anew, and its former volume is gone with what was on it; it gets an empty one once there is a class of that name again",
            ),
            Self::ProvisionerGone => Some(
                "data is lost: the claim was made anew, and its former volume is gone with what was on it; it gets an empty one once its provisioner runs again",
            ),
            Self::ClaimStranded => Some(
                "data is lost: the claim was made anew, and its former volume is gone with what was on it; its pod starts nowhere, because every other node is passed over",
            ),
            Self::NamespaceStuck => Some(
                "data is lost: volumes of it are gone with what was on them; those that are still there go by their policy, and nothing new can be made in it",
            ),
            _ => None,
        }
    }

    /// What to do first where it would be to keep the volume, and that is done.
    pub(super) fn advice_when_kept(self) -> Option<&'static str> {
        match self {
            Self::VolumeGoing | Self::ClaimGoing | Self::VolumeReleased => {
                Some("its volume is kept already (policy Retain): it is not erased when its claim goes")
            }
            Self::ClaimMisbound | Self::ClaimRenewed => Some(
                "the volume with the data is kept already (policy Retain); every write to the wrong disk makes it worse",
            ),
            Self::NamespaceStuck => Some(
                "its volumes are kept already (policy Retain); find out whether the owners of the finalizers can be brought back: they tidy up what is outside of the cluster",
            ),
            _ => None,
        }
    }

    /// The guide that tells what people do by hand, where some of it lies outside of what a playbook can do.
    pub fn guide(self) -> Option<&'static str> {
        match self {
            Self::VolumeScattered => Some("scattered-volume"),
            Self::VolumeReadOnly => Some("read-only-volume"),
            Self::VolumeFull => Some("full-volume"),
            Self::VolumeUnerased => Some("volume-not-erased"),
            Self::NamespaceStuck => Some("stuck-namespace"),
            _ => None,
        }
    }

    /// What to do first, whatever comes then.
    pub fn advice(self) -> &'static str {
        match self {
            Self::VolumeGoing | Self::ClaimGoing | Self::VolumeReleased => {
                "`seaworthy hold` keeps every volume and saves all manifests; it takes two seconds"
            }
            Self::ClaimMisbound | Self::ClaimRenewed => {
                "`seaworthy hold` first; every write to the wrong disk makes it worse"
            }
            Self::ClaimReplaced => "look for a backup, or let the other pods of the set give this one what they have",
            Self::ClaimGone => "look for a backup before a fresh volume is made; nothing on the cluster has the data",
            Self::ClaimLost => "do not delete the claim: a volume made anew is bound to its uid",
            Self::VolumeEmptied => {
                "stop what writes before anything is overwritten; look for a backup, or for what an old process still holds open"
            }
            Self::VolumeScattered => {
                "stop what writes before more goes to the wrong folder; delete nothing: each node may have files that no other has"
            }
            Self::VolumeReadOnly => {
                "copy what can be read before anything else is tried; no restart, no fsck while it is mounted"
            }
            Self::VolumeFull => {
                "find out whether the application drops what it cannot write, and stop it then; delete nothing that was not copied"
            }
            Self::NodeUnreachable => "bring the node back; do not force-delete its pods while it may be running",
            Self::NodeGone => {
                "if the machine comes back with its disk, start it under the same name; if not, replace the volume"
            }
            Self::AttachStuck => {
                "bring the node back, or switch its machine off for certain; never delete the VolumeAttachment: two that write to one disk destroy it"
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
            Self::ClassGone => {
                "make the class again with the same provisioner and parameters; do not delete the claim, it is served then"
            }
            Self::ProvisionerGone => {
                "start the provisioner; volumes that were let go with policy Delete are erased then, so keep those first"
            }
            Self::ClaimStranded => "let another node be chosen; do not delete the claim",
            Self::VolumeUnerased => {
                "decide whether anybody wants what is on it: `seaworthy hold` keeps it; do not delete the object of the volume, its bytes would stay for ever"
            }
            Self::NamespaceStuck => {
                "`seaworthy hold` keeps its volumes, where anything on them is still wanted; then find out whether the owners of the finalizers can be brought back: they tidy up what is outside of the cluster"
            }
        }
    }
}
