//! The words of admission: quotas, limits, policies, webhooks, accounts.

use crate::doctor::stall::words::{between, clip, has_any, in_namespace, stuck, word_after};
use crate::doctor::{Cause, Outlook};
use crate::object::ObjectRef;

/// The reason of a denial by a policy.
pub(super) const DENIED: &str = "AdmissionDenied";

/// What admission refused, if that is what the message is about. The namespace is that of the refused object.
pub(in crate::doctor) fn told(said: &str, namespace: Option<&str>) -> Option<Cause> {
    // From the widest to the narrowest: a webhook's own words are behind its name and may hold any of the others'.
    [webhook_fails, denied, quota, unlimited, pod_security, account, priority, limits, namespace_ends, ports, resize]
        .iter()
        .find_map(|rule| rule(said, namespace))
}

fn webhook_fails(said: &str, _: Option<&str>) -> Option<Cause> {
    let name = between(said, "failed calling webhook \"", "\"")?;
    let detail = said.split_once("failed to call webhook: ").map_or(said, |(_, rest)| rest);
    // The request's address holds words too: `?timeout=10s`.
    let answer = detail.split_once("\": ").map_or(detail, |(_, rest)| rest);
    let lower = answer.to_lowercase();
    let (id, what) = if lower.contains("x509") {
        ("X003", "its certificate does not fit the `caBundle`")
    } else if lower.contains("service \"") && lower.contains("not found") {
        ("X002", "its Service does not exist")
    } else if lower.contains("no endpoints available") {
        ("X001", "no pod of it is ready")
    } else if has_any(&lower, &["deadline exceeded", "timeout"]) {
        ("X005", "it does not answer in time")
    } else {
        ("X001", "it cannot be reached")
    };
    let message = format!("the admission webhook {name} must be asked and cannot be: {what}: {answer}");
    let remedy = "Repair the webhook's server, or set its `failurePolicy` to Ignore: `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`.";
    Some(stuck(None, "FailedCallingWebhook", message).id(id).remedy(remedy))
}

fn resize(said: &str, _: Option<&str>) -> Option<Cause> {
    let name = between(said, "persistentvolumeclaims \"", "\"")?;
    let fixed = said.contains("only dynamically provisioned pvc can be resized");
    let message = format!("the claim {name} cannot be made larger: its storage class does not allow that");
    let remedy = "Keep the size that it has; or, where the provisioner can enlarge volumes, set `allowVolumeExpansion: true` in the StorageClass.";
    fixed.then(|| stuck(None, "NotExpandable", message).id("claim-larger").remedy(remedy).outlook(Outlook::Final))
}

fn denied(said: &str, _: Option<&str>) -> Option<Cause> {
    let by_webhook = || Some((between(said, "admission webhook \"", "\"")?, said.split_once("denied the request")?.1));
    let by_policy = || Some((between(said, "ValidatingAdmissionPolicy '", "'")?, said.split_once("denied request")?.1));
    let (name, why) = by_webhook().or_else(by_policy)?;
    let why = why.trim_start_matches([':', ' ']);
    let why = if why.is_empty() { "it gives no reason" } else { why };
    let message = format!("the policy {name} of this cluster denies it: {why}");
    Some(
        stuck(None, DENIED, message)
            .id("X013")
            .remedy("Change the values so that the policy is kept, or ask for an exception."),
    )
}

fn quota(said: &str, namespace: Option<&str>) -> Option<Cause> {
    let name = word_after(said, "exceeded quota: ")?;
    let part = |mark, end: &str| between(said, mark, end).unwrap_or_default().trim();
    let (asked, used) = (part("requested: ", ", used:"), part(", used: ", ", limited:"));
    let limit = said.split_once("limited: ").map_or("", |(_, rest)| rest).trim();
    let message = format!("the quota `{name}` is used up: asked for {asked}, in use {used}, limit {limit}");
    let remedy = format!(
        "Raise the quota, `kubectl edit resourcequota {name}{}`, or lower what the values ask for.",
        in_namespace(namespace)
    );
    Some(about(stuck(None, "ExceededQuota", message).id("Q001").remedy(remedy), "ResourceQuota", namespace, name))
}

fn unlimited(said: &str, namespace: Option<&str>) -> Option<Cause> {
    let name = word_after(said, "failed quota: ")?;
    let (_, what) = said.split_once("must specify ")?;
    let message = format!("the quota `{name}` wants every container to say {}", clip(what));
    let remedy = "Set the containers' resources in the values, or give the namespace a LimitRange with defaults.";
    let cause = stuck(None, "FailedQuota", message).id("Q003").remedy(remedy).outlook(Outlook::Final);
    Some(about(cause, "ResourceQuota", namespace, name))
}

