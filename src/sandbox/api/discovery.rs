//! What the API server serves: `/version`, `/api`, `/apis` and the kinds of each group and version.

use serde_json::{Value, json};

use crate::kinds;
use crate::object::{items, text};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::world::World;

/// The version of Kubernetes whose behaviour is simulated.
pub(in crate::sandbox) const VERSION: &str = "v1.34.4";
/// What is answered and never stored: group and version, plural, kind.
const REVIEWS: [(&str, &str, &str); 4] = [
    ("authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io/v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("authorization.k8s.io/v1", "subjectaccessreviews", "SubjectAccessReview"),
    ("authentication.k8s.io/v1", "selfsubjectreviews", "SelfSubjectReview"),
];
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Paths that are no objects.
pub(super) fn answer(world: &World, path: &str) -> Result<Value, Refusal> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["version"] => Ok(version()),
        ["api"] => Ok(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
        ["apis"] => Ok(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(world)})),
        ["api", "v1"] => resources(world, "v1"),
        ["apis", group, version] => resources(world, &format!("{group}/{version}")),
        ["apis", name] => {
            groups(world).into_iter().find(|group| group["name"] == *name).ok_or_else(Refusal::no_resource)
        }
        _ => Err(Refusal::no_resource()),
    }
}

fn version() -> Value {
    json!({"major": "1", "minor": "34", "gitVersion": VERSION, "gitCommit": "sandbox", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64"})
}

fn groups(world: &World) -> Vec<Value> {
    let builtin = kinds::BUILTIN.iter().filter(|kind| !kind.group.is_empty());
    let mut known: Vec<(String, String)> =
        builtin.map(|kind| (kind.group.to_owned(), kind.version.to_owned())).collect();
    for group in ["authorization.k8s.io", "authentication.k8s.io"] {
        known.push((group.to_owned(), "v1".to_owned()));
    }
    for definition in world.store.all("CustomResourceDefinition") {
        let group = text(definition, "/spec/group").unwrap_or_default();
        let versions = items(definition, "/spec/versions").filter_map(|version| text(version, "/name"));
        known.extend(versions.map(|version| (group.to_owned(), version.to_owned())));
    }
    known.dedup();
    let mut groups: Vec<Value> = Vec::new();
    for (group, version) in known {
        let entry = json!({"groupVersion": format!("{group}/{version}"), "version": version});
        if groups.iter().any(|known| known["name"] == group.as_str()) {
            continue;
        }
        groups.push(json!({"name": group, "versions": [entry], "preferredVersion": entry}));
    }
    groups
}

fn resources(world: &World, api_version: &str) -> Result<Value, Refusal> {
    let builtin = kinds::BUILTIN.iter().filter(|kind| kind.api_version() == api_version);
    let mut found: Vec<Value> = builtin.flat_map(|kind| resource(kind.plural, kind.kind, kind.namespaced)).collect();
    let mut definitions = world.store.all("CustomResourceDefinition");
    found.extend(definitions.by_ref().filter(|definition| super::defines(definition, api_version)).flat_map(
        |definition| {
            let part = |pointer| text(definition, pointer).unwrap_or_default();
            resource(part("/spec/names/plural"), part("/spec/names/kind"), definition["spec"]["scope"] == "Namespaced")
        },
    ));
    let reviews = REVIEWS.iter().filter(|(version, _, _)| *version == api_version);
    found.extend(reviews.map(|(_, plural, kind)| {
        json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]})
    }));
    if found.is_empty() {
        return Err(Refusal::no_resource());
    }
    Ok(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": found}))
}

/// Kinds of `kubectl get all`.
const ALL: [&str; 9] = [
    "pods",
    "services",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "horizontalpodautoscalers",
];
/// Kinds of the groups that clients discover a status of, and that have none.
const STATELESS: [&str; 8] = [
    "configmaps",
    "secrets",
    "serviceaccounts",
    "events",
    "endpoints",
    "controllerrevisions",
    "storageclasses",
    "leases",
];

/// A kind and those of its subresources that are simulated.
fn resource(plural: &str, kind: &str, namespaced: bool) -> Vec<Value> {
    let entry = |name: String, kind: &str, verbs: &[&str]| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs});
    let mut all = vec![entry(plural.to_owned(), kind, &VERBS)];
    all[0]["singularName"] = kind.to_lowercase().into();
    // A short name of a subresource would stand beside that of its kind.
    all[0]["shortNames"] = short(plural).into();
    if ALL.contains(&plural) {
        all[0]["categories"] = json!(["all"]);
    }
    if !STATELESS.contains(&plural) {
        all.push(entry(format!("{plural}/status"), kind, &["get", "patch", "update"]));
    }
    let of = |mut entry: Value, group: &str| {
        (entry["group"], entry["version"]) = (group.into(), "v1".into());
        entry
    };
    if ["deployments", "statefulsets", "replicasets"].contains(&plural) {
        all.push(of(entry(format!("{plural}/scale"), "Scale", &["get", "patch", "update"]), "autoscaling"));
    }
    if plural == "pods" {
        all.push(entry("pods/log".to_owned(), "Pod", &["get"]));
        all.push(entry("pods/exec".to_owned(), "PodExecOptions", &["create", "get"]));
        all.push(entry("pods/portforward".to_owned(), "PodPortForwardOptions", &["create", "get"]));
        all.push(of(entry("pods/eviction".to_owned(), "Eviction", &["create"]), "policy"));
    }
    all
}

fn short(plural: &str) -> Vec<&'static str> {
    let table = [
        ("pods", "po"),
        ("services", "svc"),
        ("deployments", "deploy"),
        ("replicasets", "rs"),
        ("statefulsets", "sts"),
        ("daemonsets", "ds"),
        ("namespaces", "ns"),
        ("nodes", "no"),
        ("configmaps", "cm"),
        ("serviceaccounts", "sa"),
        ("persistentvolumeclaims", "pvc"),
        ("persistentvolumes", "pv"),
        ("storageclasses", "sc"),
        ("events", "ev"),
        ("endpoints", "ep"),
        ("horizontalpodautoscalers", "hpa"),
        ("poddisruptionbudgets", "pdb"),
        ("ingresses", "ing"),
        ("networkpolicies", "netpol"),
        ("customresourcedefinitions", "crd"),
        ("resourcequotas", "quota"),
    ];
    table.iter().filter(|(name, _)| *name == plural).map(|(_, short)| *short).collect()
}
