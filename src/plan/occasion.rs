//! Why a recovery is made, as it was seen when it was planned: for the screen, the journal and the report.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::object::ObjectRef;

/// What a recovery is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Occasion {
    /// The playbook.
    pub playbook: String,
    /// Its name for people.
    pub title: String,
    /// When the losses were recognised.
    pub at: Timestamp,
    /// Who recovers: `user on host`.
    pub by: String,
    /// The claims that it is about, each with what was seen of its loss.
    pub losses: Vec<Lost>,
    /// What is lost for good when it is done; these three are the playbook's words.
    pub lost: String,
    /// What it does not touch.
    pub untouched: String,
    /// What comes back by itself.
    pub returns: String,
    /// What was agreed to by its name, because it cannot be taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreed: Vec<ObjectRef>,
}

/// A claim, or a namespace as a whole, and what was seen of its loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// The claim; of a namespace as a whole, that.
    pub claim: ObjectRef,
    /// The volume that it was bound to, or that was let go by it.
    pub volume: Option<String>,
    /// What kind of loss; `None`: none was recognised, somebody asked for it all the same.
    pub kind: Option<String>,
    /// What was seen.
    pub facts: Vec<String>,
    /// Which data: the claim, its size, and where its bytes are.
    pub data: String,
    /// Who uses it.
    pub used_by: Vec<String>,
    /// Who does not, and works.
    pub still_works: Vec<String>,
    /// When it was last known to be well.
    pub last_good: Option<Timestamp>,
    /// How many files it held then.
    pub files_then: Option<u64>,
}
