//! `status`: every object of an installation, and why it is not ready when it is not.

use std::process::ExitCode;

use clap::Args;
use seaworthy::cluster::Cluster;
use seaworthy::doctor::Cause;
use seaworthy::engine::journal::{RunRecord, RunState};
use seaworthy::engine::record::InstallRecord;
use seaworthy::error::Class;
use seaworthy::plan::Installation;
use seaworthy::prepare::discover::{self, Found, LastRun, Sought, Stage};
use seaworthy::prepare::{self, Health, MISSING, ObjectHealth};
use seaworthy::stack::stand_in;
use serde_json::json;

use super::choose::check_name;
use super::namespace::known_namespace;
use super::uninstall::bare_installation;
use super::{Failure, Session};
use crate::front::paint::{Paint, one_line};
use crate::front::plain::cause_text;
use crate::front::say;

/// `status`
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Name of the stack (default: everything that is installed)
    pub(crate) stack: Option<String>,
    /// Its namespace (default: the stack's own)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

/// The exit code of an installation that is not healthy.
const UNHEALTHY: u8 = 3;

pub(crate) async fn run(session: &Session, arguments: &StatusArgs) -> Result<ExitCode, Failure> {
    let sought = sought(session, arguments)?;
    let cluster = session.connect().await?;
    let busy = session.busy("looking at what is installed");
    let installations = installations(session, &cluster, &sought).await?;
    if installations.is_empty() && sought.stack.is_some() {
        return Err(not_installed(&cluster, &sought, arguments));
    }
    if let Some(namespace) = sought.namespace.as_ref().filter(|_| installations.is_empty()) {
        known_namespace(&cluster, namespace).await?;
    }
    let mut healths = Vec::new();
    for found in &installations {
        healths.push(prepare::health(&cluster, found).await.map_err(|error| Failure::kube(&error))?);
    }
    drop(busy);
    let healthy = healths.iter().all(Health::is_healthy);
    let document = json!({"cluster": cluster.id, "healthy": healthy, "installations": healths});
    session.print("Status", &document, || {
        let paint = Paint(session.is_colourful());
        let texts: Vec<String> = healths.iter().map(|health| health_text(health, paint)).collect();
        if texts.is_empty() { nothing(&cluster, &sought) } else { texts.join("\n\n") }
    });
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(UNHEALTHY) })
}

fn sought(session: &Session, arguments: &StatusArgs) -> Result<Sought, Failure> {
    let namespace = arguments.namespace.clone();
    let Some(stack) = &arguments.stack else {
        if let Some(namespace) = &namespace {
            check_name("--namespace", namespace)?;
        }
        return Ok(Sought { stack: None, namespace });
    };
    let Installation { stack, namespace, .. } = bare_installation(session, stack, namespace.as_deref())?;
    Ok(Sought { stack: Some(stack), namespace: Some(namespace) })
}

fn not_installed(cluster: &Cluster, sought: &Sought, arguments: &StatusArgs) -> Failure {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (stack, namespace) = (part(&sought.stack), part(&sought.namespace));
    let message = format!("{stack} is not installed in namespace {namespace} of {}", cluster.id.context);
    let place = arguments.namespace.as_ref().map_or_else(String::new, |name| format!(" -n {name}"));
    Failure::input("not-installed", message, format!("`seaworthy install {stack}{place}` installs it"))
}

fn nothing(cluster: &Cluster, sought: &Sought) -> String {
    let place = sought.namespace.as_ref().map_or_else(String::new, |namespace| format!("namespace {namespace} of "));
    format!("nothing is installed in {place}{}", cluster.id.context)
}

/// What there is by records, by labels, and by the runs of this machine.
pub(super) async fn installations(
    session: &Session,
    cluster: &Cluster,
    sought: &Sought,
) -> Result<Vec<Found>, Failure> {
    let failed = |error| Failure::kube(&error);
    let labelled = async { discover::labelled(cluster, sought).await.map_err(failed) };
    let (records, labelled) = tokio::try_join!(records(cluster, sought), labelled)?;
    let (runs, _) = session.runs()?.list()?;
    let here: Vec<RunRecord> = runs.into_iter().filter(|run| run.plan.cluster.uid == cluster.id.uid).collect();
    let found = discover::installations(&records, &labelled, &here, sought);
    match discover::unread_kinds(&labelled.unread).join(", ") {
        unread if unread.is_empty() => {}
        // That nothing was seen does not mean that nothing is there.
        unread if found.is_empty() => return Err(cannot_tell(cluster, &unread)),
        unread => say(format!("{unread} could not be read: an unfinished installation may not be seen")),
    }
    Ok(found)
}

fn cannot_tell(cluster: &Cluster, unread: &str) -> Failure {
    let message = format!("what is installed in {} cannot be told: {unread} may not be read", cluster.id.context);
    let hint = "choose a namespace that this user may read with --namespace".to_owned();
    Failure::new("unreadable", Class::Failed, message, Some(hint))
}

