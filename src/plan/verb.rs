//! The verbs of recovery: what a playbook comes to. Each knows what it reads, whether it is proven, and whether it may be done.
//!
//! The rule for all of them, in the first run as when a run is taken up again: read the objects anew, ask for the proof first;
//! if it holds, the step is done; if not, and the gate is open, do it; if neither, stop and show both.

mod by_hand;
mod etcd;
mod renew;
mod rollback;
mod seal;
mod secrets;
mod seed;
mod set;
mod standing;
mod tend;
#[cfg(test)]
mod testing;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, FieldChange, Plan};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

pub use etcd::{EtcdAct, crowded};
pub use rollback::{differences as template_differences, patch as rollback_patch, template_of};
pub use seal::{Head, LeftOut};
pub use secrets::{Secrets, SecretsAct};
pub use seed::{SEEDED, SEEDING, Seed};
pub use set::{Field, Meanwhile, ends_a_while, escaped, is_set_meanwhile, patch as set_patch};
pub use standing::{Standing, holders, is_helper};
pub use tend::{OUT_OF_SERVICE, Tend};

/// How many replicas a workload had before it was stopped; on the workload itself, so that it is known without any journal.
pub const ORIGINAL_REPLICAS: &str = "seaworthy.dev/original-replicas";
/// The reclaim policy that a volume had before it was kept.
pub const ORIGINAL_POLICY: &str = "seaworthy.dev/original-reclaim-policy";
/// Label of a volume that was replaced on purpose: nobody wants it back, and nothing deletes it.
pub const QUARANTINE: &str = "seaworthy.dev/quarantine";
/// The checksum of the archive that is being written to a claim's volume; on the claim, until all of it is there and proven.
pub const COPYING_IN: &str = "seaworthy.dev/copying-in";
/// What [`COPYING_IN`] says of a claim that was made to be copied into, until that begins.
pub const TO_BE_COPIED_IN: &str = "pending";
/// Label of every pod that was made to copy a volume; what uses a claim for the application does not have it.
pub const HELPER: &str = "seaworthy.dev/helper";
/// The annotation of a claim that the scheduler was to look at once more: the time of that recovery.
pub const REQUEUED: &str = "seaworthy.dev/requeued";
/// The annotation with which `kubectl rollout restart` changes a pod template; the same, so that both are seen as one thing.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// One incarnation of an object: a name can be taken by another object, a uid never.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// Which object.
    pub object: ObjectRef,
    /// `metadata.uid`.
    pub uid: String,
}

impl Pinned {
    /// This incarnation of a live object; `None` when it has no identity.
    pub fn of(live: &Value) -> Option<Self> {
        Some(Self { object: ObjectRef::of(live)?, uid: text(live, "/metadata/uid")?.to_owned() })
    }
}

