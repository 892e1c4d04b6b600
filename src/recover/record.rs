//! What a healthy installation looked like: without it, a volume that was silently emptied looks like a healthy one.
//!
//! A directory of a `DirectoryOrCreate` volume that was deleted comes back empty, with every object as it was. So the record keeps how
//! many files a volume held, and the inode of its root as a marker: a folder that was made anew has another one. Nothing is written
//! into the volume for it. The claims' and volumes' manifests are in it as well, which is what a deleted volume is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::etcd::EtcdRecord;
use super::former::{self, Former};
use super::join::{claim_ref, place_of, volume_ref};
use super::look;
use crate::cluster::{Cluster, ClusterId};
use crate::engine::rescue::Files;
use crate::engine::rescue::shelf::{self, ShelfError};
use crate::object::{ObjectRef, items, text};
use crate::plan::Installation;
use crate::snapshot::Snapshot;
use crate::snapshot::provisioner::class_ref;

/// The version of this format.
pub const FORMAT: u32 = 1;

/// A healthy installation at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// See [`FORMAT`].
    pub format: u32,
    /// When.
    pub at: Timestamp,
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Of which installation.
    pub installation: Installation,
    /// The image that each container really runs, by `component/container`.
    pub images: BTreeMap<String, String>,
    /// The addresses of each node.
    pub nodes: BTreeMap<String, Vec<String>>,
    /// Each claim with its volume.
    pub volumes: Vec<VolumeRecord>,
    /// Each etcd; records of earlier versions have none.
    #[serde(default)]
    pub etcds: Vec<EtcdRecord>,
    /// What was on volumes that are gone, and has not come back: the installation is well again, and does not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Former>,
}

/// A claim with the volume it was bound to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeRecord {
    /// The claim.
    pub claim: ObjectRef,
    /// Its uid.
    pub claim_uid: String,
    /// The volume's name.
    pub volume: String,
    /// Its uid.
    pub volume_uid: String,
    /// Where its bytes are, for people.
    pub place: String,
    /// What it held.
    pub files: Files,
    /// The claim, whole.
    pub claim_manifest: Value,
    /// The volume, whole.
    pub volume_manifest: Value,
    /// Its class, whole; null where it had none, and in records of earlier versions.
    #[serde(default)]
    pub class_manifest: Value,
}

impl VolumeRecord {
    /// How many files it held; 0 when that is not known.
    pub fn files_then(&self) -> u64 {
        match self.files {
            Files::Counted { files, .. } => files,
            Files::Unknown { .. } => 0,
        }
    }
}

/// Looks at an installation and makes its record. Counting files is asked of the pods that run; what cannot tell is unknown.
/// The volumes that the cluster has come with it.
pub async fn take(
    cluster: &Cluster,
    installation: &Installation,
) -> Result<(Record, BTreeSet<ObjectRef>), kube::Error> {
    let snapshot = look::storage(cluster, Some(&installation.namespace)).await?;
    let bound: Vec<ObjectRef> = pairs(&snapshot, &installation.namespace).map(|(claim, _, _)| claim).collect();
    let (files, _) = look::ask(cluster, &snapshot, bound).await;
    let views = look::etcds(&cluster.client, &snapshot, true).await;
    let mut record = record(&snapshot, cluster.id.clone(), installation, &files);
    record.etcds = views.iter().filter_map(EtcdRecord::of).collect();
    Ok((record, snapshot.of_kind("", "PersistentVolume").filter_map(ObjectRef::of).collect()))
}

/// The record of an installation, from a picture of its namespace. Pure.
pub fn record(
    snapshot: &Snapshot,
    cluster: ClusterId,
    installation: &Installation,
    files: &BTreeMap<ObjectRef, Files>,
) -> Record {
    let volumes = pairs(snapshot, &installation.namespace).filter_map(|(claim, object, volume)| {
        let unknown = Files::Unknown { why: "nobody was asked".to_owned() };
        Some(VolumeRecord {
            claim_uid: text(object, "/metadata/uid")?.to_owned(),
            volume: text(volume, "/metadata/name")?.to_owned(),
            volume_uid: text(volume, "/metadata/uid")?.to_owned(),
            place: place_of(volume),
            files: files.get(&claim).cloned().unwrap_or(unknown),
            claim_manifest: object.clone(),
            volume_manifest: volume.clone(),
            class_manifest: class_of(snapshot, volume).cloned().unwrap_or_default(),
            claim,
        })
    });
    Record {
        format: FORMAT,
        at: Timestamp::now(),
        cluster,
        installation: installation.clone(),
        images: images(snapshot, &installation.namespace),
        nodes: snapshot.of_kind("", "Node").filter_map(addresses).collect(),
        volumes: volumes.collect(),
        etcds: Vec::new(),
        gone: Vec::new(),
    }
}

