//! What can be broken in a sandbox, as data: to see what `install` and `doctor` say, and to practise recovery.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::disks::Disks;
use super::etcd;
use super::store::{address_of, time};
use super::world::World;
use crate::etcd::EtcdSet;
use crate::object::{items, text};
use crate::snapshot::classes::is_default;

/// One thing that can be broken.
pub struct Fault {
    /// What it is called.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// What its target is: `sandbox fault inject NAME=TARGET`; without a target it strikes everything.
    pub target: &'static str,
    does: Does,
}

enum Does {
    /// It lasts until it is mended.
    Lasts,
    /// It strikes once.
    Strikes(fn(&mut World, &str)),
}

/// Faults that last, with their targets; an empty target is everything.
pub(super) type Standing = BTreeMap<String, Vec<String>>;

const fn lasts(name: &'static str, target: &'static str, about: &'static str) -> Fault {
    Fault { name, about, target, does: Does::Lasts }
}

const fn strikes(name: &'static str, target: &'static str, about: &'static str, strike: fn(&mut World, &str)) -> Fault {
    Fault { name, about, target, does: Does::Strikes(strike) }
}

/// All of them.
pub const FAULTS: &[Fault] = &[
    lasts(
        "image-missing",
        "part of an image's name",
        "the registry has no such image; what is on the nodes already stays",
    ),
    lasts("image-private", "part of an image's name", "the registry asks for a login that nobody has given"),
    lasts(
        "image-rate-limited",
        "part of an image's name",
        "the registry has had too many requests from here, and refuses pulls",
    ),
    lasts("crash", "part of pod/container", "containers exit with code 1 as soon as they have started"),
    lasts("out-of-memory", "container", "containers are killed for want of memory as soon as they have started"),
    lasts("not-ready", "container", "readiness probes fail"),
    lasts("no-answer", "service", "the application behind a Service answers every request with 500"),
    lasts(
        "copy-truncated",
        "a number",
        "so many copies of volumes (without a target: all) end early on their way, and with success",
    ),
    lasts("no-tar", "part of an image's name", "containers have no tar, and so no volume can be copied in them"),
    lasts("provisioner-away", "", "nobody makes or deletes volumes"),
    lasts("no-room", "", "every node is full: no pod finds CPU"),
    lasts("node-unreachable", "node", "a node is not heard of any more; its disk stays as it is"),
    strikes("node-away", "node", "a node is not heard of for twenty minutes, and comes back", node_away),
    strikes("node-gone", "node", "a node is deleted, with all that ran there; its disk stays as it is", node_gone),
    strikes(
        "volume-lost",
        "volume or claim",
        "a PersistentVolume is deleted from the API, past its finalizers",
        volume_lost,
    ),
    strikes(
        "volume-deleted",
        "volume or claim",
        "a PersistentVolume is deleted; bound, it only begins to go",
        volume_deleted,
    ),
    strikes(
        "claim-released",
        "claim",
        "a PersistentVolumeClaim is gone, past its finalizers, and its volume is kept (policy Retain)",
        claim_released,
    ),
    strikes(
        "claim-erased",
        "claim",
        "a PersistentVolumeClaim is gone, past its finalizers, with its volume and all that is on it",
        claim_erased,
    ),
    strikes(
        "claim-deleted",
        "claim",
        "a PersistentVolumeClaim is deleted; in use, it only begins to go",
        claim_deleted,
    ),
    strikes(
        "volume-emptied",
        "volume or claim",
        "everything on a volume is deleted; the API shows nothing of it",
        volume_emptied,
    ),
    strikes("quota", "namespace", "a quota that allows no further pod", quota),
    strikes("no-storage-class", "", "the default StorageClass is deleted", no_storage_class),
    lasts("certificate-expired", "", "the certificate of the API server has expired"),
    lasts("api-slow", "seconds", "every answer of the API server takes so long (without a target: 5)"),
    lasts("api-refusing", "403, 409, 429 or 500", "the API server answers every write so (without a target: 500)"),
    strikes("webhook-down", "", "a webhook that has to agree to every write cannot be reached", webhook_down),
    strikes("dns-down", "", "the pods of the cluster's DNS crash", dns_down),
    strikes(
        "disk-pressure",
        "node",
        "a node runs out of disk: it takes no pods, and throws out those that it has",
        disk_pressure,
    ),
    strikes(
        "etcd-member-wiped",
        "pod or claim",
        "what a member of the application's etcd has written is gone, and the pod with it",
        etcd_member_wiped,
    ),
    strikes(
        "etcd-wiped",
        "StatefulSet, pod or claim",
        "what all members of the application's etcd have written is gone, and their pods with it",
        etcd_wiped,
    ),
    strikes(
        "etcd-corrupt",
        "pod or claim",
        "a file of a member of the application's etcd is cut off, and its pod started again",
        etcd_corrupt,
    ),
    strikes(
        "etcd-full",
        "StatefulSet, pod or claim",
        "the application's etcd has used up the space that it may take, and takes no more writes",
        etcd_full,
    ),
    strikes("etcd-quorum-lost", "", "most members of the application's etcd crash", etcd_quorum_lost),
    strikes("api-down", "seconds", "the API server does not answer for so long (without a target: an hour)", api_down),
    strikes("secret-deleted", "secret", "a Secret is deleted", secret_deleted),
];

