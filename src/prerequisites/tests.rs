//! What is decided about each, for clusters as the facts describe them.

use serde_json::{Value, json};

use super::picture::KubeletCertificates;
use super::*;
use crate::host::distribution::Distribution;
use crate::plan::{FIELD_MANAGER, STACK_LABEL};
use crate::snapshot::{Snapshot, Unread};

pub(super) fn picture(objects: impl IntoIterator<Item = Value>) -> Picture {
    let mut snapshot = Snapshot::default();
    objects.into_iter().for_each(|object| snapshot.insert(object));
    let kubelets = KubeletCertificates::SelfSigned;
    Picture { snapshot, distribution: Distribution::Kubeadm, server: Some((1, 34)), kubelets }
}

fn verdict(prerequisite: Prerequisite, picture: &Picture) -> Verdict {
    assess(prerequisite, picture, &Wants::default()).verdict
}

/// The verdict in a word, and why.
fn said(prerequisite: Prerequisite, picture: &Picture) -> (&'static str, String) {
    match verdict(prerequisite, picture) {
        Verdict::Use { because } => ("use", because),
        Verdict::Keep { values } => ("keep", values.to_string()),
        Verdict::Install { because, .. } => ("install", because),
        Verdict::Upgrade { from, to, .. } => ("upgrade", format!("{from} to {to}")),
        Verdict::Leave { because } => ("leave", because),
        Verdict::Blocked(blocked) => ("blocked", blocked.because),
    }
}

pub(super) fn workload(kind: &str, name: &str, namespace: &str, image: &str, ready: bool) -> Value {
    let there = i32::from(ready);
    json!({"apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "labels": {}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"name": name, "image": image}]}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": there, "availableReplicas": there,
            "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberReady": there, "numberAvailable": there,
            "conditions": [{"type": "Available", "status": if ready { "True" } else { "False" }}]}})
}

/// As this program applies it.
pub(super) fn ours(mut object: Value) -> Value {
    object["metadata"]["labels"][STACK_LABEL] = json!("any");
    object["metadata"]["managedFields"] = json!([{"manager": FIELD_MANAGER, "operation": "Apply"}]);
    object
}

pub(super) fn class(name: &str, provisioner: &str, default: bool) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": provisioner, "metadata": {"name": name,
        "annotations": {"storageclass.kubernetes.io/is-default-class": default.to_string()}}})
}

pub(super) fn provisioner(namespace: &str, image: &str) -> Value {
    workload("Deployment", "local-path-provisioner", namespace, image, true)
}

const RANCHER: &str = "rancher.io/local-path";

#[test]
fn every_one_has_a_stack_whose_version_its_image_has() {
    for prerequisite in Prerequisite::ALL {
        let version = prerequisite.version().unwrap_or_else(|| panic!("{prerequisite} has no version"));
        let stack = Catalogue::prerequisites().get(prerequisite.name()).unwrap();
        let settings = stack.settings();
        let tags = settings.iter().filter(|setting| setting.path.ends_with("mage.tag"));
        let tags: Vec<String> =
            tags.filter_map(|setting| Some(setting.default.as_ref()?.as_str()?.to_owned())).collect();
        assert!(tags.contains(&format!("v{version}")), "{prerequisite} {version}: {tags:?}");
    }
}

#[test]
fn local_path_is_installed_where_nobody_gives_volumes() {
    let one = Prerequisite::LocalPath;
    let Verdict::Install { values, .. } = verdict(one, &picture([])) else { panic!() };
    assert_eq!(values["storageClass"]["default"], true, "the only class is the default one");
    let cloud = picture([class("gp3", "ebs.csi.aws.com", true)]);
    assert_eq!(said(one, &cloud).0, "use");
    let wants = Wants { by_name: true, ..Wants::default() };
    let Verdict::Install { values, .. } = assess(one, &cloud, &wants).verdict else { panic!() };
    assert_eq!(values["storageClass"]["default"], false, "never a second default class");
}

