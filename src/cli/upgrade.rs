//! `upgrade`: what is installed goes on with what was chosen for it, in this program's version of the stack.

use std::process::ExitCode;

use clap::Args;
use seaworthy::doctor::Cause;
use seaworthy::engine::record::InstallRecord;
use seaworthy::plan::Installation;
use seaworthy::stack::Choices;

use super::chart::{self, ChartArgs};
use super::choose::choices;
use super::install::{self, InstallArgs, OnConflict};
use super::rollback::{self, RollbackArgs};
use super::uninstall::bare_installation;
use super::voyage::unanswerable;
use super::{Choice, Failure, Session};
use crate::front::ask::{Answer, Ask};
use crate::front::plain::cause_text;
use crate::front::{can_ask, say};

/// `upgrade`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct UpgradeArgs {
    /// Name of the stack
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) choice: Choice,
    #[command(flatten)]
    pub(crate) chart: ChartArgs,
    /// Begin with the stack's defaults rather than with what was chosen before
    #[arg(long)]
    pub(crate) reset_values: bool,
    /// Show the plan and every field that would change; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go back to what was there before, without asking, when it does not become ready
    #[arg(long)]
    pub(crate) roll_back: bool,
    /// Fields that somebody else owns: keep theirs, take ours, or stop (default: take back what kubectl changed, stop at the rest)
    #[arg(long, value_enum, hide_possible_values = true, value_name = "keep|take|stop")]
    pub(crate) on_conflict: Option<OnConflict>,
    /// Delete and make anew what can no longer be changed (an immutable field), where that loses no data; the plan says what it means
    #[arg(long)]
    pub(crate) recreate: bool,
    /// Only warn of what this check refuses; may be repeated
    #[arg(long, value_name = "CHECK", value_parser = install::check_name)]
    pub(crate) ignore: Vec<String>,
    /// Give up an unfinished run of this installation and plan anew
    #[arg(long)]
    pub(crate) replan: bool,
    /// Take over the lock of a run that was not heard of for a minute
    #[arg(long, value_name = "INSTALLATION")]
    pub(crate) take_lock: Option<String>,
}

pub(crate) async fn run(session: &Session, arguments: &UpgradeArgs) -> Result<ExitCode, Failure> {
    let bare = bare_installation(session, &arguments.stack, arguments.choice.namespace.as_deref())?;
    let cluster = session.connect().await?;
    let record = InstallRecord::read(&cluster.client, &bare.key()).await.map_err(|error| Failure::kube(&error))?;
    let Some(record) = record else {
        if let Some(open) =
            session.runs()?.latest(&cluster.id.uid, &bare.key())?.filter(|run| run.state.is_unfinished())
        {
            let message = format!("{} in namespace {} is not installed to its end", bare.stack, bare.namespace);
            let hint = format!("first finish it: `seaworthy runs resume {}`", open.run);
            return Err(Failure::input("not-installed", message, hint));
        }
        let message = format!("{} has no record of an installation in namespace {}", bare.stack, bare.namespace);
        let hint =
            format!("`seaworthy status` shows what is installed; `seaworthy install {}` installs it", bare.stack);
        return Err(Failure::input("not-installed", message, hint));
    };
    let install = as_install(session, arguments, &record)?;
    if let Some(chart) = record.inputs.chart.as_ref().filter(|_| arguments.roll_back) {
        return Err(chart::no_way_back(&record.installation, chart));
    }
    let code = install::run_on(session, session.globals.context.as_deref(), &install).await?;
    if code == ExitCode::FAILURE && !arguments.dry_run {
        let failed =
            session.runs()?.latest(&cluster.id.uid, &bare.key())?.and_then(|run| run.causes.into_iter().next());
        return go_back(session, arguments, &record, (code, failed)).await;
    }
    Ok(code)
}

