//! The images of a plan: which there are, and which nodes have them already.

mod name;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::cluster::{Cluster, Resources};
use crate::object::{ObjectRef, items, text};
use crate::plan::order::pod_spec;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

pub use name::full_name;

/// A node tells of so many images at most, the largest (kubelet, `nodeStatusMaxImages`).
const MOST: usize = 50;

/// An image that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// As the manifests write it.
    pub image: String,
    /// The components that need it; empty for what belongs to none.
    pub components: BTreeSet<String>,
    /// Whether it is never pulled, so that nodes have to have it.
    pub never_pulled: bool,
    /// Where it is; `None` when the nodes were not asked, or may not be read.
    pub nodes: Option<Presence>,
}

/// Which nodes have an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// These have it.
    pub there: Vec<String>,
    /// These do not.
    pub missing: Vec<String>,
    /// These have so many images that they do not tell of all.
    pub unknown: Vec<String>,
}

/// Every image of these objects, each with the component that its object belongs to, by its name.
pub fn of_objects(objects: &[(Option<String>, Value)]) -> Vec<Image> {
    let mut found: BTreeMap<String, (BTreeSet<String>, bool)> = BTreeMap::new();
    for (component, object) in objects {
        let Some(spec) = pod_spec(object) else { continue };
        for container in items(spec, "/initContainers").chain(items(spec, "/containers")) {
            let Some(image) = text(container, "/image") else { continue };
            let (components, never) = found.entry(image.to_owned()).or_default();
            components.extend(component.clone());
            *never |= container["imagePullPolicy"] == "Never";
        }
    }
    let image = |(image, (components, never_pulled))| Image { image, components, never_pulled, nodes: None };
    found.into_iter().map(image).collect()
}

/// Asks the nodes: one list.
///
/// # Errors
/// When the API server is gone.
pub async fn locate(cluster: &Cluster, images: &mut [Image]) -> Result<(), kube::Error> {
    let resources = Resources::default();
    let query = |resource| Query { resource, namespace: None, scope: Scope::All };
    let nodes = resources.of(&ObjectRef::new("v1", "Node", None, "")).map(query);
    let nodes = collect(&cluster.client, nodes.into_iter().collect()).await?;
    if nodes.unread.is_empty() {
        for image in images.iter_mut() {
            image.nodes = Some(presence(&nodes, &image.image));
        }
    }
    Ok(())
}

fn presence(nodes: &Snapshot, image: &str) -> Presence {
    let wanted = full_name(image);
    let mut presence = Presence::default();
    for node in nodes.of_kind("", "Node") {
        let name = text(node, "/metadata/name").unwrap_or_default().to_owned();
        let mut known =
            items(node, "/status/images").flat_map(|image| items(image, "/names")).filter_map(Value::as_str);
        if known.any(|known| full_name(known) == wanted) {
            presence.there.push(name);
        } else if items(node, "/status/images").count() >= MOST {
            presence.unknown.push(name);
        } else {
            presence.missing.push(name);
        }
    }
    presence
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(kind: &str, containers: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": kind, "spec": {"template": {"spec": containers}}})
    }

    #[test]
    fn every_container_counts_once() {
        let objects = [
            (
                Some("a".to_owned()),
                workload(
                    "Deployment",
                    &json!({"initContainers": [{"image": "x:1"}], "containers": [{"image": "y:1"}]}),
                ),
            ),
            (
                Some("b".to_owned()),
                workload("DaemonSet", &json!({"containers": [{"image": "x:1", "imagePullPolicy": "Never"}]})),
            ),
            (None, json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"image": "z:1"}})),
        ];
        let found = of_objects(&objects);
        let told: Vec<_> = found.iter().map(|it| (it.image.as_str(), it.components.len(), it.never_pulled)).collect();
        assert_eq!(told, [("x:1", 2, true), ("y:1", 1, false)]);
    }

    #[test]
    fn a_node_that_does_not_tell_of_all_is_not_said_to_lack_one() {
        let node = |name: &str, images: Vec<Value>| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"images": images}});
        let mut nodes = Snapshot::default();
        nodes.insert(node(
            "a",
            vec![json!({"names": ["docker.io/library/busybox@sha256:00", "docker.io/library/busybox:1.36"]})],
        ));
        nodes.insert(node("b", vec![json!({"names": ["docker.io/library/busybox:1.37"]})]));
        nodes.insert(node("c", (0..MOST).map(|number| json!({"names": [format!("i:{number}")]})).collect()));
        let found = presence(&nodes, "busybox:1.36");
        assert_eq!(found, Presence { there: vec!["a".into()], missing: vec!["b".into()], unknown: vec!["c".into()] });
    }
}
