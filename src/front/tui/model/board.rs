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
    pub(crate) fn new(plan: &Plan, now: u64) -> Self {
        let here = format!("/{}/", plan.installation.namespace);
        // Nearly everything is in one namespace, which the heading names.
        let title = |title: &str| title.replacen(&here, "/", 1);
        let rows = plan.steps.iter().map(|step| Row { title: title(&step.title), state: RowState::Open });
        let by_id = plan.steps.iter().enumerate().map(|(index, step)| (step.id.clone(), index));
        Self { rows: rows.collect(), by_id: by_id.collect(), total: plan.steps.len(), began: now, ..Self::default() }
    }

    /// One more thing happened.
    pub(crate) fn add(&mut self, event: Event, now: u64) {
        match event {
            // What is asked is asked by the pilot, through the face.
            Event::Planned { .. } | Event::Ask { .. } => {}
            Event::Started { run, total } => (self.run, self.total) = (run, total),
            Event::Step { id, done, total, state } => {
                (self.done, self.total) = (done, total);
                self.step(&id, state, now);
            }
            Event::Waiting { id, progress, cause, .. } => self.waits(&id, progress, cause, now),
            Event::Notice { text } => self.notices.push(text),
            Event::Finished { outcome } => {
                self.done = outcome.done;
                self.over = Some(now);
                self.outcome = Some(outcome);
            }
        }
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
