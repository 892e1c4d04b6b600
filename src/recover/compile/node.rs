//! A node that is away with the volumes that lie on it: waited for, or given up.

use serde_json::Value;

use super::{CompileError, Draft, LIMIT_GONE, LIMIT_NODE, LIMIT_PATCH};
use crate::object::text;
use crate::plan::verb::{Pinned, Verb};
use crate::recover::join::{hosts, node_of_host};
use crate::snapshot::nodes::is_ready;

impl Draft<'_> {
    /// The data comes back with its node. A volume of which the claim goes meanwhile must not be erased: all on that node are kept.
    pub(super) fn node_ready(&mut self) -> Result<(), CompileError> {
        self.brings_back = true;
        let host = self.host()?;
        self.keep_all_on(&host);
        let live = node_of_host(&self.wish.sighting.snapshot, &host);
        let node = live.and_then(|node| text(node, "/metadata/name")).unwrap_or(&host).to_owned();
        self.push(Verb::NodeReady { node, host }, LIMIT_NODE);
        Ok(())
    }

    /// Kubernetes waits for the pods of a node that does not answer, because they may still run. Who types its name lets
    /// them go: with the node its pods are collected.
    pub(super) fn node_off(&mut self) -> Result<(), CompileError> {
        let host = self.host()?;
        self.keep_all_on(&host);
        let live = node_of_host(&self.wish.sighting.snapshot, &host);
        let node = live.filter(|node| !is_ready(node)).and_then(Pinned::of);
        let Some(object) = node else {
            return Err(CompileError::NoDeadNode(host, if live.is_some() { "ready" } else { "gone" }));
        };
        self.push(Verb::Delete { object }, LIMIT_GONE);
        Ok(())
    }

    /// The host name to which the volumes are tied.
    fn host(&self) -> Result<String, CompileError> {
        let volumes = self.wish.claims.iter().filter_map(|claim| self.volume(claim));
        let host = volumes.flat_map(hosts).next().map(str::to_owned);
        let claims = || self.wish.claims.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        host.ok_or_else(|| CompileError::NoNode(claims()))
    }

    fn keep_all_on(&mut self, host: &str) {
        let on = |volume: &&Value| hosts(volume).contains(&host);
        let volumes = self.wish.sighting.snapshot.of_kind("", "PersistentVolume").filter(on);
        for volume in volumes.filter_map(Pinned::of).collect::<Vec<_>>() {
            let verb = Verb::Keep { volume, quarantine: None };
            if !self.steps.iter().any(|step| step.id == verb.id()) {
                self.push(verb, LIMIT_PATCH);
            }
        }
    }
}
