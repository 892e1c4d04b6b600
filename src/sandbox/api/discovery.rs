//! What the API server serves: `/version`, `/api`, `/apis` and the kinds of each group and version.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::openapi;
use crate::kinds;
use crate::object::{items, text};
use crate::sandbox::address::{group, parts};
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

/// What asks for all kinds at once (KEP-3352).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A kind that is served.
pub(super) struct Resource {
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) namespaced: bool,
}

/// Paths that are no objects, and of which type the answer is.
pub(super) fn answer(world: &World, path: &str, accept: &str) -> Result<(&'static str, Value), Refusal> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_aggregated = accept.split(',').any(|wanted| wanted.trim().starts_with(AGGREGATED));
    let document = match parts.as_slice() {
        ["version"] => version(),
        ["api"] if is_aggregated => return Ok((AGGREGATED, all_at_once(world, true))),
        ["apis"] if is_aggregated => return Ok((AGGREGATED, all_at_once(world, false))),
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ["apis"] => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(world)}),
        ["api", "v1"] => resources(world, "v1")?,
        ["apis", group, version] => resources(world, &format!("{group}/{version}"))?,
        ["apis", name] => {
            groups(world).into_iter().find(|group| group["name"] == *name).ok_or_else(Refusal::no_resource)?
        }
        ["openapi", "v3"] => openapi::index(world),
        ["openapi", "v3", "api", version] => openapi::document(world, version)?,
        ["openapi", "v3", "apis", group, version] => openapi::document(world, &format!("{group}/{version}"))?,
        _ => return Err(Refusal::no_resource()),
    };
    Ok(("application/json", document))
}

fn version() -> Value {
    json!({"major": "1", "minor": "34", "gitVersion": VERSION, "gitCommit": "sandbox", "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64"})
}

/// Every `apiVersion` that is served, the preferred one of a group first.
pub(super) fn versions(world: &World) -> Vec<String> {
    let mut known: Vec<String> = kinds::BUILTIN.iter().map(kinds::Kind::api_version).collect();
    known.extend(REVIEWS.iter().map(|(version, _, _)| (*version).to_owned()));
    let mut custom: Vec<(String, String)> = Vec::new();
    for definition in world.store.all("CustomResourceDefinition") {
        let group = text(definition, "/spec/group").unwrap_or_default();
        let served = items(definition, "/spec/versions").filter(|version| version["served"] != false);
        custom.extend(served.filter_map(|known| Some((group.to_owned(), text(known, "/name")?.to_owned()))));
    }
    custom.sort_by_key(|(_, version)| rank(version));
    known.extend(custom.into_iter().map(|(group, version)| format!("{group}/{version}")));
    let mut seen = BTreeSet::new();
    known.retain(|version| seen.insert(version.clone()));
    known
}

/// Stable ones first, then beta and alpha, each with the highest first, and all others by name. Source: Kubernetes documentation, "Versions in
/// `CustomResourceDefinitions`", "Version priority".
fn rank(version: &str) -> (u8, Reverse<u32>, Reverse<u32>, String) {
    let read = || {
        let rest = version.strip_prefix('v')?;
        let split = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let major: u32 = rest[..split].parse().ok()?;
        let (stage, minor) = match &rest[split..] {
            "" => (0, 0),
            rest => match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
                (Some(minor), _) => (1, minor.parse().ok()?),
                (_, Some(minor)) => (2, minor.parse().ok()?),
                _ => return None,
            },
        };
        Some((stage, Reverse(major), Reverse(minor), String::new()))
    };
    read().unwrap_or_else(|| (3, Reverse(0), Reverse(0), version.to_owned()))
}

/// Every group with each `apiVersion` of it, in the order of the first.
fn by_group(world: &World) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for version in versions(world) {
        let group = group(&version).to_owned();
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, versions)) => versions.push(version),
            None => groups.push((group, vec![version])),
        }
    }
    groups
}

