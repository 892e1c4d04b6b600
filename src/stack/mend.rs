//! Values with something allowed in the place of what is not, so that the rest of a stack can be looked at: for whoever wants to know all faults at once.

use serde_json::{Value, json};

use super::definition::Rule;
use super::fault::{Fault, FaultKind, Severity};
use super::path::Way;
use super::schema::Schema;
use super::values::Values;

/// A text that is put in the place of another; what is said of it only follows.
const STAND_IN: &str = "to-be-mended";

/// Values that the schema allows.
pub(super) struct Mended {
    pub(super) values: Values,
    /// The ways to what was put in.
    pub(super) ways: Vec<Way>,
}

/// Puts something allowed in the place of everything that these faults are about; none where nothing was found that is.
pub(super) fn mend(schema: &Schema, values: Values, faults: &[Fault]) -> Option<Mended> {
    let wrong = |fault: &&Fault| {
        fault.severity == Severity::Error
            && matches!(fault.kind, FaultKind::WrongType | FaultKind::BadValue | FaultKind::MissingValue)
    };
    let mut mended = Mended { values, ways: Vec::new() };
    for fault in faults.iter().filter(wrong) {
        if mended.ways.iter().any(|way| fault.way.0.starts_with(&way.0)) {
            continue;
        }
        let way = &fault.way;
        let fits =
            |values: &Values| !schema.check(values).iter().any(|it| is_error(it) && it.way.0.starts_with(&way.0));
        let tries = candidates(schema, way).into_iter().map(|value| mended.values.mended(way, value));
        mended.values = tries.into_iter().find(fits)?;
        mended.ways.push(way.clone());
    }
    Some(mended)
}

fn is_error(fault: &Fault) -> bool {
    fault.severity == Severity::Error
}

impl Mended {
    /// Whether a fault of what the stack makes of them can only follow from what was put in.
    pub(super) fn explains(&self, fault: &Fault) -> bool {
        !self.ways.is_empty() && fault.message.contains(STAND_IN)
    }

    /// Whether a rule is about something that was put in.
    pub(super) fn is_about(&self, rule: &Rule) -> bool {
        let texts = [Some(&rule.check), rule.when.as_ref()];
        let says = |way: &Way| texts.iter().flatten().any(|text| text.contains(&format!("values.{way}")));
        self.ways.iter().any(|way| says(way) || Way::dotted(&rule.path).0.starts_with(&way.0))
    }
}

/// What may be allowed there, what the schema itself names first.
fn candidates(schema: &Schema, way: &Way) -> Vec<Value> {
    let schemas = schema.at(way);
    let mut all: Vec<Value> = schemas.iter().flat_map(|schema| named(schema)).collect();
    all.extend(schemas.iter().map(|schema| built(schema)));
    all.extend([
        json!(1),
        json!(8080),
        json!(true),
        json!(STAND_IN),
        json!("1Gi"),
        json!("1"),
        json!("5m"),
        json!("10.0.0.1"),
        json!("https://stand-in.example"),
        json!(format!("{STAND_IN}-{STAND_IN}-{STAND_IN}")),
        json!([]),
        json!({}),
        Value::Null,
    ]);
    all
}

/// Values that a schema names.
fn named(schema: &Value) -> Vec<Value> {
    let one = ["const", "default", "minimum"].iter().filter_map(|key| schema.get(key).cloned());
    let several = ["enum", "examples"].iter().filter_map(|key| schema[key].as_array()).flatten().cloned();
    one.chain(several).collect()
}

/// A value of the type that a schema names; a map with all that it knows.
fn built(schema: &Value) -> Value {
    if let Some(first) = named(schema).into_iter().next() {
        return first;
    }
    let entries = schema["properties"].as_object();
    match schema["type"].as_str() {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("string") if schema["format"] == "quantity" => json!("1Gi"),
        Some("string") => json!(STAND_IN),
        _ => entries.into_iter().flatten().map(|(name, schema)| (name.clone(), built(schema))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{STACK, folder, profile, stack};
    use super::super::{Stack, values::Choices};
    use super::*;

    #[test]
    fn what_is_not_allowed_is_replaced_by_something_that_is() {
        let stack = stack(&[]);
        let set = vec!["web.replicas=many".to_owned(), "web.image=3".to_owned(), "web.password=".to_owned()];
        let values = stack.values(&Choices { set, ..profile("ha") }).unwrap();
        let faults = stack.schema.check(&values);
        assert_eq!(faults.len(), 3, "{faults:?}");
        let mended = mend(&stack.schema, values, &faults).unwrap();
        assert!(stack.schema.check(&mended.values).is_empty());
        assert_eq!(mended.values.get("web.replicas"), Some(&json!(1)));
        assert_eq!(mended.values.get("web.image"), Some(&json!({"repository": STAND_IN, "tag": STAND_IN})));
        assert_eq!(mended.ways.len(), 3);
        assert!(mended.is_about(&stack.definition.rules[0]));
    }

    #[test]
    fn what_nothing_fits_is_left_alone() {
        let schema = "properties: {web: {properties: {code: {type: string, pattern: '^[0-9]{9}x$'}}}}";
        let text = STACK.replace(
            "path: web.replicas, when: values.web.enabled, check: values.web.replicas <= 9",
            "path: web, check: 'true'",
        );
        let text = text.replace("    enabled: web.enabled\n", "");
        let stack = Stack::load(&folder(&[
            ("stack.yaml", &text),
            ("values.schema.yaml", schema),
            ("ha.yaml", "web: {code: a}\n"),
        ]))
        .unwrap();
        let values = stack.values(&profile("ha")).unwrap();
        let faults = stack.schema.check(&values);
        assert_eq!(faults.len(), 1);
        assert!(mend(&stack.schema, values, &faults).is_none());
    }
}
