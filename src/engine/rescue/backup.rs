//! A backup: a folder with parts and a manifest, which is written last and has the checksum of each. A folder without one is not whole,
//! and nothing is restored from it.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::copy::archive::{ArchiveError, Paths, certified, sum_of};
use super::export;
use super::secrets;
use super::shelf::{self, ShelfError};
use crate::doctor::{Cause, Outlook};
use crate::engine::step::{Doing, Ending, done};
use crate::error::{Class, Explain};
use crate::object::ObjectRef;
use crate::plan::verb::{Head, LeftOut};

/// The version of the manifest's format.
pub const FORMAT: u32 = 1;
/// The file that is written last.
pub const MANIFEST: &str = "manifest.json";
/// The values that the installation was made with.
const VALUES: &str = "values.json";
/// The folder of the objects' manifests: an export.
pub const MANIFESTS: &str = "manifests";
/// The folder of the claims' copies.
pub const DATA: &str = "data";

/// A file of a backup, as it was when the backup was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Below the backup's folder.
    pub path: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A part of a backup. What else is worth a copy becomes one more kind of part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "kebab-case")]
pub enum Part {
    /// The values of the installation.
    Values {
        /// As JSON.
        file: Sealed,
    },
    /// The manifests of its objects.
    Manifests {
        /// Their folder, below the backup's: another than the usual one when a first try was killed.
        folder: PathBuf,
        /// How many.
        files: usize,
        /// The list with the checksum of each.
        list: Sealed,
    },
    /// What was on the volume of a claim.
    #[serde(rename_all = "camelCase")]
    Claim {
        /// The claim.
        claim: ObjectRef,
        /// Archive, list and certificate.
        sealed: Vec<Sealed>,
        /// Regular files in it.
        files: u64,
        /// Their bytes together.
        content: u64,
        /// Whether something could write to it meanwhile.
        live: bool,
        /// What is not in it: sockets, pipes, devices.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<String>,
    },
    /// A snapshot of an etcd, as `etcdctl snapshot save` makes one.
    Etcd {
        /// The StatefulSet.
        set: ObjectRef,
        /// The file.
        file: Sealed,
    },
    /// Its Secrets, encrypted.
    Secrets {
        /// The encrypted file, and the list of what is in it.
        sealed: Vec<Sealed>,
        /// Which.
        secrets: Vec<ObjectRef>,
    },
}

impl Part {
    /// Its files.
    pub fn sealed(&self) -> Vec<&Sealed> {
        match self {
            Self::Values { file } | Self::Etcd { file, .. } => vec![file],
            Self::Manifests { list, .. } => vec![list],
            Self::Claim { sealed, .. } | Self::Secrets { sealed, .. } => sealed.iter().collect(),
        }
    }
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// When it was whole.
    pub at: Timestamp,
    /// What it is of, and what is not in it.
    #[serde(flatten)]
    pub head: Head,
    /// What is in it.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// Bytes of all that it has the length of.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().flat_map(Part::sealed).map(|sealed| sealed.bytes).sum()
    }

    /// The folder of the objects' manifests, below the backup's.
    pub fn manifests(&self) -> &Path {
        let folder = self.parts.iter().find_map(|part| match part {
            Part::Manifests { folder, .. } => Some(folder.as_path()),
            _ => None,
        });
        folder.unwrap_or(Path::new(MANIFESTS))
    }

    /// The etcds of which it has a snapshot, with the file.
    pub fn etcds(&self) -> impl Iterator<Item = (&ObjectRef, &Path)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Etcd { set, file } => Some((set, file.path.as_path())),
            _ => None,
        })
    }

    /// The Secrets in it.
    pub fn secrets(&self) -> &[ObjectRef] {
        let part = self.parts.iter().find_map(|part| match part {
            Part::Secrets { secrets, .. } => Some(secrets.as_slice()),
            _ => None,
        });
        part.unwrap_or_default()
    }

    /// The claims in it, with the number of their files.
    pub fn claims(&self) -> impl Iterator<Item = (&ObjectRef, u64)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Claim { claim, files, .. } => Some((claim, *files)),
            _ => None,
        })
    }
}

