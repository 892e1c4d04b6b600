//! What came of practising a playbook.

use std::path::PathBuf;

use serde::Serialize;

use super::LossKind;

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
    /// Of which claim.
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
    /// Of which claim.
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
