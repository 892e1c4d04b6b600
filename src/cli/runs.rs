//! `runs list|show|resume|abort|report|note|purge`.

use std::process::ExitCode;

use clap::Subcommand;
use seaworthy::cluster::Cluster;
use seaworthy::engine::journal::{RunRecord, RunState};
use seaworthy::sandbox::Kind;
use serde_json::json;

use super::{Failure, Session, cluster, install};
use crate::front::paint::{Paint, table};
use crate::front::plain::cause_text;
use crate::front::plan_text::plan_text;
use crate::front::timeline::Chart;
use crate::front::{say, screen};

/// Columns of a timeline where no terminal says how many it has, and at most.
const WIDTH: usize = 100;
const WIDEST: usize = 160;

/// `runs ...`
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// All recorded runs, the newest last
    List,
    /// One run: what was chosen, every step, what failed
    Show {
        /// Id of the run
        run: String,
        /// Its steps over the time of its last try, with the critical path marked
        #[arg(long)]
        timeline: bool,
    },
    /// Go on with a run that was stopped or killed
    Resume {
        /// Id of the run (default: the newest unfinished one)
        run: Option<String>,
        /// Take over the lock of a run that was not heard of for a minute
        #[arg(long, value_name = "INSTALLATION")]
        take_lock: Option<String>,
    },
    /// Close an unfinished or failed run; nothing in the cluster changes
    Abort {
        /// Id of the run
        run: String,
    },
    /// What came of a recovery: what was lost, what was done when, what became of the data, what is left to do
    Report {
        /// Id of the run
        run: String,
    },
    /// Write down what was seen or done by hand, for the report; also while the run goes on
    Note {
        /// Id of the run
        run: String,
        /// What
        #[arg(required = true, num_args = 1.., value_name = "TEXT")]
        text: Vec<String>,
    },
    /// Forget a run
    Purge {
        /// Id of the run
        run: String,
    },
}

pub(crate) fn list(session: &Session) -> Result<ExitCode, Failure> {
    let (records, broken) = session.runs()?.list()?;
    for error in &broken {
        say(format!("passed over: {error}"));
    }
    let documents: Vec<_> = records.iter().map(summary).collect();
    session.print("Runs", &documents, || {
        if records.is_empty() {
            return "no runs yet".to_owned();
        }
        let rows: Vec<Vec<String>> = records.iter().map(row).collect();
        table(&["RUN", "WHAT", "STACK", "NAMESPACE", "CLUSTER", "STATE"], &rows)
    });
    Ok(ExitCode::SUCCESS)
}

fn row(record: &RunRecord) -> Vec<String> {
    let installation = &record.plan.installation;
    vec![
        record.run.clone(),
        record.word().to_owned(),
        installation.stack.clone(),
        installation.namespace.clone(),
        record.plan.cluster.context.clone(),
        state(record),
    ]
}

fn state(record: &RunRecord) -> String {
    match record.state {
        RunState::Open => "unfinished (killed, or running now)".to_owned(),
        RunState::Done => "done".to_owned(),
        RunState::Failed => {
            record.causes.first().map_or_else(|| "failed".to_owned(), |c| format!("failed: {}", c.reason))
        }
        RunState::Interrupted => "interrupted".to_owned(),
        RunState::Abandoned => "given up".to_owned(),
    }
}

fn summary(record: &RunRecord) -> serde_json::Value {
    json!({"run": record.run, "at": record.at, "purpose": record.plan.purpose, "command": record.word(), "installation": record.plan.installation,
        "cluster": record.plan.cluster, "state": record.state, "resumed": record.resumed, "causes": record.causes})
}

