//! `doctor --fix` and `--undo`: what can be done about findings is shown, agreed to, run, and proven by the check that found it.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use seaworthy::cluster::{Cluster, Resources};
use seaworthy::doctor::evidence::{Evidence, Live, Scope, gather};
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::remedy::{self, Remedy, Way};
use seaworthy::doctor::report::{Choice, Report, judge};
use seaworthy::doctor::suppress::Suppressions;
use seaworthy::engine::journal::{Inputs, RunRecord, RunState};
use seaworthy::error::Class;
use seaworthy::plan::verb::Verb;
use seaworthy::plan::{Action, Plan, Purpose};
use seaworthy::prepare::Prepared;
use seaworthy::snapshot::Snapshot;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::landing::Landing;
use super::super::voyage::{Remarks, Voyage};
use super::super::wizard::typed;
use super::super::{Failure, Session};
use crate::front::say;

/// How long the check may take to see that what it found is gone: controllers act on what was changed.
const PROOF: Duration = Duration::from_secs(180);
/// Changes that come together are judged together.
const TOGETHER: Duration = Duration::from_millis(500);
/// What hangs on the time of day is judged again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// What came of a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Came {
    /// The check finds it no more.
    Gone,
    /// It was done, and now something more can be done about the same.
    Further,
    /// It was done, and the check still finds it.
    Stays,
    /// Somebody said no.
    Declined,
    /// It wants somebody to agree, and `--yes` does not.
    Left,
    /// It could not be done.
    Failed,
}

/// A remedy and what came of it.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    /// Of the finding.
    fingerprint: String,
    /// What was to be done.
    remedy: String,
    /// What came of it.
    came: Came,
}

/// Goes through the findings, worst first, until nothing is left about which something can be done.
pub(super) async fn fix(
    session: &Arc<Session>,
    cluster: &Cluster,
    choice: &Choice,
    quiet: Option<&Suppressions>,
) -> Result<(Report, Evidence, Vec<Tried>), Failure> {
    let (mut tried, mut seen) = (Vec::new(), BTreeSet::new());
    loop {
        let scope = Scope { namespace: choice.namespace.clone() };
        let evidence = {
            let _busy = session.busy("reading the cluster");
            gather(cluster, &scope).await?
        };
        let mut report = judge(&evidence, choice);
        // What somebody lives with is left as it is.
        if let Some(quiet) = quiet {
            quiet.apply(&mut report);
        }
        let is_new = |(finding, remedy): &(Finding, Remedy)| {
            !seen.contains(&(finding.fingerprint.clone(), remedy.title.clone()))
        };
        let next = report.findings.iter().filter_map(|root| first(root, choice, &evidence)).find(is_new);
        let Some((finding, remedy)) = next else { return Ok((report, evidence, tried)) };
        seen.insert((finding.fingerprint.clone(), remedy.title.clone()));
        say(format!("{} {}: {}", finding.id, finding.object, finding.message));
        let came = one(session, cluster, choice, (&finding, &remedy)).await?;
        say(format!("{}: {}", remedy.title, said(came, &remedy.way)));
        tried.push(Tried { fingerprint: finding.fingerprint, remedy: remedy.title, came });
    }
}

/// The first remedy on the way down from a root: about what is below it something is done only when nothing can be done about itself.
fn first(root: &Finding, choice: &Choice, evidence: &Evidence) -> Option<(Finding, Remedy)> {
    let mut asked = root.walk().into_iter().filter(|finding| choice.asks(finding));
    asked.find_map(|finding| Some((finding.clone(), remedy::of(finding, evidence)?)))
}

fn said(came: Came, way: &Way) -> &'static str {
    match came {
        Came::Gone => "done, and the check finds it no more",
        Came::Further => "done; something more can be done now",
        Came::Stays if matches!(way, Way::Command(_)) => "done, but the check still finds it",
        Came::Stays => "done, but the check still finds it; `seaworthy doctor --undo` takes it back",
        Came::Declined => "declined",
        Came::Left => {
            "left: it cannot wholly be taken back, so --yes does not cover it; without --yes it is asked about"
        }
        Came::Failed => "not done",
    }
}

async fn one(
    session: &Arc<Session>,
    cluster: &Cluster,
    choice: &Choice,
    (finding, remedy): (&Finding, &Remedy),
) -> Result<Came, Failure> {
    if session.globals.yes && !remedy.is_reversible {
        return Ok(Came::Left);
    }
    let done = match &remedy.way {
        Way::Steps(steps) => {
            let plan = remedy::plan(cluster.id.clone(), &finding.object, steps.clone());
            let values = json!({"finding": finding.fingerprint, "remedy": remedy.title});
            Box::pin(sail(session, cluster.clone(), plan, values)).await
        }
        Way::Command(words) => Box::pin(typed(session, words)).await,
    };
    match done {
        Ok(code) if code == ExitCode::SUCCESS => {}
        Ok(_) => return Ok(Came::Failed),
        Err(failure) if failure.class == Class::Declined => return Ok(Came::Declined),
        // Nobody can be asked, or the screen is gone: that is no answer to this one alone.
        Err(failure) if failure.class != Class::Failed => return Err(failure),
        Err(failure) => {
            session.fail(&failure);
            return Ok(Came::Failed);
        }
    }
    // What stacks allow, and what they check themselves, is no other than it was.
    let only = Choice { only: vec![finding.id.clone()], stacks: choice.stacks.clone(), ..Choice::default() };
    Ok(look_again(session, cluster, &only, (finding, remedy)).await)
}

