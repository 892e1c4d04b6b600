//! Values against their schema: all faults at once, in plain words, with the place that is to blame.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use super::super::fault::{Fault, FaultKind, Mark, Origin, Place, Severity};
use super::super::node::{Data, Node};
use super::super::path::{Step, Way};
use super::super::values::{HIDDEN, MADE, Values};
use super::{Schema, formats};
use crate::error::closest;

/// What `x-seaworthy` can say about a value.
const HINTS: [&str; 6] = ["secret", "advanced", "unit", "multiline", "generate", "inert"];

/// As many names are listed when none is close to what was typed.
const LISTED: usize = 12;

impl Schema {
    /// Everything in the values that the schema does not allow.
    pub fn check(&self, values: &Values) -> Vec<Fault> {
        let validator = match self.validator() {
            Ok(validator) => validator,
            Err(fault) => return vec![fault],
        };
        let judge = Judge { schema: self, values };
        let mut faults: Vec<Fault> = Vec::new();
        for error in validator.iter_errors(values.tree()) {
            if judge.is_stand_in(&error) {
                continue;
            }
            for fault in judge.faults(&error) {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
        // What is of another type is not judged further.
        let other: Vec<Way> =
            faults.iter().filter(|fault| fault.kind == FaultKind::WrongType).map(|fault| fault.way.clone()).collect();
        faults.retain(|fault| fault.kind != FaultKind::BadValue || !other.contains(&fault.way));
        judge.inert(values.chosen(), &Way::default(), &mut faults);
        faults
    }

    /// The compiled schema, compiled when it is first needed.
    fn validator(&self) -> Result<&Validator, Fault> {
        self.validator.get_or_init(|| self.compile()).as_ref().map_err(Clone::clone)
    }

    fn compile(&self) -> Result<Validator, Fault> {
        if let Some(fault) = self.unknown_hint(&self.nodes, &Way::default()) {
            return Err(fault);
        }
        let mut root = self.root.clone();
        bound_ports(&mut root);
        formats::options().build(&root).map_err(|error| {
            let way = Way::pointer(error.instance_path().as_str(), &self.root);
            let place = Place { file: self.file.as_str().into(), mark: *self.nodes.nearest(&way) };
            Fault::new(FaultKind::BadStack, place, format!("is not a JSON Schema: {error}")).on(way)
        })
    }

    /// A slip in `x-seaworthy`, which no meta-schema would find, and which could show a secret.
    fn unknown_hint(&self, node: &Node<Mark>, way: &Way) -> Option<Fault> {
        let below = match &node.data {
            Data::Scalar(_) => return None,
            Data::List(items) => items.iter().enumerate().map(|(index, item)| (Step::Index(index), item)).collect(),
            Data::Map(entries) => {
                entries.iter().map(|(name, node)| (Step::Key(name.clone()), node)).collect::<Vec<_>>()
            }
        };
        if way.0.last() == Some(&Step::Key("x-seaworthy".to_owned())) {
            let unknown = |step: &Step| !matches!(step, Step::Key(name) if HINTS.contains(&name.as_str()));
            let (step, node) = below.into_iter().find(|(step, _)| unknown(step))?;
            let place = Place { file: self.file.as_str().into(), mark: node.at };
            let message = format!("unknown key; known are {}", HINTS.join(", "));
            return Some(Fault::new(FaultKind::BadStack, place, message).on(way.with(step)));
        }
        below.into_iter().find_map(|(step, node)| self.unknown_hint(node, &way.with(step)))
    }

    /// What is wrong with the schema itself.
    pub fn lint(&self) -> Vec<Fault> {
        self.validator().err().into_iter().collect()
    }
}

/// `format` speaks about texts only, so ports that are numbers get their bounds.
fn bound_ports(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(bound_ports),
        Value::Object(map) => {
            if map.get("format").is_some_and(|format| format == "port") {
                map.entry("minimum").or_insert(1.into());
                map.entry("maximum").or_insert(65535.into());
            }
            map.values_mut().for_each(bound_ports);
        }
        _ => {}
    }
}

struct Judge<'a> {
    schema: &'a Schema,
    values: &'a Values,
}

