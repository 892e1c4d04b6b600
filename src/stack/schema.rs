//! The schema of a stack's values: what may be set, of which type, and what is said when it is wrong.

pub mod check;
pub mod describe;
pub mod formats;
mod typed;

use std::sync::{Arc, OnceLock};

use jsonschema::Validator;
use serde_json::Value;

use super::fault::{Fault, Mark};
use super::node::Node;
use super::path::{Step, Way};
use super::yaml;

/// How deep references to other parts of the schema are followed.
const DEEPEST: usize = 16;

/// So far below is looked for a name that was written too high.
const LOWER: usize = 4;

/// The JSON Schema of a stack's values.
#[derive(Debug, Clone)]
pub struct Schema {
    file: String,
    root: Value,
    nodes: Node<Mark>,
    validator: Arc<OnceLock<Result<Validator, Fault>>>,
}

/// The types that a schema allows at a place; none named means that all are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types(Vec<String>);

impl Types {
    /// The types of these names.
    pub fn named(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// Whether the type is named.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Whether a value of the type is allowed; where no type is named, only null is not.
    pub fn allows(&self, name: &str) -> bool {
        self.names(name) || (self.0.is_empty() && name != "null")
    }

    /// Whether a text is allowed and nothing else but null.
    pub fn only_text(&self) -> bool {
        self.names("string") && self.0.iter().all(|name| name == "string" || name == "null")
    }
}

impl Schema {
    /// Reads a schema; whether it is a valid one is [`Schema::lint`]'s question.
    ///
    /// # Errors
    /// When the text is not YAML.
    pub fn read(file: &str, text: &str) -> Result<Self, Fault> {
        let nodes = yaml::node(file, text)?;
        Ok(Self { file: file.to_owned(), root: nodes.to_value(), nodes, validator: Arc::default() })
    }

    /// The folder of the stack's own files, as it is written in front of their names.
    fn folder(&self) -> &str {
        self.file.strip_suffix("values.schema.yaml").unwrap_or(&self.file)
    }

    /// The parts of the schema that speak about the value at the way.
    pub fn at(&self, way: &Way) -> Vec<&Value> {
        way.0.iter().fold(self.spread(&self.root), |schemas, step| self.step(&schemas, step))
    }

    /// Whether the schema knows the way, or leaves open what is there.
    pub fn knows(&self, way: &Way) -> bool {
        !self.at(way).is_empty()
    }

    /// The types that are allowed at the way.
    pub fn types(&self, way: &Way) -> Types {
        let mut names: Vec<String> = Vec::new();
        for schema in self.at(way) {
            match schema.get("type") {
                Some(Value::String(name)) => names.push(name.clone()),
                Some(Value::Array(list)) => names.extend(list.iter().filter_map(Value::as_str).map(str::to_owned)),
                _ => {}
            }
        }
        Types(names)
    }

    /// Whether the value at the way is a secret, or lies inside one.
    pub fn is_secret(&self, way: &Way) -> bool {
        let secret = |schema: &&Value| schema["x-seaworthy"]["secret"] == true;
        let mut schemas = self.spread(&self.root);
        for step in &way.0 {
            schemas = self.step(&schemas, step);
            if schemas.iter().any(secret) {
                return true;
            }
        }
        false
    }

    /// The ways to all secrets that are made at random when nobody gives one.
    pub fn made(&self) -> Vec<Way> {
        let mut found = Vec::new();
        let mut open = vec![(Way::default(), self.spread(&self.root))];
        while let Some((way, schemas)) = open.pop() {
            if schemas.iter().any(|schema| schema["x-seaworthy"]["generate"] == true) {
                found.push(way);
            } else if way.0.len() < DEEPEST {
                let below = self.properties(&way).into_iter().map(|name| way.key(name));
                open.extend(below.map(|way| (way.clone(), self.at(&way))));
            }
        }
        found
    }

    /// Why nothing reads the value at the way, when nothing does.
    pub fn inert(&self, way: &Way) -> Option<&str> {
        self.at(way).into_iter().find_map(|schema| schema["x-seaworthy"]["inert"].as_str())
    }

