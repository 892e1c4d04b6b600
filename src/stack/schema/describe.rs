//! The settings of a stack as a flat list: for `stacks show`, and for a form.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::super::path::Way;
use super::super::values::HIDDEN;
use super::Schema;

/// How deep maps are opened.
const DEEPEST: usize = 12;

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two of them make a state")]
pub struct Setting {
    /// The way to it.
    pub path: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Its type in plain words.
    #[serde(rename = "type")]
    pub kind: String,
    /// The types of a schema it can have: `string`, `integer`, ...
    pub types: Vec<String>,
    /// The default; `<secret>` for a secret that has one.
    pub default: Option<Value>,
    /// What profiles change in the default.
    pub profiles: BTreeMap<String, Value>,
    /// Whether it must be given, because it has no default.
    pub required: bool,
    /// Whether it is never shown and never written to disk.
    pub secret: bool,
    /// Whether one is made at random when none is given.
    pub made: bool,
    /// Why nothing reads it, when nothing does.
    pub inert: Option<String>,
    /// Whether it is shown only on demand.
    pub advanced: bool,
    /// Whether it is a text of several lines, such as a file.
    pub multiline: bool,
    /// The unit of a number.
    pub unit: Option<String>,
    /// The only values it can have.
    pub options: Vec<Value>,
    /// The smallest number.
    pub minimum: Option<Value>,
    /// The largest number.
    pub maximum: Option<Value>,
    /// The format of a text.
    pub format: Option<String>,
    /// The pattern of a text.
    pub pattern: Option<String>,
}

/// The settings, in the order of the schema.
pub fn settings(schema: &Schema, defaults: &Value, profiles: &BTreeMap<String, Value>) -> Vec<Setting> {
    let describer = Describer { schema, defaults, profiles };
    let mut settings = Vec::new();
    let scope = Scope { way: Way::default(), is_required: true, is_secret: false, is_advanced: false };
    describer.walk(&scope, &schema.spread(&schema.root), &mut settings);
    tell_apart(&mut settings);
    settings
}

/// What has to be given is asked for in one list, whatever part it belongs to: equal titles there are told apart by the part.
fn tell_apart(settings: &mut [Setting]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let required = || |setting: &&mut Setting| setting.required;
    for setting in settings.iter_mut().filter(required()) {
        *seen.entry(setting.title.clone().unwrap_or_default()).or_default() += 1;
    }
    for setting in settings.iter_mut().filter(required()) {
        let part = setting.path.split('.').next().unwrap_or_default();
        if let Some(title) = setting.title.as_mut().filter(|title| seen.get(*title).is_some_and(|many| *many > 1)) {
            *title = format!("{title} ({part})");
        }
    }
}

struct Describer<'a> {
    schema: &'a Schema,
    defaults: &'a Value,
    profiles: &'a BTreeMap<String, Value>,
}

/// A place in the schema, and what holds for everything below it.
struct Scope {
    way: Way,
    is_required: bool,
    is_secret: bool,
    is_advanced: bool,
}

