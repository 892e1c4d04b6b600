//! What is admitted, and what goes along with what: requests and controllers together.

use seaworthy::sandbox::{Kind, faults};
use serde_json::{Value, json};

use super::support::{Harbour, SEA};

const SET: &str = "/apis/apps/v1/namespaces/sea/statefulsets/db";

fn workload(kind: &str, spec: &Value) -> Value {
    let labels = json!({"app": "db"});
    let mut object = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "db", "namespace": SEA},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": "app:1"}]}}}});
    object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    object
}

fn names(harbour: &Harbour, kind: &str) -> Vec<String> {
    let is_meant = |object: &&Value| object["kind"] == kind && object["metadata"]["namespace"] == SEA;
    let all = harbour.sandbox.objects();
    all.iter().filter(is_meant).map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// What the controller of a workload was told when it could not make a pod or a claim.
fn refused(harbour: &Harbour, maker: &str) -> String {
    let told = harbour.events(maker).into_iter().filter(|(reason, _)| reason == "FailedCreate");
    told.map(|(_, message)| message).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn pods_of_a_workload_are_admitted_like_others() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.sandbox.strike(faults::find("quota").unwrap(), SEA);
    let quota = harbour.see("v1", "ResourceQuota", "sandbox-fault").unwrap();
    assert_eq!(quota["status"], json!({"hard": {"pods": "0"}, "used": {"pods": "0"}}));
    harbour.make(&workload("StatefulSet", &json!({"serviceName": "db"}))).await.unwrap();
    harbour.sandbox.rest(30);
    assert_eq!(
        refused(&harbour, "db"),
        "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: exceeded quota: sandbox-fault, requested: pods=1, used: pods=0, limited: pods=0"
    );
    harbour.sandbox.mend();
    harbour.sandbox.rest(30);
    assert_eq!(names(&harbour, "Pod"), ["db-0"]);

    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    harbour.merge("/api/v1/namespaces/sea", &labels).await.unwrap();
    harbour.make(&workload("ReplicaSet", &json!({}))).await.unwrap();
    harbour.sandbox.rest(30);
    assert_eq!(names(&harbour, "Pod"), ["db-0"], "what is there stays, and nothing comes");
    assert!(refused(&harbour, "db").contains("violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation"));
}

#[tokio::test]
async fn an_account_that_is_not_there_is_told_before_the_pod_has_its_name() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let mut set = workload("ReplicaSet", &json!({}));
    set["spec"]["template"]["spec"]["serviceAccountName"] = "nobody".into();
    harbour.make(&set).await.unwrap();
    assert_eq!(
        refused(&harbour, "db"),
        "Error creating: pods \"db-\" is forbidden: error looking up service account sea/nobody: serviceaccount \"nobody\" not found"
    );
}

#[tokio::test]
async fn a_claim_beyond_the_limits_keeps_its_pod_from_being_made() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let limits = json!([{"type": "PersistentVolumeClaim", "max": {"storage": "1Mi"}}]);
    harbour
        .make(&json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": limits}}))
        .await
        .unwrap();
    harbour.make(&workload("StatefulSet", &with_claims(&json!({})))).await.unwrap();
    harbour.sandbox.rest(5);
    assert_eq!(
        refused(&harbour, "db"),
        "create Pod db-0 in StatefulSet db failed error: failed to create PVC data-db-0: persistentvolumeclaims \"data-db-0\" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Mi, but request is 2Mi"
    );
}

fn with_claims(policy: &Value) -> Value {
    json!({"serviceName": "db", "replicas": 2, "persistentVolumeClaimRetentionPolicy": policy,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Mi"}}}}]})
}

#[tokio::test]
async fn claims_go_with_the_pods_that_are_not_wanted_any_more_only_where_that_is_asked_for() {
    for (scaled, left) in [("Delete", vec!["data-db-0"]), ("Retain", vec!["data-db-0", "data-db-1"])] {
        let harbour = Harbour::new(Kind::SingleNode).await;
        let spec = with_claims(&json!({"whenDeleted": "Retain", "whenScaled": scaled}));
        harbour.make(&workload("StatefulSet", &spec)).await.unwrap();
        harbour.sandbox.rest(60);
        let uid = |harbour: &Harbour| {
            harbour.see("v1", "PersistentVolumeClaim", "data-db-1").map(|claim| claim["metadata"]["uid"].clone())
        };
        let before = uid(&harbour).unwrap();
        harbour.merge(SET, &json!({"spec": {"replicas": 1}})).await.unwrap();
        harbour.sandbox.rest(60);
        assert_eq!(names(&harbour, "PersistentVolumeClaim"), left, "{scaled}");
        harbour.merge(SET, &json!({"spec": {"replicas": 2}})).await.unwrap();
        harbour.sandbox.rest(60);
        assert_eq!(names(&harbour, "Pod"), ["db-0", "db-1"], "{scaled}");
        assert_eq!(uid(&harbour).unwrap() == before, scaled == "Retain");
        harbour.delete(SET).await.unwrap();
        harbour.sandbox.rest(60);
        assert_eq!(names(&harbour, "PersistentVolumeClaim"), ["data-db-0", "data-db-1"], "{scaled}");
    }
}

#[tokio::test]
async fn a_definition_stays_as_long_as_an_object_of_it_is_held_and_takes_no_more() {
    const BOATS: &str = "/apis/sea.test/v1/namespaces/sea/boats";
    const KIND: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.sea.test";
    let harbour = Harbour::new(Kind::SingleNode).await;
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    harbour
        .make(&json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "boats.sea.test"},
            "spec": {"group": "sea.test", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}}))
        .await
        .unwrap();
    let boat = |name: &str| json!({"apiVersion": "sea.test/v1", "kind": "Boat", "metadata": {"name": name, "finalizers": ["sea.test/moored"]}});
    let send = |name: &str| {
        let boat = boat(name);
        let harbour = &harbour;
        async move { harbour.send(http::Method::POST, BOATS, "application/json", &boat).await }
    };
    send("a").await.unwrap();
    harbour.delete(KIND).await.unwrap();
    harbour.sandbox.rest(60);
    let definition = harbour.get(KIND).await.unwrap();
    let conditions = definition["status"]["conditions"].as_array().unwrap();
    let ending = conditions.iter().find(|condition| condition["type"] == "Terminating").unwrap();
    assert_eq!((&ending["status"], &ending["reason"]), (&json!("True"), &json!("InstanceDeletionInProgress")));
    assert_eq!(
        send("b").await.unwrap_err()["message"],
        "boats.sea.test \"b\" is forbidden: create not allowed while custom resource definition is terminating"
    );
    harbour.merge(&format!("{BOATS}/a"), &json!({"metadata": {"finalizers": null}})).await.unwrap();
    assert_eq!(harbour.get(KIND).await.unwrap_err()["code"], 404);
}
