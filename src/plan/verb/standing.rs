//! How a verb stands in the cluster as it is: proven, open, or shut. Pure; the engine reads, and asks here.

use serde_json::Value;

use super::words::shown;
use super::{HELPER, ORIGINAL_REPLICAS, Pinned, QUARANTINE, RESTARTED_AT, Verb};
use super::{rollback, set};
use crate::object::{ObjectRef, at, items, number, text};
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::is_ready;

/// How a verb stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its proof holds.
    Proven {
        /// What was seen.
        note: String,
    },
    /// Its gate is not open yet, and opens by itself: a controller has still to see what was done before.
    Early {
        /// What is seen so far.
        progress: String,
    },
    /// Its proof does not hold, and it may be done.
    Open {
        /// What is seen so far.
        progress: String,
    },
    /// Neither its proof nor its gate holds: somebody else has been here.
    Shut {
        /// What is there, beside what was expected.
        why: String,
    },
}

fn proven(note: impl Into<String>) -> Standing {
    Standing::Proven { note: note.into() }
}

fn open(progress: impl Into<String>) -> Standing {
    Standing::Open { progress: progress.into() }
}

fn shut(why: impl Into<String>) -> Standing {
    Standing::Shut { why: why.into() }
}

/// The pods that name a claim among their volumes, whatever their phase: each holds it (`kubernetes.io/pvc-protection` lets go
/// only when the pod object is gone, also of one that has finished).
pub fn holders<'a>(snapshot: &'a Snapshot, claim: &'a ObjectRef) -> impl Iterator<Item = &'a Value> {
    let names = |pod: &&Value| {
        text(pod, "/metadata/namespace") == claim.namespace.as_deref()
            && items(pod, "/spec/volumes")
                .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == Some(&claim.name))
    };
    snapshot.of_kind("", "Pod").filter(names)
}

/// Whether a pod was made to copy a volume, by whatever run.
pub fn is_helper(pod: &Value) -> bool {
    pod["metadata"]["labels"][HELPER].is_string()
}

impl Verb {
    /// How it stands in this picture, which must hold what [`Verb::reads`] and [`Verb::reads_pods`] name. What could not be read
    /// is never taken for gone.
    pub fn standing(&self, snapshot: &Snapshot) -> Standing {
        if let Some(unread) = self.unread(snapshot) {
            return shut(unread);
        }
        match self {
            Self::Keep { volume, quarantine } => keep(snapshot, volume, quarantine.as_deref()),
            Self::Scale { workload, to, original } => scale(snapshot, workload, (*to, *original)),
            Self::Unreferenced { claim } => unreferenced(snapshot, claim),
            Self::Delete { object } => delete(snapshot, object),
            Self::Release { volume, claim } => release(snapshot, volume, claim),
            Self::Free { volume, claim_uid } => free(snapshot, volume, claim_uid),
            Self::Create { object, instead_of } => create(snapshot, object, instead_of.as_deref()),
            Self::Bound { claim, volume } => bound(snapshot, claim, volume.as_deref()),
            Self::NodeReady { node, host } => node_ready(snapshot, node, host),
            Self::Restart { workload, at } => restart(snapshot, workload, at),
            Self::Set { object, fields, .. } => match same(snapshot, object) {
                Ok(live) => set::standing(live, fields),
                Err(standing) => standing,
            },
            Self::RollBack { workload, from, to, ready, .. } => {
                rollback::standing(snapshot, [workload, from, to], *ready)
            }
            Self::Renew { claim, pod } => super::renew::standing(snapshot, claim, pod),
            Self::Tend { object, act } => act.standing(snapshot, object),
            // Files, logs, containers, people and members of an etcd are no objects: the engine looks at them itself.
            Self::Export { .. }
            | Self::Follow { .. }
            | Self::Count { .. }
            | Self::CopyOut { .. }
            | Self::CopyIn { .. }
            | Self::Secrets(_)
            | Self::Seal { .. }
            | Self::Seed(_)
            | Self::Etcd { .. }
            | Self::Ask { .. } => open(""),
        }
    }

    fn unread(&self, snapshot: &Snapshot) -> Option<String> {
        let kinds = self.reads();
        let concerned = |kind: &str| {
            kinds.iter().any(|object| object.kind == kind) || (kind == "Pod" && self.reads_pods().is_some())
        };
        let unread = snapshot.unread.iter().find(|unread| concerned(&unread.kind))?;
        Some(format!("{} could not be read: {}", unread.kind, unread.why))
    }
}

/// The live object when it is the incarnation that was seen.
pub(super) fn same<'a>(snapshot: &'a Snapshot, pinned: &Pinned) -> Result<&'a Value, Standing> {
    let live = snapshot.get(&pinned.object);
    match live {
        Some(live) if text(live, "/metadata/uid") == Some(&pinned.uid) => Ok(live),
        _ => Err(shut(format!("{} was uid {}; now {}", pinned.object, pinned.uid, shown(live)))),
    }
}

