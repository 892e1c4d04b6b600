//! `images load`: the images that nodes lack, into them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use seaworthy::cluster::Cluster;
use seaworthy::engine::journal;
use seaworthy::images::archive::{self, Archive};
use seaworthy::images::load::{Inputs, decide};
use seaworthy::images::nodes::{self, LookError};
use seaworthy::images::stock;
use seaworthy::images::{self, Image};
use seaworthy::plan::{Installation, Plan};
use seaworthy::prepare::Prepared;
use serde_json::{Value, json};

use super::{Whose, filed, gather, named, no_sandbox};
use crate::cli::cluster;
use crate::cli::voyage::{Remarks, Voyage, show_plan};
use crate::cli::{Failure, Session, typed};
use crate::front::face::Face;
use crate::front::paint::Paint;
use crate::front::plan_text::plan_text;
use crate::front::say;

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
    let wish = Wish { images: &images, name: &name, from: arguments.from.as_deref(), node: &arguments.node };
    let load = wish.plan_aloud((session, session.globals.context.as_deref()), arguments.dry_run).await?;
    if arguments.dry_run {
        return Ok(show_plan(session, &load.place, &cluster::prepared(load.plan), &load.remarks));
    }
    let (voyage, prepared) = load.embark(session).await?;
    voyage.sail(prepared, None).await
}

/// What the nodes lack of the images of a stack that is about to be installed, put into them from the engines of this machine or an archive; the
/// exit code. A rehearsal only says it.
pub(crate) async fn before_install(
    (session, context): (&Session, Option<&str>),
    objects: &[(Option<String>, Value)],
    (name, from): (&str, Option<&Path>),
    rehearsal: bool,
) -> Result<u8, Failure> {
    no_sandbox(session, "there are no nodes to put images into")?;
    let images = images::of_objects(objects);
    let wish = Wish { images: &images, name, from, node: &[] };
    let load = wish.plan_aloud((session, context), rehearsal).await?;
    if rehearsal {
        say(format!("before it, into the nodes:\n{}", plan_text(&load.plan, Paint(false))));
        return Ok(0);
    }
    let (voyage, prepared) = load.embark(session).await?;
    Ok(voyage.land(prepared, None).await?.code())
}

/// The load that goes before an installation, for a screen that shows by itself that something is under way.
pub(crate) async fn load_for(
    (session, context): (&Session, Option<&str>),
    objects: &[(Option<String>, Value)],
    (name, from): (&str, Option<&Path>),
) -> Result<Load, Failure> {
    no_sandbox(session, "there are no nodes to put images into")?;
    let images = images::of_objects(objects);
    let wish = Wish { images: &images, name, from, node: &[] };
    wish.plan((session, context), false).await
}

/// What is to be put where.
struct Wish<'a> {
    images: &'a [Image],
    /// Whose they are.
    name: &'a str,
    from: Option<&'a Path>,
    node: &'a [String],
}

/// A plan that does it.
pub(crate) struct Load {
    place: Cluster,
    pub(crate) plan: Plan,
    pub(crate) remarks: Remarks,
    values: Value,
}

impl Load {
    /// Runs what was shown and agreed to already.
    pub(crate) async fn sail(self, session: &Session, face: Face) -> Result<ExitCode, Failure> {
        let (voyage, prepared) = self.embark(session).await?;
        Voyage { face, agreed: true, ..voyage }.sail(prepared, None).await
    }

    async fn embark(self, session: &Session) -> Result<(Voyage<'_>, Prepared), Failure> {
        let Self { place, plan, remarks, values } = self;
        // What an unfinished one has left to do is in this plan: the nodes were asked just now.
        cluster::abandon_open(session, &plan).await?;
        let inputs = journal::Inputs::of(&plan.installation, values);
        Ok((cluster::voyage(session, place, inputs, remarks), cluster::prepared(plan)))
    }
}

impl Wish<'_> {
    /// For a person who waits for the plan.
    fn doing(&self) -> String {
        match self.from {
            Some(file) => {
                format!("checking every checksum of {}, and asking the nodes which images they have", file.display())
            }
            None => "asking the nodes which images they have".to_owned(),
        }
    }

    /// The plan, with a sign of life meanwhile.
    async fn plan_aloud(&self, at: (&Session, Option<&str>), rehearsal: bool) -> Result<Load, Failure> {
        let _busy = at.0.busy(&self.doing());
        self.plan(at, rehearsal).await
    }

    async fn plan(&self, (session, context): (&Session, Option<&str>), rehearsal: bool) -> Result<Load, Failure> {
        let archive = match self.from {
            Some(file) => Some(checked(file).await?),
            None => None,
        };
        let reached = session.connect_to(context).await?;
        let nodes = nodes::look(&reached, &session.here).await.map_err(|error| unread(&error))?;
        let names = named(self.images);
        let stock = match &archive {
            Some(archive) => stock::of_archive(archive, names.clone()),
            None => stock::of_engines(&session.here, None, &names).await,
        };
        let installation = installation(self.name, &reached.id.context);
        let place = cluster::place(session);
        let command = typed();
        let (images, only) = (self.images, self.node);
        let inputs = Inputs { images, nodes: &nodes, only, stock: &stock, rehearsal, command: &command };
        let decision = decide(inputs, &installation, place.id.clone());
        let Some(plan) = decision.plan else { return Err(cluster::refused(&decision.refusals)) };
        let remarks = Remarks { warnings: decision.warnings, ..Remarks::default() };
        let values = json!({"images": names, "from": self.from, "context": reached.id.context});
        Ok(Load { place, plan, remarks, values })
    }
}

/// Reads an archive, all of it.
async fn checked(file: &Path) -> Result<Archive, Failure> {
    // What is carried in a plan is found again from wherever it is taken up.
    let path = std::path::absolute(file).map_err(|error| Failure::file(file, &error))?;
    let read = tokio::task::spawn_blocking(move || {
        let archive = archive::open(&path)?;
        archive::check(&archive).map(|()| archive)
    });
    let archive = read.await.map_err(|error| Failure::input("unreadable-archive", error.to_string(), ""))??;
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
