//! What a node's container runtime says about images. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::images::full_name;
use crate::object::{items, text};

/// What Kubernetes itself would find: the runtime's answer to the kubelet's own question, on every kind of node.
/// `Node.status.images` would not do, it tells of 50 images at most (kubelet, `nodeStatusMaxImages`).
pub(crate) const ASK: [&str; 4] = ["crictl", "images", "-o", "json"];
/// The same where there is no `crictl`.
pub(crate) const ASK_CTR: [&str; 2] = ["images", "ls"];
/// What lies under a checksum, before that.
pub(crate) const CONTENT: [&str; 2] = ["content", "get"];
/// Every container of Kubernetes that a containerd has, running or not: their ids, a line each.
pub(crate) const CONTAINERS: [&str; 3] = ["containers", "ls", "--quiet"];
/// Who a containerd is.
pub(crate) const WHO: [&str; 1] = ["version"];
/// What a containerd knows of a container, before its id.
pub(crate) const CONTAINER: [&str; 2] = ["containers", "info"];
/// The configuration of containerd, as it is in force.
pub(crate) const CONFIGURED: [&str; 3] = ["containerd", "config", "dump"];

/// An image that a node has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The checksum of its configuration; `None` when whoever was asked does not tell it.
    pub id: Option<String>,
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
        Held { id: Some(image.id), names }
    };
    Ok(answer.images.into_iter().map(one).collect())
}

/// The label of what Kubernetes' part of containerd has taken notice of, and with it the kubelet. Source: containerd 1.6 to 2.4,
/// `UpdateImage` of its CRI plugin. It then gives the image one more name, which is its id; not so when a name that had the label
/// already has come to mean another image.
const NOTICED: &str = "io.cri-containerd.image=managed";

/// An image that `ctr` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its names, and its id as far as the list tells it.
    pub(crate) held: Held,
    /// The checksum of its manifest, in which the id stands.
    pub(crate) manifest: String,
}

/// Reads the answer to [`ASK_CTR`]: `REF TYPE DIGEST SIZE PLATFORMS LABELS`. A name and an id belong together when both lead to the
/// same manifest.
///
/// # Errors
/// When it is none.
pub(crate) fn listed(answer: &[u8]) -> Result<Vec<Listed>, String> {
    let answer = String::from_utf8_lossy(answer);
    let mut lines = answer.lines();
    if !lines.next().is_some_and(|head| head.split_whitespace().take(3).eq(["REF", "TYPE", "DIGEST"])) {
        return Err("ctr's answer is no list of images".to_owned());
    }
    let mut found: BTreeMap<&str, Held> = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ([name, _, manifest, ..], Some(labels)) = (words.as_slice(), words.last()) else { continue };
        if labels.split(',').any(|label| label == NOTICED) {
            let held = found.entry(manifest).or_insert_with(|| Held { id: None, names: Vec::new() });
            if name.starts_with("sha256:") {
                held.id = Some((*name).to_owned());
            } else {
                held.names.push(full_name(name));
            }
        }
    }
    let one = |(manifest, held): (&str, Held)| Listed { held, manifest: manifest.to_owned() };
    Ok(found.into_iter().map(one).collect())
}

/// Reads the answer to [`CONTENT`] of a manifest: the id of its image. An index has one for each platform, and tells none.
pub(crate) fn id_in(manifest: &[u8]) -> Option<String> {
    let manifest: Value = serde_json::from_slice(manifest).ok()?;
    text(&manifest, "/config/digest").map(str::to_owned)
}

/// What a Node object tells of its images: their names, and not of all.
pub(crate) fn told(node: &Value) -> Vec<Held> {
    let names = |image: &Value| items(image, "/names").filter_map(Value::as_str).map(full_name).collect();
    items(node, "/status/images").map(|image| Held { id: None, names: names(image) }).collect()
}

