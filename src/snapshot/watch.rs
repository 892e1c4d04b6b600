//! A kind that is watched: from what the API server tells to a picture that is always as it was told last.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::utils::Backoff;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use serde_json::Value;

use super::{Snapshot, Unread};
use crate::object::ObjectRef;

/// Between tries of a watch that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(800);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The pauses between tries of a watch that fails: doubled, without the chance that keeps many clients apart, since this is one.
#[derive(Debug)]
struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// A kind in a namespace, or in all.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// The kind.
    pub(crate) resource: ApiResource,
    /// The namespace; `None` for cluster-scoped kinds and for all namespaces.
    pub(crate) namespace: Option<String>,
}

/// What a watch tells.
pub(crate) type Told = Result<watcher::Event<DynamicObject>, watcher::Error>;

impl Watched {
    /// What happens to it, for as long as anybody listens: one that fails is begun again.
    pub(crate) fn events(&self, client: &Client) -> impl Stream<Item = Told> + Send + Unpin + use<> {
        let api: Api<DynamicObject> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.resource),
            None => Api::all_with(client.clone(), &self.resource),
        };
        watcher(api, watcher::Config::default()).backoff(Pauses::default()).boxed()
    }

    /// Takes what was told into a picture. `keep` gives what is kept of an object, `None` where nobody reads it; `listed` belongs to this
    /// watch alone.
    pub(crate) fn absorb(
        &self,
        snapshot: &mut Snapshot,
        event: watcher::Event<DynamicObject>,
        listed: &mut BTreeSet<ObjectRef>,
        keep: fn(Value) -> Option<Value>,
    ) {
        match event {
            watcher::Event::Init => listed.clear(),
            watcher::Event::Apply(object) => {
                if let Some(object) = keep(self.untyped(object)) {
                    snapshot.insert(object);
                }
            }
            watcher::Event::InitApply(object) => {
                if let Some(object) = keep(self.untyped(object)) {
                    listed.extend(ObjectRef::of(&object));
                    snapshot.insert(object);
                }
            }
            watcher::Event::Delete(object) => {
                snapshot.remove(&self.reference(&object));
            }
            // What was not in the new list went away while nobody watched.
            watcher::Event::InitDone => {
                let (group, kind) = (self.resource.group.as_str(), self.resource.kind.as_str());
                let here = |object: &ObjectRef| self.namespace.is_none() || object.namespace == self.namespace;
                let known = snapshot.of_kind(group, kind).filter_map(ObjectRef::of);
                let gone: Vec<ObjectRef> = known.filter(|object| here(object) && !listed.contains(object)).collect();
                for reference in gone {
                    snapshot.remove(&reference);
                }
                *listed = BTreeSet::new();
            }
        }
    }

    fn reference(&self, object: &DynamicObject) -> ObjectRef {
        let ApiResource { api_version, kind, .. } = &self.resource;
        let name = object.metadata.name.as_deref().unwrap_or_default();
        ObjectRef::new(api_version, kind, object.metadata.namespace.as_deref(), name)
    }

    fn untyped(&self, mut object: DynamicObject) -> Value {
        // Who wrote is worth knowing; which fields are most of an object, and judging needs none of them.
        for entry in object.metadata.managed_fields.iter_mut().flatten() {
            entry.fields_v1 = None;
        }
        let mut value = serde_json::to_value(&object).unwrap_or_default();
        value["apiVersion"] = Value::from(self.resource.api_version.clone());
        value["kind"] = Value::from(self.resource.kind.clone());
        value
    }

    /// That it may not be read, or is not served; `None` for what passes by itself.
    pub(crate) fn denied(&self, error: &watcher::Error) -> Option<Unread> {
        let status = status(error).filter(|status| matches!(status.code, 401 | 403 | 404))?;
        let (kind, namespace) = (self.resource.kind.clone(), self.namespace.clone());
        Some(Unread { kind, namespace, why: status.message.clone() })
    }
}

/// Whether the API server serves no such kind: then there is none of it.
pub(crate) fn is_unserved(error: &watcher::Error) -> bool {
    status(error).is_some_and(|status| status.code == 404)
}

fn status(error: &watcher::Error) -> Option<&kube::core::Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => Some(status),
        _ => None,
    }
}
