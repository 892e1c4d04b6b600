//! Ways to pods, and what is behind them.

use serde_json::Value;

use super::{labels, listed};
use crate::object::{items, number, text};

/// How many ports and addresses are shown; the rest is counted.
const SHOWN: usize = 3;

fn shortened(all: &[String], separator: &str) -> String {
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(separator);
    match all.len() {
        0 => "<none>".to_owned(),
        count if count > SHOWN => format!("{shown} + {} more...", count - SHOWN),
        _ => shown,
    }
}

pub(super) fn network(kind: &str, column: &str, object: &Value) -> Value {
    let part = |pointer| text(object, pointer).unwrap_or_default();
    match (kind, column) {
        ("NetworkPolicy", _) => labels(&object["spec"]["podSelector"]["matchLabels"]).into(),
        ("IngressClass", "Controller") => part("/spec/controller").into(),
        ("IngressClass", _) => "<none>".into(),
        ("Ingress", "Class") => text(object, "/spec/ingressClassName").unwrap_or("<none>").into(),
        ("Ingress", "Hosts") => {
            let hosts: Vec<String> =
                items(object, "/spec/rules").filter_map(|rule| text(rule, "/host").map(str::to_owned)).collect();
            if hosts.is_empty() { "*".into() } else { shortened(&hosts, ",").into() }
        }
        ("Ingress", "Address") => {
            let all = items(object, "/status/loadBalancer/ingress");
            let all: Vec<&str> = all.filter_map(|one| text(one, "/ip").or_else(|| text(one, "/hostname"))).collect();
            all.join(",").into()
        }
        ("Ingress", _) => if object["spec"].get("tls").is_some() { "80, 443" } else { "80" }.into(),
        ("EndpointSlice", "AddressType") => part("/addressType").into(),
        ("EndpointSlice", "Ports") => {
            let ports: Vec<String> = items(object, "/ports")
                .map(|port| number(port, "/port").map_or_else(|| "*".to_owned(), |port| port.to_string()))
                .collect();
            if ports.is_empty() { "<unset>".into() } else { shortened(&ports, ",").into() }
        }
        ("EndpointSlice", _) => {
            let all = items(object, "/endpoints").flat_map(|endpoint| items(endpoint, "/addresses"));
            let all: Vec<String> = all.filter_map(|address| address.as_str().map(str::to_owned)).collect();
            if all.is_empty() { "<unset>".into() } else { shortened(&all, ",").into() }
        }
        _ => endpoints(object).into(),
    }
}

fn endpoints(object: &Value) -> String {
    let all = items(object, "/subsets").flat_map(|subset| {
        let ports: Vec<i64> = items(subset, "/ports").filter_map(|port| number(port, "/port")).collect();
        let addresses = items(subset, "/addresses").filter_map(|address| text(address, "/ip").map(str::to_owned));
        let addresses: Vec<String> = addresses.collect();
        if ports.is_empty() {
            return addresses;
        }
        ports.iter().flat_map(|port| addresses.iter().map(move |ip| format!("{ip}:{port}"))).collect()
    });
    shortened(&all.collect::<Vec<_>>(), ",")
}

pub(super) fn service(column: &str, service: &Value) -> Value {
    let part = |pointer| text(service, pointer).unwrap_or_default();
    match column {
        "Selector" => labels(&service["spec"]["selector"]).into(),
        "Type" => part("/spec/type").into(),
        "Cluster-IP" => text(service, "/spec/clusterIP").unwrap_or("<none>").into(),
        "External-IP" if part("/spec/type") == "LoadBalancer" => {
            let all = listed(service, "/status/loadBalancer/ingress", "/ip");
            if all.is_empty() { "<pending>".into() } else { all.into() }
        }
        "External-IP" => text(service, "/spec/externalName").unwrap_or("<none>").into(),
        _ => {
            let port = |port: &Value| {
                let outer = port["nodePort"].as_i64().map_or(String::new(), |outer| format!(":{outer}"));
                format!("{}{outer}/{}", port["port"], text(port, "/protocol").unwrap_or("TCP"))
            };
            let all: Vec<String> = items(service, "/spec/ports").map(port).collect();
            if all.is_empty() { "<none>".into() } else { all.join(",").into() }
        }
    }
}
