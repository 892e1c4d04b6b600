//! Quotas: how much of what a namespace may have. Source: the admission plugin `ResourceQuota`, and
//! `pkg/quota/v1/evaluator/core` and `k8s.io/apiserver`, `pkg/quota/v1`, 1.34. What is in use is counted from the objects each time, where
//! the real one keeps the count in the quota's status; that status is written by a controller (`controllers/quotas.rs`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::Value;

use super::{containers, forbidden, limits};
use crate::kinds;
use crate::object::{has_ended, items, text};
use crate::sandbox::address::{Address, group};
use crate::sandbox::amount::Amount;
use crate::sandbox::defaults::quality;
use crate::sandbox::refusal::{Refusal, dotted};
use crate::sandbox::store::read_time;
use crate::sandbox::world::World;

/// Amounts by the names that they have in a quota.
type Amounts = BTreeMap<String, Amount>;

/// What pods are counted by, beside extended resources and huge pages.
const OF_PODS: [&str; 10] = [
    "pods",
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];
/// What every container has to say as soon as a quota counts it.
const WANTED: [&str; 6] = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
const OF_SERVICES: [&str; 3] = ["services", "services.loadbalancers", "services.nodeports"];
const OF_CLAIMS: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];
/// What is counted by its plural alone.
const PLAIN: [&str; 4] = ["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];
/// Between the name of a storage class and what is counted of its claims.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Refuses what a quota of the namespace has no room for.
pub(super) fn judge(world: &World, object: &Value, live: Option<&Value>, address: &Address) -> Result<(), Refusal> {
    // Events are not counted, and what is in no namespace has no quota.
    if address.namespace.is_none() || address.plural == "events" || !is_charged(object, live, address) {
        return Ok(());
    }
    let asked = usage(object, address, world);
    for quota in world.store.all("ResourceQuota") {
        if text(quota, "/metadata/namespace") != address.namespace.as_deref() || !concerns(quota, object, address) {
            continue;
        }
        let name = text(quota, "/metadata/name").unwrap_or_default();
        let hard = hard(quota);
        if let Some(why) = unsaid(object, address, hard.keys()) {
            return Err(forbidden(object, address, &format!("failed quota: {name}: {why}")));
        }
        let before = live.filter(|live| concerns(quota, live, address)).map(|live| usage(live, address, world));
        let before = before.unwrap_or_default();
        let more = asked
            .iter()
            .map(|(name, amount)| (name.clone(), amount.beyond(before.get(name).copied().unwrap_or_default())));
        let more: Amounts = more.filter(|(name, amount)| !amount.is_zero() && hard.contains_key(name)).collect();
        if more.is_empty() {
            continue;
        }
        let used = used(world, quota);
        let is_too_much = |name: &str| {
            let mut sum = used.get(name).copied().unwrap_or_default();
            sum += more[name];
            sum.nano() > hard[name].nano()
        };
        let over: Vec<&String> = more.keys().filter(|name| is_too_much(name)).collect();
        if !over.is_empty() {
            let shown = |amounts: &Amounts| {
                let one = |name: &&String| format!("{name}={}", amounts.get(*name).copied().unwrap_or_default());
                over.iter().map(one).collect::<Vec<_>>().join(",")
            };
            let why = format!(
                "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
                shown(&more),
                shown(&used),
                shown(&hard)
            );
            return Err(forbidden(object, address, &why));
        }
    }
    Ok(())
}

/// What of the names in a quota is in use, as its status says it.
pub(in crate::sandbox) fn used(world: &World, quota: &Value) -> Amounts {
    let hard = hard(quota);
    let namespace = text(quota, "/metadata/namespace");
    let mut used = Amounts::new();
    for (api_version, plural) in hard.keys().flat_map(|name| places(world, name)).collect::<BTreeSet<_>>() {
        let place = Address::new(&api_version, &plural, namespace, "");
        for name in hard.keys().filter(|name| counts(&place, name)) {
            used.entry(name.clone()).or_default();
        }
        for (address, object) in world.store.range(&api_version, &plural) {
            if address.namespace.as_deref() == namespace && in_scope(quota, object, address) {
                for (name, amount) in usage(object, address, world) {
                    if hard.contains_key(&name) {
                        *used.entry(name).or_default() += amount;
                    }
                }
            }
        }
    }
    used
}

fn hard(quota: &Value) -> Amounts {
    let all = quota["spec"]["hard"].as_object().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), Amount::of(value)?))).collect()
}