#[test]
fn beside_the_provisioner_of_kind_only_the_class_is_missing() {
    let one = Prerequisite::LocalPath;
    let kind = || {
        let image = "docker.io/kindest/local-path-provisioner:v20260521-9fb22683";
        [provisioner("local-path-storage", image), class("standard", RANCHER, true)]
    };
    let Verdict::Install { values, .. } = verdict(one, &picture(kind())) else { panic!() };
    assert_eq!(values, json!({"provisioner": {"enabled": false}, "alias": {"enabled": true, "name": "local-path"}}));
    let with_alias = kind().into_iter().chain([ours(class("local-path", RANCHER, false))]);
    assert_eq!(said(one, &picture(with_alias)).0, "keep", "the second time it is there");
    let k3s =
        [provisioner("kube-system", "rancher/local-path-provisioner:v0.0.31"), class("local-path", RANCHER, true)];
    assert_eq!(said(one, &picture(k3s)).0, "use");
}

#[test]
fn two_provisioners_and_a_broken_one_are_not_made_worse() {
    let one = Prerequisite::LocalPath;
    let image = "docker.io/rancher/local-path-provisioner:v0.0.30";
    let two = [provisioner("a", image), provisioner("b", image)];
    assert_eq!(said(one, &picture(two)).0, "blocked");
    let broken = workload("Deployment", "local-path-provisioner", "a", image, false);
    let (verdict, because) = said(one, &picture([broken]));
    assert!(verdict == "blocked" && because.contains("Deployment/a/local-path-provisioner"), "{because}");
    let mut idle = provisioner("a", image);
    idle["spec"]["replicas"] = json!(0);
    let (verdict, because) = said(one, &picture([idle]));
    assert!(verdict == "blocked" && because.contains("is scaled to nothing"), "{verdict}: {because}");
    let going = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "deletionTimestamp": "2026-11-20T10:00:00Z"}});
    assert_eq!(said(one, &picture([provisioner("a", image), going])).0, "install", "it is as good as gone");
    let leftover = picture([class("local-path", RANCHER, true)]);
    assert!(said(one, &leftover).1.contains("nobody provides its volumes"));
}

#[test]
fn what_is_ours_is_upgraded_and_never_downgraded() {
    let one = Prerequisite::LocalPath;
    let at = |tag: &str| {
        picture([ours(provisioner("local-path-storage", &format!("docker.io/rancher/local-path-provisioner:{tag}")))])
    };
    let wanted = one.version().unwrap();
    assert_eq!(said(one, &at("v0.0.26")), ("upgrade", format!("0.0.26 to {wanted}")));
    assert_eq!(said(one, &at(&format!("v{wanted}"))).0, "keep");
    assert_eq!(said(one, &at("v9.0.0")).0, "use");
    assert_eq!(said(one, &at("nightly")).0, "keep");
}

#[test]
fn what_may_not_be_read_is_not_taken_for_absent() {
    for prerequisite in Prerequisite::ALL {
        let mut picture = picture([]);
        for kind in ["StorageClass", "APIService", "Deployment"] {
            picture.snapshot.unread.push(Unread {
                kind: kind.to_owned(),
                namespace: None,
                why: "forbidden".to_owned(),
            });
        }
        let (verdict, because) = said(prerequisite, &picture);
        assert!(verdict == "blocked" && because.contains("forbidden"), "{prerequisite}: {because}");
    }
}

fn api_service(available: bool) -> Value {
    json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io", "labels": {}},
        "spec": {"service": {"namespace": "monitoring", "name": "adapter"}},
        "status": {"conditions": [{"type": "Available", "status": if available { "True" } else { "False" }, "reason": "MissingEndpoints",
            "message": "no endpoints"}]}})
}