/// The fault of this name.
pub fn find(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

impl Fault {
    /// Whether it lasts until it is mended.
    pub fn is_lasting(&self) -> bool {
        matches!(self.does, Does::Lasts)
    }

    pub(super) fn apply(&self, world: &mut World, target: &str) {
        match self.does {
            Does::Strikes(strike) => strike(world, target),
            Does::Lasts => {
                let targets = world.faults.entry(self.name.to_owned()).or_default();
                if !targets.iter().any(|known| known == target) {
                    targets.push(target.to_owned());
                }
            }
        }
    }
}

impl World {
    /// Whether a lasting fault is in force for something of this name.
    pub(super) fn suffers(&self, fault: &str, name: &str) -> bool {
        let targets = self.faults.get(fault);
        targets.is_some_and(|targets| targets.iter().any(|target| target.is_empty() || name.contains(target.as_str())))
    }
}

/// The names by which an object can be a target.
fn is_target(object: &Value, target: &str) -> bool {
    let name = text(object, "/metadata/name").unwrap_or_default();
    let namespace = text(object, "/metadata/namespace").unwrap_or_default();
    target.is_empty() || name == target || format!("{namespace}/{name}") == target
}

fn targets(world: &World, kind: &str, target: &str) -> Vec<Value> {
    world.store.all(kind).filter(|object| is_target(object, target)).cloned().collect()
}

/// Volumes by their own name or that of their claim.
fn volumes(world: &World, target: &str) -> Vec<Value> {
    let of_claim = |volume: &Value| {
        let part = |key: &str| volume["spec"]["claimRef"][key].as_str().unwrap_or_default().to_owned();
        part("name") == target || format!("{}/{}", part("namespace"), part("name")) == target
    };
    world
        .store
        .all("PersistentVolume")
        .filter(|volume| is_target(volume, target) || of_claim(volume))
        .cloned()
        .collect()
}

/// How long a node is away that comes back, seconds.
const AWAY: i64 = 1200;

fn node_away(world: &mut World, target: &str) {
    for node in targets(world, "Node", target) {
        let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
        lasting(world, "node-unreachable", name.clone());
        let back = world.now.saturating_add(jiff::SignedDuration::from_secs(AWAY)).unwrap_or(jiff::Timestamp::MAX);
        world.returns.insert(name, back);
    }
}

fn node_gone(world: &mut World, target: &str) {
    // Without a target one of them, not all: a cluster without nodes is another story.
    let count = if target.is_empty() { 1 } else { usize::MAX };
    let mut nodes = targets(world, "Node", target);
    nodes.reverse();
    nodes.into_iter().take(count).for_each(|node| world.remove(&node));
}

fn volume_lost(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.remove(&volume);
    }
}

fn volume_deleted(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.discard(&volume);
    }
}

fn claim_released(world: &mut World, target: &str) {
    for mut volume in volumes(world, target) {
        volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
        world.put(volume);
    }
    for claim in targets(world, "PersistentVolumeClaim", target) {
        world.remove(&claim);
    }
}

fn claim_erased(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.disks.erase(&Disks::place(&volume));
        world.remove(&volume);
    }
    for claim in targets(world, "PersistentVolumeClaim", target) {
        world.remove(&claim);
    }
}

fn claim_deleted(world: &mut World, target: &str) {
    for claim in targets(world, "PersistentVolumeClaim", target) {
        world.discard(&claim);
    }
}

