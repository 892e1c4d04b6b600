//! Volumes and classes, beyond what claims say of themselves.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{each, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::{clip, some};
use crate::engine::ready::judge::{claims, consumers};
use crate::object::{ObjectRef, has_ended, items, text};
use crate::plan::verb::QUARANTINE;
use crate::snapshot::classes::is_default;
use crate::snapshot::storage::wants;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("V002", Severity::Warning, "there are several default storage classes"),
        [
            "More than one class is marked as the default. A claim that names no class gets the newest of them, which is \
            seldom what somebody chose.",
            "Keep one: `kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=false --overwrite` for the others.",
            "classes that are there without being the default.",
        ],
        &["StorageClass"],
        several_defaults,
    ),
    looks(
        ("V010", Severity::Critical, "a volume lies on a node that is no longer there"),
        [
            "The volume can only be used on one node (local storage), and no node of that name exists. Its data was on that \
            machine; pods that use it wait for ever.",
            "If the machine still exists, bring it back under the same name. Only then think of a new volume, and of a backup.",
            "a volume whose node is there but not ready is V011; one that may be used in a zone is not looked at, nor one that a recovery has put aside.",
        ],
        &["PersistentVolume", "Node"],
        node_gone,
    ),
    looks(
        ("V011", Severity::Warning, "a volume lies on a node that is not ready"),
        [
            "The data is there, but its node is away. Nothing is lost yet.",
            "Bring the node back first; do not delete the claim or the volume.",
            "a node that is only closed to new pods.",
        ],
        &["PersistentVolume", "Node"],
        node_away,
    ),
    looks(
        ("V012", Severity::Warning, "a volume holds the data of a former claim"),
        [
            "The claim that the volume names by its uid is not there, and the volume was kept (reclaim policy Retain). It is not given to a \
            new claim of the same name by itself. Where somebody wants that claim, its data is here: an error.",
            "`seaworthy recover` binds it back to its claim, and says how. Make no claim by hand: it would get an empty volume. To give the data up: \
            `seaworthy recover erase`.",
            "a volume with the policy Delete, which is on its way to be deleted, and one that a recovery has put aside.",
        ],
        &["PersistentVolume"],
        released,
    ),
    looks(
        ("V013", Severity::Error, "a volume could not be reclaimed"),
        [
            "The claim was deleted, and the provisioner failed to delete the volume. It tries again and may hold up others.",
            "See why, `kubectl describe pv NAME`; once its data is surely not needed, delete the volume.",
            "a volume that is kept on purpose is V012.",
        ],
        &["PersistentVolume"],
        failed,
    ),
    looks(
        ("V024", Severity::Critical, "a volume that is in use was told to go"),
        [
            "Somebody deleted the volume while a claim is bound to it. It stays, and serves its pods, until the claim goes; \
            then the volume goes, too, and its data with it where the policy is Delete. Its phase still reads Bound.",
            "Do not delete the claim. `seaworthy hold` keeps every volume, `seaworthy recover` binds this one anew.",
            "a volume without a claim, which is on its way out; a claim that goes as well is V025.",
        ],
        &["PersistentVolume", "PersistentVolumeClaim"],
        volume_going,
    ),
    looks(
        ("V025", Severity::Critical, "a claim that is in use was told to go"),
        [
            "Somebody deleted the claim while pods use it. It stays until the last of them is gone: a restart is then all that is \
            between the data and its end, where the volume's policy is Delete.",
            "Do not restart its pods. `seaworthy hold` keeps every volume, `seaworthy recover` binds this one to its claim anew.",
            "a claim that no pod uses any more, which goes by itself.",
        ],
        &["PersistentVolumeClaim", "Pod"],
        claim_going,
    ),
    looks(
        ("V028", Severity::Critical, "a claim that pods use is gone"),
        [
            "Pods run with a claim that is not there any more: it was deleted past its finalizers, and its volume by its policy with it or not. \
            They go on until they restart; then they start nowhere.",
            "Do not restart its pods, what they have open may be all that is left. `seaworthy recover` says what is lost, and what brings it back.",
            "a pod that waits for a claim and has no node yet, which is S006, and one that has just started: its claim may be younger than the list.",
        ],
        &["Pod", "PersistentVolumeClaim"],
        claim_gone,
    ),
];

