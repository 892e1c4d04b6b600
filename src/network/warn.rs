//! What may go wrong with a pool that is right today.

use super::inputs::{Inputs, Subnet};
use super::proof::{Part, Warning};
use super::range::Range;
use crate::host::engines::Product;

/// Farther away from the beginning of the subnet than this, in addresses, no engine ever comes to a pool.
const FAR: u64 = 1 << 20;
/// With fewer containers than this at once on a network, an engine that takes the lowest free address comes to the pool.
const NEAR: u64 = 64;
/// Fewer addresses than this are soon used up.
const FEW: u64 = 3;

/// Of a pool, however it was chosen.
pub(super) fn warnings(inputs: &Inputs, parts: &[Part]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = parts.iter().flat_map(|part| of_part(inputs, part)).collect();
    warnings.extend(inputs.unknown.iter().map(|unknown| Warning::new("unknown", unknown)));
    warnings
}

fn of_part(inputs: &Inputs, part: &Part) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if part.size < FEW {
        let message = format!("{} of them: each Service of type LoadBalancer takes one", part.size);
        warnings.push(Warning::new("few", message));
    }
    let Some((network, subnet)) = inputs.network.as_ref().zip(inputs.subnet(part.family)) else { return warnings };
    let engine = subnet.narrow_range();
    match engine {
        Some(engine) if engine.meets(part.range) => {
            let message =
                format!("{} gives addresses of {engine} to containers, which meets {}", network.engine, part.range);
            warnings.push(Warning::new("engine-range", message));
        }
        Some(_) => {}
        None => warnings.extend(reached(network.engine, subnet, part.range)),
    }
    warnings
}

/// How soon the engine gives an address of the pool to a container.
fn reached(engine: Product, subnet: &Subnet, pool: Range) -> Option<Warning> {
    let steps = Range::of(subnet.subnet).before(pool);
    match engine {
        // Each start takes the next address, and goes round: measured with Podman 4.3.
        Product::Podman if steps < FAR => Some(Warning::new(
            "next-fit",
            format!(
                "podman gives each container that starts the next address of {}: after about {steps} starts on this network \
                 it comes to the pool. A network made with `podman network create --ip-range` before the cluster keeps \
                 containers out of it",
                subnet.subnet
            ),
        )),
        // The lowest free address.
        Product::Docker | Product::Other if steps < NEAR => Some(Warning::new(
            "first-fit",
            format!("with about {steps} containers at once on this network, the engine comes to the pool"),
        )),
        _ => None,
    }
}

/// What is to be said only of a pool that was given.
pub(super) fn of_given(inputs: &Inputs, given: &[Range]) -> Vec<Warning> {
    let missing = inputs.families.iter().skip(1).filter(|family| !given.iter().any(|range| range.family() == **family));
    let mut warnings: Vec<Warning> = missing
        .map(|family| {
            let message = format!("it has no {family} address: a Service that asks for {family} gets none");
            Warning::new("one-family", message)
        })
        .collect();
    warnings.extend(given.iter().filter_map(|range| astray(inputs, *range)));
    if inputs.network.is_none() {
        let message =
            "whether somebody has these addresses, or a DHCP server gives them away, cannot be seen from here";
        warnings.push(Warning::new("unseen", message));
    }
    warnings
}

/// Not where the nodes seem to be: with an API server elsewhere, their addresses may be of another network than the one here.
fn astray(inputs: &Inputs, range: Range) -> Option<Warning> {
    let near = inputs.near(range.family()).filter(|near| !near.proved)?;
    let fits = Range::of_hosts(near.net).is_some_and(|hosts| hosts.covers(range));
    (!fits).then(|| {
        let message = format!(
            "{range:#} is not among the addresses of hosts in {}, where the nodes seem to be: outside of its network no node announces it",
            near.net
        );
        Warning::new("astray", message)
    })
}
