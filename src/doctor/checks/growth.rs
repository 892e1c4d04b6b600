//! Volumes that nobody has, or that do not grow.

use super::{condition, each, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::{clip, span};
use crate::object::text;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("V014", Severity::Info, "a volume has had no claim for long"),
        [
            "The volume has been Available for more than a day: it takes room, and nobody uses it.",
            "Bind it with a claim, or delete it when nobody needs what is on it: `kubectl describe pv NAME`.",
            "a volume that is kept for a certain claim (`claimRef`), and one of the last day.",
        ],
        &["PersistentVolume"],
        unused,
    ),
    looks(
        ("V021", Severity::Warning, "a claim that is to grow does not"),
        [
            "More room was asked for more than five minutes ago, and the volume has not grown: its driver cannot, or the file system grows \
            only when the pod starts anew.",
            "See what it waits for, `kubectl describe pvc NAME`; when it is the file system, start the pod anew.",
            "a volume that began to grow within the last five minutes.",
        ],
        &["PersistentVolumeClaim"],
        stuck,
    ),
];

const DAY: i64 = 24 * 3600;
/// Seconds in which a volume has grown.
const GROWS: i64 = 300;

fn unused(evidence: &Evidence) -> Verdict {
    each(evidence, ("", "PersistentVolume"), |volume, reference| {
        let since = evidence.since(volume, "/status/lastPhaseTransitionTime");
        let since = since.or_else(|| evidence.since(volume, "/metadata/creationTimestamp"))?;
        let is_free =
            text(volume, "/status/phase") == Some("Available") && volume.pointer("/spec/claimRef/name").is_none();
        (is_free && since > DAY).then(|| {
            let message = format!("the volume {} has had no claim for {}", reference.name, span(since));
            let fix = format!(
                "Bind it with a claim, or delete it when nobody needs what is on it: `kubectl describe pv {}`.",
                reference.name
            );
            Finding::new(reference, "Available", message).fix(fix)
        })
    })
}

fn stuck(evidence: &Evidence) -> Verdict {
    each(evidence, ("", "PersistentVolumeClaim"), |claim, reference| {
        let waits = ["FileSystemResizePending", "Resizing"].iter().find_map(|kind| {
            let said = condition(claim, kind).filter(|said| said["status"] == "True")?;
            Some((said, evidence.since(said, "/lastTransitionTime").filter(|since| *since > GROWS)?))
        });
        let (said, since) = waits?;
        let words = text(said, "/message").filter(|words| !words.is_empty()).map(|words| format!(": {}", clip(words)));
        let message =
            format!("the claim {} has been growing for {}{}", reference.name, span(since), words.unwrap_or_default());
        let what =
            if said["type"] == "FileSystemResizePending" { "Start its pod anew" } else { "See what it waits for" };
        let fix = format!("{what}: `kubectl describe pvc {}{}`.", reference.name, flag(&reference));
        Some(Finding::new(reference, text(said, "/type").unwrap_or("Resizing"), message).fix(fix))
    })
}
