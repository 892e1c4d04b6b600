use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::etcd::{self, Id, Member, Status, Told, View};
use crate::recover::etcd::EtcdRecord;
use crate::recover::loss::{Loss, LossKind, recognise};
use crate::recover::{Record, Sighting, etcd as known};
use crate::snapshot::{Snapshot, Unread};

/// An etcd of so many members, each with its claim and a volume on a node of its own; those in `down` are not ready.
fn objects(members: u32, down: &[u32]) -> Vec<Value> {
    let mut objects = vec![
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "store", "namespace": "n", "uid": "s1"},
        "spec": {"replicas": members, "serviceName": "store", "template": {"spec": {"containers": [{"name": "etcd", "image": "etcd:3",
            "ports": [{"containerPort": 2379}], "volumeMounts": [{"name": "data", "mountPath": "/d"}]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}),
    ];
    for number in 0..members {
        let ready = if down.contains(&number) { "False" } else { "True" };
        objects.extend([
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{number}"), "labels": {"kubernetes.io/hostname": format!("host-{number}")}}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("store-{number}"), "namespace": "n"}, "status": {"phase": "Running",
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:50:00Z"}]}}),
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": format!("data-store-{number}"), "namespace": "n", "uid": format!("c{number}")},
                "spec": {"volumeName": format!("v{number}")}, "status": {"phase": "Bound"}}),
            json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("v{number}"), "uid": format!("v{number}")},
                "spec": {"hostPath": {"path": "/d"}, "claimRef": {"namespace": "n", "name": format!("data-store-{number}"), "uid": format!("c{number}")},
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                        {"key": "kubernetes.io/hostname", "operator": "In", "values": [format!("host-{number}")]}]}]}}},
                "status": {"phase": "Bound"}}),
        ]);
    }
    objects
}

fn status(revision: i64) -> Status {
    let (cluster, leader) = (Id(7), Some(Id(1)));
    Status {
        cluster,
        leader,
        revision,
        size: 1 << 20,
        in_use: 1 << 20,
        version: "3.6.5".to_owned(),
        ..Status::default()
    }
}

fn well(revision: i64) -> Told {
    Told::Status(Box::new(status(revision)))
}

fn alone() -> Told {
    Told::Status(Box::new(Status { leader: None, errors: vec!["etcdserver: no leader".to_owned()], ..status(9) }))
}

fn silent(log: Option<&str>) -> Told {
    Told::Silent { why: "its container is not running: CrashLoopBackOff".to_owned(), log: log.map(str::to_owned) }
}

fn sighting(objects: &[Value], told: &[Told]) -> Sighting {
    let mut snapshot = Snapshot::default();
    objects.iter().cloned().for_each(|object| snapshot.insert(object));
    let set = etcd::sets(&snapshot).pop().unwrap();
    let told: BTreeMap<String, Told> = set.pods().into_iter().zip(told.iter().cloned()).collect();
    let member = |pod: String| Member {
        name: pod.clone(),
        peers: vec![format!("http://{pod}.store:2380")],
        ..Member::default()
    };
    let members = Some(set.pods().into_iter().map(member).collect());
    let view = View { told, members, keys: Some(5), set };
    Sighting { snapshot, etcds: vec![view], now: "2026-01-01T01:00:00Z".parse().unwrap(), ..Sighting::default() }
}

fn recorded(revision: i64, keys: u64, cluster: u64) -> Record {
    serde_json::from_value(json!({"format": 1, "at": "2026-01-01T00:00:00Z", "cluster": {"context": "", "server": "", "uid": ""},
        "installation": {"stack": "s", "version": "", "namespace": "n", "release": "", "profile": ""}, "images": {}, "nodes": {}, "volumes": [],
        "etcds": [{"set": {"apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": "n", "name": "store"}, "cluster": Id(cluster),
            "members": {"store-0": "1"}, "revision": revision, "keys": keys, "size": 5}]}))
    .unwrap()
}

/// The losses of etcd, whatever else shows.
fn found(sighting: &Sighting) -> Vec<Loss> {
    recognise(sighting).into_iter().filter(|loss| loss.set.is_some()).collect()
}

fn kinds(sighting: &Sighting) -> Vec<(LossKind, bool)> {
    found(sighting).into_iter().map(|loss| (loss.kind, loss.certain)).collect()
}

#[test]
fn an_etcd_that_is_well_has_lost_nothing() {
    let mut well_one = sighting(&objects(3, &[]), &[well(9), well(9), well(9)]);
    well_one.records = vec![recorded(9, 5, 7)];
    assert_eq!(kinds(&well_one), []);
    assert!(!known::is_odd(&well_one.etcds[0], &well_one.records));
}

#[test]
fn a_member_is_lost_when_its_data_is_and_not_when_its_pod_does_not_run() {
    let three = |log| sighting(&objects(3, &[1]), &[well(9), silent(log), well(9)]);
    assert_eq!(kinds(&three(None)), [(LossKind::EtcdMemberLost, false)], "its image may be on its way");
    let lost = three(Some("fatal: member 7 has already been bootstrapped"));
    assert_eq!(kinds(&lost), [(LossKind::EtcdMemberLost, true)]);
    let loss = found(&lost).remove(0);
    assert_eq!(loss.claim.unwrap().name, "data-store-1");
    assert_eq!(loss.blast.still_runs, ["store-0", "store-2"]);
    let no_node: Vec<Value> =
        objects(3, &[1]).into_iter().filter(|object| object["metadata"]["name"] != "node-1").collect();
    let gone = sighting(&no_node, &[well(9), silent(None), well(9)]);
    assert_eq!(kinds(&gone), [(LossKind::EtcdMemberLost, true)]);
    let mut unread = gone;
    unread.snapshot.unread.push(Unread { kind: "Node".to_owned(), namespace: None, why: "forbidden".to_owned() });
    assert_eq!(kinds(&unread), [(LossKind::EtcdMemberLost, false)], "what may not be read is not gone");
}

