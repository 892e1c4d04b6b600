//! Taking over a connection for a websocket with Kubernetes' channels: each message begins with the number of its channel.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::api::Body;
use super::refusal::Refusal;

/// The answer that agrees. Once the client has it, the connection goes to `carry`. `about` names what was asked for, for a
/// refusal.
pub(super) fn accept<F: Future<Output = ()> + Send + 'static>(
    mut request: Request<Incoming>,
    about: &str,
    carry: impl FnOnce(Upgraded) -> F + Send + 'static,
) -> Result<Response<Body>, Refusal> {
    let is_websocket =
        request.headers().get(header::UPGRADE).is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let Some(accept) = key.filter(|_| is_websocket) else {
        return Err(Refusal::not_simulated(&format!("{about} over SPDY")));
    };
    let protocol =
        protocol(request.headers()).ok_or_else(|| Refusal::not_simulated(&format!("{about} with these protocols")))?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // A client that hangs up before the upgrade has changed its mind.
        if let Ok(stream) = upgrade.await {
            carry(stream).await;
        }
    });
    let mut response = Response::new(Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let offered: Vec<&str> = offered.flat_map(|value| value.split(',')).map(str::trim).collect();
    let known = ["v4.channel.k8s.io", "v5.channel.k8s.io"].into_iter().find(|known| offered.contains(known))?;
    Some(HeaderValue::from_static(known))
}
