//! The answers of a member's JSON gateway, with the codes and words of etcd 3.6.5 as they were measured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::data::{Data, Peer, QUOTA, number};
use super::{Home, agreed, home, replicate};
use crate::etcd::{EtcdSet, quorum};
use crate::object::{items, text};
use crate::sandbox::world::World;

/// Bytes in a piece of a snapshot (etcd: `snapshotSendBufferSize`).
const PIECE: usize = 32 * 1024;
/// A file of a database is a whole number of these.
const PAGE: usize = 4096;

/// A status of HTTP and a body.
type Said = (u16, Vec<u8>);

/// Why something is refused: the status of HTTP, the code of gRPC, the words.
struct No(u16, u8, &'static str);

const NO_LEADER: No = No(504, 4, "context deadline exceeded");
const NO_SPACE: No = No(429, 8, "etcdserver: mvcc: database space exceeded");

/// Changes what the majority agrees on, in all who are there. Whether there is a majority.
pub(super) fn write(world: &mut World, set: &EtcdSet, change: impl FnOnce(&mut Data)) -> bool {
    replicate(world, set);
    let Some((mut data, voters)) = agreed(world, set) else { return false };
    change(&mut data);
    data.index += 1;
    for home in voters {
        if let Ok(Some(own)) = Data::read(world, &home.place) {
            data.of(&own).write(world, &home.place);
        }
    }
    true
}

/// What a member in a pod answers.
pub(in crate::sandbox) fn answer(world: &mut World, pod: &Value, path: &str, body: &[u8]) -> Said {
    let Some(home) = home(world, pod) else { return (502, b"the member is gone".to_vec()) };
    replicate(world, &home.set);
    let Ok(Some(own)) = Data::read(world, &home.place) else { return (502, b"the member has no data".to_vec()) };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if path == "/health" {
        return health(world, &home);
    }
    if path == "/v3/maintenance/snapshot" {
        return (200, snapshot(&own));
    }
    match call(world, &home, (&own, path), &body) {
        Ok(Value::Null) => (200, b"{}".to_vec()),
        Ok(mut answer) => {
            answer["header"] = header(&own, world, &home);
            (200, answer.to_string().into_bytes())
        }
        Err(No(status, code, message)) => (status, json!({"code": code, "message": message}).to_string().into_bytes()),
    }
}

fn health(world: &World, home: &Home) -> Said {
    match agreed(world, &home.set) {
        None => (503, br#"{"health":"false","reason":"RAFT NO LEADER"}"#.to_vec()),
        Some((data, _)) if !data.alarms.is_empty() => {
            (503, format!("{{\"health\":\"false\",\"reason\":\"ALARM {}\"}}", data.alarms[0].1).into_bytes())
        }
        Some(_) => (200, br#"{"health":"true","reason":""}"#.to_vec()),
    }
}

/// Revision and numbers as they are after what was asked.
fn header(own: &Data, world: &World, home: &Home) -> Value {
    let now = Data::read(world, &home.place).ok().flatten().unwrap_or_else(|| own.clone());
    json!({"cluster_id": now.cluster.to_string(), "member_id": now.member.to_string(), "revision": now.revision.to_string(), "raft_term": "2"})
}

fn call(world: &mut World, home: &Home, (own, path): (&Data, &str), body: &Value) -> Result<Value, No> {
    let key = |name: &str| text(body, name).unwrap_or_default().to_owned();
    match path {
        "/v3/maintenance/status" => Ok(status(world, home, own)),
        "/v3/cluster/member/list" => Ok(json!({"members": listed(&own.members)})),
        "/v3/cluster/member/add" => add(world, home, body),
        "/v3/cluster/member/remove" => remove(world, home, body),
        "/v3/kv/range" if body["count_only"] == true => Ok(counted("count", own.keys.len())),
        "/v3/kv/range" => {
            let found = own.keys.get(&key("/key"));
            let kvs = found
                .map(|kept| json!([{"key": key("/key"), "value": kept.value, "mod_revision": kept.at.to_string()}]));
            Ok(kvs.map_or_else(|| json!({}), |kvs| json!({"kvs": kvs, "count": "1"})))
        }
        "/v3/kv/put" if !own.alarms.is_empty() || own.size >= QUOTA => {
            let member = own.member;
            let raise = |data: &mut Data| {
                if data.alarms.is_empty() {
                    data.alarms.push((member, "NOSPACE".to_owned()));
                }
            };
            if write(world, &home.set, raise) { Err(NO_SPACE) } else { Err(NO_LEADER) }
        }
        "/v3/kv/put" => written(world, home, |data| data.put(&key("/key"), text(body, "/value").unwrap_or_default())),
        "/v3/kv/deleterange" => {
            let there = usize::from(own.keys.contains_key(&key("/key")));
            written(world, home, |data| {
                if data.keys.remove(&key("/key")).is_some() {
                    data.revision += 1;
                }
            })?;
            Ok(counted("deleted", there))
        }
        "/v3/kv/compaction" => {
            let revision = whole(body, "/revision");
            if revision <= own.compacted {
                return Err(No(400, 11, "etcdserver: mvcc: required revision has been compacted"));
            }
            if revision > own.revision {
                return Err(No(400, 11, "etcdserver: mvcc: required revision is a future revision"));
            }
            written(world, home, |data| data.compact(revision))
        }
        "/v3/maintenance/defragment" => {
            Data { size: own.in_use, ..own.clone() }.write(world, &home.place);
            Ok(Value::Null)
        }
        "/v3/maintenance/alarm" => alarm(world, home, body),
        "/v3/maintenance/hashkv" => {
            let keys = serde_json::to_string(&own.keys).unwrap_or_default();
            Ok(
                json!({"hash": number(&keys) >> 32, "compact_revision": own.compacted.to_string(), "hash_revision": own.revision.to_string()}),
            )
        }
        _ => Err(No(404, 5, "Not Found")),
    }
}

/// What is nothing is left out.
fn counted(name: &str, count: usize) -> Value {
    if count == 0 { json!({}) } else { json!({name: count.to_string()}) }
}

fn whole(body: &Value, pointer: &str) -> i64 {
    text(body, pointer).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn written(world: &mut World, home: &Home, change: impl FnOnce(&mut Data)) -> Result<Value, No> {
    if write(world, &home.set, change) { Ok(json!({})) } else { Err(NO_LEADER) }
}

fn status(world: &World, home: &Home, own: &Data) -> Value {
    let mut errors: Vec<String> = Vec::new();
    let leader = agreed(world, &home.set).and_then(|(_, voters)| Data::read(world, &voters.first()?.place).ok()?);
    if leader.is_none() {
        errors.push("etcdserver: no leader".to_owned());
    }
    errors.extend(own.alarms.iter().map(|(member, alarm)| format!("memberID:{member} alarm:{alarm} ")));
    let mut status = json!({"version": "3.6.5", "dbSize": own.size.to_string(), "raftIndex": own.index.to_string(), "raftTerm": "2",
        "raftAppliedIndex": own.index.to_string(), "dbSizeInUse": own.in_use.to_string(), "dbSizeQuota": QUOTA.to_string()});
    if let Some(leader) = leader {
        status["leader"] = leader.member.to_string().into();
    }
    if !errors.is_empty() {
        status["errors"] = errors.into();
    }
    status
}

fn listed(members: &[Peer]) -> Value {
    let one = |peer: &Peer| {
        let mut member = json!({"ID": peer.id.to_string(), "peerURLs": [peer.url]});
        if !peer.name.is_empty() {
            member["name"] = peer.name.as_str().into();
        }
        if peer.started {
            member["clientURLs"] = json!([peer.url.replace(":2380", ":2379")]);
        }
        member
    };
    members.iter().map(one).collect()
}

/// Members that are there and have started, and how many there would have to be.
fn strength(world: &World, home: &Home) -> Option<(Data, usize)> {
    let (data, voters) = agreed(world, &home.set)?;
    Some((data, voters.len()))
}

fn add(world: &mut World, home: &Home, body: &Value) -> Result<Value, No> {
    let (data, there) = strength(world, home).ok_or(NO_LEADER)?;
    let url = items(body, "/peerURLs").next().and_then(Value::as_str).unwrap_or_default().to_owned();
    if data.members.iter().any(|peer| peer.url == url) {
        return Err(No(400, 9, "etcdserver: Peer URLs already exists"));
    }
    if there < quorum(data.members.len() + 1) {
        return Err(No(400, 9, "etcdserver: re-configuration failed due to not enough started members"));
    }
    let id = number(&format!("{url}/{}", data.index));
    written(world, home, |data| {
        data.members.push(Peer { id, name: String::new(), url, started: false });
    })?;
    let (data, _) = strength(world, home).ok_or(NO_LEADER)?;
    let member = data.members.last().cloned().into_iter().collect::<Vec<_>>();
    Ok(json!({"member": listed(&member)[0], "members": listed(&data.members)}))
}

fn remove(world: &mut World, home: &Home, body: &Value) -> Result<Value, No> {
    let (data, there) = strength(world, home).ok_or(NO_LEADER)?;
    let id: u64 = text(body, "/ID").and_then(|text| text.parse().ok()).unwrap_or(0);
    if !data.members.iter().any(|peer| peer.id == id) {
        return Err(No(404, 5, "etcdserver: member not found"));
    }
    if there < quorum(data.members.len() - 1) {
        return Err(No(400, 9, "etcdserver: re-configuration failed due to not enough started members"));
    }
    written(world, home, |data| data.members.retain(|peer| peer.id != id))?;
    let members = strength(world, home).map(|(data, _)| listed(&data.members)).unwrap_or_default();
    Ok(json!({"members": members}))
}

fn alarm(world: &mut World, home: &Home, body: &Value) -> Result<Value, No> {
    // Asking for alarms goes through raft, too: without a majority there is no answer.
    let (data, _) = strength(world, home).ok_or(NO_LEADER)?;
    if body["action"] == "DEACTIVATE" {
        let member: u64 = text(body, "/memberID").and_then(|text| text.parse().ok()).unwrap_or(0);
        let alarm = (member, text(body, "/alarm").unwrap_or_default().to_owned());
        return written(world, home, |data| data.alarms.retain(|known| *known != alarm));
    }
    let alarms: Vec<Value> =
        data.alarms.iter().map(|(member, alarm)| json!({"memberID": member.to_string(), "alarm": alarm})).collect();
    Ok(if alarms.is_empty() { json!({}) } else { json!({"alarms": alarms}) })
}

/// The whole file in pieces, then its checksum.
fn snapshot(own: &Data) -> Vec<u8> {
    let mut file = serde_json::to_vec(own).unwrap_or_default();
    file.resize(file.len().next_multiple_of(PAGE), 0);
    let mut lines: Vec<String> = Vec::new();
    let mut remaining = file.len();
    for piece in file.chunks(PIECE) {
        remaining -= piece.len();
        let mut result = json!({"blob": STANDARD.encode(piece), "version": "3.6.0"});
        if remaining > 0 {
            result["remaining_bytes"] = remaining.to_string().into();
        }
        lines.push(json!({"result": result}).to_string());
    }
    let sum = STANDARD.encode(Sha256::digest(&file));
    lines.push(json!({"result": {"blob": sum, "version": "3.6.0"}}).to_string());
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"]).flatten().copied().collect()
}
