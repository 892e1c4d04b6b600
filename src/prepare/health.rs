//! How an installation is, from one look at the cluster.

use kube::core::ApiResource;
use serde::Serialize;
use serde_json::Value;

use super::discover::{Found, LastRun, Stage};
use crate::cluster::{Cluster, Resources};
use crate::doctor::evidence::{Evidence, is_gathered};
use crate::doctor::{Cause, Outlook, stall};
use crate::engine::journal::RunState;
use crate::engine::ready::{Readiness, is_awaited, judge};
use crate::object::{ObjectRef, number};
use crate::plan::compare::replicas_owner;
use crate::plan::{Installation, Purpose};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect, queries_for};
use crate::stack::stand_in;

/// What causes are looked for in, beside the objects themselves.
const AROUND: [(&str, &str, bool); 6] = [
    ("v1", "Pod", true),
    ("apps/v1", "ReplicaSet", true),
    ("v1", "Event", true),
    ("v1", "PersistentVolumeClaim", true),
    ("v1", "Node", false),
    ("storage.k8s.io/v1", "StorageClass", false),
];

/// An installation and how each of its objects stands.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// Which installation.
    pub installation: Installation,
    /// How far it has come.
    pub stage: Stage,
    /// The newest run of it on this machine, when it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<LastRun>,
    /// Whether [stand-ins](stand_in) run in the place of its programs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stand_ins: bool,
    /// Its objects, in the order of its record.
    pub objects: Vec<ObjectHealth>,
}

/// One object and how it stands.
#[derive(Debug, Clone, Serialize)]
pub struct ObjectHealth {
    /// The object.
    pub object: ObjectRef,
    /// `ready`, `missing`, `unknown`, or how far it is.
    pub state: String,
    /// Whether it is as it should be; `None` when it could not be read.
    pub healthy: Option<bool>,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl Health {
    /// Whether it is finished, and every object could be read and is as it should be. Data that was left on purpose is
    /// no illness.
    pub fn is_healthy(&self) -> bool {
        match self.stage {
            Stage::Finished => self.objects.iter().all(ObjectHealth::is_healthy),
            Stage::Unfinished => false,
            Stage::Leftover => true,
        }
    }

    /// How it is, in a few words.
    pub fn verdict(&self) -> String {
        let objects = |bad: usize| format!("{bad} {} not ready", if bad == 1 { "object" } else { "objects" });
        match (self.stage, self.objects.iter().filter(|object| !object.is_healthy()).count()) {
            (Stage::Leftover, _) => "taken away; its data is still there".to_owned(),
            (Stage::Finished, 0) => "healthy".to_owned(),
            (Stage::Finished, bad) => objects(bad),
            (Stage::Unfinished, 0) => "not finished".to_owned(),
            (Stage::Unfinished, bad) => format!("not finished, {}", objects(bad)),
        }
    }
}

impl ObjectHealth {
    /// Whether it is known to be as it should be.
    pub fn is_healthy(&self) -> bool {
        self.healthy == Some(true)
    }

