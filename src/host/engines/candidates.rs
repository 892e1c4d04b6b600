//! Where a container engine may listen: what variables and docker contexts name, and the usual paths.

use super::contexts::{self, DockerContext};
use super::{EngineFault, NamedBy};
use crate::cluster::fault::without_userinfo;
use crate::host::surroundings::Surroundings;
use std::path::{Path, PathBuf};

/// Usual sockets below the root.
const AT_ROOT: &[&str] = &["/var/run/docker.sock", "/run/podman/podman.sock"];
/// Usual sockets of engines without root, in the user's runtime folder.
const AT_RUNTIME: &[&str] = &["docker.sock", "podman/podman.sock"];
/// Usual sockets in the home folder: Docker Desktop, Colima, Rancher Desktop, `OrbStack`, Lima, podman machine.
const AT_HOME: &[&str] = &[
    ".docker/run/docker.sock",
    ".docker/desktop/docker.sock",
    ".colima/default/docker.sock",
    ".config/colima/default/docker.sock",
    ".rd/docker.sock",
    ".orbstack/run/docker.sock",
    ".lima/docker/sock/docker.sock",
    ".local/share/containers/podman/machine/podman.sock",
    ".local/share/containers/podman/machine/qemu/podman.sock",
];

/// An address to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::host) struct Candidate {
    /// The address as it is shown.
    pub(super) url: String,
    /// Everything that named it, the strongest first.
    pub(super) named_by: Vec<NamedBy>,
    /// Its place in the list.
    pub(super) preference: usize,
    /// How to reach it, or why that cannot even be tried.
    pub(super) endpoint: Result<Endpoint, EngineFault>,
}

/// How to reach an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::host) enum Endpoint {
    /// A socket.
    Unix(PathBuf),
    /// Plain HTTP to `host:port`.
    Http(String),
}

/// Every address worth asking, each once, the most explicitly named first.
pub(in crate::host) fn candidates(here: &Surroundings) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut add = |url: String, named: NamedBy, endpoint| match found.iter_mut().find(|known| known.url == url) {
        Some(known) => known.named_by.push(named),
        None => found.push(Candidate { url, named_by: vec![named], preference: found.len(), endpoint }),
    };
    for name in ["DOCKER_HOST", "CONTAINER_HOST"] {
        if let Some(value) = here.variable(name) {
            let tls = tls_folder(here).filter(|_| name == "DOCKER_HOST");
            add(without_userinfo(value), NamedBy::Variable { name: name.into() }, endpoint(value, tls));
        }
    }
    for context in contexts::read(here) {
        let DockerContext { name, current, address } = context;
        let named = if current {
            NamedBy::CurrentContext { name: name.clone() }
        } else {
            NamedBy::Context { name: name.clone() }
        };
        match address {
            Ok((host, tls)) => add(without_userinfo(&host), named, endpoint(&host, tls)),
            Err(fault) => add(format!("docker context {name}"), named, Err(fault)),
        }
    }
    for socket in usual(here) {
        add(format!("unix://{}", socket.display()), NamedBy::Default, Ok(Endpoint::Unix(socket)));
    }
    found
}

fn usual(here: &Surroundings) -> Vec<PathBuf> {
    let runtime = here.runtime_dir();
    let root = AT_ROOT.iter().map(|path| here.at_root(path));
    root.chain(AT_RUNTIME.iter().map(|path| runtime.join(path)))
        .chain(AT_HOME.iter().filter_map(|path| here.at_home(path)))
        .collect()
}

/// The folder of client certificates, when docker's variables ask for TLS.
fn tls_folder(here: &Surroundings) -> Option<PathBuf> {
    let asked = ["DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH"];
    asked.iter().any(|name| here.variable(name).is_some()).then(|| {
        here.variable("DOCKER_CERT_PATH").map_or_else(|| here.at_home(".docker").unwrap_or_default(), PathBuf::from)
    })
}

