//! A client for one context, made only to ask what is there.

use super::{plugin, proxy_for};
use crate::cluster::fault::{ConnectFault, classify, classify_config, without_userinfo};
use crate::host::kubeconfig::{ContextFact, Loaded};
use crate::host::surroundings::Surroundings;
use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use std::time::Duration;

/// A client that neither retries nor waits longer than `limit`, nor blocks the thread on a credential plugin.
pub(super) async fn client(
    loaded: &Loaded,
    context: &ContextFact,
    here: &Surroundings,
    limit: Duration,
) -> Result<Client, ConnectFault> {
    let mut config = config(loaded, context, here).await?;
    config.connect_timeout = Some(limit);
    config.read_timeout = Some(limit);
    config.write_timeout = Some(limit);
    config.default_retry = false;
    plugin::replace(&mut config.auth_info, here, limit).await?;
    Client::try_from(config).map_err(|error| classify(&error))
}

/// How to talk to the cluster of a context.
pub(crate) async fn config(
    loaded: &Loaded,
    context: &ContextFact,
    here: &Surroundings,
) -> Result<Config, ConnectFault> {
    let options = KubeConfigOptions { context: Some(context.name.clone()), ..Default::default() };
    let mut config = Config::from_custom_kubeconfig(loaded.merged.clone(), &options)
        .await
        .map_err(|error| classify_config(&error))?;
    // kube takes the proxy from the process' own variables, without heeding NO_PROXY.
    config.proxy_url = proxy(loaded, context, &config.cluster_url, here)?;
    Ok(config)
}

fn proxy(
    loaded: &Loaded,
    context: &ContextFact,
    server: &http::Uri,
    here: &Surroundings,
) -> Result<Option<http::Uri>, ConnectFault> {
    let cluster = loaded.merged.clusters.iter().find(|named| named.name == context.cluster);
    let own = cluster.and_then(|named| named.cluster.as_ref()?.proxy_url.clone()).filter(|own| !own.is_empty());
    let Some(address) = own.or_else(|| proxy_for(server, here)) else { return Ok(None) };
    address.parse().map(Some).map_err(|error: http::uri::InvalidUri| ConnectFault::Proxy {
        proxy: without_userinfo(&address),
        detail: error.to_string(),
    })
}
