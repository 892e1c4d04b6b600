//! What each fault that strikes once does to the world.

use serde_json::{Value, json};

use super::{is_target, targets, volumes};
use crate::etcd::EtcdSet;
use crate::object::{items, text};
use crate::sandbox::disks::Disks;
use crate::sandbox::etcd;
use crate::sandbox::store::{address_of, time};
use crate::sandbox::world::World;
use crate::snapshot::classes::is_default;
use crate::stack::stand_in;

/// How long a node is away that comes back, seconds.
pub(super) const AWAY: i64 = 1200;

pub(super) fn node_away(world: &mut World, target: &str) {
    for node in targets(world, "Node", target) {
        let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
        lasting(world, "node-unreachable", name.clone());
        let back = world.now.saturating_add(jiff::SignedDuration::from_secs(AWAY)).unwrap_or(jiff::Timestamp::MAX);
        world.returns.insert(name, back);
    }
}

pub(super) fn node_gone(world: &mut World, target: &str) {
    // Without a target one of them, not all: a cluster without nodes is another story.
    let count = if target.is_empty() { 1 } else { usize::MAX };
    let mut nodes = targets(world, "Node", target);
    nodes.reverse();
    nodes.into_iter().take(count).for_each(|node| world.remove(&node));
}

pub(super) fn volume_lost(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.remove(&volume);
    }
}

pub(super) fn volume_deleted(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.discard(&volume);
    }
}

pub(super) fn claim_released(world: &mut World, target: &str) {
    for mut volume in volumes(world, target) {
        volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
        world.put(volume);
    }
    for claim in targets(world, "PersistentVolumeClaim", target) {
        world.remove(&claim);
    }
}

pub(super) fn claim_erased(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.disks.erase(&Disks::place(&volume));
        world.remove(&volume);
    }
    for claim in targets(world, "PersistentVolumeClaim", target) {
        world.remove(&claim);
    }
}

pub(super) fn claim_deleted(world: &mut World, target: &str) {
    for claim in targets(world, "PersistentVolumeClaim", target) {
        world.discard(&claim);
    }
}

/// An object that nobody lets go, and then the whole namespace is told to go. Without a target the first one of an application.
pub(super) fn namespace_stuck(world: &mut World, target: &str) {
    let namespaces = targets(world, "Namespace", target);
    let goes = |namespace: &&Value| text(namespace, "/metadata/name").is_some_and(can_go);
    let Some(namespace) = namespaces.iter().find(goes) else { return };
    world.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": MARK, "namespace": namespace["metadata"]["name"],
        "finalizers": ["operator.sandbox.example/cleanup"]}}));
    world.discard(namespace);
}

pub(super) fn volume_emptied(world: &mut World, target: &str) {
    for volume in volumes(world, target) {
        world.disks.make(&Disks::place(&volume)).clear();
    }
}

pub(super) fn quota(world: &mut World, target: &str) {
    let own = |namespace: &&Value| !text(namespace, "/metadata/name").is_some_and(is_system);
    let namespaces: Vec<Value> = targets(world, "Namespace", target);
    for namespace in namespaces.iter().filter(own) {
        world.put(json!({"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "0"}},
            "metadata": {"name": MARK, "namespace": namespace["metadata"]["name"]}}));
    }
}

/// The namespaces of the cluster itself, and of our records.
pub(super) const SYSTEM: [&str; 5] =
    ["kube-system", "kube-public", "kube-node-lease", "local-path-storage", "seaworthy-system"];

pub(super) fn is_system(namespace: &str) -> bool {
    SYSTEM.contains(&namespace)
}

/// Whether a namespace can be deleted: no cluster lets go of its own, and of `default` either.
pub(super) fn can_go(namespace: &str) -> bool {
    !is_system(namespace) && namespace != "default"
}

pub(super) fn no_storage_class(world: &mut World, _: &str) {
    let classes: Vec<Value> = world.store.all("StorageClass").filter(|class| is_default(class)).cloned().collect();
    for class in &classes {
        world.remove(class);
    }
}

pub(super) fn api_down(world: &mut World, target: &str) {
    let seconds = target.parse().unwrap_or(3600);
    world.away_until = world.now.saturating_add(jiff::SignedDuration::from_secs(seconds)).ok();
}

pub(super) fn secret_deleted(world: &mut World, target: &str) {
    let secrets = targets(world, "Secret", target);
    let mounted = secrets.iter().filter(|secret| !text(secret, "/metadata/namespace").is_some_and(is_system));
    mounted.filter_map(address_of).for_each(|address| drop(world.store.remove(&address)));
}

/// The name of what a fault puts into the cluster.
pub(super) const MARK: &str = "sandbox-fault";
/// The taint of a node without disk.
pub(super) const NO_DISK: &str = "node.kubernetes.io/disk-pressure";

pub(super) fn webhook_down(world: &mut World, _: &str) {
    let rules = json!([{"apiGroups": ["", "apps", "batch"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"],
        "scope": "Namespaced"}]);
    // The cluster's own namespaces are let through, as careful installers do it.
    let others =
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": SYSTEM}]});
    let service = json!({"namespace": "sandbox-guard", "name": "guard", "path": "/judge", "port": 443});
    world.put(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": MARK}, "webhooks": [{"name": "guard.sandbox.example", "rules": rules, "clientConfig": {"service": service},
        "namespaceSelector": others, "objectSelector": {}, "matchPolicy": "Equivalent", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 10}]}));
}

pub(super) fn lasting(world: &mut World, name: &str, target: String) {
    let targets = world.faults.entry(name.to_owned()).or_default();
    if !targets.contains(&target) {
        targets.push(target);
    }
}

