//! Each remedy with what it is for, what it comes to, and what it lets be.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::doctor::report::{Choice, judge};
use crate::snapshot::Snapshot;

const NOW: &str = "2026-11-20T10:00:00Z";
const LONG_AGO: &str = "2026-11-20T09:00:00Z";

fn evidence(items: &[Value]) -> Evidence {
    let mut snapshot = Snapshot::default();
    items.iter().cloned().for_each(|item| snapshot.insert(item));
    Evidence::new(snapshot, NOW.parse::<Timestamp>().unwrap())
}

/// What is offered for the first finding of this check.
fn offered(id: &str, items: &[Value]) -> Option<Remedy> {
    let evidence = evidence(items);
    let report = judge(&evidence, &Choice::default());
    let all: Vec<&Finding> = report.findings.iter().flat_map(Finding::walk).collect();
    let finding = all.iter().find(|finding| finding.id == id);
    let finding = finding.unwrap_or_else(|| panic!("no {id}: {all:#?}"));
    of(finding, &evidence)
}

fn fields(remedy: &Remedy) -> Vec<(String, Option<Value>)> {
    let Way::Steps(steps) = &remedy.way else { panic!("{remedy:?}") };
    let set = steps.iter().flat_map(|verb| match verb {
        Verb::Set { fields, .. } => fields.clone(),
        other => panic!("{other:?}"),
    });
    set.map(|field| (field.pointer, field.wanted)).collect()
}

fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "uid": format!("uid-{name}"),
        "resourceVersion": "1", "creationTimestamp": LONG_AGO, "generation": 1}});
    if !["Node", "StorageClass", "IngressClass", "ValidatingWebhookConfiguration"].contains(&kind) {
        object["metadata"]["namespace"] = "sea".into();
    }
    let Value::Object(rest) = rest else { panic!("no object") };
    for (key, value) in rest {
        if key == "metadata" {
            value.as_object().unwrap().iter().for_each(|(key, value)| object["metadata"][key] = value.clone());
        } else {
            object[key.as_str()] = value;
        }
    }
    object
}

fn class(name: &str, marks: &Value) -> Value {
    object("storage.k8s.io/v1", "StorageClass", name, json!({"metadata": {"annotations": marks}, "provisioner": "x/y"}))
}

const MARK: &str = "storageclass.kubernetes.io/is-default-class";

#[test]
fn a_paused_rollout_goes_on() {
    let paused = object(
        "apps/v1",
        "Deployment",
        "web",
        json!({"spec": {"paused": true, "replicas": 1}, "status": {"observedGeneration": 1}}),
    );
    let remedy = offered("W015", &[paused]).unwrap();
    assert!(remedy.is_reversible);
    assert_eq!(fields(&remedy), [("/spec/paused".to_owned(), None)]);
}

#[test]
fn a_suspended_job_runs_but_not_one_that_a_queue_holds() {
    let job = |labels: Value| {
        object(
            "batch/v1",
            "Job",
            "j",
            json!({"metadata": {"labels": labels}, "spec": {"suspend": true},
        "status": {"conditions": [{"type": "Suspended", "status": "True", "lastTransitionTime": LONG_AGO}]}}),
        )
    };
    let remedy = offered("J002", &[job(json!({}))]).unwrap();
    assert_eq!(fields(&remedy), [("/spec/suspend".to_owned(), Some(false.into()))]);
    assert_eq!(offered("J002", &[job(json!({"kueue.x-k8s.io/queue-name": "q"}))]), None);
}

#[test]
fn the_only_class_becomes_the_default() {
    let claim = object(
        "v1",
        "PersistentVolumeClaim",
        "data",
        json!({"spec": {"accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Pending"}}),
    );
    let said = object(
        "v1",
        "Event",
        "data.1",
        json!({"involvedObject": {"kind": "PersistentVolumeClaim", "name": "data", "namespace": "sea", "uid": "uid-data"}, "type": "Normal",
            "reason": "FailedBinding", "message": "no persistent volumes available for this claim and no storage class is set",
            "lastTimestamp": NOW}),
    );
    let remedy = offered("V001", &[claim.clone(), said.clone(), class("a", &json!({}))]).unwrap();
    assert_eq!(
        fields(&remedy),
        [("/metadata/annotations/storageclass.kubernetes.io~1is-default-class".to_owned(), Some("true".into()))]
    );
    assert_eq!(
        offered("V001", &[claim.clone(), said.clone(), class("a", &json!({})), class("b", &json!({}))]),
        None,
        "there is a choice"
    );
    match offered("V001", &[claim, said]).unwrap().way {
        Way::Command(words) => assert_eq!(words, ["prerequisites", "install", "local-path"]),
        Way::Steps(steps) => panic!("{steps:?}"),
    }
}

