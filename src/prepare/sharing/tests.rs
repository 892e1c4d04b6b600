use serde_json::json;

use super::*;
use crate::host::distribution::Distribution;
use crate::prerequisites::picture::KubeletCertificates;
use crate::snapshot::{Snapshot, Unread};
use crate::stack::Catalogue;

fn claim(name: &str, spec: &Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "sea"},
        "spec": {"accessModes": [MODE]}});
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

fn class(name: &str, provisioner: &str, default: bool) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": provisioner, "metadata": {"name": name,
        "annotations": {"storageclass.kubernetes.io/is-default-class": default.to_string()}}})
}

fn volume(class: &str, mode: &str, phase: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("{class}-{mode}-{phase}")},
        "spec": {"storageClassName": class, "accessModes": [mode]}, "status": {"phase": phase}})
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
}

fn picture(objects: Vec<Value>) -> Picture {
    let mut snapshot = Snapshot::default();
    for object in objects {
        snapshot.insert(object);
    }
    let kubelets = KubeletCertificates::SelfSigned;
    Picture { snapshot, distribution: Distribution::Kind, server: Some((1, 34)), kubelets }
}

fn shares(class: Option<&str>, setting: Option<&str>) -> Shares {
    let claims = vec![Wanted { claim: "PersistentVolumeClaim/data".to_owned(), class: class.map(str::to_owned) }];
    Shares { claims, setting: setting.map(str::to_owned) }
}

/// What is said against a claim of this class, where these objects are.
fn against(class: Option<&str>, objects: Vec<Value>) -> Vec<String> {
    let all = Sharing::of(&picture([vec![node("n1")], objects].concat()), None).objections(&shares(class, None));
    all.into_iter().map(|line| line.trim_end_matches(", for PersistentVolumeClaim/data").to_owned()).collect()
}

#[test]
fn a_claim_whose_volume_is_made_with_it_needs_nobody() {
    let made = [claim("files", &json!({"storageClassName": "nfs"})), volume("nfs", MODE, "Available")];
    assert_eq!(wanted(&made), []);
    assert_eq!(wanted(&made[..1]).len(), 1);
}

#[test]
fn a_claim_counts_when_it_asks_for_a_file_system_of_several_nodes() {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "sea"},
        "spec": {"volumeClaimTemplates": [claim("data", &json!({"storageClassName": "nfs"})),
            claim("own", &json!({"accessModes": ["ReadWriteOnce"]}))]}});
    let objects = [
        claim("open", &json!({"accessModes": ["ReadWriteOnce", MODE]})),
        claim("blocks", &json!({"volumeMode": "Block"})),
        claim("bound", &json!({"volumeName": "made-by-hand"})),
        claim("by-hand", &json!({"storageClassName": ""})),
        claim("read", &json!({"accessModes": ["ReadOnlyMany"]})),
        set,
    ];
    let found = wanted(&objects);
    let told: Vec<_> = found.iter().map(|one| (one.claim.as_str(), one.class.as_deref())).collect();
    assert_eq!(told, [("PersistentVolumeClaim/open", None), ("StatefulSet/db", Some("nfs"))]);
}

#[test]
fn only_what_is_known_counts_against_a_class() {
    let rancher = || class("local-path", "rancher.io/local-path", true);
    let one_node = ["volumes of class local-path (rancher.io/local-path) are on one node only"];
    assert_eq!(against(Some("local-path"), vec![rancher()]), one_node);
    assert_eq!(against(None, vec![rancher()]), one_node, "the default class is meant");
    assert_eq!(against(Some("nfs"), vec![rancher(), class("nfs", "nfs.csi.k8s.io", false)]), [""; 0]);
    assert_eq!(against(None, vec![class("odd", "example.com/odd", true)]), [""; 0], "whoever made it may know better");
    assert_eq!(against(Some("nfs"), vec![rancher()]), ["there is no storage class nfs"]);
    assert_eq!(against(None, vec![class("nfs", "nfs.csi.k8s.io", false)]), ["no storage class is the default one"]);
    let has_done = volume("local-path", MODE, "Bound");
    assert_eq!(against(None, vec![rancher(), has_done]), [""; 0], "it was told that its folder is shared");
    assert_eq!(against(None, vec![rancher(), volume("local-path", "ReadWriteOnce", "Bound")]), one_node);
}

#[test]
fn a_free_volume_needs_no_class_that_can() {
    let by_hand = || class("manual", NOBODY, false);
    let none_free = ["class manual is of volumes that are made by hand, and none is free"];
    assert_eq!(against(Some("manual"), vec![by_hand()]), none_free);
    assert_eq!(against(Some("manual"), vec![by_hand(), volume("manual", MODE, "Bound")]), none_free);
    assert_eq!(against(Some("manual"), vec![by_hand(), volume("manual", "ReadWriteOnce", "Available")]), none_free);
    assert_eq!(against(Some("manual"), vec![by_hand(), volume("manual", MODE, "Available")]), [""; 0]);
    assert_eq!(against(Some("manual"), vec![volume("manual", MODE, "Available")]), [""; 0], "the class need not exist");
}

