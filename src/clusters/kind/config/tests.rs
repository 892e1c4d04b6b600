use super::*;

fn wish(file: &str) -> Wish {
    Wish { file: Some(("mine.yaml".to_owned(), file.to_owned())), ..Wish::default() }
}

fn head(rest: &str) -> String {
    format!("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n{rest}")
}

fn parsed(config: &Config) -> Value {
    yaml::node("config", &config.text).unwrap().to_value()
}

#[test]
fn without_any_wish_it_is_kinds_own_default() {
    let config = config(&Wish::default()).unwrap();
    assert_eq!((config.name.as_str(), config.nodes.as_slice()), ("kind", &["kind-control-plane".to_owned()][..]));
    assert_eq!(parsed(&config)["nodes"], json!([{"role": "control-plane"}]));
}

#[test]
fn nodes_are_one_control_plane_and_workers() {
    let wish = Wish { name: Some("demo".into()), nodes: Some(3), ..Wish::default() };
    let config = config(&wish).unwrap();
    assert_eq!(config.nodes, ["demo-control-plane", "demo-worker", "demo-worker2"]);
    assert_eq!(config.kubernetes, 3);
}

#[test]
fn several_control_planes_have_a_load_balancer_and_a_warning() {
    let file = head("nodes: [{role: control-plane}, {}, {role: worker}]\n");
    let config = config(&wish(&file)).unwrap();
    assert_eq!(
        config.nodes,
        ["kind-control-plane", "kind-control-plane2", "kind-worker", "kind-external-load-balancer"]
    );
    assert_eq!(config.kubernetes, 3);
    assert!(config.warnings[0].contains("1689"));
}

#[test]
fn what_was_asked_for_is_added_to_the_users_own_file() {
    let file = head(
        "networking: {ipFamily: dual, apiServerAddress: 192.0.2.1}\nnodes:\n- role: control-plane\n  image: kindest/node:v1.34.0\n  extraMounts: [{hostPath: /a, containerPath: /b}]\n- role: worker\n",
    );
    let ports = vec!["8080:30080".parse().unwrap(), "0.0.0.0:53:30053/udp".parse().unwrap()];
    let mounts = vec!["/srv/x:/x:ro".parse().unwrap()];
    let config = config(&Wish { ports, mounts, ..wish(&file) }).unwrap();
    let parsed = parsed(&config);
    assert_eq!(parsed["networking"]["ipFamily"], "dual");
    assert_eq!(
        parsed["nodes"][0]["extraPortMappings"],
        json!([
            {"listenAddress": "127.0.0.1", "hostPort": 8080, "containerPort": 30080, "protocol": "TCP"},
            {"listenAddress": "0.0.0.0", "hostPort": 53, "containerPort": 30053, "protocol": "UDP"},
        ])
    );
    let mount = json!({"hostPath": "/srv/x", "containerPath": "/x", "readOnly": true});
    assert_eq!(parsed["nodes"][0]["extraMounts"][1], mount);
    assert_eq!(parsed["nodes"][1]["extraMounts"], json!([mount]));
    assert_eq!(config.images, ["kindest/node:v1.34.0"]);
    assert_eq!(config.ports.iter().map(|(_, port)| *port).collect::<Vec<_>>(), [8080, 53]);
    assert!(config.warnings[0].contains("192.0.2.1"), "{:?}", config.warnings);
}

#[test]
fn what_contradicts_itself_is_refused_at_its_place() {
    let named = head("name: one\n");
    let two = head("nodes:\n- role: control-plane\n- role: worker\n");
    let mapped = head("nodes:\n- extraPortMappings: [{hostPort: 8080, containerPort: 1}]\n");
    let table = [
        (Wish { name: Some("two".into()), ..wish(&named) }, "mine.yaml:3:", "--name says two"),
        (Wish { nodes: Some(3), ..wish(&two) }, "mine.yaml:3:", "2 nodes, --nodes says 3"),
        (Wish { ports: vec!["8080:1".parse().unwrap()], ..wish(&mapped) }, "mine.yaml:3:", "8080 of this machine"),
        (wish("kind: Pod\napiVersion: v1\n"), "mine.yaml:1:", "kind is \"Pod\""),
        (wish("a: [1\n"), "mine.yaml:", ""),
        (wish(&head("nodes: {a: b}\n")), "mine.yaml:3:", "nodes is a list"),
        (wish(&head("nodes: [{role: worker}]\n")), "mine.yaml:3:", "no node has the role control-plane"),
        (wish(&head("nodes: [{role: boss}]\n")), "mine.yaml:3:", "`boss` is no role"),
        (wish("[1, 2]"), "mine.yaml:1:", "a map is expected"),
        (Wish { name: Some("Upper".into()), ..Wish::default() }, "", "`Upper` is no name"),
        (Wish { name: Some("x".repeat(51)), ..Wish::default() }, "", "longer than 50"),
        (Wish { nodes: Some(0), ..Wish::default() }, "", "at least one node"),
    ];
    for (wish, place, message) in table {
        let fault = config(&wish).unwrap_err().to_string();
        assert!(fault.starts_with(place) && fault.contains(message), "{fault}, not {place} {message}");
    }
}

#[test]
fn ports_and_mounts_are_read_as_people_write_them() {
    let port = |text: &str| text.parse::<Port>();
    assert_eq!(port("80:30080").unwrap().to_string(), "127.0.0.1:80 -> 30080");
    assert_eq!(port("[::1]:80:30080/udp").unwrap().to_string(), "::1:80 -> 30080/udp");
    for wrong in ["", "80", "80:", "0:80", "80:70000", "x:80:80", "80:80/sctp", "-1:80"] {
        assert!(port(wrong).is_err(), "{wrong}");
    }
    let mount = |text: &str| text.parse::<Mount>();
    assert!(mount("/a:/b").is_ok_and(|mount| !mount.read_only));
    for wrong in ["", "/a", "a:/b", "/a:b", "/a:/b:rw", "/a:/b:/c"] {
        assert!(mount(wrong).is_err(), "{wrong}");
    }
}
