use super::*;
use crate::plan::verb::testing::{picture, word};
use serde_json::json;

const UID: &str = "u";

fn pinned(kind: &str, name: &str) -> Pinned {
    let (api_version, namespace) = match kind {
        "PersistentVolume" | "Node" => ("v1", None),
        "Deployment" => ("apps/v1", Some("n")),
        _ => ("v1", Some("n")),
    };
    Pinned { object: ObjectRef::new(api_version, kind, namespace, name), uid: UID.to_owned() }
}

fn object(kind: &str, name: &str, rest: &Value) -> Value {
    let reference = pinned(kind, name).object;
    let mut object = json!({"apiVersion": reference.api_version, "kind": kind, "metadata": {"name": name, "uid": UID}});
    if let Some(namespace) = reference.namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    for (key, value) in rest.as_object().unwrap() {
        if key == "metadata" {
            for (key, value) in value.as_object().unwrap() {
                object["metadata"][key] = value.clone();
            }
        } else {
            object[key] = value.clone();
        }
    }
    object
}

#[track_caller]
fn check(verb: &Verb, cases: &[(&str, Value)]) {
    let (kind, name) = verb.object().map(|object| (object.kind, object.name)).unwrap();
    for (expected, rest) in cases {
        let objects = if rest.is_null() { Vec::new() } else { vec![object(&kind, &name, rest)] };
        let standing = verb.standing(&picture(&objects));
        assert_eq!(word(&standing), *expected, "{}: {rest}: {standing:?}", verb.title());
    }
}

#[test]
fn a_volume_is_kept_once_and_another_one_never() {
    let policy = |policy: &str| json!({"spec": {"persistentVolumeReclaimPolicy": policy}});
    let mut going = policy("Delete");
    going["metadata"] = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
    let mut another = policy("Retain");
    another["metadata"] = json!({"uid": "other"});
    let cases = [
        ("open", policy("Delete")),
        ("proven", policy("Retain")),
        ("open", going),
        ("shut", another),
        ("shut", Value::Null),
    ];
    check(&Verb::Keep { volume: pinned("PersistentVolume", "v"), quarantine: None }, &cases);
    let marked =
        json!({"metadata": {"labels": {QUARANTINE: "replaced"}}, "spec": {"persistentVolumeReclaimPolicy": "Retain"}});
    let cases = [("open", policy("Retain")), ("proven", marked)];
    check(&Verb::Keep { volume: pinned("PersistentVolume", "v"), quarantine: Some("replaced".to_owned()) }, &cases);
}

#[test]
fn a_workload_is_scaled_between_what_the_plan_knows_and_nothing_else() {
    let state = |wanted: i64, there: i64, remembered: bool, seen: i64| {
        let annotations = if remembered { json!({ORIGINAL_REPLICAS: "2"}) } else { json!({}) };
        json!({"metadata": {"generation": 3, "annotations": annotations}, "spec": {"replicas": wanted},
            "status": {"replicas": there, "readyReplicas": there, "observedGeneration": seen}})
    };
    let stop = Verb::Scale { workload: pinned("Deployment", "d"), to: 0, original: 2 };
    let cases = [
        ("open", state(2, 2, false, 3)),
        ("open", state(0, 1, true, 3)),
        ("open", state(0, 0, true, 2)),
        ("open", state(0, 0, false, 3)),
        ("proven", state(0, 0, true, 3)),
        ("shut", state(5, 5, false, 3)),
        ("shut", Value::Null),
    ];
    check(&stop, &cases);
    let start = Verb::Scale { workload: pinned("Deployment", "d"), to: 2, original: 2 };
    let cases = [
        ("open", state(0, 0, true, 3)),
        ("open", state(2, 1, false, 3)),
        ("open", state(2, 2, true, 3)),
        ("proven", state(2, 2, false, 3)),
        ("shut", state(1, 1, false, 3)),
    ];
    check(&start, &cases);
}

