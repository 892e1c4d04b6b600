//! What a new sandbox has: nodes, the namespaces of every cluster, DNS, and local-path as default storage.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::address::Address;
use super::api::VERSION;
use super::defaults;
use super::disks::Disks;
use super::faults::Standing;
use super::ids::Ids;
use super::kind::Kind;
use super::store::{Store, address_of, time};
use super::world::{Logs, Remains, World};

/// The provisioner of the default storage class.
pub(super) const PROVISIONER: &str = "rancher.io/local-path";
/// Where its program runs.
pub(super) const STORAGE: &str = "local-path-storage";
/// The network of the nodes; the first of them has its second address.
pub(super) const SUBNET: &str = "172.30.0.0/16";
/// How long ago the cluster was made, in seconds: long enough for everything in it to have come to rest.
const AGE: i64 = 600;

/// A cluster of this kind, at rest.
pub(super) fn fresh(kind: Kind, now: Timestamp, seed: String) -> World {
    let began = now.saturating_sub(jiff::SignedDuration::from_secs(AGE)).unwrap_or(now);
    let store = Store::restored(Vec::new(), 1, Ids::new(seed));
    let remains = Remains {
        disks: Disks::default(),
        faults: Standing::default(),
        ways: Vec::new(),
        logs: Logs::new(),
        now: began,
        away_until: None,
        returns: [].into(),
    };
    let mut world = World::new(kind, store, remains);
    for name in ["kube-system", "default", "kube-public", "kube-node-lease", STORAGE] {
        made(&mut world, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    }
    nodes(&mut world);
    storage(&mut world);
    dns(&mut world);
    made(
        &mut world,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes", "namespace": "default",
        "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]}}),
    );
    made(
        &mut world,
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": ["10.96.0.0/16"]}}),
    );
    world.rest(AGE);
    world.settle(now);
    // As after a compaction: no client can have seen what was before.
    world.store.forget();
    world
}

/// Writes an object as if it had been sent, unless it is there.
fn made(world: &mut World, mut object: Value) {
    let Some(address) = address_of(&object) else { return };
    if world.store.get(&address).is_none() {
        defaults::complete(&mut object, None, world);
        world.put(object);
    }
}

/// The nodes that this kind of sandbox has and that are not there.
pub(super) fn nodes(world: &mut World) {
    for (index, name) in world.kind.nodes().into_iter().enumerate() {
        let node = node(&name, index + 1, world.now);
        made(world, node);
        made(
            world,
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40}}),
        );
    }
}

fn node(name: &str, number: usize, now: Timestamp) -> Value {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": time(now), "lastTransitionTime": time(now)})
    };
    let room = json!({"cpu": "4", "memory": "8Gi", "ephemeral-storage": "100Gi", "pods": "110"});
    json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64"}},
        "spec": {"podCIDR": format!("10.244.{number}.0/24"), "podCIDRs": [format!("10.244.{number}.0/24")]},
        "status": {"addresses": [{"type": "InternalIP", "address": format!("172.30.0.{}", number + 1)}, {"type": "Hostname", "address": name}],
            "capacity": room, "allocatable": room,
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {"architecture": "amd64", "bootID": "", "containerRuntimeVersion": "sandbox://1", "kernelVersion": "sandbox",
                "kubeProxyVersion": VERSION, "kubeletVersion": VERSION, "machineID": "", "operatingSystem": "linux",
                "osImage": "Seaworthy sandbox", "systemUUID": ""}}})
}

/// local-path: its class, and the Deployment without which nothing is provisioned.
pub(super) fn storage(world: &mut World) {
    made(
        world,
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": PROVISIONER,
        "metadata": {"name": "local-path", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer"}),
    );
    made(world, deployment(STORAGE, "local-path-provisioner", "rancher/local-path-provisioner:v0.0.30", &json!([])));
}

fn dns(world: &mut World) {
    let ports = json!([{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"}]);
    let mut coredns = deployment("kube-system", "coredns", "registry.k8s.io/coredns/coredns:v1.13.1", &ports);
    let labels = json!({"k8s-app": "kube-dns"});
    coredns["spec"]["selector"]["matchLabels"] = labels.clone();
    coredns["spec"]["template"]["metadata"]["labels"] = labels.clone();
    coredns["metadata"]["labels"] = labels.clone();
    made(world, coredns);
    made(
        world,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
        "spec": {"clusterIP": "10.96.0.10", "selector": labels,
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]}}),
    );
}

fn deployment(namespace: &str, name: &str, image: &str, ports: &Value) -> Value {
    let labels = json!({"app": name});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": name, "image": image, "ports": ports,
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}]}}}})
}

/// The uid of the namespace by which a cluster is known.
pub(super) fn identity(world: &World) -> String {
    let namespace = world.store.get(&Address::new("v1", "namespaces", None, "kube-system"));
    namespace.and_then(|namespace| namespace["metadata"]["uid"].as_str()).unwrap_or_default().to_owned()
}
