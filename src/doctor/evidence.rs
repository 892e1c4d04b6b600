//! What the checks judge: a picture of the cluster at a time, with what could not be read. It can be saved and loaded, so that
//! a cluster can be judged by somebody who cannot reach it.

mod certificate;
mod file;
mod gather;
mod host;
mod live;
mod strip;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::survey::Survey;
use crate::object::{ObjectRef, items, text};
use crate::snapshot::Snapshot;

#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use file::{FileError, document, load, save};
pub use gather::{GatherError, Scope, gather, is_gathered, objects, resources};
pub use host::{HostFacts, look_around};
pub use live::{Freshness, Live};
pub(crate) use strip::KEPT;
pub(super) use strip::inventory;
pub(crate) use strip::kept;
pub use strip::{CHATTER, UNREAD};

/// A snapshot with the time, the cluster it is of, and what was asked for.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The objects, as far as checks read them.
    pub snapshot: Snapshot,
    /// When it was taken, by the cluster's own clock where it told it. Ages are counted up to here.
    pub taken: Timestamp,
    /// The cluster; `None` when a file did not say.
    pub cluster: Option<ClusterFacts>,
    /// The kinds that were read; `None` for all that the checks know. A kind that was not read is never "not there".
    pub read: Option<BTreeSet<String>>,
    /// The only namespace that was read, where there was no right to read all.
    pub only: Option<String>,
    /// What the API server says of its own parts (`/readyz?verbose`).
    pub readyz: Option<String>,
    /// How long the API server took for one short answer (`/version`), ms; where it gave none in time, for how long it was waited for.
    pub answered: Option<u64>,
    /// This machine, when the cluster is on it.
    pub host: Option<HostFacts>,
    /// What was read beside that, for one object: objects, or all of a kind where no name is given. It is not saved.
    pub beside: Vec<ObjectRef>,
    /// What the rules about stalls find; made when first asked for.
    survey: OnceLock<Survey>,
}

/// Which cluster the evidence is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFacts {
    /// The kubeconfig context that led there.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// uid of the Namespace `kube-system`.
    pub uid: String,
    /// Version of Kubernetes: `v1.34.2`.
    #[serde(default)]
    pub version: Option<String>,
}

impl Evidence {
    /// Evidence of a snapshot in which every kind was read.
    pub fn new(snapshot: Snapshot, taken: Timestamp) -> Self {
        Self { snapshot, taken, ..Self::default() }
    }

    /// What the rules about stalls find in it.
    pub(crate) fn survey(&self) -> &Survey {
        self.survey.get_or_init(|| Survey::of(self))
    }

    /// Why nothing can be said about a kind; `None` when it was read.
    pub fn gap(&self, kind: &str) -> Option<String> {
        if let Some(unread) = self.snapshot.unread.iter().find(|unread| unread.kind == kind) {
            return Some(format!("{kind} could not be read: {}", unread.why));
        }
        let asked = self.read.as_ref().is_none_or(|read| read.contains(kind));
        (!asked).then(|| format!("{kind} is not in the evidence"))
    }

    /// Whether all that checks read was read, of the whole cluster.
    pub fn is_whole(&self) -> bool {
        self.only.is_none() && self.snapshot.unread.is_empty() && gather::kinds().all(|kind| self.gap(kind).is_none())
    }

    /// Whether a kind was read in a namespace, so that what is not in the snapshot is not in the cluster.
    pub fn knows(&self, kind: &str, namespace: &str) -> bool {
        self.gap(kind).is_none() && self.only.as_deref().is_none_or(|only| only == namespace)
    }

    /// Whether an object was looked for, so that it is not in the cluster when it is not in the snapshot.
    pub(super) fn looked_for(&self, object: &ObjectRef) -> bool {
        if self.gap(&object.kind).is_some() {
            return false;
        }
        let covers = |read: &ObjectRef| {
            (read.group(), &read.kind) == (object.group(), &object.kind)
                && (read.name.is_empty() || read.name == object.name)
                && (read.namespace.is_none() || read.namespace == object.namespace)
        };
        let is_read = match &self.read {
            Some(read) => read.contains(&object.kind),
            // Leases are read where the control plane keeps its own.
            None => gather::is_gathered(object) && object.kind != "Lease",
        };
        let inside = self.only.as_ref().is_none_or(|only| object.namespace.as_ref().is_none_or(|place| place == only));
        is_read && inside || self.beside.iter().any(covers)
    }

    /// Seconds since a time in an object; `None` when it has none.
    pub fn since(&self, object: &Value, pointer: &str) -> Option<i64> {
        let then: Timestamp = text(object, pointer)?.parse().ok()?;
        Some(super::stall::words::seconds(then, self.taken))
    }
}

/// Where the last lines of a container that runs and is not ready are kept in the evidence of its pod.
const LOG: &str = "seaworthy.dev/log";

/// The words of a pod's containers: what they said when they ended, and the last lines of those that run without being ready.
pub(super) fn logs(pod: &Value) -> impl Iterator<Item = (&str, &str)> {
    let statuses = items(pod, "/status/containerStatuses").chain(items(pod, "/status/initContainerStatuses"));
    let ends = statuses.flat_map(|status| {
        ["/state/terminated/message", "/lastState/terminated/message"]
            .into_iter()
            .filter_map(|at| Some((text(status, "/name")?, text(status, at)?)))
    });
    let running = pod[LOG].as_object().into_iter().flatten();
    ends.chain(running.filter_map(|(container, log)| Some((container.as_str(), log.as_str()?))))
}

/// Whether a kind is read at all.
#[cfg(test)]
pub(super) fn is_gathered_kind(kind: &str) -> bool {
    gather::is_gathered_kind(kind)
}
