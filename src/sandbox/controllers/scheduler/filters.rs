//! Why a pod cannot be on a node: the filters of the scheduler, in the order of its default plugins, of which the first that says no is
//! heard with all that it says. Source: `pkg/scheduler/apis/config/v1/default_plugins.go` and `pkg/scheduler/framework/plugins`, 1.34.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::object::{has_ended, items, text};
use crate::sandbox::amount::Amount;
use crate::sandbox::controllers::nodes::is_lost;
use crate::sandbox::disks;
use crate::sandbox::world::World;
use crate::snapshot::placing::{asked, matches, ports, selects, tolerated, untolerated};

/// Why not, and whether a node without some of its pods could be another matter.
#[derive(Debug, PartialEq)]
pub(super) struct Obstacle {
    pub(super) reasons: Vec<String>,
    pub(super) is_lasting: bool,
}

impl Obstacle {
    /// One that no preemption takes away.
    fn lasting(reason: impl Into<String>) -> Self {
        Self { reasons: vec![reason.into()], is_lasting: true }
    }

    /// One of the pods that are there.
    fn of_others(reason: impl Into<String>) -> Self {
        Self { reasons: vec![reason.into()], is_lasting: false }
    }
}

/// Whose pods are on which node, without those that have ended. Made once for all pods that wait, and kept true while they are placed.
#[derive(Default)]
pub(super) struct Board {
    seats: HashMap<String, Seats>,
    /// The pods that mind others near them, wherever they are.
    proud: Vec<Arc<Value>>,
}

/// The pods of a node, and what they ask for together.
#[derive(Default)]
struct Seats {
    pods: Vec<Arc<Value>>,
    asked: BTreeMap<String, i128>,
}

impl Board {
    pub(super) fn of(world: &World) -> Self {
        let mut board = Self::default();
        for pod in world.store.shared("Pod") {
            board.seat(world, pod);
        }
        board
    }

    /// Puts a pod on its node, if it has one.
    pub(super) fn seat(&mut self, world: &World, pod: &Arc<Value>) {
        if has_ended(pod) {
            return;
        }
        let Some(node) = seat(world, pod) else { return };
        let seats = self.seats.entry(node.to_owned()).or_default();
        for resource in resources(&pod["spec"]) {
            *seats.asked.entry(resource.to_owned()).or_default() += asked(&pod["spec"], resource);
        }
        seats.pods.push(pod.clone());
        if minds(pod).next().is_some() {
            self.proud.push(pod.clone());
        }
    }

    /// Takes a pod from its node: nobody is in the way of himself.
    pub(super) fn rise(&mut self, world: &World, pod: &Value) {
        let Some(seats) = seat(world, pod).and_then(|node| self.seats.get_mut(node)) else { return };
        let Some(index) = seats.pods.iter().position(|other| !is_other(pod, other)) else { return };
        let gone = seats.pods.swap_remove(index);
        for resource in resources(&gone["spec"]) {
            *seats.asked.entry(resource.to_owned()).or_default() -= asked(&gone["spec"], resource);
        }
        self.proud.retain(|other| is_other(pod, other));
    }

    fn on(&self, node: &str) -> &[Arc<Value>] {
        self.seats.get(node).map_or(&[], |seats| seats.pods.as_slice())
    }

    /// How much of a resource the pods of a node ask for.
    pub(super) fn asked_on(&self, node: &str, resource: &str) -> i128 {
        self.seats.get(node).and_then(|seats| seats.asked.get(resource)).copied().unwrap_or(0)
    }

