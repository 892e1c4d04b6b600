//! What recovery knows of an etcd: what it was when it was well, and what the last lines of a member mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::playbook::{Part, Sheet, Task};
use super::{Loss, LossKind, Record, Sighting};
use crate::etcd::{self, Id, View};
use crate::object::ObjectRef;
use crate::snapshot::Snapshot;

/// Lines of a member's log that are read. Why it ended stands at its end; a panic comes with some lines of its own.
pub const TAIL: i64 = 60;

/// An etcd as it was when it was well. Without it, one whose single member was emptied looks well: it has the same numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EtcdRecord {
    /// The `StatefulSet`.
    pub set: ObjectRef,
    /// The number of its cluster.
    pub cluster: Id,
    /// The number of each member, by its pod.
    pub members: BTreeMap<String, Id>,
    /// How many changes there had been. It never goes down.
    pub revision: i64,
    /// How many keys it had; `None`: it did not say.
    pub keys: Option<u64>,
    /// Bytes of its database, of the largest member.
    pub size: u64,
}

impl EtcdRecord {
    /// The record of an etcd of which a majority says that it is well; `None` of any other.
    pub fn of(view: &View) -> Option<Self> {
        let cluster = view.cluster()?;
        let members: BTreeMap<String, Id> = view
            .serving()
            .filter(|(_, status)| status.cluster == cluster)
            .map(|(pod, status)| (pod.to_owned(), status.member))
            .collect();
        let wanted = usize::try_from(view.set.replicas).ok()?;
        (members.len() >= etcd::quorum(wanted)).then(|| Self {
            set: view.set.pinned.object.clone(),
            cluster,
            members,
            revision: view.revision().unwrap_or_default(),
            keys: view.keys,
            size: view.answered().map(|(_, status)| status.size).max().unwrap_or_default(),
        })
    }
}

impl EtcdRecord {
    /// Whether a claim may be one of its members': their names end with that of the member's pod.
    pub fn is_of(&self, claim: &ObjectRef) -> bool {
        claim.namespace == self.set.namespace && self.members.keys().any(|pod| claim.name.ends_with(&format!("-{pod}")))
    }
}

/// The newest record of an etcd, with the one that it stands in.
pub fn recorded<'a>(records: &'a [Record], set: &ObjectRef) -> Option<(&'a Record, &'a EtcdRecord)> {
    let of_it = records.iter().flat_map(|record| record.etcds.iter().map(move |etcd| (record, etcd)));
    of_it.filter(|(_, etcd)| etcd.set == *set).max_by_key(|(record, _)| record.at)
}

/// Whether anything is not as it should be, so that more has to be asked than one question of each member.
pub fn is_odd(view: &View, records: &[Record]) -> bool {
    let silent = view.silent().next().is_some();
    let unwell = view.answered().any(|(_, status)| status.leader.is_none() || !status.errors.is_empty());
    let split = view.answered().any(|(_, status)| Some(status.cluster) != view.cluster());
    let other = recorded(records, &view.set.pinned.object).is_some_and(|(_, then)| {
        view.revision().is_some_and(|revision| revision < then.revision) || view.cluster() != Some(then.cluster)
    });
    silent || unwell || split || other
}

/// Whether both claims are of members of the same etcd.
pub fn is_same(snapshot: &Snapshot, one: &ObjectRef, other: &ObjectRef) -> bool {
    let set = |claim| etcd::of_claim(snapshot, claim).map(|(set, _)| set.pinned);
    set(one).is_some_and(|pinned| Some(pinned) == set(other))
}

/// The claims of all members of the etcd that a claim is of.
pub fn all_claims(snapshot: &Snapshot, claim: &ObjectRef) -> Option<Vec<ObjectRef>> {
    etcd::of_claim(snapshot, claim).map(|(set, _)| super::compile::claims_of(&set))
}

