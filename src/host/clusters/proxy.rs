//! Which proxy the variables ask for, as Go's programs (kubectl among them) read them.

use crate::host::surroundings::Surroundings;
use std::net::IpAddr;

/// The proxy for a server from `HTTPS_PROXY` or `HTTP_PROXY`, unless `NO_PROXY` or loopback spares it one.
pub fn proxy_for(server: &http::Uri, here: &Surroundings) -> Option<String> {
    let names =
        if server.scheme_str() == Some("http") { ["HTTP_PROXY", "http_proxy"] } else { ["HTTPS_PROXY", "https_proxy"] };
    let proxy = names.into_iter().find_map(|name| here.variable(name))?;
    let host = server.host()?.trim_matches(['[', ']']);
    let port = server.port_u16().unwrap_or(443).to_string();
    let spared = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| here.variable(name)).unwrap_or_default();
    let direct = is_loopback(host) || spared.split(',').any(|rule| spares(rule.trim(), host, &port));
    // Go allows the scheme to be left out.
    (!direct).then(|| if proxy.contains("://") { proxy.into() } else { format!("http://{proxy}") })
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether one rule of `NO_PROXY` covers the host: `*`, a network, an address, a domain, each perhaps with a port.
fn spares(rule: &str, host: &str, port: &str) -> bool {
    if rule == "*" {
        return true;
    }
    if let (Some((network, bits)), Ok(address)) = (rule.split_once('/'), host.parse::<IpAddr>()) {
        return network.parse().is_ok_and(|network| bits.parse().is_ok_and(|bits| contains(network, bits, address)));
    }
    let rule = match rule.rsplit_once(':') {
        Some((name, wanted)) if !name.contains(':') && wanted != port => return wanted.is_empty() && name == host,
        Some((name, _)) if !name.contains(':') => name,
        _ => rule,
    };
    let domain = rule.trim_start_matches("*.").trim_start_matches('.').to_lowercase();
    let host = host.to_lowercase();
    // A leading dot leaves out the domain itself.
    !domain.is_empty() && (host.ends_with(&format!(".{domain}")) || (host == domain && !rule.starts_with(['.', '*'])))
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => (network.to_bits().into(), address.to_bits().into(), 32),
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let (network, address): (u128, u128) = (network, address);
    // A shift by the whole width would overflow: a network of no bits holds everything.
    bits <= width && (network ^ address).checked_shr(width - bits).unwrap_or_default() == 0
}

#[cfg(test)]
mod tests {
    use super::proxy_for;
    use crate::host::surroundings::Surroundings;

    fn asked(server: &str, spared: &str) -> Option<String> {
        let variables = [("HTTPS_PROXY", "proxy:3128"), ("no_proxy", spared)];
        let here = Surroundings::new(variables.map(|(name, value)| (name.into(), value.into())), 0);
        proxy_for(&server.parse().unwrap(), &here)
    }

    #[test]
    fn servers_are_spared_as_go_does() {
        for (server, spared, direct) in [
            ("https://10.1.2.3:6443", "", false),
            ("https://127.0.0.1:6443", "", true),
            ("https://localhost:6443", "", true),
            ("https://[::1]:6443", "", true),
            ("https://10.1.2.3:6443", "192.168.0.0/16, 10.0.0.0/8", true),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", true),
            ("https://10.1.2.3:6443", "10.1.2.3:443", false),
            ("https://10.1.2.3:6443", "0.0.0.0/0", true),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://[fd00::5]:6443", "fd00::/8", true),
            ("https://api.corp.example:6443", "corp.example", true),
            ("https://api.corp.example:6443", ".corp.example", true),
            ("https://corp.example:6443", ".corp.example", false),
            ("https://api.notcorp.example", "corp.example", false),
            ("https://anything", "*", true),
            ("https://10.1.2.3", "nonsense/99,/,:", false),
        ] {
            assert_eq!(asked(server, spared).is_none(), direct, "{server} {spared}");
        }
    }

    #[test]
    fn a_scheme_may_be_left_out() {
        assert_eq!(asked("https://10.0.0.1", "").as_deref(), Some("http://proxy:3128"));
        assert_eq!(asked("http://10.0.0.1", ""), None);
    }
}