/// A pod that is younger may use what another list has missed, seconds.
const SETTLED: i64 = 2;

/// The reason of a volume that was let go while pods run with its claim.
pub(in crate::doctor) const IN_USE: &str = "ReleasedInUse";

const VOLUME: (&str, &str) = ("", "PersistentVolume");

fn several_defaults(evidence: &Evidence) -> Verdict {
    let classes: Vec<&Value> = evidence.snapshot.of_kind("storage.k8s.io", "StorageClass").collect();
    let mut defaults: Vec<&Value> = classes.iter().filter(|class| is_default(class)).copied().collect();
    // The newest wins.
    defaults.sort_by_key(|class| std::cmp::Reverse(text(class, "/metadata/creationTimestamp").map(str::to_owned)));
    let names: Vec<&str> = defaults.iter().filter_map(|class| text(class, "/metadata/name")).collect();
    let finding = defaults.first().filter(|_| names.len() > 1).and_then(|newest| ObjectRef::of(newest)).map(|newest| {
        let message = format!("{} storage classes are the default: {}; the newest, {}, is taken", names.len(), names.join(", "), newest.name);
        let others: Vec<&str> = names.iter().copied().filter(|name| *name != newest.name).collect();
        let fix = format!(
            "Keep one: `kubectl annotate storageclass {} storageclass.kubernetes.io/is-default-class=false --overwrite`.",
            others.join(" ")
        );
        Finding::new(newest, "SeveralDefaults", message).fix(fix)
    });
    Verdict::of(classes.len(), finding.into_iter().collect())
}

/// The nodes on which a volume can be used, by their label `kubernetes.io/hostname`; none when it is not bound to nodes.
pub(in crate::doctor) fn nodes_of(volume: &Value) -> impl Iterator<Item = &str> {
    let terms = items(volume, "/spec/nodeAffinity/required/nodeSelectorTerms");
    let by_name = |one: &&Value| one["key"] == "kubernetes.io/hostname" && one["operator"] == "In";
    terms
        .flat_map(|term| items(term, "/matchExpressions"))
        .filter(by_name)
        .flat_map(|one| items(one, "/values"))
        .filter_map(Value::as_str)
}

/// The node that a volume names.
fn node<'a>(evidence: &'a Evidence, host: &str) -> Option<&'a Value> {
    evidence.snapshot.of_kind("", "Node").find(|node| {
        node["metadata"]["labels"]["kubernetes.io/hostname"] == host || text(node, "/metadata/name") == Some(host)
    })
}

fn claim_of(volume: &Value) -> Option<ObjectRef> {
    let part = |pointer| text(volume, pointer);
    Some(ObjectRef::new("v1", "PersistentVolumeClaim", part("/spec/claimRef/namespace"), part("/spec/claimRef/name")?))
}

/// A volume, and whose data it holds.
fn whose(volume: &Value, reference: &ObjectRef) -> String {
    let claim = claim_of(volume)
        .map(|claim| format!(" (claim {}/{})", claim.namespace.as_deref().unwrap_or_default(), claim.name));
    format!("the volume {}{}", reference.name, claim.unwrap_or_default())
}

