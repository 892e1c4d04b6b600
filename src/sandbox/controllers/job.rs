//! Jobs: pods until enough have ended well.

use serde_json::{Value, json};

use super::pods::{create, from_template};
use crate::object::{is_true, number, text};
use crate::sandbox::containers::{is_active, is_ready};
use crate::sandbox::store::{read_time, time};
use crate::sandbox::world::World;

const BY: &str = "job-controller";

pub(super) fn run(world: &mut World) {
    for job in world.all("Job") {
        if is_true(&job, "Complete") || is_true(&job, "Failed") {
            expire(world, &job);
        } else if job["spec"]["suspend"] == true {
            suspend(world, &job);
        } else if job["metadata"].get("deletionTimestamp").is_none() {
            work(world, &job);
        }
    }
}

/// A job that has ended goes by itself when it says so.
fn expire(world: &mut World, job: &Value) {
    let Some(seconds) = number(job, "/spec/ttlSecondsAfterFinished") else { return };
    let since = read_time(job, "/status/completionTime");
    if since.is_some_and(|since| world.is_since(since, seconds)) {
        world.discard(job);
    }
}

fn suspend(world: &mut World, job: &Value) {
    if is_true(job, "Suspended") {
        return;
    }
    let now = time(world.now);
    let mut status = job["status"].clone();
    status["conditions"] = json!([{"type": "Suspended", "status": "True", "reason": "JobSuspended",
        "message": "Job suspended", "lastProbeTime": now, "lastTransitionTime": now}]);
    world.put_status(job, status);
    world.event(job, ("Normal", "Suspended"), "Job suspended", BY);
}

fn work(world: &mut World, job: &Value) {
    let pods = world.owned("Pod", job);
    let phase = |wanted: &str| pods.iter().filter(|pod| text(pod, "/status/phase") == Some(wanted)).count();
    let (succeeded, failed) = (phase("Succeeded"), phase("Failed"));
    let mut active = pods.iter().filter(|pod| is_active(pod)).count();
    let ready = pods.iter().filter(|pod| is_active(pod) && is_ready(pod)).count();
    let size = |pointer: &str, default: i64| usize::try_from(number(job, pointer).unwrap_or(default)).unwrap_or(0);
    let (wanted, limit) = (size("/spec/completions", 1), size("/spec/backoffLimit", 6));
    let now = time(world.now);
    let mut status = json!({"startTime": job["status"].get("startTime").cloned().unwrap_or_else(|| json!(now)),
        "ready": ready, "terminating": 0, "uncountedTerminatedPods": {}});
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": "True", "reason": reason,
        "message": message, "lastProbeTime": now, "lastTransitionTime": now})
    };
    if succeeded >= wanted {
        status["completionTime"] = now.as_str().into();
        let said = ("CompletionsReached", "Reached expected number of succeeded pods");
        status["conditions"] =
            json!([condition("SuccessCriteriaMet", said.0, said.1), condition("Complete", said.0, said.1)]);
        world.event(job, ("Normal", "Completed"), "Job completed", BY);
    } else if failed > limit {
        let said = ("BackoffLimitExceeded", "Job has reached the specified backoff limit");
        status["conditions"] = json!([condition("FailureTarget", said.0, said.1), condition("Failed", said.0, said.1)]);
        world.event(job, ("Warning", said.0), said.1, BY);
    } else {
        let parallel = size("/spec/parallelism", 1).min(wanted - succeeded);
        while active < parallel {
            let pod = from_template(job, None, &[]);
            if create(world, job, pod, BY).is_err() {
                break;
            }
            active += 1;
        }
        status["active"] = active.into();
    }
    for (key, count) in [("succeeded", succeeded), ("failed", failed)] {
        if count > 0 {
            status[key] = count.into();
        }
    }
    world.put_status(job, status);
}
