//! `doctor --undo`: what the last remedy changed is put back.

use std::collections::BTreeSet;
use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::doctor::evidence::{Scope, objects};
use seaworthy::doctor::remedy;
use seaworthy::engine::journal::{RunRecord, RunState};
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Plan, Purpose, Step};
use serde_json::json;

use super::super::voyage::Remarks;
use super::super::{Failure, Session};
use super::fix::land;
use crate::front::say;

/// Takes the last remedy back that was not taken back yet.
pub(super) async fn undo(session: &Session) -> Result<ExitCode, Failure> {
    let cluster = session.connect().await?;
    let runs = session.runs()?.list()?.0;
    let Some(run) = last(&runs, &cluster.id.uid) else {
        let hint =
            "`seaworthy runs list` shows what was done; only remedies of this machine can be taken back from here";
        return Err(Failure::input(
            "nothing-to-undo",
            "no remedy was run on this cluster that is not taken back yet",
            hint,
        ));
    };
    let done = done(session, &cluster, run).await?;
    if done.steps.is_empty() {
        let message = format!("run {} was stopped, and nothing of it is seen in the cluster", run.run);
        let hint = format!("there is nothing to take back; `seaworthy runs show {}` shows what was intended", run.run);
        return Err(Failure::input("nothing-to-undo", message, hint));
    }
    let Some(plan) = remedy::undone(&done).filter(|plan| !plan.steps.is_empty()) else {
        let message = format!("run {} cannot be taken back: {}", run.run, irreversible(&done));
        return Err(Failure::input(
            "cannot-undo",
            message,
            format!("`seaworthy runs show {}` shows what was done", run.run),
        ));
    };
    say(format!("taking back run {} of {}", run.run, run.at.strftime("%F %T UTC")));
    let values = json!({"undoes": run.run, "finding": run.inputs.values["finding"]});
    let landing = land(session, cluster, (Some("doctor --undo"), plan, values), Remarks::default()).await?;
    Ok(landing.show(session, &session.face()))
}

/// What a run has done: its plan, or, where it did not come to its end, what of it is seen in the cluster.
async fn done(session: &Session, cluster: &Cluster, run: &RunRecord) -> Result<Plan, Failure> {
    if run.state == RunState::Done {
        return Ok(run.plan.clone());
    }
    let _busy = session.busy("looking what of it was done");
    let evidence = objects(cluster, &Scope::default()).await?;
    Ok(remedy::seen(&run.plan, &evidence.snapshot))
}

/// The last remedy of which something was done, or may have been; neither one that takes another back, nor one that was.
fn last<'a>(runs: &'a [RunRecord], cluster: &str) -> Option<&'a RunRecord> {
    let ours = runs.iter().filter(|run| run.plan.purpose == Purpose::Remedy && run.plan.cluster.uid == cluster);
    let begun = |run: &&RunRecord| match run.state {
        RunState::Done => true,
        RunState::Abandoned => false,
        RunState::Open | RunState::Failed | RunState::Interrupted => !run.times.steps.is_empty(),
    };
    let begun: Vec<&RunRecord> = ours.filter(begun).collect();
    let undone = begun.iter().filter(|run| run.state == RunState::Done);
    let undone: BTreeSet<&str> = undone.filter_map(|run| run.inputs.values["undoes"].as_str()).collect();
    begun.into_iter().rev().find(|run| run.inputs.values["undoes"].is_null() && !undone.contains(run.run.as_str()))
}

fn irreversible(plan: &Plan) -> String {
    let verbs = plan.steps.iter().filter_map(Step::verb);
    let gone = verbs.filter(|verb| matches!(verb, Verb::Delete { .. })).map(Verb::title);
    gone.collect::<Vec<_>>().join(", ")
}
