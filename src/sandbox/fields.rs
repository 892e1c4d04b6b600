//! Which fields somebody owns, as `FieldsV1` of `metadata.managedFields` writes it.
//!
//! Source: structured-merge-diff. How lists and maps are merged is what their schema says (`x-kubernetes-list-type`, `-map-keys`,
//! `-map-type`); where there is none, lists are atomic and maps granular.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::schema::{Listing, Schema};

/// A way to a field: `f:spec`, `k:{"name":"web"}`, `f:image`. A way that ends in `.` is the item or map itself; `v:"x"` is
/// a member of a set.
pub(super) type Way = Vec<String>;

/// What identifies the items of a list, and the value of a key that is not written.
type Keys<'a> = [(&'a str, Option<&'a Value>)];

/// What identifies the items of this list; `None`: the list is one value.
fn keys<'a>(schema: Option<Schema<'a>>, items: &[Value]) -> Option<Vec<(&'a str, Option<&'a Value>)>> {
    let Listing::Map(keys) = schema?.listing() else { return None };
    let complete = |item: &Value| keys.iter().all(|(key, default)| default.is_some() || item.get(*key).is_some());
    (!items.is_empty() && items.iter().all(complete)).then_some(keys)
}

fn part_of(item: &Value, keys: &Keys<'_>) -> String {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    let pairs = sorted.iter().map(|(key, default)| {
        let value = item.get(*key).or(*default).cloned().unwrap_or_default();
        ((*key).to_owned(), value)
    });
    format!("k:{}", Value::Object(pairs.collect::<Map<_, _>>()))
}

/// The place of an item as messages show it: `[name="web"]` where items are known by keys, else its number.
pub(super) fn place_of(listing: &Listing<'_>, index: usize, item: &Value) -> String {
    match listing {
        Listing::Map(keys) => shown(&part_of(item, keys)),
        Listing::Atomic | Listing::Set => format!("[{index}]"),
    }
}

fn below<'a>(schema: Option<Schema<'a>>, field: &str) -> Option<Schema<'a>> {
    schema?.field(field).known()
}

/// The fields that an object sets, without what says which object it is.
pub(super) fn leaves(object: &Value, schema: Option<Schema<'_>>) -> BTreeSet<Way> {
    let mut object = object.clone();
    let mut found = BTreeSet::new();
    let Some(map) = object.as_object_mut() else { return found };
    for key in ["apiVersion", "kind"] {
        map.shift_remove(key);
    }
    if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in IDENTITY {
            metadata.shift_remove(key);
        }
        if metadata.is_empty() {
            map.shift_remove("metadata");
        }
    }
    if !map.is_empty() {
        walk(schema, &object, &mut Vec::new(), &mut found);
    }
    found
}

/// Metadata that nobody owns.
pub(super) const IDENTITY: [&str; 11] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
];

fn walk(schema: Option<Schema<'_>>, value: &Value, way: &mut Way, found: &mut BTreeSet<Way>) {
    match value {
        Value::Object(map) if !map.is_empty() && !schema.is_some_and(Schema::is_atomic) => {
            for (key, value) in map {
                way.push(format!("f:{key}"));
                walk(below(schema, key), value, way, found);
                way.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => walk_list(schema, items, way, found),
        _ => drop(found.insert(way.clone())),
    }
}

fn walk_list(schema: Option<Schema<'_>>, items: &[Value], way: &mut Way, found: &mut BTreeSet<Way>) {
    if schema.is_some_and(|schema| schema.listing() == Listing::Set) {
        for item in items {
            way.push(format!("v:{item}"));
            found.insert(way.clone());
            way.pop();
        }
        return;
    }
    let Some(keys) = keys(schema, items) else {
        found.insert(way.clone());
        return;
    };
    let schema = schema.and_then(Schema::item);
    for item in items {
        way.push(part_of(item, &keys));
        way.push(".".to_owned());
        found.insert(way.clone());
        way.pop();
        walk(schema, item, way, found);
        way.pop();
    }
}

/// The maps and lists on the ways to these fields that the object before did not have: whoever makes them with an update
/// owns them, too. Those that a type always has, even when they are not written, nobody makes.
pub(super) fn made(ways: &BTreeSet<Way>, before: Option<&Value>, schema: Option<Schema<'_>>) -> BTreeSet<Way> {
    let mut found = BTreeSet::new();
    for way in ways {
        let mut place = schema;
        for length in 1..way.len() {
            let Some(field) = way[length - 1].strip_prefix("f:") else {
                place = place.and_then(Schema::item);
                continue;
            };
            let (parent, here) = (place, below(place, field));
            place = here;
            let is_always = match (parent, here) {
                (Some(parent), Some(here)) => here.is_always(parent, field),
                _ => ["metadata", "spec", "status"].contains(&field) && length == 1,
            };
            let is_new = before.is_none_or(|before| get(before, &way[..length]).is_none());
            if is_new && !is_always && way[length] != "." {
                let mut made = way[..length].to_vec();
                made.push(".".to_owned());
                found.insert(made);
            }
        }
    }
    found
}

/// A list with two items of the same key: where it is, and the key.
pub(super) fn duplicate(object: &Value, schema: Option<Schema<'_>>) -> Option<String> {
    fn walk(schema: Option<Schema<'_>>, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::Object(map) => {
                map.iter().find_map(|(key, value)| walk(below(schema, key), value, &format!("{path}.{key}")))
            }
            Value::Array(items) => {
                let keys = keys(schema, items)?;
                let schema = schema.and_then(Schema::item);
                let mut seen = BTreeSet::new();
                items.iter().find_map(|item| {
                    let part = part_of(item, &keys);
                    let shown = shown(&part);
                    if !seen.insert(part) {
                        return Some(format!("{path}: duplicate entries for key {shown}"));
                    }
                    walk(schema, item, &format!("{path}{shown}"))
                })
            }
            _ => None,
        }
    }
    walk(schema, object, "")
}