fn pod(phase: &str) -> Value {
    object(
        "Pod",
        "p",
        &json!({"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "c"}}]}, "status": {"phase": phase}}),
    )
}

/// One that is on its way out.
fn going(phase: &str) -> Value {
    let mut pod = pod(phase);
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    pod
}

#[test]
fn a_pod_of_any_phase_holds_its_claim() {
    let claim = pinned("PersistentVolumeClaim", "c").object;
    let unreferenced = Verb::Unreferenced { claim: claim.clone() };
    assert_eq!(word(&unreferenced.standing(&picture(&[]))), "proven");
    for phase in ["Pending", "Running", "Succeeded", "Failed"] {
        assert_eq!(word(&unreferenced.standing(&picture(&[pod(phase)]))), "open", "{phase}");
    }
    let mut elsewhere = pod("Running");
    elsewhere["metadata"]["namespace"] = "m".into();
    assert_eq!(word(&unreferenced.standing(&picture(&[elsewhere]))), "proven");
}

#[test]
fn a_claim_in_use_is_never_deleted_and_an_unread_kind_is_never_gone() {
    let delete = Verb::Delete { object: pinned("PersistentVolumeClaim", "c") };
    let live = object("PersistentVolumeClaim", "c", &json!({}));
    assert_eq!(word(&delete.standing(&picture(std::slice::from_ref(&live)))), "open");
    assert_eq!(word(&delete.standing(&picture(&[live.clone(), pod("Succeeded")]))), "shut");
    assert_eq!(word(&delete.standing(&picture(&[live.clone(), going("Running")]))), "early", "it lets go by itself");
    let mut other = pod("Running");
    other["metadata"]["name"] = "other".into();
    assert_eq!(word(&delete.standing(&picture(&[live, going("Running"), other]))), "shut");
    assert_eq!(word(&delete.standing(&picture(&[]))), "proven");
    for kind in ["PersistentVolumeClaim", "Pod"] {
        let mut blind = picture(&[]);
        blind.unread.push(crate::snapshot::Unread {
            kind: kind.to_owned(),
            namespace: None,
            why: "forbidden".to_owned(),
        });
        assert_eq!(word(&delete.standing(&blind)), "shut", "{kind}");
    }
}

/// A pod that is not there says nothing of what a recovery has done: its workload makes it anew again and again.
#[test]
fn only_what_nobody_else_does_shows_how_far_a_recovery_came() {
    for (kind, expected) in [("Pod", false), ("PersistentVolumeClaim", true), ("Node", true)] {
        assert_eq!(Verb::Delete { object: pinned(kind, "x") }.is_turning_point(), expected, "{kind}");
    }
}

#[test]
fn a_volume_is_only_let_go_when_it_is_kept_and_unused() {
    let release =
        Verb::Release { volume: pinned("PersistentVolume", "v"), claim: pinned("PersistentVolumeClaim", "c").object };
    let state = |policy: &str| json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"persistentVolumeReclaimPolicy": policy}});
    let cases = [("open", state("Retain")), ("shut", state("Delete")), ("shut", json!({})), ("proven", Value::Null)];
    check(&release, &cases);
    let volume = object("PersistentVolume", "v", &state("Retain"));
    assert_eq!(word(&release.standing(&picture(&[volume.clone(), pod("Running")]))), "shut");
    assert_eq!(word(&release.standing(&picture(&[volume, going("Running")]))), "early");
}

#[test]
fn a_volume_is_freed_of_one_claim_only() {
    let free = Verb::Free { volume: pinned("PersistentVolume", "v"), claim_uid: "old".to_owned() };
    let state = |phase: &str, uid: Value| json!({"spec": {"persistentVolumeReclaimPolicy": "Retain", "claimRef": {"name": "c", "uid": uid}}, "status": {"phase": phase}});
    let cases = [
        ("open", state("Released", json!("old"))),
        ("early", state("Bound", json!("old"))),
        (
            "shut",
            json!({"spec": {"persistentVolumeReclaimPolicy": "Delete", "claimRef": {"name": "c", "uid": "old"}}, "status": {"phase": "Bound"}}),
        ),
        ("proven", state("Available", Value::Null)),
        ("proven", state("Bound", json!("new"))),
        ("shut", json!({"spec": {}, "status": {"phase": "Available"}})),
    ];
    check(&free, &cases);
}

#[test]
fn what_is_made_is_the_wanted_one_or_somebody_elses() {
    let wanted = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n"}, "spec": {"volumeName": "v"}});
    let create = Verb::Create { object: wanted, instead_of: Some("old".to_owned()) };
    let cases = [
        ("open", Value::Null),
        ("proven", json!({"spec": {"volumeName": "v"}})),
        ("shut", json!({"spec": {"volumeName": "w"}})),
        ("shut", json!({"metadata": {"uid": "old"}, "spec": {"volumeName": "v"}})),
    ];
    check(&create, &cases);
}

