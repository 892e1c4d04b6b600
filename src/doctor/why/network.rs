//! Services and what stands around them: endpoints, ways in, policies.

use serde_json::Value;

use super::case::{Case, Said, Trouble, counted, some};
use crate::doctor::checks::ingress::backends;
use crate::doctor::stall::Look;
use crate::doctor::survey::{is_switched_off, makers};
use crate::object::{ObjectRef, items, number, text};
use crate::snapshot::placing::matches;

/// Ready and other addresses of a Service's endpoint slices; `None` when it has none, or nobody read them.
fn endpoints(case: &Case<'_>, namespace: &str, service: &str) -> Option<(usize, usize)> {
    let slices = case.snapshot().in_namespace("discovery.k8s.io", "EndpointSlice", namespace);
    let mut slices =
        slices.filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == service).peekable();
    slices.peek()?;
    let (mut ready, mut other) = (0, 0);
    for endpoint in slices.flat_map(|slice| items(slice, "/endpoints")) {
        let count = items(endpoint, "/addresses").count();
        if endpoint["conditions"]["ready"] == false { other += count } else { ready += count }
    }
    Some((ready, other))
}

fn addresses(live: &Value) -> Vec<&str> {
    items(live, "/status/loadBalancer/ingress")
        .filter_map(|one| text(one, "/ip").or_else(|| text(one, "/hostname")))
        .collect()
}

/// A Service.
pub(super) fn service(case: &Case<'_>) -> Said {
    let kind = case.text("/spec/type").unwrap_or("ClusterIP");
    if kind == "ExternalName" {
        let name = case.text("/spec/externalName").unwrap_or_default();
        return Said::new(format!("a name for {name}: it has no endpoints in the cluster"));
    }
    let headless = case.text("/spec/clusterIP") == Some("None");
    let word = if headless { "headless" } else { kind };
    let found = endpoints(case, case.namespace(), &case.object.name);
    let counts = match found {
        Some((ready, 0)) => format!(", {} ready", counted(ready, "endpoint")),
        Some((ready, other)) => format!(", {} ready, {other} not ready", counted(ready, "endpoint")),
        None if case.evidence.gap("EndpointSlice").is_none() => ", no endpoints".to_owned(),
        None => String::new(),
    };
    let outside = addresses(case.live);
    let address = match kind {
        "LoadBalancer" if outside.is_empty() => ", no address from a load balancer yet".to_owned(),
        "LoadBalancer" => format!(", reached at {}", some(&outside)),
        _ => String::new(),
    };
    let ports: Vec<String> = case.items("/spec/ports").map(port).collect();
    let others: Vec<&str> = case.items("/spec/externalIPs").filter_map(Value::as_str).collect();
    let local = (case.text("/spec/externalTrafficPolicy") == Some("Local"))
        .then(|| "only nodes with a ready pod answer from outside (`externalTrafficPolicy: Local`)".to_owned());
    let unready = (case.live["spec"]["publishNotReadyAddresses"] == true)
        .then(|| "pods that are not ready are answers, too (`publishNotReadyAddresses`)".to_owned());
    let ways: Vec<String> = case
        .snapshot()
        .in_namespace("networking.k8s.io", "Ingress", case.namespace())
        .filter(|ingress| backends(ingress).any(|backend| text(backend, "/service/name") == Some(&case.object.name)))
        .filter_map(ObjectRef::of)
        .map(|ingress| ingress.short())
        .collect();
    let by_hand = case.live["spec"]["selector"].as_object().is_none_or(serde_json::Map::is_empty);
    let selects = by_hand.then(|| "it has no selector: somebody writes its endpoints".to_owned());
    let pods: Vec<&Value> = Look::pods_of(case.live, case.snapshot()).collect();
    let wrong = wrong_port(case, &pods);
    let none = pods.is_empty() && !by_hand && case.evidence.knows("Pod", case.namespace());
    let is_off = none && is_switched_off(case.live, case.snapshot());
    let off = is_off.then(|| switched_off(case));
    let lost = (none && !is_off).then(|| {
        let selector = case.live["spec"]["selector"].as_object().into_iter().flatten();
        let wanted: Vec<String> = selector.map(|(key, value)| format!("{key}={}", super::case::plain(value))).collect();
        Trouble::new(format!("it selects {}, and no pod has these labels", wanted.join(",")))
            .fix(format!("Compare with the pods' labels: `kubectl get pods{} --show-labels`.", case.flag()))
    });
    Said::new(format!("{word}{counts}{address}"))
        .amiss("target", wrong)
        .note("ports", (!ports.is_empty()).then(|| some(&ports)))
        .note("endpoints", selects)
        .wrong(lost.or(off))
        .note("ways in", (!ways.is_empty()).then(|| some(&ways)))
        .note("addresses", (!others.is_empty()).then(|| some(&others)))
        .note("traffic", local)
        .note("traffic", unready)
}

