//! The clusters to choose from, as each answers.

use std::collections::BTreeMap;

use seaworthy::host::clusters::{ClusterFact, Reach};
use seaworthy::host::{Host, HostEvent};
use seaworthy::sandbox::Kind;

use crate::front::yard::Yard;

/// A line of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Berth {
    /// A context of the kubeconfig, by its number.
    Context(usize),
    /// Nobody knows yet how one could be made.
    Asking,
    /// A way to make one, by its number.
    Make(usize),
    /// A simulated cluster.
    Sandbox(Kind),
    /// From a sandbox back to the clusters of this machine.
    Machine,
}

/// What is known so far.
#[derive(Default)]
pub(crate) struct Clusters {
    pub(crate) host: Host,
    /// The ways to make one; `None` until engines and tools have answered.
    pub(crate) yards: Option<Vec<Yard>>,
    /// What is in the sandboxes of earlier visits, by their name.
    pub(crate) used: BTreeMap<&'static str, Result<usize, String>>,
    /// The cluster that is being made beside the screen: its context, and its kubeconfig file where that is not the usual one.
    pub(crate) made: Option<(String, Option<&'static str>)>,
    /// Whether the clusters of this machine are out of sight.
    simulated: bool,
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
    pub(crate) fn new(wanted: Option<String>, simulated: bool) -> Self {
        Self { simulated, wanted, ..Self::default() }
    }

    /// Everything is asked again.
    pub(crate) fn forget(&mut self) {
        self.wanted = self.chosen().map(str::to_owned);
        (self.host, self.yards) = (Host::default(), None);
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

    /// Where there is no cluster, the cursor begins at the first line that leads somewhere.
    pub(crate) fn settle(&mut self) {
        let Some(yards) = self.yards.as_ref().filter(|_| self.done && !self.moved) else { return };
        if !self.host.kubeconfig.contexts.is_empty() {
            return;
        }
        let leads = |line: &Berth| match line {
            Berth::Make(index) => yards.get(*index).is_some_and(Yard::is_free),
            Berth::Sandbox(_) => true,
            Berth::Context(_) | Berth::Asking | Berth::Machine => false,
        };
        self.cursor = self.lines().iter().position(leads).unwrap_or_default();
    }

    /// Everything is asked again, because a cluster was made, and the cursor goes there.
    pub(crate) fn welcome(&mut self, context: String) {
        self.forget();
        (self.wanted, self.cursor) = (Some(context), 0);
    }

    /// The lines, in their order.
    pub(crate) fn lines(&self) -> Vec<Berth> {
        let mut lines: Vec<Berth> = (0..self.host.kubeconfig.contexts.len()).map(Berth::Context).collect();
        if self.simulated {
            lines.push(Berth::Machine);
            return lines;
        }
        match &self.yards {
            None => lines.push(Berth::Asking),
            Some(yards) => lines.extend((0..yards.len()).map(Berth::Make)),
        }
        lines.extend([Berth::Sandbox(Kind::SingleNode), Berth::Sandbox(Kind::Ha)]);
        lines
    }

    /// The line that the cursor is on.
    pub(crate) fn line(&self) -> Option<Berth> {
        self.lines().get(self.cursor).copied()
    }

    /// What is in a sandbox of an earlier visit.
    pub(crate) fn visited(&mut self, kind: Kind, used: Result<Option<usize>, String>) {
        match used.transpose() {
            Some(used) => self.used.insert(kind.name(), used),
            None => self.used.remove(kind.name()),
        };
    }

    /// The way to make one that the cursor is on.
    pub(crate) fn yard(&self) -> Option<&Yard> {
        match self.line() {
            Some(Berth::Make(index)) => self.yards.as_ref()?.get(index),
            _ => None,
        }
    }

    /// To the first way to make one by which one can be made, or to the first of all.
    pub(crate) fn go_to_yards(&mut self) {
        let lines = self.lines();
        let is_way = |line: &&Berth| matches!(line, Berth::Make(_) | Berth::Asking | Berth::Machine);
        let can = |line: &&Berth| match line {
            Berth::Make(index) => self.yards.as_ref().is_some_and(|yards| yards[*index].is_free()),
            _ => false,
        };
        let found = lines.iter().position(|line| can(&line));
        let found = found.or_else(|| lines.iter().position(|line| is_way(&line)));
        self.moved = true;
        self.cursor = found.unwrap_or(self.cursor);
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
            return match self.yard() {
                Some(yard) if yard.is_free() => None,
                Some(yard) => Some(format!("{} cannot be made here; the details say why", yard.maker.title())),
                None if self.line() == Some(Berth::Asking) => {
                    Some("engines and tools have not answered yet".to_owned())
                }
                None => None,
            };
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
