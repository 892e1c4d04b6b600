//! Small things that are done to an object, or waited for, so that what hangs on it goes on by itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Standing;
use super::words::{named, shown};
use super::{ORIGINAL_POLICY, QUARANTINE};
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::Snapshot;
use crate::snapshot::nodes::is_ready;
use crate::snapshot::provisioner::CHOSEN;
use crate::snapshot::storage::was_let_go;

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
    /// Takes back the choice of a node that is not there, so that another is chosen.
    Rechoose {
        /// The uid of the claim.
        uid: String,
        /// The node that was chosen.
        node: String,
    },
}

impl Tend {
    /// The word for a step's id.
    pub(super) fn id(&self) -> &'static str {
        match self {
            Self::Await { .. } => "await",
            Self::Rechoose { .. } => "rechoose",
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
            Self::Gone { .. } => format!("wait until {object} is gone"),
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
            Self::Gone { .. } => "nothing is written".to_owned(),
            Self::Erase { .. } => "it is the one that was seen, and no claim has it".to_owned(),
            Self::OutOfService { .. } => "it is the one that was seen, and not ready".to_owned(),
            Self::BackInService { .. } => "it is the one that was seen".to_owned(),
        }
    }

    /// What is observed when it is done.
    pub(super) fn proof(&self, object: &ObjectRef) -> String {
        match self {
            Self::Await { .. } => format!("it {}", works(&object.kind)),
            Self::Rechoose { node, .. } => format!("{node} is not its node any more"),
            Self::Gone { .. } => "this incarnation is gone".to_owned(),
            Self::Erase { .. } => "whoever made it has taken its bytes away, and then the object".to_owned(),
            Self::OutOfService { .. } => format!("it has the taint {OUT_OF_SERVICE}"),
            Self::BackInService { .. } => format!("it does not have the taint {OUT_OF_SERVICE}"),
        }
    }

    /// The kubectl command that does the same.
    pub(super) fn kubectl(&self, object: &ObjectRef) -> String {
        match self {
            Self::Await { .. } => format!("kubectl get {} -w", named(object)),
            Self::Rechoose { .. } => format!("kubectl annotate {} {CHOSEN}-", named(object)),
            Self::Gone { .. } => format!("kubectl wait --for=delete --timeout=10m {}", named(object)),
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
        !matches!(self, Self::Await { .. } | Self::Gone { .. })
    }

    /// Whether it cannot be taken back. The mark of a node can; what it lets go is started elsewhere, and must not run twice.
    pub(super) fn is_irreversible(&self) -> bool {
        matches!(self, Self::OutOfService { .. } | Self::Erase { .. })
    }

    /// How it stands.
    pub(super) fn standing(&self, snapshot: &Snapshot, object: &ObjectRef) -> Standing {
        match self {
            Self::Await { how } => awaited(snapshot, object, how),
            Self::Rechoose { uid, node } => rechosen(snapshot, object, (uid, node)),
            Self::Gone { uid } => gone(snapshot, object, uid),
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
            Self::Await { .. } | Self::Gone { .. } => None,
            Self::Erase { uid } => Some(json!({"metadata": {"uid": uid, "labels": {QUARANTINE: null},
                "annotations": {ORIGINAL_POLICY: null}}, "spec": {"persistentVolumeReclaimPolicy": "Delete"}})),
            Self::OutOfService { uid } => {
                taints(uid, Some(json!({"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"})))
            }
            Self::BackInService { uid } => taints(uid, None),
            Self::Rechoose { uid, .. } => Some(json!({"metadata": {"uid": uid, "annotations": {CHOSEN: null}}})),
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
    let live = snapshot.get(claim).filter(|live| text(live, "/metadata/uid") == Some(uid));
    let Some(live) = live else {
        return Standing::Shut { why: format!("{claim} was uid {uid}; now {}", shown(snapshot.get(claim))) };
    };
    match live["metadata"]["annotations"][CHOSEN].as_str() {
        Some(chosen) if chosen == node => match text(live, "/spec/volumeName") {
            Some(volume) => Standing::Shut { why: format!("{claim} was given {volume} meanwhile, on {node}") },
            None => Standing::Open { progress: format!("{node} is its node") },
        },
        Some(other) => Standing::Proven { note: format!("{other} was chosen") },
        None => Standing::Proven { note: "none is chosen".to_owned() },
    }
}

/// The live object when it is this incarnation.
fn incarnation<'a>(snapshot: &'a Snapshot, object: &ObjectRef, uid: &str) -> Option<&'a Value> {
    snapshot.get(object).filter(|live| text(live, "/metadata/uid") == Some(uid))
}

