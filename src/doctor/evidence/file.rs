//! Evidence in files: our own form, alone or in a support bundle, and the lists that `kubectl get ... -o json|yaml` prints.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kept;
use super::{ClusterFacts, Evidence, HostFacts};
use crate::doctor::bundle;
use crate::error::{Class, Explain};
use crate::snapshot::{Snapshot, Unread};

/// Version of the form.
const VERSION: u32 = 1;
/// Its name.
const KIND: &str = "Evidence";

/// What stands in a file of ours.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    schema_version: u32,
    kind: String,
    taken: Timestamp,
    #[serde(default)]
    cluster: Option<ClusterFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<BTreeSet<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    readyz: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<HostFacts>,
    #[serde(default)]
    unread: Vec<Unread>,
    items: Vec<Value>,
}

/// Why a file is no evidence, or evidence cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It cannot be written.
    #[error("{}: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Evidence is one file, and this is a folder.
    #[error("{} is a folder", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// It is what the doctor said, and not what it judged.
    #[error("{}: it is a report of the doctor, and not the evidence that it judged", path.display())]
    Report {
        /// The file.
        path: PathBuf,
    },
    /// It is neither JSON nor YAML.
    #[error("{}: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        why: String,
    },
    /// It is something else.
    #[error("{}: {what}", path.display())]
    Strange {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// It was written by a newer program.
    #[error("{}: evidence of version {version}, this program knows {VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
}

impl Explain for FileError {
    fn id(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::Unwritable { .. } | Self::Folder { .. } => "evidence-file",
            Self::Report { .. } => "evidence-report",
            Self::Syntax { .. } => "evidence-syntax",
            Self::Strange { .. } => "evidence-kind",
            Self::Newer { .. } => "evidence-version",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { error, .. } if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                "compare its size with that of the original".to_owned()
            }
            Self::Unwritable { error, .. } if error.kind() == std::io::ErrorKind::AlreadyExists => {
                "nothing is overwritten; name another file, or delete this one first".to_owned()
            }
            Self::Io { .. } => "name a file that is there and that you may read".to_owned(),
            Self::Unwritable { .. } => "name a file in a folder that is there and that you may write to".to_owned(),
            Self::Folder { .. } => "name a file in it that is not there yet".to_owned(),
            Self::Report { .. } => "give the evidence: `evidence.json`, which lies beside `findings.json`, the bundle itself, or what `seaworthy doctor --save FILE` writes".to_owned(),
            Self::Newer { .. } => "take the version of seaworthy that wrote it, or a newer one".to_owned(),
            _ => "give what `seaworthy doctor --save FILE` or `seaworthy bundle` writes, or what `kubectl get pods,events,services -A -o json` prints".to_owned(),
        })
    }
}

/// Writes evidence where only its owner can read it.
///
/// # Errors
/// When the file cannot be written.
pub fn save(evidence: &Evidence, path: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::Unwritable { path: path.to_owned(), error };
    if path.is_dir() {
        return Err(FileError::Folder { path: path.to_owned() });
    }
    let text = serde_json::to_vec(&saved(evidence)).map_err(|error| failed(error.into()))?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(&text).and_then(|()| file.write_all(b"\n")).map_err(failed)
}

fn saved(evidence: &Evidence) -> Saved {
    Saved {
        schema_version: VERSION,
        kind: KIND.to_owned(),
        taken: evidence.taken,
        cluster: evidence.cluster.clone(),
        read: evidence.read.clone(),
        only: evidence.only.clone(),
        readyz: evidence.readyz.clone(),
        answered: evidence.answered,
        host: evidence.host.clone(),
        unread: evidence.snapshot.unread.clone(),
        items: evidence.snapshot.objects().cloned().collect(),
    }
}

/// Evidence as [`save`] writes it.
///
/// # Errors
/// When it cannot be put into JSON.
pub fn document(evidence: &Evidence) -> Result<Value, serde_json::Error> {
    serde_json::to_value(saved(evidence))
}

