//! Small things that are done to an object, or waited for, so that what hangs on it goes on by itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Standing;
use super::words::{named, shown};
use super::{ORIGINAL_POLICY, QUARANTINE, REQUEUED};
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::is_ready;
use crate::snapshot::provisioner::CHOSEN;
use crate::snapshot::storage::was_let_go;
use crate::stack::quantity;

/// The taint of a node whose machine is switched off (Kubernetes 1.28, KEP-2268): its pods and its attachments are let go.
pub const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// What is done to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Tend {
    /// Waits until somebody has brought the object back: it is there, and works.
    Await {
        /// What that takes, for people.
        how: String,
    },
    /// Waits until an incarnation is gone that something else takes away.
    Gone {
        /// Its uid.
        uid: String,
    },
    /// Marks a node as out of service: its machine is switched off, and what it holds may be let go.
    OutOfService {
        /// Its uid.
        uid: String,
    },
    /// Takes that mark back.
    BackInService {
        /// Its uid.
        uid: String,
    },
    /// Has a volume erased that was let go: with policy Delete whoever made it takes its bytes away, and then its object.
    Erase {
        /// Its uid.
        uid: String,
    },
    /// Takes finalizers off an object that was told to go and waits for them.
    Unhold {
        /// Its uid.
        uid: String,
        /// The finalizers; others stay.
        finalizers: Vec<String>,
    },
    /// Waits until a claim's volume is as large as it was asked for.
    Grown {
        /// The uid of the claim.
        uid: String,
        /// How large: `20Gi`.
        size: String,
    },
    /// Takes back the choice of a node that is not there, so that another is chosen.
    Rechoose {
        /// The uid of the claim.
        uid: String,
        /// The node that was chosen.
        node: String,
    },
    /// Has the scheduler look at a claim, and at the pods that wait for it, once more. Of a change it may hear before it has noted the
    /// change itself; what it then fails to do it tries again only after five minutes (kubernetes/kubernetes#93552).
    Requeue {
        /// The uid of the claim.
        uid: String,
        /// The mark of this recovery; a time.
        at: String,
    },
}

