//! Who has addresses in a cluster: its Services, and MetalLB's pools.

use std::net::IpAddr;

use kube::core::ApiResource;
use serde_json::Value;

use super::inputs::{Holder, Pool, Used};
use super::range::Range;
use crate::object::{items, printable, text};
use crate::plan::STACK_LABEL;
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope};

/// Annotations with which a Service asks MetalLB for addresses: today's name and the one before 0.13.
const WISHES: [&str; 2] =
    ["/metadata/annotations/metallb.io~1loadBalancerIPs", "/metadata/annotations/metallb.universe.tf~1loadBalancerIPs"];

/// The question for the pools. Where MetalLB is not, the answer is 404, which means none.
pub(crate) fn pools_query() -> Query {
    Query {
        resource: ApiResource {
            group: "metallb.io".to_owned(),
            version: "v1beta1".to_owned(),
            api_version: "metallb.io/v1beta1".to_owned(),
            kind: "IPAddressPool".to_owned(),
            plural: "ipaddresspools".to_owned(),
        },
        namespace: None,
        scope: Scope::All,
    }
}

/// The addresses that Services have, and those that they ask for and have not got.
pub(super) fn services(snapshot: &Snapshot) -> Vec<Used> {
    let of = |service: &Value| {
        let part = |pointer| printable(text(service, pointer).unwrap_or_default());
        let name = format!("{}/{}", part("/metadata/namespace"), part("/metadata/name"));
        let given = items(service, "/status/loadBalancer/ingress").filter_map(|ingress| text(ingress, "/ip"));
        let given = given.chain(items(service, "/spec/externalIPs").filter_map(Value::as_str));
        let wished = WISHES.into_iter().filter_map(|pointer| text(service, pointer)).flat_map(|list| list.split(','));
        let wished = wished.chain(text(service, "/spec/loadBalancerIP"));
        let range = |address: &str| address.trim().parse::<IpAddr>().ok().map(Range::one);
        let given = given.filter_map(range).map(|range| Used { range, by: Holder::Service { name: name.clone() } });
        let wished = wished.filter_map(range).map(|range| Used { range, by: Holder::Wish { name: name.clone() } });
        let mut all: Vec<Used> = given.collect();
        let fulfilled: Vec<Range> = all.iter().map(|used| used.range).collect();
        all.extend(wished.filter(|wish| !fulfilled.contains(&wish.range)));
        all
    };
    snapshot.of_kind("", "Service").flat_map(of).collect()
}

/// The pools, and what of them cannot be understood.
pub(super) fn pools(snapshot: &Snapshot) -> (Vec<Pool>, Vec<String>) {
    let (mut pools, mut strange) = (Vec::new(), Vec::new());
    for object in snapshot.of_kind("metallb.io", "IPAddressPool") {
        let name = printable(text(object, "/metadata/name").unwrap_or_default());
        let ours = object.pointer("/metadata/labels").is_some_and(|labels| labels.get(STACK_LABEL).is_some());
        let mut ranges = Vec::new();
        for written in items(object, "/spec/addresses").filter_map(Value::as_str) {
            match written.parse::<Range>() {
                Ok(range) => ranges.push(range),
                Err(fault) => strange
                    .push(format!("IPAddressPool {name} is not counted in full: {}", printable(&fault.to_string()))),
            }
        }
        pools.push(Pool { name, ranges, ours });
    }
    (pools, strange)
}
