//! What checks want to know of this machine, when the cluster is on it.

use std::net::{IpAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Serialize};

use super::ClusterFacts;
use crate::host::kubeconfig::{self, Problem};
use crate::host::{Surroundings, networks};

/// How long a container engine may take to answer.
const ENGINE: Duration = Duration::from_secs(2);

/// This machine, as far as checks read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The container engines that answer.
    #[serde(default)]
    pub engines: Vec<String>,
    /// Those that should and do not, and why.
    #[serde(default)]
    pub unusable: Vec<String>,
    /// The kubeconfig files that cannot be read, with place and reason.
    #[serde(default)]
    pub broken: Vec<String>,
}

/// Looks at this machine, when the cluster's API server is on it.
pub async fn look_around(
    here: &Surroundings,
    file: Option<&Path>,
    cluster: Option<&ClusterFacts>,
) -> Option<HostFacts> {
    if !is_here(&cluster?.server) {
        return None;
    }
    let problems = kubeconfig::read(here, file).facts.problems;
    let is_lost = |problem: &&Problem| matches!(problem, Problem::Broken { .. } | Problem::Unreadable { .. });
    let broken = problems.iter().filter(is_lost).map(ToString::to_string).collect();
    let (engines, unusable) = networks::look(here, ENGINE).await;
    Some(HostFacts {
        engines: engines.iter().map(|one| format!("{} {}", one.engine.product, one.engine.version)).collect(),
        unusable: unusable.iter().filter(|engine| engine.is_noteworthy()).map(ToString::to_string).collect(),
        broken,
    })
}

/// Whether a server's address is this machine's: only then can somebody listen on it here.
fn is_here(server: &str) -> bool {
    let Some(host) = server.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)) else { return false };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| TcpListener::bind((address, 0)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn only_an_address_of_this_machine_is_here() {
        for server in
            ["https://127.0.0.1:6443", "https://localhost:8443/", "https://[::1]:6443", "https://0.0.0.0:6443"]
        {
            assert!(is_here(server), "{server}");
        }
        for server in ["https://192.0.2.1:6443", "https://api.example.com:6443", "sandbox", ""] {
            assert!(!is_here(server), "{server}");
        }
    }
}
