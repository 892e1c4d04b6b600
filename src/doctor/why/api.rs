//! What was added to the API: definitions, added APIs, webhooks, policies of admission.

use serde_json::Value;

use super::case::{Case, Said, Trouble, counted, some, words};
use crate::doctor::stall::Look;
use crate::doctor::tree::served_by;
use crate::object::{ObjectRef, items, text};

/// A `CustomResourceDefinition`.
pub(super) fn definition(case: &Case<'_>) -> Said {
    let kind = case.text("/spec/names/kind").unwrap_or_default();
    let scope = if case.text("/spec/scope") == Some("Namespaced") { "in namespaces" } else { "of the whole cluster" };
    let served: Vec<&str> =
        case.items("/spec/versions").filter(|one| one["served"] == true).filter_map(|one| text(one, "/name")).collect();
    let stored: Vec<&str> = case.items("/status/storedVersions").filter_map(Value::as_str).collect();
    let word = if crate::object::is_true(case.live, "Established") { "served" } else { "not served" };
    let gone: Vec<&str> = stored
        .iter()
        .copied()
        .filter(|stored| !case.items("/spec/versions").any(|one| one["name"] == *stored))
        .collect();
    let old = (stored.len() > 1).then(|| format!("objects may still be stored as {}", stored.join(", ")));
    let converts = case.text("/spec/conversion/strategy") == Some("Webhook");
    let converter = case.live.pointer("/spec/conversion/webhook/clientConfig/service").and_then(|service| {
        Some(ObjectRef::new("v1", "Service", text(service, "/namespace"), text(service, "/name")?))
    });
    let converts = converts.then(|| match converter.as_ref() {
        Some(service) => format!("by {}, {}", service, answers(case, service)),
        None => "by a webhook outside".to_owned(),
    });
    let lost = (!gone.is_empty()).then(|| {
        Trouble::new(format!("objects are stored in a version that it has no more: {}", some(&gone)))
            .fix("Put the version back with `served: false`, and rewrite the objects before it goes.")
    });
    let clash = case.condition("NamesAccepted").filter(|one| one["status"] == "False");
    let clash = clash.map(|one| Trouble::new(format!("its names are taken: {}", words(one))));
    Said::new(format!("{kind}, {scope}, {word} in {}", some(&served)))
        .note("stored", old)
        .note("converted", converts)
        .wrong(clash)
        .wrong(lost)
}

/// Whether anybody is ready behind a Service.
fn answers(case: &Case<'_>, service: &ObjectRef) -> String {
    if case.lacks(service) {
        return "which is not there".to_owned();
    }
    let Some(live) = case.snapshot().get(service) else { return "which was not read".to_owned() };
    let pods: Vec<&Value> = Look::pods_of(live, case.snapshot()).filter(|pod| !crate::object::has_ended(pod)).collect();
    let ready = pods.iter().filter(|pod| crate::object::is_true(pod, "Ready")).count();
    match pods.len() {
        0 => "behind which is no pod".to_owned(),
        all => format!("{ready} of {} ready", counted(all, "pod")),
    }
}

/// An `APIService`.
pub(super) fn service(case: &Case<'_>) -> Said {
    let available = case.condition("Available");
    let word = match available.and_then(|one| text(one, "/status")) {
        Some("True") => "available".to_owned(),
        Some(_) => available.map(|one| format!("not available: {}", words(one))).unwrap_or_default(),
        None => "not available yet".to_owned(),
    };
    let by = served_by(case.live).next();
    let by = by.map_or_else(
        || "the API server itself, or a definition".to_owned(),
        |service| format!("{service}, {}", answers(case, &service)),
    );
    Said::new(word).note("answered", format!("by {by}"))
}

/// A configuration of webhooks.
pub(super) fn webhooks(case: &Case<'_>) -> Said {
    let hooks: Vec<&Value> = case.items("/webhooks").collect();
    let strict = hooks.iter().filter(|hook| text(hook, "/failurePolicy") != Some("Ignore")).count();
    let mut said = Said::new(format!(
        "{}, {strict} of which {} what they cannot be asked about",
        counted(hooks.len(), "webhook"),
        if strict == 1 { "refuses" } else { "refuse" }
    ));
    let mut services: Vec<ObjectRef> = served_by(case.live).collect();
    services.sort();
    services.dedup();
    for service in &services {
        let answers = answers(case, service);
        let is_amiss = answers.starts_with("0 ") || answers.starts_with("behind") || answers.ends_with("not there");
        let line = format!("by {service}, {answers}");
        said = if is_amiss { said.amiss("answered", line) } else { said.note("answered", line) };
    }
    let outside: Vec<&str> = hooks.iter().filter_map(|hook| text(hook, "/clientConfig/url")).collect();
    let asked: Vec<String> = hooks.iter().flat_map(|hook| items(hook, "/rules")).map(rule).collect();
    said.note("answered", (!outside.is_empty()).then(|| format!("from outside: {}", some(&outside))))
        .note("asked", (!asked.is_empty()).then(|| some(&asked)))
}