impl Judge<'_> {
    fn faults(&self, error: &ValidationError<'_>) -> Vec<Fault> {
        let way = Way::pointer(error.instance_path().as_str(), self.values.tree());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().map(|name| self.unknown(&way, name)).collect()
            }
            ValidationErrorKind::Required { property } => {
                vec![self.missing(way.key(property.as_str().unwrap_or_default()))]
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                self.branches(way, context)
            }
            ValidationErrorKind::MinLength { .. } if self.is_left_empty(&way) => vec![self.missing(way)],
            kind => vec![self.wrong(way, kind)],
        }
    }

    /// Whether it is about what stands for a secret that is not given now: the secret itself was judged when it was, or fits by its making.
    fn is_stand_in(&self, error: &ValidationError<'_>) -> bool {
        let way = Way::pointer(error.instance_path().as_str(), self.values.tree());
        let stands = way.find(self.values.tree()).is_some_and(|value| value == HIDDEN || value == MADE);
        stands && self.schema.is_secret(&way)
    }

    /// What somebody chose and nothing reads: that it changes nothing must not be found out later.
    fn inert(&self, chosen: &Value, way: &Way, faults: &mut Vec<Fault>) {
        if let Some(why) = self.schema.inert(way) {
            let fault = self.at(FaultKind::UnknownValue, way.clone(), format!("changes nothing: {why}"));
            faults.push(fault.severity(Severity::Warning));
            return;
        }
        for (name, value) in chosen.as_object().into_iter().flatten() {
            self.inert(value, &way.key(name), faults);
        }
    }

    fn at(&self, kind: FaultKind, way: Way, message: String) -> Fault {
        Fault::new(kind, self.values.origin(&way).clone(), message).on(way)
    }

    fn unknown(&self, above: &Way, name: &str) -> Fault {
        let known = self.schema.properties(above);
        let message = match (self.schema.deeper(above, name), closest(name, known.iter().copied())) {
            (Some(way), _) => format!("unknown key here; its place is `{way}`"),
            (None, Some(meant)) => format!("unknown key, did you mean `{meant}`?"),
            (None, None) if known.is_empty() || known.len() > LISTED => "unknown key".to_owned(),
            (None, None) => format!("unknown key; known are {}", known.join(", ")),
        };
        self.at(FaultKind::UnknownValue, above.key(name), message)
    }

    fn missing(&self, way: Way) -> Fault {
        let title = self.schema.at(&way).iter().find_map(|schema| schema["title"].as_str());
        let what = title.map(|title| format!(" ({title})")).unwrap_or_default();
        let how = if self.schema.is_secret(&way) {
            format!("`--secret {way}=@FILE`")
        } else {
            format!("`--set {way}=...` or in a file with `-f`")
        };
        Fault::nowhere(FaultKind::MissingValue, format!("is required{what} and has no default; give it with {how}"))
            .on(way)
    }

    /// Whether a text is empty because nobody but the stack's own files said anything.
    fn is_left_empty(&self, way: &Way) -> bool {
        let own =
            matches!(self.values.origin(way), Origin::Place(place) if place.file.starts_with(self.schema.folder()));
        own && way.find(self.values.tree()).is_some_and(|value| value == "")
    }

    fn wrong(&self, way: Way, kind: &ValidationErrorKind) -> Fault {
        let is_type = matches!(kind, ValidationErrorKind::Type { .. });
        let fault_kind = if is_type { FaultKind::WrongType } else { FaultKind::BadValue };
        let expected = self.expected(&way, kind);
        let written = self.as_list(&way, kind).unwrap_or_default();
        let message = format!("is {}, expected {expected}{written}", self.shown(&way));
        self.at(fault_kind, way, message)
    }

    /// How a list of this one value is written where it was given.
    fn as_list(&self, way: &Way, kind: &ValidationErrorKind) -> Option<String> {
        let ValidationErrorKind::Type { kind: TypeKind::Single(JsonType::Array) } = kind else { return None };
        let is_single = way.find(self.values.tree()).is_some_and(|value| !value.is_object() && !value.is_null());
        match self.values.origin(way) {
            Origin::Set(path) if is_single => Some(format!(": `--set {path}={{A,B}}`")),
            _ => None,
        }
    }

    /// The value as it may be shown.
    fn shown(&self, way: &Way) -> String {
        match way.find(self.values.tree()) {
            Some(Value::Array(_)) => "a list".to_owned(),
            Some(Value::Object(_)) => "a map".to_owned(),
            Some(_) if self.values.is_secret(way) || self.schema.holds_secret(way) => HIDDEN.to_owned(),
            Some(Value::String(text)) => {
                let text: String = text.chars().filter(|character| !character.is_control()).take(60).collect();
                format!("`{text}`")
            }
            Some(value) => value.to_string(),
            None => "not there".to_owned(),
        }
    }

    /// A value that fits none of several forms: the form it comes closest to, or all types that would do.
    fn branches(&self, way: Way, context: &[Vec<ValidationError<'static>>]) -> Vec<Fault> {
        let type_of = |errors: &Vec<ValidationError<'_>>| match errors.as_slice() {
            [error] if error.instance_path().as_str() == pointer(&way) => match error.kind() {
                ValidationErrorKind::Type { kind } => Some(types(kind)),
                _ => None,
            },
            _ => None,
        };
        let fitting: Vec<_> = context.iter().filter(|errors| type_of(errors).is_none()).collect();
        if let [only] = fitting.as_slice() {
            return only.iter().flat_map(|error| self.faults(error)).collect();
        }
        let here = |error: &&ValidationError<'_>| error.instance_path().as_str() == pointer(&way);
        let expected: Vec<String> = context
            .iter()
            .filter_map(|errors| errors.iter().find(here))
            .map(|error| self.expected(&way, error.kind()))
            .collect();
        let words = if expected.is_empty() { "another form".to_owned() } else { expected.join(" or ") };
        let explained = self.explained(&way);
        // The last form may have been told with it already.
        let words = words.strip_suffix(&explained).unwrap_or(&words);
        let message = format!("is {}, expected {words}{explained}", self.shown(&way));
        vec![self.at(FaultKind::BadValue, way, message)]
    }

    /// What the schema says about the value in words, for faults that rules cannot explain.
    fn explained(&self, way: &Way) -> String {
        let schemas = self.schema.at(way);
        let words = schemas.iter().find_map(|schema| schema["description"].as_str().or(schema["title"].as_str()));
        words.map(|words| format!(" ({})", words.trim().trim_end_matches('.'))).unwrap_or_default()
    }

    /// The first example that the schema gives: it says more than a pattern to whoever does not speak regular expressions.
    fn example(&self, way: &Way) -> Option<String> {
        self.schema.at(way).iter().find_map(|schema| schema["examples"][0].as_str()).map(str::to_owned)
    }

    fn expected(&self, way: &Way, kind: &ValidationErrorKind) -> String {
        use ValidationErrorKind as Kind;
        match kind {
            Kind::Type { kind } => types(kind),
            Kind::Enum { options } => one_of(options),
            Kind::Constant { expected_value } => literal(expected_value),
            Kind::Minimum { limit } => format!("at least {limit}"),
            Kind::Maximum { limit } => format!("at most {limit}"),
            Kind::ExclusiveMinimum { limit } => format!("more than {limit}"),
            Kind::ExclusiveMaximum { limit } => format!("less than {limit}"),
            Kind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
            Kind::MinLength { limit: 1 } => "a text that is not empty".to_owned(),
            Kind::MinLength { limit } => format!("at least {limit} characters"),
            Kind::MaxLength { limit: 0 } => "an empty text".to_owned(),
            Kind::MaxLength { limit } => format!("at most {limit} characters"),
            Kind::MinItems { limit } => format!("at least {limit} items"),
            Kind::MaxItems { limit } => format!("at most {limit} items"),
            Kind::MinProperties { limit } => format!("at least {limit} entries"),
            Kind::MaxProperties { limit } => format!("at most {limit} entries"),
            Kind::UniqueItems => "every item once".to_owned(),
            Kind::Contains => format!("an item that is not there{}", self.explained(way)),
            Kind::Pattern { pattern } => match self.example(way) {
                Some(example) => format!("a text like `{example}`{}", self.explained(way)),
                None => format!("a text like `{pattern}`{}", self.explained(way)),
            },
            Kind::Format { format } => formats::words(format).map_or_else(|| format!("a {format}"), str::to_owned),
            Kind::FalseSchema => "nothing here".to_owned(),
            Kind::OneOfMultipleValid { .. } => format!("only one of several forms{}", self.explained(way)),
            Kind::PropertyNames { error } => {
                format!("other names of its entries: {}", self.expected(way, error.kind()))
            }
            other => format!("something else (`{}`){}", other.keyword(), self.explained(way)),
        }
    }
}

