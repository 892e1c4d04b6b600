//! A recovery that is taken up again, and for which there is nothing left to recover.

use seaworthy::cluster::Cluster;
use seaworthy::engine::journal::RunRecord;
use seaworthy::plan::Step;
use seaworthy::plan::verb::Verb;
use seaworthy::recover::look;
use seaworthy::recover::occasion::healed;

use crate::cli::Failure;

/// A node may come back while its volumes are being replaced, with all that is on them.
pub(in crate::cli) async fn still_lost(cluster: &Cluster, open: &RunRecord) -> Result<(), Failure> {
    let gives_up = |step: &Step| {
        let is_open = !open.done.contains(&step.id);
        let Some(Verb::Delete { object: gone } | Verb::Renew { claim: gone, .. }) = step.verb() else { return false };
        is_open && gone.object.kind == "PersistentVolumeClaim"
    };
    let occasion = open.plan.occasion.as_ref().filter(|_| open.plan.steps.iter().any(gives_up));
    let Some(occasion) = occasion else { return Ok(()) };
    let seen = look::storage(cluster, Some(&open.plan.installation.namespace)).await;
    let Some(facts) = healed(occasion, &seen.map_err(|error| Failure::kube(&error))?) else { return Ok(()) };
    let message =
        format!("what run {} of {} replaces is not lost any more; nothing was written", open.run, occasion.playbook);
    let claim = occasion.losses.first().map_or_else(String::new, |lost| {
        format!(" --claim {}/{}", lost.claim.namespace.as_deref().unwrap_or_default(), lost.claim.name)
    });
    let hint = format!(
        "`seaworthy recover node-back{claim} --replan` keeps it and starts what was stopped; `seaworthy runs abort {}` only closes the run",
        open.run
    );
    Err(Failure::input("not-lost-any-more", message, hint).because(facts))
}
