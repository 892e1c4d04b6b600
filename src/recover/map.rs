//! The storage map: each claim with who uses it, its volume, and the node on which the bytes lie; broken links named. Pure.

use jiff::Timestamp;
use serde_json::Value;

use super::join::{self, claim_of, hosts, place_of, volume_ref};
use crate::doctor::stall;
use crate::object::{ObjectRef, text};
use crate::plan::verb::holders;
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::is_ready;

/// A claim, or a volume that no claim has, on its way to the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// The claim; `None` for a volume that nobody claims.
    pub claim: Option<ObjectRef>,
    /// `Bound`, `Pending`, `Lost`, `Terminating`; of a volume without a claim its own phase.
    pub phase: String,
    /// How much: `10Gi`.
    pub size: String,
    /// Its class; empty where it names none.
    pub class: String,
    /// The pods that have it mounted, or wait for it.
    pub pods: Vec<String>,
    /// The volume, once there is to be one.
    pub volume: Option<String>,
    /// What becomes of the bytes when the claim is deleted: `Retain`, `Delete`.
    pub reclaim: String,
    /// Where the bytes are: `/opt/x on node-1`.
    pub place: String,
    /// The nodes that the volume is tied to.
    pub nodes: Vec<String>,
    /// The first link that is broken, and how.
    pub broken: Option<Break>,
}

/// A link that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Which one.
    pub link: Link,
    /// What is wrong with it.
    pub why: String,
}

/// The links of a chain, from the pod to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// From the claim to its volume.
    Volume,
    /// From the volume to its node.
    Node,
}

/// All chains: those of claims by namespace and name, then volumes that nobody claims.
pub fn chains(snapshot: &Snapshot, now: Timestamp) -> Vec<Chain> {
    let claims = snapshot.of_kind("", "PersistentVolumeClaim").filter_map(|claim| of_claim(claim, snapshot, now));
    let is_claimed = |volume: &&Value| {
        let claim = claim_of(volume).and_then(|claim| snapshot.get(&claim));
        claim.is_some_and(|claim| text(claim, "/spec/volumeName") == text(volume, "/metadata/name"))
    };
    let free = snapshot.of_kind("", "PersistentVolume").filter(|volume| !is_claimed(volume));
    claims.chain(free.map(|volume| of_volume(volume, snapshot))).collect()
}

fn of_claim(claim: &Value, snapshot: &Snapshot, now: Timestamp) -> Option<Chain> {
    let reference = ObjectRef::of(claim)?;
    let name = text(claim, "/spec/volumeName").filter(|name| !name.is_empty());
    let volume = name.and_then(|name| snapshot.get(&volume_ref(name)));
    let is_going = claim["metadata"].get("deletionTimestamp").is_some();
    let phase = if is_going { "Terminating" } else { text(claim, "/status/phase").unwrap_or("Pending") };
    let size = text(claim, "/status/capacity/storage").or(text(claim, "/spec/resources/requests/storage"));
    let pods = holders(snapshot, &reference).filter_map(|pod| text(pod, "/metadata/name")).map(str::to_owned);
    let mut chain = Chain {
        phase: phase.to_owned(),
        size: size.unwrap_or("?").to_owned(),
        class: text(claim, "/spec/storageClassName").unwrap_or_default().to_owned(),
        pods: pods.collect(),
        volume: name.map(str::to_owned),
        ..bytes(volume, snapshot)
    };
    let lacking = || {
        let volume_is_known = !snapshot.is_unread("PersistentVolume");
        match (name, volume) {
            (Some(name), None) if volume_is_known => Some(format!("volume {name} is not there any more")),
            (_, Some(volume)) => other_claim(volume, claim),
            (None, None) => stall::cause(&reference, snapshot, now)
                .filter(|cause| cause.outlook > crate::doctor::Outlook::Passing)
                .map(|cause| cause.message),
            (Some(_), None) => None,
        }
    };
    if let Some(why) = lacking() {
        chain.broken = Some(Break { link: Link::Volume, why });
    }
    chain.claim = Some(reference);
    Some(chain)
}

/// A volume belongs to one incarnation of a claim.
fn other_claim(volume: &Value, claim: &Value) -> Option<String> {
    let name = text(volume, "/metadata/name").unwrap_or_default();
    let of = claim_of(volume);
    if of.as_ref() != ObjectRef::of(claim).as_ref() {
        let of = of.map_or_else(|| "no claim".to_owned(), |of| of.short());
        return Some(format!("volume {name} belongs to {of}"));
    }
    let (theirs, own) = (text(volume, "/spec/claimRef/uid"), text(claim, "/metadata/uid"));
    (theirs.is_some() && theirs != own).then(|| format!("volume {name} belongs to an earlier claim of this name"))
}

