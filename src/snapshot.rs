//! An immutable picture of the cluster's objects, and of what could not be read, and why.

pub mod classes;
pub mod collect;
pub mod nodes;
pub mod page;
pub mod placing;
pub mod provisioner;
pub mod storage;
pub(crate) mod watch;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::{ObjectRef, items, text};

/// What was there at one time. Objects are kept as the API server sent them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    objects: BTreeMap<Key, Value>,
    /// uid of an owner, or `Kind/namespace/name` of what an Event is about, to the objects that name it.
    below: BTreeMap<String, BTreeSet<Key>>,
    /// What was asked for and could not be read. "Could not be read" is never taken for "is not there".
    pub unread: Vec<Unread>,
}

/// A kind in a scope that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// What the API server said.
    pub why: String,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} could not be read, so nothing is said of it: {}", self.kind, self.why)
    }
}

/// (group, kind, namespace, name): the same object whatever version it is read through.
type Key = (String, String, String, String);

fn key(reference: &ObjectRef) -> Key {
    (
        reference.group().to_owned(),
        reference.kind.clone(),
        reference.namespace.clone().unwrap_or_default(),
        reference.name.clone(),
    )
}

/// What an object hangs below: the uids of its owners, and for an Event what it is about.
fn parents(object: &Value) -> Vec<String> {
    let owners = items(object, "/metadata/ownerReferences").filter_map(|owner| text(owner, "/uid").map(str::to_owned));
    let about = (object["kind"] == "Event").then(|| {
        let part = |pointer| text(object, pointer).unwrap_or_default();
        subject(part("/involvedObject/kind"), part("/involvedObject/namespace"), part("/involvedObject/name"))
    });
    owners.chain(about).collect()
}

fn subject(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind}/{namespace}/{name}")
}

impl FromIterator<Value> for Snapshot {
    fn from_iter<T: IntoIterator<Item = Value>>(objects: T) -> Self {
        let mut snapshot = Self::default();
        objects.into_iter().for_each(|object| snapshot.insert(object));
        snapshot
    }
}

impl Snapshot {
    /// The object as it is in the cluster, if it is there.
    pub fn get(&self, reference: &ObjectRef) -> Option<&Value> {
        self.objects.get(&key(reference))
    }

    /// Adds or replaces an object; one without kind or name is left out.
    pub fn insert(&mut self, object: Value) {
        let Some(reference) = ObjectRef::of(&object) else { return };
        self.remove(&reference);
        let key = key(&reference);
        for parent in parents(&object) {
            self.below.entry(parent).or_default().insert(key.clone());
        }
        self.objects.insert(key, object);
    }

    /// Takes an object out.
    pub fn remove(&mut self, reference: &ObjectRef) -> Option<Value> {
        let key = key(reference);
        let object = self.objects.remove(&key)?;
        for parent in parents(&object) {
            if let Some(children) = self.below.get_mut(&parent) {
                children.remove(&key);
            }
        }
        Some(object)
    }

    /// All objects of a kind, in all namespaces that were read.
    pub fn of_kind<'a>(&'a self, group: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let start = (group.to_owned(), kind.to_owned(), String::new(), String::new());
        self.objects
            .range(start..)
            .take_while(move |((g, k, _, _), _)| g == group && k == kind)
            .map(|(_, object)| object)
    }

    /// All objects of a kind in one namespace.
    pub fn in_namespace<'a>(
        &'a self,
        group: &str,
        kind: &str,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Value> + use<'a> {
        let start = (group.to_owned(), kind.to_owned(), namespace.to_owned(), String::new());
        let wanted = start.clone();
        self.objects
            .range(start..)
            .take_while(move |((g, k, n, _), _)| (g, k, n) == (&wanted.0, &wanted.1, &wanted.2))
            .map(|(_, object)| object)
    }

    /// The objects whose owner is this one (the pods of a ReplicaSet, each ReplicaSet of a Deployment, ...).
    pub fn owned_by<'a>(&'a self, owner: &Value) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.owned_by_uid(text(owner, "/metadata/uid").unwrap_or_default())
    }

    /// The objects whose owner has this uid, whether it is in the snapshot or not.
    pub fn owned_by_uid<'a>(&'a self, uid: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.children(uid)
    }

    /// The Events about an object (of any incarnation of that name).
    pub fn events_about<'a>(&'a self, reference: &ObjectRef) -> impl Iterator<Item = &'a Value> + use<'a> {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        self.children(&subject(&reference.kind, namespace, &reference.name))
    }

    fn children<'a>(&'a self, parent: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.below.get(parent).into_iter().flatten().filter_map(|key| self.objects.get(key))
    }

    /// All objects.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.objects.values()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether a kind could not be read, wherever: then "not in the snapshot" says nothing of it.
    pub fn is_unread(&self, kind: &str) -> bool {
        self.unread.iter().any(|unread| unread.kind == kind)
    }

    /// Notes what could not be read, once.
    pub fn note_unread(&mut self, unread: Unread) {
        if !self.unread.contains(&unread) {
            self.unread.push(unread);
        }
    }

    /// Adds everything of another snapshot to this one.
    pub fn extend(&mut self, other: Self) {
        other.objects.into_values().for_each(|object| self.insert(object));
        self.unread.extend(other.unread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn children_follow_their_owner_and_events_their_object() {
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "namespace": "n", "uid": "u1"}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "ownerReferences": [{"uid": "u1"}]}});
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "n"},
            "involvedObject": {"kind": "Pod", "namespace": "n", "name": "p"}});
        let mut snapshot = Snapshot::default();
        for object in [&owner, &pod, &event] {
            snapshot.insert(object.clone());
        }
        assert_eq!(snapshot.owned_by(&owner).collect::<Vec<_>>(), [&pod]);
        let reference = ObjectRef::new("v1", "Pod", Some("n"), "p");
        assert_eq!(snapshot.events_about(&reference).collect::<Vec<_>>(), [&event]);
        snapshot.remove(&reference);
        assert_eq!(snapshot.owned_by(&owner).count(), 0);
        assert_eq!(snapshot.of_kind("apps", "ReplicaSet").count(), 1);
    }
}