pub(super) fn dns_down(world: &mut World, _: &str) {
    lasting(world, "crash", "coredns".to_owned());
}

pub(super) fn disk_pressure(world: &mut World, target: &str) {
    let now = time(world.now);
    for mut node in targets(world, "Node", target) {
        let name = text(&node, "/metadata/name").unwrap_or_default().to_owned();
        press(&mut node, true, &now);
        world.put(node);
        let own = |pod: &&Value| {
            text(pod, "/spec/nodeName") == Some(&name) && !text(pod, "/metadata/namespace").is_some_and(is_system)
        };
        let pods: Vec<Value> = world.store.all("Pod").filter(own).cloned().collect();
        for mut pod in pods {
            let message = "The node was low on resource: ephemeral-storage. ";
            pod["status"] = json!({"phase": "Failed", "reason": "Evicted", "message": message});
            let pod = world.put(pod);
            world.event(&pod, ("Warning", "Evicted"), message, "kubelet");
        }
    }
}

/// The condition and the taint of a node that has no disk left, or has it again.
pub(super) fn press(node: &mut Value, pressed: bool, now: &str) {
    let (status, reason, message) = if pressed {
        ("True", "KubeletHasDiskPressure", "kubelet has disk pressure")
    } else {
        ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure")
    };
    for condition in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if condition["type"] == "DiskPressure" && condition["status"] != status {
            condition["status"] = status.into();
            condition["reason"] = reason.into();
            condition["message"] = message.into();
            condition["lastTransitionTime"] = now.into();
        }
    }
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    taints.retain(|taint| taint["key"] != NO_DISK);
    if pressed {
        taints.push(json!({"key": NO_DISK, "effect": "NoSchedule"}));
    }
    match node["spec"].as_object_mut() {
        Some(spec) if taints.is_empty() => {
            spec.shift_remove("taints");
        }
        _ => node["spec"]["taints"] = taints.into(),
    }
}

/// The pods in which a container is called etcd, of the applications.
pub(super) fn members(world: &World) -> Vec<Value> {
    let is_member = |pod: &&Value| {
        items(pod, "/spec/containers").any(|container| container["name"] == "etcd")
            && !text(pod, "/metadata/namespace").is_some_and(is_system)
            && pod["metadata"]["labels"].get(stand_in::LABEL).is_none()
    };
    world.store.all("Pod").filter(is_member).cloned().collect()
}

pub(super) fn etcd_member_wiped(world: &mut World, target: &str) {
    let Some(pod) = members(world).into_iter().find(|pod| is_member(pod, target)) else { return };
    wipe(world, &pod);
}

/// Whether a pod is meant, by its name or by that of a claim that it has.
pub(super) fn is_member(pod: &Value, target: &str) -> bool {
    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
    is_target(pod, target) || claims_of(pod).any(|claim| claim == target || format!("{namespace}/{claim}") == target)
}

pub(super) fn claims_of(pod: &Value) -> impl Iterator<Item = &str> {
    items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
}

pub(super) fn wipe(world: &mut World, pod: &Value) {
    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
    for claim in claims_of(pod) {
        volume_emptied(world, &format!("{namespace}/{claim}"));
    }
    world.discard(pod);
}

/// The members of the etcds that are meant: by the name of the `StatefulSet`, or of one of their members.
pub(super) fn crew(world: &World, target: &str) -> Vec<(EtcdSet, Vec<Value>)> {
    let of_it = |set: EtcdSet| {
        let pods = set.pods().into_iter().filter_map(|pod| world.find("Pod", Some(&set.namespace), &pod).cloned());
        let pods: Vec<Value> = pods.collect();
        (set, pods)
    };
    let is_meant = |(set, pods): &(EtcdSet, Vec<Value>)| {
        let by_set = world.find("StatefulSet", Some(&set.namespace), set.name());
        by_set.is_some_and(|set| is_target(set, target)) || pods.iter().any(|pod| is_member(pod, target))
    };
    etcd::harm::sets(world).into_iter().map(of_it).filter(is_meant).collect()
}

pub(super) fn etcd_wiped(world: &mut World, target: &str) {
    for pod in crew(world, target).iter().flat_map(|(_, pods)| pods) {
        wipe(world, pod);
    }
}

/// The claims stay, and wait for volumes that nobody makes again: the members do not come back by themselves.
pub(super) fn etcd_majority_gone(world: &mut World, target: &str) {
    for (_, pods) in crew(world, target) {
        let Some((_, lost)) = pods.split_last() else { continue };
        for pod in lost {
            let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
            for claim in claims_of(pod) {
                let target = format!("{namespace}/{claim}");
                for volume in volumes(world, &target) {
                    world.disks.erase(&Disks::place(&volume));
                }
                volume_lost(world, &target);
            }
            world.discard(pod);
        }
    }
}

pub(super) fn etcd_corrupt(world: &mut World, target: &str) {
    let Some(pod) = members(world).into_iter().find(|pod| is_member(pod, target)) else { return };
    etcd::harm::corrupt(world, &pod);
    world.discard(&pod);
}

pub(super) fn etcd_full(world: &mut World, target: &str) {
    for (set, _) in crew(world, target) {
        etcd::harm::fill(world, &set);
    }
}

pub(super) fn etcd_quorum_lost(world: &mut World, _: &str) {
    let all = members(world);
    for pod in all.iter().take(all.len() / 2 + 1) {
        let target = format!("{}/etcd", text(pod, "/metadata/name").unwrap_or_default());
        lasting(world, "crash", target);
    }
}
