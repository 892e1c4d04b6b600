//! `ConfigMap` and Secret: who uses them, and which keys are missing that somebody refers to. Never a value.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Said, Trouble, counted, some};
use crate::doctor::evidence::Certificate;
use crate::doctor::stall::words::{seconds, span};
use crate::object::{ObjectRef, has_ended, items, text};
use crate::references::{Named, Need, of_pods};

/// The kinds that make pods, and where their pods are described.
const MAKERS: &[(&str, &str, &str)] = &[
    ("", "Pod", "/spec"),
    ("apps", "Deployment", "/spec/template/spec"),
    ("apps", "StatefulSet", "/spec/template/spec"),
    ("apps", "DaemonSet", "/spec/template/spec"),
    ("batch", "Job", "/spec/template/spec"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
];

/// A `ConfigMap` or a Secret.
pub(super) fn holder(case: &Case<'_>) -> Said {
    let (kind, name) = (case.object.kind.as_str(), case.object.name.as_str());
    let keys: BTreeSet<&str> = ["data", "binaryData", "stringData"]
        .into_iter()
        .flat_map(|part| case.live.get(part).and_then(Value::as_object).into_iter().flatten())
        .map(|(key, _)| key.as_str())
        .collect();
    let mut users = BTreeSet::new();
    let mut lost: Vec<(ObjectRef, &str)> = Vec::new();
    for (group, maker, place) in MAKERS {
        for user in case.snapshot().in_namespace(group, maker, case.namespace()).filter(|one| !has_ended(one)) {
            let (Some(spec), Some(reference)) = (user.pointer(place), ObjectRef::of(user)) else { continue };
            let own: Vec<Named<'_>> =
                of_pods(spec).into_iter().filter(|one| one.kind == kind && one.name == name).collect();
            if own.is_empty() {
                continue;
            }
            let asked = own.iter().filter(|one| one.need == Need::Required).filter_map(|one| one.key);
            let missing = asked.filter(|key| !keys.contains(key));
            lost.extend(missing.map(|key| (reference.clone(), key)));
            // What made a pod stands for it.
            users.insert(crate::doctor::survey::top(&reference, case.snapshot()).short());
        }
    }
    let ingresses = case.snapshot().in_namespace("networking.k8s.io", "Ingress", case.namespace());
    let ways = ingresses.filter(|ingress| {
        kind == "Secret" && items(ingress, "/spec/tls").any(|tls| text(tls, "/secretName") == Some(name))
    });
    users.extend(ways.filter_map(ObjectRef::of).map(|ingress| ingress.short()));
    let users: Vec<String> = users.into_iter().collect();
    let what = case.text("/type").filter(|kind| *kind != "Opaque").map(|kind| format!("{kind}, ")).unwrap_or_default();
    let fixed = if case.live["immutable"] == true { ", cannot be changed" } else { "" };
    let used = match users.len() {
        0 => "used by nobody that is seen".to_owned(),
        many => format!("used by {}", counted(many, "object")),
    };
    let names: Vec<&str> = keys.iter().copied().collect();
    let trouble = lost.first().map(|(user, key)| {
        let fix = format!("Add the key, or correct its name in {}.", user.short());
        Trouble::new(format!("{} refers to the key `{key}`, which is not in it", user.short())).fix(fix)
    });
    let mut missing: Vec<&str> = lost.iter().map(|(_, key)| *key).collect();
    missing.sort_unstable();
    missing.dedup();
    let certificate = certificate(case, case.live);
    let account = (case.text("/type") == Some("kubernetes.io/service-account-token"))
        .then(|| {
            case.live["metadata"]["annotations"]["kubernetes.io/service-account.name"].as_str().unwrap_or_default()
        })
        .map(|name| format!("of ServiceAccount/{name}"));
    Said::new(format!("{what}{}{fixed}, {used}", counted(keys.len(), "key")))
        .amiss("missing", (!missing.is_empty()).then(|| some(&missing)))
        .note("certificate", certificate)
        .note("used by", (!users.is_empty()).then(|| some(&users)))
        .note("keys", (!names.is_empty()).then(|| some(&names)))
        .note("token", account)
        .wrong(trouble)
}

/// For how long the certificate of a Secret is valid.
pub(super) fn certificate(case: &Case<'_>, secret: &Value) -> Option<String> {
    let facts = secret.get(Certificate::PLACE)?;
    if let Some(why) = text(facts, "/error") {
        return Some(format!("cannot be read: {why}"));
    }
    let until: jiff::Timestamp = text(facts, "/until")?.parse().ok()?;
    let now = case.evidence.taken;
    let subject = text(facts, "/subject").unwrap_or_default();
    Some(if until < now {
        format!("{subject} expired {} ago", span(seconds(until, now)))
    } else {
        format!("{subject} is valid for another {}", span(seconds(now, until)))
    })
}
