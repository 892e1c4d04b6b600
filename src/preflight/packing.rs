//! Whether the pods of a plan fit on the nodes, beside what runs there: bin packing, with the pods' own rules. Pure.
//!
//! A plan is refused only when it is proved that they do not: a pod that no node is large enough for, or a search that has been
//! through all ways. Where the search was given up first, that is a warning.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pods::{Group, groups, keeps_apart};
use super::{Around, Objection, Subject, written};
use crate::host::distribution::Distribution;
use crate::object::{has_ended, items, text};
use crate::snapshot::nodes::is_ready;
use crate::snapshot::placing::{asked, ports, selects, tolerates};
use crate::stack::quantity::{self, Nano};

/// How many placements are tried before the search is given up.
const TRIES: usize = 20_000;
/// What every node has, and every pod may ask for.
const PLAIN: [&str; 4] = ["cpu", "memory", "ephemeral-storage", "pods"];
/// More than any machine has, and little enough to be added up.
const UNTOLD: Nano = 1 << 100;
/// One pod, in the nano units of quantities.
const ONE: Nano = 1_000_000_000;

/// A node that takes pods, with what is left of it.
struct Bin<'a> {
    node: &'a Value,
    all: Vec<Nano>,
    free: Vec<Nano>,
    /// Whether taints that only say that it is unwell do not count: they pass with what they say.
    unwell: bool,
}

/// Pods that are alike, measured.
struct Load<'a> {
    group: Group<'a>,
    asks: Vec<Nano>,
    apart: bool,
}

pub(super) fn judge(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    let makes_pods = written(subject.plan).any(|object| object.pointer("/spec/template/spec/containers").is_some());
    let unread = |kind: &str| around.snapshot.is_unread(kind);
    // Without any node there is nothing to judge by: they come as they are needed, or the profile's own needs say it.
    let no_nodes = around.snapshot.of_kind("", "Node").next().is_none();
    if !makes_pods || unread("Node") || no_nodes {
        return Vec::new();
    }
    // A node that is not ready may come back, and where nodes come as they are needed nothing is proved by those that are there.
    let may_grow = around.distribution == Some(Distribution::Cloud);
    let now = packed(subject, around, false);
    let ever = packed(subject, around, true);
    if ever.is_empty() || may_grow {
        return now.into_iter().map(|objection| Objection { refuses: false, ..objection }).collect();
    }
    ever
}

/// What does not fit on the nodes that are open to pods. `unwell`: as if those that are not ready were.
fn packed(subject: Subject<'_>, around: &Around, unwell: bool) -> Vec<Objection> {
    let groups = groups(subject);
    let names = resources(&groups);
    let bins = bins(&groups, &names, around, unwell);
    let loads: Vec<Load<'_>> = groups.into_iter().map(|group| measure(group, &names)).collect();
    let alone: Vec<Objection> = loads.iter().filter_map(|load| too_large(load, &bins, &names)).collect();
    if !alone.is_empty() {
        return alone;
    }
    together(&loads, bins, &names).into_iter().collect()
}

/// The resources that are counted: the plain ones, devices that a pod asks for, and ports of the nodes, of which each has one.
fn resources(groups: &[Group<'_>]) -> Vec<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for group in groups {
        for container in items(group.spec, "/containers").chain(items(group.spec, "/initContainers")) {
            for part in ["requests", "limits"] {
                names.extend(
                    container["resources"][part].as_object().into_iter().flatten().map(|(name, _)| name.clone()),
                );
            }
        }
        names.extend(ports(group.spec).map(|port| port_name(&port)));
    }
    let special = names.into_iter().filter(|name| !PLAIN.contains(&name.as_str()));
    PLAIN.iter().map(ToString::to_string).chain(special).collect()
}

fn port_name((port, protocol): &(i64, String)) -> String {
    format!("port {port}/{protocol}")
}

fn measure<'a>(group: Group<'a>, names: &[String]) -> Load<'a> {
    let asks = names.iter().map(|name| asks(group.spec, name)).collect();
    let apart = keeps_apart(&group);
    Load { group, asks, apart }
}

fn asks(spec: &Value, resource: &str) -> Nano {
    if resource == "pods" || ports(spec).any(|port| port_name(&port) == resource) { ONE } else { asked(spec, resource) }
}

