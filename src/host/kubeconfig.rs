//! The contexts of the merged kubeconfig, and everything that is wrong with its files.
//!
//! The rules are kubectl's: the files of `KUBECONFIG` in their order, the first to give a name or the current context
//! wins, relative paths in a file are relative to it, a missing file is skipped. Unlike kubectl, a broken file does not
//! hide the good ones: it is reported, with line and column. Nothing here holds a credential.

mod file;
mod problem;

use super::surroundings::Surroundings;
use super::text::clean;
use super::tools;
use crate::cluster::fault::without_userinfo;
use kube::config::Kubeconfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use file::{FileState, KubeconfigFile, NamedBy};
pub use problem::{EntryKind, Problem};

/// What the kubeconfig files hold, without credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeconfigFacts {
    /// The files, in the order in which they count.
    pub files: Vec<KubeconfigFile>,
    /// The context in use; it may name one that does not exist, which is then among the problems.
    pub current: Option<String>,
    /// The contexts, in the order of the files.
    pub contexts: Vec<ContextFact>,
    /// What is wrong, in the order of the files.
    pub problems: Vec<Problem>,
}

/// One context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextFact {
    /// Its name.
    pub name: String,
    /// Whether it is the one in use.
    pub current: bool,
    /// The file that defines it.
    pub file: PathBuf,
    /// The cluster it names.
    pub cluster: String,
    /// The file that defines the cluster; `None` if none does.
    pub cluster_file: Option<PathBuf>,
    /// The server's address, without a login.
    pub server: Option<String>,
    /// The user it names.
    pub user: Option<String>,
    /// The file that defines the user; `None` if none does.
    pub user_file: Option<PathBuf>,
    /// The namespace for requests that name none.
    pub namespace: Option<String>,
    /// The program that gives the user's credentials, if one does.
    pub plugin: Option<Plugin>,
}

/// A credential plugin: a program the kubeconfig names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// The command, without its arguments.
    pub command: String,
    /// Where it was found; `None` if it was not.
    pub path: Option<PathBuf>,
    /// What the kubeconfig says about installing it.
    pub install: Option<String>,
}

/// The facts, and the merged configuration to connect with.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// What the files hold.
    pub facts: KubeconfigFacts,
    /// The merge of the good files, with credentials; paths in it are absolute.
    pub merged: Kubeconfig,
}

/// Reads and merges the files. `explicit` is `--kubeconfig`: then it is the only file, and must exist.
pub fn read(here: &Surroundings, explicit: Option<&Path>) -> Loaded {
    let mut merging = Merging::default();
    for (path, named_by) in file::sources(here, explicit) {
        let (state, content) = file::read(&path, named_by, &mut merging.problems);
        if let Some(content) = content {
            merging.add(&path, content);
        }
        merging.files.push(KubeconfigFile { path, named_by, state });
    }
    merging.finish(here)
}

/// The merge so far, and who gave which name.
#[derive(Default)]
struct Merging {
    files: Vec<KubeconfigFile>,
    merged: Kubeconfig,
    origins: BTreeMap<(EntryKind, String), PathBuf>,
    current_file: Option<PathBuf>,
    problems: Vec<Problem>,
}

impl Merging {
    fn add(&mut self, path: &Path, mut content: Kubeconfig) {
        for (kind, name) in names(&content) {
            match self.origins.get(&(kind, name.clone())) {
                Some(first) if first == path => {
                    self.problems.push(Problem::Duplicate { kind, name: clean(&name), file: path.into() });
                }
                Some(first) => {
                    let (winner, shadowed) = (first.clone(), path.into());
                    self.problems.push(Problem::Shadowed { kind, name: clean(&name), winner, shadowed });
                }
                None => {
                    self.origins.insert((kind, name), path.into());
                }
            }
        }
        // kubectl takes an empty name for none, kube does not.
        content.current_context = content.current_context.filter(|name| !name.is_empty());
        if self.merged.current_context.is_none() && content.current_context.is_some() {
            self.current_file = Some(path.into());
        }
        // kube refuses to merge files that differ in these two, which file::read has judged one by one.
        (content.kind, content.api_version) = (None, None);
        if let Ok(merged) = self.merged.clone().merge(content) {
            self.merged = merged;
        }
    }

    fn finish(mut self, here: &Surroundings) -> Loaded {
        let current = self.merged.current_context.clone();
        let contexts: Vec<_> = self.merged.contexts.iter().map(|context| self.context(context, here)).collect();
        self.problems.extend(contexts.iter().flat_map(problem::of_context));
        if let (Some(name), Some(file)) = (&current, self.current_file)
            && !self.merged.contexts.iter().any(|context| context.name == *name)
        {
            self.problems.push(Problem::UnknownCurrent { name: clean(name), file });
        }
        let facts = KubeconfigFacts {
            files: self.files,
            current: current.map(|name| clean(&name)),
            contexts,
            problems: self.problems,
        };
        Loaded { facts, merged: self.merged }
    }

    fn context(&self, named: &kube::config::NamedContext, here: &Surroundings) -> ContextFact {
        let origin = |kind, name: &str| self.origins.get(&(kind, name.to_owned())).cloned();
        let context = named.context.clone().unwrap_or_default();
        let user_name = context.user.filter(|name| !name.is_empty());
        let cluster = self.merged.clusters.iter().find(|cluster| cluster.name == context.cluster);
        let user = self.merged.auth_infos.iter().find(|user| Some(&user.name) == user_name.as_ref());
        let server = cluster.and_then(|named| named.cluster.as_ref()?.server.as_deref()).map(without_userinfo);
        ContextFact {
            name: clean(&named.name),
            current: self.merged.current_context.as_ref() == Some(&named.name),
            file: origin(EntryKind::Context, &named.name).unwrap_or_default(),
            cluster_file: origin(EntryKind::Cluster, &context.cluster),
            cluster: clean(&context.cluster),
            server,
            user_file: user_name.as_ref().and_then(|name| origin(EntryKind::User, name)),
            user: user_name.map(|name| clean(&name)),
            namespace: context.namespace.filter(|namespace| !namespace.is_empty()).map(|name| clean(&name)),
            plugin: user.and_then(|user| plugin(user.auth_info.as_ref()?.exec.as_ref()?, here)),
        }
    }
}

fn names(content: &Kubeconfig) -> Vec<(EntryKind, String)> {
    let contexts = content.contexts.iter().map(|named| (EntryKind::Context, named.name.clone()));
    let clusters = content.clusters.iter().map(|named| (EntryKind::Cluster, named.name.clone()));
    let users = content.auth_infos.iter().map(|named| (EntryKind::User, named.name.clone()));
    contexts.chain(clusters).chain(users).collect()
}

fn plugin(exec: &kube::config::ExecConfig, here: &Surroundings) -> Option<Plugin> {
    let command = exec.command.as_deref()?;
    Some(Plugin {
        command: clean(command),
        path: tools::find(command, here),
        install: exec.install_hint.as_deref().map(clean),
    })
}

#[cfg(test)]
mod tests;
