//! Podman's own API, as far as Docker's says less.

use super::ends;
use crate::host::engines::{Endpoint, get};
use crate::host::text::clean;
use crate::network::Range;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;

/// Every Podman since 4.0 answers it.
const PATH: &str = "/v4.0.0/libpod/networks/json";

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
    parse(&get(endpoint, PATH).await?)
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
