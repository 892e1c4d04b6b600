//! Takes secrets out of what has a structure: objects of Kubernetes, entries of journals, reports.

use serde_json::{Map, Value, json};

use super::entropy::{decoded, is_odd};
use super::keys::{self, Weight};
use super::values::is_innocent_word;
use super::{Redactor, Rule};

const VALUE: Rule = "secret-data";
const CONFIG: Rule = "config-data";
const NAMED: Rule = "named-secret";
const ENVIRONMENT: Rule = "environment";
/// Shorter literals of the environment are settings.
const LEAST: usize = 10;
/// What stands in the place of a value that is not asked for.
const WITHHELD: &str = "<withheld: ";

/// Something that was hidden, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The way to it: `Pod/shop/web: spec.containers[0].env[1].value`.
    pub at: String,
    /// What found it.
    pub rule: Rule,
    /// What stands in its place; none where a value was withheld without looking at it.
    pub token: Option<String>,
}

/// Walks through values and keeps account of what it hides.
pub struct Tree<'a> {
    redactor: &'a Redactor,
    with_config: bool,
    /// What was hidden.
    pub hidden: Vec<Place>,
}

impl<'a> Tree<'a> {
    /// `with_config`: values of `ConfigMap`s are shown as far as no secret is in them.
    pub fn new(redactor: &'a Redactor, with_config: bool) -> Self {
        Self { redactor, with_config, hidden: Vec::new() }
    }

    /// Takes the secrets out of a value; `place` says where it is.
    pub fn clean(&mut self, value: &mut Value, place: &str) {
        self.walk(value, None, place);
    }

    fn walk(&mut self, value: &mut Value, weight: Option<Weight>, place: &str) {
        match value {
            Value::String(text) => self.text(text, weight, place),
            Value::Number(number) if weight == Some(Weight::Strong) && number.to_string().len() > 3 => {
                let text = number.to_string();
                *value = self.hide(&text, NAMED, place).into();
            }
            Value::Array(list) => self.list(list, weight, place),
            Value::Object(map) => self.map(map, place),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn map(&mut self, map: &mut Map<String, Value>, place: &str) {
        match map.get("kind").and_then(Value::as_str) {
            Some("Secret") => self.secret(map, place),
            Some("ConfigMap") if !self.with_config => self.config(map, place),
            _ => {}
        }
        self.named_value(map, place);
        let strange: Vec<String> =
            map.keys().filter(|key| !self.redactor.still_there(key).is_empty()).cloned().collect();
        for key in strange {
            if let Some(value) = map.remove(&key) {
                let mut name = key;
                self.text(&mut name, None, &format!("{place} (a key)"));
                map.insert(name, value);
            }
        }
        for (key, value) in map.iter_mut() {
            let inner = join(place, key);
            self.walk(value, keys::weight(key), &inner);
        }
    }

    /// In a list of arguments what follows `--password` is one.
    fn list(&mut self, list: &mut [Value], weight: Option<Weight>, place: &str) {
        let mut flagged = None;
        for (number, value) in list.iter_mut().enumerate() {
            let flag = value
                .as_str()
                .filter(|text| text.starts_with('-') && !text.contains(['=', ' ']))
                .and_then(keys::weight);
            let inner = format!("{place}[{number}]");
            self.walk(value, flagged.or(weight), &inner);
            flagged = flag;
        }
    }

    /// `name: DB_PASSWORD` beside `value: ...`.
    fn named_value(&mut self, map: &mut Map<String, Value>, place: &str) {
        let name = ["name", "key"].iter().find_map(|key| map.get(*key)).and_then(Value::as_str).map(str::to_owned);
        let (Some(name), Some(Value::String(value))) = (name, map.get_mut("value")) else { return };
        let place = join(place, "value");
        match keys::weight(&name) {
            Some(weight) => self.text(value, Some(weight), &place),
            None if is_odd_setting(value) => *value = self.hide(&value.clone(), ENVIRONMENT, &place),
            None => {}
        }
    }

    /// Names of keys stay; a token for each value tells which are the same.
    fn secret(&mut self, map: &mut Map<String, Value>, place: &str) {
        for part in ["data", "stringData"] {
            let values = map.get_mut(part).and_then(Value::as_object_mut);
            for (key, value) in values.into_iter().flatten() {
                let Some(text) = value.as_str().filter(|text| !text.is_empty() && !is_token(text)) else { continue };
                let plain = if part == "data" { plain(text) } else { text.to_owned() };
                let at = join(&join(place, part), key);
                *value = self.hide(plain.trim(), VALUE, &at).into();
            }
        }
    }

    fn config(&mut self, map: &mut Map<String, Value>, place: &str) {
        for part in ["data", "binaryData"] {
            let values = map.get_mut(part).and_then(Value::as_object_mut);
            for (key, value) in values.into_iter().flatten() {
                let Some(text) = value.as_str().filter(|text| !text.is_empty() && !text.starts_with(WITHHELD)) else {
                    continue;
                };
                let at = join(&join(place, part), key);
                *value = json!(format!("{WITHHELD}{} bytes>", text.len()));
                self.hidden.push(Place { at, rule: CONFIG, token: None });
            }
        }
    }

    fn text(&mut self, text: &mut String, weight: Option<Weight>, place: &str) {
        if is_token(text) {
            return;
        }
        if let Some(weight) = weight
            && !text.is_empty()
            && !is_innocent_word(text, weight)
        {
            *text = self.hide(text.trim(), NAMED, place);
            return;
        }
        if text.trim_start().starts_with(['{', '['])
            && let Ok(mut inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
        {
            let before = self.hidden.len();
            self.walk(&mut inner, None, place);
            if self.hidden.len() > before {
                *text = inner.to_string();
            }
        }
        let left = self.redactor.text(text);
        if !left.hidden.is_empty() {
            *text = left.text;
            let places = left.hidden.into_iter();
            self.hidden.extend(places.map(|hidden| Place {
                at: place.to_owned(),
                rule: hidden.rule,
                token: Some(hidden.token),
            }));
        }
    }

    fn hide(&mut self, secret: &str, rule: Rule, place: &str) -> String {
        let token = self.redactor.token(secret);
        self.hidden.push(Place { at: place.to_owned(), rule, token: Some(token.clone()) });
        token
    }
}

fn is_token(text: &str) -> bool {
    text.starts_with(super::token::BEGIN) && text.ends_with('>') && !text.contains(' ')
}

/// What a value of a Secret means, as far as it is text.
fn plain(encoded: &str) -> String {
    let bytes = decoded(encoded);
    bytes.map_or_else(|| encoded.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn join(place: &str, key: &str) -> String {
    let sign = if place.is_empty() || place.ends_with(": ") { "" } else { "." };
    format!("{place}{sign}{key}")
}

/// A word with letters and digits, or with signs that no name has, and odd.
fn is_odd_setting(value: &str) -> bool {
    let has = |test: fn(&u8) -> bool| value.bytes().any(|byte| test(&byte));
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
        || value.contains(['!', '#', '$', '%', '^', '*', '?']) && !value.contains("$(") && !value.contains("${");
    let is_hexadecimal = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    value.len() >= LEAST
        && is_mixed
        && !is_hexadecimal
        && !value.contains([' ', '/', '.', ':', ',', '-', '_', '='])
        && is_odd(value)
}
