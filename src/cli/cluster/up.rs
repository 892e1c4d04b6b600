//! `cluster up`: brings a cluster back whose containers were stopped, and looks whether its addresses still fit.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use seaworthy::clusters::{Picture, before, change, found, k3s};
use seaworthy::engine::journal::Inputs;
use serde_json::json;

use super::{LOOK, picture, place, prepared, refused, voyage};
use crate::cli::voyage::{Remarks, show_plan};
use crate::cli::{Failure, Session, pool};

/// `cluster up`
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Name of the cluster; `seaworthy cluster list` shows them (default: the only one that does not run)
    name: Option<String>,
    /// Show the plan; do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(session: &Session, arguments: &UpArgs) -> Result<ExitCode, Failure> {
    let picture = picture(session, &[]).await;
    let clusters = found(&picture);
    if arguments.name.as_deref() == Some("k3s") && !clusters.iter().any(|cluster| cluster.name == "k3s") {
        return k3s_up(session, arguments, &picture).await;
    }
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => only_stopped(&clusters)?,
    };
    let cluster = change::named(&clusters, &name).map_err(|cause| refused(&[*cause]))?;
    let place = place(session);
    let addresses = before(&session.here, cluster, LOOK).await;
    let kubeconfig = session.globals.kubeconfig.clone();
    let (plan, warnings) = change::up(cluster, &addresses, kubeconfig, (place.id.clone(), Timestamp::now()));
    let remarks = Remarks { warnings, ..Remarks::default() };
    if arguments.dry_run {
        return Ok(show_plan(session, &place, &prepared(plan), &remarks));
    }
    let voyage = voyage(session, place, Inputs::of(&plan.installation, json!({})), remarks);
    let code = voyage.sail(prepared(plan), None).await?;
    if let Some(context) = cluster.context.as_deref().filter(|_| code == ExitCode::SUCCESS && !session.is_json()) {
        pool::check_again(session, context).await?;
    }
    Ok(code)
}

/// The server of this machine, which systemd starts.
async fn k3s_up(session: &Session, arguments: &UpArgs, picture: &Picture) -> Result<ExitCode, Failure> {
    let place = place(session);
    if picture.k3s.active.is_none() {
        let message = "no k3s is a unit of this machine";
        return Err(Failure::input("no-cluster", message, "`seaworthy cluster create k3s` makes one"));
    }
    if picture.k3s.active == Some(false) && picture.uid != 0 {
        return Err(Failure::input("needs-root", "starting k3s needs root", "sudo seaworthy cluster up k3s"));
    }
    let plan = k3s::up(place.id.clone());
    if arguments.dry_run {
        return Ok(show_plan(session, &place, &prepared(plan), &Remarks::default()));
    }
    let voyage = voyage(session, place, Inputs::of(&plan.installation, json!({})), Remarks::default());
    voyage.sail(prepared(plan), None).await
}

fn only_stopped(clusters: &[seaworthy::clusters::Found]) -> Result<String, Failure> {
    let stopped: Vec<&str> =
        clusters.iter().filter(|cluster| !cluster.is_up()).map(|cluster| cluster.name.as_str()).collect();
    match stopped.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] if clusters.is_empty() => {
            let message = "no cluster has its nodes in containers of this machine";
            Err(Failure::input("no-cluster", message, "`seaworthy cluster create` makes one"))
        }
        [] => {
            let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
            let message = format!("all containers run of: {}", names.join(", "));
            Err(Failure::input(
                "nothing-stopped",
                message,
                "name one, to wait for its nodes; `seaworthy doctor` looks deeper",
            ))
        }
        several => {
            let message = format!("several clusters are stopped: {}", several.join(", "));
            Err(Failure::input("ambiguous-cluster", message, "name one"))
        }
    }
}
