//! Reading a value into a type, and telling everything that does not fit at once.
//!
//! A `Deserialize` stops at its first error and mostly ignores unknown fields. This deserializer sees the names of the
//! fields that a struct has (`deserialize_struct` passes them), so it reports every field that the struct does not have;
//! and after an error it leaves the offending value out and reads again, until nothing new is found.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde_json::Value;

use super::path::{Step, Way};
use super::{Fault, FaultKind, Place, StackError, yaml};
use crate::error::closest;

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The way to it.
    pub way: Way,
    /// What is the matter.
    pub problem: Problem,
}

/// The ways in which a value does not fit a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The type has no such field.
    Unknown {
        /// The field that was probably meant.
        closest: Option<&'static str>,
        /// The fields there are.
        known: &'static [&'static str],
    },
    /// The value is not of the type.
    Wrong(String),
    /// A field that must be there is not.
    Missing(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { closest: Some(name), .. } => write!(formatter, "did you mean `{name}`?"),
            Self::Unknown { known: [], .. } => formatter.write_str("nothing is expected here"),
            Self::Unknown { known, .. } => write!(formatter, "known are {}", known.join(", ")),
            Self::Wrong(message) => formatter.write_str(message),
            Self::Missing(field) => write!(formatter, "`{field}` is missing"),
        }
    }
}

/// The rounds after which no more errors are looked for.
const ROUNDS: usize = 40;

/// The value as a `T`.
///
/// # Errors
/// Everything that does not fit; never empty.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Vec<Misfit>> {
    let Draft { read, misfits, .. } = draft(value);
    read.filter(|_| misfits.is_empty()).ok_or(misfits)
}

/// What a file of YAML says.
///
/// # Errors
/// When it is no YAML, or everything that does not fit, each with its line.
pub fn of_file<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, StackError> {
    let nodes = yaml::node(file, text)?;
    read(&nodes.to_value()).map_err(|misfits| {
        let fault = |misfit: Misfit| {
            let place = Place { file: file.into(), mark: *nodes.nearest(&misfit.way) };
            Fault::new(FaultKind::BadStack, place, misfit.problem.to_string()).on(misfit.way)
        };
        StackError::Faults(misfits.into_iter().map(fault).collect())
    })
}

/// A value as far as it could be read.
pub struct Draft<T> {
    /// What came of it; none where what does not fit cannot be left out.
    pub read: Option<T>,
    /// Everything that does not fit.
    pub misfits: Vec<Misfit>,
    /// The ways to what was left out because of it.
    pub left_out: Vec<Way>,
}

/// The value as a `T` without what does not fit.
pub fn draft<T: DeserializeOwned>(value: &Value) -> Draft<T> {
    let findings = Findings::default();
    let mut draft = None;
    for _ in 0..ROUNDS {
        match T::deserialize(At { value, trail: &Trail::Root, findings: &findings }) {
            Ok(read) => {
                draft = Some(read);
                break;
            }
            Err(error) => {
                if !findings.stopped(error) {
                    break;
                }
            }
        }
    }
    Draft { read: draft, misfits: findings.misfits.into_inner(), left_out: findings.left_out.into_inner() }
}

/// What was found so far, and the values that are left out because of it when reading again.
#[derive(Default)]
struct Findings {
    misfits: RefCell<Vec<Misfit>>,
    left_out: RefCell<Vec<Way>>,
}

impl Findings {
    fn is_left_out(&self, trail: &Trail<'_>) -> bool {
        let left_out = self.left_out.borrow();
        !left_out.is_empty() && left_out.contains(&trail.way())
    }

    /// Takes in the error at which reading stopped; whether there is a point in reading again.
    fn stopped(&self, stop: Stop) -> bool {
        let way = stop.way.unwrap_or_default();
        let is_explained = match &stop.problem {
            Problem::Missing(field) => self.left_out.borrow().contains(&way.key(field)),
            _ => false,
        };
        let again = !way.is_root() && !self.left_out.borrow().contains(&way);
        self.left_out.borrow_mut().push(way.clone());
        if !is_explained {
            self.misfits.borrow_mut().push(Misfit { way, problem: stop.problem });
        }
        again
    }

