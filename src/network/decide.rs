//! Working a pool out.

use super::check;
use super::inputs::{Inputs, Network, Subnet};
use super::proof::{Excluded, Origin, Part, Proof, Warning, exclusions};
use super::range::{Family, Range};
use super::refusal::Refusal;
use super::warn;
use super::window::{Window, windows};

/// The pool of a cluster: the one that it has from us as long as that is right, else a new one.
///
/// The same inputs give the same pool, in whatever order they come. A pool holds no address that is in use, reserved or
/// forbidden, nor the gateway or an end of the subnet; it is the longest run in its window.
///
/// # Errors
/// When the network is not known, or has too few addresses left, with the numbers.
pub fn decide(inputs: &Inputs) -> Result<Proof, Refusal> {
    let broken = match check::kept(inputs) {
        Some(Ok(proof)) => return Ok(proof),
        Some(Err(refusal)) => Some(refusal),
        None => None,
    };
    let network = inputs
        .network
        .as_ref()
        .ok_or_else(|| Refusal::Ask { reasons: inputs.strange.clone(), example: inputs.example() })?;
    if inputs.families.is_empty() {
        return Err(Refusal::NoFamily);
    }
    let parts = inputs.families.iter().map(|family| part(inputs, network, *family)).collect::<Result<Vec<_>, _>>()?;
    let mut warnings = warn::warnings(inputs, &parts);
    warnings.extend(
        broken.map(|why| Warning::new("not-kept", format!("the pool that is in the cluster is given up: {why}"))),
    );
    Ok(Proof {
        origin: Origin::Found,
        addresses: parts.iter().map(|part| part.range).collect(),
        needed: inputs.needed(),
        network: Some(network.name.clone()),
        engine: Some(network.engine),
        parts,
        warnings,
    })
}

impl Inputs {
    /// How many addresses are needed of each family; never none.
    pub fn needed(&self) -> u32 {
        self.needed.max(1)
    }

    /// The subnet in which all nodes have their addresses of a family.
    pub(super) fn subnet(&self, family: Family) -> Option<&Subnet> {
        let subnets = &self.network.as_ref()?.subnets;
        let holds = |subnet: &&Subnet| {
            let whole = Range::of(subnet.subnet);
            let mut nodes = self.nodes.iter().filter(|node| Family::of(node.address) == family).peekable();
            whole.family() == family && nodes.peek().is_some() && nodes.all(|node| whole.holds(node.address))
        };
        // Two subnets of a network never overlap; the order of the list must not matter all the same.
        subnets.iter().filter(holds).min_by_key(|subnet| (std::cmp::Reverse(subnet.subnet.prefix_len()), subnet.subnet))
    }
}

fn part(inputs: &Inputs, network: &Network, family: Family) -> Result<Part, Refusal> {
    let subnet = inputs.subnet(family).ok_or_else(|| no_subnet(inputs, network, family))?;
    let excluded = exclusions(inputs, subnet);
    let taken: Vec<Range> = excluded.iter().map(|excluded| excluded.range).collect();
    let tried: Vec<(Window, Option<Range>)> = windows(subnet, &taken)
        .into_iter()
        .map(|window| (window.range.longest_without(&taken), window))
        .map(|(run, window)| (window, run))
        .collect();
    let enough = |run: &Option<Range>| run.is_some_and(|run| run.size() >= inputs.needed().into());
    match tried.iter().find(|(_, run)| enough(run)) {
        Some((window, Some(range))) => {
            let (window, range) = (Some(window.clone()), *range);
            let (size, subnet) = (range.size(), Some(subnet.subnet));
            Ok(Part { family, range, size, subnet, interface: None, window, excluded })
        }
        _ => Err(too_few(inputs, subnet, &tried, excluded)),
    }
}

fn no_subnet(inputs: &Inputs, network: &Network, family: Family) -> Refusal {
    let of_family = |subnet: &&Subnet| Range::of(subnet.subnet).family() == family;
    let nodes = inputs.nodes.iter().map(|node| node.address).filter(|address| Family::of(*address) == family);
    let mut subnets: Vec<_> = network.subnets.iter().filter(of_family).map(|subnet| subnet.subnet).collect();
    let mut nodes: Vec<_> = nodes.collect();
    subnets.sort_unstable();
    nodes.sort_unstable();
    Refusal::NoSubnet { family, network: network.name.clone(), subnets, nodes }
}

/// The numbers are those of the place that has most; of two, the first.
fn too_few(inputs: &Inputs, subnet: &Subnet, tried: &[(Window, Option<Range>)], excluded: Vec<Excluded>) -> Refusal {
    let free = |run: &Option<Range>| run.map_or(0, Range::size);
    let best = tried.iter().rev().max_by_key(|(_, run)| free(run));
    Refusal::TooFew {
        subnet: subnet.subnet,
        window: best.map(|(window, _)| window.range),
        free: best.map_or(0, |(_, run)| free(run)),
        needed: inputs.needed(),
        excluded,
    }
}
