//! Services: whom they reach.

use serde_json::Value;

use super::{dns, each_that, flag, looks, rules};
use crate::doctor::Outlook;
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::stall::Look;
use crate::doctor::stall::words::span;
use crate::doctor::survey::LONG;
use crate::doctor::unsettled::unready_for;
use crate::object::{ObjectRef, has_ended, items, number, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    rules::row(
        "SV001",
        Severity::Error,
        "a Service selects no pods",
        [
            "No pod in the Service's namespace carries the labels of its selector, so whoever calls it is refused. Most \
            often a label is misspelt, or the pods could not be made.",
            "Compare: `kubectl get pods -n NAMESPACE --show-labels`, and correct the selector or the pods' labels.",
            "a Service without selector, one of type ExternalName, and one whose workload is scaled to 0.",
        ],
        &["Service", "Pod"],
    ),
    looks(
        ("SV002", Severity::Error, "no pod behind a Service is ready"),
        [
            "Pods match the Service's selector, but none of them is ready, so whoever calls it is refused.",
            "Look at the pods: `kubectl get pods -n NAMESPACE`. Most often the pods' own finding is the cause.",
            "pods that were ready within the last minute, and pods of which something is known that may pass by itself: in ten \
            minutes it passes, or is a finding of its own.",
        ],
        &["Service", "Pod", "EndpointSlice"],
        none_ready,
    ),
    looks(
        ("SV003", Severity::Error, "a Service's port leads nowhere"),
        [
            "The Service's `targetPort` is a name that no container of its pods declares: it has no endpoint at all. Or it is \
            a number and the containers declare other ports only, which most often is a slip (then it is a warning).",
            "Set `targetPort` to a port that the containers declare.",
            "a numeric port of containers that declare no ports: declaring them is not required.",
        ],
        &["Service", "Pod"],
        wrong_port,
    ),
];

const SERVICE: (&str, &str) = ("", "Service");
/// Declared ports that are named.
const SHOWN: usize = 6;
/// Seconds in which a new pod is nothing to worry about.
const YOUNG: i64 = 60;

fn has_selector(service: &Value) -> bool {
    service.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|selector| !selector.is_empty())
        && text(service, "/spec/type") != Some("ExternalName")
}

/// How many endpoints of a Service are ready; `None` when its namespace was not read.
pub(super) fn ready_endpoints(service: &ObjectRef, evidence: &Evidence) -> Option<usize> {
    let namespace = service.namespace.as_deref().unwrap_or_default();
    if !evidence.knows("EndpointSlice", namespace) {
        return None;
    }
    let slices = evidence.snapshot.in_namespace("discovery.k8s.io", "EndpointSlice", namespace);
    let own = slices.filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == service.name.as_str());
    // A condition that is not there is true.
    let is_ready = |endpoint: &&Value| endpoint["conditions"]["ready"] != false;
    Some(own.flat_map(|slice| items(slice, "/endpoints")).filter(is_ready).count())
}

fn none_ready(evidence: &Evidence) -> Verdict {
    each_that(
        evidence,
        SERVICE,
        |service| has_selector(service) && !dns::is_dns(service),
        |service, reference| {
            let pods = Look::pods_of(service, &evidence.snapshot);
            let pods: Vec<&Value> = pods.filter(|pod| !has_ended(pod) && !is_ending(pod)).collect();
            if pods.is_empty() || ready_endpoints(&reference, evidence)? > 0 {
                return None;
            }
            let since = pods.iter().filter_map(|pod| unready_for(pod, evidence)).min().unwrap_or(0);
            (since > YOUNG && !(since < LONG && may_pass(&pods, evidence))).then(|| {
                let message = format!(
                    "no pod behind the Service `{}` is ready: 0 of {} for {}",
                    reference.name,
                    pods.len(),
                    span(since)
                );
                let fix = format!("Look at its pods: `kubectl get pods{}`.", flag(&reference));
                Finding::new(reference, "NoReadyEndpoints", message).fix(fix)
            })
        },
    )
}

fn is_ending(pod: &Value) -> bool {
    text(pod, "/metadata/deletionTimestamp").is_some()
}

/// Whether something is known of each pod that may pass: until it has not, it is not known why the Service has none.
fn may_pass(pods: &[&Value], evidence: &Evidence) -> bool {
    let look = Look::new(&evidence.snapshot, evidence.taken);
    pods.iter().all(|pod| look.at(pod).first().is_some_and(|cause| cause.outlook == Outlook::Passing))
}

fn wrong_port(evidence: &Evidence) -> Verdict {
    each_that(evidence, SERVICE, has_selector, |service, reference| {
        let pods: Vec<&Value> = Look::pods_of(service, &evidence.snapshot).collect();
        let newest = pods.iter().max_by_key(|pod| text(pod, "/metadata/creationTimestamp"))?;
        items(service, "/spec/ports").find_map(|port| misled(port, newest, &reference))
    })
}

/// The finding for one port of a Service, judged by its newest pod.
fn misled(port: &Value, pod: &Value, service: &ObjectRef) -> Option<Finding> {
    let declared: Vec<&Value> = ["/spec/containers", "/spec/initContainers"]
        .iter()
        .flat_map(|list| items(pod, list))
        .flat_map(|one| items(one, "/ports"))
        .collect();
    let protocol = |of: &Value| text(of, "/protocol").unwrap_or("TCP").to_owned();
    let same: Vec<&&Value> = declared.iter().filter(|one| protocol(one) == protocol(port)).collect();
    let (target, severity) = match port.get("targetPort") {
        Some(Value::String(name)) => (!same.iter().any(|one| one["name"] == name.as_str()))
            .then_some((format!("named `{name}`"), Severity::Error))?,
        target => {
            let wanted = target.and_then(Value::as_i64).or_else(|| number(port, "/port"))?;
            let there = same.is_empty() || same.iter().any(|one| number(one, "/containerPort") == Some(wanted));
            (!there).then_some((wanted.to_string(), Severity::Warning))?
        }
    };
    let there: Vec<String> = same
        .iter()
        .map(|one| {
            let number = number(one, "/containerPort").unwrap_or_default();
            text(one, "/name").map_or(number.to_string(), |name| format!("{number} ({name})"))
        })
        .collect();
    let there = match there.as_slice() {
        [] => "none".to_owned(),
        few if few.len() <= SHOWN => few.join(", "),
        many => format!("{} and {} more", many[..SHOWN].join(", "), many.len() - SHOWN),
    };
    let own = number(port, "/port").unwrap_or_default();
    let message = format!(
        "port {own} of the Service `{}` leads to the port {target} of its pods, which they do not declare; they declare {there}",
        service.name
    );
    let fix = format!(
        "Set `targetPort` to one of the declared ports: `kubectl edit service {}{}`.",
        service.name,
        flag(service)
    );
    Some(Finding::new(service.clone(), "WrongTargetPort", message).severity(severity).fix(fix))
}