fn groups(world: &World) -> Vec<Value> {
    let entry = |version: &String| json!({"groupVersion": version, "version": parts(version).1});
    let named = by_group(world).into_iter().filter(|(group, _)| !group.is_empty()).map(|(group, versions)| {
        let all: Vec<Value> = versions.iter().map(entry).collect();
        json!({"name": group, "versions": all, "preferredVersion": all[0]})
    });
    named.collect()
}

/// The kinds of one `apiVersion` that are kept.
pub(super) fn served_in(world: &World, api_version: &str) -> Vec<Resource> {
    let builtin = kinds::BUILTIN.iter().filter(|kind| kind.api_version() == api_version);
    let builtin = builtin.map(|kind| Resource {
        kind: kind.kind.to_owned(),
        plural: kind.plural.to_owned(),
        namespaced: kind.namespaced,
    });
    let definitions = world.store.all("CustomResourceDefinition");
    let custom = definitions.filter(|definition| super::defines(definition, api_version)).map(|definition| {
        let part = |pointer| text(definition, pointer).unwrap_or_default().to_owned();
        let namespaced = definition["spec"]["scope"] == "Namespaced";
        Resource { kind: part("/spec/names/kind"), plural: part("/spec/names/plural"), namespaced }
    });
    builtin.chain(custom).collect()
}

/// The kinds of one `apiVersion` and their subresources, as `APIResource`s.
fn listed(world: &World, api_version: &str) -> Vec<Value> {
    let kept = served_in(world, api_version);
    let kept = kept.iter().flat_map(|kind| resource(&kind.plural, &kind.kind, kind.namespaced));
    let reviews = REVIEWS.iter().filter(|(version, _, _)| *version == api_version);
    let reviews = reviews.map(|(_, plural, kind)| {
        json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]})
    });
    kept.chain(reviews).collect()
}

fn resources(world: &World, api_version: &str) -> Result<Value, Refusal> {
    let found = listed(world, api_version);
    if found.is_empty() {
        return Err(Refusal::no_resource());
    }
    Ok(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": found}))
}

/// All groups, or the core group, with all their kinds.
fn all_at_once(world: &World, core: bool) -> Value {
    let entry = |version: &String| json!({"version": parts(version).1, "resources": gathered(&listed(world, version)), "freshness": "Current"});
    let wanted = by_group(world).into_iter().filter(|(group, _)| group.is_empty() == core);
    let items = wanted.map(|(group, versions)| {
        let metadata =
            if core { json!({"creationTimestamp": null}) } else { json!({"name": group, "creationTimestamp": null}) };
        json!({"metadata": metadata, "versions": versions.iter().map(entry).collect::<Value>()})
    });
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items.collect::<Value>()})
}

/// `APIResource`s as `APIResourceDiscovery`, with their subresources below them.
fn gathered(listed: &[Value]) -> Vec<Value> {
    let part = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let response = |entry: &Value| json!({"group": part(entry, "group"), "version": part(entry, "version"), "kind": entry["kind"]});
    let mut found: Vec<Value> = Vec::new();
    for entry in listed {
        let name = part(entry, "name");
        if let Some((_, sub)) = name.split_once('/') {
            let below = json!({"subresource": sub, "responseKind": response(entry), "verbs": entry["verbs"]});
            let Some(parent) = found.last_mut() else { continue };
            match parent.get_mut("subresources").and_then(Value::as_array_mut) {
                Some(list) => list.push(below),
                None => parent["subresources"] = json!([below]),
            }
            continue;
        }
        let scope = if entry["namespaced"] == true { "Namespaced" } else { "Cluster" };
        let mut resource = json!({"resource": name, "responseKind": response(entry), "scope": scope,
            "singularResource": entry["singularName"], "verbs": entry["verbs"]});
        for key in ["shortNames", "categories"] {
            if entry[key].as_array().is_some_and(|list| !list.is_empty()) {
                resource[key] = entry[key].clone();
            }
        }
        found.push(resource);
    }
    found
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
