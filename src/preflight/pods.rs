//! The pods that a plan comes to: of each workload that it makes or changes, how many and what they ask for. Pure.

use serde_json::{Value, json};

use super::Subject;
use crate::object::{ObjectRef, items, number, text};

/// Pods that are all alike.
pub(super) struct Group<'a> {
    /// What makes them.
    pub(super) owner: ObjectRef,
    /// Their specification.
    pub(super) spec: &'a Value,
    /// Their labels.
    pub(super) labels: &'a Value,
    /// How many; `None`: one on each node that takes them.
    pub(super) count: Option<usize>,
}

/// The groups of a plan: of every workload in it, since those that stay as they are count as well.
pub(super) fn groups(subject: Subject<'_>) -> Vec<Group<'_>> {
    subject.plan.objects().filter_map(|object| group(object, subject)).collect()
}

fn group<'a>(object: &'a Value, subject: Subject<'a>) -> Option<Group<'a>> {
    let owner = ObjectRef::of(object)?;
    let template = match owner.kind.as_str() {
        "Pod" => object,
        "CronJob" => return None,
        _ => object.pointer("/spec/template")?,
    };
    let spec = template.get("spec").filter(|spec| spec["containers"].is_array())?;
    let labels = &template["metadata"]["labels"];
    let count = match owner.kind.as_str() {
        "DaemonSet" => None,
        "Pod" => Some(1),
        "Job" => Some(wanted(object, "/spec/parallelism").unwrap_or(1)),
        _ => Some(scaled(&owner, subject).or_else(|| wanted(object, "/spec/replicas")).unwrap_or(1)),
    };
    Some(Group { owner, spec, labels, count })
}

fn wanted(object: &Value, pointer: &str) -> Option<usize> {
    usize::try_from(number(object, pointer)?).ok()
}

/// The least that an autoscaler of the plan gives it.
fn scaled(owner: &ObjectRef, subject: Subject<'_>) -> Option<usize> {
    let mut scalers = subject.plan.objects().filter(|object| object["kind"] == "HorizontalPodAutoscaler");
    let scaler = scalers.find(|scaler| {
        text(scaler, "/spec/scaleTargetRef/kind") == Some(&owner.kind)
            && text(scaler, "/spec/scaleTargetRef/name") == Some(&owner.name)
    })?;
    Some(wanted(scaler, "/spec/minReplicas").unwrap_or(1))
}

/// Whether pods with these labels must not be together on one node.
pub(super) fn keeps_apart(group: &Group<'_>) -> bool {
    let host = json!("kubernetes.io/hostname");
    items(group.spec, "/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution").any(|term| {
        term["topologyKey"] == host && crate::snapshot::placing::matches(&term["labelSelector"], group.labels)
    })
}
