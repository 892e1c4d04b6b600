//! `images save`: the images of stacks in one archive.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use seaworthy::engine::journal::Inputs;
use seaworthy::images::save::{decide, look};
use seaworthy::images::stock;
use serde_json::json;

use super::{Whose, filed, gather, named, no_sandbox};
use crate::cli::cluster;
use crate::cli::voyage::{Remarks, show_plan};
use crate::cli::{EngineName, Failure, Session};

/// `images save`
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    #[command(flatten)]
    whose: Whose,
    /// The archive to write; never one that is there already
    #[arg(long, value_name = "FILE")]
    archive: PathBuf,
    /// Take them from this container engine (default: the first that has them)
    #[arg(long, value_enum, hide_possible_values = true, value_name = "docker|podman")]
    engine: Option<EngineName>,
    /// Show what would be saved; write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(session: &Session, arguments: &SaveArgs) -> Result<ExitCode, Failure> {
    no_sandbox(session, "there is nothing to save from it")?;
    let (images, name) = gather(session, &arguments.whose)?;
    let product = arguments.engine.map(EngineName::product);
    let berth = look(&arguments.archive);
    let busy = session.busy("asking container engines which images they have");
    let stock = stock::of_engines(&session.here, product, &named(&images)).await;
    drop(busy);
    let place = cluster::place(session);
    let decision = decide(&named(&images), &stock, &berth, (&name, place.id.clone()));
    let Some(mut plan) = decision.plan else { return Err(cluster::refused(&decision.refusals)) };
    plan.installation.namespace = filed(&plan.installation.namespace);
    let remarks = Remarks::default();
    if arguments.dry_run {
        return Ok(show_plan(session, &place, &cluster::prepared(plan), &remarks));
    }
    cluster::abandon_open(session, &plan).await?;
    let inputs = Inputs::of(&plan.installation, json!({"images": named(&images), "archive": berth.file}));
    let voyage = cluster::voyage(session, place, inputs, remarks);
    voyage.sail(cluster::prepared(plan), None).await
}
