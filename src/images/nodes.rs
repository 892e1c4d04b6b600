//! The nodes of a cluster: where each is, and which images it has. Only reading.

mod container;
mod machine;

use futures::future::join_all;
use serde_json::Value;

use super::runtime::{self, Held};
use crate::cluster::{Cluster, Resources};
use crate::host::{Surroundings, identity};
use crate::network;
use crate::object::{ObjectRef, printable, text};
use crate::plan::task::Door;
use crate::plan::task::image::NodeDoor;
use crate::snapshot::collect::{Query, Scope, collect};
use machine::Likeness;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Such as `linux`, as it says itself.
    pub os: String,
    /// Such as `amd64`.
    pub architecture: String,
    /// Such as `containerd://1.7.24`.
    pub runtime: String,
    /// Whether it is one of k3s.
    pub k3s: bool,
    /// Whether it has an address of this machine.
    pub here: bool,
    /// What it has told the API server that it has: 50 images at most, and not which one a name stands for.
    pub told: Vec<Held>,
    /// How to get to it, and what it has.
    pub inside: Inside,
}

/// How a node is got into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inside {
    /// Through this door; it was asked what it has.
    Open {
        /// The way.
        door: NodeDoor,
        /// Its images.
        held: Vec<Held>,
    },
    /// It is this machine, and only root may speak to its containerd.
    Locked {
        /// The way that there would be.
        door: NodeDoor,
        /// Its images, as far as its Node object tells.
        told: Vec<Held>,
    },
    /// Not from here: why.
    Closed(String),
}

/// Where nodes are, before they are asked.
type Places = Result<Door, String>;

/// Reads the nodes of a cluster, and asks each what it has that is a container of this machine, or this machine itself.
///
/// # Errors
/// When the nodes cannot be read.
pub async fn look(cluster: &Cluster, here: &Surroundings) -> Result<Vec<Node>, LookError> {
    let resources = Resources::default();
    let query = |resource| Query { resource, namespace: None, scope: Scope::All };
    let nodes = resources.of(&ObjectRef::new("v1", "Node", None, "")).map(query);
    let (snapshot, shore) = tokio::join!(collect(&cluster.client, nodes.into_iter().collect()), network::shore(here));
    let snapshot = snapshot?;
    if let Some(unread) = snapshot.unread.first() {
        return Err(LookError::Unread { why: printable(&unread.why) });
    }
    let places: Places = match network::engine_of_nodes(&snapshot, &shore, &cluster.id.server) {
        Ok(engine) => Ok(Door::of(&engine)),
        Err(reasons) => Err(reasons.join("; ")),
    };
    let me = identity::read(here, shore.machine.links.as_ref());
    let asked = snapshot.of_kind("", "Node").map(|node| async {
        let likeness = machine::likeness(node, &me);
        let here_it_is = likeness != Likeness::Elsewhere;
        let inside = inside((cluster, here), node, &places, likeness).await;
        about(node, here_it_is, inside)
    });
    Ok(join_all(asked).await)
}

/// Why the nodes are not known.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The API server is gone.
    #[error(transparent)]
    Kube(#[from] kube::Error),
    /// They may not be read.
    #[error("the nodes cannot be read: {why}")]
    Unread {
        /// What the API server says.
        why: String,
    },
}

fn about(node: &Value, here: bool, inside: Inside) -> Node {
    let said = |pointer: &str| printable(text(node, pointer).unwrap_or_default());
    Node {
        k3s: is_k3s(node),
        here,
        os: said("/status/nodeInfo/operatingSystem"),
        architecture: said("/status/nodeInfo/architecture"),
        name: said("/metadata/name"),
        runtime: said("/status/nodeInfo/containerRuntimeVersion"),
        told: runtime::told(node),
        inside,
    }
}

fn is_k3s(node: &Value) -> bool {
    text(node, "/status/nodeInfo/kubeletVersion").is_some_and(|version| version.contains("+k3s"))
}

async fn inside(
    (cluster, here): (&Cluster, &Surroundings),
    node: &Value,
    places: &Places,
    likeness: Likeness,
) -> Inside {
    let runtime = printable(text(node, "/status/nodeInfo/containerRuntimeVersion").unwrap_or_default());
    let is_containerd = runtime.starts_with("containerd://");
    match (places, likeness) {
        (Ok(_), _) | (Err(_), Likeness::Same) if !is_containerd => {
            Inside::Closed(format!("its container runtime is {runtime}"))
        }
        (Ok(door), _) => container::inside(here, door, node).await,
        (Err(_), Likeness::Same) => machine::inside(cluster, here, node).await,
        (Err(_), Likeness::Doubtful(why)) => {
            Inside::Closed(format!("it has an address of this machine, and is not proved to be this machine: {why}"))
        }
        (Err(why), Likeness::Elsewhere) => {
            Inside::Closed(format!("it is not proved to be a container of this machine: {why}"))
        }
    }
}
