//! What helm left behind.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::span;
use crate::object::{ObjectRef, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[looks(
    ("W012", Severity::Error, "a Helm release has failed or was left half way"),
    [
        "The newest record of the release says that it failed, or that an operation began more than ten minutes ago and did not end. \
        While it is pending, helm refuses the next one: `another operation (install/upgrade/rollback) is in progress`.",
        "Go back to the last good revision: `helm rollback RELEASE`.",
        "a failed revision that a later one has replaced, and an operation that began within the last ten minutes.",
    ],
    &["Secret"],
    broken,
)];

/// Seconds that an operation of helm may take.
const TAKES: i64 = 600;
/// The type of the Secrets in which helm keeps its records.
const RECORD: &str = "helm.sh/release.v1";

fn broken(evidence: &Evidence) -> Verdict {
    let mut newest: BTreeMap<(&str, &str), (u64, &Value)> = BTreeMap::new();
    for record in evidence.snapshot.of_kind("", "Secret").filter(|one| text(one, "/type") == Some(RECORD)) {
        let label = |name: &str| record["metadata"]["labels"][name].as_str();
        let (Some(name), Some(version)) = (label("name"), label("version").and_then(|version| version.parse().ok()))
        else {
            continue;
        };
        let key = (text(record, "/metadata/namespace").unwrap_or_default(), name);
        let known = newest.entry(key).or_insert((version, record));
        if version > known.0 {
            *known = (version, record);
        }
    }
    let findings = newest.iter().filter_map(|((_, name), (version, record))| judged(name, *version, record, evidence));
    Verdict::of(newest.len(), findings.collect())
}

fn judged(name: &str, version: u64, record: &Value, evidence: &Evidence) -> Option<Finding> {
    let reference = ObjectRef::of(record)?;
    let status = record["metadata"]["labels"]["status"].as_str()?;
    let said = match status {
        "failed" => "failed".to_owned(),
        pending if pending.starts_with("pending-") => {
            let since = age(record, evidence).filter(|since| *since > TAKES)?;
            format!("has been {pending} for {}", span(since))
        }
        _ => return None,
    };
    let message = format!("revision {version} of the Helm release `{name}` {said}");
    let fix = format!(
        "See what there is to go back to: `helm history {name}{}`, then `helm rollback {name}{}`.",
        flag(&reference),
        flag(&reference)
    );
    Some(Finding::new(reference, status, message).fix(fix))
}

/// Seconds since helm wrote a record.
fn age(record: &Value, evidence: &Evidence) -> Option<i64> {
    let written = ["modifiedAt", "createdAt"]
        .iter()
        .find_map(|label| record["metadata"]["labels"][*label].as_str()?.parse::<i64>().ok());
    let written = written.map(|written| evidence.taken.as_second() - written);
    written.or_else(|| evidence.since(record, "/metadata/creationTimestamp"))
}