#[test]
fn the_version_of_metrics_server_is_one_for_the_cluster() {
    let one = Prerequisite::MetricsServer;
    for (server, tag) in [((1, 36), "v0.9.0"), ((1, 34), "v0.9.0"), ((1, 33), "v0.8.1"), ((1, 27), "v0.7.2")] {
        let picture = Picture { server: Some(server), ..picture([]) };
        let Verdict::Install { values, .. } = verdict(one, &picture) else { panic!() };
        assert_eq!(values["image"]["tag"], tag, "{server:?}");
    }
    assert_eq!(said(one, &Picture { server: Some((1, 26)), ..picture([]) }).0, "blocked");
}

#[test]
fn certificates_go_unchecked_only_where_there_are_no_others() {
    let unknown = KubeletCertificates::Unknown("forbidden".to_owned());
    for (kubelets, insecure) in
        [(KubeletCertificates::SelfSigned, true), (KubeletCertificates::Signed, false), (unknown, false)]
    {
        let Verdict::Install { values, .. } =
            verdict(Prerequisite::MetricsServer, &Picture { kubelets, ..picture([]) })
        else {
            panic!()
        };
        assert_eq!(values["insecureKubeletCertificates"], insecure);
    }
}

#[test]
fn whoever_serves_the_metrics_api_is_left_alone() {
    let one = Prerequisite::MetricsServer;
    assert_eq!(said(one, &picture([api_service(true)])).0, "use");
    let (verdict, because) = said(one, &picture([api_service(false)]));
    assert!(
        verdict == "blocked" && because.contains("monitoring/adapter") && because.contains("no endpoints"),
        "{because}"
    );
    assert_eq!(said(one, &picture([ours(api_service(false))])).0, "keep", "ours is mended");
}

fn metallb(labels: &Value, tag: &str) -> [Value; 2] {
    [("Deployment", "controller"), ("DaemonSet", "speaker")].map(|(kind, name)| {
        let mut part = workload(kind, name, "metallb-system", &format!("quay.io/metallb/{name}:{tag}"), true);
        part["metadata"]["labels"] = labels.clone();
        part["metadata"]["labels"]["component"] = json!(name);
        part
    })
}

fn definition(name: &str) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name, "labels": {}}})
}

#[test]
fn beside_another_load_balancer_none_is_installed() {
    let one = Prerequisite::Metallb;
    let node = |annotations: Value| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "annotations": annotations}});
    let off = node(json!({"k3s.io/node-args": "[\"server\",\"--disable\",\"traefik,servicelb\"]"}));
    let k3s = |node: Value| Picture { distribution: Distribution::K3s, ..picture([node]) };
    assert!(said(one, &k3s(node(json!({})))).1.contains("servicelb"));
    assert_eq!(said(one, &k3s(off)).0, "blocked", "switched off, so only the pool is missing");
    assert_eq!(said(one, &Picture { distribution: Distribution::Cloud, ..picture([]) }).0, "use");
    assert_eq!(said(one, &picture([definition("ciliumloadbalancerippools.cilium.io")])).0, "use");
    let given = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"},
        "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    assert!(said(one, &picture([given])).1.contains("Service/n/s"));
}

#[test]
fn metallb_that_is_there_is_used_and_half_of_it_is_not_completed() {
    let one = Prerequisite::Metallb;
    let whole = metallb(&json!({"app": "metallb"}), "v0.15.3");
    let with = |parts: &[Value], definitions: &[&str]| {
        picture(parts.iter().cloned().chain(definitions.iter().map(|name| definition(name))))
    };
    assert_eq!(said(one, &with(&whole, &["ipaddresspools.metallb.io"])).0, "use");
    assert!(said(one, &with(&whole, &[])).1.contains("older than 0.13"));
    assert!(said(one, &with(&whole[..1], &["ipaddresspools.metallb.io"])).1.contains("only a part"));
    let webhook = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "metallb-webhook-configuration"}});
    assert!(said(one, &picture([webhook])).1.contains("refuses every pool"));
}

