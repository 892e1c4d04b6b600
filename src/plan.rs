//! A plan: ordered steps as data. Printable, comparable, serialisable, resumable. Making one reads nothing and writes nothing.

mod change;
pub mod chart;
pub mod compare;
pub mod difference;
pub mod install;
pub mod occasion;
pub mod order;
pub mod replace;
mod restart;
pub mod task;
pub mod uninstall;
pub mod verb;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::ClusterId;
use crate::object::ObjectRef;
pub use change::{Change, Choice, Conflict, FieldChange, Summary};
pub use occasion::{Lost, Occasion};

/// The field manager under which everything is applied.
pub const FIELD_MANAGER: &str = "seaworthy";
/// Label on every object of an installation: the stack.
pub const STACK_LABEL: &str = "seaworthy.dev/stack";
/// Label on every object of an installation: the namespace that, with the stack, is the installation's identity.
pub const NAMESPACE_LABEL: &str = "seaworthy.dev/namespace";

/// What is to be done to one installation, and the proof that it is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the plan as a whole does.
    pub purpose: Purpose,
    /// Which installation.
    pub installation: Installation,
    /// The cluster it was made for; the engine refuses another.
    pub cluster: ClusterId,
    /// In an order in which they could be done one after the other.
    pub steps: Vec<Step>,
    /// The ways into the stack once it is installed; the first is proven by a step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<Reach>,
    /// Why a recovery is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<Box<Occasion>>,
}

/// What a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Bring the installation to what the stack and the values say.
    Install,
    /// Take the installation away, but for its data.
    Uninstall,
    /// Bring back what was lost: a playbook, compiled. Its steps go one after the other.
    Recover,
    /// Do something about what the doctor has found. Its steps go one after the other.
    Remedy,
    /// The brake: save what is known of the data, and keep every volume.
    Hold,
    /// Copy what an installation has to this machine. Its steps go one after the other; what was stopped for it is started again on every
    /// way out.
    Backup,
    /// Bring an installation's data back from a backup. Its steps go one after the other.
    Restore,
    /// Make a cluster on this machine.
    CreateCluster,
    /// Bring a cluster of this machine back whose nodes were stopped.
    StartCluster,
    /// Delete a cluster of this machine, with what lies in it.
    DeleteCluster,
    /// Put images into nodes.
    LoadImages,
    /// Save images to an archive.
    SaveImages,
}

impl Purpose {
    /// Whether it is about this machine, and not about what is in a cluster.
    pub fn is_of_host(self) -> bool {
        match self {
            Self::Install
            | Self::Uninstall
            | Self::Recover
            | Self::Remedy
            | Self::Hold
            | Self::Backup
            | Self::Restore => false,
            Self::CreateCluster | Self::StartCluster | Self::DeleteCluster | Self::LoadImages | Self::SaveImages => {
                true
            }
        }
    }

    /// In a word or two, for lists of runs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Uninstall => "uninstall",
            Self::Recover => "recover",
            Self::Remedy => "doctor --fix",
            Self::Hold => "hold",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::CreateCluster => "cluster create",
            Self::StartCluster => "cluster up",
            Self::DeleteCluster => "cluster delete",
            Self::LoadImages => "images load",
            Self::SaveImages => "images save",
        }
    }
}

/// (stack, namespace) is the identity; the rest is what was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Name of the stack.
    pub stack: String,
    /// Version of the stack.
    pub version: String,
    /// The namespace it goes to.
    pub namespace: String,
    /// The release name, on which object names are built.
    pub release: String,
    /// `single-node` or `ha`.
    pub profile: String,
}

impl Installation {
    /// The name of the installation's lock, record and runs: unique in a cluster.
    pub fn key(&self) -> String {
        format!("{}.{}", self.namespace, self.stack)
    }

    /// A cluster of this machine, where an installation is asked for: its distribution and its name are its identity.
    pub fn of_cluster(distribution: &str, name: &str, version: &str) -> Self {
        Self {
            stack: distribution.to_owned(),
            version: version.to_owned(),
            namespace: name.to_owned(),
            release: name.to_owned(),
            profile: String::new(),
        }
    }
}

/// One action with what it will change and what must be done before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Stable: the same step of the same stack has the same id in every plan.
    pub id: String,
    /// For people: what the step does.
    pub title: String,
    /// The component of the stack that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Ids of the steps that must be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// What is done.
    pub action: Action,
    /// What that changes in the cluster as it was when the plan was made.
    pub change: Change,
}

impl Step {
    /// What it does of a recovery.
    pub fn verb(&self) -> Option<&verb::Verb> {
        match &self.action {
            Action::Rescue { verb, .. } => Some(verb),
            _ => None,
        }
    }
}

