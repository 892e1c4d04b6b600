//! Losses of an application's etcd: what its members say, beside what its pods, claims and nodes show.
//!
//! A pod that does not run is no lost member: it may wait for its image or for a node. A member is lost when its data is: its own last line
//! says so, or its claim or volume is gone. Source of the signatures: etcd 3.4.23 with three members on loopback, and its source.

use jiff::Timestamp;

use super::{Loss, LossKind, was_read};
use crate::etcd::{Status, View, member_of, quorum};
use crate::object::{ObjectRef, is_true, items, text};
use crate::recover::Sighting;
use crate::recover::etcd::{Meaning, meaning, recorded};
use crate::recover::join::volume_ref;

/// How large a database may become unless somebody says otherwise, bytes (etcd: `DefaultQuotaBytes`).
const QUOTA: u64 = 2 << 30;
/// Seconds in which a member has started and found the others.
const STARTS: i64 = 120;

pub(super) fn all(sighting: &Sighting) -> Vec<Loss> {
    let mut losses = Vec::new();
    for view in &sighting.etcds {
        losses.extend(full(sighting, view));
        losses.extend(emptied(sighting, view));
        losses.extend(without_majority(sighting, view));
        losses.extend(members(sighting, view));
    }
    losses
}

fn of(view: &View, kind: LossKind, claim: Option<ObjectRef>, facts: Vec<String>) -> Loss {
    Loss { set: Some(view.set.pinned.object.clone()), ..Loss::new(kind, claim, None, facts) }
}

/// How many members there are: as many as they say, else as many as are wanted.
fn size(view: &View) -> usize {
    let wanted = usize::try_from(view.set.replicas).unwrap_or(1);
    view.members.as_ref().map_or(wanted, Vec::len).max(1)
}

fn has_majority(view: &View) -> bool {
    view.serving().count() >= quorum(size(view))
}

fn is_ready(sighting: &Sighting, view: &View, pod: &str) -> bool {
    sighting.snapshot.get(&view.set.pod(pod)).is_some_and(|live| is_true(live, "Ready"))
}

/// Its space is used up: reads work, and writes are refused until the alarm is taken back.
fn full(sighting: &Sighting, view: &View) -> Option<Loss> {
    let raised: Vec<(&str, &Status)> = view.answered().filter(|(_, status)| status.alarms("NOSPACE")).collect();
    let (pod, status) = *raised.first()?;
    let mut facts = vec![format!("{pod} says that the alarm NOSPACE is raised, and takes no more writes")];
    let (largest, quota) = (raised.iter().map(|(_, status)| status.size).max()?, status.quota.unwrap_or(QUOTA));
    if largest.saturating_mul(10) >= quota.saturating_mul(9) {
        let in_use = raised.iter().map(|(_, status)| status.in_use).max()?;
        facts.push(format!(
            "its database has {} MiB of the {} MiB that it may have, {} MiB of them in use",
            largest >> 20,
            quota >> 20,
            in_use >> 20
        ));
    }
    let unready: Vec<&str> = raised.iter().map(|(pod, _)| *pod).filter(|pod| !is_ready(sighting, view, pod)).collect();
    if !unready.is_empty() {
        facts.push(format!("{}, as /health answers 503", are(&unready, "not ready")));
    }
    Some(of(view, LossKind::EtcdFull, view.set.claim(pod), facts))
}

/// It serves, and what was in it is not there any more.
fn emptied(sighting: &Sighting, view: &View) -> Option<Loss> {
    let (record, then) = recorded(&sighting.records, &view.set.pinned.object)?;
    let (revision, cluster) = (view.revision()?, view.cluster()?);
    let when = format!("when {} was well, at {}", record.installation.stack, record.at.strftime("%F %T UTC"));
    let mut facts = Vec::new();
    if revision < then.revision {
        facts.push(format!("its revision is {revision}, and was {} {when}; it never goes down", then.revision));
    }
    if let (Some(now), Some(had)) = (view.keys, then.keys)
        && now < had.div_ceil(2)
    {
        facts.push(format!("it has {}, and had {had} then", keys(now)));
    }
    if cluster != then.cluster {
        facts.push(format!("its cluster is {cluster}, and was {} then", then.cluster));
    }
    // Alone, fewer keys are somebody's deletions.
    let gone = revision < then.revision || cluster != then.cluster;
    let claim = view.set.pods().first().and_then(|pod| view.set.claim(pod));
    (gone && has_majority(view)).then(|| of(view, LossKind::EtcdEmptied, claim, facts))
}

fn keys(number: u64) -> String {
    if number == 1 { "1 key".to_owned() } else { format!("{number} keys") }
}