#[test]
fn of_several_default_classes_the_newest_stays() {
    let mut newer = class("new", &json!({MARK: "true"}));
    newer["metadata"]["creationTimestamp"] = "2026-11-20T09:30:00Z".into();
    let older = class("old", &json!({MARK: "true", "storageclass.beta.kubernetes.io/is-default-class": "true"}));
    let remedy = offered("V002", &[newer, older, class("other", &json!({}))]).unwrap();
    let Way::Steps(steps) = &remedy.way else { panic!() };
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].object().unwrap().name, "old");
    assert_eq!(fields(&remedy).len(), 2, "the older mark counts as well");
}

fn webhook(policy: &str) -> [Value; 2] {
    let service = json!({"name": "guard", "namespace": "sea"});
    let hook = json!({"name": "a.b.c", "failurePolicy": policy, "clientConfig": {"service": service},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]});
    [
        object(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "guard",
            json!({"webhooks": [hook]}),
        ),
        object("v1", "Service", "unrelated", json!({"spec": {"ports": [{"port": 443}]}})),
    ]
}

#[test]
fn a_webhook_that_cannot_be_asked_is_passed_by_only_when_somebody_agrees() {
    let remedy = offered("X002", &webhook("Fail")).unwrap();
    assert!(!remedy.is_reversible, "what is let through meanwhile stays");
    assert_eq!(fields(&remedy), [("/webhooks/0/failurePolicy".to_owned(), Some("Ignore".into()))]);
}

/// A Deployment whose newer template has no image, with the `ReplicaSet`s of both.
fn rollout(ready_of_old: i64, ready_of_new: i64) -> Vec<Value> {
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": format!("uid-{name}"), "controller": true}]);
    let template = |image: &str| json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}});
    let set = |name: &str, revision: &str, image: &str, ready: i64| {
        object(
            "apps/v1",
            "ReplicaSet",
            name,
            json!({"metadata": {"ownerReferences": owner("Deployment", "web"), "annotations": {"deployment.kubernetes.io/revision": revision}},
            "spec": {"replicas": 1, "template": template(image)}, "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": ready}}),
        )
    };
    vec![
        object(
            "apps/v1",
            "Deployment",
            "web",
            json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template("web:2")},
            "status": {"observedGeneration": 1, "replicas": 2, "readyReplicas": ready_of_old + ready_of_new, "updatedReplicas": 1}}),
        ),
        set("web-1", "1", "web:1", ready_of_old),
        set("web-2", "2", "web:2", ready_of_new),
        object(
            "v1",
            "Pod",
            "web-2-x",
            json!({"metadata": {"ownerReferences": owner("ReplicaSet", "web-2")}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "web:2"}]},
            "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}], "containerStatuses": [{"name": "c", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"web:2\": ErrImagePull: not found"}}}]}}),
        ),
    ]
}

#[test]
fn a_template_that_does_not_work_goes_back_to_the_one_that_did() {
    let remedy = offered("P002", &rollout(1, 0)).unwrap();
    let Way::Steps(steps) = &remedy.way else { panic!() };
    let [Verb::RollBack { from, to, fields, .. }] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!((from.object.name.as_str(), to.object.name.as_str()), ("web-2", "web-1"));
    assert!(fields.iter().any(|field| field.wanted == Some("web:1".into())), "{fields:?}");
    assert!(remedy.is_reversible, "pods of it run");
    assert!(!offered("P002", &rollout(0, 0)).unwrap().is_reversible, "nobody knows that the older one works");
    let first: Vec<Value> = rollout(0, 0).into_iter().filter(|one| one["metadata"]["name"] != "web-1").collect();
    assert_eq!(offered("P002", &first), None, "there is nothing to go back to");
    let mut paused = rollout(1, 0);
    paused[0]["spec"]["paused"] = true.into();
    assert_eq!(offered("P002", &paused), None, "a paused rollout goes nowhere");
}

#[test]
fn a_plan_undone_is_the_plan_backwards() {
    let Way::Steps(steps) = offered("P002", &rollout(1, 0)).unwrap().way else { panic!() };
    let cluster = ClusterId { context: "c".to_owned(), server: "s".to_owned(), uid: "u".to_owned() };
    let about = ObjectRef::new("apps/v1", "Deployment", Some("sea"), "web");
    let first = plan(cluster, &about, steps);
    let back = undone(&first).unwrap();
    let Action::Rescue { verb, .. } = &back.steps[0].action else { panic!() };
    let Verb::RollBack { from, to, .. } = &**verb else { panic!("{verb:?}") };
    assert_eq!((from.object.name.as_str(), to.object.name.as_str()), ("web-1", "web-2"));
    let again = undone(&back).unwrap();
    assert_eq!(again.steps[0].action.object(), first.steps[0].action.object());
    assert!(
        matches!(&back.steps[0].action, Action::Rescue { verb, .. } if matches!(**verb, Verb::RollBack { ready: false, .. }))
    );
}

