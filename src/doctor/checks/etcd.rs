//! etcd of an application, as far as its log and its clients tell.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{condition, each_that, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::{Evidence, logs};
use crate::doctor::finding::Finding;
use crate::doctor::survey::owner;
use crate::object::{ObjectRef, has_ended, items, number, text};
use crate::snapshot::Snapshot;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("ET001", Severity::Critical, "an etcd has lost its majority"),
        [
            "More than half of the members have to be there; fewer are ready. Nothing can be written, and what rests on it stands still.",
            "Bring its pods back, the data of each member with it; when members are lost for good: `seaworthy recover`.",
            "an etcd with a majority of its members, one that is scaled to nothing, members that began within the last two minutes, and Jobs \
            that only use etcd's image.",
        ],
        &["Pod", "StatefulSet"],
        no_majority,
    ),
    looks(
        ("ET002", Severity::Error, "an etcd takes no more writes because its space is used up"),
        [
            "etcd has reached its quota (`--quota-backend-bytes`, 2 GiB by default) and raised the alarm NOSPACE: reads work, writes \
        are refused with `mvcc: database space exceeded` until it is compacted, defragmented and the alarm is taken back.",
            "`seaworthy recover` makes room and takes the alarm back; by hand, in its pod: `etcdctl compact REVISION`, `etcdctl defrag`, then \
            `etcdctl alarm disarm`; or raise the quota.",
            "an etcd whose alarm was taken back.",
        ],
        &["Pod"],
        no_space,
    ),
    looks(
        ("ET007", Severity::Error, "an etcd member's data is of another cluster"),
        [
            "The member does not start because its volume holds the data of a cluster that was there before (`cluster ID mismatch`, `member \
            has already been bootstrapped`).",
            "Take that member out, empty its volume only, and let it join anew: `seaworthy recover`.",
            "a member that said so once and is ready now.",
        ],
        &["Pod"],
        strange_data,
    ),
];

/// Findings about containers that end.
const ENDS: [&str; 2] = ["P001", "P011"];
/// Seconds in which a member has joined.
const JOINS: i64 = 120;
/// What etcd says when its data does not belong where it is.
const STRANGE: [&str; 3] = ["cluster ID mismatch", "has already been bootstrapped", "member ID mismatch"];

/// Whether a container of the pod runs etcd.
fn is_etcd(pod: &Value) -> bool {
    items(pod, "/spec/containers").filter_map(|one| text(one, "/image")).any(|image| {
        let name = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        name.split(':').next() == Some("etcd")
    })
}

fn is_up(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// Whether all containers of the pod run, well or not.
fn runs(pod: &Value) -> bool {
    let mut containers = items(pod, "/status/containerStatuses").peekable();
    containers.peek().is_some() && containers.all(|one| one["state"].get("running").is_some())
}

/// What else to do where members of an etcd end: its data is another matter than the program's end.
pub(in crate::doctor) fn lead(finding: &Finding, snapshot: &Snapshot) -> Option<&'static str> {
    let is_member = |place: &ObjectRef| snapshot.get(place).is_some_and(is_etcd);
    (ENDS.contains(&finding.id.as_str()) && finding.places().iter().any(is_member))
        .then_some(" What its members still have, and what brings it back: `seaworthy recover`.")
}

/// Seconds since a pod was ready, or was made.
fn down_for(pod: &Value, evidence: &Evidence) -> Option<i64> {
    let ready = condition(pod, "Ready").and_then(|ready| evidence.since(ready, "/lastTransitionTime"));
    ready.or_else(|| evidence.since(pod, "/metadata/creationTimestamp"))
}

fn no_majority(evidence: &Evidence) -> Verdict {
    let mut clusters: BTreeMap<ObjectRef, Vec<&Value>> = BTreeMap::new();
    let is_job = |pod: &Value| owner(pod).is_some_and(|owner| owner.kind == "Job");
    for pod in evidence.snapshot.of_kind("", "Pod").filter(|pod| is_etcd(pod) && !has_ended(pod) && !is_job(pod)) {
        let Some(reference) = ObjectRef::of(pod) else { continue };
        // Static pods of a control plane are owned by their nodes, and are members of one.
        let maker = owner(pod).unwrap_or_else(|| {
            ObjectRef::new("v1", "Namespace", None, reference.namespace.as_deref().unwrap_or_default())
        });
        clusters.entry(maker).or_default().push(pod);
    }
    let looked = clusters.values().map(Vec::len).sum();
    let findings = clusters.into_iter().filter_map(|(maker, pods)| {
        let wanted = evidence.snapshot.get(&maker).and_then(|maker| number(maker, "/spec/replicas"));
        let members = wanted.and_then(|wanted| usize::try_from(wanted).ok()).unwrap_or(0).max(pods.len());
        let up = pods.iter().filter(|pod| is_up(pod)).count();
        let mut down = pods.iter().filter(|pod| !is_up(pod));
        let young = down.any(|pod| down_for(pod, evidence).is_some_and(|since| since < JOINS));
        (up < members / 2 + 1 && !young).then(|| {
            let message = format!(
                "etcd has lost its majority: {up} of {members} members are ready, {} are needed",
                members / 2 + 1
            );
            let place = maker.namespace.clone().unwrap_or_else(|| maker.name.clone());
            let fix = if pods.iter().all(|pod| runs(pod)) {
                "Its members run and are not well: they have no leader, or their space is used up; which, and what to do: `seaworthy recover`."
                    .to_owned()
            } else {
                format!(
                    "Bring its members back, the data of each with it: `kubectl get pods -n {place}`; if some are lost for good: `seaworthy recover`."
                )
            };
            Finding::new(maker, "NoQuorum", message).fix(fix)
        })
    });
    let findings = findings.collect();
    Verdict::of(looked, findings)
}

fn strange_data(evidence: &Evidence) -> Verdict {
    let speaks = |pod: &Value| is_etcd(pod) && logs(pod).next().is_some();
    each_that(evidence, ("", "Pod"), speaks, |pod, reference| {
        let mut lines = logs(pod).flat_map(|(_, log)| log.lines()).filter(|_| !is_up(pod));
        let line = lines.find(|line| STRANGE.iter().any(|words| line.contains(words)))?;
        let message = format!("the etcd member {} does not start: its data is of another cluster", reference.name);
        let fix = format!(
            "Find out whose the volume was before anything is deleted: `kubectl describe pod {}{}`.",
            reference.name,
            flag(&reference)
        );
        Some(Finding::new(reference, "StrangeData", message).saw(line).fix(fix))
    })
}

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
            let fix = if server {
                format!(
                    "What makes room and takes the alarm back: `seaworthy recover`. By hand compact, defragment, then disarm: `kubectl exec \
                     {}{} -c {container} -- etcdctl alarm list`.",
                    reference.name,
                    flag(&reference)
                )
            } else {
                "Make room in that etcd, and take its alarm back: `seaworthy recover` finds it, and says how."
                    .to_owned()
            };
            Some(Finding::new(reference, "NOSPACE", message).saw(line).fix(fix))
        },
    )
}

/// The newest line that tells of the alarm, unless it tells that it was taken back.
fn alarm(log: &str) -> Option<&str> {
    let tells = |line: &&str| line.contains("NOSPACE") || line.contains("mvcc: database space exceeded");
    log.lines().rev().find(tells).filter(|line| !line.to_lowercase().contains("disarm"))
}
