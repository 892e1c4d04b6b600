//! What is done to an etcd over its members, and how it stands by what they say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Standing;
use super::standing::{replicas, rollout};
use crate::etcd::{Id, Member, Status, Told, View, member_of, quorum};

/// How far behind a member may be that has caught up, entries of the raft log.
const NEAR: u64 = 1000;
/// A file is as small as it can be made when it has not more than this that holds nothing, bytes.
const LOOSE: u64 = 1 << 20;
/// The space that a database may take unless somebody says otherwise, bytes (etcd: `DefaultQuotaBytes`).
const QUOTA: u64 = 2 << 30;

/// What is done to an etcd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum EtcdAct {
    /// Saves a snapshot of the member that has the most to a file of this machine.
    Snapshot {
        /// The file.
        file: String,
    },
    /// Takes a member out of the cluster: its number never comes back.
    Remove {
        /// Its pod.
        pod: String,
        /// Its number.
        member: Id,
    },
    /// Adds a member that is to begin anew.
    Add {
        /// Its pod.
        pod: String,
        /// Where the others find it.
        peer: String,
        /// The number that it had.
        was: Id,
    },
    /// Waits until a member has begun and has caught up.
    Joined {
        /// Its pod.
        pod: String,
    },
    /// Compares the hashes of all keys between the members.
    Alike,
    /// Waits until every member serves.
    Serves,
    /// Makes sure that there is no majority: one that has come back has everything, and nothing is to be made anew.
    WithoutMajority,
    /// Makes sure that what the snapshot had is there.
    Holds {
        /// The revision that it had; it never goes down.
        revision: i64,
    },
    /// Forgets what keys were before the last change.
    Compact,
    /// Gives back the space that holds nothing, of one member.
    Defragment {
        /// Its pod.
        pod: String,
    },
    /// Takes the alarm NOSPACE back.
    Disarm,
    /// Writes, reads and deletes a key.
    Probe,
}

