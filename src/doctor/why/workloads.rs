//! What makes pods: how many there are of which revision, what the newest one changed, who scales and protects them.

use serde_json::Value;

use super::case::{Case, Said, counted, some, words};
use super::conditions::is_amiss;
use super::rollout;
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::placing::matches;

/// A Deployment.
pub(super) fn deployment(case: &Case<'_>) -> Said {
    let wanted = case.number("/spec/replicas").unwrap_or(1);
    let count = |field: &str| case.count(&format!("/status/{field}"));
    let paused = if case.live["spec"]["paused"] == true { ", its rollout is paused" } else { "" };
    let state = match wanted {
        0 => format!("scaled to 0{paused}"),
        _ => format!(
            "{} of {wanted} ready, {} up to date, {} available{paused}",
            count("readyReplicas"),
            count("updatedReplicas"),
            count("availableReplicas")
        ),
    };
    let old = rollout::stragglers(case);
    let old = (old > 0).then(|| format!("{} of an older revision", counted(old, "pod")));
    around(case, Said::new(state).amiss("rollout", old).note("rollout", rollout::told(case)))
}

/// A `ReplicaSet` or a `ReplicationController`.
pub(super) fn replica_set(case: &Case<'_>) -> Said {
    let wanted = case.number("/spec/replicas").unwrap_or(1);
    let of = super::owners::owners(case.live).find(|owner| owner.kind == "Deployment");
    let newest = of.as_ref().and_then(|owner| {
        let owner = case.snapshot().get(owner)?;
        let newest = crate::doctor::revisions::newest(owner, case.snapshot())?;
        Some(text(newest, "/metadata/uid") == case.text("/metadata/uid"))
    });
    let revision = crate::doctor::revisions::number_of(case.live).map(|number| format!("revision {number}"));
    let place = match (newest, revision) {
        (Some(true), Some(revision)) => Some(format!("{revision}, the newest")),
        (Some(false), Some(revision)) => Some(format!("{revision}, which was replaced")),
        (_, revision) => revision,
    };
    let state = match (wanted, newest) {
        (0, Some(false)) => "scaled to 0: kept to go back to".to_owned(),
        (0, _) => "scaled to 0".to_owned(),
        _ => format!("{} of {wanted} ready", case.count("/status/readyReplicas")),
    };
    around(case, Said::new(state).note("rollout", place))
}

/// A `StatefulSet`.
pub(super) fn stateful_set(case: &Case<'_>) -> Said {
    let wanted = case.number("/spec/replicas").unwrap_or(1);
    let count = |field: &str| case.count(&format!("/status/{field}"));
    let state = match wanted {
        0 => "scaled to 0".to_owned(),
        _ => format!("{} of {wanted} ready, {} up to date", count("readyReplicas"), count("updatedReplicas")),
    };
    let partition = case.number("/spec/updateStrategy/rollingUpdate/partition").filter(|from| *from > 0);
    let held = partition.map(|from| format!("only pods from {from} on get a new revision (`partition`)"));
    let by_hand = (case.text("/spec/updateStrategy/type") == Some("OnDelete"))
        .then(|| "a pod gets a new revision only when it is deleted (`OnDelete`)".to_owned());
    // Pods that are not there yet are of no revision.
    let is_one = case.text("/status/updateRevision") == case.text("/status/currentRevision");
    let older = if is_one { 0 } else { count("replicas") - count("updatedReplicas") };
    let older = usize::try_from(older).unwrap_or(0);
    let behind = (older > 0).then(|| format!("{} of an older revision", counted(older, "pod")));
    let said = Said::new(state)
        .amiss("rollout", behind)
        .note("rollout", held.or(by_hand))
        .note("rollout", rollout::told(case));
    around(case, said)
}

/// A `DaemonSet`.
pub(super) fn daemon_set(case: &Case<'_>) -> Said {
    let count = |field: &str| case.count(&format!("/status/{field}"));
    let wanted = count("desiredNumberScheduled");
    let nodes = case.snapshot().of_kind("", "Node").count();
    let state = format!(
        "{} of {wanted} ready, {} up to date, {} available",
        count("numberReady"),
        count("updatedNumberScheduled"),
        count("numberAvailable")
    );
    let without = nodes.saturating_sub(usize::try_from(wanted).unwrap_or(0));
    let without = (nodes > 0 && without > 0)
        .then(|| format!("{} it does not concern, by selector or taint", counted(without, "node")));
    let wrong = count("numberMisscheduled");
    let wrong = (wrong > 0).then(|| format!("{wrong} of its pods run where they should not"));
    let behind = wanted - count("updatedNumberScheduled");
    let behind = (behind > 0).then(|| format!("{behind} of its pods are of an older revision"));
    let said = Said::new(state)
        .amiss("rollout", behind)
        .amiss("nodes", wrong)
        .note("rollout", rollout::told(case))
        .note("nodes", without);
    around(case, said)
}

