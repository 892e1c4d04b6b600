//! What Go's decoder makes of an object of one of Kubernetes' own kinds: it refuses a value of another type, and leaves out
//! fields that there are not. Source: `sigs.k8s.io/json`, and `apimachinery/pkg/runtime/serializer/json`, 1.34.

use serde_json::Value;

use super::{Field, Schema, Sort};
use crate::stack::quantity;

const NO_QUANTITY: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const NO_SUFFIX: &str = "unable to parse quantity's suffix";

/// Leaves out what no field is there for, and fields without a value.
///
/// # Errors
/// The first value that its field cannot hold, in Go's words.
pub(in crate::sandbox) fn decode(schema: Schema<'_>, object: &mut Value) -> Result<(), String> {
    fits(schema, object, &Place { structure: String::new(), way: String::new() })?;
    prune(schema, object);
    Ok(())
}

/// Where a value is, as Go names it: the structure that has the field, and the way to the field, without places in lists.
struct Place {
    structure: String,
    way: String,
}

impl Place {
    fn field(&self, schema: Schema<'_>, kind: Option<&str>, name: &str) -> Self {
        let structure = schema.type_name().or(kind).map_or(self.structure.as_str(), short).to_owned();
        let dot = if self.way.is_empty() { "" } else { "." };
        Self { structure, way: format!("{}{dot}{name}", self.way) }
    }

    fn cannot(&self, value: &str, kind: &str) -> String {
        if self.way.is_empty() {
            return format!("json: cannot unmarshal {value} into Go value of type {kind}");
        }
        format!("json: cannot unmarshal {value} into Go struct field {}.{} of type {kind}", self.structure, self.way)
    }
}

/// `PodSpec` of `io.k8s.api.core.v1.PodSpec`.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn fits(schema: Schema<'_>, value: &Value, place: &Place) -> Result<(), String> {
    let refused = || Err(place.cannot(&shown(schema, value), &go_type(schema)));
    match (schema.sort(), value) {
        (Sort::Text, Value::String(text)) if is_bytes(schema) => match misplaced(text) {
            Some(position) => Err(format!("illegal base64 data at input byte {position}")),
            None => Ok(()),
        },
        (_, Value::Null)
        | (Sort::Any, _)
        | (Sort::Text | Sort::WholeOrText, Value::String(_))
        | (Sort::Truth, Value::Bool(_))
        | (Sort::Number, Value::Number(_)) => Ok(()),
        (Sort::Whole, Value::Number(number)) => {
            let whole = number.as_i64().filter(|whole| !is_short(schema) || i32::try_from(*whole).is_ok());
            whole.map_or_else(refused, |_| Ok(()))
        }
        (Sort::WholeOrText, _) => match value.as_i64().map(i32::try_from) {
            Some(Ok(_)) => Ok(()),
            _ => Err(format!("json: cannot unmarshal {} into Go value of type int32", shown(schema, value))),
        },
        (Sort::Quantity, value) => is_quantity(value),
        (Sort::List, Value::Array(items)) => {
            let item = schema.item();
            items.iter().try_for_each(|value| item.map_or(Ok(()), |item| fits(item, value, place)))
        }
        (Sort::Struct | Sort::Map, Value::Object(map)) => map.iter().try_for_each(|(name, value)| {
            let Field::Known(below) = schema.field(name) else { return Ok(()) };
            match schema.sort() {
                // A name of a map is no field.
                Sort::Map => fits(below, value, place),
                _ => fits(below, value, &place.field(schema, value_kind(map), name)),
            }
        }),
        _ => refused(),
    }
}

/// The kind that an object says it is of: the name of the outermost structure.
fn value_kind(map: &serde_json::Map<String, Value>) -> Option<&str> {
    map.get("kind").and_then(Value::as_str)
}

/// Bytes, written as base64.
fn is_bytes(schema: Schema<'_>) -> bool {
    schema.raw()["format"] == "byte"
}

/// Where a text stops being base64.
fn misplaced(text: &str) -> Option<usize> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || [b'+', b'/', b'=', b'\n', b'\r'].contains(&byte);
    text.bytes().position(|byte| !is_letter(byte))
}

fn is_short(schema: Schema<'_>) -> bool {
    schema.raw()["format"] == "int32"
}

fn is_quantity(value: &Value) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    if text.is_empty() || quantity::parse(&text).is_some() {
        return Ok(());
    }
    let is_sign = |letter: char| letter == '+' || letter == '-';
    let number = text.strip_prefix(is_sign).unwrap_or(&text);
    let suffix = number.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let exponent = suffix.trim_start_matches(|letter: char| "eEinumkKMGTP".contains(letter));
    let digits = exponent.strip_prefix(is_sign).unwrap_or(exponent);
    let matches = suffix.len() < number.len() && digits.chars().all(|digit| digit.is_ascii_digit());
    Err(if matches { NO_SUFFIX } else { NO_QUANTITY }.to_owned())
}

