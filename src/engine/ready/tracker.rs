//! The shared watches.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;
use kube::core::{ApiResource, DynamicObject};
use kube::runtime::watcher;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::inquiry::Inquiry;
use super::parts;
use super::settle::{Unsettled, unsettled};
use super::words::{self, Silence, Words};
use super::{Readiness, judge};
use crate::bell::{Bell, Ear};
use crate::cluster::{Clock, Cluster, Resources};
use crate::doctor::stacks::Knowledge;
use crate::doctor::{Cause, Outlook, stall};
use crate::event::Facts;
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};
use crate::snapshot::watch::Watched;

/// What stands below every workload, and is watched wherever something is waited for.
const BELOW: [(&str, &str); 4] =
    [("v1", "Pod"), ("apps/v1", "ReplicaSet"), ("v1", "Event"), ("v1", "PersistentVolumeClaim")];
/// What causes are looked for in beside that; read once a while, because it changes seldom.
const AROUND: [(&str, &str); 4] = [
    ("v1", "Node"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
];
/// How old the picture of [`AROUND`] may be.
const AROUND_AGE: Duration = Duration::from_secs(5);

/// A live picture of the namespaces in which something is waited for.
pub struct Tracker {
    client: Client,
    clock: Clock,
    resources: Resources,
    shared: Arc<Shared>,
    watched: Mutex<BTreeSet<(String, String, Option<String>)>>,
    around_read: tokio::sync::Mutex<Option<Instant>>,
    doctor: Inquiry,
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    picture: Mutex<Picture>,
    changed: Bell,
}

#[derive(Default)]
struct Picture {
    snapshot: Snapshot,
    /// What containers said last.
    words: Words,
    /// The kinds and namespaces whose first list is complete: only there does "not seen" mean "not there".
    complete: BTreeSet<(String, String, Option<String>)>,
    /// Since when, and with which words, the watches fail; `None` while they work.
    broken: Option<(Instant, String)>,
}

/// How an awaited object stands.
pub struct Standing {
    /// Whether it is ready.
    pub readiness: Readiness,
    /// Why it is not, when that is known.
    pub cause: Option<Cause>,
}

impl Tracker {
    /// A tracker that watches nothing yet. `stacks` is what stacks say of themselves, that of the embedded ones unless given.
    pub fn new(cluster: &Cluster, resources: Resources, stacks: Option<Arc<Knowledge>>) -> Self {
        Self {
            doctor: Inquiry::new(cluster, stacks),
            client: cluster.client.clone(),
            clock: cluster.clock.clone(),
            resources,
            shared: Arc::new(Shared { picture: Mutex::default(), changed: Bell::default() }),
            watched: Mutex::default(),
            around_read: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
        }
    }

    /// Makes sure that an object and what hangs below it is watched.
    pub fn follow(&self, reference: &ObjectRef) {
        let namespace = reference.namespace.clone();
        if namespace.is_some() {
            for (api_version, kind) in BELOW {
                self.watch(&ObjectRef::new(api_version, kind, None, ""), namespace.clone());
            }
        }
        self.watch(reference, namespace);
    }

    fn watch(&self, kind: &ObjectRef, namespace: Option<String>) {
        let Some(resource) = self.resources.of(kind) else { return };
        let key = (resource.group.clone(), resource.kind.clone(), namespace.clone());
        if !self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
            return;
        }
        let task = keep_watching(Watched { resource, namespace }, self.client.clone(), self.shared.clone());
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// Told each time the picture changes.
    pub fn changes(&self) -> Ear {
        self.shared.changed.listen()
    }

    /// How an object stands. `applied` is the object as the API server returned it from the apply, when that was in this
    /// run: what the watch has not seen of it yet is not judged.
    pub fn standing(&self, reference: &ObjectRef, applied: Option<&Value>) -> Standing {
        let picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        let live =
            picture.snapshot.get(reference).filter(|live| !applied.is_some_and(|applied| is_older(live, applied)));
        let Some(live) = live else {
            let progress = "not seen yet".to_owned();
            return Standing { readiness: Readiness::Waiting { progress }, cause: None };
        };
        let (snapshot, now) = (&picture.snapshot, self.clock.now());
        let readiness = judge(live, snapshot);
        // What failed a moment ago is not believed either, whoever has changed it: a run that is taken up again, too.
        if let Readiness::Ready { .. } = &readiness
            && let Some(Unsettled { progress, failed }) = unsettled(live, snapshot, now)
            && (applied.is_some() || failed.is_some())
        {
            // Its pod counts as ready again, so the walk from the workload does not come by it.
            let failure = || failed.and_then(|pod| stall::relapse(pod, snapshot, now));
            let cause = stall::cause(reference, snapshot, now).or_else(failure);
            return Standing { readiness: Readiness::Waiting { progress }, cause };
        }
        let cause = match readiness {
            Readiness::Ready { .. } => None,
            _ => stall::cause(reference, snapshot, now),
        };
        Standing { readiness, cause }
    }

    /// Why what is behind an object does not work, whether or not the object itself counts as ready.
    pub fn why(&self, reference: &ObjectRef) -> Option<Cause> {
        let picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        stall::cause(reference, &picture.snapshot, self.clock.now())
    }

    /// The root of a stall, as the doctor names it, as far as it was asked; else the cause that the wait knows itself. What
    /// stalls has the doctor asked, beside the wait and only once in a while. No cause at all is a stall, too, when `late`.
    pub fn rooted(&self, object: &ObjectRef, cause: Option<Cause>, late: bool) -> Option<Cause> {
        if !cause.as_ref().map_or(late, |cause| cause.outlook >= Outlook::Stuck) {
            return cause;
        }
        if self.doctor.is_due(object.namespace.as_deref()) {
            let (doctor, shared, namespace) = (self.doctor.clone(), self.shared.clone(), object.namespace.clone());
            let ask = async move {
                doctor.ask(namespace, || shared.picture()).await;
                shared.tell();
            };
            self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(ask);
        }
        self.doctor.root(object, cause.as_ref()).or(cause)
    }

    /// The same when a wait ends without success: the doctor is asked now, unless that was done a moment ago.
    pub async fn rooted_now(&self, object: &ObjectRef, cause: Option<Cause>) -> Option<Cause> {
        let namespace = object.namespace.as_deref();
        // Somebody may have asked, and wait for the answer as we would.
        if self.doctor.is_due(namespace) || !self.doctor.has_answered(namespace) {
            self.doctor.ask(object.namespace.clone(), || self.shared.picture()).await;
        }
        self.doctor.root(object, cause.as_ref()).or(cause)
    }

    /// What is seen of an object: how far it is, part by part, and what happens to the images of its pods.
    pub fn facts(&self, reference: &ObjectRef) -> Facts {
        let picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        parts::facts(reference, &picture.snapshot, self.clock.now())
    }

    /// Whether this incarnation of an object is known to be gone.
    pub fn is_gone(&self, reference: &ObjectRef, uid: &str) -> bool {
        let picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        let scope = (reference.group().to_owned(), reference.kind.clone(), reference.namespace.clone());
        let live = picture.snapshot.get(reference);
        picture.complete.contains(&scope) && live.is_none_or(|live| text(live, "/metadata/uid") != Some(uid))
    }

    /// What the picture says, once it is complete for the kinds of these objects: before that, "not seen" does not mean "not
    /// there". Kinds that may not be read count as complete; the picture says so (`unread`).
    pub fn look<T>(&self, objects: &[ObjectRef], see: impl FnOnce(&Snapshot) -> T) -> Option<T> {
        let picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        let complete = objects.iter().all(|object| {
            let scope = (object.group().to_owned(), object.kind.clone(), object.namespace.clone());
            picture.complete.contains(&scope) || picture.snapshot.is_unread(&object.kind)
        });
        complete.then(|| see(&picture.snapshot))
    }

    /// The object as last seen.
    pub fn seen(&self, reference: &ObjectRef) -> Option<Value> {
        self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner).snapshot.get(reference).cloned()
    }

    /// For how long the watches have been failing, and why; `None` while they work.
    pub fn broken(&self) -> Option<(Duration, String)> {
        let picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        picture.broken.as_ref().map(|(since, why)| (since.elapsed(), why.clone()))
    }

    /// Reads what causes are looked for in and is not watched, unless that was done a moment ago.
    pub async fn look_around(&self) {
        let mut read = self.around_read.lock().await;
        if read.is_some_and(|at| at.elapsed() < AROUND_AGE) {
            return;
        }
        *read = Some(Instant::now());
        let queries = AROUND.iter().filter_map(|(api_version, kind)| {
            let resource = self.resources.of(&ObjectRef::new(api_version, kind, None, ""))?;
            Some(Query { resource, namespace: None, scope: Scope::All })
        });
        match collect(&self.client, queries.collect()).await {
            Ok(around) => {
                let mut picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
                picture.snapshot.extend(around);
                drop(picture);
                self.shared.tell();
            }
            Err(error) => tracing::debug!(%error, "what lies around could not be read"),
        }
    }
}

