//! Clusters in which something is lost, made up, with names to be filled in: what the runbook compiles playbooks against.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::etcd::{Id, Member, Told, View};
use crate::object::ObjectRef;
use crate::plan::verb::Pinned;
use crate::recover::archive::Archive;
use crate::recover::playbook::{Playbook, Task};
use crate::recover::stuck::{Left, SilentApi, Stuck};
use crate::recover::{LossKind, Sighting};
use crate::snapshot::Snapshot;
use crate::snapshot::provisioner::CHOSEN;

/// Names to be filled in.
pub(super) const NAMESPACE: &str = "NAMESPACE";
pub(super) const CLAIM: &str = "CLAIM";
const VOLUME: &str = "VOLUME";
const NODE: &str = "NODE";
const WORKLOAD: &str = "WORKLOAD";
pub(super) const ETCD: &str = "ETCD";
const UID: &str = "UID-OF-THE-CLAIM";
/// The number of the first member of the etcd; the text has a name in its place.
pub(super) const FIRST_MEMBER: u64 = 0xe7cd_0000_0000_0001;

/// The claim that it is about. One that is renewed is of a `StatefulSet`.
pub(super) fn claim(playbook: &Playbook) -> String {
    if is_renewed(playbook) { format!("{CLAIM}-{WORKLOAD}-0") } else { CLAIM.to_owned() }
}

fn is_renewed(playbook: &Playbook) -> bool {
    playbook.sheet.steps.contains(&Task::Renew)
}

/// A cluster in which that has happened, with names to be filled in.
pub(super) fn scene(playbook: &Playbook, kind: LossKind) -> (Sighting, Archive) {
    if playbook.sheet.etcd.is_some() {
        return (etcd(playbook, kind), Archive::default());
    }
    if playbook.sheet.is_of_a_namespace() {
        return (leaving(playbook), Archive::default());
    }
    let name = claim(playbook);
    let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": NAMESPACE, "uid": UID},
        "spec": {"volumeName": VOLUME, "accessModes": ["ReadWriteOnce"], "storageClassName": "CLASS", "resources": {"requests": {"storage": "SIZE"}}},
        "status": {"phase": "Bound"}});
    let mut volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME, "uid": "UID-OF-THE-VOLUME"},
        "spec": {"capacity": {"storage": "SIZE"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "CLASS", "persistentVolumeReclaimPolicy": "Delete",
            "local": {"path": "PATH"}, "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": NAMESPACE, "name": name, "uid": UID},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}]}]}}},
        "status": {"phase": "Bound"}});
    let (mut class, maker) = (class(), maker());
    if playbook.sheet.steps.contains(&Task::Grow) {
        let_grow(&mut claim, &mut class);
    }
    let archive = Archive::of([claim.clone(), volume.clone(), class.clone()]);
    let going: Value = "1970-01-01T00:00:00Z".into();
    let (mut has_claim, mut has_volume, mut node) = (true, true, Some("True"));
    match kind {
        LossKind::VolumeGoing => volume["metadata"]["deletionTimestamp"] = going,
        LossKind::ClaimGoing => claim["metadata"]["deletionTimestamp"] = going,
        LossKind::ClaimLost => {
            has_volume = false;
            claim["status"]["phase"] = "Lost".into();
        }
        LossKind::VolumeReleased => {
            has_claim = false;
            volume["status"]["phase"] = "Released".into();
        }
        LossKind::VolumeUnerased => {
            has_claim = false;
            volume["status"]["phase"] = "Released".into();
            volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] = "PROVISIONER".into();
        }
        LossKind::ClaimGone => (has_claim, has_volume) = (false, false),
        LossKind::ClaimMisbound => {
            claim["status"]["phase"] = "Lost".into();
            claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes".into();
            volume["spec"]["claimRef"]["uid"] = "UID-OF-ANOTHER".into();
        }
        LossKind::ClaimRenewed => {
            volume["status"]["phase"] = "Released".into();
            claim["metadata"]["uid"] = "UID-OF-THE-FRESH-CLAIM".into();
            claim["spec"]["volumeName"] = "FRESH-VOLUME".into();
        }
        LossKind::ClassGone | LossKind::ProvisionerGone | LossKind::ClaimStranded => {
            has_volume = false;
            claim["spec"]["volumeName"] = Value::Null;
            claim["status"]["phase"] = "Pending".into();
        }
        LossKind::NodeUnreachable | LossKind::AttachStuck => node = Some("Unknown"),
        LossKind::NodeGone => node = None,
        _ => {}
    }
    let mut snapshot = Snapshot::default();
    if kind != LossKind::ClassGone {
        snapshot.insert(class);
    }
    snapshot.insert(maker_of(kind, maker));
    if kind == LossKind::AttachStuck {
        snapshot.insert(json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "ATTACHMENT", "uid": "UID-OF-THE-ATTACHMENT"},
            "spec": {"nodeName": NODE, "source": {"persistentVolumeName": VOLUME}}, "status": {"attached": true}}));
    }
    if kind == LossKind::ClaimRenewed {
        snapshot.insert(fresh_volume(&volume, &claim));
    }
    if kind == LossKind::ClaimStranded {
        claim["metadata"]["annotations"][CHOSEN] = "FORMER-NODE".into();
    }
    let node = node.map(|is_ready| ready(NODE, is_ready));
    if playbook.sheet.steps.contains(&Task::Move) {
        snapshot.insert(ready("ANOTHER-NODE", "True"));
    }
    let objects = has_claim.then_some(claim).into_iter().chain(has_volume.then_some(volume)).chain(node);
    objects.chain(workloads(playbook)).chain(running(playbook, kind)).for_each(|object| snapshot.insert(object));
    (Sighting { snapshot, now: Timestamp::UNIX_EPOCH, ..Sighting::default() }, archive)
}