    /// Whether a map at the way can hold a secret: what was given in its place may be one.
    fn holds_secret(&self, way: &Way) -> bool {
        fn holds(schema: &Value) -> bool {
            match schema {
                Value::Object(map) => schema["x-seaworthy"]["secret"] == true || map.values().any(holds),
                Value::Array(items) => items.iter().any(holds),
                _ => false,
            }
        }
        self.at(way).into_iter().any(holds)
    }

    /// The names of the properties the schema knows at the way.
    pub fn properties(&self, way: &Way) -> Vec<&str> {
        let maps = self.at(way).into_iter().filter_map(|schema| schema["properties"].as_object());
        maps.flat_map(|map| map.keys().map(String::as_str)).collect()
    }

    /// The way to the property of this name that lies deeper than the way, where one alone is the nearest: what was written too high.
    pub fn deeper(&self, above: &Way, name: &str) -> Option<Way> {
        let below = |way: &Way| self.properties(way).into_iter().map(|name| way.key(name)).collect::<Vec<_>>();
        let mut level = below(above);
        while !level.is_empty() && level[0].0.len() < above.0.len() + LOWER {
            level = level.iter().flat_map(below).collect();
            let mut found = level.iter().filter(|way| way.0.last() == Some(&Step::Key(name.to_owned())));
            match (found.next(), found.next()) {
                (Some(only), None) => return Some(only.clone()),
                (Some(_), Some(_)) => return None,
                _ => {}
            }
        }
        None
    }

    fn step<'a>(&'a self, schemas: &[&'a Value], step: &Step) -> Vec<&'a Value> {
        let below = schemas.iter().filter_map(|schema| match step {
            Step::Key(name) => entry(schema, name),
            Step::Index(index) => schema["prefixItems"].get(index).or_else(|| schema.get("items")),
        });
        below.filter(|schema| **schema != Value::Bool(false)).flat_map(|schema| self.spread(schema)).collect()
    }

    /// The schema itself with everything it refers to or is combined from.
    fn spread<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let mut spread = Vec::new();
        self.collect(schema, 0, &mut spread);
        spread
    }

    fn collect<'a>(&'a self, schema: &'a Value, depth: usize, into: &mut Vec<&'a Value>) {
        if depth > DEEPEST {
            return;
        }
        into.push(schema);
        if let Some(target) = schema["$ref"].as_str().and_then(|target| self.root.pointer(target.strip_prefix('#')?)) {
            self.collect(target, depth + 1, into);
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            for part in schema[word].as_array().into_iter().flatten() {
                self.collect(part, depth + 1, into);
            }
        }
        for word in ["then", "else"] {
            if let Some(part) = schema.get(word) {
                self.collect(part, depth + 1, into);
            }
        }
    }
}

/// The schema of one entry of a map.
fn entry<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let patterns = || schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
    schema["properties"].get(name).or_else(patterns).or_else(|| schema.get("additionalProperties"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_followed_through_references_lists_and_maps() {
        let text = "$defs:\n  image: {type: object, properties: {tag: {type: string}}}\nproperties:\n  \
                    image: {$ref: '#/$defs/image'}\n  env: {additionalProperties: {type: [string, integer]}}\n  \
                    list: {items: {properties: {key: {type: string, x-seaworthy: {secret: true}}}}}\n  \
                    closed: {additionalProperties: false}\n  loop: {$ref: '#/properties/loop'}\n";
        let schema = Schema::read("s", text).unwrap();
        assert!(schema.types(&Way::dotted("image.tag")).only_text());
        assert!(schema.types(&Way::dotted("env.X")).names("integer"));
        assert!(schema.is_secret(&Way::dotted("list[3].key")) && !schema.is_secret(&Way::dotted("list")));
        assert!(!schema.knows(&Way::dotted("closed.x")) && schema.knows(&Way::dotted("loop")));
        assert_eq!(schema.properties(&Way::default()), ["image", "env", "list", "closed", "loop"]);
    }
}
