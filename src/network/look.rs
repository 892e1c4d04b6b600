//! Reading everything that decides about a pool: the cluster in one go, the engines and interfaces of this machine beside it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::cidrs;
use super::folder::Folder;
use super::holders::{pools, pools_query, services};
use super::inputs::{Forbidden, Holder, Inputs, Network, NodeAddress, Used};
use super::locate::{Ground, Located, NodeFacts, locate};
use super::near::near;
use super::neighbours;
use super::range::Range;
use super::reach::{Machine, Reach, reach};
use crate::cluster::Cluster;
use crate::cluster::Resources;
use crate::host::engines::Engine;
use crate::host::networks::EngineNetworks;
use crate::host::{Surroundings, engines, links, networks, resources};
use crate::object::{ObjectRef, items, printable, text};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Keep, Query, Scope, collect_all};

/// How long a list may take.
const LIST: Duration = Duration::from_secs(15);
/// How long an engine may take for each of its answers.
const ENGINE: Duration = Duration::from_secs(5);
/// What was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What decides about the pool.
    pub inputs: Inputs,
    /// Whether this machine reaches the nodes' network; `None` where that network is not known.
    pub reach: Option<Reach>,
}

/// What this machine has.
#[derive(Debug, Clone, Default)]
pub struct Shore {
    /// The network of the nodes where it need not be looked for: that of a sandbox.
    pub known: Option<Network>,
    /// The folder that every node has, where it need not be looked for: that of a sandbox.
    pub folder: Option<Folder>,
    /// The engines that answered.
    pub engines: Vec<EngineNetworks>,
    /// Those that did not.
    pub unusable: Vec<engines::UnusableEngine>,
    /// The machine itself.
    pub machine: Machine,
}

/// Looks at the cluster and at this machine at once, then at other clusters on the same network. Only reads; what cannot be
/// read is said in what comes back. `kubeconfig`: the only file with contexts, where the user named one.
pub async fn look(cluster: &Cluster, here: &Surroundings, kubeconfig: Option<&Path>, needed: u32) -> Seen {
    let (snapshot, shore) = futures::join!(snapshot(cluster), shore(here));
    let server = &cluster.id.server;
    let others = locate(&nodes(&snapshot), ground(&shore), server)
        .map(|located| neighbours::others(located, &shore.engines))
        .unwrap_or_default();
    let neighbours = neighbours::ask(here, kubeconfig, &others).await;
    let mut seen = see(&snapshot, &shore, server, needed);
    seen.inputs.used.extend(neighbours.used);
    seen.inputs.unknown.extend(neighbours.unknown);
    seen
}

pub(super) fn ground(shore: &Shore) -> Ground<'_> {
    Ground { engines: &shore.engines, unusable: &shore.unusable, links: shore.machine.links.as_ref() }
}

/// The engine of this machine in which every node of these is proved to be a container; the error is why that cannot be told,
/// a line each. `server` is the address of the API server.
pub(crate) fn engine_of_nodes(nodes: &Snapshot, shore: &Shore, server: &str) -> Result<Engine, Vec<String>> {
    locate(&self::nodes(nodes), ground(shore), server).map(|located| located.engine.clone())
}

/// Everything of the cluster that matters here: five requests, made at once.
pub async fn snapshot(cluster: &Cluster) -> Snapshot {
    collect_all(&cluster.client, queries(), LIST, Keep::WHOLE).await
}

/// Everything of this machine that matters here.
pub async fn shore(here: &Surroundings) -> Shore {
    let (engines, unusable) = networks::look(here, ENGINE).await;
    let kernel = std::fs::read_to_string(here.at_root("/proc/sys/kernel/osrelease")).unwrap_or_default();
    let machine = Machine {
        os: std::env::consts::OS.to_owned(),
        kernel: kernel.trim().to_owned(),
        in_container: resources::in_container(here),
        links: links::read(here),
    };
    Shore { engines, unusable, machine, ..Shore::default() }
}