/// Who scales a workload and who protects its pods, and what its conditions say.
fn around(case: &Case<'_>, said: Said) -> Said {
    let failing = case.items("/status/conditions").find(|one| one["type"] == "ReplicaFailure" && is_amiss(one));
    let scaled =
        case.snapshot().in_namespace("autoscaling", "HorizontalPodAutoscaler", case.namespace()).find(|scaler| {
            let target = &scaler["spec"]["scaleTargetRef"];
            target["kind"] == case.object.kind.as_str() && target["name"] == case.object.name.as_str()
        });
    let scaled = scaled.map(|scaler| {
        let (least, most) =
            (number(scaler, "/spec/minReplicas").unwrap_or(1), number(scaler, "/spec/maxReplicas").unwrap_or(1));
        let name = text(scaler, "/metadata/name").unwrap_or_default();
        format!("by HorizontalPodAutoscaler/{name}, between {least} and {most}")
    });
    said.amiss("pods", failing.map(words))
        .note("scaled", scaled)
        .note("served", services(case, template_labels(case.live)))
}

fn template_labels(live: &Value) -> &Value {
    live.pointer("/spec/template/metadata/labels").unwrap_or(&Value::Null)
}

/// The Services that lead to pods with these labels.
pub(super) fn services(case: &Case<'_>, labels: &Value) -> Option<String> {
    let all = case.snapshot().in_namespace("", "Service", case.namespace());
    let names: Vec<String> = all
        .filter(|service| {
            let selector = &service["spec"]["selector"];
            selector.as_object().is_some_and(|map| !map.is_empty()) && matches(selector, labels)
        })
        .filter_map(ObjectRef::of)
        .map(|service| service.short())
        .collect();
    (!names.is_empty()).then(|| format!("by {}", some(&names)))
}

/// The pods below a workload.
pub(super) fn pods<'a>(case: &Case<'a>) -> Vec<&'a Value> {
    let snapshot = case.snapshot();
    let (mut found, mut owners, mut deep) = (Vec::new(), vec![case.live], 0);
    // CronJob, Job, pod is the longest way; owners that own each other would have no end.
    while let (Some(owner), true) = (owners.pop(), deep < 1000) {
        deep += 1;
        for child in snapshot.owned_by(owner) {
            if child["kind"] == "Pod" { found.push(child) } else { owners.push(child) }
        }
    }
    found
}

/// What the containers of a pod went through: the last end of each that was started again, with code, reason and time.
pub(super) fn restarts(case: &Case<'_>, pod: &Value) -> Vec<String> {
    let statuses = items(pod, "/status/initContainerStatuses").chain(items(pod, "/status/containerStatuses"));
    let told = |status: &Value| {
        let restarts = number(status, "/restartCount").filter(|count| *count > 0)?;
        let name = text(status, "/name").unwrap_or_default();
        let last = ["/lastState/terminated", "/state/terminated"].into_iter().find_map(|at| status.pointer(at));
        let last = last.map(|last| {
            let code = number(last, "/exitCode").unwrap_or(0);
            let reason = text(last, "/reason").filter(|reason| *reason != "Error").map(|reason| format!(" ({reason})"));
            let ago = case.ago(last, "/finishedAt").map(|ago| format!(" {ago}")).unwrap_or_default();
            let signal =
                number(last, "/signal").filter(|signal| *signal > 0).map(|signal| format!(", signal {signal}"));
            let ran = ran(last).map(|seconds| format!(", after {}", crate::doctor::stall::words::span(seconds)));
            format!(
                ", the last with exit code {code}{}{}{ago}{}",
                reason.unwrap_or_default(),
                signal.unwrap_or_default(),
                ran.unwrap_or_default()
            )
        });
        Some(format!(
            "{name}: {}{}",
            counted(usize::try_from(restarts).unwrap_or(0), "restart"),
            last.unwrap_or_default()
        ))
    };
    statuses.filter_map(told).collect()
}

/// How long a container ran.
fn ran(terminated: &Value) -> Option<i64> {
    let time = |pointer| text(terminated, pointer)?.parse::<jiff::Timestamp>().ok();
    Some((time("/finishedAt")?.as_second() - time("/startedAt")?.as_second()).max(0))
}

/// A pod.
pub(super) fn pod(case: &Case<'_>) -> Said {
    let line = crate::doctor::survey::pod_line(case.live, case.evidence);
    let state = line.split_once(": ").map_or(line.as_str(), |(_, state)| state).to_owned();
    let statuses: Vec<&Value> = case.items("/status/containerStatuses").collect();
    let waits = case.items("/status/initContainerStatuses").chain(case.items("/status/containerStatuses")).filter_map(
        |status| {
            let reason = text(status, "/state/waiting/reason")?;
            Some(format!("{} waits: {reason}", text(status, "/name")?))
        },
    );
    let waits: Vec<String> = waits.collect();
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let is_over = crate::object::has_ended(case.live);
    let some_unready = (!is_over && ready < statuses.len()).then(|| {
        let waits = if waits.is_empty() { String::new() } else { format!("; {}", some(&waits)) };
        format!("{ready} of {} ready{waits}", statuses.len())
    });
    let gates = case.items("/spec/readinessGates").filter_map(|gate| text(gate, "/conditionType"));
    let gates: Vec<&str> =
        gates.filter(|gate| case.condition(gate).is_none_or(|one| one["status"] != "True")).collect();
    let gates = (!gates.is_empty())
        .then(|| format!("readiness gate {} is not true: its controller has to set it", some(&gates)));
    let disrupted = case.condition("DisruptionTarget").filter(|one| one["status"] == "True").map(words);
    let mut said =
        Said::new(state).amiss("containers", some_unready).amiss("gates", gates).amiss("disrupted", disrupted);
    for line in restarts(case, case.live) {
        said = said.note("restarts", line);
    }
    said.note("served", services(case, &case.live["metadata"]["labels"]))
        .note("policies", super::network::policies(case))
}
