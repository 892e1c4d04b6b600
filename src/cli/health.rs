//! Records of healthy installations, on this machine.

use seaworthy::cluster::Cluster;
use seaworthy::plan::Plan;
use seaworthy::recover::record;

use super::{Failure, Session};

/// Whether the plan makes anything of which a record could tell later that it is lost.
pub(super) fn has_data(plan: &Plan) -> bool {
    let mut kinds = plan.wanted().map(|object| object.kind);
    kinds.any(|kind| kind == "PersistentVolumeClaim" || kind == "StatefulSet")
}

/// Looks, and keeps what was seen.
pub(super) async fn keep(session: &Session, cluster: &Cluster, plan: &Plan) -> Result<(), Failure> {
    let record = record::take(cluster, &plan.installation).await.map_err(|error| Failure::kube(&error))?;
    record::keep(&session.state_dir()?, record)?;
    Ok(())
}

/// What was taken away on purpose is not lost.
pub(super) fn forget(session: &Session, cluster: &Cluster, plan: &Plan) -> Result<(), Failure> {
    Ok(record::forget(&session.state_dir()?, &cluster.id, &plan.installation)?)
}
