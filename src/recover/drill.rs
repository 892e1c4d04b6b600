//! Practising a playbook: for which losses that is done, and what came of it.

use std::path::PathBuf;

use serde::Serialize;

use super::LossKind;
use super::playbook::{ClaimRole, Playbook, Task};

/// A loss that a playbook is practised for.
#[derive(Debug, Clone)]
pub struct Practice {
    /// The playbook.
    pub playbook: String,
    /// The loss.
    pub loss: LossKind,
    /// The stack that has to be there.
    pub stack: String,
    /// With these values, as `--set` takes them.
    pub set: Vec<String>,
    /// The claim that is lost; `None`: it is about the namespace of the stack as a whole.
    pub claim: Option<ClaimRole>,
    /// The fault of the sandbox that brings the loss about, by its name.
    pub fault: String,
    /// Whether what was on the volume has to be there afterwards.
    pub saves: bool,
}

impl Practice {
    /// A playbook with each loss that it says how to practise.
    pub fn all(playbook: &Playbook) -> Vec<Self> {
        let sheet = &playbook.sheet;
        let Some(drill) = &sheet.drill else { return Vec::new() };
        let stack = drill.stack.clone().or_else(|| playbook.stack.clone());
        let claim = drill.claim.clone().or_else(|| sheet.claim.clone());
        let Some(stack) = stack.filter(|_| claim.is_some() || sheet.is_of_a_namespace()) else { return Vec::new() };
        let one = |(loss, fault): (&LossKind, &String)| Self {
            playbook: playbook.name.clone(),
            loss: *loss,
            stack: stack.clone(),
            set: drill.set.clone(),
            claim: claim.clone(),
            fault: fault.clone(),
            // A member of an etcd has its data from the others or a snapshot, on a fresh volume: no file of a drill comes with it.
            saves: sheet.brings_back()
                && !sheet.steps.iter().any(|task| matches!(task, Task::ReplaceMember | Task::RestoreEtcd)),
        };
        drill.losses.iter().map(one).collect()
    }
}

/// What became of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// It is there.
    Saved,
    /// The volume is a fresh one.
    Fresh,
}

/// A loss that was made for somebody to recover from by hand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByHand {
    /// A playbook that is for it.
    pub playbook: String,
    /// What was lost.
    pub loss: LossKind,
    /// Of which claim, or namespace.
    pub claim: String,
    /// `single-node`, `ha`: the sandbox.
    pub sandbox: String,
    /// The state folder in which the sandbox is.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drilled {
    /// The playbook.
    pub playbook: String,
    /// What was lost.
    pub loss: LossKind,
    /// With which fault of the sandbox.
    pub fault: String,
    /// Of which claim, or namespace.
    pub claim: String,
    /// The facts by which it was recognised.
    pub facts: Vec<String>,
    /// How many steps the recovery had.
    pub steps: u64,
    /// How long it took, milliseconds of the sandbox's time.
    pub millis: u64,
    /// What became of the data.
    pub data: Option<Data>,
    /// Where it went wrong, and what was said there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// What is left to look at, where it went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

impl Drilled {
    /// Whether it was recognised, recovered from, and the data is what it has to be.
    pub fn has_passed(&self) -> bool {
        self.failed.is_none()
    }
}
