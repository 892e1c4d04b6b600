//! Why a cluster could not be reached, or refused: one closed list, so that each has its words, its id and its remedy.
//!
//! kube reports most of these as one opaque service error; [`classify()`] walks down to the cause.

mod classify;

use std::time::Duration;

use crate::error::{Class, Explain};
use serde::{Deserialize, Serialize};

pub(crate) use classify::without_userinfo;
pub use classify::{classify, classify_config};

/// Before a question is asked again that a server did not answer because it was not well.
pub(crate) const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

/// Whether a server answered that it is not well, or has too much to do: another answer may come when the same is asked once more.
pub(crate) fn is_unwell(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code >= 500 || status.code == 429)
}

/// Why a connection or a request failed.
///
/// Serialised with the variant's name in `kind`. Text from servers and plugins has lost its control characters;
/// no variant carries a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ConnectFault {
    /// No kubeconfig, or none of its contexts is current.
    #[error("no kubeconfig context is chosen")]
    NoContext,
    /// The context is in no kubeconfig file.
    #[error("there is no context `{context}` in the kubeconfig")]
    UnknownContext {
        /// The name asked for.
        context: String,
    },
    /// The context names a cluster that no file defines.
    #[error("the context names a cluster `{cluster}` that the kubeconfig does not define")]
    UnknownCluster {
        /// The name the context gives.
        cluster: String,
    },
    /// A setting of the kubeconfig cannot be used: an address, a certificate, a token file.
    #[error("the kubeconfig cannot be used: {detail}")]
    BadConfig {
        /// Which setting, and why.
        detail: String,
    },
    /// Something answered that the port is closed.
    #[error("connection refused")]
    Refused,
    /// The server's name has no address.
    #[error("the server's name does not resolve")]
    Dns,
    /// Nothing answered in time.
    #[error("no answer in time")]
    Timeout,
    /// The network failed in another way: no route, connection reset, closed half-way.
    #[error("the connection failed: {detail}")]
    Unreachable {
        /// What the operating system or the HTTP library said.
        detail: String,
    },
    /// The server's certificate is signed by an authority the kubeconfig does not trust.
    #[error("the server's certificate is signed by an unknown authority")]
    UnknownAuthority,
    /// The server's certificate has expired.
    #[error("the server's certificate has expired{}", at(not_after.as_ref()))]
    CertificateExpired {
        /// When it expired, if known.
        not_after: Option<jiff::Timestamp>,
    },
    /// The server's certificate is not valid yet, by this machine's clock.
    #[error("the server's certificate is not valid yet{}", at(not_before.as_ref()))]
    CertificateNotYetValid {
        /// When it becomes valid, if known.
        not_before: Option<jiff::Timestamp>,
    },
    /// The server's certificate is for other names.
    #[error("the server's certificate is not for this address{}", names(presented))]
    HostnameMismatch {
        /// The names the certificate holds, if known.
        presented: Vec<String>,
    },
    /// TLS failed in another way.
    #[error("TLS failed: {detail}")]
    Tls {
        /// What the TLS library said.
        detail: String,
    },
    /// HTTP 401: the credentials are missing, expired or not from this cluster.
    #[error("the server did not accept the credentials (401)")]
    Unauthorized,
    /// HTTP 403: the credentials are accepted, the request is not allowed.
    #[error("{}", refusal(user.as_deref(), verb.as_deref(), resource.as_deref(), namespace.as_deref()))]
    Forbidden {
        /// Who asked, as the server sees it.
        user: Option<String>,
        /// What was asked, such as `list`.
        verb: Option<String>,
        /// Of what, such as `nodes` or `deployments.apps`, or a path.
        resource: Option<String>,
        /// In which namespace; `None` for the whole cluster.
        namespace: Option<String>,
    },
    /// The credential plugin of the kubeconfig is not on PATH.
    #[error("the credential plugin {}is not installed", quoted(command.as_deref()))]
    PluginMissing {
        /// The plugin's command, if known.
        command: Option<String>,
        /// What the kubeconfig says about installing it.
        install: Option<String>,
    },
    /// The credential plugin failed, hung, or printed something else than a credential.
    #[error("the credential plugin {}failed: {said}", quoted(command.as_deref()))]
    PluginFailed {
        /// The plugin's command, without its arguments, if known.
        command: Option<String>,
        /// What it printed on standard error, or how it failed.
        said: String,
    },
    /// The proxy cannot be used.
    #[error("the proxy `{proxy}` cannot be used: {detail}")]
    Proxy {
        /// The proxy's address without credentials.
        proxy: String,
        /// Why.
        detail: String,
    },
    /// The API server answered with another error.
    #[error("the server answered {code}: {message}")]
    Server {
        /// HTTP status code.
        code: u16,
        /// The answer's message.
        message: String,
    },
    /// The answer is not from an API server.
    #[error("the answer is not from a Kubernetes API server: {detail}")]
    NotKubernetes {
        /// What was wrong with it.
        detail: String,
    },
    /// Anything else.
    #[error("{detail}")]
    Other {
        /// The whole chain of causes.
        detail: String,
    },
}

