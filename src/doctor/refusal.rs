//! What it means when the API server refuses an object: ours when it is applied, or a pod that a controller tries to make.
//!
//! Admission speaks the same words in both cases, so `told` reads them for both. All texts are those of Kubernetes 1.34 and
//! of the versions before as far as they differ.

mod admission;
mod answer;
mod invalid;

use super::{Cause, Outlook};
use crate::object::ObjectRef;

pub(super) use admission::told;

/// Says what the API server's refusal of an object means. `code`, `reason` and `message` are those of the `Status` that it
/// answered with.
///
/// [`Outlook::Stuck`] means that a later try can succeed without a change of the object: something else must come first.
pub fn refused(reference: &ObjectRef, code: u16, reason: &str, message: &str) -> Cause {
    let namespace = reference.namespace.as_deref();
    let mut cause = told(message, namespace).unwrap_or_else(|| answer::cause(reference, code, reason, message));
    // Nobody tries again for us: what a policy says about our object it will say again.
    if cause.reason == admission::DENIED {
        cause.outlook = Outlook::Final;
    }
    cause.object.get_or_insert_with(|| reference.clone());
    cause
}

#[cfg(test)]
mod tests;
