//! What a step expects of objects, and whether it is so.

use serde::Deserialize;
use serde_json::Value;

use super::form::{Step, pointer_fault};
use super::place::line;
use super::scaled::{SCALED, is_scaled_to_nothing};
use super::{Holding, LogAsk, Site};
use crate::doctor::evidence::Evidence;
use crate::doctor::report::State;
use crate::doctor::stacks::form::When;
use crate::doctor::stall;
use crate::doctor::survey::makers;
use crate::engine::ready::judge::{Readiness, is_awaited, judge};
use crate::error::closest;
use crate::object::{ObjectRef, at, is_true, items, number, text};

/// Lines about objects that are shown of a step.
const SHOWN: usize = 5;

/// Something that should be so. All but [`Expectation::Present`] should be so of each object.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(super) enum Expectation {
    /// There is one.
    Present,
    /// It does what it is there for.
    Ready,
    /// A claim has its volume, a volume its claim.
    Bound,
    /// No container of a pod runs without being ready.
    Answers,
    /// A pod that is ready stands behind a Service.
    Endpoints,
    /// Somebody has given it an address.
    Address,
    /// The class that it names is there.
    Class,
    /// It has a key.
    Key(String),
    /// Something about a value.
    Value(When),
}

/// The expectations that are one word, with the kinds of which they can be expected; none: of every kind.
const WORDS: &[(&str, Expectation, &[&str])] = &[
    ("present", Expectation::Present, &[]),
    ("ready", Expectation::Ready, READY),
    ("answers", Expectation::Answers, &["Pod"]),
    ("bound", Expectation::Bound, &["PersistentVolumeClaim", "PersistentVolume"]),
    ("endpoints", Expectation::Endpoints, &["Service"]),
    ("address", Expectation::Address, &["Service", "Ingress"]),
    ("class", Expectation::Class, &["PersistentVolumeClaim", "Ingress"]),
];
const READY: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "Pod",
    "PersistentVolumeClaim",
    "Node",
    "CustomResourceDefinition",
    "APIService",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
}

impl TryFrom<Value> for Expectation {
    type Error = String;

    fn try_from(told: Value) -> Result<Self, String> {
        match told {
            Value::String(word) => {
                let found = WORDS.iter().find(|(name, _, _)| *name == word);
                found.map(|(_, expectation, _)| expectation.clone()).ok_or_else(|| {
                    let near = closest(&word, WORDS.iter().map(|(name, _, _)| *name));
                    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
                    let known: Vec<&str> = WORDS.iter().map(|(name, _, _)| *name).collect();
                    format!(
                        "`{word}` is nothing that can be expected{near}; known are {}, `key`, `at`",
                        known.join(", ")
                    )
                })
            }
            map if map.get("key").is_some() => {
                serde_json::from_value::<Key>(map).map(|told| Self::Key(told.key)).map_err(|error| error.to_string())
            }
            other => serde_json::from_value::<When>(other).map(Self::Value).map_err(|error| error.to_string()),
        }
    }
}

/// What is to be said of one object.
enum One {
    Good(Option<String>),
    Bad(String),
    Open(String),
}

