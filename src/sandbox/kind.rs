//! The sandboxes there are: which nodes each has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One kind of sandbox, named like the profile that fits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One node.
    #[default]
    SingleNode,
    /// Three nodes.
    Ha,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SingleNode, Self::Ha];

    /// `single-node` or `ha`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleNode => "single-node",
            Self::Ha => "ha",
        }
    }

    /// The names of its nodes.
    pub(super) fn nodes(self) -> Vec<String> {
        let count = match self {
            Self::SingleNode => 1,
            Self::Ha => 3,
        };
        (1..=count).map(|number| format!("sandbox-{number}")).collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == text);
        known.ok_or_else(|| format!("there is no sandbox `{text}`; there are single-node and ha"))
    }
}
