//! What programs and nodes are not allowed to.

use serde_json::Value;

use super::{each_that, flag, is_true, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::{Evidence, logs};
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::{between, clip};
use crate::object::{ObjectRef, has_ended, items, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("R004", Severity::Error, "a program lacks a right in the Kubernetes API"),
        [
            "The last words of the program are the API server's refusal: its service account has no role that allows what it does.",
            "Bind a role with that verb and resource to the account.",
            "a pod that is ready: what it was refused once does not keep it from its work.",
        ],
        &["Pod"],
        forbidden,
    ),
    looks(
        ("F004", Severity::Error, "the Secret with which a pod pulls its images is missing"),
        [
            "The pod names a Secret for the registry (`imagePullSecrets`) that is not there or is none for a registry, and its image is refused.",
            "Create it: `kubectl create secret docker-registry NAME --docker-server=HOST --docker-username=USER --docker-password=...`.",
            "a pod whose images are on the node already: the missing Secret is not needed now.",
        ],
        &["Pod", "Secret"],
        no_login,
    ),
];

const REFUSED: &str = "is forbidden: User \"system:serviceaccount:";

fn forbidden(evidence: &Evidence) -> Verdict {
    let speaks = |pod: &Value| logs(pod).next().is_some();
    each_that(evidence, ("", "Pod"), speaks, |pod, reference| {
        if is_true(pod, "Ready").is_some() || has_ended(pod) {
            return None;
        }
        let mut lines = logs(pod).flat_map(|(_, log)| log.lines().rev());
        let line = lines.find(|line| line.contains(REFUSED))?;
        let account = between(line, REFUSED, "\"")?.replacen(':', "/", 1);
        let verb = between(line, "cannot ", " ")?;
        let resource = between(line, "resource \"", "\"").unwrap_or("what it asks for");
        let message = format!("its service account {account} may not {verb} {resource}");
        let fix = format!(
            "Give it the right: `kubectl create role {resource}-{verb} --verb={verb} --resource={resource}{}`, then a role binding for the account.",
            flag(&reference)
        );
        Some(Finding::new(reference, "Forbidden", message).saw(clip(line)).fix(fix))
    })
}

fn no_login(evidence: &Evidence) -> Verdict {
    let names_one = |pod: &Value| items(pod, "/spec/imagePullSecrets").next().is_some();
    each_that(evidence, ("", "Pod"), names_one, |pod, reference| {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        if !is_kept_from_pulling(pod) || !evidence.knows("Secret", namespace) {
            return None;
        }
        let names = items(pod, "/spec/imagePullSecrets").filter_map(|secret| text(secret, "/name"));
        let (name, what) = names.filter_map(|name| Some((name, fault(name, namespace, evidence)?))).next()?;
        let message = format!("it pulls its images with the Secret `{name}`, {what}");
        let fix = format!(
            "Create it: `kubectl create secret docker-registry {name}{} --docker-server=HOST --docker-username=USER --docker-password=...`.",
            flag(&reference)
        );
        Some(Finding::new(reference, "NoPullSecret", message).fix(fix))
    })
}

fn is_kept_from_pulling(pod: &Value) -> bool {
    let statuses = items(pod, "/status/containerStatuses").chain(items(pod, "/status/initContainerStatuses"));
    let mut reasons = statuses.filter_map(|status| text(status, "/state/waiting/reason"));
    reasons.any(|reason| matches!(reason, "ErrImagePull" | "ImagePullBackOff"))
}

/// Why nobody can log in with a Secret.
fn fault(name: &str, namespace: &str, evidence: &Evidence) -> Option<&'static str> {
    let Some(secret) = evidence.snapshot.get(&ObjectRef::new("v1", "Secret", Some(namespace), name)) else {
        return Some("which does not exist");
    };
    let kind = text(secret, "/type").unwrap_or_default();
    (!matches!(kind, "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg"))
        .then_some("which is none for a registry")
}
