//! Addresses for Services of type `LoadBalancer`: whether somebody gives them, and whether there are enough. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Around, Objection, Subject, written};
use crate::network::Range;
use crate::object::{ObjectRef, items, text};

pub(super) fn judge(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    let wanted: Vec<ObjectRef> =
        written(subject.plan).filter(|object| asks(object)).filter_map(ObjectRef::of).collect();
    let has = |reference: &&ObjectRef| {
        let live = around.snapshot.get(reference);
        live.is_some_and(|live| items(live, "/status/loadBalancer/ingress").next().is_some())
    };
    let without: Vec<&ObjectRef> = wanted.iter().filter(|reference| !has(reference)).collect();
    let Some(first) = without.first() else { return Vec::new() };
    if let Some((Some(false), why)) = &around.load_balancer {
        let message = format!("nobody would give {first} an address: {why}");
        let remedy = "`seaworthy prerequisites install metallb`, or another Service type in the values";
        return vec![Objection::refusal("addresses", message, remedy).about((*first).clone())];
    }
    let Some(free) = free(around) else { return Vec::new() };
    if usize::try_from(free).is_ok_and(|free| free < without.len()) {
        return vec![too_few(&without, free, first)];
    }
    Vec::new()
}

fn too_few(without: &[&ObjectRef], free: u64, first: &ObjectRef) -> Objection {
    let message = format!("{} Services ask for an address, and the pools have {free} left", without.len());
    let remedy =
        "enlarge the pool (`seaworthy prerequisites pool` shows what may be in it), or choose another Service type";
    Objection::refusal("addresses", message, remedy).about(first.clone())
}

fn asks(object: &Value) -> bool {
    object["kind"] == "Service"
        && object["spec"]["type"] == "LoadBalancer"
        && text(object, "/spec/loadBalancerClass").is_none()
}

/// The addresses that pools give without being asked, and nobody has; `None`: there are no pools, or a part that cannot be read.
fn free(around: &Around) -> Option<u64> {
    let gives = |pool: &&Value| pool.pointer("/spec/autoAssign") != Some(&Value::Bool(false));
    let pools: Vec<&Value> = around.snapshot.of_kind("metallb.io", "IPAddressPool").filter(gives).collect();
    let ranges: Vec<Range> = pools
        .iter()
        .flat_map(|pool| items(pool, "/spec/addresses"))
        .map(|range| range.as_str()?.parse().ok())
        .collect::<Option<_>>()?;
    if ranges.is_empty() {
        return None;
    }
    let services = around.snapshot.of_kind("", "Service");
    let given: BTreeSet<std::net::IpAddr> = services
        .flat_map(|service| items(service, "/status/loadBalancer/ingress"))
        .filter_map(|ingress| text(ingress, "/ip")?.parse().ok())
        .collect();
    let inside = given.iter().filter(|address| ranges.iter().any(|range| range.holds(**address))).count();
    let all = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.size()));
    Some(all.saturating_sub(u64::try_from(inside).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{around, lines, plan, subject};
    use super::*;

    fn service(name: &str, address: Option<&str>) -> Value {
        let ingress: Vec<Value> = address.map(|ip| json!({"ip": ip})).into_iter().collect();
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "sea"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}, "status": {"loadBalancer": {"ingress": ingress}}})
    }

    fn pool(addresses: &str, auto: bool) -> Value {
        json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": {"name": "p", "namespace": "metallb-system"},
            "spec": {"addresses": [addresses], "autoAssign": auto}})
    }

    #[test]
    fn there_have_to_be_as_many_as_are_asked_for() {
        let plan = plan(["a", "b", "c"].map(|name| service(name, None)));
        let told = |there: Vec<Value>| lines(&judge(subject(&plan), &around(there)));
        assert_eq!(told(vec![pool("10.0.0.1-10.0.0.3", true)]), [""; 0]);
        assert_eq!(
            told(vec![pool("10.0.0.1-10.0.0.3", true), service("x", Some("10.0.0.2"))]),
            ["refuses: 3 Services ask for an address, and the pools have 2 left"]
        );
        assert_eq!(
            told(vec![pool("10.0.0.1-10.0.0.3", true), service("a", Some("10.0.0.2"))]),
            [""; 0],
            "a has its own"
        );
        assert_eq!(told(vec![pool("10.0.0.1-10.0.0.2", false)]), [""; 0], "somebody else may give them");
    }

    #[test]
    fn an_address_that_nobody_gives_is_waited_for_in_vain() {
        let plan = plan([service("a", None)]);
        let told = |there| lines(&judge(subject(&plan), &Around { load_balancer: Some(there), ..around([]) }));
        assert_eq!(
            told((Some(false), "nobody gives addresses".to_owned())),
            ["refuses: nobody would give Service/sea/a an address: nobody gives addresses"]
        );
        assert_eq!(told((None, "it may not be read".to_owned())), [""; 0]);
    }
}
