use serde_json::json;

use super::file::{MarkError, Marks};
use super::*;
use crate::doctor::evidence::kept;
use crate::doctor::report::{Choice, judge};
use crate::snapshot::Snapshot;

const GREEN: &str = "2026-11-20T10:00:00Z";
const LATER: &str = "2026-11-20T12:00:00Z";

/// Evidence as it is gathered: what is not kept is taken out.
fn evidence(objects: &[Value], taken: &str) -> Evidence {
    let mut snapshot = Snapshot::default();
    objects.iter().cloned().map(kept).for_each(|object| snapshot.insert(object));
    let cluster = ClusterFacts { uid: "u-1".to_owned(), context: "dev".to_owned(), ..ClusterFacts::default() };
    let mut evidence = Evidence::new(snapshot, taken.parse().unwrap());
    evidence.cluster = Some(cluster);
    evidence
}

fn web(image: &str, generation: u64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "d-1",
            "generation": generation, "managedFields": [
                {"manager": "kubectl-set", "operation": "Update", "time": "2026-11-20T11:57:00Z"},
                {"manager": "kube-controller-manager", "operation": "Update", "time": "2026-11-20T11:59:00Z", "subresource": "status"}]},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
            "containers": [{"name": "main", "image": image, "envFrom": [{"configMapRef": {"name": "conf"}}]}]}}},
        "status": {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}})
}

fn pod(ready: bool) -> Value {
    let state = if ready {
        json!({"name": "main", "ready": true, "restartCount": 0, "state": {"running": {}}})
    } else {
        json!({"name": "main", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff",
            "message": "Back-off pulling image \"shop:2\": ErrImagePull: rpc error: code = NotFound desc = shop:2: not found"}}})
    };
    let said = if ready { "True" } else { "False" };
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "uid": "p-1", "labels": {"app": "web"},
            "creationTimestamp": "2026-11-20T09:00:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d-1", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": "shop"}]},
        "status": {"phase": if ready { "Running" } else { "Pending" }, "containerStatuses": [state], "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": said, "lastTransitionTime": "2026-11-20T09:01:00Z"}]}})
}

fn map(name: &str, version: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop", "uid": name,
        "resourceVersion": version}, "data": {"key": "a secret of somebody"}})
}

fn node(address: &str, boot: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "n-1"}, "spec": {},
        "status": {"addresses": [{"type": "InternalIP", "address": address}], "capacity": {"memory": "4Gi"},
            "nodeInfo": {"kubeletVersion": "v1.34.2", "bootID": boot}, "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn well() -> Vec<Value> {
    vec![web("shop:1", 1), pod(true), map("conf", "7"), map("notes", "8"), node("10.0.0.1", "b-1")]
}

fn lines(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| format!("{}: {}", change.object, change.words(LATER.parse().unwrap()))).collect()
}

#[test]
fn what_changed_is_told_with_its_author_and_what_changes_by_itself_is_not() {
    let mark = Mark::of(&evidence(&well(), GREEN)).unwrap();
    assert!(mark.changes(&evidence(&well(), LATER)).is_empty(), "nothing has changed");
    let now = [web("shop:2", 2), pod(true), map("conf", "9"), map("notes", "99"), node("10.0.0.2", "b-2")];
    assert_eq!(
        lines(&mark.changes(&evidence(&now, LATER))),
        [
            "Deployment/shop/web: image of main: was shop:1, is shop:2 (by kubectl-set, 3 min ago)",
            "ConfigMap/shop/conf: its content changed",
            "Node/n1: address: was 10.0.0.1, is 10.0.0.2",
            "Node/n1: its start changed",
        ]
    );
}

#[test]
fn an_unknown_change_of_a_workload_is_told_as_such() {
    let mark = Mark::of(&evidence(&well(), GREEN)).unwrap();
    let mut now = well();
    now[0] = web("shop:1", 2);
    let told = lines(&mark.changes(&evidence(&now, LATER)));
    assert_eq!(told, ["Deployment/shop/web: its specification changed (by kubectl-set, 3 min ago)"]);
}

