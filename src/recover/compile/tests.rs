use super::*;
use crate::recover::compile::manifest::{claim_for, volume_for};
use crate::snapshot::Snapshot;
use serde_json::{Value, json};

fn claim() -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "n", "uid": "c1", "resourceVersion": "7", "labels": {"a": "b"},
            "ownerReferences": [{"uid": "set"}], "finalizers": ["kubernetes.io/pvc-protection"],
            "annotations": {"pv.kubernetes.io/bind-completed": "yes", "volume.kubernetes.io/selected-node": "node-1", "mine": "kept"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "pvc-c1", "storageClassName": "local-path", "volumeMode": "Filesystem"},
        "status": {"phase": "Lost", "capacity": {"storage": "1Gi"}}})
}

#[test]
fn a_claim_is_made_again_without_what_belonged_to_the_old_one() {
    let fresh = fresh_claim(&claim(), None);
    assert_eq!(
        fresh["metadata"],
        json!({"name": "data", "namespace": "n", "labels": {"a": "b"}, "annotations": {"mine": "kept"}})
    );
    assert!(fresh["spec"].get("volumeName").is_none() && fresh.get("status").is_none());
    assert_eq!(fresh_claim(&claim(), Some("v"))["spec"]["volumeName"], "v");
}

#[test]
fn a_volume_is_made_again_for_one_claim_and_never_silently_empty() {
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "uid": "v1", "finalizers": ["f"]},
        "spec": {"persistentVolumeReclaimPolicy": "Delete", "hostPath": {"path": "/opt/v", "type": "DirectoryOrCreate"},
            "claimRef": {"namespace": "n", "name": "data", "uid": "old", "resourceVersion": "3"}}, "status": {"phase": "Bound"}});
    let made = volume_for(&volume, &claim_ref("n", "data"), Some("c1"));
    assert_eq!(
        made["spec"]["claimRef"],
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "n", "name": "data", "uid": "c1"})
    );
    assert_eq!(made["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    assert_eq!(made["spec"]["hostPath"], json!({"path": "/opt/v", "type": "Directory"}));
    assert_eq!(made["metadata"]["annotations"][crate::plan::verb::ORIGINAL_POLICY], "Delete");
    assert!(made["metadata"].get("uid").is_none() && made["metadata"].get("finalizers").is_none());
    assert!(volume_for(&volume, &claim_ref("n", "data"), None)["spec"]["claimRef"].get("uid").is_none());
    let claim = claim_for(&made, &claim_ref("n", "data"));
    assert_eq!(claim["metadata"], json!({"name": "data", "namespace": "n"}));
}

fn provisioner(config: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.insert(json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "local-path"}, "provisioner": "rancher.io/local-path"}));
    snapshot.insert(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"kubernetes.io/hostname": "host-1"}}}));
    snapshot.insert(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "local-path-config", "namespace": "local-path-storage"},
        "data": {"config.json": config}}));
    snapshot
}

#[test]
fn a_volume_of_local_path_is_rebuilt_from_its_claim() {
    let config = r#"{"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/opt/local-path-provisioner/"]}]}"#;
    let made = rebuilt_volume(&provisioner(config), &claim()).unwrap();
    assert_eq!(made["metadata"]["name"], "pvc-c1");
    assert_eq!(made["spec"]["hostPath"]["path"], "/opt/local-path-provisioner/pvc-c1_n_data");
    assert_eq!(
        made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"],
        json!(["host-1"])
    );
    assert_eq!(made["spec"]["capacity"]["storage"], "1Gi");
}

#[test]
fn what_cannot_be_rebuilt_says_what_is_missing() {
    let two = r#"{"nodePathMap": [{"node": "node-1", "paths": ["/a", "/b"]}]}"#;
    let none = r#"{"nodePathMap": [{"node": "node-2", "paths": ["/a"]}]}"#;
    for (config, expected) in [(two, "2 paths"), (none, "no path"), ("{", "cannot be read")] {
        let error = rebuilt_volume(&provisioner(config), &claim()).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let mut other = claim();
    other["spec"]["storageClassName"] = "fast".into();
    assert!(rebuilt_volume(&provisioner(two), &other).unwrap_err().contains("class fast"));
}

/// Who was stopped by a recovery that was given up is started by the next one of the same installation, whatever it uses.
#[test]
fn what_an_earlier_recovery_has_left_stopped_is_started() {
    let stopped = |name: &str, stack: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "n", "uid": name,
            "labels": {"seaworthy.dev/stack": stack, "seaworthy.dev/namespace": "n"}, "annotations": {"seaworthy.dev/original-replicas": "2"}},
            "spec": {"replicas": 0, "template": {"spec": {}}}})
    };
    let objects = [claim(), stopped("agent", "shop"), stopped("other", "another")];
    let snapshot = objects.into_iter().collect();
    let sheet = "format: 1\ntitle: t\nlosses: [node-unreachable]\nlost: l\nuntouched: u\nreturns: r\nsteps: [export, start: []]\n";
    let sheet = crate::recover::playbook::sheet("x", sheet).unwrap();
    let sighting = Sighting { snapshot, ..Sighting::default() };
    let none = String::new;
    let wish = Wish {
        playbook: &Playbook { name: "node-back".to_owned(), stack: None, sheet },
        claims: vec![claim_ref("n", "data")],
        sighting: &sighting,
        archive: &Archive::default(),
        cluster: ClusterId { context: none(), server: none(), uid: none() },
        installation: Installation {
            stack: "shop".to_owned(),
            version: none(),
            namespace: "n".to_owned(),
            release: none(),
            profile: none(),
        },
        reach: None,
        settings: BTreeMap::new(),
        folder: none(),
        copies: Copies::default(),
        snapshots: Vec::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    let plan = compile(&wish).unwrap();
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["export", "start:Deployment/n/agent"]);
}
