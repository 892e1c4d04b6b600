//! What recognising needs of a cluster, in as few requests as can be. Reads only.

mod stuck;

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

use super::keeper::{KEEPERS, Keeper, unseen};
use super::record::VolumeRecord;
use super::{Record, Sighting, join, loss};
use crate::cluster::{Cluster, Resources};
use crate::engine::etcd::Gateway;
use crate::engine::rescue::{Disk, Files, ask_for_held, ask_on_nodes, ask_pods};
use crate::error::root;
use crate::etcd::{self, EtcdSet, Told, View};
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::holders;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};
use crate::snapshot::provisioner;
use crate::snapshot::storage::was_let_go;

/// What is read of the whole cluster.
const GLOBAL: [(&str, &str); 3] = [("v1", "PersistentVolume"), ("v1", "Node"), ("storage.k8s.io/v1", "StorageClass")];
/// Which volume is attached to which node: only a recovery has to know.
const ATTACHMENT: (&str, &str) = ("storage.k8s.io/v1", "VolumeAttachment");
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
/// How programs say ENOSPC, in small letters (`strerror(3)`; Go and Node.js by its name, Java in words of its own).
const NO_ROOM: [&str; 3] = ["no space left on device", "enospc", "not enough space"];
/// Characters of such a line that are kept.
const LONGEST: usize = 200;
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
    let own = query(&("v1", "Namespace"), None, namespace.map_or(Scope::All, |name| Scope::Named(name.to_owned())));
    collect(&cluster.client, global.chain(local).chain(config).chain(own).collect()).await
}

/// Whoever keeps workloads as they are, and what is attached where, of the whole cluster: only a recovery has to know.
async fn keepers(client: &Client) -> Result<Snapshot, kube::Error> {
    let query = |keeper: &Keeper| {
        let (group, version) = keeper.api_version.split_once('/').unwrap_or(("", keeper.api_version));
        let kind = GroupVersionKind::gvk(group, version, keeper.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, keeper.plural);
        Query { resource, namespace: None, scope: Scope::All }
    };
    let attachment = Resources::default().of(&ObjectRef::new(ATTACHMENT.0, ATTACHMENT.1, None, ""));
    let attachments = attachment.map(|resource| Query { resource, namespace: None, scope: Scope::All });
    collect(client, KEEPERS.iter().map(query).chain(attachments).collect()).await
}

/// Whoever makes volumes for claims that wait for one, and erases those that were let go: they are looked for everywhere, since each has a
/// namespace of its own.
async fn makers(client: &Client, snapshot: &Snapshot) -> Result<Snapshot, kube::Error> {
    let names = names_of_makers(snapshot);
    let mut found = Snapshot::default();
    if names.is_empty() {
        return Ok(found);
    }
    let resources = Resources::default();
    let query = |kind: &str| {
        let resource = resources.of(&ObjectRef::new("apps/v1", kind, None, ""))?;
        Some(Query { resource, namespace: None, scope: Scope::All })
    };
    let all = collect(client, provisioner::KINDS.into_iter().filter_map(query).collect()).await?;
    let is_one = |workload: &&Value| names.iter().any(|name| provisioner::makes(workload, name));
    all.objects().filter(is_one).cloned().for_each(|workload| found.insert(workload));
    found.unread = all.unread;
    Ok(found)
}

/// By which names those are called who make the volumes that are waited for here, and erase those that were let go.
pub fn names_of_makers(snapshot: &Snapshot) -> BTreeSet<String> {
    let waiting = snapshot.of_kind("", "PersistentVolumeClaim").filter(|claim| loss::waits(claim));
    let let_go = snapshot.of_kind("", "PersistentVolume").filter(|volume| was_let_go(volume));
    let of_class = |claim: &Value| snapshot.get(&provisioner::class_ref(text(claim, "/spec/storageClassName")?));
    waiting
        .flat_map(|claim| {
            provisioner::asked(claim).into_iter().chain(of_class(claim).and_then(|it| text(it, "/provisioner")))
        })
        .chain(let_go.filter_map(provisioner::made_by))
        .map(str::to_owned)
        .collect()
}

/// Few people may look at keepers, and few workloads bear their marks: who may not look is told only where it matters.
fn forget_idle_keepers(snapshot: &mut Snapshot) {
    let marked = |kind: &str| {
        let workloads = ["Deployment", "StatefulSet"].into_iter().flat_map(|kind| snapshot.of_kind("apps", kind));
        workloads.flat_map(|workload| unseen(snapshot, workload)).any(|mark| mark.starts_with(kind))
    };
    let idle: Vec<&str> = KEEPERS.iter().map(|keeper| keeper.kind).filter(|kind| !marked(kind)).collect();
    snapshot.unread.retain(|unread| !idle.contains(&unread.kind.as_str()));
}

