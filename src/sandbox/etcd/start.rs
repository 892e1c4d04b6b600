//! How a member starts, or why it does not: by what is on its volume, by what it is told, and by what the others know of it.

use serde_json::Value;

use super::data::{Data, Peer, number};
use super::{Home, agreed, is_member, replicate, running};
use crate::object::{items, text};
use crate::sandbox::world::World;

/// What becomes of a member.
pub(super) enum Start {
    /// It has its data and goes on.
    Goes,
    /// It begins with this.
    Begins(Box<Data>),
    /// It ends, with these words.
    Refuses(String),
}

/// Lets a container that runs go on, if it is a member. The line with which it ends, when it does.
pub(in crate::sandbox) fn tend(world: &mut World, pod: &Value, container: &Value) -> Option<String> {
    let home = is_member(world, pod, container)?;
    match decide(world, pod, &home) {
        Start::Refuses(words) => return Some(words),
        Start::Begins(data) => {
            data.write(world, &home.place);
            publish(world, &home, data.member);
        }
        Start::Goes => {
            if let Ok(Some(data)) = Data::read(world, &home.place) {
                publish(world, &home, data.member);
            }
        }
    }
    replicate(world, &home.set);
    None
}

/// A member that is part of a majority tells the others what it is called.
fn publish(world: &mut World, home: &Home, member: u64) {
    let is_new = |data: &Data| data.members.iter().any(|peer| peer.id == member && !peer.started);
    if agreed(world, &home.set).is_none_or(|(data, _)| !is_new(&data)) {
        return;
    }
    super::answer::write(world, &home.set, |data| {
        for peer in data.members.iter_mut().filter(|peer| peer.id == member) {
            peer.started = true;
            peer.name.clone_from(&home.pod);
        }
    });
}

pub(super) fn decide(world: &World, pod: &Value, home: &Home) -> Start {
    let known = Data::read(world, &home.place);
    let others = agreed_without(world, home);
    match known {
        Err(()) => {
            Start::Refuses("panic: failed to open database: file size too small (path member/snap/db)".to_owned())
        }
        Ok(Some(own)) => match others {
            Some(data) if data.cluster != own.cluster => Start::Refuses(format!(
                "fatal: request cluster ID mismatch (got {:x} want {:x})",
                own.cluster, data.cluster
            )),
            Some(data) if !data.members.iter().any(|peer| peer.id == own.member) => {
                Start::Refuses("fatal: the member has been permanently removed from the cluster".to_owned())
            }
            _ => Start::Goes,
        },
        Ok(None) => anew(pod, home, others),
    }
}

/// What the others have agreed on, if they run.
fn agreed_without(world: &World, home: &Home) -> Option<Data> {
    let others: Vec<Data> = running(world, &home.set)
        .into_iter()
        .filter(|(other, _)| other.pod != home.pod)
        .map(|(_, data)| data)
        .collect();
    let newest = others.iter().max_by_key(|data| data.index)?.clone();
    let votes = others.iter().filter(|data| newest.members.iter().any(|peer| peer.id == data.member)).count();
    // Those that are only being founded have agreed on nothing yet.
    (votes >= crate::etcd::quorum(newest.members.len())).then_some(newest)
}

/// A member without data founds a cluster or joins one, as it is told.
fn anew(pod: &Value, home: &Home, others: Option<Data>) -> Start {
    let told = Told::read(pod, home);
    let mine = |data: &Data| data.members.iter().find(|peer| peer.url == told.url).cloned();
    if !told.joins {
        if let Some(peer) = others.as_ref().and_then(mine).filter(|peer| peer.started) {
            return Start::Refuses(format!("fatal: member {:x} has already been bootstrapped", peer.id));
        }
        let founded = Data::founded(told.members, &told.token, &home.pod);
        return match founded {
            Some(data) => Start::Begins(Box::new(data)),
            None => Start::Refuses(format!(
                "fatal: couldn't find local name \"{}\" in the initial cluster configuration",
                home.pod
            )),
        };
    }
    let Some(data) = others else {
        return Start::Refuses("fatal: cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs".to_owned());
    };
    match mine(&data) {
        None => Start::Refuses("fatal: error validating peerURLs: member count is unequal".to_owned()),
        Some(peer) if peer.started => Start::Refuses(format!(
            "panic: tocommit({}) is out of range [lastIndex(0)]. Was the raft log corrupted, truncated, or lost?",
            data.index
        )),
        Some(peer) => Start::Begins(Box::new(Data { member: peer.id, size: data.in_use, ..data })),
    }
}

/// What the arguments of a member say.
struct Told {
    joins: bool,
    token: String,
    url: String,
    members: Vec<Peer>,
}

impl Told {
    fn read(pod: &Value, home: &Home) -> Self {
        let container = items(pod, "/spec/containers").find(|one| one["name"] == home.set.container.as_str());
        let empty = Value::Null;
        let container = container.unwrap_or(&empty);
        let flag = |name: &str| {
            let words = items(container, "/command").chain(items(container, "/args")).filter_map(Value::as_str);
            let prefix = format!("--{name}=");
            words.filter_map(|word| word.strip_prefix(&prefix)).last().map(str::to_owned)
        };
        let variable = |name: &str| {
            let pair = items(container, "/env").find(|pair| pair["name"] == name)?;
            text(pair, "/value").map(str::to_owned)
        };
        let setting = |flag_name: &str, variable_name: &str| flag(flag_name).or_else(|| variable(variable_name));
        let token = setting("initial-cluster-token", "ETCD_INITIAL_CLUSTER_TOKEN").unwrap_or_default();
        let own = format!("{}=http://{0}:2380", home.pod);
        let cluster = setting("initial-cluster", "ETCD_INITIAL_CLUSTER").unwrap_or(own);
        let peer = |pair: &str| {
            let (name, url) = pair.split_once('=')?;
            let id = number(&format!("{url}/{token}"));
            Some(Peer { id, name: name.to_owned(), url: url.to_owned(), started: false })
        };
        let members: Vec<Peer> = cluster.split(',').filter_map(peer).collect();
        let url = members.iter().find(|peer| peer.name == home.pod).map(|peer| peer.url.clone()).unwrap_or_default();
        let joins = setting("initial-cluster-state", "ETCD_INITIAL_CLUSTER_STATE").as_deref() == Some("existing");
        Self { joins, token, url, members }
    }
}
