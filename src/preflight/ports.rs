//! Ports of the nodes that Services ask for by number. Pure. Those of pods are part of what has to fit (`packing`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Around, Objection, Subject, written};
use crate::host::distribution::Distribution;
use crate::object::{ObjectRef, items, number, text};

pub(super) fn judge(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    if around.snapshot.is_unread("Service") {
        return Vec::new();
    }
    let made: Vec<(ObjectRef, &Value)> = services(written(subject.plan)).collect();
    let is_own = |reference: &ObjectRef| made.iter().any(|(own, _)| own.same_object(reference));
    let others: Vec<(ObjectRef, &Value)> =
        services(around.snapshot.of_kind("", "Service")).filter(|(reference, _)| !is_own(reference)).collect();
    let all = || made.iter().chain(&others);
    let mut found = node_ports(&made, &taken(all(), node_ports_of));
    if matches!(around.distribution, Some(Distribution::K3s | Distribution::K3d)) {
        found.extend(shared_ports(&made, &taken(all(), balanced_ports)));
    }
    found
}

/// A port with its protocol, and who has asked for it.
type Taken = BTreeMap<(i64, String), Vec<ObjectRef>>;

fn services<'a>(objects: impl Iterator<Item = &'a Value>) -> impl Iterator<Item = (ObjectRef, &'a Value)> {
    objects.filter(|object| object["kind"] == "Service").filter_map(|object| Some((ObjectRef::of(object)?, object)))
}

fn taken<'a>(
    services: impl Iterator<Item = &'a (ObjectRef, &'a Value)>,
    ports: fn(&Value) -> Vec<(i64, String)>,
) -> Taken {
    let mut taken = Taken::new();
    for (reference, service) in services {
        for port in ports(service) {
            taken.entry(port).or_default().push(reference.clone());
        }
    }
    taken
}

fn protocol(port: &Value) -> String {
    text(port, "/protocol").unwrap_or("TCP").to_owned()
}

fn node_ports_of(service: &Value) -> Vec<(i64, String)> {
    let ports = items(service, "/spec/ports");
    ports.filter_map(|port| Some((number(port, "/nodePort").filter(|port| *port > 0)?, protocol(port)))).collect()
}

/// k3s' service load balancer takes each port on every node (k3s documentation, "Service Load Balancer").
fn balanced_ports(service: &Value) -> Vec<(i64, String)> {
    if service["spec"]["type"] != "LoadBalancer" || text(service, "/spec/loadBalancerClass").is_some() {
        return Vec::new();
    }
    items(service, "/spec/ports").filter_map(|port| Some((number(port, "/port")?, protocol(port)))).collect()
}

fn node_ports(made: &[(ObjectRef, &Value)], taken: &Taken) -> Vec<Objection> {
    clashes(made, taken, |(port, protocol), own, other| {
        let message = format!("port {port}/{protocol} of the nodes, which {own} asks for, belongs to {other}");
        Objection::refusal(
            "ports",
            message,
            "choose another nodePort in the values, or leave the choice to the cluster",
        )
    })
}

fn shared_ports(made: &[(ObjectRef, &Value)], taken: &Taken) -> Vec<Objection> {
    clashes(made, taken, |(port, protocol), own, other| {
        let message = format!(
            "{own} and {other} both ask k3s' load balancer for port {port}/{protocol}, and each node can give it to one"
        );
        let remedy = "choose another port or Service type in the values, or install metallb in the place of k3s' own load balancer";
        Objection::refusal("ports", message, remedy)
    })
}

fn clashes(
    made: &[(ObjectRef, &Value)],
    taken: &Taken,
    told: impl Fn(&(i64, String), &ObjectRef, &ObjectRef) -> Objection,
) -> Vec<Objection> {
    let mut found = Vec::new();
    for (port, holders) in taken {
        let Some(own) = holders.iter().find(|holder| made.iter().any(|(own, _)| own == *holder)) else { continue };
        if let Some(other) = holders.iter().rev().find(|holder| *holder != own) {
            found.push(told(port, own, other).about(own.clone()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{around, lines, plan, subject};
    use super::*;

    fn service(namespace: &str, kind: &str, port: u16, node_port: Option<u16>) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"type": kind, "ports": [{"port": port, "nodePort": node_port}]}})
    }

    #[test]
    fn a_port_of_the_nodes_belongs_to_one_service() {
        let plan = plan([service("sea", "NodePort", 80, Some(30080))]);
        let told = |there| lines(&judge(subject(&plan), &around([there])));
        assert_eq!(
            told(service("other", "NodePort", 81, Some(30080))),
            ["refuses: port 30080/TCP of the nodes, which Service/sea/web asks for, belongs to Service/other/web"]
        );
        assert_eq!(told(service("other", "NodePort", 80, Some(30081))), [""; 0]);
        assert_eq!(told(service("sea", "NodePort", 80, Some(30080))), [""; 0], "its own, from before");
    }

    #[test]
    fn k3s_gives_each_port_once() {
        let plan = plan([service("sea", "LoadBalancer", 80, None)]);
        let told = |distribution| {
            let around = Around { distribution, ..around([service("kube-system", "LoadBalancer", 80, None)]) };
            lines(&judge(subject(&plan), &around))
        };
        assert_eq!(
            told(Some(Distribution::K3s)),
            [
                "refuses: Service/sea/web and Service/kube-system/web both ask k3s' load balancer for port 80/TCP, and each node can give it to one"
            ]
        );
        assert_eq!(told(Some(Distribution::Kind)), [""; 0]);
    }
}
