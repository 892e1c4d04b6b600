//! `why`: five lines about one object: how it is, why, what was seen, what suffers from it, what to do.

use serde::Serialize;

use super::evidence::Evidence;
use super::finding::Finding;
use super::report::{Choice, judge};
use super::stall::words::{clip, span};
use super::survey::{pod_line, top};
use super::{Outlook, stall};
use crate::engine::ready::{Readiness, judge as ready};
use crate::kinds;
use crate::object::{ObjectRef, items, text};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// About what.
    pub object: ObjectRef,
    /// Whether nothing is wrong with it.
    pub well: bool,
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
}

/// The object that `KIND/NAME` means.
#[derive(Debug, PartialEq, Eq)]
pub enum Meant {
    /// This one, if it is there.
    One(ObjectRef),
    /// Objects of that name are in several namespaces.
    Several(Vec<String>),
    /// No such kind.
    NoKind,
}

/// Finds what `kind` and `name` mean: in the namespace that was given, else in the usual one, else wherever there is just one.
pub fn meant(kind: &str, name: &str, given: Option<&str>, usual: &str, evidence: &Evidence) -> Meant {
    let Some((version, kind, namespaced)) = kind_called(kind, evidence) else { return Meant::NoKind };
    let at = |namespace: Option<&str>| ObjectRef::new(&version, &kind, namespace, name);
    if !namespaced {
        return Meant::One(at(None));
    }
    let first = at(Some(given.unwrap_or(usual)));
    if given.is_some() || evidence.snapshot.get(&first).is_some() {
        return Meant::One(first);
    }
    let group = first.group().to_owned();
    let named = |object: &&serde_json::Value| text(object, "/metadata/name") == Some(name);
    let places =
        evidence.snapshot.of_kind(&group, &kind).filter(named).filter_map(|one| text(one, "/metadata/namespace"));
    let places: Vec<String> = places.map(str::to_owned).collect();
    match places.as_slice() {
        [] => Meant::One(first),
        [one] => Meant::One(at(Some(one))),
        _ => Meant::Several(places),
    }
}

/// A kind by any of its names: built in, or defined in the cluster. (API version, kind, whether in a namespace)
fn kind_called(word: &str, evidence: &Evidence) -> Option<(String, String, bool)> {
    if let Some(kind) = kinds::called(word) {
        return Some((kind.api_version(), kind.kind.to_owned(), kind.namespaced));
    }
    let word = word.to_lowercase();
    let definitions = evidence.snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
    definitions.into_iter().find_map(|definition| {
        let part = |pointer| text(definition, pointer).unwrap_or_default();
        let (kind, group) = (part("/spec/names/kind"), part("/spec/group"));
        let names = [kind, part("/spec/names/plural"), part("/spec/names/singular")];
        let short = items(definition, "/spec/names/shortNames").filter_map(serde_json::Value::as_str);
        if !names.into_iter().chain(short).any(|name| name.eq_ignore_ascii_case(&word)) {
            return None;
        }
        let version = items(definition, "/spec/versions").find(|version| version["served"] == true)?;
        let version = format!("{group}/{}", text(version, "/name")?);
        Some((version, kind.to_owned(), part("/spec/scope") == "Namespaced"))
    })
}

/// Says why an object is as it is; `None` when it is not in the evidence.
pub fn why(object: &ObjectRef, evidence: &Evidence) -> Option<Why> {
    let live = evidence.snapshot.get(object)?;
    let report = judge(evidence, &Choice::default());
    let above = top(object, &evidence.snapshot);
    let concerned = |finding: &&Finding| {
        let own = std::iter::once(&finding.object).chain(&finding.instances).chain(&finding.symptoms);
        own.into_iter().any(|one| one.same_object(object) || one.same_object(&above))
    };
    let root = report.findings.iter().find(|root| root.walk().iter().any(concerned));
    let state = state(live, object, evidence);
    let Some(root) = root else { return Some(passing_or_well(object, state, evidence)) };
    let own = root.walk().into_iter().find(concerned).filter(|own| own.id != root.id);
    let why = match own {
        Some(own) => format!("{}, because {}", own.message, root.message),
        None => root.message.clone(),
    };
    Some(Why {
        object: object.clone(),
        well: false,
        state,
        why,
        root: Some(root.object.clone()).filter(|root| !root.same_object(object)),
        check: Some(root.id.clone()),
        seen: root.evidence.clone(),
        suffers: suffering(root, object),
        fix: root.fix.clone(),
    })
}

fn suffering(root: &Finding, object: &ObjectRef) -> Vec<ObjectRef> {
    let below = root.causes.iter().flat_map(Finding::walk);
    let all = root.symptoms.iter().chain(below.flat_map(|one| one.places().iter().chain(&one.symptoms)));
    let mut all: Vec<ObjectRef> = all.filter(|one| !one.same_object(object)).cloned().collect();
    all.sort();
    all.dedup();
    all
}

/// Nothing is found: it is well, or on its way.
fn passing_or_well(object: &ObjectRef, state: String, evidence: &Evidence) -> Why {
    let cause = stall::cause(object, &evidence.snapshot, evidence.taken);
    let passing = cause.filter(|cause| cause.outlook == Outlook::Passing);
    let well = passing.is_none();
    let why = passing.as_ref().map_or("nothing is wrong with it, as far as can be seen".to_owned(), |cause| {
        format!("{} (this passes by itself)", cause.message)
    });
    let fix = passing.and_then(|cause| cause.remedy);
    let seen = newest_event(object, evidence).into_iter().collect();
    Why { object: object.clone(), well, state, why, root: None, check: None, seen, suffers: Vec::new(), fix }
}

fn newest_event(object: &ObjectRef, evidence: &Evidence) -> Option<String> {
    let time = |event: &serde_json::Value| {
        text(event, "/lastTimestamp").or_else(|| text(event, "/eventTime")).map(str::to_owned)
    };
    let event = evidence.snapshot.events_about(object).max_by_key(|event| time(event))?;
    let (reason, said) = (text(event, "/reason").unwrap_or_default(), text(event, "/message").unwrap_or_default());
    Some(clip(&format!("last event {reason}: {said}")))
}

fn state(live: &serde_json::Value, object: &ObjectRef, evidence: &Evidence) -> String {
    let age = evidence.since(live, "/metadata/creationTimestamp").map(|age| format!(", {} old", span(age)));
    let age = age.unwrap_or_default();
    if object.kind == "Pod" {
        let line = pod_line(live, evidence);
        return line.split_once(": ").map_or(line.clone(), |(_, state)| state.to_owned());
    }
    let is_node = object.kind == "Node";
    let condition = items(live, "/status/conditions").find(|one| is_node && one["type"] == "Ready");
    let word = match (condition, ready(live, &evidence.snapshot)) {
        (Some(condition), _) if condition["status"] != "True" => "not ready".to_owned(),
        (_, Readiness::Ready { note }) => note.or_else(|| phase(live)).unwrap_or_else(|| "ready".to_owned()),
        (_, Readiness::Waiting { progress }) => progress,
        (_, Readiness::Failed { reason, .. }) => reason,
    };
    clip(&format!("{word}{age}"))
}

fn phase(live: &serde_json::Value) -> Option<String> {
    text(live, "/status/phase").map(str::to_owned)
}
