//! What stacks say of themselves: checks of their own, findings that are meant to be, and walk-throughs. Data in the folders
//! `checks/` and `walks/` of a stack; nothing here knows the name of one.

pub(super) mod form;
mod proof;

use std::sync::OnceLock;

use serde_json::Value;

use super::check::Verdict;
use super::evidence::Evidence;
use super::finding::Finding;
use super::survey::top;
use super::walk::Walk;
use crate::object::ObjectRef;
use crate::plan::STACK_LABEL;
use crate::snapshot::Snapshot;
use crate::stack::{Catalogue, Folder};

use form::Allowance;
pub use form::StackCheck;
pub use proof::Proof;

pub(super) const COMPONENT: &str = "app.kubernetes.io/component";
pub(super) const NAME: &str = "app.kubernetes.io/name";

/// The checks, allowances and walk-throughs of several stacks.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    checks: Vec<StackCheck>,
    allowed: Vec<Allowance>,
    walks: Vec<Walk>,
}

impl Knowledge {
    /// That of the embedded stacks and of the prerequisites.
    pub fn built_in() -> &'static Self {
        static KNOWN: OnceLock<Knowledge> = OnceLock::new();
        // That all of it can be read is proved by a test.
        KNOWN.get_or_init(|| Self::of(&[Catalogue::default(), Catalogue::prerequisites()]).0)
    }

    /// That of catalogues, and what in it cannot be read: such a stack is judged without it.
    pub fn of(catalogues: &[Catalogue]) -> (Self, Vec<String>) {
        let (mut all, mut faults) = (Self::default(), Vec::new());
        for (catalogue, name) in catalogues.iter().flat_map(|one| one.names().into_iter().map(move |name| (one, name)))
        {
            let Ok(folder) = catalogue.folder(&name) else { continue };
            let (mut read, told) = form::read(&folder);
            all.checks.append(&mut read.checks);
            all.allowed.append(&mut read.allowed);
            all.walks.append(&mut read.walks);
            faults.extend(told.iter().map(ToString::to_string));
        }
        (all, faults)
    }

    /// The checks, by stack and name.
    pub fn checks(&self) -> &[StackCheck] {
        &self.checks
    }

    /// The check with this id.
    pub fn find(&self, id: &str) -> Option<&StackCheck> {
        self.checks.iter().find(|check| check.id.eq_ignore_ascii_case(id))
    }

    /// The walk-throughs of a stack, by name.
    pub fn walks<'a>(&'a self, stack: &'a str) -> impl Iterator<Item = &'a Walk> {
        self.walks.iter().filter(move |walk| walk.stack() == stack)
    }

    /// Whether a finding is meant to be.
    pub(super) fn allows(&self, finding: &Finding, snapshot: &Snapshot) -> bool {
        self.allowed.iter().any(|one| one.fits(finding, snapshot))
    }
}

/// Everything that is wrong with what a stack's folder says of its checks and walk-throughs, and which of its allowances and of the
/// components that it names are still to be found.
pub fn examine(folder: &Folder) -> Proof<'_> {
    let (known, faults) = form::read(folder);
    Proof::of(folder, known, faults)
}

/// Whether an object, or what made it, belongs to a stack: as we label it, or as charts do.
pub(super) fn belongs(object: &Value, stack: &str, snapshot: &Snapshot) -> bool {
    let is_own = |object: &Value| {
        let labels = &object["metadata"]["labels"];
        labels[STACK_LABEL] == stack || labels[NAME] == stack
    };
    let maker = || snapshot.get(&top(&ObjectRef::of(object)?, snapshot)).map(is_own);
    is_own(object) || maker() == Some(true)
}

pub(super) fn is_component(object: &Value, component: Option<&str>) -> bool {
    component.is_none_or(|component| object["metadata"]["labels"][COMPONENT] == component)
}

impl StackCheck {
    /// Looks. A cluster without the stack has nothing to look at.
    pub fn evaluate(&self, evidence: &Evidence) -> Verdict {
        let snapshot = &evidence.snapshot;
        let is_here =
            || snapshot.objects().any(|object| object["metadata"]["labels"][STACK_LABEL] == self.stack.as_str());
        let mut kinds = std::iter::once(&self.look).chain(&self.with).map(|look| look.kind.as_str());
        if let Some(because) = kinds.find_map(|kind| evidence.gap(kind)) {
            return if is_here() { Verdict::Unknown { because } } else { Verdict::Pass { looked: 0 } };
        }
        let looked: Vec<&Value> = self.look.objects(&self.stack, snapshot).collect();
        // What else has to hold holds of the same installation, which is one namespace.
        let others = |object: &Value| {
            let Some(with) = &self.with else { return true };
            let mut objects = with.objects(&self.stack, snapshot);
            objects.any(|other| {
                other["metadata"]["namespace"] == object["metadata"]["namespace"] && with.holds(other).is_some()
            })
        };
        let found = looked.iter().filter_map(|object| {
            let seen = self.look.holds(object)?;
            others(object).then(|| Some(self.finding(ObjectRef::of(object)?, &seen)))?
        });
        let findings = found.collect();
        Verdict::of(looked.len(), findings)
    }

    fn finding(&self, object: ObjectRef, seen: &[String]) -> Finding {
        let finding = Finding::new(object, &self.name, &self.title).fix(&self.fix);
        seen.iter().fold(finding, Finding::saw).named(&self.id, self.severity, &self.title)
    }
}

#[cfg(test)]
mod tests;
