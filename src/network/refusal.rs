//! Why there is no pool, with the numbers and what to type.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::proof::{Excluded, excluded_lines};
use super::range::{Family, Range, RangeFault};
use crate::error::{Class, Explain};

/// Why there is no pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refused", rename_all = "kebab-case")]
pub enum Refusal {
    /// The network of the nodes is not known here, so only the user can say which addresses are free.
    #[error("no address pool can be worked out:{}", listed(reasons))]
    Ask {
        /// Why not, a line each.
        reasons: Vec<String>,
        /// Addresses near the nodes that nobody is known to have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<Range>,
    },
    /// Nothing was given where a range has to be.
    #[error("--pool names no addresses")]
    Nothing,
    /// It is not known in which family the cluster has services.
    #[error(
        "no address pool can be worked out: no node has told an address (InternalIP) of a family that the cluster's services have"
    )]
    NoFamily,
    /// No subnet of the network holds the addresses of all nodes.
    #[error(
        "no {family} subnet of network `{network}` holds all nodes ({}); it has {}",
        joined(nodes),
        joined(subnets)
    )]
    NoSubnet {
        /// The family.
        family: Family,
        /// The network.
        network: String,
        /// Its subnets of that family.
        subnets: Vec<IpNet>,
        /// The nodes' addresses of that family.
        nodes: Vec<IpAddr>,
    },
    /// There is not enough left.
    #[error("too few addresses for a pool in {subnet}: {free} free in a row, {needed} needed{}", looked(*window))]
    TooFew {
        /// The subnet.
        subnet: IpNet,
        /// Where they were looked for; `None` when the subnet has no address to spare at all.
        window: Option<Range>,
        /// The longest run that is free there.
        free: u64,
        /// How many are needed.
        needed: u32,
        /// What was left out.
        excluded: Vec<Excluded>,
    },
    /// What was given is no range.
    #[error("`{text}` is no range of addresses: {fault}")]
    NotARange {
        /// What was given.
        text: String,
        /// Why it is none.
        fault: RangeFault,
    },
    /// What was given cannot be a pool.
    #[error("{} cannot be the pool:{}", joined(given), listed(faults))]
    Unfit {
        /// The ranges.
        given: Vec<Range>,
        /// Everything that is wrong with them.
        faults: Vec<Fault>,
        /// The longest part of them that would do, when it is long enough.
        instead: Option<Range>,
        /// Whether a pool can be worked out.
        #[serde(default)]
        worked_out: bool,
        /// Addresses near the nodes that nobody is known to have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<Box<Range>>,
    },
}

/// What is wrong with a range that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// Nobody can be reached at addresses of it.
    #[error("{range:#} has {what} ({net}), at which no Service can be reached")]
    Unusable {
        /// The range.
        range: Range,
        /// The network of those addresses.
        net: IpNet,
        /// What they are.
        what: String,
    },
    /// Two of them have addresses in common.
    #[error("{one:#} and {other:#} overlap")]
    Overlap {
        /// One.
        one: Range,
        /// The other.
        other: Range,
    },
    /// The cluster has no services of its family.
    #[error("{range:#} is {family}, and the cluster's services are {}", joined(families))]
    WrongFamily {
        /// The range.
        range: Range,
        /// Its family.
        family: Family,
        /// Those of the cluster.
        families: Vec<Family>,
    },
    /// The family in which services get their addresses first is missing.
    #[error("it has no {family} address, and services of the cluster are {family} first")]
    NoneOf {
        /// The family.
        family: Family,
    },
    /// It lies outside of the nodes' subnet, so nobody would send packets for it to a node.
    #[error("{range:#} is not in {}, where the nodes are", joined(subnets))]
    Foreign {
        /// The range.
        range: Range,
        /// The nodes' subnets of its family.
        subnets: Vec<IpNet>,
    },
    /// It holds the first or the last address of the subnet, which no host can have.
    #[error("{range:#} holds {address}, {what} of {subnet}")]
    End {
        /// The range.
        range: Range,
        /// The address.
        address: IpAddr,
        /// What the address is.
        what: String,
        /// The subnet.
        subnet: IpNet,
    },
    /// Somebody has addresses of it.
    #[error("{range:#} {} {taken:#}, {}", meets(*taken), why.join(", "))]
    Taken {
        /// The range.
        range: Range,
        /// What is taken.
        taken: Range,
        /// By whom.
        why: Vec<String>,
    },
    /// It is too small.
    #[error("it has {size} {family} addresses, and {needed} are needed")]
    TooSmall {
        /// The family.
        family: Family,
        /// How many it has.
        size: u64,
        /// How many are needed.
        needed: u32,
    },
}

fn joined<T: std::fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(|item| format!("{item:#}")).collect::<Vec<_>>().join(", ")
}

/// One of them behind the colon, more of them below.
fn listed<T: std::fmt::Display>(items: &[T]) -> String {
    match items {
        [one] => format!(" {one}"),
        many => many.iter().flat_map(|item| ["\n".to_owned(), item.to_string()]).collect(),
    }
}

/// What to type where nobody here knows which addresses are free.
fn ask_for(example: Option<Range>) -> String {
    let ask = "name addresses of the nodes' network that nobody has and no DHCP server gives away";
    match example {
        Some(range) => format!("{ask}, such as `--pool {range}`; that those are free cannot be seen from here"),
        None => format!("{ask}: `--pool FIRST-LAST`"),
    }
}

fn meets(taken: Range) -> &'static str {
    if taken.size() == 1 { "contains" } else { "overlaps" }
}

fn looked(window: Option<Range>) -> String {
    window.map_or(String::new(), |window| format!(", looked for in {window}"))
}

impl Refusal {
    /// What stood in the way, a line each, beside the message.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::TooFew { excluded, .. } => {
                excluded_lines(excluded).iter().map(|line| format!("left out: {line}")).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Explain for Refusal {
    fn id(&self) -> &'static str {
        match self {
            Self::Ask { .. } => "pool-unknown",
            Self::NoFamily => "pool-no-family",
            Self::NoSubnet { .. } => "pool-no-subnet",
            Self::TooFew { .. } => "pool-too-few",
            Self::Nothing | Self::NotARange { .. } => "pool-no-range",
            Self::Unfit { .. } => "pool-unfit",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Ask { example, .. } => ask_for(*example),
            Self::NoFamily => "look at the addresses of the nodes: `kubectl get nodes -o wide`, or give a range with `--pool FIRST-LAST`".into(),
            Self::NoSubnet { .. } => "give a range that all nodes can answer for: `--pool FIRST-LAST`".into(),
            Self::TooFew { .. } => "give a free range with `--pool FIRST-LAST`, or make the cluster anew in a larger network; one made with `--ip-range` keeps containers out of the pool".into(),
            Self::Nothing => "write it as `--pool FIRST-LAST` or as a CIDR, or leave --pool out".into(),
            Self::NotARange { .. } => "write it as FIRST-LAST or as a CIDR: `--pool 172.18.255.200-172.18.255.250`".into(),
            Self::Unfit { instead: Some(range), .. } => format!("this part of it would do: `--pool {range:#}`"),
            Self::Unfit { worked_out: true, .. } => {
                "leave --pool out to have one worked out, or give another range".into()
            }
            Self::Unfit { example, .. } => ask_for(example.as_deref().copied()),
        })
    }
}
