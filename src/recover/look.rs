//! What recognising needs of a cluster, in as few requests as can be. Reads only.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _};

use super::{Record, Sighting, join};
use crate::cluster::{Cluster, Resources};
use crate::engine::rescue::{Files, count_in_pods};
use crate::object::ObjectRef;
use crate::plan::verb::holders;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

/// What is read of the whole cluster.
const GLOBAL: [(&str, &str); 3] = [("v1", "PersistentVolume"), ("v1", "Node"), ("storage.k8s.io/v1", "StorageClass")];
/// What is read of the namespace, or of all.
const NAMESPACED: [(&str, &str); 6] = [
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
];
/// The ConfigMap in which the local-path provisioner keeps where it makes volumes, in the namespaces where it is known to run
/// (local-path-provisioner v0.0.26 to v0.0.37: its own; k3s: kube-system).
const LOCAL_PATH: [(&str, &str); 2] =
    [("local-path-storage", "local-path-config"), ("kube-system", "local-path-config")];
/// Containers asked at once how many files they see.
const IN_FLIGHT: usize = 8;

/// Reads the storage of a namespace, or of the whole cluster.
pub async fn storage(cluster: &Cluster, namespace: Option<&str>) -> Result<Snapshot, kube::Error> {
    let resources = Resources::default();
    let query = |(api_version, kind): &(&str, &str), namespace: Option<&str>, scope: Scope| {
        let resource = resources.of(&ObjectRef::new(api_version, kind, None, ""))?;
        Some(Query { resource, namespace: namespace.map(str::to_owned), scope })
    };
    let global = GLOBAL.iter().filter_map(|kind| query(kind, None, Scope::All));
    let local = NAMESPACED.iter().filter_map(|kind| query(kind, namespace, Scope::All));
    let config = LOCAL_PATH
        .iter()
        .filter_map(|(namespace, name)| query(&("v1", "ConfigMap"), Some(namespace), Scope::Named((*name).to_owned())));
    collect(&cluster.client, global.chain(local).chain(config).collect()).await
}

/// Every volume of the cluster, in one request.
pub async fn volumes(cluster: &Cluster) -> Result<Snapshot, kube::Error> {
    let resource = Resources::default().of(&ObjectRef::new("v1", "PersistentVolume", None, ""));
    let query = resource.map(|resource| Query { resource, namespace: None, scope: Scope::All });
    collect(&cluster.client, query.into_iter().collect()).await
}

/// The whole sighting: the storage, and what volumes with a record hold now.
pub async fn sight(cluster: &Cluster, namespace: Option<&str>, records: Vec<Record>) -> Result<Sighting, kube::Error> {
    let snapshot = storage(cluster, namespace).await?;
    let claims = records.iter().flat_map(|record| &record.volumes).filter(|volume| volume.files_then() > 0);
    let asked: Vec<ObjectRef> = claims
        .map(|volume| volume.claim.clone())
        .filter(|claim| holders(&snapshot, claim).any(join::is_on_a_node))
        .collect();
    let files = count(cluster, &snapshot, asked).await;
    Ok(Sighting { snapshot, records, files, now: cluster.clock.now() })
}

/// What these claims' volumes hold, asked at once.
pub async fn count(cluster: &Cluster, snapshot: &Snapshot, claims: Vec<ObjectRef>) -> BTreeMap<ObjectRef, Files> {
    let ask = |claim: ObjectRef| async move {
        let files = count_in_pods(&cluster.client, snapshot, &claim).await;
        (claim, files)
    };
    stream::iter(claims.into_iter().map(ask)).buffer_unordered(IN_FLIGHT).collect().await
}
