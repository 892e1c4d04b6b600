//! What the answer's code means when no admission spoke.

use super::invalid::invalid;
use crate::doctor::stall::words::{between, stuck};
use crate::doctor::{Cause, Outlook};
use crate::object::ObjectRef;

/// The meaning of an answer that is no admission's.
pub(super) fn cause(reference: &ObjectRef, code: u16, reason: &str, message: &str) -> Cause {
    match code {
        401 => plain("K006", "Unauthorized", format!("the API server does not know us: {message}"))
            .remedy("Log in again, or renew the credentials in the kubeconfig.")
            .outlook(Outlook::Final),
        403 => forbidden(reference, message),
        404 => missing(reference, message),
        409 => conflict(reference, reason, message),
        413 => too_large(reference),
        _ if TOO_LARGE.iter().any(|words| message.contains(words)) => too_large(reference),
        // An unknown field in a server-side apply is answered with 500.
        400 | 422 => invalid(reference, reason, message),
        500 if message.contains("field not declared in schema") => invalid(reference, "Invalid", message),
        429 => plain("A004", "TooManyRequests", format!("the API server asks to come back later: {message}")),
        500..=599 => plain("A001", word(reason, "InternalError"), format!("the API server has trouble: {message}"))
            .remedy("Ask how it is: `kubectl get --raw '/readyz?verbose'`."),
        _ => plain("refused", word(reason, "Refused"), format!("{} is refused ({code}): {message}", reference.short()))
            .outlook(Outlook::Final),
    }
}

pub(super) fn plain(id: &str, reason: &str, message: impl AsRef<str>) -> Cause {
    stuck(None, reason, message).id(id)
}

pub(super) fn word<'a>(reason: &'a str, otherwise: &'a str) -> &'a str {
    if reason.is_empty() { otherwise } else { reason }
}

/// `... is forbidden: User "u" cannot VERB resource "r" in API group "g" in the namespace "n"`.
fn forbidden(reference: &ObjectRef, message: &str) -> Cause {
    let part = |before, after| between(message, before, after);
    let (user, verb, resource) = (part("User \"", "\""), part(" cannot ", " resource"), part("resource \"", "\""));
    let (Some(user), Some(verb), Some(resource)) = (user, verb, resource) else {
        let message = format!("{} is forbidden: {message}", reference.short());
        return plain("K011", "Forbidden", message).outlook(Outlook::Final);
    };
    let group = part("API group \"", "\"")
        .filter(|group| !group.is_empty())
        .map(|group| format!(".{group}"))
        .unwrap_or_default();
    let place = part("in the namespace \"", "\"")
        .map_or("in the whole cluster".to_owned(), |name| format!("in the namespace {name}"));
    let flag = part("in the namespace \"", "\"").map(|name| format!(" -n {name}")).unwrap_or_default();
    let message = format!("the user {user} may not {verb} {resource}{group} {place}");
    plain("K011", "Forbidden", message)
        .remedy(format!(
            "Ask an administrator for the right; prove it with `kubectl auth can-i {verb} {resource}{group}{flag}`."
        ))
        .outlook(Outlook::Final)
}

fn missing(reference: &ObjectRef, message: &str) -> Cause {
    if let Some(name) = between(message, "namespaces \"", "\" not found") {
        return plain("no-namespace", "NamespaceNotFound", format!("the namespace {name} does not exist"))
            .remedy(format!("Create it: `kubectl create namespace {name}`."))
            .about(ObjectRef::new("v1", "Namespace", None, name));
    }
    if message.is_empty()
        || message.contains("could not find the requested resource")
        || message.contains("page not found")
    {
        let message = format!("the cluster does not know the kind {} of {}", reference.kind, reference.api_version);
        let remedy = "Install what defines it first; `kubectl api-resources` lists the kinds that there are.";
        return plain("X007", "UnknownKind", message).remedy(remedy);
    }
    plain("refused", "NotFound", format!("{}: {message}", reference.short()))
}

/// `Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas`.
fn conflict(reference: &ObjectRef, reason: &str, message: &str) -> Cause {
    if reason == "AlreadyExists" || message.contains("already exists") {
        return plain("exists", "AlreadyExists", format!("{} is there already", reference.short()))
            .outlook(Outlook::Final);
    }
    if !message.contains("conflict with") && !message.contains("conflicts with") {
        return plain(
            "changed",
            word(reason, "Conflict"),
            format!("somebody changed {} at the same time: {message}", reference.short()),
        );
    }
    let mut managers: Vec<&str> = ["conflict with \"", "conflicts with \""]
        .into_iter()
        .flat_map(|mark| message.split(mark).skip(1))
        .filter_map(|rest| rest.split_once('"').map(|(name, _)| name))
        .collect();
    managers.sort_unstable();
    managers.dedup();
    let mut fields: Vec<&str> = message.split_whitespace().filter(|word| word.starts_with('.')).collect();
    fields.dedup();
    let message = format!("fields of {} belong to {}: {}", reference.short(), managers.join(", "), fields.join(", "));
    plain("conflict", "Conflict", message)
        .remedy("Decide in the plan who keeps each field: keep theirs, or take it.")
        .outlook(Outlook::Final)
}

/// Besides 413 there is the validation of the API server, and etcd's own limit.
const TOO_LARGE: &[&str] =
    &["request is too large", "Too long: may not be more than 1048576", "Too long: must have at most 1048576"];

fn too_large(reference: &ObjectRef) -> Cause {
    let id = if reference.kind == "ConfigMap" { "F006" } else { "too-large" };
    plain(
        id,
        "RequestEntityTooLarge",
        format!("{} is larger than the API server takes (about 1 MiB)", reference.short()),
    )
    .remedy("Split it, or keep the data in a volume.")
    .outlook(Outlook::Final)
}
