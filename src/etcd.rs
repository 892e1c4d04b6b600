//! An application's etcd: which `StatefulSet`s are one, and what their members say of themselves. Pure; [`crate::engine::etcd`] asks.
//!
//! What is known of etcd's answers here was measured on etcd 3.4.23 and 3.6.5 and read in `api/etcdserverpb/rpc.proto` of both.

mod answer;
mod birth;
mod blob;
mod set;
mod sight;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use answer::{Alarm, Member, Status, alarms, count, hash, members, status};
pub use birth::{Birth, birth};
pub use blob::{Piece, SUM, Tail, piece};
pub use set::{EtcdSet, StateField, member_of, of, of_claim, sets};
pub use sight::{Told, View};

/// The port on which clients are served unless somebody says otherwise.
pub const CLIENT_PORT: u16 = 2379;
/// Label of the claims of an etcd, by which stacks say that it is one.
pub const ROLE_LABEL: &str = "seaworthy.dev/role";

/// The number of a cluster or of a member, written as `etcdctl` writes it: in hexadecimal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for Id {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// How many of so many members have to be there for anything to be written.
pub fn quorum(members: usize) -> usize {
    members / 2 + 1
}
