//! Moving what is on a volume: to a fresh one, and on another node where the volume lies on one.

use serde_json::Value;

use super::copies::{copies_out, unreadable};
use super::{CompileError, Draft};
use crate::object::{ObjectRef, is_true, text};
use crate::recover::join::hosts;
use crate::snapshot::nodes::takes_pods;

/// The setting that names the node.
const NODE: &str = "node";

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
            (None, false) => Some(self.another_node(&leaves)?),
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

    /// One that takes pods, has room, carries every label that the pods ask for, and is none of these. Of several the first by name, so that
    /// the same plan comes out the next time.
    fn another_node(&self, leaves: &[&str]) -> Result<&'a str, CompileError> {
        let snapshot = &self.wish.sighting.snapshot;
        let fits = |node: &&Value| {
            let host = node["metadata"]["labels"]["kubernetes.io/hostname"].as_str();
            takes_pods(node)
                && !is_true(node, "DiskPressure")
                && host.is_some_and(|host| !leaves.contains(&host))
                && self
                    .users
                    .iter()
                    .filter_map(|user| snapshot.get(&user.pinned.object))
                    .all(|user| selects(user, node))
        };
        let mut names: Vec<&str> =
            snapshot.of_kind("", "Node").filter(fits).filter_map(|node| text(node, "/metadata/name")).collect();
        names.sort_unstable();
        names.first().copied().ok_or_else(|| CompileError::NowhereElse(leaves.join(", ")))
    }
}

/// Whether a workload's pods may go to a node by their `nodeSelector`.
fn selects(workload: &Value, node: &Value) -> bool {
    let wanted = workload["spec"]["template"]["spec"]["nodeSelector"].as_object();
    wanted.into_iter().flatten().all(|(key, value)| node["metadata"]["labels"].get(key) == Some(value))
}
