//! Names inside the cluster.

use serde_json::Value;

use super::services::ready_endpoints;
use super::{each_that, flag, is_true, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::survey::top;
use crate::object::{ObjectRef, items, text};
use crate::snapshot::Snapshot;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("D001", Severity::Critical, "cluster DNS does not answer"),
        [
            "No pod behind the Service kube-dns is ready: no name of a Service can be resolved in the cluster. Programs then \
            end with `no such host` or `i/o timeout`; these are counted here.",
            "Look at the DNS pods: `kubectl get pods -n kube-system -l k8s-app=kube-dns`, and at their log.",
            "a cluster without the Service kube-dns, and one DNS pod of several that is not ready.",
        ],
        &["Service", "EndpointSlice"],
        down,
    ),
    looks(
        ("D002", Severity::Error, "cluster DNS asks itself"),
        [
            "CoreDNS found that what it forwards comes back to it, and ends. The node's resolv.conf names a resolver on the \
            loopback address, which in a pod is the pod itself.",
            "Give the kubelet the real file (`resolvConf`, often /run/systemd/resolve/resolv.conf), or name a resolver in the Corefile.",
            "CoreDNS that ends for another reason.",
        ],
        &["Pod"],
        looped,
    ),
    looks(
        ("D003", Severity::Info, "cluster DNS goes with one node"),
        [
            "The cluster has three control planes, so that it outlives one, and every DNS pod that is ready is on one node: without that node \
            no name is resolved until the pods run elsewhere, some five minutes. kubeadm and kind begin so, with both pods on the first \
            node, and k3s with one pod.",
            "Run two, `kubectl scale deployment coredns -n kube-system --replicas=2`; where there are two already, have them placed anew: \
            `kubectl rollout restart deployment coredns -n kube-system`.",
            "a cluster with fewer than three control planes, which does not outlive its first node anyway.",
        ],
        &["Pod", "Node"],
        one_node,
    ),
];

/// Whether it is the Service of cluster DNS. Every distribution calls it so, whatever server is behind it.
pub(in crate::doctor) fn is_dns(service: &Value) -> bool {
    service["metadata"]["namespace"] == "kube-system" && service["metadata"]["name"] == "kube-dns"
}

/// The Service of cluster DNS.
pub(in crate::doctor) fn service(snapshot: &Snapshot) -> Option<&Value> {
    snapshot.get(&ObjectRef::new("v1", "Service", Some("kube-system"), "kube-dns"))
}

fn down(evidence: &Evidence) -> Verdict {
    if !evidence.knows("Service", "kube-system") {
        return Verdict::Unknown { because: "the namespace kube-system was not read".to_owned() };
    }
    each_that(evidence, ("", "Service"), is_dns, |_, reference| {
        (ready_endpoints(&reference, evidence)? == 0).then(|| {
            let message =
                "cluster DNS does not answer: no pod behind the Service kube-dns is ready, so no name can be resolved";
            let fix = format!("Look at its pods: `kubectl get pods{} -l k8s-app=kube-dns`.", flag(&reference));
            Finding::new(reference, "NoReadyEndpoints", message).fix(fix)
        })
    })
}

/// Control planes from which on a cluster outlives one of them.
const OUTLIVES: usize = 3;

fn one_node(evidence: &Evidence) -> Verdict {
    let planes = evidence.snapshot.of_kind("", "Node");
    let planes =
        planes.filter(|node| !node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"].is_null()).count();
    let is_dns_pod = |pod: &&Value| pod["metadata"]["labels"]["k8s-app"] == "kube-dns";
    let pods: Vec<&Value> = evidence.snapshot.in_namespace("", "Pod", "kube-system").filter(is_dns_pod).collect();
    let ready = pods.iter().filter(|pod| is_true(pod, "Ready").is_some());
    let nodes: std::collections::BTreeSet<&str> = ready.filter_map(|pod| text(pod, "/spec/nodeName")).collect();
    let only = nodes.first().filter(|_| planes >= OUTLIVES && nodes.len() == 1);
    let finding = only.zip(service(&evidence.snapshot).and_then(ObjectRef::of)).map(|(node, service)| {
        let message = format!("every pod of cluster DNS that is ready is on the node {node}");
        // Whatever the Deployment is called here.
        let maker = pods.first().and_then(|pod| Some(top(&ObjectRef::of(pod)?, &evidence.snapshot)));
        let name = maker.filter(|maker| maker.kind == "Deployment").map_or("coredns".to_owned(), |maker| maker.name);
        let fix = if pods.len() > 1 {
            format!("Have them placed anew: `kubectl rollout restart deployment {name} -n kube-system`.")
        } else {
            format!("Run two: `kubectl scale deployment {name} -n kube-system --replicas=2`.")
        };
        Finding::new(service, "OneNode", message).fix(fix)
    });
    Verdict::of(if planes >= OUTLIVES { pods.len() } else { 0 }, finding.into_iter().collect())
}

fn looped(evidence: &Evidence) -> Verdict {
    let is_dns = |pod: &Value| pod["metadata"]["labels"]["k8s-app"] == "kube-dns";
    each_that(evidence, ("", "Pod"), is_dns, |pod, reference| {
        let words = items(pod, "/status/containerStatuses").flat_map(|status| {
            ["/state/terminated/message", "/lastState/terminated/message"].into_iter().filter_map(|at| text(status, at))
        });
        let said =
            words.flat_map(str::lines).find(|line| line.contains("Loop (") && line.contains("detected"))?.to_owned();
        let message = format!("cluster DNS asks itself: {said}");
        let fix = "Name a resolver that is not on the loopback address: `kubectl edit configmap coredns -n kube-system`, the line `forward`.";
        Some(Finding::new(reference, "Loop", message).fix(fix))
    })
}
