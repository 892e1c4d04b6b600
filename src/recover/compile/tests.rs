use super::*;
use crate::error::Explain as _;
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
    let plan = planned("steps: [export, start: []]\n", &objects, |_| {}).unwrap();
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["export", "start:Deployment/n/agent"]);
}

/// The plan for the claim `data` of a playbook with this end.
fn planned(rest: &str, objects: &[Value], change: impl Fn(&mut Wish<'_>)) -> Result<Plan, CompileError> {
    let snapshot = objects.iter().cloned().collect();
    planned_of(rest, &Sighting { snapshot, ..Sighting::default() }, change)
}

fn planned_of(rest: &str, sighting: &Sighting, change: impl Fn(&mut Wish<'_>)) -> Result<Plan, CompileError> {
    let sheet = format!("format: 1\ntitle: t\nlosses: [node-unreachable]\nlost: l\nuntouched: u\nreturns: r\n{rest}");
    let sheet = crate::recover::playbook::sheet("x", &sheet).unwrap();
    let none = String::new;
    let mut wish = Wish {
        playbook: &Playbook { name: "node-back".to_owned(), stack: None, sheet },
        claims: vec![claim_ref("n", "data")],
        sighting,
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
    change(&mut wish);
    compile(&wish)
}

/// Where a volume lies on a node, its fresh one is made on another that its pods may go to.
#[test]
fn a_volume_moves_to_a_node_that_has_room_for_its_pods() {
    let node = |name: &str, rest: &Value| {
        let mut node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "zone": "a"}},
            "spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        for (pointer, value) in rest.as_object().unwrap() {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            node.pointer_mut(parent).unwrap()[key] = value.clone();
        }
        node
    };
    let mut claim = claim();
    claim["status"]["phase"] = "Bound".into();
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pvc-c1", "uid": "v1"},
        "spec": {"claimRef": {"namespace": "n", "name": "data", "uid": "c1"}, "local": {"path": "/p"}, "nodeAffinity": {"required": {"nodeSelectorTerms":
            [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]}]}}}, "status": {"phase": "Bound"}});
    let user = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n", "uid": "d"}, "spec": {"replicas": 1,
        "template": {"spec": {"nodeSelector": {"zone": "a"}, "volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "data"}}]}}}});
    let unfit = [
        node("a", &json!({})),
        node("b", &json!({"/spec/unschedulable": true})),
        node("c", &json!({"/spec/taints": [{"key": "k", "effect": "NoSchedule"}]})),
        node("d", &json!({"/metadata/labels/zone": "b"})),
        node(
            "e",
            &json!({"/status/conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]}),
        ),
        node("f", &json!({"/status/conditions": [{"type": "Ready", "status": "False"}]})),
    ];
    let mut objects: Vec<Value> = [claim, volume, user].into_iter().chain(unfit).collect();
    let steps = "steps: [export, keep, stop: [], copy-out, move, copy-in, start: [], bound, count]\n";
    let chosen = |plan: &Plan| {
        let created = plan.steps.iter().find_map(|step| match &step.action {
            Action::Rescue { verb, .. } => match &**verb {
                Verb::Create { object, .. } => Some(object["metadata"]["annotations"][CHOSEN].clone()),
                _ => None,
            },
            _ => None,
        });
        created.unwrap()
    };
    let error = planned(steps, &objects, |_| {}).unwrap_err();
    assert_eq!(error.id(), "nowhere-else", "{error}");
    assert!(error.to_string().contains("beside a none"), "{error}");
    objects.extend([node("h", &json!({})), node("g", &json!({}))]);
    assert_eq!(chosen(&planned(steps, &objects, |_| {}).unwrap()), "g");
    let name =
        |node: &'static str| move |wish: &mut Wish<'_>| drop(wish.settings.insert("node".to_owned(), node.to_owned()));
    assert_eq!(chosen(&planned(steps, &objects, name("c")).unwrap()), "c", "whoever names it knows why");
    assert_eq!(planned(steps, &objects, name("z")).unwrap_err().id(), "no-such-node");
    let error = planned(steps, &objects, |wish| wish.copies.skip = true).unwrap_err();
    assert_eq!(error.id(), "nothing-to-move", "{error}");
    // The fresh claim says that it is not all there is until it has been copied into, also to whoever has no journal.
    let plan = planned(steps, &objects, |_| {}).unwrap();
    let created = plan.steps.iter().find_map(|step| match step.verb()? {
        Verb::Create { object, .. } => Some(object.clone()),
        _ => None,
    });
    let mut half = objects.clone();
    half[0]["metadata"]["annotations"] = created.unwrap()["metadata"]["annotations"].clone();
    assert_eq!(half[0]["metadata"]["annotations"][COPYING_IN], TO_BE_COPIED_IN);
    for steps in [steps, "steps: [export, keep, stop: [], replace, start: []]\n"] {
        let error = planned(steps, &half, |_| {}).unwrap_err();
        assert_eq!(error.id(), "half-copied", "{error}");
        assert!(error.hint().unwrap().contains("runs resume"), "{error}");
    }
    // One of the network is moved to wherever its pod starts.
    objects[1]["spec"]["nodeAffinity"] = Value::Null;
    assert_eq!(chosen(&planned(steps, &objects, |_| {}).unwrap()), Value::Null);
}

/// Without its volume known a claim would be deleted, and what it had not be kept.
#[test]
fn without_the_volumes_read_no_claim_is_taken_from_its_pods() {
    let unread =
        |kind: &str| crate::snapshot::Unread { kind: kind.to_owned(), namespace: None, why: "forbidden".to_owned() };
    let replace = "steps: [export, keep, replace, start: []]\n";
    let looks = "steps: [export, start: [], count]\n";
    for (kind, steps, expected) in [
        ("PersistentVolume", replace, Some("unread")),
        ("Pod", replace, Some("unread")),
        ("Node", replace, None),
        ("PersistentVolume", looks, None),
    ] {
        let mut sighting = Sighting { snapshot: [claim()].into_iter().collect(), ..Sighting::default() };
        sighting.snapshot.note_unread(unread(kind));
        let planned = planned_of(steps, &sighting, |_| {});
        assert_eq!(planned.as_ref().err().map(CompileError::id), expected, "{kind}: {planned:?}");
    }
}
