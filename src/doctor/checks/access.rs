//! What programs and nodes are not allowed to.

use serde_json::Value;

use super::{each_that, flag, is_true, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::{Evidence, logs};
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::{between, clip, in_namespace};
use crate::object::{ObjectRef, has_ended, items, text};

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("R004", Severity::Error, "a program lacks a right in the Kubernetes API"),
        [
            "The last words of the program are the API server's refusal: its service account has no role that allows what it does.",
            "Make a role with that verb and resource, `kubectl create role`, and bind it to the account: `kubectl create rolebinding`.",
            "a pod that is ready: what it was refused once does not keep it from its work.",
        ],
        &["Pod"],
        forbidden,
    ),
    looks(
        ("F004", Severity::Error, "the Secret with which a pod pulls its images is no use"),
        [
            "The pod names a Secret for the registry (`imagePullSecrets`) that is not there, or is none for a registry, and its image cannot be \
            pulled.",
            "Create it: `kubectl create secret docker-registry NAME --docker-server=HOST --docker-username=USER --docker-password=PASSWORD`.",
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
        // Logs of most programs have it as a quoted text.
        let mut lines = logs(pod).flat_map(|(_, log)| log.lines().rev()).map(|line| line.replace('\\', ""));
        let line = lines.find(|line| line.contains(REFUSED))?;
        let refusal = Refusal::of(&line)?;
        let message = format!("its service account {}", refusal.words());
        Some(Finding::new(reference, "Forbidden", message).fix(refusal.fix()).saw(clip(&line)))
    })
}

/// What the API server refuses a program.
struct Refusal<'a> {
    /// `NAMESPACE:NAME` of the service account.
    account: &'a str,
    verb: &'a str,
    what: Asked<'a>,
    /// Where; in no namespace it was asked for in the whole cluster.
    namespace: Option<&'a str>,
}

enum Asked<'a> {
    /// With its group where it has one, and its part: `deployments.apps/scale`.
    Resource(String),
    /// Of the API server itself: `/metrics`.
    Path(&'a str),
}

impl<'a> Refusal<'a> {
    /// `... User "system:serviceaccount:a:agent" cannot list resource "pods" in API group "" in the namespace "a"`.
    fn of(line: &'a str) -> Option<Self> {
        let resource = between(line, "resource \"", "\"").map(|resource| {
            let (resource, part) = resource.split_once('/').map_or((resource, None), |(kind, part)| (kind, Some(part)));
            let group = between(line, "API group \"", "\"").filter(|group| !group.is_empty());
            let group = group.map(|group| format!(".{group}")).unwrap_or_default();
            Asked::Resource(format!("{resource}{group}{}", part.map(|part| format!("/{part}")).unwrap_or_default()))
        });
        Some(Self {
            account: between(line, REFUSED, "\"")?,
            verb: between(line, "cannot ", " ")?,
            what: resource.or_else(|| Some(Asked::Path(between(line, "path \"", "\"")?)))?,
            namespace: between(line, "in the namespace \"", "\""),
        })
    }

    fn words(&self) -> String {
        let place = self.namespace.map_or("in the whole cluster".to_owned(), |one| format!("in the namespace {one}"));
        let who = self.account.replacen(':', "/", 1);
        match &self.what {
            Asked::Resource(resource) => format!("{who} may not {} {resource} {place}", self.verb),
            Asked::Path(path) => format!("{who} may not {} {path}", self.verb),
        }
    }

    /// The two commands that give the right, for the namespace or for the whole cluster.
    fn fix(&self) -> String {
        let Asked::Resource(resource) = &self.what else {
            return "Give the account the right to that path, if it is to have it: a ClusterRole with `nonResourceURLs`.".to_owned();
        };
        let kind = if self.namespace.is_some() { "role" } else { "clusterrole" };
        let place = in_namespace(self.namespace);
        let (verb, account) = (self.verb, self.account);
        let name =
            format!("{}-{verb}-{}", account.replace(':', "-"), resource.split(['.', '/']).next().unwrap_or_default());
        format!(
            "Give it the right, if it is to have it: `kubectl create {kind} {name} --verb={verb} --resource={resource}{place}`, then \
            `kubectl create {kind}binding {name} --{kind}={name} --serviceaccount={account}{place}`."
        )
    }
}

fn no_login(evidence: &Evidence) -> Verdict {
    let names_one = |pod: &Value| items(pod, "/spec/imagePullSecrets").next().is_some();
    each_that(evidence, ("", "Pod"), names_one, |pod, reference| {
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        if !is_kept_from_pulling(pod) || !evidence.knows("Secret", namespace) {
            return None;
        }
        let mut names = items(pod, "/spec/imagePullSecrets").filter_map(|secret| text(secret, "/name"));
        let (name, what) = names.find_map(|name| Some((name, fault(name, namespace, evidence)?)))?;
        let message = format!("it pulls its images with the Secret `{name}`, {what}");
        let fix = format!(
            "Create it: `kubectl create secret docker-registry {name}{} --docker-server=HOST --docker-username=USER --docker-password=PASSWORD`.",
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
