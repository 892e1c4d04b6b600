//! What a step does on this machine: clusters that are made, containers that are started. As data, so that it can be shown,
//! written down and taken up again.
//!
//! The rule is that of every step: look first; what is as wanted already is done. So a task that was killed anywhere can be
//! taken up, and what it left half done is recognised as its own by when it was made.

pub mod helm;
pub mod image;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Change;
use crate::host::engines::{Engine, Product};
use crate::object::ObjectRef;

use helm::{Deployment, Place};
use image::{Cargo, NodeDoor, Packed};

/// A container engine of this machine, and where it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// Which engine.
    pub product: Product,
    /// Its address, such as `unix:///var/run/docker.sock`.
    pub url: String,
}

impl Door {
    /// An engine that answered, at the address to prefer.
    pub fn of(engine: &Engine) -> Self {
        let url = engine.addresses.first().map(|address| address.url.clone()).unwrap_or_default();
        Self { product: engine.product, url }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.product, self.url)
    }
}

/// A cluster of kind, and the program that makes and deletes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCluster {
    /// The cluster's name; its context is `kind-NAME`.
    pub name: String,
    /// Where its nodes are containers.
    pub engine: Door,
    /// The `kind` program.
    pub program: PathBuf,
    /// The kubeconfig file that gets its context; `None`: whichever kind chooses (`KUBECONFIG`, else `~/.kube/config`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<PathBuf>,
}

impl KindCluster {
    /// The kubeconfig context that kind writes for it.
    pub fn context(&self) -> String {
        format!("kind-{}", self.name)
    }
}

/// What a step does on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum Task {
    /// Has kind make a cluster. Containers of that name which are younger than the plan are what an earlier try left, and go
    /// first; others are somebody else's, and stop it.
    CreateKind {
        /// Which cluster.
        cluster: KindCluster,
        /// The node image; `None`: the one that this version of kind was made for, or that the configuration names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// kind's configuration (`kind.x-k8s.io/v1alpha4`), as YAML.
        config: String,
        /// Folders of this machine that are mounted into the nodes, and made when they are not there.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        folders: Vec<PathBuf>,
        /// The containers that it will have.
        nodes: Vec<String>,
        /// When the plan was made: no container of that name was there.
        since: Timestamp,
        /// The folder that gets the logs of the nodes when it fails.
        evidence: PathBuf,
        /// Leave the containers of a failed creation as they are.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        retain: bool,
    },
    /// Makes a container trust a certificate authority that lies in it: its own programs and its container runtime.
    TrustAuthority {
        /// Where the container is.
        engine: Door,
        /// The container.
        container: String,
    },
    /// Waits until all nodes of a cluster are ready, and the pods of `kube-system`, as the cluster says.
    ClusterReady {
        /// The kubeconfig context.
        context: String,
        /// The kubeconfig file; `None`: those of the environment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kubeconfig: Option<PathBuf>,
        /// How many nodes it has.
        nodes: usize,
        /// The nodes whose containers were stopped.
        #[serde(default, skip_serializing_if = "Anew::is_nothing")]
        anew: Anew,
    },
    /// Starts a container that was stopped, and waits until it has its address.
    StartContainer {
        /// Where the container is.
        engine: Door,
        /// The container.
        container: String,
        /// The address that it had, as far as that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
    },
    /// Writes a file that is not there. One that is there with another content is never overwritten.
    WriteFile {
        /// Where.
        path: PathBuf,
        /// What. It stands in the journal, so it holds no secret.
        text: String,
        /// Its permissions, as `chmod` takes them in octal.
        mode: u32,
    },
    /// Has systemd start a unit, now and at every boot, and waits until it runs.
    StartUnit {
        /// The unit.
        unit: String,
    },
    /// Puts an image into the container runtime of a node.
    LoadImage {
        /// Which node.
        node: NodeDoor,
        /// Which image, and from where.
        cargo: Cargo,
    },
    /// Saves images to one archive, which is there whole or not at all.
    SaveImages {
        /// The archive; it is not there yet.
        file: PathBuf,
        /// The images.
        images: Vec<Packed>,
    },
    /// Has helm bring a release to a chart and values.
    DeployRelease {
        /// Which release, and from what.
        deployment: Box<Deployment>,
    },
    /// Has helm go back to a revision, so that a release is free again that helm holds to be under way.
    FreeRelease {
        /// Which release.
        place: Place,
        /// The revision that is under way, as helm has it.
        pending: u64,
        /// The one to go back to.
        to: u64,
    },
    /// Has helm take a release away.
    RemoveRelease {
        /// Which release.
        place: Place,
    },
    /// Has kind delete a cluster: its containers, their volumes, and its entries in the kubeconfig.
    DeleteKind {
        /// Which cluster.
        cluster: KindCluster,
    },
}

