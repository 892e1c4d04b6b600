//! Docker's API, which Podman speaks too.

use super::{Attachment, Container, EngineNetwork, Mount, address};
use crate::host::engines::{Endpoint, EngineFault, client};
use crate::host::text::clean;
use crate::network::{Range, Subnet};
use bollard::models::{
    ContainerSummary, ContainerSummaryStateEnum, EndpointSettings, IpamConfig, MountPoint, NetworkInspect,
};
use bollard::query_parameters::{InspectNetworkOptions, ListContainersOptionsBuilder, ListNetworksOptions};
use bollard::{Docker, errors::Error};
use futures::future::join_all;
use std::collections::HashMap;
use std::time::Duration;

/// All networks with who is attached, and all containers.
pub(super) async fn read(
    endpoint: &Endpoint,
    limit: Duration,
) -> Result<(Vec<EngineNetwork>, Vec<Container>), EngineFault> {
    let answer = async {
        // Docker refuses versions of its API that are newer than itself.
        let docker = client(endpoint, limit)?.negotiate_version().await?;
        let everything = ListContainersOptionsBuilder::new().all(true).build();
        let (networks, containers) = futures::join!(networks(&docker), docker.list_containers(Some(everything)));
        Ok((networks?, containers?))
    };
    let (mut networks, containers) = answer.await.map_err(|error: Error| fault(&error))?;
    let mut containers: Vec<Container> = containers.into_iter().map(container).collect();
    networks.sort_by(|one, other| one.name.cmp(&other.name));
    containers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((networks, containers))
}

/// See [`super::labelled`].
pub(super) async fn labelled(docker: &Docker, label: &str, value: &str) -> Result<Vec<Container>, Error> {
    let filters = HashMap::from([("label", vec![format!("{label}={value}")])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let mut containers: Vec<Container> =
        docker.list_containers(Some(options)).await?.into_iter().map(container).collect();
    containers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(containers)
}

fn fault(error: &Error) -> EngineFault {
    EngineFault::Io { detail: clean(&crate::error::root(error)) }
}

/// One that goes away between the two questions is not there.
async fn networks(docker: &Docker) -> Result<Vec<EngineNetwork>, Error> {
    let list = docker.list_networks(None::<ListNetworksOptions>).await?;
    let ids = list.into_iter().filter_map(|network| network.id);
    let answers = ids.map(|id| async move { docker.inspect_network(&id, None::<InspectNetworkOptions>).await });
    let mut networks = Vec::new();
    for answer in join_all(answers).await {
        match answer {
            Ok(found) => networks.push(network(found)),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(networks)
}

fn network(found: NetworkInspect) -> EngineNetwork {
    let config = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let mut attached: Vec<_> = found
        .containers
        .unwrap_or_default()
        .into_values()
        .flat_map(|container| {
            let name = clean(&container.name.unwrap_or_default());
            let addresses = [address(container.ipv4_address.as_deref()), address(container.ipv6_address.as_deref())];
            addresses.into_iter().flatten().map(move |address| (name.clone(), address))
        })
        .collect();
    attached.sort();
    EngineNetwork {
        id: found.id.unwrap_or_default(),
        name: clean(&found.name.unwrap_or_default()),
        driver: clean(&found.driver.unwrap_or_default()),
        subnets: config.iter().filter_map(subnet).collect(),
        attached,
    }
}

fn subnet(config: &IpamConfig) -> Option<Subnet> {
    let reserved = config.auxiliary_addresses.iter().flatten();
    Some(Subnet {
        subnet: config.subnet.as_ref()?.parse::<ipnet::IpNet>().ok()?.trunc(),
        gateway: address(config.gateway.as_deref()),
        range: config.ip_range.as_deref().and_then(|range| range.parse::<Range>().ok()),
        reserved: reserved.filter_map(|(name, text)| Some((clean(name), address(Some(text))?))).collect(),
    })
}

fn container(found: ContainerSummary) -> Container {
    let names = found.names.unwrap_or_default();
    let name = names.first().map(|name| clean(name.trim_start_matches('/')));
    let attached = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    let mut attachments: Vec<Attachment> =
        attached.into_iter().map(|(network, settings)| attachment(clean(&network), &settings)).collect();
    attachments.sort_by(|one, other| one.network.cmp(&other.network));
    let ports = found.ports.unwrap_or_default();
    let mut ports: Vec<_> = ports.iter().filter_map(|port| Some((port.public_port?, port.private_port))).collect();
    ports.sort_unstable();
    ports.dedup();
    let mut mounts: Vec<Mount> = found.mounts.unwrap_or_default().into_iter().filter_map(mount).collect();
    mounts.sort();
    Container {
        name: name.unwrap_or_default(),
        labels: found.labels.unwrap_or_default().into_iter().map(|(key, value)| (clean(&key), clean(&value))).collect(),
        running: found.state == Some(ContainerSummaryStateEnum::RUNNING),
        created: found.created.unwrap_or_default(),
        image: clean(&found.image.unwrap_or_default()),
        attachments,
        ports,
        mounts,
    }
}

/// Bind mounts and volumes alike: both are a folder of the engine's machine. What is only in memory has no such place. As the engine
/// says it, since places are compared, and one that was cut short is another one.
fn mount(found: MountPoint) -> Option<Mount> {
    let outside = found.source.filter(|source| !source.is_empty())?;
    Some(Mount { inside: found.destination?, outside, writable: found.rw == Some(true) })
}

fn attachment(network: String, settings: &EndpointSettings) -> Attachment {
    let given = [settings.ip_address.as_deref(), settings.global_ipv6_address.as_deref()];
    let asked = settings.ipam_config.as_ref();
    let asked =
        [asked.and_then(|asked| asked.ipv4_address.as_deref()), asked.and_then(|asked| asked.ipv6_address.as_deref())];
    let gateways = [settings.gateway.as_deref(), settings.ipv6_gateway.as_deref()];
    Attachment {
        network,
        gateways: gateways.into_iter().filter_map(address).collect(),
        addresses: given.into_iter().filter_map(address).collect(),
        fixed: asked.into_iter().filter_map(address).collect(),
    }
}
