//! The worked examples, as a table.

use super::*;
use crate::host::engines::Product;
use std::net::IpAddr;

/// One subnet with what is taken of it.
struct Row {
    engine: Product,
    subnet: &'static str,
    gateway: &'static str,
    /// The engine's range, when it has one.
    range: &'static str,
    reserved: &'static str,
    /// Comma-separated; the first is a node's.
    used: &'static str,
    needed: u32,
    /// The pool, or how many are free.
    wanted: Result<&'static str, u64>,
    /// Ids of the warnings.
    warned: &'static [&'static str],
}

const fn row(subnet: &'static str, used: &'static str, needed: u32, wanted: Result<&'static str, u64>) -> Row {
    let (gateway, range, reserved) = ("", "", "");
    Row { engine: Product::Docker, subnet, gateway, range, reserved, used, needed, wanted, warned: &[] }
}

const NEXT_FIT: &[&str] = &["next-fit"];
const FIRST_FIT: &[&str] = &["first-fit"];
const POOL_64: &str = "fc00:f853:ccd:e793:ffff::c8-fc00:f853:ccd:e793:ffff::fa";

fn rows() -> Vec<Row> {
    let podman = |row: Row, warned| Row { engine: Product::Podman, warned, ..row };
    let near = |row: Row| Row { warned: FIRST_FIT, ..row };
    vec![
        row("172.18.0.0/16", "172.18.0.2,172.18.0.3", 3, Ok("172.18.255.200-172.18.255.250")),
        row("192.168.0.0/20", "192.168.0.2", 3, Ok("192.168.15.200-192.168.15.250")),
        podman(row("10.89.0.0/24", "10.89.0.2", 3, Ok("10.89.0.200-10.89.0.250")), NEXT_FIT),
        podman(row("10.89.0.0/24", "10.89.0.2,10.89.0.210,10.89.0.211", 3, Ok("10.89.0.212-10.89.0.250")), NEXT_FIT),
        row("10.89.77.128/25", "10.89.77.130", 3, Ok("10.89.77.224-10.89.77.254")),
        near(row("10.89.77.64/26", "10.89.77.66", 3, Ok("10.89.77.112-10.89.77.126"))),
        near(row("10.89.77.32/27", "10.89.77.34", 3, Ok("10.89.77.56-10.89.77.62"))),
        near(row("10.89.79.0/28", "10.89.79.2,10.89.79.3,10.89.79.4", 3, Ok("10.89.79.12-10.89.79.14"))),
        row("10.89.79.0/28", "10.89.79.12", 3, Err(2)),
        Row {
            warned: &["few", "first-fit"],
            ..row("10.89.79.16/29", "10.89.79.18,10.89.79.19", 1, Ok("10.89.79.22-10.89.79.22"))
        },
        row("10.89.79.16/29", "10.89.79.18,10.89.79.19", 3, Err(1)),
        row("10.89.79.16/29", "10.89.79.18,10.89.79.19,10.89.79.20,10.89.79.21,10.89.79.22", 1, Err(0)),
        row("10.89.79.24/30", "10.89.79.26", 1, Err(0)),
        row("10.89.79.24/31", "10.89.79.25", 1, Err(0)),
        row("10.89.79.24/32", "10.89.79.24", 1, Err(0)),
        Row {
            range: "10.89.78.128/25",
            reserved: "10.89.78.5",
            ..row("10.89.78.0/24", "10.89.78.128", 3, Ok("10.89.78.77-10.89.78.127"))
        },
        Row {
            range: "10.99.78.129-10.99.78.255",
            ..podman(row("10.99.78.0/24", "10.99.78.129", 3, Ok("10.99.78.78-10.99.78.128")), &[])
        },
        // The range ends below the pool, so it is as if there were none, but without the warning.
        Row {
            range: "10.99.79.0/25",
            ..podman(row("10.99.79.0/24", "10.99.79.2", 3, Ok("10.99.79.200-10.99.79.250")), &[])
        },
        // A range that is the whole subnet is no range.
        Row { range: "172.19.0.0/16", ..row("172.19.0.0/16", "172.19.0.2", 3, Ok("172.19.255.200-172.19.255.250")) },
        // Outside of the range there is too little.
        Row { range: "10.99.78.4-10.99.78.254", ..row("10.99.78.0/24", "10.99.78.5", 4, Err(3)) },
        Row { gateway: "10.89.80.254", ..row("10.89.80.0/24", "10.89.80.1", 3, Ok("10.89.80.200-10.89.80.250")) },
        Row { gateway: "10.89.80.240", ..row("10.89.80.0/24", "10.89.80.1", 3, Ok("10.89.80.200-10.89.80.239")) },
        row("fc00:f853:ccd:e793::/64", "fc00:f853:ccd:e793::2", 3, Ok(POOL_64)),
        row("fd00:89:82::/80", "fd00:89:82::2", 3, Ok("fd00:89:82::ffff:0:c8-fd00:89:82::ffff:0:fa")),
        row("fd00:1::/120", "fd00:1::2", 3, Ok("fd00:1::c8-fd00:1::fa")),
        row("fd00:1::/112", "fd00:1::2", 3, Ok("fd00:1::ffc8-fd00:1::fffa")),
        near(row("fd00:1::/124", "fd00:1::2", 3, Ok("fd00:1::c-fd00:1::e"))),
        row("fd00:1::/126", "fd00:1::2", 1, Err(0)),
        // Another cluster of the same engine has the usual place.
        row("10.90.0.0/16", "10.90.0.2,10.90.255.200-10.90.255.250", 3, Ok("10.90.255.149-10.90.255.199")),
        row("10.90.0.0/24", "10.90.0.2,10.90.0.149-10.90.0.250", 3, Err(0)),
    ]
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn inputs(row: &Row) -> Inputs {
    let subnet = Subnet {
        subnet: row.subnet.parse().unwrap(),
        gateway: row.gateway.parse().ok(),
        range: row.range.parse().ok(),
        reserved: row.reserved.parse().ok().map(|address| ("host5".to_owned(), address)).into_iter().collect(),
    };
    let used: Vec<&str> = row.used.split(',').collect();
    let container = |text: &&str| Used { range: text.parse().unwrap(), by: Holder::Container { name: "c".into() } };
    Inputs {
        families: vec![Family::of(subnet.subnet.addr())],
        network: Some(Network { name: "kind".into(), engine: row.engine, subnets: vec![subnet] }),
        nodes: vec![NodeAddress { node: "n".into(), address: address(used[0]) }],
        used: used.iter().map(container).collect(),
        needed: row.needed,
        ..Inputs::default()
    }
}

#[test]
fn every_worked_example() {
    for row in rows() {
        let shown = format!("{} used {} needed {}", row.subnet, row.used, row.needed);
        match (decide(&inputs(&row)), row.wanted) {
            (Ok(proof), Ok(wanted)) => {
                assert_eq!(proof.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted], "{shown}");
                let warned: Vec<&str> = proof.warnings.iter().map(|warning| warning.id.as_str()).collect();
                assert_eq!(warned, row.warned, "{shown}");
            }
            (Err(Refusal::TooFew { free, needed, .. }), Err(wanted)) => {
                assert_eq!((free, needed), (wanted, row.needed), "{shown}");
            }
            (answer, wanted) => panic!("{shown}: {answer:?}, wanted {wanted:?}"),
        }
    }
}

