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

/// Where the evidence of a report comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The cluster that commands of this program work on.
    Here,
    /// A file: what acts on a cluster has to be run where that cluster is reached.
    File,
}

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
            Mark::Busy | Mark::Idle => self.open(),
            Mark::Skipped => self.paint.faint("-"),
        }
    }

    fn open(self) -> String {
        self.paint.careful(if self.unicode { "?" } else { "[unkn]" })
    }
}

/// The whole report.
pub(crate) fn report_text(report: &Report, origin: Origin, style: Style) -> String {
    let mut lines = vec![first_line(report, style)];
    let mut same: BTreeMap<(&str, Severity), usize> = BTreeMap::new();
    for finding in &report.findings {
        let many = same.entry((&finding.id, finding.worst())).or_default();
        *many += 1;
        if *many <= SAME {
            lines.push(String::new());
            lines.extend(block(finding, (report.taken, &report.options), origin, style));
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
    lines.extend(unseen(report, origin));
    lines.push(counts(&report.summary));
    lines.extend(next(report, origin));
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

/// `options`: of a command that asks for the same.
fn block(finding: &Finding, (now, options): (Timestamp, &str), origin: Origin, style: Style) -> Vec<String> {
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
        let suffering = suffering(child);
        say("below:", &format!("{}{} {} {}{suffering}", "  ".repeat(*depth), child.id, child.object, child.message));
    }
    if below.len() > BELOW {
        let rest = below[BELOW..].iter().map(|(_, child)| child.places().len() + child.symptoms.len()).sum();
        say("below:", &format!("{} more, in {}", count(below.len() - BELOW, "finding"), count(rest, "object")));
    }
    if let Some(fix) = &finding.fix {
        say("fix:", fix);
    }
    if let Some(remedy) = &finding.remedy {
        let asked = remedy.warning().map_or_else(String::new, |warning| format!("; {warning}"));
        let place = if origin == Origin::File { "on that cluster, " } else { "" };
        say("can:", &format!("{} ({place}`seaworthy doctor --fix{options}` shows it, and asks{asked})", remedy.title));
    }
    say("see:", &format!("seaworthy explain {}", finding.id));
    lines
}

/// How much suffers from a finding that hangs below another: more pods than the object that is named, and what hangs below it.
fn suffering(child: &Finding) -> String {
    let pods = if child.instances.len() > 1 {
        format!(" (in {})", count(child.instances.len(), "pod"))
    } else {
        String::new()
    };
    match child.symptoms.len() {
        0 => pods,
        many => format!("{pods}; with it {} ({})", count(many, "object"), some(&child.symptoms)),
    }
}

/// What has changed and concerns no finding, when something is wrong and everything was asked about.
fn elsewhere(report: &Report) -> Vec<String> {
    let is_told = !report.is_green() && report.is_of_everything();
    let Some(since) = report.since.as_ref().filter(|_| is_told) else { return Vec::new() };
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
    // What paints is put around what is clean already.
    let line =
        |one: &Unsettled| format!("{} not settled: {}", style.open(), one_line(&format!("{}{}", one.line(), why(one))));
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
    for (_, ids) in &mut reasons {
        ids.sort_unstable();
    }
    reasons.sort_by(|one, other| one.1.cmp(&other.1));
    let line =
        |(because, ids): &(&str, Vec<&str>)| format!("{} could not tell: {}: {because}", style.open(), ids.join(", "));
    reasons.iter().map(line).collect()
}

/// Suppressions that do nothing: somebody thinks that they do.
fn quiet_lines(report: &Report, style: Style) -> Vec<String> {
    let Some(told) = &report.suppressed else { return Vec::new() };
    let line = |what: &str, entry: &String| format!("{} suppression {what}: {}", style.open(), one_line(entry));
    let expired = told.expired.iter().map(|entry| line("has expired", entry));
    expired.chain(told.unused.iter().map(|entry| line("fits nothing", entry))).collect()
}

/// Nobody is to take for well what the doctor does not look at.
fn unseen(report: &Report, origin: Origin) -> Option<String> {
    let is_calm = report.worst().is_none_or(|worst| worst <= Severity::Info);
    (is_calm && report.bound > 0 && report.summary.evaluated > 0).then(|| {
        let volumes = count(report.bound, "volume");
        let place = if origin == Origin::File { "on that cluster " } else { "" };
        format!("not looked at: what is on {volumes}; {place}`seaworthy recover` compares it with what was there")
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

/// Commands that take something away for good, or a protection: they are to be read and thought about first.
const TAKES: [&str; 6] =
    ["kubectl delete ", "kubectl drain ", "seaworthy uninstall", "--destroy-data", "--force", "enforce=privileged"];

/// One command to go on with, which can be pasted as it stands.
fn next(report: &Report, origin: Origin) -> Option<String> {
    let first = report.findings.first().filter(|first| first.worst() > Severity::Info)?;
    let mut commands = first.fix.iter().flat_map(|fix| fix.split('`').skip(1).step_by(2));
    let command = commands.next().unwrap_or_default();
    let command = if READS.iter().any(|read| command.starts_with(read)) {
        printable(command)
    } else if first.remedy.is_some() {
        // It shows what it would do, and asks.
        printable(&format!("seaworthy doctor --fix{}", report.options))
    } else if is_whole(command) && !TAKES.iter().any(|takes| command.contains(takes)) {
        printable(command)
    } else {
        return Some(format!("next: seaworthy explain {}", first.id));
    };
    let place = if origin == Origin::File { ", on that cluster" } else { "" };
    Some(format!("next{place}: {command}"))
}

/// Whether a command lacks nothing: no word in capitals stands for what somebody has to fill in.
fn is_whole(command: &str) -> bool {
    let is_ours = ["kubectl ", "seaworthy "].iter().any(|program| command.starts_with(program));
    let mut words = command.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_blank = |word: &str| word.len() > 1 && word.chars().all(|letter| letter.is_ascii_uppercase());
    is_ours && !command.contains("...") && !command.contains('<') && !words.any(is_blank)
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

#[cfg(test)]
mod tests {
    use seaworthy::doctor::evidence::Evidence;
    use seaworthy::doctor::report::{Choice, judge};
    use seaworthy::snapshot::Snapshot;
    use serde_json::json;

    use super::*;

    const PLAIN: Style = Style { paint: Paint(false), unicode: true };
    const COLOURED: Style = Style { paint: Paint(true), unicode: true };

    fn report() -> Report {
        let mut snapshot = Snapshot::default();
        for name in ["a", "b"] {
            snapshot.insert(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
                "spec": {"persistentVolumeReclaimPolicy": "Retain"}, "status": {"phase": "Failed"}}));
        }
        judge(&Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse().unwrap()), &Choice::default())
    }

    fn next_with(fix: &str, origin: Origin) -> String {
        let mut report = report();
        (report.findings[0].fix, report.findings[0].remedy) = (Some(fix.to_owned()), None);
        let id = report.findings[0].id.clone();
        next(&report, origin).unwrap().replace(&id, "ID")
    }

    #[test]
    fn what_paints_is_not_cleaned_away() {
        let mut report = report();
        let object = ObjectRef::new("apps/v1", "Deployment", Some("a"), "web");
        report.unsettled =
            vec![Unsettled { object, state: "0 of 1\u{1b}[31m pods ready".to_owned(), seconds: None, why: None }];
        report.suppressed = Some(seaworthy::doctor::suppress::Suppressed {
            unused: vec!["P001 * (known)".to_owned()],
            ..Default::default()
        });
        let text = report_text(&report, Origin::Here, COLOURED);
        assert!(text.contains("\u{1b}[33m?\u{1b}[0m not settled: Deployment/a/web"), "{text:?}");
        assert!(text.contains("\u{1b}[33m?\u{1b}[0m suppression fits nothing: P001"), "{text:?}");
        assert!(!text.contains("\u{1b}[31m pods"), "what comes from the cluster paints nothing: {text:?}");
    }

    #[test]
    fn the_next_command_is_whole_and_takes_nothing_away() {
        for (fix, told) in [
            (
                "Scale it up: `kubectl scale deployment/a -n b --replicas=1`.",
                "next: kubectl scale deployment/a -n b --replicas=1",
            ),
            ("See `kubectl get pods -A`.", "next: kubectl get pods -A"),
            ("Make it: `kubectl create secret docker-registry NAME -n a`.", "next: seaworthy explain ID"),
            ("Keep `fsGroup` at 1000.", "next: seaworthy explain ID"),
            ("`kubectl delete pvc/data -n a`.", "next: seaworthy explain ID"),
        ] {
            assert_eq!(next_with(fix, Origin::Here), told);
        }
        assert_eq!(next_with("`kubectl get nodes`", Origin::File), "next, on that cluster: kubectl get nodes");
        assert_eq!(next_with("Read on.", Origin::File), "next: seaworthy explain ID", "it acts on no cluster");
    }

    /// What the first line counts is shown, or its number is.
    #[test]
    fn what_suffers_below_a_finding_is_said() {
        let mut report = report();
        let mut below = report.findings.remove(1);
        below.symptoms = vec![ObjectRef::new("v1", "Pod", Some("a"), "web-1")];
        report.findings[0].causes = vec![below.clone()];
        let text = report_text(&report, Origin::Here, PLAIN);
        assert!(text.contains("; with it 1 object (Pod/a/web-1)"), "{text}");
        report.findings[0].causes = vec![below; 8];
        let text = report_text(&report, Origin::Here, PLAIN);
        assert!(text.contains("below: 2 findings more, in 4 objects"), "{text}");
    }
}
