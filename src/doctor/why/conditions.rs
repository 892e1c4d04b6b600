//! What the conditions of any object say: which of them are amiss, at whatever depth of the status they stand.

use serde_json::Value;

use super::case::{Case, Said, Trouble, words};
use crate::engine::ready::judge::{Readiness, judge};
use crate::object::text;

/// Types that are well when they are true.
const GOOD: &[&str] = &[
    "Accepted",
    "Approved",
    "Available",
    "Complete",
    "Established",
    "Healthy",
    "Initialized",
    "NamesAccepted",
    "PodScheduled",
    "Programmed",
    "Progressing",
    "Provisioned",
    "Ready",
    "Reconciled",
    "Resolved",
    "ResolvedRefs",
    "Scheduled",
    "Succeeded",
    "Synced",
    "Valid",
];
/// Parts of types that are amiss when they are true.
const BAD: &[&str] = &[
    "Degraded",
    "Error",
    "Fail",
    "Invalid",
    "NotReady",
    "Pressure",
    "Problem",
    "Stalled",
    "Unavailable",
    "Unhealthy",
    "Violating",
];
/// Words by which a status says that something is wrong.
const ILL: &[&str] = &["Degraded", "Error", "Failed", "Failure", "Lost", "Missing", "Stalled", "Unhealthy"];
/// How deep conditions may stand: `status.parents[0].conditions` of a route is four steps down.
const DEEP: usize = 5;

/// The conditions that are amiss, with where they stand.
pub(super) fn said(case: &Case<'_>) -> Said {
    let mut found = Vec::new();
    if let Some(status) = case.live.get("status") {
        collect(status, "", DEEP, &mut found);
    }
    let mut said = Said::default();
    for (place, condition) in found.into_iter().filter(|(_, condition)| is_amiss(condition)) {
        let since = case.ago(condition, "/lastTransitionTime").map(|ago| format!(", since {ago}")).unwrap_or_default();
        let since = since.replace(" ago", "");
        let kind = text(condition, "/type").unwrap_or_default();
        let status = text(condition, "/status").unwrap_or("Unknown");
        let told = words(condition);
        let told = if told.is_empty() { told } else { format!(": {told}") };
        said = said.amiss("condition", format!("{place}{kind} is {status}{since}{told}"));
    }
    said
}

/// Whether a condition says that something is amiss. Of a type that is not known, `False` says nothing: it may be well.
pub(super) fn is_amiss(condition: &Value) -> bool {
    let kind = text(condition, "/type").unwrap_or_default();
    let status = text(condition, "/status").unwrap_or_default();
    let is_bad = BAD.iter().any(|part| kind.contains(part));
    let is_good = !is_bad && (GOOD.contains(&kind) || kind.ends_with("Ready"));
    match status {
        "True" => is_bad,
        "False" => is_good,
        _ => !kind.is_empty() && (is_good || is_bad),
    }
}

/// Every list named `conditions` in a status, with the path to it.
fn collect<'a>(value: &'a Value, path: &str, deep: usize, found: &mut Vec<(String, &'a Value)>) {
    if deep == 0 {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                if key == "conditions" {
                    let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
                    let all = inner.as_array().into_iter().flatten();
                    found.extend(all.map(|condition| (place.clone(), condition)));
                } else {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    collect(inner, &path, deep - 1, found);
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                let name = text(inner, "/name").map_or_else(|| index.to_string(), str::to_owned);
                collect(inner, &format!("{path}[{name}]"), deep - 1, found);
            }
        }
        _ => {}
    }
}

/// Whether the object's controller has not seen its newest generation.
pub(super) fn behind(case: &Case<'_>) -> Said {
    match (case.number("/metadata/generation"), case.number("/status/observedGeneration")) {
        (Some(wanted), Some(seen)) if seen < wanted => Said::default().amiss(
            "generation",
            format!("its controller has seen generation {seen} of {wanted}: what the status says is of before the last change"),
        ),
        _ => Said::default(),
    }
}

/// A kind that is not known: what its status says in the words that most operators use.
pub(super) fn custom(case: &Case<'_>) -> Said {
    // Argo CD: `health.status`, `sync.status`; Crossplane, Cluster API and many others: `phase`; Ambassador: `state`.
    const WORDS: [&str; 6] = [
        "/status/health/status",
        "/status/sync/status",
        "/status/phase",
        "/status/state",
        "/status/readyStatus",
        "/status/health",
    ];
    let told: Vec<&str> = WORDS.iter().filter_map(|pointer| case.text(pointer)).collect();
    let message =
        ["/status/message", "/status/reason", "/status/health/message", "/status/error", "/status/errorMessage"]
            .into_iter()
            .find_map(|pointer| case.text(pointer));
    let revision = ["/status/lastAppliedRevision", "/status/sync/revision"].into_iter().find_map(|at| case.text(at));
    let suspended =
        case.live.pointer("/spec/suspend").or_else(|| case.live.pointer("/spec/paused")) == Some(&Value::Bool(true));
    let says = (!told.is_empty()).then(|| told.join(", "));
    let owns = super::owners::below(case);
    let mut said = Said::default()
        .note("status", says)
        .note("message", message.map(str::to_owned))
        .note("revision", revision.map(str::to_owned))
        .note("owns", owns);
    // What it says of its readiness goes before this; only where it says nothing the rest has to tell.
    if matches!(judge(case.live, case.snapshot()), Readiness::Ready { .. }) {
        let is_ill = told.iter().any(|word| ILL.iter().any(|ill| word.eq_ignore_ascii_case(ill)));
        let message = message.map(|message| format!(": {message}")).unwrap_or_default();
        let by_word = is_ill.then(|| Trouble::new(format!("it says of itself: {}{message}", told.join(", "))));
        let amiss = self::said(case).details.into_iter().next();
        said = said.wrong(by_word).wrong(amiss.map(|amiss| Trouble::new(amiss.says)));
    }
    if suspended {
        said = said.amiss("suspended", "its controller leaves it alone until it is resumed".to_owned());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_is_amiss_by_its_type() {
        for (kind, status, amiss) in [
            ("Ready", "True", false),
            ("Ready", "False", true),
            ("Ready", "Unknown", true),
            ("ContainersReady", "False", true),
            ("MemoryPressure", "True", true),
            ("MemoryPressure", "False", false),
            ("Stalled", "True", true),
            ("NetworkUnavailable", "False", false),
            // Nobody knows what these mean.
            ("Aurora", "False", false),
            ("Aurora", "Unknown", false),
            ("", "Unknown", false),
        ] {
            assert_eq!(is_amiss(&json!({"type": kind, "status": status})), amiss, "{kind} {status}");
        }
    }

    #[test]
    fn conditions_are_found_at_any_depth() {
        let status = json!({"parents": [{"name": "a", "conditions": [{"type": "Accepted", "status": "False"}]}], "conditions": []});
        let mut found = Vec::new();
        collect(&status, "", DEEP, &mut found);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "parents[a]: ");
    }
}
