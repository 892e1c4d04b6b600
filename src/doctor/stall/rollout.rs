//! What a workload says when nothing below it says more.

use serde_json::Value;

use super::site::Site;
use super::words::{clip, span};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::{is_true, items, number, text};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "T004",
        group: "rollout",
        title: "an object is being deleted and does not go",
        on: Subject::Top,
        find: deleted,
    },
    Rule { id: "W003", group: "rollout", title: "no controller looks at a workload", on: Subject::Top, find: unseen },
    Rule { id: "W015", group: "rollout", title: "a rollout is paused", on: Subject::Top, find: paused },
    Rule { id: "W001", group: "rollout", title: "a rollout does not get on", on: Subject::Top, find: deadline },
];

/// Seconds in which a controller that runs has seen a change.
const SEES: i64 = 30;
/// Seconds in which a deletion that nothing holds up is done.
const GOES: i64 = 60;

/// Whether a StatefulSet waits for this pod, although it is of another template than new pods get. One that starts its pods in order replaces
/// none while one is not ready, and so never replaces this one:
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>.
pub(in crate::doctor) fn is_stuck_with(set: &Value, pod: &Value) -> bool {
    let ordinal = || text(pod, "/metadata/name")?.rsplit('-').next()?.parse::<i64>().ok();
    let update = text(set, "/status/updateRevision").unwrap_or_default();
    let of = text(pod, "/metadata/labels/controller-revision-hash").unwrap_or_default();
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    set["kind"] == "StatefulSet"
        && set["spec"]["podManagementPolicy"] != "Parallel"
        && set["spec"]["updateStrategy"]["type"] != "OnDelete"
        && !update.is_empty()
        && !of.is_empty()
        && of != update
        && ordinal().is_some_and(|ordinal| ordinal >= partition)
        && !is_true(pod, "Ready")
        && text(pod, "/metadata/deletionTimestamp").is_none()
}

/// What is wrong with a pod, unless it is one that only has to go.
pub(super) fn of_pod(set: &Site<'_>, pod: &Site<'_>, cause: Cause) -> Cause {
    if !is_stuck_with(set.object, pod.object) {
        return cause;
    }
    let (name, outlook) = (&pod.reference.name, cause.outlook);
    let message = stuck_with(&set.reference.name, name, &cause.message);
    Cause { id: "W007".to_owned(), ..pod.stuck("OldTemplate", message) }
        .remedy(let_go(name, &pod.flag()))
        .outlook(outlook)
}

/// What such a StatefulSet is in.
pub(in crate::doctor) fn stuck_with(set: &str, pod: &str, why: &str) -> String {
    format!("the StatefulSet `{set}` waits for {pod}, which has an older template and does not become ready: {why}")
}

/// What helps.
pub(in crate::doctor) fn let_go(pod: &str, flag: &str) -> String {
    format!("Delete the pod, its volumes stay and the next one has the new template: `kubectl delete pod {pod}{flag}`.")
}

fn deleted(site: &Site<'_>) -> Option<Cause> {
    let since = site.since(site.object, "/metadata/deletionTimestamp")?;
    let holders: Vec<_> = items(site.object, "/metadata/finalizers").filter_map(Value::as_str).collect();
    let user = user(site);
    let held = match &user {
        Some(pod) => format!("; the pod {pod} still uses it"),
        None if holders.is_empty() => String::new(),
        None => format!("; the finalizer {} holds it", holders.join(", ")),
    };
    let message = format!("{} was told to go {} ago and is still there{held}", site.reference.short(), span(since));
    let cause = site.stuck("Terminating", message);
    if since < GOES {
        return Some(cause.outlook(Outlook::Passing));
    }
    if let Some(pod) = user {
        return Some(cause.remedy(format!(
            "It goes, and its data with it, when the pod ends: think before `kubectl delete pod {pod}{}`.",
            site.flag()
        )));
    }
    Some(cause.remedy("Look after the controller that set the finalizer; it removes it when it is done."))
}

/// The pod for which a claim that is deleted is kept (`kubernetes.io/pvc-protection`).
fn user(site: &Site<'_>) -> Option<String> {
    let mut pods = (site.reference.kind == "PersistentVolumeClaim")
        .then(|| crate::engine::ready::judge::consumers(&site.reference, site.snapshot))?;
    pods.find_map(|pod| text(pod, "/metadata/name").map(str::to_owned))
}

fn unseen(site: &Site<'_>) -> Option<Cause> {
    // A CronJob that has not run yet has no status.
    let is_judged = site.reference.group() == "apps" || site.reference.kind == "Job";
    if !is_judged || site.object.pointer("/metadata/generation").is_none() {
        return None;
    }
    let count = |pointer| number(site.object, pointer).unwrap_or(0);
    let unseen = match site.reference.group() {
        "apps" => count("/status/observedGeneration") < count("/metadata/generation"),
        _ => site.object.pointer("/status").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty),
    };
    // Only a new object tells for how long; of a changed one the time of the change is not kept in its fields.
    let age = site.age();
    (unseen && age > SEES).then(|| {
        let message = format!(
            "{} was made {} ago and no controller has looked at it as it is now",
            site.reference.short(),
            span(age)
        );
        site.stuck("NotObserved", message)
            .remedy("Look after the controller manager: `kubectl get pods -n kube-system`.")
    })
}

fn paused(site: &Site<'_>) -> Option<Cause> {
    let paused = site.object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true);
    (paused && site.reference.kind == "Deployment").then(|| {
        let remedy =
            format!("Let it go on: `kubectl rollout resume deployment/{}{}`.", site.reference.name, site.flag());
        site.stuck("DeploymentPaused", format!("the rollout of `{}` is paused", site.reference.name)).remedy(remedy)
    })
}

fn deadline(site: &Site<'_>) -> Option<Cause> {
    let condition = site.condition("Progressing").filter(|one| one["reason"] == "ProgressDeadlineExceeded")?;
    let message = format!("the rollout does not get on: {}", clip(text(condition, "/message").unwrap_or_default()));
    let remedy = format!(
        "See what its pods do: `kubectl get pods{}`; or take it back: `kubectl rollout undo deployment/{}{}`.",
        site.flag(),
        site.reference.name,
        site.flag()
    );
    Some(site.stuck("ProgressDeadlineExceeded", message).remedy(remedy))
}
