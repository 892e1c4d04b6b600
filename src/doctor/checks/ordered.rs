//! `StatefulSets`: that their claims go with their pods, and that they start these one after the other: <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>.

use super::{condition, each, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::{Look, is_stuck_with, let_go, stuck_with};
use crate::object::{ObjectRef, items, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("V027", Severity::Info, "the claims of a StatefulSet go with its pods"),
        [
            "The StatefulSet says Delete in `persistentVolumeClaimRetentionPolicy`: scaled down, or deleted, it deletes the claims of its pods, and with a \
        volume of policy Delete their data. It is what somebody has chosen, and it turns a scale-down for repairs into a loss.",
            "Where the data matters: `kubectl patch statefulset NAME -p '{\"spec\":{\"persistentVolumeClaimRetentionPolicy\":{\"whenScaled\":\"Retain\",\"whenDeleted\":\"Retain\"}}}'`.",
            "a StatefulSet without claims of its own; Retain is the default. A recovery of ours keeps the claims while it has the set stopped.",
        ],
        &["StatefulSet"],
        claims_go,
    ),
    looks(
        ("W007", Severity::Error, "a StatefulSet waits for a pod of an older template"),
        [
            "The template was changed while a pod of the one before was not ready. A StatefulSet that starts its pods in order replaces none while \
        one is not ready, and so never replaces this one, although the new template may well be right.",
            "Delete the pod: `kubectl delete pod NAME`. Its volumes stay, and the next one has the new template.",
            "a pod that was ready within the last minute, one below the partition of the update, and StatefulSets with OnDelete or Parallel.",
        ],
        &["StatefulSet", "Pod"],
        stuck,
    ),
];

/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention>
fn claims_go(evidence: &Evidence) -> Verdict {
    each(evidence, ("apps", "StatefulSet"), |set, reference| {
        items(set, "/spec/volumeClaimTemplates").next()?;
        let says =
            |when: &str| text(set, &format!("/spec/persistentVolumeClaimRetentionPolicy/{when}")) == Some("Delete");
        let when = match (says("whenScaled"), says("whenDeleted")) {
            (true, true) => "scaled down or deleted",
            (true, false) => "scaled down",
            (false, true) => "deleted",
            (false, false) => return None,
        };
        let name = &reference.name;
        let message = format!(
            "the StatefulSet `{name}` deletes the claims of its pods when it is {when}, and with them their data"
        );
        let fix = format!(
            "Where the data matters: `kubectl patch statefulset {name}{} -p '{{\"spec\":{{\"persistentVolumeClaimRetentionPolicy\":{{\"whenScaled\":\"Retain\",\"whenDeleted\":\"Retain\"}}}}}}'`.",
            flag(&reference)
        );
        Some(Finding::new(reference, "ClaimsGo", message).fix(fix))
    })
}

/// Seconds in which a pod of an older template is replaced where nothing is wrong.
const GOES: i64 = 60;

fn stuck(evidence: &Evidence) -> Verdict {
    let look = Look::new(&evidence.snapshot, evidence.taken);
    each(evidence, ("apps", "StatefulSet"), |set, reference| {
        let has_waited =
            |pod| condition(pod, "Ready").and_then(|one| evidence.since(one, "/lastTransitionTime")) > Some(GOES);
        let pods = evidence.snapshot.owned_by(set).filter(|one| one["kind"] == "Pod");
        let stuck = pods.filter(|pod| is_stuck_with(set, pod) && has_waited(pod));
        let pod = stuck.min_by_key(|pod| text(pod, "/metadata/name"))?;
        let name = text(pod, "/metadata/name")?;
        let why = look.at(pod).into_iter().next().map_or("nothing says why".to_owned(), |cause| cause.message);
        let (message, fix) = (stuck_with(&reference.name, name, &why), let_go(name, &flag(&reference)));
        let mut finding = Finding::new(reference, "OldTemplate", message).fix(fix);
        finding.instances = ObjectRef::of(pod).into_iter().collect();
        Some(finding)
    })
}