impl EtcdAct {
    /// The word for a step's id.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Snapshot { .. } => "snapshot".to_owned(),
            Self::Remove { pod, .. } => format!("remove-member-{pod}"),
            Self::Add { pod, .. } => format!("add-member-{pod}"),
            Self::Joined { pod } => format!("joined-{pod}"),
            Self::Alike => "alike".to_owned(),
            Self::Serves => "serves".to_owned(),
            Self::WithoutMajority => "without-majority".to_owned(),
            Self::Holds { .. } => "holds".to_owned(),
            Self::Compact => "compact".to_owned(),
            Self::Defragment { pod } => format!("defragment-{pod}"),
            Self::Disarm => "disarm".to_owned(),
            Self::Probe => "probe".to_owned(),
        }
    }

    /// What it does, for people; `set` is the etcd.
    pub(super) fn title(&self, set: &str) -> String {
        match self {
            Self::Snapshot { .. } => format!("save a snapshot of {set}"),
            Self::Remove { pod, member } => format!("take member {member} ({pod}) out of {set}"),
            Self::Add { pod, .. } => format!("add {pod} to {set} as a new member"),
            Self::Joined { pod } => format!("wait until {pod} has joined {set} and caught up"),
            Self::Alike => format!("compare what the members of {set} have"),
            Self::Serves => format!("wait until every member of {set} serves"),
            Self::WithoutMajority => format!("make sure that {set} has no majority"),
            Self::Holds { revision } => format!("make sure that {set} has revision {revision}"),
            Self::Compact => format!("compact the history of {set}"),
            Self::Defragment { pod } => format!("defragment member {pod} of {set}"),
            Self::Disarm => format!("take the alarm NOSPACE of {set} back"),
            Self::Probe => format!("write, read and delete a key of {set}"),
        }
    }

    /// What must be so before it is done.
    pub(super) fn gate(&self) -> &'static str {
        match self {
            Self::Snapshot { .. } => "a member answers",
            Self::Remove { .. } => "the others are a majority with a leader, and this one does not serve",
            Self::Add { .. } => "the others are a majority with a leader, and the old member is out",
            Self::Compact | Self::Probe => "a majority of the members has a leader",
            Self::Defragment { .. } => "the member answers",
            Self::Disarm => "there is space again in every member",
            Self::Joined { .. } | Self::Alike | Self::Serves | Self::WithoutMajority | Self::Holds { .. } => {
                "nothing is written"
            }
        }
    }

    /// What is observed when it is done.
    pub(super) fn proof(&self) -> &'static str {
        match self {
            Self::Snapshot { .. } => "its checksum is that of its bytes",
            Self::Remove { .. } => "its number is not among the members",
            Self::Add { .. } => "its address is among the members, with another number",
            Self::Joined { .. } => "it has a name, knows the leader, and is near the others",
            Self::Alike => "the hashes are equal at one revision",
            Self::Serves => "each knows the leader, and its pod is of the template and ready",
            Self::WithoutMajority => "no member that answers knows a leader",
            Self::Holds { .. } => "a leader says that it has as much, or more",
            Self::Compact => "etcd says that it is done",
            Self::Defragment { .. } => "its file has hardly more than is in use",
            Self::Disarm => "no member says that the alarm is raised",
            Self::Probe => "the key reads as it was written",
        }
    }

    /// In which pod a person would ask: the one that it is about, else one whose member answers.
    pub(super) fn asked(&self) -> &str {
        match self {
            Self::Defragment { pod } => pod,
            _ => Self::ANSWERS,
        }
    }

    /// The pod of any member that answers, for whoever fills in its name.
    pub(super) const ANSWERS: &'static str = "POD-OF-A-MEMBER-THAT-ANSWERS";

    /// What `etcdctl` does the same, in a pod of it, one after the other.
    pub(super) fn commands(&self) -> Vec<String> {
        match self {
            Self::Remove { member, .. } => vec!["member list".to_owned(), format!("member remove {member}")],
            Self::Probe => {
                ["put seaworthy-probe ok", "get seaworthy-probe", "del seaworthy-probe"].map(str::to_owned).into()
            }
            _ => vec![self.command()],
        }
    }

    fn command(&self) -> String {
        match self {
            Self::Snapshot { file } => format!("snapshot save {file}"),
            Self::Remove { member, .. } => format!("member remove {member}"),
            Self::Add { pod, peer, .. } => format!("member add {pod} --peer-urls={peer}"),
            Self::Joined { .. } | Self::Serves | Self::WithoutMajority | Self::Holds { .. } => {
                "endpoint status --cluster".to_owned()
            }
            Self::Alike => "endpoint hashkv --cluster".to_owned(),
            Self::Compact => "compact REVISION".to_owned(),
            Self::Defragment { .. } => "defrag".to_owned(),
            Self::Disarm => "alarm disarm".to_owned(),
            Self::Probe => "put seaworthy-probe ok".to_owned(),
        }
    }

    /// Whether it changes the etcd.
    pub(super) fn writes(&self) -> bool {
        !matches!(
            self,
            Self::Snapshot { .. }
                | Self::Joined { .. }
                | Self::Alike
                | Self::Serves
                | Self::WithoutMajority
                | Self::Holds { .. }
        )
    }

    /// How it stands by what the members say, and by the live `StatefulSet`.
    pub fn standing(&self, view: &View, set: &Value) -> Standing {
        match self {
            Self::Remove { pod, member } => remove(view, pod, *member),
            Self::Add { pod, peer, was } => add(view, pod, (peer, *was)),
            Self::Joined { pod } => joined(view, pod),
            Self::Serves => serves(view, set),
            Self::WithoutMajority => without_majority(view),
            Self::Holds { revision } => holds(view, *revision),
            Self::Defragment { pod } => defragment(view, pod),
            Self::Disarm => disarm(view),
            Self::Compact | Self::Probe if leader(view) => open("a majority serves"),
            Self::Compact | Self::Probe => early("there is no leader"),
            Self::Snapshot { .. } | Self::Alike => match view.answered().next() {
                Some(_) => open("a member answers"),
                None => early("no member answers"),
            },
        }
    }
}

fn proven(note: impl Into<String>) -> Standing {
    Standing::Proven { note: note.into() }
}

fn open(progress: impl Into<String>) -> Standing {
    Standing::Open { progress: progress.into() }
}

fn early(progress: impl Into<String>) -> Standing {
    Standing::Early { progress: progress.into() }
}

fn shut(why: impl Into<String>) -> Standing {
    Standing::Shut { why: why.into() }
}

fn members(view: &View) -> Result<&[Member], Standing> {
    view.members.as_deref().ok_or_else(|| early("no member answers"))
}

fn leader(view: &View) -> bool {
    let size = view.members.as_ref().map_or(view.told.len(), Vec::len);
    view.serving().count() >= quorum(size)
}

fn status<'a>(view: &'a View, pod: &str) -> Option<&'a Status> {
    match view.told.get(pod) {
        Some(Told::Status(status)) => Some(status),
        _ => None,
    }
}

fn remove(view: &View, pod: &str, member: Id) -> Standing {
    let members = match members(view) {
        Ok(members) => members,
        Err(standing) => return standing,
    };
    if !members.iter().any(|known| known.id == member) {
        return proven(format!("{} members, and not that one", members.len()));
    }
    if status(view, pod).is_some_and(|status| status.member == member && status.leader.is_some()) {
        return shut(format!("{pod} serves, as member {member}: it is not lost"));
    }
    if leader(view) { open(format!("one of {} members", members.len())) } else { early("there is no leader") }
}

