//! From kubeconfig files to a cluster that answered.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::select_ok;
use http::HeaderValue;
use http::header::USER_AGENT;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::client::ClientBuilder;

use super::{Clock, Cluster, ClusterId, Meter};
use crate::cluster::fault::{ConnectFault, PAUSES, classify, is_unwell};
use crate::error::{Class, Explain, closest};
use crate::host::Surroundings;
use crate::host::clusters::client::config;
use crate::host::kubeconfig::{self, ContextFact, FileState, KubeconfigFacts, KubeconfigFile, Problem};

/// Which cluster, and how to talk to it.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The only kubeconfig file to use, instead of those that the environment names.
    pub kubeconfig: Option<PathBuf>,
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
    /// No file is there that names a context.
    #[error("no kubeconfig names a cluster: {}", looked_in(facts))]
    NoKubeconfig {
        /// What was read.
        facts: Box<KubeconfigFacts>,
    },
    /// A file cannot be read or understood, and without it the context is not known.
    #[error("kubeconfig {problem}")]
    Broken {
        /// What is wrong with it.
        problem: Box<Problem>,
    },
    /// The files name contexts, but none to use.
    #[error("no context is the current one in {}", looked_in(facts))]
    NoContext {
        /// What was read.
        facts: Box<KubeconfigFacts>,
    },
    /// The context that was asked for does not exist.
    #[error("no context `{context}` in {}", looked_in(facts))]
    UnknownContext {
        /// What was asked for.
        context: String,
        /// What was read.
        facts: Box<KubeconfigFacts>,
    },
    /// The cluster cannot be used: its settings, the way to it, or what it said.
    #[error("cluster of context `{}` ({}): {fault}", context.name, origin(context))]
    Unusable {
        /// The context.
        context: Box<ContextFact>,
        /// What is wrong.
        #[source]
        fault: Box<ConnectFault>,
    },
}

fn looked_in(facts: &KubeconfigFacts) -> String {
    let files: Vec<String> = facts.files.iter().map(file_text).collect();
    if files.is_empty() { "there is no file to look in".to_owned() } else { files.join(", ") }
}

fn file_text(file: &KubeconfigFile) -> String {
    let missing = if file.state == FileState::Missing { ": no such file" } else { "" };
    format!("{}{missing}", file.path.display())
}

/// Address and file, so that a wrong setting can be found.
fn origin(context: &ContextFact) -> String {
    let server = context.server.as_deref().unwrap_or("no address");
    let file = context.cluster_file.as_ref().unwrap_or(&context.file);
    format!("{server}, from {}", file.display())
}

