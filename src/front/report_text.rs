//! What the doctor says, for people: the first line is all that somebody in a hurry needs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seaworthy::doctor::check::Severity;
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::report::{Report, Summary};
use seaworthy::doctor::unsettled::Unsettled;
use seaworthy::doctor::why::Why;
use seaworthy::object::{ObjectRef, printable};

use super::look::Mark;
use super::paint::{Paint, count, one_line};

/// Findings of one check that are shown; the rest is counted.
const SAME: usize = 10;
/// Findings below a cause that are shown; the rest is counted.
const BELOW: usize = 6;

/// How texts are dressed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) paint: Paint,
    /// Whether the terminal shows more than ASCII.
    pub(crate) unicode: bool,
}

impl Style {
    fn mark(self, severity: Severity) -> String {
        let (sign, word) = match severity {
            Severity::Critical => ("⛔", "[crit]"),
            Severity::Error => ("✘", "[fail]"),
            Severity::Warning => ("‼", "[warn]"),
            Severity::Info => ("·", "[info]"),
        };
        let mark = if self.unicode { sign } else { word };
        match severity {
            Severity::Critical | Severity::Error => self.paint.bad(mark),
            Severity::Warning => self.paint.careful(mark),
            Severity::Info => self.paint.faint(mark),
        }
    }

    pub(crate) fn bad(self) -> String {
        self.mark(Severity::Error)
    }

    pub(crate) fn good(self) -> String {
        self.paint.good(if self.unicode { "✔" } else { "[ok]" })
    }

    /// How something stands that is no finding.
    pub(crate) fn sign(self, mark: Mark) -> String {
        match mark {
            Mark::Good => self.good(),
            Mark::Bad | Mark::Careful => self.mark(Severity::Error),
            Mark::Busy | Mark::Idle | Mark::Skipped => self.open(),
        }
    }

    fn open(self) -> String {
        self.paint.careful(if self.unicode { "?" } else { "[unkn]" })
    }
}

/// The whole report.
pub(crate) fn report_text(report: &Report, style: Style) -> String {
    let mut lines = vec![first_line(report, style)];
    let mut same: BTreeMap<(&str, Severity), usize> = BTreeMap::new();
    for finding in &report.findings {
        let many = same.entry((&finding.id, finding.worst())).or_default();
        *many += 1;
        if *many <= SAME {
            lines.push(String::new());
            lines.extend(block(finding, report.taken, style));
        }
    }
    lines.push(String::new());
    lines.extend(same.into_iter().filter(|(_, many)| *many > SAME).map(|((id, severity), many)| {
        let more = format!(
            "{id} {}  {} more; `seaworthy doctor --only {id} -o json` names them",
            severity.word(),
            many - SAME
        );
        format!("{} {more}", style.mark(severity))
    }));
    lines.extend(elsewhere(report));
    lines.extend(unsettled_lines(report, style));
    lines.extend(open_lines(report, style));
    lines.extend(quiet_lines(report, style));
    lines.extend(unseen(report));
    lines.push(counts(&report.summary));
    lines.extend(next(report));
    lines.join("\n")
}

fn first_line(report: &Report, style: Style) -> String {
    let mark = match report.worst() {
        Some(severity) if severity > Severity::Info => style.mark(severity),
        _ if report.summary.evaluated == 0 || report.summary.unknown > 0 || !report.unsettled.is_empty() => {
            style.open()
        }
        _ => style.good(),
    };
    format!("{mark} {}", style.paint.strong(&printable(&report.headline)))
}

