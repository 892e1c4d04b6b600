//! The plans for clusters that are there: delete one, bring one back whose containers were stopped. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use jiff::Timestamp;

use super::found::Node;
use super::kind::create::kind_tool;
use super::{Found, Picture, refusal, step};
use crate::cluster::ClusterId;
use crate::doctor::Cause;
use crate::error::closest;
use crate::plan::task::{Anew, KindCluster, Task};
use crate::plan::{Installation, Plan, Purpose};

/// The cluster of this name, of whichever distribution.
///
/// # Errors
/// When there is none, or several, with what there is.
pub fn named<'a>(clusters: &'a [Found], name: &str) -> Result<&'a Found, Box<Cause>> {
    let same: Vec<&Found> = clusters.iter().filter(|cluster| cluster.name == name).collect();
    match same.as_slice() {
        [one] => Ok(one),
        [] => {
            let known: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
            let message = format!("there is no cluster {name} whose nodes are containers of this machine");
            let remedy = match (closest(name, known.iter().copied()), known.is_empty()) {
                (Some(near), _) => format!("did you mean {near}?"),
                (None, true) => "`seaworthy detect` shows which clusters answer".to_owned(),
                (None, false) => format!("there are: {}", known.join(", ")),
            };
            Err(Box::new(refusal("no-cluster", "NoCluster", &message, &remedy)))
        }
        several => {
            let places: Vec<String> =
                several.iter().map(|cluster| format!("{} in {}", cluster.distribution, cluster.engine)).collect();
            let message = format!("several clusters are called {name}: {}", places.join("; "));
            Err(Box::new(refusal("ambiguous-cluster", "Ambiguous", &message, "name the engine with --engine")))
        }
    }
}

/// The plan that deletes a cluster.
///
/// # Errors
/// When it is none of kind's, or kind is not here.
pub fn delete(
    picture: &Picture,
    cluster: &Found,
    kubeconfig: Option<PathBuf>,
    place: ClusterId,
) -> Result<Plan, Box<Cause>> {
    let name = &cluster.name;
    if cluster.distribution != "kind" {
        let made = cluster.distribution;
        let message = format!("{name} is a cluster of {made}, which keeps books of its own about it");
        return Err(Box::new(refusal(
            "others-cluster",
            "NotOurs",
            &message,
            &format!("{made} delete {name} takes it away"),
        )));
    }
    let (program, version) = kind_tool(picture)?;
    let kind = KindCluster { name: name.clone(), engine: cluster.engine.clone(), program, kubeconfig };
    let step = step(format!("delete:kind/{name}"), Task::DeleteKind { cluster: kind }, Vec::new());
    let installation = Installation::of_cluster("kind", name, &version);
    Ok(Plan {
        purpose: Purpose::DeleteCluster,
        installation,
        cluster: place,
        steps: vec![step],
        reach: Vec::new(),
        occasion: None,
    })
}

/// The plan that brings a cluster back: its containers one after the other, by the addresses that they had, because Docker
/// gives out the lowest free one; then its nodes. `before`: those addresses, as far as they are known.
pub fn up(
    cluster: &Found,
    before: &BTreeMap<String, IpAddr>,
    kubeconfig: Option<PathBuf>,
    (place, now): (ClusterId, Timestamp),
) -> (Plan, Vec<String>) {
    let mut stopped: Vec<&Node> = cluster.nodes.iter().filter(|node| !node.running).collect();
    stopped.sort_by_key(|node| {
        (before.get(&node.name).copied().map_or((1, None), |address| (0, Some(address))), rank(node))
    });
    let mut steps = Vec::new();
    for node in stopped {
        let needs = steps.last().map(|last: &crate::plan::Step| last.id.clone()).into_iter().collect();
        let task = Task::StartContainer {
            engine: cluster.engine.clone(),
            container: node.name.clone(),
            address: before.get(&node.name).copied(),
        };
        steps.push(step(format!("start:{}", node.name), task, needs));
    }
    let mut warnings = Vec::new();
    match &cluster.context {
        Some(context) => {
            let nodes = cluster.nodes.iter().filter(|node| is_node(node)).count();
            let needs = steps.last().map(|last| last.id.clone()).into_iter().collect();
            let stopped = cluster.nodes.iter().filter(|node| !node.running).map(|node| node.name.clone());
            let anew = Anew { nodes: stopped.collect(), since: now };
            let task = Task::ClusterReady { context: context.clone(), kubeconfig, nodes, anew };
            steps.push(step(format!("ready:{}/{}", cluster.distribution, cluster.name), task, needs));
        }
        None => warnings.push(format!(
            "no kubeconfig context leads to it, so nobody can be asked whether its nodes come back: {} can write one",
            export(cluster)
        )),
    }
    if cluster.nodes.iter().filter(|node| node.role == "control-plane").count() > 1 {
        warnings.push("its etcd has several members, which find each other by address: it only comes back when each gets the address that it had (kind issue 1689)".to_owned());
    }
    let installation = Installation::of_cluster(cluster.distribution, &cluster.name, "");
    (
        Plan { purpose: Purpose::StartCluster, installation, cluster: place, steps, reach: Vec::new(), occasion: None },
        warnings,
    )
}

/// Where no address is known: those first on whom the others wait.
fn rank(node: &Node) -> u8 {
    match node.role.as_str() {
        "external-load-balancer" | "loadbalancer" => 0,
        "control-plane" | "server" => 1,
        _ => 2,
    }
}

/// Whether it is a node of Kubernetes, and not only something beside it.
pub fn is_node(node: &Node) -> bool {
    !["external-load-balancer", "loadbalancer", "registry"].contains(&node.role.as_str())
}

fn export(cluster: &Found) -> String {
    let name = &cluster.name;
    match cluster.distribution {
        "kind" => format!("kind export kubeconfig --name {name}"),
        "k3d" => format!("k3d kubeconfig merge {name}"),
        _ => format!("minikube update-context -p {name}"),
    }
}

#[cfg(test)]
mod tests;
