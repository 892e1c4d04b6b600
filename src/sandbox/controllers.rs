//! The controllers of a cluster, the scheduler and the kubelets, each a function that does what there is to do now.
//!
//! All of them look at the whole state and not at what has changed, as real controllers do: whatever was interrupted is
//! taken up by the next look. Together they are run until none has anything left, so their order is of no matter.

mod addresses;
mod api_service;
mod attach;
mod autoscaler;
mod claims;
mod clone_set;
mod collector;
mod daemon_set;
mod definitions;
mod deployment;
mod disruption;
mod endpoints;
mod job;
mod kubelet;
mod namespace;
mod nodes;
mod ownership;
mod pods;
mod protection;
mod provisioner;
mod quotas;
mod replica_set;
mod retention;
mod revisions;
mod scheduler;
mod stateful_set;
mod volumes;

pub(super) use definitions::{end as end_definition, is_ending};
pub(super) use disruption::obstacle as eviction_obstacle;
pub(super) use endpoints::target;

use super::world::World;

/// All of them.
pub(super) const ALL: &[fn(&mut World)] = &[
    namespace::run,
    definitions::run,
    nodes::run,
    attach::run,
    collector::run,
    deployment::run,
    stateful_set::run,
    daemon_set::run,
    replica_set::run,
    job::run,
    autoscaler::run,
    disruption::run,
    volumes::run,
    claims::run,
    provisioner::run,
    protection::run,
    scheduler::run,
    kubelet::run,
    endpoints::run,
    api_service::run,
    addresses::run,
    clone_set::run,
    quotas::run,
];