fn node_gone(evidence: &Evidence) -> Verdict {
    each(evidence, VOLUME, |volume, reference| {
        let hosts: Vec<&str> = nodes_of(volume).collect();
        let gone = !hosts.is_empty() && hosts.iter().all(|host| node(evidence, host).is_none());
        let is_wanted = text(volume, "/status/phase") != Some("Available")
            && volume["metadata"]["labels"].get(QUARANTINE).is_none();
        (gone && is_wanted).then(|| {
            let host = hosts.join(", ");
            let message = format!("{} lies on the node {host}, which is no longer there", whose(volume, &reference));
            let fix = format!("Bring the machine {host} back under its name; look before anything is deleted: `kubectl describe pv {}`. Where it stays away, `seaworthy recover` says what can be done.", reference.name);
            let mut finding = Finding::new(reference, "NodeGone", message).fix(fix);
            finding.symptoms.extend(claim_of(volume).filter(|claim| evidence.snapshot.get(claim).is_some()));
            finding
        })
    })
}

fn node_away(evidence: &Evidence) -> Verdict {
    each(evidence, VOLUME, |volume, reference| {
        let host = nodes_of(volume).next()?;
        let ready = super::condition(node(evidence, host)?, "Ready")?;
        (ready["status"] != "True" && text(volume, "/status/phase") == Some("Bound")).then(|| {
            let message = format!("{} lies on the node {host}, which is not ready", whose(volume, &reference));
            let fix = format!("Bring the node back, its data is there: `kubectl describe node {host}`.");
            Finding::new(reference, "NodeNotReady", message).fix(fix)
        })
    })
}

fn released(evidence: &Evidence) -> Verdict {
    each(evidence, VOLUME, |volume, reference| {
        let kept = text(volume, "/spec/persistentVolumeReclaimPolicy") == Some("Retain")
            && volume["metadata"]["labels"].get(QUARANTINE).is_none();
        if !kept || text(volume, "/status/phase") != Some("Released") {
            return None;
        }
        let whose = whose(volume, &reference);
        let claim = claim_of(volume);
        let Some((claim, why)) = claim.and_then(|claim| Some((claim.clone(), wanted(evidence, &claim, &reference)?)))
        else {
            let message = format!("{whose} is Released: it still holds the data of its deleted claim");
            let fix = "`seaworthy recover` binds it to its claim again; `seaworthy recover erase` has it erased, if nobody wants it.";
            return Some(Finding::new(reference, "Released", message).fix(fix));
        };
        let fix = "Make no claim and change neither by hand: `seaworthy recover` binds the two again, with the data.";
        let message = format!("{whose} is Released: {why}");
        let is_in_use = consumers(&claim, &evidence.snapshot).any(runs);
        let reason = if is_in_use && evidence.snapshot.get(&claim).is_none() { IN_USE } else { "Released" };
        let mut finding = Finding::new(reference, reason, message).severity(Severity::Error).fix(fix);
        finding.symptoms.push(claim);
        Some(finding)
    })
}

/// Why the claim that a volume was of is wanted; `None`: nobody wants it.
fn wanted(evidence: &Evidence, claim: &ObjectRef, volume: &ObjectRef) -> Option<String> {
    if let Some(live) = evidence.snapshot.get(claim) {
        let is_named = text(live, "/spec/volumeName") == Some(&volume.name);
        let why = if is_named {
            "its claim is there, and the two do not name each other"
        } else {
            "it holds the data of a former claim of that name, and the one that is there has another volume, or none"
        };
        return Some(why.to_owned());
    }
    let users: Vec<String> = users(evidence, claim).iter().map(ObjectRef::short).collect();
    (!users.is_empty()).then(|| format!("its claim is gone, and is wanted by {}", users.join(", ")))
}

/// What would use a claim: the workloads whose pods name it, and the sets that make it.
fn users(evidence: &Evidence, claim: &ObjectRef) -> Vec<ObjectRef> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let all = kinds.into_iter().flat_map(|kind| evidence.snapshot.of_kind("apps", kind));
    all.filter(|workload| wants(workload, claim)).filter_map(ObjectRef::of).collect()
}

fn failed(evidence: &Evidence) -> Verdict {
    each(evidence, VOLUME, |volume, reference| {
        (text(volume, "/status/phase") == Some("Failed")).then(|| {
            let said = clip(text(volume, "/status/message").unwrap_or_default());
            let message = format!("{} could not be reclaimed: {said}", whose(volume, &reference));
            let fix = format!("See why: `kubectl describe pv {}`.", reference.name);
            Finding::new(reference, text(volume, "/status/reason").unwrap_or("VolumeFailedDelete"), message).fix(fix)
        })
    })
}

