//! What a rule looks at: one object with what belongs to it, read once for all rules.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::Value;

use super::words::{seconds, stuck};
use crate::doctor::Cause;
use crate::object::{ObjectRef, number, text};
use crate::plan::STACK_LABEL;
use crate::snapshot::Snapshot;

/// An object and its surroundings at a time.
pub struct Site<'a> {
    pub(super) object: &'a Value,
    pub(super) reference: ObjectRef,
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    /// Of a pod; empty for other kinds.
    pub(super) containers: Vec<Container<'a>>,
    /// The node that a pod was given.
    pub(super) node: Option<&'a str>,
    /// What the scheduler says of a pod without a node; see there.
    pub(super) scheduler: OnceCell<Option<&'a str>>,
    /// With their reasons.
    events: OnceCell<Vec<(&'a str, &'a Value)>>,
    /// All nodes by name; read once for all objects of a walk.
    nodes: Nodes<'a>,
}

pub(super) type Nodes<'a> = Rc<OnceCell<BTreeMap<&'a str, &'a Value>>>;

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
    pub(super) ready: bool,
    pub(super) running: bool,
    /// How it ended last: now, or before its restart.
    pub(super) ended: Option<Ended<'a>>,
}

/// An end of a container.
#[derive(Clone, Copy)]
pub(super) struct Ended<'a> {
    pub(super) code: Option<i64>,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl<'a> Site<'a> {
    pub(super) fn new(object: &'a Value, snapshot: &'a Snapshot, now: Timestamp) -> Option<Self> {
        Self::with(object, snapshot, now, Rc::default())
    }

    /// Another object of the same walk.
    pub(super) fn to(&self, object: &'a Value) -> Option<Self> {
        Self::with(object, self.snapshot, self.now, Rc::clone(&self.nodes))
    }

    pub(super) fn with(object: &'a Value, snapshot: &'a Snapshot, now: Timestamp, nodes: Nodes<'a>) -> Option<Self> {
        let reference = ObjectRef::of(object)?;
        let containers = if reference.kind == "Pod" { containers(object) } else { Vec::new() };
        let node = object["spec"]["nodeName"].as_str();
        let (scheduler, events) = (OnceCell::new(), OnceCell::new());
        Some(Self { object, reference, snapshot, now, containers, node, scheduler, events, nodes })
    }

    /// All nodes by name; none when they were not read.
    pub(super) fn nodes(&self) -> &BTreeMap<&'a str, &'a Value> {
        self.nodes.get_or_init(|| {
            let nodes = self.snapshot.of_kind("", "Node");
            nodes.filter_map(|node| Some((node["metadata"]["name"].as_str()?, node))).collect()
        })
    }

    /// The events about the object, looked up when a rule first asks. A `StatefulSet`'s pod comes back under its name; what
    /// was said about the one before is no longer true.
    fn events(&self) -> &[(&'a str, &'a Value)] {
        self.events.get_or_init(|| {
            let uid = self.object["metadata"]["uid"].as_str();
            let same = |event: &&Value| match event["involvedObject"]["uid"].as_str() {
                Some(about) if !about.is_empty() => uid.is_none_or(|uid| uid == about),
                _ => true,
            };
            let events = self.snapshot.events_about(&self.reference).filter(same);
            events.map(|event| (event["reason"].as_str().unwrap_or_default(), event)).collect()
        })
    }

    pub(super) fn namespace(&self) -> &str {
        self.reference.namespace.as_deref().unwrap_or_default()
    }

    /// ` -n NAMESPACE`, for commands.
    pub(super) fn flag(&self) -> String {
        super::words::in_namespace(self.reference.namespace.as_deref())
    }

    /// The stack of whose installation it is a part: the label that we put on what was installed, which is what made it.
    pub(super) fn stack(&self) -> Option<&'a str> {
        let mut object = self.object;
        // Owners that own each other would have no end.
        for _ in 0..8 {
            let labels = object.pointer("/metadata/labels");
            if let Some(stack) = labels.and_then(|labels| labels.get(STACK_LABEL)?.as_str()) {
                return Some(stack);
            }
            object = super::walk::controller(&self.to(object)?)?;
        }
        None
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
        self.events().iter().filter(|(reason, _)| reasons.contains(reason)).map(|(_, event)| *event)
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
        self.object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
    }
}

fn containers(pod: &Value) -> Vec<Container<'_>> {
    let of = |part: &str, statuses: &str, init| {
        let statuses = pod["status"][statuses].as_array().map_or(&[][..], Vec::as_slice);
        let specs = pod["spec"][part].as_array().map_or(&[][..], Vec::as_slice);
        specs.iter().map(move |spec| {
            let name = &spec["name"];
            let status = statuses.iter().find(|status| &status["name"] == name).unwrap_or(&Value::Null);
            Container::new(spec, status, init)
        })
    };
    let init = of("initContainers", "initContainerStatuses", true);
    init.chain(of("containers", "containerStatuses", false)).collect()
}

impl<'a> Container<'a> {
    fn new(spec: &'a Value, status: &'a Value, init: bool) -> Self {
        let part = |value: &'a Value, field: &str| value[field].as_str().unwrap_or_default();
        let ended = [&status["state"]["terminated"], &status["lastState"]["terminated"]];
        let ended = ended.into_iter().find(|ended| ended.is_object()).map(|ended| Ended {
            code: ended["exitCode"].as_i64(),
            reason: part(ended, "reason"),
            message: part(ended, "message"),
        });
        Self {
            name: part(spec, "name"),
            spec,
            status,
            init,
            waiting: part(&status["state"]["waiting"], "reason"),
            message: part(&status["state"]["waiting"], "message"),
            restarts: status["restartCount"].as_i64().unwrap_or(0),
            ready: status["ready"] == true,
            running: status["state"].get("running").is_some(),
            ended,
        }
    }

    pub(super) fn image(&self) -> &'a str {
        text(self.spec, "/image").unwrap_or_default()
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
pub(crate) fn event_time(event: &Value) -> Option<Timestamp> {
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