fn block(finding: &Finding, now: Timestamp, style: Style) -> Vec<String> {
    // The mark is that of the worst below, and so is what is counted.
    let below = match finding.worst() {
        worst if worst > finding.severity => format!(" ({} below)", worst.word()),
        _ => String::new(),
    };
    let head = format!("{} {}{below}  {}: {}", finding.id, finding.severity.word(), finding.object, finding.title);
    let mut lines = vec![format!("{} {}", style.mark(finding.worst()), printable(&head))];
    let mut say = |label: &str, text: &str| lines.push(format!("    {label:<6} {}", one_line(text)));
    say("what:", &finding.message);
    for line in &finding.evidence {
        say("why:", line);
    }
    for change in &finding.changed {
        say("since:", &format!("{}: {}", change.object, change.words(now)));
    }
    if !finding.symptoms.is_empty() {
        say("below:", &format!("{} ({})", count(finding.symptoms.len(), "object"), some(&finding.symptoms)));
    }
    let below: Vec<(usize, &Finding)> = finding.causes.iter().flat_map(|child| deep(child, 0)).collect();
    for (depth, child) in below.iter().take(BELOW) {
        say("below:", &format!("{}{} {} {}", "  ".repeat(*depth), child.id, child.object, child.message));
    }
    if below.len() > BELOW {
        say("below:", &format!("and {} more", below.len() - BELOW));
    }
    if let Some(fix) = &finding.fix {
        say("fix:", fix);
    }
    if let Some(remedy) = &finding.remedy {
        let asked = remedy.warning().map_or_else(String::new, |warning| format!("; {warning}"));
        say("can:", &format!("{} (`seaworthy doctor --fix` shows it, and asks{asked})", remedy.title));
    }
    say("see:", &format!("seaworthy explain {}", finding.id));
    lines
}

/// What has changed and concerns no finding, when something is wrong.
fn elsewhere(report: &Report) -> Vec<String> {
    let Some(since) = report.since.as_ref().filter(|_| !report.is_green()) else { return Vec::new() };
    let rest: Vec<String> = since
        .elsewhere(&report.findings)
        .map(|change| one_line(&format!("  {}: {}", change.object, change.words(report.taken))))
        .collect();
    let shown = since.changes.len() - rest.len();
    let head = match (shown, rest.len()) {
        (0, 0) => "nothing that is kept has changed".to_owned(),
        (_, 0) => "nothing else has changed".to_owned(),
        (0, many) => format!("{} changed", count(many, "thing")),
        (_, 1) => "1 thing more changed".to_owned(),
        (_, many) => format!("{many} more things changed"),
    };
    let mut lines = vec![format!("since all was well ({}): {head}", since.green.strftime("%F %T UTC"))];
    lines.extend(rest.iter().take(BELOW).cloned());
    if rest.len() > BELOW {
        lines.push(format!("  and {} more", rest.len() - BELOW));
    }
    lines
}

fn deep(finding: &Finding, depth: usize) -> Vec<(usize, &Finding)> {
    std::iter::once((depth, finding)).chain(finding.causes.iter().flat_map(|child| deep(child, depth + 1))).collect()
}

/// The first few of many.
fn some(objects: &[ObjectRef]) -> String {
    let mut names: Vec<String> = objects.iter().take(3).map(ToString::to_string).collect();
    if objects.len() > names.len() {
        names.push("...".to_owned());
    }
    names.join(", ")
}

/// What is on its way: it may become a finding, or pass.
fn unsettled_lines(report: &Report, style: Style) -> Vec<String> {
    let why = |one: &Unsettled| one.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let line = |one: &Unsettled| one_line(&format!("{} not settled: {}{}", style.open(), one.line(), why(one)));
    let mut lines: Vec<String> = report.unsettled.iter().take(BELOW).map(line).collect();
    if report.unsettled.len() > BELOW {
        lines.push(format!("{} not settled: {} more", style.open(), report.unsettled.len() - BELOW));
    }
    lines
}

/// What could not be told, with each reason once.
fn open_lines(report: &Report, style: Style) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for unknown in &report.unknown {
        match reasons.iter_mut().find(|(because, _)| *because == unknown.because) {
            Some((_, ids)) => ids.push(&unknown.id),
            None => reasons.push((&unknown.because, vec![&unknown.id])),
        }
    }
    let line =
        |(because, ids): &(&str, Vec<&str>)| format!("{} could not tell: {}: {because}", style.open(), ids.join(", "));
    reasons.iter().map(line).collect()
}

