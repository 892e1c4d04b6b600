//! Reads what goes into a bundle. Every collector is on its own: one that fails or hangs is a gap, and the others go on.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join;
use serde_json::Value;

use super::{Gap, Material, logs};
use crate::cluster::{Cluster, Resources};
use crate::doctor::evidence::{self, ClusterFacts, Evidence};
use crate::engine::journal::Runs;
use crate::kinds::{self, Kind};
use crate::object::{ObjectRef, items, text};
use crate::snapshot::collect::{Keep, Query, Scope, collect_all};
use crate::snapshot::{Snapshot, Unread};

/// How long the evidence may take, with the last words that are read for it.
const EVIDENCE: Duration = Duration::from_secs(120);
/// How long one list may take, with all its pages.
const LIST: Duration = Duration::from_secs(30);
/// How long all logs may take.
const LOGS: Duration = Duration::from_secs(120);

/// Kinds that are in the bundle otherwise (events, leases in the evidence), or that only repeat others.
const LEFT_OUT: &[&str] = &["Event", "Lease", "Endpoints", "ControllerRevision"];

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Objects and logs of this namespace only; what belongs to no namespace, and the evidence, are read all the same.
    pub namespace: Option<String>,
    /// Where the journals of runs are.
    pub runs: Option<Runs>,
}

/// Reads everything that can be read.
pub async fn gather(cluster: &Cluster, wanted: &Wanted) -> Material {
    let scope = evidence::Scope { namespace: wanted.namespace.clone() };
    // Boxed: as one future they are a type that takes the compiler minutes.
    let evidence = tokio::time::timeout(EVIDENCE, evidence::gather(cluster, &scope)).boxed_local();
    let (evidence, objects) = join(evidence, objects(cluster, wanted.namespace.as_deref()).boxed_local()).await;
    let mut material = Material { namespace: wanted.namespace.clone(), objects, ..Material::default() };
    let evidence = evidence.map_err(|_| late(EVIDENCE)).and_then(|answer| answer.map_err(|error| error.to_string()));
    match evidence {
        Ok(evidence) => material.believe(evidence),
        Err(why) => material.gaps.push(Gap::new("evidence of the doctor", why)),
    }
    if material.evidence.is_none() {
        let crate::cluster::ClusterId { context, server, uid } = cluster.id.clone();
        (material.cluster, material.taken) =
            (ClusterFacts { context, server, uid, version: None }, cluster.clock.now());
    }
    let unread = std::mem::take(&mut material.objects.unread);
    material.gaps.extend(unread.iter().map(gap));
    let (read, gaps) =
        logs::read(&cluster.client, &material.objects, wanted.namespace.as_deref(), LOGS).boxed_local().await;
    (material.logs, material.gaps) = (read, [material.gaps, gaps].concat());
    if let Some(runs) = &wanted.runs {
        material.add_runs(runs, &cluster.id.uid);
    }
    material
}

impl Material {
    fn believe(&mut self, evidence: Evidence) {
        self.cluster = evidence.cluster.clone().unwrap_or_default();
        self.taken = evidence.taken;
        self.gaps.extend(
            evidence
                .snapshot
                .unread
                .iter()
                .map(gap)
                .map(|Gap { what, why }| Gap::new(format!("{what} for the doctor"), why)),
        );
        self.evidence = Some(evidence);
    }

    fn add_runs(&mut self, runs: &Runs, uid: &str) {
        match runs.texts_of(uid) {
            Ok((read, broken)) => {
                self.runs = read;
                self.gaps.extend(broken.iter().map(|error| Gap::new("a journal", error.to_string())));
            }
            Err(error) => self.gaps.push(Gap::new("journals of runs", error.to_string())),
        }
    }
}

fn gap(unread: &Unread) -> Gap {
    let place = unread.namespace.as_ref().map_or_else(String::new, |namespace| format!(" of namespace {namespace}"));
    Gap::new(format!("{}{place}", unread.kind), &unread.why)
}

fn late(deadline: Duration) -> String {
    format!("no answer within {} s", deadline.as_secs())
}

/// All objects, as they are: built-in kinds, and then the custom ones that are defined.
async fn objects(cluster: &Cluster, namespace: Option<&str>) -> Snapshot {
    let mut objects = ask(cluster, kinds(namespace), namespace).await;
    let custom = custom(&objects, namespace);
    objects.extend(ask(cluster, custom, namespace).await);
    objects
}

/// Values of Secrets are hidden wherever they stand, so Secrets are read in all namespaces where that is allowed.
async fn ask(cluster: &Cluster, queries: Vec<Query>, namespace: Option<&str>) -> Snapshot {
    let mut read = collect_all(&cluster.client, queries, LIST, Keep::WHOLE).await;
    let closed = read.unread.iter().any(|unread| unread.kind == "Secret" && unread.namespace.is_none());
    if let Some(namespace) = namespace.filter(|_| closed) {
        let again = collect_all(&cluster.client, secrets(Some(namespace)), LIST, Keep::WHOLE).await;
        read.extend(again);
    }
    read
}

fn kinds(namespace: Option<&str>) -> Vec<Query> {
    let resources = Resources::default();
    let kinds = kinds::BUILTIN.iter().filter(|kind| !LEFT_OUT.contains(&kind.kind) && kind.kind != "Secret");
    let query = |kind: &Kind| {
        let resource = resources.of(&ObjectRef::new(&kind.api_version(), kind.kind, None, ""))?;
        let namespace = namespace.filter(|_| kind.namespaced).map(str::to_owned);
        Some(Query { resource, namespace, scope: Scope::All })
    };
    kinds.filter_map(query).chain(secrets(None)).collect()
}

fn secrets(namespace: Option<&str>) -> Vec<Query> {
    let resource = Resources::default().of(&ObjectRef::new("v1", "Secret", None, ""));
    let query = |resource| Query { resource, namespace: namespace.map(str::to_owned), scope: Scope::All };
    resource.map(query).into_iter().collect()
}

/// The kinds that are defined, each in the first version that is served.
fn custom(objects: &Snapshot, namespace: Option<&str>) -> Vec<Query> {
    let mut queries = Vec::new();
    for definition in objects.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
        let mut resources = Resources::default();
        resources.learn(definition);
        let served = |version: &&Value| version["served"] == true;
        let version = items(definition, "/spec/versions").find(served).and_then(|version| text(version, "/name"));
        let (Some(version), Some(group), Some(kind)) =
            (version, text(definition, "/spec/group"), text(definition, "/spec/names/kind"))
        else {
            continue;
        };
        let reference = ObjectRef::new(&format!("{group}/{version}"), kind, None, "");
        let namespace = namespace.filter(|_| resources.is_namespaced(&reference)).map(str::to_owned);
        queries.extend(resources.of(&reference).map(|resource| Query { resource, namespace, scope: Scope::All }));
    }
    queries
}
