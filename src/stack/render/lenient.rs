//! Rendering for whoever wants to know all that is wrong: what cannot be evaluated is told and left empty, and the rest goes on.

use std::collections::BTreeSet;

use minijinja::value::Value;
use minijinja::{Environment, Error};

use super::super::definition::Definition;
use super::super::fault::{Fault, FaultKind, Origin};
use super::super::values::Values;
use super::objects::Collector;
use super::{Release, Rendered, Templates, manifests, template_fault};

/// So many expressions of one manifest are told at once.
const MOST: usize = 40;

/// What a stack renders to, as far as it does.
pub(in super::super) struct Examined {
    /// The objects of everything that could be evaluated.
    pub(in super::super) objects: Vec<Rendered>,
    /// What could not, and what came of it that is no object.
    pub(in super::super) faults: Vec<Fault>,
    /// Whether all of its objects are there.
    pub(in super::super) is_whole: bool,
    /// The lines of templates on which something was left empty.
    holes: BTreeSet<(String, u32)>,
}

impl Examined {
    /// Whether a fault is of a line on which something was left empty, so that it only follows from what was told.
    pub(in super::super) fn is_of_a_hole(&self, fault: &Fault) -> bool {
        matches!(&fault.place, Some(Origin::Place(place)) if self.holes.contains(&(place.file.to_string(), place.mark.line)))
    }
}

/// Renders what can be rendered.
pub(in super::super) fn examine(
    definition: &Definition,
    templates: &Templates,
    values: &Values,
    names: &Value,
    release: &Release,
) -> Examined {
    let mut kitchen = Kitchen { templates, env: templates.env.clone(), holes: BTreeSet::new(), faults: Vec::new() };
    let mut collector = Collector::new(&release.namespace);
    let mut is_whole = true;
    for (component, path) in manifests(definition, values) {
        // One that is not there is told by whoever looks at the files.
        let is_there = templates.files.contains_key(&path) && !templates.broken.contains(&path);
        match is_there.then(|| kitchen.text(&path, names)).flatten() {
            Some(text) => collector.read(templates.file(&path), text, component),
            None => is_whole = false,
        }
    }
    let (objects, told) = collector.apart();
    let (holes, mut faults) = (kitchen.holes, kitchen.faults);
    is_whole &= told.is_empty();
    let holed = |fault: &Fault| matches!(&fault.place, Some(Origin::Place(place)) if holes.iter().any(|(file, _)| **file == *place.file));
    // An object without a name, where a name was left empty: its place is where it begins, and not the line.
    let follows = |fault: &Fault| fault.kind != FaultKind::DuplicateObject && holed(fault);
    faults.extend(told.into_iter().filter(|fault| !follows(fault)));
    Examined { objects, faults, is_whole, holes }
}

/// Where templates are changed until they can be evaluated.
struct Kitchen<'a> {
    templates: &'a Templates,
    env: Environment<'static>,
    holes: BTreeSet<(String, u32)>,
    faults: Vec<Fault>,
}

impl Kitchen<'_> {
    /// The text of a manifest, with nothing in the place of what cannot be evaluated; none where that is not enough.
    fn text(&mut self, path: &str, names: &Value) -> Option<String> {
        for _ in 0..MOST {
            let rendered = self.env.get_template(path).and_then(|template| template.render(names.clone()));
            let error = match rendered {
                Ok(text) => return Some(text),
                Err(error) => error,
            };
            if !self.leave_empty(&error) {
                return None;
            }
        }
        None
    }

    /// Tells an error, and takes the expression out that it is about; whether there is a point in trying again.
    fn leave_empty(&mut self, error: &Error) -> bool {
        let fault = template_fault(&self.templates.files, error);
        let line = match &fault.place {
            Some(Origin::Place(place)) => (place.file.to_string(), place.mark.line),
            _ => return false,
        };
        // What was left empty is at fault a second time: that only follows.
        if !self.holes.insert(line) {
            return false;
        }
        self.faults.push(fault);
        let (Some(name), Some(number)) = (error.name(), error.line()) else { return false };
        let Ok(source) = self.env.get_template(name).map(|template| template.source().to_owned()) else { return false };
        let Some(line) = source.lines().nth(number.saturating_sub(1)) else { return false };
        let Some(emptied) = emptied(line, name.starts_with("manifests/")) else { return false };
        let lines = source.lines().enumerate().map(|(at, line)| if at + 1 == number { emptied.as_str() } else { line });
        let text = lines.fold(String::new(), |text, line| text + line + "\n");
        self.env.add_template_owned(name.to_owned(), text).is_ok()
    }
}

/// A line of a template without what is evaluated on it; none where it then would mean something else altogether.
fn emptied(line: &str, is_manifest: bool) -> Option<String> {
    if let Some((tag, rest)) = line.trim_start().strip_prefix("{%").and_then(|line| line.split_once("%}")) {
        let word = tag.split_whitespace().next().filter(|word| ["if", "elif"].contains(word))?;
        return Some(format!("{{% {word} false %}}{rest}"));
    }
    let nothing = if is_manifest { "none" } else { "''" };
    let (mut text, mut rest) = (String::new(), line);
    while let Some((before, behind)) = rest.split_once("{{") {
        let (_, after) = behind.split_once("}}")?;
        text.extend([before, "{{ ", nothing, " }}"]);
        rest = after;
    }
    (!text.is_empty()).then(|| text + rest)
}

#[cfg(test)]
mod tests {
    use super::emptied;

    #[test]
    fn what_cannot_be_evaluated_is_left_out_of_its_line() {
        assert_eq!(emptied("  a: {{ values.x }} # b", true).as_deref(), Some("  a: {{ none }} # b"));
        assert_eq!(emptied("{{ a }}-{{ b }}", false).as_deref(), Some("{{ '' }}-{{ '' }}"));
        assert_eq!(emptied("{% if values.x %}#@4", true).as_deref(), Some("{% if false %}#@4"));
        assert_eq!(emptied("{% for x in values.x %}#@4", true), None);
        assert_eq!(emptied("a: 1", true), None);
    }
}
