//! The way from what is waited for to the root.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::choose::{among, at_one};
use super::{Site, Subject, rules};
use crate::doctor::{Cause, Outlook, revisions};
use crate::engine::ready::judge::{Readiness, judge};
use crate::object::{ObjectRef, has_ended, items, text};
use crate::snapshot::Snapshot;

pub(super) fn from(waited: &ObjectRef, snapshot: &Snapshot, now: Timestamp) -> Option<Cause> {
    let object = snapshot.get(waited)?;
    let site = Site::new(object, snapshot, now)?;
    let found = match waited.kind.as_str() {
        "Pod" => pod(&site),
        "PersistentVolumeClaim" => match claim(&site) {
            Some(found) if found.outlook > Outlook::Passing => Some(found),
            Some(found) => Some(weightier(consumers(&site), found)),
            None => consumers(&site),
        },
        // Whether its pods are ready is nothing to whoever gives a Service its address.
        "Service" if super::endpoints::wants_address(&site) => None,
        _ => {
            let mut causes = Vec::new();
            below(&site, &mut BTreeSet::new(), &mut causes);
            among(causes)
        }
    };
    // What is waited for knows itself better than what is below it once it gave up, or when nothing below says anything.
    let top = || at_one(rules(Subject::Top).filter_map(|rule| rule.look(&site)));
    match found {
        Some(found) if super::job::gave_up(object) => Some(super::job::final_now(found)),
        Some(found) if found.outlook == Outlook::Passing => Some(weightier(top(), found)),
        Some(found) => Some(found),
        None => top(),
    }
}

/// Something that passes counts unless the other weighs more.
fn weightier(other: Option<Cause>, found: Cause) -> Cause {
    match other {
        Some(other) if other.outlook > found.outlook => other,
        _ => found,
    }
}

/// Everything below an object that makes pods, by whatever chain of owners.
fn below(site: &Site<'_>, seen: &mut BTreeSet<*const Value>, causes: &mut Vec<Cause>) {
    // Owners that own each other would have no end.
    if !seen.insert(std::ptr::from_ref(site.object)) {
        return;
    }
    // A Deployment repeats what its ReplicaSet says.
    if site.reference.kind != "Deployment" {
        causes.extend(at_one(rules(Subject::Maker).filter_map(|rule| rule.look(site))));
    }
    let children = children(site);
    let live = children.iter().filter(|child| !is_over(child)).count();
    for child in children {
        // A pod that was evicted or refused stays as a record; once its replacement is there it explains nothing.
        if is_over(child) && live > 0 && site.reference.kind != "Job" {
            continue;
        }
        if child["kind"] == "Pod" && is_ready(child, site) {
            continue;
        }
        let Some(child) = site.to(child) else { continue };
        match child.reference.kind.as_str() {
            "Pod" => causes.extend(pod(&child).map(|cause| super::rollout::of_pod(site, &child, cause))),
            "PersistentVolumeClaim" => causes.extend(claim(&child)),
            _ => below(&child, seen, causes),
        }
    }
}

fn is_ready(object: &Value, site: &Site<'_>) -> bool {
    matches!(judge(object, site.snapshot), Readiness::Ready { .. })
}

/// Whether a pod has ended for good.
fn is_over(object: &Value) -> bool {
    object["kind"] == "Pod" && has_ended(object)
}

fn children<'a>(site: &Site<'a>) -> Vec<&'a Value> {
    match site.reference.kind.as_str() {
        "Deployment" => revisions::newest(site.object, site.snapshot).into_iter().collect(),
        "Service" => super::endpoints::pods_of(site.object, site.snapshot).collect(),
        "APIService" => super::api::service_of(site.object, site.snapshot)
            .map(|service| super::endpoints::pods_of(service, site.snapshot).collect())
            .unwrap_or_default(),
        _ => site.snapshot.owned_by(site.object).collect(),
    }
}

/// What is wrong with a pod; nothing while it is ready. How the containers of a pod that is deleted end explains nothing.
pub(super) fn pod(site: &Site<'_>) -> Option<Cause> {
    if is_ready(site.object, site) {
        return None;
    }
    let deleted = text(site.object, "/metadata/deletionTimestamp").is_some();
    let rules = rules(Subject::Pod).filter(|rule| !deleted || rule.group == "node");
    at_one(rules.filter_map(|rule| rule.look(site)))
}

/// What is wrong with a claim; nothing once it is bound.
pub(super) fn claim(site: &Site<'_>) -> Option<Cause> {
    if text(site.object, "/status/phase") == Some("Bound") {
        return None;
    }
    at_one(rules(Subject::Claim).filter_map(|rule| rule.look(site)))
}

/// What is wrong with the pods that should use a claim. Their own way to claims is not taken: it leads back here.
fn consumers(site: &Site<'_>) -> Option<Cause> {
    let pods = crate::engine::ready::judge::consumers(&site.reference, site.snapshot);
    among(pods.filter_map(|pod| self::pod(&site.to(pod)?)).collect())
}

/// The claims of a pod that are there.
pub(super) fn claims_of<'s, 'a>(site: &'s Site<'a>) -> impl Iterator<Item = Site<'a>> + use<'s, 'a> {
    crate::engine::ready::judge::claims(site.object).filter_map(move |name| {
        let claim = site.neighbour("v1", "PersistentVolumeClaim", &name);
        site.to(site.snapshot.get(&claim)?)
    })
}

/// The owner that controls an object, if it is in the snapshot.
pub(super) fn controller<'a>(site: &Site<'a>) -> Option<&'a Value> {
    let owner = items(site.object, "/metadata/ownerReferences").find(|owner| owner["controller"] == true)?;
    let part = |pointer| text(owner, pointer);
    site.snapshot.get(&site.neighbour(part("/apiVersion")?, part("/kind")?, part("/name")?))
}