    /// Where the pods of a namespace are that a selector takes: how many on which node.
    fn alike<'b>(&'b self, namespace: &Value, selector: &Value) -> HashMap<&'b str, usize> {
        let is_meant = |other: &&Arc<Value>| {
            other["metadata"]["namespace"] == *namespace && matches(selector, &other["metadata"]["labels"])
        };
        let count = |seats: &Seats| seats.pods.iter().filter(is_meant).count();
        let counts = self.seats.iter().map(|(node, seats)| (node.as_str(), count(seats)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// What one pod asks of every node, looked up once for all of them.
pub(super) struct Trial<'a> {
    world: &'a World,
    board: &'a Board,
    pod: &'a Value,
    /// What it asks for of each resource.
    asked: Vec<(&'a str, i128)>,
    /// How many pods of the same owner are where.
    crowd: HashMap<&'a str, usize>,
    spread: Vec<Spread<'a>>,
    /// Where the pods are that it has to be near to: the label of nodes, and its values there.
    near: Vec<(String, BTreeSet<&'a str>)>,
    /// Where it cannot be, because it minds those that are there.
    shunned: BTreeSet<(String, &'a str)>,
    /// Where it cannot be, because those that are there mind it.
    minded: BTreeSet<(String, &'a str)>,
}

/// A strict rule to be spread evenly: how many alike are where, the least of all nodes, and how many more one may have.
struct Spread<'a> {
    counts: HashMap<&'a str, usize>,
    least: usize,
    most: usize,
}

impl<'a> Trial<'a> {
    pub(super) fn of(world: &'a World, board: &'a Board, pod: &'a Value) -> Self {
        let namespace = &pod["metadata"]["namespace"];
        // The values of a label of nodes, where pods are that a term means.
        let places = |term: &Value| -> (String, BTreeSet<&'a str>) {
            let key = text(term, "/topologyKey").unwrap_or_default().to_owned();
            let nodes = board.alike(namespace, &term["labelSelector"]).into_keys();
            let values = nodes.filter_map(|node| label(world, node, &key)).collect();
            (key, values)
        };
        // The first of a group has nobody to be near to.
        let is_first = |term: &Value, values: &BTreeSet<&str>| {
            values.is_empty() && matches(&term["labelSelector"], &pod["metadata"]["labels"])
        };
        let near = required(pod, "podAffinity").filter_map(|term| {
            let (key, values) = places(term);
            (!is_first(term, &values)).then_some((key, values))
        });
        let shunned =
            minds(pod).map(places).flat_map(|(key, values)| values.into_iter().map(move |it| (key.clone(), it)));
        let minded =
            board.proud.iter().filter(|other| other["metadata"]["namespace"] == *namespace).flat_map(|other| {
                let terms = minds(other).filter(|term| matches(&term["labelSelector"], &pod["metadata"]["labels"]));
                terms.filter_map(|term| {
                    let key = text(term, "/topologyKey")?;
                    Some((key.to_owned(), label(world, seat(world, other)?, key)?))
                })
            });
        let strict = items(&pod["spec"], "/topologySpreadConstraints")
            .filter(|rule| rule["whenUnsatisfiable"] == "DoNotSchedule");
        Self {
            asked: resources(&pod["spec"]).into_iter().map(|name| (name, asked(&pod["spec"], name))).collect(),
            crowd: crowd(world, pod),
            near: near.collect(),
            shunned: shunned.collect(),
            minded: minded.collect(),
            spread: strict
                .map(|rule| Spread::of(world, board.alike(namespace, &rule["labelSelector"]), rule))
                .collect(),
            world,
            board,
            pod,
        }
    }

    /// How many pods of the same owner are on a node.
    pub(super) fn crowd(&self, node: &str) -> usize {
        self.crowd.get(node).copied().unwrap_or(0)
    }

    /// Why the pod cannot be on a node.
    pub(super) fn obstacle(&self, node: &Value) -> Option<Obstacle> {
        let spec = &self.pod["spec"];
        if node["spec"]["unschedulable"] == true
            && !tolerated(spec, &json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}))
        {
            return Some(Obstacle::lasting("node(s) were unschedulable"));
        }
        if let Some(taint) = untolerated(spec, node, &["NoSchedule", "NoExecute"]) {
            let part = |key| text(taint, key).unwrap_or_default();
            let reason = format!("node(s) had untolerated taint {{{}: {}}}", part("/key"), part("/value"));
            return Some(Obstacle::lasting(reason));
        }
        if is_lost(node) {
            return Some(Obstacle::lasting("node(s) were not ready"));
        }
        if !selects(spec, node) {
            return Some(Obstacle::lasting("node(s) didn't match Pod's node affinity/selector"));
        }
        let name = text(node, "/metadata/name").unwrap_or_default();
        let is_taken = |port| self.board.on(name).iter().any(|other| ports(&other["spec"]).any(|taken| taken == port));
        if ports(spec).any(is_taken) {
            return Some(Obstacle::of_others("node(s) didn't have free ports for the requested pod ports"));
        }
        if let Some(want) = self.want(node, name) {
            return Some(want);
        }
        if items(spec, "/volumes").any(|volume| self.is_elsewhere(volume, name)) {
            return Some(Obstacle::lasting("node(s) didn't match PersistentVolume's node affinity"));
        }
        if items(spec, "/volumes").any(|volume| self.is_chosen_elsewhere(volume, name)) {
            return Some(Obstacle::lasting("node(s) didn't find available persistent volumes to bind"));
        }
        if self.spread.iter().any(|rule| rule.is_full(name)) {
            return Some(Obstacle::of_others("node(s) didn't match pod topology spread constraints"));
        }
        self.rivals(node)
    }

    /// What a node has not enough of: all of it. A node that never had enough cannot be freed.
    fn want(&self, node: &Value, name: &str) -> Option<Obstacle> {
        let room = |resource: &str| node["status"]["allocatable"].get(resource).and_then(Amount::of);
        let mut obstacle = Obstacle { reasons: Vec::new(), is_lasting: false };
        if room("pods").is_some_and(|room| Amount::count(self.board.on(name).len() + 1).nano() > room.nano()) {
            obstacle.reasons.push("Too many pods".to_owned());
        }
        for (resource, wanted) in self.asked.iter().copied() {
            let room = room(resource).unwrap_or_default().nano();
            let is_full = resource == "cpu" && self.world.suffers("no-room", "");
            if wanted > 0 && (is_full || self.board.asked_on(name, resource) + wanted > room) {
                obstacle.reasons.push(format!("Insufficient {resource}"));
                obstacle.is_lasting |= wanted > room;
            }
        }
        (!obstacle.reasons.is_empty()).then_some(obstacle)
    }

    fn is_elsewhere(&self, volume: &Value, node: &str) -> bool {
        let claim = text(volume, "/persistentVolumeClaim/claimName")
            .and_then(|name| self.world.find("PersistentVolumeClaim", text(self.pod, "/metadata/namespace"), name));
        let volume = claim
            .and_then(|claim| text(claim, "/spec/volumeName"))
            .and_then(|name| self.world.find("PersistentVolume", None, name));
        volume.and_then(disks::node).is_some_and(|there| there != node)
    }

    /// A volume that is to be made on another node: whoever chose it once is not asked again (`binder.go`, `FindPodVolumes`, 1.34).
    fn is_chosen_elsewhere(&self, volume: &Value, node: &str) -> bool {
        let claim = text(volume, "/persistentVolumeClaim/claimName")
            .and_then(|name| self.world.find("PersistentVolumeClaim", text(self.pod, "/metadata/namespace"), name));
        let open = claim.filter(|claim| text(claim, "/spec/volumeName").is_none());
        let chosen = open.and_then(|claim| text(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node"));
        chosen.is_some_and(|chosen| chosen != node)
    }

    /// Required rules about other pods; what is only preferred is left to luck.
    fn rivals(&self, node: &Value) -> Option<Obstacle> {
        let at = |key: &str| node["metadata"]["labels"][key].as_str();
        let is_among = |places: &BTreeSet<(String, &str)>| places.iter().any(|(key, value)| at(key) == Some(value));
        if self.near.iter().any(|(key, values)| at(key).is_none_or(|value| !values.contains(value))) {
            return Some(Obstacle::lasting("node(s) didn't match pod affinity rules"));
        }
        if is_among(&self.shunned) {
            return Some(Obstacle::of_others("node(s) didn't match pod anti-affinity rules"));
        }
        if is_among(&self.minded) {
            return Some(Obstacle::of_others("node(s) didn't satisfy existing pods anti-affinity rules"));
        }
        None
    }
}

impl<'a> Spread<'a> {
    fn of(world: &World, counts: HashMap<&'a str, usize>, rule: &Value) -> Self {
        let nodes = world.store.all("Node").filter_map(|node| text(node, "/metadata/name"));
        let least = nodes.map(|node| counts.get(node).copied().unwrap_or(0)).min().unwrap_or(0);
        let most = usize::try_from(rule["maxSkew"].as_u64().unwrap_or(1)).unwrap_or(1);
        Self { counts, least, most }
    }

    fn is_full(&self, node: &str) -> bool {
        self.counts.get(node).copied().unwrap_or(0) + 1 - self.least > self.most
    }
}

/// How many pods that have the same controller are on which node.
fn crowd<'a>(world: &'a World, pod: &Value) -> HashMap<&'a str, usize> {
    let owner = items(pod, "/metadata/ownerReferences").find(|owner| owner["controller"] == true);
    let uid = owner.and_then(|owner| text(owner, "/uid")).unwrap_or_default();
    let mut crowd = HashMap::new();
    for other in world.store.owned("Pod", uid).filter(|other| is_other(pod, other) && !has_ended(other)) {
        if let Some(node) = seat(world, other) {
            *crowd.entry(node).or_default() += 1;
        }
    }
    crowd
}

/// The label of a node.
fn label<'a>(world: &'a World, node: &str, key: &str) -> Option<&'a str> {
    world.find("Node", None, node)?["metadata"]["labels"][key].as_str()
}

