//! Volumes that lie on a node that is away.

use jiff::Timestamp;
use serde_json::Value;

use super::{Loss, LossKind, was_read};
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::holders;
use crate::recover::Sighting;
use crate::recover::join::{claim_of, hosts, is_on_a_node, node_of_host};

/// A node that has not been heard of for this long is taken for away, seconds: as long as Kubernetes waits until it evicts pods.
const SILENCE: i64 = 300;
/// A pod that found no node for this long is a fact, seconds.
const UNSCHEDULED: i64 = 120;

/// Every bound volume that is tied to hosts of which none is there, or none answers.
pub(super) fn gone(sighting: &Sighting) -> Vec<Loss> {
    if !was_read(sighting, "Node") {
        return Vec::new();
    }
    let volumes = sighting.snapshot.of_kind("", "PersistentVolume");
    volumes
        .filter(|volume| text(volume, "/status/phase") == Some("Bound"))
        .filter_map(|volume| one(sighting, volume))
        .collect()
}

fn one(sighting: &Sighting, volume: &Value) -> Option<Loss> {
    let hosts = hosts(volume);
    let claim = claim_of(volume)?;
    let states: Vec<Host> = hosts.iter().map(|host| state(sighting, host)).collect();
    let away = |state: &Host| !matches!(state, Host::There);
    if hosts.is_empty() || !states.iter().all(away) {
        return None;
    }
    let kind = if states.iter().all(|state| matches!(state, Host::Absent)) {
        LossKind::NodeGone
    } else {
        LossKind::NodeUnreachable
    };
    let mut facts: Vec<String> = hosts.iter().zip(&states).filter_map(|(host, state)| state.fact(host)).collect();
    // Of several hosts of one volume each says the same; they are one fact.
    facts.truncate(1);
    facts.extend(pods_say(sighting, &claim));
    let mut loss = Loss::new(kind, Some(claim), ObjectRef::of(volume), facts);
    loss.node = hosts.first().map(|host| (*host).to_owned());
    Some(loss)
}

/// How a node is.
pub(super) enum Host {
    There,
    Absent,
    Silent(String),
}

impl Host {
    fn fact(&self, host: &str) -> Option<String> {
        match self {
            Self::There => None,
            Self::Absent => Some(format!("no node carries the host name {host}")),
            Self::Silent(since) => Some(format!("the node {host} has not been ready since {since}")),
        }
    }
}

pub(super) fn state(sighting: &Sighting, host: &str) -> Host {
    state_of(sighting, node_of_host(&sighting.snapshot, host))
}

/// How a node is, that is there or not.
pub(super) fn state_of(sighting: &Sighting, node: Option<&Value>) -> Host {
    let Some(node) = node else { return Host::Absent };
    let ready = items(node, "/status/conditions").find(|condition| condition["type"] == "Ready");
    let since = ready.and_then(|ready| text(ready, "/lastTransitionTime"));
    let well = ready.is_none_or(|ready| ready["status"] == "True");
    match since.filter(|since| !well && age(sighting.now, since) > SILENCE) {
        Some(since) => Host::Silent(since.to_owned()),
        None => Host::There,
    }
}

pub(super) fn age(now: Timestamp, since: &str) -> i64 {
    since.parse::<Timestamp>().map_or(0, |since| now.duration_since(since).as_secs())
}

/// What the pods that use the claim say of it: none runs, and one finds no node, or is stuck on the one that is away.
fn pods_say(sighting: &Sighting, claim: &ObjectRef) -> Option<String> {
    let pods: Vec<&Value> = holders(&sighting.snapshot, claim).collect();
    let going = |pod: &Value| text(pod, "/metadata/deletionTimestamp").is_some();
    if pods.iter().any(|pod| is_on_a_node(pod) && !going(pod)) {
        return None;
    }
    let name = |pod: &Value| text(pod, "/metadata/name").unwrap_or_default().to_owned();
    if let Some(pod) = pods.iter().find(|pod| unscheduled(sighting, pod)) {
        return Some(format!("pod {} has found no node for {} min", name(pod), UNSCHEDULED / 60));
    }
    let stuck = pods.iter().find(|pod| is_on_a_node(pod) && going(pod))?;
    Some(format!("pod {} is stuck there, being deleted", name(stuck)))
}

/// Whether a pod has found no node for so long that it is a fact.
pub(super) fn unscheduled(sighting: &Sighting, pod: &Value) -> bool {
    items(pod, "/status/conditions").any(|condition| {
        condition["type"] == "PodScheduled"
            && condition["reason"] == "Unschedulable"
            && text(condition, "/lastTransitionTime").is_some_and(|since| age(sighting.now, since) > UNSCHEDULED)
    })
}
