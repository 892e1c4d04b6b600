//! The image is not there, or the node cannot get at it.

use super::site::{Container, Site, event_count, event_text};
use super::words::{clip, has_any};
use super::{Rule, Subject};
use crate::doctor::{Cause, Outlook};
use crate::stack::Catalogue;

const GROUP: &str = "image";

pub(super) const RULES: &[Rule] = &[
    rule("P008", "the name of an image cannot be read", |site| refused(site, "InvalidImageName")),
    rule("P007", "an image must not be pulled and is not on the node", |site| refused(site, "ErrImageNeverPull")),
    rule("P006", "an image was not built for this kind of machine", |site| pull(site, Why::Platform)),
    rule("P005", "the registry's pull rate limit is reached", |site| pull(site, Why::Limit)),
    rule("P004", "the registry's certificate is not trusted", |site| pull(site, Why::Certificate)),
    rule("P003", "the registry wants credentials", |site| pull(site, Why::Credentials)),
    rule("N004", "the node has no room for an image", |site| pull(site, Why::Room)),
    rule("P004", "the node does not reach the registry", |site| pull(site, Why::Network)),
    rule("P002", "an image does not exist", |site| pull(site, Why::Missing)),
    rule("P004", "an image cannot be pulled", |site| pull(site, Why::Other)),
];

const fn rule(id: &'static str, title: &'static str, find: fn(&Site<'_>) -> Option<Cause>) -> Rule {
    Rule { id, group: GROUP, title, on: Subject::Pod, find }
}

/// Why an image could not be pulled, told by what container runtimes and registries say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Platform,
    Limit,
    Certificate,
    Credentials,
    Room,
    Network,
    Missing,
    Other,
}

/// In this order: `no match for platform in manifest: not found` is no missing image, and Docker Hub answers
/// `repository does not exist or may require authorization` to whoever is not logged in.
const WORDS: &[(Why, &[&str])] = &[
    (Why::Platform, &["no match for platform", "no matching manifest for", "exec format error"]),
    (Why::Limit, &["toomanyrequests", "too many requests", "rate limit"]),
    (Why::Certificate, &["x509:", "tls: failed to verify", "certificate has expired"]),
    (
        Why::Credentials,
        &["insufficient_scope", "authorization failed", "unauthorized", "forbidden", "denied", "no basic auth"],
    ),
    (Why::Room, &["no space left on device"]),
    (
        Why::Network,
        &[
            "no such host",
            "server misbehaving",
            "name resolution",
            "timeout",
            "connection refused",
            "connection reset",
            "proxyconnect",
            "no route to host",
            "network is unreachable",
            "deadline exceeded",
            "http response to https client",
        ],
    ),
    (Why::Missing, &["not found", "manifest unknown", "does not exist", "name unknown"]),
];

fn why(message: &str) -> Why {
    let message = message.to_lowercase();
    WORDS.iter().find(|(_, words)| has_any(&message, words)).map_or(Why::Other, |(why, _)| *why)
}

/// The kubelet refuses the image before it asks anybody.
fn refused(site: &Site<'_>, reason: &str) -> Option<Cause> {
    let container = site.containers.iter().find(|container| container.waiting == reason)?;
    let image = container.image();
    let (message, remedy) = if reason == "InvalidImageName" {
        let message = format!(
            "the image `{image}` of container `{}` has no valid name: {}",
            container.name,
            last(container.message)
        );
        (message, "Correct the image in the values; a name is lower case: `[HOST/]NAME[:TAG]`.".to_owned())
    } else {
        let message =
            format!("the image `{image}` is not on the node, and container `{}` forbids to pull it", container.name);
        (message, format!("Load it into the nodes: {}.", loading(site)))
    };
    Some(site.stuck(reason, message).remedy(remedy).outlook(Outlook::Final))
}

fn pull(site: &Site<'_>, wanted: Why) -> Option<Cause> {
    site.containers.iter().find_map(|container| {
        if !matches!(
            container.waiting,
            "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" | "ImageInspectError"
        ) {
            return None;
        }
        let said = said(site, container);
        (why(strip_names(said)) == wanted).then(|| found(site, container, wanted, said))
    })
}

/// While it waits for the next try, an older kubelet says no more than that; the event still holds the answer.
fn said<'a>(site: &Site<'a>, container: &Container<'a>) -> &'a str {
    let detailed =
        |text: &str| text.contains("failed to") || text.contains("ErrImagePull:") || text.contains("rpc error");
    let events = || {
        let events = site.events_of(&["Failed"]).filter(|event| container.is_meant(event)).map(event_text);
        events.filter(|text| text.contains("pull")).max_by_key(|text| text.len())
    };
    if detailed(container.message) { container.message } else { events().unwrap_or(container.message) }
}

