//! From kubeconfig files to a cluster that answered.

use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Config};

use super::{Cluster, ClusterId, Meter};
use crate::cluster::fault::{ConnectFault, classify};
use crate::error::{Class, Explain, closest};

/// Which cluster, and how to talk to it.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The kubeconfig files to merge, first wins (the list in `KUBECONFIG`, or one file).
    pub kubeconfig: Vec<PathBuf>,
    /// A context other than the current one.
    pub context: Option<String>,
    /// Refuse every request that could change something.
    pub read_only: bool,
    /// How long the API server may take to answer the first request.
    pub timeout: Duration,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// None of the files is there.
    #[error("no kubeconfig: {}", files(looked_in))]
    NoKubeconfig {
        /// Where it was looked for.
        looked_in: Vec<PathBuf>,
    },
    /// A file is there and cannot be read or understood.
    #[error("kubeconfig {}: {source}", path.display())]
    BrokenKubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<kube::config::KubeconfigError>,
    },
    /// The files name no context to use.
    #[error("no current context in {}", files(looked_in))]
    NoContext {
        /// The files.
        looked_in: Vec<PathBuf>,
        /// The contexts that there are.
        contexts: Vec<String>,
    },
    /// The context that was asked for does not exist.
    #[error("no context `{context}` in {}", files(looked_in))]
    UnknownContext {
        /// What was asked for.
        context: String,
        /// The files.
        looked_in: Vec<PathBuf>,
        /// The contexts that there are.
        contexts: Vec<String>,
    },
    /// The context's own settings cannot be used (a missing certificate file, an unknown user, ...).
    #[error("context `{context}`: {source}")]
    BrokenContext {
        /// The context.
        context: String,
        /// What is wrong with it.
        source: Box<kube::config::KubeconfigError>,
    },
    /// The API server did not let us in, or did not answer.
    #[error("cluster of context `{context}` ({server}): {fault}")]
    Unusable {
        /// The context.
        context: String,
        /// Address of the API server.
        server: String,
        /// What is wrong.
        #[source]
        fault: Box<ConnectFault>,
    },
}

fn files(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if names.is_empty() { "no file".to_owned() } else { names.join(", ") }
}

impl Explain for ConnectError {
    fn id(&self) -> &'static str {
        match self {
            Self::NoKubeconfig { .. } => "no-kubeconfig",
            Self::BrokenKubeconfig { .. } => "broken-kubeconfig",
            Self::NoContext { .. } => "no-context",
            Self::UnknownContext { .. } => "unknown-context",
            Self::BrokenContext { .. } => "broken-context",
            Self::Unusable { fault, .. } => fault.id(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Unusable { .. } => Class::Failed,
            _ => Class::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        let choose = |contexts: &[String]| match contexts {
            [] => "the files name no context at all; `seaworthy detect` shows what is here".to_owned(),
            _ => format!("choose one with --context: {}", contexts.join(", ")),
        };
        match self {
            Self::NoKubeconfig { .. } => {
                Some("give a file with --kubeconfig or KUBECONFIG; `seaworthy detect` shows what is here".to_owned())
            }
            Self::BrokenKubeconfig { .. } | Self::BrokenContext { .. } => {
                Some("mend the file, or choose another with --kubeconfig or --context".to_owned())
            }
            Self::NoContext { contexts, .. } => Some(choose(contexts)),
            Self::UnknownContext { context, contexts, .. } => {
                Some(match closest(context, contexts.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => choose(contexts),
                })
            }
            Self::Unusable { fault, .. } => fault.hint(),
        }
    }
}

/// Connects to the cluster and asks it who it is: one request.
pub async fn connect(options: &ConnectOptions) -> Result<Cluster, ConnectError> {
    let kubeconfig = read(&options.kubeconfig)?;
    let context = choose_context(&kubeconfig, options)?;
    let choice = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &choice)
        .await
        .map_err(|source| ConnectError::BrokenContext { context: context.clone(), source: Box::new(source) })?;
    config.connect_timeout = Some(options.timeout);
    let server = config.cluster_url.to_string();
    let unusable = |fault| ConnectError::Unusable { context: context.clone(), server: server.clone(), fault };

    let meter = Meter::new(options.read_only);
    let builder = ClientBuilder::try_from(config).map_err(|error| unusable(Box::new(classify(&error))))?;
    let client = builder.with_layer(&meter).build();
    let uid = match tokio::time::timeout(options.timeout, identity(&client, &server)).await {
        Ok(answer) => answer.map_err(|error| unusable(Box::new(classify(&error))))?,
        Err(_) => return Err(unusable(Box::new(ConnectFault::Timeout))),
    };
    Ok(Cluster { client, id: ClusterId { context, server, uid }, meter })
}

/// The uid of `kube-system`; without the right to read it, the API server's address has to do.
async fn identity(client: &kube::Client, server: &str) -> Result<String, kube::Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.get_metadata("kube-system").await {
        Ok(namespace) => Ok(namespace.metadata.uid.unwrap_or_default()),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(format!("unknown, at {server}")),
        Err(error) => Err(error),
    }
}

fn read(paths: &[PathBuf]) -> Result<Kubeconfig, ConnectError> {
    let mut merged = Kubeconfig::default();
    let mut found = false;
    for path in paths.iter().filter(|path| path.exists()) {
        let broken = |source| ConnectError::BrokenKubeconfig { path: path.clone(), source: Box::new(source) };
        merged = merged.merge(Kubeconfig::read_from(path).map_err(broken)?).map_err(broken)?;
        found = true;
    }
    if found { Ok(merged) } else { Err(ConnectError::NoKubeconfig { looked_in: paths.to_vec() }) }
}

fn choose_context(kubeconfig: &Kubeconfig, options: &ConnectOptions) -> Result<String, ConnectError> {
    let contexts: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let looked_in = options.kubeconfig.clone();
    let wanted = options.context.clone().or_else(|| kubeconfig.current_context.clone().filter(|name| !name.is_empty()));
    match wanted {
        None => Err(ConnectError::NoContext { looked_in, contexts }),
        Some(context) if !contexts.contains(&context) => {
            Err(ConnectError::UnknownContext { context, looked_in, contexts })
        }
        Some(context) => Ok(context),
    }
}
