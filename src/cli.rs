//! The command line. The types here only parse; each command is a thin file that calls the library and hands what comes
//! back to a front end.

mod backup;
mod bundle;
mod chart;
mod choose;
mod cluster;
mod detect;
mod doctor;
mod drill;
mod explain;
mod forecast;
mod health;
mod hold;
mod images;
mod install;
mod landing;
mod login;
mod namespace;
mod new_stack;
mod open;
mod pace;
mod pilot;
mod pool;
mod prerequisites;
mod recover;
mod render;
mod report;
mod restore;
mod rollback;
mod runs;
mod sandbox;
mod session;
mod stacks;
mod status;
mod typed;
mod uninstall;
mod upgrade;
mod usage;
mod voyage;
mod why;
mod wizard;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use seaworthy::host::engines::Product;
use seaworthy::images::login::Login;

pub(crate) use crate::front::failure::Failure;
pub(crate) use session::Session;
pub(crate) use typed::typed;
pub(crate) use usage::parse;

use runs::RunsCommand;
use stacks::StacksCommand;

/// Makes a Kubernetes cluster fit to sail: installs application stacks, and says what is wrong when something is wrong.
#[derive(Debug, Parser)]
#[command(name = "seaworthy", version, propagate_version = true)]
#[command(max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Globals {
    /// Use only this kubeconfig file (default: KUBECONFIG, else ~/.kube/config)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Use this kubeconfig context (default: the current one)
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Use a simulated cluster inside this program instead of a real one: single-node or ha
    #[arg(long, global = true, value_name = "KIND", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "single-node")]
    pub(crate) sandbox: Option<seaworthy::sandbox::Kind>,
    /// Refuse every request that could change the cluster, and say how many reads it took
    #[arg(long, global = true)]
    pub(crate) read_only: bool,
    /// A folder with stacks of your own, one folder each; may be repeated, the first hit wins
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) profiles: Vec<PathBuf>,
    /// text for people, json for programs: exactly one document on standard output; doctor also writes junit and sarif
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(crate) output: Format,
    /// Lines with times instead of a moving display
    #[arg(long, global = true)]
    pub(crate) plain: bool,
    /// Do not ask; it never covers destroying data
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// How long one object may take to become ready, or to be gone: 90s, 10m, 1h
    #[arg(long, global = true, value_parser = duration, default_value = "10m", value_name = "TIME")]
    pub(crate) timeout: Duration,
    /// Write every event of a run to this file, one JSON object a line
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// More detail in the log: -v, -vv, -vvv
    #[arg(short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Where the log goes (default with -v: standard error)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For CI systems, as JUnit's XML; only the doctor writes it.
    Junit,
    /// For code scanners, as SARIF 2.1.0; only the doctor writes it.
    Sarif,
}

