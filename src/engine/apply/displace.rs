//! Making room for an item of a list where somebody else's item stands, and for a strategy where the server has filled in another one's
//! settings.
//!
//! Server-side apply removes an item of a keyed list, or a field, only when the one who applies owned it and nobody else does. So the
//! ownership is moved first, by writing `metadata.managedFields` (Kubernetes documentation, "Server-Side Apply", on
//! transferring ownership; `k8s.io/client-go/util/csaupgrade` does it the same way). The values stay as they are, and the
//! apply that follows takes the item away and puts ours there, in one write.

use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, Request};
use serde_json::{Map, Value, json};

use super::get;
use crate::object::text;
use crate::plan::compare::{contradicts, wants_recreate};
use crate::plan::{Choice, Conflict, FIELD_MANAGER};
use crate::snapshot::collect::url;

/// Takes over the items that stand where ours must go. Returns the resource version after that. Answers 409 when the object
/// is not the version that was shown.
pub(super) async fn displace(
    client: &Client,
    resource: &ApiResource,
    object: &Value,
    (shown, resource_version): (&[Conflict], &str),
) -> Result<String, kube::Error> {
    let rivals: Vec<(&str, &str)> = shown
        .iter()
        .filter(|conflict| conflict.choice == Choice::Take)
        .filter_map(|conflict| Some((conflict.pointer.rsplit_once('/')?.0, conflict.rival.as_deref()?)))
        .collect();
    if rivals.is_empty() && !wants_recreate(object) {
        return Ok(resource_version.to_owned());
    }
    let live = get(client, resource, object).await?;
    let strategy = contradicts(object, &live).then_some(("/spec/strategy", "f:rollingUpdate"));
    if rivals.is_empty() && strategy.is_none() {
        return Ok(resource_version.to_owned());
    }
    let mut entries = live["metadata"]["managedFields"].clone();
    for (place, key) in rivals.into_iter().chain(strategy) {
        take_over(&mut entries, place, key, text(object, "/apiVersion").unwrap_or_default());
    }
    let body = json!({"metadata": {"resourceVersion": resource_version, "managedFields": entries}});
    let name = text(object, "/metadata/name").unwrap_or_default();
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let request = Request::new(url(resource, text(object, "/metadata/namespace")))
        .patch(name, &params, &Patch::Merge(&body))
        .map_err(kube::Error::BuildRequest)?;
    let stored = client.request::<Value>(request).await?;
    Ok(text(&stored, "/metadata/resourceVersion").unwrap_or_default().to_owned())
}

/// Moves the item `key` of the list, or the field `key` of the map, at the JSON pointer `list` from everybody else's managed fields into ours.
fn take_over(entries: &mut Value, list: &str, key: &str, api_version: &str) {
    let path: Vec<String> = list.split('/').skip(1).map(|part| format!("f:{part}")).collect();
    let list = entries.as_array_mut().map(std::mem::take).unwrap_or_default();
    let (mut ours, mut others): (Vec<Value>, Vec<Value>) = list.into_iter().partition(|entry| {
        text(entry, "/manager") == Some(FIELD_MANAGER) && text(entry, "/operation") == Some("Apply")
    });
    for entry in &mut others {
        if let Some(fields) = entry.get_mut("fieldsV1") {
            remove(fields, &path, key);
        }
    }
    others.retain(|entry| entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()));
    let mut own = ours.pop().unwrap_or_else(
        || json!({"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": api_version, "fieldsType": "FieldsV1"}),
    );
    let mut place = &mut own["fieldsV1"];
    for part in &path {
        place = &mut place[part];
    }
    place[key] = json!({".": {}});
    others.push(own);
    *entries = Value::Array(others);
}

/// Removes the item, and what is empty without it.
fn remove(fields: &mut Value, path: &[String], key: &str) {
    let Some(map) = fields.as_object_mut() else { return };
    let Some((first, rest)) = path.split_first() else {
        map.remove(key);
        return;
    };
    if let Some(below) = map.get_mut(first) {
        remove(below, rest, key);
        if below.as_object().is_some_and(Map::is_empty) {
            map.remove(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_item_changes_hands() {
        let item = r#"k:{"port":4711,"protocol":"TCP"}"#;
        let mut entries = json!([
            {"manager": "seaworthy", "operation": "Apply", "fieldsV1": {"f:spec": {"f:type": {}}}},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:ports": {item: {"f:port": {}}}}}},
            {"manager": "other", "operation": "Update",
                "fieldsV1": {"f:spec": {"f:ports": {item: {}, "k:{}": {}}}, "f:metadata": {}}},
        ]);
        take_over(&mut entries, "/spec/ports", item, "v1");
        let left = json!([
            {"manager": "other", "operation": "Update", "fieldsV1": {"f:spec": {"f:ports": {"k:{}": {}}}, "f:metadata": {}}},
            {"manager": "seaworthy", "operation": "Apply",
                "fieldsV1": {"f:spec": {"f:type": {}, "f:ports": {item: {".": {}}}}}},
        ]);
        assert_eq!(entries, left);
    }

    #[test]
    fn a_field_that_the_server_filled_in_becomes_ours_to_take_away() {
        let mut entries = json!([{"manager": "kubectl", "operation": "Apply",
            "fieldsV1": {"f:spec": {"f:strategy": {"f:rollingUpdate": {"f:maxSurge": {}}, "f:type": {}}}}}]);
        take_over(&mut entries, "/spec/strategy", "f:rollingUpdate", "apps/v1");
        assert_eq!(entries[0]["fieldsV1"], json!({"f:spec": {"f:strategy": {"f:type": {}}}}));
        let ours = json!({"f:spec": {"f:strategy": {"f:rollingUpdate": {".": {}}}}});
        assert_eq!((&entries[1]["manager"], &entries[1]["fieldsV1"]), (&json!(FIELD_MANAGER), &ours));
    }
}
