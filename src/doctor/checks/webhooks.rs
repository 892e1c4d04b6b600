//! Admission webhooks that must be asked and cannot be.

use serde_json::Value;

use super::looks;
use super::services::ready_endpoints;
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::object::{ObjectRef, items, number, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("X001", Severity::Critical, "an admission webhook that must be asked is down"),
        [
            "The API server has to ask the webhook before it makes an object (`failurePolicy: Fail`), and no pod behind it is \
            ready: these objects can no longer be made or changed. When it is asked about pods, its own pods cannot come back either.",
            "Bring its pods back; if they need the webhook to start, set its `failurePolicy` to Ignore until they run.",
            "a webhook with `failurePolicy: Ignore`, and one outside of the cluster (`url`), of which nothing can be seen.",
        ],
        &["Service", "EndpointSlice"],
        down,
    ),
    looks(
        ("X002", Severity::Error, "an admission webhook's Service does not exist"),
        [
            "The webhook was left behind when its server was taken away, or names a wrong Service or port. Every object that it must \
            be asked about is refused.",
            "Install its server again, or delete the configuration.",
            "a webhook with `failurePolicy: Ignore`.",
        ],
        &["Service"],
        no_service,
    ),
    looks(
        ("KR001", Severity::Critical, "the webhook of OpenKruise is down, and no pod can be made"),
        [
            "OpenKruise has to be asked about every pod of the cluster (`failurePolicy: Fail`), and no manager of it is ready: no pod can be made \
            anywhere, not even its own, unless their namespace is left out.",
            "Bring the manager back, `kubectl get pods -n kruise-system`; until it runs, set the webhooks' `failurePolicy` to Ignore.",
            "webhooks with `failurePolicy: Ignore`, and other webhooks, which are X001.",
        ],
        &["Service", "EndpointSlice"],
        kruise_down,
    ),
];

const KINDS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// All webhooks that must be asked, with their configuration and Service.
fn required(evidence: &Evidence) -> Vec<(ObjectRef, &Value, ObjectRef)> {
    let configurations = KINDS.iter().flat_map(|kind| evidence.snapshot.of_kind("admissionregistration.k8s.io", kind));
    let of = |configuration| {
        let reference = ObjectRef::of(configuration)?;
        // The default is Fail.
        let hooks = items(configuration, "/webhooks").filter(|hook| text(hook, "/failurePolicy") != Some("Ignore"));
        Some(hooks.filter_map(move |hook| {
            let service = hook.pointer("/clientConfig/service")?;
            let service = ObjectRef::new("v1", "Service", text(service, "/namespace"), text(service, "/name")?);
            Some((reference.clone(), hook, service))
        }))
    };
    configurations.filter_map(of).flatten().collect()
}

/// Why nothing can be said about webhooks; `None` when their configurations were read.
fn gap(evidence: &Evidence) -> Option<Verdict> {
    let because = KINDS.iter().filter_map(|kind| evidence.gap(kind)).collect::<Vec<_>>();
    // A list of kubectl's shows no kind of which there is nothing.
    (because.len() == KINDS.len()).then(|| Verdict::Unknown { because: because.join("; ") })
}

/// OpenKruise's own configurations: `kruise-mutating-webhook-configuration` and its twin.
fn is_kruise(configuration: &ObjectRef) -> bool {
    configuration.name.starts_with("kruise-") && configuration.name.ends_with("-webhook-configuration")
}

fn down(evidence: &Evidence) -> Verdict {
    unready(evidence, |configuration| !is_kruise(configuration))
}

fn kruise_down(evidence: &Evidence) -> Verdict {
    unready(evidence, is_kruise)
}

