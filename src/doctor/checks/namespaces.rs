//! Namespaces that were deleted and do not go.

use serde_json::Value;

use super::{each_that, is_true, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::{clip, span};
use crate::object::text;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    row(
        "T001",
        "a namespace cannot be emptied because an API does not answer",
        "Before a namespace goes, the API server asks every API what it holds there. One that does not answer stops it.",
        "Repair the API, or delete its APIService when nobody needs it any more: `kubectl get apiservices`.",
        |evidence| look(evidence, &["NamespaceDeletionDiscoveryFailure"], 60),
    ),
    row(
        "T002",
        "a namespace is held by what is still in it",
        "Objects in the namespace have finalizers: somebody asked to be told before they go, and has not answered. Most often \
            the controller that should was deleted first.",
        "Start that controller again and let it finish. Taking a finalizer away leaves behind whatever it stood for: where that controller \
            does not come back, `seaworthy recover finish` does it, by name, and keeps the volumes.",
        |evidence| look(evidence, &["NamespaceFinalizersRemaining", "NamespaceContentRemaining"], 120),
    ),
    row(
        "T003",
        "the content of a namespace cannot be deleted",
        "Something refuses the deletions: a webhook that does not answer, or a protection.",
        "See who refuses in the message; repair the webhook, or take the protection away.",
        |evidence| look(evidence, &["NamespaceDeletionContentFailure"], 60),
    ),
];

const fn row(
    id: &'static str,
    title: &'static str,
    explain: &'static str,
    fix: &'static str,
    look: fn(&Evidence) -> Verdict,
) -> Check {
    let unless = "a namespace that was deleted a minute or two ago and is still at it.";
    looks((id, Severity::Error, title), [explain, fix, unless], &["Namespace"], look)
}

/// Whether a namespace waits for an API that cannot be asked.
pub(in crate::doctor) fn is_undiscovered(namespace: &Value) -> bool {
    is_true(namespace, "NamespaceDeletionDiscoveryFailure").is_some()
}

fn look(evidence: &Evidence, conditions: &[&str], patience: i64) -> Verdict {
    each_that(
        evidence,
        ("", "Namespace"),
        |_| true,
        |namespace, reference| {
            let since = evidence.since(namespace, "/metadata/deletionTimestamp").filter(|since| *since > patience)?;
            let said = conditions.iter().find_map(|kind| is_true(namespace, kind))?;
            // That something is left is only the consequence of an API that does not answer.
            if is_undiscovered(namespace) && !conditions.contains(&"NamespaceDeletionDiscoveryFailure") {
                return None;
            }
            let words = clip(text(said, "/message").unwrap_or_default());
            let message = format!(
                "the namespace {} was told to go {} ago and is still there: {words}",
                reference.name,
                span(since)
            );
            let fix = format!(
                "What it waits for, and what can be done about that: `seaworthy recover -n {0}`; by hand: `kubectl get namespace {0} -o yaml`, the \
                 conditions.",
                reference.name
            );
            Some(Finding::new(reference, text(said, "/reason").unwrap_or("Terminating"), message).fix(fix))
        },
    )
}
