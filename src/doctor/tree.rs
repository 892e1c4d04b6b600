//! Findings as a tree: what only suffers hangs below what it suffers from, and is counted there.
//!
//! Each finding is followed along what its object rests on (a Service on its pods, a claim on its volume, a volume on its node)
//! until something is met in which another finding shows. What a pod rests on depends on what is wrong with it: a pod whose
//! image does not exist does not suffer from the pressure on its node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::evidence::Evidence;
use super::finding::Finding;
use super::stall::{Look, is_of_condition, nodes, words::has_any};
use super::survey::makers;
use crate::engine::ready::judge::claims;
use crate::object::{ObjectRef, items, text};
use crate::snapshot::Snapshot;
use crate::snapshot::provisioner::{Maker, maker};

/// Findings about pods that their node explains.
const BY_NODE: &[&str] = &["P012", "P019", "P020", "P025", "P026", "P027", "P028"];
/// Findings about pods that get no node for its taints, which a condition of the node explains.
const BY_TAINT: &str = "S003";
/// Findings about pods that their claims explain.
const BY_CLAIM: &[&str] = &["S005", "S006", "P020"];
/// A claim for which nobody makes a volume.
const UNSERVED: &str = "V006";
/// A volume whose node is gone.
const NODE_GONE: &str = "V010";
/// Findings about claims and volumes that no node explains.
const OF_THEMSELVES: &[&str] = &["V009", "V012", "V024", "V025", "V028"];
/// Findings about Services that their pods do not explain: an address, a name, a port that none of them has.
const OF_THE_SERVICE: &[&str] = &["L001", "L005", "SV003", "SV007"];
/// Findings about workloads that nothing below them explains: what their specification says, or what somebody wants.
const OF_THE_WORKLOAD: &[&str] =
    &["J002", "J005", "J006", "P023", "P029", "V027", "W003", "W006", "W008", "W010", "W015", "W016", "Z001", "Z004"];
/// A volume that holds the data of a claim which is gone.
const RELEASED: &str = "V012";
/// Kinds of which one finding does not explain another: each of their ports and paths may be wrong by itself.
const OF_MANY_PARTS: &[&str] = &["Pod", "Service", "Ingress"];
/// Findings about pods that a Service explains when they name it.
const BY_SERVICE: &[&str] = &["P001", "P017", "P021", "P022", "W002"];
/// What programs say when names cannot be resolved, in lower case.
const NO_NAMES: &[&str] =
    &["no such host", "name resolution", "server misbehaving", "could not resolve", "name or service not known"];
const ADMISSION: &str = "admissionregistration.k8s.io";
const WEBHOOKS_V: &str = "ValidatingWebhookConfiguration";
const WEBHOOKS_M: &str = "MutatingWebhookConfiguration";
/// Steps from a finding to its cause at the most.
const FAR: usize = 6;

/// Hangs findings below their causes. What is left at the top are the roots.
pub(super) fn grow(findings: Vec<Finding>, evidence: &Evidence) -> Vec<Finding> {
    let shown = places(&findings);
    let mut parents: Vec<Option<usize>> = vec![None; findings.len()];
    for (index, finding) in findings.iter().enumerate() {
        let parent = cause_of(index, finding, &findings, &shown, evidence).into_iter().find(|one| {
            // What hangs below this one cannot be its cause.
            let mut above = std::iter::successors(Some(*one), |above| parents[*above]);
            !above.any(|above| above == index)
        });
        parents[index] = parent;
    }
    assemble(findings, &parents)
}

type Places = BTreeMap<Key, BTreeSet<usize>>;
type Key = (String, Option<String>, String);

fn key(object: &ObjectRef) -> Key {
    (object.kind.clone(), object.namespace.clone(), object.name.clone())
}

/// The findings that show in each object.
fn places(findings: &[Finding]) -> Places {
    let mut places = Places::new();
    for (index, finding) in findings.iter().enumerate() {
        for place in finding.places().iter().chain(&finding.symptoms) {
            places.entry(key(place)).or_default().insert(index);
        }
    }
    places
}