/// A namespace that was told to go: an object waits in it, one API does not answer and is served by nobody, another may be brought back.
fn leaving(playbook: &Playbook) -> Sighting {
    let pinned = |api_version: &str, kind: &str, namespace: Option<&str>, name: &str| Pinned {
        object: ObjectRef::new(api_version, kind, namespace, name),
        uid: format!("UID-OF-{name}"),
    };
    let left = Left {
        object: pinned("GROUP/VERSION", "KIND", Some(NAMESPACE), "OBJECT"),
        is_going: true,
        finalizers: vec!["FINALIZER".to_owned()],
    };
    let silent = |name: &str, has_service| SilentApi {
        api: pinned("apiregistration.k8s.io/v1", "APIService", None, name),
        why: "it does not answer".to_owned(),
        has_service,
    };
    let stuck = Stuck {
        namespace: pinned("v1", "Namespace", None, NAMESPACE),
        since: Timestamp::UNIX_EPOCH,
        left: vec![left],
        apis: vec![silent("API-WITH-A-SERVICE", true), silent("API-WITHOUT-A-SERVICE", false)],
        unread: Vec::new(),
    };
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME, "uid": "UID-OF-THE-VOLUME"},
        "spec": {"persistentVolumeReclaimPolicy": "Delete", "claimRef": {"namespace": NAMESPACE, "name": CLAIM, "uid": UID}}});
    let snapshot = workloads(playbook).into_iter().chain([volume]).collect();
    Sighting { snapshot, stuck: vec![stuck], now: Timestamp::UNIX_EPOCH, ..Sighting::default() }
}

fn ready(name: &str, ready: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": format!("UID-OF-{name}"), "labels": {"kubernetes.io/hostname": name}},
        "status": {"conditions": [{"type": "Ready", "status": ready}]}})
}

/// A pod of each workload: with a claim whose volume object is gone it goes on writing until it is stopped.
fn running(playbook: &Playbook, kind: LossKind) -> Vec<Value> {
    if kind != LossKind::ClaimLost {
        return Vec::new();
    }
    let owned = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
    workloads(playbook)
        .iter()
        .filter(|workload| workload["kind"] == "Deployment")
        .flat_map(|workload| {
            let name = workload["metadata"]["name"].as_str().unwrap_or_default();
            let set = format!("{name}-SET");
            [
                json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": set, "namespace": NAMESPACE, "uid": set,
                    "ownerReferences": owned("Deployment", name)}, "spec": {"replicas": 1}}),
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{name}-POD"), "namespace": NAMESPACE, "uid": format!("{name}-POD"),
                    "ownerReferences": owned("ReplicaSet", &set)}, "spec": {"nodeName": NODE,
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}]}, "status": {"phase": "Running"}}),
            ]
        })
        .collect()
}

fn class() -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "CLASS"}, "provisioner": "PROVISIONER",
        "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer"})
}

/// The volume that a claim was given when it was made anew.
fn fresh_volume(volume: &Value, claim: &Value) -> Value {
    let mut fresh = volume.clone();
    fresh["metadata"] = json!({"name": "FRESH-VOLUME", "uid": "UID-OF-THE-FRESH-VOLUME"});
    fresh["spec"]["claimRef"]["uid"] = claim["metadata"]["uid"].clone();
    fresh["status"]["phase"] = "Bound".into();
    fresh
}

/// Of a size that can be doubled.
fn let_grow(claim: &mut Value, class: &mut Value) {
    class["allowVolumeExpansion"] = true.into();
    claim["spec"]["resources"]["requests"]["storage"] = "10Gi".into();
    claim["status"]["capacity"] = json!({"storage": "10Gi"});
}

fn maker() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "PROVISIONER", "namespace": "PROVISIONER-NAMESPACE", "uid": "p"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "p", "args": ["PROVISIONER"]}]}}}, "status": {"readyReplicas": 1}})
}

