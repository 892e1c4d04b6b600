//! What a recovery is about, before there is a plan: the claims, and the settings of the playbook. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::playbook::{Part, Playbook, Task};
use super::{Loss, Sighting, etcd, loss};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

/// What a recovery is about as the command line names it: the option, and its value. A claim, `--claim shop/data`, or a namespace as a whole,
/// `--namespace shop`.
pub fn option(subject: &ObjectRef) -> (&'static str, String) {
    match &subject.namespace {
        Some(namespace) => ("--claim", format!("{namespace}/{}", subject.name)),
        None => ("--namespace", subject.name.clone()),
    }
}

/// A namespace as a whole.
pub fn namespace(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "Namespace", None, name)
}

/// The claims that were lost with this one and that a playbook brings back with it; of one that moves them, those that have to lie beside it. One that makes fresh volumes makes none for what may
/// come back in another way.
pub fn companions(playbook: &Playbook, claim: &ObjectRef, (losses, snapshot): (&[Loss], &Snapshot)) -> Vec<ObjectRef> {
    if playbook.sheet.steps.contains(&Task::Move) {
        return loss::neighbours(snapshot, claim);
    }
    let is_lost = losses.iter().any(|loss| loss.claim.as_ref() == Some(claim));
    if playbook.sheet.claim.is_some() && !is_lost {
        // It was replaced already by a recovery that failed before the others were.
        return loss::left_behind(losses, snapshot, (claim, &playbook.sheet.losses));
    }
    let is_of_a_node = losses.iter().any(|loss| loss.claim.as_ref() == Some(claim) && loss.node.is_some());
    if is_of_a_node || playbook.sheet.brings_back() { loss::companions(losses, snapshot, claim) } else { Vec::new() }
}

/// The claim that was chosen first, then those that go with it: of the members of an etcd that is restored as a whole, or those that
/// were lost on the same node under the same pods. None of a playbook that is about a namespace as a whole.
pub fn claims(playbook: &Playbook, claim: &ObjectRef, (losses, sighting): (&[Loss], &Sighting)) -> Vec<ObjectRef> {
    if playbook.sheet.is_of_a_namespace() {
        return Vec::new();
    }
    let snapshot = &sighting.snapshot;
    let others = match playbook.sheet.etcd {
        None => companions(playbook, claim, (losses, snapshot)),
        Some(Part::Member) => Vec::new(),
        Some(Part::All) => etcd::all_claims(snapshot, claim).unwrap_or_default(),
    };
    std::iter::once(claim.clone()).chain(others.into_iter().filter(|other| other != claim)).collect()
}

/// The settings of a playbook where nobody says otherwise: as the values that the installation was made with have them, else by default.
pub fn settings(playbook: &Playbook, values: Option<&Value>) -> BTreeMap<String, String> {
    let one = |(name, setting): (&String, &super::playbook::Setting)| {
        let pointer = setting.value.as_ref().map(|value| format!("/{}", value.replace('.', "/")));
        let recorded = pointer.and_then(|pointer| text(values?, &pointer).map(str::to_owned));
        (name.clone(), recorded.unwrap_or_else(|| setting.default.clone()))
    };
    playbook.sheet.settings.iter().map(one).collect()
}