/// Somebody wants it so, and whoever asks why nothing answers does not know that.
fn switched_off(case: &Case<'_>) -> Trouble {
    let makers: Vec<ObjectRef> = makers(case.live, case.snapshot()).filter_map(ObjectRef::of).collect();
    let names: Vec<String> = makers.iter().map(ObjectRef::short).collect();
    let trouble = Trouble::new(format!("{} is scaled to 0, so that nothing answers here", some(&names)));
    // A DaemonSet has no number; its nodes decide.
    match makers.first().filter(|maker| maker.kind != "DaemonSet") {
        Some(maker) => {
            let name = format!("{}/{}", maker.kind.to_lowercase(), maker.name);
            trouble
                .fix(format!("Start it where it is wanted: `kubectl scale {name}{} --replicas=1`.", case.flag()))
                .root(maker.clone())
        }
        None => trouble,
    }
}

fn port(port: &Value) -> String {
    let number = number(port, "/port").unwrap_or(0);
    let protocol = text(port, "/protocol").filter(|one| *one != "TCP").map(|one| format!("/{one}")).unwrap_or_default();
    let target = port.get("targetPort").map(super::case::plain).filter(|target| *target != number.to_string());
    let target = target.map(|target| format!(" to {target}")).unwrap_or_default();
    let node = port["nodePort"].as_i64().map(|node| format!(", node port {node}")).unwrap_or_default();
    format!("{number}{protocol}{target}{node}")
}

/// A target port by a name that none of the pods has.
fn wrong_port(case: &Case<'_>, pods: &[&Value]) -> Option<String> {
    let has = |pod: &Value, name: &str| {
        items(pod, "/spec/containers").flat_map(|one| items(one, "/ports")).any(|port| port["name"] == name)
    };
    let mut lost = case.items("/spec/ports").filter_map(|port| text(port, "/targetPort"));
    let lost = lost.find(|name| !pods.is_empty() && !pods.iter().any(|pod| has(pod, name)))?;
    Some(format!("none of its pods has a port named `{lost}`"))
}

/// The Service that an `EndpointSlice` or an `Endpoints` object belongs to.
pub(super) fn service_of(live: &Value) -> Option<ObjectRef> {
    let namespace = text(live, "/metadata/namespace");
    let name = match text(live, "/kind")? {
        "EndpointSlice" => live["metadata"]["labels"]["kubernetes.io/service-name"].as_str()?,
        "Endpoints" => text(live, "/metadata/name")?,
        _ => return None,
    };
    Some(ObjectRef::new("v1", "Service", namespace, name))
}

/// An `EndpointSlice`, or an `Endpoints` object.
pub(super) fn slice(case: &Case<'_>) -> Said {
    let (mut ready, mut other) = (0, Vec::new());
    for endpoint in case.items("/endpoints") {
        let count = items(endpoint, "/addresses").count();
        let target = text(endpoint, "/targetRef/name").map(|name| format!("pod {name}"));
        if endpoint["conditions"]["ready"] == false { other.extend(target) } else { ready += count }
    }
    for subset in case.items("/subsets") {
        ready += items(subset, "/addresses").count();
        other.extend(
            items(subset, "/notReadyAddresses")
                .filter_map(|one| text(one, "/targetRef/name"))
                .map(|name| format!("pod {name}")),
        );
    }
    let unready = if other.is_empty() { String::new() } else { format!(", {} not ready", other.len()) };
    let service = service_of(case.live);
    let lost = service.as_ref().filter(|service| case.lacks(service)).map(|service| {
        let fix = format!(
            "If nobody uses it: `kubectl delete {} {}{}`.",
            case.object.kind.to_lowercase(),
            case.object.name,
            case.flag()
        );
        Trouble::new(format!("its {} is not there", service.short())).fix(fix)
    });
    Said::new(format!("{} ready{unready}", counted(ready, "address")))
        .amiss("not ready", (!other.is_empty()).then(|| some(&other)))
        .note("service", service.filter(|service| !case.lacks(service)).map(|service| service.short()))
        // Endpoints of the control plane and of leader elections have no Service of their name.
        .wrong(lost.filter(|_| case.object.kind == "EndpointSlice"))
}