/// The nodes that take pods, without what runs on them; pods of the plan's own workloads do not count, they come anew.
fn bins<'a>(groups: &[Group<'_>], names: &[String], around: &'a Around, unwell: bool) -> Vec<Bin<'a>> {
    let is_own = |pod: &Value| {
        groups.iter().any(|group| {
            let same = group.owner.namespace.as_deref() == text(pod, "/metadata/namespace");
            let labels = group.labels.as_object().filter(|labels| !labels.is_empty());
            same && labels.is_some_and(|labels| {
                labels.iter().all(|(name, value)| pod["metadata"]["labels"].get(name) == Some(value))
            })
        })
    };
    let all = around.snapshot.of_kind("", "Pod");
    let running: Vec<&Value> = all.filter(|pod| !has_ended(pod) && !is_own(pod)).collect();
    let open =
        |node: &&Value| (unwell || is_ready(node)) && node.pointer("/spec/unschedulable") != Some(&Value::Bool(true));
    let bin = |node: &'a Value| {
        let name = text(node, "/metadata/name");
        let here = || running.iter().filter(|pod| text(pod, "/spec/nodeName") == name);
        let all: Vec<Nano> = names.iter().map(|resource| capacity(node, resource)).collect();
        let free = names
            .iter()
            .zip(&all)
            .map(|(resource, all)| all - here().map(|pod| asks(&pod["spec"], resource)).sum::<Nano>());
        let free = free.collect();
        Bin { node, all, free, unwell }
    };
    around.snapshot.of_kind("", "Node").filter(open).map(bin).collect()
}

fn capacity(node: &Value, resource: &str) -> Nano {
    if resource.starts_with("port ") {
        return ONE;
    }
    let allocatable = &node["status"]["allocatable"][resource];
    // A kubelet that does not tell is not taken to have none.
    let unknown = if PLAIN.contains(&resource) { UNTOLD } else { 0 };
    allocatable.as_str().and_then(quantity::parse).unwrap_or(unknown)
}

fn takes(bin: &Bin<'_>, load: &Load<'_>) -> bool {
    let lenient = bin.unwell || load.group.count.is_none();
    selects(load.group.spec, bin.node) && tolerates(load.group.spec, bin.node, &["NoSchedule", "NoExecute"], lenient)
}

fn holds(room: &[Nano], asks: &[Nano]) -> bool {
    room.iter().zip(asks).all(|(room, asks)| *asks == 0 || asks <= room)
}

/// A pod for which no node is large enough, even an empty one.
fn too_large(load: &Load<'_>, bins: &[Bin<'_>], names: &[String]) -> Option<Objection> {
    if load.group.count == Some(0) {
        return None;
    }
    let owner = &load.group.owner;
    let candidates: Vec<&Bin<'_>> = bins.iter().filter(|bin| takes(bin, load)).collect();
    if candidates.is_empty() {
        // A daemon that no node takes has no pods, and is ready.
        load.group.count?;
        let message = format!("no node takes the pods of {owner}: {}", why_none(load, bins));
        let remedy = "add such a node, mend the one there is, or change where its pods may go";
        return Some(Objection::refusal("room", message, remedy).about(owner.clone()));
    }
    if candidates.iter().any(|bin| holds(&bin.all, &load.asks)) {
        return None;
    }
    let short = |at: &usize| candidates.iter().all(|bin| bin.all[*at] < load.asks[*at]);
    let at = (0..names.len()).find(short);
    let message = match at {
        Some(at) => {
            let largest = candidates.iter().map(|bin| bin.all[at]).max().unwrap_or(0);
            let (asks, largest) = (shown(&names[at], load.asks[at]), shown(&names[at], largest));
            format!("a pod of {owner} asks for {asks}, and the largest node that takes it has {largest}")
        }
        None => format!("a pod of {owner} asks for {}, which no single node has", all_shown(names, &load.asks)),
    };
    Some(Objection::refusal("room", message, "lower its requests, or add a larger node").about(owner.clone()))
}

fn why_none(load: &Load<'_>, bins: &[Bin<'_>]) -> String {
    if bins.is_empty() {
        return "none is ready and open to pods".to_owned();
    }
    if bins.iter().any(|bin| selects(load.group.spec, bin.node)) {
        return "it tolerates the taints of none".to_owned();
    }
    "none has the labels that it asks for".to_owned()
}