/// The part of the message that names no image: an image called `denied` is not denied for that.
fn strip_names(said: &str) -> &str {
    for mark in ["failed to resolve reference \"", "failed to pull and unpack image \""] {
        let Some((_, rest)) = said.rsplit_once(mark) else { continue };
        let Some((name, rest)) = rest.split_once("\": ") else { continue };
        return rest.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(rest);
    }
    said
}

/// How an image gets into the nodes without a registry: what one of our installations needs, by its name.
fn loading(site: &Site<'_>) -> String {
    match site.stack() {
        Some(name) if Catalogue::prerequisites().names().iter().any(|known| known == name) => {
            "`seaworthy images load --prerequisites`".to_owned()
        }
        Some(name) => format!("`seaworthy images load {name}`, with the same values"),
        None => "`ctr -n k8s.io images import FILE`".to_owned(),
    }
}

fn found(site: &Site<'_>, container: &Container<'_>, why: Why, said: &str) -> Cause {
    let image = container.image();
    let detail = last(strip_names(said));
    let or_load = || format!("or load it into the nodes: {}.", loading(site));
    let (what, remedy): (_, String) = match why {
        Why::Platform => (
            "was not built for the node's kind of machine",
            "Use a tag built for this architecture, or choose other nodes with a nodeSelector.".into(),
        ),
        Why::Limit => (
            "is not handed out now: the registry's rate limit is reached",
            format!("Log in to the registry, use a mirror, {}", or_load()),
        ),
        Why::Certificate => (
            "cannot be pulled: the node does not trust the registry's certificate",
            format!("Add the registry's authority to the nodes' container runtime, {}", or_load()),
        ),
        Why::Credentials => (
            "cannot be pulled: the registry refuses access, or has no such repository",
            format!(
                "Create a pull secret and name it in the values: `kubectl create secret docker-registry NAME{} --docker-server=HOST --docker-username=USER --docker-password=PASSWORD`.",
                site.flag()
            ),
        ),
        Why::Room => ("does not fit on the node's disk", "Free space on the node.".into()),
        Why::Network => (
            "cannot be pulled: the node does not reach the registry",
            format!("Check name resolution, proxy and firewall of the node, {}", or_load()),
        ),
        Why::Missing => ("does not exist", format!("Correct the image's name or tag in the values, {}", or_load())),
        Why::Other => (
            "cannot be pulled",
            format!("Look at what the node says: `kubectl describe pod {}{}`.", site.reference.name, site.flag()),
        ),
    };
    let separator = if detail.is_empty() { "" } else { ": " };
    let cause = site.stuck("ErrImagePull", format!("the image `{image}` {what}{separator}{detail}")).remedy(remedy);
    let hopeless = matches!(why, Why::Missing | Why::Platform) && is_second_try(site, container);
    if hopeless { cause.outlook(Outlook::Final) } else { cause }
}

/// One failure may be a registry that is just being filled; from the second on nothing changes by itself.
fn is_second_try(site: &Site<'_>, container: &Container<'_>) -> bool {
    let failed = |reason| {
        let events = site.events_of(reason).filter(|event| container.is_meant(event));
        events.filter(|event| event_text(event).contains("pull")).map(event_count).max().unwrap_or(0)
    };
    container.waiting == "ImagePullBackOff" || failed(&["Failed"]) >= 2 || failed(&["BackOff"]) >= 1
}

/// What is left of an answer when the layers that only pass it on are taken off.
fn last(said: &str) -> String {
    let mut rest = said.trim_start_matches(['"', ':', ' ']);
    for layer in ["desc = ", "ErrImagePull: ", "failed to do request: ", "server message: ", "failed to authorize: "] {
        rest = rest.split_once(layer).map_or(rest, |(_, behind)| behind);
    }
    clip(rest.trim_end_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::{Why, why};

    #[test]
    fn answers_of_registries_are_told_apart() {
        for (message, expected) in [
            ("localhost:5000/a:1: not found", Why::Missing),
            ("manifest unknown: manifest unknown", Why::Missing),
            ("no match for platform in manifest: not found", Why::Platform),
            ("pull access denied, repository does not exist or may require authorization", Why::Credentials),
            ("unexpected status from HEAD request to https://r/v2/a/manifests/1: 403 Forbidden", Why::Credentials),
            ("dial tcp: lookup r on 10.96.0.10:53: no such host", Why::Network),
            ("dial tcp 10.0.0.1:443: connect: connection refused", Why::Network),
            ("proxyconnect tcp: dial tcp 10.0.0.1:3128: i/o timeout", Why::Network),
            ("http: server gave HTTP response to HTTPS client", Why::Network),
            ("tls: failed to verify certificate: x509: certificate signed by unknown authority", Why::Certificate),
            ("429 Too Many Requests - toomanyrequests: You have reached your pull rate limit", Why::Limit),
            ("write /var/lib/x: no space left on device", Why::Room),
            ("500 Internal Server Error", Why::Other),
        ] {
            assert_eq!(why(message), expected, "{message}");
        }
    }
}
