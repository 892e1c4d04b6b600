//! What holds for every address pool. The subnets are small enough to look at each address by itself, which the code never
//! does.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;
use seaworthy::host::engines::Product;
use seaworthy::network::{
    Family, Forbidden, Holder, Inputs, Network, NodeAddress, Pool, Range, Refusal, Subnet, Used, check, decide,
};

/// A subnet of either family, by its size in bits.
fn subnet() -> impl Strategy<Value = ipnet::IpNet> {
    prop_oneof![
        (22..=30_u8, 0..4_u32).prop_map(|(prefix, block)| {
            ipnet::Ipv4Net::new((0x0a59_0000 + (block << (32 - prefix))).into(), prefix).unwrap().into()
        }),
        (118..=126_u8, 0..4_u128).prop_map(|(prefix, block)| {
            ipnet::Ipv6Net::new((0xfd00_u128 << 112 | block << (128 - prefix)).into(), prefix).unwrap().into()
        }),
    ]
}

/// A range within a subnet, as parts of its size.
fn part_of(net: ipnet::IpNet, (one, other): (f64, f64)) -> Range {
    let all = addresses(Range::of(net));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    let at = |part: f64| all[((all.len() - 1) as f64 * part) as usize];
    let (one, other) = (at(one), at(other));
    Range::new(one.min(other), one.max(other)).unwrap()
}

fn addresses(range: Range) -> Vec<IpAddr> {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => address.into(),
    };
    let address = |number: u128| match range.family() {
        Family::V4 => IpAddr::from(std::net::Ipv4Addr::from(u32::try_from(number).unwrap())),
        Family::V6 => IpAddr::from(std::net::Ipv6Addr::from(number)),
    };
    (number(range.first())..=number(range.last())).map(address).collect()
}

fn share() -> impl Strategy<Value = (f64, f64)> {
    (0.0..=1.0_f64, 0.0..0.1_f64).prop_map(|(at, long)| (at, (at + long).min(1.0)))
}

prop_compose! {
    fn inputs()(net in subnet())(
        gateway in prop::option::of(0.0..=1.0_f64),
        engine_range in prop::option::weighted(0.3, (0.0..=1.0_f64, 0.0..=1.0_f64)),
        reserved in prop::collection::vec(0.0..=1.0_f64, 0..2),
        used in prop::collection::vec(0.0..=1.0_f64, 1..12),
        pools in prop::collection::vec(share(), 0..2),
        forbidden in prop::collection::vec((0.0..=1.0_f64, 1..5_u8), 0..2),
        podman in any::<bool>(),
        needed in 0..6_u32,
        net in Just(net),
    ) -> Inputs {
        let one = |part: &f64| part_of(net, (*part, *part)).first();
        let container = |part: &f64| Used { range: Range::one(one(part)), by: Holder::Container { name: "c".into() } };
        let reserved: BTreeMap<String, IpAddr> =
            reserved.iter().enumerate().map(|(index, part)| (format!("host{index}"), one(part))).collect();
        let cut = |(part, bits): &(f64, u8)| {
            let prefix = net.prefix_len().saturating_add(*bits).min(net.max_prefix_len());
            Forbidden { net: ipnet::IpNet::new(one(part), prefix).unwrap().trunc(), what: "pods".into() }
        };
        let subnet = Subnet {
            subnet: net,
            gateway: gateway.as_ref().map(one),
            range: engine_range.map(|ends| part_of(net, ends)),
            reserved,
        };
        let engine = if podman { Product::Podman } else { Product::Docker };
        Inputs {
            network: Some(Network { name: "kind".into(), engine, subnets: vec![subnet] }),
            nodes: vec![NodeAddress { node: "n".into(), address: one(&used[0]) }],
            families: vec![Family::of(net.addr())],
            used: used.iter().map(container).collect(),
            pools: pools.iter().map(|ends| Pool { name: "p".into(), ranges: vec![part_of(net, *ends)], ours: false }).collect(),
            forbidden: forbidden.iter().map(cut).collect(),
            needed,
            ..Inputs::default()
        }
    }
}

