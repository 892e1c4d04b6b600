//! A node that is this machine: whether it is, where its containerd listens, and whether the one that listens is that of the node.
//!
//! ```text
//! address, boot, machine id -- likeness ---- Same
//!     kubelet, annotation, usual places -- sockets -- knock -- who, containers -- proof -- Open
//!                                                 '-- Locked: for root only
//! ```
//!
//! Boot and machine id show that it is this machine. Several containerds may run on it (Docker's, k3s' own), so the one behind
//! the socket has to have containers that, by the API server, run on the node.

mod likeness;
mod proof;
mod sockets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::{Inside, is_k3s};
use crate::cluster::{Cluster, Resources, kubelet};
use crate::error::root;
use crate::host::knock::{Knock, knock};
use crate::host::{Surroundings, tools};
use crate::images::{ask, runtime};
use crate::object::{ObjectRef, items, printable, text};
use crate::plan::task::image::{NodeDoor, Runtime, Way};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Keep, Query, Scope, collect_all};
use sockets::{Sockets, sockets};

pub(super) use likeness::{Likeness, likeness};

/// How long a kubelet may take to say how it is configured, and the API server to list the pods of a node.
const ANSWER: Duration = Duration::from_secs(10);
/// Where programs are put that sudo's PATH does not always have (k3s' install script; RKE2).
const FOLDERS: [&str; 3] = ["/usr/local/bin", "/opt/bin", "/var/lib/rancher/rke2/bin"];

/// What came of a socket.
enum Try {
    /// It is that of the node.
    Proved(Runtime),
    Locked(Runtime),
    Failed(String),
}

/// A node that is this machine: its containerd is found, proved to be that of the node, and asked.
pub(super) async fn inside(cluster: &Cluster, here: &Surroundings, node: &Value) -> Inside {
    let name = printable(text(node, "/metadata/name").unwrap_or_default());
    let (configuration, known) = tokio::join!(configuration(cluster, &name), running(cluster, &name));
    let programs = match programs(here, is_k3s(node)) {
        Ok(programs) => programs,
        Err(why) => return Inside::Closed(why),
    };
    let sockets = match sockets(node, configuration.as_ref()) {
        Ok(sockets) => sockets,
        Err(why) => return Inside::Closed(why),
    };
    let mut faults = Vec::new();
    let mut locked = None;
    for socket in &sockets.paths {
        match knocked(here, (&programs, socket), &known, &sockets).await {
            Try::Proved(door) => return opened(here, name, door).await,
            Try::Locked(door) => locked = locked.or(Some(door)),
            Try::Failed(why) => faults.push(format!("{}: {why}", socket.display())),
        }
    }
    if let Some(door) = locked {
        return Inside::Locked { door: NodeDoor { name, way: Way::Machine(door) }, told: runtime::told(node) };
    }
    faults.extend(configuration.err().map(|why| format!("its kubelet could not be asked: {why}")));
    Inside::Closed(format!("no containerd of this machine is proved to be that of the node: {}", faults.join("; ")))
}

async fn opened(here: &Surroundings, name: String, door: Runtime) -> Inside {
    match ask::machine(here, &door).await {
        Ok(held) => Inside::Open { door: NodeDoor { name, way: Way::Machine(door) }, held },
        Err(why) => Inside::Closed(why),
    }
}

/// Tries a socket.
async fn knocked(
    here: &Surroundings,
    (programs, socket): (&Programs, &Path),
    known: &Result<BTreeSet<String>, String>,
    sockets: &Sockets,
) -> Try {
    let Programs { ctr, crictl } = programs.clone();
    let door = Runtime { socket: socket.to_owned(), server: String::new(), ctr, crictl, snapshotter: None };
    match knock(here, socket).await {
        Knock::Open => match proved(here, door, known, sockets).await {
            Ok(door) => Try::Proved(door),
            Err(why) => Try::Failed(why),
        },
        Knock::Locked => Try::Locked(door),
        Knock::Shut(why) => Try::Failed(why),
    }
}

async fn proved(
    here: &Surroundings,
    mut door: Runtime,
    known: &Result<BTreeSet<String>, String>,
    sockets: &Sockets,
) -> Result<Runtime, String> {
    door.server = ask::server(here, &door).await?;
    let there = ask::containers(here, &door).await?;
    if let Some(container) = proof::proof(known.as_ref(), &there, sockets.told)? {
        door.snapshotter = ask::snapshotter(here, &door, container).await?;
    }
    Ok(door)
}

/// What its kubelet says of its configuration; one that may not be asked, or is silent, says nothing, and there are other ways to
/// know its socket.
async fn configuration(cluster: &Cluster, node: &str) -> Result<Value, String> {
    match timeout(ANSWER, kubelet::configuration(&cluster.client, node)).await {
        Ok(Ok(configuration)) => Ok(configuration),
        Ok(Err(error)) => Err(printable(&root(&error))),
        Err(_) => Err(format!("no answer within {} s", ANSWER.as_secs())),
    }
}

/// The containers that a node has, by the API server.
async fn running(cluster: &Cluster, node: &str) -> Result<BTreeSet<String>, String> {
    let resource = Resources::default().of(&ObjectRef::new("v1", "Pod", None, ""));
    let query = |resource| Query { resource, namespace: None, scope: Scope::Fields(format!("spec.nodeName={node}")) };
    let queries = resource.map(query).into_iter().collect();
    let pods = collect_all(&cluster.client, queries, ANSWER, Keep::WHOLE).await;
    match pods.unread.first() {
        Some(unread) => Err(printable(&unread.why)),
        None => Ok(containers(&pods)),
    }
}

/// What pods say of their containers: `containerd://ID`.
fn containers(pods: &Snapshot) -> BTreeSet<String> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let statuses = pods.of_kind("", "Pod").flat_map(|pod| lists.into_iter().flat_map(|list| items(pod, list)));
    let ids = statuses.filter_map(|status| text(status, "/containerID")?.strip_prefix("containerd://"));
    ids.filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// The first words of the commands that speak to containerd, and as the kubelet does; the second may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Programs {
    ctr: Vec<String>,
    crictl: Vec<String>,
}

/// k3s brings both with it, and nothing else need be there.
fn programs(here: &Surroundings, k3s: bool) -> Result<Programs, String> {
    if k3s && let Some(k3s) = program(here, "k3s") {
        let with = |word: &str| vec![k3s.clone(), word.to_owned()];
        return Ok(Programs { ctr: with("ctr"), crictl: with("crictl") });
    }
    match program(here, "ctr") {
        Some(ctr) => Ok(Programs { ctr: vec![ctr], crictl: program(here, "crictl").into_iter().collect() }),
        None if k3s => Err("it is this machine, and neither k3s nor ctr is on the PATH".to_owned()),
        None => Err("it is this machine, and ctr, which comes with containerd, is not on the PATH".to_owned()),
    }
}

fn program(here: &Surroundings, name: &str) -> Option<String> {
    let usual = || FOLDERS.iter().map(|folder| here.at_root(folder).join(name)).find(|file| file.is_file());
    let found: Option<PathBuf> = tools::find(name, here).or_else(usual);
    found.map(|path| path.display().to_string())
}

#[cfg(test)]
mod tests;