fn keep(snapshot: &Snapshot, volume: &Pinned, quarantine: Option<&str>) -> Standing {
    let live = match same(snapshot, volume) {
        Ok(live) => live,
        Err(standing) => return standing,
    };
    let policy = text(live, "/spec/persistentVolumeReclaimPolicy").unwrap_or("Retain");
    let marked = quarantine.is_none_or(|why| live["metadata"]["labels"][QUARANTINE] == why);
    if policy == "Retain" && marked { proven("Retain") } else { open(format!("policy {policy}")) }
}

fn scale(snapshot: &Snapshot, workload: &Pinned, (to, original): (i64, i64)) -> Standing {
    let live = match same(snapshot, workload) {
        Ok(live) => live,
        Err(standing) => return standing,
    };
    let wanted = number(live, "/spec/replicas").unwrap_or(1);
    let there = number(live, "/status/replicas").unwrap_or(0);
    let ready = number(live, "/status/readyReplicas").unwrap_or(0);
    let seen = number(live, "/status/observedGeneration") >= number(live, "/metadata/generation");
    let remembered = live["metadata"]["annotations"][ORIGINAL_REPLICAS].is_string();
    if wanted == to && remembered == (to == 0) && seen && there == to && ready == to && is_available(live, to) {
        return proven(format!("{ready} of {to} ready"));
    }
    if wanted == to || wanted == original || wanted == 0 {
        return open(format!("{there} there, {ready} ready, {to} wanted"));
    }
    shut(format!(
        "{} was seen with {original} replicas and is to have {to}; somebody gave it {wanted}",
        workload.object
    ))
}

fn unreferenced(snapshot: &Snapshot, claim: &ObjectRef) -> Standing {
    let held: Vec<String> = holders(snapshot, claim).map(pod_words).collect();
    if held.is_empty() { proven("no pod names it") } else { open(format!("held by {}", held.join(", "))) }
}

/// Why what takes a claim from its pods is not done yet: a pod on its way out lets go by itself, any other one is somebody's.
fn held(snapshot: &Snapshot, claim: &ObjectRef, is: &str) -> Option<Standing> {
    let Standing::Open { progress } = unreferenced(snapshot, claim) else { return None };
    let stays = holders(snapshot, claim).any(|pod| text(pod, "/metadata/deletionTimestamp").is_none());
    let seen = format!("{claim} {is} {progress}");
    Some(if stays { shut(seen) } else { Standing::Early { progress: seen } })
}

fn pod_words(pod: &Value) -> String {
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let phase = text(pod, "/status/phase").unwrap_or("of no phase");
    let going = if text(pod, "/metadata/deletionTimestamp").is_some() { ", being deleted" } else { "" };
    let node = text(pod, "/spec/nodeName").map_or_else(String::new, |node| format!(" on {node}"));
    format!("{name} ({phase}{going}{node})")
}

fn delete(snapshot: &Snapshot, object: &Pinned) -> Standing {
    let Some(live) = snapshot.get(&object.object) else { return proven("gone") };
    if text(live, "/metadata/uid") != Some(&object.uid) {
        return proven("gone; another one has its name");
    }
    if object.object.kind == "Node" && is_ready(live) {
        return shut(format!("{} is ready again: its machine runs, and so do its pods", object.object));
    }
    if object.object.kind == "PersistentVolumeClaim"
        && let Some(held) = held(snapshot, &object.object, "is to be deleted, and is")
    {
        return held;
    }
    open(if text(live, "/metadata/deletionTimestamp").is_some() { "being deleted" } else { "there" })
}

fn release(snapshot: &Snapshot, volume: &Pinned, claim: &ObjectRef) -> Standing {
    let Some(live) = snapshot.get(&volume.object) else { return proven("gone; the bytes stay") };
    if text(live, "/metadata/uid") != Some(&volume.uid) {
        return proven("gone; it was made anew");
    }
    if text(live, "/metadata/deletionTimestamp").is_none()
        || text(live, "/spec/persistentVolumeReclaimPolicy") != Some("Retain")
    {
        return shut(format!("{} is to be let go with policy Retain; now {}", volume.object, shown(Some(live))));
    }
    held(snapshot, claim, "is").unwrap_or_else(|| open("its finalizers hold it"))
}

fn free(snapshot: &Snapshot, volume: &Pinned, claim_uid: &str) -> Standing {
    let live = match same(snapshot, volume) {
        Ok(live) => live,
        Err(standing) => return standing,
    };
    if at(live, "/spec/claimRef/name").is_none() {
        return shut(format!("{} names no claim at all: any claim may take it", volume.object));
    }
    let phase = text(live, "/status/phase").unwrap_or_default();
    if text(live, "/spec/claimRef/uid") != Some(claim_uid) {
        return proven(format!("phase {phase}"));
    }
    let kept = text(live, "/spec/persistentVolumeReclaimPolicy") == Some("Retain");
    // The claim has gone a moment ago; the volume says so once its controller has looked.
    if phase == "Bound" && kept {
        return Standing::Early { progress: format!("{} is not Released yet", volume.object) };
    }
    if phase != "Released" || !kept {
        return shut(format!("{} is to be Released with policy Retain; now {}", volume.object, shown(Some(live))));
    }
    open("Released")
}