/// Nodes whose containers are started again: what they have said before is no proof of anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anew {
    /// Their names. The others went on all the while, and what they say holds.
    pub nodes: Vec<String>,
    /// When they were still stopped.
    pub since: Timestamp,
}

impl Anew {
    fn is_nothing(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What has to be newer than this to say anything about a node; `None`: whatever is there holds.
    pub fn of(&self, node: &str) -> Option<Timestamp> {
        self.nodes.iter().any(|name| name == node).then_some(self.since)
    }
}

impl Task {
    /// What it is about, in the words of events and causes.
    pub fn subject(&self) -> ObjectRef {
        let (kind, name) = match self {
            Self::LoadImage { node, .. } => ("Node", node.name.as_str()),
            Self::SaveImages { file, .. } => return ObjectRef::new("host", "File", None, &file.display().to_string()),
            Self::CreateKind { cluster, .. } | Self::DeleteKind { cluster } => ("Cluster", cluster.name.as_str()),
            Self::ClusterReady { context, .. } => ("Cluster", context.as_str()),
            Self::TrustAuthority { container, .. } | Self::StartContainer { container, .. } => {
                ("Container", container.as_str())
            }
            Self::WriteFile { path, .. } => return ObjectRef::new("host", "File", None, &path.display().to_string()),
            Self::StartUnit { unit } => ("Unit", unit.as_str()),
            Self::DeployRelease { deployment } => return deployment.place.subject(),
            Self::FreeRelease { place, .. } | Self::RemoveRelease { place } => return place.subject(),
        };
        ObjectRef::new("host", kind, None, name)
    }

    /// For people: what it does.
    pub fn title(&self) -> String {
        match self {
            Self::CreateKind { cluster, nodes, .. } => {
                let nodes = nodes.len();
                let what = if nodes == 1 { "one node".to_owned() } else { format!("{nodes} nodes") };
                format!("create cluster {} with kind, {what} in {}", cluster.name, cluster.engine.product)
            }
            Self::TrustAuthority { container, .. } => format!("trust the certificate authority in {container}"),
            Self::ClusterReady { nodes, context, .. } => {
                let nodes = if *nodes == 1 { "the node".to_owned() } else { format!("the {nodes} nodes") };
                format!("wait until {nodes} and the system pods of {context} are ready")
            }
            Self::StartContainer { container, .. } => format!("start container {container}"),
            Self::WriteFile { path, .. } => format!("write {}", path.display()),
            Self::StartUnit { unit } => format!("start {unit}, now and at every boot"),
            Self::LoadImage { node, cargo } => format!("load {} into {}", cargo.image, node.name),
            Self::SaveImages { file, images } => {
                format!("save {} to {}", crate::clusters::count(images.len(), "image"), file.display())
            }
            Self::DeployRelease { deployment } => deployment.title(),
            Self::FreeRelease { place, pending, to } => {
                format!(
                    "free release {} from its revision {pending}, which helm holds to be under way: back to revision {to}",
                    place.release
                )
            }
            Self::RemoveRelease { place } => format!("take release {} away with helm", place.release),
            Self::DeleteKind { cluster } => {
                format!("delete cluster {} of kind in {}, with its volumes", cluster.name, cluster.engine.product)
            }
        }
    }

