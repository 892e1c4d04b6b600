//! The object itself is wrong, or may no longer be changed in this way.

use super::answer::{plain, word};
use crate::doctor::stall::words::{clip, in_namespace};
use crate::doctor::{Cause, Outlook};
use crate::object::ObjectRef;

/// Words with which Kubernetes refuses to change what is there.
const FIXED: &[&str] = &[
    "field is immutable",
    "is immutable after creation",
    "updates to statefulset spec for fields other than",
    "may not change once set",
    "immutable after creation",
    "forbidden after creation",
    "pod updates may not change fields",
    "cannot change roleRef",
    "updates to parameters are forbidden",
    "updates to provisioner are forbidden",
];

pub(super) fn invalid(reference: &ObjectRef, reason: &str, message: &str) -> Cause {
    // Behind the first line an answer may hold the whole object as a difference.
    let said = said(message).lines().next().unwrap_or_default();
    if FIXED.iter().any(|words| message.contains(words)) {
        let message = format!("a field of {} cannot be changed any more: {said}", reference.short());
        let remedy = format!(
            "Keep the value as it was, or delete the object to have it made anew: `kubectl delete {} {}{}`.",
            reference.kind.to_lowercase(),
            reference.name,
            in_namespace(reference.namespace.as_deref())
        );
        return plain("immutable", "Immutable", message).remedy(remedy).outlook(Outlook::Final);
    }
    if reference.kind == "PersistentVolumeClaim" && said.contains("can not be less than") {
        let message = format!("the claim {} cannot be made smaller: {said}", reference.name);
        let remedy = "Keep the size that it has; for a smaller one, make another claim and copy what is in it.";
        return plain("claim-smaller", "Smaller", message).remedy(remedy).outlook(Outlook::Final);
    }
    let fields = fields(said);
    let which = match fields.as_slice() {
        [] => String::new(),
        [only] if said.starts_with(only) => String::new(),
        some => format!(" in {}", some.join(", ")),
    };
    plain("invalid", word(reason, "Invalid"), format!("{} is invalid{which}: {said}", reference.short()))
        .remedy("Correct the values that these fields come from.")
        .outlook(Outlook::Final)
}

/// What stands behind `KIND "NAME" is invalid: `.
fn said(message: &str) -> &str {
    message.split_once("is invalid: ").map_or(message, |(_, rest)| rest)
}

/// The fields that a message names: `spec.replicas: Invalid value: -1: ...`, `unknown field "spec.foo"`.
fn fields(said: &str) -> Vec<String> {
    let complaints = [
        ": Invalid value",
        ": Required value",
        ": Forbidden",
        ": Unsupported value",
        ": Duplicate value",
        ": Too long",
        ": Too many",
        ": Not found",
        ": Internal error",
    ];
    let mut ends: Vec<usize> = complaints.iter().flat_map(|mark| said.match_indices(mark).map(|(at, _)| at)).collect();
    ends.sort_unstable();
    let named = ends.into_iter().filter_map(|end| {
        let field = said[..end].split_whitespace().next_back()?;
        Some(field.trim_start_matches('[').to_owned())
    });
    let unknown = said
        .split("unknown field \"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(field, _)| field.to_owned());
    let untyped = said.split_once(": field not declared in schema").and_then(|(path, _)| path.rsplit(": ").next());
    let untyped = untyped.map(|path| path.trim_start_matches('.').to_owned());
    let mut found: Vec<String> =
        named.chain(unknown).chain(untyped).filter(|field| !field.is_empty()).map(|field| clip(&field)).collect();
    found.dedup();
    found
}
