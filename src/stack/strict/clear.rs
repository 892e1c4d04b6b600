//! Secrets that a template writes where everybody can read them.

use serde_json::Value;

use super::super::fault::Fault;
use super::super::path::{Step, Way};
use super::super::render::Rendered;
use super::super::values::{HIDDEN, MADE, Values};
use super::{fault, warning};

/// A shorter secret is found in texts that have nothing to do with it.
const SHORTEST: usize = 8;

/// A warning for every field outside of a Secret that holds a secret value, and an error for one that would hold what stands for a
/// secret until it is made: only a whole value in a Secret is ever replaced.
pub fn in_the_clear(objects: &[Rendered], values: &Values) -> Vec<Fault> {
    let secrets: Vec<(String, &str)> = values
        .secrets()
        .iter()
        .filter_map(|way| Some((way.to_string(), way.find(values.tree())?.as_str()?)))
        .filter(|(_, text)| text.len() >= SHORTEST)
        .collect();
    let mut faults = Vec::new();
    for object in objects.iter().filter(|object| object.kind_name() != "Secret" && !secrets.is_empty()) {
        search(object, &object.object, &Way::default(), &secrets, &mut faults);
    }
    faults
}

fn search(object: &Rendered, value: &Value, way: &Way, secrets: &[(String, &str)], faults: &mut Vec<Fault>) {
    match value {
        Value::String(text) if text.contains(MADE) || text.contains(HIDDEN) => {
            let message = "a secret that nobody gives now can only be a whole value of a Secret";
            faults.push(fault(object, way, message));
        }
        Value::String(text) => {
            if let Some((name, _)) = secrets.iter().find(|(_, secret)| text.contains(secret)) {
                let message = format!("the secret `{name}` lies here in the clear; put it into a Secret");
                faults.push(warning(object, way, message));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                search(object, item, &way.with(Step::Index(index)), secrets, faults);
            }
        }
        Value::Object(entries) => {
            for (name, value) in entries {
                search(object, value, &way.key(name), secrets, faults);
            }
        }
        _ => {}
    }
}