fn queries() -> Vec<Query> {
    let known = Resources::default();
    // Before Kubernetes 1.33 there are no ServiceCIDRs: 404, which means none.
    let kinds = [("v1", "Node"), ("v1", "Service"), ("networking.k8s.io/v1", "ServiceCIDR")];
    let all = kinds.into_iter().filter_map(|(version, kind)| {
        let resource = known.of(&ObjectRef::new(version, kind, None, ""))?;
        Some(Query { resource, namespace: None, scope: Scope::All })
    });
    let config = known.of(&ObjectRef::new("v1", "ConfigMap", None, "")).map(|resource| Query {
        resource,
        namespace: Some("kube-system".to_owned()),
        scope: Scope::Named("kubeadm-config".to_owned()),
    });
    all.chain(config).chain([pools_query()]).collect()
}

/// What the pictures of the cluster and of this machine say. `server` is the address of the API server.
pub fn see(snapshot: &Snapshot, shore: &Shore, server: &str, needed: u32) -> Seen {
    let nodes = nodes(snapshot);
    let (forbidden, mut unknown) = cidrs::cidrs(snapshot);
    let mut families = cidrs::families(snapshot, &forbidden);
    if families.is_empty() {
        families.extend(nodes.iter().flat_map(|node| &node.addresses).next().map(|first| super::Family::of(*first)));
        unknown.extend(families.first().map(|family| {
            format!("the families of the services are not known, so {family} is taken, of which the first node has an address")
        }));
    }
    unknown.extend(unread(snapshot));
    let (pools, strange_pools) = pools(snapshot);
    unknown.extend(strange_pools);
    let addresses = nodes.iter().flat_map(|node| {
        node.addresses.iter().map(|address| NodeAddress { node: node.name.clone(), address: *address })
    });
    let has = |family: &super::Family| {
        nodes.iter().flat_map(|node| &node.addresses).any(|address| super::Family::of(*address) == *family)
    };
    let mut inputs = Inputs {
        network: None,
        strange: Vec::new(),
        near: Vec::new(),
        nodes: addresses.collect(),
        families: families.into_iter().filter(has).collect(),
        used: services(snapshot),
        pools,
        forbidden,
        needed,
        unknown,
    };
    if let Some(network) = &shore.known {
        inputs.network = Some(network.clone());
        return Seen { inputs, reach: None };
    }
    let reach = match locate(&nodes, ground(shore), server) {
        Ok(located) => attach(&mut inputs, located, shore),
        Err(reasons) => {
            inputs.strange = no_nodes(snapshot).unwrap_or(reasons);
            let all: Vec<_> = inputs.nodes.iter().map(|node| node.address).collect();
            inputs.near = shore.machine.links.iter().flat_map(|links| near(&all, links, server)).collect();
            inputs.used.extend(own_addresses(shore));
            None
        }
    };
    inputs.forbidden.extend(other_networks(&inputs, &shore.engines));
    Seen { inputs, reach }
}

fn no_nodes(snapshot: &Snapshot) -> Option<Vec<String>> {
    let unread = snapshot.unread.iter().find(|unread| unread.kind == "Node")?;
    Some(vec![format!("the nodes could not be read: {}", printable(&unread.why))])
}

/// What follows from what could not be read.
fn unread(snapshot: &Snapshot) -> Vec<String> {
    let follows = |kind: &str| match kind {
        "Service" => Some("the Services could not be read, so an address that one of them has may be in the pool"),
        "IPAddressPool" => Some("the pools of MetalLB could not be read, so one that is there may overlap"),
        // The others are looked at where they matter.
        _ => None,
    };
    let line =
        |unread: &crate::snapshot::Unread| Some(format!("{}: {}", follows(&unread.kind)?, printable(&unread.why)));
    snapshot.unread.iter().filter_map(line).collect()
}

pub(super) fn nodes(snapshot: &Snapshot) -> Vec<NodeFacts> {
    let addresses = |node: &Value| {
        let internal = items(node, "/status/addresses").filter(|address| address["type"] == "InternalIP");
        internal.filter_map(|address| text(address, "/address")?.parse().ok()).collect()
    };
    let facts = |node: &Value| NodeFacts {
        name: printable(text(node, "/metadata/name").unwrap_or_default()),
        provider: printable(text(node, "/spec/providerID").unwrap_or_default()),
        addresses: addresses(node),
    };
    snapshot.of_kind("", "Node").map(facts).collect()
}

