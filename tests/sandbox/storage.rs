//! What becomes of claims and volumes: the transitions that were measured on a real cluster.

use seaworthy::sandbox::{Kind, faults};
use serde_json::{Value, json};

use super::support::{Harbour, SEA, claim, pod};

const CLAIM: &str = "/api/v1/namespaces/sea/persistentvolumeclaims/data";

/// A pod that uses a claim, both settled, and a file on the volume.
async fn with_data() -> (Harbour, String) {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&claim("data")).await.unwrap();
    harbour.make(&pod("app", "data")).await.unwrap();
    harbour.sandbox.rest(30);
    let live = harbour.see("v1", "PersistentVolumeClaim", "data").unwrap();
    assert_eq!(live["status"]["phase"], "Bound", "{live:#}");
    assert!(harbour.sandbox.write_file((SEA, "data"), "log/1", b"one"));
    (harbour, live["spec"]["volumeName"].as_str().unwrap().to_owned())
}

fn phase(harbour: &Harbour, kind: &str, name: &str) -> Value {
    harbour.see("v1", kind, name).map_or(Value::Null, |object| object["status"]["phase"].clone())
}

fn strike(harbour: &Harbour, fault: &str, target: &str) {
    harbour.sandbox.strike(faults::find(fault).unwrap(), target);
}

#[tokio::test]
async fn a_claim_waits_for_its_pod_and_gets_a_volume_on_its_node() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&claim("data")).await.unwrap();
    harbour.sandbox.rest(60);
    assert_eq!(phase(&harbour, "PersistentVolumeClaim", "data"), "Pending");
    assert_eq!(harbour.events("data")[0].0, "WaitForFirstConsumer");
    harbour.make(&pod("app", "data")).await.unwrap();
    harbour.sandbox.rest(30);
    let volume = harbour.see("v1", "PersistentVolumeClaim", "data").unwrap()["spec"]["volumeName"].clone();
    let volume = harbour.see("v1", "PersistentVolume", volume.as_str().unwrap()).unwrap();
    assert_eq!(volume["status"]["phase"], "Bound");
    assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
    assert_eq!(phase(&harbour, "Pod", "app"), "Running");
    let reasons: Vec<String> = harbour.events("data").into_iter().map(|(reason, _)| reason).collect();
    for reason in ["ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"] {
        assert!(reasons.iter().any(|known| known == reason), "{reasons:?}");
    }
}

#[tokio::test]
async fn a_lost_volume_shows_and_only_a_claim_ref_with_the_uid_binds_again() {
    let (harbour, volume) = with_data().await;
    let kept = harbour.see("v1", "PersistentVolume", &volume).unwrap();
    strike(&harbour, "volume-lost", "data");
    assert_eq!(phase(&harbour, "PersistentVolumeClaim", "data"), "Lost");
    let lost =
        ("ClaimLost".to_owned(), "Bound claim has lost its PersistentVolume. Data on the volume is lost!".to_owned());
    assert!(harbour.events("data").contains(&lost), "{:?}", harbour.events("data"));
    assert_eq!(phase(&harbour, "Pod", "app"), "Running", "a running pod does not notice");
    harbour.make(&pod("second", "data")).await.unwrap();
    let second = harbour.see("v1", "Pod", "second").unwrap();
    let said = second["status"]["conditions"][0]["message"].as_str().unwrap();
    assert!(said.contains("bound to non-existent persistentvolume"), "{said}");
    // Without the uid: available, and lost for ever.
    let mut again = kept.clone();
    for key in ["uid", "resourceVersion", "creationTimestamp", "finalizers", "managedFields"] {
        again["metadata"].as_object_mut().unwrap().remove(key);
    }
    let with_uid = again.clone();
    again["spec"]["claimRef"].as_object_mut().unwrap().remove("uid");
    harbour.make(&again).await.unwrap();
    harbour.sandbox.rest(60);
    assert_eq!(phase(&harbour, "PersistentVolume", &volume), "Available");
    assert_eq!(phase(&harbour, "PersistentVolumeClaim", "data"), "Lost");
    // With it: bound, and what was on the disk is still there.
    harbour.delete(&format!("/api/v1/persistentvolumes/{volume}")).await.unwrap();
    harbour.make(&with_uid).await.unwrap();
    assert_eq!(phase(&harbour, "PersistentVolumeClaim", "data"), "Bound");
    assert_eq!(harbour.sandbox.files(SEA, "data").unwrap()["log/1"], b"one");
}

#[tokio::test]
async fn a_claim_in_use_goes_with_its_pod_and_a_kept_volume_can_be_bound_again() {
    let (harbour, volume) = with_data().await;
    let at = format!("/api/v1/persistentvolumes/{volume}");
    harbour.merge(&at, &json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}})).await.unwrap();
    strike(&harbour, "claim-deleted", "sea/data");
    let going = harbour.see("v1", "PersistentVolumeClaim", "data").unwrap();
    assert!(going["metadata"]["deletionTimestamp"].is_string() && going["status"]["phase"] == "Bound", "{going:#}");
    harbour.delete("/api/v1/namespaces/sea/pods/app").await.unwrap();
    harbour.sandbox.rest(60);
    assert!(harbour.see("v1", "PersistentVolumeClaim", "data").is_none());
    assert_eq!(phase(&harbour, "PersistentVolume", &volume), "Released");
    harbour.merge(&at, &json!({"spec": {"claimRef": {"uid": null, "resourceVersion": null}}})).await.unwrap();
    assert_eq!(phase(&harbour, "PersistentVolume", &volume), "Available");
    let mut wanted = claim("data");
    wanted["spec"]["volumeName"] = volume.as_str().into();
    wanted["spec"]["storageClassName"] = "local-path".into();
    harbour.make(&wanted).await.unwrap();
    assert_eq!(phase(&harbour, "PersistentVolumeClaim", "data"), "Bound");
    assert_eq!(harbour.sandbox.files(SEA, "data").unwrap()["log/1"], b"one");
}

