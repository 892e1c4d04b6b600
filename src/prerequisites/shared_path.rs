//! Volumes that several nodes write to, from one folder that all nodes have: a second local-path-provisioner under a name of its
//! own, told that its folder is a shared file system (`sharedFileSystemPath`, local-path-provisioner v0.0.30 and v0.0.37).
//!
//! The provisioner believes what it is told. On nodes that do not share the folder each pod would see files of its own, and
//! nothing would ever say so; hence it is only installed where that is proved: one node, or nodes that are containers of one
//! machine, all of which have the same folder of it. What was proved is written to the class, by the nodes' names, for
//! machines from which it cannot be seen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::local_path::provisioner_name;
use super::picture::Picture;
use super::{Blocked, Found, Health, Manager, Prerequisite, Verdict, Wants, version};
use crate::network::{self, Folder, NoFolder, Shore};
use crate::object::{ObjectRef, text};

/// Where the folder is on every node. `cluster create --shared-volumes` puts one of this machine there.
pub const FOLDER: &str = "/var/lib/seaworthy/shared";
/// The class that it provides.
pub const CLASS: &str = "shared";
/// Who makes the volumes of that class.
pub const PROVISIONER: &str = "seaworthy.dev/shared-path";
/// The annotation of the class with the names of the nodes for which it was proved, apart by commas.
const PROVED: &str = "seaworthy.dev/shared-by";
/// What will do everywhere.
const BRING: &str = "bring a StorageClass whose volumes several nodes can write to, such as one of NFS or CephFS";

/// Why the folder is the same on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ground {
    /// There is only one.
    OneNode,
    /// All are containers of one machine, and have this folder of it.
    Machine(Folder),
    /// It was proved when it was installed, for all nodes that there are; it cannot be seen from here.
    Recorded,
}

impl Ground {
    /// What it is, and what its volumes survive.
    fn label(&self) -> String {
        match self {
            Self::OneNode => format!("{FOLDER} of the only node: what is on it lives and dies with that node's disk"),
            Self::Machine(Folder { path }) => format!("all nodes share {path}: survives a node, not this disk"),
            Self::Recorded => {
                "all nodes shared a folder when it was installed: survives a node, not that disk".to_owned()
            }
        }
    }
}

/// Looks for the folder among what this machine has. Pure; `server` is the address of the API server. With one node there is
/// nothing to look for.
///
/// # Errors
/// When there is none, or that cannot be told.
pub fn folder(picture: &Picture, shore: &Shore, server: &str) -> Result<Folder, NoFolder> {
    network::folder(&picture.snapshot, shore, server, FOLDER)
}

/// Whether this machine has to be looked at to tell if the nodes share a folder.
pub fn needs_look(picture: &Picture) -> bool {
    picture.nodes() > 1
}

pub(super) fn assess(picture: &Picture, wants: &Wants) -> (Option<Found>, Verdict) {
    if let Some(because) = picture.blind(&["StorageClass", "Deployment", "Node"]) {
        return (None, Verdict::blind(because, "look with a user that may list them"));
    }
    let provides = |deployment: &Value| provisioner_name(deployment) == Some(PROVISIONER);
    match picture.workloads("Deployment", provides).next() {
        None => (None, absent(picture, wants)),
        Some(provisioner) => {
            let found = found(picture, provisioner);
            let verdict = there(picture, &found, wants);
            (Some(found), verdict)
        }
    }
}

fn class(picture: &Picture) -> Option<&Value> {
    picture.snapshot.get(&ObjectRef::new("storage.k8s.io/v1", "StorageClass", None, CLASS))
}

fn is_ours(object: &Value) -> bool {
    Manager::of(object) == Manager::Seaworthy
}

fn names(picture: &Picture) -> BTreeSet<&str> {
    picture.snapshot.of_kind("", "Node").filter_map(|node| text(node, "/metadata/name")).collect()
}

fn found(picture: &Picture, provisioner: &Value) -> Found {
    let image = version::image_of(provisioner, "local-path-provisioner");
    let served = class(picture).filter(|class| text(class, "/provisioner") == Some(PROVISIONER));
    Found {
        version: image.and_then(version::of_image).map(|version| version.to_string()),
        manager: Manager::of(provisioner),
        health: picture.health([provisioner]),
        objects: [Some(provisioner), served].into_iter().flatten().filter_map(ObjectRef::of).collect(),
    }
}

