//! What a rule looks at: one object with what belongs to it, read once for all rules.

use jiff::Timestamp;
use serde_json::Value;

use super::words::{seconds, stuck};
use crate::doctor::Cause;
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::Snapshot;

/// An object and its surroundings at a time.
pub struct Site<'a> {
    pub(super) object: &'a Value,
    pub(super) reference: ObjectRef,
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    /// Of a pod; empty for other kinds.
    pub(super) containers: Vec<Container<'a>>,
    pub(super) events: Vec<&'a Value>,
}

/// A container of a pod with its status.
pub(super) struct Container<'a> {
    pub(super) name: &'a str,
    pub(super) spec: &'a Value,
    pub(super) status: &'a Value,
    /// One of `initContainers`.
    pub(super) init: bool,
    /// Why it waits; empty when it does not.
    pub(super) waiting: &'a str,
    /// What is said about why it waits.
    pub(super) message: &'a str,
    pub(super) restarts: i64,
}

impl<'a> Site<'a> {
    pub(super) fn new(object: &'a Value, snapshot: &'a Snapshot, now: Timestamp) -> Option<Self> {
        let reference = ObjectRef::of(object)?;
        let containers = if reference.kind == "Pod" { containers(object) } else { Vec::new() };
        let uid = text(object, "/metadata/uid");
        // A StatefulSet's pod comes back under its name; what was said about the one before is no longer true.
        let same = |event: &&Value| match text(event, "/involvedObject/uid") {
            Some(about) if !about.is_empty() => uid.is_none_or(|uid| uid == about),
            _ => true,
        };
        let events = snapshot.events_about(&reference).filter(same).collect();
        Some(Self { object, reference, snapshot, now, containers, events })
    }

    pub(super) fn namespace(&self) -> &str {
        self.reference.namespace.as_deref().unwrap_or_default()
    }

    /// ` -n NAMESPACE`, for commands.
    pub(super) fn flag(&self) -> String {
        super::words::in_namespace(self.reference.namespace.as_deref())
    }

    /// A cause with this object at the root.
    pub(super) fn stuck(&self, reason: &str, message: impl AsRef<str>) -> Cause {
        stuck(Some(self.reference.clone()), reason, message)
    }

    /// An object in the same namespace.
    pub(super) fn neighbour(&self, version: &str, kind: &str, name: &str) -> ObjectRef {
        ObjectRef::new(version, kind, self.reference.namespace.as_deref(), name)
    }

    /// The newest event with one of these reasons.
    pub(super) fn event(&self, reasons: &[&str]) -> Option<&'a Value> {
        self.events_of(reasons).max_by_key(|event| event_time(event))
    }

    pub(super) fn events_of(&self, reasons: &[&str]) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .copied()
            .filter(move |event| text(event, "/reason").is_some_and(|one| reasons.contains(&one)))
    }

    /// Seconds since a time in an object; `None` when there is none.
    pub(super) fn since(&self, value: &Value, pointer: &str) -> Option<i64> {
        time(value, pointer).map(|then| seconds(then, self.now))
    }

    /// Seconds since the object was created.
    pub(super) fn age(&self) -> i64 {
        self.since(self.object, "/metadata/creationTimestamp").unwrap_or(0)
    }

    pub(super) fn condition(&self, kind: &str) -> Option<&'a Value> {
        items(self.object, "/status/conditions").find(|condition| condition["type"] == kind)
    }
}

fn containers(pod: &Value) -> Vec<Container<'_>> {
    let of = |specs, statuses, init| {
        items(pod, specs).map(move |spec| {
            let name = text(spec, "/name").unwrap_or_default();
            let status = items(pod, statuses).find(|status| status["name"] == name).unwrap_or(&Value::Null);
            Container {
                name,
                spec,
                status,
                init,
                waiting: text(status, "/state/waiting/reason").unwrap_or_default(),
                message: text(status, "/state/waiting/message").unwrap_or_default(),
                restarts: number(status, "/restartCount").unwrap_or(0),
            }
        })
    };
    of("/spec/initContainers", "/status/initContainerStatuses", true)
        .chain(of("/spec/containers", "/status/containerStatuses", false))
        .collect()
}

impl<'a> Container<'a> {
    pub(super) fn image(&self) -> &'a str {
        text(self.spec, "/image").unwrap_or_default()
    }

    pub(super) fn is_running(&self) -> bool {
        self.status.pointer("/state/running").is_some()
    }

    /// How it ended last: now, or before its restart.
    pub(super) fn ended(&self) -> Option<&'a Value> {
        let ended = |pointer| self.status.pointer(pointer).filter(|state| state.is_object());
        ended("/state/terminated").or_else(|| ended("/lastState/terminated"))
    }

    /// Whether an event is about this container; events say it as `spec.containers{NAME}`.
    pub(super) fn is_meant(&self, event: &Value) -> bool {
        match text(event, "/involvedObject/fieldPath") {
            Some(path) if path.contains('{') => path.ends_with(&format!("{{{}}}", self.name)),
            _ => true,
        }
    }
}

/// The time at a pointer.
pub(super) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer)?.parse().ok()
}

/// When an event was last seen; the field depends on which of the two event APIs it was written with.
pub(super) fn event_time(event: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp", "/metadata/creationTimestamp"]
        .into_iter()
        .find_map(|pointer| time(event, pointer))
}

/// When an event was first seen.
pub(super) fn event_start(event: &Value) -> Option<Timestamp> {
    ["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .into_iter()
        .find_map(|pointer| time(event, pointer))
}

/// How often an event was seen.
pub(super) fn event_count(event: &Value) -> i64 {
    number(event, "/series/count").or_else(|| number(event, "/count")).unwrap_or(1)
}

/// What an event says.
pub(super) fn event_text(event: &Value) -> &str {
    text(event, "/message").unwrap_or_default()
}
