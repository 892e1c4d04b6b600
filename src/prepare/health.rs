//! How an installation is, from one look at the cluster.

use kube::core::ApiResource;
use serde::Serialize;

use crate::cluster::{Cluster, Resources};
use crate::doctor::{Cause, Outlook, stall};
use crate::engine::ready::{Readiness, is_awaited, judge};
use crate::engine::record::InstallRecord;
use crate::object::ObjectRef;
use crate::plan::Installation;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect, queries_for};

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
    /// Whether every object that could be read is as it should be, and every one could be read.
    pub fn is_healthy(&self) -> bool {
        self.objects.iter().all(ObjectHealth::is_healthy)
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
pub async fn health(cluster: &Cluster, record: &InstallRecord) -> Result<Health, kube::Error> {
    let mut resources = Resources::default();
    let stubs: Vec<serde_json::Value> = record
        .inventory
        .iter()
        .map(|object| serde_json::json!({"apiVersion": object.api_version, "kind": object.kind, "metadata": {"name": object.name}}))
        .collect();
    resources.resolve(&cluster.client, &stubs.iter().collect::<Vec<_>>()).await?;
    let located: Vec<(ObjectRef, ApiResource)> = record
        .inventory
        .iter()
        .filter_map(|object| resources.of(object).map(|resource| (object.clone(), resource)))
        .collect();
    let around = AROUND.iter().filter_map(|(api_version, kind, namespaced)| {
        let resource = resources.of(&ObjectRef::new(api_version, kind, None, ""))?;
        let namespace = namespaced.then(|| record.installation.namespace.clone());
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
    let snapshot = collect(&cluster.client, queries).await?;
    let objects = record.inventory.iter().map(|object| stand(object, &snapshot)).collect();
    Ok(Health { installation: record.installation.clone(), objects })
}

fn stand(object: &ObjectRef, snapshot: &Snapshot) -> ObjectHealth {
    let standing = |state: String, healthy, cause| ObjectHealth { object: object.clone(), state, healthy, cause };
    let Some(live) = snapshot.get(object) else {
        let unread = snapshot.unread.iter().find(|unread| unread.kind == object.kind);
        return match unread {
            Some(unread) => standing(format!("unknown: {}", unread.why), None, None),
            None => standing("missing".to_owned(), Some(false), Some(missing(object))),
        };
    };
    let cause = || stall::cause(object, snapshot, jiff::Timestamp::now());
    match judge(live, snapshot) {
        Readiness::Ready { note } => standing(note.unwrap_or_else(|| "ready".to_owned()), Some(true), None),
        Readiness::Waiting { progress } => standing(progress, Some(false), cause()),
        Readiness::Failed { reason, .. } => standing(reason, Some(false), cause()),
    }
}

fn missing(object: &ObjectRef) -> Cause {
    Cause {
        id: "missing".to_owned(),
        object: Some(object.clone()),
        reason: "Missing".to_owned(),
        message: "it was installed and is not there any more".to_owned(),
        remedy: Some("run the same `seaworthy install` again: it makes anew what is missing".to_owned()),
        outlook: Outlook::Stuck,
    }
}
