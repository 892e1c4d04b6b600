//! `CustomResourceDefinition`, `APIService`, and kinds that came with neither Kubernetes nor us.

use serde_json::Value;

use super::{Readiness, condition, says};
use crate::object::{is_true, number};

/// Kubernetes: served once `Established`; `NamesAccepted=False` is a clash of names that no waiting solves.
pub(super) fn definition(object: &Value) -> Readiness {
    if let Some(clash) = condition(object, "NamesAccepted").filter(|condition| condition["status"] == "False") {
        return Readiness::failed(clash, "NamesNotAccepted");
    }
    if is_true(object, "Established") && is_true(object, "NamesAccepted") {
        return Readiness::ready();
    }
    Readiness::waiting("not served yet")
}

/// Kubernetes: the condition `Available`.
pub(super) fn api_service(object: &Value) -> Readiness {
    match condition(object, "Available") {
        Some(condition) if condition["status"] == "True" => Readiness::ready(),
        Some(condition) => Readiness::waiting(says(condition)),
        None => Readiness::waiting("not available yet"),
    }
}

/// kstatus: `Stalled` has failed, `Reconciling` has not ended, and `Ready` says it all. Beyond kstatus: `Available` and
/// `Succeeded`, which operators use in place of `Ready`, `Failed`, and counts of replicas. What says nothing is ready.
pub(super) fn custom(object: &Value) -> Readiness {
    for kind in ["Stalled", "Failed"] {
        if let Some(condition) = condition(object, kind).filter(|condition| condition["status"] == "True") {
            return Readiness::failed(condition, kind);
        }
    }
    if let Some(condition) = condition(object, "Reconciling").filter(|condition| condition["status"] == "True") {
        return Readiness::waiting(says(condition));
    }
    let spoken = ["Ready", "Available", "Succeeded"].iter().find_map(|kind| condition(object, kind));
    if let Some(condition) = spoken {
        let seen = number(condition, "/observedGeneration");
        if seen.is_some_and(|seen| seen < number(object, "/metadata/generation").unwrap_or(0)) {
            return Readiness::waiting("its controller has not seen the change yet");
        }
        return if condition["status"] == "True" { Readiness::ready() } else { Readiness::waiting(says(condition)) };
    }
    replicas(object).unwrap_or_else(Readiness::ready)
}

/// Workloads of other makers (`CloneSet`, ...) count replicas as the built-in ones do.
fn replicas(object: &Value) -> Option<Readiness> {
    let wanted = number(object, "/spec/replicas")?;
    let counted = number(object, "/status/readyReplicas").or_else(|| {
        // The count may be left out when it is 0; a count of all replicas shows that somebody counts.
        number(object, "/status/replicas").map(|_| 0)
    });
    let Some(ready) = counted else { return uncounted(object, wanted) };
    let generation = number(object, "/metadata/generation");
    if number(object, "/status/observedGeneration").is_some_and(|seen| generation.is_some_and(|wanted| seen < wanted)) {
        return Some(Readiness::waiting("its controller has not seen the change yet"));
    }
    let left = number(object, "/status/replicas").unwrap_or(0) - wanted;
    let updated = number(object, "/status/updatedReplicas");
    Some(if ready < wanted {
        Readiness::waiting(format!("{ready} of {wanted} pods ready"))
    } else if updated.is_some_and(|updated| updated < wanted) && object.pointer("/spec/updateStrategy").is_none() {
        Readiness::waiting(format!("{} of {wanted} pods updated", updated.unwrap_or(0)))
    } else if left > 0 && object.pointer("/spec/updateStrategy/maxSurge").is_none_or(|surge| surge == 0) {
        Readiness::waiting(format!("{left} of its pods have not gone yet"))
    } else {
        Readiness::ready()
    })
}

/// What makes pods of a template has made none as long as nobody counts them: its controller takes a minute to look at the
/// first one (kruise-manager), or does not run. With `replicas` alone there may be nothing to count.
fn uncounted(object: &Value, wanted: i64) -> Option<Readiness> {
    let makes_pods = ["/spec/selector", "/spec/template"].iter().all(|field| object.pointer(field).is_some());
    (makes_pods && wanted > 0).then(|| Readiness::waiting("its controller has not counted its pods yet"))
}