    fn unknown(&self, way: Way, name: &str, known: &'static [&'static str]) {
        let problem = Problem::Unknown { closest: closest(name, known.iter().copied()), known };
        let mut misfits = self.misfits.borrow_mut();
        if !misfits.iter().any(|misfit| misfit.way == way) {
            misfits.push(Misfit { way, problem });
        }
    }
}

/// The way down to the current value, as a list that lives on the stack.
enum Trail<'t> {
    Root,
    Key(&'t Trail<'t>, &'t str),
    Index(&'t Trail<'t>, usize),
}

impl Trail<'_> {
    fn way(&self) -> Way {
        let (above, step) = match self {
            Self::Root => return Way::default(),
            Self::Key(above, name) => (above, Step::Key((*name).to_owned())),
            Self::Index(above, index) => (above, Step::Index(*index)),
        };
        let mut way = above.way();
        way.0.push(step);
        way
    }
}

/// A misfit on its way up, which learns its place from the first value it passes.
#[derive(Debug)]
struct Stop {
    way: Option<Way>,
    problem: Problem,
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(formatter)
    }
}

impl std::error::Error for Stop {}

impl Stop {
    fn wrong(message: String) -> Self {
        Self { way: None, problem: Problem::Wrong(message) }
    }

    fn at(mut self, trail: &Trail<'_>) -> Self {
        self.way.get_or_insert_with(|| trail.way());
        self
    }
}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::wrong(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::wrong(format!("expected {}, found {}", plain(&expected.to_string()), found(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self { way: None, problem: Problem::Missing(field.to_owned()) }
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::wrong(format!("`{variant}` is not one of {}", known.join(", ")))
    }
}

/// What a Rust type expects, in the words of somebody who writes YAML.
fn plain(expected: &str) -> String {
    let plain = match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a text",
        "a sequence" => "a list",
        "unit" => "nothing",
        other => {
            return other.strip_prefix("struct ").map_or_else(|| other.to_owned(), |name| format!("a map ({name})"));
        }
    };
    plain.to_owned()
}

fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("{value}"),
        Unexpected::Unsigned(value) => format!("the number {value}"),
        Unexpected::Signed(value) => format!("the number {value}"),
        Unexpected::Float(value) => format!("the number {value}"),
        Unexpected::Str(text) => {
            let shown: String = text.chars().filter(|character| !character.is_control()).take(40).collect();
            format!("the text `{shown}`")
        }
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// The deserializer of one value.
struct At<'a, 't> {
    value: &'a Value,
    trail: &'t Trail<'t>,
    findings: &'t Findings,
}

impl<'a> At<'a, '_> {
    fn any<V: Visitor<'a>>(self, visitor: V, fields: Option<&'static [&'static str]>) -> Result<V::Value, Stop> {
        let visited = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(signed), _) => visitor.visit_i64(signed),
                (_, Some(unsigned)) => visitor.visit_u64(unsigned),
                _ => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter().enumerate(), above: &self }),
            Value::Object(entries) => {
                visitor.visit_map(Entries { rest: entries.iter(), current: None, fields, above: &self })
            }
        };
        visited.map_err(|stop| stop.at(self.trail))
    }
}

impl<'a> Deserializer<'a> for At<'a, '_> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.any(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if self.value.is_array() {
            return Err(de::Error::invalid_type(Unexpected::Seq, &visitor)).map_err(|stop: Stop| stop.at(self.trail));
        }
        self.any(visitor, Some(fields))
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let trail = self.trail;
        let visited = match self.value {
            Value::String(text) => visitor.visit_enum(IntoDeserializer::<Stop>::into_deserializer(text.as_str())),
            Value::Object(_) => self.value.deserialize_enum(name, variants, visitor).map_err(de::Error::custom),
            _ => Err(Stop::wrong(format!("expected one of {}", variants.join(", ")))),
        };
        visited.map_err(|stop| stop.at(trail))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier
    }
}