#[test]
fn metallb_wants_a_pool() {
    let there = picture(metallb(&json!({"app": "metallb"}), "v0.16.1").into_iter().map(ours));
    let lost = Blocked { because: "w".to_owned(), remedy: "r".to_owned(), blind: false };
    let lost = Wants { pool: Some(Err(lost)), ..Wants::default() };
    let kept = assess(Prerequisite::Metallb, &there, &lost).verdict;
    assert!(matches!(&kept, Verdict::Use { because } if because.contains("the addresses that it has")), "{kept:?}");
    let ask =
        |pool| assess(Prerequisite::Metallb, &picture([]), &Wants { by_name: true, pool, ..Wants::default() }).verdict;
    assert!(matches!(ask(None), Verdict::Blocked(blocked) if blocked.remedy.contains("--pool")));
    let refused = Blocked { because: "2 free, 3 needed".to_owned(), remedy: "r".to_owned(), blind: false };
    assert_eq!(ask(Some(Err(refused.clone()))), Verdict::Blocked(refused));
    let Verdict::Install { values, .. } = ask(Some(Ok(vec!["192.0.2.1-192.0.2.9".to_owned()]))) else { panic!() };
    assert_eq!(values, json!({"pool": {"addresses": ["192.0.2.1-192.0.2.9"]}}));
}

fn kruise(certified: bool) -> Vec<Value> {
    let entry = if certified { json!({"clientConfig": {"caBundle": "Y2E="}}) } else { json!({"clientConfig": {}}) };
    let webhook = |kind: &str, name: &str| json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name, "labels": {}}, "webhooks": [entry]});
    let manager =
        workload("Deployment", "kruise-controller-manager", "kruise-system", "openkruise/kruise-manager:v1.7.0", true);
    vec![
        manager,
        definition("clonesets.apps.kruise.io"),
        webhook("MutatingWebhookConfiguration", "kruise-mutating-webhook-configuration"),
        webhook("ValidatingWebhookConfiguration", "kruise-validating-webhook-configuration"),
    ]
}

#[test]
fn a_half_kruise_of_others_is_not_completed() {
    let one = Prerequisite::Kruise;
    assert_eq!(said(one, &picture([])).0, "install");
    assert_eq!(said(one, &picture(kruise(true))).0, "use");
    assert!(said(one, &picture(kruise(false))).1.contains("no certificate"));
    for missing in 0..4 {
        let mut rest = kruise(true);
        rest.remove(missing);
        let (verdict, because) = said(one, &picture(rest.clone()));
        assert_eq!(verdict, "blocked", "without {missing}: {because}");
        // Ours is mended, whatever of it is missing.
        let (verdict, because) = said(one, &picture(rest.into_iter().map(ours)));
        assert!(["install", "upgrade"].contains(&verdict), "without {missing}: {verdict} {because}");
    }
}

/// A check of what is not there would only wait for it.
#[test]
fn what_is_missing_is_not_checked() {
    let nothing = picture([json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})]);
    for prerequisite in Prerequisite::ALL {
        assert!(missing(prerequisite, &nothing).is_some(), "{prerequisite}");
    }
    assert_eq!(missing(Prerequisite::Metallb, &nothing).unwrap(), metallb::NOBODY);
    let image = "rancher/local-path-provisioner:v0.0.37";
    // kind's provisioner without the class that the check names.
    let half = picture([provisioner("local-path-storage", image), class("standard", "rancher.io/local-path", true)]);
    assert!(missing(Prerequisite::LocalPath, &half).unwrap().contains("only a StorageClass"));
    let whole = picture([provisioner("local-path-storage", image), class("local-path", "rancher.io/local-path", true)]);
    assert_eq!(missing(Prerequisite::LocalPath, &whole), None);
    // Another default class does for stacks, and is not what the check names.
    assert!(missing(Prerequisite::LocalPath, &picture([class("fast", "csi.example", true)])).is_some());
}
