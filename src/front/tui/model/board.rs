//! A run as it is shown: a fold over its events.

use std::collections::HashMap;

use seaworthy::doctor::Cause;
use seaworthy::event::{Event, Outcome, StepState};
use seaworthy::plan::Plan;

/// A run.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) run: String,
    pub(crate) rows: Vec<Row>,
    by_id: HashMap<String, usize>,
    pub(crate) done: usize,
    pub(crate) total: usize,
    /// Steps of the runs before this one, where several follow each other.
    before: usize,
    /// Lines that belong to no step.
    pub(crate) notices: Vec<String>,
    pub(crate) outcome: Option<Outcome>,
    /// Lock and record are done with, too.
    pub(crate) ended: bool,
    /// Somebody asked for the end.
    pub(crate) stopping: bool,
    /// The line at the top; `None` follows what is under way.
    pub(crate) scroll: Option<usize>,
    /// When it began, milliseconds of the clock.
    pub(crate) began: u64,
    /// When it ended.
    pub(crate) over: Option<u64>,
}

/// A step.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) state: RowState,
}

/// The state of a step.
#[derive(Debug)]
pub(crate) enum RowState {
    /// It was not begun.
    Open,
    /// It is under way since this time of the clock.
    Busy { since: u64, progress: String, cause: Option<Cause> },
    /// It is done.
    Done { changed: bool, millis: u64, note: Option<String> },
    /// It failed.
    Failed(Cause),
    /// It was begun, and its end was not waited for.
    Left,
    /// It is not done any more in this run.
    Skipped,
}

impl Board {
    pub(crate) fn new<'a>(plans: impl IntoIterator<Item = &'a Plan>, now: u64) -> Self {
        let mut board = Self { began: now, ..Self::default() };
        plans.into_iter().for_each(|plan| board.expect(plan));
        board
    }

    /// Steps that are to come; those that are known already come again.
    fn expect(&mut self, plan: &Plan) {
        let here = format!("/{}/", plan.installation.namespace);
        for step in &plan.steps {
            if self.by_id.contains_key(&step.id) {
                continue;
            }
            self.by_id.insert(step.id.clone(), self.rows.len());
            // Nearly everything is in one namespace, which the heading names.
            let title = step.title.replacen(&here, "/", 1);
            self.rows.push(Row { title, state: RowState::Open });
        }
        self.total = self.rows.len();
    }

    /// One more thing happened.
    pub(crate) fn add(&mut self, event: Event, now: u64) {
        match event {
            Event::Planned { plan } => {
                // One run after the other: a check of what was added is one, too.
                if let Some(over) = self.outcome.take() {
                    self.before += over.total;
                    self.over = None;
                }
                self.expect(&plan);
            }
            // What is asked is asked by the pilot, through the face.
            Event::Ask { .. } => {}
            Event::Started { run, total } => {
                self.run = run;
                self.count(0, total);
            }
            Event::Step { id, done, total, state } => {
                self.count(done, total);
                self.step(&id, state, now);
            }
            Event::Waiting { id, progress, cause, .. } => self.waits(&id, progress, cause, now),
            Event::Notice { text } => self.notices.push(text),
            Event::Finished { outcome } => {
                self.count(outcome.done, outcome.total);
                self.over = Some(now);
                self.outcome = Some(outcome);
            }
        }
    }

    /// How far all runs together are; of those to come at least what is known.
    fn count(&mut self, done: usize, total: usize) {
        self.done = self.before + done;
        self.total = self.rows.len().max(self.before + total);
    }

    fn step(&mut self, id: &str, state: StepState, now: u64) {
        let Some(row) = self.by_id.get(id).and_then(|index| self.rows.get_mut(*index)) else { return };
        row.state = match state {
            StepState::Running => RowState::Busy { since: now, progress: String::new(), cause: None },
            StepState::Done { changed, millis, note } => RowState::Done { changed, millis, note },
            StepState::Failed { cause } => RowState::Failed(cause),
            StepState::Left => RowState::Left,
            StepState::Skipped => RowState::Skipped,
        };
    }

    fn waits(&mut self, id: &str, progress: String, cause: Option<Cause>, now: u64) {
        let Some(row) = self.by_id.get(id).and_then(|index| self.rows.get_mut(*index)) else { return };
        let since = if let RowState::Busy { since, .. } = row.state { since } else { now };
        row.state = RowState::Busy { since, progress, cause };
    }
}
