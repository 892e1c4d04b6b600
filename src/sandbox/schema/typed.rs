//! Whether what somebody applies is of its type, in the words of the merge of server-side apply. Source:
//! `sigs.k8s.io/structured-merge-diff`, `typed/validate.go`, as in Kubernetes 1.34.

use serde_json::Value;

use super::{Field, Schema, Sort};

/// Everything that does not fit; none: it fits.
pub(in crate::sandbox) fn misfit(schema: Schema<'_>, object: &Value) -> Option<String> {
    let mut found = Vec::new();
    walk(schema, object, "", &mut found);
    match found.as_slice() {
        [] => crate::sandbox::fields::duplicate(object, Some(schema)),
        [only] => Some(only.clone()),
        many => Some(format!("errors:\n  {}", many.join("\n  "))),
    }
}

fn walk(schema: Schema<'_>, value: &Value, way: &str, found: &mut Vec<String>) {
    let mut expected = |what: &str, got: String| found.push(format!("{way}: expected {what}, got {got}"));
    match (schema.sort(), value) {
        (Sort::Quantity | Sort::WholeOrText, Value::Array(_) | Value::Object(_)) => {
            expected("any scalar", pointed(value));
        }
        (_, Value::Null)
        | (Sort::Any | Sort::Quantity | Sort::WholeOrText, _)
        | (Sort::Text, Value::String(_))
        | (Sort::Truth, Value::Bool(_))
        | (Sort::Whole | Sort::Number, Value::Number(_)) => {}
        (Sort::Struct | Sort::Map, Value::Object(map)) => {
            for (name, value) in map {
                match schema.field(name) {
                    Field::Known(below) => walk(below, value, &format!("{way}.{name}"), found),
                    Field::Unknown => found.push(format!("{way}.{name}: field not declared in schema")),
                    Field::Open => {}
                }
            }
        }
        (Sort::List, Value::Array(items)) => {
            let Some(item) = schema.item() else { return };
            let keys = schema.listing();
            for (index, value) in items.iter().enumerate() {
                let shown = crate::sandbox::fields::place_of(&keys, index, value);
                walk(item, value, &format!("{way}{shown}"), found);
            }
        }
        (Sort::Text, _) => expected("string", format!("&value.valueUnstructured{{Value:{}}}", plain(value))),
        (Sort::Truth, _) => expected("boolean", pointed(value)),
        (Sort::Whole | Sort::Number, _) => expected("numeric (int or float)", go_type(value).to_owned()),
        (Sort::Struct | Sort::Map, _) => expected("map", pointed(value)),
        (Sort::List, _) => expected("list", pointed(value)),
    }
}

/// As Go prints a pointer to the value.
fn pointed(value: &Value) -> String {
    format!("&{{{}}}", plain(value))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_applied_is_judged_by_its_type() {
        let schema = Schema::builtin("apps/v1", "Deployment").unwrap();
        let container = |field: Value| json!({"spec": {"template": {"spec": {"containers": [field]}}}});
        let table = [
            (json!({"spec": {"replicas": "2"}}), ".spec.replicas: expected numeric (int or float), got string"),
            (json!({"spec": {"paused": "yes"}}), ".spec.paused: expected boolean, got &{yes}"),
            (json!({"spec": []}), ": expected map, got &{[]}"),
            (
                container(json!({"name": "a", "image": 80})),
                ".spec.template.spec.containers[name=\"a\"].image: expected string, got &value.valueUnstructured{Value:80}",
            ),
            (
                container(json!({"name": "a", "imag": "b"})),
                ".spec.template.spec.containers[name=\"a\"].imag: field not declared in schema",
            ),
            (
                json!({"spec": {"replica": 1, "pause": true}}),
                "errors:\n  .spec.replica: field not declared in schema\n  .spec.pause: field not declared in schema",
            ),
        ];
        for (object, expected) in table {
            let said = misfit(schema, &object).unwrap();
            assert!(said.ends_with(expected), "{object}: {said}");
        }
        assert_eq!(misfit(schema, &container(json!({"name": "a", "resources": {"limits": {"cpu": 1}}}))), None);
    }
}
