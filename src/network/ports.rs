//! Ports of this machine that lead into a cluster whose nodes are containers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A port of this machine that leads to one of the control-plane node, where a Service of type `NodePort` listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// The address of this machine; loopback when none was said, because nobody else is to get in by accident.
    pub address: IpAddr,
    /// The port of this machine.
    pub host: u16,
    /// The port of the node.
    pub node: u16,
    /// Whether it is for UDP, and not for TCP.
    pub udp: bool,
}

impl FromStr for Port {
    type Err = String;

    /// `[ADDRESS:]HOST:NODE[/udp]`.
    fn from_str(typed: &str) -> Result<Self, String> {
        let wrong = || format!("`{typed}` is no [ADDRESS:]HOST:NODE[/udp], such as 8080:30080");
        let (ports, protocol) = typed.split_once('/').unwrap_or((typed, "tcp"));
        let udp = match protocol {
            "tcp" => false,
            "udp" => true,
            _ => return Err(wrong()),
        };
        let (before, node) = ports.rsplit_once(':').ok_or_else(wrong)?;
        let (address, host) = before.rsplit_once(':').unwrap_or(("127.0.0.1", before));
        let address = address.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| wrong())?;
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong);
        Ok(Self { address, host: number(host)?, node: number(node)?, udp })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, host, node, udp } = self;
        write!(f, "{address}:{host} -> {node}{}", if *udp { "/udp" } else { "" })
    }
}
