//! The images of a plan: which there are, which nodes have them already, and how they get there without a registry.
//!
//! ```text
//! manifests -- images ---.
//! nodes: where, what ----+-- load::decide -- Plan
//! engines or archive ----'-- save::decide -- Plan
//! ```

pub mod archive;
pub(crate) mod ask;
pub mod load;
pub mod login;
mod name;
pub mod nodes;
pub mod pull;
pub mod registry;
pub(crate) mod runtime;
pub mod save;
pub mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::cluster::{Cluster, Resources};
use crate::object::{ObjectRef, items, text};
use crate::plan::order::pod_spec;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

pub use name::{full_name, registry_of};

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
    let mut see = |component: &Option<String>, object: &Value| {
        let Some(spec) = pod_spec(object) else { return };
        for container in items(spec, "/initContainers").chain(items(spec, "/containers")) {
            let Some(image) = text(container, "/image") else { continue };
            let (components, never) = found.entry(image.to_owned()).or_default();
            components.extend(component.clone());
            *never |= container["imagePullPolicy"] == "Never";
        }
    };
    for (component, object) in objects {
        see(component, object);
        for template in templates(object) {
            see(component, &template);
        }
    }
    let image = |(image, (components, never_pulled))| Image { image, components, never_pulled, nodes: None };
    found.into_iter().map(image).collect()
}

/// Pods that a controller will make, written out in its ConfigMap.
fn templates(object: &Value) -> Vec<Value> {
    let texts = object["data"].as_object().filter(|_| object["kind"] == "ConfigMap").into_iter().flatten();
    let is_yaml = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "yaml");
    let texts = texts.filter(|(name, _)| is_yaml(name)).filter_map(|(_, text)| text.as_str());
    // What is not YAML, or no object, is a file of something else.
    texts.filter_map(|text| serde_yaml::from_str::<Value>(text).ok()).filter(Value::is_object).collect()
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

/// Which of these nodes say that they have it.
pub(crate) fn presence(nodes: &Snapshot, image: &str) -> Presence {
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
            (None, json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"image": "z:1", "list.yaml": "- 1"}})),
            (
                Some("c".to_owned()),
                json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"helperPod.yaml":
                    "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{image: 'w:1'}]\n"}}),
            ),
        ];
        let found = of_objects(&objects);
        let told: Vec<_> = found.iter().map(|it| (it.image.as_str(), it.components.len(), it.never_pulled)).collect();
        assert_eq!(told, [("w:1", 1, false), ("x:1", 2, true), ("y:1", 1, false)]);
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
