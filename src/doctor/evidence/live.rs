//! Evidence that keeps itself up to date: the kinds that checks read, watched. What containers said last is not in it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use kube::runtime::watcher;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::gather::{Word, facts, queries, readyz, word};
use super::strip::kept_of_watched;
use super::{ClusterFacts, Evidence};
use crate::bell::{Bell, Ear};
use crate::cluster::fault::classify;
use crate::cluster::{Clock, Cluster};
use crate::object::ObjectRef;
use crate::snapshot::watch::{Watched, is_unserved};

/// How often the API server is asked whether it is there: a watch over which nothing comes is as silent when nothing happens as
/// when the other side hangs, or a cable is pulled.
const PULSE: Duration = Duration::from_secs(10);
/// How long it may take to say so.
const PATIENCE: Duration = Duration::from_secs(5);

/// A live picture of a cluster. The watches end with it.
pub struct Live {
    clock: Clock,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    picture: Mutex<Picture>,
    changed: Bell,
}

struct Picture {
    evidence: Evidence,
    /// How far the cluster's clock is before this machine's.
    ahead: SignedDuration,
    /// Kinds that are not known yet, neither read nor denied.
    awaited: BTreeSet<String>,
    /// Since when, and with which words, watches fail; `None` while they work.
    broken: Option<(Timestamp, String)>,
    /// The same of the API server itself.
    silent: Option<(Timestamp, String)>,
}

/// What is to be said of the picture itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// Kinds that have not been read yet.
    pub awaited: usize,
    /// Since when the cluster has not answered, and its last words.
    pub broken: Option<(Timestamp, String)>,
}

impl Live {
    /// Begins to watch. Returns at once; [`Live::look`] says how much is there.
    pub fn begin(cluster: &Cluster) -> Self {
        let watched: Vec<Watched> = queries(None)
            .into_iter()
            .map(|query| Watched { resource: query.resource, namespace: query.namespace })
            .collect();
        let awaited: BTreeSet<String> = watched.iter().map(|watched| watched.resource.kind.clone()).collect();
        let evidence = Evidence {
            taken: cluster.clock.now(),
            cluster: Some(facts(cluster, None)),
            read: Some(BTreeSet::new()),
            ..Evidence::default()
        };
        let picture = Picture { evidence, ahead: SignedDuration::ZERO, awaited, broken: None, silent: None };
        let shared = Arc::new(Shared { picture: Mutex::new(picture), changed: Bell::default() });
        let mut tasks = JoinSet::new();
        for watched in watched {
            tasks.spawn(keep_watching(watched, cluster.clone(), shared.clone()));
        }
        tasks.spawn(ask(cluster.clone(), shared.clone()));
        tasks.spawn(feel_pulse(cluster.clone(), shared.clone()));
        Self { clock: cluster.clock.clone(), shared, _tasks: tasks }
    }

    /// Told each time the picture changes.
    pub fn changes(&self) -> Ear {
        self.shared.changed.listen()
    }

    /// Looks at the picture as it is now. Meanwhile it stands still.
    pub fn look<T>(&self, see: impl FnOnce(&Evidence, &Freshness) -> T) -> T {
        let mut picture = self.shared.lock();
        let now = self.clock.now();
        picture.evidence.taken = now.saturating_add(picture.ahead).unwrap_or(now);
        // What was found in it before is not so any more.
        picture.evidence.survey.take();
        let freshness =
            Freshness { awaited: picture.awaited.len(), broken: picture.silent.clone().or(picture.broken.clone()) };
        see(&picture.evidence, &freshness)
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Picture)) {
        change(&mut self.lock());
    }
}

impl Picture {
    fn take(&mut self, watched: &Watched, event: watcher::Event<DynamicObject>, listed: &mut BTreeSet<ObjectRef>) {
        let kind = &watched.resource.kind;
        self.broken = None;
        self.evidence.snapshot.unread.retain(|unread| unread.kind != *kind);
        if matches!(event, watcher::Event::InitDone) {
            self.know(kind);
        }
        watched.absorb(&mut self.evidence.snapshot, event, listed, kept_of_watched);
    }

    fn fail(&mut self, watched: &Watched, error: &watcher::Error, now: Timestamp) {
        match watched.denied(error) {
            Some(_) if is_unserved(error) => self.know(&watched.resource.kind),
            Some(unread) => {
                self.awaited.remove(&unread.kind);
                self.evidence.snapshot.note_unread(unread);
            }
            None => {
                let since = self.broken.as_ref().map_or(now, |(since, _)| *since);
                self.broken = Some((since, words(error)));
            }
        }
    }

    /// From now on what is not in the picture is not in the cluster.
    fn know(&mut self, kind: &str) {
        self.awaited.remove(kind);
        self.evidence.read.get_or_insert_default().insert(kind.to_owned());
    }
}

/// What a watch fails for, in the words that are used wherever a cluster does not answer.
fn words(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => classify(error).to_string(),
        other => crate::error::root(other),
    }
}

/// What the API server says of itself, once.
async fn ask(cluster: Cluster, shared: Arc<Shared>) {
    let (Word { taken, version, answered }, readyz) = futures::join!(word(&cluster), readyz(&cluster.client));
    let ahead = taken.duration_since(cluster.clock.now());
    shared.change(|picture| {
        // Less than that is the way of the answer.
        picture.ahead = if ahead.abs() > SignedDuration::from_secs(2) { ahead } else { SignedDuration::ZERO };
        let known: Option<ClusterFacts> = version.map(|version| facts(&cluster, Some(version)));
        picture.evidence.cluster = known.or_else(|| picture.evidence.cluster.take());
        picture.evidence.readyz = readyz;
        picture.evidence.answered = Some(answered);
    });
    shared.changed.ring();
}

/// Asks again and again whether anybody is there.
async fn feel_pulse(cluster: Cluster, shared: Arc<Shared>) {
    loop {
        sleep(PULSE).await;
        let asked = cluster.clock.now();
        let why = match timeout(PATIENCE, cluster.client.apiserver_version()).await {
            // A refusal is an answer.
            Ok(Ok(_) | Err(kube::Error::Api(_))) => None,
            Ok(Err(error)) => Some(classify(&error).to_string()),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let is_news = {
            let mut picture = shared.lock();
            let was = picture.silent.take();
            let is_news = was.is_some() != why.is_some();
            picture.silent = why.map(|why| (was.map_or(asked, |(since, _)| since), why));
            is_news
        };
        if is_news {
            shared.changed.ring();
        }
    }
}

async fn keep_watching(watched: Watched, cluster: Cluster, shared: Arc<Shared>) {
    let mut events = watched.events(&cluster.client);
    let mut listed: BTreeSet<ObjectRef> = BTreeSet::new();
    while let Some(event) = events.next().await {
        // Leases are renewed all the time, and say something only when that ends.
        let is_quiet = watched.resource.kind == "Lease" && matches!(event, Ok(watcher::Event::Apply(_)));
        shared.change(|picture| match event {
            Ok(event) => picture.take(&watched, event, &mut listed),
            Err(error) => picture.fail(&watched, &error, cluster.clock.now()),
        });
        if !is_quiet {
            shared.changed.ring();
        }
    }
}
