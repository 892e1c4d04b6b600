//! The program starts and ends: what its exit code and its last lines mean.

use serde_json::Value;

use super::site::{Container, Site};
use super::words::{has_any, last_lines};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::text;

pub(super) const RULES: &[Rule] = &[
    rule("P011", "a container used more memory than it may", out_of_memory),
    rule("P013", "a shell does not find or may not execute a command", no_command),
    rule("P014", "a program uses instructions that the processor lacks", |site| signal(site, &[132])),
    rule("P015", "a program crashes", |site| signal(site, &[134, 135, 136, 139])),
    rule("P012", "a container is killed from outside", |site| signal(site, &[137])),
    rule("P016", "a container is told to stop", |site| signal(site, &[143])),
    rule("P017", "a program ends because something that it needs is not there", dependency),
    rule("P001", "a program refuses its arguments", bad_arguments),
    rule("P001", "a program that should keep running ends", ends),
];

const fn rule(id: &'static str, title: &'static str, find: fn(&Site<'_>) -> Option<Cause>) -> Rule {
    Rule { id, group: "exit", title, on: Subject::Pod, find }
}

/// Restarts that are nothing unusual while everything around is started too.
const PATIENCE: i64 = 3;

/// An end of a program that explains why its pod is not ready.
struct End<'a> {
    container: &'a Container<'a>,
    code: i64,
    reason: &'a str,
    message: &'a str,
}

fn ends_of<'a>(site: &'a Site<'_>) -> impl Iterator<Item = End<'a>> {
    all_ends_of(site).filter(|end| !end.container.ready)
}

/// Also those of containers that run again and count as ready.
fn all_ends_of<'a>(site: &'a Site<'_>) -> impl Iterator<Item = End<'a>> {
    let stays = site.object["spec"]["restartPolicy"].as_str().unwrap_or("Always") == "Always";
    site.containers.iter().filter_map(move |container| {
        // A start that failed is not the program's doing; a sidecar or init container that is done is done.
        let ended = container.ended?;
        let code = ended.code?;
        let done = code == 0 && (container.init || !stays);
        let foreign = matches!(ended.reason, "StartError" | "ContainerCannotRun" | "ContainerStatusUnknown");
        (!done && !foreign).then_some(End { container, code, reason: ended.reason, message: ended.message })
    })
}

impl End<'_> {
    fn who(&self) -> String {
        format!("{} `{}`", if self.container.init { "init container" } else { "container" }, self.container.name)
    }

    /// Its last lines, behind a colon.
    fn words(&self) -> String {
        last_lines(self.message).map(|lines| format!(": {lines}")).unwrap_or_default()
    }

    fn logs(&self, site: &Site<'_>) -> String {
        let previous = if self.container.restarts > 0 && !self.container.running { " --previous" } else { "" };
        format!(
            "Read its log: `kubectl logs {}{} -c {}{previous}`.",
            site.reference.name,
            site.flag(),
            self.container.name
        )
    }

    /// The word that `kubectl get pods` shows.
    fn word(&self) -> &str {
        if self.container.waiting.is_empty() { self.reason } else { self.container.waiting }
    }

    fn restarted(&self) -> String {
        match self.container.restarts {
            0 => String::new(),
            1 => " (restarted once)".to_owned(),
            count => format!(" (restarted {count} times)"),
        }
    }
}

fn out_of_memory(site: &Site<'_>) -> Option<Cause> {
    let end = ends_of(site).find(|end| end.reason == "OOMKilled")?;
    let limit = text(end.container.spec, "/resources/limits/memory");
    let than = limit.map_or("the node could give".to_owned(), |limit| format!("its limit of {limit}"));
    let message = format!("{} was killed because it used more memory than {than}{}", end.who(), end.restarted());
    let remedy = if limit.is_some() {
        "Raise the container's memory limit in the values."
    } else {
        "It has no limit of its own: see what fills the node (`kubectl top pods -A --sort-by=memory`), and give it a request, so that it is placed where there is room."
    };
    Some(site.stuck("OOMKilled", message).remedy(remedy))
}

fn no_command(site: &Site<'_>) -> Option<Cause> {
    let end = ends_of(site).find(|end| matches!(end.code, 126 | 127))?;
    let what = if end.code == 126 { "cannot be executed" } else { "is not in the image" };
    let message = format!("the command of {} {what} (exit code {}){}", end.who(), end.code, end.words());
    let remedy = format!("Correct `command` and `args` of the container, or the image `{}`.", end.container.image());
    Some(site.stuck(end.word(), message).remedy(remedy).outlook(Outlook::Final))
}

