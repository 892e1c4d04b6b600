//! The addresses that stopped nodes of kind had. Their entrypoint writes its own into a file, and mends the node's settings
//! when it has become another one. Source: kind, `images/base/files/usr/local/bin/entrypoint` (v0.33).

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::net::IpAddr;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures::TryStreamExt as _;
use futures::future::join_all;

use super::Found;
use crate::host::{Surroundings, engines};

/// Where a node of kind writes its address.
const FILE: &str = "/kind/old-ipv4";
/// The most that is read: a tar of one address.
const LONGEST: u64 = 64;

/// The address of each stopped container that left one; what cannot be read is left out.
pub async fn before(here: &Surroundings, cluster: &Found, limit: Duration) -> BTreeMap<String, IpAddr> {
    let Ok(docker) = engines::open(here, &cluster.engine.url, limit).await else { return BTreeMap::new() };
    let stopped = cluster.nodes.iter().filter(|node| !node.running);
    let asked = stopped.map(|node| async { Some((node.name.clone(), address(&docker, &node.name).await?)) });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn address(docker: &Docker, container: &str) -> Option<IpAddr> {
    let options = DownloadFromContainerOptionsBuilder::new().path(FILE).build();
    let parts: Vec<_> = docker.download_from_container(container, Some(options)).try_collect().await.ok()?;
    let mut archive = tar::Archive::new(Cursor::new(parts.concat()));
    let file = archive.entries().ok()?.next()?.ok()?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
