//! Jobs, budgets and autoscalers.

use jiff::Timestamp;
use serde_json::Value;

use super::{age, size, span};
use crate::object::{is_true, items, number, text};
use crate::sandbox::store::read_time;

pub(super) fn cron_job(column: &str, job: &Value, now: Timestamp) -> Value {
    match column {
        "Schedule" => text(job, "/spec/schedule").unwrap_or_default().into(),
        "Timezone" => text(job, "/spec/timeZone").unwrap_or("<none>").into(),
        "Suspend" => if job["spec"]["suspend"] == true { "True" } else { "False" }.into(),
        "Active" => size(job, "/status/active"),
        _ if job["status"].get("lastScheduleTime").is_none() => "<none>".into(),
        _ => age(job, "/status/lastScheduleTime", now).into(),
    }
}

pub(super) fn budget(column: &str, budget: &Value) -> Value {
    let bound = |pointer| match budget.pointer(pointer) {
        Some(Value::String(text)) => text.clone().into(),
        Some(Value::Number(number)) => number.to_string().into(),
        _ => "N/A".into(),
    };
    match column {
        "Min Available" => bound("/spec/minAvailable"),
        "Max Unavailable" => bound("/spec/maxUnavailable"),
        _ => number(budget, "/status/disruptionsAllowed").unwrap_or(0).into(),
    }
}

pub(super) fn autoscaler(column: &str, autoscaler: &Value) -> Value {
    let part = |pointer| text(autoscaler, pointer).unwrap_or_default();
    let count = |pointer| number(autoscaler, pointer);
    match column {
        "Reference" => format!("{}/{}", part("/spec/scaleTargetRef/kind"), part("/spec/scaleTargetRef/name")).into(),
        "Targets" => {
            let all: Vec<String> =
                items(autoscaler, "/spec/metrics").map(|metric| target(autoscaler, metric)).collect();
            if all.is_empty() { "<none>".into() } else { all.join(", ").into() }
        }
        "MinPods" => count("/spec/minReplicas").map_or_else(|| "<unset>".into(), |least| least.to_string().into()),
        "MaxPods" => count("/spec/maxReplicas").unwrap_or(0).into(),
        _ => count("/status/currentReplicas").unwrap_or(0).into(),
    }
}

/// `cpu: 12%/80%`
fn target(autoscaler: &Value, metric: &Value) -> String {
    let name = text(metric, "/resource/name").unwrap_or("<unknown type>");
    let mut current = items(autoscaler, "/status/currentMetrics");
    let current = current.find(|known| text(known, "/resource/name") == Some(name));
    let share = |value: Option<&Value>, key: &str| {
        value.and_then(|value| number(value, &format!("{key}/averageUtilization"))).map(|share| format!("{share}%"))
    };
    let unknown = || "<unknown>".to_owned();
    let wanted = share(Some(metric), "/resource/target")
        .or_else(|| text(metric, "/resource/target/averageValue").map(str::to_owned))
        .unwrap_or_else(unknown);
    format!("{name}: {}/{wanted}", share(current, "/resource/current").unwrap_or_else(unknown))
}

pub(super) fn job(column: &str, job: &Value, now: Timestamp) -> Value {
    match column {
        "Status" => {
            let known =
                ["Complete", "Failed", "Suspended", "FailureTarget"].into_iter().find(|kind| is_true(job, kind));
            known.unwrap_or("Running").into()
        }
        "Completions" => {
            let succeeded = number(job, "/status/succeeded").unwrap_or(0);
            format!("{succeeded}/{}", number(job, "/spec/completions").unwrap_or(1)).into()
        }
        _ => {
            let Some(start) = read_time(job, "/status/startTime") else { return "".into() };
            span(start, read_time(job, "/status/completionTime").unwrap_or(now)).into()
        }
    }
}
