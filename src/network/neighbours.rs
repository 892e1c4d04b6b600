//! Pools of other clusters on the same network. All kind clusters of an engine share one, and an address that two clusters
//! give away answers from whichever was asked first.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;

use super::holders::{pools, pools_query};
use super::inputs::{Holder, Used};
use super::locate::{Located, cluster_of};
use crate::cluster::{ConnectOptions, connect};
use crate::host::Surroundings;
use crate::host::networks::EngineNetworks;
use crate::snapshot::collect::{Keep, collect_all};

/// How long another cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What another cluster has given away.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Its pools.
    pub(super) used: Vec<Used>,
    /// What could not be read, and what follows.
    pub(super) unknown: Vec<String>,
}

/// A cluster by the label of its containers: the label's key and the name.
pub(super) type Name = (&'static str, String);

/// The clusters whose containers are on the network, but for the nodes' own.
pub(super) fn others(located: Located<'_>, engines: &[EngineNetworks]) -> BTreeSet<Name> {
    let engine = engines.iter().filter(|known| known.engine.id == located.engine.id);
    let on_it = engine.flat_map(|known| &known.containers).filter(|container| {
        let network = &located.network.name;
        container.running && container.attachments.iter().any(|attachment| attachment.network == *network)
    });
    let names = on_it.filter_map(|container| cluster_of(container).map(|(label, name)| (label, name.to_owned())));
    names.filter(|(label, name)| (*label, name.as_str()) != located.cluster).collect()
}

/// Asks each for its pools, through the context that its tool writes into the kubeconfig.
pub(super) async fn ask(here: &Surroundings, kubeconfig: Option<&Path>, others: &BTreeSet<Name>) -> Neighbours {
    let mut found = Neighbours::default();
    for answer in join_all(others.iter().map(|name| one(here, kubeconfig, name))).await {
        match answer {
            Ok(used) => found.used.extend(used),
            Err(unknown) => found.unknown.push(unknown),
        }
    }
    found
}

/// kind calls the context `kind-NAME`, k3d `k3d-NAME`, minikube as its profile.
fn context((label, name): &Name) -> String {
    match *label {
        "io.x-k8s.kind.cluster" => format!("kind-{name}"),
        "k3d.cluster" => format!("k3d-{name}"),
        _ => name.clone(),
    }
}

async fn one(here: &Surroundings, kubeconfig: Option<&Path>, name: &Name) -> Result<Vec<Used>, String> {
    let unread = |why: String| {
        let name = &name.1;
        format!("cluster {name} is on the same network, and whether it has a pool there could not be read: {why}")
    };
    let kubeconfig = kubeconfig.map(Path::to_path_buf);
    let options = ConnectOptions { kubeconfig, context: Some(context(name)), read_only: true, timeout: PATIENCE };
    let cluster = connect(here, &options).await.map_err(|error| unread(error.to_string()))?;
    let snapshot = collect_all(&cluster.client, vec![pools_query()], PATIENCE, Keep::WHOLE).await;
    if let Some(refused) = snapshot.unread.first() {
        return Err(unread(refused.why.clone()));
    }
    let ranges = pools(&snapshot).0.into_iter().flat_map(|pool| pool.ranges);
    Ok(ranges.map(|range| Used { range, by: Holder::OtherCluster { name: name.1.clone() } }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{api_server, healthy, in_folder, status, write};
    use serde_json::json;

    #[tokio::test]
    async fn a_neighbour_is_asked_through_its_own_context() {
        let (address, _server) = api_server(None, |path| match path {
            "/apis/metallb.io/v1beta1/ipaddresspools" => (
                200,
                json!({"kind": "IPAddressPoolList", "apiVersion": "metallb.io/v1beta1", "metadata": {},
                    "items": [{"metadata": {"name": "theirs", "namespace": "m"}, "spec": {"addresses": ["172.18.255.200-172.18.255.250"]}}]}),
            ),
            path => healthy(path),
        })
        .await;
        let (closed, _closed) = api_server(None, |path| match path {
            "/apis/metallb.io/v1beta1/ipaddresspools" => status(403, "not for you"),
            path => healthy(path),
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let here = in_folder(folder.path());
        let clusters = [("kind-b", address), ("k3d-c", closed)];
        let kubeconfig = json!({
            "clusters": clusters.map(|(name, at)| json!({"name": name, "cluster": {"server": format!("http://{at}")}})),
            "contexts": clusters.map(|(name, _)| json!({"name": name, "context": {"cluster": name, "user": ""}})),
        });
        write(&here.at_home(".kube/config").unwrap(), &kubeconfig.to_string());
        let others = [("io.x-k8s.kind.cluster", "b"), ("k3d.cluster", "c"), ("name.minikube.sigs.k8s.io", "gone")];
        let found = ask(&here, None, &others.map(|(label, name)| (label, name.to_owned())).into()).await;
        let by = Holder::OtherCluster { name: "b".into() };
        assert_eq!(found.used, [Used { range: "172.18.255.200-172.18.255.250".parse().unwrap(), by }]);
        let starts = [
            "cluster c is on the same network, and whether it has a pool there could not be read: not for you",
            "cluster gone is on the same network",
        ];
        assert_eq!(found.unknown.len(), 2, "{:?}", found.unknown);
        for (said, start) in found.unknown.iter().zip(starts) {
            assert!(said.starts_with(start), "{said}");
        }
    }
}
