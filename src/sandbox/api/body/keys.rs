//! The fields of a body as they were written, in their order: a document no longer knows which of them stood there twice.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;

/// A field where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox::api) struct Key {
    /// `spec.containers[0].name`
    pub(in crate::sandbox::api) path: String,
    /// Whether it stood there before.
    pub(in crate::sandbox::api) is_again: bool,
}

/// All of them; none of what is no JSON.
pub(in crate::sandbox::api) fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    match (Walk { way: "", found: &mut found }).deserialize(&mut reader) {
        Ok(()) => found,
        Err(_) => Vec::new(),
    }
}

struct Walk<'a> {
    way: &'a str,
    found: &'a mut Vec<Key>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

/// What has no fields.
macro_rules! plain {
    ($($name:ident: $type:ty),*) => {
        $(fn $name<E>(self, _: $type) -> Result<(), E> { Ok(()) })*
    };
}

/// What is a value by itself.
macro_rules! value {
    ($($name:ident: $type:ty),*) => {
        $(fn $name<E>(self, value: $type) -> Result<Value, E> { Ok(value.into()) })*
    };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    plain!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let way = format!("{}[{index}]", self.way);
            if items.next_element_seed(Walk { way: &way, found: self.found })?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(Name(name)) = fields.next_key()? {
            let dot = if self.way.is_empty() { "" } else { "." };
            let path = format!("{}{dot}{name}", self.way);
            self.found.push(Key { path: path.clone(), is_again: !names.insert(name) });
            fields.next_value_seed(Walk { way: &path, found: self.found })?;
        }
        Ok(())
    }
}

/// The document as Go reads it into a structure: what stands there twice is put together where it has fields itself, and else the
/// last one counts.
pub(in crate::sandbox::api) fn together(bytes: &[u8]) -> Option<Value> {
    Whole.deserialize(&mut serde_json::Deserializer::from_slice(bytes)).ok()
}

struct Whole;

impl<'de> DeserializeSeed<'de> for Whole {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    value!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Whole)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(Name(name)) = fields.next_key()? {
            put(&mut map, name, fields.next_value_seed(Whole)?);
        }
        Ok(Value::Object(map))
    }
}

fn put(map: &mut Map<String, Value>, name: String, value: Value) {
    match (map.get_mut(&name), value) {
        (Some(Value::Object(there)), Value::Object(more)) => {
            for (name, value) in more {
                put(there, name, value);
            }
        }
        (_, value) => drop(map.insert(name, value)),
    }
}

struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        String::deserialize(reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_in_their_order_and_again_where_they_come_again() {
        let all = keys(br#"{"a": {"b": [{"c": 1, "c": 2.5}, null]}, "d": "x", "a": true}"#);
        let all: Vec<(&str, bool)> = all.iter().map(|key| (key.path.as_str(), key.is_again)).collect();
        let expected =
            [("a", false), ("a.b", false), ("a.b[0].c", false), ("a.b[0].c", true), ("d", false), ("a", true)];
        assert_eq!(all, expected);
        assert_eq!(keys(b"{"), []);
    }

    /// Recorded: `tests/conformance`, warnings/fields-that-there-are-twice-are-warned-of.
    #[test]
    fn what_is_there_twice_is_put_together() {
        let read =
            together(br#"{"data": {"x": "1", "x": "2"}, "list": [1], "data": {"y": -1}, "list": [true, 2.5, null]}"#);
        let expected = serde_json::json!({"data": {"x": "2", "y": -1}, "list": [true, 2.5, null]});
        assert_eq!(read, Some(expected));
    }
}
