use super::*;
use crate::sandbox::{Kind, Sandbox};
use serde_json::json;

fn container(requests: &Value) -> Value {
    json!({"name": "main", "resources": {"requests": requests}})
}

fn pod(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec})
}

/// What a quota says to an object, beside what is there.
fn told(spec: &Value, there: &[Value], object: &Value) -> Option<String> {
    let sandbox = Sandbox::new(Kind::SingleNode);
    let mut world = sandbox.lock();
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "default"}, "spec": spec});
    world.put(quota);
    for object in there {
        world.put(object.clone());
    }
    let address = crate::sandbox::store::address_of(object).unwrap();
    let live = world.store.get(&address).cloned();
    judge(&world, object, live.as_ref(), &address).err().map(|refusal| refusal.message)
}

#[test]
fn pods_are_counted_until_they_have_ended() {
    let spec = json!({"containers": [container(&json!({"cpu": "1", "nvidia.com/gpu": "1"}))]});
    let hard = json!({"hard": {"requests.cpu": "1500m", "pods": "5", "requests.nvidia.com/gpu": "4"}});
    let running = pod("a", &spec);
    let mut ended = running.clone();
    ended["status"]["phase"] = "Succeeded".into();
    let next = pod("b", &spec);
    assert_eq!(
        told(&hard, &[running], &next).as_deref(),
        Some(
            "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=1, limited: requests.cpu=1500m"
        )
    );
    assert_eq!(told(&hard, &[ended.clone()], &next), None);
    let counted = json!({"hard": {"count/pods": "1"}});
    assert!(told(&counted, &[ended], &next).is_some(), "count/pods counts what has ended, too");
}

#[test]
fn a_scope_leaves_others_alone_and_a_silent_container_is_refused() {
    let modest = pod("a", &json!({"containers": [{"name": "main", "resources": {}}]}));
    let bounded = pod("b", &json!({"activeDeadlineSeconds": 5, "containers": [container(&json!({"cpu": "1"}))]}));
    for (scope, of_modest, of_bounded) in [
        ("BestEffort", true, false),
        ("NotBestEffort", false, true),
        ("Terminating", false, true),
        ("NotTerminating", true, false),
    ] {
        let quota = json!({"hard": {"pods": "0"}, "scopes": [scope]});
        assert_eq!(told(&quota, &[], &modest).is_some(), of_modest, "{scope}");
        assert_eq!(told(&quota, &[], &bounded).is_some(), of_bounded, "{scope}");
    }
    let quota = json!({"hard": {"limits.memory": "1Gi", "requests.cpu": "1"}});
    assert_eq!(
        told(&quota, &[], &modest).as_deref(),
        Some("pods \"a\" is forbidden: failed quota: q: must specify limits.memory for: main; requests.cpu for: main")
    );
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}});
    assert_eq!(told(&json!({"hard": {"secrets": "0"}, "scopes": ["BestEffort"]}), &[], &secret), None);
    assert!(told(&json!({"hard": {"secrets": "0"}}), &[], &secret).is_some());
}

#[test]
fn services_and_claims_are_counted_by_what_they_are() {
    let service = |kind: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"},
            "spec": {"type": kind, "ports": [{"port": 1}, {"port": 2}]}})
    };
    // The one of the API server is there, too.
    let quota = json!({"hard": {"services": "2", "services.nodeports": "1", "services.loadbalancers": "0"}});
    assert_eq!(told(&quota, &[], &service("ClusterIP")), None);
    // One that is there is charged for what it becomes.
    assert_eq!(
        told(&quota, &[service("ClusterIP")], &service("LoadBalancer")).as_deref(),
        Some(
            "services \"s\" is forbidden: exceeded quota: q, requested: services.loadbalancers=1,services.nodeports=2, used: services.loadbalancers=0,services.nodeports=0, limited: services.loadbalancers=0,services.nodeports=1"
        )
    );
    let claim = |size: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "default"},
            "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": size}}}})
    };
    let quota = json!({"hard": {"requests.storage": "10Gi", "fast.storageclass.storage.k8s.io/requests.storage": "5Gi", "slow.storageclass.storage.k8s.io/persistentvolumeclaims": "0"}});
    assert_eq!(told(&quota, &[], &claim("5Gi")), None);
    assert_eq!(told(&quota, &[claim("5Gi")], &claim("5Gi")), None, "what does not grow is not charged");
    assert_eq!(
        told(&quota, &[claim("5Gi")], &claim("6Gi")).as_deref(),
        Some(
            "persistentvolumeclaims \"c\" is forbidden: exceeded quota: q, requested: fast.storageclass.storage.k8s.io/requests.storage=1Gi, used: fast.storageclass.storage.k8s.io/requests.storage=5Gi, limited: fast.storageclass.storage.k8s.io/requests.storage=5Gi"
        )
    );
}

#[test]
fn a_name_that_counts_nothing_is_not_in_use() {
    let sandbox = Sandbox::new(Kind::SingleNode);
    let world = sandbox.lock();
    let quota = json!({"metadata": {"namespace": "default"}, "spec": {"hard": {"count/deployments.apps": "1", "count/boats.sea": "1", "limits.cpu": "1"}}});
    let used: Vec<String> = used(&world, &quota).keys().cloned().collect();
    assert_eq!(used, ["count/deployments.apps", "limits.cpu"]);
}
