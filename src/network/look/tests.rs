use super::*;
use crate::host::engines::{Engine, Product};
use crate::host::links::{Links, Route};
use crate::host::networks::{Attachment, Container, EngineNetwork};
use crate::network::{Family, Refusal, Subnet, decide};
use crate::plan::STACK_LABEL;
use crate::snapshot::Unread;
use serde_json::json;

pub(in crate::network) fn snapshot_of(objects: Vec<Value>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for object in objects {
        snapshot.insert(object);
    }
    snapshot
}

pub(in crate::network) fn node(name: &str, addresses: &[&str], more: &Value) -> Value {
    let addresses: Vec<Value> =
        addresses.iter().map(|address| json!({"type": "InternalIP", "address": address})).collect();
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "annotations": more["annotations"]},
        "spec": {"podCIDRs": more["podCIDRs"]}, "status": {"addresses": addresses}})
}

fn service(name: &str, spec: &Value, ingress: &[&str]) -> Value {
    let ingress: Vec<Value> = ingress.iter().map(|ip| json!({"ip": ip})).collect();
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default", "annotations": spec["annotations"]},
        "spec": spec, "status": {"loadBalancer": {"ingress": ingress}}})
}

fn kubernetes() -> Value {
    service(
        "kubernetes",
        &json!({"clusterIP": "10.96.0.1", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}),
        &[],
    )
}

fn cidrs_of(name: &str, cidrs: &[&str]) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": name}, "spec": {"cidrs": cidrs}})
}

fn pool(name: &str, addresses: &[&str], labels: &Value) -> Value {
    json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": "metallb-system", "labels": labels}, "spec": {"addresses": addresses}})
}

pub(in crate::network) const SERVER: &str = "https://127.0.0.1:40001";

/// A machine with one node container, and another network.
pub(in crate::network) fn shore_of() -> Shore {
    let engine: Engine = serde_json::from_value(
        json!({"id": "d", "product": Product::Docker, "version": "", "api_version": "", "addresses": []}),
    )
    .unwrap();
    let subnet = |text: &str| Subnet { subnet: text.parse().unwrap(), gateway: None, range: None, reserved: [].into() };
    let network = |name: &str, subnets: &[&str], attached: &[(&str, &str)]| EngineNetwork {
        name: name.into(),
        subnets: subnets.iter().map(|text| subnet(text)).collect(),
        attached: attached.iter().map(|(name, ip)| ((*name).into(), ip.parse().unwrap())).collect(),
        ..EngineNetwork::default()
    };
    let attachment = |fixed: &[&str], now: &[&str]| Attachment {
        network: "kind".into(),
        addresses: now.iter().map(|ip| ip.parse().unwrap()).collect(),
        fixed: fixed.iter().map(|ip| ip.parse().unwrap()).collect(),
        gateways: Vec::new(),
    };
    let containers = vec![
        Container {
            name: "n".into(),
            labels: [("io.x-k8s.kind.cluster".into(), "dev".into())].into(),
            running: true,
            attachments: vec![attachment(&[], &["172.18.0.2", "fc00::2"])],
            ports: vec![(40001, 6443)],
            ..Container::default()
        },
        Container {
            name: "idle".into(),
            attachments: vec![attachment(&["172.18.255.210"], &[])],
            ..Container::default()
        },
    ];
    let engine = EngineNetworks {
        engine,
        networks: vec![
            network("kind", &["fc00::/64", "172.18.0.0/16"], &[("n", "172.18.0.2"), ("registry", "172.18.255.220")]),
            network("other", &["172.19.0.0/16"], &[]),
        ],
        containers,
        unread: Vec::new(),
    };
    let links = Links {
        addresses: ["172.18.0.1", "172.18.255.250", "fc00::1"].map(|ip| ip.parse().unwrap()).to_vec(),
        routes: [("172.18.0.0/16", "br-1"), ("172.18.255.248/29", "tun0"), ("fc00::/64", "br-1")]
            .map(|(net, interface)| Route { net: net.parse().unwrap(), interface: interface.into(), direct: true })
            .to_vec(),
    };
    let machine = Machine { os: "linux".into(), links: Some(links), ..Machine::default() };
    Shore { engines: vec![engine], machine, ..Shore::default() }
}

