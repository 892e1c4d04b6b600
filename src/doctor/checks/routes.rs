//! Ways in and names that lead nowhere, or to two places.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{each, each_that, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, items, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("SV007", Severity::Error, "an ExternalName leads to a Service that does not exist"),
        [
            "The Service is another name for a Service of the cluster, which is not there: whoever calls it is told that there is no such name.",
            "Correct `externalName`, or create the Service that it names.",
            "a name outside of the cluster, of which nothing can be seen from here.",
        ],
        &["Service"],
        dead_name,
    ),
    looks(
        ("I002", Severity::Warning, "an Ingress names no class, and there is no default"),
        [
            "Without a class and without a default class no controller takes the Ingress up.",
            "Set `ingressClassName` to one of `kubectl get ingressclasses`, or mark one of them as the default.",
            "an Ingress that has an address (somebody serves it), one with the old annotation, and one of the last two minutes.",
        ],
        &["Ingress", "IngressClass"],
        no_class,
    ),
    looks(
        ("I005", Severity::Error, "an Ingress names a TLS Secret that is missing"),
        [
            "The Secret is not in the Ingress' namespace, or holds no certificate: the controller serves one of its own, and browsers warn.",
            "Create it: `kubectl create secret tls NAME -n NAMESPACE --cert=FILE --key=FILE`.",
            "a host without a Secret of its own, and one for which cert-manager is making the Secret, for ten minutes.",
        ],
        &["Ingress", "Secret"],
        no_certificate,
    ),
    looks(
        ("I007", Severity::Warning, "two Ingresses want the same host and path"),
        [
            "Two Ingresses of one class lead the same host and path to different Services: which of them wins is not defined.",
            "Take the path out of one of them: `kubectl edit ingress NAME`.",
            "a canary of ingress-nginx, which shares the path on purpose, and Ingresses of different classes.",
        ],
        &["Ingress"],
        twice,
    ),
];

const INGRESS: (&str, &str) = ("networking.k8s.io", "Ingress");
const OLD_CLASS: &str = "kubernetes.io/ingress.class";
const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
/// Seconds in which a controller has taken up an Ingress.
const SERVES: i64 = 120;
/// Seconds in which a certificate has been made.
const ISSUED: i64 = 600;

fn dead_name(evidence: &Evidence) -> Verdict {
    let is_external = |service: &Value| text(service, "/spec/type") == Some("ExternalName");
    each_that(evidence, ("", "Service"), is_external, |service, reference| {
        let target = text(service, "/spec/externalName")?;
        let mut parts = target.trim_end_matches('.').split('.');
        let (name, namespace) = (parts.next()?, parts.next()?);
        let inside = parts.next() == Some("svc");
        let wanted = ObjectRef::new("v1", "Service", Some(namespace), name);
        (inside && evidence.knows("Service", namespace) && evidence.snapshot.get(&wanted).is_none()).then(|| {
            let message = format!("the Service `{}` leads to {target}, which does not exist", reference.name);
            let fix = format!("Correct `externalName`, or create that Service: `kubectl get services -n {namespace}`.");
            Finding::new(reference, "NoSuchName", message).fix(fix)
        })
    })
}

fn no_class(evidence: &Evidence) -> Verdict {
    let mut classes = evidence.snapshot.of_kind("networking.k8s.io", "IngressClass");
    let has_default = classes.any(|class| class["metadata"]["annotations"][DEFAULT] == "true");
    each(evidence, INGRESS, |ingress, reference| {
        let named = text(ingress, "/spec/ingressClassName").is_some()
            || ingress["metadata"]["annotations"][OLD_CLASS].is_string();
        let served = items(ingress, "/status/loadBalancer/ingress").next().is_some();
        let young = evidence.since(ingress, "/metadata/creationTimestamp").is_some_and(|age| age < SERVES);
        (!named && !served && !young && !has_default).then(|| {
            let message = format!(
                "the Ingress `{}` names no class, and no IngressClass is the default: nobody serves it",
                reference.name
            );
            Finding::new(reference, "NoClass", message)
                .fix("Set `ingressClassName` to one of these, or make one the default: `kubectl get ingressclasses`.")
        })
    })
}

fn no_certificate(evidence: &Evidence) -> Verdict {
    let has_tls = |ingress: &Value| items(ingress, "/spec/tls").any(|tls| text(tls, "/secretName").is_some());
    each_that(evidence, INGRESS, has_tls, |ingress, reference| {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let young = evidence.since(ingress, "/metadata/creationTimestamp").is_some_and(|age| age < ISSUED);
        if !evidence.knows("Secret", namespace) || young && is_issued(ingress) {
            return None;
        }
        items(ingress, "/spec/tls").find_map(|tls| {
            let name = text(tls, "/secretName").filter(|name| !name.is_empty())?;
            let secret = evidence.snapshot.get(&ObjectRef::new("v1", "Secret", Some(namespace), name));
            let what = match secret {
                None => "which does not exist",
                Some(secret) if secret.pointer("/data/tls.crt").is_none() => "which holds no `tls.crt`",
                Some(_) => return None,
            };
            let message =
                format!("the Ingress `{}` takes its certificate from the Secret `{name}`, {what}", reference.name);
            let fix =
                format!("Create it: `kubectl create secret tls {name}{} --cert=FILE --key=FILE`.", flag(&reference));
            Some(Finding::new(reference.clone(), "NoCertificate", message).fix(fix))
        })
    })
}

/// Whether cert-manager, or something like it, is asked to make the certificate.
fn is_issued(ingress: &Value) -> bool {
    let annotations = ingress.pointer("/metadata/annotations").and_then(Value::as_object);
    annotations
        .is_some_and(|all| all.keys().any(|key| key.starts_with("cert-manager.io/") || key == "kubernetes.io/tls-acme"))
}

fn twice(evidence: &Evidence) -> Verdict {
    let ingresses: Vec<&Value> = evidence.snapshot.of_kind(INGRESS.0, INGRESS.1).collect();
    let mut owners: BTreeMap<[&str; 3], (ObjectRef, &Value)> = BTreeMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    for ingress in ingresses.iter().filter(|ingress| ingress["metadata"]["annotations"][CANARY] != "true") {
        let Some(reference) = ObjectRef::of(ingress) else { continue };
        for (key, backend) in ways(ingress) {
            let (first, other) = owners.entry(key).or_insert((reference.clone(), backend));
            if first.same_object(&reference) || first.namespace == reference.namespace && *other == backend {
                continue;
            }
            let [_, host, path] = key;
            let message = format!("{first} and {reference} both want {host}{path}, for different Services");
            let fix = format!("Take it out of one: `kubectl edit ingress {}{}`.", reference.name, flag(&reference));
            if !findings.iter().any(|known| known.object == reference) {
                findings.push(Finding::new(reference.clone(), "SamePath", message).fix(fix));
            }
        }
    }
    Verdict::of(ingresses.len(), findings)
}

/// Class, host and path of every way in, with where it leads.
fn ways(ingress: &Value) -> impl Iterator<Item = ([&str; 3], &Value)> {
    let class =
        text(ingress, "/spec/ingressClassName").or_else(|| ingress["metadata"]["annotations"][OLD_CLASS].as_str());
    items(ingress, "/spec/rules").flat_map(move |rule| {
        let host = text(rule, "/host").unwrap_or("*");
        items(rule, "/http/paths").filter_map(move |path| {
            Some(([class.unwrap_or_default(), host, text(path, "/path").unwrap_or("/")], path.get("backend")?))
        })
    })
}
