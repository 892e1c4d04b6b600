//! Rendered objects against the Kubernetes API's own types, offline.
//!
//! What `fieldValidation=Strict` would refuse on a cluster is refused here: fields a type does not have, values of another
//! type, fields that must be there; and what no single object shows: a Service whose port no container has.

mod clear;
mod doubt;
mod limits;
mod pods;
mod together;
mod types;

use serde_json::Value;

use super::fault::{Fault, FaultKind, Severity};
use super::path::Way;
use super::render::Rendered;
use super::typed::{Misfit, Problem};

pub use clear::in_the_clear;
use doubt::Doubt;

/// Everything in the objects that Kubernetes would refuse, or that cannot work.
pub fn check(objects: &[Rendered]) -> Vec<Fault> {
    examine(objects, true)
}

/// The same of objects that may not be all there are: `is_whole` says whether what is not among them is nowhere. What only follows from a fault of a type is
/// not told.
pub(super) fn examine(objects: &[Rendered], is_whole: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut doubts = Vec::new();
    for object in objects {
        let misfits = types::misfits(object);
        let doubt = Doubt::of(&misfits);
        typed(object, misfits, &mut faults);
        let mut found = Vec::new();
        limits::check(object, &mut found);
        pods::check(object, &mut found);
        faults.extend(found.into_iter().filter(|fault| !doubt.explains(&fault.way)));
        doubts.push(doubt);
    }
    together::check(objects, (&doubts, is_whole), &mut faults);
    faults
}

/// The fields of an object that its kind does not have, as paths; none for kinds that are not built in.
pub(crate) fn unknown_fields(object: &Value) -> Vec<String> {
    let misfits = types::misfits_of(text(object, "kind"), object);
    let unknown = misfits.iter().filter(|misfit| matches!(misfit.problem, Problem::Unknown { .. }));
    unknown.map(|misfit| misfit.way.to_string()).collect()
}

/// The kinds of objects that are passed unchecked, because their types are not built in: one note each.
pub fn unchecked(objects: &[Rendered]) -> Vec<String> {
    let custom = objects.iter().filter(|object| object.kind.is_none());
    let mut notes: Vec<String> =
        custom.map(|object| format!("{} {}", object.api_version(), object.kind_name())).collect();
    notes.sort();
    notes.dedup();
    notes
}

fn typed(object: &Rendered, misfits: Vec<Misfit>, faults: &mut Vec<Fault>) {
    for misfit in misfits {
        let title = object.title();
        let (kind, message) = match &misfit.problem {
            Problem::Unknown { closest: Some(name), .. } => {
                (FaultKind::UnknownField, format!("unknown field of {title}, did you mean `{name}`?"))
            }
            Problem::Unknown { .. } => (FaultKind::UnknownField, format!("unknown field of {title}")),
            // What was found in a Secret is not shown.
            Problem::Wrong(_) if object.kind_name() == "Secret" => {
                (FaultKind::BadObject, format!("is not what this field of {title} must be"))
            }
            problem => (FaultKind::BadObject, format!("{problem} ({title})")),
        };
        faults.push(Fault::new(kind, object.place(&misfit.way), message).on(misfit.way));
    }
}

/// An error of an object's field.
fn fault(object: &Rendered, way: &Way, message: impl std::fmt::Display) -> Fault {
    let message = format!("{message} ({})", object.title());
    Fault::new(FaultKind::BadObject, object.place(way), message).on(way.clone())
}

/// Something about an object's field that is odd, but can be meant.
fn warning(object: &Rendered, way: &Way, message: impl std::fmt::Display) -> Fault {
    fault(object, way, message).severity(Severity::Warning)
}

/// The items of a list, none when it is not there.
fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

/// A field's text, empty when it is not there.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
