use super::*;
use serde_json::json;

fn set(container: &Value, labels: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "store", "namespace": "n", "uid": "s1"},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "side", "image": "side:1"}, container]}},
            "volumeClaimTemplates": [{"metadata": {"name": "logs"}}, {"metadata": {"name": "data", "labels": labels}}]}})
}

fn found(set: &Value) -> Option<EtcdSet> {
    let mut snapshot = Snapshot::default();
    snapshot.insert(set.clone());
    sets(&snapshot).pop()
}

#[test]
fn an_etcd_is_known_by_its_image_or_program_and_where_it_serves() {
    let mounts = json!([{"name": "data", "mountPath": "/d"}]);
    let cases = [
        json!({"name": "e", "image": "quay.io/coreos/etcd:v3.5.9@sha256:ab", "ports": [{"containerPort": 2379}], "volumeMounts": mounts}),
        json!({"name": "e", "image": "x:1", "command": ["/usr/local/bin/etcd"], "args": ["--listen-client-urls=http://0.0.0.0:2379"], "volumeMounts": mounts}),
        json!({"name": "e", "image": "own/etcd", "env": [{"name": "ETCD_LISTEN_CLIENT_URLS", "value": "http://[::]:2379/"}], "volumeMounts": mounts}),
    ];
    for container in cases {
        let etcd = found(&set(&container, &Value::Null)).unwrap_or_else(|| panic!("{container}"));
        assert_eq!((etcd.container.as_str(), etcd.port, etcd.tls), ("e", 2379, false), "{container}");
        assert_eq!(etcd.pods(), ["store-0", "store-1", "store-2"]);
        assert_eq!(etcd.claim("store-1").unwrap().name, "data-store-1");
    }
}

#[test]
fn what_only_uses_etcd_is_none() {
    for container in [
        json!({"name": "e", "image": "etcd:1"}),
        json!({"name": "e", "image": "etcd-backup:1", "ports": [{"containerPort": 2379}]}),
        json!({"name": "e", "image": "core:1", "args": ["--etcd=http://etcd:2379"]}),
    ] {
        assert_eq!(found(&set(&container, &Value::Null)), None, "{container}");
    }
}

#[test]
fn a_label_says_it_whatever_the_image_is_called() {
    let container = json!({"name": "store", "image": "own/kv:1", "command": ["/bin/sh"]});
    let etcd = found(&set(&container, &json!({"seaworthy.dev/role": "etcd"}))).unwrap();
    assert_eq!((etcd.port, etcd.template.as_deref(), etcd.state), (2379, Some("data"), None));
}

#[test]
fn founding_or_joining_is_an_argument_or_a_variable() {
    let of = |more: Value| {
        let mut container =
            json!({"name": "e", "image": "etcd:1", "ports": [{"name": "client", "containerPort": 12379}]});
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        found(&set(&container, &Value::Null)).unwrap()
    };
    let argument = of(json!({"args": ["--name=x", "--initial-cluster-state=new"]}));
    let state = argument.state.unwrap();
    assert_eq!((state.pointer.as_str(), state.now.as_str()), ("/spec/template/spec/containers/1/args/1", "new"));
    assert_eq!(state.prefix, "--initial-cluster-state=");
    let variable =
        of(json!({"env": [{"name": "A", "value": "b"}, {"name": "ETCD_INITIAL_CLUSTER_STATE", "value": "existing"}]}));
    let state = variable.state.unwrap();
    assert_eq!(
        (state.pointer.as_str(), state.now.as_str()),
        ("/spec/template/spec/containers/1/env/1/value", "existing")
    );
    assert_eq!(variable.port, 12379);
    assert!(of(json!({"args": ["--listen-client-urls=https://0.0.0.0:2379"]})).tls);
}

#[test]
fn a_member_is_found_by_its_address_before_it_has_a_name() {
    let member =
        |name: &str, url: &str| Member { name: name.to_owned(), peers: vec![url.to_owned()], ..Member::default() };
    let members = [
        member("store-0", "http://store-0.store.n.svc:2380"),
        member("", "http://store-1.store.n.svc:2380"),
        member("store-2", "http://10.0.0.3:2380"),
    ];
    assert_eq!(member_of(&members, "store-1"), Some(&members[1]));
    assert_eq!(member_of(&members, "store-2"), Some(&members[2]));
    assert_eq!(member_of(&members, "store-10"), None);
}
