//! How a user gets to a stack: resolved for a release, and proven to lead somewhere.

use minijinja::Value;

use super::definition::{Definition, Reach};
use super::fault::Fault;
use super::load::Sheet;
use super::render::{Rendered, Templates, is_enabled};
use super::values::Values;

/// The ways that lead to components which are on, with their Service's name filled in.
///
/// # Errors
/// Every way whose Service or port cannot be evaluated.
pub fn resolve(
    definition: &Definition,
    sheet: &Sheet,
    templates: &Templates,
    values: &Values,
    names: &Value,
) -> Result<Vec<Reach>, Vec<Fault>> {
    let mut resolved = Vec::new();
    let mut faults = Vec::new();
    for (index, reach) in definition.reach.iter().enumerate() {
        let component = definition.component(&reach.component);
        if !component.is_some_and(|component| is_enabled(component.enabled.as_deref(), values)) {
            continue;
        }
        let mut filled = reach.clone();
        for (field, text) in [("service", &mut filled.service), ("port", &mut filled.port)] {
            match templates.line(text, names) {
                Ok(line) => *text = line,
                Err(message) => faults.push(sheet.fault(&format!("reach[{index}].{field}"), message)),
            }
        }
        resolved.push(filled);
    }
    if faults.is_empty() { Ok(resolved) } else { Err(faults) }
}

/// The ways that lead to a Service or port which the objects do not have.
pub fn check(reaches: &[Reach], sheet: &Sheet, definition: &Definition, objects: &[Rendered]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for reach in reaches {
        let index = definition.reach.iter().position(|known| known.name == reach.name).unwrap_or_default();
        let services = || objects.iter().filter(|object| object.kind_name() == "Service");
        let Some(service) = services().find(|object| object.name() == reach.service) else {
            let meant = crate::error::closest(&reach.service, services().map(Rendered::name));
            let meant = meant.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
            let message = format!("the stack makes no Service `{}`{meant}", reach.service);
            faults.push(sheet.fault(&format!("reach[{index}].service"), message));
            continue;
        };
        let ports = service.object["spec"]["ports"].as_array().into_iter().flatten();
        let known =
            |port: &serde_json::Value| port["name"] == reach.port.as_str() || port["port"].to_string() == reach.port;
        if !ports.into_iter().any(known) {
            let message = format!("{} has no port `{}`", service.title(), reach.port);
            faults.push(sheet.fault(&format!("reach[{index}].port"), message));
        }
    }
    faults
}