fn pod_security(said: &str, namespace: Option<&str>) -> Option<Cause> {
    let level = between(said, "violates PodSecurity \"", "\"")?;
    let (_, what) = said.split_once("violates PodSecurity ")?;
    let what = what.split_once("\": ").map_or(what, |(_, rest)| rest);
    let name = namespace.unwrap_or_default();
    // A message has room for a sentence; what has to be changed is not cut out of its middle.
    let (told, changes) =
        if what.chars().count() > ROOM { (rules(what), format!(": {what}")) } else { (what.to_owned(), String::new()) };
    let message = format!("the namespace {name} enforces the pod security level {level}: {told}");
    let remedy = format!(
        "Change the pods' securityContext{changes}; or label the namespace: `kubectl label namespace {name} pod-security.kubernetes.io/enforce=privileged --overwrite`."
    );
    let cause = stuck(None, "PodSecurity", message).id("Z004").remedy(remedy).outlook(Outlook::Final);
    Some(cause.about(ObjectRef::new("v1", "Namespace", None, name)))
}

/// What of a refusal for the security of pods still fits into a message.
const ROOM: usize = 160;

/// The rules that are broken, without what stands in brackets behind each: who breaks it, and how.
fn rules(what: &str) -> String {
    let mut depth = 0_usize;
    let outside = what.chars().filter(|letter| {
        depth += usize::from(*letter == '(');
        let is_outside = depth == 0;
        depth -= usize::from(*letter == ')' && depth > 0);
        is_outside
    });
    outside.collect::<String>().replace(" ,", ",").trim().to_owned()
}

fn account(said: &str, namespace: Option<&str>) -> Option<Cause> {
    let name = between(said, "serviceaccount \"", "\" not found")?;
    let message = format!("the service account `{name}` of the pods does not exist");
    let remedy = format!(
        "Create it, `kubectl create serviceaccount {name}{}`, or correct its name in the values.",
        in_namespace(namespace)
    );
    Some(about(
        stuck(None, "ServiceAccountNotFound", message).id("R003").remedy(remedy),
        "ServiceAccount",
        namespace,
        name,
    ))
}

fn priority(said: &str, _: Option<&str>) -> Option<Cause> {
    let name = word_after(said, "no PriorityClass with name ")?;
    let cause = stuck(None, "PriorityClassNotFound", format!("the priority class `{name}` of the pods does not exist"));
    let remedy =
        format!("Create it, `kubectl create priorityclass {name} --value=1000`, or correct its name in the values.");
    Some(cause.id("W004").remedy(remedy).about(ObjectRef::new("scheduling.k8s.io/v1", "PriorityClass", None, name)))
}

fn limits(said: &str, namespace: Option<&str>) -> Option<Cause> {
    let start =
        ["maximum ", "minimum ", "max limit to request ratio"].iter().filter_map(|mark| said.find(mark)).min()?;
    if !said[start..].contains(" per ") || !said.contains("is forbidden") {
        return None;
    }
    let message = format!("a LimitRange of the namespace forbids it: {}", clip(&said[start..]));
    let remedy = format!(
        "Change resources in the values, or the LimitRange: `kubectl get limitrange{} -o yaml`.",
        in_namespace(namespace)
    );
    Some(stuck(None, "LimitRange", message).id("Q004").remedy(remedy).outlook(Outlook::Final))
}

fn namespace_ends(said: &str, namespace: Option<&str>) -> Option<Cause> {
    if !said.contains("because it is being terminated") {
        return None;
    }
    let name = between(said, "in namespace ", " because").or(namespace).unwrap_or_default();
    let message = format!("the namespace {name} is being deleted, so nothing new can be made in it");
    let remedy = format!("Wait until it is gone: `kubectl get namespace {name} -o yaml` says what holds it.");
    Some(stuck(None, "NamespaceTerminating", message).id("T001").remedy(remedy).about(ObjectRef::new(
        "v1",
        "Namespace",
        None,
        name,
    )))
}

fn ports(said: &str, _: Option<&str>) -> Option<Cause> {
    let what = [
        "provided port is already allocated",
        "provided port is not in the valid range",
        "provided IP is already allocated",
    ]
    .into_iter()
    .find(|what| said.contains(what))?;
    let value = word_after(said, "Invalid value: ").map(|value| format!(" {value}")).unwrap_or_default();
    let (kind, field) = if what.contains("IP") { ("address", "clusterIP") } else { ("node port", "nodePort") };
    let what = if what.contains("range") { "outside the cluster's range" } else { "taken by another Service" };
    let message = format!("the {kind}{value} is {what}: {}", clip(said));
    let remedy = format!("Choose another `{field}` in the values, or none; see `kubectl get services -A`.");
    Some(stuck(None, "PortAllocated", message).id("SV008").remedy(remedy).outlook(Outlook::Final))
}

fn about(cause: Cause, kind: &str, namespace: Option<&str>, name: &str) -> Cause {
    cause.about(ObjectRef::new("v1", kind, namespace, name))
}
