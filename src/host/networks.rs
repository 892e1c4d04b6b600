//! The networks of container engines, and which containers have which of their addresses. Only reading.
//!
//! ```text
//! engines that answered -> networks, containers (Docker's API) -+-- EngineNetworks, one each
//!                          lease ranges (Podman's own API) -----'
//! ```
//!
//! Docker's list of networks leaves out who is attached, and Podman's docker-compatible API leaves out from which part of a
//! subnet addresses are taken (measured: Docker 20.10, Podman 4.3); so each network is asked by itself, and Podman twice.

mod docker;
mod libpod;

use super::engines::{self, Engine, EngineFault, UnusableEngine};
use super::surroundings::Surroundings;
use crate::network::{Range, Subnet};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

/// What one engine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineNetworks {
    /// The engine.
    pub engine: Engine,
    /// Its networks, by name.
    pub networks: Vec<EngineNetwork>,
    /// Its containers, stopped ones too, by name.
    pub containers: Vec<Container>,
    /// What could not be read, and what follows.
    pub unread: Vec<String>,
}

/// A network of an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineNetwork {
    /// Its id; containers name it by that or by its name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `bridge`, `macvlan`, ...
    pub driver: String,
    /// Its subnets, in the engine's order.
    pub subnets: Vec<Subnet>,
    /// The addresses of running containers, each with the container's name.
    pub attached: Vec<(String, IpAddr)>,
}

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it runs.
    pub running: bool,
    /// When it was made, seconds since 1970.
    #[serde(default)]
    pub created: i64,
    /// The image that it was made from, as it was named.
    #[serde(default)]
    pub image: String,
    /// Where it is attached, or will be when it starts, by the network's name.
    pub attachments: Vec<Attachment>,
    /// Ports of this machine that lead to it: (port here, port in the container).
    pub ports: Vec<(u16, u16)>,
    /// Folders of the engine's machine that it has, by their place in it.
    #[serde(default)]
    pub mounts: Vec<Mount>,
}

/// A folder of the engine's machine, or a volume of the engine, that a container has.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mount {
    /// Where it is in the container.
    pub inside: String,
    /// Where it is on the engine's machine.
    pub outside: String,
    /// Whether the container may write to it.
    pub writable: bool,
}

/// How a container is attached to a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// Its addresses there, now.
    pub addresses: Vec<IpAddr>,
    /// The addresses that it has asked for, and gets whenever it starts.
    pub fixed: Vec<IpAddr>,
    /// The gateways that it was given there.
    #[serde(default)]
    pub gateways: Vec<IpAddr>,
}

/// Asks every engine that this machine has for its networks, each address for at most `limit`, twice.
///
/// Engines that cannot be used come back with the reason.
pub async fn look(here: &Surroundings, limit: Duration) -> (Vec<EngineNetworks>, Vec<UnusableEngine>) {
    let (found, unusable) = engines::look(here, limit).await;
    let asked = found.into_iter().map(|engine| async move {
        let door = engines::endpoint_of(here, &engine);
        match door {
            Some(door) => ask(engine, &door, limit).await,
            None => nothing(engine, "its address is not known any more"),
        }
    });
    (join_all(asked).await, unusable)
}

async fn ask(engine: Engine, endpoint: &engines::Endpoint, limit: Duration) -> EngineNetworks {
    let answer = match timeout(limit, docker::read(endpoint, limit)).await {
        Ok(answer) => answer,
        Err(_) => Err(EngineFault::Timeout { after_ms: super::millis(limit) }),
    };
    let (networks, containers) = match answer {
        Ok(answer) => answer,
        Err(fault) => return nothing(engine, &fault.to_string()),
    };
    let mut all = EngineNetworks { engine, networks, containers, unread: Vec::new() };
    add_gateways(&mut all);
    if all.engine.product == engines::Product::Podman {
        add_ranges(&mut all, endpoint, limit).await;
    }
    all
}

/// The containers of an engine that carry a label with this value, stopped ones too, by name.
///
/// # Errors
/// As the engine says.
pub(crate) async fn labelled(docker: &bollard::Docker, label: &str, value: &str) -> Result<Vec<Container>, String> {
    docker::labelled(docker, label, value).await.map_err(|error| super::text::clean(&crate::error::root(&error)))
}

fn nothing(engine: Engine, why: &str) -> EngineNetworks {
    let unread = vec![format!("the networks of {} could not be read: {why}", engine.product)];
    EngineNetworks { engine, networks: Vec::new(), containers: Vec::new(), unread }
}

/// Docker (20.10) does not tell a gateway that it chose itself; the containers know it.
fn add_gateways(all: &mut EngineNetworks) {
    for network in &mut all.networks {
        let attached = all.containers.iter().flat_map(|container| &container.attachments);
        let given: Vec<IpAddr> = attached
            .filter(|attachment| attachment.network == network.name)
            .flat_map(|attachment| attachment.gateways.iter().copied())
            .collect();
        for subnet in network.subnets.iter_mut().filter(|subnet| subnet.gateway.is_none()) {
            subnet.gateway = given.iter().copied().find(|gateway| subnet.subnet.contains(gateway));
        }
    }
}

/// Podman's own API says where it takes addresses from.
async fn add_ranges(all: &mut EngineNetworks, endpoint: &engines::Endpoint, limit: Duration) {
    let answer = timeout(limit, libpod::ranges(endpoint)).await;
    let ranges: Vec<libpod::Leased> = match answer {
        Ok(Ok(ranges)) => ranges,
        failed => {
            let why = failed.map_or_else(|_| "no answer in time".to_owned(), |answer| answer.err().unwrap_or_default());
            all.unread.push(format!(
                "whether podman keeps to a part of a subnet (lease range) could not be read, so it is taken to use all of it: {why}"
            ));
            return;
        }
    };
    for leased in ranges {
        let network = all.networks.iter_mut().find(|network| network.name == leased.network);
        let subnet =
            network.and_then(|network| network.subnets.iter_mut().find(|subnet| subnet.subnet == leased.subnet));
        if let Some(subnet) = subnet {
            subnet.range = subnet.range.or(leased.range);
            subnet.gateway = subnet.gateway.or(leased.gateway);
        }
    }
}

/// An address as engines write it, `10.89.0.2/24` or without the prefix; empty when there is none.
fn address(text: Option<&str>) -> Option<IpAddr> {
    let text = text?;
    text.split('/').next().unwrap_or(text).parse().ok()
}

/// Both ends, or one of them with the subnet's other.
fn ends(subnet: ipnet::IpNet, first: Option<&str>, last: Option<&str>) -> Option<Range> {
    let (first, last) = (address(first), address(last));
    first.or(last)?;
    Range::new(first.unwrap_or(subnet.network()), last.unwrap_or(subnet.broadcast()))
}

#[cfg(test)]
pub(crate) mod tests;