    /// Objects that are simply there are not worth a line of their own.
    pub fn is_worth_a_line(&self) -> bool {
        !self.is_healthy() || is_awaited(&self.object)
    }
}

/// Looks at an installation: one list for each kind and namespace.
pub async fn health(cluster: &Cluster, found: &Found) -> Result<Health, kube::Error> {
    let mut resources = Resources::default();
    let stubs: Vec<serde_json::Value> = found
        .inventory
        .iter()
        .map(|object| serde_json::json!({"apiVersion": object.api_version, "kind": object.kind, "metadata": {"name": object.name}}))
        .collect();
    resources.resolve(&cluster.client, &stubs.iter().collect::<Vec<_>>()).await?;
    let snapshot = collect(&cluster.client, queries(found, &resources)).await?;
    Ok(health_of(found, &snapshot, cluster.clock.now(), |_| true))
}

/// The same from evidence: of kinds that are not in it nothing is said.
pub fn seen(found: &Found, evidence: &Evidence) -> Health {
    let unread = |kind: &str| evidence.snapshot.is_unread(kind);
    let is_known =
        |object: &ObjectRef| is_gathered(object) && (unread(&object.kind) || evidence.gap(&object.kind).is_none());
    health_of(found, &evidence.snapshot, evidence.taken, is_known)
}

fn health_of(
    found: &Found,
    snapshot: &Snapshot,
    now: jiff::Timestamp,
    is_known: impl Fn(&ObjectRef) -> bool,
) -> Health {
    // Of what is being taken away only what is still there is worth a word.
    let going = found.stage == Stage::Unfinished
        && found.run.as_ref().is_some_and(|run| run.plan.purpose == Purpose::Uninstall);
    let there = |object: &&ObjectRef| is_known(object) && (!going || snapshot.get(object).is_some());
    let objects = found.inventory.iter().filter(there).map(|object| stand(object, found, snapshot, now)).collect();
    let run = found.run.as_ref().filter(|run| run.state != RunState::Done).map(LastRun::from);
    let is_stand_in = |object: &ObjectRef| {
        snapshot.get(object).is_some_and(|live| live["metadata"]["labels"][stand_in::LABEL] == "true")
    };
    let stand_ins = found.inventory.iter().any(is_stand_in);
    Health { installation: found.installation.clone(), stage: found.stage, run, stand_ins, objects }
}

fn queries(found: &Found, resources: &Resources) -> Vec<Query> {
    let located: Vec<(ObjectRef, ApiResource)> = found
        .inventory
        .iter()
        .filter_map(|object| resources.of(object).map(|resource| (object.clone(), resource)))
        .collect();
    let around = AROUND.iter().filter_map(|(api_version, kind, namespaced)| {
        let resource = resources.of(&ObjectRef::new(api_version, kind, None, ""))?;
        let namespace = namespaced.then(|| found.installation.namespace.clone());
        Some(Query { resource, namespace, scope: Scope::All })
    });
    let mut queries: Vec<Query> = around.collect();
    let read = |query: &Query, queries: &[Query]| {
        queries.iter().any(|known| known.resource == query.resource && known.namespace == query.namespace)
    };
    for query in queries_for(located.iter().map(|(object, resource)| (object, resource))) {
        if !read(&query, &queries) || matches!(query.scope, Scope::Named(_)) {
            queries.push(query);
        }
    }
    queries
}

fn stand(object: &ObjectRef, found: &Found, snapshot: &Snapshot, now: jiff::Timestamp) -> ObjectHealth {
    let standing = |state: String, healthy, cause| ObjectHealth { object: object.clone(), state, healthy, cause };
    let Some(live) = snapshot.get(object) else {
        let unread = snapshot.unread.iter().find(|unread| unread.kind == object.kind);
        return match (unread, found.stage) {
            (Some(unread), _) => standing(format!("unknown: {}", unread.why), None, None),
            (None, Stage::Finished) => standing("missing".to_owned(), Some(false), Some(missing(object))),
            (None, _) => standing("not there".to_owned(), Some(false), None),
        };
    };
    let cause = || stall::cause(object, snapshot, now);
    match judge(live, snapshot) {
        Readiness::Ready { note } => match rescaled(live, wanted_replicas(object, found)) {
            Some((state, healthy)) => standing(state, Some(healthy), None),
            // Whether pods stand behind a Service is not asked here.
            None if object.kind == "Service" => standing(note.unwrap_or_else(|| "there".to_owned()), Some(true), None),
            None => standing(note.unwrap_or_else(|| "ready".to_owned()), Some(true), None),
        },
        Readiness::Waiting { progress } => standing(progress, Some(false), cause()),
        Readiness::Failed { reason, .. } => standing(reason, Some(false), cause()),
    }
}

/// What the newest run on this machine asked for.
fn wanted_replicas(object: &ObjectRef, found: &Found) -> Option<i64> {
    let run = found.run.as_ref()?;
    let planned = run.plan.objects().find(|planned| ObjectRef::of(planned).as_ref() == Some(object))?;
    number(planned, "/spec/replicas")
}

/// Something that is ready, but not in the number that was installed: what that is, and whether it still does its work.
/// Whoever scales it becomes the owner of the number; a number that is ours is as it was wanted.
fn rescaled(live: &Value, installed: Option<i64>) -> Option<(String, bool)> {
    let now = number(live, "/spec/replicas")?;
    let by = replicas_owner(live).filter(|_| installed != Some(now))?;
    let was = installed.map_or_else(String::new, |installed| format!(", {installed} installed"));
    match now {
        0 => Some((format!("scaled to 0 by {by}{was}: nothing of it runs"), false)),
        _ => installed.map(|_| (format!("ready; scaled to {now} by {by}{was}"), true)),
    }
}

/// The id of the cause of what was installed and is not there.
pub const MISSING: &str = "missing";

fn missing(object: &ObjectRef) -> Cause {
    Cause {
        id: MISSING.to_owned(),
        object: Some(object.clone()),
        reason: "Missing".to_owned(),
        message: "it was installed and is not there any more".to_owned(),
        remedy: Some("run the same `seaworthy install` again: it makes anew what is missing".to_owned()),
        outlook: Outlook::Stuck,
    }
}
