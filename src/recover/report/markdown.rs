//! A report as a document. Pure.

use super::{Fate, Report, Teller};
use crate::engine::journal::RunState;
use crate::object::printable;

/// The whole document.
pub(super) fn text(report: &Report) -> String {
    let occasion = &report.occasion;
    let mut lines = vec![format!("# Recovery {}: {}", report.run, occasion.title), String::new()];
    lines.push(summary(report));
    lines.extend([String::new(), "## What was seen".to_owned(), String::new()]);
    for lost in &occasion.losses {
        let kind = lost.kind.as_deref().unwrap_or("no loss was recognised");
        lines.push(format!("* **{kind}**: {}", lost.data));
        lines.extend(lost.facts.iter().map(|fact| format!("  * {fact}")));
        lines.push(format!("  * used by {}; still worked: {}", list(&lost.used_by), list(&lost.still_works)));
    }
    lines.extend(section("What became of the data", report.data.iter().map(fate)));
    lines.push(String::new());
    lines.push(format!(
        "Lost for good: {}. Not touched: {}. Comes back: {}.",
        occasion.lost, occasion.untouched, occasion.returns
    ));
    lines.extend([String::new(), "## Times".to_owned(), String::new(), "| | |".to_owned(), "|---|---|".to_owned()]);
    lines.extend(times(report).into_iter().map(|(what, time)| format!("| {what} | {time} |")));
    lines.extend([String::new(), "## What happened".to_owned(), String::new()]);
    lines.extend(["| when (UTC) | by | what |".to_owned(), "|---|---|---|".to_owned()]);
    lines.extend(report.timeline.iter().map(|moment| {
        let by = match moment.by {
            Teller::Tool => "seaworthy",
            Teller::Operator => "operator",
        };
        format!("| {} | {by} | {} |", moment.at.strftime("%F %T"), moment.what.replace('|', "\\|"))
    }));
    if !report.failures.is_empty() {
        lines.extend(section("What went wrong", report.failures.iter().map(|failure| format!("* {failure}"))));
    }
    lines.extend(section("What is left behind", report.left.iter().map(|left| format!("* {left}"))));
    lines.extend(section("What is next", report.next.iter().map(|next| format!("* {next}"))));
    // What a cluster wrote is cleaned; lines are ours.
    let lines: Vec<String> = lines.iter().map(|line| printable(line)).collect();
    format!("{}\n", lines.join("\n"))
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut section = vec![String::new(), format!("## {title}"), String::new()];
    section.extend(lines);
    if section.len() == 3 {
        section.push("Nothing.".to_owned());
    }
    section
}

fn summary(report: &Report) -> String {
    let ended = match report.state {
        RunState::Done => "It came to its end.",
        RunState::Failed => "It failed.",
        RunState::Abandoned => "It was given up.",
        RunState::Open | RunState::Interrupted => "It is not finished.",
    };
    format!(
        "Playbook `{}`, for {} in namespace {} of {}, by {} with seaworthy {}. {ended}",
        report.occasion.playbook,
        report.installation.stack,
        report.installation.namespace,
        report.cluster.context,
        report.occasion.by,
        report.program,
    )
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn fate(fate: &Fate) -> String {
    let verdict = fate.verdict.meaning();
    let then = fate.files_then.map_or_else(|| "not known".to_owned(), |files| files.to_string());
    let now = fate.counted.clone().unwrap_or_else(|| "not counted".to_owned());
    format!("* {}: {verdict}. Files when last known to be well: {then}; now: {now}.", fate.claim)
}

fn times(report: &Report) -> Vec<(&'static str, String)> {
    let seconds = |seconds: f64| format!("{seconds:.0} s");
    let last_good =
        report.last_good.map_or_else(|| "not known".to_owned(), |at| format!("{} UTC", at.strftime("%F %T")));
    let between = report.last_good.map_or_else(
        || "not known".to_owned(),
        |at| format!("at most {}", seconds(super::seconds(report.occasion.at.duration_since(at)))),
    );
    let mut times = vec![
        ("last known to be well", last_good),
        ("recognised", format!("{} UTC", report.occasion.at.strftime("%F %T"))),
        ("the recovery, from its plan to its end", seconds(report.seconds)),
        ("of that, waiting for people", seconds(report.seconds_asked)),
        (
            "down, from the first stop to the last start",
            report.seconds_down.map_or_else(
                || if report.has_stopped { "not ended" } else { "nothing was stopped" }.to_owned(),
                seconds,
            ),
        ),
        ("taken up again", if report.resumed == 1 { "once".to_owned() } else { format!("{} times", report.resumed) }),
    ];
    if report.is_any_lost() {
        times.insert(2, ("what was written in between may be lost", between));
    }
    times
}
