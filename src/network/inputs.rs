//! What a pool is worked out from, as data: it can be saved, loaded and written down in a test.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::range::{Family, Range};
use crate::host::engines::Product;

/// Everything that decides about a pool. The order of lists does not matter, but for [`Inputs::families`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The network that the nodes are attached to; `None` where it is not one of a container engine that answers here.
    pub network: Option<Network>,
    /// Why there is no network, a line each. Empty when there is one.
    pub strange: Vec<String>,
    /// Where there is no network of an engine: the networks of this machine's interfaces that hold all nodes of a family.
    #[serde(default)]
    pub near: Vec<Near>,
    /// The nodes' addresses inside the cluster (`InternalIP`).
    pub nodes: Vec<NodeAddress>,
    /// The families in which the cluster has services and its nodes have addresses, the first one first.
    pub families: Vec<Family>,
    /// Addresses that somebody has, or is promised.
    pub used: Vec<Used>,
    /// Every IPAddressPool of the cluster.
    pub pools: Vec<Pool>,
    /// Where no pool may lie.
    pub forbidden: Vec<Forbidden>,
    /// How many addresses are needed; one at least.
    pub needed: u32,
    /// What could not be read, and what follows from that.
    pub unknown: Vec<String>,
}

/// A network that an interface of this machine is in, and all nodes by their addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// The addresses.
    pub net: IpNet,
    /// The interface.
    pub interface: String,
    /// Whether the API server answers here or in that network. Elsewhere, private addresses may mean another network.
    pub proved: bool,
}

/// A network of a container engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub engine: Product,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
}

/// A subnet of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The addresses.
    pub subnet: IpNet,
    /// The gateway, where the engine or a container names one; see [`Subnet::gateway()`].
    pub gateway: Option<IpAddr>,
    /// Where the engine takes addresses for containers from, if not from the whole subnet.
    pub range: Option<Range>,
    /// Addresses that the engine gives to nobody, with their names (Docker's auxiliary addresses).
    #[serde(default)]
    pub reserved: BTreeMap<String, IpAddr>,
}

impl Subnet {
    /// The gateway's address: an engine that was given none takes the first one of the range from which it takes all
    /// others (measured with Docker 20.10: 10.231.78.128 for the range 10.231.78.128/25 of a /24).
    pub fn gateway(&self) -> IpAddr {
        let hosts = Range::of_hosts(self.subnet);
        let first = hosts.map_or_else(
            || self.subnet.network(),
            |hosts| self.range.and_then(|range| hosts.common(range)).unwrap_or(hosts).first(),
        );
        self.gateway.unwrap_or(first)
    }

    /// The engine's range, unless it leaves nothing outside of it.
    pub(super) fn narrow_range(&self) -> Option<Range> {
        let hosts = Range::of_hosts(self.subnet)?;
        self.range.filter(|range| !range.covers(hosts))
    }
}

/// An address of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeAddress {
    /// The node's name.
    pub node: String,
    /// Its address inside the cluster.
    pub address: IpAddr,
}

/// Addresses that are taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Used {
    /// Which.
    pub range: Range,
    /// By whom.
    pub by: Holder,
}

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Holder {
    /// A node of the cluster.
    Node {
        /// Its name.
        name: String,
    },
    /// A container that runs on the network.
    Container {
        /// Its name.
        name: String,
    },
    /// A container that does not run, and has asked for this address.
    StoppedContainer {
        /// Its name.
        name: String,
    },
    /// A Service that has it.
    Service {
        /// `namespace/name`.
        name: String,
    },
    /// A Service that asks for it and has not got it (`spec.loadBalancerIP`).
    Wish {
        /// `namespace/name`.
        name: String,
    },
    /// This machine itself.
    Interface {
        /// The network interface.
        name: String,
    },
    /// A pool that was given to another cluster on the same network.
    OtherCluster {
        /// The cluster.
        name: String,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { name } => write!(f, "node {name}"),
            Self::Container { name } => write!(f, "container {name}"),
            Self::StoppedContainer { name } => write!(f, "container {name}, which is stopped and keeps it"),
            Self::Wish { name } => write!(f, "asked for by Service {name}"),
            Self::Service { name } => write!(f, "Service {name}"),
            Self::Interface { name } => write!(f, "interface {name} of this machine"),
            Self::OtherCluster { name } => write!(f, "the pool of cluster {name}"),
        }
    }
}

/// An IPAddressPool that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub ranges: Vec<Range>,
    /// Whether Seaworthy made it: then it is kept as long as it holds.
    pub ours: bool,
}

/// Addresses that mean something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Forbidden {
    /// Which.
    pub net: IpNet,
    /// What they are, such as `the pods of node kind-worker`.
    pub what: String,
}
