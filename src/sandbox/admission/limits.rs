//! Limit ranges: what containers get that say nothing of resources, and how little and how much of them containers, pods and claims
//! may have. Source: the admission plugin `LimitRanger`, `plugin/pkg/admission/limitranger/admission.go`, 1.34.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{containers, forbidden};
use crate::object::{items, text};
use crate::sandbox::amount::Amount;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::store::address_of;
use crate::sandbox::world::World;

/// Where the plugin says what it has set.
const SAID: &str = "kubernetes.io/limit-ranger";

type Amounts = BTreeMap<String, Amount>;

/// A limit range as it is kept: where one of the values of containers is not given, another stands in for it. Source:
/// `SetDefaults_LimitRangeItem` in `pkg/apis/core/v1/defaults.go`, 1.34.
pub(in crate::sandbox) fn defaulted(range: &mut Value) {
    let limits = range["spec"].get_mut("limits").and_then(Value::as_array_mut);
    for limit in limits.into_iter().flatten().filter(|limit| limit["type"] == "Container") {
        for (key, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
            for (resource, value) in limit[from].as_object().cloned().unwrap_or_default() {
                if limit[key].get(&resource).is_none() {
                    limit[key][resource] = value;
                }
            }
        }
    }
}

/// The items of the limit ranges of an object's namespace.
fn of_namespace<'a>(world: &'a World, object: &'a Value) -> impl Iterator<Item = &'a Value> {
    let home = &object["metadata"]["namespace"];
    world.store.all("LimitRange").filter(move |range| range["metadata"]["namespace"] == *home)
}

/// Gives the containers of a new pod what the namespace gives to those that do not say themselves.
pub(super) fn fill(world: &World, pod: &mut Value) {
    let ranges: Vec<Value> = of_namespace(world, pod).cloned().collect();
    for range in ranges {
        let mut said = Vec::new();
        for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
            for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                said.extend(fill_container(&range, container, word));
            }
        }
        if !said.is_empty() {
            pod["metadata"]["annotations"][SAID] = format!("LimitRanger plugin set: {}", said.join("; ")).into();
        }
    }
}

/// Fills in one container, and says what of it.
fn fill_container(range: &Value, container: &mut Value, word: &str) -> Vec<String> {
    let mut said = Vec::new();
    for (key, part, what) in [("defaultRequest", "requests", "request"), ("default", "limits", "limit")] {
        let mut given = BTreeMap::new();
        for limit in items(range, "/spec/limits").filter(|limit| limit["type"] == "Container") {
            given.extend(limit[key].as_object().into_iter().flatten());
        }
        let is_new = |resource: &&String| container["resources"][part].get(resource.as_str()).is_none();
        let new: Vec<String> = given.keys().copied().filter(is_new).cloned().collect();
        for resource in &new {
            container["resources"][part][resource] = given[resource].clone();
        }
        if !new.is_empty() {
            let name = text(container, "/name").unwrap_or_default();
            said.push(format!("{} {what} for {word} {name}", new.join(", ")));
        }
    }
    said
}