/// Reads the answer to [`CONTAINERS`].
pub(crate) fn containers(answer: &[u8]) -> BTreeSet<String> {
    let answer = String::from_utf8_lossy(answer);
    answer.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Reads the answer to [`WHO`]: the id that the containerd gave itself when it was set up.
pub(crate) fn server(answer: &[u8]) -> Option<String> {
    let answer = String::from_utf8_lossy(answer);
    let id = answer.lines().find_map(|line| line.trim().strip_prefix("UUID:"))?.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

/// Reads the answer to [`CONTAINER`]: the snapshotter under which its file system lies.
pub(crate) fn snapshotter_of(answer: &[u8]) -> Option<String> {
    let container: Value = serde_json::from_slice(answer).ok()?;
    text(&container, "/Snapshotter").filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Whether an image of this name and id is there, and if another one is, which. An id that is not wanted fits each.
pub(crate) fn stands<'a>(held: &'a [Held], image: &str, id: Option<&str>) -> Standing<'a> {
    let name = full_name(image);
    let Some(there) = held.iter().find(|held| held.names.contains(&name)) else { return Standing::Missing };
    match (there.id.as_deref(), id) {
        (None, Some(_)) => Standing::Untold,
        (Some(there), Some(wanted)) if there != wanted => Standing::Other(there),
        _ => Standing::There,
    }
}

/// How a node stands to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    There,
    Missing,
    /// It has another one of that name, with this id.
    Other(&'a str),
    /// It has one of that name, and does not tell which.
    Untold,
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
    fn ctr_tells_the_same_where_there_is_no_crictl() {
        let found = listed(include_bytes!("../../tests/fixtures/images/ctr-images-ls.txt")).unwrap();
        let held: Vec<Held> = found.iter().map(|listed| listed.held.clone()).collect();
        let first = "sha256:f2442a44f66eab9374f7823f7e9ade7cf372f500e203c32fae9a85dbceae5f74";
        assert_eq!(stands(&held, "quay.io/x/b:2", Some(first)), Standing::There);
        assert_eq!(stands(&held, "quay.io/x/b:2", Some("sha256:00")), Standing::Other(first));
        // Its name was given to another image later.
        assert_eq!(stands(&held, "a:1", None), Standing::There);
        assert_eq!(stands(&held, "a:1", Some(first)), Standing::Untold);
        let untold = found.iter().find(|listed| listed.held.id.is_none()).unwrap();
        assert_eq!(untold.manifest, "sha256:a07588680aec78bb82a88ac95629cdf77b775ecd5e24f1ce8488a86ecb7cf358");
        // What Kubernetes has not taken notice of is not there for it.
        assert_eq!(stands(&held, "c:1", None), Standing::Missing);
        assert!(listed(b"ctr: permission denied\n").unwrap_err().contains("no list of images"));
        assert_eq!(listed(b"REF TYPE DIGEST SIZE PLATFORMS LABELS\n").unwrap(), []);
    }

    #[test]
    fn an_id_stands_in_the_manifest() {
        let manifest = br#"{"schemaVersion": 2, "config": {"digest": "sha256:4ad5"}, "layers": []}"#;
        assert_eq!(id_in(manifest).as_deref(), Some("sha256:4ad5"));
        assert_eq!(id_in(br#"{"schemaVersion": 2, "manifests": [{"digest": "sha256:00"}]}"#), None);
        assert_eq!(id_in(b"no JSON"), None);
    }

    #[test]
    fn who_it_is_and_what_it_has() {
        let said = b"Client:\n  Version:  1.6.20\n\nServer:\n  Version:  1.6.20\n  UUID: a659f848-0547\n";
        assert_eq!(server(said).as_deref(), Some("a659f848-0547"));
        assert_eq!(server(b"Client:\n  Version:  1.6.20\n"), None);
        assert_eq!(Vec::from_iter(containers(b"11\n\n 22 \n")), ["11", "22"]);
        assert_eq!(snapshotter_of(br#"{"ID": "11", "Snapshotter": "native"}"#).as_deref(), Some("native"));
        assert_eq!(snapshotter_of(br#"{"ID": "11", "Snapshotter": ""}"#), None);
        let node = serde_json::json!({"status": {"images": [{"names": ["docker.io/library/a@sha256:00", "a:1"]}, {}]}});
        assert_eq!(stands(&told(&node), "docker.io/library/a:1", None), Standing::There);
        assert_eq!(stands(&told(&node), "b:1", None), Standing::Missing);
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
