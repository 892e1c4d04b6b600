//! Checking a pool that somebody gives, or that is there, by the rules by which one is worked out.

use super::inputs::{Holder, Inputs, Subnet};
use super::proof::{Origin, Part, Proof, elsewhere, exclusions, merged};
use super::range::{Family, Range};
use super::refusal::{Fault, Refusal};
use super::warn;

/// Reads what was given with `--pool`.
///
/// # Errors
/// At the first that is no range.
pub fn read(given: &[String]) -> Result<Vec<Range>, Refusal> {
    let range = |text: &String| text.parse().map_err(|fault| Refusal::NotARange { text: text.clone(), fault });
    given.iter().flat_map(|text| text.split(',')).map(|text| range(&text.to_owned())).collect()
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
        return Err(Refusal::Unfit { given, faults, instead });
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
    if !inputs.families.is_empty() && !inputs.families.contains(&family) {
        return vec![Fault::WrongFamily { range, family, families: inputs.families.clone() }];
    }
    let Some(network) = &inputs.network else {
        return taken(range, merged(elsewhere(inputs)).into_iter());
    };
    let Some(subnet) = inputs.subnet(family).filter(|subnet| Range::of(subnet.subnet).covers(range)) else {
        let nodes = inputs.subnet(family).map(|subnet| vec![subnet.subnet]);
        let all =
            || network.subnets.iter().map(|subnet| subnet.subnet).filter(|net| Range::of(*net).family() == family);
        return vec![Fault::Foreign { range, subnets: nodes.unwrap_or_else(|| all().collect()) }];
    };
    let mut faults = ends(subnet, range);
    faults.extend(taken(range, exclusions(inputs, subnet).into_iter()));
    faults
}

fn ends(subnet: &Subnet, range: Range) -> Vec<Fault> {
    let net = subnet.subnet;
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
    let first = inputs.families.first().filter(|family| size(**family) == 0);
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
        let subnet = inputs.subnet(family)?;
        let hosts = Range::of_hosts(subnet.subnet)?;
        let inside = hosts.common(*range)?;
        let taken: Vec<Range> = exclusions(inputs, subnet).iter().map(|excluded| excluded.range).collect();
        inside.longest_without(&taken)
    };
    given.iter().filter_map(of).max_by_key(|range| range.size()).filter(|range| range.size() >= inputs.needed().into())
}

fn part(inputs: &Inputs, range: Range) -> Part {
    let subnet = inputs.subnet(range.family());
    let excluded = subnet.map_or_else(Vec::new, |subnet| exclusions(inputs, subnet));
    let subnet = subnet.map(|subnet| subnet.subnet);
    Part { family: range.family(), range, size: range.size(), subnet, window: None, excluded }
}
