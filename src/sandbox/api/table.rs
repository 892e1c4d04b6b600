//! What `kubectl get` asks for: tables, and metadata alone. Source: `pkg/printers/internalversion`, 1.34.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object::{is_true, items, number, text};
use crate::sandbox::containers::is_ready;
use crate::sandbox::select::written;
use crate::sandbox::store::read_time;

const GROUP: &str = "meta.k8s.io/v1";

/// What a client wants an answer as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The object itself.
    Plain,
    /// A table, which kubectl prints.
    Table,
    /// Metadata only.
    Metadata,
}

impl Shape {
    /// By the first of the types in `Accept` that is served.
    pub(super) fn of(accept: &str) -> Self {
        let first = accept.split(',').next().unwrap_or_default();
        if first.contains("as=Table") {
            Self::Table
        } else if first.contains("as=PartialObjectMetadata") {
            Self::Metadata
        } else {
            Self::Plain
        }
    }

    /// An answer in this shape: of a list or of one object.
    pub(super) fn answer(self, document: Value, kind: &str, now: Timestamp) -> Value {
        let is_list = document.get("items").is_some_and(Value::is_array);
        let all: Vec<&Value> = if is_list { items(&document, "/items").collect() } else { vec![&document] };
        match self {
            Self::Plain => document,
            Self::Table => {
                let columns: Vec<Value> = columns(kind).iter().map(definition).collect();
                let rows: Vec<Value> = all
                    .iter()
                    .map(|object| json!({"cells": cells(kind, object, now), "object": metadata(object)}))
                    .collect();
                json!({"kind": "Table", "apiVersion": GROUP, "metadata": head(&document, is_list),
                    "columnDefinitions": columns, "rows": rows})
            }
            Self::Metadata if is_list => {
                let all: Vec<Value> = all.into_iter().map(metadata).collect();
                json!({"kind": "PartialObjectMetadataList", "apiVersion": GROUP, "metadata": document["metadata"], "items": all})
            }
            Self::Metadata => metadata(&document),
        }
    }
}

fn head(document: &Value, is_list: bool) -> Value {
    if is_list {
        document["metadata"].clone()
    } else {
        json!({"resourceVersion": document["metadata"]["resourceVersion"]})
    }
}

fn metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": GROUP, "metadata": object["metadata"]})
}

/// Names and priorities of columns; those of priority 1 are shown with `-o wide`.
fn columns(kind: &str) -> Vec<(&'static str, u8)> {
    let (narrow, wide): (&[&str], &[&str]) = match kind {
        "ConfigMap" => (&["Name", "Data", "Age"], &[]),
        "Secret" => (&["Name", "Type", "Data", "Age"], &[]),
        "Pod" => {
            (&["Name", "Ready", "Status", "Restarts", "Age"], &["IP", "Node", "Nominated Node", "Readiness Gates"])
        }
        "Deployment" => (&["Name", "Ready", "Up-to-date", "Available", "Age"], &["Containers", "Images", "Selector"]),
        "ReplicaSet" => (&["Name", "Desired", "Current", "Ready", "Age"], &["Containers", "Images", "Selector"]),
        "StatefulSet" => (&["Name", "Ready", "Age"], &["Containers", "Images"]),
        "DaemonSet" => (
            &["Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age"],
            &["Containers", "Images", "Selector"],
        ),
        "Job" => (&["Name", "Status", "Completions", "Duration", "Age"], &["Containers", "Images", "Selector"]),
        "Service" => (&["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"], &["Selector"]),
        "PersistentVolumeClaim" => (
            &["Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age"],
            &["VolumeMode"],
        ),
        "Namespace" => (&["Name", "Status", "Age"], &[]),
        _ => (&["Name", "Age"], &[]),
    };
    narrow.iter().map(|name| (*name, 0)).chain(wide.iter().map(|name| (*name, 1))).collect()
}

