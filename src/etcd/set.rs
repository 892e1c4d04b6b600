//! Which `StatefulSet`s are an etcd: what a stack says by a label, or what the container and its arguments show.

use serde_json::Value;

use super::{CLIENT_PORT, Member, ROLE_LABEL};
use crate::object::{ObjectRef, items, number, text};
use crate::plan::verb::Pinned;
use crate::snapshot::Snapshot;
use crate::stack::stand_in;

/// Where a pod template says whether a member founds a cluster or joins one (`--initial-cluster-state`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateField {
    /// JSON pointer to the text in the `StatefulSet`.
    pub pointer: String,
    /// What stands before `new` or `existing` in it.
    pub prefix: String,
    /// `new`, `existing`.
    pub now: String,
}

/// A `StatefulSet` whose pods are the members of an etcd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdSet {
    /// Which.
    pub pinned: Pinned,
    /// Its namespace.
    pub namespace: String,
    /// Members that are wanted.
    pub replicas: u32,
    /// The number of the first.
    pub first: u32,
    /// The container that runs it.
    pub container: String,
    /// Where it serves clients.
    pub port: u16,
    /// Whether clients are served over TLS.
    pub tls: bool,
    /// The claim template that its data is on.
    pub template: Option<String>,
    /// All members with their addresses, as the template has them (`--initial-cluster`).
    pub cluster: Option<String>,
    /// Where it says whether it founds or joins; `None`: nowhere, which means that it founds.
    pub state: Option<StateField>,
}

impl EtcdSet {
    /// The name of its pods, by their number.
    pub fn pods(&self) -> Vec<String> {
        (self.first..self.first + self.replicas).map(|number| format!("{}-{number}", self.name())).collect()
    }

    /// Its own name.
    pub fn name(&self) -> &str {
        &self.pinned.object.name
    }

    /// The claim that holds the data of the member in this pod.
    pub fn claim(&self, pod: &str) -> Option<ObjectRef> {
        let template = self.template.as_ref()?;
        Some(ObjectRef::new("v1", "PersistentVolumeClaim", Some(&self.namespace), &format!("{template}-{pod}")))
    }

    /// Where the others find the member in this pod, as the template has it.
    pub fn peer(&self, pod: &str) -> Option<String> {
        let mut pairs = self.cluster.as_deref()?.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, url)| *name == pod || host(url) == pod).map(|(_, url)| url.to_owned())
    }

    /// A pod of it.
    pub fn pod(&self, name: &str) -> ObjectRef {
        ObjectRef::new("v1", "Pod", Some(&self.namespace), name)
    }
}

/// Every etcd that there is.
pub fn sets(snapshot: &Snapshot) -> Vec<EtcdSet> {
    snapshot.of_kind("apps", "StatefulSet").filter_map(of).collect()
}

/// The etcd of which a claim holds a member's data, and that member's pod.
pub fn of_claim(snapshot: &Snapshot, claim: &ObjectRef) -> Option<(EtcdSet, String)> {
    sets(snapshot).into_iter().find_map(|set| {
        let pod = set.pods().into_iter().find(|pod| set.claim(pod).as_ref() == Some(claim))?;
        Some((set, pod))
    })
}

/// The member that runs in a pod: by the host in its peers' address, which stands also for one that has not started; else by its name.
pub fn member_of<'a>(members: &'a [Member], pod: &str) -> Option<&'a Member> {
    let by_address = |member: &&Member| member.peers.iter().any(|url| host(url) == pod);
    members.iter().find(by_address).or_else(|| members.iter().find(|member| member.name == pod))
}

/// The first label of the host in an address.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['.', ':', '/']).next().unwrap_or_default()
}

