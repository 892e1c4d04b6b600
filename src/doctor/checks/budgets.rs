//! Disruption budgets that forbid what an operator will want to do.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{each, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, has_ended, items, number, text};
use crate::snapshot::Snapshot;
use crate::snapshot::placing::matches;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("B001", Severity::Warning, "a disruption budget allows no pod to be moved"),
        [
            "All pods of the budget are healthy and still none may be evicted: `minAvailable` is as large as the number of pods, \
        or `maxUnavailable` is 0. Draining a node with one of them never ends.",
            "Lower `minAvailable`, or run one pod more.",
            "a budget of the last two minutes, whose autoscaler has not made its pods yet, and one that is used up because pods are not \
            healthy: their own finding says why.",
        ],
        &["PodDisruptionBudget"],
        blocked,
    ),
    looks(
        ("B002", Severity::Warning, "a disruption budget is about no pods"),
        [
            "No pod carries the labels of the budget's selector, and no workload makes such pods: it protects nothing.",
            "Correct its selector, or delete it: `kubectl get pods -n NAMESPACE --show-labels` shows the labels.",
            "a budget whose workload is scaled to nothing, or was made within the last two minutes.",
        ],
        &["PodDisruptionBudget", "Pod", "Deployment", "StatefulSet"],
        idle,
    ),
    looks(
        ("B003", Severity::Warning, "a pod is in several disruption budgets"),
        [
            "Kubernetes refuses to evict a pod that more than one budget is about, whatever they allow: its node cannot be drained.",
            "Delete one of them, or narrow its selector: `kubectl get pdb -n NAMESPACE`.",
            "budgets of the same namespace with pods of their own each, and pods that have ended, which can always be evicted.",
        ],
        BUDGETS_AND_PODS,
        shared,
    ),
    looks(
        ("B005", Severity::Warning, "pods that are not well cannot be moved"),
        [
            "Fewer pods are healthy than the budget wants, and it lets only healthy pods go (`unhealthyPodEvictionPolicy` is not AlwaysAllow): \
            a drain of a node with one of the others never ends.",
            "Set `unhealthyPodEvictionPolicy: AlwaysAllow` in the budget: `kubectl edit pdb NAME`.",
            "a budget with AlwaysAllow, and pods that have been starting for less than ten minutes.",
        ],
        BUDGETS_AND_PODS,
        held,
    ),
];

const BUDGETS_AND_PODS: &[&str] = &["PodDisruptionBudget", "Pod"];
const BUDGET: (&str, &str) = ("policy", "PodDisruptionBudget");
/// Seconds in which the pods of a new budget are there.
const YOUNG: i64 = 120;
/// Seconds in which a pod has become ready.
const STARTS: i64 = 600;

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
    each(evidence, BUDGET, |budget, reference| {
        let count = |field: &str| number(budget, &format!("/status/{field}")).unwrap_or(0);
        let (expected, healthy, allowed) =
            (count("expectedPods"), count("currentHealthy"), count("disruptionsAllowed"));
        let is_young = evidence.since(budget, "/metadata/creationTimestamp").is_some_and(|age| age < YOUNG);
        (expected > 0 && healthy >= expected && allowed == 0 && !is_young).then(|| {
            let message = format!(
                "the disruption budget `{}` allows no pod to be moved though all {expected} are healthy: a drain of their node never ends",
                reference.name
            );
            let fix = format!("Lower `minAvailable` or run one pod more: `kubectl edit pdb {}{}`.", reference.name, flag(&reference));
            Finding::new(reference, "NoDisruptionAllowed", message).fix(fix)
        })
    })
}

/// Whether a workload makes pods that a budget is about.
fn is_made(budget: &Value, namespace: &str, snapshot: &Snapshot) -> bool {
    let selector = budget.pointer("/spec/selector").unwrap_or(&Value::Null);
    let mut makers =
        ["Deployment", "StatefulSet"].into_iter().flat_map(|kind| snapshot.in_namespace("apps", kind, namespace));
    makers.any(|maker| maker.pointer("/spec/template/metadata/labels").is_some_and(|labels| matches(selector, labels)))
}

fn idle(evidence: &Evidence) -> Verdict {
    each(evidence, BUDGET, |budget, reference| {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let old = evidence.since(budget, "/metadata/creationTimestamp").is_none_or(|age| age > YOUNG);
        let none = number(budget, "/status/expectedPods").unwrap_or(0) == 0
            && pods_of(budget, &evidence.snapshot).next().is_none();
        (old && none && !is_made(budget, namespace, &evidence.snapshot)).then(|| {
            let message = format!("the disruption budget `{}` is about no pods", reference.name);
            let fix =
                format!("Correct its selector, or delete it: `kubectl get pods{} --show-labels`.", flag(&reference));
            Finding::new(reference, "NoPods", message).fix(fix)
        })
    })
}

fn shared(evidence: &Evidence) -> Verdict {
    let budgets: Vec<&Value> = evidence.snapshot.of_kind(BUDGET.0, BUDGET.1).collect();
    let mut first: BTreeMap<ObjectRef, ObjectRef> = BTreeMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    for budget in &budgets {
        let Some(reference) = ObjectRef::of(budget) else { continue };
        let pods = pods_of(budget, &evidence.snapshot).filter(|pod| !has_ended(pod)).filter_map(ObjectRef::of);
        let pairs = pods.filter_map(|pod| {
            let known = first.entry(pod.clone()).or_insert_with(|| reference.clone());
            (*known != reference).then(|| (pod, known.name.clone()))
        });
        let pairs: Vec<(ObjectRef, String)> = pairs.collect();
        let Some((pod, other)) = pairs.first() else { continue };
        let message = format!(
            "the disruption budgets `{other}` and `{}` are both about the pod {}: nobody can evict it",
            reference.name, pod.name
        );
        let fix = format!("Delete one, or narrow its selector: `kubectl get pdb{}`.", flag(&reference));
        let mut finding = Finding::new(reference, "SeveralBudgets", message).fix(fix);
        finding.symptoms = pairs.into_iter().map(|(pod, _)| pod).collect();
        findings.push(finding);
    }
    Verdict::of(budgets.len(), findings)
}

fn held(evidence: &Evidence) -> Verdict {
    each(evidence, BUDGET, |budget, reference| {
        let count = |field: &str| number(budget, &format!("/status/{field}")).unwrap_or(0);
        let allows = text(budget, "/spec/unhealthyPodEvictionPolicy") == Some("AlwaysAllow");
        if allows || count("currentHealthy") >= count("desiredHealthy") {
            return None;
        }
        let sick = pods_of(budget, &evidence.snapshot).filter(|pod| text(pod, "/status/phase") == Some("Running"));
        let sick = sick.filter(|pod| {
            super::condition(pod, "Ready").is_some_and(|ready| {
                ready["status"] != "True"
                    && evidence.since(ready, "/lastTransitionTime").is_some_and(|since| since > STARTS)
            })
        });
        let sick: Vec<ObjectRef> = sick.filter_map(ObjectRef::of).collect();
        let pod = sick.first()?;
        let message = format!(
            "the disruption budget `{}` does not let the pod {} be evicted, which is not well",
            reference.name, pod.name
        );
        let fix = format!(
            "Let it go: `kubectl patch pdb {}{} -p '{{\"spec\":{{\"unhealthyPodEvictionPolicy\":\"AlwaysAllow\"}}}}'`.",
            reference.name,
            flag(&reference)
        );
        Some(Finding::new(reference, "UnhealthyHeld", message).fix(fix))
    })
}