/// All objects of a kind in a namespace, or in the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Selection {
    /// `v1`, `apps/v1`, ...
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `Deployment`, ...
    pub kind: String,
    /// `None`: cluster-scoped, or in all namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What a step of a recovery does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Verb {
    /// Writes objects to this machine's disk, each to a file, and reads them again. Nothing is ever overwritten.
    Export {
        /// The folder; a second export of the same name gets a number.
        folder: String,
        /// What to save.
        selections: Vec<Selection>,
        /// What has to be among it.
        must: Vec<Pinned>,
    },
    /// Sets the reclaim policy of a volume to Retain. It works on a volume that is being deleted, too.
    Keep {
        /// The PersistentVolume.
        volume: Pinned,
        /// Also marks it as replaced, for this reason (see [`QUARANTINE`]).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quarantine: Option<String>,
    },
    /// Sets the number of replicas of a Deployment, StatefulSet or ReplicaSet: 0 stops it, what it had before starts it again.
    Scale {
        /// The workload.
        workload: Pinned,
        /// Replicas wanted.
        to: i64,
        /// What it had when the plan was made, or is known to have had before an earlier run stopped it.
        original: i64,
    },
    /// Waits until no pod, of whatever phase, names a claim. The join is over all pods of the namespace, by their volumes.
    Unreferenced {
        /// The PersistentVolumeClaim.
        claim: ObjectRef,
    },
    /// Deletes one incarnation of an object.
    Delete {
        /// The object.
        object: Pinned,
    },
    /// Lets a volume go whose deletion waits for its finalizers. The bytes stay, because it is kept.
    Release {
        /// The PersistentVolume.
        volume: Pinned,
        /// The claim bound to it, which no pod may be using.
        claim: ObjectRef,
    },
    /// Takes the uid of a claim that is gone out of a Released volume, so that the next claim of that name, and no other, gets it.
    Free {
        /// The PersistentVolume.
        volume: Pinned,
        /// The uid of the claim that is gone.
        claim_uid: String,
    },
    /// Makes a claim or a volume.
    Create {
        /// The whole object.
        object: Value,
        /// The incarnation that it takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<String>,
    },
    /// Waits until claim and volume are bound to each other.
    Bound {
        /// The PersistentVolumeClaim.
        claim: ObjectRef,
        /// The PersistentVolume; `None`: whichever is provisioned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        volume: Option<String>,
    },
    /// Waits until a node is there, ready, and carries the host name to which volumes are tied.
    NodeReady {
        /// The name of the node.
        node: String,
        /// Its label `kubernetes.io/hostname`.
        host: String,
    },
    /// Sets fields of an object that are still as they were seen.
    Set {
        /// The object.
        object: Pinned,
        /// What that does, as a step's title.
        does: String,
        /// The fields.
        fields: Vec<Field>,
    },
    /// Gives a workload the pod template that it had before, as `kubectl rollout undo` does.
    RollBack {
        /// The Deployment, StatefulSet or DaemonSet.
        workload: Pinned,
        /// The revision of the template that it has: a ReplicaSet, or a `ControllerRevision`.
        from: Pinned,
        /// The revision of the template that it is to have.
        to: Pinned,
        /// What differs.
        fields: Vec<FieldChange>,
        /// Whether its pods have to become ready. Those of a template that is put back after it was taken back may never.
        ready: bool,
    },
    /// Replaces the pods of a workload, as `kubectl rollout restart` does.
    Restart {
        /// The workload.
        workload: Pinned,
        /// The mark by which this restart is known; a time.
        at: String,
    },
    /// Follows the logs of all pods of a workload until a line matches.
    Follow {
        /// The workload.
        workload: Pinned,
        /// The container; `None`: the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        container: Option<String>,
        /// Regular expression of the line that says it is done.
        until: String,
        /// Regular expression of a line that says it will not come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fail: Option<String>,
    },
    /// Counts the files of a claim's volume in a pod that runs with it, where that pod has a shell.
    Count {
        /// The PersistentVolumeClaim.
        claim: ObjectRef,
        /// Fewer than this are a failure; 0: only said.
        at_least: u64,
    },
    /// Deletes a claim of a `StatefulSet` with the pod that uses it, so that both are made anew while the other pods go on.
    Renew {
        /// The PersistentVolumeClaim; its volume is kept.
        claim: Pinned,
        /// The pod, by its name: the `StatefulSet` makes it again and again.
        pod: ObjectRef,
    },
    /// Does something to an etcd, over its members.
    Etcd {
        /// The `StatefulSet`.
        set: Pinned,
        /// What.
        #[serde(flatten)]
        act: EtcdAct,
    },
    /// Does something small to an object, or waits for it.
    Tend {
        /// The object.
        object: ObjectRef,
        /// What.
        #[serde(flatten)]
        act: Tend,
    },
    /// Copies what is on a claim's volume to this machine, with the checksum of every file.
    CopyOut {
        /// The PersistentVolumeClaim.
        claim: Pinned,
        /// The folder for the archive, its list and its certificate.
        folder: String,
        /// The image to copy with; `None`: one that the volume's node has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// Whether no pod may have the volume mounted: then the copy is of one moment.
        #[serde(default)]
        quiet: bool,
    },
    /// Copies an archive that was copied out onto a claim's volume.
    CopyIn {
        /// The PersistentVolumeClaim.
        claim: ObjectRef,
        /// The folder in which the archive is.
        folder: String,
        /// The image to copy with; `None`: one that the volume's node has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// Whether what is on the volume goes; otherwise it has to be empty.
        #[serde(default)]
        over: bool,
    },
    /// Makes the data of a member of an etcd from a snapshot, on its fresh claim.
    Seed(Box<Seed>),
    /// Writes Secrets into an encrypted file, or makes those of one that are gone.
    Secrets(Box<Secrets>),
    /// Looks through all that was put into a backup's folder and writes its manifest: a folder that has one is whole.
    Seal {
        /// The backup's folder.
        folder: String,
        /// What it is of.
        head: Box<Head>,
    },
    /// Asks the person; the answer is written to the journal.
    Ask {
        /// The question.
        question: String,
        /// The word to be typed; `None`: yes or no.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        word: Option<String>,
    },
}

