//! What can be wrong with kubeconfig files, with the words and the remedy for each.

use super::ContextFact;
use crate::error::{Class, Explain};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// What is wrong with a kubeconfig file or what it defines; in JSON, the variant's name in `problem`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum Problem {
    /// The file of `--kubeconfig` does not exist.
    #[error("{}: no such file", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// A file cannot be opened.
    #[error("{}: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        why: String,
        /// Whether it is the one k3s keeps for root.
        k3s: bool,
    },
    /// A file is not a kubeconfig. Its content is not quoted: it may be a credential.
    #[error("{}{}: {why}", file.display(), Place(*line, *column))]
    Broken {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1, if known.
        line: Option<u32>,
        /// The column, counted from 1, if known.
        column: Option<u32>,
        /// What is wrong there.
        why: String,
    },
    /// A context names a cluster that no file defines.
    #[error("{}: context `{context}` names cluster `{cluster}`, which no file defines", file.display())]
    UnknownCluster {
        /// The file of the context.
        file: PathBuf,
        /// The context.
        context: String,
        /// The cluster it names.
        cluster: String,
    },
    /// A context names a user that no file defines; kubectl refuses it.
    #[error("{}: context `{context}` names user `{user}`, which no file defines", file.display())]
    UnknownUser {
        /// The file of the context.
        file: PathBuf,
        /// The context.
        context: String,
        /// The user it names.
        user: String,
    },
    /// The current context does not exist.
    #[error("{}: the current context `{name}` does not exist", file.display())]
    UnknownCurrent {
        /// The file that sets it.
        file: PathBuf,
        /// The name.
        name: String,
    },
    /// Two files give the same name; the second is not used.
    #[error("{kind} `{name}` of {} is not used: {} defines the same name first", shadowed.display(), winner.display())]
    Shadowed {
        /// What has the name.
        kind: EntryKind,
        /// The name.
        name: String,
        /// The file whose entry counts.
        winner: PathBuf,
        /// The file whose entry does not.
        shadowed: PathBuf,
    },
    /// One file gives the same name twice; kubectl refuses it, the first counts here.
    #[error("{}: {kind} `{name}` is defined twice", file.display())]
    Duplicate {
        /// What has the name.
        kind: EntryKind,
        /// The name.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// Everybody on this machine can read a file with credentials.
    #[error("{}: everybody on this machine can read its credentials (mode {mode})", file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
        /// Its mode, in octal.
        mode: String,
    },
    /// Reading the files did not end in time, as with a network mount that is gone.
    #[error("the kubeconfig files could not be read within {after_ms} ms")]
    Stuck {
        /// How long it was given, in milliseconds.
        after_ms: u64,
    },
    /// A credential plugin is not on PATH.
    #[error("context `{context}` needs the credential plugin `{command}`, which is not installed")]
    PluginMissing {
        /// The context.
        context: String,
        /// The plugin's command.
        command: String,
        /// What the kubeconfig says about installing it.
        install: Option<String>,
    },
}

/// What a name in a kubeconfig names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A context.
    Context,
    /// A cluster.
    Cluster,
    /// A user.
    User,
}

impl fmt::Display for EntryKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Context => "context",
            Self::Cluster => "cluster",
            Self::User => "user",
        })
    }
}

struct Place(Option<u32>, Option<u32>);

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for number in [self.0, self.1].into_iter().flatten() {
            write!(formatter, ":{number}")?;
        }
        Ok(())
    }
}

impl Explain for Problem {
    fn id(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "kubeconfig-missing",
            Self::Unreadable { .. } => "kubeconfig-unreadable",
            Self::Broken { .. } => "kubeconfig-broken",
            Self::UnknownCluster { .. } => "kubeconfig-unknown-cluster",
            Self::UnknownUser { .. } => "kubeconfig-unknown-user",
            Self::UnknownCurrent { .. } => "kubeconfig-unknown-current-context",
            Self::Shadowed { .. } => "kubeconfig-shadowed",
            Self::Duplicate { .. } => "kubeconfig-duplicate",
            Self::Exposed { .. } => "kubeconfig-exposed",
            Self::Stuck { .. } => "kubeconfig-stuck",
            Self::PluginMissing { .. } => "credential-plugin-missing",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "correct the path given with `--kubeconfig`".into(),
            Self::Unreadable { file, k3s: true, .. } => format!(
                "copy it: `sudo install -m 600 -o $USER {} ~/.kube/config`; or start the k3s server with \
                 `--write-kubeconfig-group GROUP` (a changed mode is undone at its next start)",
                file.display()
            ),
            Self::Unreadable { .. } => "make it readable for this user".into(),
            Self::Broken { .. } => "repair the file, or take it out of KUBECONFIG".into(),
            Self::UnknownCluster { context, .. } | Self::UnknownUser { context, .. } => {
                format!("define it, or remove the context: `kubectl config delete-context {context}`")
            }
            Self::UnknownCurrent { .. } => "choose one that exists: `kubectl config use-context NAME`".into(),
            Self::Shadowed { kind: EntryKind::Context, name, .. } => {
                format!("give one of them another name: `kubectl config rename-context {name} NEW`")
            }
            Self::Shadowed { .. } | Self::Duplicate { .. } => "give one of them another name".into(),
            Self::Exposed { file, .. } => format!("`chmod 600 {}`", file.display()),
            Self::Stuck { .. } => "see that the file system with the kubeconfig answers".into(),
            Self::PluginMissing { install: Some(install), .. } => install.clone(),
            Self::PluginMissing { .. } => "install the plugin, and see that it is on PATH".into(),
        })
    }
}

/// What is wrong with one context of the merge.
pub(super) fn of_context(context: &ContextFact) -> Vec<Problem> {
    let ContextFact { name, file, cluster, cluster_file, user, user_file, plugin, .. } = context;
    let mut problems = Vec::new();
    if cluster_file.is_none() {
        problems.push(Problem::UnknownCluster { file: file.clone(), context: name.clone(), cluster: cluster.clone() });
    }
    if let (Some(user), None) = (user, user_file) {
        problems.push(Problem::UnknownUser { file: file.clone(), context: name.clone(), user: user.clone() });
    }
    if let Some(plugin) = plugin.as_ref().filter(|plugin| plugin.path.is_none()) {
        let (command, install) = (plugin.command.clone(), plugin.install.clone());
        problems.push(Problem::PluginMissing { context: name.clone(), command, install });
    }
    problems
}
