//! What an application makes while it runs: the selectors that find it, resolved for a release.

use minijinja::Value;
use regex::Regex;

use super::definition::{Definition, RunTime};
use super::fault::Fault;
use super::load::Sheet;
use super::render::Templates;

/// Each with its selector and namespace filled in.
///
/// # Errors
/// Every one that cannot be evaluated.
pub fn resolve(
    definition: &Definition,
    sheet: &Sheet,
    templates: &Templates,
    names: &Value,
) -> Result<Vec<RunTime>, Vec<Fault>> {
    let mut resolved = Vec::new();
    let mut faults = Vec::new();
    for (index, made) in definition.runtime.iter().enumerate() {
        let mut filled = made.clone();
        let texts = [("selector", Some(&mut filled.selector)), ("namespace", filled.namespace.as_mut())];
        for (field, text) in texts.into_iter().filter_map(|(field, text)| Some((field, text?))) {
            match templates.line(text, names) {
                Ok(line) => *text = line,
                Err(message) => faults.push(sheet.fault(&format!("runtime[{index}].{field}"), message)),
            }
        }
        // An empty selector would be everything of the kind, whoever made it.
        if filled.selector.trim().is_empty() && filled.names.is_none() {
            let message = "selects everything; name a label, or say in `names` what they are called";
            faults.push(sheet.fault(&format!("runtime[{index}].selector"), message));
        }
        if let Err(message) = self::names(&filled) {
            faults.push(sheet.fault(&format!("runtime[{index}].names"), message));
        }
        resolved.push(filled);
    }
    if faults.is_empty() { Ok(resolved) } else { Err(faults) }
}

/// What their whole names look like; none when any will do.
///
/// # Errors
/// When it is no regular expression.
pub fn names(made: &RunTime) -> Result<Option<Regex>, String> {
    let Some(text) = &made.names else { return Ok(None) };
    Regex::new(&format!("^(?:{text})$")).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{STACK, profile, stack};

    #[test]
    fn selectors_are_filled_in_and_never_empty() {
        let prepared = |runtime: &str| {
            let text = STACK.replace("rules:", &format!("runtime:\n  - {runtime}\nrules:"));
            let stack = stack(&[("stack.yaml", &text)]);
            let release = stack.release(Some("mine"), None);
            stack.prepare(&profile("ha"), &release).and_then(|prepared| stack.runtime(&prepared.values, &release))
        };
        let text = "{title: jobs, apiVersion: batch/v1, kind: Job, selector: \"{{ 'app=' ~ release.name }}\"}";
        let made = prepared(text).unwrap();
        assert_eq!((made[0].selector.as_str(), made[0].namespace.as_deref()), ("app=mine", None));
        let error = prepared("{title: jobs, apiVersion: batch/v1, kind: Job, selector: \"{{ '' }}\"}").unwrap_err();
        assert!(error.to_string().contains("runtime[0].selector: selects everything"), "{error}");
        let named =
            |names: &str| prepared(&format!("{{title: maps, apiVersion: v1, kind: ConfigMap, names: '{names}'}}"));
        let pattern = super::names(&named("kernel-[0-9a-f]+").unwrap()[0]).unwrap().unwrap();
        assert!(
            pattern.is_match("kernel-0f")
                && !pattern.is_match("kernel-entrypoint")
                && !pattern.is_match("my-kernel-0f")
        );
        let error = named("kernel-(").unwrap_err().to_string();
        assert!(error.contains("runtime[0].names: "), "{error}");
    }
}
