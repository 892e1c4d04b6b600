//! POST, PUT, PATCH.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::asked::Asked;
use super::read::scale;
use super::{Served, apply, body, remove, typed};
use crate::object::{items, text};
use crate::sandbox::address::{Address, Route};
use crate::sandbox::admission::webhooks::{self, Asking};
use crate::sandbox::owners::{self, Writer};
use crate::sandbox::refusal::{Refusal, dotted, unsupported};
use crate::sandbox::schema;
use crate::sandbox::select::Query;
use crate::sandbox::store::{is_counted, time};
use crate::sandbox::world::World;
use crate::sandbox::{admission, defaults, merge, validate};

pub(super) type Answer = Result<(StatusCode, Value), Refusal>;

/// The answer to a write, and what it warns of: a refusal may, too.
pub(super) fn answer(
    world: &mut World,
    request: &Request<Bytes>,
    (route, served): (&Route, &Served),
    query: &Query,
) -> (Answer, Vec<String>) {
    let header = |name: http::header::HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    // Whoever names no manager is known by the first part of its user agent.
    let agent = header(http::header::USER_AGENT).split('/').next().unwrap_or_default().to_owned();
    let manager =
        query.get("fieldManager").map_or(if agent.is_empty() { "unknown".to_owned() } else { agent }, str::to_owned);
    let kind = header(http::header::CONTENT_TYPE);
    let mut asked = Asked { route, served, query, manager, kind, keys: Vec::new(), warnings: RefCell::default() };
    asked.keys = body::written(request, &asked);
    let answer = done(world, request, &asked);
    (answer, asked.warnings.into_inner())
}

fn done(world: &mut World, request: &Request<Bytes>, asked: &Asked<'_>) -> Answer {
    let (route, query) = (asked.route, asked.query);
    let body = body::read(request, asked)?;
    options(request.method(), query)?;
    let sub = route.sub.as_deref();
    match (request.method(), &route.name, sub) {
        (&Method::POST, None, None) => create(world, body, asked),
        (&Method::POST, Some(name), Some("eviction")) => remove::evict(world, &route.object(name)),
        (&Method::DELETE, Some(name), None) => remove::delete(world, &route.object(name), &body, asked),
        (&Method::DELETE, None, None) => remove::delete_all(world, &body, asked),
        (&Method::PUT, Some(name), None | Some("status" | "finalize")) => {
            replace(world, &route.object(name), body, asked)
        }
        (&Method::PATCH, Some(name), None | Some("status")) => patch(world, &route.object(name), &body, asked),
        (&Method::PUT | &Method::PATCH, Some(name), Some("scale")) => rescale(world, &route.object(name), &body, asked),
        (_, _, Some(sub)) => Err(Refusal::not_simulated(&format!("{}/{sub}", route.plural))),
        _ => Err(Refusal::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )),
    }
}

/// A rehearsal is of everything or of nothing, and fields are validated in one of three ways.
fn options(method: &Method, query: &Query) -> Result<(), Refusal> {
    let mut faults = Vec::new();
    if let Some(wanted) = query.get("dryRun").filter(|wanted| !["", "All"].contains(wanted)) {
        faults.push(("dryRun".to_owned(), format!("Unsupported value: [\"{wanted}\"]: supported values: \"All\"")));
    }
    let known = ["", "Ignore", "Strict", "Warn"];
    if let Some(wanted) =
        query.get("fieldValidation").filter(|wanted| !known.contains(wanted) && method != Method::DELETE)
    {
        faults.push((
            "fieldValidation".to_owned(),
            unsupported(format!("\"{wanted}\""), known.map(|known| json!(known))),
        ));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let options = match *method {
        Method::POST => "CreateOptions",
        Method::PUT => "UpdateOptions",
        Method::DELETE => "DeleteOptions",
        _ => "PatchOptions",
    };
    Err(Refusal::invalid(options, "meta.k8s.io", "", &faults))
}

impl Asked<'_> {
    /// Fills in, judges and stores.
    pub(super) fn store(
        &self,
        world: &mut World,
        address: &Address,
        mut after: Value,
        live: Option<&Value>,
    ) -> Result<Value, Refusal> {
        if self.served.builtin {
            // Its selector and the labels of its pods are made of it.
            if self.served.kind == "Job" && live.is_none() {
                after["metadata"]["uid"] = world.store.ids.uid().into();
            }
            defaults::complete(&mut after, live, world);
        }
        if live.is_none() {
            admission::complete(world, &mut after, address)?;
        }
        webhooks::mutating(world, &Asking::write(address, self.route.sub.as_deref(), &after, live))?;
        if self.served.builtin {
            validate::check(&after, live, address)?;
        } else if let Some(schema) = self.schema(world) {
            schema::complete(schema, &mut after);
            let faults = schema::faults(schema, &after);
            if !faults.is_empty() {
                return Err(Refusal::invalid(&self.served.kind, address.group(), &address.name, &faults));
            }
        }
        if let Some(live) = live {
            validate::finalizers(live, &after, address)?;
            validate::unchanged(live, &after, address)?;
            keep(live, &mut after, self.route.sub.as_deref());
        } else {
            validate::name(&self.served.kind, address)?;
        }
        let asking = Asking::write(address, self.route.sub.as_deref(), &after, live);
        admission::judge(world, &after, &asking)?;
        self.warn(admission::warnings(world, &after, &asking));
        if live.is_none() && world.store.get(address).is_some() {
            return Err(taken(world, address));
        }
        tidy(&mut after);
        if self.is_dry() {
            return Ok(rehearsed(world, after, live));
        }
        // The last finalizer of what is being deleted was taken away.
        if after["metadata"].get("deletionTimestamp").is_some() && is_free(&after) {
            world.store.remove(address);
            return Ok(after);
        }
        Ok(Arc::unwrap_or_clone(world.store.put(address, after, world.now)))
    }
}

