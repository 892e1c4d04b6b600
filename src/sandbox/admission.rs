//! Admission: what else is looked at before an object is kept, beyond its own fields: the namespace, its limits and quotas, the
//! security that it enforces, the account of a pod. The same for who sends a request and for the controllers, in the order of the
//! API server's plugins. Source: `pkg/kubeapiserver/options/plugins.go`, 1.34.

mod account;
mod limits;
mod quota;
mod security;
pub(super) mod webhooks;

use serde_json::{Value, json};

use super::address::{Address, group};
use super::refusal::{Refusal, dotted};
use super::world::World;
use super::{controllers, defaults, store, validate};
use crate::object::{items, text};

pub(super) use limits::defaulted;
pub(super) use quota::{gone_at, used};
use webhooks::Asking;

/// Fills in what the namespace and the account give to a new object, before its fields are judged.
pub(super) fn complete(world: &mut World, object: &mut Value, address: &Address) -> Result<(), Refusal> {
    namespace(world, address)?;
    if object["kind"] == "Pod" && address.group().is_empty() {
        limits::fill(world, object);
        account::complete(world, object)?;
        priority(world, object)?;
        object["status"]["qosClass"] = defaults::quality(&object["spec"]).into();
    }
    Ok(())
}

/// Refuses what may not be kept.
pub(super) fn judge(world: &World, object: &Value, asking: &Asking<'_>) -> Result<(), Refusal> {
    let (address, live) = (asking.address, asking.old);
    definition(world, address, live)?;
    webhooks::judge(object)?;
    limits::judge(world, object, live)?;
    security::judge(world, object, live)?;
    if let Some(live) = live {
        validate::claim::resized(live, object, world)?;
    }
    webhooks::validating(world, asking)?;
    quota::judge(world, object, live, address)
}

/// What is kept all the same, and warned of.
pub(super) fn warnings(world: &World, object: &Value, asking: &Asking<'_>) -> Vec<String> {
    if asking.sub.is_some() { Vec::new() } else { security::warnings(world, object, asking.old) }
}

/// A new object of a controller, as it would be kept if the controller had sent it. Where it has no name yet, it gets one in between,
/// as at the API server: what comes before knows only how the name begins.
pub(super) fn admit(world: &mut World, object: &mut Value) -> Result<(), Refusal> {
    let place = |object: &Value| {
        let (kind, namespace) = (text(object, "/kind").unwrap_or_default(), text(object, "/metadata/namespace"));
        store::address(kind, namespace, name_of(object))
    };
    let Some(address) = place(object) else { return Ok(()) };
    defaults::complete(object, None, world);
    complete(world, object, &address)?;
    webhooks::mutating(world, &Asking::write(&address, None, object, None))?;
    if text(object, "/metadata/name").is_none() {
        object["metadata"]["name"] = format!("{}{}", name_of(object), world.store.ids.suffix()).into();
    }
    let address = place(object).unwrap_or(address);
    judge(world, object, &Asking::write(&address, None, object, None))
}

/// The name of an object, or its beginning.
fn name_of(object: &Value) -> &str {
    text(object, "/metadata/name").or(text(object, "/metadata/generateName")).unwrap_or_default()
}

/// A refusal of a plugin.
fn forbidden(object: &Value, address: &Address, why: &str) -> Refusal {
    let name = name_of(object);
    let message = format!("{} \"{name}\" is forbidden: {why}", dotted(&address.plural, address.group()));
    let mut details = address.details();
    details["name"] = name.into();
    Refusal::new(403, "Forbidden", message).with(details)
}

/// The same of a pod.
fn forbidden_pod(pod: &Value, why: &str) -> Refusal {
    forbidden(pod, &Address::new("v1", "pods", text(pod, "/metadata/namespace"), name_of(pod)), why)
}

/// What is new needs a definition that stays.
fn definition(world: &World, address: &Address, live: Option<&Value>) -> Result<(), Refusal> {
    let name = format!("{}.{}", address.plural, group(&address.api_version));
    let definition = world.find("CustomResourceDefinition", None, &name);
    if live.is_none() && definition.is_some_and(controllers::is_ending) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(forbidden(&json!({"metadata": {"name": address.name}}), address, why));
    }
    Ok(())
}

/// The namespace of what is to be made is there, and stays. Plugin `NamespaceLifecycle`.
fn namespace(world: &World, address: &Address) -> Result<(), Refusal> {
    let Some(name) = address.namespace.as_deref() else { return Ok(()) };
    let Some(namespace) = world.find("Namespace", None, name) else {
        return Err(Refusal::not_found("", "namespaces", name));
    };
    if namespace["metadata"].get("deletionTimestamp").is_some() {
        let message = format!(
            "{} \"{}\" is forbidden: unable to create new content in namespace {name} because it is being terminated",
            dotted(&address.plural, address.group()),
            address.name
        );
        let mut details = address.details();
        details["causes"] = json!([{"reason": "NamespaceTerminating", "message": format!("namespace {name} is being terminated"), "field": "metadata.namespace"}]);
        return Err(Refusal::new(403, "Forbidden", message).with(details));
    }
    Ok(())
}

/// The class that a pod names is there. Plugin `Priority`.
fn priority(world: &World, pod: &Value) -> Result<(), Refusal> {
    let class = text(pod, "/spec/priorityClassName").filter(|class| !class.starts_with("system-"));
    match class.filter(|class| world.find("PriorityClass", None, class).is_none()) {
        Some(class) => Err(forbidden_pod(pod, &format!("no PriorityClass with name {class} was found"))),
        None => Ok(()),
    }
}

/// All containers of a pod, those that initialise first.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(pod, "/spec/initContainers").chain(items(pod, "/spec/containers"))
}