/// A backup that nothing can be restored from.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It has no manifest: it was broken off, or is none.
    #[error("{}: no {MANIFEST}: it was never finished, or is no backup", .0.display())]
    NotWhole(PathBuf),
    /// Its manifest is none.
    #[error("{}: {why}", path.display())]
    Strange {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A part is not what it was.
    #[error("{}: not as it was when the backup was made: {why}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is otherwise.
        why: String,
    },
    /// The disk refuses.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The disk refuses.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
}

impl Explain for BackupError {
    fn id(&self) -> &'static str {
        match self {
            Self::NotWhole(_) => "backup-not-whole",
            Self::Strange { .. } => "backup-strange",
            Self::Changed { .. } => "backup-changed",
            Self::Archive(_) | Self::Shelf(_) => "backup-unreadable",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotWhole(_) | Self::Strange { .. } | Self::Changed { .. } => {
                "`seaworthy backup list` shows what there is (with --to DIR: there); choose another one with --from"
                    .to_owned()
            }
            Self::Archive(_) | Self::Shelf(_) => "look at the disk and the rights of the folder".to_owned(),
        })
    }
}

/// Reads the manifest of a backup; its parts are not looked at.
///
/// # Errors
/// When there is none, or it is of another format.
pub fn read(folder: &Path) -> Result<Manifest, BackupError> {
    let path = folder.join(MANIFEST);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(BackupError::NotWhole(folder.to_owned()));
        }
        text => text.map_err(|source| ShelfError::Io { path: path.clone(), source })?,
    };
    let strange = |why: String| BackupError::Strange { path: path.clone(), why };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| strange(error.to_string()))?;
    if value["format"] != FORMAT {
        return Err(strange(format!("this program reads format {FORMAT}; it has format {}", value["format"])));
    }
    serde_json::from_value(value).map_err(|error| strange(error.to_string()))
}

/// Reads a backup and every byte of it: all is as it was when it was made.
///
/// # Errors
/// The first thing that is not.
pub fn verify(folder: &Path) -> Result<Manifest, BackupError> {
    let manifest = read(folder)?;
    for sealed in manifest.parts.iter().flat_map(Part::sealed) {
        let path = folder.join(&sealed.path);
        let changed = |why: String| BackupError::Changed { path: path.clone(), why };
        if !path.is_file() {
            return Err(changed("it is not there".to_owned()));
        }
        let (bytes, sha256) = sum_of(&path)?;
        if bytes != sealed.bytes {
            return Err(changed(format!("it has {bytes} bytes and had {}", sealed.bytes)));
        }
        if sha256 != sealed.sha256 {
            return Err(changed("its checksum is another one".to_owned()));
        }
    }
    for part in &manifest.parts {
        if let Part::Manifests { folder: below, files, .. } = part
            && export::verified(&folder.join(below)) != Some(*files)
        {
            let why = format!("its files are not as {} has them", export::SUMS);
            return Err(BackupError::Changed { path: folder.join(below), why });
        }
    }
    Ok(manifest)
}

/// All backups below a folder, the newest first: each with its manifest, or why it has none that counts.
pub fn all(folder: &Path) -> Vec<(PathBuf, Result<Manifest, BackupError>)> {
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut folders: Vec<PathBuf> = below(folder).iter().flat_map(|installation| below(installation)).collect();
    folders.sort_by(|a, b| b.file_name().cmp(&a.file_name()));
    folders.into_iter().map(|folder| (folder.clone(), read(&folder))).collect()
}

fn sealed(folder: &Path, path: &Path) -> Result<Sealed, BackupError> {
    let (bytes, sha256) = sum_of(&folder.join(path))?;
    Ok(Sealed { path: path.to_owned(), bytes, sha256 })
}

