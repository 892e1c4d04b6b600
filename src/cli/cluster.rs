//! `cluster create|list|up|delete`: clusters of this machine.

mod create;
mod delete;
mod list;
mod up;
pub(crate) mod yard;

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use seaworthy::cluster::{Cluster, Resources, host};
use seaworthy::clusters::{Picture, look};
use seaworthy::doctor::Cause;
use seaworthy::engine::journal::{Inputs, RunRecord};
use seaworthy::plan::{Plan, Purpose};
use seaworthy::prepare::Prepared;
use seaworthy::snapshot::Snapshot;

use super::voyage::{Remarks, Voyage};
use super::{Failure, Session};
use crate::front::say;

/// How long an engine, and a tool, may take to answer.
const LOOK: Duration = Duration::from_secs(5);

/// `cluster ...`
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Make a cluster on this machine: nodes in containers, with kind
    Create(Box<create::CreateArgs>),
    /// The clusters of this machine, running or stopped
    List,
    /// Bring a cluster back whose containers were stopped, by a reboot for example
    Up(up::UpArgs),
    /// Delete a cluster of this machine, with what lies in it
    Delete(delete::DeleteArgs),
}

pub(crate) async fn run(session: &Session, command: &ClusterCommand) -> Result<ExitCode, Failure> {
    if session.globals.sandbox.is_some() {
        let message = "--sandbox is a cluster inside this program, and this is about clusters of this machine";
        return Err(Failure::input("sandbox-cluster", message, "`seaworthy sandbox reset` makes a new sandbox"));
    }
    match command {
        ClusterCommand::Create(arguments) => create::run(session, arguments).await,
        ClusterCommand::List => list::run(session).await,
        ClusterCommand::Up(arguments) => up::run(session, arguments).await,
        ClusterCommand::Delete(arguments) => delete::run(session, arguments).await,
    }
}

/// Takes a recorded run up again: its steps look by themselves at what is done.
pub(super) async fn resume(session: &Session, open: &RunRecord) -> Result<ExitCode, Failure> {
    let place = place(session);
    if place.id.uid != open.plan.cluster.uid {
        let message = format!("run {} belongs to the machine {}", open.run, open.plan.cluster.server);
        return Err(Failure::input("other-machine", message, "take it up again there"));
    }
    let remarks =
        Remarks { warnings: create::half_made(session, &open.plan).await.into_iter().collect(), ..Remarks::default() };
    let voyage = voyage(session, place, open.inputs.clone(), remarks);
    let code = voyage.sail(prepared(open.plan.clone()), Some(&open.run)).await?;
    let Plan { purpose, installation, .. } = &open.plan;
    let is_new_kind = *purpose == Purpose::CreateCluster && installation.stack == "kind";
    if code == ExitCode::SUCCESS && is_new_kind && !session.is_json() {
        say(create::next(&installation.namespace));
    }
    Ok(code)
}

/// This machine, in the place of a cluster.
pub(super) fn place(session: &Session) -> Cluster {
    host(&session.here, session.globals.read_only)
}

async fn picture(session: &Session, ports: &[(std::net::IpAddr, u16)]) -> Picture {
    let busy = session.busy("asking engines and tools");
    let picture = look(&session.here, ports, LOOK).await;
    drop(busy);
    picture
}

/// Gives up an unfinished run about the same, which has nothing left to go on with.
pub(super) async fn abandon_open(session: &Session, plan: &Plan) -> Result<(), Failure> {
    let runs = session.runs()?;
    let open = runs.latest(&plan.cluster.uid, &plan.installation.key())?.filter(|run| run.state.is_unfinished());
    match open {
        Some(open) => Ok(runs.abandon(&open.run).await?),
        None => Ok(()),
    }
}

/// A plan of this machine reads nothing of a cluster.
pub(super) fn prepared(plan: Plan) -> Prepared {
    Prepared { plan, snapshot: Snapshot::default(), resources: Resources::default(), refusals: Vec::new() }
}

pub(super) fn voyage(session: &Session, cluster: Cluster, inputs: Inputs, remarks: Remarks) -> Voyage<'_> {
    let face = session.face();
    let (command, record, take_lock, agreed, passing) = (None, None, None, false, false);
    Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing }
}

/// What stands in the way, all of it.
pub(super) fn refused(refusals: &[Cause]) -> Failure {
    let Some(first) = refusals.first() else {
        return Failure::input("refused", "nothing was decided", "");
    };
    let line = |cause: &Cause| match &cause.remedy {
        Some(remedy) => format!("also: {} ({remedy})", cause.message),
        None => format!("also: {}", cause.message),
    };
    let lines = refusals[1..].iter().map(line).collect();
    let failure = Failure::input(&first.id, format!("{}; nothing was written", first.message), "");
    Failure { hint: first.remedy.clone(), ..failure }.because(lines).rooted(first.clone())
}
