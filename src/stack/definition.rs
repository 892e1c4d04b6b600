//! `stack.yaml` as types; `docs/writing-a-stack.md` explains each of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::fault::Severity;

/// What a stack is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The version of this format; 1.
    pub format: u32,
    /// Its name, also the folder's.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it does.
    pub description: String,
    /// The version of the application.
    #[serde(deserialize_with = "text")]
    pub version: String,
    /// Where it stands among the stacks: lower numbers first. Without one it stands behind those that have one.
    pub order: Option<u32>,
    /// Why the registries that it names give its images to nobody, where that is so.
    pub unpublished: Option<String>,
    /// The official chart whose names the values have.
    pub chart: Option<Chart>,
    /// The namespace it goes to unless told otherwise; without one, the stack's name.
    pub namespace: Option<String>,
    /// Why it works in that namespace and in no other, where that is so.
    #[serde(rename = "onlyNamespace")]
    pub only_namespace: Option<String>,
    /// What the pods of that namespace may do, where this program makes the namespace; without one, as the cluster has it.
    #[serde(rename = "podSecurity")]
    pub pod_security: Option<PodSecurity>,
    /// The versions of Kubernetes it can run on.
    pub kubernetes: Option<String>,
    /// Its parts, in the order in which people should read them.
    #[serde(default)]
    pub components: Vec<Component>,
    /// Manifests that belong to no component.
    #[serde(default)]
    pub shared: Vec<String>,
    /// Its profiles.
    pub profiles: BTreeMap<String, Profile>,
    /// The setting that names the storage class of volumes that several nodes write to, for whoever has to be told to change it.
    #[serde(rename = "sharedClass")]
    pub shared_class: Option<String>,
    /// Rules across values.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// How a user gets to it.
    #[serde(default)]
    pub reach: Vec<Reach>,
    /// What a component says in its log each time it has started in the sandbox, where nothing runs: what playbooks wait for.
    #[serde(default)]
    pub simulation: BTreeMap<String, Vec<String>>,
    /// What is otherwise here than where the stack is known from.
    #[serde(default)]
    pub differs: Vec<Difference>,
    /// Texts of chart and document that stand for a value and are none.
    #[serde(default)]
    pub placeholders: Vec<String>,
    /// What the application makes while it runs, and nothing owns.
    #[serde(default)]
    pub runtime: Vec<RunTime>,
}

impl Definition {
    /// What stands for one that cannot be read: a name, and profiles of which nothing is known.
    pub(super) fn unknown(name: &str, profiles: impl Iterator<Item = String>) -> Self {
        let profile = || Profile {
            title: String::new(),
            description: String::new(),
            needs: Needs::default(),
            survives: Vec::new(),
        };
        Self {
            format: 1,
            name: name.to_owned(),
            title: String::new(),
            description: String::new(),
            version: String::new(),
            order: None,
            unpublished: None,
            chart: None,
            namespace: None,
            only_namespace: None,
            pod_security: None,
            kubernetes: None,
            components: Vec::new(),
            shared: Vec::new(),
            profiles: profiles.map(|name| (name, profile())).collect(),
            shared_class: None,
            rules: Vec::new(),
            reach: Vec::new(),
            simulation: BTreeMap::new(),
            differs: Vec::new(),
            placeholders: Vec::new(),
            runtime: Vec::new(),
        }
    }

    /// The namespace it goes to unless told otherwise.
    pub fn default_namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(&self.name)
    }

    /// The labels by which its namespace says what its pods may do.
    pub fn namespace_labels(&self) -> BTreeMap<String, String> {
        let modes =
            self.pod_security.into_iter().flat_map(|level| ["enforce", "audit", "warn"].map(|mode| (mode, level)));
        modes.map(|(mode, level)| (format!("pod-security.kubernetes.io/{mode}"), level.name().to_owned())).collect()
    }

    /// The profile used unless told otherwise: the smallest.
    pub fn default_profile(&self) -> &str {
        let first = self.profiles.keys().next().map_or("single-node", String::as_str);
        if self.profiles.contains_key("single-node") { "single-node" } else { first }
    }

    /// The component of this name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }
}

/// A level of Kubernetes' Pod Security Standards (kubernetes.io/docs/concepts/security/pod-security-standards).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PodSecurity {
    /// Everything: the node's network, its files.
    Privileged,
    /// Nothing that is known to lead out of a container.
    Baseline,
    /// As little as will do.
    Restricted,
}

impl PodSecurity {
    /// Its name, as a label has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// An official chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// The version whose names the values have.
    #[serde(deserialize_with = "text")]
    pub version: String,
    /// Settings that the chart does not know: they are left out of what helm is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ours: Vec<String>,
    /// What is known not to work in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<ChartFailure>,
}

/// Something that is known not to work in a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartFailure {
    /// The versions of the chart in which it is so; without them, all.
    pub versions: Option<String>,
    /// The values with which it is so, as an expression; without one, all.
    pub when: Option<String>,
    /// What happens, and what can be done, in a line.
    pub what: String,
    /// Whether nothing can come of an install.
    #[serde(default)]
    pub fatal: bool,
}

