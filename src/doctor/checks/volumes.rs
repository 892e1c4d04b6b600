//! Volumes and classes, beyond what claims say of themselves.

use serde_json::Value;

use super::{each, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::clip;
use crate::engine::ready::judge::consumers;
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::QUARANTINE;
use crate::snapshot::classes::is_default;

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
        ("V012", Severity::Warning, "a volume holds the data of a deleted claim"),
        [
            "The claim was deleted and the volume was kept (reclaim policy Retain). It is not given to a new claim of the \
            same name by itself.",
            "To use it again, take its `claimRef.uid` away and bind a claim to it by `volumeName`; to give it up, delete the volume.",
            "a volume with the policy Delete, which is on its way to be deleted.",
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
];

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
        let kept = text(volume, "/spec/persistentVolumeReclaimPolicy") == Some("Retain");
        (kept && text(volume, "/status/phase") == Some("Released")).then(|| {
            let message = format!("{} is Released: it still holds the data of its deleted claim", whose(volume, &reference));
            let fix = format!(
                "To use it again: `kubectl patch pv {} --type json -p '[{{\"op\":\"remove\",\"path\":\"/spec/claimRef/uid\"}}]'`, then a claim with that `volumeName`.",
                reference.name
            );
            Finding::new(reference, "Released", message).fix(fix)
        })
    })
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
