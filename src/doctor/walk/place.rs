//! Which objects a step looks at, what the doctor finds about them, and how each is told of in a line.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Site;
use super::form::{Place, Step};
use super::scaled::{SCALED, is_scaled_to_nothing};
use crate::doctor::evidence::{Evidence, resources};
use crate::doctor::finding::Finding;
use crate::doctor::stacks::{belongs, is_component};
use crate::doctor::stall::words::clip;
use crate::doctor::survey::{pod_line, top};
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::Snapshot;

/// The kinds of what runs pods: a finding about one of them is about its own pods and no other.
const WORKLOADS: &[&str] = &["Pod", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"];
/// Keys of a `ConfigMap` or Secret that are named.
const KEYS: usize = 6;

/// The namespaces in which something of a stack runs.
pub fn namespaces(stack: &str, snapshot: &Snapshot) -> BTreeSet<String> {
    let makers = ["Deployment", "StatefulSet", "DaemonSet"].iter().flat_map(|kind| snapshot.of_kind("apps", kind));
    let own = makers.filter(|object| belongs(object, stack, snapshot));
    own.filter_map(|object| text(object, "/metadata/namespace").map(str::to_owned)).collect()
}

/// The API group and name of a kind that the doctor reads.
pub(super) fn resource(kind: &str) -> Option<kube::core::ApiResource> {
    resources().find(|resource| resource.kind == kind)
}

/// Whether objects of a kind live in a namespace.
pub(super) fn is_namespaced(kind: &str) -> bool {
    let resource = resource(kind);
    let known = resource.and_then(|resource| crate::kinds::builtin(&resource.api_version, kind));
    known.is_none_or(|known| known.namespaced)
}

impl<'a> Site<'a> {
    /// The namespace that a place is in.
    pub(super) fn namespace_of<'b>(&'b self, place: &'b Place) -> Option<&'b str> {
        let namespace = place.namespace.as_deref().unwrap_or(self.namespace);
        is_namespaced(&place.kind).then_some(namespace)
    }

    /// Why nothing can be said about a place.
    pub(super) fn gap(&self, place: &Place) -> Option<String> {
        if let Some(gap) = self.evidence.gap(&place.kind) {
            return Some(gap);
        }
        let namespace = self.namespace_of(place)?;
        let is_known = self.evidence.knows(&place.kind, namespace);
        (!is_known).then(|| format!("the namespace {namespace} is not in the evidence"))
    }

    /// The objects of a place. One that is named or has labels may be anybody's; the others are the stack's.
    pub(super) fn objects(&self, place: &Place) -> Vec<&'a Value> {
        let snapshot = &self.evidence.snapshot;
        let Some(resource) = resource(&place.kind) else { return Vec::new() };
        // Objects of the cluster stand in the snapshot as those of a namespace without a name.
        let namespace = self.namespace_of(place).unwrap_or_default();
        let all = snapshot.in_namespace(&resource.group, &place.kind, namespace);
        let has_name = |object: &Value| place.name.as_deref().is_none_or(|name| object["metadata"]["name"] == name);
        let has_labels = |object: &Value| {
            let carried = |key: &String| object["metadata"]["labels"].get(key);
            place.labels.iter().all(|(key, value)| carried(key).is_some_and(|has| value.is_empty() || has == value))
        };
        let is_anybodys = place.is_anybodys();
        let is_own = |object: &Value| match place.kind.as_str() {
            // A volume is in the namespace of its claim, as far as it is in any.
            "PersistentVolume" if place.name.is_none() => {
                text(object, "/spec/claimRef/namespace") == Some(self.namespace)
            }
            _ => is_anybodys || belongs(object, self.stack, snapshot),
        };
        let fits = |object: &&Value| {
            has_name(object)
                && has_labels(object)
                && is_component(object, place.component.as_deref())
                && place.only.iter().all(|when| when.holds(object).is_some())
                && is_own(object)
        };
        all.filter(fits).collect()
    }

    /// That there is nothing of what a step looks at.
    pub(super) fn absent(&self, step: &Step) -> String {
        let place = &step.at;
        let name = place.name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
        let component = place.component.as_ref().map_or_else(String::new, |component| format!(" of {component}"));
        let labels = place.selector();
        let labels = if labels.is_empty() { String::new() } else { format!(" with {}", labels.join(",")) };
        let namespace = self.namespace_of(place);
        let namespace = namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
        format!("there is no {}{name}{component}{labels}{namespace}", place.kind)
    }

    /// Everything that the doctor finds about these objects, causes before what follows from them.
    pub(super) fn concerning(&self, objects: &[&Value]) -> impl Iterator<Item = &'a Finding> + use<'a> {
        let snapshot = &self.evidence.snapshot;
        let own: Vec<ObjectRef> = objects.iter().filter_map(|object| ObjectRef::of(object)).collect();
        let makers: Vec<ObjectRef> = own.iter().map(|object| top(object, snapshot)).collect();
        let is_one = move |place: &ObjectRef| {
            own.iter().any(|one| one.same_object(place))
                || makers.iter().any(|maker| maker.same_object(place) || maker.same_object(&top(place, snapshot)))
        };
        let all = self.report.findings.iter().flat_map(Finding::walk);
        all.filter(move |finding| {
            let is_shared = !WORKLOADS.contains(&finding.object.kind.as_str());
            let sufferers = finding.symptoms.iter().filter(|_| is_shared);
            std::iter::once(&finding.object).chain(&finding.instances).chain(sufferers).any(&is_one)
        })
    }
}