/// A container engine by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl EngineName {
    /// Which engine it names.
    pub(crate) fn product(self) -> Product {
        match self {
            Self::Docker => Product::Docker,
            Self::Podman => Product::Podman,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What is here: container engines, tools, kubeconfig contexts, and which clusters answer
    Detect,
    /// Clusters of this machine: make one, bring one back, delete one
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// The stacks that can be installed
    #[command(subcommand)]
    Stacks(StacksCommand),
    /// What stacks expect of a cluster: storage, metrics, addresses for load balancers, clone sets
    #[command(subcommand)]
    Prerequisites(prerequisites::PrerequisitesCommand),
    /// The images of a stack
    #[command(subcommand)]
    Images(images::ImagesCommand),
    /// The Kubernetes manifests of a stack, on standard output
    Render(render::RenderArgs),
    /// Install a stack, or bring what is there to what you ask for now
    Install(Box<install::InstallArgs>),
    /// Bring what is installed to this program's version of the stack, and to what you choose now, keeping what was chosen before
    Upgrade(Box<upgrade::UpgradeArgs>),
    /// Apply again what an earlier run had applied
    Rollback(rollback::RollbackArgs),
    /// How an installation is: every component, and why it is not ready when it is not
    Status(status::StatusArgs),
    /// Open the way to a stack on this machine, and keep it open
    Open(open::OpenArgs),
    /// Take a stack away, but never its data
    Uninstall(uninstall::UninstallArgs),
    /// The brake: keep every volume and save all manifests to this machine; nothing else is asked or done
    Hold(hold::HoldArgs),
    /// Recognise what is lost, or bring it back with a playbook
    Recover(recover::RecoverArgs),
    /// Copy what an installation has to this machine: manifests, values, and what is on its volumes, with checksums
    Backup(backup::BackupArgs),
    /// Bring an installation's data back from a backup
    Restore(restore::RestoreArgs),
    /// Practise a playbook in a sandbox of its own: the loss is made, recognised, recovered from, and the data compared
    Drill(drill::DrillArgs),
    /// What was done, what was interrupted
    #[command(subcommand)]
    Runs(RunsCommand),
    /// What is wrong in a cluster, from the root, and what to do about it
    Doctor(doctor::DoctorArgs),
    /// A support bundle: what somebody needs who cannot reach the cluster, without its secrets
    Bundle(bundle::BundleArgs),
    /// Five lines about one object of any cluster: how it is, why, and what to do
    Why(why::WhyArgs),
    /// What a check means; without a name, all checks
    Explain(explain::ExplainArgs),
    /// The simulated cluster that --sandbox uses: break it, look at it with kubectl, begin anew
    #[command(subcommand)]
    Sandbox(sandbox::SandboxCommand),
}

/// With which values, and where to.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Choice {
    /// single-node or ha (default: the smallest that the stack has)
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// Values from a YAML file; may be repeated, later ones win
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// One value: path.to.it=value
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// One value, from a file: path.to.it=FILE
    #[arg(long, value_name = "PATH=FILE")]
    pub(crate) set_file: Vec<String>,
    /// A secret value, from a file (- is standard input): path.to.it=@FILE
    #[arg(long, value_name = "PATH=@FILE")]
    pub(crate) secret: Vec<String>,
    /// Namespace to install into (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Release name, on which the names of objects are built (default: the stack's name)
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Take all images from this registry
    #[arg(long, value_name = "HOST")]
    pub(crate) registry: Option<String>,
    /// Have every pod pull with this Secret, which is in the stack's namespace
    #[arg(long, value_name = "NAME")]
    pub(crate) pull_secret: Option<String>,
    /// Who pulls.
    #[arg(
        long,
        value_name = "LOGIN",
        conflicts_with = "pull_secret",
        help = "Log in to the registry of the images: USER[@REGISTRY]=@FILE with the password (- is standard input), or @FILE as `docker login` writes it; may be repeated"
    )]
    pub(crate) registry_login: Vec<String>,
    /// A demonstration: run a busybox in the place of every program, which answers its probes and does nothing else
    #[arg(long)]
    pub(crate) stand_ins: bool,
    /// What was answered, in place of a file.
    #[arg(skip)]
    pub(crate) typed_login: Option<Login>,
    /// The Secret of an earlier login stays.
    #[arg(skip)]
    pub(crate) keep_login: bool,
}

