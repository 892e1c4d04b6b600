//! Container engines: who answers behind each socket that is named or usual, and why the others do not.
//!
//! ```text
//! variables, contexts, usual paths -> candidates -> probe (each with its own deadline) -> engines, merged by identity
//! ```
//!
//! Who answers decides, not the path: Podman often sits behind `/var/run/docker.sock`.

mod candidates;
mod contexts;
mod fault;
mod plain;
mod probe;

use super::surroundings::Surroundings;
use super::text::clean;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use candidates::Candidate;
use probe::probe;

pub(super) use candidates::{Endpoint, candidates};
pub use fault::{EngineFault, UnusableEngine};
pub(super) use plain::get;
pub(super) use probe::client;

/// A container engine that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// What makes it the same engine behind two addresses: Docker's own id; for others their host and data folder,
    /// since Podman invents a new id for every answer.
    pub id: String,
    /// Which engine answered.
    pub product: Product,
    /// Its version, such as `20.10.24+dfsg1`.
    pub version: String,
    /// The newest version of the Docker API it speaks, such as `1.41`.
    pub api_version: String,
    /// Whether it runs without root, where low ports and some limits are out of reach.
    pub rootless: Option<bool>,
    /// 1 or 2.
    pub cgroup_version: Option<u8>,
    /// `systemd`, `cgroupfs` or `none`.
    pub cgroup_driver: Option<String>,
    /// Such as `overlay2`, `overlay`, `vfs`.
    pub storage_driver: Option<String>,
    /// Where it keeps images and volumes, on the machine it runs on.
    pub data_root: Option<String>,
    /// Processors it may use; those of a virtual machine where the engine runs in one.
    pub cpus: Option<u32>,
    /// Its memory, in bytes.
    pub memory: Option<u64>,
    /// The operating system it runs on, such as `linux`.
    pub os: Option<String>,
    /// The architecture, such as `amd64`.
    pub arch: Option<String>,
    /// The distribution or product in words, such as `Docker Desktop`.
    pub system: Option<String>,
    /// Every address it answers at, the one to prefer first.
    pub addresses: Vec<Address>,
}

/// Which engine answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// Docker, or Moby.
    Docker,
    /// Podman, over its Docker-compatible API.
    Podman,
    /// Something else that speaks Docker's API.
    Other,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Other => "a container engine",
        })
    }
}

/// An address and who named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Such as `unix:///var/run/docker.sock`.
    pub url: String,
    /// Everything that named it, the strongest first.
    pub named_by: Vec<NamedBy>,
    /// Its place among all addresses asked, 0 for the one to prefer: variables, contexts, usual paths.
    pub preference: usize,
}

/// What named an address, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum NamedBy {
    /// An environment variable.
    Variable {
        /// `DOCKER_HOST` or `CONTAINER_HOST`.
        name: String,
    },
    /// The docker context in use.
    CurrentContext {
        /// Its name.
        name: String,
    },
    /// Another docker context.
    Context {
        /// Its name.
        name: String,
    },
    /// It is where an engine usually listens.
    Default,
}

/// Asks one candidate who is there.
pub(super) async fn ask(candidate: Candidate, limit: Duration) -> Result<Engine, UnusableEngine> {
    let Candidate { url, named_by, preference, endpoint } = candidate;
    let found = match endpoint {
        Ok(endpoint) => probe(&endpoint, limit).await,
        Err(fault) => Err(fault),
    };
    match found {
        Ok(engine) => Ok(Engine { addresses: vec![Address { url, named_by, preference }], ..engine }),
        Err(fault) => Err(UnusableEngine { address: url, named_by, preference, fault }),
    }
}

/// How to reach an engine, at the address to prefer.
pub(super) fn endpoint_of(here: &Surroundings, engine: &Engine) -> Option<Endpoint> {
    let address = engine.addresses.first()?;
    candidates(here).into_iter().find(|candidate| candidate.url == address.url)?.endpoint.ok()
}

/// A client of the engine at an address that [`look`] has found before, as its API's newest version that both know.
///
/// # Errors
/// When the address is not to be tried any more, or nobody answers there.
pub(crate) async fn open(here: &Surroundings, url: &str, limit: Duration) -> Result<bollard::Docker, EngineFault> {
    let known = candidates(here).into_iter().find(|candidate| candidate.url == url);
    let endpoint = match known {
        Some(candidate) => candidate.endpoint?,
        None => return Err(EngineFault::Missing),
    };
    let io = |error: &bollard::errors::Error| EngineFault::Io { detail: clean(&crate::error::root(error)) };
    let client = client(&endpoint, limit).map_err(|error| io(&error))?;
    client.negotiate_version().await.map_err(|error| io(&error))
}

/// Adds an engine, or its addresses if it is there already. The order does not depend on who answered first.
pub(super) fn merge(engines: &mut Vec<Engine>, engine: Engine) {
    match engines.iter_mut().find(|other| other.id == engine.id) {
        Some(other) => {
            other.addresses.extend(engine.addresses);
            other.addresses.sort_by_key(|address| address.preference);
        }
        None => engines.push(engine),
    }
    engines.sort_by_key(|engine| engine.addresses.first().map(|address| address.preference));
}