/// Each claim of a namespace that is bound, with its volume.
fn pairs<'a>(snapshot: &'a Snapshot, namespace: &'a str) -> impl Iterator<Item = (ObjectRef, &'a Value, &'a Value)> {
    let here = move |claim: &&Value| text(claim, "/metadata/namespace") == Some(namespace);
    snapshot.of_kind("", "PersistentVolumeClaim").filter(here).filter_map(|claim| {
        let volume = snapshot.get(&volume_ref(text(claim, "/spec/volumeName")?))?;
        Some((claim_ref(text(claim, "/metadata/namespace")?, text(claim, "/metadata/name")?), claim, volume))
    })
}

/// The class of a volume, where it is there.
fn class_of<'a>(snapshot: &'a Snapshot, volume: &Value) -> Option<&'a Value> {
    text(volume, "/spec/storageClassName").and_then(|name| snapshot.get(&class_ref(name)))
}

fn images(snapshot: &Snapshot, namespace: &str) -> BTreeMap<String, String> {
    let mut images = BTreeMap::new();
    for pod in snapshot.of_kind("", "Pod").filter(|pod| text(pod, "/metadata/namespace") == Some(namespace)) {
        let component = pod["metadata"]["labels"]["app.kubernetes.io/component"].as_str();
        let of = component.or_else(|| text(pod, "/metadata/name")).unwrap_or_default();
        for status in items(pod, "/status/containerStatuses") {
            let (Some(name), Some(image)) = (text(status, "/name"), text(status, "/imageID")) else { continue };
            images.insert(format!("{of}/{name}"), image.to_owned());
        }
    }
    images
}

fn addresses(node: &Value) -> Option<(String, Vec<String>)> {
    let addresses = items(node, "/status/addresses").filter_map(|address| text(address, "/address").map(str::to_owned));
    Some((text(node, "/metadata/name")?.to_owned(), addresses.collect()))
}

fn file(state: &Path, cluster: &ClusterId, key: &str) -> PathBuf {
    state.join("records").join(&cluster.uid).join(format!("{key}.json"))
}

/// Keeps a record, in place of an older one of the same installation. A claim that cannot be counted now keeps what was known of it,
/// as long as it is the same volume; what a volume held that is gone by now is remembered, unless the claim was `restored` from a backup.
/// `volumes`: those that there are.
pub fn keep(
    state: &Path,
    mut record: Record,
    (volumes, restored): (&BTreeSet<ObjectRef>, &[ObjectRef]),
) -> Result<PathBuf, ShelfError> {
    let path = file(state, &record.cluster, &record.installation.key());
    let before = read(&path);
    for volume in &mut record.volumes {
        let same = |old: &&VolumeRecord| old.claim == volume.claim && old.volume_uid == volume.volume_uid;
        let old = before.iter().flat_map(|before| &before.volumes).find(same);
        if let (Files::Unknown { .. }, Some(old)) = (&volume.files, old) {
            volume.files = old.files.clone();
        }
    }
    // An etcd that could not be asked now keeps what was known of it.
    for old in before.iter().flat_map(|before| &before.etcds) {
        let volumes = record.volumes.iter();
        let is_there = volumes.map(|volume| &volume.claim).any(|claim| old.is_of(claim));
        if is_there && !record.etcds.iter().any(|etcd| etcd.set == old.set) {
            record.etcds.push(old.clone());
        }
    }
    if let Some(before) = &before {
        record.gone = former::remembered(before, &record, |name| volumes.contains(&volume_ref(name)));
        record.gone.retain(|former| !restored.contains(&former.claim));
    }
    let text = serde_json::to_string_pretty(&record).unwrap_or_default();
    shelf::replace(&path, text.as_bytes())?;
    Ok(path)
}

/// Forgets the record of an installation that was taken away.
pub fn forget(state: &Path, cluster: &ClusterId, installation: &Installation) -> Result<(), ShelfError> {
    let path = file(state, cluster, &installation.key());
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(ShelfError::Io { path, source }),
        _ => Ok(()),
    }
}

/// All records of a cluster. One that cannot be read, or is of another format, is passed over and said in the log.
pub fn all(state: &Path, cluster: &ClusterId) -> Vec<Record> {
    let Ok(entries) = std::fs::read_dir(state.join("records").join(&cluster.uid)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| read(path))
        .collect()
}

fn read(path: &Path) -> Option<Record> {
    let text = std::fs::read(path).ok()?;
    let record: Result<Record, _> = serde_json::from_slice(&text);
    match record {
        Ok(record) if record.format == FORMAT => Some(record),
        Ok(record) => {
            tracing::warn!(path = %path.display(), format = record.format, "a record of another version was passed over");
            None
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a broken record was passed over");
            None
        }
    }
}
