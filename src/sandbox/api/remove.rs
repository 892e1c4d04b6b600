//! DELETE, and evictions.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::asked::Asked;
use super::write::{Answer, found};
use crate::sandbox::address::Address;
use crate::sandbox::admission::webhooks::{self, Asking};
use crate::sandbox::refusal::{Refusal, dotted};
use crate::sandbox::select::Selector;
use crate::sandbox::world::World;
use crate::sandbox::{controllers, defaults};

/// As a deletion, within the budgets.
pub(super) fn evict(world: &mut World, address: &Address) -> Answer {
    webhooks::both(world, &Asking { address, sub: Some("eviction"), operation: "CREATE", object: None, old: None })?;
    let pod = found(world, address)?;
    if let Some(refusal) = controllers::eviction_obstacle(world, &pod) {
        return Err(refusal);
    }
    world.delete(address, None)?;
    Ok((
        StatusCode::CREATED,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    ))
}

pub(super) fn delete(world: &mut World, address: &Address, options: &Value, asked: &Asked<'_>) -> Answer {
    let mut live = found(world, address)?;
    let kind = asked.served.kind.as_str();
    if kind == "Namespace" && ["default", "kube-system", "kube-public"].contains(&address.name.as_str()) {
        let message = format!("namespaces \"{}\" is forbidden: this namespace may not be deleted", address.name);
        return Err(Refusal::new(403, "Forbidden", message).with(address.details()));
    }
    for (field, label) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let wanted = options["preconditions"][field].as_str();
        let there = live["metadata"][field].as_str().unwrap_or_default();
        if let Some(wanted) = wanted.filter(|wanted| *wanted != there) {
            let message = format!(
                "Operation cannot be fulfilled on {} \"{}\": the {label} in the precondition ({wanted}) does not match the {label} in record ({there}). The object might have been deleted and then recreated",
                dotted(kind, address.group()),
                address.name
            );
            let mut details = address.details();
            details["kind"] = kind.into();
            return Err(Refusal::new(409, "Conflict", message).with(details));
        }
    }
    webhooks::both(world, &Asking { address, sub: None, operation: "DELETE", object: None, old: Some(&live) })?;
    if asked.is_dry() || options["dryRun"][0] == "All" {
        return Ok((StatusCode::OK, success(&live, address)));
    }
    let policy = asked.query.get("propagationPolicy").or(options["propagationPolicy"].as_str());
    let finalizer = match policy {
        Some("Foreground") => Some("foregroundDeletion"),
        Some("Orphan") => Some("orphan"),
        _ => None,
    };
    if let Some(finalizer) = finalizer {
        defaults::finalizer(&mut live, finalizer);
        live = Arc::unwrap_or_clone(world.store.put(address, live, world.now));
    }
    let grace = asked
        .query
        .get("gracePeriodSeconds")
        .and_then(|text| text.parse().ok())
        .or(options["gracePeriodSeconds"].as_i64());
    let after = world.delete(address, grace)?;
    let still_there = world.store.get(address).is_some();
    Ok((StatusCode::OK, if still_there || live["kind"] == "Pod" { after } else { success(&live, address) }))
}

fn success(live: &Value, address: &Address) -> Value {
    let mut details = address.details();
    details["uid"] = live["metadata"]["uid"].clone();
    if let Some(details) = details.as_object_mut() {
        details.retain(|_, value| value != "");
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

pub(super) fn delete_all(world: &mut World, options: &Value, asked: &Asked<'_>) -> Answer {
    let selector = Selector::of(asked.query)?;
    let all = world.store.range(&asked.route.api_version, &asked.route.plural);
    let meant = all.filter(|(address, object)| asked.route.holds(address) && selector.takes(object));
    let addresses: Vec<Address> = meant.map(|(address, _)| address.clone()).collect();
    let mut gone = Vec::new();
    for address in &addresses {
        gone.push(found(world, address)?);
        delete(world, address, options, asked)?;
    }
    let list = json!({"kind": format!("{}List", asked.served.kind), "apiVersion": asked.route.api_version,
        "metadata": {"resourceVersion": world.store.version.to_string()}, "items": gone});
    Ok((StatusCode::OK, list))
}
