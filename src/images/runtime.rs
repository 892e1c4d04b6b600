//! What a node's container runtime says about images. Pure.

use serde::Deserialize;

use crate::images::full_name;

/// What Kubernetes itself would find: the runtime's answer to the kubelet's own question, on every kind of node.
/// `Node.status.images` would not do, it tells of 50 images at most (kubelet, `nodeStatusMaxImages`).
pub(crate) const ASK: [&str; 4] = ["crictl", "images", "-o", "json"];
/// The configuration of containerd, as it is in force.
pub(crate) const CONFIGURED: [&str; 3] = ["containerd", "config", "dump"];

/// An image that a node has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The checksum of its configuration.
    pub id: String,
    /// Its names, whole.
    pub names: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    images: Vec<AnswerImage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerImage {
    id: String,
    #[serde(default)]
    repo_tags: Vec<String>,
    #[serde(default)]
    repo_digests: Vec<String>,
}

/// Reads the answer to [`ASK`]. Source: CRI v1, `ListImagesResponse`, as crictl writes it in JSON.
///
/// # Errors
/// When it is none.
pub(crate) fn held(answer: &[u8]) -> Result<Vec<Held>, String> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|error| format!("crictl's answer is no list of images: {error}"))?;
    let one = |image: AnswerImage| {
        let names = image.repo_tags.iter().chain(&image.repo_digests).map(|name| full_name(name)).collect();
        Held { id: image.id, names }
    };
    Ok(answer.images.into_iter().map(one).collect())
}

/// Under which id a node has an image.
pub(crate) fn id_of<'a>(held: &'a [Held], image: &str) -> Option<&'a str> {
    let wanted = full_name(image);
    held.iter().find(|held| held.names.contains(&wanted)).map(|held| held.id.as_str())
}

/// Whether an image of this name and id is there, and if another one is, which. An id that is not known fits each.
pub(crate) fn stands<'a>(held: &'a [Held], image: &str, id: Option<&str>) -> Standing<'a> {
    match (id_of(held, image), id) {
        (None, _) => Standing::Missing,
        (Some(there), Some(wanted)) if there != wanted => Standing::Other(there),
        (Some(_), _) => Standing::There,
    }
}

/// How a node stands to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    There,
    Missing,
    /// It has another one of that name, with this id.
    Other(&'a str),
}

/// The snapshotter that the kubelet's containers use, by containerd's configuration: an image is unpacked for one. Source:
/// containerd, `docs/cri/config.md` (versions 2 and 3 of the file).
pub(crate) fn snapshotter(config: &str) -> Option<String> {
    let mut section = String::new();
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.replace(['"', '\''], "");
        } else if ["plugins.io.containerd.grpc.v1.cri.containerd", "plugins.io.containerd.cri.v1.images"]
            .contains(&section.as_str())
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "snapshotter"
        {
            return Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|name| !name.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = br#"{"images": [
        {"id": "sha256:be86", "repoTags": ["docker.io/library/one:1"], "repoDigests": [], "size": "1", "pinned": false},
        {"id": "sha256:9550", "repoTags": [], "repoDigests": ["quay.io/x/two@sha256:00"], "size": "2"}]}"#;

    #[test]
    fn a_node_has_an_image_missing_or_another_one() {
        let held = held(ANSWER).unwrap();
        assert_eq!(stands(&held, "one:1", Some("sha256:be86")), Standing::There);
        assert_eq!(stands(&held, "docker.io/library/one:1", None), Standing::There);
        assert_eq!(stands(&held, "one:1", Some("sha256:ffff")), Standing::Other("sha256:be86"));
        assert_eq!(stands(&held, "one:2", None), Standing::Missing);
        assert_eq!(stands(&held, "quay.io/x/two@sha256:00", None), Standing::There);
        assert_eq!(super::held(b"{}").unwrap(), []);
        assert!(super::held(b"FATA[0000] connect").unwrap_err().contains("no list of images"));
    }

    #[test]
    fn the_snapshotter_is_that_of_kubernetes() {
        let one = "[plugins]\n  [plugins.\"io.containerd.grpc.v1.cri\"]\n    snapshotter = \"no\"\n    \
            [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n      snapshotter = \"overlayfs\"\n";
        let two = "version = 3\n[plugins]\n  [plugins.'io.containerd.cri.v1.images']\n    snapshotter = 'native'\n";
        assert_eq!(snapshotter(one).as_deref(), Some("overlayfs"));
        assert_eq!(snapshotter(two).as_deref(), Some("native"));
        assert_eq!(snapshotter("[plugins.\"io.containerd.snapshotter.v1.native\"]\n  root_path = \"\""), None);
    }
}