fn endpoint(address: &str, tls: Option<PathBuf>) -> Result<Endpoint, EngineFault> {
    let bad = |why: &str| EngineFault::BadAddress { why: why.into() };
    let (scheme, rest) = address.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
    match (scheme, tls) {
        ("unix", _) if Path::new(rest).is_absolute() => Ok(Endpoint::Unix(rest.into())),
        ("unix", _) => Err(bad("the path of a socket begins with /")),
        ("tcp" | "http", None) if !rest.trim_end_matches('/').is_empty() => {
            let host = rest.trim_end_matches('/');
            Ok(Endpoint::Http(if has_port(host) { host.into() } else { format!("{host}:2375") }))
        }
        ("tcp" | "http", None) => Err(bad("it has no host")),
        ("tcp" | "http" | "https", Some(certificates)) => Err(EngineFault::TlsUnsupported { certificates }),
        _ => Err(EngineFault::Unsupported { scheme: scheme.into() }),
    }
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{in_folder, write};

    #[test]
    fn addresses_are_understood_or_refused_with_the_reason() {
        let unsupported = |scheme: &str| Err(EngineFault::Unsupported { scheme: scheme.into() });
        for (address, expected) in [
            ("unix:///run/x.sock", Ok(Endpoint::Unix("/run/x.sock".into()))),
            ("tcp://10.0.0.1:2375", Ok(Endpoint::Http("10.0.0.1:2375".into()))),
            ("tcp://host/", Ok(Endpoint::Http("host:2375".into()))),
            ("ssh://me@host", unsupported("ssh")),
            ("npipe:////./pipe/docker", unsupported("npipe")),
            ("/run/x.sock", Err(EngineFault::BadAddress { why: "it has no scheme".into() })),
            ("tcp://", Err(EngineFault::BadAddress { why: "it has no host".into() })),
        ] {
            assert_eq!(endpoint(address, None), expected, "{address}");
        }
    }

    #[test]
    fn tls_is_named_with_its_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = in_folder(folder.path());
        here.variables.insert("DOCKER_HOST".into(), "tcp://10.0.0.1:2376".into());
        here.variables.insert("DOCKER_TLS_VERIFY".into(), "1".into());
        here.variables.insert("DOCKER_CERT_PATH".into(), "/certs".into());
        let fault = EngineFault::TlsUnsupported { certificates: "/certs".into() };
        assert_eq!(candidates(&here)[0].endpoint, Err(fault));
    }

    #[test]
    fn an_address_named_twice_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = in_folder(folder.path());
        let usual = format!("unix://{}", here.at_root("/var/run/docker.sock").display());
        here.variables.insert("DOCKER_HOST".into(), usual.clone());
        let found = candidates(&here);
        let named = &found.iter().find(|candidate| candidate.url == usual).unwrap().named_by;
        assert_eq!(named, &[NamedBy::Variable { name: "DOCKER_HOST".into() }, NamedBy::Default]);
        assert_eq!(found.iter().filter(|candidate| candidate.url == usual).count(), 1);
    }

    #[test]
    fn contexts_are_candidates_and_a_wrong_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = in_folder(folder.path());
        let meta = r#"{"Name":"desk","Endpoints":{"docker":{"Host":"unix:///run/desk.sock"}}}"#;
        write(&here.at_home(".docker/contexts/meta/aa/meta.json").unwrap(), meta);
        write(&here.at_home(".docker/config.json").unwrap(), r#"{"currentContext":"desk"}"#);
        assert_eq!(candidates(&here)[0].named_by, [NamedBy::CurrentContext { name: "desk".into() }]);

        here.variables.insert("DOCKER_CONTEXT".into(), "gone".into());
        let found = candidates(&here);
        assert_eq!(found[0].endpoint, Err(EngineFault::UnknownContext));
        assert_eq!(found[1].named_by, [NamedBy::Context { name: "desk".into() }]);
    }
}