/// What a `StatefulSet` is as an etcd; `None`: it is none.
pub fn of(set: &Value) -> Option<EtcdSet> {
    // What stands in for one answers probes, and has neither members nor data.
    if set["spec"]["template"]["metadata"]["labels"].get(stand_in::LABEL).is_some() {
        return None;
    }
    let labelled = |template: &&Value| template["metadata"]["labels"][ROLE_LABEL] == "etcd";
    let role = items(set, "/spec/volumeClaimTemplates").find(labelled);
    let containers = || items(set, "/spec/template/spec/containers").enumerate();
    let (index, container) = containers()
        .find(|(_, container)| runs_etcd(container))
        .or_else(|| containers().next().filter(|_| role.is_some()))?;
    let listen = setting(container, "listen-client-urls", "ETCD_LISTEN_CLIENT_URLS");
    let port = listen.as_deref().and_then(port_of).or_else(|| named_port(container));
    let template = role.or_else(|| mounted(set, container)).and_then(|template| text(template, "/metadata/name"));
    Some(EtcdSet {
        pinned: Pinned::of(set)?,
        namespace: text(set, "/metadata/namespace")?.to_owned(),
        replicas: number(set, "/spec/replicas").map_or(Some(1), |count| u32::try_from(count).ok())?,
        first: number(set, "/spec/ordinals/start").and_then(|first| u32::try_from(first).ok()).unwrap_or(0),
        container: text(container, "/name")?.to_owned(),
        // A container that only looks like one has to serve clients somewhere.
        port: port.or_else(|| role.map(|_| CLIENT_PORT))?,
        cluster: setting(container, "initial-cluster", "ETCD_INITIAL_CLUSTER"),
        tls: listen.is_some_and(|urls| urls.starts_with("https")),
        template: template.map(str::to_owned),
        state: state(container, index),
    })
}

/// Whether the image, or the program that is started, is called etcd.
fn runs_etcd(container: &Value) -> bool {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let image = text(container, "/image").unwrap_or_default();
    let image = last(image.split('@').next().unwrap_or_default());
    let program = items(container, "/command").next().and_then(Value::as_str).map(last);
    image.split(':').next() == Some("etcd") || program.as_deref() == Some("etcd")
}

/// The claim template whose volume the container mounts.
pub(super) fn mounted<'a>(set: &'a Value, container: &Value) -> Option<&'a Value> {
    items(set, "/spec/volumeClaimTemplates")
        .find(|template| items(container, "/volumeMounts").any(|mount| mount["name"] == template["metadata"]["name"]))
}

/// A setting of etcd: a flag, or a variable of its environment.
pub(super) fn setting(container: &Value, flag: &str, variable: &str) -> Option<String> {
    let flag = format!("--{flag}=");
    let words = items(container, "/command").chain(items(container, "/args")).filter_map(Value::as_str);
    let by_flag = words.filter_map(|word| word.strip_prefix(&flag)).last();
    let by_variable =
        items(container, "/env").find(|pair| pair["name"] == variable).and_then(|pair| text(pair, "/value"));
    by_flag.or(by_variable).map(str::to_owned)
}

fn port_of(urls: &str) -> Option<u16> {
    urls.split(',').next()?.trim_end_matches('/').rsplit(':').next()?.parse().ok()
}

fn named_port(container: &Value) -> Option<u16> {
    let client = |port: &&Value| port["name"] == "client" || port["containerPort"] == CLIENT_PORT;
    let port = items(container, "/ports").find(client)?;
    port["containerPort"].as_u64().and_then(|port| u16::try_from(port).ok())
}

/// Flags win over the environment, in etcd as here.
fn state(container: &Value, index: usize) -> Option<StateField> {
    const FLAG: &str = "--initial-cluster-state=";
    let place = format!("/spec/template/spec/containers/{index}");
    for list in ["args", "command"] {
        let words = items(container, &format!("/{list}")).enumerate();
        let found = words.filter_map(|(at, word)| Some((at, word.as_str()?.strip_prefix(FLAG)?))).last();
        if let Some((at, now)) = found {
            let pointer = format!("{place}/{list}/{at}");
            return Some(StateField { pointer, prefix: FLAG.to_owned(), now: now.to_owned() });
        }
    }
    let mut pairs = items(container, "/env").enumerate();
    let (at, pair) = pairs.find(|(_, pair)| pair["name"] == "ETCD_INITIAL_CLUSTER_STATE")?;
    let now = text(pair, "/value")?.to_owned();
    Some(StateField { pointer: format!("{place}/env/{at}/value"), prefix: String::new(), now })
}

#[cfg(test)]
mod tests;
