//! `rollback`: what an earlier finished run had applied is applied again, from its journal on this machine.

use std::process::ExitCode;

use clap::Args;
use seaworthy::engine::journal::{RunRecord, RunState};
use seaworthy::engine::record::{InstallRecord, applied};
use seaworthy::plan::Purpose;
use seaworthy::plan::install::{Desired, Policy};
use seaworthy::prepare;

use super::chart;
use super::install::{OnConflict, Ready, conflict_choice};
use super::uninstall::bare_installation;
use super::voyage::{Remarks, show_plan};
use super::{Failure, Session};
use crate::front::say;

/// `rollback`
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Name of the stack
    pub(crate) stack: String,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// The run to go back to; `seaworthy runs list` shows them (default: the last finished one that wanted something else)
    #[arg(long, value_name = "RUN")]
    pub(crate) to: Option<String>,
    /// Show the plan and every field that would change; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Fields that somebody else owns: keep theirs, take ours, or stop (default: take back what kubectl changed, stop at the rest)
    #[arg(long, value_enum, hide_possible_values = true, value_name = "keep|take|stop")]
    pub(crate) on_conflict: Option<OnConflict>,
    /// Delete and make anew what can no longer be changed (an immutable field), where that loses no data; the plan says what it means
    #[arg(long)]
    pub(crate) recreate: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

pub(crate) async fn run(session: &Session, arguments: &RollbackArgs) -> Result<ExitCode, Failure> {
    go(session, arguments, false).await
}

/// The same, when somebody has agreed to it already.
pub(super) async fn run_agreed(session: &Session, arguments: &RollbackArgs) -> Result<ExitCode, Failure> {
    go(session, arguments, true).await
}

/// Whether this machine has the journal of a run.
pub(super) fn has_run(session: &Session, run: &str) -> Result<bool, Failure> {
    Ok(session.runs()?.list()?.0.iter().any(|known| known.run == run))
}

async fn go(session: &Session, arguments: &RollbackArgs, agreed: bool) -> Result<ExitCode, Failure> {
    let bare = bare_installation(session, &arguments.stack, arguments.namespace.as_deref())?;
    let cluster = session.connect().await?;
    let key = bare.key();
    let record = InstallRecord::read(&cluster.client, &key).await.map_err(|error| Failure::kube(&error))?;
    if let Some((installation, chart)) =
        record.as_ref().and_then(|record| Some((&record.installation, record.inputs.chart.as_ref()?)))
    {
        return Err(chart::no_way_back(installation, chart));
    }
    let of_it = |run: &RunRecord| {
        let same = run.plan.cluster.uid == cluster.id.uid && run.plan.installation.key() == key;
        same && run.plan.purpose == Purpose::Install
    };
    let runs: Vec<RunRecord> = session.runs()?.list()?.0.into_iter().filter(of_it).collect();
    let latest = runs.last().cloned();
    let target = target(&runs, arguments.to.as_deref()).map_err(|message| {
        let hint = "only runs of this machine can be gone back to; `seaworthy install` with the older values does the same anywhere";
        Failure::input("no-such-run", message, hint)
    })?;
    say(format!("to what run {} of {} had applied", target.run, target.at.strftime("%F %T UTC")));
    let desired = Desired { inventory: applied(record.as_ref(), latest.as_ref()), ..Desired::of_plan(&target.plan) };
    let conflicts = arguments.on_conflict.map(conflict_choice);
    let policy = Policy { conflicts, recreate: arguments.recreate, ..Policy::default() };
    let prepared = prepare::install(&cluster, target.plan.installation.clone(), desired, policy)
        .await
        .map_err(|error| Failure::kube(&error))?;
    let differences = record.as_ref().map(|record| target.inputs.differences(&record.inputs)).unwrap_or_default();
    let remarks = Remarks { differences, warnings: Vec::new() };
    if arguments.dry_run {
        return Ok(show_plan(session, &cluster, &prepared, &remarks));
    }
    let given_up = latest.filter(|run| run.state.is_unfinished()).map(|run| run.run);
    // It counts from the beginning of the command.
    let (spent, inputs) = (cluster.meter.counts(), target.inputs.clone());
    let (command, open, passing) = (Some("rollback"), None, false);
    let ready = Ready { command, cluster, inputs, record, prepared, remarks, open, given_up, spent, passing };
    let take_lock = arguments.take_lock.as_deref();
    if agreed {
        let face = session.face();
        return Ok(ready.land(session, face.clone(), take_lock).await?.show(session, &face));
    }
    ready.sail(session, session.face(), take_lock).await
}

/// The run to go back to: the one that was named, or the last finished one that wanted something else than the last run.
fn target<'a>(runs: &'a [RunRecord], named: Option<&str>) -> Result<&'a RunRecord, String> {
    if let Some(name) = named {
        let found = runs.iter().find(|run| run.run == name);
        let found = found.ok_or_else(|| format!("there is no run {name} of this installation on this machine"))?;
        return if found.state == RunState::Done {
            Ok(found)
        } else {
            Err(format!("run {name} has not come to its end, so what it would have applied was never there"))
        };
    }
    let Some((last, before)) = runs.split_last() else {
        return Err("no run of this installation is known on this machine".to_owned());
    };
    let other = |run: &&RunRecord| run.state == RunState::Done && run.inputs != last.inputs;
    before
        .iter()
        .rev()
        .find(other)
        .ok_or_else(|| "no earlier run of this installation has wanted something else".to_owned())
}
