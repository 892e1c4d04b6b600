//! `prerequisites list|install|uninstall|pool`: what stacks expect of a cluster.

mod check;
mod ground;
mod install;
pub(crate) mod uninstall;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use seaworthy::cluster::Cluster;
use seaworthy::plan::Installation;
use seaworthy::prerequisites::{Asked, Judged, Picture, Prerequisite, look};
use seaworthy::stack::Stack;
use serde_json::json;

use super::pool::{self, PoolArgs};
use super::{Failure, Session};
use crate::front::first::First;
use crate::front::prerequisites_text::list_text;
pub(crate) use ground::look_around;
pub(crate) use install::{Order, order, run_on};

/// `prerequisites ...`
#[derive(Debug, Subcommand)]
pub(crate) enum PrerequisitesCommand {
    /// What of them is there, whether it works, who looks after it, and what `install` would do
    List,
    /// Install what is missing, and prove that it works
    Install(InstallArgs),
    /// Use them as stacks do, and take away what was made for it: proves that they work
    Check(CheckArgs),
    /// Take away what this program has installed, when nothing needs it any more
    Uninstall(UninstallArgs),
    /// The addresses that metallb may give away: worked out and proved, or yours checked
    Pool(PoolArgs),
}

/// `prerequisites install`
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct InstallArgs {
    /// Which: local-path, shared-path, metrics-server, metallb, kruise (default: all that are missing; shared-path only by its name)
    pub(crate) names: Vec<Prerequisite>,
    /// Addresses that metallb may give away: FIRST-LAST or a CIDR; may be repeated
    #[arg(long, value_name = "RANGE")]
    pub(crate) pool: Vec<String>,
    /// single-node or ha (default: by the number of nodes)
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// One value of a single prerequisite: path.to.it=value
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// Take all images from this registry
    #[arg(long, value_name = "HOST")]
    pub(crate) registry: Option<String>,
    /// Take this one over from whoever has installed it, as far as that can last; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) adopt: Vec<Prerequisite>,
    /// Do not prove that what was installed works
    #[arg(long)]
    pub(crate) no_check: bool,
    /// Show the plans; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Give up an unfinished run and plan anew
    #[arg(long)]
    pub(crate) replan: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

impl From<First> for InstallArgs {
    fn from(First { names, pool, adopt, registry, no_check }: First) -> Self {
        Self { names, pool, registry, adopt, no_check, ..Self::default() }
    }
}

/// `prerequisites check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Which: local-path, shared-path, metrics-server, metallb, kruise (default: all that are there)
    pub(crate) names: Vec<Prerequisite>,
    /// Take the image of the check from this registry
    #[arg(long, value_name = "HOST")]
    pub(crate) registry: Option<String>,
}

/// `prerequisites uninstall`
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Which: local-path, shared-path, metrics-server, metallb, kruise
    #[arg(required = true)]
    pub(crate) names: Vec<Prerequisite>,
    /// Although something still uses it
    #[arg(long)]
    pub(crate) in_use: bool,
    /// Show what would go and what would stay; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

pub(crate) async fn run(session: &Session, command: &PrerequisitesCommand) -> Result<ExitCode, Failure> {
    match command {
        PrerequisitesCommand::List => list(session).await,
        PrerequisitesCommand::Install(arguments) => Box::pin(install::run(session, arguments)).await,
        PrerequisitesCommand::Check(arguments) => Box::pin(check::run(session, arguments)).await,
        PrerequisitesCommand::Uninstall(arguments) => Box::pin(uninstall::run(session, arguments)).await,
        PrerequisitesCommand::Pool(arguments) => pool::run(session, arguments).await,
    }
}

/// Connects and looks.
async fn picture(session: &Session) -> Result<(Cluster, Picture), Failure> {
    picture_of(session, session.connect().await?).await
}

async fn picture_of(session: &Session, cluster: Cluster) -> Result<(Cluster, Picture), Failure> {
    let busy = session.busy("looking for what is there");
    let picture = look(&cluster).await.map_err(|error| Failure::kube(&error))?;
    drop(busy);
    Ok((cluster, picture))
}

/// The installation of a stack of ours, of which nothing is known but where it would be.
fn bare(stack: &Stack) -> Installation {
    let (name, definition) = (stack.name().to_owned(), stack.definition());
    Installation {
        stack: name.clone(),
        version: definition.version.clone(),
        namespace: definition.default_namespace().to_owned(),
        release: name,
        profile: String::new(),
    }
}

async fn list(session: &Session) -> Result<ExitCode, Failure> {
    let (cluster, picture) = picture(session).await?;
    let asked = Asked::default();
    let ground = look_around((session, &cluster), picture, std::slice::from_ref(&asked), true).await;
    let Judged { all, pool } = ground.judge(&asked).map_err(Failure::refused)?;
    let document = json!({"cluster": cluster.id, "prerequisites": all, "pool": pool.map(|(proof, _)| proof)});
    session.print("Prerequisites", &document, || list_text(&all));
    Ok(ExitCode::SUCCESS)
}
