//! etcd of an application, as far as its log and its clients tell.

use super::{each_that, flag};
use crate::doctor::check::{Check, Judge, Severity, Verdict};
use crate::doctor::evidence::{Evidence, logs};
use crate::doctor::finding::Finding;

/// The rows.
pub(super) const ROWS: &[Check] = &[Check {
    id: "ET002",
    severity: Severity::Error,
    title: "an etcd takes no more writes because its space is used up",
    explain: "etcd has reached its quota (`--quota-backend-bytes`, 2 GiB by default) and raised the alarm NOSPACE: reads work, writes \
        are refused with `mvcc: database space exceeded` until it is compacted, defragmented and the alarm is taken back.",
    fix: "In its pod: `etcdctl compact REVISION`, `etcdctl defrag`, then `etcdctl alarm disarm`; or raise the quota.",
    unless: "an etcd whose alarm was taken back.",
    reads: &["Pod"],
    judge: Judge::Look(no_space),
}];

fn no_space(evidence: &Evidence) -> Verdict {
    each_that(
        evidence,
        ("", "Pod"),
        |pod| logs(pod).next().is_some(),
        |pod, reference| {
            let (container, line) = logs(pod).find_map(|(container, log)| Some((container, alarm(log)?)))?;
            let server = line.contains("NOSPACE");
            let who =
                if server { "etcd has used up its space" } else { "the etcd that it writes to has used up its space" };
            let message = format!("container `{container}`: {who} and takes no more writes (alarm NOSPACE)");
            let fix = format!(
                "Compact, defragment, then take the alarm back: `kubectl exec {}{} -c {container} -- etcdctl alarm list`.",
                reference.name,
                flag(&reference)
            );
            Some(Finding::new(reference, "NOSPACE", message).saw(line).fix(fix))
        },
    )
}

/// The newest line that tells of the alarm, unless it tells that it was taken back.
fn alarm(log: &str) -> Option<&str> {
    let tells = |line: &&str| line.contains("NOSPACE") || line.contains("mvcc: database space exceeded");
    log.lines().rev().find(tells).filter(|line| !line.to_lowercase().contains("disarm"))
}