    /// What it changes, as a plan shows it.
    pub fn change(&self) -> Change {
        match self {
            Self::LoadImage { cargo, .. } if cargo.from.is_none() => Change::Unchanged,
            Self::LoadImage { cargo, .. } if cargo.replaces.is_some() => {
                Change::Update { fields: Vec::new(), conflicts: Vec::new(), resource_version: String::new() }
            }
            Self::CreateKind { .. } | Self::WriteFile { .. } | Self::LoadImage { .. } | Self::SaveImages { .. } => {
                Change::Create
            }
            Self::DeployRelease { deployment } if deployment.before == 0 => Change::Create,
            Self::DeleteKind { .. } | Self::RemoveRelease { .. } => Change::Delete,
            Self::ClusterReady { .. } => Change::Observe,
            Self::TrustAuthority { .. }
            | Self::StartContainer { .. }
            | Self::StartUnit { .. }
            | Self::DeployRelease { .. }
            | Self::FreeRelease { .. } => {
                Change::Update { fields: Vec::new(), conflicts: Vec::new(), resource_version: String::new() }
            }
        }
    }

    /// What there is to know about it before agreeing to it, a line each.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::CreateKind { cluster, image, nodes, config, .. } => {
                let image = image.as_deref().map_or("the one this kind was made for", |image| image);
                let facts = [
                    format!("context: {}", cluster.context()),
                    format!("nodes: {}", nodes.join(", ")),
                    format!("node image: {image}"),
                    format!("engine: {}", cluster.engine),
                    "kind's configuration:".to_owned(),
                ];
                facts.into_iter().chain(config.lines().map(|line| format!("  {line}"))).collect()
            }
            Self::WriteFile { text, .. } => text.lines().map(str::to_owned).collect(),
            Self::StartContainer { address: Some(address), .. } => vec![format!("address before: {address}")],
            Self::LoadImage { node, cargo } => image::load_details(node, cargo),
            Self::SaveImages { images, .. } => image::save_details(images),
            Self::DeployRelease { deployment } => deployment.details(),
            _ => Vec::new(),
        }
    }

    /// The commands that would do the same.
    pub fn commands(&self) -> Vec<String> {
        match self {
            Self::CreateKind { cluster, image, config, .. } => {
                let image = image.as_ref().map(|image| format!(" --image {image}")).unwrap_or_default();
                let file = kubeconfig(cluster);
                let name = &cluster.name;
                vec![format!(
                    "kind create cluster --name {name}{image}{file} --config - <<'END'\n{}\nEND",
                    config.trim_end()
                )]
            }
            Self::DeleteKind { cluster } => {
                vec![format!("kind delete cluster --name {}{}", cluster.name, kubeconfig(cluster))]
            }
            Self::WriteFile { path, text, mode } => {
                let path = path.display();
                vec![format!("install -D -m {mode:o} /dev/stdin {path} <<'END'\n{}\nEND", text.trim_end())]
            }
            Self::StartUnit { unit } => {
                vec!["systemctl daemon-reload".to_owned(), format!("systemctl enable --now {unit}")]
            }
            Self::LoadImage { node, cargo } => image::load_commands(node, cargo),
            Self::SaveImages { images, file } => image::save_commands(images, file),
            Self::DeployRelease { deployment } => vec![deployment.shown()],
            Self::FreeRelease { place, to, .. } => vec![place.shown("rollback", &[to.to_string()])],
            Self::RemoveRelease { place } => vec![place.shown("uninstall", &[])],
            Self::StartContainer { engine, container, .. } => vec![format!("{} start {container}", engine.product)],
            Self::TrustAuthority { engine, container } => {
                vec![format!("{} exec {container} sh -c '{TRUST}'", engine.product)]
            }
            Self::ClusterReady { context, .. } => vec![
                format!("kubectl --context {context} wait --for=condition=Ready nodes --all"),
                format!("kubectl --context {context} wait --for=condition=Ready pods --all -n kube-system"),
            ],
        }
    }
}

/// What makes the programs of a Debian node, containerd among them, trust what lies in `/usr/local/share/ca-certificates`.
/// The runtime reads its authorities once, when it starts; the pods stay.
pub const TRUST: &str = "update-ca-certificates && systemctl restart containerd";

fn kubeconfig(cluster: &KindCluster) -> String {
    cluster.kubeconfig.as_ref().map(|file| format!(" --kubeconfig {}", file.display())).unwrap_or_default()
}