fn only(inputs: &Inputs) -> &Subnet {
    &inputs.network.as_ref().unwrap().subnets[0]
}

/// Whether an address may be in a pool: said address by address. With `engine`, those of the engine's range may not.
fn is_free(inputs: &Inputs, address: IpAddr, engine: bool) -> bool {
    let subnet = only(inputs);
    let hosts = addresses(Range::of(subnet.subnet));
    let ends = [hosts.first(), hosts.last()];
    let narrow = subnet.range.filter(|range| !hosts[1..hosts.len() - 1].iter().all(|address| range.holds(*address)));
    subnet.subnet.contains(&address)
        && !ends.contains(&Some(&address))
        && address != subnet.gateway()
        && !subnet.reserved.values().any(|reserved| *reserved == address)
        && !inputs.nodes.iter().any(|node| node.address == address)
        && !inputs.used.iter().any(|used| used.range.holds(address))
        && !inputs.pools.iter().any(|pool| pool.ranges.iter().any(|range| range.holds(address)))
        && !inputs.forbidden.iter().any(|forbidden| forbidden.net.contains(&address))
        && !(engine && narrow.is_some_and(|range| range.holds(address)))
}

/// The longest run of free addresses in a window, counted one by one.
fn longest(inputs: &Inputs, window: Range) -> u64 {
    let (mut longest, mut run) = (0, 0);
    for address in addresses(window) {
        run = if is_free(inputs, address, true) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn shuffled(inputs: &Inputs) -> Inputs {
    let mut other = inputs.clone();
    other.used.reverse();
    other.used.extend(inputs.used.first().cloned());
    other.pools.reverse();
    other.forbidden.reverse();
    other.nodes.reverse();
    other
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pool_is_free_and_as_large_as_its_window_lets_it_be(inputs in inputs()) {
        let needed = u64::from(inputs.needed.max(1));
        match decide(&inputs) {
            Ok(proof) => {
                let part = &proof.parts[0];
                let taken: Vec<IpAddr> =
                    addresses(part.range).into_iter().filter(|address| !is_free(&inputs, *address, true)).collect();
                prop_assert!(taken.is_empty(), "{} holds {taken:?}", part.range);
                let window = part.window.as_ref().unwrap().range;
                prop_assert!(window.covers(part.range));
                prop_assert_eq!(part.size, longest(&inputs, window));
                prop_assert!(part.size >= needed && part.size == u64::try_from(addresses(part.range).len()).unwrap());
            }
            Err(Refusal::TooFew { window, free, .. }) => {
                prop_assert!(free < needed);
                prop_assert_eq!(free, window.map_or(0, |window| longest(&inputs, window)));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn the_order_of_what_is_known_changes_nothing(inputs in inputs()) {
        prop_assert_eq!(decide(&inputs), decide(&shuffled(&inputs)));
    }

    #[test]
    fn what_is_worked_out_would_be_taken_if_it_were_given(inputs in inputs()) {
        if let Ok(proof) = decide(&inputs) {
            let checked = check(&inputs, &proof.addresses);
            prop_assert!(checked.is_ok(), "{checked:?}");
        }
    }

    #[test]
    fn a_given_range_is_taken_exactly_when_every_address_of_it_is_free(inputs in inputs(), ends in share()) {
        let range = part_of(only(&inputs).subnet, ends);
        let free = addresses(range).into_iter().all(|address| is_free(&inputs, address, false));
        let enough = range.size() >= u64::from(inputs.needed.max(1));
        match check(&inputs, &[range]) {
            Ok(_) => prop_assert!(free && enough, "{range}"),
            Err(Refusal::Unfit { instead, .. }) => {
                prop_assert!(!free || !enough, "{range}");
                if let Some(part) = instead {
                    prop_assert!(range.covers(part) && check(&inputs, &[part]).is_ok(), "{part}");
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
