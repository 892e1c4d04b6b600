//! Data that is gone: volumes that held files when they were last known to be well, and of which the cluster has nothing any more. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::join::{claim_of, volume_ref};
use super::record::VolumeRecord;
use super::{Record, Sighting};
use crate::engine::rescue::files_text;
use crate::object::{ObjectRef, text};

/// A volume that held files, and is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Former {
    /// The claim that it was of.
    pub claim: ObjectRef,
    /// Its name.
    pub volume: String,
    /// How many files it held.
    pub files: u64,
    /// When that was.
    pub at: Timestamp,
}

impl Former {
    fn of(record: &Record, volume: &VolumeRecord) -> Option<Self> {
        let files = volume.files_then();
        (files > 0).then(|| Self { claim: volume.claim.clone(), volume: volume.volume.clone(), files, at: record.at })
    }

    /// What it held, and when.
    pub fn told(&self) -> String {
        let when = self.at.strftime("%F %T UTC");
        format!("{} of {}, on {} at {when}", files_text(self.files), self.claim, self.volume)
    }
}

/// Several of them, in one line.
pub fn list(gone: &[Former]) -> String {
    gone.iter().map(Former::told).collect::<Vec<_>>().join("; ")
}

/// What the claim held that is gone: the newest record of it has a volume with files, and there is no volume of that name, nor another one
/// that the claim let go.
pub fn of_claim(sighting: &Sighting, claim: &ObjectRef) -> Option<Former> {
    let all = sighting.records.iter().flat_map(|record| record.volumes.iter().map(move |volume| (record, volume)));
    let (record, then) = all.filter(|(_, then)| then.claim == *claim).max_by_key(|(record, _)| record.at)?;
    let snapshot = &sighting.snapshot;
    if snapshot.is_unread("PersistentVolume") || snapshot.is_unread("PersistentVolumeClaim") {
        return None;
    }
    // A claim that names it still may get it back: its folder need not be gone.
    let is_named = snapshot.get(claim).is_some_and(|live| text(live, "/spec/volumeName") == Some(&then.volume));
    let of_it = |volume: &serde_json::Value| {
        claim_of(volume).as_ref() == Some(claim) && text(volume, "/status/phase") == Some("Released")
    };
    let is_there = snapshot.get(&volume_ref(&then.volume)).is_some()
        || snapshot.of_kind("", "PersistentVolume").any(of_it)
        || is_named;
    Former::of(record, then).filter(|_| !is_there)
}

/// What the claims of a namespace held that is gone.
pub fn of_namespace(sighting: &Sighting, namespace: &str) -> Vec<Former> {
    let recorded = sighting.records.iter().flat_map(|record| &record.volumes);
    let here = recorded.map(|volume| &volume.claim).filter(|claim| claim.namespace.as_deref() == Some(namespace));
    let claims: BTreeSet<&ObjectRef> = here.collect();
    claims.into_iter().filter_map(|claim| of_claim(sighting, claim)).collect()
}

/// What a new record has to remember of the one before: what was gone already, and what has gone since. `is_there`: whether there is a
/// volume of this name. What the other members of an etcd have is not gone.
pub(super) fn remembered(before: &Record, now: &Record, is_there: impl Fn(&str) -> bool) -> Vec<Former> {
    let is_one_of_several = |claim: &ObjectRef| {
        now.etcds.iter().chain(&before.etcds).any(|etcd| etcd.members.len() > 1 && etcd.is_of(claim))
    };
    let is_back = |former: &Former| is_there(&former.volume) || is_one_of_several(&former.claim);
    let since = before.volumes.iter().filter_map(|volume| Former::of(before, volume));
    let mut gone: Vec<Former> = Vec::new();
    // The later one of a claim is the one that people miss.
    for former in since.chain(before.gone.iter().cloned()).filter(|former| !is_back(former)) {
        if !gone.iter().any(|known| known.claim == former.claim) {
            gone.push(former);
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A record of a claim with this volume and so many files.
    fn record(volume: &str, files: u64) -> Record {
        serde_json::from_value(json!({"format": 1, "at": "2026-01-01T00:00:00Z", "cluster": {"context": "", "server": "", "uid": ""},
            "installation": {"stack": "s", "version": "", "namespace": "n", "release": "", "profile": ""}, "images": {}, "nodes": {},
            "volumes": [{"claim": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "n", "name": "c"}, "claimUid": "u",
                "volume": volume, "volumeUid": volume, "place": "", "files": {"known": "counted", "files": files, "root": 1},
                "claimManifest": null, "volumeManifest": null}]}))
        .unwrap()
    }

    #[test]
    fn what_is_gone_is_remembered_by_the_records_that_follow() {
        let (first, mut second, third) = (record("a", 3), record("b", 1), record("b", 1));
        second.gone = remembered(&first, &second, |name| name == "b");
        assert_eq!((second.gone[0].volume.as_str(), second.gone[0].files), ("a", 3));
        assert!(second.gone[0].told().starts_with("3 files of PersistentVolumeClaim/n/c, on a at 2026-01-01"));
        assert_eq!(remembered(&second, &third, |name| name == "b"), second.gone);
        assert_eq!(remembered(&second, &third, |_| true), [], "it is there again");
        assert_eq!(remembered(&first, &second, |_| true), [], "it was put aside");
        assert_eq!(remembered(&record("a", 0), &second, |_| false), [], "nothing was on it");
    }
}
