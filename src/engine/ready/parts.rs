//! How far an awaited object is, part by part: itself, its pods, and the claims that these wait for. Pure.

use jiff::Timestamp;
use serde_json::Value;

use super::judge::{Readiness, judge};
use super::pulls::pulls;
use super::settle::pods_of;
use crate::doctor::stall::{Look, words::clip};
use crate::event::{Facts, Part};
use crate::object::{ObjectRef, has_ended, is_true, items, number, text};
use crate::snapshot::Snapshot;

/// Parts that are told; more than that nobody reads, and a workload may have thousands of pods.
const MOST: usize = 20;

/// What is seen of an object that is waited for.
pub(super) fn facts(reference: &ObjectRef, snapshot: &Snapshot, now: Timestamp) -> Facts {
    let Some(live) = snapshot.get(reference) else { return Facts::default() };
    let pods = match reference.kind.as_str() {
        "Pod" => Vec::new(),
        "Service" => Look::pods_of(live, snapshot).filter(|pod| !is_leaving(pod)).collect(),
        _ => pods_of(live, snapshot),
    };
    let mut below: Vec<Part> = pods.iter().filter_map(|pod| pod_part(pod)).collect();
    below.extend(claims_of(&pods, snapshot));
    below.sort_by(|one, other| {
        let is_whole = |part: &Part| part.ready >= part.wanted;
        (is_whole(one), &one.object).cmp(&(is_whole(other), &other.object))
    });
    let more = below.len().saturating_sub(MOST);
    below.truncate(MOST);
    let own = if reference.kind == "Pod" { pod_part(live) } else { Some(part(reference, live, &pods, snapshot)) };
    let asked: Vec<&Value> = if reference.kind == "Pod" { vec![live] } else { pods };
    let parts = own.into_iter().chain(below).collect();
    Facts { at: Some(now), parts, more, pulls: pulls(&asked, snapshot), moved: None }
}

fn is_leaving(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_some()
}

fn count(object: &Value, pointer: &str) -> u64 {
    number(object, pointer).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

/// The object that is waited for itself.
fn part(reference: &ObjectRef, live: &Value, pods: &[&Value], snapshot: &Snapshot) -> Part {
    let readiness = judge(live, snapshot);
    let wanted = || number(live, "/spec/replicas").map_or(1, |number| u64::try_from(number).unwrap_or(0));
    let (ready, wanted) = match reference.kind.as_str() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => (count(live, "/status/readyReplicas"), wanted()),
        "DaemonSet" => (count(live, "/status/numberReady"), count(live, "/status/desiredNumberScheduled")),
        "Job" => {
            let wanted = number(live, "/spec/completions").or_else(|| number(live, "/spec/parallelism")).unwrap_or(1);
            (count(live, "/status/succeeded"), u64::try_from(wanted).unwrap_or(0))
        }
        "Service" if !pods.is_empty() => {
            let ready = pods.iter().filter(|pod| is_true(pod, "Ready")).count();
            (ready as u64, pods.len() as u64)
        }
        _ => (u64::from(matches!(readiness, Readiness::Ready { .. })), 1),
    };
    let said = match readiness {
        Readiness::Ready { note } => note.unwrap_or_default(),
        Readiness::Waiting { progress } => progress,
        Readiness::Failed { reason, message } => format!("{reason}: {message}"),
    };
    // The numbers say that already.
    let said = if said.ends_with(" pods ready") { String::new() } else { said };
    Part { object: reference.clone(), ready, wanted, said, node: None }
}

fn pod_part(pod: &Value) -> Option<Part> {
    let object = ObjectRef::of(pod)?;
    let statuses = || items(pod, "/status/containerStatuses");
    let wanted = items(pod, "/spec/containers").count() as u64;
    let done = text(pod, "/status/phase") == Some("Succeeded");
    let ready = if done { wanted } else { statuses().filter(|status| status["ready"] == true).count() as u64 };
    let node = text(pod, "/spec/nodeName").map(str::to_owned);
    let said = if done {
        "ended with success".to_owned()
    } else if node.is_none() {
        "no node chosen yet".to_owned()
    } else if ready < wanted {
        pod_words(pod)
    } else {
        String::new()
    };
    Some(Part { object, ready, wanted, said, node })
}

