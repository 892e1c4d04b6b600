//! Manifests of volumes, claims and classes that are gone, from what was kept on this machine: records of healthy installations and exports.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Record;
use crate::engine::rescue::export;
use crate::object::{ObjectRef, text};

/// The kinds of which something may have to be made again.
const KINDS: [&str; 3] = ["PersistentVolume", "PersistentVolumeClaim", "StorageClass"];

/// What was kept, the newest first.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    objects: Vec<(Value, String)>,
}

impl Archive {
    /// Everything in the exports below a state folder, and in these records. An export without its list of checksums, or one in which a
    /// file is not as listed, is not trusted.
    pub fn read(state: &Path, records: &[Record]) -> Self {
        let mut folders: Vec<PathBuf> =
            fs::read_dir(state.join("exports")).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        folders.sort();
        let mut objects = Vec::new();
        for folder in folders.into_iter().rev().filter(|folder| export::verified(folder).is_some()) {
            for kind in KINDS {
                objects.extend(manifests(&folder.join(kind)).map(|object| (object, folder.display().to_string())));
            }
        }
        for record in records {
            let from = format!("the record of {}", record.at.strftime("%F %T UTC"));
            let kept = record
                .volumes
                .iter()
                .flat_map(|volume| [&volume.claim_manifest, &volume.volume_manifest, &volume.class_manifest]);
            objects.extend(kept.filter(|object| object.is_object()).map(|object| (object.clone(), from.clone())));
        }
        Self { objects }
    }

    /// The claims, volumes and classes of one export.
    pub fn of_export(folder: &Path) -> Self {
        let objects = KINDS.into_iter().flat_map(|kind| manifests(&folder.join(kind)).collect::<Vec<_>>());
        Self { objects: objects.map(|object| (object, folder.display().to_string())).collect() }
    }

    /// An archive of these objects.
    pub fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        Self { objects: objects.into_iter().map(|object| (object, "what was given".to_owned())).collect() }
    }

    /// The newest manifest of an object that fits, and where it is from.
    pub fn find(&self, object: &ObjectRef, fits: impl Fn(&Value) -> bool) -> Option<(&Value, &str)> {
        let same = |known: &&(Value, String)| {
            known.0["kind"] == object.kind
                && text(&known.0, "/metadata/namespace") == object.namespace.as_deref()
                && text(&known.0, "/metadata/name") == Some(&object.name)
                && fits(&known.0)
        };
        self.objects.iter().find(same).map(|(object, from)| (object, from.as_str()))
    }
}

/// Every object in a folder, and in the folders of namespaces below it.
fn manifests(folder: &Path) -> impl Iterator<Item = Value> {
    let entries = |folder: &Path| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let all = entries(folder);
    let below: Vec<PathBuf> = all.iter().filter(|path| path.is_dir()).flat_map(|path| entries(path)).collect();
    all.into_iter()
        .chain(below)
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
}
