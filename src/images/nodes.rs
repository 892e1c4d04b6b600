//! The nodes of a cluster: where each is, and which images it has. Only reading.

use std::net::IpAddr;
use std::time::Duration;

use bollard::query_parameters::InspectContainerOptions;
use futures::future::join_all;
use serde_json::Value;
use tokio::time::timeout;

use super::runtime::{self, Held};
use crate::cluster::{Cluster, Resources};
use crate::error::root;
use crate::host::text::clean;
use crate::host::{Surroundings, engines, exec};
use crate::network;
use crate::object::{ObjectRef, items, printable, text};
use crate::plan::task::Door;
use crate::plan::task::image::NodeDoor;
use crate::snapshot::collect::{Query, Scope, collect};

/// How long an engine may take for an answer.
const ENGINE: Duration = Duration::from_secs(60);

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
    /// Whether it has an address of this machine: it is this machine, and no container of it.
    pub here: bool,
    /// How to get to it, and what it has; or why that cannot be told.
    pub inside: Result<(NodeDoor, Vec<Held>), String>,
}

/// Where nodes are, before they are asked.
type Places = Result<Door, String>;

/// Reads the nodes of a cluster, and asks each that is a container of this machine what it has.
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
    let own: Vec<IpAddr> = shore.machine.links.iter().flat_map(|links| links.addresses.iter().copied()).collect();
    let asked = snapshot.of_kind("", "Node").map(|node| ask(here, node, &places, &own));
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

fn is_here(node: &Value, own: &[IpAddr]) -> bool {
    let internal = items(node, "/status/addresses").filter(|address| address["type"] == "InternalIP");
    let mut addresses = internal.filter_map(|address| text(address, "/address")?.parse().ok());
    addresses.any(|address| own.contains(&address))
}

async fn ask(here: &Surroundings, node: &Value, places: &Places, own: &[IpAddr]) -> Node {
    let said = |pointer: &str| printable(text(node, pointer).unwrap_or_default());
    let name = said("/metadata/name");
    let runtime = said("/status/nodeInfo/containerRuntimeVersion");
    let inside = match places {
        Err(why) => Err(format!("it is not proved to be a container of this machine: {why}")),
        Ok(_) if !runtime.starts_with("containerd://") => Err(format!("its container runtime is {runtime}")),
        Ok(door) => inside(here, door, &name).await,
    };
    Node {
        k3s: said("/status/nodeInfo/kubeletVersion").contains("+k3s"),
        here: is_here(node, own),
        os: said("/status/nodeInfo/operatingSystem"),
        architecture: said("/status/nodeInfo/architecture"),
        name,
        runtime,
        inside,
    }
}

async fn inside(here: &Surroundings, door: &Door, name: &str) -> Result<(NodeDoor, Vec<Held>), String> {
    let docker = engines::open(here, &door.url, ENGINE).await.map_err(|fault| format!("{door}: {fault}"))?;
    let told = |error: &bollard::errors::Error| format!("{door}: {}", clean(&root(error)));
    let found = docker.inspect_container(name, None::<InspectContainerOptions>).await;
    let container = found.map_err(|error| told(&error))?.id.unwrap_or_default();
    let ended = timeout(ENGINE, exec::run(&docker, &container, &runtime::ASK)).await;
    let ended = ended.map_err(|_| "crictl does not answer in it".to_owned())?.map_err(|error| told(&error))?;
    if ended.code != 0 {
        return Err(format!("crictl ended in it with {}: {}", ended.code, ended.words()));
    }
    let held = runtime::held(&ended.stdout)?;
    Ok((NodeDoor { name: name.to_owned(), engine: door.clone(), container }, held))
}
