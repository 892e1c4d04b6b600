//! This machine, when the cluster is on it: what makes every command against it fail.

use super::looks;
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::{Evidence, HostFacts};
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("E001", Severity::Critical, "no container engine of this machine answers"),
        [
            "The cluster's nodes are containers of this machine, and no engine can be asked: nodes can be neither looked at nor started \
            again, and no cluster can be made.",
            "Start the engine, `systemctl start docker`, or join its group: `usermod -aG docker USER`.",
            "a cluster whose nodes are no containers of this machine.",
        ],
        &[],
        no_engine,
    ),
    looks(
        ("K001", Severity::Critical, "a kubeconfig file cannot be read"),
        [
            "kubectl reads every file of `KUBECONFIG` and gives up when one of them is broken; Seaworthy goes on with the good ones.",
            "Mend the file at the place that is named, or take it out of `KUBECONFIG`.",
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
        host.engines.is_empty().then(|| {
            let why = if host.unusable.is_empty() { "there is none".to_owned() } else { host.unusable.join("; ") };
            let message = format!("no container engine of this machine answers: {why}");
            Finding::new(place("engine"), "NoEngine", message).fix("See what there is: `seaworthy detect`.")
        })
    })
}

fn broken_file(evidence: &Evidence) -> Verdict {
    judge(evidence, |host| {
        let first = host.broken.first()?;
        let message = format!("a kubeconfig file cannot be read, and kubectl gives up on it: {first}");
        let finding = Finding::new(place("kubeconfig"), "BrokenKubeconfig", message);
        let finding = host.broken.iter().skip(1).fold(finding, |finding, line| finding.saw(line));
        Some(finding.fix("Mend it there, or take it out of `KUBECONFIG`."))
    })
}
