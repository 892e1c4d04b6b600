//! What was answered and means the same on another cluster: it goes along to the sandbox, and back.

use std::collections::{BTreeMap, BTreeSet};

use seaworthy::engine::record::InstallRecord;
use seaworthy::stack::Stack;

use super::groundwork::Answers;
use super::{Model, Sheet};
use crate::front::earlier::record_of;
use crate::front::origin::{Origin, Way};

/// The answers. What is said about prerequisites belongs to one cluster, and waits for it.
#[derive(Default)]
pub(crate) struct Kept {
    stack: Option<String>,
    sheets: BTreeMap<String, Sheet>,
    origin: Origin,
    prerequisites: BTreeMap<String, Answers>,
    named: BTreeSet<String>,
}

impl Model {
    /// What the cluster remembers of an installation of this stack, where it would be installed.
    pub(crate) fn record(&self, stack: &Stack) -> Option<&InstallRecord> {
        let is_there = self.watch.context.is_some() && self.watch.context.as_deref() == self.clusters.chosen();
        let home = self.watch.known().filter(|_| is_there)?;
        record_of(&home.records, stack, self.wish.namespace.as_deref())
    }

    /// Takes the answers out.
    pub(crate) fn keep(&mut self) -> Kept {
        if let Some(way) = self.images.set_aside.take().filter(|_| self.images.origin.way == Way::default()) {
            self.images.origin.way = way;
        }
        Kept {
            stack: self.stack().map(|stack| stack.name().to_owned()),
            sheets: std::mem::take(&mut self.sheets),
            origin: std::mem::take(&mut self.images.origin),
            prerequisites: std::mem::take(&mut self.groundwork.answers),
            named: std::mem::take(&mut self.groundwork.named),
        }
    }

    /// Goes on with answers that were given before.
    pub(crate) fn go_on_with(&mut self, kept: Kept) {
        self.stacks.wanted = kept.stack;
        self.sheets = kept.sheets;
        self.images.origin = kept.origin;
        self.groundwork.answers = kept.prerequisites;
        self.groundwork.named = kept.named;
        // In a sandbox there are no nodes to put images into; whoever goes back finds it as it was.
        if self.wish.sandbox.is_some() && self.images.origin.way.loads() {
            self.images.set_aside = Some(std::mem::take(&mut self.images.origin.way));
        }
    }
}
