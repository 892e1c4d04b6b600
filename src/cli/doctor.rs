//! `doctor`: gather, or read from a file; judge; show.

mod fix;
mod undo;
mod walk;
mod watch;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use seaworthy::cluster::Cluster;
use seaworthy::doctor::change::Mark;
use seaworthy::doctor::check::Severity;
use seaworthy::doctor::checks;
use seaworthy::doctor::evidence::{Evidence, Scope, gather, load, look_around, objects, save};
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::remedy;
use seaworthy::doctor::report::{Choice, Report, judge};
use seaworthy::doctor::role;
use seaworthy::doctor::stacks::Knowledge;
use seaworthy::doctor::suppress::{self, Suppressions};
use seaworthy::stack::Catalogue;

use serde_json::json;

use self::fix::Fixed;
use super::namespace::{known_namespace, namespace_in};
use super::session::write_out;
use super::uninstall::bare_installation;
use super::{Failure, Format, Session};
use crate::front::report_junit::junit_text;
use crate::front::report_sarif::sarif;
use crate::front::report_text::{Origin, report_text};

/// The exit code of a cluster in which something is wrong.
const UNHEALTHY: u8 = 3;

/// `doctor`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct DoctorArgs {
    /// Only what concerns this stack's namespace (default: the whole cluster)
    pub(crate) stack: Option<String>,
    /// Only what concerns this namespace; where not all may be read, only it is read
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// From where on what is found ends in exit code 3: what does not work, or what works but not as it should; what is not settled
    /// yet is only told
    #[arg(long, value_enum, hide_possible_values = true, default_value = "error", value_name = "error|warning")]
    pub(crate) fail_on: FailOn,
    /// Only these checks, groups of them by their letters, or findings by the fingerprints that -o json shows: P003,SV
    #[arg(long, value_delimiter = ',', value_name = "CHECK")]
    pub(crate) only: Vec<String>,
    /// None of these checks, groups or findings
    #[arg(long, value_delimiter = ',', value_name = "CHECK")]
    pub(crate) skip: Vec<String>,
    /// Do what can be done about what is found: each is shown, asked about, run, and proven by the check; with --yes only what can
    /// be taken back
    #[arg(long, conflicts_with_all = ["from", "undo"])]
    pub(crate) fix: bool,
    /// Take back what --fix has done last on this cluster
    #[arg(long, conflicts_with_all = ["from", "save", "only", "skip", "stack", "namespace"])]
    pub(crate) undo: bool,
    /// Keep the evidence in a file; it holds no value of a Secret or ConfigMap
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Judge evidence from a file: what --save wrote, a support bundle or the folder that it was unpacked to, or a list that
    /// `kubectl get ... -o json|yaml` printed; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// The time at which the evidence of --from is judged: 2026-11-20T10:00:00Z (default: when it was taken)
    #[arg(long, requires = "from", value_parser = time, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
    /// What is known and lived with: a YAML file of entries with check and object, or fingerprint; a reason; and until when
    #[arg(long, value_name = "FILE")]
    pub(crate) suppress: Option<PathBuf>,
    /// Go on watching, and say what is new, gone or worse, a line each; Ctrl-C ends it with the exit code of the last state
    #[arg(long, conflicts_with_all = ["from", "save", "fix", "undo"])]
    pub(crate) watch: bool,
    /// Go through a symptom of the stack step by step: what to look at, what was seen, what it means, what to do; without a name
    /// all its symptoms, and on a terminal the question which
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "",
        value_name = "SYMPTOM",
        conflicts_with_all = ["fix", "undo", "watch", "only", "skip", "suppress", "print_role"]
    )]
    pub(crate) walk: Option<String>,
    /// Print the least ClusterRole with which the doctor can tell everything, and do nothing else
    #[arg(long)]
    pub(crate) print_role: bool,
}

/// From where on something is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Something does not work.
    Error,
    /// It works, but not as it should.
    Warning,
}

impl FailOn {
    fn is_reached(self, report: &Report) -> bool {
        report.worst() >= Some(self.least())
    }

    fn least(self) -> Severity {
        if self == Self::Error { Severity::Error } else { Severity::Warning }
    }
}