/// Refuses a new pod, or a claim, that has less or more than its namespace allows.
pub(super) fn judge(world: &World, object: &Value, live: Option<&Value>) -> Result<(), Refusal> {
    let is_going = live.is_some_and(|live| live["metadata"].get("deletionTimestamp").is_some());
    let judged = match text(object, "/kind") {
        Some("Pod") => live.is_none(),
        Some("PersistentVolumeClaim") => !is_going,
        _ => false,
    };
    let Some(address) = address_of(object).filter(|_| judged) else { return Ok(()) };
    for range in of_namespace(world, object) {
        let mut said: Vec<String> = Vec::new();
        for fault in items(range, "/spec/limits").flat_map(|limit| faults(limit, object)) {
            // Two containers with the same fault are one.
            if !said.contains(&fault) {
                said.push(fault);
            }
        }
        let why = match said.as_slice() {
            [] => continue,
            [only] => only.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        return Err(forbidden(object, &address, &why));
    }
    Ok(())
}

fn faults(limit: &Value, object: &Value) -> Vec<String> {
    let kind = text(limit, "/type").unwrap_or_default();
    let part = |container: &Value, part: &str| amounts(&container["resources"][part]);
    match (kind, text(object, "/kind")) {
        ("Container", Some("Pod")) => containers(object)
            .flat_map(|container| bounds(limit, &part(container, "requests"), Some(&part(container, "limits"))))
            .collect(),
        ("Pod", Some("Pod")) => bounds(limit, &of_pod(object, "requests"), Some(&of_pod(object, "limits"))),
        ("PersistentVolumeClaim", Some("PersistentVolumeClaim")) => {
            bounds(limit, &amounts(&object["spec"]["resources"]["requests"]), None)
        }
        _ => Vec::new(),
    }
}

fn amounts(map: &Value) -> Amounts {
    let all = map.as_object().into_iter().flatten();
    all.filter_map(|(resource, value)| Some((resource.clone(), Amount::of(value)?))).collect()
}

/// What a pod asks for, or is limited to: its containers and sidecars together, or more where an init container has more.
pub(super) fn of_pod(pod: &Value, part: &str) -> Amounts {
    let add = |all: &mut Amounts, some: &Amounts| {
        for (resource, amount) in some {
            *all.entry(resource.clone()).or_default() += *amount;
        }
    };
    let mut running = Amounts::new();
    for container in items(pod, "/spec/containers") {
        add(&mut running, &amounts(&container["resources"][part]));
    }
    let (mut sidecars, mut starting) = (Amounts::new(), Amounts::new());
    for container in items(pod, "/spec/initContainers") {
        let own = amounts(&container["resources"][part]);
        let mut now = sidecars.clone();
        add(&mut now, &own);
        if container["restartPolicy"] == "Always" {
            add(&mut running, &own);
            sidecars = now.clone();
        }
        for (resource, amount) in now {
            let most = starting.entry(resource).or_default();
            *most = most.greater(amount);
        }
    }
    for (resource, amount) in starting {
        let most = running.entry(resource).or_default();
        *most = most.greater(amount);
    }
    // What a pod says for itself goes before what its containers say.
    for (resource, amount) in amounts(&pod["spec"]["resources"][part]) {
        if ["cpu", "memory"].contains(&resource.as_str()) {
            running.insert(resource, amount);
        }
    }
    running
}

/// What is less than a limit's least, more than its most, or of too great a ratio. A claim has requests and no limits.
fn bounds(limit: &Value, requests: &Amounts, limits: Option<&Amounts>) -> Vec<String> {
    let kind = text(limit, "/type").unwrap_or_default();
    let mut faults = Vec::new();
    for (resource, least) in amounts(&limit["min"]) {
        let head = format!("minimum {resource} usage per {kind} is {least}");
        let limit = limits.and_then(|limits| limits.get(&resource));
        faults.extend(match (requests.get(&resource), limit) {
            (None, _) => Some(format!("{head}.  No request is specified")),
            (Some(request), _) if request.nano() < least.nano() => Some(format!("{head}, but request is {request}")),
            (_, Some(limit)) if limit.nano() < least.nano() => Some(format!("{head}, but limit is {limit}")),
            _ => None,
        });
    }
    for (resource, most) in amounts(&limit["max"]) {
        let head = format!("maximum {resource} usage per {kind} is {most}");
        let request = requests.get(&resource).filter(|request| request.nano() > most.nano());
        faults.extend(match limits.map(|limits| limits.get(&resource)) {
            Some(None) => Some(format!("{head}.  No limit is specified")),
            Some(Some(limit)) if limit.nano() > most.nano() => Some(format!("{head}, but limit is {limit}")),
            None if !requests.contains_key(&resource) => Some(format!("{head}.  No request is specified")),
            _ => request.map(|request| format!("{head}, but request is {request}")),
        });
    }
    let Some(limits) = limits else { return faults };
    for (resource, most) in amounts(&limit["maxLimitRequestRatio"]) {
        let head = format!("{resource} max limit to request ratio per {kind} is {most}");
        let some = |amounts: &Amounts| amounts.get(&resource).copied().filter(|amount| !amount.is_zero());
        faults.extend(match (some(requests), some(limits)) {
            (None, _) => Some(format!("{head}, but no request is specified or request is 0")),
            (_, None) => Some(format!("{head}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) => {
                let ratio = as_float(limit) / as_float(request);
                (ratio > as_float(most)).then(|| format!("{head}, but provided ratio is {ratio:.6}"))
            }
        });
    }
    faults
}

/// A quantity as a number: a ratio is shown with six digits, as the API server shows it.
#[expect(clippy::cast_precision_loss, reason = "a ratio of two quantities is not exact in the API server either")]
fn as_float(amount: Amount) -> f64 {
    amount.nano() as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(limit: &Value, resources: &Value) -> Vec<String> {
        let mut range = json!({"spec": {"limits": [limit]}});
        defaulted(&mut range);
        let pod = json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "resources": resources}, {"name": "b", "resources": resources}]}});
        let mut said = faults(&range["spec"]["limits"][0], &pod);
        said.dedup();
        said
    }

    #[test]
    fn a_container_without_words_gets_those_of_the_namespace() {
        let mut range = json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1", "memory": "1Gi"}, "default": {"cpu": "500m"}, "min": {"ephemeral-storage": "1Gi"}}]}});
        defaulted(&mut range);
        let mut container =
            json!({"name": "a", "resources": {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}});
        assert_eq!(
            fill_container(&range, &mut container, "container"),
            ["cpu, ephemeral-storage request for container a", "cpu limit for container a"]
        );
        assert_eq!(
            container["resources"],
            json!({"limits": {"memory": "64Mi", "cpu": "500m"}, "requests": {"memory": "64Mi", "cpu": "500m", "ephemeral-storage": "1Gi"}})
        );
    }

    #[test]
    fn less_and_more_and_too_much_between_are_refused() {
        let both = |request: &str, limit: &str| json!({"requests": {"cpu": request}, "limits": {"cpu": limit}});
        let table = [
            (
                json!({"type": "Container", "min": {"cpu": "100m"}}),
                both("50m", "1"),
                "minimum cpu usage per Container is 100m, but request is 50m",
            ),
            (
                json!({"type": "Container", "min": {"cpu": "100m"}}),
                json!({}),
                "minimum cpu usage per Container is 100m.  No request is specified",
            ),
            (
                json!({"type": "Container", "max": {"cpu": "100m"}}),
                json!({}),
                "maximum cpu usage per Container is 100m.  No limit is specified",
            ),
            (
                json!({"type": "Pod", "max": {"cpu": "1500m"}}),
                both("1", "1"),
                "maximum cpu usage per Pod is 1500m, but limit is 2",
            ),
            (
                json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}),
                both("200m", "1"),
                "cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000",
            ),
            (
                json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}),
                json!({"limits": {"cpu": "1"}}),
                "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0",
            ),
        ];
        for (limit, resources, expected) in table {
            assert_eq!(said(&limit, &resources), [expected], "{limit}");
        }
        assert!(
            said(&json!({"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1"}}), &both("1", "2000m"))
                .is_empty()
        );
        let claim = json!({"kind": "PersistentVolumeClaim", "spec": {"resources": {"requests": {"storage": "10Gi"}}}});
        let limit = json!({"type": "PersistentVolumeClaim", "max": {"storage": "5Gi"}});
        assert_eq!(
            faults(&limit, &claim),
            ["maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 10Gi"]
        );
    }

    #[test]
    fn a_pod_has_what_its_containers_have_or_the_greatest_of_those_that_begin() {
        let part = |cpu: &str| json!({"requests": {"cpu": cpu}});
        let pod = json!({"spec": {
            "containers": [{"resources": part("1")}, {"resources": part("500m")}],
            "initContainers": [{"resources": part("1"), "restartPolicy": "Always"}, {"resources": part("4")}]}});
        assert_eq!(of_pod(&pod, "requests")["cpu"].to_string(), "5");
        let mut own = pod.clone();
        own["spec"]["resources"] = part("6");
        assert_eq!(of_pod(&own, "requests")["cpu"].to_string(), "6");
    }
}