/// A part of a way as messages show it: `[name="web"]`.
pub(super) fn shown(part: &str) -> String {
    let key: Map<String, Value> =
        part.strip_prefix("k:").and_then(|key| serde_json::from_str(key).ok()).unwrap_or_default();
    let pairs: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("[{}]", pairs.join(","))
}

/// The fields as `FieldsV1`.
pub(super) fn to_fields(ways: &BTreeSet<Way>) -> Value {
    let mut fields = Map::new();
    for way in ways {
        let mut place = &mut fields;
        for part in way {
            let below = place.entry(part).or_insert_with(|| json!({}));
            let Value::Object(map) = below else { break };
            place = map;
        }
    }
    let mut fields = Value::Object(fields);
    alone(&mut fields);
    fields
}

/// What is owned without anything in it is written without a dot.
fn alone(fields: &mut Value) {
    let Some(map) = fields.as_object_mut() else { return };
    if map.len() == 1 && map.contains_key(".") {
        map.clear();
    }
    map.values_mut().for_each(alone);
}

/// The fields that a `FieldsV1` names.
pub(super) fn from_fields(fields: &Value) -> BTreeSet<Way> {
    fn walk(fields: &Map<String, Value>, way: &mut Way, found: &mut BTreeSet<Way>) {
        for (part, below) in fields {
            way.push(part.clone());
            match below.as_object().filter(|map| !map.is_empty()) {
                Some(map) => walk(map, way, found),
                None => drop(found.insert(way.clone())),
            }
            way.pop();
        }
    }
    let mut found = BTreeSet::new();
    if let Some(map) = fields.as_object() {
        walk(map, &mut Vec::new(), &mut found);
    }
    found
}

/// Which item of a list a part of a way names.
fn place(list: &Value, part: &str) -> Option<usize> {
    let items = list.as_array()?;
    if let Some(value) = part.strip_prefix("v:") {
        let value: Value = serde_json::from_str(value).ok()?;
        return items.iter().position(|item| *item == value);
    }
    let wanted: Map<String, Value> = serde_json::from_str(part.strip_prefix("k:")?).ok()?;
    let same = |item: &Value, key: &str, value: &Value| match item.get(key) {
        Some(known) => known == value,
        None => key == "protocol" && value == "TCP",
    };
    items.iter().position(|item| wanted.iter().all(|(key, value)| same(item, key, value)))
}

/// The value at a way.
pub(super) fn get<'a>(object: &'a Value, way: &[String]) -> Option<&'a Value> {
    way.iter().try_fold(object, |value, part| match part.strip_prefix("f:") {
        Some(key) => value.get(key),
        None if part == "." => Some(value),
        None => value.get(place(value, part)?),
    })
}

