//! A cluster: one kubeconfig context with a client, its identity and version.

#[cfg(test)]
pub(crate) mod answering;
pub mod clock;
pub mod connect;
mod discover;
pub mod fault;
pub(crate) mod fence;
mod host;
pub(crate) mod kubelet;
pub mod meter;
pub mod resources;

use serde::{Deserialize, Serialize};

pub use clock::Clock;
pub use connect::{ConnectError, ConnectOptions, connect};
pub use discover::{Discovery, Served, discover};
pub use host::host;
pub use meter::{Counts, Meter};
pub use resources::Resources;

/// A cluster that answered.
#[derive(Clone)]
pub struct Cluster {
    /// The client. Every request through it is counted by [`Cluster::meter`].
    pub client: kube::Client,
    /// Who this cluster is.
    pub id: ClusterId,
    /// The counts of what went through the client.
    pub meter: Meter,
    /// What time it is there.
    pub clock: Clock,
}

/// What a plan, a journal and a confirmation are bound to: the cluster itself, not a context's name, which can be made to
/// point elsewhere between two commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterId {
    /// The kubeconfig context that led here; for people.
    pub context: String,
    /// Address of the API server; for people.
    pub server: String,
    /// uid of the Namespace `kube-system`: made with the cluster, never changed.
    pub uid: String,
}
