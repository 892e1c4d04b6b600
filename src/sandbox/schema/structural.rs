//! Custom objects by the schema of their definition: defaults are filled in, fields that it does not know are left out, and what
//! does not fit is refused. Source: `k8s.io/apiextensions-apiserver`, `pkg/apiserver/schema/{defaulting,pruning}` and
//! `pkg/apiserver/validation`, 1.34. Rules in CEL are not judged.

use regex::Regex;
use serde_json::Value;

use super::{Field, Schema};
use crate::sandbox::refusal::unsupported;

/// An object as its definition keeps it.
pub(in crate::sandbox) fn complete(schema: Schema<'_>, object: &mut Value) {
    match object {
        Value::Object(map) => {
            for (name, place) in schema.raw()["properties"].as_object().into_iter().flatten() {
                if let Some(default) = place.get("default").filter(|_| !map.contains_key(name)) {
                    map.insert(name.clone(), default.clone());
                }
            }
            map.retain(|name, _| !matches!(schema.field(name), Field::Unknown));
            for (name, value) in map.iter_mut() {
                // What every object has is not the definition's.
                if let Some(below) = schema.field(name).known().filter(|_| !(schema.is_root() && name == "metadata")) {
                    complete(below, value);
                }
            }
        }
        Value::Array(list) => {
            if let Some(item) = schema.item() {
                for value in list {
                    complete(item, value);
                }
            }
        }
        _ => {}
    }
}

/// What does not fit, each as field and message.
pub(in crate::sandbox) fn faults(schema: Schema<'_>, object: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    judge(schema, object, "", &mut found);
    found
}

type Found = Vec<(String, String)>;

fn judge(schema: Schema<'_>, value: &Value, way: &str, found: &mut Found) {
    let rule = schema.raw();
    if value.is_null() && rule["nullable"] == true {
        return;
    }
    if let Some(wanted) = wanted_type(rule).filter(|wanted| !is_of(wanted, value)) {
        let got = type_of(value);
        let fault = format!("Invalid value: \"{got}\": {way} in body must be of type {wanted}: \"{got}\"");
        found.push((way.to_owned(), fault));
        return;
    }
    let said = one_of(rule, value).or_else(|| match value {
        Value::Number(_) => number(rule, value, way),
        Value::String(text) => string(rule, text, way),
        Value::Array(list) => count(rule, list.len(), way, ["minItems", "maxItems"], "items"),
        Value::Object(map) => count(rule, map.len(), way, ["minProperties", "maxProperties"], "properties"),
        Value::Null | Value::Bool(_) => None,
    });
    found.extend(said.map(|fault| (way.to_owned(), fault)));
    below(schema, value, way, found);
}

