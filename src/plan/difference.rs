//! The difference between an object as it is and as the server would make it, field by field.

use serde_json::{Map, Value};

use super::FieldChange;

/// What stands for a secret's value wherever a value is shown or written down.
pub const HIDDEN: &str = "<secret>";

/// Whether an object is a Secret from which values were taken out when it was written down.
pub fn hides_values(object: &Value) -> bool {
    let hidden = |key: &str| {
        let values = object.get(key).and_then(Value::as_object).into_iter().flat_map(Map::values);
        values.into_iter().any(|value| value == HIDDEN)
    };
    object["kind"] == "Secret" && (hidden("data") || hidden("stringData"))
}

/// The fields in which two states of one object differ, without what the server keeps for itself.
pub fn difference(now: &Value, after: &Value) -> Vec<FieldChange> {
    let secret = now.get("kind").or_else(|| after.get("kind")).is_some_and(|kind| kind == "Secret");
    let mut changes = Vec::new();
    walk("", Some(now), Some(after), &mut changes);
    if secret {
        changes.iter_mut().for_each(hide);
    }
    changes
}

/// Replaces the values of a Secret's change; that they differ stays visible.
fn hide(change: &mut FieldChange) {
    hide_values(&change.path, [&mut change.now, &mut change.wanted]);
}

/// Replaces the values at a path of a Secret, where it is one that holds secrets.
pub(super) fn hide_values(path: &str, values: [&mut Option<Value>; 2]) {
    if path.starts_with("data") || path.starts_with("stringData") {
        for value in values {
            *value = value.take().map(|_| Value::from(HIDDEN));
        }
    }
}

fn is_the_servers(path: &str) -> bool {
    const OWN: [&str; 8] = [
        "status",
        "metadata.managedFields",
        "metadata.resourceVersion",
        "metadata.generation",
        "metadata.creationTimestamp",
        "metadata.uid",
        "metadata.selfLink",
        // Counts with the generation.
        "metadata.annotations[deprecated.daemonset.template.generation]",
    ];
    OWN.contains(&path)
}

fn walk(path: &str, now: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    if now == after || is_the_servers(path) {
        return;
    }
    match (now, after) {
        (Some(Value::Object(now)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|key| !now.contains_key(*key));
            for key in now.keys().chain(added) {
                walk(&join(path, key), now.get(key), after.get(key), changes);
            }
        }
        (Some(Value::Array(now)), Some(Value::Array(after))) if keyed(now).is_some() && keyed(after).is_some() => {
            walk_keyed(path, now, after, changes);
        }
        _ => changes.push(FieldChange { path: path.to_owned(), now: now.cloned(), wanted: after.cloned() }),
    }
}

fn walk_keyed(path: &str, now: &[Value], after: &[Value], changes: &mut Vec<FieldChange>) {
    let (now, after) = (keyed(now).unwrap_or_default(), keyed(after).unwrap_or_default());
    let added = after.keys().filter(|key| !now.contains_key(*key));
    for key in now.keys().chain(added) {
        walk(&format!("{path}[{key}]"), now.get(key), after.get(key), changes);
    }
    // What is started first, and what `$(NAME)` can refer to, hangs on the order.
    if ["initContainers", "env"].iter().any(|list| path.rsplit('.').next() == Some(*list)) {
        let common = |of: &Map<String, Value>, other: &Map<String, Value>| -> Vec<Value> {
            of.keys().filter(|key| other.contains_key(*key)).cloned().map(Value::from).collect()
        };
        let (was, will) = (common(&now, &after), common(&after, &now));
        if was != will {
            changes.push(FieldChange {
                path: format!("{path} (order)"),
                now: Some(was.into()),
                wanted: Some(will.into()),
            });
        }
    }
}

/// The items of a list by what names them, when every item has such a name and no two share one.
fn keyed(list: &[Value]) -> Option<Map<String, Value>> {
    const NAMES: [&str; 6] = ["/name", "/mountPath", "/containerPort", "/port", "/ip", "/metadata/name"];
    let name = NAMES.iter().find(|name| list.iter().all(|item| item.pointer(name).is_some()))?;
    let mut items = Map::new();
    for item in list {
        let value = item.pointer(name)?;
        let label = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if items.insert(label, item.clone()).is_some() {
            return None;
        }
    }
    Some(items)
}

fn join(path: &str, key: &str) -> String {
    match (path.is_empty(), key.contains(['.', '/'])) {
        (true, _) => key.to_owned(),
        (false, true) => format!("{path}[{key}]"),
        (false, false) => format!("{path}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(now: &Value, after: &Value) -> Vec<String> {
        difference(now, after).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn only_what_differs_and_never_the_servers_own_fields() {
        let now = json!({"metadata": {"resourceVersion": "1", "annotations": {"a/b.c": "1"}}, "status": {"x": 1},
            "spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y"}], "args": ["1"]}});
        let after = json!({"metadata": {"resourceVersion": "2", "annotations": {"a/b.c": "2"}}, "status": {"x": 2},
            "spec": {"containers": [{"name": "b", "image": "y"}, {"name": "a", "image": "x:2"}, {"name": "c"}], "args": ["1", "2"]}});
        assert_eq!(
            paths(&now, &after),
            ["metadata.annotations[a/b.c]", "spec.containers[a].image", "spec.containers[c]", "spec.args"]
        );
        assert!(paths(&now, &now).is_empty());
    }

    #[test]
    fn the_order_counts_where_it_means_something() {
        let list = |names: &[&str]| -> Value { names.iter().map(|name| json!({"name": name})).collect() };
        let object = |order: &[&str]| json!({"spec": {"initContainers": list(order), "containers": list(order)}});
        assert_eq!(paths(&object(&["a", "b"]), &object(&["b", "a"])), ["spec.initContainers (order)"]);
        assert_eq!(
            paths(&object(&["a", "b"]), &object(&["a", "c", "b"])),
            ["spec.initContainers[c]", "spec.containers[c]"]
        );
    }

    #[test]
    fn a_secrets_values_are_never_in_a_difference() {
        let now = json!({"kind": "Secret", "data": {"password": "b2xk"}});
        let after = json!({"kind": "Secret", "data": {"password": "bmV3", "more": "eA=="}});
        let text = serde_json::to_string(&difference(&now, &after)).unwrap();
        assert!(!text.contains("b2xk") && !text.contains("bmV3") && !text.contains("eA=="), "{text}");
        assert_eq!(paths(&now, &after), ["data.password", "data.more"]);
    }
}
