//! `prerequisites uninstall`: only what this program installed, only when nothing needs it, webhooks and API services first.

use std::collections::BTreeSet;
use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::plan::Plan;
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::prerequisites::{Picture, Prerequisite, Verdict, Wants, assess, look, users};
use seaworthy::stack::Catalogue;
use serde_json::{Value, json};

use super::{UninstallArgs, bare, picture};
use crate::cli::uninstall::{Removal, Traces, take_all_away, tell_runs};
use crate::cli::voyage::tell_dry_run;
use crate::cli::{Failure, Session};
use crate::front::paint::Paint;
use crate::front::plan_text::plan_text;

/// One that is to go, with the plan.
pub(crate) struct Going {
    pub(crate) prerequisite: Prerequisite,
    removal: Removal,
    /// What would miss it.
    pub(crate) users: Vec<String>,
}

impl Going {
    /// For programs.
    pub(crate) fn document(&self) -> Value {
        json!({"prerequisite": self.prerequisite, "users": self.users, "plan": self.removal.prepared.plan})
    }

    /// What takes it away.
    pub(crate) fn plan(&self) -> &Plan {
        &self.removal.prepared.plan
    }

    /// The plan, and below it what would miss it.
    pub(crate) fn text(&self) -> String {
        let plan = plan_text(&self.removal.prepared.plan, Paint(false));
        let users = self.users.iter().map(|user| format!("  in use: {user}"));
        std::iter::once(plan).chain(users).collect::<Vec<_>>().join("\n")
    }
}

pub(super) async fn run(session: &Session, arguments: &UninstallArgs) -> Result<ExitCode, Failure> {
    let (cluster, picture) = picture(session).await?;
    let mut all = Vec::new();
    for prerequisite in &arguments.names.iter().copied().collect::<BTreeSet<_>>() {
        let going = plan(session, &cluster, &picture, *prerequisite).await?;
        all.push(going.ok_or_else(|| not_ours(*prerequisite, &picture))?);
    }
    if arguments.dry_run {
        return Ok(show(session, &cluster, &all));
    }
    if !arguments.in_use {
        refuse_used(&all)?;
    }
    let (runs, code) = take_away(session, all, arguments.take_lock.as_deref()).await?;
    if session.is_json() {
        let mut document = json!({});
        tell_runs(&mut document, "runs", runs);
        session.print("Prerequisites", &document, String::new);
    }
    Ok(ExitCode::from(code))
}

/// Those of these that this program installed, as they stand now.
pub(crate) async fn going(session: &Session, cluster: &Cluster, names: &[Prerequisite]) -> Result<Vec<Going>, Failure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let picture = look(cluster).await.map_err(|error| Failure::kube(&error))?;
    let mut all = Vec::new();
    for prerequisite in &names.iter().copied().collect::<BTreeSet<_>>() {
        all.extend(plan(session, cluster, &picture, *prerequisite).await?);
    }
    Ok(all)
}

/// Takes them away, agreed to together; the documents of the runs, and the exit code of the last.
pub(crate) async fn take_away(
    session: &Session,
    all: Vec<Going>,
    take_lock: Option<&str>,
) -> Result<(Vec<Value>, u8), Failure> {
    let names: Vec<Prerequisite> = all.iter().map(|going| going.prerequisite).collect();
    let removals = all.into_iter().map(|going| going.removal).collect();
    let (mut runs, code) = take_all_away(session, removals, take_lock).await?;
    for (run, prerequisite) in runs.iter_mut().zip(names) {
        run["prerequisite"] = json!(prerequisite);
    }
    Ok((runs, code))
}

/// What takes one away; `None` when this program has not installed it.
async fn plan(
    session: &Session,
    cluster: &Cluster,
    picture: &Picture,
    prerequisite: Prerequisite,
) -> Result<Option<Going>, Failure> {
    let stack = Catalogue::prerequisites().get(prerequisite.name())?;
    let bare = bare(&stack);
    let traces = Traces::read(session, cluster.clone(), bare.clone()).await?;
    let kube = |error: kube::Error| Failure::kube(&error);
    let empty = users::empty(cluster, (&bare.stack, &bare.namespace), &traces.known).await.map_err(kube)?;
    let destroy = Destroy(empty.iter().map(DataName::from).collect());
    let removal = traces.removal(&destroy, &[]).await?;
    if !removal.prepared.plan.writes() {
        return Ok(None);
    }
    // A class of another name for a provisioner of others can go at any time.
    let serves = removal.prepared.plan.steps.iter().any(|step| {
        step.action.object().is_some_and(|object| ["Deployment", "DaemonSet"].contains(&object.kind.as_str()))
    });
    let users = if serves { users::users(cluster, prerequisite, picture).await.map_err(kube)? } else { Vec::new() };
    Ok(Some(Going { prerequisite, removal, users }))
}

fn not_ours(prerequisite: Prerequisite, picture: &Picture) -> Failure {
    let stands = assess(prerequisite, picture, &Wants::default());
    let blind = matches!(&stands.verdict, Verdict::Blocked(blocked) if blocked.blind);
    if stands.found.is_none() && !blind {
        let message = format!("{prerequisite} is not there; nothing was deleted");
        return Failure::input("not-installed", message, "`seaworthy prerequisites list` shows what is");
    }
    let message = format!("{prerequisite} was not installed by seaworthy; nothing was deleted");
    Failure::input("not-installed", message, "`seaworthy prerequisites list` shows who looks after it")
}

fn refuse_used(all: &[Going]) -> Result<(), Failure> {
    let Some(used) = all.iter().find(|going| !going.users.is_empty()) else { return Ok(()) };
    let message = format!("{} is in use; nothing was deleted", used.prerequisite);
    let hint = "take these away first, or add --in-use to go on";
    Err(Failure::input("prerequisite-in-use", message, hint).because(used.users.clone()))
}

fn show(session: &Session, cluster: &Cluster, all: &[Going]) -> ExitCode {
    let document: Vec<Value> = all.iter().map(Going::document).collect();
    session.print("Prerequisites", &json!({"cluster": cluster.id, "uninstall": document}), || {
        all.iter().map(Going::text).collect::<Vec<_>>().join("\n")
    });
    tell_dry_run(session, cluster, &all.iter().map(Going::plan).collect::<Vec<_>>());
    ExitCode::SUCCESS
}
