//! Every kind with the fields that decide, as its controller writes them.

use serde_json::{Value, json};

use super::*;

fn snapshot(objects: &[Value]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for object in objects {
        snapshot.insert(object.clone());
    }
    snapshot
}

/// An object of a kind; `rest` holds `spec` and `status`.
fn object(version: &str, kind: &str, rest: &Value) -> Value {
    let mut object =
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": "n", "generation": 2}});
    for part in ["spec", "status"] {
        object[part] = rest[part].clone();
    }
    object
}

/// A line for a test's table: `ready`, `ready: NOTE`, `waiting: PROGRESS`, `failed: REASON`.
fn line(readiness: Readiness) -> String {
    match readiness {
        Readiness::Ready { note: None } => "ready".to_owned(),
        Readiness::Ready { note: Some(note) } => format!("ready: {note}"),
        Readiness::Waiting { progress } => format!("waiting: {progress}"),
        Readiness::Failed { reason, .. } => format!("failed: {reason}"),
    }
}

fn check(version: &str, kind: &str, rows: &[(Value, &str)]) {
    for (rest, expected) in rows {
        let object = object(version, kind, rest);
        assert_eq!(line(judge(&object, &Snapshot::default())), *expected, "{rest}");
    }
}

#[test]
fn kinds_that_become_ready_are_awaited() {
    for (version, kind, expected) in [
        ("apps/v1", "Deployment", true),
        ("v1", "PersistentVolumeClaim", true),
        ("v1", "Service", true),
        ("apiregistration.k8s.io/v1", "APIService", true),
        ("metallb.io/v1beta1", "IPAddressPool", true),
        ("gateway.networking.k8s.io/v1", "Gateway", true),
        ("v1", "ConfigMap", false),
        ("v1", "Namespace", false),
        ("batch/v1", "CronJob", false),
        ("rbac.authorization.k8s.io/v1", "Role", false),
    ] {
        assert_eq!(is_awaited(&ObjectRef::new(version, kind, Some("n"), "a")), expected, "{kind}");
    }
}

#[test]
fn an_object_that_is_deleted_or_not_seen_yet_is_not_ready() {
    let mut object =
        object("apps/v1", "Deployment", &json!({"spec": {"replicas": 0}, "status": {"observedGeneration": 1}}));
    let behind = "waiting: its controller has not seen the change yet";
    assert_eq!(line(judge(&object, &Snapshot::default())), behind);
    object["status"] = json!({});
    assert_eq!(line(judge(&object, &Snapshot::default())), behind);
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(line(judge(&object, &Snapshot::default())), "waiting: being deleted");
}

#[test]
fn deployments() {
    let deployment = |wanted: i64, replicas: i64, updated: i64, ready: i64, available: i64| {
        json!({"spec": {"replicas": wanted}, "status": {"observedGeneration": 2, "replicas": replicas,
            "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": available}})
    };
    check(
        "apps/v1",
        "Deployment",
        &[
            (deployment(3, 3, 3, 3, 3), "ready"),
            (deployment(3, 3, 3, 1, 1), "waiting: 1 of 3 pods ready"),
            (deployment(3, 1, 1, 0, 0), "waiting: 0 of 3 pods ready"),
            (deployment(3, 4, 1, 3, 3), "waiting: 1 of 3 pods updated"),
            (deployment(3, 4, 3, 4, 4), "waiting: 3 of 3 pods updated, 1 old left"),
            (deployment(3, 3, 3, 3, 1), "waiting: 3 of 3 pods ready, 1 for long enough"),
            (deployment(0, 0, 0, 0, 0), "ready: switched off: 0 replicas are wanted"),
            (
                json!({"spec": {}, "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "conditions": [
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}}),
                "waiting: 0 of 1 pods ready",
            ),
        ],
    );
}

