//! From nodes to the network that their containers are attached to.
//!
//! A name proves nothing: a kubeconfig can be copied to another machine that has a cluster of the same name with the same
//! addresses. So a node's container has the node's name, a label of kind, k3d or minikube, and the node's address; and the
//! API server's address leads to a container of the same cluster.

use std::net::IpAddr;

use crate::host::engines::{Engine, UnusableEngine};
use crate::host::links::Links;
use crate::host::networks::{Container, EngineNetwork, EngineNetworks};

/// Labels that name the cluster which a container belongs to: of kind, k3d and minikube.
const CLUSTER_LABELS: &[&str] = &["io.x-k8s.kind.cluster", "k3d.cluster", "name.minikube.sigs.k8s.io"];
/// Ports of API servers inside of node containers: kind's and k3d's, and minikube's.
const API_PORTS: &[u16] = &[6443, 8443];

/// What is known of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NodeFacts {
    pub(super) name: String,
    /// `spec.providerID`.
    pub(super) provider: String,
    /// Every InternalIP.
    pub(super) addresses: Vec<IpAddr>,
}

/// What is known of this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) engines: &'a [EngineNetworks],
    pub(super) unusable: &'a [UnusableEngine],
    pub(super) links: Option<&'a Links>,
}

/// The network of the nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Located<'a> {
    pub(super) engine: &'a Engine,
    pub(super) network: &'a EngineNetwork,
    /// The label of the cluster that its containers carry, and the cluster's name in it.
    pub(super) cluster: (&'a str, &'a str),
}

/// Finds the network; the error is why it cannot be told, a line each.
pub(super) fn locate<'a>(nodes: &[NodeFacts], ground: Ground<'a>, server: &str) -> Result<Located<'a>, Vec<String>> {
    if nodes.is_empty() {
        return Err(vec!["no node is known".to_owned()]);
    }
    let (mut found, mut reasons) = (Vec::new(), Vec::new());
    for engine in ground.engines.iter().filter(|engine| may_be(nodes, engine)) {
        match of_engine(nodes, engine, server, ground.links) {
            Ok(located) => found.push(located),
            Err(reason) => reasons.push(format!("{}: {reason}", engine.engine.product)),
        }
        reasons.extend(engine.unread.iter().filter(|_| engine.networks.is_empty()).cloned());
    }
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(nowhere(nodes, ground, reasons)),
        many => {
            let names: Vec<String> = many.iter().map(|located| place(located)).collect();
            Err(vec![format!(
                "containers that fit every node are on {}, and only one can be it",
                names.join(" and on ")
            )])
        }
    }
}

fn place(located: &Located<'_>) -> String {
    let address = located.engine.addresses.first().map(|address| address.url.as_str()).unwrap_or_default();
    format!("network {} of {} at {address}", located.network.name, located.engine.product)
}

/// kind writes the engine into `providerID` (`kind://docker/NAME/NODE`).
fn may_be(nodes: &[NodeFacts], engine: &EngineNetworks) -> bool {
    let product = engine.engine.product.to_string();
    let named = nodes.iter().filter_map(|node| node.provider.strip_prefix("kind://")?.split('/').next());
    let mut named = named.filter(|name| ["docker", "podman"].contains(name)).peekable();
    named.peek().is_none() || named.any(|name| name == product)
}

/// Why nothing was found: what the nodes are, then what the engines said.
fn nowhere(nodes: &[NodeFacts], ground: Ground<'_>, reasons: Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = nodes.first().and_then(|node| kind_of(&node.provider)).into_iter().collect();
    lines.extend(nodes.iter().find_map(|node| neighbour(node, ground.links)));
    if ground.engines.is_empty() {
        lines.push("no container engine answers on this machine".to_owned());
    }
    let noteworthy = ground.unusable.iter().filter(|engine| engine.is_noteworthy());
    lines.extend(noteworthy.map(|engine| format!("a container engine cannot be asked: {engine}")));
    lines.extend(reasons);
    lines
}

fn kind_of(provider: &str) -> Option<String> {
    let (scheme, _) = provider.split_once("://")?;
    Some(match scheme {
        "kind" => {
            "the nodes say that they are containers of kind, and no container here proves to be one of them".to_owned()
        }
        "k3s" => {
            "k3s gives Services the nodes' own addresses (servicelb), unless it was started with --disable=servicelb"
                .to_owned()
        }
        other => format!("the nodes belong to a cloud ({other}://), which has load balancers of its own"),
    })
}

/// A node in a network that this machine is in, too.
fn neighbour(node: &NodeFacts, links: Option<&Links>) -> Option<String> {
    let links = links?;
    node.addresses.iter().find_map(|address| {
        let route = links.interface_of(*address)?;
        let (name, net, interface) = (&node.name, route.net, &route.interface);
        Some(format!("node {name} has {address} in {net}, the network of this machine's interface {interface}"))
    })
}