/// The findings that may be the cause of one, the nearest and worst first.
fn cause_of(index: usize, finding: &Finding, all: &[Finding], shown: &Places, evidence: &Evidence) -> Vec<usize> {
    let mut seen: BTreeSet<Key> = finding.places().iter().map(key).collect();
    let mut queue: VecDeque<(ObjectRef, usize)> = VecDeque::new();
    let mut found = Vec::new();
    for place in finding.places() {
        found.extend(same_place(index, place, all, shown));
        queue.extend(rests_on(place, finding, true, evidence).into_iter().map(|next| (next, 1)));
    }
    while let Some((object, depth)) = queue.pop_front() {
        if !seen.insert(key(&object)) || depth > FAR {
            continue;
        }
        let here = shown.get(&key(&object)).into_iter().flatten().copied().filter(|other| *other != index);
        let before = found.len();
        found.extend(here);
        if found.len() == before {
            queue.extend(rests_on(&object, finding, false, evidence).into_iter().map(|next| (next, depth + 1)));
        }
    }
    // The nearest first; of those at one object the worst.
    found.sort_by_key(|other| std::cmp::Reverse(all[*other].severity));
    found
}

/// Findings that say exactly why; another one about the same pods is their consequence.
const EXACT: &[&str] = &["D002", "ET001", "ET002", "ET007", "F004", "R004", "W007"];

/// A worse or more exact finding about the very same object: a quota that is nearly used up, and one that has refused a pod.
fn same_place(index: usize, place: &ObjectRef, all: &[Finding], shown: &Places) -> Vec<usize> {
    let here = shown.get(&key(place)).into_iter().flatten().copied();
    let exact = |one: usize| EXACT.contains(&all[one].id.as_str());
    let worse = |one: usize| !OF_MANY_PARTS.contains(&place.kind.as_str()) && all[one].severity > all[index].severity;
    here.filter(|other| *other != index && all[*other].places().contains(place))
        .filter(|other| worse(*other) || exact(*other) && !exact(index))
        .collect()
}

/// What an object rests on: what would have to be repaired for it to be well.
fn rests_on(object: &ObjectRef, finding: &Finding, is_start: bool, evidence: &Evidence) -> Vec<ObjectRef> {
    let snapshot = &evidence.snapshot;
    let Some(live) = snapshot.get(object) else { return Vec::new() };
    match object.kind.as_str() {
        "Pod" if is_start => of_pod(live, object, finding, snapshot),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" => {
            let is_itself = is_start && OF_THE_WORKLOAD.contains(&finding.id.as_str());
            if is_itself { Vec::new() } else { refs(snapshot.owned_by(live)) }
        }
        "Service" if is_start => {
            let gone = super::checks::installed::namesakes(object, snapshot);
            let pods = if OF_THE_SERVICE.contains(&finding.id.as_str()) { Vec::new() } else { behind(live, snapshot) };
            pods.into_iter().chain(users(object, snapshot)).chain(gone).collect()
        }
        "Service" => behind(live, snapshot),
        "PersistentVolumeClaim" => {
            let volume = named("v1", "PersistentVolume", None, text(live, "/spec/volumeName"));
            volume.into_iter().chain(maker_of(live, finding, snapshot)).collect()
        }
        // Without any node there is one thing to be mended first.
        "PersistentVolume" if finding.id == NODE_GONE && has_no_nodes(evidence) => vec![nodes()],
        // The pods that still run with the claim suffer first.
        "PersistentVolume" if finding.id == RELEASED && finding.reason == super::checks::volumes::IN_USE => {
            finding.symptoms.clone()
        }
        // What became of a volume or its claim is not the node's doing.
        "PersistentVolume" if OF_THEMSELVES.contains(&finding.id.as_str()) => Vec::new(),
        "PersistentVolume" => super::checks::volumes::nodes_of(live).map(|node| node_named(node, snapshot)).collect(),
        // What is wrong with a way in is not the doing of what it leads to.
        "Ingress" if is_start => Vec::new(),
        "Ingress" => super::checks::ingress::services(live, object.namespace.as_deref()).collect(),
        // What is behind their Service: that it has no pods they say better themselves.
        "APIService" | WEBHOOKS_V | WEBHOOKS_M => {
            let services = served_by(live).filter_map(|service| snapshot.get(&service).cloned());
            services.flat_map(|service| behind(&service, snapshot)).collect()
        }
        "HorizontalPodAutoscaler" => of_autoscaler(live, object),
        "PodDisruptionBudget" => refs(super::checks::budgets::pods_of(live, snapshot)),
        "Namespace" => of_namespace(live, object, snapshot),
        _ => Vec::new(),
    }
}

