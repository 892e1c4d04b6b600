//! What a recovery has left behind, and what is to be done next. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Fate, Verdict, is_done};
use crate::engine::journal::{Entry, RunRecord, RunState};
use crate::engine::rescue::copy::archive::Paths;
use crate::object::ObjectRef;
use crate::plan::verb::{
    EtcdAct, ORIGINAL_POLICY, ORIGINAL_REPLICAS, OUT_OF_SERVICE, QUARANTINE, Tend, Verb, ends_a_while,
};
use crate::recover::subject::option;

/// What is left behind, and where.
pub(super) fn left(record: &RunRecord, entries: &[Entry]) -> Vec<String> {
    let mut left = Vec::new();
    for step in record.plan.steps.iter().filter(|step| is_done(record, entries, step)) {
        match step.verb() {
            Some(Verb::Export { folder, .. }) => left.push(format!("manifests in {folder} on this machine")),
            Some(Verb::CopyOut { claim, folder, .. }) => left.push(copied(&claim.object, folder)),
            Some(Verb::Etcd { act: EtcdAct::Snapshot { file }, .. }) => {
                left.push(format!("a snapshot of etcd in {file} on this machine"));
            }
            _ => {}
        }
    }
    left.extend(kept(record, entries));
    left.extend(stopped(record, entries).into_iter().map(|(workload, replicas)| {
        let had = if replicas == 1 { "1 replica".to_owned() } else { format!("{replicas} replicas") };
        if was_begun(record, entries, &workload) {
            return format!("{workload} was told to start with {had}; that it is ready was not waited for");
        }
        format!("{workload} is stopped; it had {had}, as its annotation {ORIGINAL_REPLICAS} says")
    }));
    left.extend(marked(record, entries).into_iter().map(|node| {
        format!(
            "{node} has the taint {OUT_OF_SERVICE}: `kubectl taint node {} {OUT_OF_SERVICE}-` takes it away",
            node.name
        )
    }));
    left.extend(held(record, entries).map(|keeper| {
        format!("{keeper} has fields that were set for the time of the recovery, and are not put back yet")
    }));
    left.dedup();
    left
}

/// Where the files of a claim were copied to, and how they are put back by hand.
fn copied(claim: &ObjectRef, folder: &str) -> String {
    let file = Paths::of(Path::new(folder), claim).tar;
    let namespace = claim.namespace.as_deref().unwrap_or_default();
    format!(
        "what could be read of {claim} in {0} on this machine; with POD and PATH of one that has the claim mounted, `kubectl exec -i -n {namespace} POD -- tar -xpf - -C PATH < {0}` puts it back",
        file.display()
    )
}

/// The volumes that were put aside.
fn aside<'a>(record: &'a RunRecord, entries: &'a [Entry]) -> impl Iterator<Item = &'a ObjectRef> {
    record.plan.steps.iter().filter(|step| is_done(record, entries, step)).filter_map(|step| match step.verb() {
        Some(Verb::Keep { volume, quarantine: Some(_) }) => Some(&volume.object),
        _ => None,
    })
}

/// The volumes that are kept from now on, each once: nothing erases them when their claims go.
fn kept(record: &RunRecord, entries: &[Entry]) -> Vec<String> {
    let mut left: BTreeMap<ObjectRef, String> = BTreeMap::new();
    for step in record.plan.steps.iter().filter(|step| is_done(record, entries, step)) {
        let told = match step.verb() {
            Some(Verb::Keep { volume, quarantine: None }) => {
                Some((volume.object.clone(), retained(&volume.object, None)))
            }
            Some(Verb::Create { object, .. }) if object["kind"] == "PersistentVolume" => {
                let before = object["metadata"]["annotations"][ORIGINAL_POLICY].as_str();
                let told = |volume: ObjectRef, before| (volume.clone(), retained(&volume, Some(before)));
                ObjectRef::of(object).zip(before).map(|(volume, before)| told(volume, before))
            }
            _ => None,
        };
        // One that is made anew tells more than when it was kept.
        left.extend(told);
    }
    let put = |volume: &ObjectRef| (volume.clone(), format!("{volume}, put aside with its bytes; nothing deletes it"));
    left.extend(aside(record, entries).map(put));
    left.into_values().collect()
}

/// `before`: the policy that it had, where the plan tells it.
fn retained(volume: &ObjectRef, before: Option<&str>) -> String {
    let stays = format!("{volume} has the policy Retain now: it stays when its claim is deleted");
    match before {
        None => format!("{stays}; what it was before stands in its annotation {ORIGINAL_POLICY}"),
        Some(before) => format!(
            "{stays}; it was {before} before: `kubectl patch pv {} -p '{{\"spec\":{{\"persistentVolumeReclaimPolicy\":\"{before}\"}}}}'` sets that again",
            volume.name
        ),
    }
}

