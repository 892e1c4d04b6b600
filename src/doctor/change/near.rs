//! Which objects a finding concerns: where it shows, what made that, and what it rests on.

use std::collections::BTreeSet;

use super::facts::secrets_of;
use crate::doctor::checks::{ingress, volumes};
use crate::doctor::evidence::Evidence;
use crate::doctor::finding::Finding;
use crate::doctor::survey::{makers, top};
use crate::object::{ObjectRef, text};
use crate::plan::order::references;
use crate::snapshot::Snapshot;

/// Steps from where a finding shows.
const FAR: usize = 4;

/// Everything near a finding.
pub(super) fn of(finding: &Finding, evidence: &Evidence) -> BTreeSet<ObjectRef> {
    let mut near: BTreeSet<ObjectRef> = BTreeSet::new();
    let mut next: Vec<ObjectRef> = std::iter::once(&finding.object).chain(finding.places()).cloned().collect();
    for _ in 0..=FAR {
        let fresh: Vec<ObjectRef> = next.into_iter().filter(|object| near.insert(object.clone())).collect();
        next = fresh.iter().flat_map(|object| beside(object, &evidence.snapshot)).collect();
    }
    near
}

/// What an object names or was made by. Nodes and namespaces lead nowhere: everything is on or in one.
fn beside(object: &ObjectRef, snapshot: &Snapshot) -> Vec<ObjectRef> {
    let Some(live) = snapshot.get(object) else { return Vec::new() };
    let node = |name: &str| ObjectRef::new("v1", "Node", None, name);
    let mut found = match object.kind.as_str() {
        "Pod" => text(live, "/spec/nodeName").map(node).into_iter().collect(),
        "PersistentVolume" => volumes::nodes_of(live).map(node).collect(),
        "Service" => makers(live, snapshot).filter_map(ObjectRef::of).collect(),
        "Ingress" => secrets_of(live).chain(ingress::services(live, object.namespace.as_deref())).collect(),
        "APIService" | "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            crate::doctor::tree::served_by(live).collect()
        }
        "Node" | "Namespace" => return Vec::new(),
        _ => Vec::new(),
    };
    let is_place = |one: &ObjectRef| matches!(one.kind.as_str(), "Namespace" | "ServiceAccount");
    found.extend(references(live).into_iter().filter(|one| !is_place(one)));
    let maker = top(object, snapshot);
    found.extend((maker != *object).then_some(maker));
    found
}
