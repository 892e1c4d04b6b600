//! The only language between the engine and the front ends.
//!
//! Full screen, plain lines, JSON and the journal are folds over one stream of events; a recorded run replays through each.

mod facts;

use serde::{Deserialize, Serialize};

use crate::cluster::Counts;
use crate::doctor::Cause;
use crate::object::ObjectRef;
use crate::plan::Plan;
pub use facts::{Facts, Moved, Part, Pull, PullState};

/// Something happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// A plan was made and is about to be shown, refused or run.
    Planned {
        /// The plan; Secrets hold no values.
        plan: Plan,
    },
    /// A run begins.
    Started {
        /// Id of the run, for `runs show` and `runs resume`. Empty when nothing will be written and so nothing recorded.
        run: String,
        /// Number of steps.
        total: usize,
    },
    /// A step changed its state.
    Step {
        /// Id of the step.
        id: String,
        /// Which step of how many, counted in the order in which they ended.
        done: usize,
        /// Number of steps.
        total: usize,
        /// The new state.
        state: StepState,
    },
    /// A step waits; sent when what it waits for changes.
    Waiting {
        /// Id of the step.
        id: String,
        /// What is waited for.
        object: ObjectRef,
        /// How far it is: `1 of 3 pods ready`.
        progress: String,
        /// Why it is not further, when that is known.
        cause: Option<Cause>,
        /// How long it may take in all, milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
        /// What is seen, as data.
        #[serde(default, skip_serializing_if = "Facts::is_empty")]
        facts: Box<Facts>,
    },
    /// A step asks; the run goes on when it is answered with [`Command::Answer`].
    Ask {
        /// Id of the step.
        id: String,
        /// The question.
        question: String,
        /// The word to be typed; `None`: yes or no.
        word: Option<String>,
    },
    /// Something worth a line that belongs to no step.
    Notice {
        /// The line.
        text: String,
    },
    /// The run ended.
    Finished {
        /// How.
        outcome: Outcome,
    },
}

/// What a front end tells the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// The answer to an [`Event::Ask`].
    Answer {
        /// Id of the step that asked.
        id: String,
        /// Whether the person agreed: yes, or the very word.
        agreed: bool,
    },
}

/// The state of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StepState {
    /// The engine works on it.
    Running,
    /// It is done, and the proof was seen.
    Done {
        /// Whether something was written.
        changed: bool,
        /// Time from start to proof, milliseconds.
        millis: u64,
        /// What the proof was: an address, a note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// It was begun, and its end was not waited for: the run was stopped or something else failed. What it had to write
    /// is written or on its way.
    Left,
    /// It was not begun, because something it needs failed or the run was stopped.
    Skipped,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Id of the run; empty when nothing was written.
    pub run: String,
    /// How it ended.
    pub ended: Ended,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// The causes of the failures, the root first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Requests that it took.
    pub requests: Counts,
    /// Time from start to end, milliseconds.
    pub millis: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Every step is done.
    Done,
    /// A step failed; the run can be resumed once the cause is gone.
    Failed,
    /// Stopped by a signal or by `Cancel`; the run can be resumed.
    Interrupted,
}
