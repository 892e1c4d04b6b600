//! Webhooks that have to agree to a request: whom they are asked about, and what is said when they cannot be asked. Source:
//! `k8s.io/apiserver`, `pkg/admission/plugin/webhook`, `pkg/util/webhook/client.go` and `pkg/util/proxy`, 1.34.
//!
//! Pods of the sandbox are no programs: a webhook behind whose Service somebody is ready agrees, and changes nothing; with the fault
//! `no-answer` on that Service it answers 500. Where a configuration names an address (`clientConfig.url`) nothing listens. What
//! controllers write, but for the pods and claims that they make, nobody is asked about. `matchConditions` are CEL, which the sandbox
//! has not: such a configuration is not taken. Side effects are not looked at, because no configuration with any is taken either.

use serde_json::{Value, json};

use crate::object::{items, number, text};
use crate::sandbox::address::{Address, Route, parts};
use crate::sandbox::api;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::world::World;
use crate::snapshot::placing::matches;

const GROUP: &str = "admissionregistration.k8s.io";
const MUTATING: &str = "MutatingWebhookConfiguration";
const VALIDATING: &str = "ValidatingWebhookConfiguration";
/// Parts of objects to which a request connects.
const CONNECTED: [&str; 4] = ["exec", "attach", "portforward", "proxy"];
/// Group and version under which a kind of Kubernetes' own is served, too, though not by the sandbox.
const EQUIVALENT: [(&str, &str, &str); 2] =
    [("autoscaling/v2", "horizontalpodautoscalers", "autoscaling/v1"), ("v1", "events", "events.k8s.io/v1")];

/// A request that is to be agreed to.
#[derive(Clone, Copy)]
pub(in crate::sandbox) struct Asking<'a> {
    pub(in crate::sandbox) address: &'a Address,
    /// `status`, `scale`, `exec`, ...
    pub(in crate::sandbox) sub: Option<&'a str>,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub(in crate::sandbox) operation: &'static str,
    /// As it is to be.
    pub(in crate::sandbox) object: Option<&'a Value>,
    /// As it was.
    pub(in crate::sandbox) old: Option<&'a Value>,
}

impl<'a> Asking<'a> {
    /// A write of an object; without an earlier one it is new.
    pub(in crate::sandbox) fn write(
        address: &'a Address,
        sub: Option<&'a str>,
        object: &'a Value,
        old: Option<&'a Value>,
    ) -> Self {
        let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
        Self { address, sub, operation, object: Some(object), old }
    }

    fn is_namespace(&self) -> bool {
        self.address.group().is_empty() && self.address.plural == "namespaces"
    }

    /// The namespace that it is about: a Namespace is in its own.
    fn place(&self) -> Option<&str> {
        if self.is_namespace() { Some(&self.address.name) } else { self.address.namespace.as_deref() }
    }

    /// Whether it is about what says who has to agree, and so would lock itself in.
    fn is_exempt(&self) -> bool {
        let starts = ["mutating", "validating"].iter().any(|start| self.address.plural.starts_with(start));
        self.address.group() == GROUP && starts
    }
}

/// Those that may change an object are asked before its fields are judged.
pub(in crate::sandbox) fn mutating(world: &World, asking: &Asking<'_>) -> Result<(), Refusal> {
    agreed(world, MUTATING, asking)
}

/// The others at the end.
pub(in crate::sandbox) fn validating(world: &World, asking: &Asking<'_>) -> Result<(), Refusal> {
    agreed(world, VALIDATING, asking)
}

/// Both, where there is nothing in between.
pub(in crate::sandbox) fn both(world: &World, asking: &Asking<'_>) -> Result<(), Refusal> {
    mutating(world, asking)?;
    validating(world, asking)
}

/// A connection to a part of an object, such as `pods/exec`; every other request is none.
pub(in crate::sandbox) fn connected(world: &World, route: &Route) -> Result<(), Refusal> {
    let (Some(name), Some(sub)) = (&route.name, route.sub.as_deref().filter(|sub| CONNECTED.contains(sub))) else {
        return Ok(());
    };
    let address = route.object(name);
    both(world, &Asking { address: &address, sub: Some(sub), operation: "CONNECT", object: None, old: None })
}

