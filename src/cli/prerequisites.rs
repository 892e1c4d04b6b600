//! `prerequisites list|install|uninstall|pool`: what stacks expect of a cluster.

mod check;
mod ground;
mod install;
pub(crate) mod uninstall;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use seaworthy::cluster::Cluster;
use seaworthy::plan::Installation;
use seaworthy::prerequisites::{Assessment, Health, Picture, Prerequisite, Verdict, look};
use seaworthy::stack::Stack;
use serde_json::json;

use super::pool::{self, PoolArgs};
use super::{Failure, Session};
use crate::front::paint::{cut, table, wrap};
pub(crate) use ground::{Asked, Ground, Judged};
pub(crate) use install::{Order, command, order, run_on};

/// The width that every terminal has.
const WIDTH: usize = 80;
/// What stands before the second line of a sentence and those below it.
const INDENT: &str = "  ";
/// The widest cells of the columns BY and THERE.
const BY: usize = 24;
const THERE: usize = 8;

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
    let ground = Ground::look((session, &cluster), picture, std::slice::from_ref(&asked), true).await;
    let Judged { all, pool } = ground.judge(&asked)?;
    let document = json!({"cluster": cluster.id, "prerequisites": all, "pool": pool.map(|(proof, _)| proof)});
    session.print("Prerequisites", &document, || list_text(&all));
    Ok(ExitCode::SUCCESS)
}

/// A table that fits on 80 columns, and below it why.
pub(crate) fn list_text(all: &[Assessment]) -> String {
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let table = table(&["PREREQUISITE", "THERE", "BY", "WORKS", "INSTALL WOULD"], &rows);
    let details = all.iter().flat_map(|it| {
        let sentence = format!("{}: {}", it.prerequisite, why_text(it));
        let lines = wrap(&sentence, WIDTH - INDENT.len()).into_iter().enumerate();
        lines.map(|(index, line)| if index == 0 { line } else { format!("{INDENT}{line}") })
    });
    let meaning = all.iter().find_map(|it| it.found.as_ref()?.manager.explained()).map(str::to_owned);
    std::iter::once(table).chain([String::new()]).chain(details).chain(meaning).collect::<Vec<_>>().join("\n")
}

fn row(assessment: &Assessment) -> Vec<String> {
    let found = assessment.found.as_ref();
    let there = found.map_or("no", |found| found.version.as_deref().unwrap_or("yes"));
    let by = found.map(|found| cut(&found.manager.to_string(), BY)).unwrap_or_default();
    let works = match (found.map(|found| &found.health), &assessment.verdict) {
        (None, _) => "",
        // What works of it is not all that stacks expect.
        (Some(Health::Healthy), Verdict::Install { .. }) => "in part",
        (Some(Health::Healthy), _) => "yes",
        (Some(Health::Unhealthy { .. }), _) => "no",
    };
    let name = assessment.prerequisite.to_string();
    vec![name, cut(there, THERE), by, works.to_owned(), act_text(assessment).to_owned()]
}

/// What `install` would do, in a word or two.
pub(crate) fn act_text(assessment: &Assessment) -> &'static str {
    match (&assessment.verdict, assessment.found.as_ref().map(|found| &found.health)) {
        (Verdict::Keep { .. }, Some(Health::Unhealthy { .. })) => "mend it",
        (Verdict::Use { .. } | Verdict::Keep { .. }, _) => "do nothing",
        (Verdict::Install { .. }, None) => "install it",
        (Verdict::Install { .. }, Some(_)) => "complete it",
        (Verdict::Upgrade { .. }, _) => "upgrade it",
        (Verdict::Leave { .. }, _) => "only by its name",
        (Verdict::Blocked(_), _) => "not do it",
    }
}

/// Why, in a sentence.
pub(crate) fn why_text(assessment: &Assessment) -> String {
    match &assessment.verdict {
        Verdict::Use { because } | Verdict::Install { because, .. } | Verdict::Leave { because } => because.clone(),
        Verdict::Keep { .. } => match assessment.found.as_ref().map(|found| &found.health) {
            Some(Health::Unhealthy { why }) => format!("it is ours, and does not work: {why}"),
            _ => "it is ours, in the version that this program brings".to_owned(),
        },
        Verdict::Upgrade { from, to, .. } => format!("it is ours: from {from} to {to}"),
        Verdict::Blocked(blocked) => format!("{}; {}", blocked.because, blocked.remedy),
    }
}
