//! A forward from this machine to a Service that survives the pods behind it: each connection goes to a pod that is ready
//! when it is made.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::cluster::Clock;
use crate::doctor::{Cause, Outlook};
use crate::error::root;
use crate::object::ObjectRef;
use crate::plan::Reach;

/// The first pause between two tries to reach the application; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const ANSWER: usize = 1 << 20;

/// Why a forward could not be opened, or the application not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The local port is taken, or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The API server, or the way to it.
    #[error("{service}: {}", root(source))]
    Kube {
        /// The Service.
        service: ObjectRef,
        /// What it said.
        source: Box<kube::Error>,
    },
    /// The Service has no such port.
    #[error("{service} has no port {port}")]
    NoPort {
        /// The Service.
        service: ObjectRef,
        /// Name or number that was asked for.
        port: String,
    },
    /// No pod behind the Service is ready.
    #[error("{service} has no ready pod behind it")]
    NoPod {
        /// The Service.
        service: ObjectRef,
    },
    /// The application did not answer as it should.
    #[error("{service}: {url} {message}")]
    WrongAnswer {
        /// The Service.
        service: ObjectRef,
        /// What was asked for.
        url: String,
        /// What came back.
        message: String,
    },
}

impl ForwardError {
    /// Whether trying again cannot help.
    fn is_hopeless(&self) -> bool {
        matches!(self, Self::NoPort { .. } | Self::Listen { .. })
    }

    /// The cause to report when a step fails of it.
    pub fn cause(&self) -> Cause {
        let (id, reason, object) = match self {
            Self::Listen { .. } => ("local-port", "LocalPort", None),
            Self::Kube { service, .. } => ("forward-refused", "ForwardRefused", Some(service)),
            Self::NoPort { service, .. } => ("SV002", "NoPort", Some(service)),
            Self::NoPod { service } => ("SV001", "NoEndpoints", Some(service)),
            Self::WrongAnswer { service, .. } => ("not-reached", "NotReached", Some(service)),
        };
        let remedy = match self {
            Self::Listen { .. } => "choose another port with --port".to_owned(),
            Self::Kube { service, .. } => format!(
                "the user of this context needs to get services, list pods and get and create pods/portforward in namespace {}",
                service.namespace.as_deref().unwrap_or_default()
            ),
            Self::NoPort { .. } => "mend the stack's reach, or the Service".to_owned(),
            Self::NoPod { service } => format!(
                "look at the pods behind it: kubectl get pods -n {}",
                service.namespace.as_deref().unwrap_or_default()
            ),
            // Its pods are ready: what they say themselves is nearer to the root.
            Self::WrongAnswer { service, .. } => format!(
                "see what it says: kubectl logs -n {} service/{}; what it answers: kubectl port-forward -n {0} service/{1} :PORT",
                service.namespace.as_deref().unwrap_or_default(),
                service.name
            ),
        };
        Cause {
            id: id.to_owned(),
            object: object.cloned(),
            reason: reason.to_owned(),
            message: self.to_string(),
            remedy: Some(remedy),
            outlook: Outlook::Stuck,
        }
    }
}

/// What happens to a forward while it is open; for the person who looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardState {
    /// Nobody has connected yet.
    Idle,
    /// The last connection went to this pod.
    Connected {
        /// The pod.
        pod: String,
    },
    /// The last connection found no way.
    Broken {
        /// Why.
        why: String,
    },
}

