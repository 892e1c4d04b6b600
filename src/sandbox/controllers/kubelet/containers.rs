//! The containers of one pod: waiting, running, ended, started again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{BY, conditions, needs, pod_address};
use crate::object::{change_list, items, number, text};
use crate::sandbox::containers::{LAST_WORDS, leave_trace, waits};
use crate::sandbox::etcd;
use crate::sandbox::ids::digest;
use crate::sandbox::store::{read_time, time};
use crate::sandbox::world::World;

/// Seconds from the making of a container to its start.
const START: i64 = 1;
/// Seconds that a container with an end runs: one of a Job, one that initialises, one that crashes.
const RUN: i64 = 1;
/// The longest pause between two starts, and the first.
const LONGEST: i64 = 300;
const FIRST: i64 = 10;

/// What a pass over a pod knows.
struct Ward<'a> {
    world: &'a mut World,
    pod: &'a Value,
    now: Timestamp,
}

/// The whole status of a pod that is on its node, as it is now.
pub(super) fn status(world: &mut World, pod: &Value) -> Value {
    let now = world.now;
    let mut ward = Ward { world, pod, now };
    let mut status = pod["status"].clone();
    let mut before = true;
    let mut init = Vec::new();
    for container in items(pod, "/spec/initContainers") {
        let known = known(pod, "initContainerStatuses", container);
        let next = if before { ward.container(container, known, true) } else { known };
        before = before && next["state"]["terminated"]["exitCode"] == 0;
        init.push(next);
    }
    let main: Vec<Value> = items(pod, "/spec/containers")
        .map(|container| {
            let known = known(pod, "containerStatuses", container);
            if before { ward.container(container, known, false) } else { known }
        })
        .collect();
    let address = status.get("podIP").cloned();
    let started = main.iter().chain(&init).any(|status| status["state"].get("waiting").is_none());
    if address.is_none() && started {
        let node = text(pod, "/spec/nodeName")
            .and_then(|node| ward.world.find("Node", None, node))
            .cloned()
            .unwrap_or_default();
        let address = pod_address(&mut ward.world.store.ids, &node);
        status["podIP"] = address.as_str().into();
        status["podIPs"] = json!([{"ip": address}]);
    }
    conditions::conclude(&mut status, pod, (&init, &main), before, now);
    if !init.is_empty() {
        status["initContainerStatuses"] = init.into();
    }
    status["containerStatuses"] = main.into();
    status
}

fn known(pod: &Value, list: &str, container: &Value) -> Value {
    items(&pod["status"], &format!("/{list}"))
        .find(|status| status["name"] == container["name"])
        .cloned()
        .unwrap_or_default()
}