/// Whether somebody has asked for its deletion.
fn is_going(object: &Value) -> bool {
    text(object, "/metadata/deletionTimestamp").is_some()
}

fn volume_going(evidence: &Evidence) -> Verdict {
    each(evidence, VOLUME, |volume, reference| {
        let claim = claim_of(volume).filter(|_| is_going(volume))?;
        let live = evidence.snapshot.get(&claim).filter(|live| !is_going(live))?;
        (text(live, "/metadata/uid") == text(volume, "/spec/claimRef/uid")).then(|| {
            let message = format!(
                "its volume {} was told to go, and goes with the data as soon as the claim is deleted",
                reference.name
            );
            let mut finding = Finding::new(claim, "VolumeGoing", message)
                .fix("Do not delete the claim. Bind a kept volume to it: `seaworthy recover`.");
            finding.symptoms.push(reference);
            finding
        })
    })
}

fn claim_going(evidence: &Evidence) -> Verdict {
    each(evidence, ("", "PersistentVolumeClaim"), |claim, reference| {
        if !is_going(claim) {
            return None;
        }
        let users: Vec<ObjectRef> = consumers(&reference, &evidence.snapshot).filter_map(ObjectRef::of).collect();
        let first = users.first()?;
        let message = format!("it was deleted and goes as soon as {} is gone, its volume with it", first.name);
        let fix = "Do not restart the pods that use it. Keep its volume and bind it anew: `seaworthy recover`.";
        let mut finding = Finding::new(reference, "ClaimGoing", message).fix(fix);
        finding.symptoms = users;
        Some(finding)
    })
}

/// Whether a pod may have its volumes mounted.
fn runs(pod: &Value) -> bool {
    text(pod, "/spec/nodeName").is_some() && !has_ended(pod)
}

/// `web-1 runs`, `web-1, web-2 run`.
pub(super) fn run(pods: &[ObjectRef]) -> String {
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    format!("{} {}", some(&names), if names.len() == 1 { "runs" } else { "run" })
}

/// Whether a pod is so young that what it uses may be younger than the list of that: lists are read one beside the other.
pub(super) fn has_just_started(pod: &Value, evidence: &Evidence) -> bool {
    let since = text(pod, "/status/startTime").and_then(|since| since.parse::<Timestamp>().ok());
    since.is_some_and(|since| evidence.taken.duration_since(since).as_secs() < SETTLED)
}

fn claim_gone(evidence: &Evidence) -> Verdict {
    let mut gone: BTreeMap<ObjectRef, Vec<ObjectRef>> = BTreeMap::new();
    let pods = evidence.snapshot.of_kind("", "Pod").filter(|pod| runs(pod) && !has_just_started(pod, evidence));
    let mut looked = 0;
    for pod in pods {
        let namespace = text(pod, "/metadata/namespace");
        for name in claims(pod) {
            looked += 1;
            let claim = ObjectRef::new("v1", "PersistentVolumeClaim", namespace, &name);
            if evidence.snapshot.get(&claim).is_none() {
                gone.entry(claim).or_default().extend(ObjectRef::of(pod));
            }
        }
    }
    let one = |(claim, pods): (ObjectRef, Vec<ObjectRef>)| {
        let them = if pods.len() == 1 { "it" } else { "them" };
        let message = format!("the claim `{}` is not there, and {} with it", claim.name, run(&pods));
        let fix = format!(
            "Do not restart {them}, and make no claim by hand: `seaworthy recover` says what is lost, and what brings it back."
        );
        let mut finding = Finding::new(claim, "ClaimGone", message).fix(fix);
        finding.symptoms = pods;
        finding
    };
    Verdict::of(looked, gone.into_iter().map(one).collect())
}
