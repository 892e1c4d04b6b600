//! Whatever a cluster holds, nothing panics, and what is said fits a terminal.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Field names that rules look for, so that arbitrary values get where they are read.
const FIELDS: &[&str] = &[
    "status",
    "spec",
    "metadata",
    "conditions",
    "containerStatuses",
    "initContainerStatuses",
    "containers",
    "state",
    "lastState",
    "waiting",
    "terminated",
    "running",
    "reason",
    "message",
    "type",
    "name",
    "image",
    "volumes",
    "exitCode",
    "restartCount",
    "replicas",
    "phase",
    "nodeName",
    "labels",
    "selector",
    "taints",
    "readinessProbe",
    "deletionTimestamp",
    "creationTimestamp",
    "lastTimestamp",
    "count",
    "ports",
    "hostPort",
    "allocatable",
    "resources",
    "loadBalancer",
    "ingress",
];

const WORDS: &[&str] = &[
    "",
    "True",
    "False",
    "Ready",
    "Failed",
    "ImagePullBackOff",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "ContainerCreating",
    "Unschedulable",
    "PodScheduled",
    "Progressing",
    "Insufficient ",
    "secret \"",
    "secret \"\" not found",
    "couldn't find key ",
    "0/1 nodes are available: 1 Insufficient é, untolerated taint",
    "failed calling webhook \"",
    "exceeded quota: ",
    "failed to resolve reference \"",
    "failed to resolve reference \"a\": a: not found",
    "is forbidden: maximum per ",
    "Evicted",
    "\u{1b}[2J",
    "9999-12-31T23:59:59Z",
    "-9999-01-02T00:00:00Z",
    "Bound",
    "Multi-Attach",
    "driver name ",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(FIELDS), inner), 0..6).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

const KINDS: &[(&str, &str)] = &[
    ("v1", "Pod"),
    ("v1", "Event"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Node"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("networking.k8s.io/v1", "Ingress"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("example.com/v1", "Thing"),
];

/// An object of a known kind with arbitrary content; every object owns every other, and every event is about all of them.
fn object() -> impl Strategy<Value = Value> {
    (prop::sample::select(KINDS), value(), value(), "[a-c]", prop::sample::select(WORDS)).prop_map(
        |((version, kind), spec, status, name, reason)| {
            json!({"apiVersion": version, "kind": kind, "spec": spec, "status": status, "reason": reason, "message": reason,
                "metadata": {"name": name, "namespace": "n", "uid": name, "generation": 1,
                    "ownerReferences": [{"uid": "a", "kind": kind, "apiVersion": version, "name": "a", "controller": true}, {"uid": "b"}]},
                "involvedObject": {"kind": "Pod", "namespace": "n", "name": "a"}})
        },
    )
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control) && text.chars().count() <= 1000
}

static RECORDED: LazyLock<[Recorded; 5]> =
    LazyLock::new(|| ["exit-1", "claim-modes", "quota-pods", "mount-no-key", "image-missing"].map(read));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn arbitrary_objects_never_panic(objects in prop::collection::vec(object(), 1..8)) {
        let snapshot = snapshot(objects);
        for object in snapshot.objects() {
            let reference = ObjectRef::of(object).unwrap();
            judge(object, &snapshot);
            if let Some(cause) = cause(&reference, &snapshot, Timestamp::UNIX_EPOCH) {
                prop_assert!(is_printable(&cause.message) && is_printable(&cause.reason), "{cause:?}");
                prop_assert!(cause.remedy.iter().all(|text| is_printable(text)), "{cause:?}");
                prop_assert!(!cause.id.is_empty());
            }
        }
    }

    #[test]
    fn recorded_clusters_with_holes_never_panic(hole in value(), seed in any::<prop::sample::Index>(), part in any::<prop::sample::Index>()) {
        let recorded = seed.get(&*RECORDED);
        let mut items = recorded.items.clone();
        let at = part.index(items.len());
        for pointer in ["/status/containerStatuses", "/status/conditions", "/message", "/spec/volumes", "/spec"] {
            if let Some(place) = items[at].pointer_mut(pointer) {
                *place = hole.clone();
                break;
            }
        }
        let snapshot = snapshot(items);
        cause(&recorded.waited, &snapshot, recorded.now);
    }

    #[test]
    fn arbitrary_refusals_never_panic(code in any::<u16>(), reason in ".{0,10}", words in prop::collection::vec(prop::sample::select(WORDS), 0..6), rest in ".{0,40}") {
        let message = format!("{}{rest}", words.concat());
        let cause = crate::doctor::refusal::refused(&ObjectRef::new("v1", "Pod", Some("n"), "a"), code, &reason, &message);
        prop_assert!(is_printable(&cause.message) && is_printable(&cause.reason), "{cause:?}");
    }
}
