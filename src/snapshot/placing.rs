//! Where a pod may be, by what its specification says: the rules of the scheduler that need nothing but the pod and the node.
//! Source: Kubernetes, "Assigning Pods to Nodes", "Taints and Tolerations", "Sidecar Containers".

use serde_json::{Value, json};

use crate::object::{items, text};
use crate::stack::quantity;

/// Whether an object's labels fit a `LabelSelector`, or the plain map of a Service.
pub fn matches(selector: &Value, labels: &Value) -> bool {
    let expressions = items(selector, "/matchExpressions");
    let is_plain = selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none();
    let map = if is_plain { selector.as_object() } else { selector["matchLabels"].as_object() };
    map.into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value))
        && expressions.into_iter().all(|expression| fits(expression, labels))
}

/// Whether labels fit one `matchExpressions` item.
pub fn fits(expression: &Value, labels: &Value) -> bool {
    let value = expression["key"].as_str().and_then(|key| labels.get(key));
    let among = || items(expression, "/values").any(|known| Some(known) == value);
    match expression["operator"].as_str() {
        Some("In") => among(),
        Some("NotIn") => !among(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}

/// The ports of its node that a pod takes, each with its protocol.
pub fn ports(spec: &Value) -> impl Iterator<Item = (i64, String)> {
    let ports = items(spec, "/containers").flat_map(|container| items(container, "/ports"));
    ports.filter_map(|port| Some((port["hostPort"].as_i64()?, port["protocol"].as_str().unwrap_or("TCP").to_owned())))
}

/// What a pod asks for, in nano units: its containers and sidecars together, or more where an init container needs more while it
/// runs. Where only a limit is named, that is asked for. Source: `k8s.io/component-helpers/resource` v0.34, `PodRequests`.
pub fn asked(spec: &Value, resource: &str) -> i128 {
    let mut sidecars = 0;
    let mut starting = 0;
    for container in items(spec, "/initContainers") {
        if container["restartPolicy"] == "Always" {
            sidecars += of_container(container, resource);
            starting = starting.max(sidecars);
        } else {
            starting = starting.max(sidecars + of_container(container, resource));
        }
    }
    let running = sidecars + items(spec, "/containers").map(|it| of_container(it, resource)).sum::<i128>();
    running.max(starting) + amount(&spec["overhead"][resource]).unwrap_or(0)
}

fn of_container(container: &Value, resource: &str) -> i128 {
    let part = |part: &str| amount(&container["resources"][part][resource]);
    part("requests").or_else(|| part("limits")).unwrap_or(0)
}

/// A quantity, which may be written as a number.
fn amount(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => quantity::parse(text),
        Value::Number(number) => quantity::parse(&number.to_string()),
        _ => None,
    }
}

/// Whether a pod's selector and required affinity take a node.
pub fn selects(spec: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let plain = spec["nodeSelector"]
        .as_object()
        .is_none_or(|map| map.iter().all(|(key, value)| labels.get(key) == Some(value)));
    let terms =
        &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    let name = json!({"metadata.name": node["metadata"]["name"]});
    let term = |term: &Value| {
        items(term, "/matchExpressions").all(|expression| fits(expression, labels))
            && items(term, "/matchFields").all(|field| fits(field, &name))
    };
    plain && terms.as_array().is_none_or(|terms| terms.iter().any(term))
}

/// Whether a pod may be on a node with this taint.
pub fn tolerated(spec: &Value, taint: &Value) -> bool {
    items(spec, "/tolerations").any(|toleration| {
        let empty = |key: &str| toleration.get(key).is_none_or(|value| value.as_str().is_none_or(str::is_empty));
        let effect = empty("effect") || toleration["effect"] == taint["effect"];
        let exists = toleration["operator"] == "Exists";
        let key = (exists && empty("key")) || toleration["key"] == taint["key"];
        effect
            && key
            && (exists
                || toleration["value"].as_str().unwrap_or_default() == taint["value"].as_str().unwrap_or_default())
    })
}

/// The first taint of a node, of one of these effects, that a pod does not tolerate.
pub fn untolerated<'a>(spec: &Value, node: &'a Value, effects: &[&str]) -> Option<&'a Value> {
    items(node, "/spec/taints").find(|taint| {
        taint["effect"].as_str().is_some_and(|effect| effects.contains(&effect)) && !tolerated(spec, taint)
    })
}

/// Whether a pod may be on a node with these taints; a daemon tolerates what only says that a node is unwell.
pub fn tolerates(spec: &Value, node: &Value, effects: &[&str], daemon: bool) -> bool {
    let mut taints = items(node, "/spec/taints");
    let unwell = |taint: &Value| text(taint, "/key").is_some_and(|key| key.starts_with("node.kubernetes.io/"));
    taints.all(|taint| {
        let counts = taint["effect"].as_str().is_some_and(|effect| effects.contains(&effect));
        !counts || tolerated(spec, taint) || (daemon && unwell(taint))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_asks_for_what_its_containers_ask_for_at_once() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let sidecar = |cpu: &str| json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}});
        let table = [
            (json!({"containers": [container("1"), container("500m")]}), "1500m"),
            (json!({"containers": [container("1")], "initContainers": [container("3"), container("2")]}), "3"),
            (json!({"containers": [container("1")], "initContainers": [sidecar("1"), container("3")]}), "4"),
            (json!({"containers": [container("3")], "initContainers": [sidecar("1"), container("1")]}), "4"),
            (json!({"containers": [{"resources": {"limits": {"cpu": 2}}}]}), "2"),
            (json!({"containers": [{}], "overhead": {"cpu": "250m"}}), "250m"),
        ];
        for (spec, wanted) in table {
            assert_eq!(Some(asked(&spec, "cpu")), quantity::parse(wanted), "{spec}");
        }
    }
}
