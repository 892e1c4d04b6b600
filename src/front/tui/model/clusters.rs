//! The clusters to choose from, as each answers.

use seaworthy::host::clusters::{ClusterFact, Reach};
use seaworthy::host::{Host, HostEvent};

/// What is known so far.
#[derive(Default)]
pub(crate) struct Clusters {
    pub(crate) host: Host,
    pub(crate) cursor: usize,
    /// Everybody has answered or been given up.
    pub(crate) done: bool,
    /// The context to begin at.
    wanted: Option<String>,
    /// The person has chosen a line: it stays where it is.
    pub(crate) moved: bool,
}

/// How a cluster stands.
pub(crate) enum Standing<'a> {
    /// It was asked and has not answered yet.
    Asked,
    /// It answered, or not.
    Known(&'a ClusterFact),
    /// Nobody asked it.
    Unasked,
}

impl Clusters {
    pub(crate) fn new(wanted: Option<String>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Everything is asked again.
    pub(crate) fn forget(&mut self) {
        self.wanted = self.chosen().map(str::to_owned);
        self.host = Host::default();
        (self.done, self.moved) = (false, false);
    }

    pub(crate) fn add(&mut self, event: HostEvent) {
        self.host.add(event);
        if !self.moved {
            let wanted = self.wanted.as_ref().or(self.host.kubeconfig.current.as_ref());
            let position = self.host.kubeconfig.contexts.iter().position(|context| Some(&context.name) == wanted);
            self.cursor = position.unwrap_or_default();
        }
    }

    /// The context that the cursor is on.
    pub(crate) fn chosen(&self) -> Option<&str> {
        self.host.kubeconfig.contexts.get(self.cursor).map(|context| context.name.as_str())
    }

    pub(crate) fn standing(&self, context: &str) -> Standing<'_> {
        match self.host.clusters.iter().find(|cluster| cluster.context == context) {
            Some(cluster) => Standing::Known(cluster),
            None if self.done => Standing::Unasked,
            None => Standing::Asked,
        }
    }

    /// Why the chosen one cannot be taken.
    pub(crate) fn objection(&self) -> Option<String> {
        let Some(context) = self.chosen() else {
            return Some(
                "no kubeconfig names a cluster: `seaworthy cluster create` makes one; --sandbox needs none".to_owned(),
            );
        };
        match self.standing(context) {
            Standing::Asked => Some(format!("{context} has not answered yet")),
            Standing::Unasked => Some(format!("{context} was not asked; r asks again")),
            Standing::Known(ClusterFact { reach: Reach::Unreached(why), .. }) => {
                Some(format!("{context}: {}; r asks again", why.message))
            }
            Standing::Known(_) => None,
        }
    }
}