/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// Reads evidence, from a support bundle, too, and from standard input. A list says nothing about when it was taken: `now` does, or the
/// file's own time, or that it comes just now.
///
/// # Errors
/// When the file cannot be read or is no evidence.
pub fn load(path: &Path, now: Option<Timestamp>) -> Result<Evidence, FileError> {
    let failed = |error| FileError::Io { path: path.to_owned(), error };
    if path.as_os_str() == STANDARD_INPUT {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        let text = bundle::file::evidence_in(bytes).map_err(failed)?;
        return judged(path, &text, Timestamp::now(), now);
    }
    let metadata = std::fs::metadata(path).map_err(failed)?;
    // A pipe is read once, and can be no archive.
    let is_stream = !metadata.is_file() && !metadata.is_dir();
    let packed = if is_stream { None } else { bundle::file::evidence(path).map_err(failed)? };
    let text = match packed {
        Some(text) => text,
        None => std::fs::read_to_string(path).map_err(failed)?,
    };
    let written = metadata.modified().map_err(failed)?;
    judged(path, &text, Timestamp::try_from(written).unwrap_or_default(), now)
}

/// The evidence that a text holds, which was written at some time.
fn judged(path: &Path, text: &str, written: Timestamp, now: Option<Timestamp>) -> Result<Evidence, FileError> {
    let document = parse(path, text)?;
    if is_report(&document) {
        return Err(FileError::Report { path: path.to_owned() });
    }
    let strange = |what: String| FileError::Strange { path: path.to_owned(), what };
    let mut evidence = match document["kind"].as_str().unwrap_or_default() {
        KIND => own(path, document)?,
        "List" => list(document, written),
        kind if kind.ends_with("List") && document["items"].is_array() => list(document, written),
        "" => return Err(strange("no Kubernetes list and no evidence: it has no `kind`".to_owned())),
        kind => return Err(strange(format!("one object of kind {} is no evidence", crate::object::printable(kind)))),
    };
    evidence.taken = now.unwrap_or(evidence.taken);
    Ok(evidence)
}

/// What `doctor -o json` prints, and `findings.json` of a bundle; those of earlier versions do not say what they are.
fn is_report(document: &Value) -> bool {
    document["kind"] == "Doctor" || document["kind"].is_null() && document["headline"].is_string()
}

fn parse(path: &Path, text: &str) -> Result<Value, FileError> {
    let failed = |why: String| FileError::Syntax { path: path.to_owned(), why };
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|error| failed(if error.is_eof() { bundle::file::CUT.to_owned() } else { error.to_string() }));
    }
    serde_yaml::from_str(text).map_err(|error| failed(error.to_string()))
}

fn own(path: &Path, document: Value) -> Result<Evidence, FileError> {
    if let Some(version) = document["schemaVersion"].as_u64().filter(|version| *version > u64::from(VERSION)) {
        return Err(FileError::Newer { path: path.to_owned(), version });
    }
    let saved: Saved = serde_json::from_value(document)
        .map_err(|error| FileError::Syntax { path: path.to_owned(), why: error.to_string() })?;
    let mut snapshot = of_items(saved.items);
    snapshot.unread = saved.unread;
    let Saved { taken, cluster, read, only, readyz, answered, host, .. } = saved;
    Ok(Evidence { snapshot, taken, cluster, read, only, readyz, answered, host, ..Evidence::default() })
}

/// A list shows only the kinds that were asked for; that none of a kind is there cannot be told from "not asked".
fn list(mut document: Value, taken: Timestamp) -> Evidence {
    // The items of a `PodList` come without kind and version.
    let kind = document["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).unwrap_or_default().to_owned();
    let version = document["apiVersion"].clone();
    let mut items = document.get_mut("items").map(Value::take).and_then(into_list).unwrap_or_default();
    for item in items.iter_mut().filter(|item| item.is_object() && item.get("kind").is_none() && !kind.is_empty()) {
        item["kind"] = Value::from(kind.as_str());
        item["apiVersion"] = version.clone();
    }
    let snapshot = of_items(items);
    let read = snapshot.objects().filter_map(|object| object["kind"].as_str().map(str::to_owned)).collect();
    Evidence { snapshot, taken, read: Some(read), ..Evidence::default() }
}

fn into_list(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(list) = value { Some(list) } else { None }
}

fn of_items(items: Vec<Value>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    // Ours were taken as they are kept; a list of kubectl's holds everything, and a file may have been mended by hand.
    items.into_iter().map(kept).for_each(|item| snapshot.insert(item));
    snapshot
}