/// An open forward. Dropping it closes it.
pub struct Forward {
    address: SocketAddr,
    state: watch::Receiver<ForwardState>,
    task: JoinHandle<()>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Target {
    client: Client,
    reference: ObjectRef,
    namespace: String,
    service: String,
    port: String,
}

impl Forward {
    /// Listens on loopback; port 0 lets the operating system choose.
    pub async fn open(client: Client, reach: &Reach, port: u16) -> Result<Self, ForwardError> {
        let listen = |source| ForwardError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let target = Target {
            client,
            reference: ObjectRef::new("v1", "Service", Some(&reach.namespace), &reach.service),
            namespace: reach.namespace.clone(),
            service: reach.service.clone(),
            port: reach.port.clone(),
        };
        let (sender, state) = watch::channel(ForwardState::Idle);
        let task = tokio::spawn(accept(listener, Arc::new(target), Arc::new(sender)));
        Ok(Self { address, state, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why the last connection found no way, which says more than that it was closed.
    fn broken(&self, reach: &Reach) -> Option<ForwardError> {
        match &*self.state.borrow() {
            ForwardState::Broken { why } => Some(ForwardError::WrongAnswer {
                service: ObjectRef::new("v1", "Service", Some(&reach.namespace), &reach.service),
                url: reach.path.clone(),
                message: format!("could not be asked: {why}"),
            }),
            _ => None,
        }
    }

    /// Told what happens to it.
    pub fn state(&self) -> watch::Receiver<ForwardState> {
        self.state.clone()
    }
}

async fn accept(listener: TcpListener, target: Arc<Target>, state: Arc<watch::Sender<ForwardState>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (target, state) = (target.clone(), state.clone());
                connections.spawn(async move {
                    if let Err(error) = carry(stream, &target, &state).await {
                        state.send_replace(ForwardState::Broken { why: error.to_string() });
                    }
                });
            }
            Err(error) => {
                state.send_replace(ForwardState::Broken { why: error.to_string() });
                // Out of file descriptors, most likely: room comes when a connection ends.
                connections.join_next().await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(mut local: TcpStream, target: &Target, state: &watch::Sender<ForwardState>) -> Result<(), ForwardError> {
    let kube = |source| ForwardError::Kube { service: target.reference.clone(), source: Box::new(source) };
    let (pod, port) = target.choose().await?;
    let pods: Api<Pod> = Api::namespaced(target.client.clone(), &target.namespace);
    let mut forward = pods.portforward(&pod, &[port]).await.map_err(kube)?;
    let Some(mut remote) = forward.take_stream(port) else { return Ok(()) };
    let refused = forward.take_error(port);
    state.send_replace(ForwardState::Connected { pod: pod.clone() });
    // A side that hangs up in the middle is the business of the other side.
    let _ = copy_bidirectional(&mut local, &mut remote).await;
    let _ = local.shutdown().await;
    drop(remote);
    // What the node says comes only after the data; a pod that is gone says it at once.
    if let Some(refused) = refused
        && let Ok(Some(why)) = tokio::time::timeout(Duration::from_millis(10), refused).await
    {
        state.send_replace(ForwardState::Broken { why: format!("{pod}: {why}") });
    }
    forward.abort();
    Ok(())
}

impl Target {
    /// A ready pod behind the Service, and the port of its container.
    async fn choose(&self) -> Result<(String, u16), ForwardError> {
        let kube = |source| ForwardError::Kube { service: self.reference.clone(), source: Box::new(source) };
        let services: Api<Service> = Api::namespaced(self.client.clone(), &self.namespace);
        let spec = services.get(&self.service).await.map_err(kube)?.spec.unwrap_or_default();
        let no_port = || ForwardError::NoPort { service: self.reference.clone(), port: self.port.clone() };
        let port = spec.ports.iter().flatten().find(|port| self.is_wanted(port)).ok_or_else(no_port)?;
        let selector: Vec<String> =
            spec.selector.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let list = pods.list(&ListParams::default().labels(&selector.join(","))).await.map_err(kube)?;
        let pod = list
            .items
            .into_iter()
            .find(is_ready)
            .ok_or_else(|| ForwardError::NoPod { service: self.reference.clone() })?;
        let number = container_port(&pod, port).ok_or_else(no_port)?;
        Ok((pod.metadata.name.unwrap_or_default(), number))
    }

    fn is_wanted(&self, port: &ServicePort) -> bool {
        port.name.as_deref() == Some(&self.port) || port.port.to_string() == self.port
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().filter_map(|status| status.conditions.as_ref()).flatten();
    let ready = conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

fn container_port(pod: &Pod, port: &ServicePort) -> Option<u16> {
    let number = match port.target_port.as_ref() {
        None => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let mut ports = containers.filter_map(|container| container.ports.as_ref()).flatten();
            ports.find(|port| port.name.as_ref() == Some(name))?.container_port
        }
    };
    u16::try_from(number).ok()
}

/// Asks the application through the forward until it answers as it should; returns the address and what it said. `heard` is
/// told each answer that is none.
pub async fn prove(
    forward: &Forward,
    reach: &Reach,
    (patience, clock): (Duration, &Clock),
    heard: impl Fn(&ForwardError),
) -> Result<String, ForwardError> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match clock.outside(ask(forward.address(), reach)).await {
            Ok(note) => return Ok(note),
            Err(error) => forward.broken(reach).unwrap_or(error),
        };
        if began.elapsed() > patience || error.is_hopeless() {
            return Err(error);
        }
        heard(&error);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn ask(address: SocketAddr, reach: &Reach) -> Result<String, ForwardError> {
    let wrong = |message: String| ForwardError::WrongAnswer {
        service: ObjectRef::new("v1", "Service", Some(&reach.namespace), &reach.service),
        url: reach.path.clone(),
        message,
    };
    let answer = tokio::time::timeout(REQUEST, get(address, &reach.path)).await;
    let (status, body) = answer
        .map_err(|_| wrong(format!("did not answer within {} s", REQUEST.as_secs())))?
        .map_err(|error| wrong(format!("did not answer: {error}")))?;
    if status != reach.status {
        return Err(wrong(format!("answered {status}, not {}", reach.status)));
    }
    match &reach.contains {
        Some(text) if !body.contains(text.as_str()) => {
            Err(wrong(format!("answered {status}, but without `{text}` in it")))
        }
        // Not the address: it is closed when this is read.
        _ => Ok(format!("GET {} answered {status}, {} bytes", reach.path, body.len())),
    }
}

async fn get(address: SocketAddr, path: &str) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = http::Request::get(path)
        .header(http::header::HOST, address.to_string())
        .header(http::header::USER_AGENT, concat!("seaworthy/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<bytes::Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER).collect().await?.to_bytes();
    driver.abort();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