fn of_engine<'a>(
    nodes: &[NodeFacts],
    engine: &'a EngineNetworks,
    server: &str,
    links: Option<&Links>,
) -> Result<Located<'a>, String> {
    let mut found: Option<(&str, (&str, &str))> = None;
    for node in nodes {
        let here = of_node(node, engine)?;
        match found {
            Some(other) if other != here => {
                return Err(format!(
                    "node {} is on another network, or of another cluster, than the others",
                    node.name
                ));
            }
            _ => found = Some(here),
        }
    }
    let (name, cluster) = found.ok_or("no node is known")?;
    leads_to(engine, cluster, server, links)?;
    let network = engine.networks.iter().find(|network| network.name == name);
    let network = network.ok_or_else(|| format!("network {name} is not there any more"))?;
    Ok(Located { engine: &engine.engine, network, cluster })
}

/// The network's name and the cluster's label of a node's container.
fn of_node<'a>(node: &NodeFacts, engine: &'a EngineNetworks) -> Result<(&'a str, (&'a str, &'a str)), String> {
    let name = &node.name;
    let container = engine.containers.iter().find(|container| container.name == *name);
    let container = container.ok_or_else(|| format!("no container is called {name}"))?;
    let label = cluster_of(container);
    let label = label.ok_or_else(|| format!("container {name} carries no label of kind, k3d or minikube"))?;
    if !container.running {
        return Err(format!("container {name} does not run"));
    }
    let known = &node.addresses;
    let attached = container
        .attachments
        .iter()
        .find(|attachment| known.iter().any(|address| holds(engine, container, &attachment.network, *address)));
    let attached = attached.ok_or_else(|| {
        let list = |addresses: Vec<String>| if addresses.is_empty() { "none".to_owned() } else { addresses.join(", ") };
        let theirs = container.attachments.iter().flat_map(|attachment| &attachment.addresses);
        let (theirs, ours) =
            (theirs.map(ToString::to_string).collect(), known.iter().map(ToString::to_string).collect());
        format!("container {name} has the address {}, and the node {}", list(theirs), list(ours))
    })?;
    Ok((&attached.network, label))
}

/// Whether the container has the address on the network, by its own list or by the network's.
fn holds(engine: &EngineNetworks, container: &Container, network: &str, address: IpAddr) -> bool {
    let attached = container.attachments.iter().filter(|attachment| attachment.network == network);
    let listed = engine.networks.iter().filter(|known| known.name == network).flat_map(|known| &known.attached);
    attached.flat_map(|attachment| &attachment.addresses).any(|known| *known == address)
        || listed.into_iter().any(|(name, known)| *name == container.name && *known == address)
}

/// The cluster that a container is a part of, by its label.
pub(super) fn cluster_of(container: &Container) -> Option<(&'static str, &str)> {
    CLUSTER_LABELS.iter().find_map(|label| Some((*label, container.labels.get(*label)?.as_str())))
}

/// Whether the API server's address leads to a container of this cluster, through a published port or directly.
fn leads_to(engine: &EngineNetworks, cluster: (&str, &str), server: &str, links: Option<&Links>) -> Result<(), String> {
    let uri: http::Uri = server.parse().map_err(|_| format!("`{server}` is no address"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    let mut members = engine.containers.iter().filter(|container| cluster_of(container) == Some(cluster));
    let to = |container: &Container| {
        let published = container.ports.iter().any(|(here, inside)| *here == port && API_PORTS.contains(inside));
        let mut own = container.attachments.iter().flat_map(|attachment| &attachment.addresses);
        let direct = host == container.name || own.any(|address| address.to_string() == host);
        (published && is_this_machine(host, &engine.engine, links)) || (direct && API_PORTS.contains(&port))
    };
    if members.any(to) {
        return Ok(());
    }
    let name = cluster.1;
    Err(format!(
        "the API server's address {host}:{port} leads to no container of cluster {name}, so it may be another machine's"
    ))
}

/// Whether ports that the engine publishes are reached at this host.
fn is_this_machine(host: &str, engine: &Engine, links: Option<&Links>) -> bool {
    let of_engine = |url: &str| url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    let remote = engine.addresses.iter().any(|address| of_engine(&address.url).as_deref() == Some(host));
    let address: Option<IpAddr> = host.parse().ok();
    let own = address.is_some_and(|address| {
        address.is_loopback()
            || address.is_unspecified()
            || links.is_some_and(|links| links.addresses.contains(&address))
    });
    own || remote || host == "localhost" || host == "host.docker.internal"
}

#[cfg(test)]
mod tests;
