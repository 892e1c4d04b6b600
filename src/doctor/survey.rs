//! The rules about stalls, asked at every object of the evidence, and what they say gathered into findings: fifty pods of a
//! Deployment that fail alike are one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::evidence::Evidence;
use super::finding::Finding;
use super::stall::{Look, words::span};
use super::{Cause, Outlook};
use crate::object::{ObjectRef, has_ended, is_true, items, number, text};
use crate::plan::STACK_LABEL;
use crate::snapshot::Snapshot;

/// The kinds at which rules are asked.
const KINDS: &[(&str, &str)] = &[
    ("", "Node"),
    ("", "Pod"),
    ("", "PersistentVolumeClaim"),
    ("", "PersistentVolume"),
    ("", "Service"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("batch", "Job"),
    ("networking.k8s.io", "Ingress"),
    ("apiregistration.k8s.io", "APIService"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// Seconds after which something that only seemed to pass has not passed. Kubernetes gives a rollout as long by default
/// (`progressDeadlineSeconds`).
pub(super) const LONG: i64 = 600;
/// Seconds in which a controller has taken up an Ingress.
const SERVES: i64 = 120;
/// Lines of evidence a finding shows of its instances.
const SHOWN: usize = 3;

/// Everything that the rules find.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    hits: Vec<Hit>,
    /// How many objects of each kind there are.
    counts: BTreeMap<String, usize>,
}

/// What a rule said at an object.
#[derive(Debug)]
struct Hit {
    cause: Cause,
    at: ObjectRef,
}

impl Survey {
    pub(crate) fn of(evidence: &Evidence) -> Self {
        let look = Look::new(&evidence.snapshot, evidence.taken);
        let objects = KINDS.iter().flat_map(|(group, kind)| evidence.snapshot.of_kind(group, kind));
        let hits = objects.filter(|object| matters(object, evidence)).flat_map(|object| {
            let at = ObjectRef::of(object);
            look.at(object).into_iter().filter_map(move |cause| {
                let cause = lasting(cause, object, evidence)?;
                Some(Hit { cause, at: at.clone()? })
            })
        });
        let mut counts = BTreeMap::new();
        for kind in evidence.snapshot.objects().filter_map(|object| object["kind"].as_str()) {
            if let Some(count) = counts.get_mut(kind) {
                *count += 1;
            } else {
                counts.insert(kind.to_owned(), 1);
            }
        }
        Self { hits: hits.collect(), counts }
    }

    /// How many objects of a kind there are to look at.
    pub(super) fn count(&self, kind: &str) -> usize {
        self.counts.get(kind).copied().unwrap_or(0)
    }

    /// What the rules of one check find, a finding for each object that somebody has to do something about.
    pub(super) fn findings(&self, id: &str) -> Vec<Finding> {
        let mut groups: BTreeMap<(ObjectRef, &str), Vec<&Hit>> = BTreeMap::new();
        for hit in self.hits.iter().filter(|hit| hit.cause.id == id) {
            groups.entry((hit.shown(), hit.cause.reason.as_str())).or_default().push(hit);
        }
        groups.into_iter().map(|((object, _), hits)| finding(object, &hits)).collect()
    }
}

impl Hit {
    /// The object at the root; of a pod what made it.
    fn shown(&self) -> ObjectRef {
        self.cause.object.clone().unwrap_or_else(|| self.at.clone())
    }
}

fn finding(object: ObjectRef, hits: &[&Hit]) -> Finding {
    let first = &hits[0].cause;
    let mut finding = Finding::new(object, &first.reason, &first.message);
    finding.fix.clone_from(&first.remedy);
    finding.symptoms = hits.iter().map(|hit| hit.at.clone()).filter(|at| !at.same_object(&finding.object)).collect();
    finding
}

/// Whether anybody is concerned by the state of an object: not by what is kept as a record of what is over.
fn matters(object: &Value, evidence: &Evidence) -> bool {
    match text(object, "/kind").unwrap_or_default() {
        "Pod" => !is_record(object, &evidence.snapshot),
        "ReplicaSet" => number(object, "/spec/replicas").unwrap_or(1) > 0,
        "Job" => !is_outlived(object, &evidence.snapshot),
        // Cluster DNS has a check of its own.
        "Service" => !is_switched_off(object, &evidence.snapshot) && !super::checks::dns::is_dns(object),
        "Ingress" => evidence.since(object, "/metadata/creationTimestamp").is_none_or(|age| age > SERVES),
        _ => true,
    }
}

/// A pod that has ended, and was replaced or has done its work.
fn is_record(pod: &Value, snapshot: &Snapshot) -> bool {
    match text(pod, "/status/phase") {
        Some("Succeeded") => true,
        Some("Failed") => match controller(pod, snapshot) {
            Some(job) if job["kind"] == "Job" => is_done(job) || is_outlived(job, snapshot),
            _ => is_replaced(pod, snapshot),
        },
        _ => false,
    }
}

/// Whether a pod of the same maker has not ended.
fn is_replaced(pod: &Value, snapshot: &Snapshot) -> bool {
    let makers = items(pod, "/metadata/ownerReferences").filter(|owner| owner["controller"] == true);
    makers.into_iter().any(|maker| {
        snapshot
            .owned_by_uid(text(maker, "/uid").unwrap_or_default())
            .any(|other| other["kind"] == "Pod" && !has_ended(other))
    })
}

fn is_done(job: &Value) -> bool {
    is_true(job, "Complete")
}

/// A Job of a `CronJob` after which another one succeeded.
fn is_outlived(job: &Value, snapshot: &Snapshot) -> bool {
    let Some(owner) = items(job, "/metadata/ownerReferences").find(|owner| owner["kind"] == "CronJob") else {
        return false;
    };
    let made = |job: &Value| text(job, "/metadata/creationTimestamp").map(str::to_owned);
    snapshot
        .owned_by_uid(text(owner, "/uid").unwrap_or_default())
        .any(|other| is_done(other) && made(other) > made(job))
}

/// A Service whose workloads are scaled to nothing: that it has no pods is wanted.
pub(super) fn is_switched_off(service: &Value, snapshot: &Snapshot) -> bool {
    let mut makers = makers(service, snapshot).peekable();
    makers.peek().is_some()
        && makers.all(|maker| {
            number(maker, "/spec/replicas") == Some(0)
                || maker["kind"] == "DaemonSet" && number(maker, "/status/desiredNumberScheduled") == Some(0)
        })
}

/// The workloads whose pods a Service selects.
pub(super) fn makers<'a>(service: &'a Value, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Value> {
    const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];
    let selector = service.pointer("/spec/selector").and_then(Value::as_object).filter(|selector| !selector.is_empty());
    let namespace = text(service, "/metadata/namespace").unwrap_or_default();
    let all = KINDS.iter().flat_map(move |kind| snapshot.in_namespace("apps", kind, namespace));
    all.filter(move |maker| {
        let labels = &maker["spec"]["template"]["metadata"]["labels"];
        selector.is_some_and(|selector| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
    })
}

/// What passes by itself is no finding, until it has not passed for long.
fn lasting(mut cause: Cause, object: &Value, evidence: &Evidence) -> Option<Cause> {
    if cause.object.as_ref().is_none_or(|root| root.kind == "Pod") {
        let place = cause.object.clone().or_else(|| ObjectRef::of(object))?;
        cause.object = Some(place);
    }
    if cause.outlook > Outlook::Passing {
        return Some(cause);
    }
    let ready = items(object, "/status/conditions").find(|one| one["type"] == "Ready" && one["status"] != "True");
    let since = ready.and_then(|ready| evidence.since(ready, "/lastTransitionTime"));
    let since = since.or_else(|| evidence.since(object, "/metadata/creationTimestamp"))?;
    // One that was told to go ends by itself within its grace, however long it has run.
    let is_ending = text(object, "/metadata/deletionTimestamp").is_some();
    if object["kind"] != "Pod" || is_ending || since < LONG {
        return None;
    }
    cause.message = format!("not ready for {}: {}", span(since), cause.message);
    "W002".clone_into(&mut cause.id);
    Some(cause)
}

fn controller<'a>(object: &Value, snapshot: &'a Snapshot) -> Option<&'a Value> {
    snapshot.get(&owner(object)?)
}

