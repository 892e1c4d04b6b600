//! What a member has on its volume.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::sandbox::world::World;

/// The file, where etcd has its database, below the data folder.
const FILE: &str = "member/snap/db";
/// The space that a database may take unless somebody says otherwise, bytes (etcd: `DefaultQuotaBytes`).
pub(super) const QUOTA: u64 = 2 << 30;
/// A database in which nothing is, bytes.
const EMPTY: u64 = 20_480;
/// What a key takes, bytes.
const KEY: u64 = 256;

/// A member as the others know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Peer {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) url: String,
    /// Whether it has ever been part of a majority.
    pub(super) started: bool,
}

/// A value, and the revision at which it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) value: String,
    pub(super) at: i64,
}

/// The database of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Data {
    pub(super) cluster: u64,
    pub(super) member: u64,
    pub(super) revision: i64,
    pub(super) compacted: i64,
    pub(super) index: u64,
    pub(super) keys: BTreeMap<String, Kept>,
    pub(super) members: Vec<Peer>,
    pub(super) alarms: Vec<(u64, String)>,
    pub(super) size: u64,
    pub(super) in_use: u64,
}

/// A number out of words.
pub(super) fn number(words: &str) -> u64 {
    Sha256::digest(words.as_bytes()).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl Data {
    /// What a member that founds a cluster begins with: its numbers follow from the addresses and the token, so that an etcd that is
    /// founded again is the same one by its numbers.
    pub(super) fn founded(members: Vec<Peer>, token: &str, own: &str) -> Option<Self> {
        let member = members.iter().find(|peer| peer.name == own)?.id;
        let ids: Vec<String> = members.iter().map(|peer| peer.id.to_string()).collect();
        Some(Self {
            cluster: number(&format!("{token}/{}", ids.join(","))),
            member,
            revision: 1,
            compacted: -1,
            index: members.len() as u64 + 1,
            keys: BTreeMap::new(),
            members,
            alarms: Vec::new(),
            size: EMPTY,
            in_use: EMPTY,
        })
    }

    /// What is on a volume. `Ok(None)`: nothing.
    ///
    /// # Errors
    /// When it is no database.
    pub(super) fn read(world: &World, place: &str) -> Result<Option<Self>, ()> {
        match world.disks.files(place).and_then(|files| files.get(FILE)) {
            None => Ok(None),
            Some(bytes) => serde_json::from_slice(bytes).map(Some).map_err(|_| ()),
        }
    }

    pub(super) fn write(&self, world: &mut World, place: &str) {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        if world.disks.files(place).and_then(|files| files.get(FILE)) != Some(&bytes) {
            world.disks.make(place).insert(FILE.to_owned(), bytes);
        }
    }

    /// Cuts the file off.
    pub(super) fn spoil(world: &mut World, place: &str) {
        world.disks.make(place).insert(FILE.to_owned(), b"\0\0".to_vec());
    }

    /// The same as another member has it: who it is, and how large its file is, are its own.
    pub(super) fn of(&self, own: &Self) -> Self {
        Self { member: own.member, size: own.size.max(self.in_use), ..self.clone() }
    }

    /// Writes a key.
    pub(super) fn put(&mut self, key: &str, value: &str) {
        self.revision += 1;
        self.in_use += KEY;
        self.size = self.size.max(self.in_use);
        self.keys.insert(key.to_owned(), Kept { value: value.to_owned(), at: self.revision });
    }

    /// Forgets what keys were before.
    pub(super) fn compact(&mut self, revision: i64) {
        self.compacted = revision;
        self.in_use = EMPTY + KEY * self.keys.len() as u64;
    }

    /// As much as it may be, nearly all of it history.
    pub(super) fn fill(&mut self) {
        self.revision += 100_000;
        (self.in_use, self.size) = (QUOTA, QUOTA);
        let member = self.member;
        self.alarms = vec![(member, "NOSPACE".to_owned())];
    }
}