/// Every volume of the cluster, in one request.
pub async fn volumes(cluster: &Cluster) -> Result<Snapshot, kube::Error> {
    let resource = Resources::default().of(&ObjectRef::new("v1", "PersistentVolume", None, ""));
    let query = resource.map(|resource| Query { resource, namespace: None, scope: Scope::All });
    collect(&cluster.client, query.into_iter().collect()).await
}

/// What is read at the moment, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looking {
    /// The objects.
    Storage,
    /// The files on so many volumes.
    Files(usize),
    /// The members of every etcd.
    Etcds,
}

/// The whole sighting: the storage, and what volumes with a record hold now.
pub async fn sight(cluster: &Cluster, namespace: Option<&str>, records: Vec<Record>) -> Result<Sighting, kube::Error> {
    sight_telling(cluster, namespace, records, |_| {}).await
}

/// The same, and tells what it reads as it goes.
pub async fn sight_telling(
    cluster: &Cluster,
    namespace: Option<&str>,
    records: Vec<Record>,
    tell: impl Fn(Looking),
) -> Result<Sighting, kube::Error> {
    tell(Looking::Storage);
    let (storage, keepers) = futures::try_join!(storage(cluster, namespace), keepers(&cluster.client))?;
    let mut snapshot = storage;
    snapshot.extend(keepers);
    if namespace.is_some() {
        let makers = makers(&cluster.client, &snapshot).await?;
        snapshot.extend(makers);
    }
    forget_idle_keepers(&mut snapshot);
    let asked = worth_asking(&snapshot, namespace, &records);
    if !asked.is_empty() {
        tell(Looking::Files(asked.len()));
    }
    let (per_node, (files, mut disks)) = futures::join!(
        ask_each_node(&cluster.client, &snapshot, &asked),
        ask(cluster, &snapshot, asked.iter().cloned())
    );
    for claim in fewer(&records, &files) {
        // The first pod that was asked may be the one that has them open.
        if disks.get(claim).is_some_and(|disk| !disk.held.is_empty()) {
            continue;
        }
        disks.extend(ask_for_held(&cluster.client, &snapshot, claim).await.map(|disk| (claim.clone(), disk)));
    }
    let stuck = stuck::stuck(&cluster.client, &snapshot).await?;
    tell(Looking::Etcds);
    let mut etcds = etcds(&cluster.client, &snapshot, false).await;
    for view in &mut etcds {
        if super::etcd::is_odd(view, &records) {
            complete(&cluster.client, view).await;
        }
    }
    let (namespace, now) = (namespace.map(str::to_owned), cluster.clock.now());
    Ok(Sighting { snapshot, records, files, disks, per_node, etcds, stuck, namespace, now })
}

/// The claims of which a pod is asked: those with a record of files, and of one namespace all. Of a whole cluster that would be any number.
fn worth_asking(snapshot: &Snapshot, namespace: Option<&str>, records: &[Record]) -> BTreeSet<ObjectRef> {
    let recorded = records.iter().flat_map(|record| &record.volumes).filter(|volume| volume.files_then() > 0);
    let here = snapshot.of_kind("", "PersistentVolumeClaim").filter_map(ObjectRef::of).filter(|_| namespace.is_some());
    let claims = recorded.map(|volume| volume.claim.clone()).chain(here);
    claims.filter(|claim| holders(snapshot, claim).any(join::is_on_a_node)).collect()
}

/// The claims whose volumes hold less than half of the files that they held when all was well.
fn fewer<'a>(records: &'a [Record], files: &BTreeMap<ObjectRef, Files>) -> BTreeSet<&'a ObjectRef> {
    let now = |claim: &ObjectRef| match files.get(claim) {
        Some(Files::Counted { files, .. }) => Some(*files),
        _ => None,
    };
    let volumes = records.iter().flat_map(|record| &record.volumes);
    let is_one = |volume: &&VolumeRecord| now(&volume.claim).is_some_and(|now| now < volume.files_then() / 2);
    volumes.filter(is_one).map(|volume| &volume.claim).collect()
}

/// What these claims' volumes hold, and their file systems, asked at once.
pub async fn ask(
    cluster: &Cluster,
    snapshot: &Snapshot,
    claims: impl IntoIterator<Item = ObjectRef>,
) -> (BTreeMap<ObjectRef, Files>, BTreeMap<ObjectRef, Disk>) {
    let ask = |claim: ObjectRef| async move {
        let (files, mut disk) = ask_pods(&cluster.client, snapshot, &claim).await;
        if let Some(disk) = disk.as_mut().filter(|disk| disk.is_full()) {
            disk.said = says_no_room(&cluster.client, &claim, disk).await;
        }
        (claim, files, disk)
    };
    let (mut files, mut disks) = (BTreeMap::new(), BTreeMap::new());
    let mut told = stream::iter(claims.into_iter().map(ask)).buffer_unordered(IN_FLIGHT);
    while let Some((claim, counted, disk)) = told.next().await {
        disks.extend(disk.map(|disk| (claim.clone(), disk)));
        files.insert(claim, counted);
    }
    (files, disks)
}