#[test]
fn stateful_sets() {
    let set = |strategy: Value, ready: i64, updated: i64, revisions: (&str, &str)| {
        json!({"spec": {"replicas": 3, "updateStrategy": strategy}, "status": {"observedGeneration": 2, "replicas": 3,
            "readyReplicas": ready, "updatedReplicas": updated, "currentRevision": revisions.0, "updateRevision": revisions.1}})
    };
    let rolling = || json!({"type": "RollingUpdate"});
    let partition = || json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    let on_delete = || json!({"type": "OnDelete"});
    check(
        "apps/v1",
        "StatefulSet",
        &[
            (set(rolling(), 3, 3, ("a", "a")), "ready"),
            (set(rolling(), 2, 3, ("a", "a")), "waiting: 2 of 3 pods ready"),
            (set(rolling(), 3, 1, ("a", "b")), "waiting: 1 of 3 pods updated"),
            (set(partition(), 3, 0, ("a", "b")), "waiting: 0 of 1 pods updated"),
            (set(partition(), 3, 1, ("a", "b")), "ready: 1 of 3 pods updated, up to partition 2"),
            (
                set(on_delete(), 3, 1, ("a", "b")),
                "ready: 1 of 3 pods updated; the others wait to be deleted (OnDelete)",
            ),
            (set(on_delete(), 1, 1, ("a", "b")), "waiting: 1 of 3 pods ready"),
        ],
    );
}

#[test]
fn daemon_sets_and_replica_sets() {
    let set = |wanted: i64, updated: i64, available: i64| {
        json!({"spec": {}, "status": {"observedGeneration": 2, "desiredNumberScheduled": wanted,
            "updatedNumberScheduled": updated, "numberReady": available, "numberAvailable": available}})
    };
    check(
        "apps/v1",
        "DaemonSet",
        &[
            (set(2, 2, 2), "ready"),
            (set(2, 1, 2), "waiting: updated on 1 of 2 nodes"),
            (set(2, 2, 1), "waiting: 1 of 2 pods ready"),
            (set(0, 0, 0), "ready: no node is meant for it"),
        ],
    );
    check(
        "apps/v1",
        "ReplicaSet",
        &[
            (
                json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 2, "readyReplicas": 1}}),
                "waiting: 1 of 2 pods ready",
            ),
            (json!({"spec": {"replicas": 1}, "status": {"observedGeneration": 2, "availableReplicas": 1}}), "ready"),
        ],
    );
}

#[test]
fn jobs_and_pods() {
    check(
        "batch/v1",
        "Job",
        &[
            (
                json!({"spec": {"completions": 3}, "status": {"succeeded": 1, "failed": 2}}),
                "waiting: 1 of 3 pods done, 2 failed",
            ),
            (json!({"spec": {"suspend": true}, "status": {}}), "waiting: suspended"),
            (json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}), "ready"),
            (
                json!({"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}),
                "failed: BackoffLimitExceeded",
            ),
            (
                json!({"status": {"conditions": [{"type": "Failed", "status": "False", "reason": "x"}]}}),
                "waiting: 0 of 1 pods done",
            ),
        ],
    );
    check(
        "v1",
        "Pod",
        &[
            (json!({"spec": {"containers": [{}]}, "status": {"phase": "Pending"}}), "waiting: no node chosen yet"),
            (
                json!({"spec": {"nodeName": "n", "containers": [{}, {}]}, "status": {"phase": "Running", "containerStatuses": [{"ready": true}]}}),
                "waiting: 1 of 2 containers ready",
            ),
            (json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}), "ready"),
            (json!({"status": {"phase": "Succeeded"}}), "ready: ended with success"),
            (json!({"status": {"phase": "Failed", "reason": "Evicted"}}), "failed: Evicted"),
            (json!({"status": {"phase": "Failed"}}), "failed: Failed"),
        ],
    );
}

#[test]
fn services_and_ingresses() {
    let ingress =
        |address: Value| json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [address]}}});
    check(
        "v1",
        "Service",
        &[
            (json!({"spec": {"type": "ClusterIP"}}), "ready"),
            (
                json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}),
                "waiting: no address from a load balancer yet",
            ),
            (ingress(json!({"ip": "10.0.0.1"})), "ready: 10.0.0.1"),
            (ingress(json!({"hostname": "a.example"})), "ready: a.example"),
        ],
    );
    check(
        "networking.k8s.io/v1",
        "Ingress",
        &[(json!({}), "ready: no address yet"), (ingress(json!({"ip": "10.0.0.1"})), "ready: 10.0.0.1")],
    );
}

