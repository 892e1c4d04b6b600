//! The objects of the sandbox and everything that happened to them: what etcd is to a real cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::address::Address;
use super::ids::Ids;
use super::tides::{Kinds, Tides};
use crate::kinds;
use crate::object::{items, text};

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

/// How much of what happened is remembered for watches. A watch that asks for what is older is told to list again, as by an
/// API server whose etcd was compacted.
const REMEMBERED: usize = 10_000;

/// One thing that happened, for watches.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) version: u64,
    pub(super) verb: &'static str,
    pub(super) address: Address,
    pub(super) object: Arc<Value>,
    /// What it was until then.
    pub(super) before: Option<Arc<Value>>,
}

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<Address, Arc<Value>>,
    /// What each controller's uid owns.
    owned: HashMap<String, BTreeSet<Address>>,
    /// What no controller owns.
    loose: BTreeSet<Address>,
    /// The newest resource version.
    pub(super) version: u64,
    /// The version before which nothing is remembered.
    pub(super) forgotten: u64,
    history: VecDeque<News>,
    pub(super) ids: Ids,
    /// What was read and when it was written, so that nobody looks again at what has not changed.
    pub(super) tides: Tides,
}

impl Store {
    /// Objects that were written down earlier. What happened to them before is not known any more.
    pub(super) fn restored(objects: Vec<(Address, Value)>, version: u64, ids: Ids) -> Self {
        let mut store = Self { version, forgotten: version, ids, ..Self::default() };
        for (address, object) in objects {
            store.keep(&address, &Arc::new(object));
        }
        store
    }

    pub(super) fn get(&self, address: &Address) -> Option<&Value> {
        self.tides.read(Kinds::of(&address.api_version, &address.plural));
        self.objects.get(address).map(Arc::as_ref)
    }

