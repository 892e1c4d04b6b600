//! Reads the evidence of a cluster: everything once, at the same time, page by page; then the last words of what crashed.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use http::Request;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use serde_json::Value;

use super::KEPT;
use super::{ClusterFacts, Evidence, LOG};
use crate::cluster::fault::{ConnectFault, classify};
use crate::cluster::{Cluster, ClusterId, Resources};
use crate::engine::ready::words::{self, Words};
use crate::error::Explain;
use crate::object::{ObjectRef, items, text};
use crate::snapshot::collect::{Query, Scope as What, collect_all};
use crate::snapshot::{Snapshot, Unread};

/// How long one list may take, with all its pages.
const LIST: Duration = Duration::from_secs(30);
/// How long the API server may take for a word about itself.
const SHORT: Duration = Duration::from_secs(5);
/// Containers whose last words are read at the most: fifty pods of one Deployment die of the same.
const LOGS: usize = 40;
/// Lines that are read of the log of a container that runs, and bytes at the most.
const LINES: i64 = 20;
const BYTES: i64 = 8192;
/// Seconds in which a program may start before its log is looked at.
const STARTS: i64 = 15;
/// Logs that are read at once.
const LOGS_AT_ONCE: usize = 8;

/// The kinds that checks read, with whether they live in a namespace.
const KINDS: &[(&str, &str, bool)] = &[
    ("v1", "Pod", true),
    ("v1", "Event", true),
    ("v1", "Service", true),
    ("v1", "PersistentVolumeClaim", true),
    ("v1", "ConfigMap", true),
    ("v1", "Secret", true),
    ("v1", "ResourceQuota", true),
    ("apps/v1", "Deployment", true),
    ("apps/v1", "ReplicaSet", true),
    ("apps/v1", "StatefulSet", true),
    ("apps/v1", "DaemonSet", true),
    ("apps/v1", "ControllerRevision", true),
    ("batch/v1", "Job", true),
    ("batch/v1", "CronJob", true),
    ("autoscaling/v2", "HorizontalPodAutoscaler", true),
    ("policy/v1", "PodDisruptionBudget", true),
    ("networking.k8s.io/v1", "Ingress", true),
    ("discovery.k8s.io/v1", "EndpointSlice", true),
    ("coordination.k8s.io/v1", "Lease", true),
    ("v1", "Node", false),
    ("v1", "Namespace", false),
    ("v1", "PersistentVolume", false),
    ("storage.k8s.io/v1", "StorageClass", false),
    ("networking.k8s.io/v1", "IngressClass", false),
    ("apiregistration.k8s.io/v1", "APIService", false),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", false),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", false),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", false),
];

/// Whether objects of this kind are in evidence at all.
pub fn is_gathered(object: &ObjectRef) -> bool {
    KINDS.iter().any(|(version, kind, _)| {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        (group, *kind) == (object.group(), object.kind.as_str())
    })
}

/// The kinds that checks read, as the API names them.
pub fn resources() -> impl Iterator<Item = kube::core::ApiResource> {
    let known = Resources::default();
    KINDS.iter().filter_map(move |(version, kind, _)| known.of(&ObjectRef::new(version, kind, None, "")))
}

/// The kinds that checks read.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(_, kind, _)| *kind)
}

/// Whether a kind is read at all.
#[cfg(test)]
pub(super) fn is_gathered_kind(kind: &str) -> bool {
    KINDS.iter().any(|(_, known, _)| *known == kind)
}

/// Leases are read there only: elsewhere they are many and say nothing about the cluster.
const CONTROL_PLANE: &str = "kube-system";

/// What to read.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The namespace that matters: it is read by itself where there is no right to read all.
    pub namespace: Option<String>,
}

/// Nothing could be read.
#[derive(Debug, thiserror::Error)]
#[error("nothing of the cluster of context `{context}` could be read: {why}")]
pub struct GatherError {
    context: String,
    why: String,
    /// What stands between here and the API server, where something does.
    fault: Option<ConnectFault>,
}

impl Explain for GatherError {
    fn id(&self) -> &'static str {
        "no-evidence"
    }

    fn hint(&self) -> Option<String> {
        if let Some(fault) = &self.fault {
            return fault.hint();
        }
        Some(
            "name a namespace that you may read with --namespace; `kubectl auth can-i --list` shows your rights"
                .to_owned(),
        )
    }
}

