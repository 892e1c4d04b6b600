//! When small things that are done to an object are proven, open, or not to be done any more.

use super::*;
use crate::plan::verb::testing::{picture, word};

#[test]
fn what_is_waited_for_is_there_only_when_it_works() {
    let how = "start it".to_owned();
    let cases = [
        ("apps/v1", "Deployment", json!({"readyReplicas": 0}), json!({"readyReplicas": 1})),
        ("apps/v1", "DaemonSet", json!({"numberReady": 0}), json!({"numberReady": 2})),
        ("v1", "PersistentVolumeClaim", json!({"phase": "Pending"}), json!({"phase": "Bound"})),
        (
            "apiregistration.k8s.io/v1",
            "APIService",
            json!({"conditions": [{"type": "Available", "status": "False", "message": "no endpoints"}]}),
            json!({"conditions": [{"type": "Available", "status": "True"}]}),
        ),
    ];
    for (api_version, kind, before, after) in cases {
        let object = ObjectRef::new(api_version, kind, None, "x");
        let live = |status: &Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "status": status});
        let act = Tend::Await { how: how.clone() };
        let standing = |objects: &[Value]| act.standing(&picture(objects), &object);
        assert_eq!(word(&standing(&[])), "open", "{kind}");
        match standing(&[live(&before)]) {
            Standing::Open { progress } => assert!(progress.ends_with(": start it"), "{progress}"),
            standing => panic!("{kind}: {standing:?}"),
        }
        assert_eq!(word(&standing(&[live(&after)])), "proven", "{kind}");
    }
}

#[test]
fn a_node_is_marked_only_while_it_is_away_and_other_taints_stay() {
    let node = ObjectRef::new("v1", "Node", None, "w");
    let live = |uid: &str, ready: &str, taints: Value| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w", "uid": uid, "resourceVersion": "7"}, "spec": {"taints": taints},
            "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    };
    let (uid, other) = ("u".to_owned(), json!({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}));
    let (mark, unmark) = (Tend::OutOfService { uid: uid.clone() }, Tend::BackInService { uid });
    let marked = json!([other, {"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}]);
    let cases = [
        ("open", "proven", live("u", "Unknown", json!([other]))),
        ("proven", "open", live("u", "Unknown", marked.clone())),
        ("shut", "open", live("u", "True", marked.clone())),
        ("shut", "proven", live("u", "True", json!([]))),
        ("proven", "proven", live("another", "Unknown", marked.clone())),
    ];
    for (marking, unmarking, object) in cases {
        let picture = picture(std::slice::from_ref(&object));
        assert_eq!(word(&mark.standing(&picture, &node)), marking, "{object}");
        assert_eq!(word(&unmark.standing(&picture, &node)), unmarking, "{object}");
    }
    let away = live("u", "Unknown", json!([other]));
    assert_eq!(mark.patch(Some(&away)).unwrap()["spec"]["taints"], marked);
    let patch = unmark.patch(Some(&live("u", "Unknown", marked))).unwrap();
    assert_eq!(patch, json!({"metadata": {"uid": "u", "resourceVersion": "7"}, "spec": {"taints": [other]}}));
}

#[test]
fn a_claim_has_grown_when_its_file_system_has() {
    let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), "c");
    let act = Tend::Grown { uid: "u".to_owned(), size: "2Gi".to_owned() };
    let live = |uid: &str, has: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n", "uid": uid},
            "status": {"capacity": {"storage": has}, "conditions": [{"type": "Resizing", "status": "True"}, {"type": "FileSystemResizePending", "status": "True",
                "message": "Waiting for user to (re-)start a pod"}]}})
    };
    let standing = |live: Value| act.standing(&picture(&[live]), &claim);
    match standing(live("u", "1Gi")) {
        Standing::Open { progress } => assert_eq!(progress, "it has 1Gi: Waiting for user to (re-)start a pod"),
        other => panic!("{other:?}"),
    }
    assert_eq!(word(&standing(live("u", "2048Mi"))), "proven");
    assert_eq!(word(&standing(live("another", "2Gi"))), "shut");
    assert!(!act.writes() && !act.is_irreversible());
}

