//! Checking a pool that somebody gives, or that is there, by the rules by which one is worked out.

use ipnet::IpNet;

use super::decide::decide;
use super::inputs::{Holder, Inputs};
use super::proof::{Origin, Part, Proof, elsewhere, exclusions, merged};
use super::range::{Family, Range};
use super::refusal::{Fault, Refusal};
use super::warn;

/// The pool for what was seen; what is given is checked instead. Asks nobody.
///
/// # Errors
/// When what is given cannot be used, or no pool can be worked out: with the numbers, and what to type.
pub fn prove(inputs: &Inputs, given: &[String]) -> Result<Proof, Refusal> {
    match read(given)? {
        given if given.is_empty() => decide(inputs),
        given => check(inputs, &given),
    }
}

/// Reads what was given with `--pool`.
///
/// # Errors
/// At the first that is no range.
pub fn read(given: &[String]) -> Result<Vec<Range>, Refusal> {
    let range = |text: &String| text.parse().map_err(|fault| Refusal::NotARange { text: text.clone(), fault });
    let texts = given.iter().flat_map(|text| text.split(','));
    texts.map(|text| if text.trim().is_empty() { Err(Refusal::Nothing) } else { range(&text.to_owned()) }).collect()
}

/// Checks a pool that the user gives.
///
/// # Errors
/// With everything that is wrong with it.
pub fn check(inputs: &Inputs, given: &[Range]) -> Result<Proof, Refusal> {
    judge(inputs, given, Origin::Given)
}

/// Checks the pool that the cluster has from us; `None` when it has none.
pub fn kept(inputs: &Inputs) -> Option<Result<Proof, Refusal>> {
    let ours: Vec<Range> = ours(inputs).collect();
    (!ours.is_empty()).then(|| judge(inputs, &ours, Origin::Kept))
}

fn ours(inputs: &Inputs) -> impl Iterator<Item = Range> {
    inputs.pools.iter().filter(|pool| pool.ours).flat_map(|pool| pool.ranges.iter().copied())
}

fn judge(inputs: &Inputs, given: &[Range], origin: Origin) -> Result<Proof, Refusal> {
    let seen = without_guests(inputs);
    let mut given = given.to_vec();
    // Of the first family first, as services have it.
    given.sort_by_key(|range| (Some(&range.family()) != seen.families.first(), *range));
    let mut faults = overlaps(&given);
    faults.extend(given.iter().flat_map(|range| faults_of(&seen, *range)));
    faults.extend(sizes(&seen, &given));
    if !faults.is_empty() {
        let instead = instead(&seen, &given);
        let worked_out = seen.network.is_some();
        return Err(Refusal::Unfit { given, faults, instead, worked_out, example: seen.example().map(Box::new) });
    }
    let parts: Vec<Part> = given.iter().map(|range| part(&seen, *range)).collect();
    let mut warnings = warn::warnings(&seen, &parts);
    warnings.extend(warn::of_given(&seen, &given));
    Ok(Proof {
        origin,
        addresses: given,
        needed: seen.needed(),
        network: seen.network.as_ref().map(|network| network.name.clone()),
        engine: seen.network.as_ref().map(|network| network.engine),
        parts,
        warnings,
    })
}

/// Without the Services that have their address from our own pool, or wish for one: a pool is there for them.
fn without_guests(inputs: &Inputs) -> Inputs {
    let ours: Vec<Range> = ours(inputs).collect();
    let mut seen = inputs.clone();
    seen.used.retain(|used| match used.by {
        Holder::Wish { .. } => false,
        Holder::Service { .. } => !ours.iter().any(|pool| pool.covers(used.range)),
        _ => true,
    });
    seen
}

fn overlaps(given: &[Range]) -> Vec<Fault> {
    let pairs =
        given.iter().enumerate().flat_map(|(index, one)| given[index + 1..].iter().map(move |other| (one, other)));
    pairs
        .filter(|(one, other)| one.meets(**other))
        .map(|(one, other)| Fault::Overlap { one: *one, other: *other })
        .collect()
}

fn faults_of(inputs: &Inputs, range: Range) -> Vec<Fault> {
    let family = range.family();
    if let Some((net, what)) = unusable(range) {
        return vec![Fault::Unusable { range, net, what: what.to_owned() }];
    }
    if !inputs.families.is_empty() && !inputs.families.contains(&family) {
        return vec![Fault::WrongFamily { range, family, families: inputs.families.clone() }];
    }
    let Some(network) = &inputs.network else { return unlocated(inputs, range) };
    let Some(subnet) = inputs.subnet(family).filter(|subnet| Range::of(subnet.subnet).covers(range)) else {
        let nodes = inputs.subnet(family).map(|subnet| vec![subnet.subnet]);
        let all =
            || network.subnets.iter().map(|subnet| subnet.subnet).filter(|net| Range::of(*net).family() == family);
        return vec![Fault::Foreign { range, subnets: nodes.unwrap_or_else(|| all().collect()) }];
    };
    let mut faults = ends(subnet.subnet, range);
    faults.extend(taken(range, exclusions(inputs, subnet).into_iter()));
    faults
}

