//! This machine, when the cluster is on it: what makes every command against it fail.

use super::looks;
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::{Evidence, HostFacts};
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("E001", Severity::Warning, "no container engine of this machine answers"),
        [
            "The cluster's nodes are containers of this machine, and its engine does not answer us: nodes can be neither looked at nor \
            started again, and no cluster can be made.",
            "Start the engine, `sudo systemctl start docker`; when it refuses you, join its group, `sudo usermod -aG docker $USER`, and log in \
            again.",
            "a cluster whose nodes are no containers, and a machine without any engine: its nodes are elsewhere, behind a tunnel.",
        ],
        &[],
        no_engine,
    ),
    looks(
        ("K001", Severity::Critical, "a kubeconfig file cannot be read"),
        [
            "kubectl reads every file of `KUBECONFIG` and gives up when one of them is broken; Seaworthy goes on with the good ones.",
            "Mend the file at the place that is named, or take it out of `KUBECONFIG`: `kubectl config view` tells when it is well.",
            "a file that is not there, which kubectl passes over.",
        ],
        &[],
        broken_file,
    ),
];

fn judge(evidence: &Evidence, look: impl Fn(&HostFacts) -> Option<Finding>) -> Verdict {
    let Some(host) = &evidence.host else { return Verdict::Pass { looked: 0 } };
    Verdict::of(1, look(host).into_iter().collect())
}

fn place(name: &str) -> ObjectRef {
    ObjectRef::new("seaworthy.dev/v1", "Host", None, name)
}

fn no_engine(evidence: &Evidence) -> Verdict {
    let is_container = |id: &str| id.starts_with("kind://") || id.starts_with("k3s://k3d-");
    let mut nodes = evidence.snapshot.of_kind("", "Node");
    let is_ours = nodes.any(|node| text(node, "/spec/providerID").is_some_and(is_container));
    if !is_ours {
        return Verdict::Pass { looked: 0 };
    }
    judge(evidence, |host| {
        (host.engines.is_empty() && !host.unusable.is_empty()).then(|| {
            let message = format!("no container engine of this machine answers: {}", host.unusable.join("; "));
            Finding::new(place("engine"), "NoEngine", message)
                .fix("Start it, or see to it that you may use it; what there is: `seaworthy detect`.")
        })
    })
}

fn broken_file(evidence: &Evidence) -> Verdict {
    judge(evidence, |host| {
        let first = host.broken.first()?;
        let message = format!("a kubeconfig file cannot be read, and kubectl gives up on it: {first}");
        let finding = Finding::new(place("kubeconfig"), "BrokenKubeconfig", message);
        let finding = host.broken.iter().skip(1).fold(finding, Finding::saw);
        Some(finding.fix("Mend it there, or take the file out of `KUBECONFIG`; then `kubectl config view` works."))
    })
}
