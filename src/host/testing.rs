//! Stand-ins for what a host has: engines and API servers on real sockets, folders as a root.

use super::surroundings::Surroundings;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// Surroundings whose root and home lie in a folder, without any variables.
pub(crate) fn in_folder(folder: &Path) -> Surroundings {
    Surroundings { variables: BTreeMap::new(), home: Some(folder.join("home")), uid: 1000, root: folder.into() }
}

/// Writes a file, with the folders above it.
pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The folder of fixtures for this module.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/host")
}

/// A server that ends when dropped.
pub(crate) struct Server(AbortHandle);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn spawn(accepting: impl Future<Output = ()> + Send + 'static) -> Server {
    Server(tokio::spawn(accepting).abort_handle())
}

/// The status of an answer that never comes.
pub(crate) const HANG: u16 = 0;

/// Answers a path with a status and a JSON body.
pub(crate) type Routes = Arc<dyn Fn(&str) -> (u16, Value) + Send + Sync>;

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, routes: Routes) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (status, body) = routes(request.uri().path());
        async move {
            if status == HANG {
                std::future::pending::<()>().await;
            }
            let response = Response::builder().status(status).header("content-type", "application/json");
            Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body.to_string()))).unwrap())
        }
    });
    // The client may hang up whenever it likes.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// `/v1.41/networks` is `/networks`.
fn unversioned(path: &str) -> &str {
    let rest = path.strip_prefix("/v").and_then(|rest| rest.split_once('/'));
    rest.map_or(path, |(version, _)| &path[version.len() + 2..])
}

/// A container engine's two answers.
pub(crate) struct EngineStub {
    pub(crate) version: Value,
    pub(crate) info: Value,
}

impl EngineStub {
    /// As Docker 20.10 answers.
    pub(crate) fn docker() -> Self {
        Self {
            version: json!({"Version": "20.10.24+dfsg1", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64",
                "Components": [{"Name": "Engine", "Version": "20.10.24+dfsg1"}, {"Name": "containerd", "Version": "1.6"}]}),
            info: json!({"ID": "AAAA:BBBB", "Driver": "overlay2", "CgroupDriver": "cgroupfs", "CgroupVersion": "1",
                "DockerRootDir": "/var/lib/docker", "NCPU": 2, "MemTotal": 1_u64 << 30, "Name": "vm",
                "SecurityOptions": ["name=seccomp,profile=default"], "OperatingSystem": "Debian"}),
        }
    }

    /// As Podman 4.3 without root answers: with an id that is new each time.
    pub(crate) fn podman() -> Self {
        Self {
            version: json!({"Version": "4.3.1", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64",
                "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "Conmon", "Version": "2.1"}]}),
            info: json!({"ID": "random", "Driver": "overlay", "CgroupDriver": "systemd", "CgroupVersion": "2",
                "DockerRootDir": "/home/a/.local/share/containers/storage", "Name": "vm",
                "SecurityOptions": ["name=seccomp,profile=default"], "Rootless": true, "BuildahVersion": "1.28"}),
        }
    }

    /// Answers at a socket until dropped.
    pub(crate) fn serve(self, socket: &Path) -> Server {
        self.serve_also(socket, |_| None)
    }

    /// The same, with answers to other paths; the version of the API is taken off a path before.
    pub(crate) fn serve_also(
        self,
        socket: &Path,
        more: impl Fn(&str) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Server {
        let routes: Routes = Arc::new(move |path| match unversioned(path) {
            "/version" => (200, self.version.clone()),
            "/info" if !self.info.is_null() => (200, self.info.clone()),
            path => more(path).unwrap_or_else(|| (404, json!({"message": "page not found"}))),
        });
        let listener = UnixListener::bind(socket).unwrap();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&routes)));
            }
        })
    }
}

/// Says the same to everybody and hangs up.
pub(crate) fn garbage(socket: &Path, said: &'static [u8]) -> Server {
    let listener = UnixListener::bind(socket).unwrap();
    spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(said).await;
        }
    })
}

/// Accepts, and says nothing for ever.
pub(crate) fn silence(socket: &Path) -> Server {
    let listener = UnixListener::bind(socket).unwrap();
    spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    })
}

/// Accepts on a TCP port, and says nothing for ever.
pub(crate) async fn silent_port() -> (SocketAddr, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    });
    (address, server)
}

/// An API server, over TLS if it has a configuration for it.
pub(crate) async fn api_server(
    tls: Option<ServerConfig>,
    routes: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static,
) -> (SocketAddr, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes: Routes = Arc::new(routes);
    let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    let server = spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (routes, acceptor) = (Arc::clone(&routes), acceptor.clone());
            tokio::spawn(async move {
                match acceptor {
                    None => talk(stream, routes).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            talk(stream, routes).await;
                        }
                    }
                }
            });
        }
    });
    (address, server)
}

/// The answers of a healthy kind cluster of two nodes.
pub(crate) fn healthy(path: &str) -> (u16, Value) {
    let node =
        |name: &str| json!({"metadata": {"name": name}, "spec": {"providerID": format!("kind://docker/kind/{name}")}});
    match path {
        "/version" => (200, version()),
        "/api/v1/nodes" => (
            200,
            json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {"remainingItemCount": 1},
                "items": [node("kind-control-plane"), node("kind-worker")]}),
        ),
        "/api/v1/namespaces/kube-system" => {
            (200, json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": "1-2-3"}}))
        }
        _ => status(404, "the server could not find the requested resource"),
    }
}

/// What `/version` says.
pub(crate) fn version() -> Value {
    json!({"major": "1", "minor": "34", "gitVersion": "v1.34.2", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "", "goVersion": "", "compiler": "gc", "platform": "linux/amd64"})
}

/// A failure as the API server writes it.
pub(crate) fn status(code: u16, message: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}))
}
