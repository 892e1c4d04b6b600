//! Who scales, and who may be moved: `HorizontalPodAutoscaler` and `PodDisruptionBudget`.

use serde_json::Value;

use super::case::{Case, Said, Trouble, counted, plain, some, words};
use crate::doctor::checks::budgets::pods_of;
use crate::object::{ObjectRef, number, text};

/// A `HorizontalPodAutoscaler`.
pub(super) fn autoscaler(case: &Case<'_>) -> Said {
    let (least, most) = (case.number("/spec/minReplicas").unwrap_or(1), case.count("/spec/maxReplicas"));
    let (now, wanted) = (case.count("/status/currentReplicas"), case.count("/status/desiredReplicas"));
    let wants = if now == wanted { String::new() } else { format!(", wants {wanted}") };
    let at = match now {
        _ if now >= most && most > 0 => ", at its most",
        _ if now <= least => ", at its least",
        _ => "",
    };
    let mut said = Said::new(format!("{now} of {least} to {most} replicas{at}{wants}"));
    for kind in ["AbleToScale", "ScalingActive"] {
        let no = case.condition(kind).filter(|one| one["status"] == "False");
        said = said.amiss("does not scale", no.map(words));
    }
    let limited = case.condition("ScalingLimited").filter(|one| one["status"] == "True");
    // At its least because there is little to do is no trouble.
    let is_most = now >= most && most > 0;
    said = if is_most { said.amiss("limited", limited.map(words)) } else { said.note("limited", limited.map(words)) };
    let current: Vec<&Value> = case.items("/status/currentMetrics").collect();
    for (index, metric) in case.items("/spec/metrics").enumerate() {
        said = said.note("metric", Some(told(metric, current.get(index).copied())));
    }
    let target = text(case.live, "/spec/scaleTargetRef/kind").zip(text(case.live, "/spec/scaleTargetRef/name"));
    let last = case.ago(case.live, "/status/lastScaleTime").map(|ago| format!("last {ago}"));
    said.note("target", target.map(|(kind, name)| format!("{kind}/{name}"))).note("scaled", last)
}

/// `cpu: 85 % of 70 %`.
fn told(metric: &Value, current: Option<&Value>) -> String {
    let kind = text(metric, "/type").unwrap_or_default();
    let field = format!(
        "/{}{}",
        kind.chars().next().map(|one| one.to_lowercase().to_string()).unwrap_or_default(),
        kind.get(1..).unwrap_or_default()
    );
    let part = |value: &Value, which: &str| -> Option<String> {
        let value = value.pointer(&format!("{field}/{which}"))?;
        let share = number(value, "/averageUtilization").map(|share| format!("{share} %"));
        share.or_else(|| ["averageValue", "value"].into_iter().find_map(|key| value.get(key).map(plain)))
    };
    let name = text(metric, &format!("{field}/name"))
        .or_else(|| text(metric, &format!("{field}/metric/name")))
        .unwrap_or(kind);
    let now =
        current.filter(|current| text(current, "/type") == Some(kind)).and_then(|current| part(current, "current"));
    format!(
        "{name}: {} of {}",
        now.as_deref().unwrap_or("not known"),
        part(metric, "target").as_deref().unwrap_or("no target")
    )
}

/// A `PodDisruptionBudget`.
pub(super) fn budget(case: &Case<'_>) -> Said {
    let count = |field: &str| case.count(&format!("/status/{field}"));
    let (allowed, healthy, wanted, expected) =
        (count("disruptionsAllowed"), count("currentHealthy"), count("desiredHealthy"), count("expectedPods"));
    let rule = ["minAvailable", "maxUnavailable"]
        .into_iter()
        .find_map(|field| Some(format!("{field} {}", plain(case.live["spec"].get(field)?))));
    let state = format!(
        "{} may be moved now; {healthy} of {expected} healthy, {wanted} have to be",
        counted(usize::try_from(allowed).unwrap_or(0), "pod")
    );
    let why = match () {
        () if allowed > 0 => None,
        () if expected == 0 => Some("it is about no pods".to_owned()),
        () if healthy < wanted => Some(format!("{} healthy pods are missing", wanted - healthy)),
        () => Some(format!("all {healthy} healthy pods have to stay: a drain waits")),
    };
    let failed = case.condition("DisruptionAllowed").filter(|one| one["reason"] == "SyncFailed").map(words);
    let sick = pods_of(case.live, case.snapshot()).filter(|pod| !crate::object::is_true(pod, "Ready"));
    let sick: Vec<String> =
        sick.filter(|pod| !crate::object::has_ended(pod)).filter_map(ObjectRef::of).map(|pod| pod.short()).collect();
    let lets = case.text("/spec/unhealthyPodEvictionPolicy") == Some("AlwaysAllow");
    // However well its pods are, it never lets one go.
    let never = (expected > 0 && wanted > expected).then(|| {
        let message =
            format!("it wants {wanted} healthy pods and is about {expected}: a drain of their nodes never ends");
        let fix = format!("Lower `minAvailable`: `kubectl edit pdb {}{}`.", case.object.name, case.flag());
        Trouble::new(message).fix(fix)
    });
    Said::new(state)
        .wrong(never)
        .amiss("allows none", why)
        .amiss("controller", failed)
        .amiss("not ready", (!sick.is_empty()).then(|| some(&sick)))
        .note("rule", rule)
        .note("rule", lets.then(|| "pods that are not ready may always go".to_owned()))
}
