//! `why`: five lines about one object of any kind: how it is, why, what was seen, what suffers from it, what to do; and a few
//! more about its other sides where they say something.
//!
//! The cause is the root that the doctor names, the same finding in the same words. What a kind says of itself (`kinds`) is
//! one function each, pure over the evidence; [`read()`] reads the evidence and beside it what only this object needs.

mod access;
mod api;
mod beside;
mod case;
mod conditions;
mod config;
mod cron;
mod fault;
mod jobs;
mod kinds;
mod limits;
mod names;
mod network;
mod node;
mod owners;
mod read;
mod records;
mod rollout;
mod root;
mod scaling;
mod storage;
mod workloads;

#[cfg(test)]
mod tests;

use serde::Serialize;

use super::evidence::Evidence;
use super::finding::Finding;
use super::report::{Choice, Report, judge};
use super::stall::words::{clip, span};
use super::{Outlook, stall};
use crate::engine::ready::{Readiness, judge as ready};
use crate::object::{ObjectRef, text};

pub use case::Detail;
pub use fault::WhyError;
pub use names::Asked;
pub use read::{ReadError, answer, read, within};
pub use root::{Concern, concerns, concerns_by};

use case::{Case, Trouble, words};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// About what.
    pub object: ObjectRef,
    /// Whether nothing is wrong with it.
    pub well: bool,
    /// Whether it is only on its way: what is not as it should be passes by itself.
    pub passing: bool,
    /// How it is.
    pub state: String,
    /// Why, from the root.
    pub why: String,
    /// The object at the root, when it is another one.
    pub root: Option<ObjectRef>,
    /// The check that found the root.
    pub check: Option<String>,
    /// What was seen.
    pub seen: Vec<String>,
    /// What suffers from the same cause.
    pub suffers: Vec<ObjectRef>,
    /// What to do.
    pub fix: Option<String>,
    /// Its other sides, what is amiss first.
    pub details: Vec<Detail>,
    /// Who manages it: what is changed by hand would be taken back by them.
    pub managed: Option<String>,
}

/// Says why an object is as it is; `None` when it is not in the evidence.
pub fn why(object: &ObjectRef, evidence: &Evidence) -> Option<Why> {
    why_in(object, evidence, &judge(evidence, &Choice::default()))
}

/// What a report says of an object that is missed: it is not there, and others need it.
fn missed(object: &ObjectRef, evidence: &Evidence, report: &Report) -> Option<Why> {
    let concerns = concerns(object, &report.findings, evidence);
    let concern = concerns.iter().find(|one| one.is_own() && one.is_wrong())?;
    Some(Why { state: "not there".to_owned(), ..Why::by(object, concern) })
}

/// Other things that are wrong around an object and are told beside the first.
const ALSO: usize = 4;

/// The same, of a report that was made of the evidence.
fn why_in(object: &ObjectRef, evidence: &Evidence, report: &Report) -> Option<Why> {
    let Some(live) = evidence.snapshot.get(object) else { return missed(object, evidence, report) };
    let case = Case { live, object, evidence };
    // Something that is being deleted is that first.
    let said = owners::deletion(&case).with(kinds::said(&case)).with(owners::orphaned(&case));
    let concerns = concerns(object, &report.findings, evidence);
    let (wrong, known): (Vec<Concern<'_>>, Vec<Concern<'_>>) = concerns.into_iter().partition(Concern::is_wrong);
    let mut answer = match wrong.first() {
        Some(concern) => found(&case, concern),
        None => unfound(&case, said.trouble.clone()),
    };
    let also = wrong.iter().skip(1).take(ALSO).chain(known.iter().filter(|one| one.is_own()));
    let also = also.map(|one| Detail {
        about: "also",
        says: clip(&format!("{} ({})", one.root.message, one.root.id)),
        amiss: one.is_wrong(),
    });
    answer.state = state(&case, said.state.as_deref());
    answer.details = said.details.into_iter().chain(also).collect();
    answer.details.sort_by_key(|detail| !detail.amiss);
    answer.details.dedup_by(|a, b| a.says == b.says);
    answer.managed = owners::managed(&case).map(|by| clip(&by));
    Some(answer)
}

/// The answer when the doctor finds something.
fn found(case: &Case<'_>, concern: &Concern<'_>) -> Why {
    let mut answer = Why::by(case.object, concern);
    if answer.seen.is_empty() {
        answer.seen.extend(newest_event(case));
    }
    answer
}