/// Fewer are left than decide. It may be that the others come back: then nothing is lost.
fn without_majority(sighting: &Sighting, view: &View) -> Option<Loss> {
    if has_majority(view) || view.told.is_empty() {
        return None;
    }
    let alone: Vec<&str> = view.answered().filter(|(_, status)| status.leader.is_none()).map(|(pod, _)| pod).collect();
    let mut facts = Vec::new();
    if !alone.is_empty() {
        facts.push(format!("{} that there is no leader", say(&alone)));
    }
    let unmet = |pod: &&str| !is_ready(sighting, view, pod);
    let down: Vec<(&str, &str)> = view.silent().map(|(pod, why, _)| (pod, why)).filter(|(pod, _)| unmet(pod)).collect();
    if size(view) - down.len().min(size(view)) < quorum(size(view)) {
        let shown: Vec<String> = down.iter().map(|(pod, why)| format!("{pod} ({why})")).collect();
        facts.push(format!(
            "{} of {} members do not answer, and their pods are not ready: {}",
            down.len(),
            size(view),
            shown.join(", ")
        ));
    }
    for (pod, why) in gone_for_good(sighting, view) {
        facts.push(format!("{pod}: {why}"));
    }
    // With a single member, there is nobody else to say anything.
    if facts.is_empty() || size(view) == 1 {
        return None;
    }
    let claim = view.set.pods().first().and_then(|pod| view.set.claim(pod));
    let mut loss = of(view, LossKind::EtcdQuorumLost, claim, facts);
    // While members start there is no leader either; those whose data is gone do not start.
    loss.certain &= is_beyond_return(sighting, view) || down.iter().all(|(pod, _)| is_long_down(sighting, view, pod));
    Some(loss)
}

/// Whether a pod has not been ready for longer than a member takes to start. One that is not there has only just been deleted, mostly.
fn is_long_down(sighting: &Sighting, view: &View, pod: &str) -> bool {
    let Some(live) = sighting.snapshot.get(&view.set.pod(pod)) else { return false };
    let ready = items(live, "/status/conditions").find(|condition| condition["type"] == "Ready");
    // One that finds no node has no such condition: it has not been ready since it was made.
    let since = match ready {
        Some(ready) => text(ready, "/lastTransitionTime"),
        None => text(live, "/metadata/creationTimestamp"),
    };
    let since = since.and_then(|since| since.parse::<Timestamp>().ok());
    since.is_some_and(|since| sighting.now.duration_since(since).as_secs() >= STARTS)
}

/// Members whose data is gone or broken, while the others go on; a single one, too, whose files are broken.
fn members(sighting: &Sighting, view: &View) -> Vec<Loss> {
    let one = |(pod, why, log): (&str, &str, Option<&str>)| {
        let said = log.and_then(meaning);
        let corrupt = said == Some(Meaning::Corrupt);
        if !corrupt && !has_majority(view) || said == Some(Meaning::DiskFull) {
            return None;
        }
        let data = data_gone(sighting, view, pod, log);
        let mut facts: Vec<String> = data.iter().cloned().collect();
        facts.push(format!("{pod} does not answer: {why}"));
        if has_majority(view) {
            let serving: Vec<&str> = view.serving().map(|(pod, _)| pod).collect();
            facts.push(format!("the others serve: {} of {} ({})", serving.len(), size(view), serving.join(", ")));
        }
        let known = view.members.as_ref().map(|members| member_of(members, pod).is_some());
        if known == Some(false) {
            facts.push(format!("the others do not count {pod} among the members any more"));
        }
        let kind = if corrupt { LossKind::EtcdCorrupt } else { LossKind::EtcdMemberLost };
        let mut loss = of(view, kind, view.set.claim(pod), facts);
        // That it does not answer, and that the others do, follows from any reason for which a pod does not run.
        loss.certain = data.is_some() && loss.facts.len() >= 2;
        Some(loss)
    };
    view.silent().filter_map(one).collect()
}

/// The members that do not come back with what they had, and why; the others may.
pub fn gone_for_good<'a>(sighting: &Sighting, view: &'a View) -> Vec<(&'a str, String)> {
    view.silent().filter_map(|(pod, _, log)| Some((pod, data_gone(sighting, view, pod, log)?))).collect()
}

/// Whether so many members are gone for good that there can be no majority again, whoever else comes back.
pub fn is_beyond_return(sighting: &Sighting, view: &View) -> bool {
    size(view) - gone_for_good(sighting, view).len().min(size(view)) < quorum(size(view))
}

/// What says that a member's data is gone or broken, and not only that it does not run.
fn data_gone(sighting: &Sighting, view: &View, pod: &str, log: Option<&str>) -> Option<String> {
    if let Some(line) = log.filter(|line| matches!(meaning(line), Some(Meaning::Corrupt | Meaning::Strange))) {
        return Some(format!("its last words are: {line}"));
    }
    let claim = view.set.claim(pod).filter(|_| was_read(sighting, "PersistentVolumeClaim"))?;
    let Some(live) = sighting.snapshot.get(&claim) else { return Some(format!("{claim} is not there")) };
    let volume = text(live, "/spec/volumeName").map(volume_ref).filter(|_| was_read(sighting, "PersistentVolume"))?;
    let Some(volume) = sighting.snapshot.get(&volume) else {
        return Some(format!("{volume}, its volume, is not there"));
    };
    let hosts = crate::recover::join::hosts(volume);
    let gone = !hosts.is_empty()
        && was_read(sighting, "Node")
        && !hosts.iter().any(|host| crate::recover::join::node_of_host(&sighting.snapshot, host).is_some());
    gone.then(|| format!("its volume is on {}, which is no node any more", hosts.join(", ")))
}

fn are(pods: &[&str], what: &str) -> String {
    format!("{} {} {what}", pods.join(", "), if pods.len() == 1 { "is" } else { "are" })
}

fn say(pods: &[&str]) -> String {
    format!("{} {}", pods.join(", "), if pods.len() == 1 { "says" } else { "say" })
}

#[cfg(test)]
mod tests;
