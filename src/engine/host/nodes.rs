//! Waiting for the nodes of a cluster that this machine has just made, or started again.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{Work, failure};
use crate::cluster::{Cluster, ConnectError, ConnectOptions, Resources, connect};
use crate::doctor::{Cause, Outlook};
use crate::engine::ready::Tracker;
use crate::engine::step::{Ending, done};
use crate::engine::wait::{CLOCK, next_change};
use crate::error::Explain as _;
use crate::object::{ObjectRef, items, printable, text};

/// How long an API server may take to answer one request.
const ANSWER: Duration = Duration::from_secs(10);
/// The pause before an API server that does not listen yet is asked again.
const PAUSE: Duration = Duration::from_millis(500);

impl Work<'_> {
    pub(super) async fn nodes_ready(&self, context: &str, kubeconfig: Option<&Path>, count: usize) -> Ending {
        let options = ConnectOptions {
            kubeconfig: kubeconfig.map(Path::to_owned),
            context: Some(context.to_owned()),
            read_only: true,
            timeout: ANSWER,
        };
        match self.connected(&options).await {
            Ok(cluster) => self.watch_nodes(&cluster, count).await,
            Err(cause) => Ending::Failed(cause),
        }
    }

    /// Asks until the API server answers: one that was just started does not listen yet. What is wrong with the way to it
    /// is wrong at once.
    async fn connected(&self, options: &ConnectOptions) -> Result<Cluster, Cause> {
        let mut said = String::new();
        loop {
            let error = match connect(&self.doing.context.here, options).await {
                Ok(cluster) => return Ok(cluster),
                Err(error) => error,
            };
            let ConnectError::Unusable { fault, .. } = &error else {
                let cause = failure(self.task, error.id(), "NoWay", &error.to_string());
                return Err(Cause { remedy: error.hint(), ..cause });
            };
            let why = format!("the API server does not answer: {fault}");
            if why != said {
                self.say(&why, None);
                said = why;
            }
            sleep(PAUSE).await;
        }
    }

    async fn watch_nodes(&self, cluster: &Cluster, count: usize) -> Ending {
        let tracker = Tracker::new(cluster, Resources::default());
        let every = [ObjectRef::new("v1", "Node", None, "")];
        tracker.follow(&every[0]);
        let mut changes = tracker.changes();
        let mut clock = interval(CLOCK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = String::new();
        loop {
            changes.borrow_and_update();
            let nodes: Option<Vec<Value>> =
                tracker.look(&every, |picture| picture.of_kind("", "Node").cloned().collect());
            let waiting: Vec<String> = nodes.iter().flatten().filter_map(unready).collect();
            let ready = nodes.as_ref().map_or(0, |nodes| nodes.len() - waiting.len());
            if ready >= count && waiting.is_empty() {
                return done(false, Some(format!("{ready} of {count} ready")));
            }
            if let Some((since, why)) = tracker.broken()
                && since > self.doing.context.limits.api_away
            {
                let message = format!("the API server has gone away: {why}");
                let cause = failure(self.task, "api-gone", "ApiGone", &message);
                return Ending::Failed(Cause { outlook: Outlook::Stuck, ..cause });
            }
            let progress = match waiting.first() {
                Some(first) => format!("{ready} of {count} nodes ready; {first}"),
                None => format!("{ready} of {count} nodes ready"),
            };
            if progress != said {
                self.say(&progress, None);
                said = progress;
            }
            tokio::select! {
                () = next_change(&mut changes) => {}
                _ = clock.tick() => {}
            }
        }
    }
}

/// Why a node is not ready; `None` when it is.
fn unready(node: &Value) -> Option<String> {
    let name = text(node, "/metadata/name").unwrap_or_default();
    let ready = items(node, "/status/conditions").find(|condition| condition["type"] == "Ready");
    match ready {
        Some(ready) if ready["status"] == "True" => None,
        Some(ready) => Some(printable(&format!("{name}: {}", text(ready, "/message").unwrap_or("not ready")))),
        None => Some(printable(&format!("{name}: has not said anything yet"))),
    }
}
