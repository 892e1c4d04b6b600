//! What can go wrong between us and a member of an etcd.

use std::path::PathBuf;

use crate::doctor::{Cause, Outlook};
use crate::error::Explain;
use crate::object::ObjectRef;

/// A member could not be asked, or did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    /// No connection to it.
    #[error("{pod}: port {port} could not be reached: {why}")]
    NoWay {
        /// Its pod.
        pod: ObjectRef,
        /// The port.
        port: u16,
        /// What the API server or the node said.
        why: String,
    },
    /// It took too long.
    #[error("{pod} did not answer {path} within {seconds} s")]
    Late {
        /// Its pod.
        pod: ObjectRef,
        /// What was asked.
        path: String,
        /// The limit.
        seconds: u64,
    },
    /// It refused.
    #[error("{pod} answered {path} with {status}: {message}")]
    Refused {
        /// Its pod.
        pod: ObjectRef,
        /// What was asked.
        path: String,
        /// The code of HTTP.
        status: u16,
        /// In etcd's own words.
        message: String,
    },
    /// The answer makes no sense.
    #[error("{pod} answered {path}, and {why}")]
    Unclear {
        /// Its pod.
        pod: ObjectRef,
        /// What was asked.
        path: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// It serves clients over TLS only.
    #[error("{pod} serves clients over https, which needs a certificate that this program does not have")]
    Tls {
        /// Its pod.
        pod: ObjectRef,
    },
    /// It wants a user and a password.
    #[error("{pod} wants a user and a password, which this program does not have")]
    NeedsLogin {
        /// Its pod.
        pod: ObjectRef,
    },
    /// A snapshot is not whole.
    #[error("the snapshot of {pod} cannot be used: {why}")]
    Torn {
        /// Its pod.
        pod: ObjectRef,
        /// What is wrong with it.
        why: String,
    },
    /// The disk of this machine refuses.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl Explain for EtcdError {
    fn id(&self) -> &'static str {
        match self {
            Self::NoWay { .. } => "etcd-not-reached",
            Self::Late { .. } => "etcd-late",
            Self::Refused { .. } => "etcd-refused",
            Self::Unclear { .. } => "etcd-unclear",
            Self::Tls { .. } => "etcd-tls",
            Self::NeedsLogin { .. } => "etcd-login",
            Self::Torn { .. } => "etcd-snapshot-torn",
            Self::Disk { .. } => "etcd-snapshot-disk",
        }
    }

    fn hint(&self) -> Option<String> {
        let command = |pod: &ObjectRef, words: &str| {
            format!("kubectl exec -n {} {} -- etcdctl {words}", pod.namespace.as_deref().unwrap_or_default(), pod.name)
        };
        Some(match self {
            Self::NoWay { pod, .. } => format!(
                "look at the pod, and whether you may forward to it: kubectl auth can-i create pods/portforward -n {}",
                pod.namespace.as_deref().unwrap_or_default()
            ),
            Self::Late { pod, .. } | Self::Refused { pod, .. } => {
                format!("see how its members stand: {}", command(pod, "endpoint status --cluster"))
            }
            Self::Unclear { .. } => {
                "what listens there is no etcd from 3.4 on, or its gateway is off (--enable-grpc-gateway=false)"
                    .to_owned()
            }
            Self::Tls { pod } | Self::NeedsLogin { pod } => format!(
                "do it with its own client, which has what it needs: {}",
                command(pod, "snapshot save, member list, alarm list, ...")
            ),
            Self::Torn { .. } => "run the same command again; nothing was changed".to_owned(),
            Self::Disk { .. } => {
                "make room, or choose another folder with SEAWORTHY_STATE_DIR; then run the same command again"
                    .to_owned()
            }
        })
    }
}

impl EtcdError {
    /// Whether asking again may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NoWay { .. } | Self::Late { .. } | Self::Torn { .. } => true,
            // Too soon after a member came or went, or while there is no leader.
            Self::Refused { status, message, .. } => {
                matches!(status, 500 | 503 | 504)
                    || message.contains("unhealthy cluster")
                    || message.contains("not enough started members")
            }
            Self::Unclear { .. } | Self::Tls { .. } | Self::NeedsLogin { .. } | Self::Disk { .. } => false,
        }
    }

    /// The cause to report when a step fails of it.
    pub fn cause(&self, about: &ObjectRef) -> Cause {
        Cause {
            id: self.id().to_owned(),
            object: Some(about.clone()),
            reason: "Etcd".to_owned(),
            message: self.to_string(),
            remedy: self.hint(),
            outlook: if self.may_pass() { Outlook::Stuck } else { Outlook::Final },
        }
    }
}
