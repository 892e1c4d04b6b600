//! The losses that are certain by what home looks at anyway. What a volume holds and what members of an etcd say is asked by `recover`.

use std::collections::BTreeSet;

use crate::doctor::evidence::Evidence;
use crate::object::text;
use crate::recover::join::claim_of;
use crate::recover::look::names_of_makers;
use crate::recover::map::Chain;
use crate::recover::{Loss, Record, Sighting, recognise};
use crate::snapshot::{Snapshot, provisioner};

/// What recognising reads of the whole cluster.
const GLOBAL: [(&str, &str); 3] = [("", "PersistentVolume"), ("", "Node"), ("storage.k8s.io", "StorageClass")];
/// And of a namespace.
const NAMESPACED: [(&str, &str); 6] = [
    ("", "PersistentVolumeClaim"),
    ("", "Pod"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
];

/// The certain ones, the most urgent kind first. Only namespaces are looked at in which something about storage is odd, or of which there
/// is a record: a cluster may be large.
pub(super) fn certain(evidence: &Evidence, records: &[Record], chains: &[Chain]) -> Vec<Loss> {
    let mut snapshot = Snapshot::default();
    snapshot.unread.clone_from(&evidence.snapshot.unread);
    let global = GLOBAL.iter().flat_map(|(group, kind)| evidence.snapshot.of_kind(group, kind));
    let odd = odd(&evidence.snapshot, records, chains);
    let local = odd.iter().flat_map(|namespace| {
        NAMESPACED.iter().flat_map(move |(group, kind)| evidence.snapshot.in_namespace(group, kind, namespace))
    });
    for object in global.chain(local) {
        snapshot.insert(object.clone());
    }
    // Whoever makes volumes has a namespace of its own.
    let names = names_of_makers(&snapshot);
    let workloads = provisioner::KINDS.iter().flat_map(|kind| evidence.snapshot.of_kind("apps", kind));
    for maker in workloads.filter(|one| names.iter().any(|name| provisioner::makes(one, name))) {
        snapshot.insert(maker.clone());
    }
    let sighting = Sighting { snapshot, records: records.to_vec(), now: evidence.taken, ..Sighting::default() };
    recognise(&sighting).into_iter().filter(|loss| loss.certain).collect()
}

fn odd(snapshot: &Snapshot, records: &[Record], chains: &[Chain]) -> BTreeSet<String> {
    let is_odd = |chain: &&Chain| chain.broken.is_some() || chain.phase == "Terminating";
    let broken = chains.iter().filter(is_odd).filter_map(|chain| chain.claim.clone());
    let going = snapshot.of_kind("", "PersistentVolume").filter(|volume| {
        volume["metadata"].get("deletionTimestamp").is_some() || text(volume, "/status/phase") == Some("Released")
    });
    let recorded = records.iter().flat_map(|record| &record.volumes).map(|volume| volume.claim.clone());
    let claims = broken.chain(going.filter_map(claim_of)).chain(recorded);
    claims.filter_map(|claim| claim.namespace).collect()
}
