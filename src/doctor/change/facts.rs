//! What of an object is kept in a mark: what may be the reason for a trouble, and nothing that changes by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::doctor::evidence::{Certificate, Evidence};
use crate::doctor::survey::owner;
use crate::engine::lock::SYSTEM_NAMESPACE;
use crate::engine::rescue::shelf::checksum;
use crate::object::{ObjectRef, at, items, number, printable, text};
use crate::plan::order::{pod_spec, references};
use crate::snapshot::classes::is_default;

/// What, and its value.
pub(super) type Facts = BTreeMap<String, String>;

/// A value that begins so is only a mark of the real one.
pub(super) const MARK: char = '#';
/// What is said where something of an object was changed, and not more is known.
pub(super) const ANYTHING: &str = "its specification";
/// Digits of a mark: enough to tell two apart.
const DIGITS: usize = 16;

/// The `ConfigMap`s and Secrets that something reads: the others are notes that controllers keep.
pub(super) fn named(evidence: &Evidence) -> BTreeSet<ObjectRef> {
    let snapshot = &evidence.snapshot;
    let makers = snapshot.objects().filter(|object| pod_spec(object).is_some() && !is_made(object));
    let read = makers.flat_map(references);
    let tls = snapshot.of_kind("networking.k8s.io", "Ingress").flat_map(secrets_of);
    read.chain(tls).filter(|one| matches!(one.kind.as_str(), "ConfigMap" | "Secret")).collect()
}

/// The Secrets in which an Ingress has its certificates.
pub(super) fn secrets_of(ingress: &Value) -> impl Iterator<Item = ObjectRef> {
    let namespace = text(ingress, "/metadata/namespace").map(str::to_owned);
    items(ingress, "/spec/tls")
        .filter_map(|tls| text(tls, "/secretName"))
        .map(move |name| ObjectRef::new("v1", "Secret", namespace.as_deref(), name))
}

/// Whether something else made it, and would say better what has changed.
fn is_made(object: &Value) -> bool {
    owner(object).is_some()
}

/// What is kept; `None` for what is of no account.
pub(super) fn of(live: &Value, object: &ObjectRef, named: &BTreeSet<ObjectRef>) -> Option<Facts> {
    if is_made(live) || object.namespace.as_deref() == Some(SYSTEM_NAMESPACE) {
        return None;
    }
    let mut facts = match (object.group(), object.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") | ("batch", "CronJob") => workload(live),
        ("", "Pod") => images(live),
        ("", "ConfigMap" | "Secret") => content(live, named.contains(object))?,
        ("", "Node") => node(live),
        ("", "PersistentVolumeClaim") => shown(
            live,
            &[
                ("its volume", "/spec/volumeName"),
                ("its class", "/spec/storageClassName"),
                ("size", "/status/capacity/storage"),
            ],
        ),
        ("", "PersistentVolume") => shown(
            live,
            &[
                ("place", "/spec/hostPath/path"),
                ("place", "/spec/local/path"),
                ("place", "/spec/nfs/path"),
                ("server", "/spec/nfs/server"),
            ],
        ),
        ("", "Service") => service(live),
        ("", "ResourceQuota") => one("its limits", written(live, "/spec/hard")),
        ("networking.k8s.io", "Ingress") => {
            let mut facts = one("its rules", mark(live, "/spec"));
            facts.extend(addresses(live));
            facts
        }
        ("storage.k8s.io", "StorageClass") => {
            one("default", Some(if is_default(live) { "yes" } else { "no" }.to_owned()))
        }
        ("admissionregistration.k8s.io", _) => one("its rules", mark(live, "/webhooks")),
        ("apiregistration.k8s.io", "APIService") => one("its service", written(live, "/spec/service")),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            shown(live, &[("least replicas", "/spec/minReplicas"), ("most replicas", "/spec/maxReplicas")])
        }
        ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition") => Facts::new(),
        _ => return None,
    };
    if let Some(generation) = number(live, "/metadata/generation").filter(|_| !facts.is_empty()) {
        facts.insert(ANYTHING.to_owned(), format!("{MARK}{generation}"));
    }
    Some(facts)
}

