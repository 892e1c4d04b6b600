//! The clusters whose nodes are containers of this machine, by the labels of those who made them. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::{KIND_LABEL, KIND_ROLE, Picture};
use crate::host::networks::Container;
use crate::plan::task::Door;

/// Who makes clusters of containers: the distribution, the label with the cluster's name, the label with the container's
/// role, and what comes before the name in the kubeconfig context.
const MAKERS: [(&str, &str, &str, &str); 3] = [
    ("kind", KIND_LABEL, KIND_ROLE, "kind-"),
    ("k3d", "k3d.cluster", "k3d.role", "k3d-"),
    ("minikube", "name.minikube.sigs.k8s.io", "role.minikube.sigs.k8s.io", ""),
];

/// A cluster of containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// `kind`, `k3d` or `minikube`.
    pub distribution: &'static str,
    /// Its name.
    pub name: String,
    /// Where its containers are.
    pub engine: Door,
    /// Its containers, by name.
    pub nodes: Vec<Node>,
    /// Its kubeconfig context, when there is one.
    pub context: Option<String>,
}

/// A container of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// The container's name, which is the node's.
    pub name: String,
    /// `control-plane`, `worker`, `external-load-balancer`, ... as its maker says.
    pub role: String,
    /// Whether it runs.
    pub running: bool,
    /// Its addresses, while it runs.
    pub addresses: Vec<IpAddr>,
    /// The image that it was made from.
    pub image: String,
}

impl Found {
    /// Whether every container runs.
    pub fn is_up(&self) -> bool {
        self.nodes.iter().all(|node| node.running)
    }

    /// How many of its containers run.
    pub fn running(&self) -> usize {
        self.nodes.iter().filter(|node| node.running).count()
    }
}

/// All of them, by distribution, name and engine.
pub fn found(picture: &Picture) -> Vec<Found> {
    let mut clusters: BTreeMap<(usize, String, String), Found> = BTreeMap::new();
    for engine in &picture.engines {
        let Some(address) = engine.engine.addresses.first() else { continue };
        let door = Door { product: engine.engine.product, url: address.url.clone() };
        for container in &engine.containers {
            let Some((rank, name)) = maker(container) else { continue };
            let (distribution, _, role, prefix) = MAKERS[rank];
            let wanted = format!("{prefix}{name}");
            let context = || picture.contexts.iter().find(|context| **context == wanted).cloned();
            let cluster = clusters.entry((rank, name.to_owned(), door.url.clone())).or_insert_with(|| Found {
                distribution,
                name: name.to_owned(),
                engine: door.clone(),
                nodes: Vec::new(),
                context: context(),
            });
            cluster.nodes.push(node(container, role));
        }
    }
    clusters.into_values().collect()
}

fn maker(container: &Container) -> Option<(usize, &str)> {
    let labels = &container.labels;
    MAKERS.iter().enumerate().find_map(|(rank, (_, label, ..))| Some((rank, labels.get(*label)?.as_str())))
}

fn node(container: &Container, role: &str) -> Node {
    Node {
        name: container.name.clone(),
        role: container.labels.get(role).cloned().unwrap_or_default(),
        running: container.running,
        addresses: container.attachments.iter().flat_map(|attachment| attachment.addresses.clone()).collect(),
        image: container.image.clone(),
    }
}