/// The install that it comes to: what was chosen before, below what is chosen now.
fn as_install(session: &Session, arguments: &UpgradeArgs, record: &InstallRecord) -> Result<InstallArgs, Failure> {
    let was = &record.inputs;
    let stack = session.catalogue().get(&arguments.stack)?;
    let given = &arguments.choice;
    let kept = |now: &Option<String>, before: &Option<String>| {
        now.clone().or_else(|| before.clone().filter(|_| !arguments.reset_values))
    };
    let choice = Choice {
        profile: given.profile.clone().or_else(|| Some(record.installation.profile.clone())),
        namespace: Some(record.installation.namespace.clone()),
        name: given.name.clone().or_else(|| Some(record.installation.release.clone())),
        registry: kept(&given.registry, &was.registry),
        pull_secret: kept(&given.pull_secret, &was.pull_secret),
        keep_login: was.login && given.pull_secret.is_none() && !arguments.reset_values,
        stand_ins: given.stand_ins || was.stand_ins && !arguments.reset_values,
        ..given.clone()
    };
    let recorded = (!arguments.reset_values).then(|| was.said().clone());
    let mut choices = Choices { recorded, ..choices(&choice)? };
    choices.example |= session.globals.sandbox.is_some();
    choices.take_registry(&stack, choice.registry.as_deref());
    if was.stack_version != stack.definition().version {
        say(format!("{} {} is there, and goes to {}", stack.name(), was.stack_version, stack.definition().version));
    }
    Ok(InstallArgs {
        stack: Some(arguments.stack.clone()),
        command: Some("upgrade"),
        choice,
        chart: arguments.chart.or_before(was.chart.as_ref()),
        answered: Some(choices),
        dry_run: arguments.dry_run,
        on_conflict: arguments.on_conflict,
        recreate: arguments.recreate,
        ignore: arguments.ignore.clone(),
        replan: arguments.replan,
        take_lock: arguments.take_lock.clone(),
        ..InstallArgs::default()
    })
}

/// An upgrade that failed leaves what was changed as it is, so that it can be looked at; going back is asked about, or was asked for.
async fn go_back(
    session: &Session,
    arguments: &UpgradeArgs,
    record: &InstallRecord,
    (failed, why): (ExitCode, Option<Cause>),
) -> Result<ExitCode, Failure> {
    let installation = &record.installation;
    if record.inputs.chart.is_some() {
        say(format!("go back with: helm rollback {} -n {}", installation.release, installation.namespace));
        return Ok(failed);
    }
    let back = RollbackArgs {
        stack: installation.stack.clone(),
        namespace: Some(installation.namespace.clone()),
        to: Some(record.run.clone()),
        dry_run: false,
        recreate: arguments.recreate,
        on_conflict: arguments.on_conflict,
        take_lock: arguments.take_lock.clone(),
    };
    let asked = can_ask() && !session.is_json() && !session.globals.yes && !arguments.roll_back;
    if asked {
        let question = format!("It is not ready. Go back to run {}, which was?", record.run);
        match session.face().ask(Ask::Whether { question }).await.map_err(|error| unanswerable(&error))? {
            Some(Answer::Yes) => {}
            _ => return Ok(failed),
        }
    } else if !arguments.roll_back {
        let Some(of) = rollback::has_run(session, &record.run)?.then_some(installation) else { return Ok(failed) };
        say(format!("go back with: seaworthy rollback {} -n {}", of.stack, of.namespace));
        return Ok(failed);
    }
    say(format!("going back to run {}", record.run));
    // Whether or not it came back: the upgrade that was asked for has failed.
    let back = rollback::run_agreed(session, &back).await? == ExitCode::SUCCESS;
    if !session.is_json() {
        say(end_text(installation, &record.run, why.as_ref(), back));
    }
    Ok(failed)
}

/// The last line: why the upgrade failed, and what is there now.
fn end_text(installation: &Installation, run: &str, why: Option<&Cause>, back: bool) -> String {
    let (stack, namespace) = (&installation.stack, &installation.namespace);
    let why = why.map(|cause| format!(" ({})", cause_text(cause))).unwrap_or_default();
    if back {
        return format!("the upgrade failed{why}; {stack} is as run {run} had made it");
    }
    format!(
        "the upgrade failed{why}, and so did going back: {stack} is between the two; `seaworthy status {stack} -n {namespace}` shows how it is"
    )
}