/// Nodes that were marked as out of service, and are so still.
fn marked<'a>(record: &'a RunRecord, entries: &'a [Entry]) -> Vec<&'a ObjectRef> {
    let mut marked = Vec::new();
    for step in record.plan.steps.iter().filter(|step| is_done(record, entries, step)) {
        match step.verb() {
            Some(Verb::Tend { object, act: Tend::OutOfService { .. } }) => marked.push(object),
            Some(Verb::Tend { object, act: Tend::BackInService { .. } }) => marked.retain(|node| *node != object),
            _ => {}
        }
    }
    marked
}

/// Who was held and has not been let go.
fn held<'a>(record: &'a RunRecord, entries: &'a [Entry]) -> impl Iterator<Item = &'a ObjectRef> {
    let mut held: Vec<&ObjectRef> = Vec::new();
    for step in record.plan.steps.iter().filter(|step| is_done(record, entries, step)) {
        let Some(Verb::Set { object, fields, .. }) = step.verb() else { continue };
        match ends_a_while(fields) {
            Some(true) => held.retain(|other| **other != object.object),
            Some(false) => held.push(&object.object),
            // For good.
            None => {}
        }
    }
    held.into_iter()
}

/// Whether a workload was told to start, and nobody saw it ready.
fn was_begun(record: &RunRecord, entries: &[Entry], workload: &ObjectRef) -> bool {
    let starts = |step: &str| {
        let verb = record.plan.step(step).and_then(crate::plan::Step::verb);
        matches!(verb, Some(Verb::Scale { workload: own, to, .. }) if *to > 0 && own.object == *workload)
    };
    entries.iter().any(|entry| matches!(entry, Entry::Intent { step, .. } if starts(step)))
}

/// What was stopped and has not been started again.
fn stopped(record: &RunRecord, entries: &[Entry]) -> Vec<(ObjectRef, i64)> {
    let mut stopped: Vec<(ObjectRef, i64)> = Vec::new();
    for step in record.plan.steps.iter().filter(|step| is_done(record, entries, step)) {
        let Some(Verb::Scale { workload, to, original }) = step.verb() else { continue };
        stopped.retain(|(other, _)| *other != workload.object);
        if *to == 0 {
            stopped.push((workload.object.clone(), *original));
        }
    }
    stopped
}

/// What is to be done next.
pub(super) fn next(record: &RunRecord, entries: &[Entry], data: &[Fate]) -> Vec<String> {
    let mut next = Vec::new();
    if record.state != RunState::Done {
        next.push(format!(
            "it has not come to its end: `seaworthy runs resume {0}` goes on with it, `seaworthy runs abort {0}` closes it where nothing is left to do",
            record.run
        ));
    }
    let losses = record.plan.occasion.as_ref().map(|occasion| occasion.losses.as_slice()).unwrap_or_default();
    let is_fresh = |claim: &ObjectRef| {
        data.iter().any(|fate| fate.claim == *claim && matches!(fate.verdict, Verdict::KeptAside | Verdict::Lost))
    };
    for volume in aside(record, entries) {
        let Some(lost) = losses.iter().find(|lost| lost.volume.as_ref() == Some(&volume.name)) else { continue };
        if is_fresh(&lost.claim) {
            let ((option, claim), volume) = (option(&lost.claim), &volume.name);
            next.push(format!(
                "have {volume}, which was put aside, erased once nobody wants its bytes any more: `seaworthy recover erase {option} {claim} --set volume={volume}`"
            ));
            next.push(format!(
                "or have it back, if its bytes are wanted after all: `kubectl label pv {volume} {QUARANTINE}-`, then `seaworthy recover rebind {option} {claim}`"
            ));
        }
    }
    for lost in losses.iter().filter(|lost| is_gone(data, &lost.claim)) {
        let claim = option(&lost.claim).1;
        next.push(format!("what {claim} held comes only from a backup: `seaworthy backup list` shows which there are"));
    }
    next.push(format!(
        "practise it: `seaworthy drill {}`",
        record.plan.occasion.as_ref().map_or("--all", |one| &one.playbook)
    ));
    next
}

/// Whether the data of a claim is not there any more.
fn is_gone(data: &[Fate], claim: &ObjectRef) -> bool {
    data.iter().any(|fate| fate.claim == *claim && fate.verdict == Verdict::Lost)
}
