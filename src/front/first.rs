//! What is installed before a stack, because the stack needs it.

use seaworthy::prerequisites::Prerequisite;

use super::form::quoted;

/// An order, as the command line has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct First {
    /// Empty: all that are missing.
    pub(crate) names: Vec<Prerequisite>,
    /// `--pool`.
    pub(crate) pool: Vec<String>,
    /// `--adopt`.
    pub(crate) adopt: Vec<Prerequisite>,
    /// `--registry`.
    pub(crate) registry: Option<String>,
    /// `--no-check`.
    pub(crate) no_check: bool,
}

impl First {
    /// The command line that says the same, in words that a shell takes.
    pub(crate) fn command(&self) -> Vec<String> {
        let meant = |it: &Prerequisite| self.names.is_empty() || self.names.contains(it);
        let mut words = vec!["seaworthy prerequisites install".to_owned()];
        words.extend(self.names.iter().map(ToString::to_string));
        let pools = self.pool.iter().filter(|_| meant(&Prerequisite::Metallb));
        words.extend(pools.map(|pool| format!("--pool {}", quoted(pool))));
        words.extend(self.adopt.iter().filter(|it| meant(it)).map(|it| format!("--adopt {it}")));
        words.extend(self.registry.iter().map(|host| format!("--registry {}", quoted(host))));
        words.extend(self.no_check.then(|| "--no-check".to_owned()));
        words
    }
}
