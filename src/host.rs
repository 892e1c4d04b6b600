//! This machine: container engines, tools, kubeconfig contexts and their clusters, resources. Only facts, only reading.
//!
//! ```text
//! Surroundings --+-- resources ------------------.
//!                +-- engines (one each address) --+-- HostEvent, as each is known -- Host
//!                +-- tools (one each) ------------|
//!                '-- kubeconfig -- clusters ------'
//! ```
//!
//! Everything is asked at once, and each has its own deadline: a dead socket or an unreachable cluster delays nothing
//! else, and the whole takes no longer than the longest deadline.

pub(crate) mod child;
pub mod clusters;
pub mod distribution;
pub mod engines;
pub(crate) mod exec;
pub mod identity;
pub(crate) mod knock;
pub mod kubeconfig;
pub mod links;
pub mod networks;
pub mod resources;
mod surroundings;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;
pub mod tools;

use clusters::ClusterFact;
use engines::{Engine, UnusableEngine};
use futures::future::join_all;
use kubeconfig::{KubeconfigFacts, Loaded, Problem};
use resources::Resources;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tools::{TOOLS, Tool};

pub use surroundings::{LookOptions, Surroundings};

/// What is known of this machine. It holds no credential, and can be saved and loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Processors, memory, disk and kernel settings; `None` if they could not be read in time.
    pub resources: Option<Resources>,
    /// The container engines that answered, the most explicitly named first.
    pub engines: Vec<Engine>,
    /// The addresses where none did, and why; see [`UnusableEngine::is_noteworthy`].
    pub unusable_engines: Vec<UnusableEngine>,
    /// Every tool of the table, found or not, in its order.
    pub tools: Vec<Tool>,
    /// The kubeconfig files, contexts and what is wrong with them.
    pub kubeconfig: KubeconfigFacts,
    /// The clusters behind the contexts, in their order.
    pub clusters: Vec<ClusterFact>,
}

/// One fact, as soon as it is known; in JSON, the variant's name in `fact`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum HostEvent {
    /// The machine's resources.
    Resources {
        /// The resources.
        resources: Resources,
    },
    /// An engine answered at an address; the same engine may come again with another one.
    Engine {
        /// The engine, with this one address.
        engine: Engine,
    },
    /// No engine can be used at an address.
    UnusableEngine {
        /// The address and the reason.
        engine: UnusableEngine,
    },
    /// A tool was found and asked, or is not there.
    Tool {
        /// The tool.
        tool: Tool,
    },
    /// The kubeconfig files are read; it comes before any cluster.
    Kubeconfig {
        /// What they hold.
        kubeconfig: KubeconfigFacts,
    },
    /// A cluster answered, or its deadline is over.
    Cluster {
        /// The cluster.
        cluster: ClusterFact,
    },
}

impl Host {
    /// Adds a fact. The result does not depend on the order in which facts come.
    pub fn add(&mut self, event: HostEvent) {
        match event {
            HostEvent::Resources { resources } => self.resources = Some(resources),
            HostEvent::Engine { engine } => engines::merge(&mut self.engines, engine),
            HostEvent::UnusableEngine { engine } => {
                self.unusable_engines.push(engine);
                self.unusable_engines.sort_by_key(|engine| engine.preference);
            }
            HostEvent::Tool { tool } => {
                self.tools.push(tool);
                self.tools.sort_by_key(Tool::rank);
            }
            HostEvent::Kubeconfig { kubeconfig } => self.kubeconfig = kubeconfig,
            HostEvent::Cluster { cluster } => {
                self.clusters.push(cluster);
                let contexts = &self.kubeconfig.contexts;
                self.clusters.sort_by_key(|cluster| contexts.iter().position(|known| known.name == cluster.context));
            }
        }
    }
}

/// Looks at everything and returns when all is known or its deadline over.
pub async fn look(here: &Surroundings, options: &LookOptions) -> Host {
    let (sender, mut events) = mpsc::channel(64);
    let fold = async {
        let mut host = Host::default();
        while let Some(event) = events.recv().await {
            host.add(event);
        }
        host
    };
    tokio::join!(report(here, options, sender), fold).1
}

/// Looks at everything and sends each fact as soon as it is known. The channel closes when all is said.
///
/// A reader that stops listening ends nothing; what is under way is finished in its time. To stop at once, drop the
/// future: programs it runs are killed.
pub async fn report(here: &Surroundings, options: &LookOptions, events: mpsc::Sender<HostEvent>) {
    tokio::join!(
        report_resources(here, options, &events),
        report_engines(here, options.engine_limit, &events),
        report_tools(here, options.tool_limit, &events),
        report_clusters(here, options, &events),
    );
}

async fn report_resources(here: &Surroundings, options: &LookOptions, events: &mpsc::Sender<HostEvent>) {
    let (here, folders) = (here.clone(), options.folders.clone());
    if let Some(resources) = blocking(options.file_limit, move || resources::read(&here, &folders)).await {
        send(events, HostEvent::Resources { resources }).await;
    }
}

async fn report_engines(here: &Surroundings, limit: Duration, events: &mpsc::Sender<HostEvent>) {
    join_all(engines::candidates(here).into_iter().map(async |candidate| {
        let event = match engines::ask(candidate, limit).await {
            Ok(engine) => HostEvent::Engine { engine },
            Err(engine) => HostEvent::UnusableEngine { engine },
        };
        send(events, event).await;
    }))
    .await;
}

async fn report_tools(here: &Surroundings, limit: Duration, events: &mpsc::Sender<HostEvent>) {
    join_all(TOOLS.iter().map(async |row| {
        let tool = tools::probe(row, here, limit).await;
        send(events, HostEvent::Tool { tool }).await;
    }))
    .await;
}

/// As [`report`], of the kubeconfig files and the clusters behind their contexts only.
pub async fn report_clusters(here: &Surroundings, options: &LookOptions, events: &mpsc::Sender<HostEvent>) {
    // Reading the files counts towards the clusters' time, so that the whole stays within the longest limit.
    let deadline = Instant::now() + options.cluster_limit;
    let loaded = load(here, options).await;
    send(events, HostEvent::Kubeconfig { kubeconfig: loaded.facts.clone() }).await;
    let limit = deadline.saturating_duration_since(Instant::now());
    let asked =
        loaded.facts.contexts.iter().filter(|known| options.context.as_ref().is_none_or(|name| *name == known.name));
    join_all(asked.map(async |context| {
        let cluster = clusters::ask(&loaded, context, here, limit).await;
        send(events, HostEvent::Cluster { cluster }).await;
    }))
    .await;
}

async fn load(here: &Surroundings, options: &LookOptions) -> Loaded {
    let (surroundings, explicit) = (here.clone(), options.kubeconfig.clone());
    let limit = options.file_limit;
    blocking(limit, move || kubeconfig::read(&surroundings, explicit.as_deref())).await.unwrap_or_else(|| {
        let mut loaded = Loaded::default();
        loaded.facts.problems.push(Problem::Stuck { after_ms: millis(limit) });
        loaded
    })
}

/// Runs what asks file systems on a thread of its own, and does not wait for it longer than `limit`.
///
/// Not on the runtime's blocking pool: the process could not end while a dead network mount holds a thread of that.
async fn blocking<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("host".into())
        .spawn(move || {
            // Nobody listens any more once the limit is over.
            let _ = sender.send(work());
        })
        .ok()?;
    timeout(limit, receiver).await.ok()?.ok()
}

async fn send(events: &mpsc::Sender<HostEvent>, event: HostEvent) {
    // A reader that has gone needs no facts.
    let _ = events.send(event).await;
}

/// A duration in whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
