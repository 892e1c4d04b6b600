//! A member of an etcd whose data is made from a snapshot, on a fresh claim.

use serde::{Deserialize, Serialize};

use super::Pinned;
use crate::etcd::Birth;
use crate::object::ObjectRef;

/// The checksum of the snapshot that a member's data was made from; on its claim, once that is done.
pub const SEEDED: &str = "seaworthy.dev/seeded";
/// The same from when that is begun: what is on the volume before it is done is what it has left.
pub const SEEDING: &str = "seaworthy.dev/seeding";

/// What a member's data is made from, and who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seed {
    /// The `StatefulSet`.
    pub set: Pinned,
    /// The name of the member's pod.
    pub pod: String,
    /// Its claim, which has to be empty.
    pub claim: ObjectRef,
    /// The claims of the other members: two that may not share a node get disks on two.
    pub others: Vec<ObjectRef>,
    /// Who it is.
    pub birth: Birth,
    /// The token of the cluster that begins, which no other has had: members of the old one are refused by it.
    pub token: String,
    /// The snapshot, on this machine.
    pub file: String,
    /// The image by which the file gets into the pod; `None`: one that a node has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl Seed {
    /// The arguments of `etcdutl`, with the snapshot at a path.
    pub fn arguments(&self, snapshot: &str) -> Vec<String> {
        let Birth { name, peer, cluster, folder, .. } = &self.birth;
        let flags = [
            ("name", name),
            ("initial-cluster", cluster),
            ("initial-cluster-token", &self.token),
            ("initial-advertise-peer-urls", peer),
            ("data-dir", folder),
        ];
        let words = ["snapshot", "restore", snapshot].map(str::to_owned);
        words.into_iter().chain(flags.map(|(flag, value)| format!("--{flag}={value}"))).collect()
    }
}