/// `CREATE of pods`.
fn rule(rule: &Value) -> String {
    let list = |field: &str| items(rule, field).filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    format!("{} of {}", list("/operations"), list("/resources"))
}

/// A `ValidatingAdmissionPolicy`.
pub(super) fn policy(case: &Case<'_>) -> Said {
    let refuses = case.text("/spec/failurePolicy") != Some("Ignore");
    let on_error = if refuses { "refuses what it cannot judge" } else { "lets pass what it cannot judge" };
    let warnings: Vec<&str> =
        case.items("/status/typeChecking/expressionWarnings").filter_map(|one| text(one, "/fieldRef")).collect();
    let bound = case.snapshot().of_kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding");
    let bound = bound.filter(|binding| text(binding, "/spec/policyName") == Some(&case.object.name)).count();
    let read = case.evidence.looked_for(&ObjectRef::new(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        None,
        "",
    ));
    let idle = (read && bound == 0).then(|| "nothing binds it: it judges nothing".to_owned());
    Said::new(format!("{}, {on_error}", counted(case.items("/spec/validations").count(), "validation")))
        .amiss("types", (!warnings.is_empty()).then(|| format!("expressions that do not fit: {}", some(&warnings))))
        .note("bound", idle.or((bound > 0).then(|| format!("by {}", counted(bound, "binding")))))
}

/// A `ValidatingAdmissionPolicyBinding`.
pub(super) fn policy_binding(case: &Case<'_>) -> Said {
    let name = case.text("/spec/policyName").unwrap_or_default();
    let actions: Vec<&str> = case.items("/spec/validationActions").filter_map(Value::as_str).collect();
    let policy = ObjectRef::new("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", None, name);
    let lost =
        case.lacks(&policy).then(|| Trouble::new(format!("its policy `{name}` is not there: it judges nothing")));
    Said::new(format!("puts {name} into force: {}", actions.join(", "))).wrong(lost)
}

/// A `CertificateSigningRequest`.
pub(super) fn signing(case: &Case<'_>) -> Said {
    let condition = |kind: &str| case.condition(kind);
    let who = case.text("/spec/username").unwrap_or("somebody");
    let state = if case.text("/status/certificate").is_some() {
        "issued"
    } else if condition("Denied").is_some() {
        "denied"
    } else if condition("Failed").is_some() {
        "failed"
    } else if condition("Approved").is_some() {
        "approved, not signed yet"
    } else {
        "waits for somebody to approve it"
    };
    let no = condition("Denied")
        .or_else(|| condition("Failed"))
        .map(|one| Trouble::new(format!("the request was refused: {}", words(one))));
    Said::new(format!("{state}, asked for by {who}, signer {}", case.text("/spec/signerName").unwrap_or("unknown")))
        .wrong(no)
}

/// Flow control: a `FlowSchema` or a `PriorityLevelConfiguration`.
pub(super) fn flow(case: &Case<'_>) -> Said {
    if case.object.kind == "FlowSchema" {
        let level = case.text("/spec/priorityLevelConfiguration/name").unwrap_or_default();
        let order = case.count("/spec/matchingPrecedence");
        let lost = case.condition("Dangling").filter(|one| one["status"] == "True").map(words);
        let lost = lost.map(|why| Trouble::new(format!("its priority level `{level}` is not there: {why}")));
        return Said::new(format!("sends requests to the priority level {level}, order {order}")).wrong(lost);
    }
    let shares = case.number("/spec/limited/nominalConcurrencyShares");
    let limit = shares.map_or_else(|| "without limit".to_owned(), |shares| format!("{shares} shares"));
    let queues = case.number("/spec/limited/limitResponse/queuing/queues").map(|count| format!("{count} queues"));
    Said::new(limit).note("queues", queues)
}
