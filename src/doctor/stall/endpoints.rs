//! A Service without address or pods, an Ingress that nobody serves.

use serde_json::Value;

use super::site::{Site, event_text};
use super::words::{clip, span};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::object::{ObjectRef, items, text};
use crate::snapshot::Snapshot;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "L005",
        group: "endpoints",
        title: "no address can be given to a Service",
        on: Subject::Top,
        find: refused,
    },
    Rule {
        id: "L001",
        group: "endpoints",
        title: "nobody gives addresses to Services",
        on: Subject::Top,
        find: no_address,
    },
    Rule { id: "SV001", group: "endpoints", title: "a Service selects no pods", on: Subject::Top, find: no_pods },
    Rule {
        id: "I001",
        group: "endpoints",
        title: "an Ingress names a class that does not exist",
        on: Subject::Top,
        find: no_class,
    },
    Rule { id: "I006", group: "endpoints", title: "an Ingress has no address", on: Subject::Top, find: no_entry },
];

/// Seconds in which a controller that is there gives an address.
const GIVES: i64 = 60;

/// The pods that a Service selects; none for a Service without selector.
pub(super) fn pods_of<'a>(service: &'a Value, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Value> {
    let selector = service.pointer("/spec/selector").and_then(Value::as_object).filter(|selector| !selector.is_empty());
    let namespace = service["metadata"]["namespace"].as_str().unwrap_or_default();
    let pods = selector.map(|selector| {
        snapshot.in_namespace("", "Pod", namespace).filter(move |pod| {
            let labels = &pod["metadata"]["labels"];
            selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        })
    });
    pods.into_iter().flatten()
}

fn has_address(site: &Site<'_>) -> bool {
    items(site.object, "/status/loadBalancer/ingress").next().is_some()
}

/// Whether it is a Service that waits for an address.
pub(super) fn wants_address(site: &Site<'_>) -> bool {
    site.reference.kind == "Service" && text(site.object, "/spec/type") == Some("LoadBalancer") && !has_address(site)
}

fn refused(site: &Site<'_>) -> Option<Cause> {
    if !wants_address(site) {
        return None;
    }
    let reasons =
        ["AllocationFailed", "SyncLoadBalancerFailed", "LoadBalancerFailed", "LoadBalancerMixedProtocolNotSupported"];
    let event = site.event(&reasons)?;
    let message = format!("the Service `{}` gets no address: {}", site.reference.name, clip(event_text(event)));
    let remedy = "Give the load balancer more addresses, or set the Service's type to ClusterIP.";
    Some(site.stuck(text(event, "/reason").unwrap_or_default(), message).remedy(remedy))
}

/// Seconds since it was last changed by whoever decides about its type: one that was another type before has not waited yet.
fn asked_for(site: &Site<'_>) -> i64 {
    let entries = items(site.object, "/metadata/managedFields")
        .filter(|entry| entry.get("subresource").is_none() && entry["fieldsV1"]["f:spec"].get("f:type").is_some());
    entries.filter_map(|entry| site.since(entry, "/time")).min().unwrap_or_else(|| site.age())
}

fn no_address(site: &Site<'_>) -> Option<Cause> {
    if !wants_address(site) || refused(site).is_some() {
        return None;
    }
    let age = asked_for(site);
    let message = format!("the Service `{}` has waited for an address for {}", site.reference.name, span(age));
    if age < GIVES {
        return Some(site.stuck("NoAddress", message).outlook(Outlook::Passing));
    }
    let remedy = "Install a load balancer, such as MetalLB, or set the Service's type to ClusterIP in the values.";
    Some(site.stuck("NoAddress", format!("{message}; nothing in the cluster gives addresses")).remedy(remedy))
}

/// Only where pods were read: no pod of the namespace in the snapshot may mean that none was looked for.
fn no_pods(site: &Site<'_>) -> Option<Cause> {
    let selector = site.object.pointer("/spec/selector").and_then(Value::as_object).filter(|one| !one.is_empty())?;
    if site.reference.kind != "Service"
        || wants_address(site)
        || pods_of(site.object, site.snapshot).next().is_some()
        || site.snapshot.in_namespace("", "Pod", site.namespace()).next().is_none()
    {
        return None;
    }
    let wanted: Vec<_> =
        selector.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    let message =
        format!("the Service `{}` selects {}, and no pod has these labels", site.reference.name, wanted.join(","));
    Some(
        site.stuck("NoEndpoints", message)
            .remedy(format!("Compare with the pods' labels: `kubectl get pods{} --show-labels`.", site.flag())),
    )
}

fn no_class(site: &Site<'_>) -> Option<Cause> {
    let class = text(site.object, "/spec/ingressClassName").filter(|_| site.reference.kind == "Ingress")?;
    let mut classes = site.snapshot.of_kind("networking.k8s.io", "IngressClass").peekable();
    classes.peek()?;
    if site.snapshot.get(&ObjectRef::new("networking.k8s.io/v1", "IngressClass", None, class)).is_some() {
        return None;
    }
    let there: Vec<_> = classes.filter_map(|class| text(class, "/metadata/name")).collect();
    let message = format!(
        "the Ingress `{}` names the class `{class}`, which does not exist; there is {}",
        site.reference.name,
        there.join(", ")
    );
    Some(site.stuck("IngressClassNotFound", message).remedy("Set the Ingress' class in the values to one that exists."))
}

fn no_entry(site: &Site<'_>) -> Option<Cause> {
    if site.reference.kind != "Ingress" || has_address(site) || no_class(site).is_some() {
        return None;
    }
    let message = format!("the Ingress `{}` has no address: no controller serves it", site.reference.name);
    Some(
        site.stuck("NoAddress", message)
            .remedy("Install an Ingress controller, or reach the application with `seaworthy open`."),
    )
}