/// One workload of a stack with its services, volumes and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Its name: the label `app.kubernetes.io/component`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it does.
    pub description: Option<String>,
    /// The value that switches it; without one it is always there.
    pub enabled: Option<String>,
    /// Its files under `manifests/`.
    pub manifests: Vec<String>,
    /// The components that must be ready before it is applied.
    #[serde(default)]
    pub after: Vec<String>,
}

/// An overlay of values, and what the stack then needs of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name for people.
    pub title: String,
    /// Whom it is for.
    pub description: String,
    /// What the cluster must have.
    #[serde(default)]
    pub needs: Needs,
    /// What becomes of it when something is lost, each loss once.
    #[serde(default)]
    pub survives: Vec<Survival>,
}

/// What becomes of a stack when something is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survival {
    /// What is lost.
    pub loss: Loss,
    /// Whether it goes on, with all that it has kept.
    pub holds: Holds,
    /// What becomes of it, in a line.
    pub what: String,
}

/// Something that can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// A pod.
    Pod,
    /// A node with all that runs on it; its disk comes back with it.
    Node,
    /// A disk with all that lies on it.
    Disk,
}

impl Loss {
    /// All of them, the smallest first.
    pub const ALL: [Self; 3] = [Self::Pod, Self::Node, Self::Disk];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pod => "a pod",
            Self::Node => "a node",
            Self::Disk => "a disk",
        }
    }
}

/// Whether something goes on after a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// It does.
    Yes,
    /// A part of it does not, for a while or for good.
    Partly,
    /// It does not.
    No,
}

impl Holds {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
        }
    }
}

impl Profile {
    /// What becomes of it when this is lost; `None`: that is not said.
    pub fn survival(&self, loss: Loss) -> Option<&Survival> {
        self.survives.iter().find(|survival| survival.loss == loss)
    }
}

/// What a cluster must have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Needs {
    /// Schedulable nodes.
    pub nodes: u32,
    /// Allocatable processors, as a Kubernetes quantity; empty: not said.
    #[serde(deserialize_with = "text")]
    pub cpu: String,
    /// Allocatable memory, as a Kubernetes quantity; empty: not said.
    #[serde(deserialize_with = "text")]
    pub memory: String,
    /// A default storage class.
    pub storage_class: bool,
    /// Prerequisites by name.
    pub prerequisites: Vec<String>,
    /// Ports of the machine that a cluster made for it leads to ports of its nodes: `[ADDRESS:]HOST:NODE[/udp]`.
    pub ports: Vec<String>,
    /// Folders that all nodes of a cluster made for it share, by their path in the nodes.
    pub folders: Vec<String>,
}

/// Where a stack is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The official chart.
    Chart,
    /// The document that describes it.
    Document,
}

impl Source {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chart => "the chart",
            Self::Document => "the document",
        }
    }
}

/// Something that is otherwise here than where the stack is known from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Than what.
    pub from: Source,
    /// What, and why, in a line.
    pub what: String,
}

/// Objects that the application makes while it runs. Nothing owns them, so nothing takes them away with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTime {
    /// What they are, for people: `kernels`.
    pub title: String,
    /// Their group and version.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Their kind.
    pub kind: String,
    /// The label selector that finds them; a template. Empty where only their names tell.
    #[serde(default)]
    pub selector: String,
    /// A regular expression for the whole of their names, where labels do not tell them from others.
    pub names: Option<String>,
    /// Where they are; without one, in the release's namespace. A template.
    pub namespace: Option<String>,
}

/// A rule across values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The value it is about.
    pub path: String,
    /// When it applies; without one, always.
    pub when: Option<String>,
    /// What must be true.
    pub check: String,
    /// What is said when it is not.
    pub message: String,
    /// Whether it stops the work.
    #[serde(default)]
    pub severity: Severity,
}

/// A way by which a user gets to the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The component it leads to.
    pub component: String,
    /// The Service's name; a template.
    pub service: String,
    /// The name or number of the Service's port.
    #[serde(deserialize_with = "text")]
    pub port: String,
    /// The path to ask for.
    pub path: Option<String>,
    /// What the answer must be.
    pub expect: Option<Expect>,
}

/// What an answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// The HTTP status.
    pub status: u16,
    /// A text in the body.
    pub contains: Option<String>,
}

/// A text that people also write as a number: `version: 1.0`, `cpu: 2`.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        _ => Err(serde::de::Error::custom("expected a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_of_pod_security_is_three_labels() {
        let read = |text: &str| serde_json::from_str::<Definition>(text).unwrap();
        let common = r#""format": 1, "name": "a", "title": "A", "description": "A.", "version": "1", "profiles": {}"#;
        let privileged = read(&format!(r#"{{{common}, "podSecurity": "privileged"}}"#));
        let labels = ["audit", "enforce", "warn"].map(|mode| format!("pod-security.kubernetes.io/{mode}"));
        let expected: BTreeMap<_, _> = labels.into_iter().map(|label| (label, "privileged".to_owned())).collect();
        assert_eq!(privileged.namespace_labels(), expected);
        assert!(read(&format!("{{{common}}}")).namespace_labels().is_empty());
    }
}
