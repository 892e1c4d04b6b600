//! What has to be known of this machine to decide about clusters on it.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;

use super::k3s;

use crate::host::engines::{Engine, UnusableEngine};
use crate::host::networks::{self, EngineNetworks};
use crate::host::resources::{self, Resources};
use crate::host::tools::{self, TOOLS, Tool, probe};
use crate::host::{Surroundings, child, engines, kubeconfig};

/// The tools that clusters are made with.
const NEEDED: [&str; 4] = ["kind", "k3s", "docker", "podman"];
/// Variables that name a proxy, as kind passes them on to its nodes.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/// What is known of this machine.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Picture {
    /// The engines that answered, with their containers.
    pub engines: Vec<EngineNetworks>,
    /// Those that did not, and why.
    pub unusable: Vec<UnusableEngine>,
    /// The images of each engine, by the engine's address; without an entry they could not be read.
    pub images: BTreeMap<String, Vec<String>>,
    /// kind, k3s, and the clients of engines.
    pub tools: Vec<Tool>,
    /// Processors, memory, disk and kernel settings.
    pub resources: Option<Resources>,
    /// The control groups that systemd leaves to this user; `None`: there is no such file.
    pub delegated: Option<Vec<String>>,
    /// The ports asked about of which somebody has one already, and what the system says.
    pub taken: Vec<(u16, String)>,
    /// The names of all kubeconfig contexts.
    pub contexts: Vec<String>,
    /// The variables that name proxies.
    pub proxies: BTreeMap<String, String>,
    /// The effective user id.
    pub uid: u32,
    /// What is here of k3s.
    pub k3s: k3s::Facts,
}

/// Reads it; each engine and tool is asked for at most `limit`. `ports`: those that a cluster is to have.
pub async fn look(here: &Surroundings, ports: &[(IpAddr, u16)], limit: Duration) -> Picture {
    let tools = join_all(NEEDED.iter().map(|name| async move {
        let row = TOOLS.iter().find(|row| row.name == *name);
        match row {
            Some(row) => Some(probe(row, here, limit).await),
            None => None,
        }
    }));
    let (tools, (engines, unusable)) = tokio::join!(tools, networks::look(here, limit));
    let known = engines.iter().filter_map(|engine| Some(engine.engine.addresses.first()?.url.clone()));
    let images = join_all(known.map(|url| async move { (url.clone(), images(here, &url, limit).await) })).await;
    let loaded = kubeconfig::read(here, None);
    Picture {
        images: images.into_iter().filter_map(|(url, images)| Some((url, images?))).collect(),
        tools: tools.into_iter().flatten().collect(),
        resources: Some(resources::read(here, &[])),
        delegated: delegated(here),
        taken: ports.iter().filter_map(taken).collect(),
        contexts: loaded.facts.contexts.into_iter().map(|context| context.name).collect(),
        proxies: PROXIES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), here.variable(name)?.to_owned())))
            .collect(),
        uid: here.uid,
        k3s: k3s_facts(here, limit).await,
        engines,
        unusable,
    }
}

/// The names of an engine's images; `None` when they could not be read.
async fn images(here: &Surroundings, url: &str, limit: Duration) -> Option<Vec<String>> {
    let docker = engines::open(here, url, limit).await.ok()?;
    let images = docker.list_images(None::<bollard::query_parameters::ListImagesOptions>).await.ok()?;
    let names = images.into_iter().flat_map(|image| image.repo_tags.into_iter().chain(image.repo_digests));
    Some(names.map(|name| crate::host::text::clean(&name)).collect())
}

/// Files of an installation, whoever made it, and whether its unit runs. Source: facts/prerequisites: detect.
async fn k3s_facts(here: &Surroundings, limit: Duration) -> k3s::Facts {
    let unit = [
        "/etc/systemd/system/k3s.service",
        "/etc/systemd/system/k3s-agent.service",
        "/usr/lib/systemd/system/k3s.service",
    ];
    let others = ["/etc/init.d/k3s", "/etc/rancher/k3s/k3s.yaml", "/var/lib/rancher/k3s/server"];
    let is_there = |path: &&str| here.at_root(*path).exists();
    let there: Vec<PathBuf> = unit.iter().chain(&others).filter(|path| is_there(path)).map(PathBuf::from).collect();
    let active = match tools::find("systemctl", here).filter(|_| unit.iter().any(is_there)) {
        Some(systemctl) => {
            let words = ["is-active".to_owned(), k3s::UNIT.to_owned()];
            let asked = child::run(&systemctl, &words, &here.variables, limit).await;
            asked.ok().map(|ended| ended.status.success())
        }
        None => None,
    };
    // The folder by which systemd's own libraries tell (sd_booted(3)).
    k3s::Facts { systemd: here.at_root("/run/systemd/system").is_dir(), there, active }
}

/// Source: systemd, "Control Group APIs and Delegation"; kind's page "Rootless".
fn delegated(here: &Surroundings) -> Option<Vec<String>> {
    let uid = here.uid;
    let file = format!("/sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers");
    let text = fs::read_to_string(here.at_root(file)).ok()?;
    Some(text.split_whitespace().map(str::to_owned).collect())
}

/// Whether a port can be had, found out by having it for a moment. What only another user may have is no news here: the
/// engine takes it, not this process.
fn taken((address, port): &(IpAddr, u16)) -> Option<(u16, String)> {
    match TcpListener::bind((*address, *port)) {
        Err(error) if error.kind() != std::io::ErrorKind::PermissionDenied => Some((*port, error.to_string())),
        _ => None,
    }
}

impl Picture {
    /// The tool of this name, when it works.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name && tool.version().is_some())
    }

    /// The images of an engine.
    pub fn images_of(&self, engine: &Engine) -> Option<&[String]> {
        self.images.get(&engine.addresses.first()?.url).map(Vec::as_slice)
    }
}
