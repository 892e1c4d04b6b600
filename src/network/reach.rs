//! Whether addresses of the pool can be reached from this machine: told before anything is installed.
//!
//! One test decides: the gateway of the subnet is an address of this machine, so it is itself in the network and asks for
//! addresses there (ARP, neighbour discovery), which is what MetalLB answers in layer 2. The rest only explains.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::host::engines::{Engine, Product};
use crate::host::links::Links;

/// Whether this machine reaches the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reach", rename_all = "kebab-case")]
pub enum Reach {
    /// It is itself in the network.
    Direct {
        /// Through this interface.
        interface: String,
        /// Whether this is Linux below Windows, from which Windows does not reach it.
        below_windows: bool,
    },
    /// It is not in the network.
    Outside {
        /// Why, as far as that shows.
        case: Case,
    },
    /// That cannot be told.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// Why a machine is not in the network of containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Case {
    /// Docker Desktop keeps the containers in a virtual machine and lets only published ports out.
    DockerDesktop,
    /// The engine runs in a virtual machine: podman machine, Colima, Lima, Rancher Desktop.
    VirtualMachine {
        /// The system that the engine runs on.
        system: String,
    },
    /// The engine is on another machine.
    Remote {
        /// Where it answers.
        address: String,
    },
    /// The engine runs without root, so its bridges are in a network namespace of their own.
    Rootless {
        /// Which engine.
        engine: Product,
    },
    /// This program runs in a container and asks the engine of the machine around it.
    InContainer,
    /// Nothing of the above; no interface has the gateway.
    NoInterface {
        /// The gateway.
        gateway: IpAddr,
    },
}

/// What of this machine matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// `linux`, `macos`, ...
    pub os: String,
    /// The kernel's release.
    pub kernel: String,
    /// Whether this process runs in a container.
    pub in_container: bool,
    /// Addresses and routes; `None` where they cannot be read.
    pub links: Option<Links>,
}

/// Whether this machine reaches addresses in the subnet of this gateway.
pub fn reach(engine: &Engine, gateway: IpAddr, machine: &Machine) -> Reach {
    if let Some(links) = &machine.links {
        if links.addresses.contains(&gateway) {
            let interface = links.interface_of(gateway).map(|route| route.interface.clone()).unwrap_or_default();
            let below_windows = machine.kernel.to_lowercase().contains("microsoft");
            return Reach::Direct { interface, below_windows };
        }
        return Reach::Outside { case: case(engine, machine).unwrap_or(Case::NoInterface { gateway }) };
    }
    match case(engine, machine) {
        Some(case) => Reach::Outside { case },
        None => Reach::Unknown { why: "the addresses of this machine cannot be read".to_owned() },
    }
}

fn case(engine: &Engine, machine: &Machine) -> Option<Case> {
    let address = engine.addresses.first().map(|address| address.url.as_str()).unwrap_or_default();
    let system = engine.system.clone().unwrap_or_default();
    let product = engine.product;
    if system.contains("Docker Desktop") || address.contains("/.docker/desktop/") {
        return Some(Case::DockerDesktop);
    }
    if is_elsewhere(address) {
        return Some(Case::Remote { address: address.to_owned() });
    }
    let other_system = engine.os.as_ref().is_some_and(|os| *os != machine.os);
    if other_system
        || ["/.colima/", "/colima/", "/.lima/", "/.rd/", "/.orbstack/", "/machine/"]
            .iter()
            .any(|mark| address.contains(mark))
    {
        return Some(Case::VirtualMachine { system });
    }
    if engine.rootless == Some(true) {
        return Some(Case::Rootless { engine: product });
    }
    machine.in_container.then_some(Case::InContainer)
}

/// Whether an address names another machine.
fn is_elsewhere(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let host = rest.trim_start_matches('[');
    let local = ["127.", "localhost", "::1", "0.0.0.0"].iter().any(|own| host.starts_with(own));
    scheme != "unix" && scheme != "npipe" && !local
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DockerDesktop => f.write_str("Docker Desktop lets only published ports out of its virtual machine"),
            Self::VirtualMachine { system } if system.is_empty() => f.write_str("the engine runs in a virtual machine"),
            Self::VirtualMachine { system } => write!(f, "the engine runs in a virtual machine ({system})"),
            Self::Remote { address } => write!(f, "the engine is on another machine ({address})"),
            Self::Rootless { engine } => {
                write!(f, "{engine} runs without root, and keeps its networks in a namespace of their own")
            }
            Self::InContainer => f.write_str("this program runs in a container that is not in that network"),
            Self::NoInterface { gateway } => write!(f, "no interface of this machine has the gateway {gateway}"),
        }
    }
}

