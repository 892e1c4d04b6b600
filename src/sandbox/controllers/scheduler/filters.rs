//! Why a pod cannot be on a node: the filters of the scheduler, in the order of its default plugins, of which the first that says no is
//! heard with all that it says. Source: `pkg/scheduler/apis/config/v1/default_plugins.go` and `pkg/scheduler/framework/plugins`, 1.34.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::object::{items, text};
use crate::sandbox::amount::Amount;
use crate::sandbox::containers::is_active;
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

/// Which pods are on which node, as the scheduler looks at them for one pod: without it, and without those that have ended.
pub(super) struct Board<'a> {
    world: &'a World,
    pod: &'a Value,
    by_node: BTreeMap<&'a str, Vec<&'a Value>>,
}

impl<'a> Board<'a> {
    pub(super) fn of(world: &'a World, pod: &'a Value) -> Self {
        let mut by_node: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        let counts = |other: &&Value| {
            is_other(pod, other) && !matches!(text(other, "/status/phase"), Some("Succeeded" | "Failed"))
        };
        for other in world.store.all("Pod").filter(counts) {
            if let Some(node) = seat(world, other) {
                by_node.entry(node).or_default().push(other);
            }
        }
        Self { world, pod, by_node }
    }

    fn on(&self, node: &str) -> &[&'a Value] {
        self.by_node.get(node).map_or(&[], Vec::as_slice)
    }

    /// How much of a resource the pods of a node ask for.
    pub(super) fn asked_on(&self, node: &str, resource: &str) -> i128 {
        self.on(node).iter().map(|pod| asked(&pod["spec"], resource)).sum()
    }

    /// How many pods of the same owner are on a node.
    pub(super) fn crowd(&self, node: &str) -> usize {
        let owner = &self.pod["metadata"]["ownerReferences"][0]["uid"];
        let same = |other: &&&Value| !owner.is_null() && other["metadata"]["ownerReferences"][0]["uid"] == *owner;
        self.on(node).iter().filter(same).count()
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
        let is_taken = |port| self.on(name).iter().any(|other| ports(&other["spec"]).any(|taken| taken == port));
        if ports(spec).any(is_taken) {
            return Some(Obstacle::of_others("node(s) didn't have free ports for the requested pod ports"));
        }
        if let Some(want) = self.want(node, name) {
            return Some(want);
        }
        if items(spec, "/volumes").any(|volume| self.is_elsewhere(volume, name)) {
            return Some(Obstacle::lasting("node(s) didn't match PersistentVolume's node affinity"));
        }
        self.spread(name).or_else(|| self.rivals(node))
    }

    /// What a node has not enough of: all of it. A node that never had enough cannot be freed.
    fn want(&self, node: &Value, name: &str) -> Option<Obstacle> {
        let room = |resource: &str| node["status"]["allocatable"].get(resource).and_then(Amount::of);
        let mut obstacle = Obstacle { reasons: Vec::new(), is_lasting: false };
        if room("pods").is_some_and(|room| Amount::count(self.on(name).len() + 1).nano() > room.nano()) {
            obstacle.reasons.push("Too many pods".to_owned());
        }
        for resource in resources(&self.pod["spec"]) {
            let wanted = asked(&self.pod["spec"], resource);
            let room = room(resource).unwrap_or_default().nano();
            let is_full = resource == "cpu" && self.world.suffers("no-room", "");
            if wanted > 0 && (is_full || self.asked_on(name, resource) + wanted > room) {
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

    /// Pods that are to be spread evenly.
    fn spread(&self, name: &str) -> Option<Obstacle> {
        let spec = &self.pod["spec"];
        let strict =
            items(spec, "/topologySpreadConstraints").filter(|rule| rule["whenUnsatisfiable"] == "DoNotSchedule");
        for rule in strict {
            let nodes = self.world.store.all("Node").filter_map(|node| text(node, "/metadata/name"));
            let least = nodes.map(|node| self.alike(&rule["labelSelector"], node)).min().unwrap_or(0);
            let most = usize::try_from(rule["maxSkew"].as_u64().unwrap_or(1)).unwrap_or(1);
            if self.alike(&rule["labelSelector"], name) + 1 - least > most {
                return Some(Obstacle::of_others("node(s) didn't match pod topology spread constraints"));
            }
        }
        None
    }

    /// How many pods of the namespace a selector takes on a node.
    fn alike(&self, selector: &Value, node: &str) -> usize {
        let namespace = &self.pod["metadata"]["namespace"];
        let is_meant = |other: &&&Value| {
            other["metadata"]["namespace"] == *namespace && matches(selector, &other["metadata"]["labels"])
        };
        self.on(node).iter().filter(is_meant).count()
    }

    /// Required rules about other pods; what is only preferred is left to luck.
    fn rivals(&self, node: &Value) -> Option<Obstacle> {
        let (world, pod) = (self.world, self.pod);
        let near = |term: &Value, other: &Value| {
            let key = text(term, "/topologyKey").unwrap_or_default();
            let there = seat(world, other).and_then(|name| world.find("Node", None, name));
            there.is_some_and(|there| there["metadata"]["labels"][key] == node["metadata"]["labels"][key])
        };
        let names = |term: &Value, other: &Value| matches(&term["labelSelector"], &other["metadata"]["labels"]);
        let namespace = &pod["metadata"]["namespace"];
        let others = || {
            let pods = world.store.all("Pod");
            pods.filter(|other| {
                is_active(other) && other["metadata"]["namespace"] == *namespace && is_other(pod, other)
            })
        };
        let meets = |term: &Value| others().any(|other| near(term, other) && names(term, other));
        let required = |pod: &Value, kind: &str| {
            let terms = items(&pod["spec"]["affinity"][kind], "/requiredDuringSchedulingIgnoredDuringExecution");
            terms.cloned().collect::<Vec<_>>()
        };
        // The first of a group has nobody to be near to.
        let alone = |term: &Value| matches(&term["labelSelector"], &pod["metadata"]["labels"]);
        if required(pod, "podAffinity").iter().any(|term| !meets(term) && !alone(term)) {
            return Some(Obstacle::lasting("node(s) didn't match pod affinity rules"));
        }
        if required(pod, "podAntiAffinity").iter().any(meets) {
            return Some(Obstacle::of_others("node(s) didn't match pod anti-affinity rules"));
        }
        let minds =
            |other: &Value| required(other, "podAntiAffinity").iter().any(|term| near(term, other) && names(term, pod));
        if others().any(minds) {
            return Some(Obstacle::of_others("node(s) didn't satisfy existing pods anti-affinity rules"));
        }
        None
    }
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
