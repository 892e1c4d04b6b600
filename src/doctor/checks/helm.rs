//! What helm left behind.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{flag, kubectl, looks};
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
        "Go back to the last good revision: `helm rollback RELEASE REVISION`. Without one run a failed install again; of one that was left \
        half way take the record away before: `kubectl delete secret sh.helm.release.v1.RELEASE.v1`.",
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
    let mut releases: BTreeMap<(&str, &str), Revisions<'_>> = BTreeMap::new();
    for record in evidence.snapshot.of_kind("", "Secret").filter(|one| text(one, "/type") == Some(RECORD)) {
        let (Some(name), Some(version)) = (label(record, "name"), label(record, "version")) else { continue };
        let Ok(version) = version.parse() else { continue };
        let key = (text(record, "/metadata/namespace").unwrap_or_default(), name);
        releases.entry(key).or_default().insert(version, record);
    }
    let findings = releases.iter().filter_map(|((_, name), revisions)| judged(name, revisions, evidence));
    Verdict::of(releases.len(), findings.collect())
}

/// The records of a release, by their number.
type Revisions<'a> = BTreeMap<u64, &'a Value>;

fn label<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record["metadata"]["labels"][name].as_str()
}

fn judged(name: &str, revisions: &Revisions<'_>, evidence: &Evidence) -> Option<Finding> {
    let (version, record) = revisions.last_key_value()?;
    let reference = ObjectRef::of(record)?;
    let status = label(record, "status")?;
    let said = match status {
        "failed" => "failed".to_owned(),
        pending if pending.starts_with("pending-") => {
            let since = age(record, evidence).filter(|since| *since > TAKES)?;
            format!("has been {pending} for {}", span(since))
        }
        _ => return None,
    };
    let message = format!("revision {version} of the Helm release `{name}` {said}");
    let is_good = |record: &&Value| matches!(label(record, "status"), Some("deployed" | "superseded"));
    let good = revisions.iter().rev().skip(1).find(|(_, record)| is_good(record));
    let fix = match good {
        Some((good, _)) => {
            format!("Go back to the last good revision: `helm rollback {name} {good}{}`.", flag(&reference))
        }
        None if status == "failed" => {
            format!("Mend what it says, and run it again: `helm status {name}{}`.", flag(&reference))
        }
        None => format!(
            "No revision is good: take the record away, then install again: `{}`.",
            kubectl("delete", &reference)
        ),
    };
    Some(Finding::new(reference, status, message).fix(fix))
}

/// Seconds since helm wrote a record.
fn age(record: &Value, evidence: &Evidence) -> Option<i64> {
    let written = ["modifiedAt", "createdAt"].iter().find_map(|name| label(record, name)?.parse::<i64>().ok());
    let written = written.map(|written| evidence.taken.as_second() - written);
    written.or_else(|| evidence.since(record, "/metadata/creationTimestamp"))
}
