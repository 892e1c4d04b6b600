//! What can take a node over.

use serde_json::Value;

use super::looks;
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
            into it has the node.",
            "Take the setting out, or say in the namespace that it is meant: the label `pod-security.kubernetes.io/enforce=privileged`.",
            "`kube-system`, a namespace that is labelled privileged, and what a stack's profile allows with a reason.",
        ],
        &["Deployment", "StatefulSet", "DaemonSet", "Namespace"],
        powerful,
    ),
    looks(
        ("Z006", Severity::Critical, "the API server of a kind cluster is open to other machines"),
        [
            "The cluster was made with an `apiServerAddress` other than the loopback address. Every kind cluster has the same well known \
            bootstrap token: who reaches the port can join the cluster.",
            "Make it anew with `apiServerAddress: 127.0.0.1`, and reach it through an SSH tunnel.",
            "the loopback address, the address of the node's container (`--internal`), and clusters that kind did not make.",
        ],
        &["Node"],
        exposed,
    ),
];

/// Places of the node that are as good as the node itself.
const KEYS: [&str; 8] = [
    "/",
    "/var/run",
    "/run",
    "/run/containerd",
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/var/run/crio/crio.sock",
];

fn powerful(evidence: &Evidence) -> Verdict {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let workloads: Vec<&Value> = kinds.iter().flat_map(|kind| evidence.snapshot.of_kind("apps", kind)).collect();
    let findings = workloads.iter().filter_map(|workload| {
        let reference = ObjectRef::of(workload)?;
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        if namespace == "kube-system" || is_privileged(namespace, &evidence.snapshot) {
            return None;
        }
        let what = power(workload.pointer("/spec/template/spec")?)?;
        let message = format!("{} can take its node over: {what}", reference.short());
        let fix = "Take it out; if it is needed, label the namespace `pod-security.kubernetes.io/enforce=privileged`.";
        Some(Finding::new(reference, "Privileged", message).fix(fix))
    });
    let findings = findings.collect();
    Verdict::of(workloads.len(), findings)
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
    let paths = items(spec, "/volumes").filter_map(|volume| text(volume, "/hostPath/path"));
    let key = paths
        .map(|path| if path == "/" { path } else { path.trim_end_matches('/') })
        .find(|path| KEYS.contains(path))?;
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
            let message = format!("the API server of this kind cluster listens on {address}, where others reach it");
            Some(
                Finding::new(reference, "PublicAddress", message)
                    .fix("Make the cluster anew with `apiServerAddress: 127.0.0.1`; a port cannot be moved."),
            )
        },
    );
    Verdict::of(nodes.len(), finding.into_iter().collect())
}