/// Whether a playbook is for this loss, as far as the claim of an etcd goes. A member of several is made anew as a member: with its
/// volume alone replaced it would not start. What replaces all of them is for an etcd that has nothing left elsewhere.
pub fn suits(sighting: &Sighting, sheet: &Sheet, loss: &Loss) -> bool {
    let of = loss.claim.as_ref().and_then(|claim| etcd::of_claim(&sighting.snapshot, claim));
    let Some((set, _)) = of else { return sheet.etcd.is_none() };
    let view = sighting.etcds.iter().find(|view| view.set.pinned == set.pinned);
    let majority = view.is_some_and(|view| view.serving().count() >= etcd::quorum(view.told.len()));
    match sheet.etcd {
        None => set.replicas == 1 || sheet.steps.contains(&Task::Rebind) || sheet.steps.contains(&Task::GiveBack),
        Some(Part::Member) => set.replicas > 1 && majority,
        // As long as a majority may come back, that is what to wait for.
        Some(Part::All) if loss.kind == LossKind::EtcdQuorumLost => {
            view.is_some_and(|view| super::loss::is_beyond_return(sighting, view))
        }
        Some(Part::All) => set.replicas == 1 || matches!(loss.kind, LossKind::EtcdEmptied | LossKind::EtcdFull),
    }
}

/// What the last line of a member is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Its files are broken.
    Corrupt,
    /// Its data is not what the others expect of it: it is gone, or of another cluster.
    Strange,
    /// Its disk is full: what looks broken then may not be.
    DiskFull,
}

/// Words and what they mean. Measured on etcd 3.4.23, or read in its source (`server/storage/wal`, `api/snap`, `etcdserver`).
const WORDS: [(&str, Meaning); 13] = [
    ("no space left on device", Meaning::DiskFull),
    ("file size too small", Meaning::Corrupt),
    ("crc mismatch", Meaning::Corrupt),
    ("failed to find database snapshot file", Meaning::Corrupt),
    ("failed to open database", Meaning::Corrupt),
    ("etcdserver: corrupt cluster", Meaning::Corrupt),
    ("invalid database", Meaning::Corrupt),
    ("has already been bootstrapped", Meaning::Strange),
    ("tocommit(", Meaning::Strange),
    ("permanently removed from the cluster", Meaning::Strange),
    ("cluster ID mismatch", Meaning::Strange),
    ("member count is unequal", Meaning::Strange),
    ("unmatched member while checking PeerURLs", Meaning::Strange),
];

/// What a line means; `None`: nothing that is known.
pub fn meaning(line: &str) -> Option<Meaning> {
    WORDS.iter().find(|(words, _)| line.contains(words)).map(|(_, meaning)| *meaning)
}

/// The line of a log that tells most: a full disk before all else, otherwise the last that means anything.
pub fn telling(log: &str) -> Option<String> {
    let lines = || log.lines().rev();
    let full = lines().find(|line| meaning(line) == Some(Meaning::DiskFull));
    full.or_else(|| lines().find(|line| meaning(line).is_some())).map(|line| plain(line).chars().take(LINE).collect())
}

/// What a line says without what it is wrapped in: etcd writes JSON from 3.4 on, with a stack of calls behind what matters.
fn plain(line: &str) -> String {
    let Ok(said) = serde_json::from_str::<serde_json::Value>(line) else { return line.to_owned() };
    let parts = ["level", "msg", "error"].into_iter().filter_map(|part| said[part].as_str());
    let plain = parts.collect::<Vec<_>>().join(": ");
    if meaning(&plain).is_some() { plain } else { line.to_owned() }
}

/// Letters of a line that are kept.
const LINE: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_most_is_found_among_the_others() {
        let log = "start\npanic: tocommit(48) is out of range [lastIndex(0)]. Was the raft log corrupted, truncated, or lost?\n\ngoroutine 1 [running]:\nmain.main()";
        assert!(telling(log).unwrap().starts_with("panic: tocommit(48)"));
        assert_eq!(meaning(&telling(log).unwrap()), Some(Meaning::Strange));
        let full = "wal: write failed: no space left on device\npanic: failed to open database: file size too small";
        assert_eq!(meaning(&telling(full).unwrap()), Some(Meaning::DiskFull), "a full disk cuts files off, too");
        assert_eq!(telling("ready to serve client requests\n"), None);
        let json = r#"{"level":"fatal","ts":"2026-11-29T22:22:13.941909Z","caller":"etcdmain/etcd.go:183","msg":"discovery failed","error":"member c26f8baa5519b9dd has already been bootstrapped","stacktrace":"go.etcd.io"}"#;
        assert_eq!(
            telling(json).unwrap(),
            "fatal: discovery failed: member c26f8baa5519b9dd has already been bootstrapped"
        );
    }
}