/// Nothing holds an object that is being deleted.
fn is_free(object: &Value) -> bool {
    let on_a_node = object["kind"] == "Pod" && text(object, "/spec/nodeName").is_some();
    items(object, "/metadata/finalizers").next().is_none() && !on_a_node && object["kind"] != "Namespace"
}

/// Lists of metadata that are empty are not there, as Go's `omitempty` writes it.
fn tidy(after: &mut Value) {
    if let Some(metadata) = after["metadata"].as_object_mut() {
        let listed = ["finalizers", "ownerReferences", "labels", "annotations"];
        metadata.retain(|key, value| {
            !(listed.contains(&key.as_str()) && (*value == json!([]) || *value == json!({}) || value.is_null()))
        });
    }
}

/// A rehearsed object has what a stored one would have, as far as that can be known.
fn rehearsed(world: &mut World, mut after: Value, live: Option<&Value>) -> Value {
    if live.is_none() {
        after["metadata"]["uid"] = world.store.ids.uid().into();
        after["metadata"]["creationTimestamp"] = time(world.now).into();
        if after["spec"].is_object() && is_counted(&after) {
            after["metadata"]["generation"] = 1.into();
        }
    }
    if let Some(live) = live
        && live.get("spec") != after.get("spec")
        && let Some(generation) = live["metadata"]["generation"].as_u64()
    {
        after["metadata"]["generation"] = (generation + 1).into();
    }
    after
}

/// The fields of `metadata` that only the server writes, but for the managed fields, which a writer may set.
const SERVERS_OWN: [&str; 7] = [
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
];

/// What a writer cannot change: identity, and the status but through its own subresource, where nothing else changes.
fn keep(live: &Value, after: &mut Value, sub: Option<&str>) {
    for key in SERVERS_OWN {
        match live["metadata"].get(key) {
            Some(value) => after["metadata"][key] = value.clone(),
            None => drop(after["metadata"].as_object_mut().and_then(|map| map.shift_remove(key))),
        }
    }
    if sub == Some("status") {
        let (status, owners) = (after["status"].take(), after["metadata"]["managedFields"].take());
        let metadata = after["metadata"].take();
        *after = live.clone();
        after["status"] = status;
        after["metadata"]["managedFields"] = owners;
        for key in ["annotations", "labels"] {
            if let Some(map) = metadata.get(key) {
                after["metadata"][key] = map.clone();
            }
        }
    } else if let Some(map) = after.as_object_mut() {
        match live.get("status") {
            Some(status) => drop(map.insert("status".to_owned(), status.clone())),
            None => drop(map.shift_remove("status")),
        }
    }
}

