//! Nodes, events and bindings of roles.

use jiff::Timestamp;
use serde_json::Value;

use super::span;
use crate::object::{is_true, items, number, text};
use crate::sandbox::store::read_time;

pub(super) fn node(column: &str, node: &Value) -> Value {
    let address = |kind: &str| {
        let mut all = items(node, "/status/addresses").filter(|known| known["type"] == kind);
        all.find_map(|known| text(known, "/address")).unwrap_or("<none>").to_owned()
    };
    let info = |name: &str| text(node, &format!("/status/nodeInfo/{name}")).filter(|text| !text.is_empty());
    match column {
        "Status" => {
            let ready = if is_true(node, "Ready") { "Ready" } else { "NotReady" };
            let known = items(node, "/status/conditions").any(|condition| condition["type"] == "Ready");
            let cordoned = if node["spec"]["unschedulable"] == true { ",SchedulingDisabled" } else { "" };
            format!("{}{cordoned}", if known { ready } else { "Unknown" }).into()
        }
        "Roles" => {
            let labels = node["metadata"]["labels"].as_object();
            let roles = labels.into_iter().flatten().filter_map(|(key, value)| {
                let role = key.strip_prefix("node-role.kubernetes.io/").map(str::to_owned);
                role.or_else(|| value.as_str().filter(|_| key == "kubernetes.io/role").map(str::to_owned))
            });
            let mut roles: Vec<String> = roles.filter(|role| !role.is_empty()).collect();
            roles.sort();
            if roles.is_empty() { "<none>".into() } else { roles.join(",").into() }
        }
        "Version" => info("kubeletVersion").unwrap_or_default().into(),
        "Internal-IP" => address("InternalIP").into(),
        "External-IP" => address("ExternalIP").into(),
        "OS-Image" => info("osImage").unwrap_or("<unknown>").into(),
        "Kernel-Version" => info("kernelVersion").unwrap_or("<unknown>").into(),
        _ => info("containerRuntimeVersion").unwrap_or("<unknown>").into(),
    }
}

pub(super) fn event(column: &str, event: &Value, now: Timestamp) -> Value {
    let part = |pointer| text(event, pointer).unwrap_or_default();
    let first = || {
        let old = read_time(event, "/firstTimestamp").or_else(|| read_time(event, "/eventTime"));
        old.map_or_else(|| "<unknown>".to_owned(), |since| span(since, now))
    };
    match column {
        "Last Seen" => read_time(event, "/series/lastObservedTime")
            .or_else(|| read_time(event, "/lastTimestamp"))
            .map_or_else(first, |since| span(since, now))
            .into(),
        "Type" => part("/type").into(),
        "Reason" => part("/reason").into(),
        "Object" => {
            let (kind, name) = (part("/involvedObject/kind").to_lowercase(), part("/involvedObject/name"));
            if name.is_empty() { kind.into() } else { format!("{kind}/{name}").into() }
        }
        "Subobject" => part("/involvedObject/fieldPath").into(),
        "Source" => {
            let component = text(event, "/source/component").filter(|text| !text.is_empty());
            let component = component.unwrap_or(part("/reportingComponent"));
            let host = text(event, "/source/host").filter(|text| !text.is_empty());
            let host = host.unwrap_or(part("/reportingInstance"));
            if host.is_empty() { component.into() } else { format!("{component}, {host}").into() }
        }
        "Message" => part("/message").trim().into(),
        "First Seen" => first().into(),
        "Count" => number(event, "/series/count").or_else(|| number(event, "/count")).unwrap_or(1).into(),
        _ => part("/metadata/name").into(),
    }
}

pub(super) fn binding(column: &str, binding: &Value) -> Value {
    let part = |pointer| text(binding, pointer).unwrap_or_default();
    let kind = match column {
        "Role" => return format!("{}/{}", part("/roleRef/kind"), part("/roleRef/name")).into(),
        "Users" => "User",
        "Groups" => "Group",
        _ => "ServiceAccount",
    };
    let all = items(binding, "/subjects").filter(|subject| subject["kind"] == kind).filter_map(|subject| {
        let name = text(subject, "/name")?;
        Some(if kind == "ServiceAccount" {
            format!("{}/{name}", text(subject, "/namespace").unwrap_or_default())
        } else {
            name.to_owned()
        })
    });
    all.collect::<Vec<_>>().join(", ").into()
}