/// Whether a write of this kind changes what is in use.
fn is_charged(object: &Value, live: Option<&Value>, address: &Address) -> bool {
    let Some(live) = live else { return true };
    match (address.group(), address.plural.as_str()) {
        ("", "services" | "persistentvolumeclaims") => true,
        ("", "pods") => is_bounded(live) != is_bounded(object),
        _ => false,
    }
}

/// Whether a quota counts an object.
fn concerns(quota: &Value, object: &Value, address: &Address) -> bool {
    hard(quota).keys().any(|name| counts(address, name)) && in_scope(quota, object, address)
}

/// Whether objects of this place are counted by this name.
fn counts(address: &Address, name: &str) -> bool {
    if name == format!("count/{}", dotted(&address.plural, address.group())) {
        return true;
    }
    match (address.group(), address.plural.as_str()) {
        ("", "pods") => {
            let extended = name.strip_prefix("requests.").is_some_and(is_extended);
            let huge = name.strip_prefix("requests.").unwrap_or(name).starts_with("hugepages-");
            OF_PODS.contains(&name) || extended || huge
        }
        ("", "services") => OF_SERVICES.contains(&name),
        ("", "persistentvolumeclaims") => {
            OF_CLAIMS.contains(&name.split_once(OF_CLASS).map_or(name, |(_, counted)| counted))
        }
        ("", plural) => name == plural && PLAIN.contains(&plural),
        _ => false,
    }
}

/// A resource that is not Kubernetes' own.
fn is_extended(resource: &str) -> bool {
    resource.contains('/') && !resource.contains("kubernetes.io/")
}

/// Where the objects are that a name counts.
fn places(world: &World, name: &str) -> Vec<(String, String)> {
    let Some(counted) = name.strip_prefix("count/") else {
        let core = ["pods", "services", "persistentvolumeclaims"].into_iter().chain(PLAIN);
        let of_it = core.filter(|plural| counts(&Address::new("v1", plural, None, ""), name));
        return of_it.map(|plural| ("v1".to_owned(), plural.to_owned())).collect();
    };
    let (plural, of_group) = counted.split_once('.').unwrap_or((counted, ""));
    let builtin = kinds::BUILTIN.iter().find(|kind| kind.plural == plural && kind.group == of_group);
    if let Some(kind) = builtin.filter(|kind| kind.namespaced) {
        return vec![(kind.api_version(), plural.to_owned())];
    }
    let Some(definition) = world.find("CustomResourceDefinition", None, counted) else { return Vec::new() };
    let versions = items(definition, "/spec/versions").filter_map(|version| text(version, "/name"));
    versions.map(|version| (format!("{of_group}/{version}"), plural.to_owned())).collect()
}

/// Whether an object is in the scopes of a quota. Only pods can be.
fn in_scope(quota: &Value, object: &Value, address: &Address) -> bool {
    let is_pod = address.plural == "pods" && group(&address.api_version).is_empty();
    let plain = items(quota, "/spec/scopes").all(|scope| is_pod && is_in(object, scope.as_str().unwrap_or_default()));
    plain && items(quota, "/spec/scopeSelector/matchExpressions").all(|rule| is_pod && is_selected(object, rule))
}

fn is_in(pod: &Value, scope: &str) -> bool {
    let is_modest = || quality(&pod["spec"]) == "BestEffort";
    match scope {
        "Terminating" => is_bounded(pod),
        "NotTerminating" => !is_bounded(pod),
        "BestEffort" => is_modest(),
        "NotBestEffort" => !is_modest(),
        "PriorityClass" => text(pod, "/spec/priorityClassName").is_some_and(|class| !class.is_empty()),
        _ => false,
    }
}

/// A selector of scopes: by the name of a priority class, else by whether the scope is there.
fn is_selected(pod: &Value, rule: &Value) -> bool {
    let scope = text(rule, "/scopeName").unwrap_or_default();
    let class = text(pod, "/spec/priorityClassName").unwrap_or_default();
    let is_named = || items(rule, "/values").any(|value| value == class);
    match text(rule, "/operator") {
        Some("In") if scope == "PriorityClass" => is_named(),
        Some("NotIn") if scope == "PriorityClass" => !is_named(),
        Some("DoesNotExist") => !is_in(pod, scope),
        _ => is_in(pod, scope),
    }
}

