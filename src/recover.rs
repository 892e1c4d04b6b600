//! Recovery: recognise what is lost, and make the plan that brings it back.
//!
//! Everything here is pure or read-only; the engine does what a plan says. A loss is only called certain when two facts that do
//! not follow from each other agree, because an operator acts on it: a claim was once thrown away because a pod was Pending for
//! want of memory (redpanda-operator, pull request 1749).

pub mod agreement;
pub mod archive;
pub mod backup;
pub mod compile;
pub mod drill;
pub mod etcd;
pub mod former;
pub mod guide;
pub mod join;
pub mod keeper;
pub mod look;
pub mod loss;
pub mod map;
pub mod occasion;
pub mod playbook;
pub mod record;
pub mod report;
pub mod runbook;
pub mod stuck;
pub mod subject;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::engine::rescue::{Disk, Files};
use crate::etcd::View;
use crate::object::ObjectRef;
use crate::snapshot::Snapshot;
use stuck::Stuck;

pub use loss::{Loss, LossKind, recognise};
pub use playbook::{Playbook, Playbooks};
pub use record::Record;

/// All that recognising goes by: what the cluster shows, what it once was, and the time.
#[derive(Debug, Clone, Default)]
pub struct Sighting {
    /// The objects.
    pub snapshot: Snapshot,
    /// What healthy installations of this cluster looked like.
    pub records: Vec<Record>,
    /// What volumes hold now, by their claim; only those that could be asked.
    pub files: BTreeMap<ObjectRef, Files>,
    /// The file systems of volumes, by their claim; only those that could be asked.
    pub disks: BTreeMap<ObjectRef, Disk>,
    /// What each node has in the folder of a claim whose volume is a path of whichever node, by their claim.
    pub per_node: BTreeMap<ObjectRef, Vec<(Files, Disk)>>,
    /// What the members of every etcd say.
    pub etcds: Vec<View>,
    /// The namespaces that were told to go and are still there.
    pub stuck: Vec<Stuck>,
    /// The only namespace that was looked at; `None`: all.
    pub namespace: Option<String>,
    /// When.
    pub now: Timestamp,
}