/// What makes a claim, a volume or a class the one that is wanted.
const IDENTITY: [&str; 8] = [
    "/spec/volumeName",
    "/spec/claimRef/uid",
    "/spec/hostPath/path",
    "/spec/local/path",
    "/spec/csi",
    "/spec/nfs",
    "/provisioner",
    "/parameters",
];

fn create(snapshot: &Snapshot, wanted: &Value, instead_of: Option<&str>) -> Standing {
    let Some(reference) = ObjectRef::of(wanted) else { return shut("the object to make has no name") };
    let Some(live) = snapshot.get(&reference) else { return open("not there") };
    let uid = text(live, "/metadata/uid");
    if uid.is_some() && uid == instead_of {
        return shut(format!("the old {reference} is still there: {}", shown(Some(live))));
    }
    let differs = |pointer: &&&str| at(wanted, pointer).is_some() && at(wanted, pointer) != at(live, pointer);
    match IDENTITY.iter().find(differs) {
        None => proven(shown(Some(live))),
        Some(pointer) => shut(format!("somebody made another {reference}: {} differs; {}", pointer, shown(Some(live)))),
    }
}

fn bound(snapshot: &Snapshot, claim: &ObjectRef, volume: Option<&str>) -> Standing {
    let Some(live) = snapshot.get(claim) else { return shut(format!("{claim} is not there")) };
    let (phase, name) = (text(live, "/status/phase").unwrap_or_default(), text(live, "/spec/volumeName"));
    let Some(volume) = volume else {
        return match name {
            Some(name) if phase == "Bound" => proven(format!("Bound to {name}")),
            _ => open(format!("phase {phase}")),
        };
    };
    if name.is_some_and(|name| name != volume) {
        return shut(format!("{claim} is to be bound to {volume}; now {}", shown(Some(live))));
    }
    let other = snapshot.get(&ObjectRef::new("v1", "PersistentVolume", None, volume));
    let Some(other) = other else { return shut(format!("PersistentVolume/{volume} is not there")) };
    let theirs = text(other, "/status/phase").unwrap_or_default();
    let each_other = name == Some(volume) && text(other, "/spec/claimRef/uid") == text(live, "/metadata/uid");
    if each_other && phase == "Bound" && theirs == "Bound" {
        return proven(format!("Bound to {volume}"));
    }
    open(format!("claim {phase}, volume {theirs}"))
}

fn node_ready(snapshot: &Snapshot, node: &str, host: &str) -> Standing {
    let Some(live) = snapshot.get(&ObjectRef::new("v1", "Node", None, node)) else {
        return open(format!("there is no node {node}"));
    };
    let named = live["metadata"]["labels"]["kubernetes.io/hostname"].as_str().unwrap_or_default();
    if named != host {
        return shut(format!("node {node} is there with the host name {named}; the volumes are tied to {host}"));
    }
    if is_ready(live) { proven("Ready") } else { open(format!("node {node} is there, and not ready")) }
}

fn restart(snapshot: &Snapshot, workload: &Pinned, mark: &str) -> Standing {
    let live = match same(snapshot, workload) {
        Ok(live) => live,
        Err(standing) => return standing,
    };
    if live["spec"]["template"]["metadata"]["annotations"][RESTARTED_AT] != mark {
        return open("not restarted yet");
    }
    let (wanted, pods) = if workload.object.kind == "DaemonSet" {
        let wanted = number(live, "/status/desiredNumberScheduled").unwrap_or(0);
        (wanted, ["updatedNumberScheduled", "currentNumberScheduled", "numberReady"])
    } else {
        (replicas(live), ["updatedReplicas", "replicas", "readyReplicas"])
    };
    match rollout(live, wanted, pods) {
        ([updated, ..], true) => proven(format!("{updated} of {wanted} pods new and ready")),
        ([updated, ..], false) => open(format!("{updated} of {wanted} pods new")),
    }
}

/// The replicas that are wanted; one by default.
pub(super) fn replicas(live: &Value) -> i64 {
    number(live, "/spec/replicas").unwrap_or(1)
}

/// These counts of its status, and whether all of them are what is wanted, since its controller has seen the last change.
pub(super) fn rollout(live: &Value, wanted: i64, counts: [&str; 3]) -> ([i64; 3], bool) {
    let count = |pointer: &str| number(live, pointer).unwrap_or(0);
    let seen = count("/status/observedGeneration") >= count("/metadata/generation");
    let counts = counts.map(|field| count(&format!("/status/{field}")));
    (counts, seen && counts == [wanted; 3])
}

/// Whether the pods have been ready for as long as the workload asks (`minReadySeconds`).
fn is_available(live: &Value, to: i64) -> bool {
    number(live, "/spec/minReadySeconds").unwrap_or(0) == 0
        || number(live, "/status/availableReplicas").unwrap_or(0) >= to
}

#[cfg(test)]
mod tests;
