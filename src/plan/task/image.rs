//! What is done with images on this machine: put into nodes, and saved to an archive. As data.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Door;

/// A node, and the way into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDoor {
    /// Its name.
    pub name: String,
    /// The way.
    #[serde(flatten)]
    pub way: Way,
}

/// The way into a node. In JSON what is written of each tells them apart: journals of earlier versions know only the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Way {
    /// It is a container of this machine, which has the node's name.
    Container {
        /// Where the container is.
        engine: Door,
        /// The container's id: another container of the same name is another node.
        container: String,
    },
    /// It is this machine itself.
    Machine(Runtime),
}

/// The containerd of a node that is this machine, and what speaks to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Its socket.
    pub socket: PathBuf,
    /// The id that it gave itself when it was set up: another containerd behind the same socket is another node's. Empty in a
    /// plan that is only shown, because it could not be asked.
    pub server: String,
    /// The first words of the command that speaks to it: `ctr`, or `k3s ctr`.
    pub ctr: Vec<String>,
    /// The first words of the command that asks as the kubelet does: `crictl`, or `k3s crictl`; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crictl: Vec<String>,
    /// The snapshotter of the node's containers, as far as it has any: an image is unpacked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshotter: Option<String>,
}

impl Runtime {
    /// A command of `ctr`, about what belongs to Kubernetes. Its words stand in one form for all: k3s hands them on as they are
    /// (`cmd/k3s/main.go`, `externalCLI`; v1.34).
    pub fn ctr(&self, words: &[&str]) -> Vec<String> {
        let place = [format!("--address={}", self.socket.display()), "--namespace=k8s.io".to_owned()];
        self.ctr.iter().cloned().chain(place).chain(words.iter().map(ToString::to_string)).collect()
    }

    /// A command of `crictl`; `None` where there is none.
    pub fn crictl(&self, words: &[&str]) -> Option<Vec<String>> {
        let place = ["runtime", "image"].map(|kind| format!("--{kind}-endpoint=unix://{}", self.socket.display()));
        let words = place.into_iter().chain(words.iter().map(ToString::to_string));
        (!self.crictl.is_empty()).then(|| self.crictl.iter().cloned().chain(words).collect())
    }

    /// The command that takes an archive from its standard input.
    pub fn import(&self) -> Vec<String> {
        let snapshotter = self.snapshotter.as_ref().map(|name| format!("--snapshotter={name}"));
        self.ctr(&IMPORT).into_iter().chain(snapshotter).chain(["-".to_owned()]).collect()
    }
}

/// Where an image is to be had on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case")]
pub enum ImageSource {
    /// A container engine has it.
    Engine {
        /// Which.
        engine: Door,
        /// The name that the engine has for it.
        name: String,
    },
    /// It lies in an archive.
    Archive {
        /// The archive.
        file: PathBuf,
    },
}

/// An image on its way into a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cargo {
    /// The image, as manifests name it.
    pub image: String,
    /// Its id, the checksum of its configuration, as far as the source tells it: what the node has under the same name and
    /// with another id is another image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its size, in bytes.
    pub size: u64,
    /// Where it is to be had; `None`: nowhere, and the node has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ImageSource>,
    /// The id of what the node has under its name, and what this takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// An image that goes into an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// The image, as manifests name it.
    pub image: String,
    /// The engine that has it.
    pub engine: Door,
    /// The name that the engine has for it.
    pub name: String,
    /// Its size, in bytes, as the engine says.
    pub size: u64,
}

/// What `ctr` is told to take an archive into a node's runtime.
/// `--all-platforms`: what is in the archive is for this node, whatever platform its index says. Source: containerd 1.6 to
/// 2.4, `ctr images import --help`; kind does the same (`pkg/cluster/nodeutils`, v0.33).
const IMPORT: [&str; 3] = ["images", "import", "--all-platforms"];

/// The command, inside of a node that is a container, that takes an archive from its standard input, to where Kubernetes looks for
/// images.
pub fn import_inside(snapshotter: Option<&str>) -> Vec<String> {
    let option = snapshotter.map(|name| format!("--snapshotter={name}"));
    let words = ["ctr", "--namespace=k8s.io"].into_iter().chain(IMPORT).map(str::to_owned);
    words.chain(option).chain(["-".to_owned()]).collect()
}

pub(super) fn load_details(node: &NodeDoor, cargo: &Cargo) -> Vec<String> {
    let size = size(cargo.size);
    let from = match &cargo.from {
        Some(ImageSource::Engine { engine, .. }) => format!("from {engine}, {size}"),
        Some(ImageSource::Archive { file }) => format!("from {}, {size}", file.display()),
        None => return Vec::new(),
    };
    let other = cargo.replaces.as_deref().map(|id| format!("the node has another image of this name: {}", short(id)));
    let into = match &node.way {
        Way::Container { .. } => None,
        Way::Machine(runtime) => Some(format!("into the containerd of this machine, {}", runtime.socket.display())),
    };
    [Some(from), into, other].into_iter().flatten().collect()
}