#[test]
fn finalizers_are_taken_off_what_was_told_to_go_and_no_others() {
    let object = ObjectRef::new("example.com/v1", "Widget", Some("n"), "w");
    let act = Tend::Unhold { uid: "u".to_owned(), finalizers: vec!["example.com/f".to_owned()] };
    let live = |uid: &str, going: Value, finalizers: Value| {
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "n", "uid": uid,
            "resourceVersion": "7", "deletionTimestamp": going, "finalizers": finalizers}})
    };
    let both = || json!(["example.com/f", "example.org/g"]);
    let cases = [
        ("open", live("u", "2026-01-01T00:00:00Z".into(), both())),
        ("shut", live("u", Value::Null, both())),
        ("proven", live("u", "2026-01-01T00:00:00Z".into(), json!(["example.org/g"]))),
        ("proven", live("another", Value::Null, both())),
    ];
    for (expected, live) in cases {
        assert_eq!(word(&act.standing(&picture(std::slice::from_ref(&live)), &object)), expected, "{live}");
    }
    assert_eq!(word(&act.standing(&picture(&[]), &object)), "proven");
    let patch = act.patch(Some(&live("u", Value::Null, both()))).unwrap();
    assert_eq!(patch, json!({"metadata": {"uid": "u", "resourceVersion": "7", "finalizers": ["example.org/g"]}}));
    assert!(act.is_irreversible() && act.writes());
}

#[test]
fn only_a_volume_that_was_let_go_is_erased() {
    let volume = ObjectRef::new("v1", "PersistentVolume", None, "v");
    let act = Tend::Erase { uid: "u".to_owned() };
    let live = |uid: &str, phase: &str| json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "uid": uid}, "status": {"phase": phase}});
    let cases =
        [("u", "Released", "open"), ("u", "Failed", "open"), ("u", "Bound", "shut"), ("u", "Available", "shut")];
    for (uid, phase, expected) in cases.into_iter().chain([("another", "Bound", "proven")]) {
        assert_eq!(word(&act.standing(&picture(&[live(uid, phase)]), &volume)), expected, "{uid} {phase}");
    }
    assert_eq!(word(&act.standing(&picture(&[]), &volume)), "proven");
    assert!(act.is_irreversible() && act.writes());
}

#[test]
fn a_choice_is_taken_back_only_of_the_claim_and_the_node_that_were_seen() {
    let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), "c");
    let act = Tend::Rechoose { uid: "u".to_owned(), node: "gone".to_owned() };
    let live = |uid: &str, node: Value, volume: Value| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n", "uid": uid,
            "annotations": {CHOSEN: node}}, "spec": {"volumeName": volume}})
    };
    let cases = [
        ("open", live("u", "gone".into(), Value::Null)),
        ("proven", live("u", "other".into(), Value::Null)),
        ("proven", live("u", Value::Null, Value::Null)),
        ("shut", live("u", "gone".into(), "v".into())),
        ("shut", live("another", "gone".into(), Value::Null)),
    ];
    for (expected, object) in cases {
        assert_eq!(word(&act.standing(&picture(std::slice::from_ref(&object)), &claim)), expected, "{object}");
    }
    assert_eq!(word(&act.standing(&picture(&[]), &claim)), "shut");
}

#[test]
fn the_scheduler_is_told_once_more_only_of_a_claim_that_has_neither_node_nor_volume() {
    let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), "c");
    let act = Tend::Requeue { uid: "u".to_owned(), at: "now".to_owned() };
    let live = |uid: &str, (node, mark): (Value, Value), volume: Value| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n", "uid": uid,
            "annotations": {CHOSEN: node, REQUEUED: mark}}, "spec": {"volumeName": volume}})
    };
    let cases = [
        ("open", live("u", (Value::Null, Value::Null), Value::Null)),
        ("open", live("u", (Value::Null, "of another recovery".into()), Value::Null)),
        ("proven", live("u", (Value::Null, "now".into()), Value::Null)),
        ("proven", live("u", ("node-1".into(), Value::Null), Value::Null)),
        ("proven", live("u", (Value::Null, Value::Null), "v".into())),
        ("shut", live("another", (Value::Null, Value::Null), Value::Null)),
    ];
    for (expected, object) in cases {
        assert_eq!(word(&act.standing(&picture(std::slice::from_ref(&object)), &claim)), expected, "{object}");
    }
    assert_eq!(word(&act.standing(&picture(&[]), &claim)), "shut");
    assert_eq!(act.patch(None).unwrap(), json!({"metadata": {"uid": "u", "annotations": {REQUEUED: "now"}}}));
}
