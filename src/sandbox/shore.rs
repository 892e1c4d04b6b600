//! What the machine around a sandbox would have: the network that its nodes are on, and a folder that they share.

use crate::host::engines::Product;
use crate::network::{Folder, Network, Shore, Subnet};

use super::Sandbox;
use super::harbour::SUBNET;

impl Sandbox {
    /// The shore as [`crate::network::see`] takes it; no engine of this machine has anything to do with it.
    pub fn shore(&self) -> Shore {
        let subnets = SUBNET.parse().map(|subnet| Subnet { subnet, gateway: None, range: None, reserved: [].into() });
        let name = format!("sandbox-{}", self.kind());
        let network = Network { name, engine: Product::Other, subnets: subnets.into_iter().collect() };
        // Its nodes are one process, so what has no node of its own is everywhere ([`super::disks`]).
        let folder = Folder { path: "the memory of this sandbox".to_owned() };
        Shore { known: Some(network), folder: Some(folder), ..Shore::default() }
    }
}