fn kind_cluster(mut more: Vec<Value>) -> Snapshot {
    more.push(kubernetes());
    more.push(node("n", &["172.18.0.2", "fc00::2"], &json!({"podCIDRs": ["10.244.0.0/24"]})));
    more.push(cidrs_of("kubernetes", &["10.96.0.0/16"]));
    snapshot_of(more)
}

#[test]
fn everything_that_takes_addresses_is_seen() {
    let cluster = kind_cluster(vec![
        service("web", &json!({"externalIPs": ["172.18.255.201"]}), &["172.18.255.200"]),
        service("wish", &json!({"loadBalancerIP": "172.18.255.240"}), &[]),
        service(
            "told",
            &json!({"annotations": {"metallb.io/loadBalancerIPs": "172.18.255.241, fc00::99"}}),
            &["172.18.255.241"],
        ),
        pool("old", &["172.18.255.230/31", "nonsense"], &json!({})),
    ]);
    let seen = see(&cluster, &shore_of(), SERVER, 3);
    let proof = decide(&seen.inputs).unwrap();
    let part = &proof.parts[0];
    let excluded: Vec<String> =
        part.excluded.iter().map(|excluded| format!("{} {}", excluded.range, excluded.why.join(", "))).collect();
    assert_eq!(
        excluded,
        [
            "172.18.0.1-172.18.0.1 the gateway",
            "172.18.0.2-172.18.0.2 container n, node n",
            "172.18.255.200-172.18.255.200 Service default/web",
            "172.18.255.201-172.18.255.201 Service default/web",
            "172.18.255.210-172.18.255.210 container idle, which is stopped and keeps it",
            "172.18.255.220-172.18.255.220 container registry",
            "172.18.255.230-172.18.255.231 IPAddressPool old",
            "172.18.255.240-172.18.255.240 asked for by Service default/wish",
            "172.18.255.241-172.18.255.241 Service default/told",
            "172.18.255.248-172.18.255.255 a route of this machine through tun0",
            "172.18.255.250-172.18.255.250 interface br-1 of this machine",
        ]
    );
    assert_eq!(proof.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["172.18.255.221-172.18.255.229"]);
    assert_eq!(seen.inputs.unknown, ["IPAddressPool old is not counted in full: `nonsense` is not an IP address"]);
    assert!(matches!(seen.reach, Some(Reach::Direct { ref interface, .. }) if interface == "br-1"), "{:?}", seen.reach);
    let others: Vec<&str> = seen.inputs.forbidden.iter().map(|forbidden| forbidden.what.as_str()).collect();
    assert!(others.contains(&"network other of docker"), "{others:?}");
}

#[test]
fn a_pool_of_ours_is_known_by_its_label() {
    let cluster =
        kind_cluster(vec![pool("seaworthy", &["172.18.255.202-172.18.255.209"], &json!({STACK_LABEL: "metallb"}))]);
    let proof = decide(&see(&cluster, &shore_of(), SERVER, 3).inputs).unwrap();
    assert_eq!(proof.origin, crate::network::Origin::Kept);
    assert_eq!(proof.addresses[0].to_string(), "172.18.255.202-172.18.255.209");
}

/// The families of the services, in order.
fn families_of(objects: Vec<Value>) -> Vec<Family> {
    see(&snapshot_of(objects), &Shore::default(), SERVER, 1).inputs.families
}