/// Whatever the network of the nodes is, what this machine has is taken.
fn own_addresses(shore: &Shore) -> impl Iterator<Item = Used> {
    let links = shore.machine.links.iter();
    links.flat_map(|links| {
        links.addresses.iter().map(|address| {
            let name = links.interface_of(*address).map_or("lo", |route| &route.interface).to_owned();
            Used { range: Range::one(*address), by: Holder::Interface { name } }
        })
    })
}

/// Puts the network that was found into the inputs. Returns whether this machine reaches it.
fn attach(inputs: &mut Inputs, located: Located<'_>, shore: &Shore) -> Option<Reach> {
    let Located { engine, network, .. } = located;
    let containers = shore.engines.iter().filter(|known| known.engine.id == engine.id);
    let running = network.attached.iter().map(|(name, address)| (*address, Holder::Container { name: name.clone() }));
    inputs.used.extend(running.map(|(address, by)| Used { range: Range::one(address), by }));
    for container in containers.flat_map(|known| &known.containers) {
        let attached = container.attachments.iter().filter(|attachment| attachment.network == network.name);
        let holder = |name: String| {
            if container.running { Holder::Container { name } } else { Holder::StoppedContainer { name } }
        };
        let addresses = attached.flat_map(|attachment| attachment.addresses.iter().chain(&attachment.fixed));
        inputs
            .used
            .extend(addresses.map(|address| Used { range: Range::one(*address), by: holder(container.name.clone()) }));
    }
    let wanted = |engine: &&EngineNetworks| engine.engine.id == located.engine.id;
    inputs.unknown.extend(shore.engines.iter().filter(wanted).flat_map(|engine| engine.unread.iter().cloned()));
    let found = Network { name: network.name.clone(), engine: engine.product, subnets: network.subnets.clone() };
    inputs.network = Some(found);
    let first = inputs.families.first().and_then(|family| inputs.subnet(*family)).cloned();
    let first = first.or_else(|| network.subnets.first().cloned())?;
    local(inputs, shore);
    inputs.used.sort();
    inputs.used.dedup();
    Some(reach(engine, first.gateway(), &shore.machine))
}

/// Addresses of this machine in the network, and routes that lead parts of it elsewhere. Only where this machine is in the
/// network: elsewhere the same addresses may mean something else.
fn local(inputs: &mut Inputs, shore: &Shore) {
    let Some(links) = &shore.machine.links else { return };
    let subnets = inputs.network.as_ref().map(|network| network.subnets.clone()).unwrap_or_default();
    for subnet in subnets.iter().filter(|subnet| links.addresses.contains(&subnet.gateway())) {
        let Some(own) = links.interface_of(subnet.gateway()) else { continue };
        let whole = Range::of(subnet.subnet);
        let others = links.addresses.iter().filter(|address| whole.holds(**address) && **address != subnet.gateway());
        inputs.used.extend(others.map(|address| Used {
            range: Range::one(*address),
            by: Holder::Interface { name: own.interface.clone() },
        }));
        let elsewhere =
            links.routes.iter().filter(|route| route.interface != own.interface && whole.covers(Range::of(route.net)));
        inputs.forbidden.extend(elsewhere.map(|route| Forbidden {
            net: route.net,
            what: format!("a route of this machine through {}", route.interface),
        }));
    }
}

/// The subnets of other networks. One that holds a node is not another one: it is where the nodes are, even when that could
/// not be proved.
fn other_networks(inputs: &Inputs, engines: &[EngineNetworks]) -> Vec<Forbidden> {
    let own = inputs.network.as_ref();
    let subnets = engines.iter().flat_map(|engine| {
        let networks = engine.networks.iter();
        networks
            .flat_map(move |network| network.subnets.iter().map(move |subnet| (engine.engine.product, network, subnet)))
    });
    subnets
        .filter(|(engine, network, _)| !own.is_some_and(|own| own.engine == *engine && own.name == network.name))
        .filter(|(_, _, subnet)| !inputs.nodes.iter().any(|node| subnet.subnet.contains(&node.address)))
        .map(|(engine, network, subnet)| Forbidden {
            net: subnet.subnet,
            what: format!("network {} of {engine}", network.name),
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests;