fn values(picture: &Picture) -> Value {
    json!({"path": FOLDER, "nodes": names(picture)})
}

fn absent(picture: &Picture, wants: &Wants) -> Verdict {
    let left = class(picture);
    if let Some(foreign) = left.filter(|class| !is_ours(class)) {
        let (by, who) = (text(foreign, "/provisioner").unwrap_or_default(), Manager::of(foreign));
        return Verdict::blocked(
            format!("there is a StorageClass {CLASS} already, of {by} ({who})"),
            "use that class where several nodes can write to its volumes, or take it away",
        );
    }
    match (ground(picture, wants), left) {
        (Err(blocked), _) => Verdict::Blocked(blocked),
        (Ok(_), Some(_)) => {
            let because = format!("StorageClass {CLASS} is there, but nobody provides its volumes");
            Verdict::Install { because, values: values(picture) }
        }
        (Ok(ground), None) if wants.by_name => Verdict::Install { because: ground.label(), values: values(picture) },
        (Ok(ground), None) => {
            Verdict::Leave { because: format!("only profiles that share volumes need it ({})", ground.label()) }
        }
    }
}

fn there(picture: &Picture, found: &Found, wants: &Wants) -> Verdict {
    if found.manager == Manager::Seaworthy {
        return match ground(picture, wants) {
            Ok(Ground::Recorded) => Verdict::Use { because: format!("it is ours ({})", Ground::Recorded.label()) },
            Ok(_) => super::ours(Prerequisite::SharedPath, found, values(picture)),
            Err(Blocked { because, remedy, .. }) => Verdict::blocked(format!("it is there, but {because}"), remedy),
        };
    }
    match &found.health {
        Health::Healthy if class(picture).is_some() => {
            Verdict::Use { because: format!("StorageClass {CLASS} and its provisioner are there ({})", found.manager) }
        }
        Health::Healthy => Verdict::blocked(
            format!("its provisioner is there ({}) without the StorageClass {CLASS}", found.manager),
            "install it whole the way it was installed",
        ),
        Health::Unhealthy { why } => Verdict::blocked(
            format!("the provisioner that is there ({}) does not work: {why}", found.manager),
            "`seaworthy doctor` says what is wrong; a second one would fight with it",
        ),
    }
}

fn ground(picture: &Picture, wants: &Wants) -> Result<Ground, Blocked> {
    let nodes = names(picture);
    match (nodes.len(), &wants.folder) {
        (0, _) => Err(blocked("no node is known".to_owned(), "look again when the cluster has a node".to_owned())),
        (1, _) => Ok(Ground::OneNode),
        (_, Some(Ok(folder))) => Ok(Ground::Machine(folder.clone())),
        (_, Some(Err(NoFolder::Lacking(why)))) => Err(blocked(
            format!("its nodes do not share the folder {FOLDER}: {why}"),
            format!("make the cluster anew with `seaworthy cluster create --shared-volumes`, or {BRING}"),
        )),
        _ if is_proved(picture, &nodes) => Ok(Ground::Recorded),
        (count, Some(Err(NoFolder::Unproved(reasons)))) => Err(blocked(
            format!("its {count} nodes are not proved to be containers of this machine: {}", reasons.join("; ")),
            BRING.to_owned(),
        )),
        (_, None) => Err(not_looked()),
    }
}

fn blocked(because: String, remedy: String) -> Blocked {
    Blocked { because, remedy, blind: false }
}

/// Then it cannot be told.
fn not_looked() -> Blocked {
    let because = "whether its nodes share a folder was not looked at".to_owned();
    Blocked { because, remedy: "`seaworthy prerequisites list` looks".to_owned(), blind: true }
}

/// Whether every node is one of those for which it was proved.
fn is_proved(picture: &Picture, nodes: &BTreeSet<&str>) -> bool {
    let ours = class(picture).filter(|class| is_ours(class));
    let proved = ours.and_then(|class| class["metadata"]["annotations"][PROVED].as_str());
    proved.is_some_and(|proved| nodes.iter().all(|node| proved.split(',').any(|known| known == *node)))
}

#[cfg(test)]
mod tests;
