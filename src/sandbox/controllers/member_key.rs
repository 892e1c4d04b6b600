//! The key of `MetalLB`'s speakers: its controller makes the Secret when it starts, if it is told of one, and never changes it.
//! Source: MetalLB 0.16, `internal/k8s/k8s.go` (`CreateMlSecret`): key `secretkey`, owned by the Deployment.

use serde_json::{Value, json};

use crate::object::{items, text};
use crate::sandbox::containers::is_ready;
use crate::sandbox::world::World;

/// The variable that names the Secret.
const NAMED: &str = "METALLB_ML_SECRET_NAME";

pub(super) fn run(world: &mut World) {
    for pod in world.all("Pod") {
        let Some(secret) = named(&pod).filter(|_| is_ready(&pod)) else { continue };
        let namespace = text(&pod, "/metadata/namespace").unwrap_or_default().to_owned();
        if world.find("Secret", Some(&namespace), secret).is_none() {
            let (secret, owner) = (secret.to_owned(), deployment(world, &pod));
            // Nobody speaks to anybody here, so it need not be a secret.
            world.put(json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"name": secret, "namespace": namespace, "ownerReferences": owner},
                "data": {"secretkey": "c2FuZGJveA=="}}));
        }
    }
}

fn named(pod: &Value) -> Option<&str> {
    let controllers = items(pod, "/spec/containers");
    let mut controllers =
        controllers.filter(|it| text(it, "/image").is_some_and(|image| image.contains("metallb/controller")));
    text(items(controllers.next()?, "/env").find(|variable| variable["name"] == NAMED)?, "/value")
}

/// The owner of the owner of the pod.
fn deployment(world: &World, pod: &Value) -> Value {
    let of = |object: &Value| items(object, "/metadata/ownerReferences").next().cloned();
    let namespace = text(pod, "/metadata/namespace");
    let set = of(pod).and_then(|owner| world.find("ReplicaSet", namespace, text(&owner, "/name")?).cloned());
    let Some(owner) = set.as_ref().and_then(of) else { return json!([]) };
    json!([{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["name"], "uid": owner["uid"]}])
}