impl Place {
    /// Its labels as kubectl selects by them; one without a value only has to be there.
    pub(super) fn selector(&self) -> Vec<String> {
        let one = |(key, value): (&String, &String)| {
            if value.is_empty() { key.clone() } else { format!("{key}={value}") }
        };
        self.labels.iter().map(one).collect()
    }

    /// Whether what is there need not be the stack's.
    pub(super) fn is_anybodys(&self) -> bool {
        let is_named = self.name.is_some() || !self.labels.is_empty() || self.namespace.is_some();
        self.component.is_none() && (is_named || !is_namespaced(&self.kind))
    }
}

/// An object in a line, with what is to be said of it.
pub(super) fn line(object: &Value, words: &[String], evidence: &Evidence) -> String {
    let about = about(object, evidence);
    let words = words.iter().map(String::as_str).filter(|word| !word.is_empty() && !about.contains(*word));
    let said: Vec<&str> = std::iter::once(about.as_str()).chain(words).collect();
    clip(&said.join("; "))
}

/// What kubectl shows of an object, in short.
fn about(object: &Value, evidence: &Evidence) -> String {
    let part = |pointer: &str| text(object, pointer).unwrap_or_default();
    let (kind, name) = (part("/kind"), part("/metadata/name"));
    let class = |pointer: &str| match part(pointer) {
        "" => "no class".to_owned(),
        class => format!("class {class}"),
    };
    let told = match kind {
        "Pod" => return pod_line(object, evidence),
        "PersistentVolumeClaim" | "PersistentVolume" => {
            format!("{}, {}", part("/status/phase"), class("/spec/storageClassName"))
        }
        "Service" => format!("{}{}", part("/spec/type"), address(object)),
        "Ingress" => format!("{}{}", class("/spec/ingressClassName"), address(object)),
        "StorageClass" => format!("by {}", part("/provisioner")),
        "IngressClass" => format!("by {}", part("/spec/controller")),
        "ConfigMap" | "Secret" => keys(object),
        "Deployment" | "StatefulSet" if is_scaled_to_nothing(object) => SCALED.to_owned(),
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            ready(object, "/status/readyReplicas", number(object, "/spec/replicas").unwrap_or(1))
        }
        "DaemonSet" => {
            let wanted = number(object, "/status/desiredNumberScheduled").unwrap_or_default();
            ready(object, "/status/numberReady", wanted)
        }
        _ => String::new(),
    };
    if told.is_empty() { format!("{kind} {name}") } else { format!("{kind} {name}: {told}") }
}

fn ready(object: &Value, pointer: &str, wanted: i64) -> String {
    format!("{} of {wanted} pods ready", number(object, pointer).unwrap_or_default())
}

fn address(object: &Value) -> String {
    let entry = items(object, "/status/loadBalancer/ingress").next();
    let address = entry.and_then(|entry| text(entry, "/ip").or_else(|| text(entry, "/hostname")));
    address.map_or_else(String::new, |address| format!(", address {address}"))
}

fn keys(object: &Value) -> String {
    let parts = ["data", "binaryData"].into_iter().filter_map(|part| object[part].as_object());
    let names: Vec<&str> = parts.flat_map(Map::keys).map(String::as_str).collect();
    match names.len() {
        0 => "no keys".to_owned(),
        many if many > KEYS => format!("keys {} and {} more", names[..KEYS].join(", "), many - KEYS),
        _ => format!("keys {}", names.join(", ")),
    }
}
