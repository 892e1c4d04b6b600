//! The pods are not even made: something refuses them.

use serde_json::Value;

use super::site::{Site, event_text, event_time, time};
use super::words::clip;
use super::{Rule, Subject};
use crate::doctor::{Cause, refusal};
use crate::object::{ObjectRef, items, number, text};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "W004",
    group: "create",
    title: "the pods of a workload are refused",
    on: Subject::Maker,
    find: refused,
}];

fn refused(site: &Site<'_>) -> Option<Cause> {
    let said = said(site)?;
    let cause = refusal::told(said, Some(site.namespace())).map(|cause| refine(cause, site));
    cause
        .or_else(|| Some(site.stuck("FailedCreate", format!("no pod can be made: {}", clip(said)))))
        .map(|cause| if cause.object.is_some() { cause } else { cause.about(site.reference.clone()) })
}

/// The refusal, while it lasts. A `ReplicaSet` keeps it as a condition; of the others only events tell, which outlive it.
fn said<'a>(site: &Site<'a>) -> Option<&'a str> {
    if let Some(failure) = site.condition("ReplicaFailure") {
        return (failure["status"] == "True" && failure["reason"] == "FailedCreate")
            .then(|| text(failure, "/message"))
            .flatten();
    }
    if is_complete(site.object) {
        return None;
    }
    let event = site.event(&["FailedCreate"])?;
    let youngest =
        site.snapshot.owned_by(site.object).filter_map(|child| time(child, "/metadata/creationTimestamp")).max();
    (event_time(event) >= youngest).then(|| event_text(event))
}

/// Whether all pods that are wanted are there.
fn is_complete(object: &Value) -> bool {
    let count = |pointer| number(object, pointer).unwrap_or(0);
    match text(object, "/kind") {
        Some("DaemonSet") => count("/status/currentNumberScheduled") >= count("/status/desiredNumberScheduled"),
        Some("Job") => count("/status/active") + count("/status/succeeded") > 0,
        _ => count("/status/replicas") >= number(object, "/spec/replicas").unwrap_or(1),
    }
}

/// Names the webhook's configuration, where it can be seen: that is the object to look at.
fn refine(cause: Cause, site: &Site<'_>) -> Cause {
    if cause.object.is_some() || !cause.id.starts_with('X') {
        return cause;
    }
    let kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
    let configuration = kinds.into_iter().find_map(|kind| {
        site.snapshot.of_kind("admissionregistration.k8s.io", kind).find(|configuration| {
            items(configuration, "/webhooks")
                .filter(|hook| text(hook, "/name").is_some_and(|name| cause.message.contains(name)))
                .any(|hook| is_for(hook, site.namespace()))
        })
    });
    match configuration.and_then(ObjectRef::of) {
        Some(configuration) => cause.about(configuration),
        None => cause,
    }
}

/// Whether a webhook is asked about objects of a namespace, as far as its selector goes by the namespace's name (the label
/// `kubernetes.io/metadata.name`, which every namespace has). Two configurations may name their webhooks alike.
fn is_for(hook: &Value, namespace: &str) -> bool {
    const NAME: &str = "/namespaceSelector/matchLabels/kubernetes.io~1metadata.name";
    let by_label = text(hook, NAME).is_none_or(|name| name == namespace);
    let fits = |expression: &Value| match text(expression, "/operator") {
        Some("In") => items(expression, "/values").any(|value| value == namespace),
        Some("NotIn") => !items(expression, "/values").any(|value| value == namespace),
        _ => true,
    };
    let mut by_name = items(hook, "/namespaceSelector/matchExpressions")
        .filter(|expression| text(expression, "/key") == Some("kubernetes.io/metadata.name"));
    by_label && by_name.all(fits)
}
