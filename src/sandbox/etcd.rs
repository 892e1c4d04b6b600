//! Simulated members of an application's etcd. What a member has written lies on the volume of its pod, as one file, so that a volume that
//! is wiped is a wiped member. They start, refuse to start, elect and answer as etcd 3.4.23 and 3.6.5 were measured to; of raft there is
//! no more than its outcome: whoever has the highest index among a majority that runs is copied by the others.

mod answer;
mod data;
pub(super) mod seed;
mod start;

use serde_json::{Value, json};

use super::containers;
use super::world::World;
use crate::etcd::{self, EtcdSet};
use crate::object::{items, text};
use data::Data;

pub(super) use answer::answer;
pub(super) use seed::SNAPSHOT;
pub(super) use start::tend;

/// A member in its pod.
#[derive(Debug, Clone)]
struct Home {
    set: EtcdSet,
    pod: String,
    /// The directory of its volume.
    place: String,
}

/// The etcd that a pod is a member of, and where its data is.
fn home(world: &World, pod: &Value) -> Option<Home> {
    let owner = items(pod, "/metadata/ownerReferences").find(|owner| owner["kind"] == "StatefulSet")?;
    let namespace = text(pod, "/metadata/namespace")?;
    let set = etcd::of(world.find("StatefulSet", Some(namespace), text(owner, "/name")?)?)?;
    let name = text(pod, "/metadata/name")?.to_owned();
    let container = items(pod, "/spec/containers").find(|container| container["name"] == set.container.as_str())?;
    let claim = format!("{}-{name}", set.template.as_deref()?);
    let volume =
        items(pod, "/spec/volumes").find(|volume| volume["persistentVolumeClaim"]["claimName"] == claim.as_str())?;
    items(container, "/volumeMounts").find(|mount| mount["name"] == volume["name"])?;
    Some(Home { place: super::place_of(world, namespace, &claim)?, set, pod: name })
}

/// Whether a container of a pod is a member.
fn is_member(world: &World, pod: &Value, container: &Value) -> Option<Home> {
    home(world, pod).filter(|home| container["name"] == home.set.container.as_str())
}

/// Whether a port of a pod is that of a member, and if so, whether it runs.
pub(super) fn listens(world: &World, pod: &Value, port: u16) -> Option<bool> {
    home(world, pod).filter(|home| home.set.port == port).map(|home| runs(pod, &home.set.container))
}

fn runs(pod: &Value, container: &str) -> bool {
    containers::status(pod, container).is_some_and(|status| status["state"].get("running").is_some())
}

/// Every member of an etcd that runs and has data, with it.
fn running(world: &World, set: &EtcdSet) -> Vec<(Home, Data)> {
    let pods = world.store.all("Pod").filter(|pod| text(pod, "/metadata/namespace") == Some(&set.namespace));
    let of_it = pods.filter(|pod| runs(pod, &set.container)).filter_map(|pod| home(world, pod));
    let mine = of_it.filter(|home| home.set.pinned == set.pinned);
    mine.filter_map(|home| Some((home.clone(), Data::read(world, &home.place).ok()??))).collect()
}

/// What the majority that runs agrees on: the newest data, and those who are of it. `None`: there is no majority.
fn agreed(world: &World, set: &EtcdSet) -> Option<(Data, Vec<Home>)> {
    let running = running(world, set);
    let newest = running.iter().map(|(_, data)| data).max_by_key(|data| data.index)?.clone();
    let votes =
        |data: &Data| data.cluster == newest.cluster && newest.members.iter().any(|peer| peer.id == data.member);
    let voters: Vec<Home> = running.into_iter().filter(|(_, data)| votes(data)).map(|(home, _)| home).collect();
    (voters.len() >= etcd::quorum(newest.members.len())).then_some((newest, voters))
}

/// Lets those who are behind catch up.
fn replicate(world: &mut World, set: &EtcdSet) {
    let Some((newest, voters)) = agreed(world, set) else { return };
    for home in voters {
        if let Ok(Some(own)) = Data::read(world, &home.place)
            && own.index < newest.index
        {
            newest.of(&own).write(world, &home.place);
        }
    }
}

/// What `/health` says: without a leader, or with an alarm, a member is not well.
pub(super) fn is_unwell(world: &World, pod: &Value, container: &Value) -> bool {
    is_member(world, pod, container).is_some_and(|home| match agreed(world, &home.set) {
        Some((data, voters)) => !data.alarms.is_empty() || !voters.iter().any(|voter| voter.pod == home.pod),
        None => true,
    })
}

/// What a member says whenever it is asked how it is and has an alarm (etcd: `server/etcdserver/api/etcdhttp/health.go`).
pub(super) fn complaint(world: &World, pod: &Value, container: &str) -> Option<String> {
    let container = items(pod, "/spec/containers").find(|one| one["name"] == container)?;
    let (data, _) = agreed(world, &is_member(world, pod, container)?.set)?;
    let (member, alarm) = data.alarms.first()?;
    let said = format!("memberID:{member} alarm:{alarm} ");
    Some(json!({"level": "warn", "msg": "serving /health false due to an alarm", "alarm": said}).to_string())
}

/// The last line of a member that does not start.
pub(super) fn last_words(world: &World, pod: &Value, container: &str) -> Option<String> {
    let container = items(pod, "/spec/containers").find(|one| one["name"] == container)?;
    match start::decide(world, pod, &is_member(world, pod, container)?) {
        start::Start::Refuses(words) => Some(words),
        _ => None,
    }
}

/// A container that has started and names an etcd leaves keys there, as it leaves lines on its volumes: what can be lost, and found.
pub(super) fn leave_trace(world: &mut World, pod: &Value, container: &Value) {
    if home(world, pod).is_some() {
        return;
    }
    let words = container.to_string();
    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
    let sets: Vec<EtcdSet> = world.store.all("StatefulSet").filter_map(etcd::of).collect();
    let client = text(pod, "/metadata/labels/app.kubernetes.io~1component").unwrap_or("client").to_owned();
    for set in sets.into_iter().filter(|set| set.namespace == namespace) {
        let named = format!("{}-0.", set.name());
        if words.contains(&named) && words.contains(&format!(":{}", set.port)) && words.contains("http") {
            answer::write(world, &set, |data| {
                (0..KEYS).for_each(|number| data.put(&format!("sandbox/{client}/{number}"), ""));
            });
        }
    }
}

/// Keys that a client leaves.
const KEYS: usize = 8;

/// Faults: what an etcd can suffer beside what its volume does.
pub(super) mod harm {
    use super::{Data, EtcdSet, World, answer, etcd, home};
    use serde_json::Value;

    /// The database of an etcd has become as large as it may: the alarm is raised. Most of it is history.
    pub(in crate::sandbox) fn fill(world: &mut World, set: &EtcdSet) {
        answer::write(world, set, Data::fill);
        for (home, mut data) in super::running(world, set) {
            data.size = data.in_use;
            data.write(world, &home.place);
        }
    }

    /// A file of a member's database is cut off.
    pub(in crate::sandbox) fn corrupt(world: &mut World, pod: &Value) {
        if let Some(home) = home(world, pod) {
            Data::spoil(world, &home.place);
        }
    }

    /// Every etcd of the applications.
    pub(in crate::sandbox) fn sets(world: &World) -> Vec<EtcdSet> {
        world.store.all("StatefulSet").filter_map(etcd::of).collect()
    }
}