/// Of a range where no engine knows the network. What an interface of this machine proves of it is kept to; what it only
/// suggests is a warning (`warn::of_given`).
fn unlocated(inputs: &Inputs, range: Range) -> Vec<Fault> {
    let mut faults = taken(range, merged(elsewhere(inputs)).into_iter());
    if let Some(near) = inputs.near(range.family()).filter(|near| near.proved) {
        if Range::of(near.net).covers(range) {
            faults.extend(ends(near.net, range));
        } else {
            faults.push(Fault::Foreign { range, subnets: vec![near.net] });
        }
    }
    faults
}

/// Networks whose addresses no Service can be reached at, and what they are for.
const UNUSABLE: &[(&str, &str)] = &[
    ("0.0.0.0/8", "addresses that mean \"this network\""),
    ("127.0.0.0/8", "loopback addresses"),
    ("169.254.0.0/16", "link-local addresses"),
    ("224.0.0.0/4", "multicast addresses"),
    ("240.0.0.0/4", "reserved addresses"),
    ("::/127", "the unspecified address and loopback"),
    ("fe80::/10", "link-local addresses"),
    ("ff00::/8", "multicast addresses"),
];

fn unusable(range: Range) -> Option<(IpNet, &'static str)> {
    let networks = UNUSABLE.iter().filter_map(|(net, what)| Some((net.parse::<IpNet>().ok()?, *what)));
    networks.into_iter().find(|(net, _)| Range::of(*net).meets(range))
}

fn ends(net: IpNet, range: Range) -> Vec<Fault> {
    let ends = [(net.network(), "the first address"), (net.broadcast(), "the last address")];
    let fault = |(address, what): (_, &str)| Fault::End { range, address, what: what.to_owned(), subnet: net };
    ends.into_iter().filter(|(address, _)| range.holds(*address)).map(fault).collect()
}

fn taken(range: Range, excluded: impl Iterator<Item = super::proof::Excluded>) -> Vec<Fault> {
    let met = excluded.filter(|excluded| excluded.range.meets(range));
    met.map(|excluded| Fault::Taken { range, taken: excluded.range, why: excluded.why }).collect()
}

/// Each family that is given must have enough, and the first of the cluster must be given.
fn sizes(inputs: &Inputs, given: &[Range]) -> Vec<Fault> {
    let size = |family: Family| -> u64 {
        let own = given.iter().filter(|range| range.family() == family);
        own.fold(0, |sum: u64, range| sum.saturating_add(range.size()))
    };
    let needed = inputs.needed();
    let small = |family: &Family| size(*family) > 0 && size(*family) < needed.into();
    let families = [Family::V4, Family::V6].into_iter().filter(small);
    let mut faults: Vec<Fault> =
        families.map(|family| Fault::TooSmall { family, size: size(family), needed }).collect();
    // Where all of it is of a family that the cluster has not, that was said.
    let any = given.iter().any(|range| inputs.families.contains(&range.family()));
    let first = inputs.families.first().filter(|family| any && size(**family) == 0);
    faults.extend(first.map(|family| Fault::NoneOf { family: *family }));
    faults
}

/// The longest part of what was given that would do.
fn instead(inputs: &Inputs, given: &[Range]) -> Option<Range> {
    let of = |range: &Range| -> Option<Range> {
        let family = range.family();
        if !inputs.families.contains(&family) {
            return None;
        }
        let near = || inputs.near(family).filter(|near| near.proved).map(|near| near.net);
        let subnet = inputs.subnet(family);
        let hosts = Range::of_hosts(subnet.map(|subnet| subnet.subnet).or_else(near)?)?;
        let inside = hosts.common(*range)?;
        let excluded = subnet.map_or_else(|| merged(elsewhere(inputs)), |subnet| exclusions(inputs, subnet));
        let taken: Vec<Range> = excluded.iter().map(|excluded| excluded.range).collect();
        inside.longest_without(&taken)
    };
    given.iter().filter_map(of).max_by_key(|range| range.size()).filter(|range| range.size() >= inputs.needed().into())
}

fn part(inputs: &Inputs, range: Range) -> Part {
    let (family, size) = (range.family(), range.size());
    if let Some(near) = inputs.near(family).filter(|near| Range::of(near.net).covers(range)) {
        let whole = Range::of(near.net);
        let excluded = merged(elsewhere(inputs).filter(|(other, _)| other.meets(whole)));
        let (subnet, interface) = (Some(near.net), Some(near.interface.clone()));
        return Part { family, range, size, subnet, interface, window: None, excluded };
    }
    let subnet = inputs.subnet(family);
    let excluded = subnet.map_or_else(Vec::new, |subnet| exclusions(inputs, subnet));
    let subnet = subnet.map(|subnet| subnet.subnet);
    Part { family, range, size, subnet, interface: None, window: None, excluded }
}
