//! What the members of an etcd were heard to say, all at one time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{EtcdSet, Id, Member, Status};

/// What came of asking a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Told {
    /// It answered.
    Status(Box<Status>),
    /// It did not.
    Silent {
        /// Why, as far as is known.
        why: String,
        /// The line of its log that tells most, where there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        log: Option<String>,
    },
}

/// An etcd, and what its members say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which.
    pub set: EtcdSet,
    /// What each member said, by its pod.
    pub told: BTreeMap<String, Told>,
    /// The members, as one that answers knows them; only asked where something is not as it should be, or for a record.
    pub members: Option<Vec<Member>>,
    /// How many keys there are; asked as the members are.
    pub keys: Option<u64>,
}

impl View {
    /// Those that answered, with their pods.
    pub fn answered(&self) -> impl Iterator<Item = (&str, &Status)> {
        self.told.iter().filter_map(|(pod, told)| match told {
            Told::Status(status) => Some((pod.as_str(), &**status)),
            Told::Silent { .. } => None,
        })
    }

    /// Those that did not, with why, and what their logs say.
    pub fn silent(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.told.iter().filter_map(|(pod, told)| match told {
            Told::Silent { why, log } => Some((pod.as_str(), why.as_str(), log.as_deref())),
            Told::Status(_) => None,
        })
    }

    /// Those that answered and know of a leader: what is written there is kept.
    pub fn serving(&self) -> impl Iterator<Item = (&str, &Status)> {
        self.answered().filter(|(_, status)| status.leader.is_some())
    }

    /// The cluster that most of those who answered belong to.
    pub fn cluster(&self) -> Option<Id> {
        let mut counts: BTreeMap<Id, usize> = BTreeMap::new();
        self.answered().for_each(|(_, status)| *counts.entry(status.cluster).or_default() += 1);
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(cluster, _)| cluster)
    }

    /// The highest revision that anybody has.
    pub fn revision(&self) -> Option<i64> {
        self.answered().map(|(_, status)| status.revision).max()
    }
}
