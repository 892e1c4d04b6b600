//! The command with which kubectl shows what a step looked at.

use serde_json::Value;

use super::Site;
use super::expect::Expectation;
use super::form::{Place, Step};
use crate::doctor::stacks::{COMPONENT, NAME};
use crate::object::{is_true, text};
use crate::plan::STACK_LABEL;

/// Lines of a log.
const LINES: usize = 200;

impl Site<'_> {
    pub(super) fn command(&self, step: &Step, objects: &[&Value]) -> String {
        if let Some(command) = &step.command {
            return self.filled(command, step, objects);
        }
        let place = &step.at;
        let namespace = self.namespace_of(place).map_or_else(String::new, |namespace| format!(" -n {namespace}"));
        let what = self.selected(place, objects);
        if let Some(log) = &step.log {
            let container = log
                .container
                .as_ref()
                .map_or_else(|| "--all-containers".to_owned(), |container| format!("-c {container}"));
            let ended = objects.iter().any(|pod| restarts(pod) > 0 && !is_true(pod, "Ready"));
            let previous = if ended { " --previous" } else { "" };
            // What is known by its name is one pod, and needs no prefix.
            let prefix = if place.name.is_none() { " --prefix" } else { "" };
            return format!("kubectl{namespace} logs {what} {container} --tail={LINES}{previous}{prefix}");
        }
        let kind = place.kind.to_lowercase();
        // Their keys are shown, and no value of them.
        let shows_keys = step.expect.iter().any(|one| matches!(one, Expectation::Key(_)));
        let (verb, wide) = if shows_keys || !step.checks.is_empty() { ("describe", "") } else { ("get", " -o wide") };
        let what = if what.is_empty() { String::new() } else { format!(" {what}") };
        format!("kubectl{namespace} {verb} {kind}{what}{wide}")
    }

    /// A text of a walk-through with what it is about in the place of NAMESPACE, KIND and NAME, as far as that is known.
    pub(super) fn filled(&self, text: &str, step: &Step, objects: &[&Value]) -> String {
        let kind = step.at.kind.to_lowercase();
        let fill = |word: &str| match word {
            "NAMESPACE" => Some(self.namespace.to_owned()),
            "KIND" => Some(kind.clone()),
            "NAME" => objects.first().map(|object| name(object).to_owned()),
            _ => None,
        };
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(|letter: char| letter.is_ascii_uppercase()) {
            // A part of a longer word stands for nothing.
            let is_begin = !rest[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
            let word: &str = &rest[at..];
            let end = word.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(word.len());
            filled.push_str(&rest[..at]);
            let word = &word[..end];
            filled.push_str(&fill(word).filter(|_| is_begin).unwrap_or_else(|| word.to_owned()));
            rest = &rest[at + end..];
        }
        filled + rest
    }

    /// By which kubectl finds the same objects: their name, or labels that they really carry.
    fn selected(&self, place: &Place, objects: &[&Value]) -> String {
        if let Some(name) = &place.name {
            return name.clone();
        }
        let carry = |key: &str, value: &str| objects.iter().all(|object| object["metadata"]["labels"][key] == value);
        let mut labels = place.selector();
        if !place.is_anybodys() {
            let own = [NAME, STACK_LABEL].into_iter().find(|key| carry(key, self.stack));
            labels.extend(own.map(|key| format!("{key}={}", self.stack)));
        }
        labels.extend(place.component.as_ref().map(|component| format!("{COMPONENT}={component}")));
        if labels.is_empty() { String::new() } else { format!("-l {}", labels.join(",")) }
    }
}

/// How often containers of a pod were started again.
pub(super) fn restarts(pod: &Value) -> i64 {
    let statuses = crate::object::items(pod, "/status/containerStatuses");
    statuses.filter_map(|status| crate::object::number(status, "/restartCount")).sum()
}

/// The name of an object.
pub(super) fn name(object: &Value) -> &str {
    text(object, "/metadata/name").unwrap_or_default()
}
