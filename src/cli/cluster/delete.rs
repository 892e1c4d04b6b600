//! `cluster delete`: what would go with it is said first.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use seaworthy::clusters::{Found, change, found};
use seaworthy::engine::journal::Inputs;
use seaworthy::object::text;
use seaworthy::recover::{join, look};
use serde_json::json;
use tokio::time::timeout;

use super::create::cluster_folder;
use super::{abandon_open, picture, place, prepared, refused, voyage};
use crate::cli::voyage::{Remarks, declined, show_plan, unanswerable};
use crate::cli::{Failure, Session};
use crate::front::ask::{Answer, Ask};
use crate::front::paint::count;

/// How long the cluster may take to say what lies in it.
const ANSWER: Duration = Duration::from_secs(10);
/// How many volumes are named; the others are counted.
const NAMED: usize = 10;

/// `cluster delete`
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Name of the cluster; `seaworthy cluster list` shows them
    name: String,
    /// Delete it with its data, without having its name typed: the name of the cluster once more
    #[arg(long, value_name = "NAME")]
    destroy_data: Option<String>,
    /// Show what would go; do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(session: &Session, arguments: &DeleteArgs) -> Result<ExitCode, Failure> {
    if let Some(other) = arguments.destroy_data.as_ref().filter(|other| **other != arguments.name) {
        let message = format!("--destroy-data names {other}, and {} is to be deleted", arguments.name);
        return Err(Failure::input("other-cluster", message, "name the same cluster twice"));
    }
    let picture = picture(session, &[]).await;
    let clusters = found(&picture);
    if arguments.name == "k3s" && !clusters.iter().any(|cluster| cluster.name == "k3s") {
        return Err(by_hand());
    }
    let cluster = change::named(&clusters, &arguments.name).map_err(|cause| refused(&[*cause]))?;
    let place = place(session);
    let kubeconfig = session.globals.kubeconfig.clone();
    let plan = change::delete(&picture, cluster, kubeconfig, place.id.clone()).map_err(|cause| refused(&[*cause]))?;
    let remarks = Remarks { warnings: data(session, cluster).await, ..Remarks::default() };
    if arguments.dry_run {
        return Ok(show_plan(session, &place, &prepared(plan), &remarks));
    }
    let mut voyage = voyage(session, place, Inputs::of(&plan.installation, json!({})), remarks);
    if !session.globals.read_only {
        voyage.show(&plan);
        agree(session, arguments).await?;
        voyage.agreed = true;
    }
    // An unfinished run about a cluster that goes has nothing to go on with.
    abandon_open(session, &plan).await?;
    voyage.sail(prepared(plan), None).await
}

/// k3s has mounts, networks and data all over the machine, and brings the script that finds them; ours would be a guess.
fn by_hand() -> Failure {
    let message = "k3s is taken away by its own script, with all volumes in /var/lib/rancher/k3s";
    let hint = "as root: k3s-uninstall.sh; without it: systemctl disable --now k3s, k3s-killall.sh or a reboot, then the folders /etc/rancher/k3s and /var/lib/rancher/k3s, once nothing in them is wanted any more";
    Failure::input("not-ours-to-delete", message, hint)
}

/// Data is never destroyed by implication: the name is typed, or given.
async fn agree(session: &Session, arguments: &DeleteArgs) -> Result<(), Failure> {
    if arguments.destroy_data.is_some() {
        return Ok(());
    }
    let question = format!("Everything in cluster {} goes. Delete it?", arguments.name);
    let ask = Ask::Typed { question, word: arguments.name.clone() };
    match session.face().ask(ask).await.map_err(|error| unanswerable(&error))? {
        Some(Answer::Yes) => Ok(()),
        Some(Answer::No) => Err(declined()),
        Some(Answer::Interrupted) => Err(Failure::interrupted()),
        None => {
            let message =
                "there is no terminal to have the name of the cluster typed on, and --yes does not cover data";
            let hint = format!("--destroy-data {} says it as well", arguments.name);
            Err(Failure::input("cannot-ask", message, hint))
        }
    }
}

/// What would go with it, as far as it can be asked; a line each.
async fn data(session: &Session, cluster: &Found) -> Vec<String> {
    let nodes = count(cluster.nodes.len(), "container");
    let mut lines =
        vec![format!("{nodes} and their volumes go: images, logs, and what volumes of the cluster lie in a node")];
    let own = cluster_folder(session, &cluster.name).ok();
    let shared = own.iter().flat_map(|own| ["shared", "folders"].map(|name| own.join(name)));
    for folder in shared.filter(|folder| folder.exists()) {
        lines.push(format!("what its nodes share stays on this machine: {}", folder.display()));
    }
    let Some(context) = &cluster.context else {
        lines.push("no kubeconfig context leads to it, so it could not be asked which volumes it has".to_owned());
        return lines;
    };
    let asked = async {
        let reached = session.connect_to(Some(context)).await.map_err(|failure| failure.message)?;
        look::volumes(&reached).await.map_err(|error| error.to_string())
    };
    match timeout(ANSWER, asked).await.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
        Ok(snapshot) => {
            let volumes: Vec<String> = snapshot.of_kind("", "PersistentVolume").map(volume).collect();
            let many = if volumes.is_empty() { "no volumes".to_owned() } else { count(volumes.len(), "volume") };
            lines.push(format!("it has {many}{}", if volumes.is_empty() { "" } else { ":" }));
            lines.extend(volumes.iter().take(NAMED).map(|volume| format!("  {volume}")));
            if volumes.len() > NAMED {
                lines.push(format!("  and {} more", volumes.len() - NAMED));
            }
        }
        Err(why) => lines.push(format!("it could not be asked which volumes it has: {why}")),
    }
    lines
}

fn volume(volume: &serde_json::Value) -> String {
    let name = text(volume, "/metadata/name").unwrap_or_default();
    let size = text(volume, "/spec/capacity/storage").unwrap_or_default();
    match join::claim_of(volume) {
        Some(claim) => format!("{claim} ({size})"),
        None => format!("{name} ({size}), of no claim"),
    }
}
