//! What there is in a sandbox at one moment, and how it goes on: objects, what lies on the disks of the nodes, the faults that
//! are in force, the time.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::address::Address;
use super::controllers;
use super::disks::Disks;
use super::faults::Standing;
use super::ids;
use super::kind::Kind;
use super::refusal::Refusal;
use super::store::{Store, address_of, time};
use super::tides::Kinds;
use crate::object::{has_ended, items, text};
use crate::plan::Reach;

/// After so many rounds without rest two controllers must be undoing each other's work.
const ROUNDS: usize = 500;

/// Lines by namespace and component.
pub(super) type Logs = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Everything in a sandbox.
#[derive(Debug)]
pub(super) struct World {
    pub(super) kind: Kind,
    pub(super) store: Store,
    pub(super) disks: Disks,
    pub(super) faults: Standing,
    /// What the simulated applications answer: the ways into the stacks that were installed here.
    pub(super) ways: Vec<Reach>,
    /// What components say when they have started, by namespace and component.
    pub(super) logs: Logs,
    pub(super) now: Timestamp,
    /// Until when the API server does not answer.
    pub(super) away_until: Option<Timestamp>,
    /// Nodes that are not heard of, and when they come back by themselves.
    pub(super) returns: BTreeMap<String, Timestamp>,
    /// When something happens next by itself.
    due: Option<Timestamp>,
    /// What each controller has looked at, and when.
    looks: Vec<Option<Look>>,
    /// How often something changed that is no object.
    stirs: u64,
}

/// The last look of a controller.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// What it has read.
    read: Kinds,
    /// The version before it.
    version: u64,
    /// Before it, see [`World::stirs`].
    stirs: u64,
    /// When it wants to look again.
    due: Option<Timestamp>,
}

/// What a world keeps beside its objects.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Remains {
    pub(super) disks: Disks,
    pub(super) faults: Standing,
    pub(super) ways: Vec<Reach>,
    #[serde(default)]
    pub(super) logs: Logs,
    pub(super) now: Timestamp,
    #[serde(default)]
    pub(super) away_until: Option<Timestamp>,
    #[serde(default)]
    pub(super) returns: BTreeMap<String, Timestamp>,
}

impl World {
    pub(super) fn new(kind: Kind, store: Store, remains: Remains) -> Self {
        let Remains { disks, faults, ways, logs, now, away_until, returns } = remains;
        let looks = vec![None; controllers::ALL.len()];
        Self { kind, store, disks, faults, ways, logs, now, away_until, returns, due: None, looks, stirs: 0 }
    }

    pub(super) fn remains(&self) -> Remains {
        let (disks, faults, ways) = (self.disks.clone(), self.faults.clone(), self.ways.clone());
        let (logs, returns) = (self.logs.clone(), self.returns.clone());
        Remains { disks, faults, ways, logs, now: self.now, away_until: self.away_until, returns }
    }

