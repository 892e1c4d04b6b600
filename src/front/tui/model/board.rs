//! A run as it is shown: a fold over its events.

use std::collections::HashMap;

use seaworthy::doctor::{Cause, Outlook};
use seaworthy::event::{Event, Facts, Outcome, Pull, StepState};
use seaworthy::logs;
use seaworthy::object::ObjectRef;
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Action, Plan, Step};

use super::recovery::stops;

/// A run.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) run: String,
    pub(crate) rows: Vec<Row>,
    by_id: HashMap<String, usize>,
    /// The namespace that nearly everything is in.
    pub(crate) here: String,
    pub(crate) done: usize,
    pub(crate) total: usize,
    /// Steps of the runs before this one, where several follow each other.
    before: usize,
    /// Lines that belong to no step.
    pub(crate) notices: Vec<Notice>,
    pub(crate) outcome: Option<Outcome>,
    /// Lock and record are done with, too.
    pub(crate) ended: bool,
    /// Somebody asked for the end.
    pub(crate) stopping: bool,
    /// The line that somebody has moved to; `None` follows what is under way.
    pub(crate) cursor: Option<usize>,
    /// It is shown over its time.
    pub(crate) timeline: bool,
    /// When it began, milliseconds of the clock.
    pub(crate) began: u64,
    /// When it ended.
    pub(crate) over: Option<u64>,
    /// For how long the loss had been known when it began, milliseconds; where it is a recovery.
    pub(crate) recovery: Option<u64>,
}

/// A line that belongs to no step.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) text: String,
    /// It says that something went well.
    pub(crate) good: bool,
}

/// A line of the board: a step, a notice, or how it ended, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Post {
    Step(usize),
    Notice(usize),
    End,
}

/// A step.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) title: String,
    /// What it is about.
    pub(crate) object: Option<ObjectRef>,
    pub(crate) component: Option<String>,
    pub(crate) state: RowState,
    /// When it began and when it ended, milliseconds of the clock.
    pub(crate) begun: Option<u64>,
    pub(crate) ended: Option<u64>,
    /// The steps that it needs, by their number.
    pub(crate) needs: Vec<usize>,
    /// It only looks on.
    pub(crate) waits: bool,
    /// How long it may wait, milliseconds; where it does.
    pub(crate) limit: Option<u64>,
    /// What was seen last while it waited, and when.
    pub(crate) seen: Option<(u64, Facts)>,
    /// Of a recovery: what has to be so before it is done, and by what it is known to be done.
    pub(crate) gate: Option<String>,
    pub(crate) proof: Option<String>,
    /// It cannot be taken back.
    pub(crate) hard: bool,
    /// What it stops, or starts again.
    pub(crate) stops: Option<(String, bool)>,
}

/// The state of a step.
#[derive(Debug)]
pub(crate) enum RowState {
    /// It was not begun.
    Open,
    /// It is under way.
    Busy { progress: String, cause: Option<Cause> },
    /// It is done.
    Done { changed: bool, millis: u64, note: Option<String> },
    /// It failed.
    Failed(Cause),
    /// It was begun, and its end was not waited for.
    Left,
    /// It is not done any more in this run.
    Skipped,
}

impl Row {
    fn of((step, needs): (&Step, Vec<usize>), here: &str) -> Self {
        let object = match &step.action {
            Action::Reach { reach } => Some(ObjectRef::new("v1", "Service", Some(&reach.namespace), &reach.service)),
            Action::Host { task } => Some(task.subject()),
            other => other.object(),
        };
        let verb = step.verb();
        let limit = match &step.action {
            Action::Rescue { limit: limit @ 1.., .. } => Some(limit * 1000),
            _ => None,
        };
        Self {
            title: step.title.replacen(here, "/", 1),
            object,
            component: step.component.clone(),
            state: RowState::Open,
            begun: None,
            ended: None,
            needs,
            waits: !step.change.writes(),
            limit,
            seen: None,
            gate: verb.map(Verb::gate),
            proof: verb.map(Verb::proof),
            hard: verb.is_some_and(Verb::is_irreversible),
            stops: stops(&step.action),
        }
    }

    /// Why it is not further, or why it failed.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        match &self.state {
            RowState::Busy { cause, .. } => cause.as_ref(),
            RowState::Failed(cause) => Some(cause),
            _ => None,
        }
    }

    /// Whether somebody has to do something about it.
    pub(crate) fn is_stuck(&self) -> bool {
        self.cause().is_some_and(|cause| cause.outlook >= Outlook::Stuck)
    }

    /// How long it may still wait, milliseconds from this time of the clock on.
    pub(crate) fn left(&self, now: u64) -> Option<u64> {
        Some((self.begun? + self.limit?).saturating_sub(now))
    }

    /// Since when an image is asked for, milliseconds before this time of the clock.
    pub(crate) fn age(&self, pull: &Pull, now: u64) -> Option<u64> {
        let (seen, facts) = self.seen.as_ref()?;
        let before = facts.at?.duration_since(pull.since?).as_millis();
        Some(u64::try_from(before).unwrap_or(0) + now.saturating_sub(*seen))
    }
}

