//! Marks in files: one for each cluster, in a folder of this machine.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Mark;
use crate::engine::rescue::shelf::{ShelfError, replace};
use crate::error::Explain;

/// Version of the form. One of another version is passed over, and written anew when the cluster is well again.
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    schema_version: u64,
    #[serde(flatten)]
    mark: Mark,
}

/// Why a mark cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file is broken.
    #[error("{}: {error}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: serde_json::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] ShelfError),
}

impl Explain for MarkError {
    fn id(&self) -> &'static str {
        "green-mark"
    }

    fn hint(&self) -> Option<String> {
        Some(
            "delete the file: it is written anew when the cluster is well; only what has changed since is not told"
                .to_owned(),
        )
    }
}

/// The folder of marks below a state folder.
#[derive(Debug, Clone)]
pub struct Marks(PathBuf);

impl Marks {
    /// Nothing is made before the first mark is kept.
    pub fn new(state_dir: &Path) -> Self {
        Self(state_dir.join("green"))
    }

    fn path(&self, uid: &str) -> PathBuf {
        // The API server says the uid: it is no path.
        let name: String =
            uid.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
        self.0.join(format!("{name}.json"))
    }

    /// Keeps a mark in the place of the one before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, mark: &Mark) -> Result<(), MarkError> {
        let path = self.path(&mark.cluster.uid);
        let saved = Saved { schema_version: VERSION, mark: mark.clone() };
        let text = serde_json::to_vec(&saved).map_err(|error| MarkError::Broken { path: path.clone(), error })?;
        Ok(replace(&path, &text)?)
    }

    /// The mark of a cluster, by the uid of its `kube-system`; `None` where there is none that this version knows.
    ///
    /// # Errors
    /// When its file cannot be read, or is broken.
    pub fn read(&self, uid: &str) -> Result<Option<Mark>, MarkError> {
        let path = self.path(uid);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(MarkError::Read { path, error }),
        };
        let broken = |error| MarkError::Broken { path: path.clone(), error };
        let document: Value = serde_json::from_slice(&text).map_err(broken)?;
        if document["schemaVersion"] != VERSION {
            return Ok(None);
        }
        let saved: Saved = serde_json::from_value(document).map_err(broken)?;
        Ok(Some(saved.mark))
    }
}