async fn sail(session: &Session, cluster: Cluster, plan: Plan, values: serde_json::Value) -> Result<ExitCode, Failure> {
    let face = session.face();
    let landing = land(session, cluster, (None, plan), values).await?;
    // The one document of -o json is the doctor's.
    if session.is_json() { Ok(ExitCode::from(landing.code())) } else { Ok(landing.show(session, &face)) }
}

/// What the check says of it, as soon as that is another thing than before.
async fn look_again(
    session: &Session,
    cluster: &Cluster,
    only: &Choice,
    (finding, remedy): (&Finding, &Remedy),
) -> Came {
    let _busy = session.busy(&format!("{} looks again", finding.id));
    let live = Live::begin(cluster);
    let mut ear = live.changes();
    let until = Instant::now() + PROOF.min(session.globals.timeout);
    loop {
        ear.heed();
        let came = live.look(|evidence, freshness| {
            let known = freshness.awaited == 0;
            known.then(|| came(&judge(evidence, only), (finding, remedy), evidence)).flatten()
        });
        if let Some(came) = came {
            return came;
        }
        tokio::select! {
            () = sleep_until(until) => return Came::Stays,
            () = ear.rung() => sleep(TOGETHER).await,
            () = sleep(AGAIN) => {}
        }
    }
}

/// What has come of it; `None`: nothing yet.
fn came(report: &Report, (finding, remedy): (&Finding, &Remedy), evidence: &Evidence) -> Option<Came> {
    let mut all = report.findings.iter().flat_map(Finding::walk);
    match all.find(|one| one.fingerprint == finding.fingerprint) {
        None => Some(Came::Gone),
        Some(same) => remedy::of(same, evidence).filter(|more| more.title != remedy.title).map(|_| Came::Further),
    }
}

/// Takes the last remedy back that was not taken back yet.
pub(super) async fn undo(session: &Session) -> Result<ExitCode, Failure> {
    let cluster = session.connect().await?;
    let runs = session.runs()?.list()?.0;
    let Some(run) = last(&runs, &cluster.id.uid) else {
        let hint =
            "`seaworthy runs list` shows what was done; only remedies of this machine can be taken back from here";
        return Err(Failure::input(
            "nothing-to-undo",
            "no remedy was run on this cluster that is not taken back yet",
            hint,
        ));
    };
    let Some(plan) = remedy::undone(&run.plan).filter(|plan| !plan.steps.is_empty()) else {
        let message = format!("run {} cannot be taken back: {}", run.run, irreversible(&run.plan));
        return Err(Failure::input(
            "cannot-undo",
            message,
            format!("`seaworthy runs show {}` shows what was done", run.run),
        ));
    };
    say(format!("taking back run {} of {}", run.run, run.at.strftime("%F %T UTC")));
    let values = json!({"undoes": run.run, "finding": run.inputs.values["finding"]});
    let landing = land(session, cluster, (Some("doctor --undo"), plan), values).await?;
    Ok(landing.show(session, &session.face()))
}

async fn land(
    session: &Session,
    cluster: Cluster,
    (command, plan): (Option<&'static str>, Plan),
    values: serde_json::Value,
) -> Result<Landing, Failure> {
    let inputs = Inputs::of(&plan.installation, values);
    let (snapshot, resources) = (Snapshot::default(), Resources::default());
    let prepared = Prepared { plan, snapshot, resources, refusals: Vec::new() };
    let (record, take_lock, face) = (None, None, session.face());
    let (remarks, agreed, passing) = (Remarks::default(), false, false);
    let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
    voyage.land(prepared, None).await
}

/// The last remedy that has come to its end; neither one that takes another back, nor one that was.
fn last<'a>(runs: &'a [RunRecord], cluster: &str) -> Option<&'a RunRecord> {
    let ours = runs.iter().filter(|run| run.plan.purpose == Purpose::Remedy && run.plan.cluster.uid == cluster);
    let done: Vec<&RunRecord> = ours.filter(|run| run.state == RunState::Done).collect();
    let undone: BTreeSet<&str> = done.iter().filter_map(|run| run.inputs.values["undoes"].as_str()).collect();
    done.into_iter().rev().find(|run| run.inputs.values["undoes"].is_null() && !undone.contains(run.run.as_str()))
}

fn irreversible(plan: &Plan) -> String {
    let verbs = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Rescue { verb, .. } => Some(verb),
        _ => None,
    });
    let gone = verbs.filter(|verb| matches!(***verb, Verb::Delete { .. })).map(|verb| verb.title());
    gone.collect::<Vec<_>>().join(", ")
}
