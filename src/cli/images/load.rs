//! `images load`: the images that nodes lack, into them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use seaworthy::engine::journal;
use seaworthy::images::archive::{self, Archive};
use seaworthy::images::load::{Inputs, decide};
use seaworthy::images::nodes::{self, LookError};
use seaworthy::images::stock;
use seaworthy::plan::Installation;
use serde_json::json;

use super::{Whose, filed, gather, named, no_sandbox};
use crate::cli::cluster;
use crate::cli::voyage::{Remarks, show_plan};
use crate::cli::{Failure, Session, typed};

/// `images load`
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    whose: Whose,
    /// Take them from this archive instead of a container engine of this machine; every checksum in it is checked first
    #[arg(long, value_name = "ARCHIVE")]
    from: Option<PathBuf>,
    /// Only into this node; may be repeated (default: all)
    #[arg(long, value_name = "NAME")]
    node: Vec<String>,
    /// Show what would be loaded; load nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(session: &Session, arguments: &LoadArgs) -> Result<ExitCode, Failure> {
    no_sandbox(session, "there are no nodes to put images into")?;
    let (images, name) = gather(session, &arguments.whose)?;
    let archive = match &arguments.from {
        Some(file) => Some(checked(session, file).await?),
        None => None,
    };
    let reached = session.connect().await?;
    let busy = session.busy("asking the nodes which images they have");
    let nodes = nodes::look(&reached, &session.here).await.map_err(|error| unread(&error))?;
    let stock = match &archive {
        Some(archive) => stock::of_archive(archive, named(&images)),
        None => stock::of_engines(&session.here, None, &named(&images)).await,
    };
    drop(busy);
    let installation = installation(&name, &reached.id.context);
    let place = cluster::place(session);
    let command = typed();
    let inputs = Inputs {
        images: &images,
        nodes: &nodes,
        only: &arguments.node,
        stock: &stock,
        rehearsal: arguments.dry_run,
        command: &command,
    };
    let decision = decide(inputs, &installation, place.id.clone());
    let Some(plan) = decision.plan else { return Err(cluster::refused(&decision.refusals)) };
    let remarks = Remarks { warnings: decision.warnings, ..Remarks::default() };
    if arguments.dry_run {
        return Ok(show_plan(session, &place, &cluster::prepared(plan), &remarks));
    }
    // What an unfinished one has left to do is in this plan: the nodes were asked just now.
    cluster::abandon_open(session, &plan).await?;
    let values = json!({"images": named(&images), "from": arguments.from, "context": reached.id.context});
    let voyage = cluster::voyage(session, place, journal::Inputs::of(&plan.installation, values), remarks);
    voyage.sail(cluster::prepared(plan), None).await
}

/// Reads an archive, all of it.
async fn checked(session: &Session, file: &Path) -> Result<Archive, Failure> {
    let busy = session.busy(&format!("checking every checksum of {}", file.display()));
    // What is carried in a plan is found again from wherever it is taken up.
    let path = std::path::absolute(file).map_err(|error| Failure::file(file, &error))?;
    let read = tokio::task::spawn_blocking(move || {
        let archive = archive::open(&path)?;
        archive::check(&archive).map(|()| archive)
    });
    let archive = read.await.map_err(|error| Failure::input("unreadable-archive", error.to_string(), ""))??;
    drop(busy);
    Ok(archive)
}

fn installation(name: &str, context: &str) -> Installation {
    let cluster = Installation::of_cluster("", &filed(context), "");
    Installation { stack: name.to_owned(), release: context.to_owned(), ..cluster }
}

fn unread(error: &LookError) -> Failure {
    match error {
        LookError::Kube(error) => Failure::kube(error),
        LookError::Unread { .. } => {
            Failure::input("nodes-unread", error.to_string(), "use a context that may list nodes")
        }
    }
}