    /// Lets every controller do what there is to do at this time, until none has anything left.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        for _ in 0..ROUNDS {
            let due: Vec<usize> = (0..controllers::ALL.len()).filter(|index| self.has_to_look(*index)).collect();
            if due.is_empty() {
                self.due = self.looks.iter().flatten().filter_map(|look| look.due).min();
                return;
            }
            for index in due {
                self.look(index);
            }
        }
        tracing::error!("the controllers of the sandbox do not come to rest");
    }

    /// Whether anything that a controller has read is not as it was, or its time has come.
    fn has_to_look(&self, index: usize) -> bool {
        self.looks[index].is_none_or(|look| {
            look.stirs != self.stirs()
                || look.due.is_some_and(|due| due <= self.now)
                || self.store.tides.changed_since(look.read, look.version)
        })
    }

    fn look(&mut self, index: usize) {
        let (version, stirs) = (self.store.version, self.stirs());
        self.due = None;
        self.store.tides.take_read();
        controllers::ALL[index](self);
        let read = self.store.tides.take_read();
        self.looks[index] = Some(Look { read, version, stirs, due: self.due });
    }

    fn stirs(&self) -> u64 {
        self.stirs + self.disks.changes()
    }

    /// Something changed that is no object: a fault, what applications answer. Everybody looks again.
    pub(super) fn stir(&mut self) {
        self.stirs += 1;
    }

    /// A node that was not heard of is heard of again.
    pub(super) fn answers_again(&mut self, node: &str) {
        if let Some(targets) = self.faults.get_mut("node-unreachable") {
            targets.retain(|target| target != node);
        }
        self.faults.retain(|_, targets| !targets.is_empty());
    }

    /// Whether the API server does not answer now.
    pub(super) fn is_away(&self) -> bool {
        self.away_until.is_some_and(|until| self.now < until)
    }

    /// How every write is answered while the API server refuses them.
    pub(super) fn refuses_writes(&self) -> Option<Refusal> {
        let code = self.faults.get("api-refusing")?.first()?;
        Some(match code.as_str() {
            "403" => Refusal::new(403, "Forbidden", "forbidden: the sandbox was told to refuse every write"),
            "409" => Refusal::new(
                409,
                "Conflict",
                "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
            ),
            "429" => Refusal::new(
                429,
                "TooManyRequests",
                "the server has received too many requests and has asked us to try again later",
            ),
            _ => Refusal::new(
                500,
                "InternalError",
                "Internal error occurred: the sandbox was told to refuse every write",
            ),
        })
    }

    /// How long every answer takes.
    pub(super) fn delay(&self) -> Option<std::time::Duration> {
        let seconds = self.faults.get("api-slow")?.first()?;
        Some(std::time::Duration::from_secs(seconds.parse().unwrap_or(5)))
    }

    /// When to settle again.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Whether this time has come; if not, the world settles again when it has.
    pub(super) fn is_past(&mut self, at: Timestamp) -> bool {
        if at <= self.now {
            return true;
        }
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
        false
    }

    /// Whether so many seconds have passed since.
    pub(super) fn is_since(&mut self, since: Timestamp, seconds: i64) -> bool {
        self.is_past(since.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
    }

    /// Lets time pass until nothing is due within so many seconds.
    pub(super) fn rest(&mut self, seconds: i64) {
        let end = self.now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        self.settle(self.now);
        while let Some(due) = self.due.filter(|due| *due <= end) {
            self.settle(due);
        }
    }

    /// All objects of a built-in kind. A copy of one can be changed and given back to [`World::put`].
    pub(super) fn all(&self, kind: &str) -> Vec<Arc<Value>> {
        self.store.shared(kind).cloned().collect()
    }

    /// The objects of a kind that this one controls.
    pub(super) fn owned(&self, kind: &str, owner: &Value) -> Vec<Arc<Value>> {
        self.store.owned(kind, text(owner, "/metadata/uid").unwrap_or_default()).cloned().collect()
    }

    pub(super) fn find(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        self.store.find(kind, namespace, name)
    }

    /// Writes an object of a built-in kind.
    pub(super) fn put(&mut self, object: Value) -> Arc<Value> {
        match address_of(&object) {
            Some(address) => self.store.put(&address, object, self.now),
            None => Arc::new(object),
        }
    }

    /// Writes a status, unless it is that already.
    pub(super) fn put_status(&mut self, object: &Value, status: Value) {
        if object.get("status") != Some(&status) {
            let mut object = object.clone();
            object["status"] = status;
            self.put(object);
        }
    }

    /// Takes an object of a built-in kind away at once.
    pub(super) fn remove(&mut self, object: &Value) {
        if let Some(address) = address_of(object) {
            self.store.remove(&address);
        }
    }

    /// Begins to delete an object, or deletes it when nothing holds it.
    pub(super) fn delete(&mut self, address: &Address, grace: Option<i64>) -> Result<Value, Refusal> {
        let not_found = || Refusal::not_found(address.group(), &address.plural, &address.name);
        let mut live = self.store.get(address).cloned().ok_or_else(not_found)?;
        if live["kind"] == "CustomResourceDefinition" && live["metadata"].get("deletionTimestamp").is_none() {
            controllers::end_definition(self, &mut live);
            return Ok(Value::clone(&self.store.put(address, live, self.now)));
        }
        let grace = grace_of(&live, grace);
        let is_namespace = live["kind"] == "Namespace";
        let held = items(&live, "/metadata/finalizers").next().is_some() || is_namespace;
        if grace == 0 && !held {
            if live["kind"] == "Pod" {
                live["metadata"]["deletionTimestamp"] = time(self.now).into();
                live["metadata"]["deletionGracePeriodSeconds"] = 0.into();
                self.store.remove(address);
                return Ok(live);
            }
            return Ok(self.store.remove(address).map_or(live, |gone| Value::clone(&gone)));
        }
        // Asked again, a grace period can only become shorter.
        let known = live["metadata"]["deletionGracePeriodSeconds"].as_i64();
        if live["metadata"].get("deletionTimestamp").is_none() || known.is_some_and(|known| grace < known) {
            let end = self.now.saturating_add(SignedDuration::from_secs(grace)).unwrap_or(Timestamp::MAX);
            live["metadata"]["deletionTimestamp"] = time(end).into();
            live["metadata"]["deletionGracePeriodSeconds"] = grace.into();
            if is_namespace {
                live["status"] = json!({"phase": "Terminating"});
            }
        }
        Ok(Value::clone(&self.store.put(address, live, self.now)))
    }

    /// Deletes what a controller has found to be superfluous; that it may be gone already is no matter.
    pub(super) fn discard(&mut self, object: &Value) {
        if let Some(address) = address_of(object)
            && object["metadata"].get("deletionTimestamp").is_none()
        {
            let _ = self.delete(&address, None);
        }
    }

    /// An event about an object, as the named component writes it. The same one again is counted.
    pub(super) fn event(&mut self, about: &Value, (kind, reason): (&str, &str), message: &str, by: &str) {
        self.event_at((about, None), (kind, reason), message, by);
    }

    /// An event about a part of an object: `spec.containers{web}`.
    pub(super) fn event_at(
        &mut self,
        (about, path): (&Value, Option<&str>),
        (kind, reason): (&str, &str),
        message: &str,
        by: &str,
    ) {
        let part = |pointer| text(about, pointer).unwrap_or_default().to_owned();
        let namespace = text(about, "/metadata/namespace").unwrap_or("default").to_owned();
        // Nothing is made in a namespace that ends, no event either.
        let home = self.find("Namespace", None, &namespace);
        if home.is_some_and(|home| home["metadata"].get("deletionTimestamp").is_some()) {
            return;
        }
        let uid = &about["metadata"]["uid"];
        let now = time(self.now);
        // The same event is the same object, found by what it says.
        let said = format!(
            "{}/{reason}/{}/{message}",
            text(about, "/metadata/uid").unwrap_or_default(),
            path.unwrap_or_default()
        );
        let name = format!("{}.{}", part("/metadata/name"), ids::short(&said));
        if let Some(known) = self.find("Event", Some(&namespace), &name) {
            if known["lastTimestamp"] != now.as_str() {
                let mut known = Value::clone(known);
                known["count"] = (known["count"].as_i64().unwrap_or(1) + 1).into();
                known["lastTimestamp"] = now.into();
                self.put(known);
            }
            return;
        }
        let mut involved = json!({"apiVersion": part("/apiVersion"), "kind": part("/kind"), "name": part("/metadata/name"),
            "uid": uid, "resourceVersion": part("/metadata/resourceVersion")});
        if about["metadata"].get("namespace").is_some() {
            involved["namespace"] = namespace.as_str().into();
        }
        if let Some(path) = path {
            involved["fieldPath"] = path.into();
        }
        let mut source = json!({"component": by});
        if let Some(node) = text(about, "/spec/nodeName").filter(|_| by == "kubelet") {
            source["host"] = node.into();
        }
        self.put(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved, "reason": reason, "message": message, "type": kind, "source": source,
            "reportingComponent": by, "reportingInstance": "", "count": 1, "eventTime": null,
            "firstTimestamp": now, "lastTimestamp": now}));
    }
}

/// Only pods that are on a node have time to end.
fn grace_of(object: &Value, asked: Option<i64>) -> i64 {
    let on_a_node = object["kind"] == "Pod" && text(object, "/spec/nodeName").is_some();
    if !on_a_node || has_ended(object) {
        return 0;
    }
    asked.or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_i64()).unwrap_or(30)
}
