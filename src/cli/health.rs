//! Records of healthy installations, on this machine.

use seaworthy::cluster::Cluster;
use seaworthy::object::ObjectRef;
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Plan, Step};
use seaworthy::recover::record;

use super::{Failure, Session};

/// Whether the plan makes anything of which a record could tell later that it is lost.
pub(super) fn has_data(plan: &Plan) -> bool {
    let mut kinds = plan.wanted().map(|object| object.kind);
    kinds.any(|kind| kind == "PersistentVolumeClaim" || kind == "StatefulSet")
}

/// Whether a backup was made although something was lost for certain.
pub(super) fn has_losses(plan: &Plan) -> bool {
    plan.sealed().is_some_and(|(_, head)| !head.losses.is_empty())
}

/// Looks, and keeps what was seen.
pub(super) async fn keep(session: &Session, cluster: &Cluster, plan: &Plan) -> Result<(), Failure> {
    let (record, volumes) = record::take(cluster, &plan.installation).await.map_err(|error| Failure::kube(&error))?;
    record::keep(&session.state_dir()?, record, (&volumes, &restored(plan)))?;
    Ok(())
}

/// The claims whose files came out of a backup. What a recovery copies in it has copied out before.
fn restored(plan: &Plan) -> Vec<ObjectRef> {
    let came_in = |step: &Step| match step.verb()? {
        Verb::CopyIn { claim, .. } => Some(claim.clone()),
        Verb::Seed(seed) => Some(seed.claim.clone()),
        _ => None,
    };
    plan.steps.iter().filter_map(came_in).collect()
}

/// What was taken away on purpose is not lost.
pub(super) fn forget(session: &Session, cluster: &Cluster, plan: &Plan) -> Result<(), Failure> {
    Ok(record::forget(&session.state_dir()?, &cluster.id, &plan.installation)?)
}
