//! What a backup is of, and what is not in it: all that its files do not tell themselves.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::ClusterId;
use crate::object::ObjectRef;
use crate::plan::Installation;

/// Something that belongs to an installation and is not in its backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What: `Secret/namespace/name`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// The head of a backup's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Version of the program.
    pub program: String,
    /// Of which cluster.
    pub cluster: ClusterId,
    /// Of which installation.
    pub installation: Installation,
    /// Whether what writes was stopped for it: then every part is of one moment.
    pub consistent: bool,
    /// The values that the installation was made with, without secrets; null where they are not known.
    pub values: Value,
    /// The claims whose copies are in it.
    pub claims: Vec<ObjectRef>,
    /// The etcds whose snapshots are in it, each with the file, below the backup's folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub etcds: Vec<(ObjectRef, PathBuf)>,
    /// The public keys for which the Secrets in it are encrypted; none: there are no Secrets in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
    /// What was lost for certain when it was made: it does not have that, and an older one may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<LeftOut>,
}
