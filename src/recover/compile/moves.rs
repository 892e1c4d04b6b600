//! Moving what is on a volume: to a fresh one, and on another node where the volume lies on one.

use serde_json::Value;

use super::copies::{copies_out, unreadable};
use super::{CompileError, Draft};
use crate::object::{ObjectRef, is_true, text};
use crate::recover::Sighting;
use crate::recover::join::{Workload, hosts, volume_of, workloads};
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::takes_pods;

/// The setting that names the node.
const NODE: &str = "node";

/// Whether these claims can be moved: their volumes lie on no node, or there is another one for whatever uses them.
pub fn can_move(sighting: &Sighting, claims: &[ObjectRef]) -> bool {
    let snapshot = &sighting.snapshot;
    let leaves: Vec<&str> = claims.iter().filter_map(|claim| volume_of(snapshot, claim)).flat_map(hosts).collect();
    let users: Vec<Workload> = claims.iter().flat_map(|claim| workloads(snapshot, claim)).collect();
    leaves.is_empty() || another_node(snapshot, &leaves, &users).is_some()
}

impl<'a> Draft<'a> {
    /// Without a copy there would be nothing to move: a fresh volume alone is another playbook's.
    pub(super) fn move_away(&mut self) -> Result<(), CompileError> {
        let wish = self.wish;
        let is_copied = |claim: &&ObjectRef| self.steps.iter().any(|step| copies_out(step, claim));
        if let Some(claim) = wish.claims.iter().find(|claim| !is_copied(claim)) {
            let why = unreadable(wish.sighting, claim).unwrap_or_else(|| "--no-copy leaves out the copy".to_owned());
            return Err(CompileError::NothingToMove(claim.clone(), why));
        }
        let named = wish.settings.get(NODE).map(String::as_str).filter(|node| !node.is_empty());
        let leaves: Vec<&str> = wish.claims.iter().filter_map(|claim| self.volume(claim)).flat_map(hosts).collect();
        let to = match (named, leaves.is_empty()) {
            (None, true) => None,
            (Some(node), _) => Some(self.named_node(node)?),
            (None, false) => {
                let found = another_node(&wish.sighting.snapshot, &leaves, &self.users);
                Some(found.ok_or_else(|| self.nowhere_else(&leaves))?)
            }
        };
        self.brings_back = true;
        self.replace(&wish.claims, to)
    }

    /// Whoever names a node knows why; it only has to be there.
    fn named_node(&self, name: &str) -> Result<&'a str, CompileError> {
        let live = self.wish.sighting.snapshot.get(&ObjectRef::new("v1", "Node", None, name));
        let found = live.and_then(|node| text(node, "/metadata/name"));
        found.ok_or_else(|| CompileError::NoSuchNode(name.to_owned()))
    }

    fn nowhere_else(&self, leaves: &[&str]) -> CompileError {
        // What belongs to no installation of a stack has no backup either.
        let of = self.wish.installation.clone();
        let save = (!of.release.is_empty() && !of.version.is_empty()).then_some((of.stack, of.namespace));
        CompileError::NowhereElse { nodes: leaves.join(", "), save }
    }
}

/// One that takes pods, has room, carries every label that the pods ask for, and is none of these. Of several the first by name, so that
/// the same plan comes out the next time.
fn another_node<'a>(snapshot: &'a Snapshot, leaves: &[&str], users: &[Workload]) -> Option<&'a str> {
    let fits = |node: &&Value| {
        let host = node["metadata"]["labels"]["kubernetes.io/hostname"].as_str();
        takes_pods(node)
            && !is_true(node, "DiskPressure")
            && host.is_some_and(|host| !leaves.contains(&host))
            && users.iter().filter_map(|user| snapshot.get(&user.pinned.object)).all(|user| selects(user, node))
    };
    let nodes = snapshot.of_kind("", "Node").filter(fits);
    nodes.filter_map(|node| text(node, "/metadata/name")).min()
}

/// Whether a workload's pods may go to a node by their `nodeSelector`.
fn selects(workload: &Value, node: &Value) -> bool {
    let wanted = workload["spec"]["template"]["spec"]["nodeSelector"].as_object();
    wanted.into_iter().flatten().all(|(key, value)| node["metadata"]["labels"].get(key) == Some(value))
}