impl Reach {
    /// For people, a line each.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Direct { interface, below_windows } => {
                let mut lines = vec![format!("this machine reaches it: interface {interface} is in that network")];
                lines.extend(below_windows.then(|| "Windows around it does not: use a forward there".to_owned()));
                lines
            }
            Self::Outside { case } => vec![
                format!("this machine does not reach it: {case}"),
                "Services have their addresses inside of that network only; from here use `seaworthy open STACK`, \
                 `kubectl port-forward`, or a port that the node's container publishes"
                    .to_owned(),
            ],
            Self::Unknown { why } => vec![format!("whether this machine reaches it cannot be told: {why}")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::engines::{Address, NamedBy};
    use crate::host::links::Route;

    fn engine(url: &str, change: impl FnOnce(&mut Engine)) -> Engine {
        let addresses = vec![Address { url: url.into(), named_by: vec![NamedBy::Default], preference: 0 }];
        let mut engine = Engine {
            id: "x".into(),
            product: Product::Docker,
            version: String::new(),
            api_version: String::new(),
            rootless: Some(false),
            cgroup_version: None,
            cgroup_driver: None,
            storage_driver: None,
            data_root: None,
            cpus: None,
            memory: None,
            os: Some("linux".into()),
            arch: None,
            system: Some("Debian GNU/Linux 12".into()),
            addresses,
        };
        change(&mut engine);
        engine
    }

    fn machine(change: impl FnOnce(&mut Machine)) -> Machine {
        let links = Links {
            addresses: vec!["172.18.0.1".parse().unwrap()],
            routes: vec![Route { net: "172.18.0.0/16".parse().unwrap(), interface: "br-1".into(), direct: true }],
        };
        let (kernel, in_container) = ("6.12.0-amd64".into(), false);
        let mut machine = Machine { os: "linux".into(), kernel, in_container, links: Some(links) };
        change(&mut machine);
        machine
    }

    #[test]
    fn every_case_has_its_words() {
        let plain = || engine("unix:///var/run/docker.sock", |_| {});
        let desktop = engine("unix:///home/a/.docker/run/docker.sock", |e| e.system = Some("Docker Desktop".into()));
        let rootless = engine("unix:///run/user/1000/podman/podman.sock", |e| {
            e.rootless = Some(true);
            e.product = Product::Podman;
        });
        let (near, far) = ("172.18.0.1", "10.89.0.1");
        let mac = || machine(|m| (m.os, m.links) = ("macos".into(), None));
        for (engine, gateway, machine, said) in [
            (plain(), near, machine(|_| {}), "this machine reaches it: interface br-1 is in that network"),
            (
                plain(),
                near,
                machine(|m| m.kernel = "5.15.167.4-microsoft-standard-WSL2".into()),
                "this machine reaches it: interface br-1 is in that network; Windows around it does not: use a forward there",
            ),
            (
                plain(),
                far,
                machine(|_| {}),
                "this machine does not reach it: no interface of this machine has the gateway 10.89.0.1",
            ),
            (
                desktop.clone(),
                far,
                mac(),
                "this machine does not reach it: Docker Desktop lets only published ports out of its virtual machine",
            ),
            // OrbStack and others put the network onto the machine: then the words about them do not matter.
            (desktop, near, machine(|_| {}), "this machine reaches it: interface br-1 is in that network"),
            (
                plain(),
                far,
                mac(),
                "this machine does not reach it: the engine runs in a virtual machine (Debian GNU/Linux 12)",
            ),
            (
                engine("unix:///home/a/.colima/default/docker.sock", |_| {}),
                far,
                machine(|_| {}),
                "this machine does not reach it: the engine runs in a virtual machine (Debian GNU/Linux 12)",
            ),
            (
                rootless,
                far,
                machine(|_| {}),
                "this machine does not reach it: podman runs without root, and keeps its networks in a namespace of their own",
            ),
            (
                engine("tcp://10.0.0.9:2375", |_| {}),
                far,
                machine(|_| {}),
                "this machine does not reach it: the engine is on another machine (tcp://10.0.0.9:2375)",
            ),
            (
                engine("tcp://127.0.0.1:2375", |_| {}),
                far,
                machine(|m| m.in_container = true),
                "this machine does not reach it: this program runs in a container that is not in that network",
            ),
            (
                plain(),
                far,
                machine(|m| m.links = None),
                "whether this machine reaches it cannot be told: the addresses of this machine cannot be read",
            ),
        ] {
            let reach = reach(&engine, gateway.parse().unwrap(), &machine);
            let mut lines = reach.lines();
            // What to use instead is the same for all of them.
            lines.retain(|line| !line.contains("kubectl port-forward"));
            assert_eq!(lines.join("; "), said);
            let json = serde_json::to_value(&reach).unwrap();
            assert_eq!(serde_json::from_value::<Reach>(json).unwrap(), reach);
        }
    }
}