#[test]
fn broken_files_are_no_lost_member_and_a_full_disk_is_neither() {
    let three = |log| sighting(&objects(3, &[2]), &[well(9), well(9), silent(Some(log))]);
    assert_eq!(kinds(&three("panic: failed to open database: file size too small")), [(LossKind::EtcdCorrupt, true)]);
    assert_eq!(kinds(&three("wal: write: no space left on device")), []);
    let single = sighting(&objects(1, &[0]), &[silent(Some("fatal: walpb: crc mismatch"))]);
    assert_eq!(kinds(&single), [(LossKind::EtcdCorrupt, true)]);
}

#[test]
fn without_a_majority_the_survivors_and_the_pods_say_so() {
    let lost = sighting(&objects(3, &[0, 1]), &[silent(None), silent(None), alone()]);
    assert_eq!(kinds(&lost), [(LossKind::EtcdQuorumLost, true)]);
    // A network that is cut looks the same from a survivor; the pods are well.
    let cut = sighting(&objects(3, &[]), &[silent(None), silent(None), alone()]);
    assert_eq!(kinds(&cut), [(LossKind::EtcdQuorumLost, false)]);
    // Pods that find no node have no condition Ready at all; they were made long ago, or just now.
    let unscheduled = |made: &str| {
        let mut objects = objects(3, &[0, 1]);
        for pod in objects.iter_mut().filter(|object| object["kind"] == "Pod").take(2) {
            pod["metadata"]["creationTimestamp"] = made.into();
            pod["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]});
        }
        kinds(&sighting(&objects, &[silent(None), silent(None), alone()]))
    };
    assert_eq!(unscheduled("2026-01-01T00:50:00Z"), [(LossKind::EtcdQuorumLost, true)]);
    assert_eq!(unscheduled("2026-01-01T00:59:30Z"), [(LossKind::EtcdQuorumLost, false)]);
    let mut young = lost;
    young.now = "2026-01-01T00:50:30Z".parse().unwrap();
    assert_eq!(kinds(&young), [(LossKind::EtcdQuorumLost, false)], "they are starting");
}

#[test]
fn what_is_gone_from_an_etcd_shows_only_against_its_record() {
    let single = |revision, keys, record| {
        let mut sighting = sighting(&objects(1, &[]), &[well(revision)]);
        sighting.etcds[0].keys = Some(keys);
        sighting.records = vec![record];
        sighting
    };
    assert_eq!(kinds(&single(1, 0, recorded(900, 40, 7))), [(LossKind::EtcdEmptied, true)]);
    assert_eq!(kinds(&single(1, 0, recorded(900, 40, 8))), [(LossKind::EtcdEmptied, true)], "another cluster");
    assert_eq!(kinds(&single(950, 0, recorded(900, 40, 7))), [], "somebody deleted keys");
    assert_eq!(
        kinds(&single(890, 39, recorded(900, 40, 7))),
        [(LossKind::EtcdEmptied, false)],
        "an older copy was restored"
    );
    let claim = found(&single(1, 0, recorded(900, 40, 7))).remove(0).claim;
    assert_eq!(claim.unwrap().name, "data-store-0");
}

#[test]
fn a_full_etcd_says_so_and_is_large_or_not_ready() {
    let alarm = |size| {
        let errors = vec!["memberID:7 alarm:NOSPACE ".to_owned()];
        Told::Status(Box::new(Status { errors, size, quota: Some(100 << 20), ..status(9) }))
    };
    let (large, small) = (alarm(95 << 20), alarm(1 << 20));
    assert_eq!(kinds(&sighting(&objects(1, &[]), &[large])), [(LossKind::EtcdFull, true)]);
    assert_eq!(
        kinds(&sighting(&objects(1, &[0]), std::slice::from_ref(&small))),
        [(LossKind::EtcdFull, true)],
        "not taken back yet"
    );
    assert_eq!(kinds(&sighting(&objects(1, &[]), &[small])), [(LossKind::EtcdFull, false)]);
}

#[test]
fn a_record_is_of_an_etcd_that_is_well_and_older_ones_can_be_read() {
    let well_one = sighting(&objects(3, &[2]), &[well(9), well(8), silent(None)]);
    let record = EtcdRecord::of(&well_one.etcds[0]).unwrap();
    assert_eq!((record.revision, record.keys, record.members.len()), (9, Some(5), 2));
    assert_eq!(EtcdRecord::of(&sighting(&objects(3, &[]), &[alone(), alone(), alone()]).etcds[0]), None);
    let mut old = serde_json::to_value(recorded(9, 5, 7)).unwrap();
    old.as_object_mut().unwrap().remove("etcds");
    assert_eq!(serde_json::from_value::<Record>(old).unwrap().etcds, []);
}