/// The JSON pointer of a way.
fn pointer(way: &Way) -> String {
    way.0.iter().fold(String::new(), |pointer, step| match step {
        Step::Key(name) => format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Index(index) => format!("{pointer}/{index}"),
    })
}

fn types(kind: &TypeKind) -> String {
    let names: Vec<&str> = match kind {
        TypeKind::Single(name) => vec![type_words(*name)],
        TypeKind::Multiple(names) => names.iter().map(type_words).collect(),
    };
    names.join(" or ")
}

fn type_words(name: JsonType) -> &'static str {
    match name {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "a map",
        JsonType::String => "a text",
    }
}

fn one_of(options: &Value) -> String {
    let options: Vec<String> = options.as_array().into_iter().flatten().map(literal).collect();
    if let [only] = options.as_slice() { only.clone() } else { format!("one of {}", options.join(", ")) }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{profile, stack};
    use super::super::super::values::{Choices, Text};
    use super::*;

    const SCHEMA: &str = "\
type: object
additionalProperties: false
required: [token, host]
properties:
  web:
    type: object
    additionalProperties: false
    properties:
      enabled: {type: boolean}
      replicas: {type: integer, minimum: 1, maximum: 9}
      image: {}
      port: {type: integer, format: port}
      cpu: {type: [string, number], format: quantity}
      mode: {enum: [fast, slow]}
      node: {type: string, pattern: '^n[0-9]+$', description: The node it runs on.}
      list: {type: array, items: {type: object, properties: {name: {type: string, format: dns-label}}}}
      either: {anyOf: [{type: string}, {type: integer, minimum: 5}]}
      both: {oneOf: [{type: string}, {type: boolean}]}
      maybe: {type: string, anyOf: [{maxLength: 0}, {format: dns-label}]}
      key: {type: string, maxLength: 3, x-seaworthy: {secret: true}}
  token: {type: string, minLength: 1, title: API token, x-seaworthy: {secret: true}}
  host: {type: string, minLength: 1, title: Host}
";

    fn faults(set: &[&str], file: &str) -> Vec<String> {
        let stack = stack(&[
            ("values.schema.yaml", SCHEMA),
            ("values.yaml", "token: ''\nhost: ''\nweb: {enabled: true, replicas: 1}\n"),
            ("example.yaml", ""),
        ]);
        let choices = Choices {
            set: set.iter().map(|text| (*text).to_owned()).collect(),
            files: vec![Text { name: "my.yaml".into(), text: file.into() }],
            ..profile("single-node")
        };
        let values = stack.values(&choices).unwrap();
        stack.schema.check(&values).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_told_with_place_and_expectation() {
        let given = &["token=x", "host=y"][..];
        let table = [
            ("web.replcas=1", "--set web.replcas: unknown key, did you mean `replicas`?"),
            ("zzzz=1", "--set zzzz: unknown key; known are web, token, host"),
            ("replicas=1", "--set replicas: unknown key here; its place is `web.replicas`"),
            ("web.replicas=x", "--set web.replicas: is `x`, expected a whole number"),
            ("web.replicas=0", "--set web.replicas: is 0, expected at least 1"),
            ("web.port=70000", "--set web.port: is 70000, expected at most 65535"),
            ("web.cpu=2GB", "--set web.cpu: is `2GB`, expected a quantity such as `500m` or `2Gi`"),
            ("web.mode=quick", "--set web.mode: is `quick`, expected one of `fast`, `slow`"),
            ("web.node=x", "--set web.node: is `x`, expected a text like `^n[0-9]+$` (The node it runs on)"),
            (
                "web.list[0].name=A",
                "--set web.list[0].name: is `A`, expected a DNS label: at most 63 small letters, digits and `-`",
            ),
            ("web.either=3", "--set web.either: is 3, expected at least 5"),
            (
                "web.maybe=A",
                "--set web.maybe: is `A`, expected an empty text or a DNS label: at most 63 small letters, digits and `-`",
            ),
            ("web.both=3", "--set web.both: is 3, expected a text or true or false"),
            ("web.key=hunter2", "--set web.key: is <secret>, expected at most 3 characters"),
            ("web.enabled=\"true\"", "--set web.enabled: is `true`, expected true or false"),
            ("web={}", "--set web: is a list, expected a map"),
            ("web.list=A", "--set web.list: is `A`, expected a list: `--set web.list={A,B}`"),
            ("web=hunter2", "--set web: is <secret>, expected a map"),
        ];
        for (set, expected) in table {
            let set: Vec<&str> = given.iter().copied().chain([set]).collect();
            assert_eq!(faults(&set, ""), [expected]);
        }
        let file = "web:\n  enabled: 1\n  list:\n    - name: x\n    - nam: y\n      name: B\n";
        let expected = [
            "my.yaml:2:3: web.enabled: is 1, expected true or false",
            "my.yaml:6:7: web.list[1].name: is `B`, expected a DNS label: at most 63 small letters, digits and `-`",
        ];
        assert_eq!(faults(given, file), expected);
    }

    #[test]
    fn what_is_missing_says_how_to_give_it() {
        let expected = [
            "token: is required (API token) and has no default; give it with `--secret token=@FILE`",
            "host: is required (Host) and has no default; give it with `--set host=...` or in a file with `-f`",
        ];
        assert_eq!(faults(&[], ""), expected);
        assert_eq!(faults(&["token=null,host=null"], ""), [expected[0], expected[1]]);
        let given = faults(&["token=x"], "host: ''");
        assert_eq!(given, ["my.yaml:1:1: host: is ``, expected a text that is not empty"]);
    }

    #[test]
    fn a_broken_schema_is_the_stacks_fault() {
        for (text, words) in [
            ("type: objekt", "is not a JSON Schema"),
            ("properties: {a: {type: string, format: nonsense}}", "nonsense"),
            ("properties: {a: {x-seaworthy: {secert: true}}}", "unknown key; known are secret"),
        ] {
            let schema = Schema::read("s.yaml", text).unwrap();
            let faults = schema.lint();
            assert!(
                faults[0].to_string().starts_with("s.yaml:1") && faults[0].to_string().contains(words),
                "{faults:?}"
            );
        }
    }
}
