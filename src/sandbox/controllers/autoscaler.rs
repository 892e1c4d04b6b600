//! Autoscalers, without metrics: a workload is kept between the bounds. Source: `pkg/controller/podautoscaler`, 1.34.

use serde_json::{Value, json};

use super::pods::{condition, without_update};
use crate::object::{number, text};
use crate::sandbox::refusal::dotted;
use crate::sandbox::world::World;

const BY: &str = "horizontal-pod-autoscaler";

pub(super) fn run(world: &mut World) {
    for autoscaler in world.all("HorizontalPodAutoscaler") {
        keep(world, &autoscaler);
    }
}

fn keep(world: &mut World, autoscaler: &Value) {
    let part = |pointer| text(autoscaler, pointer).unwrap_or_default();
    let (kind, name) = (part("/spec/scaleTargetRef/kind"), part("/spec/scaleTargetRef/name"));
    let target = world.find(kind, text(autoscaler, "/metadata/namespace"), name).cloned();
    let Some(mut target) = target.filter(|target| target["spec"].get("replicas").is_some()) else {
        let group = part("/spec/scaleTargetRef/apiVersion").split_once('/').map_or("", |(group, _)| group);
        let plural = format!("{}s", kind.to_lowercase());
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {} \"{name}\" not found",
            dotted(&plural, group)
        );
        let said = without_update(condition(world, autoscaler, "AbleToScale", "False", ("FailedGetScale", &message)));
        return world.put_status(autoscaler, json!({"currentReplicas": 0, "desiredReplicas": 0, "conditions": [said]}));
    };
    let count = |pointer| number(autoscaler, pointer);
    let (least, most) = (count("/spec/minReplicas").unwrap_or(1), count("/spec/maxReplicas").unwrap_or(i64::MAX));
    let current = number(&target, "/spec/replicas").unwrap_or(0);
    let wanted = if current == 0 { 0 } else { current.clamp(least, most.max(least)) };
    if wanted != current {
        let bound = if wanted > current { "below Spec.MinReplicas" } else { "above Spec.MaxReplicas" };
        target["spec"]["replicas"] = wanted.into();
        world.put(target);
        let message = format!("New size: {wanted}; reason: Current number of replicas {bound}");
        world.event(autoscaler, ("Normal", "SuccessfulRescale"), &message, BY);
    }
    let said = ("SucceededGetScale", "the HPA controller was able to get the target's current scale");
    let said = without_update(condition(world, autoscaler, "AbleToScale", "True", said));
    world.put_status(autoscaler, json!({"currentReplicas": current, "desiredReplicas": wanted, "conditions": [said]}));
}
