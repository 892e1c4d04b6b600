//! Podman's own API, as far as Docker's says less. bollard puts the version of Docker's API before every path, so this is one
//! plain request.

use super::ends;
use crate::host::engines::Endpoint;
use crate::host::text::clean;
use crate::network::Range;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Every Podman since 4.0 answers it.
const PATH: &str = "/v4.0.0/libpod/networks/json";
/// The most that is read of an answer, in bytes.
const LONGEST: usize = 16 << 20;

/// A subnet with the part from which addresses are taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leased {
    pub(super) network: String,
    pub(super) subnet: IpNet,
    pub(super) gateway: Option<IpAddr>,
    pub(super) range: Option<Range>,
}

#[derive(Deserialize)]
struct Network {
    name: String,
    #[serde(default)]
    subnets: Vec<Subnet>,
}

#[derive(Deserialize)]
struct Subnet {
    #[serde(rename = "subnet")]
    net: IpNet,
    gateway: Option<IpAddr>,
    lease_range: Option<Lease>,
}

#[derive(Deserialize)]
struct Lease {
    start_ip: Option<String>,
    end_ip: Option<String>,
}

/// All subnets; the error is for people.
pub(super) async fn ranges(endpoint: &Endpoint) -> Result<Vec<Leased>, String> {
    let answer = match endpoint {
        Endpoint::Unix(path) => get(UnixStream::connect(path).await.map_err(|error| error.to_string())?).await?,
        Endpoint::Http(host) => get(TcpStream::connect(host).await.map_err(|error| error.to_string())?).await?,
    };
    parse(&answer)
}

async fn get(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Bytes, String> {
    let words = |error: &dyn std::fmt::Display| clean(&error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| words(&error))?;
    let request = Request::get(PATH).header("host", "localhost").body(Empty::<Bytes>::new());
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

fn parse(answer: &[u8]) -> Result<Vec<Leased>, String> {
    let networks: Vec<Network> = serde_json::from_slice(answer).map_err(|error| clean(&error.to_string()))?;
    let leased = |network: &Network, subnet: &Subnet| {
        let net = subnet.net.trunc();
        let range = subnet.lease_range.as_ref();
        let range = range.and_then(|lease| ends(net, lease.start_ip.as_deref(), lease.end_ip.as_deref()));
        Leased { network: clean(&network.name), subnet: net, gateway: subnet.gateway, range }
    };
    let of = |network: &Network| network.subnets.iter().map(|subnet| leased(network, subnet)).collect::<Vec<_>>();
    Ok(networks.iter().flat_map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_ranges_are_read_with_one_end_or_both() {
        let answer = r#"[{"name": "kind", "subnets": [
            {"subnet": "10.99.78.0/24", "gateway": "10.99.78.1", "lease_range": {"start_ip": "10.99.78.129", "end_ip": "10.99.78.255"}},
            {"subnet": "10.99.79.0/24", "gateway": "10.99.79.1", "lease_range": {"end_ip": "10.99.79.9"}},
            {"subnet": "fd00:1::/64"}]}, {"name": "none"}]"#;
        let ranges: Vec<Option<String>> = parse(answer.as_bytes())
            .unwrap()
            .into_iter()
            .map(|leased| leased.range.map(|range| range.to_string()))
            .collect();
        let first = "10.99.78.129-10.99.78.255".to_owned();
        assert_eq!(ranges, [Some(first), Some("10.99.79.0-10.99.79.9".to_owned()), None]);
        assert!(parse(b"{}").unwrap_err().contains("sequence"));
    }
}