#[test]
fn families_are_those_of_services_and_nodes() {
    let both = || node("n", &["172.18.0.2", "fc00::2"], &json!({}));
    let four = || node("n", &["172.18.0.2"], &json!({}));
    let dual = || cidrs_of("kubernetes", &["10.96.0.0/16", "fd00:10:96::/112"]);
    // The API server's Service has one family in a cluster of two.
    assert_eq!(families_of(vec![kubernetes(), both(), dual()]), [Family::V4, Family::V6]);
    assert_eq!(families_of(vec![kubernetes(), four(), dual()]), [Family::V4]);
    assert_eq!(families_of(vec![kubernetes(), both(), cidrs_of("kubernetes", &["10.96.0.0/16"])]), [Family::V4]);
    let six = service("six", &json!({"ipFamilies": ["IPv6"]}), &[]);
    assert_eq!(families_of(vec![kubernetes(), both(), six]), [Family::V4, Family::V6]);
    assert_eq!(families_of(vec![both()]), [Family::V4], "nothing tells, so the nodes do");
}

/// The ranges that are forbidden, as `range what`.
fn forbidden_of(objects: Vec<Value>) -> (Vec<String>, Vec<String>) {
    let (forbidden, unknown) = crate::network::cidrs::cidrs(&snapshot_of(objects));
    (forbidden.iter().map(|forbidden| format!("{} {}", forbidden.net, forbidden.what)).collect(), unknown)
}