fn of_volume(volume: &Value, snapshot: &Snapshot) -> Chain {
    let part = |pointer| text(volume, pointer).unwrap_or_default().to_owned();
    let mut chain = Chain {
        phase: part("/status/phase"),
        size: part("/spec/capacity/storage"),
        class: part("/spec/storageClassName"),
        volume: Some(part("/metadata/name")),
        ..bytes(Some(volume), snapshot)
    };
    if chain.phase == "Failed" {
        let why = text(volume, "/status/message").unwrap_or("it could not be deleted").to_owned();
        chain.broken.get_or_insert(Break { link: Link::Volume, why });
    }
    chain
}

/// What a volume says of where its bytes are.
fn bytes(volume: Option<&Value>, snapshot: &Snapshot) -> Chain {
    let nodes: Vec<String> = volume.map(hosts).unwrap_or_default().into_iter().map(str::to_owned).collect();
    let reclaim = volume.and_then(|volume| text(volume, "/spec/persistentVolumeReclaimPolicy"));
    Chain {
        reclaim: reclaim.unwrap_or_default().to_owned(),
        place: volume.map(place_of).unwrap_or_default(),
        broken: on_nodes(&nodes, snapshot).map(|why| Break { link: Link::Node, why }),
        nodes,
        ..Chain::default()
    }
}

/// Bytes are out of reach when no node that has them can run a pod.
fn on_nodes(hosts: &[String], snapshot: &Snapshot) -> Option<String> {
    if hosts.is_empty() || snapshot.is_unread("Node") {
        return None;
    }
    let found: Vec<&Value> = hosts.iter().filter_map(|host| join::node_of_host(snapshot, host)).collect();
    let names = hosts.join(", ");
    if found.is_empty() {
        return Some(format!("node {names} is not there any more"));
    }
    (!found.iter().any(|node| is_ready(node))).then(|| format!("node {names} is not ready"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn picture(objects: &[Value]) -> Snapshot {
        objects.iter().cloned().collect()
    }

    fn claim(name: &str, volume: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "n", "uid": format!("uid-{name}")},
            "spec": {"volumeName": volume, "storageClassName": "local-path", "resources": {"requests": {"storage": "1Gi"}}},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}})
    }

    fn volume(name: &str, claim: &str, node: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Delete", "hostPath": {"path": "/data"},
                "claimRef": {"namespace": "n", "name": claim, "uid": format!("uid-{claim}")},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                    {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]}}},
            "status": {"phase": "Bound"}})
    }

    fn node(name: &str, ready: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn broken(objects: &[Value]) -> Option<Break> {
        let chains = chains(&picture(objects), Timestamp::UNIX_EPOCH);
        assert_eq!(chains.len(), 1, "{chains:#?}");
        chains[0].broken.clone()
    }

    #[test]
    fn a_whole_chain_has_no_broken_link() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
            "spec": {"nodeName": "a", "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]}, "status": {"phase": "Running"}});
        let whole = picture(&[claim("c", "v"), volume("v", "c", "a"), node("a", "True"), pod]);
        let chains = chains(&whole, Timestamp::UNIX_EPOCH);
        assert_eq!(chains.len(), 1);
        assert_eq!(chains[0].broken, None);
        assert_eq!((chains[0].pods.as_slice(), chains[0].place.as_str()), (["p".to_owned()].as_slice(), "/data on a"));
        assert_eq!((chains[0].reclaim.as_str(), chains[0].nodes.as_slice()), ("Delete", ["a".to_owned()].as_slice()));
    }

    #[test]
    fn every_broken_link_is_named() {
        let gone = broken(&[claim("c", "v"), node("a", "True")]).unwrap();
        assert_eq!((gone.link, gone.why.as_str()), (Link::Volume, "volume v is not there any more"));
        let away = broken(&[claim("c", "v"), volume("v", "c", "b"), node("a", "True")]).unwrap();
        assert_eq!((away.link, away.why.as_str()), (Link::Node, "node b is not there any more"));
        let down = broken(&[claim("c", "v"), volume("v", "c", "a"), node("a", "Unknown")]).unwrap();
        assert_eq!((down.link, down.why.as_str()), (Link::Node, "node a is not ready"));
        let mut again = claim("c", "v");
        again["metadata"]["uid"] = "another".into();
        let other = broken(&[again, volume("v", "c", "a"), node("a", "True")]).unwrap();
        assert_eq!(other.why, "volume v belongs to an earlier claim of this name");
    }

    #[test]
    fn what_could_not_be_read_is_not_gone() {
        let mut blind = picture(&[claim("c", "v")]);
        let unread = |kind: &str| crate::snapshot::Unread {
            kind: kind.to_owned(),
            namespace: None,
            why: "forbidden".to_owned(),
        };
        blind.unread = vec![unread("PersistentVolume"), unread("Node")];
        assert_eq!(chains(&blind, Timestamp::UNIX_EPOCH)[0].broken, None);
    }

    #[test]
    fn a_volume_that_nobody_claims_is_a_chain_of_its_own() {
        let mut released = volume("v", "was", "a");
        released["status"]["phase"] = "Released".into();
        let chains = chains(&picture(&[released, node("a", "True")]), Timestamp::UNIX_EPOCH);
        assert_eq!((chains[0].claim.as_ref(), chains[0].phase.as_str()), (None, "Released"));
    }
}