/// Reads everything that checks read. What cannot be read is part of the evidence.
///
/// # Errors
/// When not a single kind could be read.
pub async fn gather(cluster: &Cluster, scope: &Scope) -> Result<Evidence, GatherError> {
    let mut evidence = objects(cluster, scope).await?;
    last_words(&cluster.client, &mut evidence.snapshot).await;
    running_logs(&cluster.client, &mut evidence.snapshot, evidence.taken).await;
    Ok(evidence)
}

/// Reads everything that checks read but the words of containers.
///
/// # Errors
/// When not a single kind could be read.
pub async fn objects(cluster: &Cluster, scope: &Scope) -> Result<Evidence, GatherError> {
    let queries = queries(None);
    let asked = queries.len();
    let listed = collect_all(&cluster.client, queries, LIST, KEPT);
    let (mut snapshot, word, readyz) = futures::join!(listed, word(cluster), readyz(&cluster.client));
    let mut only = None;
    if let Some(namespace) = scope.namespace.as_deref().filter(|_| !snapshot.unread.is_empty()) {
        only = narrow(cluster, &mut snapshot, namespace).await.then(|| namespace.to_owned());
    }
    if snapshot.is_empty() && snapshot.unread.len() >= asked {
        let said = snapshot.unread.first().map(|unread| unread.why.clone()).unwrap_or_default();
        let fault = unreachable(cluster).await;
        let why = fault.as_ref().map_or(said, ToString::to_string);
        return Err(GatherError { context: cluster.id.context.clone(), why, fault });
    }
    let Word { taken, version, answered } = word;
    let cluster = Some(facts(cluster, version));
    Ok(Evidence { snapshot, taken, cluster, only, readyz, answered: Some(answered), ..Evidence::default() })
}

/// What is said of the cluster in its evidence.
pub(super) fn facts(cluster: &Cluster, version: Option<String>) -> ClusterFacts {
    let ClusterId { context, server, uid, .. } = cluster.id.clone();
    ClusterFacts { context, server, uid, version }
}

/// Why the API server does not answer at all. That it refuses is an answer.
async fn unreachable(cluster: &Cluster) -> Option<ConnectFault> {
    match cluster.client.apiserver_version().await {
        Ok(_) | Err(kube::Error::Api(_)) => None,
        Err(error) => Some(classify(&error)),
    }
}

pub(super) fn queries(namespace: Option<&str>) -> Vec<Query> {
    let resources = Resources::default();
    let kinds = KINDS.iter().filter(|(_, _, namespaced)| namespace.is_none() || *namespaced);
    kinds
        .filter_map(|(version, kind, _)| {
            let resource = resources.of(&ObjectRef::new(version, kind, None, ""))?;
            let lease = (*kind == "Lease").then(|| CONTROL_PLANE.to_owned());
            Some(Query { resource, namespace: lease.or(namespace.map(str::to_owned)), scope: What::All })
        })
        .collect()
}

/// Reads in one namespace what may not be read in all. Whether anything was.
async fn narrow(cluster: &Cluster, snapshot: &mut Snapshot, namespace: &str) -> bool {
    let closed: Vec<Unread> = snapshot.unread.iter().filter(|unread| unread.namespace.is_none()).cloned().collect();
    let again = queries(Some(namespace));
    let again: Vec<Query> =
        again.into_iter().filter(|query| closed.iter().any(|one| one.kind == query.resource.kind)).collect();
    let kinds: Vec<String> = again.iter().map(|query| query.resource.kind.clone()).collect();
    if kinds.is_empty() {
        return false;
    }
    snapshot.unread.retain(|unread| unread.namespace.is_some() || !kinds.contains(&unread.kind));
    snapshot.extend(collect_all(&cluster.client, again, LIST, KEPT).await);
    true
}

/// What the API server says of itself in one short answer.
pub(super) struct Word {
    /// Its clock, by which all times in its objects are; ours where it does not say.
    pub(super) taken: Timestamp,
    pub(super) version: Option<String>,
    /// How long that took, ms.
    pub(super) answered: u64,
}

/// Asks for the API server's clock and version, and looks how long it takes.
pub(super) async fn word(cluster: &Cluster) -> Word {
    let began = tokio::time::Instant::now();
    let (taken, version) = clock(cluster).await;
    Word { taken, version, answered: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) }
}