impl Why {
    /// A finding says what is wrong.
    fn by(object: &ObjectRef, Concern { root, own, .. }: &Concern<'_>) -> Self {
        let why =
            if own.id == root.id { root.message.clone() } else { format!("{}, because {}", own.message, root.message) };
        Self {
            root: Some(root.object.clone()).filter(|root| !root.same_object(object)),
            check: Some(root.id.clone()),
            seen: root.evidence.clone(),
            suffers: suffering(root, object),
            fix: root.fix.clone(),
            ..Self::new(object, why)
        }
    }

    /// Something is wrong.
    fn new(object: &ObjectRef, why: String) -> Self {
        Self {
            object: object.clone(),
            well: false,
            passing: false,
            state: String::new(),
            why,
            root: None,
            check: None,
            seen: Vec::new(),
            suffers: Vec::new(),
            fix: None,
            details: Vec::new(),
            managed: None,
        }
    }
}

fn suffering(root: &Finding, object: &ObjectRef) -> Vec<ObjectRef> {
    let below = root.causes.iter().flat_map(Finding::walk);
    let all = root.symptoms.iter().chain(below.flat_map(|one| one.places().iter().chain(&one.symptoms)));
    let mut all: Vec<ObjectRef> = all.filter(|one| !one.same_object(object)).cloned().collect();
    all.sort();
    all.dedup();
    all
}

/// No check finds anything: the object says itself that something is wrong, it is on its way, or it is well.
fn unfound(case: &Case<'_>, trouble: Option<Trouble>) -> Why {
    let seen = newest_event(case).into_iter().collect();
    if let Some(Trouble { message, fix, root }) = trouble {
        return Why { root, seen, fix, ..Why::new(case.object, message) };
    }
    let cause = stall::cause(case.object, case.snapshot(), case.evidence.taken);
    if let Some(cause) = cause {
        let passing = cause.outlook == Outlook::Passing;
        let why = if passing { format!("{} (this passes by itself)", cause.message) } else { cause.message };
        // Only what is known by a check has one; a rule that has none is told by its words.
        let check = (!passing && super::checks::find(&cause.id).is_some()).then_some(cause.id);
        let root = cause.object.filter(|root| !root.same_object(case.object));
        return Why {
            passing,
            root: root.filter(|_| !passing),
            check,
            seen,
            fix: cause.remedy,
            ..Why::new(case.object, why)
        };
    }
    if let Some((why, passing)) = unready(case) {
        let why = if passing { format!("{why} (this passes by itself)") } else { why };
        return Why { passing, seen, ..Why::new(case.object, why) };
    }
    let why = "nothing is wrong with it, as far as can be seen".to_owned();
    Why { well: true, seen, ..Why::new(case.object, why) }
}

/// The words of an object that says itself that it is not ready, where no rule knows more, and whether that passes: what comes
/// with Kubernetes is on its way then, a Job that runs and a pod that ends; of others nobody knows.
fn unready(case: &Case<'_>) -> Option<(String, bool)> {
    let is_going = case.text("/metadata/deletionTimestamp").is_some();
    let reconciles = crate::object::is_true(case.live, "Reconciling");
    let passes = is_going || reconciles || crate::kinds::is_builtin_group(&case.object.api_version);
    match ready(case.live, case.snapshot()) {
        Readiness::Ready { .. } => None,
        Readiness::Waiting { progress } => Some((progress, passes)),
        Readiness::Failed { reason, message } if message.is_empty() => Some((reason, false)),
        Readiness::Failed { reason, message } => Some((format!("{reason}: {message}"), false)),
    }
}

/// What was said last about the object; a warning goes before what is only told.
fn newest_event(case: &Case<'_>) -> Option<String> {
    let events = case.events();
    let event = events.iter().find(|event| event["type"] == "Warning").or(events.first())?;
    Some(clip(&format!("last event {}", words(event))))
}

/// How it is, in the words of its kind, else of its readiness; with its age.
fn state(case: &Case<'_>, said: Option<&str>) -> String {
    let word = said.map_or_else(|| by_readiness(case), str::to_owned);
    // The line about a pod has its age.
    if case.object.kind == "Pod" && (word.ends_with(" old") || word.contains(" old,")) {
        return word;
    }
    let age = case.evidence.since(case.live, "/metadata/creationTimestamp").map(|age| format!(", {} old", span(age)));
    clip(&format!("{word}{}", age.unwrap_or_default()))
}

fn by_readiness(case: &Case<'_>) -> String {
    match ready(case.live, case.snapshot()) {
        Readiness::Ready { note } => {
            note.or_else(|| text(case.live, "/status/phase").map(str::to_owned)).unwrap_or_else(|| {
                // What says nothing of itself is there, and no more can be said.
                if case.live.get("status").is_some() { "ready".to_owned() } else { "there".to_owned() }
            })
        }
        Readiness::Waiting { progress } => progress,
        Readiness::Failed { reason, .. } => reason,
    }
}
