//! The support bundle: what somebody needs who cannot reach the cluster, without its secrets.
//!
//! ```text
//! gather, logs --> Material --> pack (redact, look again) --> Bundle --> file
//! ```
//!
//! [`mod@gather`] reads, each collector with its own deadline: one that fails is a line of the bundle. [`mod@pack`] is pure and decides
//! what goes in; [`redact`] takes the secrets out. [`mod@file`] writes one archive, and finds the evidence in it again.

pub mod file;
pub mod gather;
mod logs;
pub mod manifest;
pub mod pack;
pub mod redact;
mod texts;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use gather::{Wanted, gather};
pub use pack::{Leak, pack};

use super::evidence::{ClusterFacts, Evidence};
use crate::snapshot::Snapshot;

/// What was read, with all secrets still in it. It is dropped as soon as the bundle is packed.
#[derive(Default)]
pub struct Material {
    /// What `doctor` judges; it holds no secrets by itself.
    pub evidence: Option<Evidence>,
    /// The objects as they are.
    pub objects: Snapshot,
    /// The namespace to which objects and logs are limited.
    pub namespace: Option<String>,
    /// What containers said.
    pub logs: Vec<Log>,
    /// Journals of runs of this cluster, by their names.
    pub runs: Vec<(String, String)>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// Which cluster, and when.
    pub cluster: ClusterFacts,
    /// When it was read, by the cluster's clock where it told it.
    pub taken: Timestamp,
}

/// What a container said, its end first to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The namespace of its pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether it is the container before the one that runs now.
    pub previous: bool,
    /// The lines.
    pub text: String,
    /// What is missing of it.
    pub cut: Option<String>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Gap {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Gap {
    fn new(what: impl Into<String>, why: impl AsRef<str>) -> Self {
        Self { what: what.into(), why: crate::object::printable(why.as_ref()).replace('\n', " ") }
    }
}

/// What is to go into a bundle besides what always does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Values of `ConfigMap`s, as far as no secret is in them.
    pub with_config: bool,
}

/// A bundle, ready to be written.
#[derive(Debug)]
pub struct Bundle {
    /// Its name, which is that of the folder in the archive.
    pub name: String,
    /// When its content was read.
    pub taken: Timestamp,
    /// What goes into it, the manifest last.
    pub files: Vec<Packed>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Its path below the bundle's folder.
    pub path: String,
    /// Its content.
    pub text: String,
    /// What was hidden in it, and where.
    pub hidden: Vec<redact::tree::Place>,
}

/// The name of a bundle: the cluster's, and the time.
pub fn name(context: &str, taken: Timestamp) -> String {
    let context: String = safe(context).replace('_', "-");
    format!("seaworthy-{context}-{}", taken.strftime("%Y%m%d-%H%M%S"))
}

/// A name from a cluster as a part of a path.
fn safe(name: &str) -> String {
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '_' };
    let name: String = name.chars().take(200).map(letter).collect();
    if name.trim_matches('.').is_empty() { "_".to_owned() } else { name }
}
