//! Simulated members of an etcd, asked as real ones are: they behave as etcd 3.4.23 and 3.6.5 were measured to.

use std::os::unix::fs::PermissionsExt as _;

use seaworthy::engine::etcd::{EtcdError, Gateway};
use seaworthy::error::Explain as _;
use seaworthy::etcd::{self, EtcdSet, Told};
use seaworthy::recover::look;
use seaworthy::sandbox::Kind;
use seaworthy::sandbox::faults::find;
use seaworthy::snapshot::Snapshot;
use serde_json::{Value, json};

use super::support::{Harbour, SEA};

/// A `StatefulSet` of an etcd with so many members, which is told to found (`new`) or to join (`existing`).
pub(crate) fn manifest(members: u32, state: &str) -> Value {
    let url = |number: u32| format!("store-{number}=http://store-{number}.store.sea.svc:2380");
    let cluster: Vec<String> = (0..members).map(url).collect();
    let args = [
        "--name=$(POD_NAME)".to_owned(),
        "--data-dir=/data/etcd".to_owned(),
        "--initial-advertise-peer-urls=http://$(POD_NAME).store.sea.svc:2380".to_owned(),
        "--listen-client-urls=http://0.0.0.0:2379".to_owned(),
        format!("--initial-cluster={}", cluster.join(",")),
        format!("--initial-cluster-state={state}"),
        "--initial-cluster-token=t".to_owned(),
    ];
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "store", "namespace": SEA},
        "spec": {"serviceName": "store", "replicas": members, "podManagementPolicy": "Parallel", "selector": {"matchLabels": {"app": "store"}},
            "template": {"metadata": {"labels": {"app": "store"}}, "spec": {"containers": [{"name": "etcd", "image": "quay.io/coreos/etcd:v3.6.4",
                "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "args": args, "ports": [{"name": "client", "containerPort": 2379}],
                "readinessProbe": {"httpGet": {"path": "/health", "port": "client"}, "periodSeconds": 3},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Mi"}}}}]}})
}

pub(crate) struct Store {
    pub(crate) harbour: Harbour,
}

impl Store {
    pub(crate) async fn new(members: u32) -> Self {
        let harbour = Harbour::new(Kind::Ha).await;
        harbour.make(&manifest(members, "new")).await.unwrap();
        harbour.sandbox.rest(60);
        Self { harbour }
    }

    /// Something that uses it, and has left keys there.
    pub(crate) async fn used(&self) {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client", "namespace": SEA},
            "spec": {"containers": [{"name": "client", "image": "client:1", "args": ["--endpoint=http://store-0.store.sea.svc:2379"]}]}});
        self.harbour.make(&pod).await.unwrap();
        self.harbour.sandbox.rest(10);
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.harbour.sandbox.objects().into_iter().for_each(|object| snapshot.insert(object));
        snapshot
    }

    fn set(&self) -> EtcdSet {
        etcd::sets(&self.snapshot()).pop().unwrap()
    }

    pub(crate) fn member(&self, number: u32) -> Gateway {
        Gateway::new(&self.harbour.sandbox.client(), &self.set(), &format!("store-{number}"))
    }

    pub(crate) fn strike(&self, fault: &str, target: &str) {
        self.harbour.sandbox.strike(find(fault).unwrap(), target);
        self.harbour.sandbox.rest(60);
    }

    fn ready(&self) -> Value {
        self.harbour.see("apps/v1", "StatefulSet", "store").unwrap()["status"]["readyReplicas"].clone()
    }

    async fn delete_pod(&self, number: u32) {
        self.harbour.delete(&format!("/api/v1/namespaces/{SEA}/pods/store-{number}")).await.unwrap();
        self.harbour.sandbox.rest(60);
    }

    /// The pointer to where it is told to found or to join, and the text for it.
    async fn tell(&self, state: &str) {
        let mut told = manifest(3, state);
        told["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
        let change =
            json!({"spec": {"updateStrategy": told["spec"]["updateStrategy"], "template": told["spec"]["template"]}});
        self.harbour.merge(&format!("/apis/apps/v1/namespaces/{SEA}/statefulsets/store"), &change).await.unwrap();
        self.harbour.sandbox.rest(10);
    }

    async fn told(&self, number: u32) -> Told {
        let views = look::etcds(&self.harbour.sandbox.client(), &self.snapshot(), false).await;
        views[0].told[&format!("store-{number}")].clone()
    }
}

/// The line that a member has ended with.
fn words(told: &Told) -> String {
    match told {
        Told::Silent { log: Some(log), .. } => log.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn three_members_are_one_etcd_that_keeps_what_is_written() {
    let store = Store::new(3).await;
    assert_eq!(store.ready(), 3);
    let (first, last) = (store.member(0).status().await.unwrap(), store.member(2).status().await.unwrap());
    assert_eq!((first.cluster, first.leader, first.revision), (last.cluster, last.leader, 1));
    assert_ne!(first.member, last.member);
    assert!(first.leader.is_some() && first.errors.is_empty());
    store.member(1).probe("/probe", "one").await.unwrap();
    assert_eq!(store.member(2).status().await.unwrap().revision, 3, "a key came and went");
    assert_eq!(store.member(2).keys().await.unwrap(), 0);
    let members = store.member(0).members().await.unwrap();
    assert!(members.len() == 3 && members.iter().all(etcd::Member::has_started), "{members:?}");
    let hashes = [store.member(0).hash(3).await.unwrap(), store.member(1).hash(3).await.unwrap()];
    assert!(hashes[0].is_some() && hashes[0] == hashes[1]);
}

#[tokio::test]
async fn a_snapshot_is_whole_private_and_comes_without_a_majority_too() {
    let store = Store::new(3).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/one.db");
    let saved = store.member(0).snapshot(&path, &store.harbour.clock, |_, _| ()).await.unwrap();
    let meta = std::fs::metadata(&path).unwrap();
    assert_eq!((saved.bytes, meta.permissions().mode() & 0o777), (meta.len(), 0o600));
    assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1, "a part is left");
    store.strike("etcd-quorum-lost", "");
    let status = store.member(2).status().await.unwrap();
    assert_eq!((status.leader, status.errors.as_slice()), (None, ["etcdserver: no leader".to_owned()].as_slice()));
    store.member(2).snapshot(&folder.path().join("two.db"), &store.harbour.clock, |_, _| ()).await.unwrap();
    let error = store.member(2).probe("/probe", "one").await.unwrap_err();
    assert!(error.to_string().contains("504: context deadline exceeded"), "{error}");
    assert_eq!(store.member(2).keys().await.unwrap(), 0);
    let error = store.member(0).status().await.unwrap_err();
    assert!(matches!(error, EtcdError::NoWay { .. }) && error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn a_wiped_member_of_three_is_refused_until_it_is_taken_out_and_added_again() {
    let store = Store::new(3).await;
    store.member(0).probe("/probe", "one").await.unwrap();
    store.strike("etcd-member-wiped", "sea/store-1");
    assert_eq!(store.ready(), 2);
    assert!(words(&store.told(1).await).contains("has already been bootstrapped"));
    store.tell("existing").await;
    store.delete_pod(1).await;
    assert!(words(&store.told(1).await).contains("tocommit("), "it was not taken out");
    let members = store.member(0).members().await.unwrap();
    let lost = etcd::member_of(&members, "store-1").unwrap().clone();
    store.member(0).remove(lost.id).await.unwrap();
    store.member(0).remove(lost.id).await.unwrap();
    store.delete_pod(1).await;
    assert!(words(&store.told(1).await).contains("member count is unequal"), "it was not added");
    let members = store.member(2).add(&lost.peers[0]).await.unwrap();
    assert!(!etcd::member_of(&members, "store-1").unwrap().has_started());
    store.delete_pod(1).await;
    let members = store.member(0).members().await.unwrap();
    let anew = etcd::member_of(&members, "store-1").unwrap();
    assert!(anew.has_started() && anew.id != lost.id);
    assert_eq!(store.member(1).status().await.unwrap().revision, 3);
    assert_eq!(store.ready(), 3);
}

/// Nothing in Kubernetes looks wrong, and its numbers are the same.
#[tokio::test]
async fn a_single_member_that_is_wiped_is_well_and_the_same_by_its_numbers() {
    let store = Store::new(1).await;
    store.member(0).probe("/probe", "one").await.unwrap();
    let before = store.member(0).status().await.unwrap();
    store.strike("etcd-wiped", "sea/store");
    let after = store.member(0).status().await.unwrap();
    assert_eq!((after.cluster, after.member), (before.cluster, before.member));
    assert_eq!((before.revision, after.revision), (3, 1));
    assert_eq!(store.ready(), 1);
}

#[tokio::test]
async fn a_full_etcd_takes_writes_again_after_compaction_defragmentation_and_disarming() {
    let store = Store::new(3).await;
    store.strike("etcd-full", "");
    assert_eq!(store.ready(), Value::Null);
    let status = store.member(0).status().await.unwrap();
    assert!(status.alarms("NOSPACE") && status.size == status.quota.unwrap());
    let error = store.member(0).probe("/probe", "x").await.unwrap_err();
    assert!(error.to_string().contains("etcdserver: mvcc: database space exceeded"), "{error}");
    store.member(0).compact(status.revision).await.unwrap();
    store.member(0).compact(status.revision).await.unwrap();
    for number in 0..3 {
        store.member(number).defragment().await.unwrap();
        assert!(store.member(number).status().await.unwrap().size < 1 << 20);
    }
    assert!(store.member(0).probe("/probe", "x").await.is_err(), "the alarm stays until it is taken back");
    for alarm in store.member(0).alarms().await.unwrap() {
        store.member(0).disarm(&etcd::Alarm { member: etcd::Id(0), ..alarm.clone() }).await.unwrap();
        assert_eq!(store.member(0).alarms().await.unwrap().len(), 1, "member 0 stands for nobody");
        store.member(0).disarm(&alarm).await.unwrap();
    }
    store.member(0).probe("/probe", "x").await.unwrap();
    store.harbour.sandbox.rest(30);
    assert_eq!(store.ready(), 3);
}

#[tokio::test]
async fn a_member_whose_file_is_cut_off_says_so_and_does_not_start() {
    let store = Store::new(3).await;
    store.strike("etcd-corrupt", "sea/data-store-2");
    assert!(words(&store.told(2).await).contains("file size too small"));
    assert_eq!(store.ready(), 2);
}