pub(crate) async fn run(session: &Arc<Session>, arguments: &DoctorArgs) -> Result<ExitCode, Failure> {
    if arguments.print_role {
        let role = role::cluster_role();
        session.print_as_it_is("Manifests", &serde_json::json!({"yaml": role}), &role);
        return Ok(ExitCode::SUCCESS);
    }
    fits_together(session, arguments)?;
    if arguments.undo {
        return undo::undo(session).await;
    }
    if let Some(symptom) = &arguments.walk {
        return Box::pin(walk::run(session, arguments, symptom)).await;
    }
    let choice = choice(session, arguments)?;
    let quiet = arguments.suppress.as_deref().map(suppress::read).transpose()?;
    if arguments.fix {
        return fix(session, arguments, &choice, quiet.as_ref()).await;
    }
    if arguments.watch {
        return watch::run(session, arguments, &choice, quiet.as_ref()).await;
    }
    let evidence = evidence(session, arguments.from.as_deref(), arguments.now, choice.namespace.clone()).await?;
    if let Some(namespace) = &choice.namespace {
        namespace_in(&evidence, namespace).map_err(|unknown| of_stack(unknown, arguments))?;
        is_there(arguments, &evidence)?;
    }
    if let Some(path) = &arguments.save {
        save(&evidence, path)?;
        crate::front::say(format!("evidence of {} objects kept in {}", evidence.snapshot.len(), path.display()));
    }
    let mut report = judge(&evidence, &choice);
    compare(session, &mut report, &evidence);
    if arguments.from.is_none() && choice.is_everything() && report.is_green() {
        keep(session, &evidence);
    }
    if let Some(quiet) = &quiet {
        quiet.apply(&mut report);
    }
    remedy::offer(&mut report, &evidence);
    show(session, &report, &choice, arguments);
    Ok(if arguments.fail_on.is_reached(&report) { ExitCode::from(UNHEALTHY) } else { ExitCode::SUCCESS })
}

/// Refuses what the command line asks for at once and cannot be had so.
fn fits_together(session: &Session, arguments: &DoctorArgs) -> Result<(), Failure> {
    let changes = [(arguments.fix, "--fix"), (arguments.undo, "--undo")];
    let change = changes.into_iter().find_map(|(is_asked, name)| is_asked.then_some(name));
    if let Some(name) = change.filter(|_| session.globals.read_only) {
        let message = format!("{name} changes the cluster, which is refused by --read-only");
        let hint = "leave one of the two out; `seaworthy doctor` says what can be done, and changes nothing";
        return Err(Failure::input("read-only", message, hint));
    }
    if matches!(session.globals.output, Format::Text | Format::Json) {
        return Ok(());
    }
    let (name, why) = match change {
        Some(name) => (name, format!("junit and sarif are of findings, and {name} tells of what was done")),
        None if arguments.walk.is_some() => {
            ("--walk", "junit and sarif are of findings, and --walk tells of steps".to_owned())
        }
        None if arguments.watch => ("--watch", "junit and sarif are of one look, and --watch goes on".to_owned()),
        None => return Ok(()),
    };
    Err(Failure::input("usage", why, format!("leave one of the two out; {name} speaks text and json")))
}

/// Who names a stack and a namespace means the one in the other.
fn is_there(arguments: &DoctorArgs, evidence: &Evidence) -> Result<(), Failure> {
    match (&arguments.stack, &arguments.namespace) {
        (Some(stack), Some(namespace)) => walk::is_here(evidence, stack, namespace),
        _ => Ok(()),
    }
}

/// The report in the format that was asked for.
fn show(session: &Session, report: &Report, choice: &Choice, arguments: &DoctorArgs) {
    let origin = if arguments.from.is_some() { Origin::File } else { Origin::Here };
    match session.globals.output {
        Format::Junit => write_out(&junit_text(report, arguments.fail_on.least())),
        Format::Sarif => write_out(&format!("{:#}", sarif(report, choice.knowledge()))),
        Format::Text | Format::Json => session.print("Doctor", report, || report_text(report, origin, session.style())),
    }
}

async fn fix(
    session: &Arc<Session>,
    arguments: &DoctorArgs,
    choice: &Choice,
    quiet: Option<&Suppressions>,
) -> Result<ExitCode, Failure> {
    let cluster = session.connect().await?;
    if let Some(namespace) = &choice.namespace {
        known_namespace(&cluster, namespace).await.map_err(|unknown| of_stack(unknown, arguments))?;
        is_installed(&cluster, arguments).await?;
    }
    let (mut report, evidence, tried) = match Box::pin(fix::fix(session, &cluster, choice, quiet)).await? {
        Fixed::Through { report, evidence, tried } => (report, evidence, tried),
        Fixed::Stopped { failure, code } => {
            session.fail(&failure);
            return Ok(ExitCode::from(code));
        }
    };
    if tried.is_empty() {
        crate::front::say("there is nothing about which --fix can do something");
    }
    if report.findings.iter().any(Finding::loses_data) {
        crate::front::say(
            "for the data that is lost or about to be: `seaworthy recover` says what can be brought back",
        );
    }
    remedy::offer(&mut report, &evidence);
    let document = json!({"report": report, "tried": tried});
    session.print("DoctorFix", &document, || report_text(&report, Origin::Here, session.style()));
    Ok(ExitCode::from(fix::code(&tried, arguments.fail_on.is_reached(&report))))
}

/// The same as [`is_there`] where nothing was read yet.
async fn is_installed(cluster: &Cluster, arguments: &DoctorArgs) -> Result<(), Failure> {
    if arguments.stack.is_none() || arguments.namespace.is_none() {
        return Ok(());
    }
    let evidence = objects(cluster, &Scope { namespace: arguments.namespace.clone() }).await?;
    is_there(arguments, &evidence)
}