/// An Ingress.
pub(super) fn ingress(case: &Case<'_>) -> Said {
    let class = case.text("/spec/ingressClassName");
    let class = class.or_else(|| case.live["metadata"]["annotations"]["kubernetes.io/ingress.class"].as_str());
    let outside = addresses(case.live);
    let address =
        if outside.is_empty() { "no address yet".to_owned() } else { format!("reached at {}", some(&outside)) };
    let class = class.map_or_else(|| "no class".to_owned(), |class| format!("class {class}"));
    let hosts: Vec<&str> = case.items("/spec/rules").map(|rule| text(rule, "/host").unwrap_or("*")).collect();
    let mut said = Said::new(format!("{address}, {class}")).note("hosts", (!hosts.is_empty()).then(|| some(&hosts)));
    let mut seen: Vec<&str> = Vec::new();
    for backend in backends(case.live) {
        let Some(name) = text(backend, "/service/name").filter(|name| !seen.contains(name)) else { continue };
        seen.push(name);
        let service = case.neighbour("v1", "Service", name);
        if case.lacks(&service) {
            said = said.amiss("leads to", format!("Service/{name}, which is not there"));
        } else if let Some((ready, other)) = endpoints(case, case.namespace(), name) {
            let line = format!("Service/{name}: {} ready, {other} not ready", counted(ready, "endpoint"));
            said = if ready == 0 { said.amiss("leads to", line) } else { said.note("leads to", line) };
        }
    }
    for tls in case.items("/spec/tls") {
        let Some(name) = text(tls, "/secretName") else { continue };
        let secret = case.neighbour("v1", "Secret", name);
        let kind = case.snapshot().get(&secret).and_then(|secret| text(secret, "/type"));
        if case.lacks(&secret) {
            said = said.amiss("tls", format!("Secret/{name} is not there"));
        } else if let Some(kind) = kind.filter(|kind| *kind != "kubernetes.io/tls") {
            said = said.amiss("tls", format!("Secret/{name} is of the type {kind}, not kubernetes.io/tls"));
        } else if let Some(live) = case.snapshot().get(&secret) {
            said =
                said.note("tls", super::config::certificate(case, live).map(|words| format!("Secret/{name}: {words}")));
        }
    }
    said
}

/// An `IngressClass`.
pub(super) fn ingress_class(case: &Case<'_>) -> Said {
    let default = case.live["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true";
    let default = if default { ", the default" } else { "" };
    let users = case.snapshot().of_kind("networking.k8s.io", "Ingress");
    let users = users.filter(|ingress| text(ingress, "/spec/ingressClassName") == Some(&case.object.name)).count();
    let controller = case.text("/spec/controller").unwrap_or("nobody");
    Said::new(format!("served by {controller}{default}, {} of it", counted(users, "Ingress")))
}

/// A `NetworkPolicy`.
pub(super) fn policy(case: &Case<'_>) -> Said {
    let selector = case.live.pointer("/spec/podSelector").unwrap_or(&Value::Null);
    let pods = case.snapshot().in_namespace("", "Pod", case.namespace());
    let pods =
        pods.filter(|pod| !crate::object::has_ended(pod) && matches(selector, &pod["metadata"]["labels"])).count();
    let types: Vec<&str> = case.items("/spec/policyTypes").filter_map(Value::as_str).collect();
    let has = |kind: &str| {
        types.contains(&kind) || types.is_empty() && (kind == "Ingress" || case.live["spec"].get("egress").is_some())
    };
    let side = |kind: &str, field: &str, word: &str| {
        has(kind).then(|| match case.items(field).count() {
            0 => format!("nothing {word}"),
            // A rule without peers lets everybody.
            _ if case.items(field).any(|rule| rule.as_object().is_some_and(serde_json::Map::is_empty)) => {
                format!("everything {word}")
            }
            rules => format!("{} {word}", counted(rules, "rule")),
        })
    };
    let sides: Vec<String> =
        [side("Ingress", "/spec/ingress", "in"), side("Egress", "/spec/egress", "out")].into_iter().flatten().collect();
    let none = (pods == 0).then(|| "its selector fits no pod that is there".to_owned());
    Said::new(format!("about {}; lets {}", counted(pods, "pod"), sides.join(", "))).amiss("pods", none)
}

/// The policies that are about a pod, where they were read.
pub(super) fn policies(case: &Case<'_>) -> Option<String> {
    let all = case.snapshot().in_namespace("networking.k8s.io", "NetworkPolicy", case.namespace());
    let labels = &case.live["metadata"]["labels"];
    let names: Vec<&str> = all
        .filter(|policy| matches(policy.pointer("/spec/podSelector").unwrap_or(&Value::Null), labels))
        .filter_map(|policy| text(policy, "/metadata/name"))
        .collect();
    (!names.is_empty()).then(|| format!("its traffic is limited by {}", some(&names)))
}