/// Looks at every part and writes the manifest. Whatever is not whole is an error: a backup is whole, or none.
fn seal(folder: &Path, head: &Head) -> Result<Manifest, BackupError> {
    let mut parts = Vec::new();
    if !head.values.is_null() {
        let text = format!("{:#}\n", head.values);
        shelf::put(&folder.join(VALUES), text.as_bytes())?;
        parts.push(Part::Values { file: sealed(folder, Path::new(VALUES))? });
    }
    let manifests = folder.join(MANIFESTS);
    let broken = |path: PathBuf, why: &str| BackupError::Changed { path, why: why.to_owned() };
    let (export, files) = export::whole(&manifests, &[]).ok_or_else(|| broken(manifests, "the export is not whole"))?;
    let below = export.strip_prefix(folder).unwrap_or(&export).to_owned();
    let list = sealed(folder, &below.join(export::SUMS))?;
    parts.push(Part::Manifests { folder: below, files, list });
    for claim in &head.claims {
        let paths = Paths::of(&folder.join(DATA), claim);
        let known = certified(&paths)?.ok_or_else(|| broken(paths.tar.clone(), "the copy is not whole"))?;
        let below = |path: &Path| sealed(folder, path.strip_prefix(folder).unwrap_or(path));
        let sealed = [&paths.tar, &paths.list, &paths.certificate].map(|path| below(path));
        parts.push(Part::Claim {
            claim: claim.clone(),
            sealed: sealed.into_iter().collect::<Result<_, _>>()?,
            files: known.files,
            content: known.content,
            live: known.live,
            left_out: known.left_out,
        });
    }
    for (set, file) in &head.etcds {
        if !folder.join(file).is_file() {
            return Err(broken(folder.join(file), "the snapshot is not there"));
        }
        parts.push(Part::Etcd { set: set.clone(), file: sealed(folder, file)? });
    }
    if !head.recipients.is_empty() {
        let file = folder.join(secrets::FILE);
        let known = secrets::listing(&file).ok_or_else(|| broken(file.clone(), "the Secrets are not whole"))?;
        let list = secrets::list_of(Path::new(secrets::FILE));
        let sealed = [sealed(folder, Path::new(secrets::FILE))?, sealed(folder, &list)?].into();
        parts.push(Part::Secrets { sealed, secrets: known.secrets });
    }
    let manifest = Manifest { format: FORMAT, at: Timestamp::now(), head: head.clone(), parts };
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    shelf::put(&folder.join(MANIFEST), format!("{text}\n").as_bytes())?;
    verify(folder)
}

impl Doing<'_> {
    pub(super) async fn seal(&self, folder: &str, head: &Head) -> Ending {
        let (path, head) = (PathBuf::from(folder), head.clone());
        let work = move || match verify(&path) {
            Ok(manifest) => Ok((manifest, false)),
            Err(BackupError::NotWhole(_)) => seal(&path, &head).map(|manifest| (manifest, true)),
            Err(error) => Err(error),
        };
        match self.context.cluster.clock.at_disk(work).await {
            Ok(Ok((manifest, changed))) => {
                let (parts, bytes) = (manifest.parts.len(), manifest.bytes());
                let left: Vec<&LeftOut> = manifest.head.left_out.iter().collect();
                let left = if left.is_empty() { String::new() } else { format!("; {} left out", left.len()) };
                done(changed, Some(format!("{parts} parts, {bytes} bytes in {folder}{left}")))
            }
            Ok(Err(error)) => Ending::Failed(unsealed(error.id(), &error.to_string())),
            Err(error) => Ending::Failed(unsealed("backup-unreadable", &error.to_string())),
        }
    }
}

fn unsealed(id: &str, message: &str) -> Cause {
    Cause {
        id: id.to_owned(),
        object: None,
        reason: "Backup".to_owned(),
        message: message.to_owned(),
        remedy: Some("take another backup: the same command makes one in a new folder".to_owned()),
        outlook: Outlook::Stuck,
    }
}