fn has_no_nodes(evidence: &Evidence) -> bool {
    evidence.gap("Node").is_none() && evidence.snapshot.of_kind("", "Node").next().is_none()
}

/// Whoever was asked for the volume of a claim and has not answered.
fn maker_of(claim: &Value, finding: &Finding, snapshot: &Snapshot) -> Option<ObjectRef> {
    let asked = claim["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"].as_str();
    let asked = asked.filter(|_| finding.id == UNSERVED)?;
    match maker(snapshot, asked) {
        Maker::Idle(workload) => ObjectRef::of(workload),
        _ => None,
    }
}

fn refs<'a>(objects: impl Iterator<Item = &'a Value>) -> Vec<ObjectRef> {
    objects.filter_map(ObjectRef::of).collect()
}

fn named(version: &str, kind: &str, namespace: Option<&str>, name: Option<&str>) -> Option<ObjectRef> {
    Some(ObjectRef::new(version, kind, namespace, name?))
}

/// What a Service leads to: its pods, and what should make them.
fn behind(service: &Value, snapshot: &Snapshot) -> Vec<ObjectRef> {
    refs(Look::pods_of(service, snapshot)).into_iter().chain(refs(makers(service, snapshot))).collect()
}

/// The Services that serve a webhook or an added API.
pub(super) fn served_by(live: &Value) -> impl Iterator<Item = ObjectRef> {
    let hooks = items(live, "/webhooks").filter_map(|hook| service(hook, "/clientConfig/service"));
    service(live, "/spec/service").into_iter().chain(hooks)
}

/// The webhooks and added APIs that a Service serves: the way in which its trouble matters most.
fn users(object: &ObjectRef, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let kinds = [("apiregistration.k8s.io", "APIService"), (ADMISSION, WEBHOOKS_V), (ADMISSION, WEBHOOKS_M)];
    let all = kinds.iter().flat_map(|(group, kind)| snapshot.of_kind(group, kind));
    refs(all.filter(|user| served_by(user).any(|service| service.same_object(object))))
}

fn service(value: &Value, pointer: &str) -> Option<ObjectRef> {
    let service = value.pointer(pointer)?;
    named("v1", "Service", text(service, "/namespace"), text(service, "/name"))
}

/// Volumes name a node by its label `kubernetes.io/hostname`, which is not always its name.
fn node_named(host: &str, snapshot: &Snapshot) -> ObjectRef {
    let is = |node: &&Value| node["metadata"]["labels"]["kubernetes.io/hostname"] == host;
    let node = snapshot.of_kind("", "Node").find(is).and_then(ObjectRef::of);
    node.unwrap_or_else(|| ObjectRef::new("v1", "Node", None, host))
}

fn of_pod(pod: &Value, object: &ObjectRef, finding: &Finding, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let id = finding.id.as_str();
    let mut below = Vec::new();
    if BY_NODE.contains(&id) {
        below.extend(named("v1", "Node", None, text(pod, "/spec/nodeName")));
    }
    if id == BY_TAINT {
        below.extend(tainted_by_condition(&finding.message, snapshot));
    }
    if BY_CLAIM.contains(&id) {
        let namespace = object.namespace.as_deref();
        below.extend(claims(pod).map(|claim| ObjectRef::new("v1", "PersistentVolumeClaim", namespace, &claim)));
    }
    if BY_SERVICE.contains(&id) {
        below.extend(services_named(&finding.message, object, snapshot));
        if has_any(&finding.message.to_lowercase(), NO_NAMES) {
            below.extend(super::checks::dns::service(snapshot).and_then(ObjectRef::of));
        }
    }
    below
}

/// The nodes with a taint that stands for a condition and that a message names: what is wrong with them is why the pod gets none.
fn tainted_by_condition(message: &str, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let is_named = |taint: &Value| text(taint, "/key").is_some_and(|key| is_of_condition(key) && message.contains(key));
    refs(snapshot.of_kind("", "Node").filter(|node| items(node, "/spec/taints").any(is_named)))
}

