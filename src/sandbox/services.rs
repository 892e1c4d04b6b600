//! The addresses of Services, which the API server itself gives out.

use serde_json::{Value, json};

use super::world::World;
use crate::object::items;

/// Fills in a Service: type, addresses, ports.
pub(super) fn complete(object: &mut Value, live: Option<&Value>, world: &mut World) {
    if !object["spec"].is_object() {
        object["spec"] = json!({});
    }
    let spec = &mut object["spec"];
    let kind = spec["type"].as_str().unwrap_or("ClusterIP").to_owned();
    default(spec, "type", kind.as_str().into());
    default(spec, "sessionAffinity", "None".into());
    if let Some(Value::Array(ports)) = spec.get_mut("ports") {
        for port in ports {
            default(port, "protocol", "TCP".into());
            let number = port["port"].clone();
            default(port, "targetPort", number);
        }
    }
    if kind == "ExternalName" {
        return;
    }
    default(spec, "internalTrafficPolicy", "Cluster".into());
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", "SingleStack".into());
    let known = live.map(|live| live["spec"]["clusterIP"].clone()).filter(|address| !address.is_null());
    let address = known.unwrap_or_else(|| free_address(world).into());
    default(spec, "clusterIP", address);
    let address = spec["clusterIP"].clone();
    default(spec, "clusterIPs", json!([address]));
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        node_ports(spec, live, world);
        default(spec, "externalTrafficPolicy", "Cluster".into());
        if kind == "LoadBalancer" {
            default(spec, "allocateLoadBalancerNodePorts", true.into());
        }
    }
    default(object, "status", json!({"loadBalancer": {}}));
}

fn default(object: &mut Value, key: &str, value: Value) {
    if object.get(key).is_none_or(Value::is_null) {
        object[key] = value;
    }
}

/// The first free address of 10.96.0.0/16 after the two that are promised (the API server, DNS).
fn free_address(world: &World) -> String {
    let taken: Vec<&str> =
        world.store.all("Service").filter_map(|service| service["spec"]["clusterIP"].as_str()).collect();
    let all = (0..=255_u16).flat_map(|high| (1..=254_u16).map(move |low| format!("10.96.{high}.{low}")));
    all.skip(10).find(|address| !taken.contains(&address.as_str())).unwrap_or_default()
}

fn node_ports(spec: &mut Value, live: Option<&Value>, world: &World) {
    let ports = world.store.all("Service").flat_map(|service| items(service, "/spec/ports"));
    let mut taken: Vec<i64> = ports.filter_map(|port| port["nodePort"].as_i64()).collect();
    let before: Vec<Value> = live.into_iter().flat_map(|live| items(live, "/spec/ports").cloned()).collect();
    let Some(Value::Array(ports)) = spec.get_mut("ports") else { return };
    for port in ports {
        let known = before.iter().find(|known| known["port"] == port["port"] && known["protocol"] == port["protocol"]);
        let known = known.and_then(|known| known["nodePort"].as_i64());
        let Some(free) = known.or_else(|| (30000..32768).find(|number| !taken.contains(number))) else { return };
        taken.push(free);
        default(port, "nodePort", free.into());
    }
}
