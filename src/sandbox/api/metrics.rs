//! `metrics.k8s.io`, as long as somebody serves it: figures of nodes and pods, made from what they request.

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Body, ok, plain};
use crate::object::{is_true, items, text};
use crate::sandbox::address::Route;
use crate::sandbox::containers::is_ready;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::store::time;
use crate::sandbox::world::World;

/// The group and version.
pub(super) const GROUP: &str = "metrics.k8s.io/v1beta1";
const SERVICE: &str = "v1beta1.metrics.k8s.io";

/// Answers as the API server does: 404 as long as nobody has registered the group, and a plain text as long as nobody answers.
pub(super) fn answer(world: &World, route: &Route) -> Result<Response<Body>, Refusal> {
    let service = world.find("APIService", None, SERVICE).ok_or_else(Refusal::no_resource)?;
    if !is_true(service, "Available") {
        return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "service unavailable\n".to_owned()));
    }
    let named = |object: &Value| route.name.as_deref().is_none_or(|name| text(object, "/metadata/name") == Some(name));
    let inside = |object: &Value| {
        route.namespace.as_deref().is_none_or(|namespace| text(object, "/metadata/namespace") == Some(namespace))
    };
    let (kind, found): (&str, Vec<Value>) = match route.plural.as_str() {
        "nodes" => (
            "NodeMetrics",
            world.store.all("Node").filter(|node| named(node)).map(|node| figures_of_node(world, node)).collect(),
        ),
        "pods" => {
            let pods = world.store.all("Pod").filter(|pod| is_ready(pod) && named(pod) && inside(pod));
            ("PodMetrics", pods.map(|pod| figures_of_pod(world, pod)).collect())
        }
        _ => return Err(Refusal::no_resource()),
    };
    if route.name.is_some() {
        return found.into_iter().next().map(|one| ok(&one)).ok_or_else(Refusal::no_resource);
    }
    Ok(ok(&json!({"kind": format!("{kind}List"), "apiVersion": GROUP, "metadata": {}, "items": found})))
}

fn head(world: &World, kind: &str, object: &Value) -> Value {
    let mut metadata = json!({"name": object["metadata"]["name"], "creationTimestamp": time(world.now)});
    if let Some(namespace) = text(object, "/metadata/namespace") {
        metadata["namespace"] = namespace.into();
    }
    json!({"kind": kind, "apiVersion": GROUP, "metadata": metadata, "timestamp": time(world.now), "window": "15s"})
}

fn figures_of_node(world: &World, node: &Value) -> Value {
    let mut figures = head(world, "NodeMetrics", node);
    figures["usage"] = json!({"cpu": "250m", "memory": "1Gi"});
    figures
}

fn figures_of_pod(world: &World, pod: &Value) -> Value {
    let mut figures = head(world, "PodMetrics", pod);
    let container = |container: &Value| {
        let request = |name: &str, otherwise: &str| {
            text(container, &format!("/resources/requests/{name}")).unwrap_or(otherwise).to_owned()
        };
        json!({"name": container["name"], "usage": {"cpu": request("cpu", "1m"), "memory": request("memory", "8Mi")}})
    };
    figures["containers"] = items(pod, "/spec/containers").map(container).collect();
    figures
}
