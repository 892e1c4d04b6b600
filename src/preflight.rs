//! Whether a plan can succeed on a cluster: told before the first write, and refused when it cannot.
//!
//! ```text
//! look (reads what the plan makes necessary) --> Around --.
//!                                                Subject -+-- judge (pure, a file each) --> objections
//! ```
//!
//! An objection that refuses is a fact: no order of events on this cluster, as it is, brings the plan to its end. What is only
//! likely, or may come by itself, warns. Whoever knows better ignores a check by its name.

mod addresses;
pub mod chart;
mod claims;
mod images;
mod kinds;
mod look;
mod packing;
mod pods;
mod ports;
mod references;
mod rights;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::doctor::{Cause, Outlook};
use crate::host::distribution::Distribution;
use crate::object::ObjectRef;
use crate::plan::Plan;
use crate::snapshot::Snapshot;
pub use images::Asked;
pub use look::look;
pub use rights::Right;

/// The reason of every cause that comes from here.
pub const REASON: &str = "CannotSucceed";

/// The checks, each with what it is about: what `--ignore` takes.
pub const CHECKS: [(&str, &str); 12] = [
    ("kubernetes-version", "the cluster's version is one that the stack can run on"),
    ("definitions", "the cluster knows the kinds of all custom objects"),
    ("ingress-class", "the class that an Ingress names, or a default one, is there"),
    ("references", "Secrets and ConfigMaps that pods read and the stack does not make are there, with their keys"),
    ("claims", "no claim is made anew of which a volume has the data"),
    ("chart", "the official chart is not known to fail with these values"),
    ("helm-release", "no Helm release of the same objects is there"),
    ("room", "the pods fit on the nodes, beside what runs there"),
    ("ports", "ports of nodes that are asked for are free"),
    (
        "images",
        "what the nodes do not have can be pulled, by the login that the pods have, and is made for their processors",
    ),
    ("addresses", "there are enough addresses for Services of type LoadBalancer"),
    ("rights", "this user may do all that the plan does"),
];

/// Something that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Objection {
    /// The check's name.
    pub check: &'static str,
    /// Whether the plan cannot succeed.
    pub refuses: bool,
    /// The object it is about, when there is one.
    pub object: Option<ObjectRef>,
    /// What is in the way.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Objection {
    fn refusal(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, refuses: true, object: None, message: message.into(), remedy: remedy.into() }
    }

    fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { refuses: false, ..Self::refusal(check, message, remedy) }
    }

    fn about(self, object: ObjectRef) -> Self {
        Self { object: Some(object), ..self }
    }

    /// As a cause of a refused plan.
    pub fn cause(&self) -> Cause {
        Cause {
            id: self.check.to_owned(),
            object: self.object.clone(),
            reason: REASON.to_owned(),
            message: self.message.clone(),
            remedy: Some(format!("{} (--ignore {} goes on all the same)", self.remedy, self.check)),
            outlook: Outlook::Final,
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.remedy)
    }
}

/// The names of all checks, for help texts.
pub fn names() -> String {
    CHECKS.map(|(name, _)| name).join(", ")
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The versions of Kubernetes that the stack can run on.
    pub kubernetes: Option<&'a str>,
}

/// What the cluster has of what decides.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Objects: nodes, pods, Services, classes, definitions, and what pods refer to.
    pub snapshot: Snapshot,
    /// The API server's version, such as `v1.34.2+k3s1`.
    pub version: String,
    /// Which distribution it is; `None`: not asked.
    pub distribution: Option<Distribution>,
    /// Objects of the plan whose kinds the API server does not know; `None`: not asked.
    pub unknown_kinds: Option<BTreeSet<ObjectRef>>,
    /// Whether somebody gives addresses (`None`: that cannot be told), and why; `None`: not asked.
    pub load_balancer: Option<(Option<bool>, String)>,
    /// Images that nodes would pull, each with what its registry says; empty when none was asked.
    pub images: Vec<Asked>,
    /// The rights that this user has not, of those that were asked about.
    pub lacking: BTreeSet<Right>,
}

/// Everything in the way of the plan, what refuses it first.
pub fn judge(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    let checks: [fn(Subject<'_>, &Around) -> Vec<Objection>; 11] = [
        kinds::version,
        kinds::definitions,
        kinds::ingress_class,
        references::judge,
        claims::judge,
        kinds::helm_release,
        packing::judge,
        ports::judge,
        images::judge,
        addresses::judge,
        rights::judge,
    ];
    let mut all: Vec<Objection> = checks.iter().flat_map(|check| check(subject, around)).collect();
    all.sort_by_key(|objection| !objection.refuses);
    all
}

/// Objects that the plan makes, or would change.
fn written(plan: &Plan) -> impl Iterator<Item = &serde_json::Value> {
    plan.steps.iter().filter_map(|step| match &step.action {
        crate::plan::Action::Apply { object } if step.change.writes() => Some(object),
        _ => None,
    })
}

#[cfg(test)]
mod testing;
