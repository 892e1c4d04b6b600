//! `prerequisites list|install|uninstall|pool`: what stacks expect of a cluster.

mod check;
mod install;
pub(crate) mod uninstall;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use seaworthy::cluster::Cluster;
use seaworthy::network::{Proof, Reach};
use seaworthy::plan::Installation;
use seaworthy::prerequisites::{
    Assessment, Blocked, Health, Picture, Prerequisite, Verdict, Wants, assess, look, shared_path,
};
use seaworthy::stack::Stack;
use serde_json::json;

use super::pool::{self, PoolArgs};
use super::{Failure, Session};
use crate::front::paint::{one_line, table};

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
#[derive(Debug, Args)]
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
    let cluster = session.connect().await?;
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
    let Judged { all, pool } = judge(session, &cluster, &picture, &Asked::default()).await?;
    let document = json!({"cluster": cluster.id, "prerequisites": all, "pool": pool.map(|(proof, _)| proof)});
    session.print("Prerequisites", &document, || list_text(&all));
    Ok(ExitCode::SUCCESS)
}

/// Which are asked for, and what is said about them.
#[derive(Debug, Default)]
struct Asked {
    /// Empty: all.
    names: Vec<Prerequisite>,
    /// `--pool`.
    pool: Vec<String>,
    /// `--adopt`.
    adopt: Vec<Prerequisite>,
}

/// How they stand.
struct Judged {
    all: Vec<Assessment>,
    /// The addresses for load balancers with their proof, where they had to be known, and whether this machine reaches them.
    pool: Option<(Proof, Option<Reach>)>,
}

/// Assesses what is asked for. The network is looked at only when nothing else decides about load balancers.
async fn judge(session: &Session, cluster: &Cluster, picture: &Picture, asked: &Asked) -> Result<Judged, Failure> {
    let mut wants = Wants { by_name: !asked.names.is_empty(), adopt: asked.adopt.clone(), ..Wants::default() };
    let named = |prerequisite: &Prerequisite| asked.names.is_empty() || asked.names.contains(prerequisite);
    let names: Vec<Prerequisite> = Prerequisite::ALL.into_iter().filter(named).collect();
    let mut pool = None;
    let open = |it: &Prerequisite| *it == Prerequisite::Metallb && assess(*it, picture, &wants).wants_pool;
    if names.iter().any(open) {
        let needed = picture.load_balancers().max(1);
        match pool::work_out(session, cluster, &asked.pool, needed).await {
            Ok(worked_out) => {
                let ranges = worked_out.0.addresses.iter().map(ToString::to_string).collect();
                (wants.pool, pool) = (Some(Ok(ranges)), Some(worked_out));
            }
            // What was typed has to be right; what was worked out is only missing.
            Err(failure) if !asked.pool.is_empty() => return Err(failure),
            Err(Failure { message, hint, .. }) => {
                let remedy = hint.unwrap_or_else(|| "name them with --pool FIRST-LAST".to_owned());
                let because = message.lines().map(str::trim).collect::<Vec<_>>().join("; ").replace(":;", ":");
                wants.pool = Some(Err(Blocked { because, remedy, blind: false }));
            }
        }
    }
    if names.iter().any(|it| assess(*it, picture, &wants).wants_folder) {
        let busy = session.busy("asking the engines of this machine what the nodes share");
        wants.folder = Some(shared_path::folder(picture, &session.shore().await, &cluster.id.server));
        drop(busy);
    }
    Ok(Judged { all: names.iter().map(|it| assess(*it, picture, &wants)).collect(), pool })
}

fn list_text(all: &[Assessment]) -> String {
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    table(&["PREREQUISITE", "THERE", "BY", "WORKS", "WHAT INSTALL WOULD DO"], &rows)
}

fn row(assessment: &Assessment) -> Vec<String> {
    let found = assessment.found.as_ref();
    let there = found.map_or("no", |found| found.version.as_deref().unwrap_or("yes"));
    let works = found.map_or("", |found| if found.health == Health::Healthy { "yes" } else { "no" });
    let by = found.map(|found| one_line(&found.manager.to_string())).unwrap_or_default();
    let name = assessment.prerequisite.to_string();
    vec![name, there.to_owned(), by, works.to_owned(), one_line(&verdict_text(&assessment.verdict))]
}

/// A verdict in a sentence.
fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Use { because } => format!("nothing: {because}"),
        Verdict::Keep { .. } => "nothing, or mend it: it is ours".to_owned(),
        Verdict::Install { because, .. } => format!("install it: {because}"),
        Verdict::Upgrade { from, to, .. } => format!("upgrade it from {from} to {to}"),
        Verdict::Leave { because } => format!("nothing, unless it is named: {because}"),
        Verdict::Blocked(blocked) => format!("nothing: {}; {}", blocked.because, blocked.remedy),
    }
}
