//! Namespaces: what every one of them has, and that one goes when everything in it is gone.

use serde_json::{Value, json};

use crate::object::text;
use crate::sandbox::address::Address;
use crate::sandbox::world::World;

const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

pub(super) fn run(world: &mut World) {
    for namespace in world.all("Namespace") {
        let name = text(&namespace, "/metadata/name").unwrap_or_default().to_owned();
        if namespace["metadata"].get("deletionTimestamp").is_some() {
            empty(world, &namespace, &name);
        } else {
            furnish(world, &name);
        }
    }
}

fn furnish(world: &mut World, name: &str) {
    if world.find("ServiceAccount", Some(name), "default").is_none() {
        world.put(
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}),
        );
    }
    if world.find("ConfigMap", Some(name), "kube-root-ca.crt").is_none() {
        world.put(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "namespace": name, "annotations": {"kubernetes.io/description": DESCRIPTION}},
            "data": {"ca.crt": "the sandbox has no certificates"}}),
        );
    }
}

fn empty(world: &mut World, namespace: &Value, name: &str) {
    let within: Vec<Address> = world
        .store
        .iter()
        .map(|(address, _)| address)
        .filter(|address| address.namespace.as_deref() == Some(name))
        .cloned()
        .collect();
    for address in &within {
        // Asked for before, or gone with something else meanwhile.
        let _ = world.delete(address, None);
    }
    let left: Vec<&Address> = within.iter().filter(|address| world.store.get(address).is_some()).collect();
    if left.is_empty() {
        return world.remove(namespace);
    }
    let held: Vec<String> = left
        .iter()
        .filter_map(|address| world.store.get(address))
        .flat_map(|object| {
            crate::object::items(object, "/metadata/finalizers")
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    let condition = |kind: &str, (reason, message): (&str, String)| {
        let status = if kind.starts_with("NamespaceDeletion") { "False" } else { "True" };
        json!({"type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": namespace["metadata"]["deletionTimestamp"]})
    };
    let some = left.iter().map(|address| format!("{}.{} has 1 resource instances", address.plural, address.group()));
    let fine = [
        ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
    ];
    let mut conditions: Vec<Value> =
        fine.iter().map(|(kind, reason, message)| condition(kind, (reason, (*message).to_owned()))).collect();
    conditions.push(condition(
        "NamespaceContentRemaining",
        ("SomeResourcesRemain", format!("Some resources are remaining: {}", some.collect::<Vec<_>>().join(", "))),
    ));
    if !held.is_empty() {
        let said = held.iter().map(|name| format!("{name} in 1 resource instances")).collect::<Vec<_>>().join(", ");
        conditions.push(condition(
            "NamespaceFinalizersRemaining",
            ("SomeFinalizersRemain", format!("Some content in the namespace has finalizers remaining: {said}")),
        ));
    }
    world.put_status(namespace, json!({"phase": "Terminating", "conditions": conditions}));
}