/// The owner that controls an object; a node "owns" its static pods, and that is no owner in this sense.
pub(super) fn owner(object: &Value) -> Option<ObjectRef> {
    let owner = items(object, "/metadata/ownerReferences").find(|owner| owner["controller"] == true)?;
    let part = |pointer| text(owner, pointer);
    (part("/kind")? != "Node").then(|| {
        Some(ObjectRef::new(part("/apiVersion")?, part("/kind")?, text(object, "/metadata/namespace"), part("/name")?))
    })?
}

/// The workload at the top of an object's owners; itself when nobody made it.
pub(super) fn top(reference: &ObjectRef, snapshot: &Snapshot) -> ObjectRef {
    let (mut top, mut below) = (reference.clone(), None);
    // Owners that own each other would have no end.
    for _ in 0..8 {
        let live = snapshot.get(&top);
        let above = match live {
            Some(live) => owner(live),
            None => below.and_then(|pod| deployment_of(pod, &top, snapshot)),
        };
        let Some(above) = above else { break };
        (top, below) = (above, live);
    }
    top
}

/// The Deployment of a `ReplicaSet` that could not be read: what it makes bears its name and the hash of its template, and so do their pods
/// (`pkg/controller/deployment/sync.go`, `getNewReplicaSet`).
fn deployment_of(pod: &Value, set: &ObjectRef, snapshot: &Snapshot) -> Option<ObjectRef> {
    let hash = text(pod, "/metadata/labels/pod-template-hash").filter(|_| set.kind == "ReplicaSet")?;
    let name = set.name.strip_suffix(hash)?.strip_suffix('-')?;
    let deployment = ObjectRef::new("apps/v1", "Deployment", set.namespace.as_deref(), name);
    snapshot.get(&deployment).is_some().then_some(deployment)
}

