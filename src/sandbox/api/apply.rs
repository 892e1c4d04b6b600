//! PATCH as server-side apply.

use http::StatusCode;
use serde_json::Value;

use super::asked::Asked;
use super::typed;
use super::write::{Answer, check_version};
use crate::sandbox::address::Address;
use crate::sandbox::owners;
use crate::sandbox::refusal::{Refusal, dotted};
use crate::sandbox::world::World;

/// Makes or changes an object as its applier wants it.
pub(super) fn apply(
    world: &mut World,
    address: &Address,
    mut wanted: Value,
    live: Option<&Value>,
    asked: &Asked<'_>,
) -> Answer {
    if asked.query.get("fieldManager").is_none_or(str::is_empty) {
        let faults = [("fieldManager".to_owned(), "Required value: is required for apply patch".to_owned())];
        return Err(Refusal::invalid("PatchOptions", "meta.k8s.io", "", &faults));
    }
    if wanted["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(Refusal::new(400, "BadRequest", "metadata.managedFields must be nil"));
    }
    if wanted["kind"].is_null() || wanted["apiVersion"].is_null() {
        let message = format!("invalid object type: {}", typed::type_of(&wanted));
        return Err(Refusal::new(400, "BadRequest", message));
    }
    if let Some(schema) = asked.schema(world) {
        typed::typed(schema, &wanted)?;
    }
    asked.check(world, &mut wanted, address)?;
    wanted["metadata"]["name"] = address.name.as_str().into();
    match live {
        Some(live) => check_version(live, &wanted, address)?,
        None if wanted["metadata"].get("uid").is_some() => {
            let uid = wanted["metadata"]["uid"].as_str().unwrap_or_default();
            let message = format!(
                "Operation cannot be fulfilled on {} \"{}\": uid mismatch: the provided object specified uid {uid}, and no existing object was found",
                dotted(&address.plural, address.group()),
                address.name
            );
            return Err(Refusal::new(409, "Conflict", message).with(address.details()));
        }
        None if wanted["metadata"].get("resourceVersion").is_some() => {
            return Err(Refusal::not_found(address.group(), &address.plural, &address.name));
        }
        None => {}
    }
    if asked.route.sub.is_none()
        && let Some(map) = wanted.as_object_mut()
    {
        map.shift_remove("status");
    }
    let after = owners::apply(live, &wanted, &asked.writer(world), asked.query.is_true("force"))?;
    let code = if live.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    Ok((code, asked.store(world, address, after, live)?))
}
