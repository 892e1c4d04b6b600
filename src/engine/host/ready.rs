//! Waiting for a cluster that this machine has just made, or started again: its nodes, and the pods that come with it.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{Work, failure};
use crate::cluster::{Cluster, ConnectError, ConnectOptions, Resources, connect};
use crate::doctor::{Cause, Outlook};
use crate::engine::ready::Tracker;
use crate::engine::step::{Ending, done};
use crate::engine::wait::{CLOCK, PATIENCE};
use crate::error::Explain as _;
use crate::object::{ObjectRef, items, printable, text};
use crate::plan::task::Anew;
use crate::snapshot::Snapshot;

/// How long an API server may take to answer one request.
const ANSWER: Duration = Duration::from_secs(10);
/// The pause before an API server that does not listen yet is asked again.
const PAUSE: Duration = Duration::from_millis(500);
/// The namespaces that come with a cluster: without the first nothing works, in the second kind has its provisioner of volumes.
const SYSTEM: [&str; 2] = ["kube-system", "local-path-storage"];

impl Work<'_> {
    /// `way`: context, and kubeconfig file.
    pub(super) async fn cluster_ready(&self, way: (&str, Option<&Path>), nodes: usize, anew: &Anew) -> Ending {
        let options = ConnectOptions {
            kubeconfig: way.1.map(Path::to_owned),
            context: Some(way.0.to_owned()),
            read_only: true,
            timeout: ANSWER,
        };
        match self.connected(&options).await {
            Ok(cluster) => self.watch(&cluster, nodes, anew).await,
            Err(cause) => Ending::Failed(cause),
        }
    }

    /// Asks until the API server answers: one that was just started does not listen yet. What is wrong with the way to it
    /// is wrong at once.
    async fn connected(&self, options: &ConnectOptions) -> Result<Cluster, Cause> {
        let mut said = String::new();
        loop {
            let error = match connect(&self.doing.context.here, options).await {
                Ok(cluster) => return Ok(cluster),
                Err(error) => error,
            };
            let ConnectError::Unusable { fault, .. } = &error else {
                let cause = failure(self.task, error.id(), "NoWay", &error.to_string());
                return Err(Cause { remedy: error.hint(), ..cause });
            };
            let why = format!("the API server does not answer: {fault}");
            if why != said {
                self.say(&why, None);
                said = why;
            }
            sleep(PAUSE).await;
        }
    }

    async fn watch(&self, cluster: &Cluster, nodes: usize, anew: &Anew) -> Ending {
        let tracker = Tracker::new(cluster, Resources::default(), None);
        let pods = SYSTEM.map(|namespace| ObjectRef::new("v1", "Pod", Some(namespace), ""));
        let watched = [vec![ObjectRef::new("v1", "Node", None, "")], pods.to_vec()].concat();
        for kind in &watched {
            tracker.follow(kind);
        }
        let mut changes = tracker.changes();
        let mut clock = interval(CLOCK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (began, mut said) = (Instant::now(), (String::new(), None));
        loop {
            changes.heed();
            let progress = match tracker.look(&watched, |picture| standing(picture, nodes, anew)) {
                Some(Ok(note)) => return done(false, Some(note)),
                Some(Err(progress)) => progress,
                None => "looking".to_owned(),
            };
            if let Some((away, why)) = tracker.broken()
                && away > self.limit().min(self.doing.context.limits.api_away)
            {
                let cause = failure(self.task, "api-gone", "ApiGone", &format!("the API server has gone away: {why}"));
                return Ending::Failed(Cause { outlook: Outlook::Stuck, ..cause });
            }
            let cause = if began.elapsed() < PATIENCE { None } else { why(&tracker, &watched, anew).await };
            if (&progress, &cause) != (&said.0, &said.1) {
                self.say(&progress, cause.as_ref());
                said = (progress, cause);
            }
            tokio::select! {
                () = changes.rung() => {}
                _ = clock.tick() => {}
            }
        }
    }
}

/// Why the first pod that is not ready is not, as an install would say of it.
async fn why(tracker: &Tracker, watched: &[ObjectRef], anew: &Anew) -> Option<Cause> {
    tracker.look_around().await;
    let late = |picture: &Snapshot| {
        let waits = |pod: &&Value| is_of_the_system(pod) && pod_waits(pod, anew).is_some();
        picture.of_kind("", "Pod").find(waits).and_then(ObjectRef::of)
    };
    let pod = tracker.look(watched, late).flatten()?;
    tracker.rooted(&pod, tracker.why(&pod), false)
}

/// Whether all is ready; the error is how far it is. Pure.
fn standing(picture: &Snapshot, wanted: usize, anew: &Anew) -> Result<String, String> {
    let nodes: Vec<&Value> = picture.of_kind("", "Node").collect();
    let pods: Vec<&Value> = picture
        .of_kind("", "Pod")
        .filter(|pod| is_of_the_system(pod))
        .filter(|pod| text(pod, "/status/phase") != Some("Succeeded"))
        .collect();
    let late_nodes: Vec<String> = nodes.iter().filter_map(|node| node_waits(node, anew)).collect();
    let late_pods: Vec<String> = pods.iter().filter_map(|pod| pod_waits(pod, anew)).collect();
    let (ready, up) = (nodes.len() - late_nodes.len(), pods.len() - late_pods.len());
    let sum = format!("{ready} of {wanted} nodes, {up} of {} system pods ready", pods.len());
    let missing = nodes.len() < wanted || pods.is_empty();
    match late_nodes.first().or(late_pods.first()) {
        Some(first) => Err(printable(&format!("{sum}; {first}"))),
        None if missing => Err(sum),
        None => Ok(sum),
    }
}

