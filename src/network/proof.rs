//! What a pool was worked out to be, with everything that shows that it is right.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::inputs::{Inputs, Subnet};
use super::range::{Family, Range};
use super::window::Window;
use crate::host::engines::Product;

/// Lines of what was left out that people are shown; the document has all.
const SHOWN: usize = 12;

/// A pool, and why it may be that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Who chose it.
    pub origin: Origin,
    /// Its ranges, as an IPAddressPool has them.
    pub addresses: Vec<Range>,
    /// How many addresses of each family are needed.
    pub needed: u32,
    /// The network whose addresses they are; `None` where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The engine of that network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Product>,
    /// One for each range.
    pub parts: Vec<Part>,
    /// What may go wrong with it all the same.
    pub warnings: Vec<Warning>,
}

/// Who chose a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It was worked out.
    Found,
    /// It is in the cluster already, and is still right.
    Kept,
    /// The user gave it, and it was checked.
    Given,
}

/// One range of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Its family.
    pub family: Family,
    /// The range.
    pub range: Range,
    /// How many addresses it has.
    pub size: u64,
    /// The subnet that it is of; `None` where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<IpNet>,
    /// The interface of this machine that is in that subnet, where no engine knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Where it was looked for; `None` when it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// What of the subnet was left out.
    pub excluded: Vec<Excluded>,
}

/// Addresses that cannot be in a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Which.
    pub range: Range,
    /// Why; several reasons where several name them.
    pub why: Vec<String>,
}

/// Something that may go wrong with a pool that is right today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable id for machines, such as `next-fit`.
    pub id: String,
    /// In words.
    pub message: String,
}

impl Warning {
    pub(super) fn new(id: &str, message: impl Into<String>) -> Self {
        Self { id: id.to_owned(), message: message.into() }
    }
}

/// All that a pool must not hold of a subnet, each once, in the order of the addresses.
pub(super) fn exclusions(inputs: &Inputs, subnet: &Subnet) -> Vec<Excluded> {
    let whole = Range::of(subnet.subnet);
    let gateway = (Range::one(subnet.gateway()), "the gateway".to_owned());
    let reserved = subnet.reserved.iter().map(|(name, address)| {
        let why = format!("reserved in the network as {name}");
        (Range::one(*address), why)
    });
    let own = std::iter::once(gateway).chain(reserved);
    merged(own.chain(elsewhere(inputs)).filter(|(range, _)| range.meets(whole)))
}

/// What must not be in any pool, whatever the subnet.
pub(super) fn elsewhere(inputs: &Inputs) -> impl Iterator<Item = (Range, String)> {
    let used = inputs.used.iter().map(|used| (used.range, used.by.to_string()));
    let nodes = inputs.nodes.iter().map(|node| (Range::one(node.address), format!("node {}", node.node)));
    let pools = inputs.pools.iter().filter(|pool| !pool.ours).flat_map(|pool| {
        let name = &pool.name;
        pool.ranges.iter().map(move |range| (*range, format!("IPAddressPool {name}")))
    });
    let forbidden = inputs.forbidden.iter().map(|forbidden| (Range::of(forbidden.net), forbidden.what.clone()));
    used.chain(nodes).chain(pools).chain(forbidden)
}

/// The same range with all that is said of it.
pub(super) fn merged(found: impl Iterator<Item = (Range, String)>) -> Vec<Excluded> {
    let mut all: BTreeMap<Range, BTreeSet<String>> = BTreeMap::new();
    for (range, why) in found {
        all.entry(range).or_default().insert(why);
    }
    all.into_iter().map(|(range, why)| Excluded { range, why: why.into_iter().collect() }).collect()
}

impl Excluded {
    fn line(&self) -> String {
        format!("{:#}, {}", self.range, self.why.join(", "))
    }
}

/// The lines for people about what was left out.
pub(super) fn excluded_lines(excluded: &[Excluded]) -> Vec<String> {
    let mut lines: Vec<String> = excluded.iter().take(SHOWN).map(Excluded::line).collect();
    if excluded.len() > SHOWN {
        lines.push(format!("and {} more", excluded.len() - SHOWN));
    }
    lines
}

impl Proof {
    /// The proof for people, a line each, without the warnings.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for part in &self.parts {
            let word = if part.size == 1 { "address" } else { "addresses" };
            lines.push(format!("{}: {} {word}, {} needed", part.range, many(part.size), self.needed));
            lines.extend(self.details(part));
        }
        lines
    }

    fn details(&self, part: &Part) -> Vec<String> {
        let engine = self.engine.map_or(String::new(), |engine| format!(" of {engine}"));
        let elsewhere = || match (&part.interface, part.subnet) {
            (Some(interface), Some(subnet)) => {
                format!("in {subnet}, where the nodes are; interface {interface} of this machine is in it, too")
            }
            _ => "of a network that is not known here".to_owned(),
        };
        let network = self.network.as_ref().map_or_else(elsewhere, |network| {
            let subnet = part.subnet.map_or(String::new(), |subnet| format!(", subnet {subnet}"));
            format!("network {network}{engine}{subnet}")
        });
        let mut lines = vec![format!("  {network}")];
        lines.push(match (&part.window, self.origin) {
            (Some(window), _) => format!("  looked for in {}: {}", window.range, window.place.words()),
            (None, Origin::Kept) => "  in the cluster already, and still right".to_owned(),
            (None, _) => "  as given".to_owned(),
        });
        lines.extend(excluded_lines(&part.excluded).iter().map(|line| format!("  left out: {line}")));
        lines
    }
}

/// A number of addresses; an IPv6 range can have more than anybody counts.
fn many(size: u64) -> String {
    if size == u64::MAX { "very many".to_owned() } else { size.to_string() }
}
