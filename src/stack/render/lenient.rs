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
        let (Some(name), Some(source), Some(range)) = (error.name(), error.template_source(), error.range()) else {
            return false;
        };
        let is_expression = |text: &str| {
            !text.trim().is_empty() && !["{{", "}}", "{%", "%}", "\n"].iter().any(|tag| text.contains(tag))
        };
        let Some(expression) = source.get(range.clone()).filter(|text| is_expression(text)) else { return false };
        let padding = if expression.ends_with(' ') { " " } else { "" };
        let text = format!("{}none{padding}{}", &source[..range.start], &source[range.end..]);
        self.env.add_template_owned(name.to_owned(), text).is_ok()
    }
}
