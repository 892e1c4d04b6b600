//! When the steps of a run were begun and ended, as its journal tells it. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Entry, Took};

/// The times of the last try: between two tries there may be days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// When it was begun.
    pub since: Timestamp,
    /// When something was written last.
    pub until: Timestamp,
    /// Of each step by its id. Journals of older programs tell nothing of waits.
    pub steps: BTreeMap<String, Span>,
}

/// The time of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// When it was begun.
    pub began: Timestamp,
    /// When it ended; `None`: that was not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Whether it failed.
    pub failed: bool,
}

impl Times {
    /// Of each try of a run by itself: the first, and every time that it was taken up again.
    pub fn of_each_try(entries: &[Entry]) -> Vec<Self> {
        let mut tries: Vec<Self> = Vec::new();
        for entry in entries {
            if tries.is_empty() || matches!(entry, Entry::Resumed { .. }) {
                tries.push(Self::default());
            }
            if let Some(last) = tries.last_mut() {
                last.add(entry);
            }
        }
        tries
    }

    /// Takes one more entry in.
    pub(super) fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Opened { at, .. } | Entry::Resumed { at, .. } => {
                *self = Self { since: *at, until: *at, steps: BTreeMap::new() };
            }
            Entry::Intent { step, at } => {
                self.reach(*at);
                let span = Span { began: *at, ended: None, failed: false };
                self.steps.entry(step.clone()).or_insert(span);
            }
            Entry::Done { step, at, took, .. } => self.end(step, (*at, *took), false),
            Entry::Failed { step, at, took, .. } => self.end(step, (*at, *took), true),
            Entry::Answered { at, .. } | Entry::Closed { at, .. } => self.reach(*at),
            // That may be long after.
            Entry::Abandoned { .. } => {}
        }
    }

    fn end(&mut self, step: &str, (at, took): (Timestamp, Took), failed: bool) {
        let time = |millis: u64| SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
        let at = took.after.and_then(|after| self.since.checked_add(time(after)).ok()).unwrap_or(at);
        self.reach(at);
        let took = took.millis.map(time);
        let told = took.and_then(|took| at.checked_sub(took).ok());
        let began = told.or_else(|| self.steps.get(step).map(|span| span.began)).unwrap_or(at);
        self.steps.insert(step.to_owned(), Span { began: began.max(self.since), ended: Some(at), failed });
    }

    /// The clock of this machine may have been set back meanwhile.
    fn reach(&mut self, at: Timestamp) {
        self.until = self.until.max(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 0).unwrap()
    }

    fn told(entries: &[Entry]) -> Times {
        let mut times = Times { since: at(1), until: at(1), steps: BTreeMap::new() };
        for entry in entries {
            times.add(entry);
        }
        times
    }

    fn done(step: &str, second: i64, millis: Option<u64>) -> Entry {
        Entry::Done {
            step: step.to_owned(),
            at: at(second),
            changed: true,
            note: None,
            took: Took { millis, after: None },
        }
    }

    #[test]
    fn a_step_lasts_from_its_intent_or_for_as_long_as_it_says() {
        let intent = |step: &str, second| Entry::Intent { step: step.to_owned(), at: at(second) };
        let entries =
            [intent("a", 2), done("a", 4, None), done("wait", 9, Some(3000)), intent("b", 5), done("old", 9, None)];
        let times = told(&entries);
        let span = |step: &str| times.steps.get(step).map(|span| (span.began, span.ended));
        assert_eq!(span("a"), Some((at(2), Some(at(4)))));
        assert_eq!(span("wait"), Some((at(6), Some(at(9)))));
        assert_eq!(span("b"), Some((at(5), None)), "its end was not seen");
        assert_eq!(span("old"), Some((at(9), Some(at(9)))), "a journal of an older program");
        assert_eq!((times.since, times.until), (at(1), at(9)));
    }

    #[test]
    fn only_the_last_try_counts_and_no_step_begins_before_it() {
        let again = Entry::Resumed { at: at(1000), binary: "1".to_owned() };
        let times = told(&[done("a", 4, Some(2000)), again, done("b", 1001, Some(u64::MAX))]);
        assert_eq!(times.steps.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(times.steps["b"].began, at(1001), "a time that cannot be is none");
        assert_eq!(told(&[done("c", 3, Some(9000))]).steps["c"].began, at(1));
    }

    /// In a sandbox minutes pass in a moment.
    #[test]
    fn the_time_of_the_cluster_counts() {
        let took = Took { millis: Some(60_000), after: Some(90_000) };
        let times = told(&[Entry::Done { step: "a".to_owned(), at: at(2), changed: false, note: None, took }]);
        assert_eq!((times.steps["a"].began, times.steps["a"].ended, times.until), (at(31), Some(at(91)), at(91)));
    }
}