/// A namespace that nobody typed is not there because its stack is not.
fn of_stack(unknown: Failure, arguments: &DoctorArgs) -> Failure {
    match (&arguments.stack, &arguments.namespace) {
        (Some(stack), None) => {
            let hint = format!("{stack} is not installed there; `seaworthy install {stack}` installs it");
            Failure { hint: Some(hint), ..unknown }
        }
        _ => unknown,
    }
}

/// Adds what has changed since nothing was wrong with this cluster.
fn compare(session: &Session, report: &mut Report, evidence: &Evidence) {
    let uid = evidence.cluster.as_ref().map(|cluster| cluster.uid.as_str()).unwrap_or_default();
    match session.marks().map(|marks| marks.read(uid)) {
        Ok(Ok(Some(mark))) => report.compare(&mark, evidence),
        Ok(Ok(None)) => {}
        Ok(Err(error)) => crate::front::say(format!("what has changed cannot be told: {error}")),
        // Without a home folder nothing was ever kept.
        Err(failure) => tracing::debug!(why = failure.message, "there is no folder of marks"),
    }
}

/// Remembers how a cluster looks in which nothing is wrong. That it cannot be remembered does not make it less well.
fn keep(session: &Session, evidence: &Evidence) {
    let Some(mark) = Mark::of(evidence) else { return };
    match session.marks().map(|marks| marks.keep(&mark)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => crate::front::say(format!("how it looks when all is well cannot be kept: {error}")),
        Err(failure) => tracing::debug!(why = failure.message, "there is no folder for marks"),
    }
}

fn choice(session: &Session, arguments: &DoctorArgs) -> Result<Choice, Failure> {
    let namespace = match (&arguments.namespace, &arguments.stack) {
        (Some(namespace), _) => Some(namespace.clone()),
        (None, Some(stack)) => Some(bare_installation(session, stack, None)?.namespace),
        (None, None) => None,
    };
    let stacks = knowledge(session);
    let choice = Choice { only: arguments.only.clone(), skip: arguments.skip.clone(), namespace, stacks };
    match choice.strangers().first() {
        Some(stranger) => Err(unknown_check(stranger)),
        None => Ok(choice),
    }
}

/// What stacks say of themselves, where one has stacks of one's own; `None`: that of the embedded ones.
pub(super) fn knowledge(session: &Session) -> Option<Arc<Knowledge>> {
    let (known, faults) = own_stacks(session);
    for fault in faults {
        crate::front::say(format!("the check is left out, it cannot be read: {fault}"));
    }
    known
}

/// The same, with what cannot be read of it.
pub(super) fn own_stacks(session: &Session) -> (Option<Arc<Knowledge>>, Vec<String>) {
    if session.globals.profiles.is_empty() {
        return (None, Vec::new());
    }
    let (known, faults) = Knowledge::of(&[session.catalogue(), Catalogue::prerequisites()]);
    (Some(Arc::new(known)), faults)
}

/// From a file, or from the cluster.
pub(super) async fn evidence(
    session: &Session,
    from: Option<&std::path::Path>,
    now: Option<Timestamp>,
    namespace: Option<String>,
) -> Result<Evidence, Failure> {
    if let Some(path) = from {
        return read(session, path, now);
    }
    let cluster = session.connect().await?;
    let _busy = session.busy("reading the cluster");
    let mut evidence = gather(&cluster, &Scope { namespace }).await?;
    evidence.host = look_around(&session.here, session.globals.kubeconfig.as_deref(), evidence.cluster.as_ref()).await;
    Ok(evidence)
}

/// Evidence from a file: no cluster has anything to do with it.
pub(super) fn read(session: &Session, path: &std::path::Path, now: Option<Timestamp>) -> Result<Evidence, Failure> {
    let globals = &session.globals;
    let named = [
        globals.sandbox.map(|_| "--sandbox"),
        globals.context.as_ref().map(|_| "--context"),
        globals.kubeconfig.as_ref().map(|_| "--kubeconfig"),
    ];
    if let Some(name) = named.into_iter().flatten().next() {
        let message = format!("--from names a file, and {name} a cluster");
        return Err(Failure::input("two-sources", message, "leave one of them out: one is looked at"));
    }
    if path.as_os_str() == "-" && std::io::stdin().is_terminal() {
        let hint = "pipe it in: `kubectl get pods,events,services -A -o json | seaworthy doctor --from -`";
        return Err(Failure::input("no-input", "--from - reads standard input, and nothing is piped into it", hint));
    }
    Ok(load(path, now)?)
}

/// A time as evidence has it.
fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a time such as 2026-11-20T10:00:00Z".to_owned())
}

pub(super) fn unknown_check(typed: &str) -> Failure {
    let hint = match checks::nearest(typed) {
        Some(near) => format!("did you mean {near}? `seaworthy explain` lists all"),
        None => "`seaworthy explain` lists all".to_owned(),
    };
    Failure::input("unknown-check", format!("there is no check `{typed}`"), hint)
}