fn definition((name, priority): &(&'static str, u8)) -> Value {
    const NUMBERS: [&str; 4] = ["Up-to-date", "Available", "Desired", "Current"];
    let kind = if NUMBERS.contains(name) { "integer" } else { "string" };
    let format = if *name == "Name" { "name" } else { "" };
    json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
}

fn cells(kind: &str, object: &Value, now: Timestamp) -> Vec<Value> {
    columns(kind).iter().map(|(column, _)| cell(kind, column, object, now)).collect()
}

fn cell(kind: &str, column: &str, object: &Value, now: Timestamp) -> Value {
    let part = |pointer| text(object, pointer).unwrap_or_default();
    let count = |pointer| number(object, pointer).unwrap_or(0);
    match (kind, column) {
        (_, "Name") => part("/metadata/name").into(),
        (_, "Age") => age(object, "/metadata/creationTimestamp", now).into(),
        (_, "Data") => object["data"].as_object().map_or(0, serde_json::Map::len).into(),
        (_, "Containers") => listed(object, "/spec/template/spec/containers", "/name").into(),
        (_, "Images") => listed(object, "/spec/template/spec/containers", "/image").into(),
        ("Service", "Selector") => labels(&object["spec"]["selector"]).into(),
        (_, "Selector") => labels(&object["spec"]["selector"]["matchLabels"]).into(),
        ("Pod", _) => pod(column, object),
        ("Service", _) => service(column, object),
        ("PersistentVolumeClaim", _) => claim(column, object),
        ("Job", _) => job(column, object, now),
        (_, "Type") => part("/type").into(),
        ("DaemonSet", "Desired") => count("/status/desiredNumberScheduled").into(),
        ("DaemonSet", "Current") => count("/status/currentNumberScheduled").into(),
        ("DaemonSet", "Ready") => count("/status/numberReady").into(),
        ("DaemonSet", "Up-to-date") => count("/status/updatedNumberScheduled").into(),
        ("DaemonSet", "Available") => count("/status/numberAvailable").into(),
        (_, "Node Selector") => labels(&object["spec"]["template"]["spec"]["nodeSelector"]).into(),
        ("ReplicaSet", "Ready") => count("/status/readyReplicas").into(),
        (_, "Ready") => format!("{}/{}", count("/status/readyReplicas"), count("/spec/replicas")).into(),
        (_, "Up-to-date") => count("/status/updatedReplicas").into(),
        (_, "Available") => count("/status/availableReplicas").into(),
        (_, "Desired") => count("/spec/replicas").into(),
        (_, "Current") => count("/status/replicas").into(),
        (_, "Status") => part("/status/phase").into(),
        _ => "".into(),
    }
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

fn service(column: &str, service: &Value) -> Value {
    let part = |pointer| text(service, pointer).unwrap_or_default();
    match column {
        "Type" => part("/spec/type").into(),
        "Cluster-IP" => text(service, "/spec/clusterIP").unwrap_or("<none>").into(),
        "External-IP" if part("/spec/type") == "LoadBalancer" => {
            let all = listed(service, "/status/loadBalancer/ingress", "/ip");
            if all.is_empty() { "<pending>".into() } else { all.into() }
        }
        "External-IP" => text(service, "/spec/externalName").unwrap_or("<none>").into(),
        _ => {
            let port = |port: &Value| {
                let outer = port["nodePort"].as_i64().map_or(String::new(), |outer| format!(":{outer}"));
                format!("{}{outer}/{}", port["port"], text(port, "/protocol").unwrap_or("TCP"))
            };
            let all: Vec<String> = items(service, "/spec/ports").map(port).collect();
            if all.is_empty() { "<none>".into() } else { all.join(",").into() }
        }
    }
}

fn claim(column: &str, claim: &Value) -> Value {
    let part = |pointer| text(claim, pointer).unwrap_or_default();
    match column {
        "Status" if claim["metadata"].get("deletionTimestamp").is_some() => "Terminating".into(),
        "Status" => part("/status/phase").into(),
        "Volume" => part("/spec/volumeName").into(),
        "Capacity" => part("/status/capacity/storage").into(),
        "Access Modes" => {
            let short = |mode: &Value| match mode.as_str() {
                Some("ReadWriteOnce") => "RWO",
                Some("ReadOnlyMany") => "ROX",
                Some("ReadWriteMany") => "RWX",
                Some("ReadWriteOncePod") => "RWOP",
                _ => "",
            };
            items(claim, "/status/accessModes").map(short).collect::<Vec<_>>().join(",").into()
        }
        "StorageClass" => part("/spec/storageClassName").into(),
        "VolumeAttributesClass" => text(claim, "/spec/volumeAttributesClassName").unwrap_or("<unset>").into(),
        _ => text(claim, "/spec/volumeMode").unwrap_or("<unset>").into(),
    }
}

fn job(column: &str, job: &Value, now: Timestamp) -> Value {
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

fn age(object: &Value, pointer: &str, now: Timestamp) -> String {
    read_time(object, pointer).map_or_else(|| "<unknown>".to_owned(), |since| span(since, now))
}

/// A time as kubectl shortens it: the two largest units, and one when it is long.
fn span(since: Timestamp, now: Timestamp) -> String {
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
