//! The doctor's report as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), the format of code scanners.

use seaworthy::doctor::check::{Check, Severity};
use seaworthy::doctor::checks;
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::report::Report;
use seaworthy::doctor::suppress::Quiet;
use serde_json::{Value, json};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report.
pub(crate) fn sarif(report: &Report) -> Value {
    let rules: Vec<&Check> = checks::all().collect();
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
            "rules": rules.iter().map(|check| rule(check)).collect::<Vec<_>>(),
        }},
        "invocations": [{"executionSuccessful": true, "endTimeUtc": ended,
            "toolExecutionNotifications": notes.collect::<Vec<_>>()}],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }]})
}

fn rule(check: &Check) -> Value {
    json!({
        "id": check.id,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.explain},
        "help": {"text": format!("{} Not reported: {}", check.fix, check.unless)},
        "defaultConfiguration": {"level": level(check.severity)},
        "properties": {"tags": [check.group()]},
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

fn result(finding: &Finding, rules: &[&Check]) -> Value {
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
    if let Some(index) = rules.iter().position(|check| check.id == finding.id) {
        result["ruleIndex"] = json!(index);
    }
    result
}

fn suppressed(quiet: &Quiet, rules: &[&Check]) -> Vec<Value> {
    let mark = json!([{"kind": "external", "status": "accepted", "justification": quiet.reason}]);
    let all = quiet.finding.walk().into_iter().map(|finding| {
        let mut result = result(finding, rules);
        result["suppressions"] = mark.clone();
        result
    });
    all.collect()
}