fn gone(snapshot: &Snapshot, object: &ObjectRef, uid: &str) -> Standing {
    match incarnation(snapshot, object, uid) {
        None => Standing::Proven { note: "gone".to_owned() },
        Some(_) => Standing::Open { progress: "there".to_owned() },
    }
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
mod tests {
    use super::*;

    fn picture(objects: &[Value]) -> Snapshot {
        objects.iter().cloned().collect()
    }

    fn word(standing: &Standing) -> &'static str {
        match standing {
            Standing::Proven { .. } => "proven",
            Standing::Early { .. } => "early",
            Standing::Open { .. } => "open",
            Standing::Shut { .. } => "shut",
        }
    }

    #[test]
    fn what_is_waited_for_is_there_only_when_it_works() {
        let how = "start it".to_owned();
        let cases = [
            ("apps/v1", "Deployment", json!({"readyReplicas": 0}), json!({"readyReplicas": 1})),
            ("apps/v1", "DaemonSet", json!({"numberReady": 0}), json!({"numberReady": 2})),
            ("v1", "PersistentVolumeClaim", json!({"phase": "Pending"}), json!({"phase": "Bound"})),
            (
                "apiregistration.k8s.io/v1",
                "APIService",
                json!({"conditions": [{"type": "Available", "status": "False", "message": "no endpoints"}]}),
                json!({"conditions": [{"type": "Available", "status": "True"}]}),
            ),
        ];
        for (api_version, kind, before, after) in cases {
            let object = ObjectRef::new(api_version, kind, None, "x");
            let live = |status: &Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "status": status});
            let act = Tend::Await { how: how.clone() };
            let standing = |objects: &[Value]| act.standing(&picture(objects), &object);
            assert_eq!(word(&standing(&[])), "open", "{kind}");
            match standing(&[live(&before)]) {
                Standing::Open { progress } => assert!(progress.ends_with(": start it"), "{progress}"),
                standing => panic!("{kind}: {standing:?}"),
            }
            assert_eq!(word(&standing(&[live(&after)])), "proven", "{kind}");
        }
    }

    #[test]
    fn a_node_is_marked_only_while_it_is_away_and_other_taints_stay() {
        let node = ObjectRef::new("v1", "Node", None, "w");
        let live = |uid: &str, ready: &str, taints: Value| {
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w", "uid": uid, "resourceVersion": "7"}, "spec": {"taints": taints},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}})
        };
        let (uid, other) = ("u".to_owned(), json!({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}));
        let (mark, unmark) = (Tend::OutOfService { uid: uid.clone() }, Tend::BackInService { uid });
        let marked = json!([other, {"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}]);
        let cases = [
            ("open", "proven", live("u", "Unknown", json!([other]))),
            ("proven", "open", live("u", "Unknown", marked.clone())),
            ("shut", "open", live("u", "True", marked.clone())),
            ("shut", "proven", live("u", "True", json!([]))),
            ("proven", "proven", live("another", "Unknown", marked.clone())),
        ];
        for (marking, unmarking, object) in cases {
            let picture = picture(std::slice::from_ref(&object));
            assert_eq!(word(&mark.standing(&picture, &node)), marking, "{object}");
            assert_eq!(word(&unmark.standing(&picture, &node)), unmarking, "{object}");
        }
        let away = live("u", "Unknown", json!([other]));
        assert_eq!(mark.patch(Some(&away)).unwrap()["spec"]["taints"], marked);
        let patch = unmark.patch(Some(&live("u", "Unknown", marked))).unwrap();
        assert_eq!(patch, json!({"metadata": {"uid": "u", "resourceVersion": "7"}, "spec": {"taints": [other]}}));
    }

    #[test]
    fn only_a_volume_that_was_let_go_is_erased() {
        let volume = ObjectRef::new("v1", "PersistentVolume", None, "v");
        let act = Tend::Erase { uid: "u".to_owned() };
        let live = |uid: &str, phase: &str| json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "uid": uid}, "status": {"phase": phase}});
        let cases =
            [("u", "Released", "open"), ("u", "Failed", "open"), ("u", "Bound", "shut"), ("u", "Available", "shut")];
        for (uid, phase, expected) in cases.into_iter().chain([("another", "Bound", "proven")]) {
            assert_eq!(word(&act.standing(&picture(&[live(uid, phase)]), &volume)), expected, "{uid} {phase}");
        }
        assert_eq!(word(&act.standing(&picture(&[]), &volume)), "proven");
        assert!(act.is_irreversible() && act.writes());
    }

    #[test]
    fn a_choice_is_taken_back_only_of_the_claim_and_the_node_that_were_seen() {
        let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), "c");
        let act = Tend::Rechoose { uid: "u".to_owned(), node: "gone".to_owned() };
        let live = |uid: &str, node: Value, volume: Value| {
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n", "uid": uid,
                "annotations": {CHOSEN: node}}, "spec": {"volumeName": volume}})
        };
        let cases = [
            ("open", live("u", "gone".into(), Value::Null)),
            ("proven", live("u", "other".into(), Value::Null)),
            ("proven", live("u", Value::Null, Value::Null)),
            ("shut", live("u", "gone".into(), "v".into())),
            ("shut", live("another", "gone".into(), Value::Null)),
        ];
        for (expected, object) in cases {
            assert_eq!(word(&act.standing(&picture(std::slice::from_ref(&object)), &claim)), expected, "{object}");
        }
        assert_eq!(word(&act.standing(&picture(&[]), &claim)), "shut");
    }
}
