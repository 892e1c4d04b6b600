//! What runs have changed on this machine and was not taken back since: from their journals, which are kept for that. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::runs::RunRecord;
use crate::plan::task::Task;
use crate::plan::{Action, Step};

/// Something that a run has left on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// What, in a few words.
    pub what: String,
    /// The run that did it last.
    pub run: String,
    /// When that run was begun.
    pub at: Timestamp,
    /// The command that takes it back.
    pub undo: String,
    /// Where it lies, when it is a file: one that is not there any more is no trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<std::path::PathBuf>,
}

/// What these runs have left, the oldest first. `runs`: oldest first.
pub fn ledger(runs: &[RunRecord]) -> Vec<Trace> {
    let mut left: BTreeMap<Key, Trace> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.plan.purpose.is_of_host()) {
        for step in run.plan.steps.iter().filter(|step| run.done.contains(&step.id)) {
            note(&mut left, run, step);
        }
    }
    let mut all: Vec<Trace> = left.into_values().collect();
    all.sort_by(|one, other| (one.at, &one.what).cmp(&(other.at, &other.what)));
    all
}

/// What a trace is about: its kind, and its name.
type Key = (&'static str, String);

fn note(left: &mut BTreeMap<Key, Trace>, run: &RunRecord, step: &Step) {
    let Action::Host { task } = &step.action else { return };
    let mut leave = |key: Key, what: String, undo: String, file| {
        let trace = Trace { what, run: run.run.clone(), at: run.at, undo, file };
        left.insert(key, trace);
    };
    match task.as_ref() {
        Task::CreateKind { cluster, folders, .. } => {
            let what = format!("cluster {} of kind in {}", cluster.name, cluster.engine.product);
            let undo = format!("seaworthy cluster delete {}", cluster.name);
            leave(("cluster", cluster.name.clone()), what, undo, None);
            for folder in folders {
                let path = folder.display().to_string();
                let what = format!("folder {path}, which the nodes of {} share", cluster.name);
                leave(("folder", path.clone()), what, format!("rm -r {path}"), Some(folder.clone()));
            }
        }
        Task::DeleteKind { cluster } => {
            left.remove(&("cluster", cluster.name.clone()));
            // Nodes of kind are named after their cluster, and what was put into them went with them.
            let prefix = format!("{}-", cluster.name);
            left.retain(|(kind, name), _| *kind != "images" || !name.starts_with(&prefix));
        }
        Task::WriteFile { path, .. } => {
            let name = path.display().to_string();
            leave(("file", name.clone()), format!("file {name}"), format!("rm {name}"), Some(path.clone()));
        }
        Task::StartUnit { unit } => {
            let undo = format!("systemctl disable --now {unit}");
            leave(("unit", unit.clone()), format!("{unit}, which starts at every boot"), undo, None);
        }
        Task::LoadImage { node, cargo } => {
            let what = format!("image {} in node {}", cargo.image, node.name);
            let undo = format!("crictl rmi {}, in {}", cargo.image, node.name);
            leave(("images", format!("{}-{}", node.name, cargo.image)), what, undo, None);
        }
        Task::SaveImages { file, .. } => {
            let name = file.display().to_string();
            leave(("file", name.clone()), format!("archive {name}"), format!("rm {name}"), Some(file.clone()));
        }
        // Those leave nothing, or leave it in a cluster.
        Task::TrustAuthority { .. }
        | Task::ClusterReady { .. }
        | Task::StartContainer { .. }
        | Task::DeployRelease { .. }
        | Task::FreeRelease { .. }
        | Task::RemoveRelease { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;
    use crate::cluster::ClusterId;
    use crate::engine::journal::{Inputs, RunState};
    use crate::host::engines::Product;
    use crate::plan::task::{Door, KindCluster};
    use crate::plan::{Change, Installation, Plan, Purpose};

    fn run(number: i64, purpose: Purpose, tasks: Vec<Task>, done: usize) -> RunRecord {
        let step = |(number, task): (usize, Task)| Step {
            id: number.to_string(),
            title: String::new(),
            component: None,
            needs: Vec::new(),
            action: Action::Host { task: Box::new(task) },
            change: Change::Create,
        };
        let steps: Vec<Step> = tasks.into_iter().enumerate().map(step).collect();
        let text = String::new;
        RunRecord {
            run: number.to_string(),
            at: Timestamp::new(number, 0).unwrap(),
            command: None,
            inputs: Inputs::default(),
            done: (0..done).map(|number| number.to_string()).collect::<BTreeSet<_>>(),
            agreed: BTreeSet::new(),
            plan: Plan {
                purpose,
                installation: Installation::of_cluster("kind", "harbour", ""),
                cluster: ClusterId { context: text(), server: text(), uid: text() },
                steps,
                reach: Vec::new(),
                occasion: None,
            },
            state: RunState::Done,
            causes: Vec::new(),
            resumed: 0,
            times: crate::engine::journal::Times::default(),
        }
    }

    fn kind() -> KindCluster {
        let engine = Door { product: Product::Docker, url: String::new() };
        KindCluster { name: "harbour".into(), engine, program: PathBuf::from("kind"), kubeconfig: None }
    }

    fn create() -> Task {
        Task::CreateKind {
            cluster: kind(),
            image: None,
            config: String::new(),
            folders: vec![PathBuf::from("/srv/shared")],
            nodes: vec!["harbour-control-plane".into()],
            since: Timestamp::UNIX_EPOCH,
            evidence: PathBuf::new(),
            retain: false,
        }
    }

    fn told(runs: &[RunRecord]) -> Vec<String> {
        ledger(runs).into_iter().map(|trace| format!("{} ({}): {}", trace.what, trace.run, trace.undo)).collect()
    }

    #[test]
    fn what_was_done_is_left_until_it_is_taken_back() {
        let made = run(1, Purpose::CreateCluster, vec![create()], 1);
        let file = |path: &str| Task::WriteFile { path: path.into(), text: String::new(), mode: 0o600 };
        let unit = Task::StartUnit { unit: "k3s.service".into() };
        let server =
            run(2, Purpose::CreateCluster, vec![file("/etc/rancher/k3s/config.yaml"), unit, file("/never")], 2);
        assert_eq!(
            told(&[made.clone(), server]),
            [
                "cluster harbour of kind in docker (1): seaworthy cluster delete harbour",
                "folder /srv/shared, which the nodes of harbour share (1): rm -r /srv/shared",
                "file /etc/rancher/k3s/config.yaml (2): rm /etc/rancher/k3s/config.yaml",
                "k3s.service, which starts at every boot (2): systemctl disable --now k3s.service",
            ]
        );
        let gone = run(3, Purpose::DeleteCluster, vec![Task::DeleteKind { cluster: kind() }], 1);
        assert_eq!(
            told(&[made, gone]),
            ["folder /srv/shared, which the nodes of harbour share (1): rm -r /srv/shared"]
        );
    }
}
