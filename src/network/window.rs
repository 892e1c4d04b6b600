//! Where in a subnet a pool is looked for.
//!
//! Engines begin at the bottom of a subnet, so a pool lies near its top, at a place that is the same for every cluster of
//! the same shape: a person who has seen one pool knows the next.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::inputs::Subnet;
use super::range::{Family, Range};

/// The most addresses that a pool takes: `.200` to `.250`.
pub const MOST: u64 = 51;
/// Host parts of a pool within the last 256 addresses.
const USUAL: (u128, u128) = (200, 250);
/// How many places are looked at, one below the other, when the first is taken by another cluster's pool.
const PLACES: usize = 8;

/// A place to look for a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The addresses.
    pub range: Range,
    /// Why there.
    pub place: Place,
}

/// Why a window lies where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Near the end of the subnet.
    Usual,
    /// Below the usual place, which does not have enough.
    Below,
    /// Outside of the range from which the engine takes addresses: no container can come there.
    OutsideEngine,
}

impl Place {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Usual => "near the end of the subnet, where the engine assigns addresses last",
            Self::Below => "below the usual place, where too little is left",
            Self::OutsideEngine => "outside of the range that the engine gives to containers",
        }
    }
}

/// The windows of a subnet, in the order in which they are tried. `taken` matters only where the engine has a range of its
/// own: then the largest free block outside of it is the window.
pub(super) fn windows(subnet: &Subnet, taken: &[Range]) -> Vec<Window> {
    let Some(usual) = usual(subnet.subnet) else { return Vec::new() };
    let meets = |range: &Range| subnet.narrow_range().is_some_and(|engine| engine.meets(*range));
    if meets(&usual) {
        return outside(subnet, taken).into_iter().collect();
    }
    let mut windows = vec![Window { range: usual, place: Place::Usual }];
    let lower = below(subnet.subnet, usual).filter(|range| !meets(range));
    windows.extend(lower.map(|range| Window { range, place: Place::Below }));
    windows
}

/// The largest free block outside of the engine's range, or the end of it.
fn outside(subnet: &Subnet, taken: &[Range]) -> Option<Window> {
    let engine = subnet.narrow_range();
    let taken: Vec<Range> = taken.iter().copied().chain(engine).collect();
    let block = Range::of_hosts(subnet.subnet)?.longest_without(&taken)?;
    Some(Window { range: block.top(MOST), place: Place::OutsideEngine })
}

/// The usual window: the same for every subnet of a size. `None` when the subnet has no address to spare.
fn usual(net: IpNet) -> Option<Range> {
    let (family, host_bits) = (Range::of(net).family(), net.max_prefix_len() - net.prefix_len());
    let (first, last) = USUAL;
    match (family, host_bits) {
        // A quarter of what there is.
        (_, 0..8) => {
            let hosts = Range::of_hosts(net)?;
            let quarter = hosts.size() / 4;
            (quarter > 0).then(|| hosts.top(quarter.min(MOST)))
        }
        (Family::V6, 24..) => {
            let block = 0xffff_u128 << (host_bits - 16);
            Range::by_host(net, block | first, block | last)
        }
        _ => {
            let block = (1_u128 << host_bits) - 256;
            Range::by_host(net, block | first, block | last)
        }
    }
}

/// The same number of addresses right below, and below that, within the upper half of the subnet. Small subnets have no
/// room for that.
fn below(net: IpNet, usual: Range) -> impl Iterator<Item = Range> {
    let host_bits = net.max_prefix_len() - net.prefix_len();
    let half = host_bits.checked_sub(1).filter(|_| host_bits >= 8).map(|bits| 1_u128 << bits);
    let upper = half.and_then(|half| Range::by_host(net, half, (half - 1) | half));
    std::iter::successors(usual.below(), |range| range.below())
        .take_while(move |range| upper.is_some_and(|upper| upper.covers(*range)))
        .take(PLACES - 1)
}
