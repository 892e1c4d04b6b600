//! Ranges of addresses of one family, reckoned with and never walked through: a /64 has more addresses than time.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A family of addresses, with the names that Kubernetes has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// 32 bits.
    #[serde(rename = "IPv4")]
    V4,
    /// 128 bits.
    #[serde(rename = "IPv6")]
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// As Kubernetes writes it in `ipFamilies`.
    pub fn called(name: &str) -> Option<Self> {
        [Self::V4, Self::V6].into_iter().find(|family| family.to_string() == name)
    }

    fn address(self, number: u128) -> IpAddr {
        match self {
            // No number of this family is larger: they all came from such an address, or lie between two.
            Self::V4 => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
            Self::V6 => Ipv6Addr::from(number).into(),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// From one address to another, both of it. Written `first-last`, as an IPAddressPool has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Range {
    family: Family,
    first: u128,
    last: u128,
}

/// Why a text is no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum RangeFault {
    /// A part is no address.
    #[error("`{part}` is not an IP address")]
    NotAnAddress {
        /// The part.
        part: String,
    },
    /// What stands behind the slash fits no address of the family.
    #[error("`{text}` is not a CIDR")]
    NotACidr {
        /// All of it.
        text: String,
    },
    /// The two ends are of two families.
    #[error("`{text}` begins with one family of addresses and ends with the other")]
    TwoFamilies {
        /// All of it.
        text: String,
    },
    /// The end stands before the beginning.
    #[error("`{text}` ends before it begins")]
    Backwards {
        /// All of it.
        text: String,
    },
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

impl Range {
    /// The range between two addresses; `None` when they are of two families or in the wrong order.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        let range = Self { family: Family::of(first), first: number(first), last: number(last) };
        (range.family == Family::of(last) && first <= last).then_some(range)
    }

    /// One address.
    pub fn one(address: IpAddr) -> Self {
        Self { family: Family::of(address), first: number(address), last: number(address) }
    }

    /// All addresses of a network, the first and the last too.
    pub fn of(net: IpNet) -> Self {
        Self { family: Family::of(net.addr()), first: number(net.network()), last: number(net.broadcast()) }
    }

    /// The addresses of a network that a host may have: without the first, which stands for the network (for the routers
    /// of it, in IPv6), and the last, which is for all. `None` when there are none.
    pub fn of_hosts(net: IpNet) -> Option<Self> {
        let whole = Self::of(net);
        (whole.last - whole.first >= 2).then(|| Self { first: whole.first + 1, last: whole.last - 1, ..whole })
    }

    /// Which family it is of.
    pub fn family(self) -> Family {
        self.family
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        self.family.address(self.first)
    }

    /// The last address.
    pub fn last(self) -> IpAddr {
        self.family.address(self.last)
    }

    /// How many addresses; `u64::MAX` stands for that many and more.
    pub fn size(self) -> u64 {
        u64::try_from((self.last - self.first).saturating_add(1)).unwrap_or(u64::MAX)
    }

    /// Whether both have an address in common.
    pub fn meets(self, other: Self) -> bool {
        self.family == other.family && self.first <= other.last && other.first <= self.last
    }

    /// Whether the other lies within.
    pub fn covers(self, other: Self) -> bool {
        self.family == other.family && self.first <= other.first && other.last <= self.last
    }

    /// The addresses that both have.
    pub fn common(self, other: Self) -> Option<Self> {
        let common = Self { first: self.first.max(other.first), last: self.last.min(other.last), ..self };
        self.meets(other).then_some(common)
    }

    /// Whether the address lies within.
    pub fn holds(self, address: IpAddr) -> bool {
        self.covers(Self::one(address))
    }

    /// How many addresses lie before the other, within this one.
    pub fn before(self, other: Self) -> u64 {
        u64::try_from(other.first.saturating_sub(self.first)).unwrap_or(u64::MAX)
    }

    /// The last `count` addresses of it.
    #[must_use]
    pub fn top(self, count: u64) -> Self {
        let whole = self.last - self.first;
        Self { first: self.last - whole.min(u128::from(count.max(1)) - 1), ..self }
    }

    /// The range of the same size right below; `None` at the bottom of all addresses.
    pub fn below(self) -> Option<Self> {
        let (size, last) = (self.last - self.first, self.first.checked_sub(1)?);
        Some(Self { first: last.checked_sub(size)?, last, ..self })
    }

    /// The addresses of a network by their host part, counted from its first one. `None` where they lie outside.
    pub(super) fn by_host(net: IpNet, first: u128, last: u128) -> Option<Self> {
        let whole = Self::of(net);
        let at = |host: u128| whole.first.checked_add(host);
        let range = Self { first: at(first)?, last: at(last)?, ..whole };
        (first <= last && whole.covers(range)).then_some(range)
    }

    /// What is left of it without the others: runs in order, none beside the next.
    pub fn without(self, others: &[Self]) -> Vec<Self> {
        let mut taken: Vec<Self> = others.iter().copied().filter(|other| self.meets(*other)).collect();
        taken.sort_unstable();
        let (mut left, mut next) = (Vec::new(), Some(self.first));
        for other in taken {
            let Some(first) = next else { break };
            if other.first > first {
                left.push(Self { first, last: other.first - 1, ..self });
            }
            next = other.last.checked_add(1).map(|after| after.max(first));
        }
        left.extend(next.filter(|first| *first <= self.last).map(|first| Self { first, ..self }));
        left
    }

    /// The longest run that is left without the others; of two that are equally long the later one, since engines begin
    /// at the bottom.
    pub fn longest_without(self, others: &[Self]) -> Option<Self> {
        self.without(others).into_iter().max_by_key(|run| run.last - run.first)
    }
}

