//! Whether what a stack says of its checks holds: each finds its example, and lets be what is well and what looks alike; and
//! each allowance is needed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::form::{ALLOW, Allowance, StackCheck, fault};
use super::{COMPONENT, Knowledge};
use crate::doctor::check::Verdict;
use crate::doctor::checks;
use crate::doctor::evidence::{Evidence, kept};
use crate::doctor::walk::{self, Walk};
use crate::error::closest;
use crate::plan::STACK_LABEL;
use crate::snapshot::Snapshot;
use crate::stack::{Fault, Folder};

/// What was found out so far.
pub struct Proof<'a> {
    folder: &'a Folder,
    faults: Vec<Fault>,
    open: Vec<Allowance>,
    walks: Vec<Walk>,
    /// The components of what profiles make.
    components: BTreeSet<String>,
}

/// The time at which examples are judged.
const NOW: &str = "2026-11-20T10:00:00Z";

impl<'a> Proof<'a> {
    pub(super) fn of(folder: &'a Folder, known: Knowledge, mut faults: Vec<Fault>) -> Self {
        for check in &known.checks {
            let file = format!("checks/{}.yaml", check.name);
            faults.extend(disproved(check).into_iter().map(|message| fault(folder, &file, message)));
        }
        for walk in &known.walks {
            faults.extend(strange_checks(walk, &known.checks).map(|message| walk_fault(folder, walk, message)));
        }
        Self { folder, faults, open: known.allowed, walks: known.walks, components: BTreeSet::new() }
    }

    /// Takes what a profile makes into account: allowances that it needs are used.
    pub fn used_by<'b>(&mut self, objects: impl Iterator<Item = &'b Value>) {
        let objects: Vec<&Value> = objects.collect();
        let components = objects.iter().filter_map(|object| object["metadata"]["labels"][COMPONENT].as_str());
        self.components.extend(components.map(str::to_owned));
        if self.open.is_empty() {
            return;
        }
        let evidence = evidence(objects.into_iter().cloned().collect(), &self.folder.name);
        self.open.retain(|one| {
            let verdict = checks::find(&one.check).map(|check| check.evaluate(&evidence));
            let Some(Verdict::Found { findings, .. }) = verdict else { return true };
            !findings.iter().any(|finding| one.fits(finding, &evidence.snapshot))
        });
    }

    /// Everything that is wrong. That an allowance is not needed, and a component not there, can only be told when every profile has
    /// been seen (`is_whole`).
    pub fn faults(self, is_whole: bool) -> Vec<Fault> {
        let strangers = self.walks.iter().filter(|_| is_whole).flat_map(|walk| self.strange_components(walk));
        let strangers: Vec<Fault> = strangers.collect();
        let unused = self.open.iter().filter(|_| is_whole).map(|one| {
            let message = format!("`{}` allows what no profile makes the doctor find; take the entry out", one.words());
            fault(self.folder, ALLOW, message)
        });
        self.faults.into_iter().chain(unused).chain(strangers).collect()
    }

    /// The components that a walk-through names and no profile makes.
    fn strange_components(&self, walk: &Walk) -> Vec<Fault> {
        let strange = walk::components(walk).filter(|(_, component)| !self.components.contains(*component));
        let told = strange.map(|(place, component)| {
            let near = closest(component, self.components.iter().map(String::as_str));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            walk_fault(
                self.folder,
                walk,
                format!("{place}: no profile makes anything of a component `{component}`{near}"),
            )
        });
        told.collect()
    }
}

/// The checks of the stack's own that a walk-through names and that are not there.
fn strange_checks<'a>(walk: &'a Walk, checks: &'a [StackCheck]) -> impl Iterator<Item = String> + 'a {
    let strange = walk.own_checks().filter(|(_, id)| !checks.iter().any(|check| check.id.eq_ignore_ascii_case(id)));
    strange.map(|(place, id)| format!("{place}: the stack has no check `{id}`"))
}

fn walk_fault(folder: &Folder, walk: &Walk, message: String) -> Fault {
    fault(folder, &format!("walks/{}.yaml", walk.name), message)
}

/// What does not hold of a check's examples.
fn disproved(check: &StackCheck) -> Vec<String> {
    let look = |objects: &[Value]| check.evaluate(&evidence(objects.to_vec(), &check.stack));
    let mut faults = Vec::new();
    match look(&check.examples.fail) {
        Verdict::Found { findings, .. } => {
            let found: Vec<String> = findings.iter().map(|finding| finding.object.to_string()).collect();
            if !found.contains(&check.examples.object) {
                faults.push(format!("examples.fail: found {}, not `{}`", found.join(", "), check.examples.object));
            }
        }
        _ => faults.push("examples.fail: nothing is found".to_owned()),
    }
    for (which, objects) in [("healthy", &check.examples.healthy), ("lookalike", &check.examples.lookalike)] {
        match look(objects) {
            Verdict::Pass { .. } if !objects.is_empty() => {}
            Verdict::Found { findings, .. } => {
                let found: Vec<String> = findings.iter().map(|finding| finding.object.to_string()).collect();
                faults.push(format!("examples.{which}: {} is found and must not be", found.join(", ")));
            }
            _ => faults.push(format!("examples.{which}: there is nothing to look at")),
        }
    }
    faults
}

/// Objects as evidence. They belong to the stack where they do not say otherwise, as when they are applied.
fn evidence(objects: Vec<Value>, stack: &str) -> Evidence {
    let mut snapshot = Snapshot::default();
    for mut object in objects {
        if object["metadata"]["labels"].get(STACK_LABEL).is_none() {
            object["metadata"]["labels"][STACK_LABEL] = json!(stack);
        }
        snapshot.insert(kept(object));
    }
    Evidence::new(snapshot, NOW.parse().unwrap_or_default())
}
