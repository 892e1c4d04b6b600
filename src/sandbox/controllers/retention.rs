//! What becomes of the claims of a `StatefulSet` with it, or with a pod of it that is not wanted any more:
//! `persistentVolumeClaimRetentionPolicy`. A claim that is to go with something is made its own, and the garbage collector does the
//! rest. Source: Kubernetes 1.34, `pkg/controller/statefulset/stateful_set_utils.go`.

use serde_json::Value;

use super::ownership::{keep_owners, owner_reference};
use crate::object::{change_list, items, text};
use crate::sandbox::world::World;

const BY: &str = "statefulset-controller";

/// Whether claims go when their set does, and when their pod is one too many.
#[derive(Clone, Copy)]
struct Policy {
    deleted: bool,
    scaled: bool,
}

impl Policy {
    fn of(set: &Value) -> Self {
        let policy = &set["spec"]["persistentVolumeClaimRetentionPolicy"];
        Self { deleted: policy["whenDeleted"] == "Delete", scaled: policy["whenScaled"] == "Delete" }
    }
}

/// The names of the claims of a set's pod.
fn names(set: &Value, pod: &str) -> Vec<String> {
    let templates = items(set, "/spec/volumeClaimTemplates").filter_map(|template| text(template, "/metadata/name"));
    templates.map(|template| format!("{template}-{pod}")).collect()
}

/// Whether a reference means an object by kind and name, of whatever incarnation.
fn means(reference: &Value, object: &Value) -> bool {
    reference["apiVersion"] == object["apiVersion"]
        && reference["kind"] == object["kind"]
        && reference["name"] == object["metadata"]["name"]
}

/// Gives the claims of a pod to whom they are to go with: its set, or the pod itself when it is `superfluous`.
pub(super) fn settle(world: &mut World, set: &Value, pod: &Value, superfluous: bool) {
    let policy = Policy::of(set);
    let name = text(pod, "/metadata/name").unwrap_or_default();
    for claim in names(set, name) {
        let Some(claim) = world.find("PersistentVolumeClaim", text(set, "/metadata/namespace"), &claim).cloned() else {
            continue;
        };
        let owners = || items(&claim, "/metadata/ownerReferences");
        let of_another = |object: &Value| {
            owners().find(|owner| means(owner, object)).is_some_and(|owner| owner["uid"] != object["metadata"]["uid"])
        };
        // An earlier incarnation had it: the collector's business.
        if of_another(set) || of_another(pod) {
            continue;
        }
        let is_ours = |owner: &Value| means(owner, set) || means(owner, pod);
        let is_strange = owners().any(|owner| !is_ours(owner) && owner["controller"] == true);
        let is_contested = is_strange && (policy.deleted || policy.scaled);
        if is_contested {
            let claim = text(&claim, "/metadata/name").unwrap_or_default();
            let message = format!(
                "PersistentVolumeClaim {claim} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim"
            );
            world.event(set, ("Warning", "ConflictingController"), &message, BY);
        }
        let heir = match (superfluous, policy) {
            _ if is_contested => None,
            (true, Policy { scaled: true, .. }) => Some(pod),
            (_, Policy { deleted: true, scaled }) if !(superfluous && scaled) => Some(set),
            _ => None,
        };
        give(world, &claim, heir, is_ours);
    }
}

/// Takes a claim from those of its owners that are `ours`, and gives it to its heir.
fn give(world: &mut World, claim: &Value, heir: Option<&Value>, ours: impl Fn(&Value) -> bool) {
    let mut after = claim.clone();
    keep_owners(&mut after, |owner| !ours(owner));
    if let Some(heir) = heir {
        change_list(&mut after["metadata"]["ownerReferences"], |owners| owners.push(owner_reference(heir)));
    }
    if after["metadata"].get("ownerReferences") != claim["metadata"].get("ownerReferences") {
        world.put(after);
    }
}

/// Whether a pod has to wait for its claims: those of an earlier pod of its name are to go.
pub(super) fn is_stale(world: &World, set: &Value, pod: &str) -> bool {
    let of_a_pod = |claim: &Value| {
        items(claim, "/metadata/ownerReferences").any(|owner| owner["kind"] == "Pod" && owner["name"] == pod)
    };
    let namespace = text(set, "/metadata/namespace");
    Policy::of(set).scaled
        && names(set, pod)
            .iter()
            .any(|claim| world.find("PersistentVolumeClaim", namespace, claim).is_some_and(of_a_pod))
}