/// Everything together. Daemons go where they must; the others are tried, the largest first.
fn together(loads: &[Load<'_>], mut bins: Vec<Bin<'_>>, names: &[String]) -> Option<Objection> {
    for load in loads.iter().filter(|load| load.group.count.is_none()) {
        for bin in bins.iter_mut().filter(|bin| takes(bin, load)) {
            if !holds(&bin.free, &load.asks) {
                let node = text(bin.node, "/metadata/name").unwrap_or_default();
                let owner = &load.group.owner;
                let message = format!(
                    "{owner} has a pod on every node, and {node} has no room for it: it asks for {}, free are {}",
                    all_shown(names, &load.asks),
                    all_shown_of(names, &bin.free, &load.asks)
                );
                let remedy = "make room on that node, lower its requests, or keep it off that node";
                return Some(Objection::refusal("room", message, remedy).about(owner.clone()));
            }
            bin.free.iter_mut().zip(&load.asks).for_each(|(free, asks)| *free -= asks);
        }
    }
    let mut order: Vec<usize> =
        (0..loads.len()).flat_map(|index| std::iter::repeat_n(index, loads[index].group.count.unwrap_or(0))).collect();
    let share = |load: &Load<'_>| -> Nano {
        let total = |at: usize| bins.iter().map(|bin| bin.all[at]).sum::<Nano>().max(1);
        // In thousandths of a thousandth of all there is, of that of which it asks for most.
        (0..names.len()).map(|at| load.asks[at].saturating_mul(1_000_000) / total(at)).max().unwrap_or(0)
    };
    let shares: Vec<Nano> = loads.iter().map(share).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(shares[*index]), *index));
    let kinds = bins.iter().map(|bin| loads.iter().map(|load| takes(bin, load)).collect()).collect();
    let bins = &mut bins;
    let mut search = Search { loads, order: &order, bins, kinds, placed: Vec::new(), best: 0, stuck: None, tries: 0 };
    if search.go(0) {
        return None;
    }
    let (best, stuck, proved) = (search.best, search.stuck, search.tries < TRIES);
    let load = &loads[stuck.unwrap_or(order[0])];
    let owner = load.group.owner.clone();
    let message = format!(
        "{best} of {} pods fit on the nodes at once; there is no room for one of {owner}, which asks for {}{}",
        order.len(),
        all_shown(names, &load.asks),
        if load.apart { " on a node without another of its kind" } else { "" },
    );
    let remedy =
        "lower requests or replicas, stop something, or add a node; `kubectl describe nodes` shows who has what";
    let objection = if proved {
        Objection::refusal("room", message, remedy)
    } else {
        Objection::warning("room", format!("no way was found to fit everything: {message}"), remedy)
    };
    Some(objection.about(owner))
}

/// The search for a node for each pod.
struct Search<'a, 'b, 'c> {
    loads: &'a [Load<'b>],
    order: &'a [usize],
    bins: &'a mut [Bin<'c>],
    /// Which of the loads each node takes.
    kinds: Vec<Vec<bool>>,
    /// The node of each pod that was placed.
    placed: Vec<usize>,
    /// How many were placed at best, and the first that then had no place.
    best: usize,
    stuck: Option<usize>,
    tries: usize,
}

impl Search<'_, '_, '_> {
    fn go(&mut self, at: usize) -> bool {
        let Some(&index) = self.order.get(at) else { return true };
        let load = &self.loads[index];
        // Pods that are alike go to nodes in their order: another order is the same.
        let alike = at > 0 && self.order[at - 1] == index;
        let first = if alike { self.placed[at - 1] } else { 0 };
        if at >= self.best {
            (self.best, self.stuck) = (at, Some(index));
        }
        let only_room_decides = !self.loads.iter().any(|load| load.apart);
        let mut tried: Vec<usize> = Vec::new();
        for bin in first..self.bins.len() {
            let full = load.apart && (0..at).any(|before| self.order[before] == index && self.placed[before] == bin);
            if full || !self.kinds[bin][index] || !holds(&self.bins[bin].free, &load.asks) {
                continue;
            }
            // A node with the same room, for the same pods, would come to the same.
            let same =
                |known: &usize| self.bins[*known].free == self.bins[bin].free && self.kinds[*known] == self.kinds[bin];
            if only_room_decides && tried.iter().any(same) {
                continue;
            }
            self.tries += 1;
            if self.tries >= TRIES {
                return false;
            }
            tried.push(bin);
            self.put(bin, index, 1);
            self.placed.push(bin);
            if self.go(at + 1) {
                return true;
            }
            self.placed.pop();
            self.put(bin, index, -1);
        }
        false
    }

    fn put(&mut self, bin: usize, index: usize, sign: Nano) {
        let asks = &self.loads[index].asks;
        self.bins[bin].free.iter_mut().zip(asks).for_each(|(free, asks)| *free -= sign * asks);
    }
}

/// What a pod asks for, as people write it.
fn all_shown(names: &[String], asks: &[Nano]) -> String {
    all_shown_of(names, asks, asks)
}

/// Of each resource that is asked for, how much there is.
fn all_shown_of(names: &[String], amounts: &[Nano], asks: &[Nano]) -> String {
    let named = names.iter().zip(amounts).zip(asks).filter(|((name, _), asks)| **asks != 0 && *name != "pods");
    let all: Vec<String> = named.map(|((name, amount), _)| shown(name, *amount)).collect();
    if all.is_empty() { "a place among the pods of a node".to_owned() } else { all.join(" and ") }
}

fn shown(name: &str, amount: Nano) -> String {
    match name {
        "cpu" => format!("{}m cpu", amount / 1_000_000),
        "memory" | "ephemeral-storage" => format!("{}Mi {name}", (amount / ONE) >> 20),
        port if port.starts_with("port ") => format!("its {port}"),
        other => format!("{} {other}", amount / ONE),
    }
}

#[cfg(test)]
mod tests;