/// The items of a list.
struct Items<'a, 't> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
    above: &'t At<'a, 't>,
}

impl<'a> de::SeqAccess<'a> for Items<'a, '_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Stop> {
        let findings = self.above.findings;
        for (index, value) in self.items.by_ref() {
            let trail = Trail::Index(self.above.trail, index);
            if findings.is_left_out(&trail) {
                continue;
            }
            return seed.deserialize(At { value, trail: &trail, findings }).map(Some);
        }
        Ok(None)
    }
}

/// The entries of a map.
struct Entries<'a, 't> {
    rest: serde_json::map::Iter<'a>,
    current: Option<(&'a str, &'a Value)>,
    fields: Option<&'static [&'static str]>,
    above: &'t At<'a, 't>,
}

impl<'a> de::MapAccess<'a> for Entries<'a, '_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Stop> {
        let findings = self.above.findings;
        for (name, value) in self.rest.by_ref() {
            let trail = Trail::Key(self.above.trail, name);
            if let Some(fields) = self.fields.filter(|fields| !fields.contains(&name.as_str())) {
                findings.unknown(trail.way(), name, fields);
                continue;
            }
            if findings.is_left_out(&trail) {
                continue;
            }
            self.current = Some((name, value));
            let key: Result<_, Stop> = match self.fields {
                Some(_) => seed.deserialize(StrDeserializer::new(name)),
                None => seed.deserialize(StringDeserializer::new(name.clone())),
            };
            return key.map(Some).map_err(|stop| stop.at(&trail));
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<T::Value, Stop> {
        let Some((name, value)) = self.current.take() else {
            return Err(Stop::wrong("a value without a key".to_owned()));
        };
        let trail = Trail::Key(self.above.trail, name);
        seed.deserialize(At { value, trail: &trail, findings: self.above.findings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::apps::v1::Deployment;
    use serde_json::json;

    fn misfits(value: &Value) -> Vec<String> {
        let misfits = read::<Deployment>(value).err().unwrap_or_default();
        misfits.into_iter().map(|misfit| format!("{}: {}", misfit.way, misfit.problem)).collect()
    }

    #[test]
    fn all_misfits_of_an_object_are_told_at_once() {
        let container =
            json!({"name": "x", "imagePullPolcy": "Always", "ports": [{"containerPort": "http"}], "args": "a"});
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "zzzzzzzz": 1,
            "spec": {"replicas": "2", "template": {"spec": {"containers": [container]}}}});
        let mut told = misfits(&object);
        told.sort();
        assert_eq!(told.len(), 5, "{told:#?}");
        assert_eq!(told[0], "spec.replicas: expected a whole number, found the text `2`");
        assert_eq!(told[1], "spec.template.spec.containers[0].args: expected a list, found the text `a`");
        assert_eq!(told[2], "spec.template.spec.containers[0].imagePullPolcy: did you mean `imagePullPolicy`?");
        assert!(
            told[3].starts_with("spec.template.spec.containers[0].ports[0].containerPort: expected"),
            "{}",
            told[3]
        );
        assert!(told[4].starts_with("zzzzzzzz: known are apiVersion, kind, metadata"), "{}", told[4]);
    }

    #[test]
    fn what_fits_is_read() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
            "spec": {"replicas": 2, "selector": {}, "template": {"spec": {"containers": [
                {"name": "x", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}]}}}});
        let read: Deployment = read(&object).unwrap();
        assert_eq!(read.spec.replicas, Some(2));
    }

    #[test]
    fn a_value_of_another_shape_is_one_misfit() {
        assert_eq!(misfits(&json!([])).len(), 1);
        assert_eq!(misfits(&json!("x")).len(), 1);
    }
}