/// `first-last`, as an IPAddressPool has it; `{:#}` writes a single address as itself, for people.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() && self.first == self.last {
            return self.first().fmt(f);
        }
        write!(f, "{}-{}", self.first(), self.last())
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

impl TryFrom<String> for Range {
    type Error = RangeFault;

    fn try_from(text: String) -> Result<Self, RangeFault> {
        text.parse()
    }
}

/// `first-last`, a CIDR, or one address.
impl FromStr for Range {
    type Err = RangeFault;

    fn from_str(text: &str) -> Result<Self, RangeFault> {
        let text = text.trim();
        let address = |part: &str| {
            let part = part.trim();
            part.parse::<IpAddr>().map_err(|_| RangeFault::NotAnAddress { part: part.to_owned() })
        };
        if let Some((net, _)) = text.split_once('/') {
            address(net)?;
            return text.parse().map(Self::of).map_err(|_| RangeFault::NotACidr { text: text.to_owned() });
        }
        let Some((first, last)) = text.split_once('-') else { return address(text).map(Self::one) };
        let (first, last) = (address(first)?, address(last)?);
        match Self::new(first, last) {
            Some(range) => Ok(range),
            None if first.is_ipv4() != last.is_ipv4() => Err(RangeFault::TwoFamilies { text: text.to_owned() }),
            None => Err(RangeFault::Backwards { text: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        text.parse().unwrap()
    }

    #[test]
    fn every_way_to_write_a_range_is_read() {
        for (text, first, last, size) in [
            ("10.0.0.1-10.0.0.3", "10.0.0.1", "10.0.0.3", 3),
            (" 10.0.0.1 - 10.0.0.3 ", "10.0.0.1", "10.0.0.3", 3),
            ("10.0.0.9/30", "10.0.0.8", "10.0.0.11", 4),
            ("10.0.0.9", "10.0.0.9", "10.0.0.9", 1),
            ("0.0.0.0/0", "0.0.0.0", "255.255.255.255", 1 << 32),
            ("fd00::c8-fd00::fa", "fd00::c8", "fd00::fa", 51),
            ("fd00::/64", "fd00::", "fd00::ffff:ffff:ffff:ffff", u64::MAX),
            ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", u64::MAX),
        ] {
            let range = range(text);
            assert_eq!((range.first().to_string(), range.last().to_string()), (first.into(), last.into()), "{text}");
            assert_eq!(range.size(), size, "{text}");
            let json = serde_json::to_string(&range).unwrap();
            assert_eq!(serde_json::from_str::<Range>(&json).unwrap(), range, "{json}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_part_that_is_wrong() {
        for (text, said) in [
            ("", "`` is not an IP address"),
            ("pool", "`pool` is not an IP address"),
            ("10.0.0.1-", "`` is not an IP address"),
            ("10.0.0.1-10.0.0.256", "`10.0.0.256` is not an IP address"),
            ("10.0.0.0/33", "`10.0.0.0/33` is not a CIDR"),
            ("10.0.0/24", "`10.0.0` is not an IP address"),
            ("10.0.0.1-fd00::1", "`10.0.0.1-fd00::1` begins with one family of addresses and ends with the other"),
            ("10.0.0.2-10.0.0.1", "`10.0.0.2-10.0.0.1` ends before it begins"),
            ("10.0.0.1-50", "`50` is not an IP address"),
        ] {
            assert_eq!(text.parse::<Range>().unwrap_err().to_string(), said, "{text}");
        }
    }

    #[test]
    fn what_is_left_is_told_in_runs() {
        let whole = range("10.0.0.200-10.0.0.250");
        let left = |others: &[&str]| -> Vec<String> {
            let others: Vec<Range> = others.iter().map(|text| range(text)).collect();
            whole.without(&others).iter().map(ToString::to_string).collect()
        };
        assert_eq!(left(&[]), ["10.0.0.200-10.0.0.250"]);
        assert_eq!(left(&["10.0.0.210", "10.0.0.211"]), ["10.0.0.200-10.0.0.209", "10.0.0.212-10.0.0.250"]);
        assert_eq!(left(&["10.0.0.0-10.0.0.220", "10.0.0.215-10.0.0.216"]), ["10.0.0.221-10.0.0.250"]);
        assert_eq!(left(&["10.0.0.250", "fd00::/8"]), ["10.0.0.200-10.0.0.249"]);
        assert_eq!(left(&["0.0.0.0/0"]), [""; 0]);
        assert_eq!(range("::/0").without(&[range("::/0")]), []);
        let tie = whole.longest_without(&[range("10.0.0.225")]).unwrap();
        assert_eq!(tie.to_string(), "10.0.0.226-10.0.0.250", "of two equal runs the later one");
    }
}