fn add(view: &View, pod: &str, (peer, was): (&str, Id)) -> Standing {
    let members = match members(view) {
        Ok(members) => members,
        Err(standing) => return standing,
    };
    if members.iter().any(|known| known.id == was) {
        return shut(format!("member {was} ({pod}) is not taken out yet"));
    }
    if let Some(known) = members.iter().find(|known| known.peers.iter().any(|url| url == peer)) {
        return proven(format!("it is member {} now", known.id));
    }
    if leader(view) { open(format!("{} members", members.len())) } else { early("there is no leader") }
}

fn joined(view: &View, pod: &str) -> Standing {
    let Some(own) = status(view, pod) else {
        let why = view.silent().find(|(silent, ..)| *silent == pod).map(|(_, why, log)| log.unwrap_or(why).to_owned());
        return early(why.unwrap_or_else(|| "it does not answer".to_owned()));
    };
    let started = view.members.as_ref().is_some_and(|members| member_of(members, pod).is_some_and(Member::has_started));
    let newest = view.answered().map(|(_, status)| status.index).max().unwrap_or(0);
    if started && own.leader.is_some() && Some(own.cluster) == view.cluster() && own.index + NEAR >= newest {
        return proven(format!("revision {}, entry {} of {newest}", own.revision, own.index));
    }
    early(format!("entry {} of {newest}", own.index))
}

fn serves(view: &View, set: &Value) -> Standing {
    let wanted = replicas(set);
    let serving = i64::try_from(view.serving().count()).unwrap_or(0);
    let (_, rolled) = rollout(set, wanted, ["updatedReplicas", "replicas", "readyReplicas"]);
    let on_delete = set["spec"]["updateStrategy"]["type"] == "OnDelete";
    let ready = rolled || on_delete && rollout(set, wanted, ["replicas", "readyReplicas", "replicas"]).1;
    if serving == wanted && ready {
        return proven(format!("{serving} of {wanted} serve, revision {}", view.revision().unwrap_or_default()));
    }
    early(format!("{serving} of {wanted} serve"))
}

fn without_majority(view: &View) -> Standing {
    if leader(view) {
        let serving: Vec<&str> = view.serving().map(|(pod, _)| pod).collect();
        return shut(format!("{} serve with a leader: everything is there again", serving.join(", ")));
    }
    proven(format!("{} of {} answer, without a leader", view.answered().count(), view.told.len()))
}

fn holds(view: &View, revision: i64) -> Standing {
    let serving = view.serving().map(|(_, status)| status.revision).min();
    match serving {
        Some(has) if has >= revision => proven(format!("revision {has}")),
        Some(has) => shut(format!("it has revision {has}; the snapshot had {revision}")),
        None => early("there is no leader"),
    }
}

fn defragment(view: &View, pod: &str) -> Standing {
    let Some(own) = status(view, pod) else { return early("it does not answer") };
    let note = format!("{} KiB, {} KiB of them in use", own.size >> 10, own.in_use >> 10);
    if own.size <= own.in_use + LOOSE.max(own.in_use / 4) { proven(note) } else { open(note) }
}

fn disarm(view: &View) -> Standing {
    if !leader(view) {
        return early("there is no leader");
    }
    if !view.answered().any(|(_, status)| status.alarms("NOSPACE")) {
        return proven("no alarm");
    }
    // A member compacts when it comes to it, and what it gave back is loose only then: it may have been defragmented too early.
    let in_use = view.answered().find(|(_, status)| is_most(status, status.in_use));
    match (in_use, crowded(view).next()) {
        (Some((pod, status)), _) => early(format!(
            "{pod} has {} MiB of the {} MiB that it may have, all of it in use: it is still compacting; or raise --quota-backend-bytes, or delete keys",
            status.size >> 20,
            status.quota.unwrap_or(QUOTA) >> 20
        )),
        (None, Some(pod)) => open(format!("{pod} has to be defragmented again")),
        (None, None) => open("the alarm is raised"),
    }
}

/// The members whose file takes most of the space that it may.
pub fn crowded(view: &View) -> impl Iterator<Item = &str> {
    view.answered().filter(|(_, status)| is_most(status, status.size)).map(|(pod, _)| pod)
}

/// Whether so many bytes are more than nine tenths of what the member's file may have.
fn is_most(status: &Status, bytes: u64) -> bool {
    bytes.saturating_mul(10) > status.quota.unwrap_or(QUOTA).saturating_mul(9)
}
