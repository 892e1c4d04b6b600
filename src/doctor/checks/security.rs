//! What can take a node over.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{each_workload, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, items, text};
use crate::snapshot::Snapshot;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("Z001", Severity::Warning, "a workload can take its node over"),
        [
            "A container is privileged, shares the node's processes, or has the node's whole file system or its runtime's socket: who breaks \
            into it has the node. Of what a cluster cannot do without, it is only told (info): `kube-system`, network plugins, volume drivers \
            with all in their namespace, kube-proxy, OpenKruise's daemon.",
            "Take the setting out, or say that it is meant: `kubectl label namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged --overwrite`.",
            "a namespace that is labelled privileged, and what a stack's profile allows with a reason.",
        ],
        &["Deployment", "StatefulSet", "DaemonSet", "Namespace"],
        powerful,
    ),
    looks(
        ("Z006", Severity::Critical, "the API server of a kind cluster is open to other machines"),
        [
            "The cluster was made with an `apiServerAddress` other than the loopback address. Every kind cluster has the same well known \
            bootstrap token: who reaches the port can join the cluster.",
            "Make it anew with `apiServerAddress: 127.0.0.1`, and reach it through a tunnel: `ssh -L 6443:127.0.0.1:6443 MACHINE`.",
            "the loopback address, the address of the node's container (`--internal`), and clusters that kind did not make.",
        ],
        &["Node"],
        exposed,
    ),
];

/// Places of the node that are as good as the node itself; `/var/run` is `/run`.
const KEYS: [&str; 10] = [
    "/",
    "/run",
    "/run/containerd",
    "/run/containerd/containerd.sock",
    "/run/k3s",
    "/run/k3s/containerd",
    "/run/k3s/containerd/containerd.sock",
    "/run/docker.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
];
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

fn powerful(evidence: &Evidence) -> Verdict {
    let drivers = homes_of_drivers(&evidence.snapshot);
    each_workload(evidence, &KINDS, |workload, reference| {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        if is_privileged(namespace, &evidence.snapshot) {
            return None;
        }
        let spec = workload.pointer("/spec/template/spec")?;
        let what = power(spec)?;
        let message = format!("{} can take its node over: {what}", reference.short());
        let finding = Finding::new(reference.clone(), "Privileged", message);
        Some(if drivers.contains(namespace) || is_needed(&reference, spec) {
            let kind = reference.kind.to_lowercase();
            let fix = format!(
                "Nothing, as long as it is what the cluster runs on: `kubectl get {kind} {}{} -o yaml`.",
                reference.name,
                flag(&reference)
            );
            finding.severity(Severity::Info).fix(fix)
        } else {
            finding.fix(format!(
                "Take it out; if it is needed, say so: `kubectl label namespace {namespace} pod-security.kubernetes.io/enforce=privileged --overwrite`."
            ))
        })
    })
}

/// Whether the cluster cannot do without a workload, which has its power for that.
fn is_needed(workload: &ObjectRef, spec: &Value) -> bool {
    let in_namespace = |name: &str| workload.namespace.as_deref() == Some(name);
    let is_kruise = in_namespace("kruise-system") && workload.name == "kruise-daemon";
    let is_proxy = items(spec, "/containers").any(|one| one["name"] == "kube-proxy");
    in_namespace("kube-system") || is_kruise || is_proxy || folders(spec).any(is_of_network)
}

/// The namespaces in which the driver of some volumes is, and with it what it consists of. `default` belongs to everybody.
fn homes_of_drivers(snapshot: &Snapshot) -> BTreeSet<&str> {
    let workloads = KINDS.iter().flat_map(|kind| snapshot.of_kind("apps", kind));
    let is_driver =
        |workload: &&Value| workload.pointer("/spec/template/spec").is_some_and(|spec| folders(spec).any(is_of_driver));
    let homes = workloads.filter(is_driver).filter_map(|workload| text(workload, "/metadata/namespace"));
    homes.filter(|namespace| *namespace != "default").collect()
}

/// Where a network plugin puts itself for the container runtime to find.
fn is_of_network(folder: &str) -> bool {
    ["/etc/cni", "/opt/cni"].iter().any(|root| folder.starts_with(root))
        || folder.ends_with("/cni/net.d")
        || folder.ends_with("/cni/bin")
}

/// Where a driver of volumes puts itself for the kubelet to find.
fn is_of_driver(folder: &str) -> bool {
    folder.contains("/kubelet/plugins")
}

/// The folders of the node that a pod has.
fn folders(spec: &Value) -> impl Iterator<Item = &str> {
    items(spec, "/volumes").filter_map(|volume| text(volume, "/hostPath/path"))
}

fn is_privileged(namespace: &str, snapshot: &Snapshot) -> bool {
    let namespace = snapshot.get(&ObjectRef::new("v1", "Namespace", None, namespace));
    namespace.is_some_and(|one| one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged")
}

/// What gives a pod power over its node.
fn power(spec: &Value) -> Option<String> {
    if spec["hostPID"] == true {
        return Some("it shares the node's processes".to_owned());
    }
    let all = items(spec, "/containers").chain(items(spec, "/initContainers"));
    let privileged = all.filter(|one| one["securityContext"]["privileged"] == true).find_map(|one| text(one, "/name"));
    if let Some(name) = privileged {
        return Some(format!("container `{name}` is privileged"));
    }
    let is_key = |folder: &&str| {
        let folder = if *folder == "/" { folder } else { folder.trim_end_matches('/') };
        KEYS.contains(&folder.strip_prefix("/var").filter(|rest| rest.starts_with("/run")).unwrap_or(folder))
    };
    let key = folders(spec).find(is_key)?;
    Some(format!("it has `{key}` of the node"))
}

fn exposed(evidence: &Evidence) -> Verdict {
    let is_kind = |node: &&Value| text(node, "/spec/providerID").is_some_and(|id| id.starts_with("kind://"));
    let nodes: Vec<&Value> = evidence.snapshot.of_kind("", "Node").filter(is_kind).collect();
    let server = evidence.cluster.as_ref().map(|cluster| cluster.server.as_str()).unwrap_or_default();
    let address = server.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let address = address.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok();
    let own = |address: &std::net::IpAddr| {
        let address = address.to_string();
        nodes.iter().flat_map(|node| items(node, "/status/addresses")).any(|one| one["address"] == address.as_str())
    };
    let finding = nodes.first().zip(address).filter(|(_, address)| !address.is_loopback() && !own(address)).and_then(
        |(node, address)| {
            let reference = ObjectRef::of(node)?;
            let message = format!("the API server of this kind cluster listens on {address}, where other machines reach it");
            Some(
                Finding::new(reference, "PublicAddress", message)
                    .fix("Close the port to other machines, and make the cluster anew with `apiServerAddress: 127.0.0.1`: of one that is there it cannot be changed."),
            )
        },
    );
    Verdict::of(nodes.len(), finding.into_iter().collect())
}