impl Tend {
    /// The word for a step's id.
    pub(super) fn id(&self) -> &'static str {
        match self {
            Self::Await { .. } => "await",
            Self::Rechoose { .. } => "rechoose",
            Self::Requeue { .. } => "requeue",
            Self::Unhold { .. } => "unhold",
            Self::Grown { .. } => "grown",
            Self::Gone { .. } => "gone",
            Self::Erase { .. } => "erase",
            Self::OutOfService { .. } => "out-of-service",
            Self::BackInService { .. } => "back-in-service",
        }
    }

    /// What it does, for people.
    pub(super) fn title(&self, object: &ObjectRef) -> String {
        match self {
            Self::Await { .. } => format!("wait until {object} {}", works(&object.kind)),
            Self::Rechoose { node, .. } => format!("let another node than {node} be chosen for {object}"),
            Self::Requeue { .. } => format!("have the scheduler look at {object} once more"),
            Self::Unhold { finalizers, .. } => format!("take {} off {object}", finalizers.join(", ")),
            Self::Gone { .. } => format!("wait until {object} is gone"),
            Self::Grown { size, .. } => format!("wait until {object} has {size}"),
            Self::Erase { .. } => format!("have {object} erased, with all that is on it"),
            Self::OutOfService { .. } => format!("mark {object} as out of service"),
            Self::BackInService { .. } => format!("take the mark off {object} again"),
        }
    }

    /// What must be so before it is done.
    pub(super) fn gate(&self) -> String {
        match self {
            Self::Await { how } => format!("nothing is written; {how}"),
            Self::Rechoose { .. } => "it is the one that was seen, and has no volume".to_owned(),
            Self::Unhold { .. } => "it is the one that was seen, and was told to go".to_owned(),
            Self::Gone { .. } | Self::Grown { .. } => "nothing is written".to_owned(),
            Self::Erase { .. } => "it is the one that was seen, and no claim has it".to_owned(),
            Self::OutOfService { .. } => "it is the one that was seen, and not ready".to_owned(),
            Self::Requeue { .. } | Self::BackInService { .. } => "it is the one that was seen".to_owned(),
        }
    }

    /// What is observed when it is done.
    pub(super) fn proof(&self, object: &ObjectRef) -> String {
        match self {
            Self::Await { .. } => format!("it {}", works(&object.kind)),
            Self::Rechoose { node, .. } => format!("{node} is not its node any more"),
            Self::Requeue { .. } => "it has a mark, a node or a volume".to_owned(),
            Self::Unhold { .. } => "it does not have them any more, or is gone".to_owned(),
            Self::Gone { .. } => "this incarnation is gone".to_owned(),
            Self::Grown { size, .. } => format!("its volume and its file system have {size}"),
            Self::Erase { .. } => "whoever made it has taken its bytes away, and then the object".to_owned(),
            Self::OutOfService { .. } => format!("it has the taint {OUT_OF_SERVICE}"),
            Self::BackInService { .. } => format!("it does not have the taint {OUT_OF_SERVICE}"),
        }
    }

    /// The kubectl command that does the same.
    pub(super) fn kubectl(&self, object: &ObjectRef, timeout: &str) -> String {
        match self {
            Self::Await { .. } | Self::Grown { .. } => format!("kubectl get {} -w", named(object)),
            Self::Rechoose { .. } => format!("kubectl annotate {} {CHOSEN}-", named(object)),
            Self::Requeue { .. } => {
                format!("kubectl annotate {} {REQUEUED}=$(date -u +%FT%TZ) --overwrite", named(object))
            }
            Self::Unhold { finalizers, .. } => format!(
                "kubectl edit {}     # take out of metadata.finalizers: {}",
                named(object),
                finalizers.join(", ")
            ),
            Self::Gone { .. } => format!("kubectl wait --for=delete {timeout} {}", named(object)),
            Self::Erase { .. } => format!(
                "kubectl patch pv {} -p '{{\"spec\":{{\"persistentVolumeReclaimPolicy\":\"Delete\"}}}}'",
                object.name
            ),
            Self::OutOfService { .. } => {
                format!("kubectl taint node {} {OUT_OF_SERVICE}=nodeshutdown:NoExecute", object.name)
            }
            Self::BackInService { .. } => format!("kubectl taint node {} {OUT_OF_SERVICE}-", object.name),
        }
    }

    /// Whether it writes.
    pub(super) fn writes(&self) -> bool {
        !matches!(self, Self::Await { .. } | Self::Gone { .. } | Self::Grown { .. })
    }

    /// Whether it cannot be taken back. The mark of a node can; what it lets go is started elsewhere, and must not run twice.
    pub(super) fn is_irreversible(&self) -> bool {
        matches!(self, Self::OutOfService { .. } | Self::Erase { .. } | Self::Unhold { .. })
    }

    /// How it stands.
    pub(super) fn standing(&self, snapshot: &Snapshot, object: &ObjectRef) -> Standing {
        match self {
            Self::Await { how } => awaited(snapshot, object, how),
            Self::Rechoose { uid, node } => rechosen(snapshot, object, (uid, node)),
            Self::Requeue { uid, at } => requeued(snapshot, object, (uid, at)),
            Self::Unhold { uid, finalizers } => unheld(snapshot, object, (uid, finalizers)),
            Self::Gone { uid } => gone(snapshot, object, uid),
            Self::Grown { uid, size } => grown(snapshot, object, (uid, size)),
            Self::Erase { uid } => erased(snapshot, object, uid),
            Self::OutOfService { uid } => out_of_service(snapshot, object, uid),
            Self::BackInService { uid } => back_in_service(snapshot, object, uid),
        }
    }

    /// The merge patch, bound to the incarnation that was seen, and where a list is written anew to the very state.
    pub fn patch(&self, live: Option<&Value>) -> Option<Value> {
        let taints = |uid: &str, more: Option<Value>| {
            let live = live?;
            let others = items(live, "/spec/taints").filter(|taint| taint["key"] != OUT_OF_SERVICE).cloned();
            let taints: Vec<Value> = others.chain(more).collect();
            let version = &live["metadata"]["resourceVersion"];
            Some(json!({"metadata": {"uid": uid, "resourceVersion": version}, "spec": {"taints": taints}}))
        };
        match self {
            Self::Await { .. } | Self::Gone { .. } | Self::Grown { .. } => None,
            Self::Erase { uid } => Some(json!({"metadata": {"uid": uid, "labels": {QUARANTINE: null},
                "annotations": {ORIGINAL_POLICY: null}}, "spec": {"persistentVolumeReclaimPolicy": "Delete"}})),
            Self::Unhold { uid, finalizers } => {
                let others = held_by(live?).filter(|name| !finalizers.iter().any(|one| one == name));
                let version = &live?["metadata"]["resourceVersion"];
                let others: Vec<&str> = others.collect();
                Some(json!({"metadata": {"uid": uid, "resourceVersion": version, "finalizers": others}}))
            }
            Self::OutOfService { uid } => {
                taints(uid, Some(json!({"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"})))
            }
            Self::BackInService { uid } => taints(uid, None),
            Self::Rechoose { uid, .. } => Some(json!({"metadata": {"uid": uid, "annotations": {CHOSEN: null}}})),
            Self::Requeue { uid, at } => Some(json!({"metadata": {"uid": uid, "annotations": {REQUEUED: at}}})),
        }
    }
}

