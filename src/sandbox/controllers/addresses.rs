//! `MetalLB`'s controller, as long as its Deployment runs: Services of type `LoadBalancer` get the first free address of a pool. Speakers that
//! talk to each other get a Secret for it, which they mount.
//! Reasons and words of its events: MetalLB 0.16, `controller/service.go` and `speaker/main.go`.

use std::net::Ipv4Addr;

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::ownership::owner_reference;
use crate::object::{items, text};
use crate::sandbox::containers::runs_image;
use crate::sandbox::world::World;

const POOLS: (&str, &str) = ("metallb.io/v1beta1", "ipaddresspools");

pub(super) fn run(world: &mut World) {
    if !runs_image(world, "metallb/controller") {
        return;
    }
    for deployment in world.all("Deployment") {
        make_key(world, &deployment);
    }
    for service in world.all("Service") {
        let classless = service["spec"].get("loadBalancerClass").is_none_or(Value::is_null);
        let given = items(&service, "/status/loadBalancer/ingress").next().is_some();
        if service["spec"]["type"] == "LoadBalancer" && classless && !given {
            give(world, Value::clone(&service));
        }
    }
}

/// The key of the speakers, when the controller is told its name: made once, and gone with the controller.
fn make_key(world: &mut World, deployment: &Value) -> Option<()> {
    let container = items(deployment, "/spec/template/spec/containers")
        .find(|container| text(container, "/image").is_some_and(|image| image.contains("metallb/controller")))?;
    let told = items(container, "/env").find(|variable| variable["name"] == "METALLB_ML_SECRET_NAME")?;
    let (name, namespace) = (text(told, "/value")?, text(deployment, "/metadata/namespace")?);
    if world.find("Secret", Some(namespace), name).is_none() {
        let owners = json!([owner_reference(deployment)]);
        let metadata = json!({"name": name, "namespace": namespace, "ownerReferences": owners});
        let key = ByteString(format!("the key of {name} in the sandbox").into_bytes());
        world.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"secretkey": key}}));
    }
    Some(())
}

fn give(world: &mut World, service: Value) {
    let Some((pool, address)) = free(world) else {
        let message = format!("Failed to allocate IP for \"{}\": no available IPs", name(&service));
        world.event(&service, ("Warning", "AllocationFailed"), &message, "metallb-controller");
        return;
    };
    let message = format!("Assigned IP [\"{address}\"]");
    world.event(&service, ("Normal", "IPAllocated"), &message, "metallb-controller");
    let node = world.store.all("Node").find_map(|node| text(node, "/metadata/name")).unwrap_or_default().to_owned();
    let message = format!("announcing from node \"{node}\" with protocol \"layer2\"");
    world.event(&service, ("Normal", "nodeAssigned"), &message, "metallb-speaker");
    let mut service = service;
    service["metadata"]["annotations"]["metallb.io/ip-allocated-from-pool"] = pool.into();
    let status = json!({"loadBalancer": {"ingress": [{"ip": address.to_string(), "ipMode": "VIP"}]}});
    world.put_status(&service, status);
}

fn name(service: &Value) -> String {
    let part = |pointer| text(service, pointer).unwrap_or_default();
    format!("{}/{}", part("/metadata/namespace"), part("/metadata/name"))
}

/// The first address of any pool that no Service has.
fn free(world: &World) -> Option<(String, Ipv4Addr)> {
    let services = world.store.all("Service").flat_map(|service| items(service, "/status/loadBalancer/ingress"));
    let taken: Vec<&str> = services.filter_map(|ingress| text(ingress, "/ip")).collect();
    let pools = world.store.range(POOLS.0, POOLS.1).map(|(_, pool)| pool);
    pools.filter(|pool| pool["spec"]["autoAssign"] != false).find_map(|pool| {
        let mut all = items(pool, "/spec/addresses")
            .filter_map(Value::as_str)
            .filter_map(ends)
            .flat_map(|(first, last)| first..=last);
        let address = all.find(|address| !taken.contains(&address.to_string().as_str()))?;
        Some((text(pool, "/metadata/name")?.to_owned(), address))
    })
}

/// The first and the last address of `first-last` or of a CIDR. Nodes of the sandbox have no IPv6.
fn ends(range: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    if let Some((first, last)) = range.split_once('-') {
        return Some((first.trim().parse().ok()?, last.trim().parse().ok()?));
    }
    let net: ipnet::Ipv4Net = range.parse().ok()?;
    Some((net.network(), net.broadcast()))
}
