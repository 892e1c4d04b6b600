//! One page of a list, read straight into what is kept of its objects: what nobody reads is skipped while it is parsed, which is most of what
//! an API server sends of a pod, and nothing has room to grow.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Whether the entry `key` of the object at `parent` is skipped.
pub type Skip = fn(parent: &str, key: &str) -> bool;

/// Nothing is skipped.
pub fn whole(_: &str, _: &str) -> bool {
    false
}

/// What comes out of a page, in the order in which it is written there.
#[derive(Debug, PartialEq)]
pub enum Part {
    /// The token of the next page, which API servers write before the objects; `None`: this is the last one.
    GoesOn(Option<String>),
    /// An object.
    Object(Value),
}

/// Parses a page.
///
/// # Errors
/// When it is no list in JSON.
pub fn read(page: &str, skip: Skip, take: &mut dyn FnMut(Part)) -> serde_json::Result<()> {
    let mut parser = serde_json::Deserializer::from_str(page);
    parser.deserialize_map(Page { skip, take })?;
    parser.end()
}

/// Parses one object.
///
/// # Errors
/// When it is no JSON.
pub fn object(text: &str, skip: Skip) -> serde_json::Result<Value> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let object = Lean { parent: "", skip }.deserialize(&mut parser)?;
    parser.end()?;
    Ok(object)
}

struct Page<'a> {
    skip: Skip,
    take: &'a mut dyn FnMut(Part),
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => {
                    let metadata: Value = map.next_value()?;
                    let token = metadata["continue"].as_str().filter(|token| !token.is_empty());
                    (self.take)(Part::GoesOn(token.map(str::to_owned)));
                }
                "items" => map.next_value_seed(Items { skip: self.skip, take: &mut *self.take })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Items<'a> {
    skip: Skip,
    take: &'a mut dyn FnMut(Part),
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the objects of a list")
    }

    /// An empty list may be written as null.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(object) = list.next_element_seed(Lean { parent: "", skip: self.skip })? {
            (self.take)(Part::Object(object));
        }
        Ok(())
    }
}

/// A value without what is skipped. Items of an array have the parent of the array.
struct Lean<'a> {
    parent: &'a str,
    skip: Skip,
}

impl<'de> DeserializeSeed<'de> for Lean<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lean<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(item) = list.next_element_seed(Lean { parent: self.parent, skip: self.skip })? {
            kept.push(item);
        }
        kept.shrink_to_fit();
        Ok(kept.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if (self.skip)(self.parent, &key) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value_seed(Lean { parent: &key, skip: self.skip })?;
            kept.push((key, value));
        }
        // Made for as many entries as there are.
        Ok(kept.into_iter().collect::<Map<_, _>>().into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(page: &str, skip: Skip) -> (serde_json::Result<()>, Vec<Value>, Vec<Option<String>>) {
        let (mut objects, mut tokens) = (Vec::new(), Vec::new());
        let result = read(page, skip, &mut |part| match part {
            Part::GoesOn(token) => tokens.push(token),
            Part::Object(object) => objects.push(object),
        });
        (result, objects, tokens)
    }

    #[test]
    fn objects_are_what_serde_json_makes_of_them() {
        let item = json!({"metadata": {"name": "ä\u{1F6A2}\n", "managedFields": [{"time": "t", "fieldsV1": {"f:a": {}}}]},
            "spec": {"n": [1, -2, 2.5, true, null, "", [], {}], "big": u64::MAX}});
        let page = json!({"kind": "PodList", "metadata": {"continue": "next"}, "items": [item, {}]}).to_string();
        let (result, objects, tokens) = parsed(&page, whole);
        result.expect("it is a list");
        assert_eq!(objects, [item, json!({})]);
        assert_eq!(tokens, [Some("next".to_owned())]);
    }

    #[test]
    fn what_nobody_reads_is_not_there() {
        let page = json!({"items": [{"metadata": {"managedFields": [{"time": "t", "fieldsV1": {"f:a": {}}}]}, "fieldsV1": 1}]});
        let (_, objects, _) = parsed(&page.to_string(), |parent, key| (parent, key) == ("managedFields", "fieldsV1"));
        assert_eq!(objects, [json!({"metadata": {"managedFields": [{"time": "t"}]}, "fieldsV1": 1})]);
    }

    #[test]
    fn a_last_page_names_no_other_and_an_empty_one_may_be_null() {
        for page in [r#"{"items":null,"metadata":{"continue":""}}"#, r#"{"metadata":{},"items":[]}"#] {
            let (result, objects, tokens) = parsed(page, whole);
            result.expect("it is a list");
            assert_eq!((objects.len(), tokens), (0, vec![None]));
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for page in ["", "[]", r#"{"items":[{"a":1}"#, r#"{"items":{}}"#, r#"{"items":[]}x"#] {
            assert!(parsed(page, whole).0.is_err(), "{page}");
        }
    }
}