/// What has to be so of a pod's rules about others.
fn required<'a>(pod: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    items(&pod["spec"]["affinity"][kind], "/requiredDuringSchedulingIgnoredDuringExecution")
}

/// Whom a pod cannot have near it.
fn minds(pod: &Value) -> impl Iterator<Item = &Value> {
    required(pod, "podAntiAffinity")
}

/// The resources that the containers of a pod name.
fn resources(spec: &Value) -> BTreeSet<&str> {
    let containers = items(spec, "/containers").chain(items(spec, "/initContainers"));
    containers
        .flat_map(|container| ["requests", "limits"].map(|part| container["resources"][part].as_object()))
        .flatten()
        .flat_map(|map| map.keys().map(String::as_str))
        .collect()
}

/// The node of a pod, or the one that its volumes are being made on: it will go there.
fn seat<'a>(world: &'a World, pod: &'a Value) -> Option<&'a str> {
    let claims = items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let chosen = |name: &str| {
        let claim = world.find("PersistentVolumeClaim", text(pod, "/metadata/namespace"), name)?;
        text(claim, "/metadata/annotations/volume.kubernetes.io~1selected-node")
    };
    text(pod, "/spec/nodeName").or_else(|| claims.into_iter().find_map(chosen))
}

fn is_other(pod: &Value, other: &Value) -> bool {
    pod["metadata"]["uid"] != other["metadata"]["uid"]
}
