//! The network of nodes that are no containers of this machine, where an interface of it is in that network, too.

use std::net::IpAddr;

use super::inputs::{Inputs, Near, Subnet};
use super::proof::{elsewhere, merged};
use super::range::{Family, Range};
use super::window::windows;
use crate::host::links::Links;

/// The networks of interfaces that hold every node of a family. `server` is the address of the API server.
pub(super) fn near(nodes: &[IpAddr], links: &Links, server: &str) -> Vec<Near> {
    let of_family = |family: Family| {
        let mut own = nodes.iter().filter(|address| Family::of(**address) == family);
        let first = own.next()?;
        let route = links.interface_of(*first)?;
        own.all(|address| route.net.contains(address)).then(|| Near {
            net: route.net,
            interface: route.interface.clone(),
            proved: answers_here(server, links, &|address| route.net.contains(&address)),
        })
    };
    [Family::V4, Family::V6].into_iter().filter_map(of_family).collect()
}

/// Whether the API server answers on this machine, or in the network itself.
fn answers_here(server: &str, links: &Links, inside: &dyn Fn(IpAddr) -> bool) -> bool {
    let host = server.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let own = |address: IpAddr| address.is_loopback() || links.addresses.contains(&address) || inside(address);
    host == "localhost" || address.is_some_and(own)
}

impl Inputs {
    /// The network of an interface that holds all nodes of a family; `None` where an engine's network is known.
    pub(super) fn near(&self, family: Family) -> Option<&Near> {
        self.near.iter().find(|near| self.network.is_none() && Range::of(near.net).family() == family)
    }

    /// Addresses near the nodes that nobody is known to have: an example of what may be given, and no proof.
    pub(super) fn example(&self) -> Option<Range> {
        let family = self.families.first().copied().or_else(|| Some(Family::of(self.nodes.first()?.address)))?;
        let net = self.near(family)?.net;
        let taken: Vec<Range> = merged(elsewhere(self)).iter().map(|excluded| excluded.range).collect();
        let subnet = Subnet { subnet: net, gateway: None, range: None, reserved: [].into() };
        let runs = windows(&subnet, &taken).into_iter().filter_map(|window| window.range.longest_without(&taken));
        runs.into_iter().find(|run| run.size() >= self.needed().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::links::Route;

    #[test]
    fn an_interface_tells_where_nodes_are() {
        let route = |net: &str, interface: &str| Route {
            net: net.parse().unwrap(),
            interface: interface.to_owned(),
            direct: true,
        };
        let links = Links {
            addresses: vec!["10.101.0.1".parse().unwrap()],
            routes: vec![route("10.0.0.0/8", "eth0"), route("10.101.0.0/24", "br1")],
        };
        let told = |nodes: &[&str], server: &str| -> Vec<String> {
            let nodes: Vec<IpAddr> = nodes.iter().map(|text| text.parse().unwrap()).collect();
            let near = near(&nodes, &links, server);
            near.into_iter().map(|it| format!("{} {} {}", it.net, it.interface, it.proved)).collect()
        };
        assert_eq!(told(&["10.101.0.11"], "https://127.0.0.1:6443"), ["10.101.0.0/24 br1 true"]);
        assert_eq!(told(&["10.101.0.11", "fd00::1"], "https://10.101.0.11:6443"), ["10.101.0.0/24 br1 true"]);
        assert_eq!(told(&["10.101.0.11"], "https://far.example:6443"), ["10.101.0.0/24 br1 false"]);
        assert!(told(&["10.101.0.11", "192.168.0.1"], "https://127.0.0.1:6443").is_empty(), "one is elsewhere");
        assert!(told(&[], "https://127.0.0.1:6443").is_empty());
    }
}