/// `90s`, `10m`, `1h30m`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| "expected a time such as 90s, 10m or 1h".to_owned())?;
    Duration::try_from(span).map_err(|_| "a time to wait is not negative".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the program cannot even begin: no runtime. Everything else ends in an exit code.
pub(crate) fn execute(cli: Cli) -> color_eyre::Result<ExitCode> {
    let format = cli.globals.output;
    let globals = cli.globals.clone();
    let mut session = match Session::new(cli.globals) {
        Ok(session) => Arc::new(session),
        Err(failure) => return Ok(session::fail(&failure, format)),
    };
    let mut command = cli.command;
    loop {
        let again = wizard::command(command.as_ref());
        let runtime = runtime(session.globals.sandbox.is_some())?;
        let result = runtime.block_on(dispatch(&session, command));
        session.account();
        let result = result.and_then(|code| session.close().map(|()| code));
        // A probe of a dead mount may still sit in the kernel: nobody waits for it.
        runtime.shutdown_background();
        match (result, session.turn()) {
            // Another kind of cluster was chosen, of which time goes otherwise: it begins anew there.
            (Ok(_), Some(turn)) => {
                session = Arc::new(Session::turned(&globals, turn, &session));
                command = again;
            }
            (Ok(code), None) => return Ok(code),
            (Err(failure), _) => return Ok(session.fail(&failure)),
        }
    }
}

/// The time of a sandbox can only leap on a single thread.
fn runtime(sandbox: bool) -> std::io::Result<tokio::runtime::Runtime> {
    use tokio::runtime::Builder;
    let mut builder = if sandbox { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}

async fn dispatch(session: &Arc<Session>, command: Option<Command>) -> Result<ExitCode, Failure> {
    session.speaks(command.as_ref())?;
    let Some(command) = command else { return wizard::home(session).await };
    match command {
        Command::Detect => detect::run(session).await,
        Command::Cluster(command) => Box::pin(cluster::run(session, &command)).await,
        Command::Stacks(StacksCommand::List) => Ok(stacks::list(session)),
        Command::Stacks(StacksCommand::Show { stack }) => stacks::show(session, &stack),
        Command::Stacks(StacksCommand::Validate { stack }) => stacks::validate(session, &stack),
        Command::Stacks(StacksCommand::New { name, dir }) => new_stack::run(session, &name, &dir),
        Command::Prerequisites(command) => prerequisites::run(session, &command).await,
        Command::Images(command) => images::run(session, &command).await,
        Command::Render(arguments) => render::run(session, &arguments),
        Command::Install(arguments) => install::run(session, &arguments).await,
        Command::Status(arguments) => status::run(session, &arguments).await,
        Command::Open(arguments) => open::run(session, &arguments).await,
        Command::Upgrade(arguments) => Box::pin(upgrade::run(session, &arguments)).await,
        Command::Rollback(arguments) => rollback::run(session, &arguments).await,
        Command::Uninstall(arguments) => uninstall::run(session, &arguments).await,
        Command::Hold(arguments) => hold::run(session, &arguments).await,
        Command::Drill(arguments) => Box::pin(drill::run(session, &arguments)).await,
        Command::Recover(arguments) => Box::pin(recover::run(session, &arguments)).await,
        Command::Backup(arguments) => Box::pin(backup::run(session, &arguments)).await,
        Command::Restore(arguments) => Box::pin(restore::run(session, &arguments)).await,
        Command::Doctor(arguments) => doctor::run(session, &arguments).await,
        Command::Bundle(arguments) => Box::pin(bundle::run(session, &arguments)).await,
        Command::Why(arguments) => why::run(session, &arguments).await,
        Command::Explain(arguments) => explain::run(session, &arguments),
        Command::Runs(RunsCommand::List) => runs::list(session),
        Command::Runs(RunsCommand::Show { run, timeline }) => runs::show(session, &run, timeline),
        Command::Runs(RunsCommand::Resume { run, take_lock }) => {
            runs::resume(session, run.as_deref(), take_lock.as_deref()).await
        }
        Command::Runs(RunsCommand::Abort { run }) => runs::abort(session, &run).await,
        Command::Runs(RunsCommand::Report { run }) => report::show(session, &run),
        Command::Runs(RunsCommand::Note { run, text }) => report::note(session, &run, &text),
        Command::Runs(RunsCommand::Purge { run }) => runs::purge(session, &run),
        Command::Sandbox(command) => sandbox::run(session, &command).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// A hint at three in the morning must not name a command that is not there.
    #[test]
    fn every_command_that_a_text_names_exists() {
        let mut files = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut named = 0;
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("`seaworthy ").skip(1) {
                let words = call.split('`').next().unwrap_or_default().split_whitespace();
                let mut command = Cli::command();
                for word in words.take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())) {
                    if !command.has_subcommands() {
                        break;
                    }
                    let next = command.find_subcommand(word).cloned();
                    command =
                        next.unwrap_or_else(|| panic!("{}: no command `{word}`: `seaworthy {call}`", path.display()));
                    named += 1;
                }
            }
        }
        assert!(named > 10, "the texts are not found any more");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert!(duration("-5s").is_err() && duration("soon").is_err());
    }
}
