//! The catalogue: every check, a file for each group. Ids and severities follow the project's study of what goes wrong in
//! clusters; rows that are not built yet are simply not here.

mod access;
mod autoscaling;
mod backups;
pub(super) mod budgets;
mod capacity;
mod certificates;
mod config;
mod control;
mod definitions;
pub(super) mod dns;
pub(super) mod etcd;
mod growth;
mod helm;
pub(super) mod ingress;
pub(super) mod installed;
pub(super) mod left_out;
mod machine;
pub(super) mod namespaces;
mod nodes;
mod ordered;
mod quotas;
mod routes;
mod rules;
mod security;
mod services;
mod shapes;
pub(super) mod volumes;
mod webhooks;
mod workloads;

use serde_json::Value;

use super::check::{Check, Judge, Severity, Verdict};
use super::evidence::Evidence;
use super::finding::Finding;
use crate::error::closest;
use crate::object::ObjectRef;

/// The tables, in the order in which checks are listed.
static TABLES: &[&[Check]] = &[
    machine::ROWS,
    control::ROWS,
    nodes::ROWS,
    capacity::ROWS,
    rules::scheduling::ROWS,
    rules::images::ROWS,
    rules::containers::ROWS,
    config::ROWS,
    rules::pods::ROWS,
    access::ROWS,
    workloads::ROWS,
    shapes::ROWS,
    ordered::ROWS,
    helm::ROWS,
    rules::workloads::ROWS,
    rules::volumes::ROWS,
    volumes::ROWS,
    growth::ROWS,
    backups::ROWS,
    installed::ROWS,
    services::ROWS,
    rules::network::ROWS,
    ingress::ROWS,
    routes::ROWS,
    dns::ROWS,
    autoscaling::ROWS,
    budgets::ROWS,
    quotas::ROWS,
    rules::admission::ROWS,
    webhooks::ROWS,
    definitions::ROWS,
    namespaces::ROWS,
    certificates::ROWS,
    etcd::ROWS,
    security::ROWS,
];

/// What there is to say of a check: what it means, what to do, what looks alike and is not reported.
type Texts = [&'static str; 3];

/// A check with a function of its own.
const fn looks(
    (id, severity, title): (&'static str, Severity, &'static str),
    [explain, fix, unless]: Texts,
    reads: &'static [&'static str],
    look: fn(&Evidence) -> Verdict,
) -> Check {
    Check { id, severity, title, explain, fix, unless, reads, judge: Judge::Look(look) }
}

/// All checks.
pub fn all() -> impl Iterator<Item = &'static Check> {
    TABLES.iter().copied().flatten()
}

/// The check with this id, in whatever case it is written.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id.eq_ignore_ascii_case(id))
}

/// The id that was most likely meant: the one with these letters and this number, whatever its zeros; else the nearest.
pub fn nearest(typed: &str) -> Option<&'static str> {
    let meant = letters_and_number(typed);
    let same = all().map(|check| check.id).find(|id| meant.is_some() && letters_and_number(id) == meant);
    same.or_else(|| closest(typed, all().map(|check| check.id)))
}

/// `V` and 12 of `V0012`, of `v12` and of `V-012`.
fn letters_and_number(id: &str) -> Option<(String, u32)> {
    let at = id.find(|letter: char| !letter.is_ascii_alphabetic()).filter(|at| *at > 0)?;
    Some((id[..at].to_uppercase(), id[at..].trim_start_matches(['-', '_', ' ']).parse().ok()?))
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
    judged(evidence.snapshot.of_kind(group, kind).filter(|object| concerns(object)), look)
}

/// Looks at every workload of these kinds of the group `apps`.
fn each_workload(evidence: &Evidence, kinds: &[&str], look: impl Fn(&Value, ObjectRef) -> Option<Finding>) -> Verdict {
    judged(kinds.iter().flat_map(|kind| evidence.snapshot.of_kind("apps", kind)), look)
}

fn judged<'a>(
    objects: impl Iterator<Item = &'a Value>,
    look: impl Fn(&Value, ObjectRef) -> Option<Finding>,
) -> Verdict {
    let (mut looked, mut findings) = (0, Vec::new());
    for object in objects {
        looked += 1;
        findings.extend(ObjectRef::of(object).and_then(|reference| look(object, reference)));
    }
    Verdict::of(looked, findings)
}

/// ` -n NAMESPACE`, for commands.
fn flag(object: &ObjectRef) -> String {
    super::stall::words::in_namespace(object.namespace.as_deref())
}

/// `kubectl VERB KIND NAME -n NAMESPACE`.
fn kubectl(verb: &str, object: &ObjectRef) -> String {
    format!("kubectl {verb} {} {}{}", object.kind.to_lowercase(), object.name, flag(object))
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