/// Everything that answered or should have, in one go. See [`crate::host::report`] to have each as it comes.
pub async fn look(here: &Surroundings, limit: Duration) -> (Vec<Engine>, Vec<UnusableEngine>) {
    let answers = futures::future::join_all(candidates(here).into_iter().map(|candidate| ask(candidate, limit))).await;
    let (mut engines, mut unusable) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(engine) => merge(&mut engines, engine),
            Err(fault) => unusable.push(fault),
        }
    }
    (engines, unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{EngineStub, garbage, in_folder, silence};
    use std::path::Path;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(30);

    fn socket(folder: &Path, path: &str) -> std::path::PathBuf {
        let socket = folder.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        socket
    }

    #[tokio::test]
    async fn podman_behind_dockers_socket_is_podman() {
        let folder = tempfile::tempdir().unwrap();
        let _server = EngineStub::podman().serve(&socket(folder.path(), "/var/run/docker.sock"));
        let (engines, _) = look(&in_folder(folder.path()), LONG).await;
        assert_eq!(engines.len(), 1);
        let podman = &engines[0];
        assert_eq!((podman.product, podman.version.as_str()), (Product::Podman, "4.3.1"));
        assert_eq!(podman.rootless, Some(true));
        assert_eq!((podman.cgroup_version, podman.cgroup_driver.as_deref()), (Some(2), Some("systemd")));
    }

    #[tokio::test]
    async fn one_engine_at_two_addresses_is_one_engine() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = in_folder(folder.path());
        let second = socket(folder.path(), "/elsewhere/docker.sock");
        let _one = EngineStub::docker().serve(&socket(folder.path(), "/var/run/docker.sock"));
        let _two = EngineStub::docker().serve(&second);
        here.variables.insert("DOCKER_HOST".into(), format!("unix://{}", second.display()));

        let (engines, unusable) = look(&here, LONG).await;
        assert_eq!(engines.len(), 1);
        let docker = &engines[0];
        assert_eq!((docker.product, docker.id.as_str()), (Product::Docker, "AAAA:BBBB"));
        assert_eq!((docker.cpus, docker.memory, docker.rootless), (Some(2), Some(1 << 30), Some(false)));
        let variable = NamedBy::Variable { name: "DOCKER_HOST".into() };
        let named: Vec<_> = docker.addresses.iter().map(|address| address.named_by.as_slice()).collect();
        assert_eq!(named, [&[variable][..], &[NamedBy::Default][..]]);
        assert!(unusable.iter().all(|engine| engine.fault == EngineFault::Missing && !engine.is_noteworthy()));
    }

    #[tokio::test]
    async fn a_link_to_another_socket_is_the_same_engine() {
        let folder = tempfile::tempdir().unwrap();
        let real = socket(folder.path(), "/run/podman/podman.sock");
        let _server = EngineStub::podman().serve(&real);
        std::os::unix::fs::symlink(&real, socket(folder.path(), "/var/run/docker.sock")).unwrap();
        let (engines, _) = look(&in_folder(folder.path()), LONG).await;
        assert_eq!(engines.len(), 1);
        assert_eq!(engines[0].addresses.len(), 2);
    }

    #[tokio::test]
    async fn what_is_no_engine_is_reported_with_what_answered() {
        let folder = tempfile::tempdir().unwrap();
        let _server = garbage(&socket(folder.path(), "/var/run/docker.sock"), b"220 mail.example ESMTP\x07\r\n");
        let (engines, unusable) = look(&in_folder(folder.path()), LONG).await;
        assert!(engines.is_empty());
        let fault = unusable.iter().find(|engine| engine.is_noteworthy()).unwrap();
        assert_eq!(fault.fault, EngineFault::NotAnEngine { answered: "220 mail.example ESMTP".into() });
    }

    #[tokio::test]
    async fn another_web_server_is_no_engine() {
        let folder = tempfile::tempdir().unwrap();
        let stub = EngineStub { version: serde_json::json!({"hello": "world"}), info: serde_json::Value::Null };
        let _server = stub.serve(&socket(folder.path(), "/var/run/docker.sock"));
        let (_, unusable) = look(&in_folder(folder.path()), LONG).await;
        let fault = &unusable.iter().find(|engine| engine.is_noteworthy()).unwrap().fault;
        let EngineFault::NotAnEngine { answered } = fault else { panic!("{fault:?}") };
        assert!(answered.starts_with("HTTP/1.1 200 OK"), "{answered}");
    }

    #[tokio::test]
    async fn silence_is_given_up_and_a_dead_socket_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _server = silence(&socket(folder.path(), "/var/run/docker.sock"));
        drop(std::os::unix::net::UnixListener::bind(socket(folder.path(), "/run/podman/podman.sock")).unwrap());
        let started = Instant::now();
        let (_, unusable) = look(&in_folder(folder.path()), Duration::from_millis(200)).await;
        assert!(started.elapsed() < Duration::from_secs(5));
        let faults: Vec<_> =
            unusable.iter().filter(|engine| engine.is_noteworthy()).map(|engine| &engine.fault).collect();
        assert_eq!(faults, [&EngineFault::Timeout { after_ms: 200 }, &EngineFault::Refused]);
    }
}