/// Suppressions that do nothing: somebody thinks that they do.
fn quiet_lines(report: &Report, style: Style) -> Vec<String> {
    let Some(told) = &report.suppressed else { return Vec::new() };
    let line = |what: &str, entry: &String| one_line(&format!("{} suppression {what}: {entry}", style.open()));
    let expired = told.expired.iter().map(|entry| line("has expired", entry));
    expired.chain(told.unused.iter().map(|entry| line("fits nothing", entry))).collect()
}

/// Nobody is to take for well what the doctor does not look at.
fn unseen(report: &Report) -> Option<String> {
    let is_calm = report.worst().is_none_or(|worst| worst <= Severity::Info);
    (is_calm && report.bound > 0 && report.summary.evaluated > 0).then(|| {
        let volumes = count(report.bound, "volume");
        format!("not looked at: what is on {volumes}; `seaworthy recover` compares it with what was there")
    })
}

fn counts(summary: &Summary) -> String {
    let found = summary.critical + summary.errors + summary.warnings + summary.infos;
    let kinds = [
        (summary.critical, format!("{} critical", summary.critical)),
        (summary.errors, count(summary.errors, "error")),
        (summary.warnings, count(summary.warnings, "warning")),
        (summary.infos, format!("{} info", summary.infos)),
    ];
    let kinds: Vec<String> = kinds.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let suppressed = match summary.suppressed {
        0 => String::new(),
        many => format!(", {many} suppressed"),
    };
    format!(
        "{}{kinds}{suppressed}, {}; {}: {} evaluated, {} had nothing to look at, {} could not tell; {}",
        count(found, "finding"),
        count(summary.symptoms, "symptom"),
        count(summary.evaluated + summary.idle + summary.unknown, "check"),
        summary.evaluated,
        summary.idle,
        summary.unknown,
        count(summary.objects, "object")
    )
}

/// Commands that only read, with which one can go on at once.
const READS: [&str; 7] = [
    "kubectl get ",
    "kubectl describe ",
    "kubectl logs ",
    "kubectl top ",
    "kubectl api-resources",
    "kubectl auth ",
    "seaworthy recover",
];

/// One command to go on with. What would change something is to be read and thought about first.
fn next(report: &Report) -> Option<String> {
    let first = report.findings.first().filter(|first| first.worst() > Severity::Info)?;
    let command = first.fix.as_deref().and_then(|fix| fix.split('`').nth(1)).unwrap_or_default();
    Some(if READS.iter().any(|read| command.starts_with(read)) {
        format!("next: {}", printable(command))
    } else if first.remedy.is_some() {
        // It shows what it would do, and asks.
        "next: seaworthy doctor --fix".to_owned()
    } else {
        format!("next: seaworthy explain {}", first.id)
    })
}

/// Lines about other sides of an object that are shown; the rest is counted.
const DETAILS: usize = 6;

/// The five lines of `why`, and a few more where there is something to say.
pub(crate) fn why_text(why: &Why) -> String {
    let root = why.root.as_ref().map(|root| format!(" [{root}]")).unwrap_or_default();
    let check = why.check.as_ref().map(|check| format!(" ({check})")).unwrap_or_default();
    let or_none = |text: String| if text.is_empty() { "nothing".to_owned() } else { text };
    let suffers = match why.suffers.len() {
        0 => "nothing else".to_owned(),
        1..=3 => some(&why.suffers),
        many => format!("{many} objects: {}", some(&why.suffers)),
    };
    let lines = [
        format!("{}: {}", why.object, why.state),
        format!("why:     {}{root}{check}", why.why),
        format!("seen:    {}", or_none(why.seen.join("; "))),
        format!("suffers: {suffers}"),
        format!("fix:     {}", why.fix.as_deref().unwrap_or("nothing to do")),
    ];
    let mut lines: Vec<String> = lines.into_iter().collect();
    lines.extend(
        why.details.iter().take(DETAILS).map(|detail| format!("{:<8} {}", format!("{}:", detail.about), detail.says)),
    );
    if why.details.len() > DETAILS {
        lines.push(format!("more:    {} (`-o json` has them)", count(why.details.len() - DETAILS, "line")));
    }
    lines.extend(why.managed.as_ref().map(|by| format!("managed: by {by}")));
    lines.iter().map(|line| one_line(line)).collect::<Vec<_>>().join("\n")
}
