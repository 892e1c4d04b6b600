//! What can be broken in a sandbox, as data: to see what `install` and `doctor` say, and to practise recovery.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::disks::Disks;
use super::store::address_of;
use super::world::World;
use crate::object::text;
use crate::snapshot::classes::is_default;

/// One thing that can be broken.
pub struct Fault {
    /// What it is called.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// What its target is: `sandbox fault NAME=TARGET`; without a target it strikes everything.
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
    lasts("crash", "container", "containers exit with code 1 as soon as they have started"),
    lasts("out-of-memory", "container", "containers are killed for want of memory as soon as they have started"),
    lasts("not-ready", "container", "readiness probes fail"),
    lasts("no-answer", "service", "the application behind a Service answers every request with 500"),
    lasts("provisioner-away", "", "nobody makes or deletes volumes"),
    lasts("no-room", "", "every node is full: no pod finds CPU"),
    lasts("node-unreachable", "node", "a node is not heard of any more; its disk stays as it is"),
    strikes("node-gone", "node", "a node is deleted, with all that ran there; its disk stays as it is", node_gone),
    strikes(
        "volume-lost",
        "volume or claim",
        "a PersistentVolume is deleted from the API, past its finalizers",
        volume_lost,
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
            "metadata": {"name": "sandbox-fault", "namespace": namespace["metadata"]["name"]}}));
    }
}

fn is_system(namespace: &str) -> bool {
    namespace.starts_with("kube-") || ["local-path-storage", "seaworthy-system"].contains(&namespace)
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

/// Takes back what a fault left behind: nodes that are gone come again, quotas of faults go.
pub(super) fn mend(world: &mut World) {
    world.faults.clear();
    world.away_until = None;
    let quotas: Vec<Value> = targets(world, "ResourceQuota", "sandbox-fault");
    for quota in &quotas {
        world.remove(quota);
    }
    super::harbour::nodes(world);
    let has_default = world.store.all("StorageClass").next().is_some();
    if !has_default {
        super::harbour::storage(world);
    }
}
