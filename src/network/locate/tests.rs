use super::*;
use crate::host::engines::{Address, NamedBy, Product};
use crate::host::networks::Attachment;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn engine(product: Product, id: &str) -> Engine {
    serde_json::from_value(serde_json::json!({
        "id": id, "product": product, "version": "", "api_version": "",
        "addresses": [Address { url: format!("unix:///run/{id}.sock"), named_by: vec![NamedBy::Default], preference: 0 }],
    }))
    .unwrap()
}

fn container(name: &str, label: (&str, &str), network: &str, ip: &str, ports: &[(u16, u16)]) -> Container {
    let addresses = vec![address(ip)];
    Container {
        name: name.into(),
        labels: [(label.0.to_owned(), label.1.to_owned())].into(),
        running: true,
        attachments: vec![Attachment { network: network.into(), addresses, ..Attachment::default() }],
        ports: ports.to_vec(),
        ..Container::default()
    }
}

const KIND: (&str, &str) = ("io.x-k8s.kind.cluster", "dev");

/// A kind cluster of two nodes.
fn kind(product: Product) -> EngineNetworks {
    let network = |name: &str| EngineNetwork { name: name.into(), id: name.into(), ..EngineNetwork::default() };
    EngineNetworks {
        engine: engine(product, &product.to_string()),
        networks: vec![network("bridge"), network("kind")],
        containers: vec![
            container("dev-control-plane", KIND, "kind", "172.18.0.2", &[(40001, 6443)]),
            container("dev-worker", KIND, "kind", "172.18.0.3", &[]),
        ],
        unread: Vec::new(),
    }
}

fn node(name: &str, ip: &str) -> NodeFacts {
    NodeFacts { name: name.into(), provider: String::new(), addresses: vec![address(ip)] }
}

fn nodes() -> Vec<NodeFacts> {
    vec![node("dev-control-plane", "172.18.0.2"), node("dev-worker", "172.18.0.3")]
}

const SERVER: &str = "https://127.0.0.1:40001/";

/// Where the nodes are, or why that cannot be told.
fn found(nodes: &[NodeFacts], engines: &[EngineNetworks], server: &str) -> Result<String, String> {
    let ground = Ground { engines, unusable: &[], links: None };
    let located = locate(nodes, ground, server).map_err(|reasons| reasons.join("; "))?;
    Ok(format!("{} of {}", located.network.name, located.engine.product))
}

fn spoilt(spoil: impl FnOnce(&mut EngineNetworks)) -> Result<String, String> {
    let mut engine = kind(Product::Docker);
    spoil(&mut engine);
    found(&nodes(), &[engine], SERVER)
}

#[test]
fn name_label_address_and_the_way_in_are_the_proof() {
    let says = |said: &str| Err(said.to_owned());
    assert_eq!(found(&nodes(), &[kind(Product::Docker)], SERVER), Ok("kind of docker".into()));
    assert_eq!(spoilt(|all| all.containers.truncate(1)), says("docker: no container is called dev-worker"));
    assert_eq!(
        spoilt(|all| all.containers[1].labels.clear()),
        says("docker: container dev-worker carries no label of kind, k3d or minikube")
    );
    assert_eq!(spoilt(|all| all.containers[1].running = false), says("docker: container dev-worker does not run"));
    assert_eq!(
        spoilt(|all| all.containers[1].attachments[0].addresses = vec![address("172.18.0.9")]),
        says("docker: container dev-worker has the address 172.18.0.9, and the node 172.18.0.3")
    );
    assert_eq!(
        spoilt(|all| all.containers[1].attachments.clear()),
        says("docker: container dev-worker has the address none, and the node 172.18.0.3")
    );
    assert_eq!(
        spoilt(|all| all.containers[1].attachments[0].network = "bridge".into()),
        says("docker: node dev-worker is on another network, or of another cluster, than the others")
    );
    assert_eq!(spoilt(|all| all.networks.truncate(1)), says("docker: network kind is not there any more"));
    assert_eq!(found(&[], &[kind(Product::Docker)], SERVER), says("no node is known"));
    assert_eq!(found(&nodes(), &[], SERVER), says("no container engine answers on this machine"));
}

