//! Which fields somebody owns, as `FieldsV1` of `metadata.managedFields` writes it.
//!
//! Source: structured-merge-diff, and the list types (`x-kubernetes-list-type`, `-map-keys`, `-map-type`) of the `OpenAPI` of
//! Kubernetes 1.34 for the kinds that the sandbox knows. Lists and maps that are not in these tables are atomic lists and
//! granular maps, as most are.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A way to a field: `f:spec`, `k:{"name":"web"}`, `f:image`. A way that ends in `.` is the item or map itself; `v:"x"` is
/// a member of a set.
pub(super) type Way = Vec<String>;

/// What identifies the items of a list, and the value of a key that is not written.
type Keys = &'static [(&'static str, Option<&'static str>)];

const BY_NAME: Keys = &[("name", None)];
const LISTS: [(&str, Keys); 15] = [
    ("containers", BY_NAME),
    ("initContainers", BY_NAME),
    ("ephemeralContainers", BY_NAME),
    ("env", BY_NAME),
    ("volumes", BY_NAME),
    ("imagePullSecrets", BY_NAME),
    ("secrets", BY_NAME),
    ("volumeMounts", &[("mountPath", None)]),
    ("volumeDevices", &[("devicePath", None)]),
    ("hostAliases", &[("ip", None)]),
    ("topologySpreadConstraints", &[("topologyKey", None), ("whenUnsatisfiable", None)]),
    ("conditions", &[("type", None)]),
    ("ownerReferences", &[("uid", None)]),
    ("webhooks", BY_NAME),
    ("schedulingGates", BY_NAME),
];
const CONTAINER_PORTS: Keys = &[("containerPort", None), ("protocol", Some("TCP"))];
const SERVICE_PORTS: Keys = &[("port", None), ("protocol", Some("TCP"))];
/// Lists that are sets.
const SETS: [&str; 1] = ["finalizers"];
/// Maps that are owned as a whole.
const ATOMIC: [&str; 10] = [
    "selector",
    "fieldRef",
    "secretKeyRef",
    "configMapKeyRef",
    "resourceFieldRef",
    "nodeSelector",
    "labelSelector",
    "podSelector",
    "roleRef",
    "requiredDuringSchedulingIgnoredDuringExecution",
];

/// What identifies the items of this list; `None`: the list is one value.
fn keys(field: &str, items: &[Value]) -> Option<Keys> {
    if field == "ports" {
        let every = |key: &str| !items.is_empty() && items.iter().all(|item| item.get(key).is_some());
        return if every("containerPort") { Some(CONTAINER_PORTS) } else { every("port").then_some(SERVICE_PORTS) };
    }
    let keys = LISTS.iter().find(|(name, _)| *name == field).map(|(_, keys)| *keys)?;
    let complete = |item: &Value| keys.iter().all(|(key, default)| default.is_some() || item.get(*key).is_some());
    items.iter().all(complete).then_some(keys)
}

fn part_of(item: &Value, keys: Keys) -> String {
    let mut sorted: Vec<_> = keys.to_vec();
    sorted.sort_unstable();
    let pairs = sorted.iter().map(|(key, default)| {
        let value = item.get(*key).cloned().or_else(|| default.map(Value::from)).unwrap_or_default();
        ((*key).to_owned(), value)
    });
    format!("k:{}", Value::Object(pairs.collect::<Map<_, _>>()))
}

/// The fields that an object sets, without what says which object it is.
pub(super) fn leaves(object: &Value) -> BTreeSet<Way> {
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
        walk("", &object, &mut Vec::new(), &mut found);
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

fn walk(field: &str, value: &Value, way: &mut Way, found: &mut BTreeSet<Way>) {
    match value {
        Value::Object(map) if !map.is_empty() && !ATOMIC.contains(&field) => {
            for (key, value) in map {
                way.push(format!("f:{key}"));
                walk(key, value, way, found);
                way.pop();
            }
        }
        Value::Array(items) if SETS.contains(&field) && !items.is_empty() => {
            for item in items {
                way.push(format!("v:{item}"));
                found.insert(way.clone());
                way.pop();
            }
        }
        // That of a pod is a map, that of a service account one value.
        Value::Array(items) if !items.is_empty() && *way != ["f:imagePullSecrets"] => match keys(field, items) {
            Some(keys) => items.iter().for_each(|item| {
                way.push(part_of(item, keys));
                way.push(".".to_owned());
                found.insert(way.clone());
                way.pop();
                walk("", item, way, found);
                way.pop();
            }),
            None => drop(found.insert(way.clone())),
        },
        _ => drop(found.insert(way.clone())),
    }
}

/// Maps and lists that a type always has, even when they are not written: nobody makes them.
const ALWAYS: [&str; 9] =
    ["metadata", "spec", "status", "template", "strategy", "updateStrategy", "jobTemplate", "containers", "resources"];

/// The maps and lists on the ways to these fields that the object before did not have: whoever makes them with an update
/// owns them, too.
pub(super) fn made(ways: &BTreeSet<Way>, before: Option<&Value>) -> BTreeSet<Way> {
    let mut found = BTreeSet::new();
    for way in ways {
        for length in 1..way.len() {
            let Some(field) = way[length - 1].strip_prefix("f:") else { continue };
            let is_new = before.is_none_or(|before| get(before, &way[..length]).is_none());
            if is_new && !ALWAYS.contains(&field) && way[length] != "." {
                let mut made = way[..length].to_vec();
                made.push(".".to_owned());
                found.insert(made);
            }
        }
    }
    found
}

/// A list with two items of the same key: where it is, and the key.
pub(super) fn duplicate(object: &Value) -> Option<String> {
    fn walk(field: &str, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::Object(map) => map.iter().find_map(|(key, value)| walk(key, value, &format!("{path}.{key}"))),
            Value::Array(items) => {
                let keys = keys(field, items)?;
                let mut seen = BTreeSet::new();
                items.iter().find_map(|item| {
                    let part = part_of(item, keys);
                    let shown = shown(&part);
                    if !seen.insert(part) {
                        return Some(format!("{path}: duplicate entries for key {shown}"));
                    }
                    walk("", item, &format!("{path}{shown}"))
                })
            }
            _ => None,
        }
    }
    walk("", object, "")
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
pub(super) fn order_as(object: &mut Value, wanted: &Value) {
    match (object, wanted) {
        (Value::Object(map), Value::Object(wanted)) => {
            for (key, wanted) in wanted {
                let Some(value) = map.get_mut(key) else { continue };
                sort(key, value, wanted);
                order_as(value, wanted);
            }
        }
        (Value::Array(items), Value::Array(wanted)) => items.iter_mut().for_each(|item| {
            if let Some(known) =
                item.get("name").and_then(|name| wanted.iter().find(|known| known.get("name") == Some(name)))
            {
                order_as(item, known);
            }
        }),
        _ => {}
    }
}

fn sort(field: &str, value: &mut Value, wanted: &Value) {
    let (Value::Array(items), Value::Array(wanted)) = (value, wanted) else { return };
    let Some(keys) = keys(field, items) else { return };
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
        let ways = leaves(&service);
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