/// Of one installation, or of all. Who may not read records still sees what carries our labels.
async fn records(cluster: &Cluster, sought: &Sought) -> Result<Vec<InstallRecord>, Failure> {
    let answer = match (&sought.stack, &sought.namespace) {
        (Some(stack), Some(namespace)) => {
            let key = format!("{namespace}.{stack}");
            InstallRecord::read(&cluster.client, &key).await.map(|record| record.into_iter().collect())
        }
        _ => InstallRecord::list(&cluster.client).await,
    };
    match answer {
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(Vec::new()),
        answer => answer.map_err(|error| Failure::kube(&error)),
    }
}

fn health_text(health: &Health, paint: Paint) -> String {
    let installation = &health.installation;
    let about = [&installation.version, &installation.profile];
    let known = match about {
        [version, profile] if profile.is_empty() => version.clone(),
        [version, profile] => format!("{version} ({profile})"),
    };
    let name = [paint.strong(&installation.stack), known].join(" ");
    let mut lines =
        vec![format!("{} in namespace {}: {}", name.trim_end(), installation.namespace, verdict(health, paint))];
    if health.stand_ins {
        lines.push(format!("  {}", paint.careful(stand_in::WARNING)));
    }
    let shown: Vec<&ObjectHealth> = health.objects.iter().filter(|object| is_shown(health.stage, object)).collect();
    let width = shown.iter().map(|object| object.object.to_string().chars().count()).max().unwrap_or(0);
    lines.extend(shown.into_iter().map(|object| object_line(object, width, paint)));
    lines.extend(fix_lines(health));
    lines.extend(remedy_lines(health));
    lines.join("\n")
}

fn verdict(health: &Health, paint: Paint) -> String {
    let said = health.verdict();
    match health.stage {
        Stage::Leftover => said,
        _ if health.is_healthy() => paint.good(&said),
        _ => paint.bad(&said),
    }
}

/// Of what was left on purpose everything is worth a line.
fn is_shown(stage: Stage, object: &ObjectHealth) -> bool {
    stage == Stage::Leftover || object.is_worth_a_line()
}

fn object_line(object: &ObjectHealth, width: usize, paint: Paint) -> String {
    let mark = if object.is_healthy() { paint.good("ok  ") } else { paint.bad("FAIL") };
    let why = object.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", why_text(object, cause)));
    format!("  {mark} {:<width$}  {}{why}", object.object.to_string(), object.state)
}

/// The object of a line is not named again as its own cause.
fn why_text(object: &ObjectHealth, cause: &Cause) -> String {
    let of_another = cause.object.as_ref().is_some_and(|at| *at != object.object);
    if of_another { cause_text(cause) } else { one_line(&cause.message) }
}

/// What can be done about what is not ready, each thing once.
fn fix_lines(health: &Health) -> Vec<String> {
    let bad = health.objects.iter().filter(|object| !object.is_healthy());
    let (missing, others): (Vec<_>, Vec<_>) =
        bad.filter_map(|object| object.cause.as_ref()).partition(|cause| cause.id == MISSING);
    let Installation { stack, namespace, .. } = &health.installation;
    // Whatever makes a claim anew makes it empty.
    let loses =
        missing.iter().any(|cause| cause.object.as_ref().is_some_and(|object| object.kind == "PersistentVolumeClaim"));
    let back = (!missing.is_empty() && health.stage == Stage::Finished).then(|| {
        if loses {
            format!("  a claim is missing; what is lost, and what brings it back: seaworthy recover -n {namespace}")
        } else {
            format!("  put back what is missing with: seaworthy upgrade {stack} -n {namespace}")
        }
    });
    let mut fixes: Vec<String> = others.iter().filter_map(|cause| cause.remedy.clone()).collect();
    fixes.dedup();
    fixes.into_iter().map(|fix| format!("  fix: {}", one_line(&fix))).chain(back).collect()
}

/// What the last run has to do with it, and the command that goes on.
fn remedy_lines(health: &Health) -> Vec<String> {
    let Installation { stack, namespace, .. } = &health.installation;
    match (&health.run, health.stage) {
        (Some(run), Stage::Finished | Stage::Unfinished) => {
            let on = format!("  go on with: seaworthy runs resume {}", run.run);
            // One that failed may do so again.
            let back = (run.command == "upgrade" && run.state == RunState::Failed)
                .then(|| format!("  or back with: seaworthy rollback {stack} -n {namespace}"));
            [format!("  {}", run_text(run)), on].into_iter().chain(back).collect()
        }
        (None, Stage::Unfinished) => vec![
            "  no run of this machine made it, and no record says that it was finished".to_owned(),
            format!("  go on with: seaworthy install {stack} -n {namespace}, and the values it was given"),
        ],
        (_, Stage::Leftover) => {
            vec![format!("  see what can be deleted with: seaworthy uninstall {stack} -n {namespace} --dry-run")]
        }
        (None, Stage::Finished) => Vec::new(),
    }
}

fn run_text(run: &LastRun) -> String {
    let what = &run.command;
    let end = match run.state {
        RunState::Open => "is under way, or was killed".to_owned(),
        RunState::Interrupted => "was interrupted".to_owned(),
        _ => run.causes.first().map_or_else(|| "failed".to_owned(), |cause| format!("failed: {}", cause_text(cause))),
    };
    format!("{what} (run {}) {end}", run.run)
}
