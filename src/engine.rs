//! The only code that writes to a cluster or changes the host: runs a plan, step by step, observe -> act -> verify.

pub mod apply;
pub mod etcd;
pub mod forward;
mod graph;
mod host;
pub mod journal;
pub mod lock;
pub mod ready;
pub mod record;
pub mod rescue;
pub mod review;
mod run;
mod step;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, Resources};
use crate::doctor::stacks::Knowledge;
use crate::event::{Command, Event};
use crate::host::Surroundings;
use crate::snapshot::Snapshot;

pub use run::run;
pub(crate) use step::secret_needed;

/// What a run needs beside its plan.
pub struct Context {
    /// The cluster; it must be the one that the plan was made for.
    pub cluster: Cluster,
    /// This machine, for steps that change it.
    pub here: Surroundings,
    /// Where the kinds of the plan live.
    pub resources: Resources,
    /// The picture that the plan was made from.
    pub snapshot: Snapshot,
    /// Where the events go. A front end that stops listening does not stop the run.
    pub events: mpsc::Sender<Event>,
    /// Cancelled to stop the run in good order.
    pub cancel: CancellationToken,
    /// Limits.
    pub limits: Limits,
    /// What stacks say of themselves, for the doctor who is asked when something stalls; that of the embedded ones unless given.
    pub stacks: Option<Arc<Knowledge>>,
    /// Where answers come from; `None`: nobody answers, and a step that asks fails.
    pub commands: Option<Mutex<mpsc::Receiver<Command>>>,
}

/// How long and how many.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long one object may take to become ready, or to be gone.
    pub wait: Duration,
    /// How long the API server may be away before the run ends.
    pub api_away: Duration,
    /// Writes in flight at once. Each needs a connection of its own (kube speaks HTTP/1.1), and each connection a handshake.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { wait: Duration::from_secs(600), api_away: Duration::from_secs(30), in_flight: 12 }
    }
}

impl Context {
    /// Sends an event that must arrive.
    pub(crate) async fn emit(&self, event: Event) {
        // The receiver is gone only when the front end has ended.
        let _ = self.events.send(event).await;
    }
}