/// Where somebody has to do something about a finding: at what made the pod; other objects are owned for other reasons.
fn maker(object: &ObjectRef, snapshot: &Snapshot) -> ObjectRef {
    if matches!(object.kind.as_str(), "Pod" | "ReplicaSet" | "Job") { top(object, snapshot) } else { object.clone() }
}

/// Gathers findings about pods under what made the pods, and adds what is seen at the pods.
pub(super) fn by_maker(findings: Vec<Finding>, evidence: &Evidence) -> Vec<Finding> {
    let mut groups: BTreeMap<(ObjectRef, String, String), Finding> = BTreeMap::new();
    for mut finding in findings {
        let (place, maker) = (finding.object.clone(), maker(&finding.object, &evidence.snapshot));
        let instance = (place.kind == "Pod" || place != maker).then_some(place);
        finding.object = maker;
        let key = (finding.object.clone(), finding.id.clone(), finding.reason.clone());
        let same = groups.entry(key).or_insert_with(|| {
            finding.fingerprint = format!("{}/{}", finding.id, finding.object);
            let mut first = finding.clone();
            first.symptoms.clear();
            first
        });
        same.instances.extend(instance);
        same.symptoms.extend(finding.symptoms);
    }
    groups.into_values().map(|finding| with_evidence(finding, evidence)).collect()
}

/// Values are to be had where a stack or a chart made the object; elsewhere the object itself is to be changed.
fn without_values(fix: &str, object: &ObjectRef, evidence: &Evidence) -> String {
    let labels = evidence.snapshot.get(object).map(|live| &live["metadata"]["labels"]);
    let has_values = labels
        .is_some_and(|labels| labels[STACK_LABEL].is_string() || labels["app.kubernetes.io/managed-by"] == "Helm");
    if has_values { fix.to_owned() } else { fix.replace(" in the values", "") }
}

fn with_evidence(mut finding: Finding, evidence: &Evidence) -> Finding {
    finding.fix = finding.fix.map(|fix| without_values(&fix, &finding.object, evidence));
    let lead = super::checks::etcd::lead(&finding, &evidence.snapshot).unwrap_or_default();
    finding.fix = finding.fix.map(|fix| fix + lead);
    finding.symptoms.retain(|symptom| !finding.instances.contains(symptom));
    if finding.evidence.is_empty() {
        let shown = if finding.instances.is_empty() { &finding.symptoms } else { &finding.instances };
        let seen = shown.iter().filter(|one| one.kind == "Pod").filter_map(|one| evidence.snapshot.get(one));
        finding.evidence = seen.take(SHOWN).map(|pod| pod_line(pod, evidence)).collect();
        if shown.len() > SHOWN && !finding.evidence.is_empty() {
            let more = shown.len() - SHOWN;
            finding.evidence.push(format!("and {more} more pod{}", if more == 1 { "" } else { "s" }));
        }
    }
    // A pod of its own is its own place.
    if finding.instances == [finding.object.clone()] {
        finding.instances.clear();
    }
    finding
}

/// A pod as `kubectl get pods -o wide` shows it.
pub(super) fn pod_line(pod: &Value, evidence: &Evidence) -> String {
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let statuses = || items(pod, "/status/initContainerStatuses").chain(items(pod, "/status/containerStatuses"));
    let reason = |status: &Value| {
        let reason = text(status, "/state/waiting/reason").or_else(|| text(status, "/state/terminated/reason"));
        reason.filter(|reason| *reason != "Completed").map(str::to_owned)
    };
    let state = text(pod, "/status/reason").map(str::to_owned);
    let state = state.or_else(|| statuses().find_map(reason)).or_else(|| text(pod, "/status/phase").map(str::to_owned));
    let restarts: i64 = statuses().filter_map(|status| number(status, "/restartCount")).sum();
    let age = evidence.since(pod, "/metadata/creationTimestamp").map(|age| format!(", {} old", span(age)));
    let node = text(pod, "/spec/nodeName").map(|node| format!(", on node {node}"));
    let restarts =
        (restarts > 0).then(|| format!(", {restarts} {}", if restarts == 1 { "restart" } else { "restarts" }));
    let parts = [restarts, age, node].into_iter().flatten().collect::<String>();
    super::stall::words::clip(&format!("pod {name}: {}{parts}", state.unwrap_or_else(|| "unknown".to_owned())))
}
