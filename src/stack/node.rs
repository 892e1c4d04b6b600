//! A tree of values in which every value knows where it came from.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_yaml::Spanned;

use super::fault::Mark;
use super::path::{Step, Way};
use super::yaml::mark;

/// A value, and what is remembered about it: its position in a file, or its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<A> {
    /// What is remembered about it; for the entry of a map, this is about the entry (the key).
    pub at: A,
    /// The value itself.
    pub data: Data<A>,
}

/// The three shapes of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Data<A> {
    /// A text, a number, a boolean or null.
    Scalar(Value),
    /// A list.
    List(Vec<Node<A>>),
    /// A map, in the order in which it was written.
    Map(Vec<(String, Node<A>)>),
}

impl<A> Node<A> {
    /// An empty map.
    pub fn map(at: A) -> Self {
        Self { at, data: Data::Map(Vec::new()) }
    }

    /// The plain value.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => items.iter().map(Self::to_value).collect(),
            Data::Map(entries) => entries.iter().map(|(name, node)| (name.clone(), node.to_value())).collect(),
        }
    }

    /// The child that one step leads to.
    pub fn child(&self, step: &Step) -> Option<&Self> {
        match (step, &self.data) {
            (Step::Key(name), Data::Map(entries)) => entries.iter().find(|(key, _)| key == name).map(|(_, node)| node),
            (Step::Index(index), Data::List(items)) => items.get(*index),
            _ => None,
        }
    }

    /// What is remembered about the value at the end of the way, or about the deepest value on it that exists.
    pub fn nearest(&self, way: &Way) -> &A {
        let mut node = self;
        for step in &way.0 {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        &node.at
    }

    /// The same tree, with something else remembered.
    pub fn annotate<B>(self, remember: &impl Fn(A) -> B) -> Node<B> {
        let data = match self.data {
            Data::Scalar(value) => Data::Scalar(value),
            Data::List(items) => Data::List(items.into_iter().map(|item| item.annotate(remember)).collect()),
            Data::Map(entries) => {
                Data::Map(entries.into_iter().map(|(name, node)| (name, node.annotate(remember))).collect())
            }
        };
        Node { at: remember(self.at), data }
    }
}

impl<A: Clone> Node<A> {
    /// A tree in which the same is remembered about every value.
    pub fn from_value(value: Value, at: &A) -> Self {
        let data = match value {
            Value::Array(items) => Data::List(items.into_iter().map(|item| Self::from_value(item, at)).collect()),
            Value::Object(entries) => {
                Data::Map(entries.into_iter().map(|(name, value)| (name, Self::from_value(value, at))).collect())
            }
            scalar => Data::Scalar(scalar),
        };
        Self { at: at.clone(), data }
    }
}

impl<'de> Deserialize<'de> for Node<Mark> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Data<Mark>>::deserialize(deserializer)?;
        Ok(Self { at: mark(&spanned.referenced), data: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Data<Mark> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data<Mark>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Data::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Data::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Data::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<Self::Value, S::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Data::List(items))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let mut node: Node<Mark> = map.next_value()?;
            node.at = mark(&key.referenced);
            entries.push((key.value, node));
        }
        Ok(Data::Map(entries))
    }
}
