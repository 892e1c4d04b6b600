use serde_json::json;

use super::*;
use crate::object::ObjectRef;
use crate::plan::verb::Pinned;

fn claim(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "PersistentVolumeClaim", Some("n"), name)
}

fn set(template: &Value) -> Value {
    let mut spec = json!({"replicas": 3, "template": {"spec": template},
        "volumeClaimTemplates": [{"metadata": {"name": "data", "labels": {"seaworthy.dev/role": "etcd"}}}]});
    spec["template"]["spec"]["containers"] = json!([{"name": "etcd", "image": "etcd:3.6.4", "args": ["--data-dir=/data/etcd"],
        "ports": [{"name": "client", "containerPort": 2379}], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]);
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "n", "uid": "u"}, "spec": spec})
}

fn seed(set: &Value) -> Seed {
    Seed {
        set: Pinned::of(set).unwrap(),
        pod: "db-1".to_owned(),
        claim: claim("data-db-1"),
        others: vec![claim("data-db-0"), claim("data-db-2")],
        birth: crate::etcd::birth(set, "db-1").unwrap(),
        token: "t".to_owned(),
        file: "s.db".to_owned(),
        image: None,
    }
}

/// The first member has a disk on node `a` already.
fn seen(own_volume: Option<&str>) -> Snapshot {
    let volume = |name: &str, host: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "uid": name}, "spec": {
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}]}}}})
    };
    let claim = |name: &str, volume: Option<&str>| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "n", "uid": name},
            "spec": {"volumeName": volume}})
    };
    let objects =
        [volume("v0", "a"), volume("v1", "a"), claim("data-db-0", Some("v0")), claim("data-db-1", own_volume)];
    objects.into_iter().collect()
}

fn made(template: &Value, own_volume: Option<&str>) -> Value {
    let set = set(template);
    pod(
        &seen(own_volume),
        &set,
        &seed(&set),
        Means { image: "busybox:1", program: PROGRAMS[0], sum: "abc", begun: false },
    )
}

#[test]
fn a_member_gets_its_disk_where_the_others_have_none() {
    let elsewhere =
        json!({"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["a"]}]});
    let free = made(&json!({}), None);
    let wish = &free["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(*wish, json!([{"weight": 100, "preference": elsewhere}]));

    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}});
    let strict = made(&json!({"affinity": apart}), None);
    let rule = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    assert_eq!(strict.pointer(rule), Some(&json!([elsewhere])));
    assert_eq!(strict.pointer("/spec/affinity/podAntiAffinity"), None, "pods that have ended do not count for it");

    let mut zoned = apart;
    let zone = json!({"key": "zone", "operator": "In", "values": ["z"]});
    zoned["nodeAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}});
    let both = made(&json!({"affinity": zoned}), None);
    let terms = both.pointer(rule).unwrap();
    assert_eq!(terms[0]["matchExpressions"].as_array().unwrap().len(), 2, "{terms}");

    let bound = made(&json!({}), Some("v1"));
    assert_eq!(bound["spec"].get("affinity"), None, "its disk says where it is");
}

#[test]
fn it_has_the_rights_of_the_member_and_no_more() {
    let made =
        made(&json!({"securityContext": {"runAsNonRoot": true, "fsGroup": 5}, "serviceAccountName": "own"}), None);
    let spec = &made["spec"];
    assert_eq!(spec["securityContext"]["fsGroup"], 5);
    assert_eq!(spec["initContainers"][0]["securityContext"]["runAsUser"], NOBODY);
    assert_eq!(spec["automountServiceAccountToken"], false);
    assert_eq!(spec.get("serviceAccountName"), None);
    let maker = &spec["containers"][0];
    assert_eq!(maker["command"][0], "etcdutl");
    assert_eq!(maker["command"][3], FILE);
    assert_eq!(maker["volumeMounts"][1]["mountPath"], "/data");
    assert!(!made.to_string().contains(":null"), "{made}");
}

#[test]
fn how_far_it_is_shows_in_its_containers() {
    let of = |status: Value| {
        let pod: Pod = serde_json::from_value(json!({"metadata": {}, "status": status})).unwrap();
        state(Some(&pod))
    };
    let both = |taker: Value, maker: Value| {
        of(json!({"phase": "Pending",
            "initContainerStatuses": [{"name": "t", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": taker}],
            "containerStatuses": [{"name": "m", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": maker}]}))
    };
    let waits = json!({"waiting": {"reason": "PodInitializing"}});
    let runs = json!({"running": {}});
    let ended =
        |code: i32, reason: &str| json!({"terminated": {"exitCode": code, "reason": reason, "message": "said"}});
    assert_eq!(both(runs.clone(), waits.clone()), State::Waiting);
    assert_eq!(both(ended(0, "Completed"), waits.clone()), State::Making);
    assert_eq!(both(ended(0, "Completed"), runs), State::Making);
    assert!(matches!(both(ended(1, "Error"), waits.clone()), State::Hopeless(_)));
    assert!(matches!(both(ended(0, ""), json!({"waiting": {"reason": "ImagePullBackOff"}})), State::Hopeless(_)));
    assert!(matches!(both(json!({"waiting": {"reason": "ErrImagePull"}}), waits), State::Hopeless(_)));
    assert!(matches!(both(ended(0, ""), ended(1, "Error")), State::Hopeless(why) if why.contains("said")));
    assert!(matches!(both(ended(0, ""), ended(128, "StartError")), State::NoProgram(_)));
    assert_eq!(of(json!({"phase": "Succeeded"})), State::Made);
    assert!(matches!(state(None), State::Starting(_)));
}