impl Ward<'_> {
    fn tell(&mut self, container: &Value, init: bool, event: (&str, &str), message: &str) {
        let list = if init { "initContainers" } else { "containers" };
        let path = format!("spec.{list}{{{}}}", text(container, "/name").unwrap_or_default());
        self.world.event_at((self.pod, Some(&path)), event, message, BY);
    }

    /// What becomes of a container now.
    fn container(&mut self, container: &Value, known: Value, init: bool) -> Value {
        let state = &known["state"];
        if state.get("running").is_some() {
            return self.running(container, known, init);
        }
        if state.get("terminated").is_some() {
            return self.ended(container, known, init);
        }
        let again = known["lastState"]["terminated"].is_object();
        if again && !self.is_paused_out(&known) {
            return known;
        }
        self.start(container, known, init)
    }

    /// Makes and starts a container, or says why not.
    fn start(&mut self, container: &Value, mut known: Value, init: bool) -> Value {
        let image = text(container, "/image").unwrap_or_default().to_owned();
        if let Some(fault) = self.unpullable(container, &image) {
            return self.no_image(container, known, init, &fault);
        }
        if let Some(why) = needs::environment(self.world, self.pod, container) {
            known["state"] = json!({"waiting": {"reason": "CreateContainerConfigError", "message": why}});
            self.tell(container, init, ("Warning", "Failed"), &format!("Error: {why}"));
            return known;
        }
        let since = read_time(&self.pod["status"], "/startTime").unwrap_or(self.now);
        if !self.world.is_since(since, START) {
            if known["state"]["waiting"]["reason"] == "PodInitializing" && init {
                known["state"] = json!({"waiting": {"reason": "PodInitializing"}});
            }
            return known;
        }
        let name = text(container, "/name").unwrap_or_default().to_owned();
        self.pulled(container, &image, init);
        self.tell(container, init, ("Normal", "Created"), &format!("Created container: {name}"));
        self.tell(container, init, ("Normal", "Started"), &format!("Started container {name}"));
        let id = digest(&format!(
            "{}/{name}/{}",
            text(self.pod, "/metadata/uid").unwrap_or_default(),
            known["restartCount"]
        ));
        known["image"] = image.as_str().into();
        known["imageID"] = format!("sha256:{}", digest(&image)).into();
        known["containerID"] = format!("sandbox://{id}").into();
        known["state"] = json!({"running": {"startedAt": time(self.now)}});
        etcd::seed::clear(self.world, self.pod, container);
        if !waits(container) && !etcd::seed::is_seed(container) {
            leave_trace(self.world, self.pod, container);
        }
        etcd::leave_trace(self.world, self.pod, container);
        self.running(container, known, init)
    }

    /// Puts the image on the node, where it stays.
    fn pulled(&mut self, container: &Value, image: &str, init: bool) {
        let Some(mut node) =
            text(self.pod, "/spec/nodeName").and_then(|node| self.world.find("Node", None, node)).cloned()
        else {
            return;
        };
        if has_image(&node, image) {
            let message = format!("Container image \"{image}\" already present on machine");
            return self.tell(container, init, ("Normal", "Pulled"), &message);
        }
        self.tell(container, init, ("Normal", "Pulling"), &format!("Pulling image \"{image}\""));
        let message =
            format!("Successfully pulled image \"{image}\" in 1s (1s including waiting). Image size: 20000000 bytes.");
        self.tell(container, init, ("Normal", "Pulled"), &message);
        let there = json!({"names": [image], "sizeBytes": 20_000_000});
        change_list(&mut node["status"]["images"], |images| images.push(there));
        self.world.put(node);
    }

    /// Why an image cannot be had.
    fn unpullable(&self, container: &Value, image: &str) -> Option<String> {
        let there = text(self.pod, "/spec/nodeName")
            .and_then(|node| self.world.find("Node", None, node))
            .is_some_and(|node| has_image(node, image));
        let policy = text(container, "/imagePullPolicy").unwrap_or_default();
        if there && policy != "Always" {
            return None;
        }
        if policy == "Never" {
            return Some(format!("Container image \"{image}\" is not present with pull policy of Never"));
        }
        let failed = |code: &str, why: &str| {
            Some(format!(
                "rpc error: code = {code} desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {why}"
            ))
        };
        if self.world.suffers("image-missing", image) {
            return failed("NotFound", &format!("{image}: not found"));
        }
        if self.world.suffers("image-rate-limited", image) {
            return failed(
                "Unknown",
                "unexpected status from HEAD request: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit.",
            );
        }
        if self.world.suffers("image-private", image) {
            return failed(
                "Unknown",
                "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials",
            );
        }
        None
    }

    fn no_image(&mut self, container: &Value, mut known: Value, init: bool, fault: &str) -> Value {
        let image = text(container, "/image").unwrap_or_default().to_owned();
        if fault.contains("pull policy of Never") {
            known["state"] = json!({"waiting": {"reason": "ErrImageNeverPull", "message": fault}});
            self.tell(container, init, ("Warning", "ErrImageNeverPull"), fault);
            return known;
        }
        self.tell(container, init, ("Normal", "Pulling"), &format!("Pulling image \"{image}\""));
        self.tell(container, init, ("Warning", "Failed"), &format!("Failed to pull image \"{image}\": {fault}"));
        self.tell(container, init, ("Warning", "Failed"), "Error: ErrImagePull");
        let since = read_time(&self.pod["status"], "/startTime").unwrap_or(self.now);
        // The first failure is told as such; from the second look on the kubelet holds back.
        if self.world.is_since(since, START) {
            self.tell(container, init, ("Normal", "BackOff"), &format!("Back-off pulling image \"{image}\""));
            let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {fault}");
            known["state"] = json!({"waiting": {"reason": "ImagePullBackOff", "message": message}});
        } else {
            known["state"] = json!({"waiting": {"reason": "ErrImagePull", "message": fault}});
        }
        known
    }

    fn running(&mut self, container: &Value, mut known: Value, init: bool) -> Value {
        let name = text(container, "/name").unwrap_or_default().to_owned();
        let started = read_time(&known, "/state/running/startedAt").unwrap_or(self.now);
        let place = format!("{}/{name}", text(self.pod, "/metadata/name").unwrap_or_default());
        let words = etcd::tend(self.world, self.pod, container);
        let crash = self.world.suffers("crash", &place) || words.is_some();
        let memory = self.world.suffers("out-of-memory", &name);
        let ends = (init && !etcd::seed::waits(self.world, self.pod, container))
            || (text(self.pod, "/spec/restartPolicy") != Some("Always") && !waits(container));
        if (crash || memory || ends) && self.world.is_since(started, RUN) {
            let words = words.or_else(|| etcd::seed::make(self.world, self.pod, container).err());
            let crash = crash || words.is_some();
            let (code, reason) = match (memory, crash) {
                (true, _) => (137, "OOMKilled"),
                (_, true) => (1, "Error"),
                _ => (0, "Completed"),
            };
            known["state"] = json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": time(started), "finishedAt": time(self.now),
                "containerID": known["containerID"]}});
            if crash && text(container, "/terminationMessagePolicy") == Some("FallbackToLogsOnError") {
                known["state"]["terminated"]["message"] = words.as_deref().unwrap_or(LAST_WORDS).into();
            }
            known["ready"] = (init && code == 0).into();
            known["started"] = false.into();
            return known;
        }
        known["started"] = true.into();
        known["ready"] = self.is_ready(container, started, &name).into();
        if init {
            known["ready"] = false.into();
        }
        known
    }

    /// Probes pass at their first try, which is after their delay and a second at the earliest.
    fn is_ready(&mut self, container: &Value, started: Timestamp, name: &str) -> bool {
        let Some(probe) = container.get("readinessProbe").filter(|probe| probe.is_object()) else { return true };
        let delay = number(probe, "/initialDelaySeconds").unwrap_or(0).max(1);
        if !self.world.is_since(started, delay) {
            return false;
        }
        let asked = text(probe, "/httpGet/path") == Some("/health");
        if self.world.suffers("not-ready", name) || (asked && etcd::is_unwell(self.world, self.pod, container)) {
            let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
            self.tell(container, false, ("Warning", "Unhealthy"), message);
            return false;
        }
        true
    }

    fn ended(&mut self, container: &Value, mut known: Value, init: bool) -> Value {
        let code = known["state"]["terminated"]["exitCode"].as_i64().unwrap_or(0);
        let policy = text(self.pod, "/spec/restartPolicy").unwrap_or("Always");
        let again = if init {
            code != 0 && policy != "Never"
        } else {
            policy == "Always" || (policy == "OnFailure" && code != 0)
        };
        if !again {
            return known;
        }
        known["lastState"] = json!({"terminated": known["state"]["terminated"]});
        known["restartCount"] = (known["restartCount"].as_i64().unwrap_or(0) + 1).into();
        let name = text(container, "/name").unwrap_or_default();
        let pod = text(self.pod, "/metadata/name").unwrap_or_default();
        let place = format!(
            "{pod}_{}({})",
            text(self.pod, "/metadata/namespace").unwrap_or_default(),
            text(self.pod, "/metadata/uid").unwrap_or_default()
        );
        let pause = pause(&known);
        known["state"] = json!({"waiting": {"reason": "CrashLoopBackOff",
            "message": format!("back-off {pause}s restarting failed container={name} pod={place}")}});
        let message = format!("Back-off restarting failed container {name} in pod {place}");
        self.tell(container, init, ("Warning", "BackOff"), &message);
        known
    }

    /// Whether a container that has failed may be started again.
    fn is_paused_out(&mut self, known: &Value) -> bool {
        let ended = read_time(known, "/lastState/terminated/finishedAt").unwrap_or(self.now);
        self.world.is_past(ended.saturating_add(SignedDuration::from_secs(pause(known))).unwrap_or(self.now))
    }
}

/// Seconds before the next start: doubled with every one.
fn pause(known: &Value) -> i64 {
    let restarts = u32::try_from(known["restartCount"].as_i64().unwrap_or(1)).unwrap_or(1);
    FIRST.saturating_mul(2_i64.saturating_pow(restarts.saturating_sub(1))).min(LONGEST)
}

fn has_image(node: &Value, image: &str) -> bool {
    items(node, "/status/images").any(|known| items(known, "/names").any(|name| name == image))
}