/// Why a pod is not ready, in the word of its first container that is not: those that initialise come first.
fn pod_words(pod: &Value) -> String {
    let init = items(pod, "/status/initContainerStatuses").filter(|status| status["ready"] != true);
    let main = items(pod, "/status/containerStatuses").filter(|status| status["ready"] != true);
    let restarted = |status: &Value| match number(status, "/restartCount") {
        Some(times @ 1..) => format!(", restarted {times} times").replace(" 1 times", " once"),
        _ => String::new(),
    };
    let word = |status: &Value| {
        let state = text(status, "/state/waiting/reason")
            .or_else(|| text(status, "/state/terminated/reason"))
            .or_else(|| status.pointer("/state/running").map(|_| "runs, not ready"))?;
        Some(format!("{}{}", clip(state), restarted(status)))
    };
    init.chain(main).find_map(word).unwrap_or_else(|| text(pod, "/status/phase").unwrap_or("Pending").to_owned())
}

/// The claims of these pods that are not bound: a volume that is there is no news.
fn claims_of(pods: &[&Value], snapshot: &Snapshot) -> Vec<Part> {
    let mut found: Vec<Part> = Vec::new();
    for pod in pods.iter().filter(|pod| !has_ended(pod)) {
        let namespace = text(pod, "/metadata/namespace");
        for name in items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName")) {
            let object = ObjectRef::new("v1", "PersistentVolumeClaim", namespace, name);
            let phase = snapshot.get(&object).map(|claim| text(claim, "/status/phase").unwrap_or("Pending").to_owned());
            let said = match phase.as_deref() {
                Some("Bound") => continue,
                Some(phase) => clip(phase),
                None => "not there".to_owned(),
            };
            if !found.iter().any(|part| part.object == object) {
                found.push(Part { object, ready: 0, wanted: 1, said, node: None });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn picture(state: &Value, ready: bool) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.insert(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "sea", "uid": "d", "generation": 1},
            "spec": {"replicas": 3}, "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3,
                "readyReplicas": 1, "availableReplicas": 1}}));
        snapshot.insert(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "web-1", "namespace": "sea", "uid": "r", "ownerReferences": [{"uid": "d"}]}}));
        snapshot.insert(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web-1-a", "namespace": "sea", "uid": "p", "ownerReferences": [{"uid": "r"}]},
            "spec": {"nodeName": "dev-worker", "containers": [{"name": "web"}],
                "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]},
            "status": {"phase": "Pending", "containerStatuses": [{"name": "web", "ready": ready, "restartCount": 2, "state": state}]}}));
        snapshot
    }

    fn told(snapshot: &Snapshot) -> Vec<String> {
        let web = ObjectRef::new("apps/v1", "Deployment", Some("sea"), "web");
        let facts = facts(&web, snapshot, Timestamp::UNIX_EPOCH);
        facts.parts.iter().map(|it| format!("{} {}/{} {}", it.object.short(), it.ready, it.wanted, it.said)).collect()
    }

    #[test]
    fn a_workload_is_told_with_its_pods_and_what_they_wait_for() {
        let crashes = picture(&json!({"waiting": {"reason": "CrashLoopBackOff"}}), false);
        assert_eq!(
            told(&crashes),
            [
                "Deployment/web 1/3 ",
                "PersistentVolumeClaim/data 0/1 not there",
                "Pod/web-1-a 0/1 CrashLoopBackOff, restarted 2 times"
            ]
        );
        assert_eq!(told(&picture(&json!({"running": {}}), true))[2], "Pod/web-1-a 1/1 ");
        assert_eq!(told(&Snapshot::default()), [""; 0], "not seen yet");
    }

    #[test]
    fn a_claim_that_is_bound_is_no_news_and_many_pods_are_counted() {
        let mut snapshot = picture(&json!({"running": {}}), false);
        snapshot.insert(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "sea"}, "status": {"phase": "Bound"}}));
        for number in 0..30 {
            let name = format!("web-1-b{number:02}");
            snapshot.insert(json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "web"}]},
                "metadata": {"name": name, "namespace": "sea", "uid": name, "ownerReferences": [{"uid": "r"}]}}));
        }
        let web = ObjectRef::new("apps/v1", "Deployment", Some("sea"), "web");
        let facts = facts(&web, &snapshot, Timestamp::UNIX_EPOCH);
        assert_eq!((facts.parts.len(), facts.more), (1 + MOST, 11));
        assert_eq!(facts.parts[2].said, "no node chosen yet");
        assert!(facts.parts.iter().all(|part| part.object.kind != "PersistentVolumeClaim"));
    }
}
