//! What the home screen shows of a cluster: nodes with what is asked of them, installations and their health, prerequisites, open
//! runs, findings by their causes, the storage map. Made from live evidence; pure.

mod loss;
mod node;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::doctor::change::Mark;
use crate::doctor::check::Severity;
use crate::doctor::evidence::{ClusterFacts, Evidence, Freshness};
use crate::doctor::remedy;
use crate::doctor::report::{Choice, Report, judge};
use crate::doctor::stacks::Knowledge;
use crate::doctor::walk::{self, Walked};
use crate::engine::journal::{RunRecord, RunState};
use crate::engine::lock::SYSTEM_NAMESPACE;
use crate::engine::record::InstallRecord;
use crate::object::text;
use crate::plan::Installation;
use crate::prepare::discover::{self, LastRun, Sought};
use crate::prepare::{self, Health};
use crate::prerequisites::Prerequisite;
use crate::recover::map::{self, Chain};
use crate::recover::{Loss, Record};
pub use node::{NodeState, Share};

/// What is not in the evidence and is read beside it.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The records of installations.
    pub records: Vec<InstallRecord>,
    /// The cluster as it was when nothing was wrong with it.
    pub green: Option<Arc<Mark>>,
    /// What healthy installations of this cluster looked like.
    pub healthy: Arc<Vec<Record>>,
    /// Runs of this machine on this cluster, oldest first.
    pub runs: Vec<RunRecord>,
    /// How the prerequisites stand; `None` until that is known.
    pub prerequisites: Option<Result<Vec<PrerequisiteState>, String>>,
    /// What stacks say of themselves; that of the embedded ones unless given.
    pub stacks: Option<Arc<Knowledge>>,
}

/// Whether a prerequisite is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrerequisiteState {
    /// Which.
    pub prerequisite: Prerequisite,
    /// Whether a stack can count on it; `None` where that cannot be told.
    pub there: Option<bool>,
    /// Its version, or why not.
    pub said: String,
    /// Who looks after it.
    pub manager: Option<String>,
}

/// A run that did not come to its end.
#[derive(Debug, Clone)]
pub struct OpenRun {
    /// The run.
    pub run: LastRun,
    /// Of which installation: `stack` in `namespace`.
    pub of: String,
    /// When it was begun.
    pub at: Timestamp,
    /// How many of its steps are done, of how many.
    pub done: (usize, usize),
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Home {
    /// The cluster.
    pub cluster: ClusterFacts,
    /// When this was so, by the cluster's clock.
    pub taken: Timestamp,
    /// How much of it could be read until now.
    pub freshness: Freshness,
    /// Its nodes, by name.
    pub nodes: Vec<NodeState>,
    /// What is installed, by namespace and stack.
    pub installations: Vec<Health>,
    /// What was chosen for it, where the cluster remembers that.
    pub records: Vec<InstallRecord>,
    /// How the prerequisites stand.
    pub prerequisites: Option<Result<Vec<PrerequisiteState>, String>>,
    /// Runs of this machine that did not come to their end, newest first.
    pub runs: Vec<OpenRun>,
    /// What is wrong, worst first, by its causes.
    pub report: Report,
    /// Where data lies.
    pub chains: Vec<Chain>,
    /// The losses that are certain by all this.
    pub losses: Vec<Loss>,
    /// The symptoms of what is installed, gone through; no log was read for it.
    pub walks: Vec<Walked>,
}

impl Home {
    /// Puts it together.
    pub fn of(evidence: &Evidence, freshness: &Freshness, beside: &Beside) -> Self {
        let snapshot = &evidence.snapshot;
        let labelled = discover::labelled_in(snapshot);
        let found = discover::installations(&beside.records, &labelled, &beside.runs, &Sought::default());
        let choice = Choice { stacks: beside.stacks.clone(), ..Choice::default() };
        let report = judge(evidence, &choice);
        let mut home = Self {
            cluster: evidence.cluster.clone().unwrap_or_default(),
            taken: evidence.taken,
            freshness: freshness.clone(),
            nodes: node::states(snapshot),
            installations: found.iter().map(|found| prepare::seen(found, evidence)).collect(),
            records: beside.records.clone(),
            prerequisites: beside.prerequisites.clone(),
            runs: open_runs(&beside.runs),
            chains: map::chains(snapshot, evidence.taken),
            losses: Vec::new(),
            walks: found
                .iter()
                .flat_map(|found| walks(&found.installation, evidence, &report, choice.knowledge()))
                .collect(),
            report,
        };
        // Where nothing is wrong nothing is lost that would show here, and it is much to compare.
        if freshness.awaited == 0 && !home.is_green() {
            home.losses = loss::certain(evidence, &beside.healthy, &home.chains);
        }
        remedy::offer(&mut home.report, evidence);
        // Where nothing is wrong nobody asks what has changed, and it is much to compare.
        if let Some(mark) = beside.green.as_ref().filter(|_| freshness.awaited == 0 && !home.is_green()) {
            home.report.compare(mark, evidence);
        }
        home
    }

    /// Whether anything is known at all.
    pub fn is_blank(&self) -> bool {
        self.nodes.is_empty() && self.freshness.awaited > 0
    }

    /// Whether all that is known is as it should be, and all is known.
    pub fn is_green(&self) -> bool {
        let is_calm = |severity: Severity| severity <= Severity::Info;
        self.freshness.awaited == 0
            && self.freshness.broken.is_none()
            && self.report.worst().is_none_or(is_calm)
            && self.installations.iter().all(Health::is_healthy)
    }
}

/// The symptoms of an installation, gone through.
fn walks(installation: &Installation, evidence: &Evidence, report: &Report, known: &Knowledge) -> Vec<Walked> {
    let walks = known.walks(&installation.stack);
    walks.map(|one| walk::walk(one, &installation.namespace, evidence, report)).collect()
}

/// Of each installation the newest run, where it did not end well: an older one was overtaken.
fn open_runs(runs: &[RunRecord]) -> Vec<OpenRun> {
    let latest: BTreeMap<String, &RunRecord> = runs.iter().map(|run| (run.plan.installation.key(), run)).collect();
    let mut open: Vec<OpenRun> = latest
        .into_values()
        // One that has failed can be gone on with as well as one that was stopped.
        .filter(|run| run.state.is_unfinished() || run.state == RunState::Failed)
        .map(|run| OpenRun {
            run: LastRun::from(run),
            of: format!("{} in {}", run.plan.installation.stack, run.plan.installation.namespace),
            at: run.at,
            done: (run.done.len(), run.plan.steps.len()),
        })
        .collect();
    open.sort_by_key(|run| std::cmp::Reverse(run.at));
    open
}

/// By which it is seen whether the records in the cluster are others than before. The records themselves are not in the evidence:
/// values of `ConfigMap`s never are.
pub fn records_mark(evidence: &Evidence) -> Vec<(String, String)> {
    let maps = evidence.snapshot.in_namespace("", "ConfigMap", SYSTEM_NAMESPACE);
    let part = |map, pointer| text(map, pointer).unwrap_or_default().to_owned();
    maps.map(|map| (part(map, "/metadata/name"), part(map, "/metadata/resourceVersion"))).collect()
}

#[cfg(test)]
mod tests;