#[test]
fn the_way_in_may_be_published_direct_or_of_a_load_balancer() {
    let elsewhere = |server: &str| found(&nodes(), &[kind(Product::Docker)], server);
    for server in [
        "https://127.0.0.1:40001",
        "https://localhost:40001",
        "https://0.0.0.0:40001",
        "https://172.18.0.2:6443",
        "https://dev-control-plane:6443",
    ] {
        assert_eq!(elsewhere(server), Ok("kind of docker".into()), "{server}");
    }
    for server in
        ["https://127.0.0.1:40002", "https://10.1.2.3:40001", "https://172.18.0.9:6443", "https://example.com"]
    {
        let said = elsewhere(server).unwrap_err();
        assert!(said.contains("leads to no container of cluster dev"), "{server}: {said}");
    }
    let mut all = kind(Product::Docker);
    all.containers[0].ports.clear();
    all.containers.push(container("dev-external-load-balancer", KIND, "kind", "172.18.0.4", &[(40001, 6443)]));
    assert_eq!(found(&nodes(), &[all.clone()], SERVER), Ok("kind of docker".into()));
    all.containers[2].labels.insert(KIND.0.into(), "other".into());
    assert!(found(&nodes(), &[all], SERVER).is_err(), "the balancer of another cluster is no way into this one");
}

#[test]
fn k3d_and_minikube_have_labels_of_their_own() {
    for (label, port) in [("k3d.cluster", 6443), ("name.minikube.sigs.k8s.io", 8443)] {
        let mut all = kind(Product::Docker);
        for container in &mut all.containers {
            container.labels = [(label.to_owned(), "dev".to_owned())].into();
        }
        all.containers[0].ports = vec![(40001, port)];
        assert_eq!(found(&nodes(), &[all], SERVER), Ok("kind of docker".into()), "{label}");
    }
}

#[test]
fn of_two_engines_the_one_with_the_nodes_is_taken() {
    let other = EngineNetworks { containers: Vec::new(), ..kind(Product::Podman) };
    let both = [other, kind(Product::Docker)];
    assert_eq!(found(&nodes(), &both, SERVER), Ok("kind of docker".into()));
    let twins = [kind(Product::Podman), kind(Product::Docker)];
    let said = found(&nodes(), &twins, SERVER).unwrap_err();
    assert!(
        said.starts_with(
            "containers that fit every node are on network kind of podman at unix:///run/podman.sock and on"
        ),
        "{said}"
    );
    // kind says itself which engine it is.
    let mut named = nodes();
    for node in &mut named {
        node.provider = format!("kind://podman/dev/{}", node.name);
    }
    assert_eq!(found(&named, &twins, SERVER), Ok("kind of podman".into()));
}

#[test]
fn strangers_are_told_what_they_are() {
    let with = |provider: &str| {
        let mut nodes = nodes();
        nodes[0].provider = provider.into();
        found(&nodes, &[], SERVER).unwrap_err()
    };
    assert!(with("aws:///eu-west-1a/i-0").starts_with("the nodes belong to a cloud (aws://)"));
    assert!(with("k3s://n").starts_with("k3s gives Services the nodes' own addresses"));
    assert!(with("kind://docker/dev/n").starts_with("the nodes say that they are containers of kind"));
    let route =
        crate::host::links::Route { net: "172.18.0.0/24".parse().unwrap(), interface: "eth0".into(), direct: true };
    let links = Links { addresses: Vec::new(), routes: vec![route] };
    let ground = Ground { engines: &[], unusable: &[], links: Some(&links) };
    let said = locate(&nodes(), ground, SERVER).unwrap_err();
    assert_eq!(
        said[0],
        "node dev-control-plane has 172.18.0.2 in 172.18.0.0/24, the network of this machine's interface eth0"
    );
}

#[test]
fn other_clusters_on_the_network_are_seen() {
    let mut all = kind(Product::Docker);
    let mut other = |name: &str, network: &str, running: bool| {
        let cluster = ("io.x-k8s.kind.cluster", name);
        let made = container(&format!("{name}-control-plane"), cluster, network, "172.18.0.9", &[]);
        all.containers.push(Container { running, ..made });
    };
    other("b", "kind", true);
    other("stopped", "kind", false);
    other("elsewhere", "bridge", true);
    let engines = [all];
    let ground = Ground { engines: &engines, unusable: &[], links: None };
    let found = crate::network::neighbours::others(locate(&nodes(), ground, SERVER).unwrap(), &engines);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [("io.x-k8s.kind.cluster", "b".to_owned())]);
}

#[test]
fn an_engine_that_cannot_be_asked_is_named() {
    use crate::host::engines::EngineFault;
    let stale = UnusableEngine {
        address: "unix:///run/docker.sock".into(),
        named_by: vec![NamedBy::Default],
        preference: 0,
        fault: EngineFault::Refused,
    };
    let ground = Ground { engines: &[], unusable: &[stale], links: None };
    let said = locate(&nodes(), ground, SERVER).unwrap_err().join("; ");
    assert!(said.contains("cannot be asked: `unix:///run/docker.sock`: connection refused"), "{said}");
}
