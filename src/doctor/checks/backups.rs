//! Installations with data of which nobody has a copy.

use super::{each_that, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::span;
use crate::engine::record;
use crate::object::ObjectRef;
use crate::plan::{NAMESPACE_LABEL, STACK_LABEL};
use crate::snapshot::Snapshot;

/// The rows.
pub(super) const ROWS: &[Check] = &[looks(
    ("V026", Severity::Info, "an installation with data has no backup"),
    [
        "The installation keeps data on volumes, and for a day since it was installed no backup of it has been made with this program: the \
        record in the cluster has no time of one. What is on a volume of a node is lost with that node.",
        "`seaworthy backup STACK`; with `--consistent` what writes is stopped for as long as it takes.",
        "an installation without a claim, one of the last day, and one of which a backup was made, wherever it is kept.",
    ],
    &["ConfigMap", "PersistentVolumeClaim"],
    unsaved,
)];

const DAY: i64 = 24 * 3600;

fn unsaved(evidence: &Evidence) -> Verdict {
    each_that(evidence, ("", "ConfigMap"), record::is_one, |live, reference| {
        let since = evidence.since(live, "/metadata/creationTimestamp").filter(|since| *since > DAY)?;
        let has_one = live["metadata"]["annotations"].get(record::LAST_BACKUP).is_some();
        let (namespace, stack) = record::named(&reference.name)?;
        let claim = claim_of(&evidence.snapshot, namespace, stack).filter(|_| !has_one)?;
        let message = format!(
            "{stack} has kept data for {}, such as {}, and there is no backup of it",
            span(since),
            claim.short()
        );
        let fix = format!("Make one: `seaworthy backup {stack}{}`.", flag(&claim));
        Some(Finding::new(claim, "NoBackup", message).fix(fix))
    })
}

/// A claim of an installation, by its labels.
fn claim_of(snapshot: &Snapshot, namespace: &str, stack: &str) -> Option<ObjectRef> {
    let own = |claim: &&serde_json::Value| {
        let labels = &claim["metadata"]["labels"];
        labels[STACK_LABEL] == stack && labels[NAMESPACE_LABEL] == namespace
    };
    snapshot.of_kind("", "PersistentVolumeClaim").find(own).and_then(ObjectRef::of)
}
