//! `prerequisites uninstall`: only what this program installed, only when nothing needs it, webhooks and API services first.

use std::collections::BTreeSet;
use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::plan::Plan;
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::prerequisites::{Picture, Prerequisite, users};
use seaworthy::stack::Catalogue;
use serde_json::{Value, json};

use super::{UninstallArgs, bare, picture};
use crate::cli::uninstall::{Removal, Traces};
use crate::cli::voyage::{agree_to_all, refuse};
use crate::cli::{Failure, Session};
use crate::front::paint::Paint;
use crate::front::plan_text::plan_text;
use crate::front::say;

/// One that is to go, with the plan.
struct Going {
    prerequisite: Prerequisite,
    removal: Removal,
    /// What would miss it.
    users: Vec<String>,
}

pub(super) async fn run(session: &Session, arguments: &UninstallArgs) -> Result<ExitCode, Failure> {
    let (cluster, picture) = picture(session).await?;
    let mut all = Vec::new();
    for prerequisite in &arguments.names.iter().copied().collect::<BTreeSet<_>>() {
        all.push(plan(session, &cluster, &picture, *prerequisite).await?);
    }
    if arguments.dry_run {
        return Ok(show(session, &cluster, &all));
    }
    if !arguments.in_use {
        refuse_used(&all)?;
    }
    for going in &all {
        refuse(&going.removal.prepared)?;
    }
    let face = session.face();
    let plans: Vec<&Plan> = all.iter().map(|going| &going.removal.prepared.plan).collect();
    agree_to_all(session, &face, &plans).await?;
    let mut runs = Vec::new();
    let mut code = 0;
    for Going { prerequisite, removal, .. } in all {
        let landing = Box::pin(removal.land(session, face.clone(), arguments.take_lock.as_deref())).await?;
        let mut document = landing.document();
        document["prerequisite"] = json!(prerequisite);
        runs.push(document);
        code = landing.code();
        if code != 0 {
            break;
        }
    }
    if session.is_json() {
        let error = runs.last().and_then(|run: &Value| run.get("error").cloned());
        let mut document = json!({"runs": runs});
        if let Some(error) = error {
            document["error"] = error;
        }
        session.print("Prerequisites", &document, String::new);
    }
    Ok(ExitCode::from(code))
}

async fn plan(
    session: &Session,
    cluster: &Cluster,
    picture: &Picture,
    prerequisite: Prerequisite,
) -> Result<Going, Failure> {
    let stack = Catalogue::prerequisites().get(prerequisite.name())?;
    let bare = bare(&stack);
    let traces = Traces::read(session, cluster.clone(), bare.clone()).await?;
    let kube = |error: kube::Error| Failure::kube(&error);
    let empty = users::empty(cluster, (&bare.stack, &bare.namespace), &traces.known).await.map_err(kube)?;
    let destroy = Destroy(empty.iter().map(DataName::from).collect());
    let removal = traces.removal(&destroy, &[]).await?;
    if !removal.prepared.plan.writes() {
        let message = format!("{prerequisite} was not installed by seaworthy; nothing was deleted");
        let hint = "`seaworthy prerequisites list` shows who looks after it";
        return Err(Failure::input("not-installed", message, hint));
    }
    // A class of another name for a provisioner of others can go at any time.
    let serves = removal.prepared.plan.steps.iter().any(|step| {
        step.action.object().is_some_and(|object| ["Deployment", "DaemonSet"].contains(&object.kind.as_str()))
    });
    let users = if serves { users::users(cluster, prerequisite, picture).await.map_err(kube)? } else { Vec::new() };
    Ok(Going { prerequisite, removal, users })
}

fn refuse_used(all: &[Going]) -> Result<(), Failure> {
    let Some(used) = all.iter().find(|going| !going.users.is_empty()) else { return Ok(()) };
    let message = format!("{} is in use; nothing was deleted", used.prerequisite);
    let hint = "take these away first, or add --in-use to go on";
    Err(Failure::input("prerequisite-in-use", message, hint).because(used.users.clone()))
}

fn show(session: &Session, cluster: &Cluster, all: &[Going]) -> ExitCode {
    let document: Vec<Value> = all
        .iter()
        .map(|going| json!({"prerequisite": going.prerequisite, "users": going.users, "plan": going.removal.prepared.plan}))
        .collect();
    session.print("Prerequisites", &json!({"cluster": cluster.id, "uninstall": document}), || {
        let plans = all.iter().map(|going| {
            let plan = plan_text(&going.removal.prepared.plan, Paint(false));
            let users = going.users.iter().map(|user| format!("  in use: {user}"));
            std::iter::once(plan).chain(users).collect::<Vec<_>>().join("\n")
        });
        plans.collect::<Vec<_>>().join("\n")
    });
    if !session.is_json() {
        say("dry run: nothing was deleted");
    }
    ExitCode::SUCCESS
}
