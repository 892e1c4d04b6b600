//! Rules across values: what one schema cannot say.

use minijinja::context;
use minijinja::value::Serde;
use serde_json::Value;

use super::definition::{Definition, Rule};
use super::fault::{Fault, FaultKind};
use super::load::Sheet;
use super::path::{Step, Way};
use super::render::Templates;
use super::values::Values;

/// Every rule that the values break. A rule that cannot be evaluated is a fault of the stack.
pub fn check(definition: &Definition, sheet: &Sheet, templates: &Templates, values: &Values) -> Vec<Fault> {
    let names = context! {
        values => minijinja::Value::from(Serde(values.tree())),
        profile => values.profile(),
        stack => context! { name => &definition.name, version => &definition.version },
    };
    let mut faults = Vec::new();
    for (index, rule) in definition.rules.iter().enumerate() {
        match is_kept(rule, templates, &names) {
            Ok(true) => {}
            Ok(false) => faults.push(broken(rule, values)),
            Err((field, message)) => faults.push(sheet.fault(&format!("rules[{index}].{field}"), message)),
        }
    }
    faults
}

fn is_kept(rule: &Rule, templates: &Templates, names: &minijinja::Value) -> Result<bool, (&'static str, String)> {
    let is_true = |field, expression| templates.is_true(expression, names).map_err(|message| (field, message));
    if let Some(when) = &rule.when
        && !is_true("when", when)?
    {
        return Ok(true);
    }
    is_true("check", &rule.check)
}

fn broken(rule: &Rule, values: &Values) -> Fault {
    let way = Way::dotted(&rule.path);
    let origin = values.origin(&way).clone();
    Fault::new(FaultKind::BrokenRule, origin, rule.message.clone()).on(way).severity(rule.severity)
}

/// Every value that is, or contains, a text which stands for one in the official chart or in the document.
pub fn placeholders(definition: &Definition, values: &Values) -> Vec<Fault> {
    let known: Vec<(&str, String)> =
        definition.placeholders.iter().map(|text| (text.as_str(), text.to_lowercase())).collect();
    let mut faults = Vec::new();
    let mut open = vec![(Way::default(), values.tree())];
    while let Some((way, value)) = open.pop() {
        match value {
            Value::String(text) => {
                let text = text.to_lowercase();
                if let Some((placeholder, _)) = known.iter().find(|(_, wanted)| text.contains(wanted)) {
                    let message = format!("`{placeholder}` only stands for a value in the documents; give your own");
                    faults.push(Fault::new(FaultKind::BadValue, values.origin(&way).clone(), message).on(way));
                }
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(at, item)| (way.with(Step::Index(at)), item)));
            }
            Value::Object(entries) => open.extend(entries.iter().map(|(name, value)| (way.key(name), value))),
            _ => {}
        }
    }
    faults.sort_by_key(|fault| fault.way.to_string());
    faults
}

#[cfg(test)]
mod tests {
    use super::super::tests::{STACK, profile, stack};
    use super::super::values::Choices;

    fn told(rules: &str, set: &str) -> Vec<String> {
        let text = STACK.replace("check: values.web.replicas <= 9, message: too many", rules);
        let stack = stack(&[("stack.yaml", &text)]);
        let values = stack.values(&Choices { set: vec![set.into()], ..profile("ha") }).unwrap();
        stack.check(&values).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_placeholder_is_no_value_whatever_its_case_and_surroundings() {
        let text = STACK.replace("rules:", "placeholders: [YOUR_URL, foo.bar.com]\nrules:");
        let stack = stack(&[("stack.yaml", &text)]);
        let set = vec!["web.image.tag=https://Foo.bar.com/api".into(), "web.image.repository=[your_url]".into()];
        let values = stack.values(&Choices { set, ..profile("ha") }).unwrap();
        let told: Vec<String> =
            super::placeholders(stack.definition(), &values).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "--set web.image.repository: `YOUR_URL` only stands for a value in the documents; give your own",
                "--set web.image.tag: `foo.bar.com` only stands for a value in the documents; give your own"
            ]
        );
    }

    #[test]
    fn a_broken_rule_names_the_value_and_who_said_it() {
        let rule = "check: values.web.replicas <= 9, message: too many";
        assert_eq!(told(rule, "web.replicas=10"), ["--set web.replicas: too many"]);
        assert!(told(rule, "web.replicas=9").is_empty());
        assert!(told(rule, "web.replicas=10,web.enabled=false").is_empty());
        let warning = told(&format!("{rule}, severity: warning"), "web.replicas=10");
        assert_eq!(warning, ["--set web.replicas: warning: too many"]);
    }

    #[test]
    fn a_rule_that_cannot_be_evaluated_is_named() {
        let faults = told("check: values.nothing > 1, message: x", "web.replicas=2");
        assert!(
            faults[0].starts_with("embedded:demo/stack.yaml:21:") && faults[0].contains("rules[0].check: "),
            "{faults:?}"
        );
        let faults = told("check: values.web.enabled + 'x' > 1, message: x", "web.replicas=2");
        assert!(faults[0].contains("rules[0].check: "), "{faults:?}");
    }
}