pub(super) fn load_commands(node: &NodeDoor, cargo: &Cargo) -> Vec<String> {
    let into = match &node.way {
        Way::Container { engine, .. } => {
            format!("{} exec -i {} {}", engine.product, node.name, import_inside(None).join(" "))
        }
        Way::Machine(runtime) => runtime.import().join(" "),
    };
    match &cargo.from {
        Some(ImageSource::Engine { engine, name }) => vec![format!("{} save {name} | {into}", engine.product)],
        Some(ImageSource::Archive { file }) => vec![format!("{into} < {}", file.display())],
        None => Vec::new(),
    }
}

pub(super) fn save_details(images: &[Packed]) -> Vec<String> {
    images.iter().map(|one| format!("{}, {} from {}", one.image, size(one.size), one.engine.product)).collect()
}

pub(super) fn save_commands(images: &[Packed], file: &Path) -> Vec<String> {
    let names: Vec<&str> = images.iter().map(|one| one.name.as_str()).collect();
    let engine = images.first().map(|one| one.engine.product.to_string()).unwrap_or_default();
    vec![format!("{engine} save -o {} {}", file.display(), names.join(" "))]
}

/// The beginning of an id, as people compare them.
pub fn short(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}

/// A size as people read it, in units of a thousand, as engines say them.
pub fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let (mut whole, mut unit) = (bytes, "bytes");
    let mut tenth = 0;
    for next in units {
        if whole < 1000 {
            break;
        }
        (tenth, whole, unit) = (whole % 1000 / 100, whole / 1000, next);
    }
    if unit == "bytes" || whole >= 100 { format!("{whole} {unit}") } else { format!("{whole}.{tenth} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::engines::Product;

    fn plain() -> Runtime {
        Runtime {
            socket: "/run/containerd/containerd.sock".into(),
            server: "1-2".to_owned(),
            ctr: vec!["/usr/bin/ctr".to_owned()],
            crictl: Vec::new(),
            snapshotter: None,
        }
    }

    /// `k3s ctr` and `k3s crictl` parse no options of their own (`SkipFlagParsing` in `pkg/cli/cmds/ctr.go` and `crictl.go`): the words
    /// go to `ctr` and `crictl` unchanged. No k3s was run.
    #[test]
    fn the_socket_is_always_named() {
        assert_eq!(
            plain().import().join(" "),
            "/usr/bin/ctr --address=/run/containerd/containerd.sock --namespace=k8s.io images import --all-platforms -"
        );
        assert_eq!(plain().crictl(&["images"]), None);
        let k3s = Runtime {
            socket: "/run/k3s/containerd/containerd.sock".into(),
            ctr: vec!["/usr/local/bin/k3s".to_owned(), "ctr".to_owned()],
            crictl: vec!["/usr/local/bin/k3s".to_owned(), "crictl".to_owned()],
            snapshotter: Some("native".to_owned()),
            ..plain()
        };
        assert_eq!(
            k3s.import().join(" "),
            "/usr/local/bin/k3s ctr --address=/run/k3s/containerd/containerd.sock --namespace=k8s.io images import \
            --all-platforms --snapshotter=native -"
        );
        assert_eq!(
            k3s.crictl(&["images", "-o", "json"]).unwrap().join(" "),
            "/usr/local/bin/k3s crictl --runtime-endpoint=unix:///run/k3s/containerd/containerd.sock \
            --image-endpoint=unix:///run/k3s/containerd/containerd.sock images -o json"
        );
    }

    #[test]
    fn a_door_of_an_earlier_version_is_read_and_one_of_this_machine_is_told_from_it() {
        let old = r#"{"name":"one","engine":{"product":"docker","url":"unix:///d.sock"},"container":"c1"}"#;
        let engine = Door { product: Product::Docker, url: "unix:///d.sock".to_owned() };
        let door = NodeDoor { name: "one".to_owned(), way: Way::Container { engine, container: "c1".to_owned() } };
        assert_eq!(serde_json::from_str::<NodeDoor>(old).unwrap(), door);
        // And an earlier version reads what this one writes of it.
        assert_eq!(serde_json::to_string(&door).unwrap(), old);
        let here = NodeDoor { name: "two".to_owned(), way: Way::Machine(plain()) };
        let text = serde_json::to_string(&here).unwrap();
        assert_eq!(serde_json::from_str::<NodeDoor>(&text).unwrap(), here);
        // As a journal keeps them.
        let cargo = Cargo { image: "a:1".to_owned(), id: None, size: 1, from: None, replaces: None };
        for node in [door, here] {
            let task = super::super::Task::LoadImage { node, cargo: cargo.clone() };
            let text = serde_json::to_string(&task).unwrap();
            assert_eq!(serde_json::from_str::<super::super::Task>(&text).unwrap(), task, "{text}");
        }
        assert!(serde_json::from_str::<NodeDoor>(r#"{"name":"two"}"#).is_err());
    }

    #[test]
    fn sizes_are_read_by_people() {
        let table = [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (4_744_043, "4.7 MB"),
            (123_456_789, "123 MB"),
            (1_120_000_000, "1.1 GB"),
        ];
        for (bytes, words) in table {
            assert_eq!(size(bytes), words);
        }
    }
}
