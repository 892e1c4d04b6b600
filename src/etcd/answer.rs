//! The answers of etcd's JSON gateway. Numbers of 64 bits come as texts, and what is nothing (0, empty, false) is left out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Id;
use crate::object::{at, items, text};

/// What a member says of itself. It is answered without a majority, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The cluster that it belongs to.
    pub cluster: Id,
    /// Itself.
    pub member: Id,
    /// The version of etcd.
    pub version: String,
    /// How many changes there were; 1 in an etcd that nothing was ever written to.
    pub revision: i64,
    /// The term of its raft.
    pub term: u64,
    /// The last entry of its raft log.
    pub index: u64,
    /// Who leads; `None`: nobody, as far as it knows.
    pub leader: Option<Id>,
    /// Bytes of its database file.
    pub size: u64,
    /// Bytes of it that hold something.
    pub in_use: u64,
    /// How large the file may become, bytes; etcd tells from 3.6 on.
    pub quota: Option<u64>,
    /// What it finds wrong: `etcdserver: no leader`, `memberID:1 alarm:NOSPACE `.
    pub errors: Vec<String>,
}

impl Status {
    /// Whether it raises this alarm.
    pub fn alarms(&self, alarm: &str) -> bool {
        self.errors.iter().any(|error| error.contains(&format!("alarm:{alarm}")))
    }
}

/// One of those that make up a cluster, as the others know it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Which.
    pub id: Id,
    /// Its name; empty until it has started for the first time.
    pub name: String,
    /// Where the others find it.
    pub peers: Vec<String>,
    /// Whether it only listens, and does not vote.
    pub learner: bool,
}

impl Member {
    /// Whether it has ever joined (`etcdctl member list` says `started`).
    pub fn has_started(&self) -> bool {
        !self.name.is_empty()
    }
}

/// An alarm that a member has raised. It stays until it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Who has raised it.
    pub member: Id,
    /// `NOSPACE`, `CORRUPT`.
    pub alarm: String,
}

/// A whole number, as text or as number; what is left out is 0.
fn whole<T: std::str::FromStr + Default>(answer: &Value, pointer: &str) -> Option<T> {
    match at(answer, pointer) {
        None | Some(Value::Null) => Some(T::default()),
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.to_string().parse().ok(),
        Some(_) => None,
    }
}

fn id(answer: &Value, pointer: &str) -> Option<Id> {
    whole(answer, pointer).map(Id)
}

/// Reads the answer to `/v3/maintenance/status`; `None`: it is none.
pub fn status(answer: &Value) -> Option<Status> {
    Some(Status {
        cluster: id(answer, "/header/cluster_id").filter(|id| id.0 != 0)?,
        member: id(answer, "/header/member_id")?,
        version: text(answer, "/version")?.to_owned(),
        revision: whole(answer, "/header/revision")?,
        term: whole(answer, "/raftTerm")?,
        index: whole(answer, "/raftIndex")?,
        leader: id(answer, "/leader").filter(|id| id.0 != 0),
        size: whole(answer, "/dbSize")?,
        in_use: whole(answer, "/dbSizeInUse")?,
        quota: whole(answer, "/dbSizeQuota").filter(|quota| *quota != 0),
        errors: items(answer, "/errors").filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

/// Reads the members in the answer to `/v3/cluster/member/list` and `.../add`; `None`: there are none.
pub fn members(answer: &Value) -> Option<Vec<Member>> {
    at(answer, "/members")?;
    let one = |member: &Value| {
        Some(Member {
            id: id(member, "/ID")?,
            name: text(member, "/name").unwrap_or_default().to_owned(),
            peers: items(member, "/peerURLs").filter_map(Value::as_str).map(str::to_owned).collect(),
            learner: member["isLearner"] == true,
        })
    };
    items(answer, "/members").map(one).collect()
}

/// Reads the alarms in the answer to `/v3/maintenance/alarm`.
pub fn alarms(answer: &Value) -> Option<Vec<Alarm>> {
    let one = |alarm: &Value| Some(Alarm { member: id(alarm, "/memberID")?, alarm: text(alarm, "/alarm")?.to_owned() });
    items(answer, "/alarms").map(one).collect()
}

/// How many keys a range had, or a deletion took.
pub fn count(answer: &Value, pointer: &str) -> Option<u64> {
    at(answer, "/header")?;
    whole(answer, pointer)
}

/// The hash of all keys up to a revision, of `/v3/maintenance/hashkv`. An answer without the revision of the last compaction is that
/// of another hash, over the whole file, which differs between members that are well.
pub fn hash(answer: &Value) -> Option<u64> {
    at(answer, "/compact_revision")?;
    whole(answer, "/hash")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As etcd 3.6.5 answered, without a majority and with its space used up.
    fn answer() -> Value {
        json!({"header": {"cluster_id": "13455796455940752355", "member_id": "443629905751424238", "revision": "12", "raft_term": "2"},
            "version": "3.6.5", "dbSize": "921600", "raftIndex": "34", "raftTerm": "2", "raftAppliedIndex": "34",
            "errors": ["etcdserver: no leader", "memberID:443629905751424238 alarm:NOSPACE "], "dbSizeInUse": "917504",
            "storageVersion": "3.6.0", "dbSizeQuota": "4194304", "downgradeInfo": {}})
    }

    #[test]
    fn a_status_is_read_with_its_numbers_that_are_texts() {
        let status = status(&answer()).unwrap();
        assert_eq!((status.cluster.to_string().as_str(), status.revision), ("babc9795b64f03e3", 12));
        assert_eq!((status.leader, status.quota, status.in_use), (None, Some(4_194_304), 917_504));
        assert!(status.alarms("NOSPACE") && !status.alarms("CORRUPT"));
        let text = serde_json::to_value(&status).unwrap();
        assert_eq!(text["cluster"], "babc9795b64f03e3", "no reader of JSON rounds it");
        assert_eq!(serde_json::from_value::<Status>(text).unwrap(), status);
    }

    #[test]
    fn what_is_no_answer_of_etcd_is_refused() {
        for other in [json!({}), json!({"header": {}}), json!([]), json!("ok")] {
            assert_eq!(status(&other), None);
            assert_eq!(members(&other), None);
        }
        let mut broken = answer();
        broken["dbSize"] = "many".into();
        assert_eq!(status(&broken), None);
    }

    #[test]
    fn a_member_that_has_not_started_has_no_name() {
        let listed = json!({"header": {"cluster_id": "1"}, "members": [
            {"ID": "443629905751424238", "name": "a", "peerURLs": ["http://a:2380"], "clientURLs": ["http://a:2379"]},
            {"ID": "13283309661299699359", "peerURLs": ["http://b:2380"]}]});
        let members = members(&listed).unwrap();
        assert_eq!(members.iter().map(Member::has_started).collect::<Vec<_>>(), [true, false]);
        assert_eq!(members[1].peers, ["http://b:2380"]);
    }

    #[test]
    fn nothing_counted_is_no_missing_answer() {
        assert_eq!(count(&json!({"header": {"revision": "1"}}), "/count"), Some(0));
        assert_eq!(count(&json!({"header": {}, "count": "7"}), "/count"), Some(7));
        assert_eq!(count(&json!({}), "/count"), None);
    }

    #[test]
    fn the_hash_of_the_file_is_not_taken_for_that_of_the_keys() {
        assert_eq!(hash(&json!({"header": {}, "hash": 675_405_492})), None);
        assert_eq!(hash(&json!({"header": {}, "hash": 7, "compact_revision": "-1", "hash_revision": "3"})), Some(7));
    }
}
