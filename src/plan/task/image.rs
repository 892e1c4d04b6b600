//! What is done with images on this machine: put into nodes, and saved to an archive. As data.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Door;

/// A node that is a container of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDoor {
    /// Its name, which is that of its container.
    pub name: String,
    /// Where the container is.
    pub engine: Door,
    /// The container's id: another container of the same name is another node.
    pub container: String,
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

/// The command that takes an archive from its standard input into a node's runtime, where Kubernetes looks for images.
/// `--all-platforms`: what is in the archive is for this node, whatever platform its index says. Source: containerd 1.6 to
/// 2.1, `ctr images import --help`; kind does the same (`pkg/cluster/nodeutils`, v0.33).
pub const IMPORT: [&str; 5] = ["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms"];

pub(super) fn load_details(cargo: &Cargo) -> Vec<String> {
    let size = size(cargo.size);
    let from = match &cargo.from {
        Some(ImageSource::Engine { engine, .. }) => format!("from {engine}, {size}"),
        Some(ImageSource::Archive { file }) => format!("from {}, {size}", file.display()),
        None => return Vec::new(),
    };
    let other = cargo.replaces.as_deref().map(|id| format!("the node has another image of this name: {}", short(id)));
    std::iter::once(from).chain(other).collect()
}

pub(super) fn load_commands(node: &NodeDoor, cargo: &Cargo) -> Vec<String> {
    let import = IMPORT.join(" ");
    let into = format!("{} exec -i {} {import} -", node.engine.product, node.name);
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
    use super::size;

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