/// What a value is, as Go says it.
fn shown(schema: Schema<'_>, value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if schema.sort() == Sort::Whole => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

/// The type in Go. Of texts that have a type of their own (`v1.Protocol`) no schema knows the name.
fn go_type(schema: Schema<'_>) -> String {
    let of = |below: Option<Schema<'_>>| below.map_or_else(|| "interface {}".to_owned(), go_type);
    match schema.sort() {
        Sort::Text if is_bytes(schema) => "[]uint8".to_owned(),
        Sort::Text => "string".to_owned(),
        Sort::Truth => "bool".to_owned(),
        Sort::Whole if is_short(schema) => "int32".to_owned(),
        Sort::Whole => "int64".to_owned(),
        Sort::Number => "float64".to_owned(),
        Sort::List => format!("[]{}", of(schema.item())),
        Sort::Map => match schema.field("").known() {
            Some(value) if value.sort() == Sort::Quantity => "v1.ResourceList".to_owned(),
            value => format!("map[string]{}", of(value)),
        },
        Sort::Struct | Sort::Quantity | Sort::WholeOrText | Sort::Any => {
            let name = schema.type_name().unwrap_or_default();
            let mut parts = name.rsplit('.');
            let (last, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            format!("{package}.{last}")
        }
    }
}

/// Leaves out what no field is there for.
pub(in crate::sandbox) fn prune(schema: Schema<'_>, value: &mut Value) {
    match value {
        Value::Object(map) => {
            let is_struct = schema.sort() == Sort::Struct;
            map.retain(|name, value| !is_struct || !value.is_null() && !matches!(schema.field(name), Field::Unknown));
            for (name, value) in map.iter_mut() {
                if let Field::Known(below) = schema.field(name) {
                    prune(below, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = schema.item() {
                for value in items {
                    prune(item, value);
                }
            }
        }
        _ => {}
    }
}

/// The fields that there are not, as a strict decoder names them: `spec.template.spec.containers[0].imag`.
pub(in crate::sandbox) fn unknown(schema: Schema<'_>, object: &Value) -> Vec<String> {
    fn walk(schema: Schema<'_>, value: &Value, way: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                let dot = if way.is_empty() { "" } else { "." };
                for (name, value) in map {
                    let below = format!("{way}{dot}{name}");
                    match schema.field(name) {
                        Field::Known(schema) => walk(schema, value, &below, found),
                        Field::Unknown if schema.sort() == Sort::Struct => found.push(below),
                        Field::Open | Field::Unknown => {}
                    }
                }
            }
            Value::Array(items) => {
                let Some(item) = schema.item() else { return };
                for (index, value) in items.iter().enumerate() {
                    walk(item, value, &format!("{way}[{index}]"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(schema, object, "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decoded(mut object: Value) -> Result<Value, String> {
        let part = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        let schema = Schema::builtin(&part("apiVersion"), &part("kind")).unwrap();
        decode(schema, &mut object).map(|()| object)
    }

    /// The first three are recorded (`tests/conformance`, errors/a-value-of-another-type).
    #[test]
    fn a_value_of_another_type_is_named_as_go_does() {
        let deployment = |spec: Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec});
        let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data});
        let container = |field: Value| deployment(json!({"template": {"spec": {"containers": [field]}}}));
        let table = [
            (
                deployment(json!({"replicas": "2"})),
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (map(json!({"a": 1})), "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
            (
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": []}}),
                "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
            ),
            (
                deployment(json!({"replicas": 1.5})),
                "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                container(json!({"args": "a"})),
                "json: cannot unmarshal string into Go struct field Container.spec.template.spec.containers.args of type []string",
            ),
            (container(json!({"resources": {"limits": {"cpu": "1 core"}}})), NO_QUANTITY),
            (container(json!({"resources": {"limits": {"memory": "1gb"}}})), NO_QUANTITY),
            (container(json!({"resources": {"limits": {"memory": "1KiM"}}})), NO_SUFFIX),
            (
                json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ!="}}),
                "illegal base64 data at input byte 2",
            ),
            (
                container(json!({"livenessProbe": {"httpGet": {"port": true}}})),
                "json: cannot unmarshal bool into Go value of type int32",
            ),
        ];
        for (object, expected) in table {
            assert_eq!(decoded(object.clone()).unwrap_err(), expected, "{object}");
        }
    }

    #[test]
    fn what_no_field_is_there_for_is_left_out_and_named() {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "imag": "x",
            "command": null, "resources": {"limits": {"anything": 1}}}], "nodeSelector": {"any": "thing"}}});
        let schema = Schema::builtin("v1", "Pod").unwrap();
        assert_eq!(unknown(schema, &object), ["spec.containers[0].imag"]);
        let kept = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a",
            "resources": {"limits": {"anything": 1}}}], "nodeSelector": {"any": "thing"}}});
        assert_eq!(decoded(object), Ok(kept));
    }
}
