//! What a bundle says of itself: its files with their sizes and checksums, what was hidden where, and what could not be read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::redact::Rule;
use super::{Gap, Packed};
use crate::doctor::evidence::ClusterFacts;

/// Its name in the bundle.
pub const FILE: &str = "manifest.json";
/// Version of its form.
const VERSION: u32 = 1;

/// The manifest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest<'a> {
    schema_version: u32,
    kind: &'static str,
    seaworthy: &'static str,
    taken: Timestamp,
    cluster: &'a ClusterFacts,
    namespace: Option<&'a str>,
    /// Whether values of `ConfigMap`s are in it.
    with_config: bool,
    /// Values of Secrets that were looked for everywhere.
    known_values: usize,
    files: Vec<File<'a>>,
    hidden: Vec<Entry<'a>>,
    unread: &'a [Gap],
}

#[derive(Debug, Serialize)]
struct File<'a> {
    path: &'a str,
    size: usize,
    sha256: String,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<'a> {
    file: &'a str,
    at: &'a str,
    rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// What the manifest is about.
pub(super) struct About<'a> {
    pub(super) taken: Timestamp,
    pub(super) cluster: &'a ClusterFacts,
    pub(super) namespace: Option<&'a str>,
    pub(super) with_config: bool,
    pub(super) known_values: usize,
    pub(super) gaps: &'a [Gap],
}

impl<'a> Manifest<'a> {
    pub(super) fn of(about: &About<'a>, files: &'a [Packed]) -> Self {
        let hidden = files.iter().flat_map(|file| {
            let entry = |place: &'a super::redact::tree::Place| Entry {
                file: &file.path,
                at: &place.at,
                rule: place.rule,
                token: place.token.as_deref(),
            };
            file.hidden.iter().map(entry)
        });
        let mut hidden: Vec<Entry<'a>> = hidden.collect();
        hidden.dedup();
        let listed = |file: &'a Packed| File { path: &file.path, size: file.text.len(), sha256: sum(&file.text) };
        Self {
            schema_version: VERSION,
            kind: "Bundle",
            seaworthy: env!("CARGO_PKG_VERSION"),
            taken: about.taken,
            cluster: about.cluster,
            namespace: about.namespace,
            with_config: about.with_config,
            known_values: about.known_values,
            files: files.iter().map(listed).collect(),
            hidden,
            unread: about.gaps,
        }
    }
}

fn sum(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut sum, byte| {
        // Writing to a String cannot fail.
        let _ = write!(sum, "{byte:02x}");
        sum
    })
}

/// How many values each rule has hidden in a file.
pub fn by_rule(file: &Packed) -> BTreeMap<Rule, usize> {
    let mut counts = BTreeMap::new();
    for place in &file.hidden {
        *counts.entry(place.rule).or_insert(0) += 1;
    }
    counts
}
