//! The doctor's report as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), the format of code scanners.

use seaworthy::doctor::check::{Check, Severity};
use seaworthy::doctor::checks;
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::report::Report;
use seaworthy::doctor::stacks::{Knowledge, StackCheck};
use seaworthy::doctor::suppress::Quiet;
use serde_json::{Value, json};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report, with the checks that were asked as rules: the catalogue's and those of stacks.
pub(crate) fn sarif(report: &Report, known: &Knowledge) -> Value {
    let rules: Vec<Value> = checks::all().map(rule).chain(known.checks().iter().map(rule_of_stack)).collect();
    let mut results: Vec<Value> =
        report.findings.iter().flat_map(Finding::walk).map(|finding| result(finding, &rules)).collect();
    let quiet = report.suppressed.iter().flat_map(|told| &told.findings);
    results.extend(quiet.flat_map(|quiet| suppressed(quiet, &rules)));
    let notes = report.unknown.iter().map(|unknown| {
        json!({"level": "warning", "message": {"text": format!("could not tell: {}", unknown.because)}, "associatedRule": {"id": unknown.id}})
    });
    let ended = report.taken.strftime("%FT%TZ").to_string();
    json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [{
        "tool": {"driver": {
            "name": "seaworthy",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        }},
        "invocations": [{"executionSuccessful": true, "endTimeUtc": ended,
            "toolExecutionNotifications": notes.collect::<Vec<_>>()}],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }]})
}

fn rule(check: &Check) -> Value {
    let texts = [check.title, check.explain, check.fix, check.unless];
    described((check.id, check.group(), check.severity), texts)
}

fn rule_of_stack(check: &StackCheck) -> Value {
    let texts = [&check.title, &check.explain, &check.fix, &check.unless].map(String::as_str);
    described((&check.id, "stacks", check.severity), texts)
}

fn described((id, group, severity): (&str, &str, Severity), [title, explain, fix, unless]: [&str; 4]) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": explain},
        "help": {"text": format!("{fix} Not reported: {unless}")},
        "defaultConfiguration": {"level": level(severity)},
        "properties": {"tags": [group]},
    })
}

/// SARIF knows three levels.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(finding: &Finding, rules: &[Value]) -> Value {
    let place = finding.object.to_string();
    let fix = finding.fix.as_ref().map(|fix| format!(" {fix}")).unwrap_or_default();
    let mut result = json!({
        "ruleId": finding.id,
        "level": level(finding.severity),
        "message": {"text": format!("{place}: {}.{fix}", finding.message.trim_end_matches('.'))},
        // Who shows results by file shows them by object.
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": place.replace([' ', ':'], "%20")}},
            "logicalLocations": [{"fullyQualifiedName": place, "name": finding.object.name, "kind": "resource"}],
        }],
        "partialFingerprints": {"seaworthy/v1": finding.fingerprint},
        "properties": {"severity": finding.severity, "evidence": finding.evidence, "suffering": finding.suffering()},
    });
    if let Some(index) = rules.iter().position(|rule| rule["id"] == finding.id.as_str()) {
        result["ruleIndex"] = json!(index);
    }
    result
}

fn suppressed(quiet: &Quiet, rules: &[Value]) -> Vec<Value> {
    let mark = json!([{"kind": "external", "status": "accepted", "justification": quiet.reason}]);
    let all = quiet.finding.walk().into_iter().map(|finding| {
        let mut result = result(finding, rules);
        result["suppressions"] = mark.clone();
        result
    });
    all.collect()
}
