//! Says what is wrong, and why.
//!
//! [`evidence`] is gathered once; each [`check`] of the catalogue ([`checks`]) judges it; what is found becomes a tree, symptoms
//! below their cause ([`report`]). [`stall`] says why one object does not become ready: the same rules serve a wait and the checks.

pub mod bundle;
pub mod change;
pub mod check;
pub mod checks;
pub mod evidence;
pub mod explain;
pub mod finding;
pub mod refusal;
pub mod remedy;
pub mod report;
mod revisions;
pub mod role;
pub mod stacks;
pub mod stall;
pub mod suppress;
mod survey;
mod tree;
pub mod unsettled;
pub mod walk;
pub mod watch;
pub mod why;

use serde::{Deserialize, Serialize};

use crate::object::ObjectRef;

/// The root of a failure: which object, what about it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Stable id of the check that found it, such as `P003`, or of the error, such as `api-gone`.
    pub id: String,
    /// The object at the root (the Pod, the claim, the node, ...), not the one that was waited for.
    pub object: Option<ObjectRef>,
    /// The reason in a word or two, as Kubernetes names it where it does: `ErrImagePull`, `Unschedulable`.
    pub reason: String,
    /// What is wrong: one sentence, with the cluster's own words where they help.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// How it will go on if nobody does anything.
    pub outlook: Outlook,
}

/// How a cause will go on if nobody does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// It passes by itself: an image is being pulled, a container starts.
    Passing,
    /// It may pass, but most likely somebody has to do something: no node has room, a claim is unbound.
    Stuck,
    /// It cannot pass: the image does not exist, the program refuses its flags. Waiting on is pointless.
    Final,
}