/// Whoever makes volumes, as it is then.
fn maker_of(kind: LossKind, mut maker: Value) -> Value {
    if matches!(kind, LossKind::ProvisionerGone | LossKind::VolumeUnerased) {
        maker["spec"]["replicas"] = 0.into();
        maker["status"] = json!({});
    }
    maker
}

/// An etcd of three members, of which the first is lost; or all but the last, where that is the loss.
fn etcd(playbook: &Playbook, kind: LossKind) -> Sighting {
    let lost = if kind == LossKind::EtcdQuorumLost { 2 } else { 0 };
    let mut snapshot = Snapshot::default();
    let members = ["0", "1", "2"].map(|number| format!("{ETCD}-{number}"));
    let urls: Vec<String> = members.iter().map(|pod| format!("{pod}=http://{pod}.{ETCD}:2380")).collect();
    snapshot.insert(json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": ETCD, "namespace": NAMESPACE, "uid": ETCD,
            "labels": {"app.kubernetes.io/component": "etcd"}},
        "spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}, "template": {"spec": {"containers": [{"name": "etcd", "image": "etcd",
            "command": ["etcd"], "volumeMounts": [{"name": "data", "mountPath": "/var/lib/etcd"}],
            "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "args": ["--name=$(POD_NAME)", "--data-dir=/var/lib/etcd/data", format!("--initial-advertise-peer-urls=http://$(POD_NAME).{ETCD}:2380"), format!("--initial-cluster={}", urls.join(",")), "--initial-cluster-state=new",
                "--listen-client-urls=http://0.0.0.0:2379"]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": {"seaworthy.dev/role": "etcd"}},
                "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "CLASS", "resources": {"requests": {"storage": "SIZE"}}}}]}}));
    for (number, pod) in members.iter().enumerate() {
        let claim = format!("data-{pod}");
        snapshot.insert(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": NAMESPACE, "uid": pod,
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": ETCD, "uid": ETCD, "controller": true}]},
            "spec": {"nodeName": NODE, "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}, "status": {"phase": "Running"}}));
        snapshot.insert(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim, "namespace": NAMESPACE, "uid": claim},
            "spec": {"volumeName": format!("{VOLUME}-OF-{pod}"), "accessModes": ["ReadWriteOnce"], "storageClassName": "CLASS",
                "resources": {"requests": {"storage": "SIZE"}}}, "status": {"phase": "Bound"}}));
        if number < lost {
            continue;
        }
        snapshot.insert(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("{VOLUME}-OF-{pod}"), "uid": pod},
            "spec": {"claimRef": {"namespace": NAMESPACE, "name": claim, "uid": claim}}, "status": {"phase": "Bound"}}));
    }
    workloads(playbook)
        .into_iter()
        .filter(|other| other["metadata"]["name"] != "etcd")
        .for_each(|object| snapshot.insert(object));
    let known = |(number, name): (usize, &String)| Member {
        id: Id(FIRST_MEMBER + number as u64),
        name: name.clone(),
        peers: vec![format!("http://{name}.{ETCD}:2380")],
        learner: false,
    };
    let silent = |pod: &String| (pod.clone(), Told::Silent { why: "its pod is Pending".to_owned(), log: None });
    let told: BTreeMap<String, Told> = members.iter().take(lost).map(silent).collect();
    let members = members.iter().enumerate().map(known).collect();
    let views = crate::etcd::sets(&snapshot).into_iter();
    let views = views.map(|set| View { set, told: told.clone(), members: Some(Vec::clone(&members)), keys: None });
    Sighting { etcds: views.collect(), snapshot, now: Timestamp::UNIX_EPOCH, ..Sighting::default() }
}

/// The components that a playbook names, each by its name, and one that stands for all others that use the claim.
fn workloads(playbook: &Playbook) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for task in &playbook.sheet.steps {
        match task {
            Task::Stop(components) | Task::Start(components) | Task::Restart(components) => {
                names.extend(components.iter().map(String::as_str));
            }
            Task::Follow(follow) => names.push(&follow.component),
            _ => {}
        }
    }
    names.sort_unstable();
    names.dedup();
    if is_renewed(playbook) {
        return vec![
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": WORKLOAD, "namespace": NAMESPACE, "uid": WORKLOAD},
                "spec": {"replicas": 1, "template": {"spec": {}}, "volumeClaimTemplates": [{"metadata": {"name": CLAIM}}]}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{WORKLOAD}-0"), "namespace": NAMESPACE, "uid": "UID-OF-THE-POD",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": WORKLOAD, "uid": WORKLOAD, "controller": true}]},
                "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim(playbook)}}]}}),
        ];
    }
    if names.is_empty() {
        names.push(WORKLOAD);
    }
    let one = |name: &&str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE, "uid": name,
            "labels": {"app.kubernetes.io/component": name}}, "spec": {"replicas": 1, "template": {"spec": {"volumes":
            [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}]}}}})
    };
    names.iter().map(one).collect()
}
