//! Which installations there are, whoever made them and however far they came: by the records in the cluster, by the labels
//! that every object of an installation carries, and by the runs of this machine.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::cluster::{Cluster, Resources};
use crate::doctor::Cause;
use crate::engine::journal::{RunRecord, RunState};
use crate::engine::record::InstallRecord;
use crate::object::{ObjectRef, text};
use crate::plan::{Installation, NAMESPACE_LABEL, Purpose, STACK_LABEL};
use crate::snapshot::collect::{Query, Scope, collect};
use crate::snapshot::{Snapshot, Unread};

/// The kinds by which an installation is found: no stack does without all of them.
const TELLING: [(&str, &str); 5] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolumeClaim"),
];

/// Which installations are meant; what is not said means all.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// Only of this stack.
    pub stack: Option<String>,
    /// Only in this namespace.
    pub namespace: Option<String>,
}

impl Sought {
    /// Whether this one is meant.
    pub fn means(&self, installation: &Installation) -> bool {
        let fits = |wanted: &Option<String>, is: &String| wanted.as_ref().is_none_or(|wanted| wanted == is);
        fits(&self.stack, &installation.stack) && fits(&self.namespace, &installation.namespace)
    }
}

/// How far an installation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A run brought it to its end.
    Finished,
    /// A run of it failed or was stopped, and none has finished it since.
    Unfinished,
    /// It was taken away; what may hold data is still there.
    Leftover,
}

/// An installation as far as it is known.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub installation: Installation,
    /// How far it has come.
    pub stage: Stage,
    /// Its objects.
    pub inventory: Vec<ObjectRef>,
    /// The newest run of it on this machine, unless somebody has finished another since.
    pub run: Option<RunRecord>,
}

/// What is worth knowing of the run that left an installation as it is.
#[derive(Debug, Clone, Serialize)]
pub struct LastRun {
    /// Its id.
    pub run: String,
    /// What it was to do.
    pub purpose: Purpose,
    /// The command, in a word.
    pub command: String,
    /// How it stands.
    pub state: RunState,
    /// Why it failed, the root first.
    pub causes: Vec<Cause>,
}

impl From<&RunRecord> for LastRun {
    fn from(record: &RunRecord) -> Self {
        let (run, causes) = (record.run.clone(), record.causes.clone());
        Self { run, purpose: record.plan.purpose, command: record.word().to_owned(), state: record.state, causes }
    }
}

/// The objects that carry the labels of installations: one list for each of a few kinds.
pub async fn labelled(cluster: &Cluster, sought: &Sought) -> Result<Snapshot, kube::Error> {
    let resources = Resources::default();
    let labels = match &sought.stack {
        Some(stack) => format!("{STACK_LABEL}={stack}"),
        None => STACK_LABEL.to_owned(),
    };
    let query = |(api_version, kind): (&str, &str)| {
        let resource = resources.of(&ObjectRef::new(api_version, kind, None, ""))?;
        Some(Query { resource, namespace: sought.namespace.clone(), scope: Scope::Labelled(labels.clone()) })
    };
    collect(&cluster.client, TELLING.into_iter().filter_map(query).collect()).await
}

/// The same, of a picture that has more than that.
pub fn labelled_in(whole: &Snapshot) -> Snapshot {
    let mut labelled = Snapshot::default();
    for (api_version, kind) in TELLING {
        let group = ObjectRef::new(api_version, kind, None, "").group().to_owned();
        let has_label = |object: &&Value| object["metadata"]["labels"].get(STACK_LABEL).is_some();
        whole.of_kind(&group, kind).filter(has_label).cloned().for_each(|object| labelled.insert(object));
    }
    labelled
}