fn below(schema: Schema<'_>, value: &Value, way: &str, found: &mut Found) {
    let dot = if way.is_empty() { "" } else { "." };
    match value {
        Value::Object(map) => {
            for name in schema.required().filter(|name| !map.contains_key(*name)) {
                found.push((format!("{way}{dot}{name}"), "Required value".to_owned()));
            }
            for (name, value) in map {
                if let Some(below) = schema.field(name).known().filter(|_| !(schema.is_root() && name == "metadata")) {
                    judge(below, value, &format!("{way}{dot}{name}"), found);
                }
            }
        }
        Value::Array(list) => {
            let Some(item) = schema.item() else { return };
            for (index, value) in list.iter().enumerate() {
                judge(item, value, &format!("{way}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn wanted_type(rule: &Value) -> Option<&str> {
    if rule["x-kubernetes-int-or-string"] == true {
        return None;
    }
    rule["type"].as_str()
}

fn is_of(wanted: &str, value: &Value) -> bool {
    match wanted {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn one_of(rule: &Value, value: &Value) -> Option<String> {
    let allowed = rule["enum"].as_array().filter(|allowed| !allowed.contains(value))?;
    Some(unsupported(value, allowed))
}

fn number(rule: &Value, value: &Value, way: &str) -> Option<String> {
    let number = value.as_f64()?;
    let limit = |key: &str| rule[key].as_f64().map(|limit| (limit, &rule[key]));
    let fault = |words: &str, limit: &Value| format!("Invalid value: {value}: {way} in body should be {words} {limit}");
    if let Some((least, shown)) = limit("minimum") {
        let is_open = rule["exclusiveMinimum"] == true;
        if number < least || is_open && number <= least {
            return Some(fault(if is_open { "greater than" } else { "greater than or equal to" }, shown));
        }
    }
    let (most, shown) = limit("maximum")?;
    let is_open = rule["exclusiveMaximum"] == true;
    (number > most || is_open && number >= most)
        .then(|| fault(if is_open { "less than" } else { "less than or equal to" }, shown))
}

fn string(rule: &Value, text: &str, way: &str) -> Option<String> {
    let (length, shown) = (u64::try_from(text.chars().count()).unwrap_or(u64::MAX), Value::from(text));
    if let Some(least) = rule["minLength"].as_u64().filter(|least| length < *least) {
        return Some(format!("Invalid value: {shown}: {way} in body should be at least {least} chars long"));
    }
    if let Some(most) = rule["maxLength"].as_u64().filter(|most| length > *most) {
        return Some(format!("Too long: may not be more than {most} bytes"));
    }
    let pattern = rule["pattern"].as_str()?;
    // One that this cannot read (Go's and Rust's are nearly the same) refuses nothing.
    let matches = Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text));
    matches.then(|| format!("Invalid value: {shown}: {way} in body should match '{pattern}'"))
}

fn count(rule: &Value, length: usize, way: &str, [least, most]: [&str; 2], what: &str) -> Option<String> {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    if let Some(least) = rule[least].as_u64().filter(|least| length < *least) {
        return Some(format!("Invalid value: {length}: {way} in body should have at least {least} {what}"));
    }
    let most = rule[most].as_u64().filter(|most| length > *most)?;
    Some(format!("Too many: {length}: must have at most {most} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definition() -> Value {
        let spec = json!({"type": "object", "required": ["length"], "properties": {
            "length": {"type": "integer", "minimum": 1, "maximum": 90}, "name": {"type": "string", "pattern": "^[a-z]+$"},
            "sail": {"type": "string", "enum": ["jib", "main"], "default": "jib"},
            "crew": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 3}},
            "port": {"x-kubernetes-int-or-string": true}, "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
        let schema = json!({"type": "object", "required": ["spec"], "properties": {"spec": spec}});
        json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}})
    }

    #[test]
    fn what_a_definition_does_not_know_goes_and_what_it_has_a_default_for_comes() {
        let definition = definition();
        let schema = Schema::custom(&definition, "seaworthy.test/v1").unwrap();
        let mut boat = json!({"apiVersion": "seaworthy.test/v1", "kind": "Boat", "metadata": {"name": "a", "labels": {"x": "y"}},
            "spec": {"length": 1, "mast": 2, "open": {"sea": 1}}, "status": {"afloat": true}});
        complete(schema, &mut boat);
        let expected = json!({"apiVersion": "seaworthy.test/v1", "kind": "Boat", "metadata": {"name": "a", "labels": {"x": "y"}},
            "spec": {"length": 1, "open": {"sea": 1}, "sail": "jib"}});
        assert_eq!(boat, expected);
        assert_eq!(faults(schema, &boat), []);
    }

    #[test]
    fn what_does_not_fit_is_said_in_the_servers_words() {
        let definition = definition();
        let schema = Schema::custom(&definition, "seaworthy.test/v1").unwrap();
        let table = [
            (json!({}), "spec.length", "Required value"),
            (
                json!({"length": 0}),
                "spec.length",
                "Invalid value: 0: spec.length in body should be greater than or equal to 1",
            ),
            (
                json!({"length": 91}),
                "spec.length",
                "Invalid value: 91: spec.length in body should be less than or equal to 90",
            ),
            (
                json!({"length": "x"}),
                "spec.length",
                "Invalid value: \"string\": spec.length in body must be of type integer: \"string\"",
            ),
            (
                json!({"length": 1, "name": "A"}),
                "spec.name",
                "Invalid value: \"A\": spec.name in body should match '^[a-z]+$'",
            ),
            (
                json!({"length": 1, "sail": "x"}),
                "spec.sail",
                "Unsupported value: \"x\": supported values: \"jib\", \"main\"",
            ),
            (json!({"length": 1, "crew": ["a", "b", "c"]}), "spec.crew", "Too many: 3: must have at most 2 items"),
            (json!({"length": 1, "crew": ["anna"]}), "spec.crew[0]", "Too long: may not be more than 3 bytes"),
        ];
        for (spec, field, message) in table {
            let found = faults(schema, &json!({"spec": spec}));
            assert_eq!(found, [(field.to_owned(), message.to_owned())], "{spec}");
        }
        assert_eq!(faults(schema, &json!({"spec": {"length": 2, "port": "http"}})), []);
    }
}
