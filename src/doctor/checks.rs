//! The catalogue: every check, a file for each group. Ids and severities follow the project's study of what goes wrong in
//! clusters; rows that are not built yet are simply not here.

mod autoscaling;
pub(super) mod budgets;
mod certificates;
mod control;
pub(super) mod dns;
mod etcd;
pub(super) mod ingress;
pub(super) mod namespaces;
mod nodes;
mod quotas;
mod rules;
mod services;
pub(super) mod volumes;
mod webhooks;
mod workloads;

use serde_json::Value;

use super::check::{Check, Verdict};
use super::evidence::Evidence;
use super::finding::Finding;
use crate::error::closest;
use crate::object::ObjectRef;

/// The tables, in the order in which checks are listed.
static TABLES: &[&[Check]] = &[
    control::ROWS,
    nodes::ROWS,
    rules::scheduling::ROWS,
    rules::images::ROWS,
    rules::containers::ROWS,
    rules::pods::ROWS,
    workloads::ROWS,
    rules::workloads::ROWS,
    rules::volumes::ROWS,
    volumes::ROWS,
    services::ROWS,
    rules::network::ROWS,
    ingress::ROWS,
    dns::ROWS,
    autoscaling::ROWS,
    budgets::ROWS,
    quotas::ROWS,
    rules::admission::ROWS,
    webhooks::ROWS,
    namespaces::ROWS,
    certificates::ROWS,
    etcd::ROWS,
];

/// All checks.
pub fn all() -> impl Iterator<Item = &'static Check> {
    TABLES.iter().copied().flatten()
}

/// The check with this id, in whatever case it is written.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id.eq_ignore_ascii_case(id))
}

/// The id nearest to what was typed.
pub fn nearest(typed: &str) -> Option<&'static str> {
    closest(typed, all().map(|check| check.id))
}

/// Looks at every object of a kind.
fn each(evidence: &Evidence, kind: (&str, &str), look: impl Fn(&Value, ObjectRef) -> Option<Finding>) -> Verdict {
    each_that(evidence, kind, |_| true, look)
}

/// Looks at those objects of a kind which the check is about.
fn each_that(
    evidence: &Evidence,
    (group, kind): (&str, &str),
    concerns: impl Fn(&Value) -> bool,
    look: impl Fn(&Value, ObjectRef) -> Option<Finding>,
) -> Verdict {
    let objects: Vec<&Value> = evidence.snapshot.of_kind(group, kind).filter(|object| concerns(object)).collect();
    let findings = objects.iter().filter_map(|object| look(object, ObjectRef::of(object)?)).collect();
    Verdict::of(objects.len(), findings)
}

/// ` -n NAMESPACE`, for commands.
fn flag(object: &ObjectRef) -> String {
    super::stall::words::in_namespace(object.namespace.as_deref())
}

/// The condition of this type.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    crate::object::items(object, "/status/conditions").find(|condition| condition["type"] == kind)
}

/// The condition of this type, when it is true.
fn is_true<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    condition(object, kind).filter(|condition| condition["status"] == "True")
}

#[cfg(test)]
mod tests;
