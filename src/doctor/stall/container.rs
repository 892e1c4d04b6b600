//! The runtime refuses to create or to start the container.

use super::site::{Container, Site};
use super::words::clip;
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "P006",
        group: "container",
        title: "a program was not built for this kind of machine",
        on: Subject::Pod,
        find: wrong_machine,
    },
    Rule {
        id: "P013",
        group: "container",
        title: "a container's command cannot be started",
        on: Subject::Pod,
        find: no_command,
    },
    Rule { id: "P010", group: "container", title: "a hook of a container fails", on: Subject::Pod, find: hook },
    Rule { id: "P010", group: "container", title: "the runtime refuses a container", on: Subject::Pod, find: refused },
];

/// What the runtime said about the container that it could not start, with the reason.
fn said<'a>(site: &'a Site<'_>) -> Option<(&'a Container<'a>, &'a str, &'a str)> {
    site.containers.iter().find_map(|container| {
        if matches!(container.waiting, "CreateContainerError" | "RunContainerError") {
            return Some((container, container.waiting, container.message));
        }
        let ended = container.ended.filter(|_| !container.waiting.is_empty())?;
        matches!(ended.reason, "StartError" | "ContainerCannotRun").then_some((container, ended.reason, ended.message))
    })
}

/// Whether the message is about the program itself and not about a mount.
fn is_about_command(message: &str) -> bool {
    message.contains("executable file not found")
        || message.contains("exec: ")
            && (message.contains("no such file or directory") || message.contains("permission denied"))
}

/// Said by the runtime, or, where a shell or a runtime's init starts the program, by its last words.
fn wrong_machine(site: &Site<'_>) -> Option<Cause> {
    const WORDS: &str = "exec format error";
    let by_runtime =
        said(site).filter(|(_, _, message)| message.contains(WORDS)).map(|(container, reason, _)| (container, reason));
    let by_program = || {
        let says = |container: &&Container<'_>| {
            !container.ready && container.ended.is_some_and(|ended| ended.message.contains(WORDS))
        };
        site.containers.iter().find(says).map(|container| (container, container.waiting))
    };
    let (container, reason) = by_runtime.or_else(by_program)?;
    let reason = if reason.is_empty() { "Error" } else { reason };
    let message = format!("the image `{}` was not built for the node's kind of machine: {WORDS}", container.image());
    let remedy = "Use an image built for this architecture, or choose other nodes with a nodeSelector.";
    Some(site.stuck(reason, message).remedy(remedy).outlook(Outlook::Final))
}

fn no_command(site: &Site<'_>) -> Option<Cause> {
    let (container, reason, message) = said(site).filter(|(_, _, message)| is_about_command(message))?;
    let message = format!("the command of container `{}` cannot be started: {}", container.name, last(message));
    let remedy = format!("Correct `command` of the container, or the image `{}`.", container.image());
    Some(site.stuck(reason, message).remedy(remedy).outlook(Outlook::Final))
}

fn hook(site: &Site<'_>) -> Option<Cause> {
    let event = site.event(&["FailedPostStartHook", "FailedPreStopHook"]);
    let waiting = |one: &&Container<'_>| matches!(one.waiting, "PostStartHookError" | "PreStartHookError");
    let by_event =
        || event.and_then(|event| site.containers.iter().find(|one| one.is_meant(event) && !one.waiting.is_empty()));
    let container = site.containers.iter().find(waiting).or_else(by_event)?;
    let message =
        format!("the postStart hook of container `{}` fails, so the container is ended each time", container.name);
    let remedy = format!(
        "Run the hook by hand: `kubectl exec {}{} -c {} -- COMMAND`.",
        site.reference.name,
        site.flag(),
        container.name
    );
    Some(site.stuck("PostStartHookError", message).remedy(remedy))
}

fn refused(site: &Site<'_>) -> Option<Cause> {
    let (container, reason, message) =
        said(site).filter(|(_, _, message)| !is_about_command(message) && !message.contains("exec format error"))?;
    let what = if message.contains("read-only file system") {
        "something is mounted below a read-only mount"
    } else {
        "the container runtime refuses it"
    };
    let message = format!("container `{}` cannot be created: {what}: {}", container.name, last(message));
    let remedy = format!("Look at what the node says: `kubectl describe pod {}{}`.", site.reference.name, site.flag());
    Some(site.stuck(reason, message).remedy(remedy))
}

/// What is left when the layers that only pass the message on are taken off.
fn last(message: &str) -> String {
    let mut rest = message;
    for layer in
        ["unable to start container process: ", "runc create failed: ", "OCI runtime create failed: ", "desc = "]
    {
        rest = rest.split_once(layer).map_or(rest, |(_, behind)| behind);
    }
    clip(rest.trim_end_matches(": unknown"))
}
