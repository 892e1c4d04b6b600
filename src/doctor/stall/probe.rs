//! The program runs, but does not answer as its probes ask.

use serde_json::Value;

use super::site::{Container, Site, event_count, event_text};
use super::words::{clip, span};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::{number, text};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "P022",
        group: "probe",
        title: "a container is restarted because a probe fails",
        on: Subject::Pod,
        find: killed,
    },
    Rule { id: "P021", group: "probe", title: "a readiness probe fails", on: Subject::Pod, find: not_ready },
    Rule { id: "P021", group: "probe", title: "a startup probe fails", on: Subject::Pod, find: not_started },
    Rule { id: "P021", group: "probe", title: "a readiness gate is closed", on: Subject::Pod, find: gate },
];

/// Failures of a probe from which on it is no longer only early.
const SEVERAL: i64 = 3;
/// Seconds in which a probe that failed once or twice may hold again.
const SETTLES: i64 = 60;

/// The newest failure of a kind of probe of a container, with how often it was seen.
fn failure<'a>(site: &Site<'a>, container: &Container<'_>, kind: &str) -> Option<(&'a Value, i64, &'a str)> {
    let events = || {
        let events = site.events_of(&["Unhealthy", "ProbeWarning"]).filter(|event| container.is_meant(event));
        events.filter(|event| event_text(event).starts_with(kind))
    };
    let newest = events().max_by_key(|event| super::site::event_time(event))?;
    let said = event_text(newest);
    Some((newest, events().map(event_count).sum(), said.split_once("failed: ").map_or(said, |(_, rest)| rest)))
}

/// What a probe asks, for people: `GET :8080/ready`.
fn asked(container: &Container<'_>, probe: &str) -> String {
    let Some(probe) = container.spec.get(probe) else { return String::new() };
    let port = |of: &str| {
        probe.pointer(&format!("/{of}/port")).map(|port| port.as_str().map_or(port.to_string(), str::to_owned))
    };
    if let Some(port) = port("httpGet") {
        return format!(" (GET :{port}{})", text(probe, "/httpGet/path").unwrap_or("/"));
    }
    port("tcpSocket").map(|port| format!(" (TCP :{port})")).unwrap_or_default()
}

fn killed(site: &Site<'_>) -> Option<Cause> {
    site.containers.iter().filter(|one| !one.ready).find_map(|container| {
        let kill = site.events_of(&["Killing"]).filter(|event| container.is_meant(event)).map(event_text);
        let kill = kill.filter(|said| said.contains("probe")).last()?;
        let (kind, field) =
            if kill.contains("startup") { ("Startup", "startupProbe") } else { ("Liveness", "livenessProbe") };
        let said = failure(site, container, kind).map(|(_, _, said)| format!(": {}", clip(said))).unwrap_or_default();
        let message = format!(
            "container `{}` {} because its {} probe{} fails{said}",
            container.name,
            match container.restarts {
                0 => "is being restarted".to_owned(),
                1 => "was restarted once".to_owned(),
                many => format!("was restarted {many} times"),
            },
            kind.to_lowercase(),
            asked(container, field),
        );
        Some(site.stuck("Unhealthy", message).remedy(logs(site, container)))
    })
}

fn not_ready(site: &Site<'_>) -> Option<Cause> {
    failing(site, "Readiness", "readinessProbe")
}

fn not_started(site: &Site<'_>) -> Option<Cause> {
    failing(site, "Startup", "startupProbe")
}

fn failing(site: &Site<'_>, kind: &str, field: &str) -> Option<Cause> {
    let waits = |one: &&Container<'_>| one.running && !one.ready;
    site.containers.iter().filter(waits).find_map(|container| {
        let (_, count, said) = failure(site, container, kind)?;
        let word = kind.to_lowercase();
        let message = format!(
            "container `{}` runs, but its {word} probe{} fails: {}",
            container.name,
            asked(container, field),
            clip(said)
        );
        let cause = site.stuck("Unhealthy", message).remedy(logs(site, container));
        Some(if is_early(site, container, field, count) { cause.outlook(Outlook::Passing) } else { cause })
    })
}

/// A probe fails while the program starts. A startup probe says itself how long that may take.
fn is_early(site: &Site<'_>, container: &Container<'_>, field: &str, count: i64) -> bool {
    let setting = |name: &str, default| number(&container.spec[field], &format!("/{name}")).unwrap_or(default);
    let patience = setting("failureThreshold", 3).saturating_mul(setting("periodSeconds", 10));
    let runs = site.since(container.status, "/state/running/startedAt").unwrap_or(0);
    let patience = setting("initialDelaySeconds", 0).saturating_add(patience);
    // Events are thinned out, and of one that is thinned out the count stands still: the condition tells for how long it has failed.
    let unready = site.condition("Ready").and_then(|ready| site.since(ready, "/lastTransitionTime")).unwrap_or(0);
    count < SEVERAL && unready <= patience.max(SETTLES) || runs <= patience
}

fn gate(site: &Site<'_>) -> Option<Cause> {
    let ready = site.condition("Ready").filter(|ready| ready["reason"] == "ReadinessGatesNotReady")?;
    let said = clip(text(ready, "/message").unwrap_or_default());
    let message = format!("all containers are ready, but a readiness gate of the pod is closed: {said}");
    let cause = site.stuck("ReadinessGatesNotReady", message);
    let closed = site.since(ready, "/lastTransitionTime").unwrap_or(0);
    let cause = cause
        .remedy(format!("Look after the controller that sets the condition; it has been closed for {}.", span(closed)));
    Some(if closed < 30 { cause.outlook(Outlook::Passing) } else { cause })
}

fn logs(site: &Site<'_>, container: &Container<'_>) -> String {
    format!("Read its log: `kubectl logs {}{} -c {}`.", site.reference.name, site.flag(), container.name)
}
