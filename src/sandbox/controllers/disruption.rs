//! Budgets: how many pods may go by the will of somebody. Source: `pkg/controller/disruption` and the eviction of
//! `pkg/registry/core/pod`, 1.34.

use serde_json::{Value, json};

use super::pods::{condition, share, without_update};
use crate::object::{number, text};
use crate::sandbox::containers::{is_active, is_ready};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::world::World;
use crate::snapshot::placing::matches;

pub(super) fn run(world: &mut World) {
    for budget in world.all("PodDisruptionBudget") {
        let (expected, healthy) = counted(world, &budget);
        let desired = desired(&budget, expected);
        let allowed = (healthy - desired).max(0);
        let (status, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let mut said = without_update(condition(world, &budget, "DisruptionAllowed", status, (reason, "")));
        said["observedGeneration"] = budget["metadata"]["generation"].clone();
        let status = json!({"disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": desired,
            "expectedPods": expected, "observedGeneration": budget["metadata"]["generation"], "conditions": [said]});
        world.put_status(&budget, status);
    }
}

fn is_meant(budget: &Value, pod: &Value) -> bool {
    budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
        && matches(&budget["spec"]["selector"], &pod["metadata"]["labels"])
}

/// How many pods a budget is about, and how many of them are well.
fn counted(world: &World, budget: &Value) -> (i64, i64) {
    let meant = || world.store.all("Pod").filter(|pod| is_active(pod) && is_meant(budget, pod));
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    (count(meant().count()), count(meant().filter(|pod| is_ready(pod)).count()))
}

fn desired(budget: &Value, expected: i64) -> i64 {
    let spec = &budget["spec"];
    match (spec.get("minAvailable"), spec.get("maxUnavailable")) {
        (Some(least), _) => share(least, expected, true),
        (None, Some(most)) => (expected - share(most, expected, true)).max(0),
        (None, None) => 1,
    }
}

/// Why a pod may not be evicted. A pod that is not ready may, when the others are enough.
pub(in crate::sandbox) fn obstacle(world: &World, pod: &Value) -> Option<Refusal> {
    let budget = world.store.all("PodDisruptionBudget").find(|budget| is_meant(budget, pod))?;
    let (_, healthy) = counted(world, budget);
    let desired = number(budget, "/status/desiredHealthy").unwrap_or(0);
    if healthy > desired || (!is_ready(pod) && healthy >= desired && desired > 0) {
        return None;
    }
    let name = text(budget, "/metadata/name").unwrap_or_default();
    let message = format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently");
    let refusal =
        Refusal::new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
    Some(refusal.with(json!({"causes": [{"reason": "DisruptionBudget", "message": message}]})))
}