fn volume_emptied(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.disks.make(&Disks::place(&volume)).clear();
    }
}

fn quota(world: &mut World, target: &str) {
    let own = |namespace: &&Value| !text(namespace, "/metadata/name").is_some_and(is_system);
    let namespaces: Vec<Value> = targets(world, "Namespace", target);
    for namespace in namespaces.iter().filter(own) {
        world.put(json!({"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "0"}},
            "metadata": {"name": MARK, "namespace": namespace["metadata"]["name"]}}));
    }
}

/// The namespaces of the cluster itself, and of our records.
const SYSTEM: [&str; 5] = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage", "seaworthy-system"];

fn is_system(namespace: &str) -> bool {
    SYSTEM.contains(&namespace)
}

fn no_storage_class(world: &mut World, _: &str) {
    let classes: Vec<Value> = world.store.all("StorageClass").filter(|class| is_default(class)).cloned().collect();
    for class in &classes {
        world.remove(class);
    }
}

fn api_down(world: &mut World, target: &str) {
    let seconds = target.parse().unwrap_or(3600);
    world.away_until = world.now.saturating_add(jiff::SignedDuration::from_secs(seconds)).ok();
}

fn secret_deleted(world: &mut World, target: &str) {
    let secrets = targets(world, "Secret", target);
    let mounted = secrets.iter().filter(|secret| !text(secret, "/metadata/namespace").is_some_and(is_system));
    mounted.filter_map(address_of).for_each(|address| drop(world.store.remove(&address)));
}

/// The name of what a fault puts into the cluster.
const MARK: &str = "sandbox-fault";
/// The taint of a node without disk.
const NO_DISK: &str = "node.kubernetes.io/disk-pressure";

fn webhook_down(world: &mut World, _: &str) {
    let rules = json!([{"apiGroups": ["", "apps", "batch"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"],
        "scope": "Namespaced"}]);
    // The cluster's own namespaces are let through, as careful installers do it.
    let others =
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": SYSTEM}]});
    let service = json!({"namespace": "sandbox-guard", "name": "guard", "path": "/judge", "port": 443});
    world.put(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": MARK}, "webhooks": [{"name": "guard.sandbox.example", "rules": rules, "clientConfig": {"service": service},
        "namespaceSelector": others, "objectSelector": {}, "matchPolicy": "Equivalent", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 10}]}));
}

fn lasting(world: &mut World, name: &str, target: String) {
    let targets = world.faults.entry(name.to_owned()).or_default();
    if !targets.contains(&target) {
        targets.push(target);
    }
}

fn dns_down(world: &mut World, _: &str) {
    lasting(world, "crash", "coredns".to_owned());
}

fn disk_pressure(world: &mut World, target: &str) {
    let now = time(world.now);
    for mut node in targets(world, "Node", target) {
        let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
        press(&mut node, true, &now);
        world.put(node);
        let own = |pod: &&Value| {
            text(pod, "/spec/nodeName") == Some(&name) && !text(pod, "/metadata/namespace").is_some_and(is_system)
        };
        let pods: Vec<Value> = world.store.all("Pod").filter(own).cloned().collect();
        for mut pod in pods {
            let message = "The node was low on resource: ephemeral-storage. ";
            pod["status"] = json!({"phase": "Failed", "reason": "Evicted", "message": message});
            let pod = world.put(pod);
            world.event(&pod, ("Warning", "Evicted"), message, "kubelet");
        }
    }
}

/// The condition and the taint of a node that has no disk left, or has it again.
fn press(node: &mut Value, pressed: bool, now: &str) {
    let (status, reason, message) = if pressed {
        ("True", "KubeletHasDiskPressure", "kubelet has disk pressure")
    } else {
        ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure")
    };
    for condition in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if condition["type"] == "DiskPressure" && condition["status"] != status {
            condition["status"] = status.into();
            condition["reason"] = reason.into();
            condition["message"] = message.into();
            condition["lastTransitionTime"] = now.into();
        }
    }
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    taints.retain(|taint| taint["key"] != NO_DISK);
    if pressed {
        taints.push(json!({"key": NO_DISK, "effect": "NoSchedule"}));
    }
    match node["spec"].as_object_mut() {
        Some(spec) if taints.is_empty() => {
            spec.shift_remove("taints");
        }
        _ => node["spec"]["taints"] = taints.into(),
    }
}

