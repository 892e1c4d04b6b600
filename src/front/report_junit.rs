//! The doctor's report as JUnit's XML: a test case for each check, which CI systems read.

use std::fmt::Write as _;

use seaworthy::doctor::check::Severity;
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::report::{Outcome, Report, State};
use seaworthy::object::printable;

/// The report. What is at `failure` or worse is a failed test case; what is milder is told in a test case that passes.
pub(crate) fn junit_text(report: &Report, failure: Severity) -> String {
    let found: Vec<&Finding> = report.findings.iter().flat_map(Finding::walk).collect();
    let cases: Vec<Case<'_>> = report.checks.iter().map(|outcome| Case::of(outcome, &found, failure)).collect();
    let count = |is: fn(&Case<'_>) -> bool| cases.iter().filter(|case| is(case)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"",
        cases.len(),
        count(|case| !case.failures.is_empty()),
        count(|case| case.failures.is_empty() && case.skipped.is_some())
    );
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"seaworthy doctor\" {counts}>\n");
    let name = report.cluster.as_ref().map_or("cluster", |cluster| cluster.context.as_str());
    let _ = writeln!(
        text,
        "  <testsuite name=\"{}\" timestamp=\"{}\" {counts}>",
        escaped(name),
        report.taken.strftime("%FT%T")
    );
    let suppressed = report.summary.suppressed;
    let _ = writeln!(text, "    <properties><property name=\"suppressed\" value=\"{suppressed}\"/></properties>");
    for case in &cases {
        case.write(&mut text);
    }
    text.push_str("  </testsuite>\n</testsuites>");
    text
}

/// A test case.
struct Case<'a> {
    outcome: &'a Outcome,
    failures: Vec<&'a Finding>,
    milder: Vec<&'a Finding>,
    skipped: Option<String>,
}

impl<'a> Case<'a> {
    fn of(outcome: &'a Outcome, found: &[&'a Finding], failure: Severity) -> Self {
        let own = found.iter().copied().filter(|finding| finding.id == outcome.id);
        let (failures, milder) = own.partition(|finding| finding.severity >= failure);
        let skipped = match &outcome.state {
            State::Looked { objects: 0 } => Some("the cluster has nothing to look at".to_owned()),
            State::Looked { .. } => None,
            State::Unknown { because } => Some(format!("could not tell: {because}")),
        };
        Self { outcome, failures, milder, skipped }
    }

    fn write(&self, text: &mut String) {
        let Outcome { id, title, group, .. } = self.outcome;
        let head =
            format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(group), escaped(&format!("{id}: {title}")));
        let mut inner = String::new();
        for finding in &self.failures {
            let (message, kind) = (format!("{}: {}", finding.object, finding.message), finding.severity.word());
            let _ = writeln!(
                inner,
                "      <failure message=\"{}\" type=\"{kind}\">{}</failure>",
                escaped(&message),
                escaped(&details(finding))
            );
        }
        if self.failures.is_empty()
            && let Some(why) = &self.skipped
        {
            let _ = writeln!(inner, "      <skipped message=\"{}\"/>", escaped(why));
        }
        if !self.milder.is_empty() {
            let lines: Vec<String> =
                self.milder.iter().map(|finding| format!("{} {}", finding.severity.word(), details(finding))).collect();
            let _ = writeln!(inner, "      <system-out>{}</system-out>", escaped(&lines.join("\n")));
        }
        let _ = if inner.is_empty() {
            writeln!(text, "{head}/>")
        } else {
            writeln!(text, "{head}>\n{inner}    </testcase>")
        };
    }
}

/// Where, what, what was seen, what to do.
fn details(finding: &Finding) -> String {
    let mut lines = vec![format!("{}: {}", finding.object, finding.message)];
    lines.extend(finding.evidence.iter().cloned());
    lines.extend(finding.fix.as_ref().map(|fix| format!("fix: {fix}")));
    lines.push(format!("fingerprint: {}", finding.fingerprint));
    lines.join("\n")
}

/// Text as XML holds it. Control characters have no place in XML, not even as references.
fn escaped(text: &str) -> String {
    let text = printable(text);
    let replaced = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    replaced.replace('"', "&quot;").chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_a_cluster_says_cannot_break_out() {
        assert_eq!(escaped("a</failure>\"&\u{1b}[2J\u{ffff}"), "a&lt;/failure&gt;&quot;&amp;?[2J");
    }
}
