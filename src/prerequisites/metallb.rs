//! Addresses for Services of type `LoadBalancer`: what is there of `MetalLB`, and who else gives addresses.
//!
//! Two that answer for the same Services fight over their status, so beside another one nothing is installed.

use serde_json::{Value, json};

use super::picture::{Picture, label};
use super::{Blocked, Found, Health, Manager, Prerequisite, Verdict, Wants, version};
use crate::host::distribution::Distribution;
use crate::object::{ObjectRef, items, text};

const SYSTEM: &str = "metallb-system";
/// What is missing where nothing is there.
pub(super) const NOBODY: &str = "nobody gives addresses to Services of type LoadBalancer";

pub(super) fn assess(picture: &Picture, wants: &Wants) -> (Option<Found>, Verdict) {
    let kinds = ["Deployment", "DaemonSet", "Service", "Node", "CustomResourceDefinition"];
    if let Some(because) = picture.blind(&kinds) {
        return (None, Verdict::blind(because, "look with a user that may list them"));
    }
    let controller = picture.workloads("Deployment", |it| is_part(it, "controller")).next();
    let speaker = picture.workloads("DaemonSet", |it| is_part(it, "speaker")).next();
    if let (None, None) = (controller, speaker) {
        return (None, nobody(picture, wants));
    }
    let found = found(picture, [controller, speaker]);
    let verdict = there(picture, &found, controller.is_some() && speaker.is_some(), wants);
    (Some(found), verdict)
}

fn is_part(workload: &Value, part: &str) -> bool {
    let by_hand = label(workload, "app") == Some("metallb") && label(workload, "component") == Some(part);
    let named = label(workload, "app.kubernetes.io/name") == Some("metallb");
    by_hand || (named && label(workload, "app.kubernetes.io/component") == Some(part))
}

fn found(picture: &Picture, parts: [Option<&Value>; 2]) -> Found {
    let parts = || parts.into_iter().flatten();
    let version = parts().find_map(|part| version::of_image(version::image_of(part, "")?));
    Found {
        version: version.map(|version| version.to_string()),
        manager: parts().next().map_or(Manager::Nobody, Manager::of),
        health: picture.health(parts()),
        objects: parts().filter_map(ObjectRef::of).collect(),
    }
}

fn there(picture: &Picture, found: &Found, whole: bool, wants: &Wants) -> Verdict {
    if found.manager == Manager::Seaworthy {
        return match (&wants.pool, &found.health) {
            // What it has it keeps, where nothing can be said about what it ought to have.
            (Some(Err(blocked)), Health::Healthy) => {
                Verdict::Use { because: format!("it is ours, with the addresses that it has ({})", blocked.because) }
            }
            _ => with_pool(wants, |values| super::ours(Prerequisite::Metallb, found, values)),
        };
    }
    if !whole {
        let because = format!("only a part of MetalLB is there ({})", found.manager);
        return Verdict::blocked(because, "finish that installation, or take it away");
    }
    if picture.definition("ipaddresspools.metallb.io").is_none() {
        let because =
            format!("the MetalLB that is there ({}) is configured by a ConfigMap: older than 0.13", found.manager);
        return Verdict::blocked(because, "upgrade it the way it was installed");
    }
    match &found.health {
        Health::Healthy => Verdict::Use { because: format!("MetalLB is there ({})", found.manager) },
        Health::Unhealthy { why } => Verdict::blocked(
            format!("the MetalLB that is there ({}) does not work: {why}", found.manager),
            "`seaworthy doctor` says what is wrong; a second one would fight with it",
        ),
    }
}

fn nobody(picture: &Picture, wants: &Wants) -> Verdict {
    if let Some(other) = other(picture) {
        return Verdict::Use { because: other };
    }
    let config = ObjectRef::new("v1", "ConfigMap", Some(SYSTEM), "config");
    if picture.snapshot.get(&config).is_some() && picture.definition("ipaddresspools.metallb.io").is_none() {
        let because = format!("{config} belongs to a MetalLB before 0.13, of which nothing runs");
        return Verdict::blocked(because, "delete what is left of it first");
    }
    if let Some(webhook) = leftover(picture) {
        let because = format!("{webhook} is left of another MetalLB, and refuses every pool");
        return Verdict::blocked(because, format!("`kubectl delete {}` first", webhook.to_string().to_lowercase()));
    }
    with_pool(wants, |values| Verdict::Install { because: NOBODY.to_owned(), values })
}

pub(super) fn leftover(picture: &Picture) -> Option<ObjectRef> {
    let name = "metallb-webhook-configuration";
    let kind = "ValidatingWebhookConfiguration";
    let reference = ObjectRef::new("admissionregistration.k8s.io/v1", kind, None, name);
    picture.snapshot.get(&reference).map(|_| reference)
}

pub(super) fn with_pool(wants: &Wants, verdict: impl FnOnce(Value) -> Verdict) -> Verdict {
    match &wants.pool {
        Some(Ok(addresses)) => verdict(json!({"pool": {"addresses": addresses}})),
        Some(Err(blocked)) => Verdict::Blocked(blocked.clone()),
        None => Verdict::Blocked(no_pool()),
    }
}

pub(super) fn no_pool() -> Blocked {
    Blocked {
        because: "which addresses it may give away is not known".to_owned(),
        remedy: "name them with --pool FIRST-LAST".to_owned(),
        blind: false,
    }
}

/// Somebody else who gives addresses.
fn other(picture: &Picture) -> Option<String> {
    cloud(picture)
        .or_else(|| service_load_balancer(picture))
        .or_else(|| by_definition(picture))
        .or_else(|| given(picture))
}

fn cloud(picture: &Picture) -> Option<String> {
    match picture.distribution {
        Distribution::Cloud => Some("the cloud gives addresses itself".to_owned()),
        Distribution::DockerDesktop => Some("Docker Desktop serves such Services on localhost itself".to_owned()),
        _ => None,
    }
}

/// k3s has one of its own, unless it was switched off at the servers.
fn service_load_balancer(picture: &Picture) -> Option<String> {
    let k3s = matches!(picture.distribution, Distribution::K3s | Distribution::K3d);
    let off = picture.snapshot.of_kind("", "Node").any(disables_service_load_balancer);
    (k3s && !off).then(|| "k3s' own load balancer (servicelb) gives the nodes' addresses".to_owned())
}

/// The server's arguments stand on its node, `--disable` and its list as two items.
fn disables_service_load_balancer(node: &Value) -> bool {
    let arguments = node.pointer("/metadata/annotations/k3s.io~1node-args").and_then(Value::as_str);
    let words: Vec<String> = arguments.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    words.windows(2).any(|pair| {
        matches!(pair[0].as_str(), "--disable" | "--no-deploy") && pair[1].split(',').any(|word| word == "servicelb")
    })
}

fn by_definition(picture: &Picture) -> Option<String> {
    let known = [("ciliumloadbalancerippools.cilium.io", "Cilium"), ("servicegroups.purelb.io", "PureLB")];
    let (_, name) = known.iter().find(|(definition, _)| picture.definition(definition).is_some())?;
    Some(format!("{name} is there, and gives addresses"))
}

/// Whoever it is: a Service has an address already.
fn given(picture: &Picture) -> Option<String> {
    let service = picture.snapshot.of_kind("", "Service").find(|service| {
        let is_given = items(service, "/status/loadBalancer/ingress").next().is_some();
        service["spec"]["type"] == "LoadBalancer" && text(service, "/spec/loadBalancerClass").is_none() && is_given
    })?;
    Some(format!("{} has an address already, so somebody gives them", ObjectRef::of(service)?))
}