/// What of a configuration the sandbox cannot go by.
pub(super) fn judge(object: &Value) -> Result<(), Refusal> {
    let is_one = [MUTATING, VALIDATING].iter().any(|kind| object["kind"] == *kind);
    let conditional =
        items(object, "/webhooks").find(|hook| is_one && items(hook, "/matchConditions").next().is_some());
    match conditional {
        Some(hook) => {
            let name = text(hook, "/name").unwrap_or_default();
            Err(Refusal::not_simulated(&format!("webhooks with matchConditions, which are CEL: {name}")))
        }
        None => Ok(()),
    }
}

/// All webhooks of a kind of configuration, in the order of the configurations' names, agree or do not matter.
fn agreed(world: &World, kind: &str, asking: &Asking<'_>) -> Result<(), Refusal> {
    if asking.is_exempt() {
        return Ok(());
    }
    for hook in world.store.all(kind).flat_map(|configuration| items(configuration, "/webhooks")) {
        let is_ignored = text(hook, "/failurePolicy") == Some("Ignore");
        if !is_meant(world, hook, asking)? || is_ignored {
            continue;
        }
        if let Err(why) = asked(world, hook) {
            let name = text(hook, "/name").unwrap_or_default();
            let said = format!("failed calling webhook {name:?}: failed to call webhook: {why}");
            let refusal = Refusal::new(500, "InternalError", format!("Internal error occurred: {said}"));
            return Err(refusal.with(json!({"causes": [{"message": said}]})));
        }
    }
    Ok(())
}

/// Whether a webhook is asked about a request at all.
fn is_meant(world: &World, hook: &Value, asking: &Asking<'_>) -> Result<bool, Refusal> {
    Ok(selects_object(&hook["objectSelector"], asking)
        && has_rule(world, hook, asking)
        && selects_namespace(world, &hook["namespaceSelector"], asking)?)
}

/// Whether a selector takes everything.
fn is_open(selector: &Value) -> bool {
    selector.as_object().is_none_or(serde_json::Map::is_empty)
}

/// What is in no namespace is not exempted by one. A Namespace goes by the labels that it is to have.
fn selects_namespace(world: &World, selector: &Value, asking: &Asking<'_>) -> Result<bool, Refusal> {
    let Some(place) = asking.place().filter(|_| !is_open(selector)) else { return Ok(true) };
    if asking.is_namespace() && asking.sub.is_none() && ["CREATE", "UPDATE"].contains(&asking.operation) {
        return Ok(asking.object.is_some_and(|object| matches(selector, &object["metadata"]["labels"])));
    }
    let namespace = world.find("Namespace", None, place);
    let namespace = namespace.ok_or_else(|| Refusal::not_found("", "namespaces", place))?;
    Ok(matches(selector, &namespace["metadata"]["labels"]))
}

/// An object is selected by the labels that it had or is to have. What a connection or a number of replicas is about has none.
fn selects_object(selector: &Value, asking: &Asking<'_>) -> bool {
    let has_labels = !asking.sub.is_some_and(|sub| sub == "scale" || CONNECTED.contains(&sub));
    let all = [asking.object, asking.old].into_iter().flatten().filter(|_| has_labels);
    is_open(selector) || all.into_iter().any(|object| matches(selector, &object["metadata"]["labels"]))
}

/// Whether one of its rules is about the request: as it was sent, or, unless it says `Exact`, as it could have been sent in another
/// version.
fn has_rule(world: &World, hook: &Value, asking: &Asking<'_>) -> bool {
    let address = asking.address;
    let mut versions = vec![address.api_version.clone()];
    if text(hook, "/matchPolicy") != Some("Exact") {
        versions.extend(others(world, address));
    }
    versions.iter().any(|version| items(hook, "/rules").any(|rule| is_about(rule, version, asking)))
}

