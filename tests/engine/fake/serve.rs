//! The fake on a loopback port, for the program itself.

use std::io::Error;
use std::net::SocketAddr;

use http_body_util::BodyExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Fake;

/// Serves until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Fake {
    /// Serves on a thread of its own.
    pub(crate) fn serve(&self) -> Server {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (fake, stop) = (self.clone(), CancellationToken::new());
        let stopped = stop.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                stopped.run_until_cancelled(accept(fake, listener)).await;
            });
        });
        Server { address: receiver.recv().unwrap(), stop }
    }
}

async fn accept(fake: Fake, listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let fake = fake.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let fake = fake.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map_err(Error::other)?.to_bytes();
                fake.answer(http::Request::from_parts(parts, body)).await.map_err(Error::other)
            }
        });
        // A connection that the program closes early is its right.
        tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(stream), service).await });
    }
}
