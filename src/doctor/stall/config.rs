//! The container cannot be set up because something that its pod reads is not there.

use super::site::Site;
use super::words::{between, word_after};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::ObjectRef;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "F002",
        group: "config",
        title: "a Secret that a pod needs is missing",
        on: Subject::Pod,
        find: no_secret,
    },
    Rule {
        id: "F001",
        group: "config",
        title: "a ConfigMap that a pod needs is missing",
        on: Subject::Pod,
        find: no_config_map,
    },
    Rule { id: "F003", group: "config", title: "a key that a pod needs is missing", on: Subject::Pod, find: no_key },
    Rule {
        id: "P009",
        group: "config",
        title: "a container's configuration is refused",
        on: Subject::Pod,
        find: other,
    },
];

const REASON: &str = "CreateContainerConfigError";

/// The message of the first container that waits for its configuration.
fn said<'a>(site: &Site<'a>) -> Option<(&'a str, &'a str)> {
    site.containers.iter().find(|one| one.waiting == REASON).map(|one| (one.name, one.message))
}

fn no_secret(site: &Site<'_>) -> Option<Cause> {
    let (_, message) = said(site)?;
    let name = between(message, "secret \"", "\" not found")?;
    Some(missing(site, "Secret", name, REASON))
}

fn no_config_map(site: &Site<'_>) -> Option<Cause> {
    let (_, message) = said(site)?;
    let name = between(message, "configmap \"", "\" not found")?;
    Some(missing(site, "ConfigMap", name, REASON))
}

/// The command that makes a Secret or a `ConfigMap`.
pub(in crate::doctor) fn creates(kind: &str) -> &'static str {
    if kind == "Secret" { "kubectl create secret generic" } else { "kubectl create configmap" }
}

/// A Secret or `ConfigMap` that a pod names is not there.
pub(super) fn missing(site: &Site<'_>, kind: &str, name: &str, reason: &str) -> Cause {
    site.stuck(reason, format!("the {kind} `{name}` that the pod `{}` needs is not there", site.reference.name))
        .about(site.neighbour("v1", kind, name))
        .id(if kind == "Secret" { "F002" } else { "F001" })
        .remedy(format!("Create it: `{} {name}{} --from-literal=KEY=VALUE`.", creates(kind), site.flag()))
}

fn no_key(site: &Site<'_>) -> Option<Cause> {
    let (_, message) = said(site)?;
    let key = word_after(message, "couldn't find key ")?;
    let (_, place) = message.split_once(" in ")?;
    let (kind, place) = place.split_once(' ')?;
    let name = place.rsplit_once('/').map_or(place, |(_, name)| name);
    Some(missing_key(site, &site.neighbour("v1", kind, name), key, REASON))
}

/// A Secret or `ConfigMap` is there, but without the key that a pod reads. Names the keys that are there when they are known.
pub(super) fn missing_key(site: &Site<'_>, holder: &ObjectRef, key: &str, reason: &str) -> Cause {
    let there: Vec<&str> = site.snapshot.get(holder).into_iter().flat_map(keys).collect();
    let there = if there.is_empty() { String::new() } else { format!("; it has {}", there.join(", ")) };
    let message = format!("the {} `{}` has no key `{key}`{there}", holder.kind, holder.name);
    site.stuck(reason, message).about(holder.clone()).id("F003").remedy(format!(
        "Add the key: `kubectl edit {} {}{}`.",
        holder.kind.to_lowercase(),
        holder.name,
        site.flag()
    ))
}

fn keys(holder: &serde_json::Value) -> impl Iterator<Item = &str> {
    ["data", "binaryData"]
        .into_iter()
        .filter_map(|part| holder[part].as_object())
        .flatten()
        .map(|(key, _)| key.as_str())
}

fn other(site: &Site<'_>) -> Option<Cause> {
    let (name, message) = said(site)?;
    if [no_secret, no_config_map, no_key].iter().any(|rule| rule(site).is_some()) {
        return None;
    }
    let short = message.split(" (pod: ").next().unwrap_or(message);
    let cause = site.stuck(REASON, format!("container `{name}` is refused: {short}"));
    // The user is a part of the image: the same image is refused for ever.
    if message.contains("runAsNonRoot") {
        let remedy = "Set `runAsUser` to a number other than 0, or use an image with a user of its own.";
        return Some(cause.outlook(Outlook::Final).remedy(remedy));
    }
    Some(cause.remedy(format!(
        "Look at what the node says: `kubectl describe pod {}{}`.",
        site.reference.name,
        site.flag()
    )))
}
