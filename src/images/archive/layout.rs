//! The descriptions of images in an archive: OCI's and Docker's. Pure.
//!
//! Source: OCI image-spec 1.1, `manifest.md`, `image-index.md`, `image-layout.md`; moby, `image/tarexport` (version 20.10);
//! containerd, `images/archive/importer.go` and `reference.go`, which takes a name from `io.containerd.image.name`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sum::{checksum, compression};
use super::{BLOBS, List, Listed};

/// A blob: its checksum in hexadecimal, its length in bytes, and its first bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) sum: String,
    pub(crate) size: u64,
    pub(crate) first: [u8; 4],
}

/// An image whose parts are blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its names, whole.
    pub(crate) names: Vec<String>,
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) config: Blob,
    /// The lowest first.
    pub(crate) layers: Vec<Blob>,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
}

/// Everything that an archive holds beside configurations and layers, in the order in which it is written: the list last,
/// so that it is there only when all else is.
pub(crate) fn descriptions(images: &[Described]) -> Vec<Description> {
    let file = |name: String, value: &Value| Description { name, text: value.to_string().into_bytes() };
    let manifests: Vec<Vec<u8>> = images.iter().map(|image| oci_manifest(image).to_string().into_bytes()).collect();
    let mut files: Vec<Description> = manifests
        .iter()
        .map(|text| Description { name: format!("{BLOBS}{}", checksum(text)), text: text.clone() })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files.dedup();
    let described = [
        file("oci-layout".to_owned(), &json!({"imageLayoutVersion": "1.0.0"})),
        file("index.json".to_owned(), &index(images, &manifests)),
        file("manifest.json".to_owned(), &images.iter().map(docker_manifest).collect()),
    ];
    let sums = described.iter().map(|file| (file.name.clone(), checksum(&file.text))).collect();
    let list = list(images, &manifests, sums);
    files.extend(described);
    files.push(Description { name: "images.json".to_owned(), text: pretty(&list) });
    files
}

fn pretty(list: &List) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(list).unwrap_or_default();
    text.push(b'\n');
    text
}

fn list(images: &[Described], manifests: &[Vec<u8>], files: BTreeMap<String, String>) -> List {
    let listed = images.iter().zip(manifests).flat_map(|(image, manifest)| {
        image.names.iter().map(|name| Listed {
            name: name.clone(),
            id: format!("sha256:{}", image.config.sum),
            manifest: format!("sha256:{}", checksum(manifest)),
            os: image.os.clone(),
            architecture: image.architecture.clone(),
            size: image.config.size + image.layers.iter().map(|layer| layer.size).sum::<u64>(),
        })
    });
    let made_by = concat!("seaworthy ", env!("CARGO_PKG_VERSION")).to_owned();
    List { schema_version: 1, made_by, images: listed.collect(), files }
}

fn oci_manifest(image: &Described) -> Value {
    let layers: Vec<Value> = image.layers.iter().map(|layer| descriptor(&layer_type(layer), layer)).collect();
    let config = descriptor("application/vnd.oci.image.config.v1+json", &image.config);
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn layer_type(layer: &Blob) -> String {
    let packed = compression(layer.first).map(|how| format!("+{how}")).unwrap_or_default();
    format!("application/vnd.oci.image.layer.v1.tar{packed}")
}

fn descriptor(media_type: &str, blob: &Blob) -> Value {
    json!({"mediaType": media_type, "digest": format!("sha256:{}", blob.sum), "size": blob.size})
}

fn index(images: &[Described], manifests: &[Vec<u8>]) -> Value {
    let entries: Vec<Value> = images
        .iter()
        .zip(manifests)
        .flat_map(|(image, manifest)| image.names.iter().map(move |name| index_entry(image, manifest, name)))
        .collect();
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries})
}

fn index_entry(image: &Described, manifest: &[u8], name: &str) -> Value {
    let tag = name.rsplit(':').next().unwrap_or_default();
    json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", checksum(manifest)), "size": manifest.len(),
        "platform": {"os": image.os, "architecture": image.architecture},
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}})
}

fn docker_manifest(image: &Described) -> Value {
    let entry = |blob: &Blob| format!("{BLOBS}{}", blob.sum);
    let layers: Vec<String> = image.layers.iter().map(entry).collect();
    json!({"Config": entry(&image.config), "RepoTags": image.names, "Layers": layers})
}