impl Shared {
    fn picture(&self) -> Snapshot {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner).snapshot.clone()
    }

    fn tell(&self) {
        self.changed.ring();
    }

    /// Puts what is known of a pod's last words into the picture, and returns what is yet to be asked.
    fn relate(&self, pod: &ObjectRef) -> Vec<Silence> {
        let mut picture = self.picture.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut object) = picture.snapshot.get(pod).filter(|pod| words::has_ended(pod)).cloned() else {
            return Vec::new();
        };
        let silences = picture.words.ask(&object);
        picture.words.fill(&mut object);
        picture.snapshot.insert(object);
        drop(picture);
        self.tell();
        silences
    }

    fn update(&self, change: impl FnOnce(&mut Picture)) {
        change(&mut self.picture.lock().unwrap_or_else(PoisonError::into_inner));
        self.tell();
    }
}

/// Whether what the watch shows is from before the apply: another incarnation, or an earlier generation.
fn is_older(live: &Value, applied: &Value) -> bool {
    let uid = |object: &Value| object.pointer("/metadata/uid").cloned();
    let generation = |object: &Value| object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
    uid(live) != uid(applied) || generation(live) < generation(applied)
}

async fn keep_watching(watched: Watched, client: Client, shared: Arc<Shared>) {
    let mut events = watched.events(&client);
    let mut listed: BTreeSet<ObjectRef> = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let pod = if watched.resource.kind == "Pod" { pod_of(&event) } else { None };
                shared.update(|picture| {
                    picture.broken = None;
                    if matches!(event, watcher::Event::InitDone) {
                        let ApiResource { group, kind, .. } = &watched.resource;
                        picture.complete.insert((group.clone(), kind.clone(), watched.namespace.clone()));
                    }
                    watched.absorb(&mut picture.snapshot, event, &mut listed, Some);
                });
                if let Some(pod) = pod {
                    listen(&pod, &client, &shared);
                }
            }
            Err(error) => shared.update(|picture| fail(picture, &error, &watched)),
        }
    }
}

fn pod_of(event: &watcher::Event<DynamicObject>) -> Option<ObjectRef> {
    match event {
        watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) => {
            Some(ObjectRef::new("v1", "Pod", pod.metadata.namespace.as_deref(), pod.metadata.name.as_deref()?))
        }
        _ => None,
    }
}

/// Reads the last words of the containers of a pod that ended without any, and puts them into the picture.
fn listen(pod: &ObjectRef, client: &Client, shared: &Arc<Shared>) {
    let silences = shared.relate(pod);
    for silence in silences {
        let (client, shared, pod) = (client.clone(), shared.clone(), pod.clone());
        tokio::spawn(async move {
            let Some(said) = words::read(&client, &silence).await else { return };
            shared.picture.lock().unwrap_or_else(PoisonError::into_inner).words.keep(silence, said);
            shared.relate(&pod);
        });
    }
}

fn fail(picture: &mut Picture, error: &watcher::Error, watched: &Watched) {
    if let Some(unread) = watched.denied(error) {
        picture.snapshot.note_unread(unread);
    } else {
        let since = picture.broken.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        picture.broken = Some((since, crate::error::root(error)));
    }
}
