//! What lies on the disks of the simulated nodes: files by path, so that a volume that was lost is really empty.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::containers::POD;
use super::world::World;
use crate::object::{items, text};

/// The files of one directory: path below it, content.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Directories by node and path.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Disks(BTreeMap<String, Files>, #[serde(skip)] u64);

impl Disks {
    /// The directory behind a volume: on the node that the volume names, or on the network for one that names none.
    pub(super) fn place(volume: &Value) -> String {
        let path = ["/spec/hostPath/path", "/spec/local/path", "/spec/nfs/path"]
            .iter()
            .find_map(|pointer| text(volume, pointer))
            .unwrap_or_else(|| text(volume, "/metadata/name").unwrap_or_default());
        format!("{}:{path}", node(volume).unwrap_or_default())
    }

    pub(super) fn files(&self, place: &str) -> Option<&Files> {
        self.0.get(place)
    }

    /// The directory; made when it is not there.
    pub(super) fn make(&mut self, place: &str) -> &mut Files {
        self.1 += 1;
        self.0.entry(place.to_owned()).or_default()
    }

    /// Deletes the directory with all that is in it.
    pub(super) fn erase(&mut self, place: &str) {
        self.1 += 1;
        self.0.remove(place);
    }

    /// Deletes every directory whose place begins so.
    pub(super) fn erase_all(&mut self, beginning: &str) {
        let before = self.0.len();
        self.0.retain(|place, _| !place.starts_with(beginning));
        self.1 += u64::from(self.0.len() != before);
    }

    /// How often somebody wrote.
    pub(super) fn changes(&self) -> u64 {
        self.1
    }
}

/// The node that a volume's affinity names.
pub(super) fn node(volume: &Value) -> Option<&str> {
    let terms = items(volume, "/spec/nodeAffinity/required/nodeSelectorTerms");
    let mut expressions = terms.flat_map(|term| items(term, "/matchExpressions"));
    let named = expressions.find(|expression| expression["key"] == "kubernetes.io/hostname")?;
    named["values"].get(0)?.as_str()
}

/// Why a disk takes no writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusing {
    ReadOnly,
    Full,
}

impl Refusing {
    /// As programs say it (`strerror(3)`: EROFS, ENOSPC).
    pub(super) fn said(self) -> &'static str {
        match self {
            Self::ReadOnly => "Read-only file system",
            Self::Full => "No space left on device",
        }
    }
}

impl World {
    /// Why nothing can be written to a place; `None`: it can.
    pub(super) fn disk_refuses(&self, place: &str) -> Option<Refusing> {
        let volumes = || self.store.all("PersistentVolume");
        if volumes().any(|volume| super::faults::is_full(self, volume) && Disks::place(volume) == place) {
            return Some(Refusing::Full);
        }
        // A place of the network is on no node, and one of a pod itself on no disk that fails.
        let node = place.split_once(':')?.0;
        if node.is_empty() || place.starts_with(POD) {
            return None;
        }
        let faults = [("disk-read-only", Refusing::ReadOnly), ("disk-full", Refusing::Full)];
        faults.into_iter().find(|(fault, _)| self.suffers(fault, node)).map(|(_, why)| why)
    }
}