    /// An object of a built-in kind.
    pub(super) fn find(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        self.get(&address(kind, namespace, name)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Address, &Value)> {
        self.tides.read(Kinds::ALL);
        self.objects.iter().map(|(address, object)| (address, object.as_ref()))
    }

    /// All objects of a kind and version, by namespace and name.
    pub(super) fn range<'a>(
        &'a self,
        api_version: &str,
        plural: &str,
    ) -> impl Iterator<Item = (&'a Address, &'a Value)> + use<'a> {
        self.shared_range(api_version, plural).map(|(address, object)| (address, object.as_ref()))
    }

    fn shared_range<'a>(
        &'a self,
        api_version: &str,
        plural: &str,
    ) -> impl Iterator<Item = (&'a Address, &'a Arc<Value>)> + use<'a> {
        self.tides.read(Kinds::of(api_version, plural));
        let start = Address::new(api_version, plural, None, "");
        let (version, plural) = (api_version.to_owned(), plural.to_owned());
        self.objects
            .range(start..)
            .take_while(move |(address, _)| address.api_version == version && address.plural == plural)
    }

    /// All objects of a built-in kind.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.shared(kind).map(Arc::as_ref)
    }

    /// The same, to be kept without a copy.
    pub(super) fn shared(&self, kind: &str) -> impl Iterator<Item = &Arc<Value>> {
        let known = kinds::BUILTIN.iter().find(|known| known.kind == kind);
        let range = known.map(|known| self.shared_range(&known.api_version(), known.plural));
        range.into_iter().flatten().map(|(_, object)| object)
    }

    /// The objects of a built-in kind in a namespace whose names begin so.
    pub(super) fn begun<'a>(
        &'a self,
        kind: &str,
        namespace: Option<&str>,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        let range = address(kind, namespace, name).map(|start| {
            self.tides.read(Kinds::of(&start.api_version, &start.plural));
            let place = Address { name: String::new(), ..start.clone() };
            self.objects.range(start..).take_while(move |(address, _)| {
                let Address { api_version, plural, namespace, name: own } = address;
                (api_version, plural, namespace) == (&place.api_version, &place.plural, &place.namespace)
                    && own.starts_with(name)
            })
        });
        range.into_iter().flatten().map(|(_, object)| object.as_ref())
    }

    /// The objects of a built-in kind that the object of this uid controls.
    pub(super) fn owned(&self, kind: &str, uid: &str) -> impl Iterator<Item = &Arc<Value>> {
        let known = kinds::BUILTIN.iter().find(|known| known.kind == kind);
        let place = known.map(|known| (known.api_version(), known.plural));
        if let Some((version, plural)) = &place {
            self.tides.read(Kinds::of(version, plural));
        }
        let is_meant = move |address: &&Address| {
            place.as_ref().is_some_and(|(version, plural)| address.api_version == *version && address.plural == *plural)
        };
        self.owned.get(uid).into_iter().flatten().filter(is_meant).filter_map(|address| self.objects.get(address))
    }

    /// The objects of a built-in kind that nothing controls.
    pub(super) fn loose(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let place = address(kind, None, "").map(|start| {
            self.tides.read(Kinds::of(&start.api_version, &start.plural));
            let (version, plural) = (start.api_version.clone(), start.plural.clone());
            let is_meant = move |address: &&Address| address.api_version == version && address.plural == plural;
            self.loose.range(start..).take_while(is_meant)
        });
        place.into_iter().flatten().filter_map(|address| self.objects.get(address)).map(Arc::as_ref)
    }

    /// Writes an object: with uid and age when it is new, a generation, and a new resource version. Nothing happens when it
    /// is as it was.
    pub(super) fn put(&mut self, address: &Address, mut object: Value, now: Timestamp) -> Arc<Value> {
        let live = self.objects.get(address).cloned();
        if let Some(live) = live.as_ref().filter(|live| ***live == object) {
            return live.clone();
        }
        let verb = if live.is_some() { "MODIFIED" } else { "ADDED" };
        let counted = is_counted(&object) || is_custom(address);
        let generation = live.as_ref().and_then(|live| live["metadata"]["generation"].as_u64()).unwrap_or(0);
        let changed = live.as_ref().is_none_or(|live| is_wanted_anew(live, &object));
        let metadata = &mut object["metadata"];
        if live.is_none() && metadata["uid"].is_null() {
            metadata["uid"] = self.ids.uid().into();
        }
        if live.is_none() {
            metadata["creationTimestamp"] = time(now).into();
        }
        if counted {
            metadata["generation"] = (generation + u64::from(changed)).into();
        }
        self.version += 1;
        metadata["resourceVersion"] = self.version.to_string().into();
        let object = Arc::new(object);
        self.tell(verb, address.clone(), object.clone(), live);
        self.keep(address, &object);
        object
    }

    /// Takes an object away at once.
    pub(super) fn remove(&mut self, address: &Address) -> Option<Arc<Value>> {
        let before = self.objects.remove(address)?;
        self.let_go(address, &before);
        self.version += 1;
        let mut gone = Value::clone(&before);
        gone["metadata"]["resourceVersion"] = self.version.to_string().into();
        let gone = Arc::new(gone);
        self.tell("DELETED", address.clone(), gone.clone(), Some(before));
        Some(gone)
    }

    fn keep(&mut self, address: &Address, object: &Arc<Value>) {
        let before = self.objects.insert(address.clone(), object.clone());
        if before
            .as_ref()
            .is_none_or(|before| before["metadata"]["ownerReferences"] != object["metadata"]["ownerReferences"])
        {
            if let Some(before) = before {
                self.let_go(address, &before);
            }
            let controllers = controllers_of(object);
            if controllers.is_empty() {
                self.loose.insert(address.clone());
            }
            for uid in controllers {
                self.owned.entry(uid).or_default().insert(address.clone());
            }
        }
    }

    fn let_go(&mut self, address: &Address, object: &Value) {
        self.loose.remove(address);
        for uid in controllers_of(object) {
            if let Some(all) = self.owned.get_mut(&uid) {
                all.remove(address);
                if all.is_empty() {
                    self.owned.remove(&uid);
                }
            }
        }
    }

    /// From here on nobody knows what happened before.
    pub(super) fn forget(&mut self) {
        self.history.clear();
        self.forgotten = self.version;
    }

    fn tell(&mut self, verb: &'static str, address: Address, object: Arc<Value>, before: Option<Arc<Value>>) {
        self.tides.written(Kinds::of(&address.api_version, &address.plural), self.version);
        self.history.push_back(News { version: self.version, verb, address, object, before });
        if self.history.len() > REMEMBERED
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.version;
        }
    }

    /// What happened after a version.
    pub(super) fn since(&self, version: u64) -> impl Iterator<Item = &News> {
        let start = self.history.partition_point(|news| news.version <= version);
        self.history.range(start..)
    }
}

/// The uids of those that control an object.
fn controllers_of(object: &Value) -> Vec<String> {
    let owners = items(object, "/metadata/ownerReferences").filter(|owner| owner["controller"] == true);
    owners.filter_map(|owner| owner["uid"].as_str()).map(str::to_owned).collect()
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

/// Whether something else is wanted of an object than before. That a pod is bound to its node is no such change.
fn is_wanted_anew(live: &Value, object: &Value) -> bool {
    if live.get("spec") == object.get("spec") {
        return false;
    }
    let node = &object["spec"]["nodeName"];
    if object["kind"] != "Pod" || !live["spec"]["nodeName"].is_null() || node.is_null() {
        return true;
    }
    let mut bound = live["spec"].clone();
    bound["nodeName"] = node.clone();
    bound != object["spec"]
}

fn is_custom(address: &Address) -> bool {
    !kinds::BUILTIN.iter().any(|kind| kind.plural == address.plural && kind.api_version() == address.api_version)
}

/// Whether the API server counts the generations of this built-in object.
pub(super) fn is_counted(object: &Value) -> bool {
    object["kind"].as_str().is_some_and(|kind| COUNTED.contains(&kind))
}

/// A time as the API server writes it: whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time that the API server wrote.
pub(super) fn read_time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer)?.parse().ok()
}
