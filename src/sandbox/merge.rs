//! Patches that are no apply: merge (RFC 7386), JSON patch (RFC 6902), and Kubernetes' strategic merge.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::schema::{Merging, Schema};

/// The object after a patch of this content type. By which keys lists are merged is what the schema says (`x-kubernetes-patch-strategy`,
/// `-patch-merge-key`); others are replaced.
pub(super) fn patched(live: &Value, patch: &Value, kind: &str, schema: Option<Schema<'_>>) -> Result<Value, Refusal> {
    let mut after = live.clone();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/merge-patch+json" => json_patch::merge(&mut after, patch),
        "application/strategic-merge-patch+json" => strategic(&mut after, patch, schema),
        "application/json-patch+json" => {
            let steps: json_patch::Patch = serde_json::from_value(patch.clone())
                .map_err(|error| Refusal::new(400, "BadRequest", format!("error decoding patch: {error}")))?;
            json_patch::patch(&mut after, &steps).map_err(|error| {
                let message = format!("the server rejected our request due to an error in our request: {error}");
                Refusal::new(422, "Invalid", message)
            })?;
        }
        _ => return Err(Refusal::no_media()),
    }
    Ok(after)
}

fn strategic(live: &mut Value, patch: &Value, schema: Option<Schema<'_>>) {
    match (live, patch) {
        (Value::Object(live), Value::Object(patch)) => merge_maps(live, patch, schema),
        (Value::Array(live), Value::Array(patch)) => match schema.map_or(Merging::Replace, Schema::merging) {
            Merging::By(key) => merge_lists(live, patch, key, schema.and_then(Schema::item)),
            Merging::AsSet => patch.iter().for_each(|item| {
                if !live.contains(item) {
                    live.push(item.clone());
                }
            }),
            Merging::Replace => live.clone_from(patch),
        },
        (live, patch) => {
            *live = patch.clone();
            // Nulls in what is new say only what is not there.
            without_nulls(live);
        }
    }
}

fn merge_maps(live: &mut Map<String, Value>, patch: &Map<String, Value>, schema: Option<Schema<'_>>) {
    let below = |field: &str| schema.and_then(|schema| schema.field(field).known());
    if patch.get("$patch") == Some(&Value::from("replace")) {
        live.clear();
    }
    for (key, value) in patch.iter().filter(|(key, _)| *key != "$patch" && !key.starts_with("$setElementOrder/")) {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(live)), Some(gone)) = (live.get_mut(list), value.as_array()) {
                live.retain(|item| !gone.contains(item));
            }
        } else if key == "$retainKeys" {
            let kept: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            live.retain(|key, _| kept.contains(&key.as_str()));
        } else if value.is_null() {
            live.shift_remove(key);
        } else {
            strategic(live.entry(key).or_insert(Value::Null), value, below(key));
        }
    }
    for (key, order) in patch {
        if let Some(list) = key.strip_prefix("$setElementOrder/")
            && let (Some(Value::Array(live)), Some(order)) = (live.get_mut(list), order.as_array())
        {
            let key = match below(list).map(Schema::merging) {
                Some(Merging::By(key)) => Some(key),
                _ => None,
            };
            reorder(live, order, key);
        }
    }
}

/// Items that the order names come in it, at the places that they have together; all others stay.
fn reorder(live: &mut [Value], order: &[Value], key: Option<&str>) {
    let same = |item: &Value, named: &Value| match key {
        Some(key) => item.get(key) == named.get(key),
        None => item == named,
    };
    let rank = |item: &Value| order.iter().position(|named| same(item, named));
    let places: Vec<usize> = (0..live.len()).filter(|place| rank(&live[*place]).is_some()).collect();
    let mut named: Vec<Value> = places.iter().map(|place| live[*place].clone()).collect();
    named.sort_by_key(|item| rank(item));
    for (place, item) in places.into_iter().zip(named) {
        live[place] = item;
    }
}

fn merge_lists(live: &mut Vec<Value>, patch: &[Value], key: &str, schema: Option<Schema<'_>>) {
    if patch.iter().any(|item| item.get("$patch") == Some(&Value::from("replace"))) {
        live.clear();
    }
    for item in patch.iter().filter(|item| item.get("$patch") != Some(&Value::from("replace"))) {
        let place = live.iter().position(|known| known.get(key) == item.get(key));
        match (place, item.get("$patch").and_then(Value::as_str)) {
            (Some(place), Some("delete")) => drop(live.remove(place)),
            (None, Some("delete")) => {}
            (Some(place), _) => strategic(&mut live[place], item, schema),
            (None, _) => {
                let mut item = item.clone();
                without_nulls(&mut item);
                live.push(item);
            }
        }
    }
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(without_nulls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_strategic_merge_goes_into_lists_by_their_keys() {
        let live = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "tolerations": [1]}});
        let patch = json!({"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "b", "$patch": "delete"}], "tolerations": [2]}});
        let after =
            patched(&live, &patch, "application/strategic-merge-patch+json", Schema::builtin("v1", "Pod")).unwrap();
        assert_eq!(after, json!({"spec": {"containers": [{"name": "a", "image": "2"}], "tolerations": [2]}}));
    }

    #[test]
    fn a_merge_replaces_lists_and_a_json_patch_tests() {
        let live = json!({"a": [1], "b": {"c": 1}});
        let merged =
            patched(&live, &json!({"a": [2], "b": {"c": null}}), "application/merge-patch+json", None).unwrap();
        assert_eq!(merged, json!({"a": [2], "b": {}}));
        let test = json!([{"op": "test", "path": "/b/c", "value": 2}]);
        assert_eq!(patched(&live, &test, "application/json-patch+json", None).unwrap_err().code, 422);
        assert_eq!(patched(&live, &test, "text/plain", None).unwrap_err().code, 415);
    }
}
