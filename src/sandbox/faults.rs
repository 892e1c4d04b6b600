//! What can be broken in a sandbox, as data: to see what `install` and `doctor` say, and to practise recovery.

mod aim;
mod bindings;
mod strike;

pub(in crate::sandbox) use bindings::is_full;
mod unserved;

use std::collections::BTreeMap;

use serde_json::Value;

use super::store::time;
use super::world::World;
use crate::object::text;

pub use aim::Aim;
use strike::{MARK, press};

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
    lasts(
        "disk-read-only",
        "node",
        "the disk of a node has been remounted read-only: it can be read, and takes no writes",
    ),
    lasts("disk-full", "node", "the disk of a node that volumes lie on has no room left"),
    lasts("node-unreachable", "node", "a node is not heard of any more; its disk stays as it is"),
    strikes("node-away", "node", "a node is not heard of for twenty minutes, and comes back", strike::node_away),
    strikes(
        "node-gone",
        "node",
        "a node is deleted, with all that ran there; its disk stays as it is",
        strike::node_gone,
    ),
    strikes(
        "volume-lost",
        "volume or claim",
        "a PersistentVolume is deleted from the API, past its finalizers",
        strike::volume_lost,
    ),
    strikes(
        "volume-deleted",
        "volume or claim",
        "a PersistentVolume is deleted; bound, it only begins to go",
        strike::volume_deleted,
    ),
    strikes(
        "claim-released",
        "claim",
        "a PersistentVolumeClaim is gone, past its finalizers, and its volume is kept (policy Retain)",
        strike::claim_released,
    ),
    strikes(
        "claim-erased",
        "claim",
        "a PersistentVolumeClaim is gone, past its finalizers, with its volume and all that is on it",
        strike::claim_erased,
    ),
    strikes(
        "claim-deleted",
        "claim",
        "a PersistentVolumeClaim is deleted; in use, it only begins to go",
        strike::claim_deleted,
    ),
    strikes(
        "volume-emptied",
        "volume or claim",
        "everything on a volume is deleted; the API shows nothing of it",
        strike::volume_emptied,
    ),
    strikes(
        "volume-full",
        "claim",
        "the volume of a claim, of a network and of a class that lets it grow, has no room left",
        bindings::volume_full,
    ),
    strikes(
        "namespace-stuck",
        "namespace",
        "a namespace is deleted in which an object waits for a finalizer whose owner does not run",
        strike::namespace_stuck,
    ),
    strikes(
        "attach-stuck",
        "node",
        "a node is not heard of any more, and the volumes that it had are of the network and attached to it",
        bindings::attach_stuck,
    ),
    strikes(
        "claim-renewed",
        "claim",
        "a claim of a StatefulSet is gone with its pods, its volume is kept, and the set makes both anew",
        bindings::claim_renewed,
    ),
    strikes(
        "claim-misbound",
        "volume or claim",
        "a PersistentVolume is edited by hand: it names its claim with a uid that is nobody's, and is kept (policy Retain)",
        bindings::claim_misbound,
    ),
    strikes(
        "volumes-swapped",
        "volume or claim",
        "a PersistentVolume and another one of its namespace are edited by hand: each names the other's claim, and is kept",
        bindings::volumes_swapped,
    ),
    strikes(
        "class-gone",
        "claim",
        "a claim is made anew, and its StorageClass is deleted before it has a volume",
        unserved::class_gone,
    ),
    strikes(
        "provisioner-gone",
        "claim",
        "a claim is made anew, and whoever makes its volume was scaled to nothing",
        unserved::provisioner_gone,
    ),
    strikes(
        "claim-stranded",
        "claim",
        "a claim is made anew, and its volume is to be made on a node that is not there any more",
        unserved::claim_stranded,
    ),
    strikes("quota", "namespace", "a ResourceQuota that allows no further pod", strike::quota),
    strikes("no-storage-class", "", "the default StorageClass is deleted", strike::no_storage_class),
    lasts("certificate-expired", "", "the certificate of the API server has expired"),
    lasts("api-slow", "seconds", "every answer of the API server takes so long (without a target: 5)"),
    lasts("api-refusing", "403, 409, 429 or 500", "the API server answers every write so (without a target: 500)"),
    strikes("webhook-down", "", "a webhook that has to agree to every write cannot be reached", strike::webhook_down),
    strikes("dns-down", "", "the pods of the cluster's DNS crash", strike::dns_down),
    strikes(
        "disk-pressure",
        "node",
        "a node runs out of disk: it takes no pods, and throws out those that it has",
        strike::disk_pressure,
    ),
    strikes(
        "etcd-member-wiped",
        "pod or claim",
        "what a member of the application's etcd has written is gone, and the pod with it",
        strike::etcd_member_wiped,
    ),
    strikes(
        "etcd-wiped",
        "StatefulSet, pod or claim",
        "what all members of the application's etcd have written is gone, and their pods with it",
        strike::etcd_wiped,
    ),
    strikes(
        "etcd-corrupt",
        "pod or claim",
        "a file of a member of the application's etcd is cut off, and its pod started again",
        strike::etcd_corrupt,
    ),
    strikes(
        "etcd-full",
        "StatefulSet, pod or claim",
        "the application's etcd has used up the space that it may take, and takes no more writes",
        strike::etcd_full,
    ),
    strikes(
        "etcd-majority-gone",
        "StatefulSet, pod or claim",
        "the volumes of all members of the application's etcd but the last are gone, with all that was on them, and their pods",
        strike::etcd_majority_gone,
    ),
    strikes("etcd-quorum-lost", "", "most members of the application's etcd crash", strike::etcd_quorum_lost),
    strikes(
        "api-down",
        "seconds",
        "the API server does not answer for so long (without a target: an hour)",
        strike::api_down,
    ),
    strikes("secret-deleted", "secret", "a Secret is deleted", strike::secret_deleted),
];

/// The fault of this name.
pub fn find(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

impl Fault {
    /// Whether it strikes a node. In a sandbox of one node nothing would be left then.
    pub fn is_of_a_node(&self) -> bool {
        self.target == "node"
    }

    /// Whether it lasts until it is mended.
    pub fn is_lasting(&self) -> bool {
        matches!(self.does, Does::Lasts)
    }

    /// What has to happen before it is seen; nothing where it strikes at once.
    pub fn acts_on(&self) -> &'static str {
        match self.name {
            "image-missing" | "image-private" | "image-rate-limited" => {
                "the next pull: a rollout to an image that is not on the node, or another node"
            }
            "provisioner-away" | "no-storage-class" => "the next claim",
            "no-room" => "the next pod",
            "disk-read-only" | "disk-full" => "what is written from now on; `recover` sees it at once",
            "quota" | "webhook-down" | "api-refusing" => "the next write",
            "secret-deleted" => "the next start of a container that reads it",
            "volume-deleted" | "claim-deleted" => {
                "the next restart of the pod that uses it; until then nothing is lost"
            }
            _ => "",
        }
    }

    /// Whether it would strike anything.
    pub(super) fn aim(&self, world: &World, target: &str) -> Aim {
        aim::aim(self, world, target)
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
        "attach-stuck" => drop(world.faults.remove("node-unreachable")),
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