/// The other groups and versions in which an object is served.
fn others(world: &World, address: &Address) -> Vec<String> {
    let known = EQUIVALENT.iter().filter(|(one, plural, _)| address.api_version == *one && address.plural == *plural);
    let mut all: Vec<String> = known.map(|(_, _, other)| (*other).to_owned()).collect();
    if let Some(definition) = api::definition(world, &address.api_version, &address.plural) {
        let served = items(definition, "/spec/versions").filter(|version| version["served"] != false);
        let names = served.filter_map(|version| text(version, "/name"));
        all.extend(names.map(|version| format!("{}/{version}", address.group())));
    }
    all
}

fn is_about(rule: &Value, api_version: &str, asking: &Asking<'_>) -> bool {
    let has = |list: &str, wanted: &str| items(rule, list).any(|known| known == "*" || known == wanted);
    let (group, version) = parts(api_version);
    let is_global = asking.is_namespace() || asking.place().is_none();
    let in_scope = match text(rule, "/scope") {
        Some("Cluster") => is_global,
        Some("Namespaced") => !is_global,
        _ => true,
    };
    let resource = |known: &Value| {
        let (kind, sub) =
            known.as_str().unwrap_or_default().split_once('/').unwrap_or((known.as_str().unwrap_or_default(), ""));
        (kind == "*" || kind == asking.address.plural) && (sub == "*" || sub == asking.sub.unwrap_or_default())
    };
    in_scope
        && has("/operations", asking.operation)
        && has("/apiGroups", group)
        && has("/apiVersions", version)
        && items(rule, "/resources").any(resource)
}

/// What a webhook says; `Err`: why it says nothing.
fn asked(world: &World, hook: &Value) -> Result<(), String> {
    let client = &hook["clientConfig"];
    let seconds = number(hook, "/timeoutSeconds").unwrap_or(10);
    if let Some(url) = text(client, "/url") {
        let host = url.trim_start_matches("https://").split('/').next().unwrap_or_default();
        let port = if host.contains(':') { "" } else { ":443" };
        return Err(format!("Post \"{url}?timeout={seconds}s\": dial tcp {host}{port}: connect: connection refused"));
    }
    let part = |key: &str| text(client, key).unwrap_or_default();
    let (namespace, name) = (part("/service/namespace"), part("/service/name"));
    let port = number(client, "/service/port").unwrap_or(443);
    let path = Some(part("/service/path")).filter(|path| !path.is_empty()).unwrap_or("/");
    reached(world, namespace, name, port)
        .map_err(|why| format!("Post \"https://{name}.{namespace}.svc:{port}{path}?timeout={seconds}s\": {why}"))?;
    if world.suffers("no-answer", name) {
        return Err("an error on the server (\"the sandbox was told to let this application fail\") has prevented the request from succeeding".to_owned());
    }
    Ok(())
}

/// Somebody is ready behind this port of a Service.
fn reached(world: &World, namespace: &str, name: &str, port: i64) -> Result<(), String> {
    let service = world.find("Service", Some(namespace), name);
    let service = service.ok_or_else(|| format!("service {name:?} not found"))?;
    if let Some(kind) = text(service, "/spec/type").filter(|kind| *kind == "ExternalName") {
        return Err(format!("unsupported service type {kind:?}"));
    }
    let wanted = items(service, "/spec/ports").find(|known| known["port"] == port);
    let wanted = wanted.ok_or_else(|| format!("no service port {port} found for service {name:?}"))?;
    let port_name = |port: &Value| text(port, "/name").unwrap_or_default().to_owned();
    let is_of_it = |slice: &&Value| {
        text(slice, "/metadata/namespace") == Some(namespace)
            && slice["metadata"]["labels"]["kubernetes.io/service-name"] == name
    };
    let serves = |slice: &Value| {
        items(slice, "/ports").any(|port| port_name(port) == port_name(wanted))
            && items(slice, "/endpoints").any(|end| end["conditions"]["ready"] != false)
    };
    if world.store.all("EndpointSlice").filter(is_of_it).any(serves) {
        return Ok(());
    }
    Err(format!("no endpoints available for service {name:?}"))
}

#[cfg(test)]
mod tests;