impl Describer<'_> {
    fn walk(&self, scope: &Scope, schemas: &[&Value], settings: &mut Vec<Setting>) {
        let mut names: Vec<&str> = Vec::new();
        for schema in schemas {
            let properties = schema["properties"].as_object().into_iter().flatten();
            names.extend(properties.map(|(name, _)| name.as_str()));
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        if names.is_empty() || scope.way.0.len() >= DEEPEST {
            if !scope.way.is_root() {
                settings.push(self.setting(scope, schemas));
            }
            return;
        }
        let required = |name: &str| schemas.iter().any(|schema| lists(&schema["required"], name));
        for name in names {
            let way = scope.way.key(name);
            let below = self.schema.at(&way);
            let flag = |flag: &str| below.iter().any(|schema| schema["x-seaworthy"][flag] == true);
            let scope = Scope {
                is_required: scope.is_required && required(name),
                is_secret: scope.is_secret || flag("secret"),
                is_advanced: scope.is_advanced || flag("advanced"),
                way,
            };
            self.walk(&scope, &below, settings);
        }
    }

    fn setting(&self, scope: &Scope, schemas: &[&Value]) -> Setting {
        let find = |name: &str| schemas.iter().find_map(|schema| schema.get(name)).filter(|value| !value.is_null());
        let text = |name: &str| find(name).and_then(Value::as_str).map(|text| text.trim().to_owned());
        let types = types(schemas);
        let hide = |value: &Value| if scope.is_secret && value != "" { HIDDEN.into() } else { value.clone() };
        let default = scope.way.find(self.defaults).or_else(|| find("default"));
        let of_profile = |(name, layer): (&String, &Value)| Some((name.clone(), hide(scope.way.find(layer)?)));
        let profiles: BTreeMap<String, Value> = self.profiles.iter().filter_map(of_profile).collect();
        let wants_text = find("minLength").and_then(Value::as_u64).unwrap_or_default() > 0;
        let is_given = default.is_some_and(|value| !(wants_text && value == "")) || !profiles.is_empty();
        let made = schemas.iter().any(|schema| schema["x-seaworthy"]["generate"] == true);
        let unit = schemas.iter().find_map(|schema| schema["x-seaworthy"]["unit"].as_str());
        Setting {
            path: scope.way.to_string(),
            title: text("title"),
            description: text("description"),
            kind: words(schemas, &types),
            types,
            default: default.map(hide),
            profiles,
            required: !is_given && !made && (scope.is_required || wants_text && default.is_some()),
            secret: scope.is_secret,
            made,
            inert: schemas.iter().find_map(|schema| schema["x-seaworthy"]["inert"].as_str()).map(str::to_owned),
            advanced: scope.is_advanced,
            multiline: schemas.iter().any(|schema| schema["x-seaworthy"]["multiline"] == true),
            unit: unit.map(str::to_owned),
            options: find("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            minimum: find("minimum").cloned(),
            maximum: find("maximum").cloned(),
            format: text("format"),
            pattern: text("pattern"),
        }
    }
}

fn lists(names: &Value, name: &str) -> bool {
    names.as_array().is_some_and(|names| names.iter().any(|known| known == name))
}

fn types(schemas: &[&Value]) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for schema in schemas {
        match &schema["type"] {
            Value::String(name) => types.push(name.clone()),
            Value::Array(names) => types.extend(names.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    let mut seen = std::collections::HashSet::new();
    types.retain(|name| seen.insert(name.clone()));
    types
}

fn words(schemas: &[&Value], types: &[String]) -> String {
    let item = |name: &str| {
        let below = schemas.iter().find_map(|schema| schema.get(name)).filter(|schema| schema.is_object());
        below.map(|schema| words(&[schema], &self::types(&[schema]))).filter(|words| words != "any")
    };
    let word = |name: &String| match name.as_str() {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => item("items").map_or("list".to_owned(), |item| format!("list of {item}")),
        "object" => item("additionalProperties").map_or("map".to_owned(), |item| format!("map of {item}")),
        other => other.to_owned(),
    };
    let format = schemas.iter().find_map(|schema| schema["format"].as_str());
    match format {
        Some(format) if types.iter().any(|name| name == "string") => format.to_owned(),
        _ if schemas.iter().any(|schema| schema["enum"].is_array()) => "choice".to_owned(),
        _ if types.is_empty() => "any".to_owned(),
        _ => types.iter().map(word).collect::<Vec<_>>().join(" or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_told_flat_and_in_order() {
        let text = "\
$defs: {size: {type: string, format: quantity}}
required: [token]
properties:
  web:
    type: object
    x-seaworthy: {advanced: true}
    properties:
      replicas: {title: Replicas, description: 'How many. ', type: integer, minimum: 1, x-seaworthy: {unit: pods}}
      env: {type: object, additionalProperties: {type: string}}
      size: {$ref: '#/$defs/size'}
  mode: {enum: [a, b]}
  token: {type: string, minLength: 1, x-seaworthy: {secret: true}}
  list: {type: array, items: {type: [string, 'null']}}
";
        let schema = Schema::read("s", text).unwrap();
        let profiles = BTreeMap::from([("ha".to_owned(), json!({"web": {"replicas": 3}}))]);
        let settings = settings(&schema, &json!({"web": {"replicas": 1}, "token": ""}), &profiles);
        let kinds: Vec<_> = settings.iter().map(|setting| (setting.path.as_str(), setting.kind.as_str())).collect();
        let expected = [
            ("web.replicas", "whole number"),
            ("web.env", "map of text"),
            ("web.size", "quantity"),
            ("mode", "choice"),
            ("token", "text"),
            ("list", "list of text or null"),
        ];
        assert_eq!(kinds, expected);
        let replicas = &settings[0];
        assert_eq!((replicas.default.clone(), replicas.minimum.clone()), (Some(json!(1)), Some(json!(1))));
        assert_eq!((replicas.unit.as_deref(), replicas.description.as_deref()), (Some("pods"), Some("How many.")));
        assert_eq!(replicas.profiles["ha"], json!(3));
        assert!(replicas.advanced && !replicas.required && !replicas.secret);
        assert_eq!(settings[3].options, [json!("a"), json!("b")]);
        assert!(settings[4].required && settings[4].secret && !settings[5].required);
    }
}