/// Puts together what the cluster and this machine know. `runs`: those of this cluster, oldest first.
pub fn installations(
    records: &[InstallRecord],
    labelled: &Snapshot,
    runs: &[RunRecord],
    sought: &Sought,
) -> Vec<Found> {
    let mut traces: BTreeMap<String, Vec<ObjectRef>> = BTreeMap::new();
    let mut known: BTreeMap<String, Installation> = BTreeMap::new();
    for object in labelled.objects() {
        let Some((installation, reference)) = by_labels(object) else { continue };
        traces.entry(installation.key()).or_default().push(reference);
        known.insert(installation.key(), installation);
    }
    let latest: BTreeMap<String, &RunRecord> = runs
        .iter()
        .filter(|run| run.state != RunState::Abandoned && run.plan.purpose != Purpose::Remedy)
        // A backup that came to its end has changed nothing.
        .filter(|run| run.plan.purpose != Purpose::Backup || run.state.is_unfinished())
        .map(|run| (run.plan.installation.key(), run))
        .collect();
    known.extend(latest.iter().map(|(key, run)| (key.clone(), run.plan.installation.clone())));
    let records: BTreeMap<String, &InstallRecord> =
        records.iter().map(|record| (record.installation.key(), record)).collect();
    known.extend(records.iter().map(|(key, record)| (key.clone(), record.installation.clone())));
    let meant = known.into_iter().filter(|(_, installation)| sought.means(installation));
    let found = meant.filter_map(|(key, installation)| {
        let trace = traces.remove(&key).unwrap_or_default();
        let run = latest.get(&key).copied();
        match records.get(&key) {
            Some(record) => Some(recorded(record, run)),
            None => unrecorded(installation, trace, run),
        }
    });
    found.collect()
}

/// What the labels of an object say about where it belongs. Version and profile are in no label.
fn by_labels(object: &Value) -> Option<(Installation, ObjectRef)> {
    let label = |name: &str| object.get("metadata")?.get("labels")?.get(name)?.as_str().map(str::to_owned);
    let (stack, namespace) = (label(STACK_LABEL)?, label(NAMESPACE_LABEL)?);
    // The pods' own copies of labels, and what is on its way out, say nothing about what there is.
    if text(object, "/metadata/deletionTimestamp").is_some() {
        return None;
    }
    let (release, version, profile) = (stack.clone(), String::new(), String::new());
    Some((Installation { stack, version, namespace, release, profile }, ObjectRef::of(object)?))
}

fn recorded(record: &InstallRecord, run: Option<&RunRecord>) -> Found {
    // An older run was overtaken by whoever wrote the record.
    let run = run.filter(|run| run.run >= record.run);
    // After an upgrade that failed the installation is still one; half taken away it is none.
    let half_gone = |run: &RunRecord| run.plan.purpose == Purpose::Uninstall && run.state == RunState::Failed;
    let open = run.is_some_and(|run| run.state.is_unfinished() || half_gone(run));
    Found {
        installation: record.installation.clone(),
        stage: if open { Stage::Unfinished } else { Stage::Finished },
        inventory: record.inventory.clone(),
        run: run.cloned(),
    }
}

fn unrecorded(installation: Installation, trace: Vec<ObjectRef>, run: Option<&RunRecord>) -> Option<Found> {
    let planned = |run: &RunRecord| run.plan.wanted().collect::<BTreeSet<_>>();
    let only_data = trace.iter().all(|object| object.kind == "PersistentVolumeClaim");
    let found = |stage, inventory| Found { installation, stage, inventory, run: run.cloned() };
    match run.map(|run| (run.plan.purpose, run.state, run)) {
        // The record is best effort: the journal says as well that it is there. Without a trace somebody took it away.
        Some((Purpose::Install, RunState::Done, run)) if !only_data => {
            Some(found(Stage::Finished, planned(run).into_iter().collect()))
        }
        Some((_, RunState::Done, _)) | None if only_data => (!trace.is_empty()).then(|| found(Stage::Leftover, trace)),
        // What failed before it made anything has left nothing to speak of.
        Some((_, RunState::Failed, run)) if trace.is_empty() && run.done.is_empty() => None,
        Some((Purpose::Install, _, run)) => {
            let all = planned(run).into_iter().chain(trace).collect::<BTreeSet<_>>();
            Some(found(Stage::Unfinished, all.into_iter().collect()))
        }
        // Nothing else makes an installation or takes it away.
        Some(_) | None => Some(found(Stage::Unfinished, trace)),
    }
}

/// The kinds that could not be looked through, each once.
pub fn unread_kinds(unread: &[Unread]) -> Vec<&str> {
    unread.iter().map(|unread| unread.kind.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests;
