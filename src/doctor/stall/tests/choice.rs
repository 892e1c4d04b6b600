//! Which of several causes is shown, and that it is the same one every time and in time.

use serde_json::json;

use super::*;

#[test]
fn the_order_of_objects_changes_nothing() {
    let recorded = read("doc-several");
    let mut items = recorded.items.clone();
    let first = cause(&recorded.waited, &snapshot(items.clone()), recorded.now);
    for _ in 0..items.len() {
        items.rotate_left(1);
        assert_eq!(cause(&recorded.waited, &snapshot(items.clone()), recorded.now), first);
    }
}

#[test]
fn events_of_an_earlier_pod_of_the_name_are_not_believed() {
    let pod = |uid: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0", "namespace": "n", "uid": uid},
        "spec": {"nodeName": "a", "containers": [{"name": "main"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}]}})
    };
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "n"}, "count": 9,
        "involvedObject": {"kind": "Pod", "namespace": "n", "name": "db-0", "uid": "old"},
        "reason": "FailedMount", "message": "MountVolume.SetUp failed for volume \"v\" : secret \"tls\" not found"});
    let waited = ObjectRef::new("v1", "Pod", Some("n"), "db-0");
    let id = |uid| cause(&waited, &snapshot([pod(uid), event.clone()]), Timestamp::UNIX_EPOCH).unwrap().id;
    assert_eq!((id("new"), id("old")), ("creating".to_owned(), "F002".to_owned()));
}

#[test]
fn a_claim_shows_what_is_wrong_with_its_first_consumer() {
    let recorded = read("claim-consumer");
    let claim = ObjectRef::new("v1", "PersistentVolumeClaim", recorded.waited.namespace.as_deref(), "data");
    let snapshot = snapshot(recorded.items);
    assert!(matches!(judge(snapshot.get(&claim).unwrap(), &snapshot), Readiness::Waiting { .. }));
    assert_eq!(cause(&claim, &snapshot, recorded.now).unwrap().id, "S001");
}

#[test]
fn a_service_without_address_is_not_explained_by_its_pods() {
    let recorded = read("service-unready");
    let mut items = recorded.items.clone();
    let service = items.iter_mut().find(|item| item["kind"] == "Service").unwrap();
    service["spec"]["type"] = json!("LoadBalancer");
    assert_eq!(cause(&recorded.waited, &snapshot(items), recorded.now).unwrap().id, "L001");
}

#[test]
fn owners_in_a_circle_are_followed_once() {
    let set = |name: &str, owner: &str| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "n", "uid": name, "ownerReferences": [{"uid": owner}, {"uid": name}]}})
    };
    let waited = ObjectRef::new("apps/v1", "ReplicaSet", Some("n"), "a");
    assert_eq!(cause(&waited, &snapshot([set("a", "b"), set("b", "a")]), Timestamp::UNIX_EPOCH), None);
}

/// Fifty Deployments of four pods each, all failing: each finds its own pods' cause.
#[test]
fn many_workloads_are_told_apart() {
    let recorded = read("exit-1");
    let mut items = Vec::new();
    for deployment in 0..50 {
        for item in &recorded.items {
            let copies = if item["kind"] == "Pod" || item["kind"] == "Event" { 4 } else { 1 };
            items.extend((0..copies).map(|copy| copied(item, deployment, copy)));
        }
    }
    let snapshot = snapshot(items);
    let waited: Vec<_> = snapshot.of_kind("apps", "Deployment").filter_map(ObjectRef::of).collect();
    assert_eq!((waited.len(), snapshot.of_kind("", "Pod").count()), (50, 200));
    for reference in &waited {
        assert!(matches!(judge(snapshot.get(reference).unwrap(), &snapshot), Readiness::Waiting { .. }));
        let found = cause(reference, &snapshot, recorded.now).unwrap();
        assert_eq!(found.id, "P017");
        let (own, pod) = (reference.name.rsplit('-').next(), found.object.unwrap().name);
        assert_eq!(pod.rsplit('-').nth(1), own, "{pod} of {reference}");
    }
}

/// A copy of an object with names and uids of its own, whose pods and events belong together as before.
fn copied(item: &Value, deployment: usize, copy: usize) -> Value {
    let mut item = item.clone();
    let is_pod = item["kind"] == "Pod";
    let rename = |value: &mut Value, pod: bool| {
        if let Some(text) = value.as_str() {
            *value = if pod { format!("{text}-{deployment}-{copy}") } else { format!("{text}-{deployment}") }.into();
        }
    };
    if item["kind"] == "Event" {
        let pod = item["involvedObject"]["kind"] == "Pod";
        rename(&mut item["involvedObject"]["name"], pod);
        rename(&mut item["involvedObject"]["uid"], pod);
        rename(&mut item["metadata"]["name"], true);
        return item;
    }
    rename(&mut item["metadata"]["name"], is_pod);
    rename(&mut item["metadata"]["uid"], is_pod);
    if let Some(owners) = item["metadata"]["ownerReferences"].as_array_mut() {
        for owner in owners {
            rename(&mut owner["uid"], false);
            rename(&mut owner["name"], false);
        }
    }
    item
}
