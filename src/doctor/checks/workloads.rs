//! Workloads that run, but not as they should.

use serde_json::Value;

use super::{each_that, flag, looks, rules};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::span;
use crate::object::{ObjectRef, items, number, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("P024", Severity::Warning, "a container runs, but keeps being restarted"),
        [
            "The container is ready now, but has been restarted more than five times, the last time within half an hour. Between \
            two ends everything looks well.",
            "Read the log of the one before: `kubectl logs POD --previous`.",
            "restarts that are long ago, however many.",
        ],
        &["Pod"],
        restarts,
    ),
    rules::row(
        "W002",
        Severity::Error,
        "a pod has not become ready for ten minutes",
        [
            "Nothing is visibly wrong, it only takes very long: an init container that waits, a program that starts, an image that is \
            being pulled. Kubernetes gives a rollout ten minutes by default.",
            "See what it waits for: `kubectl describe pod POD`, `kubectl logs POD`.",
            "a pod that is younger.",
        ],
        &["Pod"],
    ),
    looks(
        ("W006", Severity::Error, "a StatefulSet's Service does not exist"),
        [
            "The Service that gives the pods of a StatefulSet their names is not there: they run, but cannot find each other.",
            "Create the headless Service (`clusterIP: None`) with that name, or correct `serviceName`.",
            "a StatefulSet that names no Service.",
        ],
        &["StatefulSet", "Service"],
        no_service,
    ),
];

/// Restarts that may happen.
const MANY: i64 = 5;
/// Seconds within which the last end is recent.
const RECENT: i64 = 1800;

fn restarts(evidence: &Evidence) -> Verdict {
    let runs =
        |pod: &Value| text(pod, "/status/phase") == Some("Running") && pod["metadata"]["deletionTimestamp"].is_null();
    each_that(evidence, ("", "Pod"), runs, |pod, reference| {
        let flapping = |status: &&Value| {
            let since = evidence.since(status, "/lastState/terminated/finishedAt");
            status["ready"] == true
                && number(status, "/restartCount") > Some(MANY)
                && since.is_some_and(|since| since < RECENT)
        };
        let status = items(pod, "/status/containerStatuses").find(flapping)?;
        let part = |pointer| text(status, pointer).unwrap_or_default();
        let since = evidence.since(status, "/lastState/terminated/finishedAt").unwrap_or(0);
        let count = number(status, "/restartCount").unwrap_or(0);
        let how = match (part("/lastState/terminated/reason"), number(status, "/lastState/terminated/exitCode")) {
            ("OOMKilled", _) => "for more memory than it may use (OOMKilled)".to_owned(),
            (_, Some(code)) => format!("with exit code {code}"),
            _ => "somehow".to_owned(),
        };
        let message = format!(
            "container `{}` runs, but has been restarted {count} times; it ended {} ago, {how}",
            part("/name"),
            span(since)
        );
        let fix = format!(
            "Read what it said: `kubectl logs {}{} -c {} --previous`.",
            reference.name,
            flag(&reference),
            part("/name")
        );
        Some(Finding::new(reference, "Restarts", message).fix(fix))
    })
}

fn no_service(evidence: &Evidence) -> Verdict {
    let named = |set: &Value| text(set, "/spec/serviceName").is_some_and(|name| !name.is_empty());
    each_that(evidence, ("apps", "StatefulSet"), named, |set, reference| {
        let name = text(set, "/spec/serviceName")?;
        let service = ObjectRef::new("v1", "Service", reference.namespace.as_deref(), name);
        evidence.snapshot.get(&service).is_none().then(|| {
            let message =
                format!("the StatefulSet `{}` names the Service `{name}`, which does not exist: its pods cannot find each other", reference.name);
            let labels = set.pointer("/spec/selector/matchLabels").and_then(Value::as_object).into_iter().flatten();
            let labels: Vec<String> =
                labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
            let place = flag(&reference);
            // What is created so selects pods by the Service's own name.
            let fix = format!(
                "Create it, for the pods of the set: `kubectl create service clusterip {name} --clusterip=None{place} && kubectl set selector service {name} {}{place}`.",
                labels.join(",")
            );
            Finding::new(reference, "ServiceNotFound", message).fix(fix)
        })
    })
}