/// Sets the value at a way, and makes what is missing on it.
pub(super) fn set(object: &mut Value, way: &[String], wanted: &Value) {
    let Some((part, rest)) = way.split_first() else {
        *object = wanted.clone();
        return;
    };
    if part == "." {
        return;
    }
    if let Some(key) = part.strip_prefix("f:") {
        if !object.is_object() {
            *object = json!({});
        }
        return set(&mut object[key], rest, wanted);
    }
    if !object.is_array() {
        *object = json!([]);
    }
    let found = place(object, part);
    let Value::Array(list) = object else { return };
    let index = found.unwrap_or_else(|| {
        // A part of a way is JSON after its two letters.
        list.push(serde_json::from_str(&part[2..]).unwrap_or_default());
        list.len() - 1
    });
    set(&mut list[index], rest, wanted);
}

/// Takes a field away, and what is left empty by that.
pub(super) fn remove(object: &mut Value, way: &[String]) {
    let Some((part, rest)) = way.split_first() else { return };
    let index = place(object, part);
    match (object, part.strip_prefix("f:")) {
        (Value::Object(map), Some(key)) => {
            if let Some(below) = map.get_mut(key)
                && !rest.is_empty()
            {
                remove(below, rest);
            }
            let empty = |value: &Value| value == &json!({}) || value == &json!([]);
            if rest.is_empty() || map.get(key).is_some_and(empty) {
                map.shift_remove(key);
            }
        }
        (Value::Array(list), None) => {
            let Some(index) = index else { return };
            if rest.is_empty() || rest == ["."] {
                list.remove(index);
            } else {
                remove(&mut list[index], rest);
            }
        }
        _ => {}
    }
}

/// Items of an applied list come in the order in which they were applied; those of others stay where they are.
pub(super) fn order_as(object: &mut Value, wanted: &Value, schema: Option<Schema<'_>>) {
    match (object, wanted) {
        (Value::Object(map), Value::Object(wanted)) => {
            for (key, wanted) in wanted {
                if let Some(value) = map.get_mut(key) {
                    order_as(value, wanted, below(schema, key));
                }
            }
        }
        (Value::Array(items), Value::Array(wanted)) => {
            let Some(keys) = keys(schema, items) else { return };
            let schema = schema.and_then(Schema::item);
            sort(items, wanted, &keys);
            for item in items {
                let part = part_of(item, &keys);
                if let Some(known) = wanted.iter().find(|known| part_of(known, &keys) == part) {
                    order_as(item, known, schema);
                }
            }
        }
        _ => {}
    }
}

fn sort(items: &mut [Value], wanted: &[Value], keys: &Keys<'_>) {
    let order: Vec<String> = wanted.iter().map(|item| part_of(item, keys)).collect();
    let place = |item: &Value| order.iter().position(|known| *known == part_of(item, keys));
    // The places of those that were applied are theirs; all others keep their own.
    let places: Vec<usize> = (0..items.len()).filter(|index| place(&items[*index]).is_some()).collect();
    let mut applied: Vec<Value> = places.iter().map(|index| items[*index].clone()).collect();
    applied.sort_by_key(|item| place(item));
    for (index, item) in places.into_iter().zip(applied) {
        items[index] = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the real API server writes it (recorded from 1.34).
    #[test]
    fn owned_fields_are_written_as_kubernetes_does() {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"x": "1"}},
            "spec": {"selector": {"app": "a"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}});
        let expected = json!({"f:metadata": {"f:labels": {"f:x": {}}}, "f:spec": {"f:selector": {}, "f:ports":
            {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}, "f:targetPort": {}}}}});
        let ways = leaves(&service, Schema::builtin("v1", "Service"));
        assert_eq!(to_fields(&ways), expected);
        assert_eq!(from_fields(&expected), ways);
    }

    #[test]
    fn a_way_sets_gets_and_removes() {
        let mut object = json!({"metadata": {"finalizers": ["a"]}});
        let way: Way = ["f:metadata", "f:finalizers", "v:\"b\""].map(str::to_owned).into();
        set(&mut object, &way, &json!("b"));
        assert_eq!(get(&object, &way), Some(&json!("b")));
        remove(&mut object, &way);
        assert_eq!(object, json!({"metadata": {"finalizers": ["a"]}}));
        let port: Way =
            ["f:spec", "f:ports", "k:{\"port\":80,\"protocol\":\"TCP\"}", "f:name"].map(str::to_owned).into();
        set(&mut object, &port, &json!("http"));
        assert_eq!(object["spec"]["ports"][0], json!({"port": 80, "protocol": "TCP", "name": "http"}));
    }
}
