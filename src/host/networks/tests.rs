use super::*;
use crate::host::engines::Product;
use crate::host::testing::{EngineStub, Server, in_folder};
use serde_json::{Value, json};
use std::path::Path;

const LONG: Duration = Duration::from_secs(30);

/// What `tests/cluster/groups/networks.sh` recorded of a case.
fn recorded(case: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/networks").join(format!("{case}.json"));
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// The engine as it was when that was recorded, at its usual socket.
fn replay(case: &str, folder: &Path, change: impl FnOnce(&mut Value)) -> Server {
    let mut recorded = recorded(case);
    change(&mut recorded);
    let podman = !recorded["libpod"].is_null();
    let (stub, socket) = if podman {
        (EngineStub::podman(), "run/podman/podman.sock")
    } else {
        (EngineStub::docker(), "var/run/docker.sock")
    };
    let socket = folder.join(socket);
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    stub.serve_also(&socket, move |path| answer(&recorded, path))
}

fn answer(recorded: &Value, path: &str) -> Option<(u16, Value)> {
    let networks = recorded["networks"].as_array()?;
    match path {
        // As engines do: who is attached is told for one network only.
        "/networks" => Some((
            200,
            networks
                .iter()
                .map(|network| json!({"Name": network["Name"], "Id": network["Id"], "Containers": {}}))
                .collect(),
        )),
        "/containers/json" => Some((200, recorded["containers"].clone())),
        "/libpod/networks/json" if recorded["libpod"].is_array() => Some((200, recorded["libpod"].clone())),
        "/libpod/networks/json" => Some((500, json!({"cause": "x", "message": "no such handler", "response": 500}))),
        _ => {
            let id = path.strip_prefix("/networks/")?;
            networks.iter().find(|network| network["Id"] == id).map(|network| (200, network.clone()))
        }
    }
}

/// What is read of the engine of a recorded case.
pub(crate) async fn read(case: &str) -> EngineNetworks {
    let folder = tempfile::tempdir().unwrap();
    let _server = replay(case, folder.path(), |_| ());
    let (mut engines, _) = look(&in_folder(folder.path()), LONG).await;
    assert_eq!(engines.len(), 1, "{case}");
    engines.remove(0)
}

/// A network in a few lines.
fn shown(engine: &EngineNetworks, name: &str) -> Vec<String> {
    let network = engine.networks.iter().find(|network| network.name == name).unwrap();
    let mut lines: Vec<String> = network
        .subnets
        .iter()
        .map(|subnet| {
            let gateway = subnet.gateway.map_or("none".to_owned(), |gateway| gateway.to_string());
            let range = subnet.range.map_or(String::new(), |range| format!(" range {range}"));
            let reserved: Vec<String> =
                subnet.reserved.iter().map(|(name, address)| format!(" {name} {address}")).collect();
            format!("{} gateway {gateway}{range}{}", subnet.subnet, reserved.concat())
        })
        .collect();
    lines.extend(network.attached.iter().map(|(name, address)| format!("{name} {address}")));
    lines
}

#[tokio::test]
async fn networks_of_the_real_engines_are_read() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "docker-kind-both",
            "kind",
            &[
                "172.19.0.0/16 gateway 172.19.0.1",
                // Only the containers tell it.
                "fc00:f853:ccd:e793::/64 gateway fc00:f853:ccd:e793::1",
                "kind-both-control-plane 172.19.0.2",
                "kind-both-control-plane fc00:f853:ccd:e793::2",
                "kind-both-worker1 172.19.0.3",
                "kind-both-worker1 fc00:f853:ccd:e793::3",
            ],
        ),
        (
            "docker-p24-range",
            "sw-p24-range",
            &[
                "10.231.78.0/24 gateway 10.231.78.128 range 10.231.78.128-10.231.78.255 host5 10.231.78.5",
                "p24-range-control-plane 10.231.78.129",
            ],
        ),
        (
            "podman-kind-both",
            "kind",
            &[
                "fc00:f853:ccd:e793::/64 gateway fc00:f853:ccd:e793::1",
                "10.89.0.0/24 gateway 10.89.0.1",
                "kind-both-control-plane 10.89.0.9",
                "kind-both-control-plane fc00:f853:ccd:e793::9",
            ],
        ),
        // The range comes from Podman's own API: the docker-compatible one leaves it out.
        (
            "podman-p24-range",
            "sw-p24-range",
            &[
                "10.232.78.0/24 gateway 10.232.78.1 range 10.232.78.129-10.232.78.255",
                "p24-range-control-plane 10.232.78.130",
            ],
        ),
        (
            "podman-several",
            "sw-several",
            &[
                "10.232.81.0/24 gateway 10.232.81.1",
                "10.232.83.0/24 gateway 10.232.83.1",
                "several-control-plane 10.232.81.3",
            ],
        ),
    ];
    for (case, name, wanted) in cases {
        let engine = read(case).await;
        assert_eq!(shown(&engine, name), *wanted, "{case}");
        assert_eq!(engine.unread, [""; 0], "{case}");
        let json = serde_json::to_value(&engine).unwrap();
        assert_eq!(serde_json::from_value::<EngineNetworks>(json).unwrap(), engine, "{case}");
    }
}