fn create(world: &mut World, mut object: Value, asked: &Asked<'_>) -> Answer {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if text(&object, "/metadata/name").is_none()
        && let Some(prefix) = text(&object, "/metadata/generateName").map(str::to_owned)
    {
        object["metadata"]["name"] = format!("{prefix}{}", world.store.ids.suffix()).into();
    }
    let address = asked.route.object(text(&object, "/metadata/name").unwrap_or_default());
    asked.check(world, &mut object, &address)?;
    if text(&object, "/metadata/resourceVersion").is_some_and(|version| !version.is_empty()) {
        return Err(Refusal::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    without_server_fields(&mut object);
    owners::track(None, &mut object, &asked.writer(world));
    Ok((StatusCode::CREATED, asked.store(world, &address, object, None)?))
}

/// There is an object of this name, which is noticed when a new one is to be kept.
fn taken(world: &World, address: &Address) -> Refusal {
    let is_leaving = world.store.get(address).is_some_and(|live| live["metadata"].get("deletionTimestamp").is_some());
    let leaving = if is_leaving { "object is being deleted: " } else { "" };
    let named = dotted(&address.plural, address.group());
    let message = format!("{leaving}{named} \"{}\" already exists", address.name);
    Refusal::new(409, "AlreadyExists", message).with(address.details())
}

/// What only the server writes is not taken over from an object that was read elsewhere.
fn without_server_fields(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for key in SERVERS_OWN.into_iter().chain(["managedFields"]) {
            metadata.shift_remove(key);
        }
    }
    // A node says itself how it is; of everything else a controller does.
    if object["kind"] != "Node"
        && let Some(map) = object.as_object_mut()
    {
        map.shift_remove("status");
    }
}

fn modified(address: &Address) -> Refusal {
    let message = format!(
        "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your changes to the latest version and try again",
        dotted(&address.plural, address.group()),
        address.name
    );
    Refusal::new(409, "Conflict", message).with(address.details())
}

/// A write may be bound to the version and the incarnation that was looked at.
pub(super) fn check_version(live: &Value, wanted: &Value, address: &Address) -> Result<(), Refusal> {
    let version = text(wanted, "/metadata/resourceVersion").filter(|version| !version.is_empty());
    if version.is_some() && version != text(live, "/metadata/resourceVersion") {
        return Err(modified(address));
    }
    let uid = text(wanted, "/metadata/uid").filter(|uid| !uid.is_empty());
    if let (Some(uid), Some(there)) = (uid, text(live, "/metadata/uid"))
        && uid != there
    {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{}\": StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {there}",
            dotted(&address.plural, address.group()),
            address.name,
            address.plural,
            address.namespace.as_deref().unwrap_or_default(),
            address.name
        );
        return Err(Refusal::new(409, "Conflict", message).with(address.details()));
    }
    Ok(())
}

pub(super) fn found(world: &World, address: &Address) -> Result<Value, Refusal> {
    let missing = || Refusal::not_found(address.group(), &address.plural, &address.name);
    world.store.get(address).cloned().ok_or_else(missing)
}

fn replace(world: &mut World, address: &Address, mut object: Value, asked: &Asked<'_>) -> Answer {
    asked.check(world, &mut object, address)?;
    let live = found(world, address)?;
    check_version(&live, &object, address)?;
    let managed = live["metadata"]["managedFields"].clone();
    object["metadata"]["managedFields"] = managed;
    owners::track(Some(&live), &mut object, &asked.writer(world));
    Ok((StatusCode::OK, asked.store(world, address, object, Some(&live))?))
}

fn patch(world: &mut World, address: &Address, body: &Value, asked: &Asked<'_>) -> Answer {
    let live = world.store.get(address).cloned();
    if asked.kind.starts_with("application/apply-patch") {
        return apply::apply(world, address, body.clone(), live.as_ref(), asked);
    }
    let live = live.ok_or_else(|| Refusal::not_found(address.group(), &address.plural, &address.name))?;
    if asked.query.is_true("force") {
        let faults = [("force".to_owned(), "Forbidden: may not be specified for non-apply patch".to_owned())];
        return Err(Refusal::invalid("PatchOptions", "meta.k8s.io", "", &faults));
    }
    if !asked.served.builtin && asked.kind.starts_with("application/strategic") {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        return Err(Refusal::new(415, "UnsupportedMediaType", message));
    }
    let mut after = merge::patched(&live, body, &asked.kind, asked.schema(world))?;
    check_version(&live, &after, address)?;
    if let Some(schema) = asked.schema(world) {
        typed::patched(schema, &mut after, body, asked)?;
    }
    owners::track(Some(&live), &mut after, &asked.writer(world));
    Ok((StatusCode::OK, asked.store(world, address, after, Some(&live))?))
}

fn rescale(world: &mut World, address: &Address, body: &Value, asked: &Asked<'_>) -> Answer {
    let live = found(world, address)?;
    scale(&live)?;
    let Some(replicas) = body["spec"]["replicas"].as_u64() else {
        let fault = format!("Invalid value: {}: must be greater than or equal to 0", body["spec"]["replicas"]);
        return Err(Refusal::invalid("Scale", "autoscaling", &address.name, &[("spec.replicas".to_owned(), fault)]));
    };
    let mut after = live.clone();
    after["spec"]["replicas"] = replicas.into();
    let writer = Writer { subresource: Some("scale"), ..asked.writer(world) };
    owners::track(Some(&live), &mut after, &writer);
    let stored = asked.store(world, address, after, Some(&live))?;
    Ok((StatusCode::OK, scale(&stored)?))
}
