//! Requests in Protobuf, which kubectl and helm write for Kubernetes' own kinds: read as what they would be in JSON. Answers are JSON, which
//! clients take as well.
//!
//! Source: Kubernetes, `apimachinery/pkg/runtime/serializer/protobuf` (the envelope) and the tags of Go's types
//! (`schema/protobuf.json`, by `tests/cluster/schema-record`). Definitions of custom kinds are not read; nobody writes them so.

use std::sync::LazyLock;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use serde_json::{Map, Value};

use super::schema::{Schema, Sort, name_of};

/// What an envelope begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Of each type, the field of each number: its name, `inline TYPE` where the fields of that type are its own, and `,omitempty` where it is not
/// written when it is zero.
static FIELDS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    // Made by a machine and read by a test: it cannot fail to parse.
    serde_json::from_str(include_str!("schema/protobuf.json")).unwrap_or_default()
});

/// Whether a body is Protobuf.
pub(super) fn is(body: &[u8]) -> bool {
    body.starts_with(MAGIC)
}

/// The object as it would be in JSON. `None`: it is not well formed, or of a type that is not read.
pub(super) fn object(body: &[u8]) -> Option<Value> {
    let unknown = parts(body.strip_prefix(MAGIC)?)?;
    let kind = parts(bytes_of(&unknown, 1)?)?;
    let word = |number| std::str::from_utf8(bytes_of(&kind, number).unwrap_or_default()).ok();
    let (api_version, kind) = (word(1)?, word(2)?);
    let name = name_of(api_version, kind)?;
    let mut object = Map::from_iter([("apiVersion".to_owned(), api_version.into()), ("kind".to_owned(), kind.into())]);
    read(name, Schema::builtin(api_version, kind)?, bytes_of(&unknown, 2)?, &mut object)?;
    Some(Value::Object(object))
}

/// Reads the fields of a type into an object.
fn read(name: &str, schema: Schema<'_>, bytes: &[u8], object: &mut Map<String, Value>) -> Option<()> {
    let fields = FIELDS.get(name)?;
    for (number, part) in parts(bytes)? {
        // A newer client may know more.
        let Some(field) = fields.get(number.to_string()).and_then(Value::as_str) else { continue };
        if let Some(inline) = field.strip_prefix("inline ") {
            read(inline.split(',').next()?, schema, part.bytes()?, object)?;
            continue;
        }
        let (field, is_omitted) = field.strip_suffix(",omitempty").map_or((field, false), |field| (field, true));
        let Some(below) = schema.field(field).known() else { continue };
        match below.sort() {
            Sort::List => {
                let item = value(below.item()?, &part)?;
                match object.get_mut(field) {
                    Some(Value::Array(list)) => list.push(item),
                    _ => drop(object.insert(field.to_owned(), vec![item].into())),
                }
            }
            Sort::Map => {
                let (key, item) = entry(below, part.bytes()?)?;
                match object.get_mut(field) {
                    Some(Value::Object(map)) => drop(map.insert(key, item)),
                    _ => drop(object.insert(field.to_owned(), Map::from_iter([(key, item)]).into())),
                }
            }
            _ => {
                let value = value(below, &part)?;
                if !(value.is_null() || is_omitted && is_zero(&value)) {
                    object.insert(field.to_owned(), value);
                }
            }
        }
    }
    Some(())
}

/// As Go's `omitempty` has it: a structure is never empty.
fn is_zero(value: &Value) -> bool {
    *value == Value::Bool(false) || value.as_i64() == Some(0) || value.as_str() == Some("")
}

fn entry(map: Schema<'_>, bytes: &[u8]) -> Option<(String, Value)> {
    let both = parts(bytes)?;
    let key = String::from_utf8(bytes_of(&both, 1).unwrap_or_default().to_vec()).ok()?;
    let schema = map.field(&key).known()?;
    let absent = Part::Bytes(&[]);
    let item = both.iter().find(|(number, _)| *number == 2).map_or(&absent, |(_, part)| part);
    Some((key, value(schema, item)?))
}

fn value(schema: Schema<'_>, part: &Part<'_>) -> Option<Value> {
    let type_name = schema.type_name().unwrap_or_default();
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(Value::from);
    Some(match (schema.sort(), part) {
        (Sort::Truth, Part::Number(number)) => Value::Bool(*number != 0),
        (Sort::Whole, Part::Number(number)) => number.cast_signed().into(),
        (Sort::Number, Part::Double(number)) => (*number).into(),
        (Sort::Text, Part::Bytes(bytes)) if type_name.ends_with("Time") => time(bytes)?,
        (Sort::Text, Part::Bytes(bytes)) if schema.raw()["format"] == "byte" => {
            serde_json::to_value(ByteString(bytes.to_vec())).ok()?
        }
        (Sort::Text, Part::Bytes(bytes)) => text(bytes)?,
        (Sort::Quantity, Part::Bytes(bytes)) => text(bytes_of(&parts(bytes)?, 1).unwrap_or_default())?,
        (Sort::WholeOrText, Part::Bytes(bytes)) => {
            let parts = parts(bytes)?;
            match number_of(&parts, 1).unwrap_or_default() {
                0 => number_of(&parts, 2).unwrap_or_default().into(),
                _ => text(bytes_of(&parts, 3).unwrap_or_default())?,
            }
        }
        // What is kept unread is JSON.
        (Sort::Any, Part::Bytes(bytes)) => {
            serde_json::from_slice(bytes_of(&parts(bytes)?, 1).unwrap_or(b"null")).ok()?
        }
        (Sort::Struct, Part::Bytes(bytes)) => {
            let mut object = Map::new();
            read(type_name, schema, bytes, &mut object)?;
            Value::Object(object)
        }
        // A list in a list, or in a map, is a message with one field.
        (Sort::List, Part::Bytes(bytes)) => {
            let item = schema.item()?;
            parts(bytes)?.iter().map(|(_, part)| value(item, part)).collect::<Option<Vec<_>>>()?.into()
        }
        _ => return None,
    })
}

