//! `APIService`s: available when the Service behind has pods that are ready. Source: the aggregator of kube-apiserver 1.34,
//! `pkg/controllers/status/remote` of `k8s.io/kube-aggregator`; reasons and words as recorded.

use serde_json::{Value, json};

use super::pods::condition;
use crate::object::{items, text};
use crate::sandbox::world::World;

pub(super) fn run(world: &mut World) {
    for service in world.all("APIService") {
        if service["spec"]["service"].is_object() {
            judge(world, &service);
        }
    }
}

fn judge(world: &mut World, object: &Value) {
    let part = |pointer: &str| text(object, pointer).unwrap_or_default().to_owned();
    let (namespace, name) = (part("/spec/service/namespace"), part("/spec/service/name"));
    let (status, reason, message) = standing(world, &namespace, &name);
    let condition = condition(world, object, "Available", status, (reason, &message));
    world.put_status(object, json!({"conditions": [condition]}));
}

fn standing(world: &World, namespace: &str, name: &str) -> (&'static str, &'static str, String) {
    if world.find("Service", Some(namespace), name).is_none() {
        return ("False", "ServiceNotFound", format!("service/{name} in \"{namespace}\" is not present"));
    }
    let endpoints = world.find("Endpoints", Some(namespace), name);
    let ready = endpoints.is_some_and(|endpoints| {
        items(endpoints, "/subsets").any(|subset| items(subset, "/addresses").next().is_some())
    });
    if ready {
        ("True", "Passed", "all checks passed".to_owned())
    } else {
        let message =
            format!("endpoints for service/{name} in \"{namespace}\" have no addresses with port name \"https\"");
        ("False", "MissingEndpoints", message)
    }
}
