//! Why an address of a container engine is of no use.

use super::NamedBy;
use crate::error::Explain;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// An address without an engine we can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("`{address}`{}: {fault}", self.origin())]
pub struct UnusableEngine {
    /// The address, or the name of the docker context that gives none.
    pub address: String,
    /// Everything that named it.
    pub named_by: Vec<NamedBy>,
    /// Its place among all addresses asked; see [`super::Address::preference`].
    pub preference: usize,
    /// Why it cannot be used.
    pub fault: EngineFault,
}

/// Why an address cannot be used; in JSON, the variant's name in `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EngineFault {
    /// There is no such socket.
    #[error("no such file")]
    Missing,
    /// This user may not open the socket.
    #[error("permission denied")]
    PermissionDenied,
    /// The socket is there, but nobody listens.
    #[error("connection refused: the daemon is not running")]
    Refused,
    /// It accepted, and did not answer.
    #[error("no answer within {after_ms} ms")]
    Timeout {
        /// How long it was given, in milliseconds.
        after_ms: u64,
    },
    /// Something else answered.
    #[error("not a container engine: it answered `{answered}`")]
    NotAnEngine {
        /// The beginning of its answer.
        answered: String,
    },
    /// The engine is on another machine, over a protocol we do not speak.
    #[error("`{scheme}://` is not supported")]
    Unsupported {
        /// Such as `ssh`.
        scheme: String,
    },
    /// The engine wants TLS, which we do not speak to engines.
    #[error("TLS to an engine is not supported (certificates in {})", certificates.display())]
    TlsUnsupported {
        /// The folder with the client's certificates.
        certificates: PathBuf,
    },
    /// The address makes no sense.
    #[error("not an address: {why}")]
    BadAddress {
        /// What is wrong with it.
        why: String,
    },
    /// The docker context that is in use does not exist.
    #[error("there is no docker context of this name")]
    UnknownContext,
    /// A file of docker's configuration cannot be read.
    #[error("{}: {why}", file.display())]
    BrokenFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another error of the network.
    #[error("{detail}")]
    Io {
        /// What the operating system said.
        detail: String,
    },
}

impl UnusableEngine {
    /// Whether a user would want to know: somebody named the address, or there is something at it.
    pub fn is_noteworthy(&self) -> bool {
        self.fault != EngineFault::Missing || self.named_by.iter().any(|named| *named != NamedBy::Default)
    }

    /// The environment variable that names it, where one does.
    pub fn variable(&self) -> Option<&str> {
        self.named_by.iter().find_map(|named| match named {
            NamedBy::Variable { name } => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whose word it was, for a person who has to correct it.
    fn origin(&self) -> String {
        self.variable().map(|name| format!(" (of {name})")).unwrap_or_default()
    }

    fn is_podman(&self) -> bool {
        self.address.contains("podman")
    }
}

impl Explain for UnusableEngine {
    fn id(&self) -> &'static str {
        match self.fault {
            EngineFault::Missing => "engine-socket-missing",
            EngineFault::PermissionDenied => "engine-permission-denied",
            EngineFault::Refused => "engine-not-running",
            EngineFault::Timeout { .. } => "engine-timeout",
            EngineFault::NotAnEngine { .. } => "not-an-engine",
            EngineFault::Unsupported { .. } => "engine-scheme-unsupported",
            EngineFault::TlsUnsupported { .. } => "engine-tls-unsupported",
            EngineFault::BadAddress { .. } => "engine-address-invalid",
            EngineFault::UnknownContext => "docker-context-unknown",
            EngineFault::BrokenFile { .. } => "docker-configuration-broken",
            EngineFault::Io { .. } => "engine-unreachable",
        }
    }

    fn hint(&self) -> Option<String> {
        if let (EngineFault::Missing | EngineFault::Refused, Some(name)) = (&self.fault, self.variable()) {
            return Some(format!("correct {name}, or unset it; or start the engine that it names"));
        }
        let hint = match &self.fault {
            EngineFault::PermissionDenied if self.is_podman() => {
                "use your own: `systemctl --user enable --now podman.socket`, or run with sudo"
            }
            EngineFault::PermissionDenied => {
                "join the group: `sudo usermod -aG docker $USER`, then log in again; or run with sudo"
            }
            EngineFault::Missing | EngineFault::Refused if self.is_podman() => {
                "start it: `systemctl --user enable --now podman.socket`, or with sudo and without `--user`"
            }
            EngineFault::Missing | EngineFault::Refused => "start it: `sudo systemctl start docker`",
            EngineFault::Timeout { .. } => "restart the engine: it accepts connections, but does not answer",
            EngineFault::NotAnEngine { .. } => "correct the address: something else listens there",
            EngineFault::Unsupported { .. } => {
                "use an engine on this machine, or forward its socket: `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`"
            }
            EngineFault::TlsUnsupported { .. } => "use an engine on this machine, over its socket",
            EngineFault::BadAddress { .. } => "write it as `unix:///PATH` or `tcp://HOST:PORT`",
            EngineFault::UnknownContext => "choose one of `docker context ls`: `docker context use NAME`",
            EngineFault::BrokenFile { .. } => "repair the file, or move it away",
            EngineFault::Io { .. } => return None,
        };
        Some(hint.into())
    }
}

/// What an error of connecting means.
pub(super) fn classify(error: &io::Error) -> EngineFault {
    match error.kind() {
        io::ErrorKind::NotFound => EngineFault::Missing,
        io::ErrorKind::PermissionDenied => EngineFault::PermissionDenied,
        io::ErrorKind::ConnectionRefused => EngineFault::Refused,
        _ => EngineFault::Io { detail: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, kind: io::ErrorKind) -> UnusableEngine {
        let fault = classify(&io::Error::from(kind));
        UnusableEngine { address: address.into(), named_by: vec![NamedBy::Default], preference: 0, fault }
    }

    #[test]
    fn each_error_has_its_own_remedy() {
        for (address, kind, id, remedy) in [
            ("unix:///var/run/docker.sock", io::ErrorKind::PermissionDenied, "engine-permission-denied", "usermod"),
            ("unix:///run/podman/podman.sock", io::ErrorKind::PermissionDenied, "engine-permission-denied", "--user"),
            ("unix:///var/run/docker.sock", io::ErrorKind::ConnectionRefused, "engine-not-running", "start docker"),
            ("unix:///run/podman/podman.sock", io::ErrorKind::NotFound, "engine-socket-missing", "podman.socket"),
        ] {
            let engine = at(address, kind);
            assert_eq!(engine.id(), id);
            assert!(engine.hint().unwrap().contains(remedy), "{engine}: {:?}", engine.hint());
        }
        assert_eq!(at("tcp://h:1", io::ErrorKind::HostUnreachable).id(), "engine-unreachable");
    }

    #[test]
    fn a_missing_default_is_noise_and_a_missing_named_one_is_not() {
        let mut engine = at("unix:///a", io::ErrorKind::NotFound);
        assert!(!engine.is_noteworthy());
        engine.named_by = vec![NamedBy::Variable { name: "DOCKER_HOST".into() }];
        assert!(engine.is_noteworthy());
    }

    #[test]
    fn it_survives_json() {
        let engine = at("unix:///a", io::ErrorKind::ConnectionRefused);
        let json = serde_json::to_value(&engine).unwrap();
        assert_eq!(json["fault"]["kind"], "refused");
        assert_eq!(serde_json::from_value::<UnusableEngine>(json).unwrap(), engine);
    }
}