#[tokio::test]
async fn a_released_volume_is_erased_by_its_provisioner_unless_that_is_away() {
    let (harbour, volume) = with_data().await;
    strike(&harbour, "provisioner-away", "");
    harbour.delete("/api/v1/namespaces/sea/pods/app").await.unwrap();
    harbour.delete(CLAIM).await.unwrap();
    harbour.sandbox.rest(600);
    assert_eq!(phase(&harbour, "PersistentVolume", &volume), "Released");
    harbour.sandbox.mend();
    harbour.sandbox.rest(60);
    assert!(harbour.see("v1", "PersistentVolume", &volume).is_none());
}

#[tokio::test]
async fn an_emptied_volume_shows_nothing() {
    let (harbour, volume) = with_data().await;
    let before = harbour.see("v1", "PersistentVolume", &volume);
    strike(&harbour, "volume-emptied", "data");
    assert_eq!(harbour.see("v1", "PersistentVolume", &volume), before);
    assert!(harbour.sandbox.files(SEA, "data").unwrap().is_empty());
}

#[tokio::test]
async fn a_pod_does_not_go_where_its_volume_is_not() {
    let harbour = Harbour::new(Kind::Ha).await;
    harbour.make(&claim("data")).await.unwrap();
    harbour.make(&pod("app", "data")).await.unwrap();
    harbour.sandbox.rest(30);
    let node = harbour.see("v1", "Pod", "app").unwrap()["spec"]["nodeName"].as_str().unwrap().to_owned();
    strike(&harbour, "node-gone", &node);
    assert!(harbour.see("v1", "Pod", "app").is_none(), "pods of a node that is gone are collected");
    harbour.make(&pod("app", "data")).await.unwrap();
    let said = harbour.see("v1", "Pod", "app").unwrap()["status"]["conditions"][0]["message"].clone();
    assert!(
        said.as_str()
            .unwrap()
            .starts_with("0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity"),
        "{said}"
    );
    harbour.sandbox.mend();
    harbour.sandbox.rest(30);
    assert_eq!(phase(&harbour, "Pod", "app"), "Running");
}

/// A claim that several nodes want to write to.
fn shared(name: &str, class: &str) -> Value {
    let mut claim = claim(name);
    claim["spec"]["accessModes"] = json!(["ReadWriteMany"]);
    claim["spec"]["storageClassName"] = json!(class);
    claim
}

#[tokio::test]
async fn local_path_makes_nothing_for_several_nodes() {
    let harbour = Harbour::new(Kind::Ha).await;
    harbour.make(&shared("data", "local-path")).await.unwrap();
    harbour.make(&pod("app", "data")).await.unwrap();
    harbour.sandbox.rest(60);
    assert_eq!(phase(&harbour, "PersistentVolumeClaim", "data"), "Pending");
    let said = harbour.events("data").into_iter().find(|(reason, _)| reason == "ProvisioningFailed").unwrap().1;
    assert_eq!(
        said,
        "failed to provision volume with StorageClass \"local-path\": NodePath only supports ReadWriteOnce and ReadWriteOncePod \
         (1.22+) access modes"
    );
}

#[tokio::test]
async fn a_shared_volume_is_on_no_node_and_its_provisioner_has_to_run() {
    let harbour = Harbour::new(Kind::Ha).await;
    harbour
        .make(&json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "shared"},
            "provisioner": "seaworthy.dev/shared-path", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}))
        .await
        .unwrap();
    harbour.make(&shared("data", "shared")).await.unwrap();
    harbour.sandbox.rest(60);
    assert_eq!(phase(&harbour, "PersistentVolumeClaim", "data"), "Pending", "nobody makes it");
    let mut provisioner = pod("provisioner", "data");
    provisioner["spec"] = json!({"containers": [{"name": "p", "image": "p:1",
        "command": ["local-path-provisioner", "--provisioner-name", "seaworthy.dev/shared-path"]}]});
    harbour.make(&provisioner).await.unwrap();
    harbour.sandbox.rest(60);
    let volume = harbour.see("v1", "PersistentVolumeClaim", "data").unwrap()["spec"]["volumeName"].clone();
    let volume = harbour.see("v1", "PersistentVolume", volume.as_str().unwrap()).unwrap();
    assert_eq!(volume["spec"]["nodeAffinity"], Value::Null);
    assert!(
        volume["spec"]["hostPath"]["path"].as_str().unwrap().starts_with("/var/lib/seaworthy/shared/pvc-"),
        "{volume:#}"
    );
    assert!(harbour.sandbox.write_file((SEA, "data"), "log/1", b"one"));
    let mut rival = pod("first", "data");
    rival["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!([{"labelSelector": {"matchLabels": {"app": "second"}}, "topologyKey": "kubernetes.io/hostname"}]);
    harbour.make(&rival).await.unwrap();
    harbour.make(&pod("second", "data")).await.unwrap();
    harbour.sandbox.rest(30);
    let node = |name: &str| harbour.see("v1", "Pod", name).unwrap()["spec"]["nodeName"].clone();
    assert!(node("first").is_string() && node("second").is_string());
    assert_ne!(node("first"), node("second"), "who minds the other is minded by the other");
    for name in ["first", "second"] {
        harbour.delete(&format!("/api/v1/namespaces/sea/pods/{name}")).await.unwrap();
    }
    harbour.delete(CLAIM).await.unwrap();
    harbour.sandbox.rest(60);
    assert_eq!(harbour.see("v1", "PersistentVolume", volume["metadata"]["name"].as_str().unwrap()), None);
}
