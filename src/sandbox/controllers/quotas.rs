//! The status of quotas: what they allow, and what is in use of it. Source: Kubernetes 1.34,
//! `pkg/controller/resourcequota/resource_quota_controller.go`.

use serde_json::{Map, Value, json};

use crate::object::text;
use crate::sandbox::admission::{gone_at, used};
use crate::sandbox::amount::Amount;
use crate::sandbox::world::World;

pub(super) fn run(world: &mut World) {
    for quota in world.all("ResourceQuota") {
        let allowed = quota["spec"]["hard"].as_object().into_iter().flatten();
        let hard: Map<String, Value> =
            allowed.filter_map(|(name, value)| Some((name.clone(), Amount::of(value)?.to_string().into()))).collect();
        let used: Map<String, Value> =
            used(world, &quota).into_iter().map(|(name, amount)| (name, amount.to_string().into())).collect();
        world.put_status(&quota, json!({"hard": hard, "used": used}));
        wait_for_pods(world, text(&quota, "/metadata/namespace"));
    }
}

/// A pod that does not go when its time is over, on a node that is not heard of, is not counted from then on.
fn wait_for_pods(world: &mut World, namespace: Option<&str>) {
    for pod in world.all("Pod") {
        if text(&pod, "/metadata/namespace") == namespace
            && let Some(gone) = gone_at(&pod)
        {
            // The first moment after it.
            world.is_past(gone.saturating_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(gone));
        }
    }
}