/// When an object of a kind does what it is for, for people.
fn works(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" => "is there with a pod that is ready",
        "PersistentVolumeClaim" => "is Bound",
        "APIService" => "is there and available",
        _ => "is there",
    }
}

fn awaited(snapshot: &Snapshot, object: &ObjectRef, how: &str) -> Standing {
    let open = |seen: &str| Standing::Open { progress: format!("{seen}: {how}") };
    let Some(live) = snapshot.get(object) else { return open("not there") };
    let is_there = |works: bool, note: &str, seen: &str| {
        if works { Standing::Proven { note: note.to_owned() } } else { open(seen) }
    };
    match object.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => {
            let ready = number(live, "/status/readyReplicas").or_else(|| number(live, "/status/numberReady"));
            let ready = ready.unwrap_or(0);
            is_there(ready > 0, &format!("{ready} ready"), "no pod of it is ready")
        }
        "PersistentVolumeClaim" => {
            let phase = text(live, "/status/phase").unwrap_or("of no phase");
            is_there(phase == "Bound", "Bound", phase)
        }
        "APIService" => {
            let available = items(live, "/status/conditions").find(|condition| condition["type"] == "Available");
            let why = available.and_then(|condition| text(condition, "/message")).unwrap_or("not available");
            is_there(available.is_some_and(|condition| condition["status"] == "True"), "available", why)
        }
        "Node" => is_there(is_ready(live), "Ready", "not ready"),
        _ => is_there(true, "there", ""),
    }
}

fn rechosen(snapshot: &Snapshot, claim: &ObjectRef, (uid, node): (&str, &str)) -> Standing {
    let Some(live) = incarnation(snapshot, claim, uid) else { return another(snapshot, claim, uid) };
    match live["metadata"]["annotations"][CHOSEN].as_str() {
        Some(chosen) if chosen == node => match text(live, "/spec/volumeName") {
            Some(volume) => Standing::Shut { why: format!("{claim} was given {volume} meanwhile, on {node}") },
            None => Standing::Open { progress: format!("{node} is its node") },
        },
        Some(other) => Standing::Proven { note: format!("{other} was chosen") },
        None => Standing::Proven { note: "none is chosen".to_owned() },
    }
}

/// With a node or a volume the scheduler has done it by itself.
fn requeued(snapshot: &Snapshot, claim: &ObjectRef, (uid, at): (&str, &str)) -> Standing {
    let Some(live) = incarnation(snapshot, claim, uid) else { return another(snapshot, claim, uid) };
    let annotation = |name: &str| live["metadata"]["annotations"][name].as_str();
    match (text(live, "/spec/volumeName"), annotation(CHOSEN), annotation(REQUEUED)) {
        (Some(volume), ..) => Standing::Proven { note: format!("it has {volume}") },
        (None, Some(node), _) => Standing::Proven { note: format!("{node} was chosen") },
        (None, None, Some(mark)) if mark == at => Standing::Proven { note: "marked".to_owned() },
        (None, None, _) => Standing::Open { progress: "no node is chosen".to_owned() },
    }
}

/// The live object when it is this incarnation.
fn incarnation<'a>(snapshot: &'a Snapshot, object: &ObjectRef, uid: &str) -> Option<&'a Value> {
    snapshot.get(object).filter(|live| text(live, "/metadata/uid") == Some(uid))
}