impl Expectation {
    /// Whether it is about a value, so that an example has to prove it.
    pub(super) fn is_of_values(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// Whether what it says of a value is so.
    pub(super) fn holds_of(&self, object: &Value) -> bool {
        matches!(self, Self::Value(when) if when.holds(object).is_some())
    }

    /// Why it cannot be expected of a kind.
    pub(super) fn fault(&self, kind: &str) -> Option<String> {
        let (name, kinds): (&str, &[&str]) = match self {
            Self::Value(when) => return pointer_fault(when, "expect"),
            Self::Key(_) => ("key", &["ConfigMap", "Secret"]),
            word => {
                let same = |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(word);
                let (name, _, kinds) = WORDS.iter().find(|(_, other, _)| same(other))?;
                (name, kinds)
            }
        };
        (!kinds.is_empty() && !kinds.contains(&kind))
            .then(|| format!("`{name}` cannot be expected of a {kind}; of {} it can", kinds.join(", ")))
    }

    fn of(&self, object: &Value, evidence: &Evidence) -> One {
        match self {
            Self::Present => One::Good(None),
            Self::Ready => ready(object, evidence),
            Self::Bound => match text(object, "/status/phase") {
                Some("Bound") => One::Good(None),
                phase => One::Bad(format!("is {}, not Bound", phase.unwrap_or("without a phase"))),
            },
            Self::Answers => answers(object, evidence),
            Self::Endpoints => endpoints(object, evidence),
            Self::Address => match items(object, "/status/loadBalancer/ingress").next() {
                Some(_) => One::Good(None),
                None => One::Bad("has no address".to_owned()),
            },
            Self::Class => class(object, evidence),
            Self::Key(key) => {
                let has = |part: &str| object[part].get(key).is_some();
                if has("data") || has("binaryData") { One::Good(None) } else { One::Bad(format!("has no key `{key}`")) }
            }
            Self::Value(when) if when.holds(object).is_some() => One::Good(None),
            Self::Value(when) => One::Bad(when.seen(object)),
        }
    }
}

fn ready(object: &Value, evidence: &Evidence) -> One {
    if object["kind"] == "Node" {
        return if is_true(object, "Ready") { One::Good(None) } else { One::Bad("is not ready".to_owned()) };
    }
    // A pod says so itself, also while a change of it has not been seen: one in place changes nothing of whether it runs.
    if object["kind"] == "Pod" && (is_true(object, "Ready") || text(object, "/status/phase") == Some("Succeeded")) {
        return One::Good(None);
    }
    if is_scaled_to_nothing(object) {
        return One::Bad(SCALED.to_owned());
    }
    if object["kind"] == "DaemonSet" && number(object, "/status/desiredNumberScheduled") == Some(0) {
        return One::Bad("no node is meant to have a pod of it".to_owned());
    }
    if !ObjectRef::of(object).is_some_and(|reference| is_awaited(&reference)) {
        return One::Good(None);
    }
    match judge(object, &evidence.snapshot) {
        Readiness::Ready { note } => One::Good(note),
        Readiness::Waiting { progress } => One::Bad(progress),
        Readiness::Failed { reason, message } => One::Bad(format!("{reason}: {message}")),
    }
}

/// What runs and is not ready fails its probe, or has not passed it yet.
fn answers(pod: &Value, evidence: &Evidence) -> One {
    let running = |status: &&Value| status["state"].get("running").is_some();
    let mut running = items(pod, "/status/containerStatuses").filter(running).peekable();
    if running.peek().is_none() {
        return One::Open("no container of it runs, so that none can answer".to_owned());
    }
    if running.all(|status| status["ready"] == true) {
        return One::Good(None);
    }
    let cause = ObjectRef::of(pod).and_then(|pod| stall::cause(&pod, &evidence.snapshot, evidence.taken));
    One::Bad(cause.map_or_else(|| "a container runs and is not ready".to_owned(), |cause| cause.message))
}

fn endpoints(service: &Value, evidence: &Evidence) -> One {
    const NAME: &str = "kubernetes.io/service-name";
    if let Some(gap) = evidence.gap("EndpointSlice") {
        return One::Open(gap);
    }
    let namespace = text(service, "/metadata/namespace").unwrap_or_default();
    let slices = evidence.snapshot.in_namespace("discovery.k8s.io", "EndpointSlice", namespace);
    let own = slices.filter(|slice| slice["metadata"]["labels"][NAME] == service["metadata"]["name"]);
    let ready = own.flat_map(|slice| items(slice, "/endpoints")).filter(|one| one["conditions"]["ready"] != false);
    match ready.count() {
        0 => {
            let idle = makers(service, &evidence.snapshot).filter(|maker| is_scaled_to_nothing(maker));
            let idle = idle.filter_map(ObjectRef::of).map(|maker| format!("; {} behind it is {SCALED}", maker.short()));
            One::Bad(format!("no pod that is ready stands behind it{}", idle.collect::<String>()))
        }
        1 => One::Good(Some("1 pod behind it is ready".to_owned())),
        many => One::Good(Some(format!("{many} pods behind it are ready"))),
    }
}

/// An object that names no class has nothing that could be missing: what that means is another expectation.
fn class(object: &Value, evidence: &Evidence) -> One {
    let (pointer, version, kind) = if object["kind"] == "Ingress" {
        ("/spec/ingressClassName", "networking.k8s.io/v1", "IngressClass")
    } else {
        ("/spec/storageClassName", "storage.k8s.io/v1", "StorageClass")
    };
    let name = match at(object, pointer).and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name,
        _ => return One::Good(Some("names no class".to_owned())),
    };
    if let Some(gap) = evidence.gap(kind) {
        return One::Open(gap);
    }
    match evidence.snapshot.get(&ObjectRef::new(version, kind, None, name)) {
        Some(_) => One::Good(None),
        // A volume made by hand carries the name of a class that nobody made, and so does its claim.
        None if text(object, "/status/phase") == Some("Bound") => One::Good(Some(format!("class {name} is gone"))),
        None => One::Bad(format!("there is no {kind} {name}")),
    }
}

