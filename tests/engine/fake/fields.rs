//! Which fields somebody owns, as `FieldsV1` writes it, in the small: maps by key, lists of things with names by name,
//! everything else as a whole.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A way to a field: `f:spec`, `k:{"name":"web"}`, `f:image`. A way that ends in `.` is the item itself.
pub(super) type Way = Vec<String>;

/// Lists whose items are known by their name.
const NAMED: [&str; 4] = ["containers", "initContainers", "env", "volumes"];

/// The fields that an object sets, without what says which object it is.
pub(super) fn leaves(object: &Value) -> BTreeSet<Way> {
    let mut object = object.clone();
    let map = object.as_object_mut().unwrap();
    for key in ["apiVersion", "kind", "status"] {
        map.shift_remove(key);
    }
    if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
        let own = ["name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"];
        for key in own {
            metadata.shift_remove(key);
        }
        if metadata.is_empty() {
            map.shift_remove("metadata");
        }
    }
    let mut found = BTreeSet::new();
    if !map.is_empty() {
        walk("", &object, &mut Vec::new(), &mut found);
    }
    found
}

fn walk(field: &str, value: &Value, way: &mut Way, found: &mut BTreeSet<Way>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                way.push(format!("f:{key}"));
                walk(key, value, way, found);
                way.pop();
            }
        }
        Value::Array(items) if NAMED.contains(&field) && !items.is_empty() => {
            for item in items {
                way.push(format!("k:{}", json!({"name": item["name"]})));
                way.push(".".to_owned());
                found.insert(way.clone());
                way.pop();
                walk("", item, way, found);
                way.pop();
            }
        }
        _ => drop(found.insert(way.clone())),
    }
}

pub(super) fn to_fields(ways: &BTreeSet<Way>) -> Value {
    let mut fields = json!({});
    for way in ways {
        let mut place = &mut fields;
        for part in way {
            place = place.as_object_mut().unwrap().entry(part).or_insert_with(|| json!({}));
        }
    }
    fields
}

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
    walk(fields.as_object().unwrap(), &mut Vec::new(), &mut found);
    found
}

fn named(list: &Value, part: &str) -> Option<usize> {
    let key: Value = serde_json::from_str(part.strip_prefix("k:")?).unwrap();
    list.as_array()?.iter().position(|item| item["name"] == key["name"])
}

pub(super) fn get<'a>(object: &'a Value, way: &[String]) -> Option<&'a Value> {
    way.iter().try_fold(object, |value, part| match part.strip_prefix("f:") {
        Some(key) => value.get(key),
        None if part == "." => Some(value),
        None => value.get(named(value, part)?),
    })
}

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
        return set(object.as_object_mut().unwrap().entry(key).or_insert(Value::Null), rest, wanted);
    }
    if !object.is_array() {
        *object = json!([]);
    }
    let index = named(object, part).unwrap_or_else(|| {
        let list = object.as_array_mut().unwrap();
        list.push(serde_json::from_str(&part[2..]).unwrap());
        list.len() - 1
    });
    set(&mut object[index], rest, wanted);
}

/// Takes a field away, and what is left empty by that.
pub(super) fn remove(object: &mut Value, way: &[String]) {
    let Some((part, rest)) = way.split_first() else { return };
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
        (list @ Value::Array(_), None) => {
            let Some(index) = named(list, part) else { return };
            if rest == ["."] {
                list.as_array_mut().unwrap().remove(index);
            } else {
                remove(&mut list[index], rest);
            }
        }
        _ => {}
    }
}

/// Items of an applied list come in the order in which they were applied; those of others behind them.
pub(super) fn order_as(object: &mut Value, wanted: &Value) {
    match (object, wanted) {
        (Value::Object(map), Value::Object(wanted)) => {
            for (key, wanted) in wanted {
                let Some(value) = map.get_mut(key) else { continue };
                order_as(value, wanted);
                if NAMED.contains(&key.as_str())
                    && let (Some(items), Some(wanted)) = (value.as_array_mut(), wanted.as_array())
                {
                    let place = |item: &Value| wanted.iter().position(|known| known["name"] == item["name"]);
                    items.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
                }
            }
        }
        (Value::Array(items), Value::Array(wanted)) => {
            for item in items {
                if let Some(known) = wanted.iter().find(|known| known["name"] == item["name"]) {
                    order_as(item, known);
                }
            }
        }
        _ => {}
    }
}