#[test]
fn bound_means_that_both_name_each_other() {
    let bound = Verb::Bound { claim: pinned("PersistentVolumeClaim", "c").object, volume: Some("v".to_owned()) };
    let claim = |phase: &str, volume: &str| {
        object("PersistentVolumeClaim", "c", &json!({"spec": {"volumeName": volume}, "status": {"phase": phase}}))
    };
    let volume = |phase: &str, uid: &str| {
        object("PersistentVolume", "v", &json!({"spec": {"claimRef": {"uid": uid}}, "status": {"phase": phase}}))
    };
    let cases = [
        ("proven", vec![claim("Bound", "v"), volume("Bound", UID)]),
        ("open", vec![claim("Bound", "v"), volume("Bound", "other")]),
        ("open", vec![claim("Lost", "v"), volume("Available", UID)]),
        ("shut", vec![claim("Bound", "w"), volume("Bound", UID)]),
        ("shut", vec![claim("Lost", "v")]),
        ("shut", vec![volume("Bound", UID)]),
    ];
    for (expected, objects) in cases {
        let standing = bound.standing(&picture(&objects));
        assert_eq!(word(&standing), expected, "{standing:?}");
    }
}

#[test]
fn a_restart_is_known_by_its_mark() {
    let restart = Verb::Restart { workload: pinned("Deployment", "d"), at: "now".to_owned() };
    let state = |mark: &str, updated: i64| {
        json!({"metadata": {"generation": 2}, "spec": {"replicas": 2, "template": {"metadata": {"annotations": {RESTARTED_AT: mark}}}},
            "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": updated, "readyReplicas": 2}})
    };
    check(&restart, &[("open", state("before", 2)), ("open", state("now", 1)), ("proven", state("now", 2))]);
}

/// A node that comes back in the middle is not taken away, and is what is waited for.
#[test]
fn a_node_that_is_ready_again_is_not_taken_away() {
    let node = |ready: &str, host: &str| {
        object(
            "Node",
            "w1",
            &json!({"metadata": {"labels": {"kubernetes.io/hostname": host}}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}),
        )
    };
    let away = Verb::Delete { object: pinned("Node", "w1") };
    assert!(matches!(away.standing(&picture(&[node("Unknown", "w1")])), Standing::Open { .. }));
    assert!(matches!(away.standing(&picture(&[])), Standing::Proven { .. }));
    match away.standing(&picture(&[node("True", "w1")])) {
        Standing::Shut { why } => assert!(why.contains("Node/w1 is ready again"), "{why}"),
        standing => panic!("{standing:?}"),
    }
    let back = Verb::NodeReady { node: "w1".to_owned(), host: "w1".to_owned() };
    assert!(matches!(back.standing(&picture(&[])), Standing::Open { .. }));
    assert!(matches!(back.standing(&picture(&[node("Unknown", "w1")])), Standing::Open { .. }));
    assert!(matches!(back.standing(&picture(&[node("True", "w1")])), Standing::Proven { .. }));
    match back.standing(&picture(&[node("True", "other")])) {
        Standing::Shut { why } => assert!(why.contains("host name other"), "{why}"),
        standing => panic!("{standing:?}"),
    }
}

/// The pod of a copy that was broken off goes with the claim; anybody else's keeps it.
#[test]
fn a_claim_is_renewed_beside_a_copy_that_was_left_and_beside_nobody_else() {
    let claim = pinned("PersistentVolumeClaim", "data-db-0");
    let verb = Verb::Renew { claim, pod: pinned("Pod", "db-0").object };
    let live = object("PersistentVolumeClaim", "data-db-0", &json!({"status": {"phase": "Bound"}}));
    let user = |name: &str, labels: Value| {
        let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "data-db-0"}}]);
        object("Pod", name, &json!({"metadata": {"labels": labels}, "spec": {"volumes": volumes}}))
    };
    let helper = || user("seaworthy-copy-1", json!({HELPER: "copy"}));
    let own = || user("db-0", json!({}));
    for (expected, users) in [
        ("open", vec![own()]),
        ("open", vec![own(), helper()]),
        ("shut", vec![own(), helper(), user("other", json!({}))]),
    ] {
        let objects: Vec<Value> = std::iter::once(live.clone()).chain(users).collect();
        assert_eq!(word(&verb.standing(&picture(&objects))), expected, "{objects:#?}");
    }
}
