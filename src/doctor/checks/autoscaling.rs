//! Autoscalers that cannot work.

use serde_json::Value;

use super::{condition, each, flag, is_true, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::{clip, span};
use crate::object::{ObjectRef, number, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("M005", Severity::Error, "an autoscaler cannot read its metrics"),
        [
            "The autoscaler does not learn how busy its pods are: the metrics API does not answer, or the containers say no \
            request to compare with. It leaves the number of pods as it is, whatever the load.",
            "See whether `kubectl top pods` works; set `resources.requests` of the containers.",
            "an autoscaler that is switched off because its target is scaled to 0, and one that is younger than two minutes.",
        ],
        &["HorizontalPodAutoscaler"],
        blind,
    ),
    looks(
        ("M006", Severity::Error, "an autoscaler's target does not exist"),
        [
            "The workload that the autoscaler names is not there: it was renamed, or never made.",
            "Correct `scaleTargetRef`, or delete the autoscaler.",
            "a target of a kind that is not Kubernetes' own.",
        ],
        &["HorizontalPodAutoscaler"],
        no_target,
    ),
    looks(
        ("M007", Severity::Warning, "an autoscaler has been at its limit for long"),
        [
            "The autoscaler has wanted more pods than `maxReplicas` for half an hour: the load is higher than what it may answer with.",
            "Raise `maxReplicas`, or give each pod more: `kubectl edit hpa NAME`.",
            "an autoscaler that may only have one number of pods, and the half hour of a peak.",
        ],
        &["HorizontalPodAutoscaler"],
        limited,
    ),
];

const AUTOSCALER: (&str, &str) = ("autoscaling", "HorizontalPodAutoscaler");
/// Seconds in which a new autoscaler has got its first metrics.
const FIRST: i64 = 120;

/// What an autoscaler scales.
pub(super) fn target(autoscaler: &Value) -> Option<ObjectRef> {
    let part = |field: &str| text(autoscaler, &format!("/spec/scaleTargetRef/{field}"));
    let namespace = text(autoscaler, "/metadata/namespace");
    Some(ObjectRef::new(part("apiVersion")?, part("kind")?, namespace, part("name")?))
}

fn blind(evidence: &Evidence) -> Verdict {
    each(evidence, AUTOSCALER, |autoscaler, reference| {
        let active = condition(autoscaler, "ScalingActive").filter(|one| one["status"] == "False")?;
        let since = evidence.since(active, "/lastTransitionTime").unwrap_or(0);
        let reason = text(active, "/reason").unwrap_or("FailedGetResourceMetric");
        if since < FIRST || reason == "ScalingDisabled" {
            return None;
        }
        let said = clip(text(active, "/message").unwrap_or_default());
        let message = format!("the autoscaler `{}` cannot read its metrics: {said}", reference.name);
        let fix = format!("See whether there are any: `kubectl top pods{}`.", flag(&reference));
        Some(Finding::new(reference, reason, message).fix(fix))
    })
}

/// Seconds that a peak may last.
const PEAK: i64 = 1800;

fn limited(evidence: &Evidence) -> Verdict {
    each(evidence, AUTOSCALER, |autoscaler, reference| {
        let said = is_true(autoscaler, "ScalingLimited").filter(|said| said["reason"] == "TooManyReplicas")?;
        let since = evidence.since(said, "/lastTransitionTime").filter(|since| *since > PEAK)?;
        let most = number(autoscaler, "/spec/maxReplicas")?;
        if number(autoscaler, "/spec/minReplicas").unwrap_or(1) >= most {
            return None;
        }
        let message =
            format!("the autoscaler `{}` has wanted more than its {most} pods for {}", reference.name, span(since));
        let fix = format!(
            "Raise `maxReplicas`, or give each pod more: `kubectl edit hpa {}{}`.",
            reference.name,
            flag(&reference)
        );
        Some(Finding::new(reference, "TooManyReplicas", message).fix(fix))
    })
}

fn no_target(evidence: &Evidence) -> Verdict {
    each(evidence, AUTOSCALER, |autoscaler, reference| {
        let target = target(autoscaler)?;
        let known =
            matches!((target.group(), target.kind.as_str()), ("apps", "Deployment" | "StatefulSet" | "ReplicaSet"));
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        if !known || !evidence.knows(&target.kind, namespace) || evidence.snapshot.get(&target).is_some() {
            return None;
        }
        let message = format!("the autoscaler `{}` names {}, which does not exist", reference.name, target.short());
        let fix = format!("Correct `scaleTargetRef`: `kubectl edit hpa {}{}`.", reference.name, flag(&reference));
        Some(Finding::new(reference, "TargetNotFound", message).fix(fix))
    })
}
