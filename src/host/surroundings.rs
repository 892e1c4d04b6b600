//! What the process was started with, as data: the library never asks the environment itself.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A snapshot of the variables, the home folder and the user, taken by the binary when it starts.
#[derive(Clone)]
pub struct Surroundings {
    /// The environment variables. Tools and credential plugins are started with exactly these.
    pub variables: BTreeMap<String, String>,
    /// The user's home folder, if there is one.
    pub home: Option<PathBuf>,
    /// The effective user id; 0 is root.
    pub uid: u32,
    /// Where absolute default paths begin: `/`, or a folder in tests. Paths that a user names are taken as they are.
    pub root: PathBuf,
}

impl Surroundings {
    /// The surroundings of a user on this machine; the home folder is `HOME`.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>, uid: u32) -> Self {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        let home = variables.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        Self { variables, home, uid, root: PathBuf::from("/") }
    }

    /// A variable's value; an empty one counts as unset, as for docker and kubectl.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// An absolute default path, below [`root`](Self::root).
    pub fn at_root(&self, absolute: impl AsRef<Path>) -> PathBuf {
        let absolute = absolute.as_ref();
        self.root.join(absolute.strip_prefix("/").unwrap_or(absolute))
    }

    /// A path in the home folder, if there is one.
    pub fn at_home(&self, relative: impl AsRef<Path>) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(relative))
    }

    /// The user's folder for sockets: `XDG_RUNTIME_DIR`, else `/run/user/UID`, which systemd makes.
    pub fn runtime_dir(&self) -> PathBuf {
        self.variable("XDG_RUNTIME_DIR").map_or_else(|| self.at_root(format!("/run/user/{}", self.uid)), PathBuf::from)
    }
}

/// Values may be secrets, so only the variables' names are shown.
impl fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Surroundings")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .field("uid", &self.uid)
            .field("root", &self.root)
            .finish()
    }
}

/// What to look at, and for how long each probe may take. Nothing waits for anything else.
#[derive(Debug, Clone)]
pub struct LookOptions {
    /// The kubeconfig file given with `--kubeconfig`; it must exist, and is then the only one.
    pub kubeconfig: Option<PathBuf>,
    /// Ask only this context's cluster; `None` asks all.
    pub context: Option<String>,
    /// Folders whose free space matters besides the container engines' own, such as the state folder.
    pub folders: Vec<PathBuf>,
    /// For each address of a container engine (default 2 s).
    pub engine_limit: Duration,
    /// For each tool's version (default 2 s).
    pub tool_limit: Duration,
    /// For each cluster, its credential plugin included (default 3 s).
    pub cluster_limit: Duration,
    /// For files and file systems, which may be on a network that is gone (default 1 s).
    pub file_limit: Duration,
}

impl Default for LookOptions {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            folders: Vec::new(),
            engine_limit: Duration::from_secs(2),
            tool_limit: Duration::from_secs(2),
            cluster_limit: Duration::from_secs(3),
            file_limit: Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Surroundings;
    use std::path::PathBuf;

    #[test]
    fn paths_follow_the_variables() {
        let variables = [("HOME", "/home/a"), ("EMPTY", ""), ("TOKEN", "hunter2")];
        let mut here = Surroundings::new(variables.map(|(name, value)| (name.into(), value.into())), 7);
        assert_eq!(here.variable("EMPTY"), None);
        assert_eq!(here.at_home(".kube/config"), Some(PathBuf::from("/home/a/.kube/config")));
        assert_eq!(here.runtime_dir(), PathBuf::from("/run/user/7"));
        here.root = PathBuf::from("/tmp/x");
        assert_eq!(here.at_root("/var/run/docker.sock"), PathBuf::from("/tmp/x/var/run/docker.sock"));
        assert!(!format!("{here:?}").contains("hunter2"));
    }
}
