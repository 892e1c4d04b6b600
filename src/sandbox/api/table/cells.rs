//! What stands in the columns of a kind. Source: `pkg/printers/internalversion/printers.go`, 1.34.

mod cluster;
mod network;
mod scaling;
mod storage;

use jiff::Timestamp;
use serde_json::Value;

use crate::object::{items, number, text};
use crate::sandbox::containers::is_ready;
use crate::sandbox::select::written;
use crate::sandbox::store::read_time;

/// The cell of a column of one of Kubernetes' own kinds.
pub(super) fn cell(kind: &str, column: &str, object: &Value, now: Timestamp) -> Value {
    let part = |pointer| text(object, pointer).unwrap_or_default();
    match (kind, column) {
        ("Event", _) => cluster::event(column, object, now),
        ("StorageClass", "Name") => storage::class(column, object),
        (_, "Name") => part("/metadata/name").into(),
        (_, "Age") => age(object, "/metadata/creationTimestamp", now).into(),
        (_, "Created At") => part("/metadata/creationTimestamp").into(),
        (_, "Data") => size(object, "/data"),
        ("Pod", _) => pod(column, object),
        ("Node", _) => cluster::node(column, object),
        ("Service", _) => network::service(column, object),
        ("PersistentVolumeClaim", _) => storage::claim(column, object),
        ("PersistentVolume", _) => storage::volume(column, object),
        ("StorageClass", _) => storage::class(column, object),
        ("PodDisruptionBudget", _) => scaling::budget(column, object),
        ("HorizontalPodAutoscaler", _) => scaling::autoscaler(column, object),
        ("Ingress" | "IngressClass" | "NetworkPolicy" | "Endpoints" | "EndpointSlice", _) => {
            network::network(kind, column, object)
        }
        ("RoleBinding" | "ClusterRoleBinding", _) => cluster::binding(column, object),
        (_, "Containers") => listed(object, containers(kind), "/name").into(),
        (_, "Images") => listed(object, containers(kind), "/image").into(),
        ("ReplicationController", "Selector") => labels(&object["spec"]["selector"]).into(),
        ("CronJob", "Selector") => labels(&object["spec"]["jobTemplate"]["spec"]["selector"]["matchLabels"]).into(),
        (_, "Selector") => labels(&object["spec"]["selector"]["matchLabels"]).into(),
        ("Job", _) => scaling::job(column, object, now),
        ("CronJob", _) => scaling::cron_job(column, object, now),
        ("DaemonSet", _) => daemon_set(column, object),
        ("Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet", _) => replicas(kind, column, object),
        _ => plain(column, object),
    }
}

/// Of kinds that show a field or two.
fn plain(column: &str, object: &Value) -> Value {
    let part = |pointer| text(object, pointer).unwrap_or_default();
    match column {
        "Type" => part("/type").into(),
        "Status" => part("/status/phase").into(),
        "Secrets" => size(object, "/secrets"),
        "Webhooks" => size(object, "/webhooks"),
        "Holder" => part("/spec/holderIdentity").into(),
        "Value" => number(object, "/value").unwrap_or(0).into(),
        "Global-Default" => (object["globalDefault"] == true).into(),
        "PreemptionPolicy" => part("/preemptionPolicy").into(),
        _ => "".into(),
    }
}

fn size(object: &Value, pointer: &str) -> Value {
    match object.pointer(pointer) {
        Some(Value::Object(map)) => map.len().into(),
        Some(Value::Array(list)) => list.len().into(),
        _ => 0.into(),
    }
}

/// Where the containers of a kind are described.
fn containers(kind: &str) -> &'static str {
    if kind == "CronJob" { "/spec/jobTemplate/spec/template/spec/containers" } else { "/spec/template/spec/containers" }
}

fn replicas(kind: &str, column: &str, object: &Value) -> Value {
    let count = |pointer| number(object, pointer).unwrap_or(0);
    match column {
        "Ready" if kind.starts_with("Replica") || kind == "ReplicationController" => {
            count("/status/readyReplicas").into()
        }
        "Ready" => format!("{}/{}", count("/status/readyReplicas"), count("/spec/replicas")).into(),
        "Up-to-date" => count("/status/updatedReplicas").into(),
        "Available" => count("/status/availableReplicas").into(),
        "Desired" => count("/spec/replicas").into(),
        _ => count("/status/replicas").into(),
    }
}

fn daemon_set(column: &str, set: &Value) -> Value {
    let field = match column {
        "Desired" => "desiredNumberScheduled",
        "Current" => "currentNumberScheduled",
        "Ready" => "numberReady",
        "Up-to-date" => "updatedNumberScheduled",
        "Available" => "numberAvailable",
        _ => return labels(&set["spec"]["template"]["spec"]["nodeSelector"]).into(),
    };
    number(&set["status"], &format!("/{field}")).unwrap_or(0).into()
}

fn listed(object: &Value, list: &str, key: &str) -> String {
    items(object, list).filter_map(|item| text(item, key)).collect::<Vec<_>>().join(",")
}

fn labels(map: &Value) -> String {
    let said = written(map);
    if said.is_empty() { "<none>".to_owned() } else { said }
}

fn pod(column: &str, pod: &Value) -> Value {
    let statuses = || items(pod, "/status/containerStatuses");
    let or_none = |pointer| text(pod, pointer).filter(|text| !text.is_empty()).unwrap_or("<none>").to_owned();
    match column {
        "Ready" => {
            let ready = statuses().filter(|status| status["ready"] == true).count();
            format!("{ready}/{}", items(pod, "/spec/containers").count()).into()
        }
        "Status" => {
            let state = |status: &Value| {
                let of = |state: &str| text(status, &format!("/state/{state}/reason")).map(str::to_owned);
                of("waiting").or_else(|| of("terminated"))
            };
            let reason = statuses().find_map(state).filter(|_| !is_ready(pod));
            let phase = text(pod, "/status/phase").unwrap_or_default().to_owned();
            let leaving = pod["metadata"].get("deletionTimestamp").is_some();
            if leaving { "Terminating".into() } else { reason.unwrap_or(phase).into() }
        }
        "Restarts" => statuses().filter_map(|status| number(status, "/restartCount")).sum::<i64>().to_string().into(),
        "IP" => or_none("/status/podIP").into(),
        "Node" => or_none("/spec/nodeName").into(),
        "Nominated Node" => or_none("/status/nominatedNodeName").into(),
        "Readiness Gates" if items(pod, "/spec/readinessGates").next().is_some() => {
            format!("0/{}", items(pod, "/spec/readinessGates").count()).into()
        }
        _ => "<none>".into(),
    }
}

fn age(object: &Value, pointer: &str, now: Timestamp) -> String {
    read_time(object, pointer).map_or_else(|| "<unknown>".to_owned(), |since| span(since, now))
}

/// A time as kubectl shortens it: the two largest units, and one when it is long.
pub(super) fn span(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let two = |large: i64, large_unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit}{small}{small_unit}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(seconds / 60, "m", seconds % 60, "s"),
        600..10_800 => format!("{}m", seconds / 60),
        10_800..28_800 => two(seconds / 3600, "h", seconds / 60 % 60, "m"),
        28_800..172_800 => format!("{}h", seconds / 3600),
        172_800..691_200 => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
        _ => format!("{}d", seconds / 86_400),
    }
}
