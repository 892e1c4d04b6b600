//! The sandbox behind HTTP: for upgrades, which need a real connection, and on a loopback port for kubectl.

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tower::BoxError;

use super::address::Route;
use super::admission::webhooks;
use super::api::{self, Body};
use super::{Sandbox, exec, forward, keep_going};

/// What fits into the pipe of one connection.
const PIPE: usize = 64 * 1024;

/// Sends a request over a connection in memory, so that it can be upgraded.
pub(super) async fn upgraded(
    sandbox: Sandbox,
    mut request: Request<kube::client::Body>,
) -> Result<Response<Body>, BoxError> {
    let (near, far) = tokio::io::duplex(PIPE);
    tokio::spawn(connection(sandbox, far));
    let (mut sender, client) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await?;
    tokio::spawn(client.with_upgrades());
    request.headers_mut().entry(http::header::HOST).or_insert(HeaderValue::from_static("sandbox"));
    let response = sender.send_request(request).await?;
    Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(sandbox: Sandbox, stream: S) {
    let service = service_fn(move |request: Request<Incoming>| {
        let sandbox = sandbox.clone();
        async move { answer(&sandbox, request).await.map_err(std::io::Error::other) }
    });
    // A connection that a client closes early is its right.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

async fn answer(sandbox: &Sandbox, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let route = Route::parse(request.uri().path());
    let upgrade = route.filter(|route| route.plural == "pods").and_then(|route| {
        let answer = match route.sub.as_deref()? {
            "portforward" => forward::answer,
            "exec" => exec::answer,
            _ => return None,
        };
        Some((answer, route))
    });
    if let Some((answer, route)) = upgrade {
        let agreed = sandbox.read(|world| webhooks::connected(world, &route));
        let answer = agreed.and_then(|()| answer(sandbox, request, &route));
        return Ok(answer.unwrap_or_else(|refusal| api::refused(&refusal)));
    }
    let (parts, body) = request.into_parts();
    let body: Bytes = body.collect().await?.to_bytes();
    sandbox.answer(&Request::from_parts(parts, body)).await
}

impl Sandbox {
    /// Serves the API over HTTP on a listener, until it is dropped.
    ///
    /// # Errors
    /// When no connection can be accepted any more.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        tokio::spawn(keep_going(std::sync::Arc::downgrade(&self.inner)));
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(connection(self.clone(), stream));
        }
    }
}