/// What each node has in the folders of these claims, where the volume is a path that is looked for on whichever node a pod runs.
async fn ask_each_node(
    client: &Client,
    snapshot: &Snapshot,
    claims: &BTreeSet<ObjectRef>,
) -> BTreeMap<ObjectRef, Vec<(Files, Disk)>> {
    let mut told = BTreeMap::new();
    for claim in claims.iter().filter(|claim| loss::is_of_any_node(snapshot, claim)) {
        told.insert(claim.clone(), ask_on_nodes(client, snapshot, claim).await);
    }
    told
}

/// The last line of a container's log that says that there is no room, or of its last run.
async fn says_no_room(client: &Client, claim: &ObjectRef, disk: &Disk) -> Option<String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), claim.namespace.as_deref().unwrap_or_default());
    for previous in [false, true] {
        let container = Some(disk.container.clone());
        let params = LogParams { container, previous, tail_lines: Some(super::etcd::TAIL), ..LogParams::default() };
        // A log that cannot be read, or a run that there was not, is no fact.
        let log = pods.logs(&disk.pod, &params).await.unwrap_or_default();
        let line = log.lines().rev().find(|line| NO_ROOM.iter().any(|words| line.to_lowercase().contains(words)));
        if let Some(line) = line {
            return Some(line.chars().take(LONGEST).collect());
        }
    }
    None
}

/// Asks every etcd that is not stopped: one question to each member. `all`: also for what is only asked when something is odd.
pub async fn etcds(client: &Client, snapshot: &Snapshot, all: bool) -> Vec<View> {
    let mut views = Vec::new();
    for set in etcd::sets(snapshot).into_iter().filter(|set| set.replicas > 0) {
        views.push(view(client, snapshot, set, all).await);
    }
    views
}

/// Asks the members of one etcd.
pub async fn view(client: &Client, snapshot: &Snapshot, set: EtcdSet, all: bool) -> View {
    let ask = |pod: String| {
        let set = &set;
        async move {
            let told = ask_member(client, snapshot, set, &pod).await;
            (pod, told)
        }
    };
    let told = stream::iter(set.pods().into_iter().map(ask)).buffer_unordered(IN_FLIGHT).collect().await;
    let mut view = View { set, told, members: None, keys: None };
    if all {
        complete(client, &mut view).await;
    }
    view
}

/// Members and keys, from the first that answers.
async fn complete(client: &Client, view: &mut View) {
    // One that has a leader knows best.
    let pods: Vec<String> = view.serving().chain(view.answered()).map(|(pod, _)| pod.to_owned()).collect();
    for pod in pods {
        let gateway = Gateway::new(client, &view.set, &pod);
        if let (Ok(members), Ok(keys)) = (gateway.members().await, gateway.keys().await) {
            view.members = Some(members);
            view.keys = Some(keys);
            return;
        }
    }
}

async fn ask_member(client: &Client, snapshot: &Snapshot, set: &EtcdSet, pod: &str) -> Told {
    let silent = |why: String, log: Option<String>| Told::Silent { why, log };
    let Some(live) = snapshot.get(&set.pod(pod)) else { return silent("there is no such pod".to_owned(), None) };
    let container = items(live, "/status/containerStatuses").find(|status| status["name"] == set.container.as_str());
    let runs = container.is_some_and(|status| status["state"].get("running").is_some());
    if runs {
        match Gateway::new(client, set, pod).status().await {
            Ok(status) => return Told::Status(Box::new(status)),
            Err(error) => return silent(root(&error), last_words(client, set, pod).await),
        }
    }
    let why = container.and_then(|status| {
        let state = status.get("state")?.as_object()?.values().next()?;
        state["reason"].as_str().map(str::to_owned)
    });
    let phase = || format!("its pod is {}", text(live, "/status/phase").unwrap_or("of no phase"));
    let has_run = container.is_some_and(|status| {
        status["lastState"].get("terminated").is_some() || status["state"].get("terminated").is_some()
    });
    let log = if has_run { last_words(client, set, pod).await } else { None };
    silent(why.map_or_else(phase, |why| format!("its container is not running: {why}")), log)
}

/// The line of a member's log that tells why it ended: of its last run, or of the one that is going on.
async fn last_words(client: &Client, set: &EtcdSet, pod: &str) -> Option<String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &set.namespace);
    for previous in [false, true] {
        let params = LogParams {
            container: Some(set.container.clone()),
            previous,
            tail_lines: Some(super::etcd::TAIL),
            ..LogParams::default()
        };
        let told = pods.logs(pod, &params).await.ok().and_then(|log| super::etcd::telling(&log));
        if told.is_some() {
            return told;
        }
    }
    None
}
