//! The addresses and routes of this machine, as the kernel tells them in `/proc/net`.

use super::surroundings::Surroundings;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses and routes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Every address of an interface, loopback included, in order.
    pub addresses: Vec<IpAddr>,
    /// The routes of the main table but for the default ones, in order.
    pub routes: Vec<Route>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// Where to.
    pub net: IpNet,
    /// Through which interface.
    pub interface: String,
    /// Whether the interface is in that network itself, and no router in between.
    pub direct: bool,
}

impl Links {
    /// The interface that is itself in the network of an address, if one is.
    pub fn interface_of(&self, address: IpAddr) -> Option<&Route> {
        let direct = self.routes.iter().filter(|route| route.direct && route.net.contains(&address));
        direct.max_by_key(|route| route.net.prefix_len())
    }
}

/// Reads addresses and routes; `None` where the system has no `/proc/net`, as elsewhere than on Linux.
pub fn read(here: &Surroundings) -> Option<Links> {
    let file = |name: &str| fs::read_to_string(here.at_root(format!("/proc/net/{name}"))).ok();
    let four = (file("fib_trie")?, file("route")?);
    // Both are missing when IPv6 is off.
    let six = (file("if_inet6").unwrap_or_default(), file("ipv6_route").unwrap_or_default());
    let mut links = Links {
        addresses: addresses_v4(&four.0).chain(addresses_v6(&six.0)).collect(),
        routes: routes_v4(&four.1).chain(routes_v6(&six.1)).collect(),
    };
    links.addresses.sort_unstable();
    links.addresses.dedup();
    links.routes.sort_unstable();
    links.routes.dedup();
    Some(links)
}

/// In `fib_trie`, a leaf is an address on one line and what it is on those below it.
fn addresses_v4(trie: &str) -> impl Iterator<Item = IpAddr> {
    let mut leaf = None;
    trie.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        }
        leaf.filter(|_| line == "/32 host LOCAL").map(IpAddr::from)
    })
}

/// `if_inet6`: the address in 32 hexadecimal digits, then index, prefix, scope, flags and name.
fn addresses_v6(table: &str) -> impl Iterator<Item = IpAddr> {
    table.lines().filter_map(|line| Some(hex_v6(line.split_whitespace().next()?)?.into()))
}

/// `route`: name, destination, gateway, flags, ..., mask as the eighth; numbers as they lie in memory.
fn routes_v4(table: &str) -> impl Iterator<Item = Route> {
    table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, to, gateway, _, _, _, _, mask, ..] = fields.as_slice() else { return None };
        let net = Ipv4Net::with_netmask(hex_v4(to)?, hex_v4(mask)?).ok()?;
        let direct = hex_v4(gateway)?.is_unspecified();
        (net.prefix_len() > 0).then(|| Route { net: net.into(), interface: (*interface).to_owned(), direct })
    })
}

/// `ipv6_route`: destination, prefix, source, prefix, next hop, metric, uses, count, flags, name. Link-local networks are on
/// every interface and lead nowhere; loopback ones are the machine's own addresses.
fn routes_v6(table: &str) -> impl Iterator<Item = Route> {
    table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [to, prefix, _, _, hop, _, _, _, _, interface] = fields.as_slice() else { return None };
        let net = Ipv6Net::new(hex_v6(to)?, u8::from_str_radix(prefix, 16).ok()?).ok()?;
        let leads = net.prefix_len() > 0 && *interface != "lo" && !net.addr().is_unicast_link_local();
        let direct = hex_v6(hop)?.is_unspecified();
        (leads && !net.addr().is_multicast()).then(|| Route {
            net: net.into(),
            interface: (*interface).to_owned(),
            direct,
        })
    })
}

fn hex_v4(digits: &str) -> Option<Ipv4Addr> {
    u32::from_str_radix(digits, 16).ok().map(|number| Ipv4Addr::from(number.to_ne_bytes()))
}

fn hex_v6(digits: &str) -> Option<Ipv6Addr> {
    (digits.len() == 32).then(|| u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{in_folder, write};

    /// As Linux 6.18 writes them, with a bridge of Docker's and a route through a router.
    const TRIE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 172.18.0.0/16 2 0 2\n        |-- 172.18.0.0\n           /16 link UNICAST\n        |-- 172.18.0.1\n           /32 host LOCAL\n        |-- 172.18.255.255\n           /32 link BROADCAST\n";
    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\nbr-1\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\neth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\neth0\t0000000A\t010200C0\t0003\t0\t0\t0\t000000FF\n";
    const INET6: &str = "fc00f8530ccde7930000000000000001 4f 40 00 80     br-1\n";
    const ROUTE6: &str = "fc00f8530ccde7930000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     br-1\nfe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     br-1\n00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_kernels_tables_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let here = in_folder(folder.path());
        assert_eq!(read(&here), None);
        for (name, text) in [("fib_trie", TRIE), ("route", ROUTE), ("if_inet6", INET6), ("ipv6_route", ROUTE6)] {
            write(&here.at_root(format!("/proc/net/{name}")), text);
        }
        let links = read(&here).unwrap();
        let shown: Vec<String> = links.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["172.18.0.1", "fc00:f853:ccd:e793::1"]);
        let route = |route: &Route| format!("{} {} {}", route.net, route.interface, route.direct);
        assert_eq!(
            links.routes.iter().map(route).collect::<Vec<_>>(),
            ["10.0.0.0/8 eth0 false", "172.18.0.0/16 br-1 true", "fc00:f853:ccd:e793::/64 br-1 true"]
        );
        assert_eq!(
            links.interface_of("172.18.255.200".parse().unwrap()).map(route).unwrap(),
            "172.18.0.0/16 br-1 true"
        );
        assert_eq!(links.interface_of("10.1.1.1".parse().unwrap()), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_loopback() {
        let links = read(&Surroundings::new([], 0)).unwrap();
        assert!(links.addresses.contains(&Ipv4Addr::LOCALHOST.into()), "{links:?}");
    }
}