pub(crate) fn show(session: &Session, run: &str, timeline: bool) -> Result<ExitCode, Failure> {
    let record = session.runs()?.load(run)?;
    let mut document = summary(&record);
    document["inputs"] = json!(record.inputs);
    document["plan"] = json!(record.plan);
    document["done"] = json!(record.done);
    document["times"] = json!(record.times);
    session.print("Run", &document, || {
        let mut lines = vec![format!("run {} of {}: {}", record.run, record.at.strftime("%F %T UTC"), state(&record))];
        if timeline {
            lines.extend(timeline_lines(session, &record));
            return lines.join("\n");
        }
        lines.push(plan_text(&record.plan, Paint(false)));
        let writes = record.plan.steps.iter().filter(|step| step.change.writes()).count();
        let again = match record.resumed {
            0 => String::new(),
            1 => ", taken up again once".to_owned(),
            times => format!(", taken up again {times} times"),
        };
        lines.push(format!("{} of {writes} writes done{again}", record.done.len()));
        lines.extend(record.causes.iter().map(|cause| format!("failed: {}", cause_text(cause))));
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// The run over its time, as wide as the terminal is.
fn timeline_lines(session: &Session, record: &RunRecord) -> Vec<String> {
    if record.times.steps.is_empty() {
        return vec!["its journal tells of no step that was begun".to_owned()];
    }
    let again = (record.resumed > 0).then(|| "of the last try".to_owned());
    let width = screen::width(std::io::stdout()).unwrap_or(WIDTH).min(WIDEST);
    let lines = Chart::of_record(record).lines(width, session.is_unicode());
    again.into_iter().chain(lines).collect()
}

pub(crate) async fn resume(session: &Session, run: Option<&str>, take_lock: Option<&str>) -> Result<ExitCode, Failure> {
    let runs = session.runs()?;
    let (record, cluster) = if let Some(run) = run {
        let record = runs.load(run)?;
        if record.plan.purpose.is_of_host() && !record.state.is_over() {
            return cluster::resume(session, &record).await;
        }
        is_here(session, &record)?;
        (record, None)
    } else {
        let open = unfinished(session)?;
        if let [only] = open.as_slice() {
            is_here(session, only)?;
        }
        // A run of this machine needs no cluster, and perhaps there is none.
        if let Some(newest) = open.last().filter(|run| run.plan.purpose.is_of_host()) {
            return cluster::resume(session, newest).await;
        }
        let cluster = session.connect().await?;
        (newest_of(session, &cluster, open)?, Some(cluster))
    };
    if record.state.is_over() {
        let message = format!("run {} is over: {}", record.run, state(&record));
        return Err(Failure::input("run-over", message, "run the command itself again; it compares with the cluster"));
    }
    let cluster = match cluster {
        Some(cluster) => cluster,
        None => session.connect().await?,
    };
    if cluster.id.uid != record.plan.cluster.uid {
        let message = format!(
            "run {} belongs to the cluster of context `{}` ({}); context `{}` leads to another cluster",
            record.run, record.plan.cluster.context, record.plan.cluster.server, cluster.id.context
        );
        return Err(Failure::input("other-cluster", message, "choose the cluster with --context"));
    }
    install::resume(session, cluster, &record, take_lock).await
}

/// All runs that can be taken up again, oldest first.
fn unfinished(session: &Session) -> Result<Vec<RunRecord>, Failure> {
    let (records, _) = session.runs()?.list()?;
    let open: Vec<RunRecord> = records.into_iter().filter(|record| record.state.is_unfinished()).collect();
    if open.is_empty() { Err(none_unfinished(session, "no run is unfinished")) } else { Ok(open) }
}

/// A run of another cluster is none that can be gone on with here.
fn newest_of(session: &Session, cluster: &Cluster, open: Vec<RunRecord>) -> Result<RunRecord, Failure> {
    let of_here = |record: &RunRecord| record.plan.cluster.uid == cluster.id.uid;
    open.into_iter().rev().find(of_here).ok_or_else(|| {
        none_unfinished(session, &format!("no run of the cluster of context `{}` is unfinished", cluster.id.context))
    })
}

/// One that failed is gone on with as well, when it is named.
fn none_unfinished(session: &Session, message: &str) -> Failure {
    let failed = session.runs().and_then(|runs| Ok(runs.list()?)).ok().and_then(|(records, _)| {
        records.into_iter().rev().find(|record| record.state == RunState::Failed).map(|record| record.run)
    });
    let hint = failed.map_or_else(
        || "`seaworthy runs list` shows all of them".to_owned(),
        |run| format!("the newest that failed is gone on with when it is named: `seaworthy runs resume {run}`"),
    );
    Failure::input("no-unfinished-run", message, hint)
}

/// A run of a sandbox is gone on with there.
fn is_here(session: &Session, record: &RunRecord) -> Result<(), Failure> {
    let is_of = |kind: &Kind| record.plan.cluster.context == format!("the sandbox {kind}");
    let Some(kind) = Kind::ALL.into_iter().find(is_of).filter(|_| session.globals.sandbox.is_none()) else {
        return Ok(());
    };
    let message = format!("run {} is of the sandbox {kind}", record.run);
    Err(Failure::input("other-cluster", message, format!("`seaworthy --sandbox={kind} runs resume {}`", record.run)))
}

pub(crate) async fn abort(session: &Session, run: &str) -> Result<ExitCode, Failure> {
    let runs = session.runs()?;
    let record = runs.load(run)?;
    if record.state.is_over() {
        let message = format!("run {run} is over: {}", state(&record));
        return Err(Failure::input("run-over", message, "there is nothing to close"));
    }
    runs.abandon(run).await?;
    session.print("Run", &json!({"run": run, "state": RunState::Abandoned}), || {
        format!("run {run} is closed; what it did stays as it is")
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn purge(session: &Session, run: &str) -> Result<ExitCode, Failure> {
    session.runs()?.purge(run)?;
    session.print("Run", &json!({"run": run, "purged": true}), || format!("run {run} is forgotten"));
    Ok(ExitCode::SUCCESS)
}