fn signal(site: &Site<'_>, codes: &[i64]) -> Option<Cause> {
    let end = ends_of(site).find(|end| codes.contains(&end.code) && end.reason != "OOMKilled")?;
    let what = match end.code {
        132 => "used an instruction that the processor lacks (exit code 132, SIGILL)".to_owned(),
        137 => "was killed from outside, not for memory (exit code 137, SIGKILL)".to_owned(),
        143 => "was told to stop (exit code 143, SIGTERM)".to_owned(),
        code => format!("crashed (exit code {code}, signal {})", code - 128),
    };
    let cause = site.stuck(end.word(), format!("{} {what}{}{}", end.who(), end.restarted(), end.words()));
    Some(match end.code {
        132 => cause
            .outlook(Outlook::Final)
            .remedy("Give the virtual machine the host's processor type, or use an image for older processors."),
        143 if end.container.restarts < PATIENCE => cause.outlook(Outlook::Passing).remedy(end.logs(site)),
        _ => cause.remedy(end.logs(site)),
    })
}

/// What programs say when something that they need does not answer, in lower case.
const NEEDS: &[&str] = &[
    "connection refused",
    "no such host",
    "could not resolve",
    "name resolution",
    "name or service not known",
    "password authentication failed",
    "no route to host",
    "i/o timeout",
    "connection timed out",
    "no space left on device",
    "address already in use",
    "permission denied",
    "no such file or directory",
];

/// Of these the ones that pass when the other side is up.
const PASSING_NEEDS: usize = 5;

fn dependency(site: &Site<'_>) -> Option<Cause> {
    let end = ends_of(site).find(|end| failed(end) && has_any(&end.message.to_lowercase(), NEEDS))?;
    let message = format!("{} ends with exit code {}{}{}", end.who(), end.code, end.restarted(), end.words());
    let cause = site.stuck(end.word(), message).remedy(end.logs(site));
    let soon = end.container.restarts < PATIENCE && has_any(&end.message.to_lowercase(), &NEEDS[..PASSING_NEEDS]);
    Some(if soon { cause.outlook(Outlook::Passing) } else { cause })
}

/// Ends of the program's own choice.
fn failed(end: &End<'_>) -> bool {
    (1..=125).contains(&end.code) || end.code == 255
}

/// What programs say of flags that they do not know, in lower case.
const BAD_ARGUMENTS: &[&str] = &[
    "unknown flag",
    "unknown option",
    "unknown command",
    "unknown shorthand flag",
    "unrecognized option",
    "unrecognized argument",
    "unrecognised option",
    "unexpected argument",
    "flag provided but not defined",
    "invalid option",
];

fn bad_arguments(site: &Site<'_>) -> Option<Cause> {
    let end = ends_of(site).find(|end| failed(end) && has_any(&end.message.to_lowercase(), BAD_ARGUMENTS))?;
    let message = format!("{} refuses its arguments (exit code {}){}", end.who(), end.code, end.words());
    Some(site.stuck(end.word(), message).outlook(Outlook::Final).remedy("Correct `args` of the container."))
}

fn ends(site: &Site<'_>) -> Option<Cause> {
    let end = ends_of(site).find(|end| failed(end) || end.code == 0)?;
    let lower = end.message.to_lowercase();
    if failed(&end) && (has_any(&lower, NEEDS) || has_any(&lower, BAD_ARGUMENTS)) {
        return None;
    }
    let what = if end.code == 0 {
        "ends with success, but should keep running".to_owned()
    } else {
        format!("ends with exit code {}", end.code)
    };
    let cause = site
        .stuck(end.word(), format!("{} {what}{}{}", end.who(), end.restarted(), end.words()))
        .remedy(end.logs(site));
    Some(if is_first(&end, site.object) { cause.outlook(Outlook::Passing) } else { cause })
}

/// A program that has failed and was started again counts as ready until it fails the next time. Why it has failed.
pub(super) fn relapse(site: &Site<'_>) -> Option<Cause> {
    let end = all_ends_of(site).find(|end| end.container.ready && end.code != 0)?;
    let message = format!("{} ended with exit code {} and was started again{}", end.who(), end.code, end.words());
    let cause = site.stuck(end.reason, message).remedy(end.logs(site)).outlook(Outlook::Passing);
    Some(Cause { id: "P001".to_owned(), ..cause })
}

/// A program that was restarted once and runs again has had a bad start, no more.
fn is_first(end: &End<'_>, pod: &Value) -> bool {
    end.container.restarts <= 1 && end.container.running && text(pod, "/status/phase") == Some("Running")
}