/// Webhooks with nobody behind them, and what was refused for them; only those that a check is about.
fn unready(evidence: &Evidence, concerns: impl Fn(&ObjectRef) -> bool) -> Verdict {
    let verdict = judge(evidence, "X001", |configuration, hook, service| {
        evidence.snapshot.get(service)?;
        (ready_endpoints(service, evidence)? == 0).then(|| {
            let message = format!(
                "the admission webhook {} must be asked and cannot be: no pod behind its Service {}/{} is ready, so {}",
                text(hook, "/name").unwrap_or_default(),
                service.namespace.as_deref().unwrap_or_default(),
                service.name,
                consequence(hook)
            );
            let severity = if concerns_pods(hook) { Severity::Critical } else { Severity::Error };
            found(configuration, &message, Some(service)).severity(severity)
        })
    });
    let looked = required(evidence).iter().filter(|(configuration, ..)| concerns(configuration)).count();
    match verdict {
        Verdict::Found { findings, .. } => {
            Verdict::of(looked, findings.into_iter().filter(|finding| concerns(&finding.object)).collect())
        }
        Verdict::Pass { .. } => Verdict::Pass { looked },
        unknown @ Verdict::Unknown { .. } => unknown,
    }
}

fn no_service(evidence: &Evidence) -> Verdict {
    judge(evidence, "X002", |configuration, hook, service| {
        let namespace = service.namespace.as_deref().unwrap_or_default();
        let live = evidence.snapshot.get(service);
        let port = number(hook, "/clientConfig/service/port").unwrap_or(443);
        let what = match live {
            None if evidence.knows("Service", namespace) => "does not exist".to_owned(),
            Some(live) if !items(live, "/spec/ports").any(|one| number(one, "/port") == Some(port)) => {
                format!("has no port {port}")
            }
            _ => return None,
        };
        let message = format!(
            "the admission webhook {} must be asked and cannot be: its Service {namespace}/{} {what}, so {}",
            text(hook, "/name").unwrap_or_default(),
            service.name,
            consequence(hook)
        );
        Some(found(configuration, &message, None))
    })
}

/// What is found in the configurations, and what objects have already been refused for; one finding for each configuration.
fn judge(evidence: &Evidence, id: &str, look: impl Fn(&ObjectRef, &Value, &ObjectRef) -> Option<Finding>) -> Verdict {
    if let Some(unknown) = gap(evidence) {
        return unknown;
    }
    let hooks = required(evidence);
    let mut findings: Vec<Finding> = Vec::new();
    for (configuration, hook, service) in &hooks {
        let finding = look(configuration, hook, service);
        findings.extend(finding.filter(|one| !findings.iter().any(|known| known.object == one.object)));
    }
    findings.extend(evidence.survey().findings(id));
    Verdict::of(hooks.len(), findings)
}

/// The reason is that of the refused objects' events, so that both are one finding. `service`: the one that should answer, where it is there.
fn found(configuration: &ObjectRef, message: &str, service: Option<&ObjectRef>) -> Finding {
    let kind = configuration.kind.to_lowercase();
    let back = match service.and_then(|service| service.namespace.as_deref()) {
        Some(namespace) => format!("Bring its server back, `kubectl get pods -n {namespace}`"),
        None => "Install again what it belongs to".to_owned(),
    };
    let fix = format!(
        "{back}; or take the configuration away when nobody needs it: `kubectl delete {kind} {}`.",
        configuration.name
    );
    Finding::new(configuration.clone(), "FailedCallingWebhook", message).fix(fix)
}

fn concerns_pods(hook: &Value) -> bool {
    let narrow = hook.pointer("/namespaceSelector/matchLabels").is_some();
    !narrow && resources(hook).iter().any(|resource| matches!(*resource, "pods" | "*" | "*/*"))
}

fn resources(hook: &Value) -> Vec<&str> {
    items(hook, "/rules").flat_map(|rule| items(rule, "/resources")).filter_map(Value::as_str).collect()
}

fn consequence(hook: &Value) -> String {
    let mut resources = resources(hook);
    resources.dedup();
    match resources.as_slice() {
        [] => "nothing that it is asked about can be written".to_owned(),
        all if all.iter().any(|resource| matches!(*resource, "*" | "*/*")) => "nobody can write anything".to_owned(),
        _ => format!("nobody can write {}", resources.join(", ")),
    }
}