impl Board {
    pub(crate) fn new<'a>(plans: impl IntoIterator<Item = &'a Plan>, now: u64) -> Self {
        let mut board = Self { began: now, ..Self::default() };
        plans.into_iter().for_each(|plan| board.expect(plan));
        board
    }

    /// Steps that are to come; those that are known already come again.
    fn expect(&mut self, plan: &Plan) {
        self.here.clone_from(&plan.installation.namespace);
        // Nearly everything is in one namespace, which the heading names.
        let prefix = format!("/{}/", self.here);
        for step in &plan.steps {
            if self.by_id.contains_key(&step.id) {
                continue;
            }
            self.by_id.insert(step.id.clone(), self.rows.len());
            self.rows.push(Row::of((step, Vec::new()), &prefix));
        }
        for step in &plan.steps {
            let needs: Vec<usize> = step.needs.iter().filter_map(|id| self.by_id.get(id).copied()).collect();
            if let Some(row) = self.row(&step.id) {
                row.needs = needs;
            }
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
            Event::Waiting { id, progress, cause, facts, limit, .. } => {
                self.waits(&id, (progress, cause, *facts), now);
                if let Some(row) = self.row(&id) {
                    row.limit = limit.or(row.limit);
                }
            }
            Event::Notice { text } => self.notices.push(Notice { text, good: false }),
            Event::Finished { outcome } => {
                self.count(outcome.done, outcome.total);
                self.over = Some(now);
                self.outcome = Some(outcome);
            }
        }
    }

    fn row(&mut self, id: &str) -> Option<&mut Row> {
        self.by_id.get(id).and_then(|index| self.rows.get_mut(*index))
    }

    /// How far all runs together are; of those to come at least what is known.
    fn count(&mut self, done: usize, total: usize) {
        self.done = self.before + done;
        self.total = self.rows.len().max(self.before + total);
    }

    fn step(&mut self, id: &str, state: StepState, now: u64) {
        let Some(row) = self.row(id) else { return };
        row.state = match state {
            StepState::Running => RowState::Busy { progress: String::new(), cause: None },
            StepState::Done { changed, millis, note } => RowState::Done { changed, millis, note },
            StepState::Failed { cause } => RowState::Failed(cause),
            StepState::Left => RowState::Left,
            StepState::Skipped => RowState::Skipped,
        };
        match row.state {
            RowState::Open | RowState::Skipped => {}
            RowState::Busy { .. } => row.begun = Some(now),
            RowState::Done { millis, .. } => {
                row.begun.get_or_insert(now.saturating_sub(millis));
                row.ended = Some(now);
            }
            RowState::Failed(_) | RowState::Left => {
                row.begun.get_or_insert(now);
                row.ended = Some(now);
            }
        }
    }

    fn waits(&mut self, id: &str, (progress, cause, facts): (String, Option<Cause>, Facts), now: u64) {
        let Some(row) = self.row(id) else { return };
        row.begun.get_or_insert(now);
        if !facts.is_empty() {
            row.seen = Some((now, facts));
        }
        row.state = RowState::Busy { progress, cause };
    }

    /// Whether there is something to say about how it ended.
    fn has_end(&self) -> bool {
        self.ended || self.outcome.is_some()
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() + self.notices.len() + usize::from(self.has_end())
    }

    /// The lines, in their order.
    pub(crate) fn posts(&self) -> impl Iterator<Item = Post> {
        let steps = (0..self.rows.len()).map(Post::Step);
        steps.chain((0..self.notices.len()).map(Post::Notice)).chain(self.has_end().then_some(Post::End))
    }

    /// The number of the line that the cursor is on.
    pub(crate) fn at(&self) -> usize {
        self.cursor.unwrap_or_else(|| self.under_way()).min(self.len().saturating_sub(1))
    }

    /// The line that the cursor is on.
    pub(crate) fn post(&self) -> Option<Post> {
        self.posts().nth(self.at())
    }

    /// The step that the cursor is on.
    pub(crate) fn chosen(&self) -> Option<&Row> {
        match self.post()? {
            Post::Step(index) => self.rows.get(index),
            Post::Notice(_) | Post::End => None,
        }
    }

    /// Whose logs say most: those of the step that the cursor is on; at the end, of the one that failed.
    pub(crate) fn logged(&self) -> Option<&ObjectRef> {
        let failed = |row: &&Row| matches!(row.state, RowState::Failed(_));
        let row = match self.post()? {
            Post::Step(index) => self.rows.get(index),
            Post::Notice(_) | Post::End => self.rows.iter().find(failed),
        };
        row?.object.as_ref().filter(|object| object.api_version != "host" && logs::may_have(object))
    }

    /// The line that says most now: the end, else what somebody has to do something about, else what is under way, else what
    /// comes next.
    fn under_way(&self) -> usize {
        if self.has_end() {
            return self.len().saturating_sub(1);
        }
        let busy = |row: &Row| matches!(row.state, RowState::Busy { .. });
        let open = |row: &Row| matches!(row.state, RowState::Open);
        let first = |is: &dyn Fn(&Row) -> bool| self.rows.iter().position(is);
        let stuck = first(&|row| busy(row) && row.is_stuck());
        stuck.or_else(|| first(&busy)).or_else(|| first(&open)).unwrap_or(self.rows.len().saturating_sub(1))
    }
}
