//! Proofs that a prerequisite works, as far as objects that are ready do not say so already. Reads only; what there is to
//! read is made by the stacks `assets/smoke-*`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Node, PersistentVolume, Pod, Service};
use kube::api::{Api, ListParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, Request};
use kube::runtime::wait::{await_condition, conditions};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Prerequisite;
use crate::cluster::Cluster;
use crate::doctor::{Cause, Outlook};
use crate::error::root;
use crate::object::{ObjectRef, items, text};
use crate::snapshot::nodes::takes_pods;

/// How often the metrics API is asked: it cannot be watched, and has something new only every 15 s.
const ASK: Duration = Duration::from_secs(2);
/// How long the metrics API may take until it knows every node (facts/prerequisites: metrics-server).
const METRICS: Duration = Duration::from_secs(90);
/// How long the volume may take to go after its claim: a helper pod has to start.
const GONE: Duration = Duration::from_secs(180);
/// How long it may take until a node announces an address.
const ANNOUNCED: Duration = Duration::from_secs(30);
/// What the page of `assets/smoke-metallb` says.
const MARK: &str = "seaworthy smoke check";
/// More than that page has, in bytes.
const PAGE: u64 = 4096;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// What was proven, or why not.
pub type Proof = Result<String, Cause>;

fn unproven(prerequisite: Prerequisite, object: Option<ObjectRef>, reason: &str, message: String) -> Cause {
    Cause {
        id: format!("smoke-{prerequisite}"),
        object,
        reason: reason.to_owned(),
        message,
        remedy: Some(format!(
            "`seaworthy prerequisites list` shows how {prerequisite} stands; `seaworthy doctor` what is wrong"
        )),
        outlook: Outlook::Stuck,
    }
}

/// The metrics API has figures of every node that is ready.
pub async fn metrics(cluster: &Cluster) -> Proof {
    let began = Instant::now();
    let mut clock = interval(ASK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        let why = match silent_nodes(cluster).await {
            Ok((0, 1)) => return Ok("the metrics API answers for the node".to_owned()),
            Ok((0, all)) => return Ok(format!("the metrics API answers for all {all} nodes")),
            Ok((silent, all)) => format!("{silent} of {all} nodes have no figures yet"),
            Err(why) => why,
        };
        if began.elapsed() > METRICS {
            let message = format!("after {} s: {why}", METRICS.as_secs());
            return Err(unproven(Prerequisite::MetricsServer, None, "NoMetrics", message));
        }
    }
}

/// How many nodes that are ready have no figures, of how many.
async fn silent_nodes(cluster: &Cluster) -> Result<(usize, usize), String> {
    let nodes = Api::<Node>::all(cluster.client.clone());
    let nodes = nodes.list(&ListParams::default()).await.map_err(|error| root(&error))?;
    let ready = |node: &&Node| {
        let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
        conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    };
    let names: Vec<String> = nodes.iter().filter(ready).filter_map(|node| node.metadata.name.clone()).collect();
    let request = Request::new("/apis/metrics.k8s.io/v1beta1/nodes")
        .list(&ListParams::default())
        .map_err(|error| error.to_string())?;
    // As long as nobody serves it, its answer is the text `service unavailable` and no Status.
    let figures: Value = cluster.client.request(request).await.map_err(|error| root(&error))?;
    let known: Vec<&str> = items(&figures, "/items").filter_map(|item| text(item, "/metadata/name")).collect();
    Ok((names.iter().filter(|name| !known.contains(&name.as_str())).count(), names.len()))
}

/// The Service has an address, and something answers there. `here`: whether this machine can reach such addresses at all.
pub async fn address(cluster: &Cluster, service: &ObjectRef, here: bool) -> Proof {
    let api: Api<Service> = Api::namespaced(cluster.client.clone(), service.namespace.as_deref().unwrap_or_default());
    let failed =
        |reason: &str, message: String| unproven(Prerequisite::Metallb, Some(service.clone()), reason, message);
    let live = api.get(&service.name).await.map_err(|error| failed("Unreadable", root(&error)))?;
    let status = live.status.and_then(|status| status.load_balancer).and_then(|balancer| balancer.ingress);
    let given: Option<IpAddr> = status.iter().flatten().find_map(|ingress| ingress.ip.as_deref()?.parse().ok());
    let port = live.spec.and_then(|spec| spec.ports).and_then(|ports| ports.first().map(|port| port.port));
    let (Some(given), Some(port)) = (given, port.and_then(|port| u16::try_from(port).ok())) else {
        return Err(failed("NoAddress", "it was given no address".to_owned()));
    };
    announced(cluster, service).await.map_err(|why| failed("NotAnnounced", why))?;
    if !here {
        return Ok(format!(
            "{given} was given and announced; it is out of this machine's reach, so nothing was asked there"
        ));
    }
    let began = Instant::now();
    match timeout(CONNECT, page(given, port)).await {
        Ok(Ok(page)) if page.contains(MARK) => {
            Ok(format!("{given} was given, announced, and answers over TCP after {} ms", began.elapsed().as_millis()))
        }
        // Networks there are in which somebody answers for every address.
        Ok(Ok(_)) => Err(failed("AnotherAnswer", format!("{given}:{port} was given, but somebody else answers there"))),
        Ok(Err(error)) => Err(failed("NoAnswer", format!("{given}:{port} was given, but does not answer: {error}"))),
        Err(_) => {
            let message = format!("{given}:{port} was given, but does not answer within {} s", CONNECT.as_secs());
            Err(failed("NoAnswer", message))
        }
    }
}