fn is_of_the_system(pod: &Value) -> bool {
    text(pod, "/metadata/namespace").is_some_and(|namespace| SYSTEM.contains(&namespace))
}

/// Why a node is not ready; `None` when it is. What it said before it was started again is no news.
fn node_waits(node: &Value, anew: &Anew) -> Option<String> {
    let name = text(node, "/metadata/name").unwrap_or_default();
    let since = anew.of(name);
    let ready = items(node, "/status/conditions").find(|condition| condition["type"] == "Ready");
    let Some(ready) = ready.filter(|ready| is_since(ready, "/lastHeartbeatTime", since)) else {
        return Some(format!("{name}: has not said anything yet"));
    };
    (ready["status"] != "True").then(|| format!("{name}: {}", text(ready, "/message").unwrap_or("not ready")))
}

fn pod_waits(pod: &Value, anew: &Anew) -> Option<String> {
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let since = text(pod, "/spec/nodeName").and_then(|node| anew.of(node));
    let mut containers = items(pod, "/status/containerStatuses");
    let waiting =
        |container: &&Value| container["ready"] != true || !is_since(container, "/state/running/startedAt", since);
    let late = containers.by_ref().find(waiting);
    let said = late.and_then(|late| {
        text(late, "/state/waiting/reason").or(text(late, "/state/terminated/reason")).or(Some("not ready"))
    });
    let said = said.or_else(|| items(pod, "/status/containerStatuses").next().is_none().then_some("not started"));
    said.map(|said| format!("{name}: {said}"))
}

fn is_since(object: &Value, pointer: &str, since: Option<Timestamp>) -> bool {
    let Some(since) = since else { return true };
    // Kubernetes tells whole seconds.
    text(object, pointer)
        .and_then(|time| time.parse::<Timestamp>().ok())
        .is_some_and(|time| time.as_second() >= since.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BEFORE: &str = "2026-11-20T12:00:00Z";
    const AFTER: &str = "2026-11-20T12:10:00Z";

    fn node(heard: &str, ready: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one", "uid": "n"}, "status": {"conditions": [
            {"type": "Ready", "status": ready, "message": "cni plugin not initialized", "lastHeartbeatTime": heard}]}})
    }

    fn pod(started: &str, ready: bool) -> Value {
        let state = if ready {
            json!({"running": {"startedAt": started}})
        } else {
            json!({"waiting": {"reason": "ErrImagePull"}})
        };
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "dns", "namespace": SYSTEM[1], "uid": "p"},
            "spec": {"nodeName": "one"}, "status": {"phase": "Running", "containerStatuses": [{"ready": ready, "state": state}]}})
    }

    fn told(objects: &[Value], since: Option<&str>) -> Result<String, String> {
        let mut picture = Snapshot::default();
        for object in objects {
            picture.insert(object.clone());
        }
        let anew = since.map(|since| Anew { nodes: vec!["one".to_owned()], since: since.parse().unwrap() });
        standing(&picture, 1, &anew.unwrap_or_default())
    }

    #[test]
    fn a_cluster_is_ready_when_nodes_and_system_pods_are() {
        let good = || Ok("1 of 1 nodes, 1 of 1 system pods ready".to_owned());
        assert_eq!(told(&[node(BEFORE, "True"), pod(BEFORE, true)], None), good());
        let bad = |objects: &[Value], said: &str| {
            let error = told(objects, None).unwrap_err();
            assert!(error.ends_with(said), "{error}");
        };
        bad(&[], "0 of 1 nodes, 0 of 0 system pods ready");
        bad(&[node(BEFORE, "True")], "1 of 1 nodes, 0 of 0 system pods ready");
        bad(&[node(BEFORE, "False"), pod(BEFORE, true)], "one: cni plugin not initialized");
        bad(&[node(BEFORE, "True"), pod(BEFORE, false)], "dns: ErrImagePull");
        let mut unborn = pod(BEFORE, true);
        unborn["status"] = json!({"phase": "Pending"});
        bad(&[node(BEFORE, "True"), unborn], "dns: not started");
    }

    #[test]
    fn what_was_said_before_the_start_is_no_proof() {
        let since = Some("2026-11-20T12:05:00.5Z");
        assert!(told(&[node(AFTER, "True"), pod(AFTER, true)], since).is_ok());
        assert!(
            told(&[node(BEFORE, "True"), pod(AFTER, true)], since)
                .unwrap_err()
                .ends_with("one: has not said anything yet")
        );
        assert!(told(&[node(AFTER, "True"), pod(BEFORE, true)], since).unwrap_err().ends_with("dns: not ready"));
        let mut elsewhere = pod(BEFORE, true);
        elsewhere["spec"]["nodeName"] = "two".into();
        assert!(told(&[node(AFTER, "True"), elsewhere], since).is_ok(), "its node went on all the while");
    }
}