/// Both families, and a second subnet of one in which no node is.
fn dual() -> Inputs {
    let subnet = |text: &str| Subnet { subnet: text.parse().unwrap(), gateway: None, range: None, reserved: [].into() };
    let subnets = vec![subnet("fd00:89:80::/64"), subnet("10.99.83.0/24"), subnet("10.89.80.0/24")];
    Inputs {
        network: Some(Network { name: "kind".into(), engine: Product::Docker, subnets }),
        nodes: ["10.89.80.2", "fd00:89:80::2"]
            .map(|text| NodeAddress { node: "n".into(), address: address(text) })
            .to_vec(),
        families: vec![Family::V4, Family::V6],
        needed: 3,
        ..Inputs::default()
    }
}

fn pool(inputs: &Inputs) -> Vec<String> {
    decide(inputs).unwrap().addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn two_families_are_one_pool_and_other_subnets_are_left_alone() {
    let mut inputs = dual();
    let both = ["10.89.80.200-10.89.80.250", "fd00:89:80:0:ffff::c8-fd00:89:80:0:ffff::fa"];
    assert_eq!(pool(&inputs), both);
    inputs.families.reverse();
    assert_eq!(pool(&inputs), [both[1], both[0]], "the first family of the cluster comes first");
    inputs.families = vec![Family::V4];
    assert_eq!(pool(&inputs), [both[0]], "a cluster of one family in a network of two");
}

#[test]
fn nodes_elsewhere_are_told() {
    let mut inputs = dual();
    inputs.nodes.push(NodeAddress { node: "far".into(), address: address("10.99.83.9") });
    let said = decide(&inputs).unwrap_err().to_string();
    assert_eq!(
        said,
        "no IPv4 subnet of network `kind` holds all nodes (10.89.80.2, 10.99.83.9); it has 10.89.80.0/24, 10.99.83.0/24"
    );
    inputs.families.clear();
    assert_eq!(decide(&inputs), Err(Refusal::NoFamily));
    inputs.network = None;
    inputs.strange = vec!["no engine answers".into()];
    assert_eq!(decide(&inputs), Err(Refusal::Ask { reasons: vec!["no engine answers".into()], example: None }));
}

#[test]
fn what_is_forbidden_is_cut_out_and_said() {
    let mut inputs = dual();
    inputs.families = vec![Family::V4];
    inputs.forbidden = vec![Forbidden { net: "10.89.80.224/27".parse().unwrap(), what: "the pods".into() }];
    let proof = decide(&inputs).unwrap();
    assert_eq!(proof.addresses[0].to_string(), "10.89.80.200-10.89.80.223");
    assert!(
        proof.lines().contains(&"  left out: 10.89.80.224-10.89.80.255, the pods".to_owned()),
        "{:#?}",
        proof.lines()
    );
    inputs.forbidden[0].net = "10.0.0.0/8".parse().unwrap();
    let refusal = decide(&inputs).unwrap_err();
    assert!(matches!(refusal, Refusal::TooFew { free: 0, .. }), "{refusal}");
    assert!(
        refusal.lines().contains(&"left out: 10.0.0.0-10.255.255.255, the pods".to_owned()),
        "{:?}",
        refusal.lines()
    );
}

/// The pool that is there, with two Services that have addresses of it.
fn installed(range: &str) -> Inputs {
    let mut inputs = dual();
    inputs.families = vec![Family::V4];
    inputs.pools = vec![Pool { name: "seaworthy".into(), ranges: vec![range.parse().unwrap()], ours: true }];
    let service = |text: &str| Used { range: text.parse().unwrap(), by: Holder::Service { name: "d/web".into() } };
    inputs.used = vec![service("10.89.80.200"), service("10.89.80.201")];
    inputs
}

#[test]
fn our_own_pool_is_kept_as_long_as_it_holds() {
    let mut inputs = installed("10.89.80.150-10.89.80.205");
    let proof = decide(&inputs).unwrap();
    assert_eq!((proof.origin, pool(&inputs)), (Origin::Kept, vec!["10.89.80.150-10.89.80.205".to_owned()]));
    // The engine gave an address of it away.
    inputs.used.push(Used { range: "10.89.80.160".parse().unwrap(), by: Holder::Container { name: "late".into() } });
    let proof = decide(&inputs).unwrap();
    assert_eq!(proof.origin, Origin::Found);
    assert_eq!(proof.addresses[0].to_string(), "10.89.80.202-10.89.80.250");
    let why = &proof.warnings.iter().find(|warning| warning.id == "not-kept").unwrap().message;
    assert!(why.contains("container late"), "{why}");
}

/// What is wrong with a range that is given, each as it is told.
#[test]
fn a_given_range_is_checked_by_the_same_rules() {
    let mut inputs = dual();
    inputs.families = vec![Family::V4];
    inputs.used = vec![Used { range: "10.89.80.220".parse().unwrap(), by: Holder::Container { name: "c".into() } }];
    inputs.pools = vec![Pool { name: "other".into(), ranges: vec!["10.89.80.240/29".parse().unwrap()], ours: false }];
    inputs.forbidden = vec![Forbidden { net: "10.89.80.64/26".parse().unwrap(), what: "the services".into() }];
    for (given, faults) in [
        ("10.89.80.200-10.89.80.210", &[][..]),
        ("10.89.80.200/30", &[]),
        ("10.89.80.200,10.89.80.202-10.89.80.204", &[]),
        ("10.89.80.200-10.89.80.201", &["it has 2 IPv4 addresses, and 3 are needed"]),
        ("10.89.80.200-10.89.80.210,10.89.80.205", &["10.89.80.200-10.89.80.210 and 10.89.80.205 overlap"]),
        (
            "172.18.255.200-172.18.255.250",
            &["172.18.255.200-172.18.255.250 is not in 10.89.80.0/24, where the nodes are"],
        ),
        ("10.99.83.1-10.99.83.9", &["10.99.83.1-10.99.83.9 is not in 10.89.80.0/24, where the nodes are"]),
        ("10.89.80.250-10.89.81.5", &["10.89.80.250-10.89.81.5 is not in 10.89.80.0/24, where the nodes are"]),
        (
            "fd00:89:80::c8-fd00:89:80::fa",
            &["fd00:89:80::c8-fd00:89:80::fa is IPv6, and the cluster's services are IPv4"],
        ),
        (
            "10.89.80.0-10.89.80.3",
            &[
                "10.89.80.0-10.89.80.3 holds 10.89.80.0, the first address of 10.89.80.0/24",
                "10.89.80.0-10.89.80.3 contains 10.89.80.1, the gateway",
                "10.89.80.0-10.89.80.3 contains 10.89.80.2, node n",
            ],
        ),
        ("10.89.80.252/30", &["10.89.80.252-10.89.80.255 holds 10.89.80.255, the last address of 10.89.80.0/24"]),
        ("10.89.80.60-10.89.80.70", &["10.89.80.60-10.89.80.70 overlaps 10.89.80.64-10.89.80.127, the services"]),
        ("10.89.80.219-10.89.80.225", &["10.89.80.219-10.89.80.225 contains 10.89.80.220, container c"]),
        (
            "10.89.80.245-10.89.80.250",
            &["10.89.80.245-10.89.80.250 overlaps 10.89.80.240-10.89.80.247, IPAddressPool other"],
        ),
    ] {
        let ranges = read(&[given.to_owned()]).unwrap();
        let said = match check(&inputs, &ranges) {
            Ok(proof) => {
                assert_eq!(proof.origin, Origin::Given);
                Vec::new()
            }
            Err(Refusal::Unfit { faults, .. }) => faults.iter().map(ToString::to_string).collect(),
            Err(other) => panic!("{given}: {other}"),
        };
        assert_eq!(said, faults, "{given}");
    }
}

#[test]
fn a_range_that_is_wrong_in_part_is_answered_with_the_part_that_would_do() {
    use crate::error::Explain as _;
    let inputs = dual();
    let refusal = check(&inputs, &read(&["10.89.80.0/24".to_owned()]).unwrap()).unwrap_err();
    assert_eq!(refusal.hint().unwrap(), "this part of it would do: `--pool 10.89.80.3-10.89.80.254`");
    let refusal = read(&["10.89.80.200-50".to_owned()]).unwrap_err();
    assert_eq!(refusal.to_string(), "`10.89.80.200-50` is no range of addresses: `50` is not an IP address");
}

#[test]
fn without_a_network_a_given_range_is_checked_as_far_as_can_be() {
    let inputs = Inputs { network: None, strange: vec!["far away".into()], ..dual() };
    let given = |text: &str| check(&inputs, &read(&[text.to_owned()]).unwrap());
    let ids: Vec<String> = given("192.168.1.5-192.168.1.9").unwrap().warnings.into_iter().map(|w| w.id).collect();
    assert_eq!(ids, ["one-family", "unseen"]);
    let refusal = given("10.89.80.1-10.89.80.9").unwrap_err().to_string();
    assert!(refusal.contains("node n"), "{refusal}");
}

/// A node beside this machine, in the network of one of its interfaces.
fn near(proved: bool) -> Inputs {
    let net = "10.101.0.0/24".parse().unwrap();
    Inputs {
        strange: vec!["no engine answers".into()],
        near: vec![Near { net, interface: "br1".into(), proved }],
        nodes: vec![NodeAddress { node: "n".into(), address: address("10.101.0.11") }],
        families: vec![Family::V4],
        ..Inputs::default()
    }
}

#[test]
fn the_network_of_an_interface_is_kept_to() {
    use crate::error::Explain as _;
    let given = |text: &str| check(&near(true), &read(&[text.to_owned()]).unwrap());
    let proof = given("10.101.0.200-10.101.0.220").unwrap();
    assert_eq!(
        proof.lines(),
        [
            "10.101.0.200-10.101.0.220: 21 addresses, 1 needed",
            "  in 10.101.0.0/24, where the nodes are; interface br1 of this machine is in it, too",
            "  as given",
            "  left out: 10.101.0.11, node n",
        ]
    );
    for (text, said) in [
        ("192.168.1.1-192.168.1.9", "192.168.1.1-192.168.1.9 is not in 10.101.0.0/24, where the nodes are"),
        (
            "10.101.0.250-10.101.0.255",
            "10.101.0.250-10.101.0.255 holds 10.101.0.255, the last address of 10.101.0.0/24",
        ),
        ("10.101.0.0-10.101.0.9", "10.101.0.0-10.101.0.9 holds 10.101.0.0, the first address of 10.101.0.0/24"),
        ("fd00::1-fd00::9", "fd00::1-fd00::9 is IPv6, and the cluster's services are IPv4"),
    ] {
        let refusal = given(text).unwrap_err();
        assert_eq!(refusal.to_string(), format!("{text} cannot be the pool: {said}"));
        assert!(!refusal.hint().unwrap().contains("leave --pool out"), "nothing can be worked out: {refusal:?}");
    }
    let hint = given("192.168.1.1-192.168.1.9").unwrap_err().hint().unwrap();
    assert_eq!(hint, decide(&near(true)).unwrap_err().hint().unwrap(), "the same way out");
    assert!(hint.contains("such as `--pool 10.101.0.200-10.101.0.250`; that those are free cannot be seen"), "{hint}");
    let far = Inputs { near: Vec::new(), ..near(true) };
    assert!(decide(&far).unwrap_err().hint().unwrap().ends_with("`--pool FIRST-LAST`"));
}

#[test]
fn what_an_interface_only_suggests_is_a_warning() {
    let proof = check(&near(false), &read(&["192.168.1.1-192.168.1.9".to_owned()]).unwrap()).unwrap();
    let ids: Vec<&str> = proof.warnings.iter().map(|warning| warning.id.as_str()).collect();
    assert_eq!(ids, ["astray", "unseen"]);
}

#[test]
fn addresses_at_which_nobody_is_reached_are_no_pool() {
    for (text, what) in [
        ("224.0.0.1-224.0.0.9", "multicast addresses (224.0.0.0/4)"),
        ("127.0.0.5-127.0.0.6", "loopback addresses (127.0.0.0/8)"),
        ("169.254.1.1-169.254.1.9", "link-local addresses (169.254.0.0/16)"),
        ("0.0.0.1-0.0.0.9", "addresses that mean \"this network\" (0.0.0.0/8)"),
        ("223.255.255.0-240.0.0.1", "multicast addresses (224.0.0.0/4)"),
        ("255.255.255.255", "reserved addresses (240.0.0.0/4)"),
        ("fe80::1-fe80::9", "link-local addresses (fe80::/10)"),
        ("::1", "the unspecified address and loopback (::/127)"),
    ] {
        for inputs in [dual(), Inputs::default()] {
            let refusal = check(&inputs, &read(&[text.to_owned()]).unwrap()).unwrap_err().to_string();
            assert!(refusal.contains(&format!("has {what}, at which no Service can be reached")), "{refusal}");
        }
    }
    assert_eq!(read(&[String::new()]), Err(Refusal::Nothing));
    assert_eq!(read(&["10.0.0.1-10.0.0.2,".to_owned()]), Err(Refusal::Nothing));
}

#[test]
fn proofs_and_refusals_survive_json() {
    let proof = decide(&dual()).unwrap();
    assert_eq!(serde_json::from_value::<Proof>(serde_json::to_value(&proof).unwrap()).unwrap(), proof);
    for refusal in [
        decide(&Inputs::default()).unwrap_err(),
        check(&dual(), &read(&["10.0.0.0/8".to_owned()]).unwrap()).unwrap_err(),
        decide(&inputs(&row("10.89.79.24/30", "10.89.79.26", 1, Err(0)))).unwrap_err(),
    ] {
        let json = serde_json::to_value(&refusal).unwrap();
        assert_eq!(serde_json::from_value::<Refusal>(json).unwrap(), refusal);
    }
    let inputs = installed("10.89.80.150-10.89.80.205");
    assert_eq!(serde_json::from_value::<Inputs>(serde_json::to_value(&inputs).unwrap()).unwrap(), inputs);
}
