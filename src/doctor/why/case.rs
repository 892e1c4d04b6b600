//! The object that is asked about with what is around it, and what is said of it.

use serde::Serialize;
use serde_json::Value;

use crate::doctor::evidence::Evidence;
pub(super) use crate::doctor::stall::words::some;
use crate::doctor::stall::words::{clip, in_namespace, span};
use crate::object::{ObjectRef, items, number, printable, text};
use crate::snapshot::Snapshot;

/// The object, and the evidence that it is part of.
pub(super) struct Case<'a> {
    pub(super) live: &'a Value,
    pub(super) object: &'a ObjectRef,
    pub(super) evidence: &'a Evidence,
}

/// A line about one side of the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Which side, in a word: `rollout`, `restarts`.
    pub about: &'static str,
    /// What is to be said of it.
    pub says: String,
    /// Whether it is amiss: such lines come first.
    pub amiss: bool,
}

/// Something that is wrong with the object and that no check finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) fix: Option<String>,
    /// The object at the root, when it is another one.
    pub(super) root: Option<ObjectRef>,
}

/// What a kind says of itself.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// How it is; by its readiness when nothing is said.
    pub(super) state: Option<String>,
    /// The worst that is wrong.
    pub(super) trouble: Option<Trouble>,
    /// The other sides, in the order in which they matter.
    pub(super) details: Vec<Detail>,
}

impl Said {
    pub(super) fn new(state: impl AsRef<str>) -> Self {
        Self { state: Some(clip(state.as_ref())), ..Self::default() }
    }

    /// Adds a line, when there is something to say.
    pub(super) fn note(mut self, about: &'static str, says: impl Into<Option<String>>) -> Self {
        self.add(about, says.into(), false);
        self
    }

    /// Adds a line about something that is amiss.
    pub(super) fn amiss(mut self, about: &'static str, says: impl Into<Option<String>>) -> Self {
        self.add(about, says.into(), true);
        self
    }

    fn add(&mut self, about: &'static str, says: Option<String>, amiss: bool) {
        let says = says.map(|says| clip(&says)).filter(|says| !says.is_empty());
        self.details.extend(says.map(|says| Detail { about, says, amiss }));
    }

    /// Says that something is wrong; the first that is wrong counts.
    pub(super) fn wrong(mut self, trouble: impl Into<Option<Trouble>>) -> Self {
        self.trouble = self.trouble.or(trouble.into());
        self
    }

    /// Adds what is said elsewhere.
    pub(super) fn with(mut self, other: Said) -> Self {
        self.state = self.state.or(other.state);
        self.details.extend(other.details);
        self.wrong(other.trouble)
    }
}

impl Trouble {
    pub(super) fn new(message: impl AsRef<str>) -> Self {
        Self { message: clip(message.as_ref()), fix: None, root: None }
    }

    pub(super) fn fix(mut self, fix: impl AsRef<str>) -> Self {
        self.fix = Some(printable(fix.as_ref()));
        self
    }

    pub(super) fn root(mut self, root: ObjectRef) -> Self {
        self.root = Some(root);
        self
    }
}

impl<'a> Case<'a> {
    pub(super) fn snapshot(&self) -> &'a Snapshot {
        &self.evidence.snapshot
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&'a str> {
        text(self.live, pointer).filter(|text| !text.is_empty())
    }

    pub(super) fn number(&self, pointer: &str) -> Option<i64> {
        number(self.live, pointer)
    }

    /// A count, which is left out where it is 0.
    pub(super) fn count(&self, pointer: &str) -> i64 {
        self.number(pointer).unwrap_or(0)
    }

    pub(super) fn items(&self, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        items(self.live, pointer)
    }

    pub(super) fn namespace(&self) -> &'a str {
        self.object.namespace.as_deref().unwrap_or_default()
    }

    /// ` -n NAMESPACE`, for commands.
    pub(super) fn flag(&self) -> String {
        in_namespace(self.object.namespace.as_deref())
    }

    /// An object in the same namespace.
    pub(super) fn neighbour(&self, version: &str, kind: &str, name: &str) -> ObjectRef {
        ObjectRef::new(version, kind, self.object.namespace.as_deref(), name)
    }

    /// Whether an object was looked for and is not there.
    pub(super) fn lacks(&self, object: &ObjectRef) -> bool {
        self.snapshot().get(object).is_none() && self.evidence.looked_for(object)
    }

    pub(super) fn condition(&self, kind: &str) -> Option<&'a Value> {
        self.items("/status/conditions").find(|condition| condition["type"] == kind)
    }

    /// `3 min ago`, of a time in some object.
    pub(super) fn ago(&self, object: &Value, pointer: &str) -> Option<String> {
        self.evidence.since(object, pointer).map(|seconds| format!("{} ago", span(seconds)))
    }

    /// The Events about the object, the newest first.
    pub(super) fn events(&self) -> Vec<&'a Value> {
        newest_first(self.snapshot().events_about(self.object).collect())
    }
}

/// When an Event was last seen.
pub(super) fn event_time(event: &Value) -> Option<&str> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .into_iter()
        .find_map(|pointer| text(event, pointer))
}

pub(super) fn newest_first(mut events: Vec<&Value>) -> Vec<&Value> {
    events.sort_by(|a, b| event_time(b).cmp(&event_time(a)));
    events
}

/// `reason: message` of a condition or an event.
pub(super) fn words(one: &Value) -> String {
    let part = |pointer| text(one, pointer).filter(|text| !text.is_empty());
    match (part("/reason"), part("/message")) {
        (Some(reason), Some(message)) => clip(&format!("{reason}: {message}")),
        (one, other) => clip(one.or(other).unwrap_or_default()),
    }
}

/// `1 pod`, `2 pods`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) if !noun.ends_with("ay") && !noun.ends_with("ey") => format!("{stem}ies"),
        _ if noun.ends_with("ss") => format!("{noun}es"),
        _ => format!("{noun}s"),
    };
    format!("{number} {}", if number == 1 { noun } else { plural.as_str() })
}

/// `Kind/name` of each.
pub(super) fn shorts<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    objects.into_iter().filter_map(ObjectRef::of).map(|object| object.short()).collect()
}

/// A value as it stands in a manifest.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