#[test]
fn added_kinds() {
    let says = |conditions: Value| json!({"status": {"observedGeneration": 2, "conditions": conditions}});
    let one = |kind: &str, status: &str| says(json!([{"type": kind, "status": status, "reason": "R", "message": "m"}]));
    check(
        "example.com/v1",
        "Thing",
        &[
            (json!({}), "ready"),
            (one("Ready", "True"), "ready"),
            (one("Ready", "False"), "waiting: R: m"),
            (one("Available", "Unknown"), "waiting: R: m"),
            (one("Succeeded", "True"), "ready"),
            (one("Stalled", "True"), "failed: R"),
            (one("Failed", "True"), "failed: R"),
            (one("Failed", "False"), "ready"),
            (one("Reconciling", "True"), "waiting: R: m"),
            (json!({"status": {"observedGeneration": 1}}), "waiting: its controller has not seen the change yet"),
            (
                says(json!([{"type": "Ready", "status": "True", "observedGeneration": 1}])),
                "waiting: its controller has not seen the change yet",
            ),
            (
                json!({"spec": {"replicas": 3}, "status": {"replicas": 3, "readyReplicas": 1}}),
                "waiting: 1 of 3 pods ready",
            ),
            (
                json!({"spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}}),
                "ready",
            ),
            // what makes pods says nothing until its controller has looked
            (
                json!({"spec": {"replicas": 2, "selector": {}, "template": {}}}),
                "waiting: its controller has not counted its pods yet",
            ),
            (json!({"spec": {"replicas": 0, "selector": {}, "template": {}}}), "ready"),
            (json!({"spec": {"replicas": 2, "selector": {}, "template": {}}, "status": {"readyReplicas": 2}}), "ready"),
            (json!({"spec": {"replicas": 2}}), "ready"),
            // fewer than before
            (
                json!({"spec": {"replicas": 1}, "status": {"replicas": 3, "readyReplicas": 3}}),
                "waiting: 2 of its pods have not gone yet",
            ),
            (
                json!({"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {"observedGeneration": 1, "readyReplicas": 1}}),
                "waiting: its controller has not seen the change yet",
            ),
        ],
    );
    check(
        "apiregistration.k8s.io/v1",
        "APIService",
        &[
            (one("Available", "True"), "ready"),
            (one("Available", "False"), "waiting: R: m"),
            (json!({}), "waiting: not available yet"),
        ],
    );
}

#[test]
fn claims() {
    let claim = |phase: &str| {
        object(
            "v1",
            "PersistentVolumeClaim",
            &json!({"spec": {"storageClassName": "late", "volumeName": "v"}, "status": {"phase": phase}}),
        )
    };
    let class = |mode: &str| json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late"}, "volumeBindingMode": mode});
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "n"}, "reason": "WaitForFirstConsumer",
        "involvedObject": {"kind": "PersistentVolumeClaim", "namespace": "n", "name": "a"}});
    let pod = |namespace: &str, phase: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace},
            "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "a"}}]}, "status": {"phase": phase}})
    };
    let (late, now) = (class("WaitForFirstConsumer"), class("Immediate"));
    let first = "ready: waits for its first consumer";
    for (phase, around, expected) in [
        ("Bound", vec![], "ready"),
        ("Lost", vec![], "failed: Lost"),
        ("Pending", vec![], "waiting: not bound to a volume yet"),
        ("Pending", vec![now], "waiting: not bound to a volume yet"),
        ("Pending", vec![late.clone()], first),
        ("Pending", vec![event], first),
        ("Pending", vec![late.clone(), pod("other", "Pending")], first),
        ("Pending", vec![late.clone(), pod("n", "Succeeded")], first),
        ("Pending", vec![late, pod("n", "Pending")], "waiting: waits for the pod p to get a node"),
    ] {
        assert_eq!(line(judge(&claim(phase), &snapshot(&around))), expected, "{phase} {around:?}");
    }
}
