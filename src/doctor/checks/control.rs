//! The control plane, as far as it tells of itself.

use super::{each_that, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::span;
use crate::object::ObjectRef;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("A001", Severity::Critical, "a part of the API server is not well"),
        [
            "The API server answers, but says of one of its parts that it is not ready. Most often it is etcd, its store.",
            "See which, `kubectl get --raw '/readyz?verbose'`, and look after it on the control plane's machine.",
            "an API server that does not say (`/readyz` is closed to us): then the check could not tell.",
        ],
        &[],
        parts,
    ),
    looks(
        ("A006", Severity::Error, "a controller of the control plane does not run"),
        [
            "kube-controller-manager or kube-scheduler has not renewed its lease for a minute: nobody makes pods for \
            workloads, or nobody gives pods a node.",
            "Look after it: `kubectl get pods -n kube-system`, or its service on the control plane's machine.",
            "a cluster that shows no such lease, as with some hosted control planes.",
        ],
        &["Lease"],
        leaders,
    ),
];

/// The leases of those who must be there.
const LEADERS: [&str; 2] = ["kube-controller-manager", "kube-scheduler"];
/// Seconds after which a leader that runs has renewed its lease; it does every 2 s, and 15 s make it lose it.
const RENEWS: i64 = 60;

fn parts(evidence: &Evidence) -> Verdict {
    let Some(readyz) = &evidence.readyz else {
        return Verdict::Unknown { because: "the API server did not say how it is (/readyz)".to_owned() };
    };
    let parts: Vec<&str> = readyz.lines().filter(|line| line.starts_with('[')).collect();
    let bad: Vec<&str> = parts.iter().filter_map(|line| line.strip_prefix("[-]")).collect();
    let finding = (!bad.is_empty()).then(|| {
        let message = format!("the API server is not well: {}", bad.join("; "));
        let server = ObjectRef::new("v1", "Service", Some("default"), "kubernetes");
        Finding::new(server, "NotReady", message).fix("See more: `kubectl get --raw '/readyz?verbose'`.")
    });
    Verdict::of(parts.len(), finding.into_iter().collect())
}

fn leaders(evidence: &Evidence) -> Verdict {
    let is_leader = |lease: &serde_json::Value| {
        let (name, namespace) = (&lease["metadata"]["name"], &lease["metadata"]["namespace"]);
        namespace == "kube-system" && LEADERS.iter().any(|leader| name == leader)
    };
    each_that(evidence, ("coordination.k8s.io", "Lease"), is_leader, |lease, reference| {
        let since = evidence.since(lease, "/spec/renewTime").filter(|since| *since > RENEWS)?;
        let message = format!("{} does not run: it has not renewed its lease for {}", reference.name, span(since));
        Some(Finding::new(reference, "LeaseExpired", message).fix("Look after it: `kubectl get pods -n kube-system`."))
    })
}
