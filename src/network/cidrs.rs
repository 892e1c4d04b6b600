//! The ranges of pods and services, from what a cluster tells of them.

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;

use super::inputs::Forbidden;
use super::range::{Family, Range};
use crate::object::{ObjectRef, items, text};
use crate::snapshot::Snapshot;

/// Where k3s takes pods and services from when its arguments do not say (docs.k3s.io/cli/server).
const K3S: (&str, &str) = ("10.42.0.0/16", "10.43.0.0/16");
const K3S_ARGUMENTS: &str = "/metadata/annotations/k3s.io~1node-args";

/// What kubeadm writes into the ConfigMap `kubeadm-config`.
#[derive(Deserialize, Default)]
struct ClusterConfiguration {
    #[serde(default)]
    networking: Networking,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Networking {
    #[serde(default)]
    pod_subnet: String,
    #[serde(default)]
    service_subnet: String,
}

/// The ranges, and what is not known about them.
pub(super) fn cidrs(snapshot: &Snapshot) -> (Vec<Forbidden>, Vec<String>) {
    let config = kubeadm(snapshot);
    let mut found = pods(snapshot);
    found.extend(named(&config.networking.pod_subnet, "the pods"));
    let objects = snapshot.of_kind("networking.k8s.io", "ServiceCIDR").flat_map(|object| items(object, "/spec/cidrs"));
    let objects: Vec<&str> = objects.filter_map(Value::as_str).collect();
    let mut services = named(&objects.join(","), "the services");
    if services.is_empty() {
        services = named(&config.networking.service_subnet, "the services");
    }
    let of_k3s = k3s(snapshot);
    if services.is_empty() {
        services.extend(of_k3s.iter().filter(|range| range.what == "the services").cloned());
    }
    found.extend(of_k3s.into_iter().filter(|range| range.what == "the pods"));
    let unknown = services.is_empty().then(|| no_services(snapshot, &mut found));
    found.extend(services);
    found.sort();
    found.dedup();
    (found, unknown.into_iter().collect())
}

/// Without a range, at least the address of the API server's own Service is one.
fn no_services(snapshot: &Snapshot, found: &mut Vec<Forbidden>) -> String {
    let known = kubernetes(snapshot).and_then(|service| text(service, "/spec/clusterIP"));
    let known = known.and_then(|address| Some(IpNet::from(address.parse::<std::net::IpAddr>().ok()?)));
    found.extend(known.map(|net| Forbidden { net, what: "Service default/kubernetes".to_owned() }));
    let why: Vec<&str> = snapshot
        .unread
        .iter()
        .filter(|unread| ["ServiceCIDR", "ConfigMap"].contains(&unread.kind.as_str()))
        .map(|unread| unread.why.as_str())
        .collect();
    let why = if why.is_empty() { "nothing in the cluster tells it".to_owned() } else { why.join("; ") };
    format!(
        "the range of the services is not known, so only the address of Service default/kubernetes is kept out: {why}"
    )
}

/// The Service of the API server.
pub(super) fn kubernetes(snapshot: &Snapshot) -> Option<&Value> {
    snapshot.get(&ObjectRef::new("v1", "Service", Some("default"), "kubernetes"))
}

fn pods(snapshot: &Snapshot) -> Vec<Forbidden> {
    let of = |node: &Value| {
        let name = text(node, "/metadata/name").unwrap_or_default();
        let many: Vec<&str> = items(node, "/spec/podCIDRs").filter_map(Value::as_str).collect();
        let one = text(node, "/spec/podCIDR").unwrap_or_default();
        named(&if many.is_empty() { one.to_owned() } else { many.join(",") }, &format!("the pods of node {name}"))
    };
    snapshot.of_kind("", "Node").flat_map(of).collect()
}

fn named(list: &str, what: &str) -> Vec<Forbidden> {
    let nets = list.split(',').filter_map(|text| text.trim().parse::<IpNet>().ok());
    nets.map(|net| Forbidden { net: net.trunc(), what: what.to_owned() }).collect()
}

fn kubeadm(snapshot: &Snapshot) -> ClusterConfiguration {
    let reference = ObjectRef::new("v1", "ConfigMap", Some("kube-system"), "kubeadm-config");
    let written = snapshot.get(&reference).and_then(|map| text(map, "/data/ClusterConfiguration"));
    written.and_then(|yaml| serde_yaml::from_str(yaml).ok()).unwrap_or_default()
}

/// k3s keeps the arguments of each node in an annotation: a JSON list in which `--a=b` stands as two items.
fn k3s(snapshot: &Snapshot) -> Vec<Forbidden> {
    let servers = snapshot.of_kind("", "Node").filter_map(|node| text(node, K3S_ARGUMENTS));
    let arguments = servers.filter_map(|json| serde_json::from_str::<Vec<String>>(json).ok());
    let server = arguments.filter(|list| list.first().is_some_and(|first| first == "server")).min();
    let Some(list) = server else { return Vec::new() };
    let given = |option: &str, otherwise: &str| {
        let place = list.iter().position(|argument| argument == option);
        place.and_then(|place| list.get(place + 1)).map_or_else(|| otherwise.to_owned(), Clone::clone)
    };
    let mut found = named(&given("--cluster-cidr", K3S.0), "the pods");
    found.extend(named(&given("--service-cidr", K3S.1), "the services"));
    found
}

/// The families in which the cluster has services, the first one first.
///
/// The API server's own Service has one family even in a cluster of two (its policy is `SingleStack`, Kubernetes 1.34,
/// `kubernetesservice` controller), so it only says which comes first; ranges and other Services say which there are.
pub(super) fn families(snapshot: &Snapshot, ranges: &[Forbidden]) -> Vec<Family> {
    let first = kubernetes(snapshot).into_iter().flat_map(of_service);
    let services =
        ranges.iter().filter(|range| range.what == "the services").map(|range| Range::of(range.net).family());
    let others = snapshot.of_kind("", "Service").flat_map(of_service);
    let mut found = Vec::new();
    for family in first.chain(services).chain(others) {
        if !found.contains(&family) {
            found.push(family);
        }
    }
    found
}

fn of_service(service: &Value) -> impl Iterator<Item = Family> + use<'_> {
    items(service, "/spec/ipFamilies").filter_map(|family| Family::called(family.as_str()?))
}
