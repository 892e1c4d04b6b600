//! Nothing is wrong yet: what is going on until the pod is ready.

use super::site::{Container, Site, event_start, event_text, event_time};
use super::words::{between, seconds, span};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::text;

pub(super) const RULES: &[Rule] = &[
    Rule { id: "pulling", group: "start", title: "an image is being pulled", on: Subject::Pod, find: pulling },
    Rule { id: "initializing", group: "start", title: "an init container runs", on: Subject::Pod, find: initializing },
    Rule { id: "creating", group: "start", title: "a container is being created", on: Subject::Pod, find: creating },
    Rule { id: "starting", group: "start", title: "a program starts", on: Subject::Pod, find: starting },
];

fn passing(site: &Site<'_>, reason: &str, message: impl AsRef<str>) -> Cause {
    site.stuck(reason, message).outlook(Outlook::Passing)
}

fn is_created(container: &Container<'_>) -> bool {
    !matches!(container.waiting, "ContainerCreating" | "PodInitializing")
}

/// The kubelet tells the begin of a pull and its end, and nothing between.
fn pulling(site: &Site<'_>) -> Option<Cause> {
    let container = site.containers.iter().find(|one| !is_created(one) && is_pulling(site, one))?;
    let begun = begun(site, container)?;
    let image = between(event_text(begun), "image \"", "\"").unwrap_or(container.image());
    let time = event_time(begun).or_else(|| event_start(begun)).map_or(0, |then| seconds(then, site.now));
    Some(passing(site, "Pulling", format!("the node pulls the image `{image}` ({})", span(time))))
}

fn begun<'a>(site: &Site<'a>, container: &Container<'_>) -> Option<&'a serde_json::Value> {
    site.events_of(&["Pulling"]).filter(|event| container.is_meant(event)).max_by_key(|event| event_time(event))
}

fn is_pulling(site: &Site<'_>, container: &Container<'_>) -> bool {
    let ended =
        site.events_of(&["Pulled", "Failed"]).filter(|event| container.is_meant(event)).filter_map(event_time).max();
    begun(site, container).is_some_and(|begun| ended.is_none() || event_time(begun) > ended)
}

fn initializing(site: &Site<'_>) -> Option<Cause> {
    let all: Vec<_> = site.containers.iter().filter(|one| one.init).collect();
    let (index, running) =
        all.iter().enumerate().find(|(_, one)| one.running && (one.status["started"] != true || !is_sidecar(one)))?;
    let time = site.since(running.status, "/state/running/startedAt").unwrap_or(0);
    let message = format!("init container `{}` ({} of {}) runs ({})", running.name, index + 1, all.len(), span(time));
    Some(passing(site, "PodInitializing", message).remedy(format!(
        "See what it waits for: `kubectl logs {}{} -c {}`.",
        site.reference.name,
        site.flag(),
        running.name
    )))
}

fn is_sidecar(container: &Container<'_>) -> bool {
    text(container.spec, "/restartPolicy") == Some("Always")
}

fn creating(site: &Site<'_>) -> Option<Cause> {
    let node = site.node?;
    let container = site.containers.iter().find(|one| !one.init && !is_created(one))?;
    if site.containers.iter().any(|one| is_pulling(site, one)) || initializing(site).is_some() {
        return None;
    }
    let time = site.since(site.object, "/status/startTime").unwrap_or_else(|| site.age());
    let message = format!("the node {node} sets the pod up: volumes, network, containers ({})", span(time));
    Some(passing(site, container.waiting, message))
}

fn starting(site: &Site<'_>) -> Option<Cause> {
    let container = site.containers.iter().find(|one| !one.init && one.running && !one.ready)?;
    let time = site.since(container.status, "/state/running/startedAt").unwrap_or(0);
    let probe =
        if container.spec.get("readinessProbe").is_some() { ", its readiness probe has not passed yet" } else { "" };
    let message = format!("container `{}` has run for {}{probe}", container.name, span(time));
    Some(passing(site, "Starting", message))
}
