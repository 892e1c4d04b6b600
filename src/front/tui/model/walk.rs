//! The symptoms of an installation, and where in them the person is.

use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::walk::{LogAsk, Walked, WalkedStep, Words};
use seaworthy::home::Home;
use seaworthy::plan::Installation;

use super::{Entry, Model, Screen};
use crate::front::walk_text::sort;

/// How long what logs said counts, milliseconds.
const FRESH: u64 = 10_000;

/// Where the person is among symptoms.
#[derive(Default)]
pub(crate) struct Tour {
    /// Stack and namespace.
    pub(crate) of: Option<(String, String)>,
    /// The walk-through that the cursor is on, by its name: their order changes with the cluster.
    pub(crate) chosen: Option<String>,
    /// The step that the cursor is on.
    pub(crate) step: usize,
    /// What logs have said.
    pub(crate) words: Words,
    /// How often logs were asked for.
    pub(crate) ticket: u64,
    /// When they were asked for or heard last.
    pub(crate) asked: Option<u64>,
    /// Whether their answer is still to come.
    pub(crate) awaited: bool,
}

impl Model {
    /// The symptoms of the installation that is looked at, worst first.
    pub(crate) fn walks(&self) -> Vec<Walked> {
        let (Some(home), Some(of)) = (self.watch.known(), &self.tour.of) else { return Vec::new() };
        let own = home.walks.iter().filter(|walked| (&walked.stack, &walked.namespace) == (&of.0, &of.1));
        let mut walks: Vec<Walked> = own.map(|walked| walked.clone().heard(&self.tour.words)).collect();
        sort(&mut walks);
        walks
    }

    /// The number of the symptom that the cursor is on.
    pub(crate) fn walk_cursor(&self, walks: &[Walked]) -> usize {
        let chosen = self.tour.chosen.as_ref();
        walks.iter().position(|walked| Some(&walked.name) == chosen).unwrap_or_default()
    }

    /// The walk-through that the cursor is on, or that is gone through.
    pub(crate) fn walked(&self) -> Option<Walked> {
        let mut walks = self.walks();
        let at = self.walk_cursor(&walks);
        (at < walks.len()).then(|| walks.swap_remove(at))
    }

    /// The step that the cursor is on.
    pub(crate) fn walked_step(&self) -> Option<WalkedStep> {
        self.walked()?.steps.into_iter().nth(self.tour.step)
    }

    /// The logs that the steps on the screen ask for, when it is time to ask.
    pub(crate) fn unheard(&self) -> Option<Vec<LogAsk>> {
        if self.screen != Screen::Walk || self.tour.awaited {
            return None;
        }
        let asks = self.walked()?.asks();
        let is_old = self.tour.asked.is_none_or(|asked| self.clock.saturating_sub(asked) >= FRESH);
        let is_new = asks.iter().any(|ask| !self.tour.words.has(ask));
        (!asks.is_empty() && (is_old || is_new)).then_some(asks)
    }

    /// The installation that the line of home is about: of a finding the one in whose namespace it shows.
    pub(crate) fn troubled(&self) -> Option<&Installation> {
        let home = self.watch.known()?;
        let one = match self.entry()? {
            Entry::Stack(health) => Some(&health.installation),
            Entry::Finding(finding, _) => of_finding(home, finding),
            _ => None,
        };
        let has_walks = |one: &&Installation| {
            home.walks.iter().any(|walked| (&walked.stack, &walked.namespace) == (&one.stack, &one.namespace))
        };
        one.filter(has_walks)
    }
}

/// Where several stacks share a namespace, the one that has the object counts.
fn of_finding<'a>(home: &'a Home, finding: &Finding) -> Option<&'a Installation> {
    let touched = || home.installations.iter().filter(|health| finding.touches(&health.installation.namespace));
    let has_it = touched().find(|health| {
        health.objects.iter().any(|known| {
            std::iter::once(&finding.object).chain(&finding.symptoms).any(|object| known.object.same_object(object))
        })
    });
    has_it.or_else(|| touched().next()).map(|health| &health.installation)
}