impl Verb {
    /// The object that the verb is about.
    pub fn object(&self) -> Option<ObjectRef> {
        match self {
            Self::Keep { volume, .. } | Self::Release { volume, .. } | Self::Free { volume, .. } => {
                Some(volume.object.clone())
            }
            Self::Scale { workload, .. } | Self::Restart { workload, .. } | Self::Follow { workload, .. } => {
                Some(workload.object.clone())
            }
            Self::Unreferenced { claim }
            | Self::Bound { claim, .. }
            | Self::Count { claim, .. }
            | Self::CopyIn { claim, .. } => Some(claim.clone()),
            Self::Delete { object } | Self::Set { object, .. } => Some(object.object.clone()),
            Self::CopyOut { claim, .. } | Self::Renew { claim, .. } => Some(claim.object.clone()),
            Self::RollBack { workload, .. } => Some(workload.object.clone()),
            Self::Etcd { set, .. } => Some(set.object.clone()),
            Self::Seed(seed) => Some(seed.claim.clone()),
            Self::Tend { object, .. } => Some(object.clone()),
            Self::Create { object, .. } => ObjectRef::of(object),
            Self::NodeReady { node, .. } => Some(ObjectRef::new("v1", "Node", None, node)),
            Self::Export { .. } | Self::Secrets(_) | Self::Seal { .. } | Self::Ask { .. } => None,
        }
    }

    /// The objects that have to be read to judge it.
    pub fn reads(&self) -> Vec<ObjectRef> {
        let mut reads: Vec<ObjectRef> = self.object().into_iter().collect();
        match self {
            Self::Bound { volume: Some(volume), .. } => {
                reads.push(ObjectRef::new("v1", "PersistentVolume", None, volume));
            }
            Self::Release { claim, .. } => reads.push(claim.clone()),
            Self::RollBack { from, to, .. } => reads.extend([from.object.clone(), to.object.clone()]),
            _ => {}
        }
        reads
    }

    /// The namespace of which all pods have to be read to judge it.
    pub fn reads_pods(&self) -> Option<&str> {
        match self {
            Self::Unreferenced { claim } | Self::Release { claim, .. } | Self::Count { claim, .. } => {
                claim.namespace.as_deref()
            }
            Self::Delete { object } if object.object.kind == "PersistentVolumeClaim" => {
                object.object.namespace.as_deref()
            }
            Self::Renew { claim, .. } => claim.object.namespace.as_deref(),
            Self::Etcd { set, .. } => set.object.namespace.as_deref(),
            _ => None,
        }
    }

    /// Whether it cannot be taken back, and so wants the name typed. The data itself stays: volumes are kept before.
    pub fn is_irreversible(&self) -> bool {
        match self {
            Self::Delete { object } => object.object.kind != "Pod",
            Self::Release { .. } | Self::Renew { .. } => true,
            Self::CopyIn { over, .. } => *over,
            Self::Tend { act, .. } => act.is_irreversible(),
            _ => false,
        }
    }