fn one(what: &str, value: Option<String>) -> Facts {
    value.into_iter().map(|value| (what.to_owned(), value)).collect()
}

/// The values at these places, as they are.
fn shown(live: &Value, places: &[(&str, &str)]) -> Facts {
    places.iter().filter_map(|(what, pointer)| Some(((*what).to_owned(), written(live, pointer)?))).collect()
}

fn written(live: &Value, pointer: &str) -> Option<String> {
    let value = at(live, pointer)?;
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // What begins as a mark does would be taken for one.
    Some(printable(value.trim_start_matches(MARK)))
}

/// The mark of what is at a place.
fn mark(live: &Value, pointer: &str) -> Option<String> {
    let value = at(live, pointer)?.to_string();
    Some(format!("{MARK}{}", &checksum(value.as_bytes())[..DIGITS]))
}

fn images(live: &Value) -> Facts {
    let Some(spec) = pod_spec(live) else { return Facts::new() };
    let containers = items(spec, "/initContainers").chain(items(spec, "/containers"));
    containers
        .filter_map(|container| {
            let (name, image) = (text(container, "/name")?, text(container, "/image")?);
            Some((format!("image of {}", printable(name)), printable(image)))
        })
        .collect()
}

fn workload(live: &Value) -> Facts {
    let mut facts = images(live);
    facts.extend(shown(live, &[("replicas", "/spec/replicas"), ("suspended", "/spec/suspend")]));
    facts
}

/// Of a certificate what it says publicly; of the rest only that it is another one. Notes that nobody reads are of no account.
fn content(live: &Value, is_named: bool) -> Option<Facts> {
    let certificate = live.get(Certificate::PLACE);
    if !is_named && certificate.is_none() {
        return None;
    }
    let mut facts =
        one("its content", text(live, "/metadata/resourceVersion").map(|version| format!("{MARK}{version}")));
    if let Some(certificate) = certificate {
        let until = text(certificate, "/until").map(|until| format!("valid until {until}"));
        facts.extend(one("certificate", until));
    }
    Some(facts)
}

fn node(live: &Value) -> Facts {
    let mut facts =
        shown(live, &[("kubelet", "/status/nodeInfo/kubeletVersion"), ("memory", "/status/capacity/memory")]);
    let internal = items(live, "/status/addresses").filter(|address| address["type"] == "InternalIP");
    let internal: Vec<&str> = internal.filter_map(|address| text(address, "/address")).collect();
    facts.insert("address".to_owned(), printable(&internal.join(", ")));
    let cordoned = live.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
    facts.insert("takes new pods".to_owned(), if cordoned { "no" } else { "yes" }.to_owned());
    if let Some(boot) = text(live, "/status/nodeInfo/bootID") {
        facts.insert("its start".to_owned(), format!("{MARK}{boot}"));
    }
    facts
}

fn service(live: &Value) -> Facts {
    let mut facts =
        shown(live, &[("address", "/spec/clusterIP"), ("type", "/spec/type"), ("selector", "/spec/selector")]);
    let ports = items(live, "/spec/ports").filter_map(|port| number(port, "/port")).map(|port| port.to_string());
    facts.insert("ports".to_owned(), ports.collect::<Vec<_>>().join(", "));
    facts.extend(addresses(live));
    facts
}

/// Where it is reached from outside.
fn addresses(live: &Value) -> Facts {
    let given = items(live, "/status/loadBalancer/ingress");
    let given: Vec<&str> = given.filter_map(|one| text(one, "/ip").or_else(|| text(one, "/hostname"))).collect();
    one("outer address", (!given.is_empty()).then(|| printable(&given.join(", "))))
}