#[test]
fn what_may_not_be_read_is_not_held_against_anybody() {
    for kind in ["StorageClass", "PersistentVolume"] {
        let mut picture = picture(vec![node("n1"), class("local-path", "rancher.io/local-path", true)]);
        picture.snapshot.unread.push(Unread { kind: kind.to_owned(), namespace: None, why: "no".to_owned() });
        assert_eq!(Sharing::of(&picture, None).objections(&shares(None, None)), [""; 0], "{kind}");
    }
    assert!(!Sharing::default().refuses(&shares(None, None)));
}

#[test]
fn the_remedy_is_what_can_be_done_here() {
    let rancher = || class("local-path", "rancher.io/local-path", true);
    let said =
        |objects: Vec<Value>, folder, setting| Sharing::of(&picture(objects), folder).remedy(&shares(None, setting));
    let nfs = vec![node("n1"), rancher(), class("nfs", "nfs.csi.k8s.io", false)];
    assert_eq!(said(nfs.clone(), None, Some("a.class")), "name a class that can: `--set a.class=nfs`");
    assert_eq!(said(nfs, None, None), "name a class that can: class nfs in the stack's settings");
    let nodes = || vec![node("n1"), node("n2"), rancher()];
    let folder = Folder { path: "/srv/shared".to_owned() };
    assert_eq!(
        said(nodes(), Some(Ok(folder)), Some("a.class")),
        "`seaworthy prerequisites install shared-path` makes a class that can (all nodes share /srv/shared: survives a node, not \
         this disk); then name it: `--set a.class=shared`"
    );
    let lacking = Some(Err(NoFolder::Lacking("node n2 has no folder of its machine there".to_owned())));
    let lacking = said(nodes(), lacking, None);
    assert!(lacking.contains("shared-path cannot be had here") && lacking.contains("--shared-volumes"), "{lacking}");
}

#[test]
fn a_profile_is_refused_only_when_no_class_could_be_named() {
    let rancher = || class("local-path", "rancher.io/local-path", true);
    let sharing = |more: Vec<Value>| Sharing::of(&picture([vec![node("n1"), rancher()], more].concat()), None);
    let asks = shares(Some("ceph"), Some("a.class"));
    let nothing = sharing(Vec::new());
    assert!(nothing.refuses(&asks));
    let need = nothing.need(&asks).unwrap();
    assert!(need.met == Some(false) && need.there.starts_with("none; shared-path makes one ("), "{need:?}");
    let nfs = sharing(vec![class("nfs", "nfs.csi.k8s.io", false)]);
    assert!(!nfs.refuses(&asks));
    let need = nfs.need(&asks).unwrap();
    assert_eq!((need.met, need.there.as_str()), (Some(true), "nfs, to be named in the settings"));
    assert_eq!(nfs.objections(&asks).len(), 1, "the plan itself is refused until it is named");
    assert_eq!(nothing.need(&Shares::default()), None);
    let ceph = sharing(vec![class("ceph", "cephfs.csi.ceph.com", false)]);
    assert_eq!(
        ceph.need(&asks).map(|need| (need.met, need.needed)),
        Some((Some(true), "a StorageClass with ReadWriteMany for 1 claim".to_owned()))
    );
}

#[test]
fn the_class_of_shared_path_is_as_good_as_its_ground() {
    let mut provisioner = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "shared-path", "namespace": "p", "generation": 1, "labels": {"seaworthy.dev/stack": "shared-path"},
            "managedFields": [{"manager": "seaworthy", "operation": "Apply"}]},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "p", "image": "x/local-path-provisioner:v0.0.37",
            "command": ["x", "--provisioner-name", shared_path::PROVISIONER]}]}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
            "conditions": [{"type": "Available", "status": "True"}]}});
    let with = |provisioner: &Value, folder| {
        let objects =
            vec![node("n1"), node("n2"), class("shared", shared_path::PROVISIONER, false), provisioner.clone()];
        Sharing::of(&picture(objects), Some(folder)).objections(&shares(Some("shared"), None))
    };
    let folder = || Ok(Folder { path: "/srv/shared".to_owned() });
    assert_eq!(with(&provisioner, folder()), [""; 0]);
    let unproved = with(&provisioner, Err(NoFolder::Unproved(vec!["no container is called n2".to_owned()])));
    assert!(unproved[0].contains("it is there, but its 2 nodes are not proved"), "{unproved:?}");
    provisioner["status"]["conditions"][0]["status"] = json!("False");
    provisioner["status"]["availableReplicas"] = json!(0);
    assert!(with(&provisioner, folder())[0].contains("nobody makes volumes of class shared"), "it does not run");
}

#[test]
fn what_a_stack_says_to_set_is_what_its_claims_obey() {
    let catalogue = Catalogue::default();
    let mut sharing = 0;
    for stack in catalogue.names().iter().map(|name| catalogue.get(name).unwrap()) {
        for profile in stack.definition().profiles.keys() {
            let shares = Shares::of_profile(&stack, &Choices::default(), profile);
            if shares.claims.is_empty() {
                continue;
            }
            sharing += 1;
            let setting = shares.setting.unwrap_or_else(|| panic!("{} says nothing to set", stack.name()));
            let choices = Choices { set: vec![format!("{setting}=elsewhere")], ..Choices::default() };
            let moved = Shares::of_profile(&stack, &choices, profile).claims;
            assert_eq!(moved.len(), shares.claims.len());
            assert!(moved.iter().all(|one| one.class.as_deref() == Some("elsewhere")), "{}: {moved:?}", stack.name());
        }
    }
    assert!(sharing > 0, "no stack shares anything");
}