/// It is not the one that was seen.
fn another(snapshot: &Snapshot, object: &ObjectRef, uid: &str) -> Standing {
    Standing::Shut { why: format!("{object} was uid {uid}; now {}", shown(snapshot.get(object))) }
}

fn gone(snapshot: &Snapshot, object: &ObjectRef, uid: &str) -> Standing {
    match incarnation(snapshot, object, uid) {
        None => Standing::Proven { note: "gone".to_owned() },
        Some(_) => Standing::Open { progress: "there".to_owned() },
    }
}

/// The claim says how large the file system is, not the volume: where a node has to do the rest, that is still to come.
fn grown(snapshot: &Snapshot, claim: &ObjectRef, (uid, size): (&str, &str)) -> Standing {
    let Some(live) = incarnation(snapshot, claim, uid) else { return another(snapshot, claim, uid) };
    let has = text(live, "/status/capacity/storage").unwrap_or("0");
    if quantity::parse(has).zip(quantity::parse(size)).is_some_and(|(has, wanted)| has >= wanted) {
        return Standing::Proven { note: format!("it has {has}") };
    }
    // Where it fails, one condition says that it is tried, and another one why it is tried again.
    let holds = || items(live, "/status/conditions").filter(|condition| condition["status"] == "True");
    let said = holds().find_map(|said| text(said, "/message")).or_else(|| holds().find_map(|said| text(said, "/type")));
    Standing::Open { progress: format!("it has {has}{}", said.map_or_else(String::new, |said| format!(": {said}"))) }
}

fn held_by(live: &Value) -> impl Iterator<Item = &str> {
    items(live, "/metadata/finalizers").filter_map(Value::as_str)
}

/// One that was not told to go is in use, whoever it belongs to.
fn unheld(snapshot: &Snapshot, object: &ObjectRef, (uid, finalizers): (&str, &[String])) -> Standing {
    let Some(live) = incarnation(snapshot, object, uid) else { return Standing::Proven { note: "gone".to_owned() } };
    let left: Vec<&str> = held_by(live).filter(|name| finalizers.iter().any(|one| one == name)).collect();
    if left.is_empty() {
        return Standing::Proven { note: "it does not have them any more".to_owned() };
    }
    if text(live, "/metadata/deletionTimestamp").is_none() {
        return Standing::Shut { why: format!("{object} was not told to go") };
    }
    Standing::Open { progress: format!("waits for {}", left.join(", ")) }
}

/// What is on a volume that a claim has is somebody's.
fn erased(snapshot: &Snapshot, volume: &ObjectRef, uid: &str) -> Standing {
    let Some(live) = incarnation(snapshot, volume, uid) else { return Standing::Proven { note: "gone".to_owned() } };
    let phase = text(live, "/status/phase").unwrap_or("of no phase");
    if !was_let_go(live) {
        return Standing::Shut { why: format!("{volume} is {phase}; one that is erased was let go") };
    }
    let said = text(live, "/status/message").map_or_else(String::new, |said| format!(": {said}"));
    Standing::Open { progress: format!("{phase}{said}") }
}

fn is_out(node: &Value) -> bool {
    items(node, "/spec/taints").any(|taint| taint["key"] == OUT_OF_SERVICE)
}

fn out_of_service(snapshot: &Snapshot, node: &ObjectRef, uid: &str) -> Standing {
    match incarnation(snapshot, node, uid) {
        None => Standing::Proven { note: "there is no such node any more".to_owned() },
        Some(live) if is_ready(live) => {
            Standing::Shut { why: format!("{node} is ready again: its machine runs, and so do its pods") }
        }
        Some(live) if is_out(live) => Standing::Proven { note: "marked".to_owned() },
        Some(_) => Standing::Open { progress: "not ready, and not marked".to_owned() },
    }
}

fn back_in_service(snapshot: &Snapshot, node: &ObjectRef, uid: &str) -> Standing {
    match incarnation(snapshot, node, uid) {
        None => Standing::Proven { note: "there is no such node any more".to_owned() },
        Some(live) if is_out(live) => Standing::Open { progress: "marked".to_owned() },
        Some(_) => Standing::Proven { note: "not marked".to_owned() },
    }
}

#[cfg(test)]
mod tests;