/// A pod with an end of its own.
fn is_bounded(pod: &Value) -> bool {
    pod["spec"]["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds >= 0)
}

/// What the containers of a pod do not say although a quota counts it.
fn unsaid<'a>(pod: &Value, address: &Address, hard: impl Iterator<Item = &'a String>) -> Option<String> {
    let speaks_for_all = pod["spec"]["resources"]
        .as_object()
        .is_some_and(|resources| resources.values().any(|part| part.as_object().is_some_and(|part| !part.is_empty())));
    if address.plural != "pods" || !address.group().is_empty() || speaks_for_all {
        return None;
    }
    let wanted: BTreeSet<&str> = hard.map(String::as_str).filter(|name| WANTED.contains(name)).collect();
    let said = |container: &Value, name: &str| {
        let (part, resource) = name.split_once('.').unwrap_or(("requests", name));
        container["resources"][part].get(resource).is_some()
    };
    let lacking = wanted.into_iter().filter_map(|name| {
        let silent = containers(pod).filter(|container| !said(container, name));
        let names: BTreeSet<&str> = silent.filter_map(|container| text(container, "/name")).collect();
        (!names.is_empty()).then(|| format!("{name} for: {}", names.into_iter().collect::<Vec<_>>().join(",")))
    });
    let lacking: Vec<String> = lacking.collect();
    (!lacking.is_empty()).then(|| format!("must specify {}", lacking.join("; ")))
}

/// What an object uses, by all names that could count it.
fn usage(object: &Value, address: &Address, world: &World) -> Amounts {
    let mut usage = Amounts::from([(format!("count/{}", dotted(&address.plural, address.group())), Amount::count(1))]);
    match (address.group(), address.plural.as_str()) {
        ("", "pods") if !is_over(object, world) => usage.extend(of_pod(object)),
        ("", "services") => usage.extend(of_service(object)),
        ("", "persistentvolumeclaims") => usage.extend(of_claim(object)),
        ("", plural) if PLAIN.contains(&plural) => drop(usage.insert(plural.to_owned(), Amount::count(1))),
        _ => {}
    }
    usage
}

/// A pod that has ended counts no more as one, nor does one that should long be gone.
fn is_over(pod: &Value, world: &World) -> bool {
    has_ended(pod) || gone_at(pod).is_some_and(|gone| world.now > gone)
}

/// From when on a pod that is to go is not counted any more.
pub(in crate::sandbox) fn gone_at(pod: &Value) -> Option<jiff::Timestamp> {
    let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_i64()?;
    read_time(pod, "/metadata/deletionTimestamp")?.checked_add(SignedDuration::from_secs(grace)).ok()
}

fn of_pod(pod: &Value) -> Amounts {
    let mut usage = Amounts::from([("pods".to_owned(), Amount::count(1))]);
    for (resource, amount) in limits::of_pod(pod, "requests") {
        let is_own = ["cpu", "memory", "ephemeral-storage"].contains(&resource.as_str());
        if is_own || resource.starts_with("hugepages-") {
            usage.insert(resource.clone(), amount);
        }
        if is_own || resource.starts_with("hugepages-") || is_extended(&resource) {
            usage.insert(format!("requests.{resource}"), amount);
        }
    }
    for (resource, amount) in limits::of_pod(pod, "limits") {
        if ["cpu", "memory", "ephemeral-storage"].contains(&resource.as_str()) {
            usage.insert(format!("limits.{resource}"), amount);
        }
    }
    usage
}

fn of_service(service: &Value) -> Amounts {
    let ports = items(service, "/spec/ports").count();
    let fixed = items(service, "/spec/ports").filter(|port| port["nodePort"].as_i64().is_some_and(|port| port != 0));
    let (balancers, node_ports) = match text(service, "/spec/type") {
        Some("NodePort") => (0, ports),
        Some("LoadBalancer") if service["spec"]["allocateLoadBalancerNodePorts"] == false => (1, fixed.count()),
        Some("LoadBalancer") => (1, ports),
        _ => (0, 0),
    };
    let counts = [1, balancers, node_ports].map(Amount::count);
    OF_SERVICES.iter().map(|name| (*name).to_owned()).zip(counts).collect()
}

fn of_claim(claim: &Value) -> Amounts {
    let mut usage = Amounts::from([(OF_CLAIMS[0].to_owned(), Amount::count(1))]);
    let size = |pointer: &str| claim.pointer(pointer).and_then(Amount::of);
    if let Some(asked) = size("/spec/resources/requests/storage") {
        // What is being given counts when it is more than what is asked for.
        let given = size("/status/allocatedResources/storage").map_or(asked, |given| asked.greater(given));
        usage.insert(OF_CLAIMS[1].to_owned(), given);
    }
    if let Some(class) = text(claim, "/spec/storageClassName").filter(|class| !class.is_empty()) {
        let of_class: Vec<_> =
            usage.iter().map(|(name, amount)| (format!("{class}{OF_CLASS}{name}"), *amount)).collect();
        usage.extend(of_class);
    }
    usage
}

#[cfg(test)]
mod tests;