/// Some node says that it answers for the Service. A connection alone proves less than it seems: neighbours remember for a
/// minute who answered for an address before.
async fn announced(cluster: &Cluster, service: &ObjectRef) -> Result<(), String> {
    let api: Api<Event> = Api::namespaced(cluster.client.clone(), service.namespace.as_deref().unwrap_or_default());
    let about = ListParams::default()
        .fields(&format!("involvedObject.kind=Service,involvedObject.name={},reason=nodeAssigned", service.name));
    let mut clock = interval(Duration::from_millis(500));
    let began = Instant::now();
    loop {
        clock.tick().await;
        match api.list(&about).await {
            Ok(events) if !events.items.is_empty() => return Ok(()),
            Ok(_) if began.elapsed() > ANNOUNCED => {
                return Err(format!(
                    "no node has said within {} s that it answers for its address",
                    ANNOUNCED.as_secs()
                ));
            }
            Ok(_) => {}
            Err(error) => return Err(root(&error)),
        }
    }
}

/// The first packets after an address was given may find nobody who answers for it yet.
async fn page(address: IpAddr, port: u16) -> std::io::Result<String> {
    let mut clock = interval(Duration::from_millis(250));
    loop {
        clock.tick().await;
        match TcpStream::connect((address, port)).await {
            Err(error) if error.kind() == std::io::ErrorKind::HostUnreachable => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
            answer => return read(answer?).await,
        }
    }
}

async fn read(mut stream: TcpStream) -> std::io::Result<String> {
    stream.write_all(b"GET / HTTP/1.0\r\nHost: smoke\r\nConnection: close\r\n\r\n").await?;
    let mut page = Vec::new();
    stream.take(PAGE).read_to_end(&mut page).await?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The names and uids of the volumes that are bound to a namespace's claims.
pub async fn volumes(cluster: &Cluster, namespace: &str) -> Result<Vec<(String, String)>, kube::Error> {
    let all = Api::<PersistentVolume>::all(cluster.client.clone()).list(&ListParams::default()).await?;
    let bound = |volume: &PersistentVolume| {
        let claim = volume.spec.as_ref()?.claim_ref.as_ref()?;
        (claim.namespace.as_deref() == Some(namespace))
            .then(|| Some((volume.metadata.name.clone()?, volume.metadata.uid.clone()?)))?
    };
    Ok(all.iter().filter_map(bound).collect())
}

/// How many nodes take pods that tolerate nothing: with two of them, a shared volume has to be shown on both.
///
/// # Errors
/// When they cannot be listed.
pub async fn nodes_for_pods(cluster: &Cluster) -> Result<usize, kube::Error> {
    let nodes = Api::<Node>::all(cluster.client.clone()).list(&ListParams::default()).await?;
    let takes = |node: &&Node| serde_json::to_value(node).is_ok_and(|node| takes_pods(&node));
    Ok(nodes.iter().filter(takes).count())
}

/// Both pods of `assets/smoke-shared-path` are ready, so each has read what the other wrote; says where they are.
pub async fn shared(cluster: &Cluster, namespace: &str, apart: bool) -> Proof {
    let failed = |reason: &str, message: String| unproven(Prerequisite::SharedPath, None, reason, message);
    let pods = Api::<Pod>::namespaced(cluster.client.clone(), namespace).list(&ListParams::default()).await;
    let pods = pods.map_err(|error| failed("Unreadable", root(&error)))?;
    let node = |pod: &Pod| pod.spec.as_ref()?.node_name.clone();
    let nodes: BTreeSet<String> = pods.iter().filter(|pod| is_ready(pod)).filter_map(node).collect();
    let names: Vec<&str> = nodes.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => Err(failed("NoPods", "its pods are not there any more".to_owned())),
        [one] if apart => Err(failed("NotApart", format!("its pods are both on {one}, which shows nothing of others"))),
        names => {
            Ok(format!("pods on {} wrote to one file of a volume and read what the other wrote", names.join(" and ")))
        }
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The volumes are gone: the provisioner takes away what it made.
///
/// # Errors
/// The first that is still there, or cannot be asked for.
pub async fn gone(cluster: &Cluster, prerequisite: Prerequisite, volumes: &[(String, String)]) -> Result<(), Cause> {
    for (name, uid) in volumes {
        let api = Api::<PersistentVolume>::all(cluster.client.clone());
        let waited = timeout(GONE, await_condition(api, name, conditions::is_deleted(uid))).await;
        let volume = || Some(ObjectRef::new("v1", "PersistentVolume", None, name));
        let failed = |reason: &str, message: String| unproven(prerequisite, volume(), reason, message);
        match waited {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(failed("Unreadable", root(&error))),
            Err(_) => {
                let message = format!("it was still there {} s after its claim had gone", GONE.as_secs());
                return Err(failed("NotCleanedUp", message));
            }
        }
    }
    Ok(())
}

/// The webhook completed what was left out.
pub async fn defaulted(cluster: &Cluster, set: &ObjectRef) -> Proof {
    let kind = GroupVersionKind::gvk("apps.kruise.io", "v1alpha1", "CloneSet");
    let resource = ApiResource::from_gvk_with_plural(&kind, "clonesets");
    let api: Api<DynamicObject> =
        Api::namespaced_with(cluster.client.clone(), set.namespace.as_deref().unwrap_or_default(), &resource);
    let failed = |reason: &str, message: String| unproven(Prerequisite::Kruise, Some(set.clone()), reason, message);
    let live = api.get(&set.name).await.map_err(|error| failed("Unreadable", root(&error)))?;
    match live.data.pointer("/spec/updateStrategy/type").and_then(Value::as_str) {
        Some(strategy) => Ok(format!("a CloneSet was completed by its webhook (updateStrategy {strategy}) and scaled")),
        None => Err(failed("NotDefaulted", "its webhook has completed nothing".to_owned())),
    }
}
