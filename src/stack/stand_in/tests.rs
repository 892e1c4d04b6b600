//! What becomes of pods, probes and ways in.

use super::*;

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(ToString::to_string).collect()
}

fn played(container: &Value) -> Value {
    let mut spec = json!({"containers": [container]});
    replace(&mut spec, "box:1", (&[], &[]), false);
    spec["containers"][0].take()
}

#[test]
fn what_has_pages_below_it_is_a_folder() {
    let pages = pages(&set(&["/", "/health", "/api", "/api/v1/gpus", "/lab/"]));
    assert_eq!(pages, ["/api/index.html", "/api/v1/gpus", "/health", "/index.html", "/lab/index.html"]);
}

#[test]
fn paths_that_a_shell_would_read_otherwise_are_none() {
    for path in ["", "health", "/a b", "/a;b", "/$(x)", "/a?x=1", "/../etc", "/a'", "/*"] {
        assert!(!is_plain(path), "{path}");
    }
    assert!(is_plain("/api/v1/health_check-2.json"));
}

#[test]
fn probes_ask_what_a_stand_in_can_answer() {
    let container = json!({"name": "a", "image": "i", "ports": [{"name": "http", "containerPort": 80}],
        "startupProbe": {"exec": {"command": ["a"]}, "periodSeconds": 3},
        "readinessProbe": {"httpGet": {"path": "/ready?all=1", "port": "http", "scheme": "HTTPS"}},
        "livenessProbe": {"grpc": {"port": 81, "service": "x"}}});
    let container = played(&container);
    assert_eq!(container["startupProbe"]["exec"]["command"], json!(["/bin/sh", "-c", "exit 0"]));
    assert_eq!(container["startupProbe"]["periodSeconds"], 3);
    assert_eq!(container["readinessProbe"], json!({"tcpSocket": {"port": "http"}}));
    assert_eq!(container["livenessProbe"], json!({"tcpSocket": {"port": 81}}));
    assert_eq!(container["command"][5], "80 81");
    let https = json!({"name": "a", "readinessProbe": {"httpGet": {"path": "/ready", "port": 80, "scheme": "HTTPS"}}});
    assert_eq!(played(&https)["readinessProbe"], json!({"httpGet": {"path": "/ready", "port": 80}}));
}

#[test]
fn a_program_leaves_nothing_of_its_own_behind() {
    let container = json!({"name": "a", "image": "private/a:1", "args": ["--x"], "workingDir": "/app",
        "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}, "resources": {"limits": {"nvidia.com/gpu": 1}},
        "env": [{"name": "A", "value": "b"}], "volumeMounts": [{"name": "config", "mountPath": "/config"}]});
    let container = played(&container);
    let fields: BTreeSet<&String> = container.as_object().unwrap().keys().collect();
    let kept = ["command", "env", "image", "imagePullPolicy", "name", "resources", "volumeMounts"];
    assert_eq!(fields, kept.map(str::to_owned).iter().collect());
    assert_eq!((&container["image"], &container["command"][3]), (&json!("box:1"), &json!("private/a:1")));
    assert_eq!(container["resources"]["limits"].get("nvidia.com/gpu"), None);
    assert_eq!(container["volumeMounts"][0]["mountPath"], "/config");
}

#[test]
fn what_runs_once_ends_and_what_runs_beside_serves() {
    let mut spec = json!({"initContainers": [{"name": "once"}, {"name": "beside", "restartPolicy": "Always"}], "containers": [{"name": "a"}]});
    replace(&mut spec, "box:1", (&[], &[]), false);
    assert_eq!(spec["initContainers"][0]["command"], json!(["/bin/sh", "-c", "exit 0"]));
    assert_eq!(spec["initContainers"][1]["command"][2], SERVE);
    assert_eq!(spec["containers"][0]["command"][2], SERVE);
    replace(&mut spec, "box:1", (&[], &[]), true);
    assert_eq!(spec["containers"][0]["command"], json!(["/bin/sh", "-c", "exit 0"]));
}

#[test]
fn each_port_is_served_by_one_container_alone() {
    let container = |name: &str, port: u16| json!({"name": name, "ports": [{"containerPort": port}, {"containerPort": 53, "protocol": "UDP"}]});
    let mut spec = json!({"containers": [container("a", 80), container("b", 81), container("c", 80)]});
    let template = json!({"metadata": {"labels": {"app": "a", "tier": "b"}}});
    let service = |selector: Value, port: Value| json!({"spec": {"selector": selector, "ports": [port]}});
    let services = [
        service(json!({"app": "a"}), json!({"port": 9, "targetPort": 90})),
        service(json!({"app": "a"}), json!({"port": 91})),
        service(json!({"app": "a"}), json!({"port": 80, "targetPort": "http"})),
        service(json!({"app": "a"}), json!({"port": 81})),
        service(json!({"app": "a"}), json!({"port": 92, "protocol": "UDP"})),
        service(json!({"app": "other"}), json!({"port": 93})),
        service(json!({}), json!({"port": 94})),
    ];
    let served = served(&template, &services);
    assert_eq!(served, [90, 91, 81]);
    replace(&mut spec, "box:1", (&served, &[]), false);
    let ports: Vec<&Value> = items(&spec, "/containers").map(|container| &container["command"][5]).collect();
    assert_eq!(ports, ["80 90 91", "81", ""]);
}

#[test]
fn a_pod_that_may_not_be_root_is_somebody() {
    let uids = |pod: Value, own: Value| {
        let mut spec = json!({"securityContext": pod, "containers": [{"name": "a", "securityContext": own}]});
        replace(&mut spec, "box:1", (&[], &[]), false);
        spec["containers"][0]["securityContext"]["runAsUser"].clone()
    };
    assert_eq!(uids(json!({"runAsNonRoot": true}), json!({})), SOMEBODY);
    assert_eq!(uids(json!({}), json!({"runAsNonRoot": true})), SOMEBODY);
    assert_eq!(uids(json!({"runAsNonRoot": true, "runAsUser": 7}), json!({})), Value::Null);
    assert_eq!(uids(json!({"runAsNonRoot": true}), json!({"runAsUser": 8})), 8);
    assert_eq!(uids(json!({}), json!({})), Value::Null);
}

#[test]
fn ports_of_root_are_opened_to_whoever_the_pod_runs_as() {
    let sysctls = |port: u16, host: bool| {
        let mut spec = json!({"hostNetwork": host, "containers": [{"name": "a", "ports": [{"containerPort": port}]}]});
        replace(&mut spec, "box:1", (&[], &[]), false);
        spec["securityContext"]["sysctls"].clone()
    };
    assert_eq!(sysctls(80, false), json!([{"name": LOW_PORTS, "value": "0"}]));
    assert_eq!((sysctls(8080, false), sysctls(80, true)), (Value::Null, Value::Null));
}