    /// Once its proof holds, all that stands before it in the plan has been done, and may meanwhile be undone again: what was
    /// stopped is started at the end.
    pub fn is_turning_point(&self) -> bool {
        // Not `Bound`: a claim whose volume waits for its deletion is bound to it from the beginning. Nor a pod: they go by themselves.
        match self {
            Self::Delete { object } => object.object.kind != "Pod",
            Self::Release { .. }
            | Self::Create { .. }
            | Self::Renew { .. }
            | Self::Tend { act: Tend::Erase { .. }, .. } => true,
            _ => false,
        }
    }

    /// What it changes, as a plan shows it.
    pub fn change(&self) -> Change {
        let changed = || Change::Update { fields: Vec::new(), conflicts: Vec::new(), resource_version: String::new() };
        match self {
            Self::Delete { .. } | Self::Release { .. } | Self::Renew { .. } => Change::Delete,
            Self::Etcd { act, .. } if act.writes() => changed(),
            Self::Tend { act, .. } if act.writes() => changed(),
            Self::Secrets(secrets) if secrets.writes() => Change::Create,
            // A helper pod is made for it, and taken away.
            Self::Create { .. } | Self::CopyOut { .. } | Self::Seed(_) => Change::Create,
            Self::Keep { .. }
            | Self::Scale { .. }
            | Self::Free { .. }
            | Self::Set { .. }
            | Self::RollBack { .. }
            | Self::CopyIn { .. }
            | Self::Restart { .. } => {
                Change::Update { fields: self.fields(), conflicts: Vec::new(), resource_version: String::new() }
            }
            _ => Change::Observe,
        }
    }
}

/// Marks as passed what need not be done again when a plan is taken up. `done`: the steps that are known to be done.
pub fn pass(plan: &mut Plan, snapshot: &Snapshot, done: &BTreeSet<String>) {
    match plan.purpose {
        super::Purpose::Recover => {
            pass_turned(plan, snapshot);
            pass_copies_in(plan, done);
        }
        super::Purpose::Backup | super::Purpose::Restore => pass_copies(plan, done),
        _ => {}
    }
}

/// Of a backup or a restore: once every copy is known to be done, everything up to the last of them. What was started since may have
/// written, and is not to be stopped again, let alone overwritten.
fn pass_copies(plan: &mut Plan, done: &BTreeSet<String>) {
    let copies =
        |step: &super::Step| matches!(step.verb(), Some(Verb::CopyOut { .. } | Verb::CopyIn { .. } | Verb::Seed(_)));
    if !plan.steps.iter().filter(|step| copies(step)).all(|step| done.contains(&step.id)) {
        return;
    }
    let last = plan.steps.iter().rposition(copies);
    for step in plan.steps.iter_mut().take(last.map_or(0, |last| last + 1)) {
        step.change = Change::Unchanged;
    }
}

/// Of a recovery: everything before the last turning point that the cluster shows to be proven.
fn pass_turned(plan: &mut Plan, snapshot: &Snapshot) {
    let proven = |verb: &Verb| verb.is_turning_point() && matches!(verb.standing(snapshot), Standing::Proven { .. });
    let last = plan.steps.iter().rposition(|step| step.verb().is_some_and(proven));
    for step in plan.steps.iter_mut().take(last.unwrap_or(0)) {
        step.change = Change::Unchanged;
    }
}

/// And each copy onto a volume that is known to be done: whoever was started since may have written there.
fn pass_copies_in(plan: &mut Plan, done: &BTreeSet<String>) {
    let is_done = |step: &super::Step| {
        done.contains(&step.id) && matches!(step.verb(), Some(Verb::CopyIn { .. } | Verb::Seed(_)))
    };
    for step in plan.steps.iter_mut().filter(|step| is_done(step)) {
        step.change = Change::Unchanged;
    }
}
