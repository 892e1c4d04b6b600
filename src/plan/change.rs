//! What a step changes in the cluster as it was when the plan was made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::replace::Replacement;

/// What a step changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// The object is not there.
    Create,
    /// The object is there and differs.
    Update {
        /// Field by field.
        fields: Vec<FieldChange>,
        /// Fields that somebody else owns.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        conflicts: Vec<Conflict>,
        /// The resource version that was compared.
        resource_version: String,
    },
    /// The object is there, differs, and cannot become what is wanted: it is deleted and made anew.
    Replace {
        /// How, and what that means.
        replacement: Box<Replacement>,
    },
    /// Nothing to do: the cluster is as wanted.
    Unchanged,
    /// The object goes away.
    Delete,
    /// The object stays although it is no longer wanted.
    Keep {
        /// Why it stays, and how to have it deleted.
        why: String,
    },
    /// Nothing is written; the step observes.
    Observe,
}

/// A field whose value changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As people write it: `spec.template.spec.containers[web].image`.
    pub path: String,
    /// The value now; `None` when the field is not there.
    pub now: Option<Value>,
    /// The value wanted; `None` when the field goes away.
    pub wanted: Option<Value>,
}

/// A field that we want to set and that another field manager owns with another value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// As people write it.
    pub path: String,
    /// JSON pointer of the field in the wanted object.
    pub pointer: String,
    /// The field managers that own it now.
    pub owners: Vec<String>,
    /// The value now.
    pub now: Option<Value>,
    /// The value wanted.
    pub wanted: Option<Value>,
    /// What will be done about it.
    pub choice: Choice,
    /// The key of another manager's list item that has to go first (see [`super::compare::Changed::rival`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rival: Option<String>,
}

/// What to do with a field that somebody else owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Leave the value and its owner.
    Keep,
    /// Set the value and take the ownership.
    Take,
    /// Refuse the plan.
    Stop,
}

/// How many steps of a plan do what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Objects to create.
    pub create: usize,
    /// Objects to update.
    pub update: usize,
    /// Objects to delete and make anew.
    #[serde(default)]
    pub replace: usize,
    /// Objects to delete.
    pub delete: usize,
    /// Objects that are as wanted.
    pub unchanged: usize,
    /// Objects that stay although they are no longer wanted.
    pub keep: usize,
    /// Fields that somebody else owns and about which nothing was decided.
    pub undecided: usize,
}

impl Change {
    /// Whether the step writes to the cluster.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create | Self::Update { .. } | Self::Replace { .. } | Self::Delete)
    }
}