/// A workload with two revisions as `ControllerRevision`s, of which the pod of the newer one has no image.
fn numbered(kind: &str, spec: &Value, status: &Value) -> Vec<Value> {
    let owners = |kind: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": "db", "uid": "uid-db", "controller": true}]);
    let template = |image: &str| json!({"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "c", "image": image}]}});
    let revision = |name: &str, number: i64, image: &str| {
        let mut template = template(image);
        template["$patch"] = "replace".into();
        object(
            "apps/v1",
            "ControllerRevision",
            name,
            json!({"metadata": {"ownerReferences": owners(kind), "labels": {"app": "db"}}, "data": {"spec": {"template": template}}, "revision": number}),
        )
    };
    let pod = |name: &str, of: &str, image: &str, ready: bool| {
        let state = if ready {
            json!({"running": {"startedAt": LONG_AGO}})
        } else {
            json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"db:2\": ErrImagePull: not found"}})
        };
        let is_ready = if ready { "True" } else { "False" };
        object(
            "v1",
            "Pod",
            name,
            json!({"metadata": {"ownerReferences": owners(kind), "labels": {"app": "db", "controller-revision-hash": of}}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": image}]},
            "status": {"phase": if ready { "Running" } else { "Pending" }, "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": is_ready, "lastTransitionTime": LONG_AGO}],
                "containerStatuses": [{"name": "c", "ready": ready, "restartCount": 0, "state": state}]}}),
        )
    };
    let mut spec = spec.clone();
    spec["selector"] = json!({"matchLabels": {"app": "db"}});
    spec["template"] = template("db:2");
    let hash = |number: &str| if kind == "DaemonSet" { number.to_owned() } else { format!("db-{number}") };
    vec![
        object("apps/v1", kind, "db", json!({"spec": spec, "status": status})),
        revision("db-one", 1, "db:1"),
        revision("db-two", 2, "db:2"),
        pod("db-0", &hash("one"), "db:1", true),
        pod("db-1", &hash("two"), "db:2", false),
    ]
}

#[test]
fn a_stateful_set_goes_back_only_when_somebody_agrees_and_lets_go_of_the_pod_it_would_wait_for() {
    let status = json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 1, "currentRevision": "db-one", "updateRevision": "db-two"});
    let ordered = json!({"replicas": 2, "serviceName": "", "podManagementPolicy": "OrderedReady", "updateStrategy": {"type": "RollingUpdate"}});
    let remedy = offered("P002", &numbered("StatefulSet", &ordered, &status)).unwrap();
    let Way::Steps(steps) = &remedy.way else { panic!() };
    let [Verb::RollBack { from, to, ready: false, .. }, Verb::Delete { object }] = steps.as_slice() else {
        panic!("{steps:?}")
    };
    assert_eq!((from.object.name.as_str(), to.object.name.as_str()), ("db-two", "db-one"));
    assert_eq!((object.object.name.as_str(), remedy.is_reversible), ("db-1", false));
    let cluster = ClusterId { context: "c".to_owned(), server: "s".to_owned(), uid: "u".to_owned() };
    let back = undone(&plan(cluster, &to.object, steps.clone())).unwrap();
    assert_eq!(back.steps.len(), 1, "the pod comes again by itself");
    let parallel = json!({"replicas": 2, "serviceName": "", "podManagementPolicy": "Parallel", "updateStrategy": {"type": "RollingUpdate"}});
    let remedy = offered("P002", &numbered("StatefulSet", &parallel, &status)).unwrap();
    let Way::Steps(steps) = &remedy.way else { panic!() };
    assert!(matches!(steps.as_slice(), [Verb::RollBack { ready: true, .. }]), "{steps:?}");
}

#[test]
fn a_daemon_set_goes_back_to_the_template_that_runs_elsewhere() {
    let spec = json!({"updateStrategy": {"type": "RollingUpdate"}});
    let status = json!({"observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberReady": 1, "numberMisscheduled": 0});
    let remedy = offered("P002", &numbered("DaemonSet", &spec, &status)).unwrap();
    let Way::Steps(steps) = &remedy.way else { panic!() };
    assert!(matches!(steps.as_slice(), [Verb::RollBack { ready: true, .. }]), "{steps:?}");
    assert!(remedy.is_reversible, "pods of it run");
}
