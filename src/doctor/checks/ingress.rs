//! Ingresses: what they lead to.

use serde_json::Value;

use super::{each, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, items, number, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("I003", Severity::Error, "an Ingress leads to a Service that does not exist"),
        [
            "A path of the Ingress names a Service that is not in its namespace: the controller answers 503 there.",
            "Correct the name in the Ingress, or create the Service.",
            "a backend that is no Service (`resource`).",
        ],
        &["Ingress", "Service"],
        no_service,
    ),
    looks(
        ("I004", Severity::Error, "an Ingress leads to a port that its Service does not have"),
        [
            "The Service exists, but has no port with that name or number: the controller answers 503 there.",
            "Set the port in the Ingress to one that the Service has.",
            "a port given by name is compared by name, one given by number by number.",
        ],
        &["Ingress", "Service"],
        no_port,
    ),
];

const INGRESS: (&str, &str) = ("networking.k8s.io", "Ingress");

/// All backends of an Ingress.
pub(in crate::doctor) fn backends(ingress: &Value) -> impl Iterator<Item = &Value> {
    let paths = items(ingress, "/spec/rules").flat_map(|rule| items(rule, "/http/paths"));
    ingress.pointer("/spec/defaultBackend").into_iter().chain(paths.filter_map(|path| path.get("backend")))
}

/// The Services that an Ingress leads to.
pub(in crate::doctor) fn services<'a>(
    ingress: &'a Value,
    namespace: Option<&'a str>,
) -> impl Iterator<Item = ObjectRef> + 'a {
    let names = backends(ingress).filter_map(|backend| text(backend, "/service/name"));
    names.map(move |name| ObjectRef::new("v1", "Service", namespace, name))
}

fn service<'a>(backend: &Value, ingress: &ObjectRef, evidence: &'a Evidence) -> Option<&'a Value> {
    let name = text(backend, "/service/name")?;
    evidence.snapshot.get(&ObjectRef::new("v1", "Service", ingress.namespace.as_deref(), name))
}

fn no_service(evidence: &Evidence) -> Verdict {
    each(evidence, INGRESS, |ingress, reference| {
        let named = |backend: &&Value| text(backend, "/service/name").is_some();
        let lost = backends(ingress).filter(named).find(|backend| service(backend, &reference, evidence).is_none())?;
        let name = text(lost, "/service/name")?;
        let message = format!("the Ingress `{}` leads to the Service `{name}`, which does not exist", reference.name);
        let fix = format!("Compare with what is there: `kubectl get services{}`.", flag(&reference));
        Some(Finding::new(reference, "ServiceNotFound", message).fix(fix))
    })
}

fn no_port(evidence: &Evidence) -> Verdict {
    each(evidence, INGRESS, |ingress, reference| {
        backends(ingress).find_map(|backend| {
            let service = service(backend, &reference, evidence)?;
            let (name, port) = (text(backend, "/service/port/name"), number(backend, "/service/port/number"));
            let has = items(service, "/spec/ports").any(|one| match name {
                Some(name) => one["name"] == name,
                None => number(one, "/port") == port,
            });
            let wanted = name.map(str::to_owned).or(port.map(|port| port.to_string()))?;
            (!has).then(|| {
                let target = text(backend, "/service/name").unwrap_or_default();
                let message = format!(
                    "the Ingress `{}` leads to the port {wanted} of the Service `{target}`, which it does not have",
                    reference.name
                );
                let fix =
                    format!("Compare with its ports: `kubectl get service {target}{} -o wide`.", flag(&reference));
                Finding::new(reference.clone(), "PortNotFound", message).fix(fix)
            })
        })
    })
}