#[test]
fn ranges_come_from_whatever_tells_them() {
    let plain = || node("n", &["10.0.0.1"], &json!({"podCIDRs": ["10.244.1.0/24"]}));
    let kubeadm = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubeadm-config", "namespace": "kube-system"},
        "data": {"ClusterConfiguration": "apiServer: {}\nnetworking:\n  dnsDomain: cluster.local\n  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n  serviceSubnet: 10.96.0.0/16\n"}});
    let pods = "10.244.1.0/24 the pods of node n".to_owned();
    let (found, unknown) = forbidden_of(vec![plain(), kubeadm, kubernetes()]);
    assert_eq!(
        (found, unknown),
        (
            vec![
                "10.96.0.0/16 the services".into(),
                "10.244.0.0/16 the pods".into(),
                pods.clone(),
                "fd00:10:244::/56 the pods".into()
            ],
            vec![]
        )
    );
    let arguments = |list: &str| node("n", &["10.0.0.1"], &json!({"annotations": {"k3s.io/node-args": list}}));
    let (found, _) = forbidden_of(vec![arguments(r#"["server", "--disable", "servicelb"]"#)]);
    assert_eq!(found, ["10.42.0.0/16 the pods", "10.43.0.0/16 the services"]);
    let (found, _) = forbidden_of(vec![arguments(
        r#"["server", "--cluster-cidr", "10.1.0.0/16,fd01::/56", "--service-cidr", "10.2.0.0/16"]"#,
    )]);
    assert_eq!(found, ["10.1.0.0/16 the pods", "10.2.0.0/16 the services", "fd01::/56 the pods"]);
    let (found, unknown) = forbidden_of(vec![plain(), kubernetes()]);
    assert_eq!(found, ["10.96.0.1/32 Service default/kubernetes".to_owned(), pods]);
    assert!(unknown[0].ends_with("is kept out: nothing in the cluster tells it"), "{unknown:?}");
}

#[test]
fn what_may_not_be_read_is_said_with_what_follows() {
    let mut cluster = kind_cluster(Vec::new());
    for kind in ["Service", "IPAddressPool"] {
        cluster.unread.push(Unread { kind: kind.into(), namespace: None, why: "forbidden".into() });
    }
    let unknown = see(&cluster, &shore_of(), SERVER, 1).inputs.unknown;
    assert_eq!(
        unknown,
        [
            "the Services could not be read, so an address that one of them has may be in the pool: forbidden",
            "the pools of MetalLB could not be read, so one that is there may overlap: forbidden",
        ]
    );
    let mut nothing = Snapshot::default();
    nothing.unread.push(Unread { kind: "Node".into(), namespace: None, why: "forbidden\u{1b}[2J".into() });
    let refusal = decide(&see(&nothing, &shore_of(), SERVER, 1).inputs).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::Ask { reasons: vec!["the nodes could not be read: forbidden?[2J".into()], example: None }
    );
}

#[test]
fn a_network_that_only_may_be_the_nodes_is_not_forbidden() {
    // The kubeconfig leads elsewhere, so the network is no proof; a range of it that the user gives is all right.
    let seen = see(&kind_cluster(Vec::new()), &shore_of(), "https://127.0.0.1:50000", 1);
    assert!(seen.inputs.network.is_none() && seen.reach.is_none());
    let given = crate::network::read(&["172.18.255.200-172.18.255.209".to_owned()]).unwrap();
    assert!(crate::network::check(&seen.inputs, &given).is_ok());
    let given = crate::network::read(&["172.18.255.240-172.18.255.250".to_owned()]).unwrap();
    let refusal = crate::network::check(&seen.inputs, &given).unwrap_err().to_string();
    assert!(refusal.contains("172.18.255.250, interface tun0 of this machine"), "{refusal}");
    let given = crate::network::read(&["172.19.255.200-172.19.255.209".to_owned()]).unwrap();
    let refusal = crate::network::check(&seen.inputs, &given).unwrap_err().to_string();
    assert!(refusal.contains("network other of docker"), "{refusal}");
}

/// The nodes of a recorded case, as its containers have them, of these families.
fn recorded_nodes(engine: &EngineNetworks, families: &[Family]) -> Vec<Value> {
    let nodes = engine.containers.iter().filter(|container| container.labels.contains_key("io.x-k8s.kind.role"));
    nodes
        .map(|container| {
            let addresses = container.attachments.iter().flat_map(|attachment| &attachment.addresses);
            let addresses: Vec<String> = addresses
                .filter(|address| families.contains(&Family::of(**address)))
                .map(ToString::to_string)
                .collect();
            node(&container.name, &addresses.iter().map(String::as_str).collect::<Vec<_>>(), &json!({}))
        })
        .collect()
}

/// What the real engines answered (`tests/cluster/groups/networks.sh`), through all of it.
#[tokio::test]
async fn every_recorded_network_has_its_pool() {
    const BOTH: &[Family] = &[Family::V4, Family::V6];
    let kind_64 = "fc00:f853:ccd:e793:ffff::c8-fc00:f853:ccd:e793:ffff::fa";
    for (case, families, wanted) in [
        ("docker-kind-both", BOTH, vec!["172.19.255.200-172.19.255.250", kind_64]),
        ("docker-kind-both", &BOTH[..1], vec!["172.19.255.200-172.19.255.250"]),
        ("docker-p24-range", &BOTH[..1], vec!["10.231.78.77-10.231.78.127"]),
        ("docker-p24-stopped", &BOTH[..1], vec!["10.231.77.200-10.231.77.239"]),
        ("docker-p28", &BOTH[..1], vec!["10.231.79.12-10.231.79.14"]),
        ("podman-kind-both", BOTH, vec!["10.89.0.200-10.89.0.250", kind_64]),
        ("podman-p24-range", &BOTH[..1], vec!["10.232.78.78-10.232.78.128"]),
        ("podman-several", &BOTH[..1], vec!["10.232.81.200-10.232.81.250"]),
        ("podman-only-6", &BOTH[1..], vec!["fd00:232:85:0:ffff::c8-fd00:232:85:0:ffff::fa"]),
    ] {
        let engine = crate::host::networks::tests::read(case).await;
        let mut objects = recorded_nodes(&engine, families);
        objects.extend([kubernetes(), cidrs_of("kubernetes", &["10.96.0.0/16", "fd00:10:96::/112"])]);
        let ports = engine.containers.iter().flat_map(|container| &container.ports);
        let server = format!("http://127.0.0.1:{}", ports.map(|(here, _)| here).next().unwrap());
        let shore = Shore { engines: vec![engine], ..Shore::default() };
        let seen = see(&snapshot_of(objects), &shore, &server, 3);
        let proof = decide(&seen.inputs).unwrap_or_else(|refusal| panic!("{case}: {refusal}"));
        assert_eq!(proof.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), wanted, "{case}");
    }
}
