//! One kubeconfig file: who named it, and what reading it gave.

use super::Problem;
use crate::host::surroundings::Surroundings;
use crate::host::text::clean;
use kube::config::{AuthInfo, Kubeconfig, KubeconfigError};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where k3s writes its kubeconfig; kubectl does not look there, `k3s kubectl` does.
const K3S: &str = "/etc/rancher/k3s/k3s.yaml";

/// A kubeconfig file and what reading it gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeconfigFile {
    /// Its path.
    pub path: PathBuf,
    /// What named it.
    pub named_by: NamedBy,
    /// What reading it gave.
    pub state: FileState,
}

/// What named a kubeconfig file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedBy {
    /// `--kubeconfig`.
    Flag,
    /// The variable `KUBECONFIG`.
    Variable,
    /// It is `~/.kube/config`.
    Default,
    /// It is where k3s writes its own, and nothing else was there.
    K3s,
}

/// What reading a file gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// It was read.
    Read,
    /// It does not exist.
    Missing,
    /// It could not be read or understood; the problems say why.
    Broken,
}

/// The files that count, in their order.
pub(super) fn sources(here: &Surroundings, explicit: Option<&Path>) -> Vec<(PathBuf, NamedBy)> {
    if let Some(path) = explicit {
        return vec![(path.into(), NamedBy::Flag)];
    }
    if let Some(list) = here.variable("KUBECONFIG") {
        let mut paths: Vec<_> = std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect();
        let mut seen = Vec::new();
        // kubectl reads a file named twice once.
        paths.retain(|path| {
            !seen.contains(path) && {
                seen.push(path.clone());
                true
            }
        });
        return paths.into_iter().map(|path| (path, NamedBy::Variable)).collect();
    }
    let default = here.at_home(".kube/config").map(|path| (path, NamedBy::Default));
    let k3s = here.at_root(K3S);
    match default {
        Some((path, _)) if !path.exists() && k3s.exists() => vec![(path, NamedBy::Default), (k3s, NamedBy::K3s)],
        None if k3s.exists() => vec![(k3s, NamedBy::K3s)],
        other => other.into_iter().collect(),
    }
}

/// Reads one file, and adds what is wrong with it.
pub(super) fn read(path: &Path, named_by: NamedBy, problems: &mut Vec<Problem>) -> (FileState, Option<Kubeconfig>) {
    match Kubeconfig::read_from(path) {
        Ok(content) => {
            if let Some(problem) = wrong_kind(path, &content) {
                problems.push(problem);
                return (FileState::Broken, None);
            }
            problems.extend(exposed(path, &content));
            (FileState::Read, Some(content))
        }
        Err(KubeconfigError::ReadConfig(error, _)) if error.kind() == io::ErrorKind::NotFound => {
            // kubectl skips what KUBECONFIG names and what is not there, and so do we.
            if named_by == NamedBy::Flag {
                problems.push(Problem::Missing { file: path.into() });
            }
            (FileState::Missing, None)
        }
        Err(error) => {
            problems.push(broken(path, named_by, &error));
            (FileState::Broken, None)
        }
    }
}

fn broken(path: &Path, named_by: NamedBy, error: &KubeconfigError) -> Problem {
    let file = path.to_path_buf();
    match error {
        KubeconfigError::ReadConfig(error, _) => {
            let k3s = named_by == NamedBy::K3s && error.kind() == io::ErrorKind::PermissionDenied;
            Problem::Unreadable { file, why: error.to_string(), k3s }
        }
        KubeconfigError::Parse(error) => {
            let place = error.location();
            let number = |number: u64| u32::try_from(number).ok();
            let why = without_values(&error.without_snippet().to_string());
            Problem::Broken {
                file,
                line: place.and_then(|place| number(place.line())),
                column: place.and_then(|place| number(place.column())),
                // The place stands before it already.
                why: why.split(" at line ").next().unwrap_or_default().to_owned(),
            }
        }
        other => Problem::Broken { file, line: None, column: None, why: clean(&other.to_string()) },
    }
}

/// A parser's message without what it quotes of the file, which may be a credential.
///
/// The messages quote what they found before `, expected`, in quotes or back-quotes; names of fields come without.
fn without_values(message: &str) -> String {
    let message = clean(message);
    if let Some((found, expected)) = message.split_once(", expected ") {
        let kind = found.split(['"', '`', '\'']).next().unwrap_or_default().trim_end();
        return format!("{kind}, expected {}", expected.split(['"', '\'']).next().unwrap_or_default().trim_end());
    }
    let mut kept = String::new();
    for (position, piece) in message.split('"').enumerate() {
        kept.push_str(if position % 2 == 0 { piece } else { "…" });
    }
    kept
}

fn wrong_kind(path: &Path, content: &Kubeconfig) -> Option<Problem> {
    let kind = content.kind.as_deref().filter(|kind| *kind != "Config");
    let version = content.api_version.as_deref().filter(|version| *version != "v1");
    let found = kind.or(version)?;
    Some(Problem::Broken {
        file: path.into(),
        line: None,
        column: None,
        why: format!("it is `{}`, not a kubeconfig (`kind: Config`, `apiVersion: v1`)", clean(found)),
    })
}

/// A file with credentials that others on this machine can read.
fn exposed(path: &Path, content: &Kubeconfig) -> Option<Problem> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let secret = content.auth_infos.iter().filter_map(|named| named.auth_info.as_ref()).any(has_credential);
    (secret && mode & 0o004 != 0).then(|| Problem::Exposed { file: path.into(), mode: format!("{mode:04o}") })
}

fn has_credential(user: &AuthInfo) -> bool {
    let provider = user.auth_provider.as_ref().is_some_and(|provider| !provider.config.is_empty());
    user.token.is_some() || user.password.is_some() || user.client_key_data.is_some() || provider
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn messages_keep_no_value() {
        for message in [
            "invalid type: string \"hunter2\", expected struct AuthInfo at line 3, column 4",
            "invalid type: integer `12345`, expected a string",
            "unknown escape in \"hunter2\"",
            "invalid value: string \"hunter2\", expected \"hunter2\"",
        ] {
            let kept = without_values(message);
            assert!(!kept.contains("hunter2") && !kept.contains("12345"), "{kept}");
            assert!(!kept.is_empty());
        }
    }
}
