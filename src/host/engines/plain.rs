//! One plain request, for what bollard cannot ask: it puts the version of Docker's API before every path, and keeps of an
//! answer only what Docker says.

use super::Endpoint;
use crate::host::text::clean;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// The most that is read of an answer, in bytes.
const LONGEST: usize = 16 << 20;

/// What the engine answers to a GET of this path; the error is for people.
pub(in crate::host) async fn get(endpoint: &Endpoint, path: &str) -> Result<Bytes, String> {
    match endpoint {
        Endpoint::Unix(socket) => {
            ask(UnixStream::connect(socket).await.map_err(|error| error.to_string())?, path).await
        }
        Endpoint::Http(host) => ask(TcpStream::connect(host).await.map_err(|error| error.to_string())?, path).await,
    }
}

async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, path: &str) -> Result<Bytes, String> {
    let words = |error: &dyn std::fmt::Display| clean(&error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| words(&error))?;
    let request = Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new());
    let ask = async {
        let answer =
            sender.send_request(request.map_err(|error| words(&error))?).await.map_err(|error| words(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|error| words(&error))?.to_bytes();
        let said = || clean(&String::from_utf8_lossy(&body));
        if status.is_success() { Ok(body.clone()) } else { Err(format!("{status}: {}", said())) }
    };
    tokio::pin!(ask);
    // The connection has to be driven for the answer to come; when it ends first, the answer says why.
    tokio::select! {
        answer = &mut ask => return answer,
        _ = connection => {}
    }
    ask.await
}