/// Seconds since 1970, and nanoseconds; nothing at all is no time.
fn time(bytes: &[u8]) -> Option<Value> {
    let parts = parts(bytes)?;
    let (seconds, nanos) = (number_of(&parts, 1), number_of(&parts, 2).unwrap_or_default());
    let Some(seconds) = seconds else { return Some(Value::Null) };
    let time = Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()?;
    Some(time.to_string().into())
}

/// The value of a field as it is sent.
#[derive(Debug)]
enum Part<'a> {
    Number(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

impl<'a> Part<'a> {
    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) | Self::Double(_) => None,
        }
    }
}

/// The fields of a message, by their number.
fn parts(mut bytes: &[u8]) -> Option<Vec<(u64, Part<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let part = match key & 7 {
            0 => Part::Number(varint(&mut bytes)?),
            1 => {
                let (value, rest) = bytes.split_first_chunk::<8>()?;
                bytes = rest;
                Part::Double(f64::from_le_bytes(*value))
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Part::Bytes(value)
            }
            _ => return None,
        };
        found.push((key >> 3, part));
    }
    Some(found)
}

fn bytes_of<'a>(parts: &[(u64, Part<'a>)], number: u64) -> Option<&'a [u8]> {
    parts.iter().find(|(known, _)| *known == number)?.1.bytes()
}

fn number_of(parts: &[(u64, Part<'_>)], number: u64) -> Option<i64> {
    match parts.iter().find(|(known, _)| *known == number)?.1 {
        Part::Number(number) => Some(number.cast_signed()),
        Part::Double(_) | Part::Bytes(_) => None,
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(value.len()).unwrap();
        [&[number << 3 | 2, length], value].concat()
    }

    fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let kind = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &kind), &field(2, raw)].concat()
    }

    fn cut_short(body: &[u8]) {
        for cut in 0..body.len() {
            // Whatever is cut off: no panic.
            let _ = object(&body[..cut]);
        }
    }

    #[test]
    fn a_review_of_access_is_read() {
        let attributes = [field(1, b"sea"), field(2, b"create"), field(5, b"pods"), field(7, b"")].concat();
        let body = envelope("authorization.k8s.io/v1", "SelfSubjectAccessReview", &field(2, &field(1, &attributes)));
        assert!(is(&body));
        let expected = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec":
            {"resourceAttributes": {"namespace": "sea", "verb": "create", "resource": "pods"}}});
        assert_eq!(object(&body), Some(expected));
        cut_short(&body);
    }

    #[test]
    fn every_sort_of_field_is_read() {
        // replicas: 0 is written, because it is a pointer; minReadySeconds: 0 is not.
        let container = [
            field(1, b"web"),
            field(6, &[0x18, 0x50]),
            field(8, &field(1, &[field(1, b"cpu"), field(2, &field(1, b"100m"))].concat())),
            field(11, &field(1, &field(2, &[field(1, b"/"), field(2, &[0x08, 0x00, 0x10, 0x50])].concat()))),
        ];
        let volume = [field(1, b"data"), field(2, &field(2, b""))].concat();
        let pod = [field(1, &volume), field(2, &container.concat())].concat();
        let metadata = [field(1, b"web"), field(8, b""), field(11, &[field(1, b"app"), field(2, b"web")].concat())];
        let template = field(3, &field(2, &pod));
        let spec = [&[0x08, 0x00][..], &template, &[0x28, 0x00]].concat();
        let body = envelope("apps/v1", "Deployment", &[field(1, &metadata.concat()), field(2, &spec)].concat());
        let expected = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"replicas": 0, "template": {"spec": {"volumes": [{"name": "data", "emptyDir": {}}], "containers": [{"name": "web",
                "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": "100m"}},
                "readinessProbe": {"httpGet": {"path": "/", "port": 80}}}]}}}});
        assert_eq!(object(&body), Some(expected));
        cut_short(&body);
    }

    #[test]
    fn the_bytes_of_a_secret_are_written_as_json_has_them() {
        let data = [field(1, b"key"), field(2, &[0xff, 0x00])].concat();
        let body = envelope("v1", "Secret", &field(2, &data));
        assert_eq!(object(&body).unwrap()["data"], json!({"key": "/wA="}));
        assert_eq!(object(&envelope("seaworthy.test/v1", "Boat", b"")), None);
    }

    /// Every field that has a number is one that its type has.
    #[test]
    fn numbers_are_those_of_the_fields_of_the_types() {
        let mut seen = 0;
        for (name, fields) in FIELDS.iter() {
            let Some(schema) = crate::sandbox::schema::types().get(name) else { continue };
            for field in fields.as_object().unwrap().values().filter_map(Value::as_str) {
                let field = field.trim_end_matches(",omitempty");
                let is_known = field.starts_with("inline ") || schema["properties"].get(field).is_some();
                assert!(is_known, "{name} has no {field}");
                seen += 1;
            }
        }
        assert!(seen > 1000, "{seen}");
    }
}
