//! Equality of a field's value as we write it and as the API server keeps it.

use serde_json::{Value, json};

use crate::stack::quantity;

/// How a live value relates to the wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Equality {
    /// The same, up to how the server writes it.
    Same,
    /// All of ours, and more: most likely the server's defaults.
    More,
    /// Not the same.
    Different,
}

/// Whether a value is one that the API server leaves out when it writes an object (Go's `omitempty`).
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(value) => value.is_empty(),
        Value::Object(value) => value.is_empty(),
    }
}

/// Compares one field that is owned as a whole. `path` tells where a quantity is meant.
pub(super) fn compare_leaf(path: &str, wanted: &Value, live: Option<&Value>) -> Equality {
    let Some(live) = live else {
        return if is_empty(wanted) { Equality::Same } else { Equality::Different };
    };
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            let known = wanted.iter().map(|(key, value)| compare_leaf(&format!("{path}.{key}"), value, live.get(key)));
            let more = live.iter().any(|(key, value)| !wanted.contains_key(key) && !is_default(path, key, value));
            known.chain(more.then_some(Equality::More)).fold(Equality::Same, worse)
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => wanted
            .iter()
            .zip(live)
            .map(|(wanted, live)| compare_leaf(path, wanted, Some(live)))
            .fold(Equality::Same, worse),
        (Value::Number(wanted), Value::Number(live)) if wanted.as_f64() == live.as_f64() => Equality::Same,
        _ if wanted == live || (holds_quantity(path) && quantity_equal(wanted, live)) => Equality::Same,
        _ => Equality::Different,
    }
}

/// What the API server fills into the fields that are owned as a whole, where stacks use them: (name of the field, key,
/// value). What is missing here costs a question to the server, not a wrong answer.
fn is_default(path: &str, key: &str, value: &Value) -> bool {
    const DEFAULTS: [(&str, &str, &str); 7] = [
        ("fieldRef", "apiVersion", "v1"),
        ("resourceFieldRef", "divisor", "0"),
        ("ports", "protocol", "TCP"),
        ("subjects", "apiGroup", "rbac.authorization.k8s.io"),
        ("volumeClaimTemplates", "apiVersion", "v1"),
        ("volumeClaimTemplates", "kind", "PersistentVolumeClaim"),
        ("spec", "volumeMode", "Filesystem"),
    ];
    let field = path.rsplit(['.', '[', ']']).next().unwrap_or_default();
    let listed = DEFAULTS.iter().any(|(of, known, default)| (*of, *known) == (field, key) && value == default);
    // The claims within a StatefulSet are written with an empty status.
    listed || (field == "volumeClaimTemplates" && key == "status" && *value == json!({"phase": "Pending"}))
}

fn worse(left: Equality, right: Equality) -> Equality {
    match (left, right) {
        (Equality::Different, _) | (_, Equality::Different) => Equality::Different,
        (Equality::More, _) | (_, Equality::More) => Equality::More,
        _ => Equality::Same,
    }
}

/// Fields of the Kubernetes API that hold a quantity (`resource.Quantity`), by the names they stand under.
fn holds_quantity(path: &str) -> bool {
    const HOLDERS: [&str; 10] = [
        "requests",
        "limits",
        "capacity",
        "hard",
        "sizeLimit",
        "averageValue",
        "default",
        "defaultRequest",
        "overhead",
        "divisor",
    ];
    path.split(['.', '[', ']']).any(|segment| HOLDERS.contains(&segment))
}

fn quantity_equal(wanted: &Value, live: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    matches!((text(wanted), text(live)), (Some(wanted), Some(live)) if quantity::equal(&wanted, &live))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_equal_as_the_server_writes_them() {
        use Equality::{Different, More, Same};
        let cases = [
            ("spec.resources.limits.cpu", json!("1000m"), Some(json!("1")), Same),
            ("spec.resources.limits.cpu", json!(1), Some(json!("1")), Same),
            ("metadata.annotations[a]", json!("1000m"), Some(json!("1")), Different),
            ("spec.x", json!(false), None, Same),
            ("spec.x", json!({}), None, Same),
            ("spec.x", json!("a"), None, Different),
            ("spec.f", json!({"a": 1}), Some(json!({"a": 1, "b": 2})), More),
            ("spec.f", json!({"a": 1, "b": 2}), Some(json!({"a": 1})), Different),
            ("spec.fieldRef", json!({"fieldPath": "a"}), Some(json!({"fieldPath": "a", "apiVersion": "v1"})), Same),
            ("spec.fieldRef", json!({"fieldPath": "a"}), Some(json!({"fieldPath": "a", "apiVersion": "v2"})), More),
            ("spec.args", json!(["a", "b"]), Some(json!(["b", "a"])), Different),
            ("spec.args", json!(["a"]), Some(json!(["a", "b"])), Different),
        ];
        for (path, wanted, live, expected) in cases {
            assert_eq!(compare_leaf(path, &wanted, live.as_ref()), expected, "{path}: {wanted} {live:?}");
        }
    }
}
