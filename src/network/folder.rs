//! One folder of one machine that every node of a cluster has at the same place, by the proof of [`super::locate`]: the nodes are
//! containers of one engine, and the engine says what it has mounted into them.

use super::locate::locate;
use super::look::{Shore, ground, nodes};
use crate::host::networks::{Container, Mount};
use crate::object::printable;
use crate::snapshot::Snapshot;

/// A folder of the machine on which the engine of the nodes runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it is on that machine.
    pub path: String,
}

/// Why no folder is known to be on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoFolder {
    /// The nodes are not proved to be containers of an engine that answers here: why, a line each.
    Unproved(Vec<String>),
    /// They are, and have no such folder in common.
    Lacking(String),
}

/// The folder that every node has at the place `inside`. `server` is the address of the API server.
///
/// # Errors
/// When there is none, or that cannot be told.
pub fn folder(snapshot: &Snapshot, shore: &Shore, server: &str, inside: &str) -> Result<Folder, NoFolder> {
    if let Some(known) = &shore.folder {
        return Ok(known.clone());
    }
    let nodes = nodes(snapshot);
    let located = locate(&nodes, ground(shore), server).map_err(NoFolder::Unproved)?;
    let engine = shore.engines.iter().filter(|known| known.engine.id == located.engine.id);
    let containers: Vec<&Container> = engine.flat_map(|known| &known.containers).collect();
    let of = |name: &str| containers.iter().find(|container| container.name == name).copied();
    let mut common: Option<(&str, &Mount)> = None;
    for node in &nodes {
        let mount = of(&node.name).and_then(|container| container.mounts.iter().find(|mount| mount.inside == inside));
        let mount = mount.ok_or_else(|| lacking(format!("node {} has no folder of its machine there", node.name)))?;
        if !mount.writable {
            return Err(lacking(format!("node {} may not write to it", node.name)));
        }
        match common {
            Some((first, other)) if other.outside != mount.outside => {
                let (here, there) = (printable(&mount.outside), printable(&other.outside));
                return Err(lacking(format!("node {} has {here} there, and node {first} {there}", node.name)));
            }
            _ => common = Some((&node.name, mount)),
        }
    }
    let (_, mount) = common.ok_or_else(|| lacking("no node is known".to_owned()))?;
    Ok(Folder { path: printable(&mount.outside) })
}

fn lacking(why: String) -> NoFolder {
    NoFolder::Lacking(why)
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::{SERVER, node, shore_of, snapshot_of};
    use super::*;
    use serde_json::json;

    const INSIDE: &str = "/var/lib/seaworthy/shared";

    fn mount(inside: &str, outside: &str, writable: bool) -> Mount {
        Mount { inside: inside.into(), outside: outside.into(), writable }
    }

    /// What is said of two nodes with these mounts.
    fn said(mounts: [&[Mount]; 2]) -> Result<String, NoFolder> {
        let names = [("n", "172.18.0.2"), ("dev-worker", "172.18.0.3")];
        let snapshot = snapshot_of(names.iter().map(|(name, ip)| node(name, &[ip], &json!({}))).collect());
        let mut shore = shore_of();
        let containers = &mut shore.engines[0].containers;
        let mut worker = containers[0].clone();
        worker.name = names[1].0.to_owned();
        worker.ports.clear();
        worker.attachments[0].addresses = vec![names[1].1.parse().unwrap()];
        containers.push(worker);
        for ((name, _), mounts) in names.iter().zip(mounts) {
            let container = containers.iter_mut().find(|container| container.name == *name).unwrap();
            container.mounts = mounts.to_vec();
        }
        folder(&snapshot, &shore, SERVER, INSIDE).map(|folder| folder.path)
    }

    #[test]
    fn every_node_has_to_have_the_same_folder_at_the_same_place() {
        let shared = || mount(INSIDE, "/srv/shared", true);
        let lacks = |why: &str| Err(NoFolder::Lacking(why.to_owned()));
        assert_eq!(said([&[shared()], &[mount("/var", "/x", true), shared()]]), Ok("/srv/shared".to_owned()));
        assert_eq!(said([&[shared()], &[]]), lacks("node dev-worker has no folder of its machine there"));
        assert_eq!(
            said([&[shared()], &[mount("/mnt", "/srv/shared", true)]]),
            lacks("node dev-worker has no folder of its machine there")
        );
        assert_eq!(
            said([&[shared()], &[mount(INSIDE, "/srv/other", true)]]),
            lacks("node n has /srv/shared there, and node dev-worker /srv/other")
        );
        assert_eq!(
            said([&[shared()], &[mount(INSIDE, "/srv/shared", false)]]),
            lacks("node dev-worker may not write to it")
        );
    }

    #[test]
    fn without_the_proof_of_the_nodes_a_folder_proves_nothing() {
        let snapshot = snapshot_of(vec![node("n", &["172.18.0.9"], &json!({}))]);
        let mut shore = shore_of();
        shore.engines[0].containers[0].mounts = vec![mount(INSIDE, "/srv/shared", true)];
        let Err(NoFolder::Unproved(why)) = folder(&snapshot, &shore, SERVER, INSIDE) else { panic!() };
        assert!(why.join("; ").contains("and the node 172.18.0.9"), "{why:?}");
        let known = Folder { path: "memory".to_owned() };
        shore.folder = Some(known.clone());
        assert_eq!(folder(&snapshot, &shore, SERVER, INSIDE), Ok(known), "that of a sandbox need not be looked for");
    }
}
