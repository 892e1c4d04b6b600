//! Why something that is waited for does not become ready: from the object that is waited for down to the root.
//!
//! The walk: a Deployment to its newest `ReplicaSet`, every workload to its pods, a pod to its claims, its node and what it
//! reads; a claim to its class, its provisioner's events and the pods that should use it; a Service to its pods. At each
//! object the rules for it are asked, all of them; what weighs most is the cause.
//!
//! Every rule works with less than it would like and is silent rather than wrong. What they read:
//!
//! | rules | kinds |
//! |---|---|
//! | image, container, exit, config, mount, probe, start | Pod, Event |
//! | scheduling | Pod, Event; Node for sizes; for claims see there |
//! | claim | `PersistentVolumeClaim`, Event, Pod; `StorageClass`; `PersistentVolume` where there are some |
//! | node | Pod; Node |
//! | create | `ReplicaSet`, `StatefulSet`, `DaemonSet`, Job, Event, Pod; webhook configurations to name the right one |
//! | rollout | Deployment, `ReplicaSet`, `StatefulSet`, Pod |
//! | job | Job, Pod, Event |
//! | endpoints | Service, Pod, Event; Ingress, `IngressClass` |
//! | api | `CustomResourceDefinition`, `APIService`, custom resources |
//!
//! All times come from the caller and from the objects.

mod api;
mod choose;
mod claim;
mod config;
mod container;
mod create;
mod endpoints;
mod exit;
mod image;
mod job;
mod mount;
mod node;
mod probe;
mod rollout;
mod scheduling;
mod site;
mod start;
mod walk;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::Value;

use super::Cause;
use crate::object::ObjectRef;
use crate::snapshot::Snapshot;

pub(super) use config::creates;
pub(super) use rollout::{is_stuck_with, let_go, stuck_with};
pub(super) use scheduling::nodes::{all as nodes, is_of_condition};
pub use site::Site;
pub(crate) use site::event_time;

/// What a rule is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A pod that is not ready.
    Pod,
    /// A claim that is not bound.
    Claim,
    /// What makes pods: `ReplicaSet`, `StatefulSet`, `DaemonSet`, Job.
    Maker,
    /// Whatever is waited for, when nothing below it says more.
    Top,
}

/// One way in which something does not become ready.
pub struct Rule {
    /// Id of the check in the catalogue; several rules may share it.
    pub id: &'static str,
    /// What the rule belongs to, for listings.
    pub group: &'static str,
    /// What is wrong when the rule finds something.
    pub title: &'static str,
    /// What it is asked about.
    pub on: Subject,
    /// Looks. A cause without id gets the rule's.
    pub find: fn(&Site<'_>) -> Option<Cause>,
}

impl Rule {
    fn look(&self, site: &Site<'_>) -> Option<Cause> {
        let mut cause = (self.find)(site)?;
        if cause.id.is_empty() {
            self.id.clone_into(&mut cause.id);
        }
        Some(cause)
    }
}

/// All rules. Within a subject the order is from the root to the symptom: of two causes of equal weight the first counts.
pub static RULES: &[&[Rule]] = &[
    node::RULES,
    config::RULES,
    mount::RULES,
    claim::RULES,
    scheduling::RULES,
    image::RULES,
    container::RULES,
    probe::RULES,
    exit::RULES,
    start::RULES,
    create::RULES,
    job::RULES,
    endpoints::RULES,
    api::RULES,
    rollout::RULES,
];

fn rules(on: Subject) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten().filter(move |rule| rule.on == on)
}

/// The root of why `waited` is not ready at the time `now`; `None` when nothing in the snapshot explains it.
pub fn cause(waited: &ObjectRef, snapshot: &Snapshot, now: Timestamp) -> Option<Cause> {
    walk::from(waited, snapshot, now)
}

/// Why a container of a pod that counts as ready has failed before.
pub(crate) fn relapse(pod: &Value, snapshot: &Snapshot, now: Timestamp) -> Option<Cause> {
    exit::relapse(&Site::with(pod, snapshot, now, site::Nodes::default())?)
}

/// Looks at the objects of one snapshot one by one: what the rules find at an object itself, not what is below it.
pub(crate) struct Look<'a> {
    snapshot: &'a Snapshot,
    now: Timestamp,
    nodes: site::Nodes<'a>,
}

impl<'a> Look<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, now: Timestamp) -> Self {
        Self { snapshot, now, nodes: site::Nodes::default() }
    }

    /// The pods that a Service selects.
    pub(crate) fn pods_of(service: &'a Value, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Value> {
        endpoints::pods_of(service, snapshot)
    }

    /// What is wrong at the object itself; several things may be, but of a pod and a claim only the weightiest counts.
    pub(crate) fn at(&self, object: &'a Value) -> Vec<Cause> {
        let Some(site) = Site::with(object, self.snapshot, self.now, self.nodes.clone()) else { return Vec::new() };
        let of = |on| rules(on).filter_map(|rule| rule.look(&site)).collect();
        match site.reference.kind.as_str() {
            "Pod" => walk::pod(&site).into_iter().collect(),
            "PersistentVolumeClaim" => walk::claim(&site)
                .into_iter()
                .chain(choose::at_one(rules(Subject::Top).filter_map(|rule| rule.look(&site))))
                .collect(),
            "Node" => node::unready(&site, object).into_iter().collect(),
            "ReplicaSet" | "DaemonSet" | "StatefulSet" | "Job" => {
                let mut causes: Vec<Cause> = of(Subject::Maker);
                causes.extend(of(Subject::Top));
                causes
            }
            _ => of(Subject::Top),
        }
    }
}