/// What is to be said of a step.
pub(super) struct Answer {
    pub(super) state: Holding,
    pub(super) seen: Vec<String>,
    /// The number of the first object of which it does not hold.
    pub(super) bad: Option<usize>,
}

impl Answer {
    pub(super) fn unknown(because: impl Into<String>) -> Self {
        Self { state: Holding::CannotTell { because: because.into() }, seen: Vec::new(), bad: None }
    }

    /// What is wrong is shown first, and what does not fit is counted.
    pub(super) fn of(state: Holding, mut seen: Vec<String>) -> Self {
        if seen.len() > SHOWN {
            let more = seen.len() - SHOWN;
            seen.truncate(SHOWN);
            seen.push(format!("and {more} more"));
        }
        Self { state, seen, bad: None }
    }
}

impl Site<'_> {
    /// What is to be said of a step whose objects could be read, and the logs that it asks for.
    pub(super) fn answer(&self, step: &Step, objects: &[&Value]) -> (Answer, Vec<LogAsk>) {
        if !step.checks.is_empty() {
            return (self.checked(step, objects), Vec::new());
        }
        if let Some(log) = &step.log {
            return self.logged(log, step, objects);
        }
        (self.expected(step, objects), Vec::new())
    }

    fn expected(&self, step: &Step, objects: &[&Value]) -> Answer {
        if objects.is_empty() {
            let is_wanted = step.expect.iter().any(|one| matches!(one, Expectation::Present));
            let absent = self.absent(step);
            return if is_wanted { Answer::of(Holding::DoesNotHold, vec![absent]) } else { self.nothing(step) };
        }
        let (mut bad, mut open, mut good) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = None;
        for (number, object) in objects.iter().enumerate() {
            let said = step.expect.iter().map(|one| one.of(object, self.evidence));
            let (mut wrong, mut unknown, mut notes) = (Vec::new(), Vec::new(), Vec::new());
            for one in said {
                match one {
                    One::Bad(why) => wrong.push(why),
                    One::Open(why) => unknown.push(why),
                    One::Good(note) => notes.extend(note),
                }
            }
            if !wrong.is_empty() {
                first.get_or_insert(number);
            }
            let to = if !wrong.is_empty() {
                &mut bad
            } else if !unknown.is_empty() {
                &mut open
            } else {
                &mut good
            };
            let words: Vec<String> = wrong.into_iter().chain(unknown).chain(notes).collect();
            to.push(line(object, &words, self.evidence));
        }
        let state = match (bad.is_empty(), open.first()) {
            (false, _) => Holding::DoesNotHold,
            (true, Some(because)) => Holding::CannotTell { because: because.clone() },
            (true, None) => Holding::Holds,
        };
        Answer { bad: first, ..Answer::of(state, bad.into_iter().chain(open).chain(good).collect()) }
    }

    fn checked(&self, step: &Step, objects: &[&Value]) -> Answer {
        let found = self.concerning(objects).filter(|finding| step.asks_for(&finding.id));
        let seen: Vec<String> =
            found.map(|finding| format!("{} {}: {}", finding.id, finding.object, finding.message)).collect();
        if !seen.is_empty() {
            return Answer::of(Holding::DoesNotHold, seen);
        }
        if objects.is_empty() {
            return self.nothing(step);
        }
        if let Some(bad) = objects.iter().position(|object| is_scaled_to_nothing(object)) {
            let seen = objects.iter().filter(|object| is_scaled_to_nothing(object));
            let seen = seen.map(|object| line(object, &[SCALED.to_owned()], self.evidence)).collect();
            return Answer { bad: Some(bad), ..Answer::of(Holding::DoesNotHold, seen) };
        }
        let open = self.report.checks.iter().filter(|check| step.asks_for(&check.id));
        let because = open.filter_map(|check| match &check.state {
            State::Unknown { because } => Some(because.clone()),
            State::Looked { .. } => None,
        });
        match because.into_iter().next() {
            Some(because) => Answer::unknown(because),
            None => Answer::of(Holding::Holds, objects.iter().map(|object| line(object, &[], self.evidence)).collect()),
        }
    }

    /// What a step comes to for which there is nothing to look at.
    pub(super) fn nothing(&self, step: &Step) -> Answer {
        let absent = self.absent(step);
        // What is installed is not switched off.
        match (self.podless(step), &step.none) {
            (Some(why), _) => Answer::unknown(format!("{absent}: {why}")),
            (None, Some(why)) => {
                let state = Holding::NothingToLookAt { because: format!("{absent}: {why}") };
                Answer { state, seen: Vec::new(), bad: None }
            }
            (None, None) => Answer::unknown(absent),
        }
    }
}