async fn clock(cluster: &Cluster) -> (Timestamp, Option<String>) {
    let (client, here) = (&cluster.client, cluster.clock.now());
    let Ok(request) = Request::get("/version").body(kube::client::Body::empty()) else { return (here, None) };
    let Ok(Ok(answer)) = tokio::time::timeout(SHORT, client.send(request)).await else { return (here, None) };
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let taken = date.and_then(|date| rfc2822::parse(date).ok()).map_or(here, |date| date.timestamp());
    let body = tokio::time::timeout(SHORT, http_body_util::BodyExt::collect(answer.into_body())).await;
    let version =
        body.ok().and_then(Result::ok).and_then(|body| serde_json::from_slice::<Value>(&body.to_bytes()).ok());
    (taken, version.and_then(|version| version["gitVersion"].as_str().map(str::to_owned)))
}

/// The parts of the API server, a line each. It answers 500 when one of them is not well: the text is in the error then.
pub(super) async fn readyz(client: &Client) -> Option<String> {
    let request = Request::get("/readyz?verbose").body(kube::client::Body::empty()).ok()?;
    let answer = tokio::time::timeout(SHORT, client.send(request)).await.ok()?.ok()?;
    if !answer.status().is_success() && answer.status() != http::StatusCode::INTERNAL_SERVER_ERROR {
        return None;
    }
    let body = tokio::time::timeout(SHORT, http_body_util::BodyExt::collect(answer.into_body())).await.ok()?.ok()?;
    String::from_utf8(body.to_bytes().to_vec()).ok().filter(|text| text.contains("[+]") || text.contains("[-]"))
}

/// Reads the last lines of containers that ended without a word, and puts them where their status would hold them.
async fn last_words(client: &Client, snapshot: &mut Snapshot) {
    let mut words = Words::default();
    let ended: Vec<Value> =
        snapshot.of_kind("", "Pod").filter(|pod| words::has_ended(pod) && is_unwell(pod)).cloned().collect();
    let silences: Vec<_> = ended.iter().flat_map(|pod| words.ask(pod)).take(LOGS).collect();
    let read = |silence| async move { (words::read(client, &silence).await, silence) };
    let mut answers = stream::iter(silences.into_iter().map(read)).buffer_unordered(LOGS_AT_ONCE);
    while let Some((said, silence)) = answers.next().await {
        if let Some(said) = said {
            words.keep(silence, said);
        }
    }
    for mut pod in ended {
        words.fill(&mut pod);
        snapshot.insert(pod);
    }
}

/// Reads the last lines of containers that run and have not been ready for a while.
async fn running_logs(client: &Client, snapshot: &mut Snapshot, now: Timestamp) {
    let silent: Vec<(ObjectRef, String)> = snapshot
        .of_kind("", "Pod")
        .flat_map(|pod| unready(pod, now).filter_map(|name| Some((ObjectRef::of(pod)?, name.to_owned()))))
        .take(LOGS)
        .collect();
    let read = |(pod, container): (ObjectRef, String)| async move {
        let params = LogParams {
            container: Some(container.clone()),
            tail_lines: Some(LINES),
            limit_bytes: Some(BYTES),
            ..LogParams::default()
        };
        let pods: Api<Pod> = Api::namespaced(client.clone(), pod.namespace.as_deref().unwrap_or_default());
        // Not being allowed to, or coming too late, is no failure: what the probe said is there.
        let log = tokio::time::timeout(SHORT, pods.logs(&pod.name, &params)).await.ok()?.ok()?;
        Some((pod, container, log))
    };
    let mut answers = stream::iter(silent.into_iter().map(read)).buffer_unordered(LOGS_AT_ONCE);
    let mut read: Vec<(ObjectRef, String, String)> = Vec::new();
    while let Some(answer) = answers.next().await {
        read.extend(answer);
    }
    for (reference, container, log) in read.into_iter().filter(|(_, _, log)| !log.trim().is_empty()) {
        let Some(mut pod) = snapshot.get(&reference).cloned() else { continue };
        pod[LOG][container] = Value::from(log.trim_end());
        snapshot.insert(pod);
    }
}

/// The containers of a pod that run and have not been ready for a while.
fn unready(pod: &Value, now: Timestamp) -> impl Iterator<Item = &str> {
    let since = move |status: &Value| -> Option<i64> {
        let begun: Timestamp = text(status, "/state/running/startedAt")?.parse().ok()?;
        Some(now.as_second() - begun.as_second())
    };
    items(pod, "/status/containerStatuses")
        .filter(move |status| status["ready"] == false && since(status) > Some(STARTS))
        .filter_map(|status| text(status, "/name"))
}

/// Whether a container of the pod is not ready: what ended and runs again for good needs no words.
fn is_unwell(pod: &Value) -> bool {
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
    lists.iter().flat_map(|list| items(pod, list)).any(|status| status["ready"] != true)
}