/// The pods in which a container is called etcd, of the applications.
fn members(world: &World) -> Vec<Value> {
    let is_member = |pod: &&Value| {
        items(pod, "/spec/containers").any(|container| container["name"] == "etcd")
            && !text(pod, "/metadata/namespace").is_some_and(is_system)
    };
    world.store.all("Pod").filter(is_member).cloned().collect()
}

fn etcd_member_wiped(world: &mut World, target: &str) {
    let Some(pod) = members(world).into_iter().find(|pod| is_member(pod, target)) else { return };
    wipe(world, &pod);
}

/// Whether a pod is meant, by its name or by that of a claim that it has.
fn is_member(pod: &Value, target: &str) -> bool {
    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
    is_target(pod, target) || claims_of(pod).any(|claim| claim == target || format!("{namespace}/{claim}") == target)
}

fn claims_of(pod: &Value) -> impl Iterator<Item = &str> {
    items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
}

fn wipe(world: &mut World, pod: &Value) {
    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
    for claim in claims_of(pod) {
        volume_emptied(world, &format!("{namespace}/{claim}"));
    }
    world.discard(pod);
}

/// The members of the etcds that are meant: by the name of the `StatefulSet`, or of one of their members.
fn crew(world: &World, target: &str) -> Vec<(EtcdSet, Vec<Value>)> {
    let of_it = |set: EtcdSet| {
        let pods = set.pods().into_iter().filter_map(|pod| world.find("Pod", Some(&set.namespace), &pod).cloned());
        let pods: Vec<Value> = pods.collect();
        (set, pods)
    };
    let is_meant = |(set, pods): &(EtcdSet, Vec<Value>)| {
        let by_set = world.find("StatefulSet", Some(&set.namespace), set.name());
        by_set.is_some_and(|set| is_target(set, target)) || pods.iter().any(|pod| is_member(pod, target))
    };
    etcd::harm::sets(world).into_iter().map(of_it).filter(is_meant).collect()
}

fn etcd_wiped(world: &mut World, target: &str) {
    for pod in crew(world, target).iter().flat_map(|(_, pods)| pods) {
        wipe(world, pod);
    }
}

fn etcd_corrupt(world: &mut World, target: &str) {
    let Some(pod) = members(world).into_iter().find(|pod| is_member(pod, target)) else { return };
    etcd::harm::corrupt(world, &pod);
    world.discard(&pod);
}

fn etcd_full(world: &mut World, target: &str) {
    for (set, _) in crew(world, target) {
        etcd::harm::fill(world, &set);
    }
}

fn etcd_quorum_lost(world: &mut World, _: &str) {
    let all = members(world);
    for pod in all.iter().take(all.len() / 2 + 1) {
        let target = format!("{}/etcd", text(pod, "/metadata/name").unwrap_or_default());
        lasting(world, "crash", target);
    }
}

/// Takes back one fault: what lasts ends, and what it left behind goes. What was deleted stays deleted, but for nodes and the
/// default class.
pub(super) fn heal(world: &mut World, name: &str) {
    world.faults.remove(name);
    match name {
        "api-down" => world.away_until = None,
        "node-away" => {
            let back = std::mem::take(&mut world.returns);
            for node in back.keys() {
                world.answers_again(node);
            }
        }
        "quota" => {
            for quota in targets(world, "ResourceQuota", MARK) {
                world.remove(&quota);
            }
        }
        "webhook-down" => {
            for hook in targets(world, "ValidatingWebhookConfiguration", MARK) {
                world.remove(&hook);
            }
        }
        "dns-down" | "etcd-quorum-lost" => {
            let of_it = |target: &str| if name == "dns-down" { target == "coredns" } else { target.ends_with("/etcd") };
            if let Some(crash) = world.faults.get_mut("crash") {
                crash.retain(|target| !of_it(target));
            }
            world.faults.retain(|_, targets| !targets.is_empty());
        }
        "disk-pressure" => {
            let now = time(world.now);
            for mut node in targets(world, "Node", "") {
                press(&mut node, false, &now);
                world.put(node);
            }
        }
        "node-gone" => super::harbour::nodes(world),
        "no-storage-class" if world.store.all("StorageClass").next().is_none() => super::harbour::storage(world),
        _ => {}
    }
}

/// Takes back every fault.
pub(super) fn mend(world: &mut World) {
    for fault in FAULTS {
        heal(world, fault.name);
    }
    world.faults.clear();
}