#[test]
fn what_is_new_gone_or_another_one_is_told() {
    let mark = Mark::of(&evidence(&well(), GREEN)).unwrap();
    let mut now = well();
    now[0]["metadata"]["uid"] = json!("d-2");
    now.remove(2);
    now.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new", "uid": "s"}}));
    let told = lines(&mark.changes(&evidence(&now, LATER)));
    assert_eq!(
        told,
        [
            "Deployment/shop/web: is another one of the same name (by kubectl-set, 3 min ago)",
            "ConfigMap/shop/conf: is gone",
            "Namespace/new: is new"
        ]
    );
}

/// A ConfigMap that nobody may read any more is not gone.
#[test]
fn nothing_is_said_of_what_was_not_read() {
    let mark = Mark::of(&evidence(&well(), GREEN)).unwrap();
    let mut blind = evidence(&[web("shop:1", 1), pod(true), node("10.0.0.1", "b-1")], LATER);
    blind.snapshot.note_unread(crate::snapshot::Unread {
        kind: "ConfigMap".to_owned(),
        namespace: None,
        why: "forbidden".to_owned(),
    });
    assert_eq!(lines(&mark.changes(&blind)), Vec::<String>::new());
    assert!(Mark::of(&blind).is_none(), "half a picture is no mark");
}

#[test]
fn what_is_being_rolled_out_has_not_shown_yet_that_it_works() {
    let fresh = "2026-11-20T09:01:05Z";
    assert!(Mark::of(&evidence(&well(), fresh)).is_none(), "ready for five seconds");
    let mut rolling = well();
    rolling[0]["status"]["updatedReplicas"] = json!(0);
    assert!(Mark::of(&evidence(&rolling, GREEN)).is_none());
    let mut failing = well();
    failing[1] = pod(false);
    assert!(Mark::of(&evidence(&failing, GREEN)).is_none());
}

#[test]
fn a_finding_shows_what_concerns_it_and_the_report_the_rest() {
    let mark = Mark::of(&evidence(&well(), GREEN)).unwrap();
    let mut now = vec![web("shop:2", 2), pod(false), map("conf", "9"), map("notes", "8"), node("10.0.0.1", "b-1")];
    now.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new", "uid": "s"}}));
    let now = evidence(&now, LATER);
    let mut report = judge(&now, &Choice::default());
    report.compare(&mark, &now);
    let root = report.findings.iter().find(|root| root.id == "P002").unwrap();
    assert_eq!(
        lines(&root.changed),
        [
            "Deployment/shop/web: image of main: was shop:1, is shop:2 (by kubectl-set, 3 min ago)",
            "ConfigMap/shop/conf: its content changed"
        ]
    );
    let since = report.since.as_ref().unwrap();
    let rest: Vec<Change> = since.elsewhere(&report.findings).cloned().collect();
    assert_eq!(lines(&rest), ["Namespace/new: is new"]);
    assert_eq!(serde_json::to_value(&rest[0]).unwrap()["change"], "new");
}

#[test]
fn a_mark_is_kept_without_any_value_and_a_broken_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let marks = Marks::new(folder.path());
    assert_eq!(marks.read("u-1").unwrap(), None);
    let mark = Mark::of(&evidence(&well(), GREEN)).unwrap();
    marks.keep(&mark).unwrap();
    assert_eq!(marks.read("u-1").unwrap().as_ref(), Some(&mark));
    let path = folder.path().join("green/u-1.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("a secret of somebody"), "{text}");
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    let error = marks.read("u-1").unwrap_err();
    assert!(matches!(error, MarkError::Broken { .. }) && error.to_string().contains("u-1.json"), "{error}");
    std::fs::write(&path, text.replace("\"schemaVersion\":1", "\"schemaVersion\":2")).unwrap();
    assert_eq!(marks.read("u-1").unwrap(), None, "of a newer version");
}
