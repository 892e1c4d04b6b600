//! Claims that are made anew, and for which nobody makes a volume.

use serde_json::{Value, json};

use super::strike::{claim_erased, claims_of};
use super::targets;
use crate::object::text;
use crate::recover::compile::fresh_claim;
use crate::sandbox::defaults;
use crate::sandbox::world::World;
use crate::snapshot::provisioner::{CHOSEN, makes};

/// A node that was there once.
const FORMER: &str = "node-that-was";

/// Claims are made anew and empty, as a `StatefulSet` or a chart makes them; the pods that had them begin anew with them.
pub(super) fn anew(world: &mut World, target: &str, change: impl Fn(&mut Value)) {
    for claim in targets(world, "PersistentVolumeClaim", target) {
        let namespace = text(&claim, "/metadata/namespace").unwrap_or_default().to_owned();
        let name = text(&claim, "/metadata/name").unwrap_or_default().to_owned();
        claim_erased(world, &format!("{namespace}/{name}"));
        let mut fresh = fresh_claim(&claim, None);
        change(&mut fresh);
        defaults::complete(&mut fresh, None, world);
        world.put(fresh);
        let uses = |pod: &&Value| {
            text(pod, "/metadata/namespace") == Some(&namespace) && claims_of(pod).any(|used| used == name)
        };
        let pods: Vec<Value> = world.store.all("Pod").filter(uses).cloned().collect();
        for pod in &pods {
            world.discard(pod);
        }
    }
}

pub(super) fn class_gone(world: &mut World, target: &str) {
    let claims = targets(world, "PersistentVolumeClaim", target);
    let named: Vec<String> =
        claims.iter().filter_map(|claim| text(claim, "/spec/storageClassName")).map(str::to_owned).collect();
    anew(world, target, |_| {});
    for class in named {
        for class in targets(world, "StorageClass", &class) {
            world.remove(&class);
        }
    }
}

pub(super) fn provisioner_gone(world: &mut World, target: &str) {
    let claims = targets(world, "PersistentVolumeClaim", target);
    let class = |claim: &Value| world.find("StorageClass", None, text(claim, "/spec/storageClassName")?);
    let named: Vec<String> =
        claims.iter().filter_map(|claim| text(class(claim)?, "/provisioner")).map(str::to_owned).collect();
    let is_one = |workload: &&Value| named.iter().any(|name| makes(workload, name));
    let makers: Vec<Value> = world.store.all("Deployment").filter(is_one).cloned().collect();
    for mut maker in makers {
        maker["spec"]["replicas"] = 0.into();
        world.put(maker);
    }
    // At once, before one of them makes the volume.
    let is_one =
        |pod: &&Value| named.iter().any(|name| makes(&json!({"spec": {"template": {"spec": pod["spec"]}}}), name));
    let pods: Vec<Value> = world.store.all("Pod").filter(is_one).cloned().collect();
    for pod in &pods {
        world.remove(pod);
    }
    anew(world, target, |_| {});
}

pub(super) fn claim_stranded(world: &mut World, target: &str) {
    anew(world, target, |claim| claim["metadata"]["annotations"][CHOSEN] = FORMER.into());
}