#[tokio::test]
async fn containers_are_read_with_what_proves_them() {
    let engine = read("docker-p24-stopped").await;
    let container = |name: &str| engine.containers.iter().find(|container| container.name == name).unwrap();
    let node = container("p24-stopped-control-plane");
    assert_eq!(node.labels.get("io.x-k8s.kind.cluster").map(String::as_str), Some("p24-stopped"));
    assert!(node.running && node.ports.iter().any(|(_, inside)| *inside == 6443), "{node:?}");
    let stopped = &container("other1");
    let attached = &stopped.attachments[0];
    assert!(!stopped.running);
    assert_eq!(attached.addresses, [] as [IpAddr; 0]);
    assert_eq!(attached.fixed, ["10.231.77.240".parse::<IpAddr>().unwrap()]);
}

/// The list of containers tells it, with both engines (`tests/cluster/groups/networks.sh` asks the real ones).
#[tokio::test]
async fn folders_of_the_machine_are_read_with_their_place() {
    for case in ["docker-kind-both", "podman-kind-both"] {
        let folder = tempfile::tempdir().unwrap();
        let mounts = json!([
            {"Type": "volume", "Name": "5375a6", "Source": "/data/volumes/5375a6/_data", "Destination": "/var",
                "Driver": "local", "Mode": "", "RW": true, "Propagation": "rprivate"},
            {"Type": "bind", "Source": "/srv/shared", "Destination": "/var/lib/seaworthy/shared", "Mode": "ro", "RW": false,
                "Propagation": "rprivate"},
            {"Type": "tmpfs", "Destination": "/run", "Mode": "", "RW": true, "Propagation": ""},
        ]);
        let _server = replay(case, folder.path(), |recorded| recorded["containers"][0]["Mounts"] = mounts);
        let (engines, _) = look(&in_folder(folder.path()), LONG).await;
        let containers = engines[0].containers.iter();
        let mounted: Vec<&Mount> = containers.flat_map(|container| &container.mounts).collect();
        let mount = |inside: &str, outside: &str, writable| Mount {
            inside: inside.to_owned(),
            outside: outside.to_owned(),
            writable,
        };
        let expected = [
            mount("/var", "/data/volumes/5375a6/_data", true),
            mount("/var/lib/seaworthy/shared", "/srv/shared", false),
        ];
        assert_eq!(mounted, expected.iter().collect::<Vec<_>>(), "{case}");
    }
}

#[tokio::test]
async fn podman_without_its_own_api_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let _server = replay("podman-p24-range", folder.path(), |recorded| recorded["libpod"] = json!({"message": "gone"}));
    let (engines, _) = look(&in_folder(folder.path()), LONG).await;
    assert_eq!(engines[0].engine.product, Product::Podman);
    assert!(
        engines[0].unread[0].contains("taken to use all of it: 500 Internal Server Error"),
        "{:?}",
        engines[0].unread
    );
    assert!(engines[0].networks.iter().any(|network| !network.subnets.is_empty()));
}

#[tokio::test]
async fn an_engine_that_fails_is_said_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let _podman = replay("podman-several", folder.path(), |_| ());
    let socket = folder.path().join("var/run/docker.sock");
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let broken = |path: &str| (path == "/networks").then(|| (500, json!({"message": "\u{1b}[31mdisk full"})));
    let _docker = EngineStub::docker().serve_also(&socket, broken);
    let (engines, _) = look(&in_folder(folder.path()), LONG).await;
    assert_eq!(engines.len(), 2);
    let docker = engines.iter().find(|engine| engine.engine.product == Product::Docker).unwrap();
    assert!(docker.networks.is_empty() && docker.unread[0].contains("disk full"), "{:?}", docker.unread);
    assert!(!docker.unread[0].contains('\u{1b}'));
}
