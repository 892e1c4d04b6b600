//! Service and Ingress.

use serde_json::Value;

use super::Readiness;
use crate::object::{items, printable, text};

/// A Service is usable as soon as it is written, but for one that waits for an address from outside (kstatus, helm).
pub(super) fn service(object: &Value) -> Readiness {
    if text(object, "/spec/type") != Some("LoadBalancer") {
        return Readiness::ready();
    }
    match address(object) {
        Some(address) => Readiness::noted(address),
        None => Readiness::waiting("no address from a load balancer yet"),
    }
}

/// An Ingress is only a wish; whether something serves it is nothing an installation may fail on.
pub(super) fn ingress(object: &Value) -> Readiness {
    Readiness::noted(address(object).unwrap_or_else(|| "no address yet".to_owned()))
}

/// The addresses or host names that were handed out.
fn address(object: &Value) -> Option<String> {
    let addresses: Vec<_> = items(object, "/status/loadBalancer/ingress")
        .filter_map(|entry| text(entry, "/ip").or_else(|| text(entry, "/hostname")))
        .collect();
    (!addresses.is_empty()).then(|| printable(&addresses.join(", ")))
}