impl ConnectFault {
    /// The hint, where the context says more: at the address of a cluster of kind nobody listens while its containers are stopped.
    pub fn hint_for(&self, context: &str) -> Option<String> {
        let kind = context.strip_prefix("kind-").filter(|_| matches!(self, Self::Refused));
        let stopped = kind.map(|name| {
            format!("its nodes may be stopped: `seaworthy cluster list` shows it, `seaworthy cluster up {name}` brings it back")
        });
        stopped.or_else(|| self.hint())
    }
}

impl Explain for ConnectFault {
    fn id(&self) -> &'static str {
        match self {
            Self::NoContext => "no-context",
            Self::UnknownContext { .. } => "unknown-context",
            Self::UnknownCluster { .. } => "unknown-cluster",
            Self::BadConfig { .. } => "bad-kubeconfig",
            Self::Refused => "connection-refused",
            Self::Dns => "unknown-host",
            Self::Timeout => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::UnknownAuthority => "unknown-authority",
            Self::CertificateExpired { .. } => "certificate-expired",
            Self::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
            Self::HostnameMismatch { .. } => "hostname-mismatch",
            Self::Tls { .. } => "tls",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::PluginMissing { .. } => "credential-plugin-missing",
            Self::PluginFailed { .. } => "credential-plugin-failed",
            Self::Proxy { .. } => "proxy",
            Self::Server { .. } => "server-error",
            Self::NotKubernetes { .. } => "not-kubernetes",
            Self::Other { .. } => "connect",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::NoContext | Self::UnknownContext { .. } | Self::UnknownCluster { .. } | Self::BadConfig { .. } => {
                Class::Input
            }
            _ => Class::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoContext => "choose one with `--context NAME`; `kubectl config get-contexts` lists them".into(),
            Self::UnknownContext { .. } => "`kubectl config get-contexts` lists the contexts there are".into(),
            Self::UnknownCluster { .. } => "add the cluster to the kubeconfig, or choose another context".into(),
            Self::BadConfig { .. } => "repair the kubeconfig, or fetch it again from the cluster".into(),
            Self::Refused => "start the cluster, or correct the server's address".into(),
            Self::Dns => "correct the server's name in the kubeconfig, or connect to the network that knows it".into(),
            Self::Timeout | Self::Unreachable { .. } => {
                "check the network, the VPN and the firewall between here and the server's address".into()
            }
            Self::UnknownAuthority => {
                "fetch the kubeconfig again: the cluster was probably made anew, and its authority with it".into()
            }
            Self::CertificateExpired { .. } => {
                "renew it on the control plane (`kubeadm certs renew all`; k3s renews at restart)".into()
            }
            Self::CertificateNotYetValid { .. } => "set the clock of this machine or of the server right".into(),
            Self::HostnameMismatch { presented } => presented.first().map_or_else(
                || "use an address the certificate was made for".into(),
                |name| format!("use an address the certificate was made for, or set `tls-server-name: {name}`"),
            ),
            Self::Tls { .. } => "check that the address is the API server's, with https".into(),
            Self::Unauthorized => "log in again, or fetch the kubeconfig again from the cluster".into(),
            Self::Forbidden { user, .. } if user.as_deref() == Some("system:anonymous") => {
                "the kubeconfig gives this user no credentials: log in, or fetch it again".into()
            }
            Self::Forbidden { verb, resource, namespace, .. } => {
                grant(verb.as_deref(), resource.as_deref(), namespace.as_deref())
            }
            Self::PluginMissing { install: Some(install), .. } => install.clone(),
            Self::PluginMissing { .. } => "install the plugin, and see that it is on PATH".into(),
            Self::PluginFailed { command, .. } => match command {
                Some(command) => format!("run `{command}` by hand and log in"),
                None => "run the plugin by hand and log in".into(),
            },
            Self::Proxy { .. } => "correct `proxy-url` or HTTPS_PROXY, or name the server in NO_PROXY".into(),
            Self::Server { .. } => "look at the API server's own log".into(),
            Self::NotKubernetes { .. } => "correct the server's address in the kubeconfig".into(),
            Self::Other { .. } => return None,
        })
    }
}

fn at(time: Option<&jiff::Timestamp>) -> String {
    time.map(|time| format!(" ({time})")).unwrap_or_default()
}

fn names(presented: &[String]) -> String {
    if presented.is_empty() { String::new() } else { format!(", only for {}", presented.join(", ")) }
}

fn quoted(command: Option<&str>) -> String {
    command.map(|command| format!("`{command}` ")).unwrap_or_default()
}

fn refusal(user: Option<&str>, verb: Option<&str>, resource: Option<&str>, namespace: Option<&str>) -> String {
    let who = user.map_or_else(|| "this user".into(), |user| format!("`{user}`"));
    let what = format!("{} {}", verb.unwrap_or("do"), resource.unwrap_or("this"));
    let place = namespace.map(|namespace| format!(" in namespace `{namespace}`")).unwrap_or_default();
    format!("{who} may not {what}{place} (403)")
}

fn grant(verb: Option<&str>, resource: Option<&str>, namespace: Option<&str>) -> String {
    let (Some(verb), Some(resource)) = (verb, resource) else {
        return "ask the cluster's administrator for the permission".into();
    };
    let place = namespace.map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    format!(
        "ask the cluster's administrator for it; `kubectl auth can-i {verb} {resource}{place}` tells when it is there"
    )
}
