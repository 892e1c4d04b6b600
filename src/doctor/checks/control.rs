//! The control plane, as far as it tells of itself.

use std::time::Duration;

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
        ("A003", Severity::Warning, "the API server answers slowly"),
        [
            "One short answer took longer than 2 s: the control plane is overloaded, its etcd has a slow disk, or the way to it is bad. Every \
            controller waits as long, and what is reported here may be late.",
            "Compare with the machine itself: `kubectl get --raw /livez` there and here, each with `time`; look at its CPU and at etcd's disk.",
            "a cluster that is far away and answers within 2 s.",
        ],
        &[],
        slow,
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

/// Milliseconds within which an API server that is well says its version, from anywhere.
const SLOW: u64 = 2000;

fn slow(evidence: &Evidence) -> Verdict {
    // A list that somebody printed does not say.
    let Some(answered) = evidence.answered else { return Verdict::Pass { looked: 0 } };
    let finding = (answered > SLOW).then(|| {
        let took = Duration::from_millis(answered).as_secs_f64();
        let message = format!("the API server took {took:.1} s for one short answer: it is overloaded, or far away");
        let server = ObjectRef::new("v1", "Service", Some("default"), "kubernetes");
        Finding::new(server, "Slow", message).fix(
            "See how long it takes on its own machine: `kubectl get --raw /livez`; look at its CPU and at etcd's disk.",
        )
    });
    Verdict::of(1, finding.into_iter().collect())
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