impl Explain for ConnectError {
    fn id(&self) -> &'static str {
        match self {
            Self::NoKubeconfig { .. } => "no-kubeconfig",
            Self::Broken { problem } => problem.id(),
            Self::NoContext { .. } => "no-context",
            Self::UnknownContext { .. } => "unknown-context",
            Self::Unusable { fault, .. } => fault.id(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Unusable { fault, .. } => fault.class(),
            _ => Class::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        let names = |facts: &KubeconfigFacts| -> Vec<String> {
            facts.contexts.iter().map(|context| context.name.clone()).collect()
        };
        match self {
            Self::NoKubeconfig { .. } => {
                Some("give a file with --kubeconfig or KUBECONFIG, or make a cluster with `seaworthy cluster create`; `seaworthy detect` shows what is here".to_owned())
            }
            Self::Broken { problem } => problem.hint(),
            Self::NoContext { facts } => Some(format!("choose one with --context: {}", names(facts).join(", "))),
            Self::UnknownContext { context, facts } => {
                let names = names(facts);
                Some(match closest(context, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", names.join(", ")),
                })
            }
            Self::Unusable { fault, context } => fault.hint_for(&context.name),
        }
    }
}

/// Connects to the cluster and asks it who it is: one request.
pub async fn connect(here: &Surroundings, options: &ConnectOptions) -> Result<Cluster, ConnectError> {
    let loaded = kubeconfig::read(here, options.kubeconfig.as_deref());
    let context = choose(&loaded.facts, options.context.as_deref())?;
    let unusable = |fault| ConnectError::Unusable { context: Box::new(context.clone()), fault: Box::new(fault) };
    let mut config = config(&loaded, context, here).await.map_err(unusable)?;
    config.connect_timeout = Some(options.timeout);
    // So that an audit log tells our requests apart.
    let agent = HeaderValue::from_static(concat!("seaworthy/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    let server = config.cluster_url.to_string();
    let meter = Meter::new(options.read_only);
    let builder = ClientBuilder::try_from(config).map_err(|error| unusable(classify(&error)))?;
    let client = builder.with_layer(&meter).build();
    let uid = match tokio::time::timeout(options.timeout, identity(&client, &server)).await {
        Ok(answer) => answer.map_err(|error| unusable(classify(&error)))?,
        Err(_) => return Err(unusable(ConnectFault::Timeout)),
    };
    Ok(Cluster { client, id: ClusterId { context: context.name.clone(), server, uid }, meter, clock: Clock::real() })
}

/// A server that has not answered for so long is asked the same beside it: one that is slow and fails would else be waited for twice.
/// (Dean and Barroso, "The Tail at Scale", Communications of the ACM 56(2), 2013.)
const BESIDE: Duration = Duration::from_millis(500);

/// The uid of `kube-system`; without the right to read it, the API server's address has to do. A server that is not well for a moment is
/// asked again: everything else begins with this one question.
async fn identity(client: &kube::Client, server: &str) -> Result<String, kube::Error> {
    let ask = async |pause: Duration| {
        tokio::time::sleep(pause).await;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        match namespaces.get_metadata("kube-system").await {
            Ok(namespace) => Ok(Ok(namespace.metadata.uid.unwrap_or_default())),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(Ok(format!("unknown, at {server}"))),
            Err(error) if is_unwell(&error) => Err(error),
            // Another answer will not come.
            Err(error) => Ok(Err(error)),
        }
    };
    let mut pauses = PAUSES.iter();
    loop {
        match select_ok([Box::pin(ask(Duration::ZERO)), Box::pin(ask(BESIDE))]).await {
            Ok((settled, _)) => return settled,
            Err(error) => match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return Err(error),
            },
        }
    }
}

fn choose<'a>(facts: &'a KubeconfigFacts, asked: Option<&str>) -> Result<&'a ContextFact, ConnectError> {
    let wanted = asked.or(facts.current.as_deref());
    if let Some(context) = facts.contexts.iter().find(|context| Some(context.name.as_str()) == wanted) {
        return Ok(context);
    }
    // What a file that cannot be read would have said is not known: that comes before "there is none".
    let stops = |problem: &&Problem| {
        matches!(
            problem,
            Problem::Missing { .. } | Problem::Unreadable { .. } | Problem::Broken { .. } | Problem::Stuck { .. }
        )
    };
    if let Some(problem) = facts.problems.iter().find(stops) {
        return Err(ConnectError::Broken { problem: Box::new(problem.clone()) });
    }
    let facts = Box::new(facts.clone());
    Err(match wanted {
        _ if facts.contexts.is_empty() => ConnectError::NoKubeconfig { facts },
        Some(context) => ConnectError::UnknownContext { context: context.to_owned(), facts },
        None => ConnectError::NoContext { facts },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use serde_json::json;

    use super::*;
    use crate::cluster::answering::answering;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_not_well_for_a_moment_is_asked_again() {
        let namespace = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"name": "kube-system", "uid": "u"}});
        for (codes, well, times) in
            [(&[500_u16, 503, 200][..], true, 3), (&[500], false, 6), (&[401, 200], false, 1), (&[403], true, 1)]
        {
            let (client, asked) = answering(codes, &namespace);
            let answer = identity(&client, "here").await;
            assert_eq!((answer.is_ok(), asked.load(Ordering::Relaxed)), (well, times), "{answer:?}");
        }
    }
}