/// The Services that a message names with a port, or as a name that was looked up: `dial tcp: lookup db`, `db.shop:5432`.
fn services_named(message: &str, pod: &ObjectRef, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let words =
        message.split(|c: char| c.is_whitespace() || "\"'`/,;()[]=".contains(c)).filter(|word| !word.is_empty());
    let mut before = "";
    let mut services = Vec::new();
    for word in words {
        let (host, port) =
            word.trim_end_matches([':', '.']).rsplit_once(':').unwrap_or((word.trim_end_matches([':', '.']), ""));
        let is_address = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        if is_address || ["lookup", "host", "resolve"].contains(&before) {
            services.extend(service_called(host, pod, snapshot));
        }
        before = word;
    }
    services
}

/// The Service with this name, seen from a pod, or with this address.
fn service_called(host: &str, pod: &ObjectRef, snapshot: &Snapshot) -> Option<ObjectRef> {
    let mut parts = host.split('.');
    let (name, namespace) = (parts.next()?, parts.next().or(pod.namespace.as_deref()));
    let by_name = ObjectRef::new("v1", "Service", namespace, name);
    if snapshot.get(&by_name).is_some() {
        return Some(by_name);
    }
    let is = |service: &&Value| host.len() > 6 && text(service, "/spec/clusterIP") == Some(host);
    snapshot.of_kind("", "Service").find(is).and_then(ObjectRef::of)
}

/// An autoscaler rests on the API of metrics, and on what it scales.
fn of_autoscaler(live: &Value, object: &ObjectRef) -> Vec<ObjectRef> {
    let metrics = ObjectRef::new("apiregistration.k8s.io/v1", "APIService", None, "v1beta1.metrics.k8s.io");
    let part = |pointer| text(live, pointer);
    let target =
        part("/spec/scaleTargetRef/apiVersion").zip(part("/spec/scaleTargetRef/kind")).and_then(|(version, kind)| {
            named(version, kind, object.namespace.as_deref(), part("/spec/scaleTargetRef/name"))
        });
    std::iter::once(metrics).chain(target).collect()
}

/// A namespace that does not go rests on what in it does not go, and on every API that cannot be asked what it still holds.
fn of_namespace(live: &Value, object: &ObjectRef, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let apis = super::checks::namespaces::is_undiscovered(live);
    let held = |one: &&Value| {
        text(one, "/metadata/namespace") == Some(object.name.as_str())
            && one["metadata"]["deletionTimestamp"].is_string()
    };
    let mut below = refs(snapshot.objects().filter(held));
    if apis {
        below.extend(refs(snapshot.of_kind("apiregistration.k8s.io", "APIService")));
    }
    below
}

/// Puts children below their parents; worst and widest first.
fn assemble(findings: Vec<Finding>, parents: &[Option<usize>]) -> Vec<Finding> {
    let mut slots: Vec<Option<Finding>> = findings.into_iter().map(Some).collect();
    let depth = |index: usize| std::iter::successors(Some(index), |one| parents[*one]).count();
    let mut order: Vec<usize> = (0..slots.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(depth(*index)));
    for index in order {
        let Some(parent) = parents[index] else { continue };
        let child = slots[index].take();
        if let (Some(child), Some(Some(parent))) = (child, slots.get_mut(parent)) {
            // What has a finding of its own is counted as that.
            parent.symptoms.retain(|symptom| !child.places().contains(symptom));
            parent.causes.push(child);
        }
    }
    let mut roots: Vec<Finding> = slots.into_iter().flatten().collect();
    roots.iter_mut().for_each(sort_below);
    sort(&mut roots);
    roots
}

fn sort_below(finding: &mut Finding) {
    finding.causes.iter_mut().for_each(sort_below);
    sort(&mut finding.causes);
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let weight = |one: &Finding| (one.worst(), one.loses_data(), one.severity, one.suffering());
        weight(b).cmp(&weight(a)).then_with(|| (&a.id, &a.object).cmp(&(&b.id, &b.object)))
    });
}

#[cfg(test)]
mod tests;
