//! The objects of the sandbox and everything that happened to them: what etcd is to a real cluster.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::address::Address;
use super::ids::Ids;
use crate::kinds;
use crate::object::text;

/// Kinds whose generation the API server counts: those that have a status which may lag behind. (Services, claims, volumes
/// and plain data have none; `metadata.generation` stays absent.)
const COUNTED: [&str; 18] = [
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Pod",
    "PodDisruptionBudget",
    "Ingress",
    "NetworkPolicy",
    "CustomResourceDefinition",
    "EndpointSlice",
    "ReplicationController",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "PriorityClass",
];

/// One thing that happened, for watches.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) version: u64,
    pub(super) verb: &'static str,
    pub(super) address: Address,
    pub(super) object: Value,
}

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<Address, Value>,
    /// The newest resource version.
    pub(super) version: u64,
    /// The version before which nothing is remembered.
    pub(super) forgotten: u64,
    pub(super) history: Vec<News>,
    pub(super) ids: Ids,
}

impl Store {
    /// Objects that were written down earlier. What happened to them before is not known any more.
    pub(super) fn restored(objects: Vec<(Address, Value)>, version: u64, ids: Ids) -> Self {
        Self { objects: objects.into_iter().collect(), version, forgotten: version, history: Vec::new(), ids }
    }

    pub(super) fn get(&self, address: &Address) -> Option<&Value> {
        self.objects.get(address)
    }

    /// An object of a built-in kind.
    pub(super) fn find(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        self.get(&address(kind, namespace, name)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Address, &Value)> {
        self.objects.iter()
    }

    /// All objects of a kind and version, by namespace and name.
    pub(super) fn range<'a>(
        &'a self,
        api_version: &str,
        plural: &str,
    ) -> impl Iterator<Item = (&'a Address, &'a Value)> + use<'a> {
        let start = Address::new(api_version, plural, None, "");
        let (version, plural) = (api_version.to_owned(), plural.to_owned());
        self.objects
            .range(start..)
            .take_while(move |(address, _)| address.api_version == version && address.plural == plural)
    }

    /// All objects of a built-in kind.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let known = kinds::BUILTIN.iter().find(|known| known.kind == kind);
        known.into_iter().flat_map(|known| self.range(&known.api_version(), known.plural).map(|(_, object)| object))
    }

    /// Writes an object: with uid and age when it is new, a generation, and a new resource version. Nothing happens when it
    /// is as it was.
    pub(super) fn put(&mut self, address: &Address, mut object: Value, now: Timestamp) -> Value {
        let live = self.objects.get(address);
        if live == Some(&object) {
            return object;
        }
        let verb = if live.is_some() { "MODIFIED" } else { "ADDED" };
        let counted = object["kind"].as_str().is_some_and(|kind| COUNTED.contains(&kind) || is_custom(address));
        let generation = live.and_then(|live| live["metadata"]["generation"].as_u64()).unwrap_or(0);
        let changed = live.is_none_or(|live| live.get("spec") != object.get("spec"));
        let metadata = &mut object["metadata"];
        if live.is_none() {
            metadata["uid"] = self.ids.uid().into();
            metadata["creationTimestamp"] = time(now).into();
        }
        if counted {
            metadata["generation"] = (generation + u64::from(changed)).into();
        }
        self.version += 1;
        metadata["resourceVersion"] = self.version.to_string().into();
        self.tell(verb, address.clone(), object.clone());
        self.objects.insert(address.clone(), object.clone());
        object
    }

    /// Takes an object away at once.
    pub(super) fn remove(&mut self, address: &Address) -> Option<Value> {
        let mut gone = self.objects.remove(address)?;
        self.version += 1;
        gone["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.tell("DELETED", address.clone(), gone.clone());
        Some(gone)
    }

    fn tell(&mut self, verb: &'static str, address: Address, object: Value) {
        self.history.push(News { version: self.version, verb, address, object });
    }

    /// What happened to a kind after a version.
    pub(super) fn since(&self, version: u64) -> &[News] {
        let start = self.history.partition_point(|news| news.version <= version);
        &self.history[start..]
    }
}

/// Where an object of a built-in kind is. `None`: there is no such kind.
pub(super) fn address(kind: &str, namespace: Option<&str>, name: &str) -> Option<Address> {
    let known = kinds::BUILTIN.iter().find(|known| known.kind == kind)?;
    let namespace = namespace.filter(|_| known.namespaced);
    Some(Address::new(&known.api_version(), known.plural, namespace, name))
}

/// Where this object of a built-in kind is.
pub(super) fn address_of(object: &Value) -> Option<Address> {
    address(text(object, "/kind")?, text(object, "/metadata/namespace"), text(object, "/metadata/name")?)
}

fn is_custom(address: &Address) -> bool {
    !kinds::BUILTIN.iter().any(|kind| kind.api_version() == address.api_version && kind.plural == address.plural)
}

/// A time as the API server writes it: whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time that the API server wrote.
pub(super) fn read_time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer)?.parse().ok()
}