/// The verbs of the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Server-side apply of an object.
    Apply {
        /// The whole object as wanted. In a Secret the values are replaced when the plan is written down.
        object: Value,
    },
    /// Wait until an object is ready (see [`crate::engine::ready`] for what that means for each kind).
    Await {
        /// The object.
        object: ObjectRef,
    },
    /// Delete an object and wait until it is gone.
    Delete {
        /// The object.
        object: ObjectRef,
        /// Only this incarnation of it.
        uid: String,
    },
    /// Open the stack's entry through a forward and prove that it answers.
    Reach {
        /// Where and how.
        reach: Reach,
    },
    /// A step of a recovery: observed, done when its gate is open, and proven by observing again.
    Rescue {
        /// What is done.
        verb: Box<verb::Verb>,
        /// How long the proof may take, seconds; it overrides the limit of the run.
        limit: u64,
    },
    /// Something on this machine: observed, done when it is not as wanted, and proven by observing again.
    Host {
        /// What is done.
        task: Box<task::Task>,
    },
}

/// A way to the application, and how to know that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Name within the stack, such as `api`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Namespace of the Service.
    pub namespace: String,
    /// The Service.
    pub service: String,
    /// Name or number of the Service's port.
    pub port: String,
    /// Path of the request that proves it.
    pub path: String,
    /// The status that the answer must have.
    pub status: u16,
    /// A text that the answer must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
}

impl Plan {
    /// The folder of the backup that the plan makes, and what stands at its head.
    pub fn sealed(&self) -> Option<(&str, &verb::Head)> {
        self.steps.iter().find_map(|step| match step.verb()? {
            verb::Verb::Seal { folder, head } => Some((folder.as_str(), &**head)),
            _ => None,
        })
    }

    /// Whether running the plan would write anything to the cluster.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| step.change.writes())
    }

    /// Counts the steps by what they change.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for step in &self.steps {
            match &step.change {
                Change::Create => summary.create += 1,
                Change::Update { .. } => summary.update += 1,
                Change::Replace { .. } => summary.replace += 1,
                Change::Delete => summary.delete += 1,
                Change::Unchanged => summary.unchanged += 1,
                Change::Keep { .. } => summary.keep += 1,
                Change::Observe => {}
            }
        }
        summary.undecided = self.conflicts().filter(|(_, conflict)| conflict.choice == Choice::Stop).count();
        summary
    }

    /// Every field that somebody else owns, with its step.
    pub fn conflicts(&self) -> impl Iterator<Item = (&Step, &Conflict)> {
        self.steps.iter().flat_map(|step| match &step.change {
            Change::Update { conflicts, .. } => conflicts.iter().map(|conflict| (step, conflict)).collect::<Vec<_>>(),
            _ => Vec::new(),
        })
    }

    /// The objects that the plan applies.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Apply { object } => Some(object),
            _ => None,
        })
    }

    /// The release that the plan has helm bring to a chart.
    pub fn deployment(&self) -> Option<&task::helm::Deployment> {
        self.tasks().find_map(|task| match task {
            task::Task::DeployRelease { deployment } => Some(&**deployment),
            _ => None,
        })
    }

    /// What the plan does on this machine.
    pub fn tasks(&self) -> impl Iterator<Item = &task::Task> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Host { task } => Some(&**task),
            _ => None,
        })
    }

    /// The objects that are there when the plan is done: those that it applies, and those of its release.
    pub fn wanted(&self) -> impl Iterator<Item = ObjectRef> {
        let released = self.deployment().into_iter().flat_map(|deployment| deployment.objects.iter().cloned());
        self.objects().filter_map(ObjectRef::of).chain(released)
    }

    /// The plan as it may be shown and written down: without the values of Secrets.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let mut plan = self.clone();
        for step in &mut plan.steps {
            if let Action::Host { task } = &mut step.action
                && let task::Task::DeployRelease { deployment } = &mut **task
            {
                **deployment = deployment.without_secrets();
            }
            if let Action::Apply { object } = &mut step.action
                && object["kind"] == "Secret"
            {
                for key in ["data", "stringData"] {
                    let values = object.get_mut(key).and_then(Value::as_object_mut);
                    values
                        .into_iter()
                        .flat_map(serde_json::Map::values_mut)
                        .for_each(|v| *v = difference::HIDDEN.into());
                }
            }
        }
        plan
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

impl Action {
    /// The object that the action is about.
    pub fn object(&self) -> Option<ObjectRef> {
        match self {
            Self::Apply { object } => ObjectRef::of(object),
            Self::Await { object } | Self::Delete { object, .. } => Some(object.clone()),
            Self::Rescue { verb, .. } => verb.object(),
            Self::Reach { .. } | Self::Host { .. } => None,
        }
    }

    /// The objects that tell how far it is.
    pub fn reads(&self) -> Vec<ObjectRef> {
        match self {
            Self::Rescue { verb, .. } => verb.reads(),
            other => other.object().into_iter().collect(),
        }
    }
}
