//! Disruption budgets that forbid what an operator will want to do.

use serde_json::Value;

use super::{each, flag};
use crate::doctor::check::{Check, Judge, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{items, number, text};
use crate::snapshot::Snapshot;

/// The rows.
pub(super) const ROWS: &[Check] = &[Check {
    id: "B001",
    severity: Severity::Warning,
    title: "a disruption budget allows no pod to be moved",
    explain: "All pods of the budget are healthy and still none may be evicted: `minAvailable` is as large as the number of pods, \
        or `maxUnavailable` is 0. Draining a node with one of them never ends.",
    fix: "Lower `minAvailable`, or run one pod more.",
    unless: "a budget that is used up because pods are not healthy: their own finding says why.",
    reads: &["PodDisruptionBudget"],
    judge: Judge::Look(blocked),
}];

/// The pods that a budget is about.
pub(in crate::doctor) fn pods_of<'a>(budget: &'a Value, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Value> {
    let namespace = text(budget, "/metadata/namespace").unwrap_or_default();
    let labels = budget.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let plain = items(budget, "/spec/selector/matchExpressions").next().is_none();
    let pods = labels.filter(|_| plain).map(|labels| {
        snapshot
            .in_namespace("", "Pod", namespace)
            .filter(move |pod| labels.iter().all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value)))
    });
    pods.into_iter().flatten()
}

fn blocked(evidence: &Evidence) -> Verdict {
    each(evidence, ("policy", "PodDisruptionBudget"), |budget, reference| {
        let count = |field: &str| number(budget, &format!("/status/{field}")).unwrap_or(0);
        let (expected, healthy, allowed) =
            (count("expectedPods"), count("currentHealthy"), count("disruptionsAllowed"));
        (expected > 0 && healthy >= expected && allowed == 0).then(|| {
            let message = format!(
                "the disruption budget `{}` allows no pod to be moved though all {expected} are healthy: a drain of their node never ends",
                reference.name
            );
            let fix = format!("Lower `minAvailable` or run one pod more: `kubectl edit pdb {}{}`.", reference.name, flag(&reference));
            Finding::new(reference, "NoDisruptionAllowed", message).fix(fix)
        })
    })
}
