//! The cluster behind each context: whether it answers, what it is, and if it does not, why and what to do.

pub(crate) mod client;
mod plugin;
mod proxy;

use super::distribution::{Recognised, recognise};
use super::kubeconfig::{ContextFact, Loaded};
use super::surroundings::Surroundings;
use super::text::clean;
use crate::cluster::fault::{ConnectFault, classify};
use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::api::{Api, ListParams};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

pub use proxy::proxy_for;

/// How many nodes are read to recognise a cluster; the others are only counted.
const NODES: u32 = 50;

/// The cluster behind one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFact {
    /// The context.
    pub context: String,
    /// The server's address, if the context has one.
    pub server: Option<String>,
    /// What asking it gave.
    #[serde(flatten)]
    pub reach: Reach,
}

/// What asking a cluster gave; in JSON, the variant's name in `reach`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reach", rename_all = "kebab-case")]
pub enum Reach {
    /// It answered.
    Reached(ClusterAnswer),
    /// It did not, or not to us.
    Unreached(Unreached),
}

/// What a cluster says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterAnswer {
    /// The API server's version, such as `v1.34.2`.
    pub version: String,
    /// Which distribution it is.
    #[serde(flatten)]
    pub recognised: Recognised,
    /// How many nodes it has; `None` if they could not be read.
    pub nodes: Option<u64>,
    /// Its identity: the uid of its namespace `kube-system`; `None` if that could not be read.
    pub identity: Option<String>,
    /// From the first packet to the first answer, in milliseconds: TCP, TLS and one request.
    pub latency_ms: u64,
    /// What could not be read, and why.
    pub unread: Vec<Unread>,
}

/// Something a reachable cluster did not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What, such as `nodes`.
    pub what: String,
    /// Why not.
    pub fault: ConnectFault,
}

/// Why a cluster did not answer, in words and with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreached {
    /// The kind of fault.
    pub fault: ConnectFault,
    /// The fault in words.
    pub message: String,
    /// The file whose setting it is about.
    pub file: Option<PathBuf>,
    /// What to do about it, if we know.
    pub remedy: Option<String>,
}

/// Asks the cluster of one context. All of it, a credential plugin included, takes at most `limit`.
pub async fn ask(loaded: &Loaded, context: &ContextFact, here: &Surroundings, limit: Duration) -> ClusterFact {
    let deadline = Instant::now() + limit;
    let client = client::client(loaded, context, here, limit);
    ask_by(deadline, client, context).await
}

/// Asks a cluster to which there is a way already, as [`ask`] does.
pub async fn ask_with(client: kube::Client, context: &ContextFact, limit: Duration) -> ClusterFact {
    ask_by(Instant::now() + limit, std::future::ready(Ok(client)), context).await
}

async fn ask_by(
    deadline: Instant,
    client: impl Future<Output = Result<kube::Client, ConnectFault>>,
    context: &ContextFact,
) -> ClusterFact {
    let reach = match timeout_at(deadline, first_answer(client)).await {
        Ok(Ok((client, version, latency_ms))) => Reach::Reached(describe(client, version, latency_ms, deadline).await),
        Ok(Err(fault)) => Reach::Unreached(unreached(fault, context)),
        Err(_) => Reach::Unreached(unreached(ConnectFault::Timeout, context)),
    };
    ClusterFact { context: context.name.clone(), server: context.server.clone(), reach }
}

async fn first_answer(
    client: impl Future<Output = Result<kube::Client, ConnectFault>>,
) -> Result<(kube::Client, String, u64), ConnectFault> {
    let client = client.await?;
    let started = Instant::now();
    let version = client.apiserver_version().await.map_err(|error| classify(&error))?.git_version;
    // All its fields may be absent, so any JSON object passes for a version.
    if version.is_empty() {
        return Err(ConnectFault::NotKubernetes { detail: "its answer names no version".into() });
    }
    Ok((client, clean(&version), super::millis(started.elapsed())))
}

async fn describe(client: kube::Client, version: String, latency_ms: u64, deadline: Instant) -> ClusterAnswer {
    let nodes = Api::<Node>::all(client.clone());
    let namespaces = Api::<Namespace>::all(client);
    let few = ListParams::default().limit(NODES);
    let (nodes, system) =
        tokio::join!(timeout_at(deadline, nodes.list(&few)), timeout_at(deadline, namespaces.get("kube-system")));

    let mut unread = Vec::new();
    let mut keep = |what: &str, fault| unread.push(Unread { what: what.into(), fault });
    let nodes = settled(nodes).map_err(|fault| keep("nodes", fault)).ok();
    let system = settled(system).map_err(|fault| keep("namespace kube-system", fault)).ok();
    let count = nodes.as_ref().map(|list| {
        let rest = list.metadata.remaining_item_count.and_then(|rest| u64::try_from(rest).ok());
        list.items.len() as u64 + rest.unwrap_or_default()
    });
    ClusterAnswer {
        recognised: recognise(nodes.as_ref().map(|list| list.items.as_slice()).unwrap_or_default(), &version),
        version,
        nodes: count,
        identity: system.and_then(|namespace| namespace.metadata.uid),
        latency_ms,
        unread,
    }
}

/// A request that may have run out of time.
fn settled<T>(answer: Result<kube::Result<T>, tokio::time::error::Elapsed>) -> Result<T, ConnectFault> {
    answer.map_err(|_| ConnectFault::Timeout)?.map_err(|error| classify(&error))
}

fn unreached(fault: ConnectFault, context: &ContextFact) -> Unreached {
    let remedy = fault.hint_for(&context.name);
    Unreached { message: fault.to_string(), file: file_of(&fault, context), remedy, fault }
}

/// The file whose setting a fault is about: the user's for credentials, the cluster's for the rest.
fn file_of(fault: &ConnectFault, context: &ContextFact) -> Option<PathBuf> {
    match fault {
        ConnectFault::NoContext | ConnectFault::UnknownContext { .. } | ConnectFault::UnknownCluster { .. } => {
            Some(context.file.clone())
        }
        ConnectFault::Unauthorized
        | ConnectFault::Forbidden { .. }
        | ConnectFault::PluginMissing { .. }
        | ConnectFault::PluginFailed { .. } => context.user_file.clone().or_else(|| Some(context.file.clone())),
        ConnectFault::BadConfig { detail } if detail.contains("client-") || detail.contains("token") => {
            context.user_file.clone()
        }
        _ => context.cluster_file.clone(),
    }
}

#[cfg(test)]
mod tests;
