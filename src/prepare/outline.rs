//! What a profile comes to, before anything is asked of a cluster: its pods, its volumes, its images. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::sharing::Shares;
use crate::images;
use crate::object::{items, text};
use crate::stack::{Choices, Stack};

/// What a profile comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// Its workloads, in the order of the stack's components.
    pub workloads: Vec<Workload>,
    /// Its volumes.
    pub volumes: Vec<Volume>,
    /// Its images, each once.
    pub images: BTreeSet<String>,
    /// What of it several nodes write to.
    pub shares: Shares,
}

/// Something that makes pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The component that it belongs to.
    pub component: Option<String>,
    /// Its name.
    pub name: String,
    /// How many pods it has.
    pub pods: Pods,
}

/// How many pods a workload has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pods {
    /// So many.
    Count(u64),
    /// As many as the load asks for, between these.
    Between(u64, u64),
    /// One on each node.
    EachNode,
    /// Pods that come to an end.
    Job,
}

/// Volumes that are made for a claim, or for each pod by a template of claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The claim's name.
    pub name: String,
    /// How large each is.
    pub size: String,
    /// How many there are; `None`: one on each node.
    pub copies: Option<u64>,
    /// The class that is named; `None` leaves it to the cluster.
    pub class: Option<String>,
    /// Whether several nodes write to it.
    pub shared: bool,
}

/// The kinds that make pods.
const WORKLOADS: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "CloneSet", "Job", "CronJob"];

impl Outline {
    /// With what was chosen so far; what is required and not chosen yet is answered by the example. Nothing, where that cannot be rendered:
    /// what is wrong is said elsewhere.
    pub fn of_profile(stack: &Stack, choices: &Choices, profile: &str) -> Self {
        let choices = Choices { profile: Some(profile.to_owned()), example: true, ..choices.clone() };
        let prepared = stack.prepare(&choices, &stack.release(None, None));
        let rendered = prepared.map(|prepared| prepared.objects).unwrap_or_default();
        let objects: Vec<(Option<String>, Value)> =
            rendered.into_iter().map(|rendered| (rendered.component, rendered.object)).collect();
        let setting = stack.definition().shared_class.clone();
        Self { shares: Shares::of_objects(objects.iter().map(|(_, object)| object), setting), ..Self::of(&objects) }
    }

    fn of(objects: &[(Option<String>, Value)]) -> Self {
        let scalers = scalers(objects);
        let kind = |object: &Value| text(object, "/kind").unwrap_or_default().to_owned();
        let made = objects.iter().filter(|(_, object)| WORKLOADS.contains(&kind(object).as_str()));
        let workload = |(component, object): &(Option<String>, Value)| {
            let (kind, name) = (kind(object), text(object, "/metadata/name").unwrap_or_default().to_owned());
            let replicas = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
            let pods = match (kind.as_str(), scalers.get(&(kind.clone(), name.clone()))) {
                ("DaemonSet", _) => Pods::EachNode,
                ("Job" | "CronJob", _) => Pods::Job,
                (_, Some((least, most))) => Pods::Between(*least, *most),
                _ => Pods::Count(replicas),
            };
            Workload { component: component.clone(), name, pods }
        };
        let volumes = objects.iter().flat_map(|(_, object)| volumes(object)).collect();
        let images = images::of_objects(objects).into_iter().map(|image| image.image).collect();
        Self { workloads: made.map(workload).collect(), volumes, images, shares: Shares::default() }
    }

    /// The pods of a component, or of what belongs to none.
    pub fn of_component<'a>(&'a self, component: Option<&'a str>) -> impl Iterator<Item = &'a Workload> {
        self.workloads.iter().filter(move |workload| workload.component.as_deref() == component)
    }
}

/// Between how many pods an autoscaler keeps a workload, by kind and name.
fn scalers(objects: &[(Option<String>, Value)]) -> BTreeMap<(String, String), (u64, u64)> {
    let scaler = |(_, object): &(Option<String>, Value)| {
        let target = |key: &str| text(object, &format!("/spec/scaleTargetRef/{key}")).map(str::to_owned);
        let number = |key: &str| object.pointer(&format!("/spec/{key}")).and_then(Value::as_u64);
        let is_one = object["kind"] == "HorizontalPodAutoscaler";
        let bounds = (number("minReplicas").unwrap_or(1), number("maxReplicas")?);
        is_one.then_some(((target("kind")?, target("name")?), bounds))
    };
    objects.iter().filter_map(scaler).collect()
}

fn volumes(object: &Value) -> Vec<Volume> {
    let volume = |claim: &Value, copies: Option<u64>| Volume {
        name: text(claim, "/metadata/name").unwrap_or_default().to_owned(),
        size: text(claim, "/spec/resources/requests/storage").unwrap_or_default().to_owned(),
        copies,
        class: text(claim, "/spec/storageClassName").filter(|class| !class.is_empty()).map(str::to_owned),
        shared: items(claim, "/spec/accessModes").any(|mode| mode == "ReadWriteMany"),
    };
    if object["kind"] == "PersistentVolumeClaim" {
        return vec![volume(object, Some(1))];
    }
    let copies = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let copies = (object["kind"] != "DaemonSet").then_some(copies);
    items(object, "/spec/volumeClaimTemplates").map(|claim| volume(claim, copies)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_and_volumes_are_counted_as_the_cluster_would_have_them() {
        let object = |kind: &str, name: &str, spec: Value| {
            (Some("part".to_owned()), json!({"kind": kind, "metadata": {"name": name}, "spec": spec}))
        };
        let claim = |mode: &str, class: &str| {
            json!({"metadata": {"name": "data"}, "spec": {"accessModes": [mode], "storageClassName": class,
                "resources": {"requests": {"storage": "5Gi"}}}})
        };
        let outline = Outline::of(&[
            object("Deployment", "web", json!({"replicas": 2})),
            object("Deployment", "api", json!({"replicas": 2})),
            object(
                "HorizontalPodAutoscaler",
                "api",
                json!({"scaleTargetRef": {"kind": "Deployment", "name": "api"}, "minReplicas": 3, "maxReplicas": 9}),
            ),
            object(
                "StatefulSet",
                "db",
                json!({"replicas": 3, "volumeClaimTemplates": [claim("ReadWriteOnce", "fast")]}),
            ),
            object("DaemonSet", "agent", json!({})),
            object("Job", "check", json!({})),
            object("PersistentVolumeClaim", "files", claim("ReadWriteMany", "")["spec"].clone()),
        ]);
        let pods: Vec<Pods> = outline.of_component(Some("part")).map(|workload| workload.pods).collect();
        let wanted = [Pods::Count(2), Pods::Between(3, 9), Pods::Count(3), Pods::EachNode, Pods::Job];
        assert_eq!(pods, wanted);
        let volume = |name: &str, copies, class: Option<&str>, shared| Volume {
            name: name.to_owned(),
            size: "5Gi".to_owned(),
            copies: Some(copies),
            class: class.map(str::to_owned),
            shared,
        };
        assert_eq!(outline.volumes, [volume("data", 3, Some("fast"), false), volume("files", 1, None, true)]);
    }
}
