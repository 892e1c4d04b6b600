//! `doctor --fix`: what can be done about findings is shown, agreed to, run, and proven by the check that found it.

use std::collections::{BTreeSet, VecDeque};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use seaworthy::cluster::{Cluster, Resources};
use seaworthy::doctor::evidence::{Evidence, Live, Scope, gather};
use seaworthy::doctor::finding::Finding;
use seaworthy::doctor::remedy::{self, Remedy, Way};
use seaworthy::doctor::report::{Choice, Report, judge};
use seaworthy::doctor::suppress::Suppressions;
use seaworthy::engine::journal::{Inputs, RunState};
use seaworthy::error::Class;
use seaworthy::event::Ended;
use seaworthy::plan::Plan;
use seaworthy::prepare::Prepared;
use seaworthy::snapshot::Snapshot;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::landing::Landing;
use super::super::voyage::{Remarks, Voyage};
use super::super::wizard::typed;
use super::super::{Failure, Session};
use crate::front::failure;
use crate::front::say;

/// How long the check may take to see that what it found is gone: controllers act on what was changed.
const PROOF: Duration = Duration::from_secs(180);
/// Changes that come together are judged together.
const TOGETHER: Duration = Duration::from_millis(500);
/// What hangs on the time of day is judged again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// Exit codes of a command of ours that a signal has stopped.
const SIGNALS: [u8; 3] = [129, 130, 143];

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
    /// Why it could not be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

/// The exit code of all that was tried: what is still wrong counts first, then what could not be done. Where somebody said no to
/// everything, nothing was done.
pub(super) fn code(tried: &[Tried], is_unhealthy: bool) -> u8 {
    let came = |what: Came| tried.iter().filter(|one| one.came == what).count();
    match (tried.len(), came(Came::Declined), came(Came::Failed)) {
        (1.., declined, _) if declined == tried.len() => failure::code(Class::Declined),
        _ if is_unhealthy => super::UNHEALTHY,
        (_, _, 1..) => failure::code(Class::Failed),
        _ => 0,
    }
}

/// How it ended.
pub(super) enum Fixed {
    /// Nothing is left about which something can be done.
    Through {
        /// What is still found, and in what.
        report: Box<Report>,
        evidence: Box<Evidence>,
        /// What was done.
        tried: Vec<Tried>,
    },
    /// Somebody stopped it.
    Stopped {
        /// What is known of the remedy that was on its way.
        failure: Failure,
        /// The exit code.
        code: u8,
    },
}

/// A remedy that was gone about.
enum Gone {
    Came(Came),
    /// It could not be done, and why.
    Failed(Failure),
    Stopped(u8),
}

/// Goes through the findings, worst first, until nothing is left about which something can be done.
pub(super) async fn fix(
    session: &Arc<Session>,
    cluster: &Cluster,
    choice: &Choice,
    quiet: Option<&Suppressions>,
) -> Result<Fixed, Failure> {
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
        let mut open: VecDeque<(Finding, Remedy)> =
            report.findings.iter().filter_map(|root| first(root, choice, &evidence)).filter(is_new).collect();
        let Some((finding, remedy)) = open.pop_front() else {
            let (report, evidence) = (Box::new(report), Box::new(evidence));
            return Ok(Fixed::Through { report, evidence, tried });
        };
        seen.insert((finding.fingerprint.clone(), remedy.title.clone()));
        say(format!("{} {}: {}", finding.id, finding.object, finding.message));
        let gone = one(session, cluster, choice, (&finding, &remedy)).await;
        let (came, because) = match gone.map_err(|failure| {
            let all = std::iter::once(&(finding.clone(), remedy.clone())).chain(&open).cloned().collect::<Vec<_>>();
            unasked(failure, &all)
        })? {
            Gone::Came(came) => (came, None),
            Gone::Failed(failure) => (Came::Failed, Some(tell(&failure, &remedy))),
            Gone::Stopped(code) => return Ok(Fixed::Stopped { failure: stopped(session, &remedy), code }),
        };
        say(format!("{}: {}", remedy.title, said(came, &remedy.way)));
        tried.push(Tried { fingerprint: finding.fingerprint, remedy: remedy.title, came, because });
    }
}

/// Says why a remedy could not be done; the others are gone about all the same. What it can be told belongs to its own command.
fn tell(failure: &Failure, remedy: &Remedy) -> String {
    say(format!("error: {}", failure.message));
    if let Some(hint) = &failure.hint {
        let of = match &remedy.way {
            Way::Command(words) => format!("of `seaworthy {}`: ", words.join(" ")),
            Way::Steps(_) => String::new(),
        };
        say(format!(" hint: {of}{hint}"));
    }
    failure.message.clone()
}

/// Nobody is there to be asked: of each remedy what would have it done, once for all findings that it is for.
fn unasked(failure: Failure, remedies: &[(Finding, Remedy)]) -> Failure {
    if failure.id != "cannot-ask" {
        return failure;
    }
    let mut titles: Vec<&Remedy> = Vec::new();
    for (_, remedy) in remedies {
        if titles.iter().all(|known| known.title != remedy.title) {
            titles.push(remedy);
        }
    }
    let line = |remedy: &&Remedy| {
        let for_it = remedies.iter().filter(|(_, one)| one.title == remedy.title);
        let objects: Vec<String> = for_it.map(|(finding, _)| format!("{} {}", finding.id, finding.object)).collect();
        let objects = if objects.len() > 1 { format!(" (for {})", objects.join(", ")) } else { String::new() };
        let title = &remedy.title;
        match remedy.warning() {
            None => format!("{title}{objects}: --yes does it"),
            Some(warning) => format!("{title}{objects}: {warning}; it is only done where somebody can be asked"),
        }
    };
    let lines: Vec<String> = titles.iter().map(line).collect();
    let is_covered = titles.iter().any(|remedy| remedy.is_reversible);
    let hint = if is_covered {
        "add --yes for what can be taken back, or run it on a terminal"
    } else {
        "run it on a terminal: --yes does not cover what cannot be taken back"
    };
    Failure { hint: Some(hint.to_owned()), ..failure }.because(lines)
}

/// What is known of a remedy that was stopped: its journal says whether it was begun, and nobody saw its end.
fn stopped(session: &Session, remedy: &Remedy) -> Failure {
    let is_begun = match &remedy.way {
        Way::Command(_) => true,
        Way::Steps(_) => session.runs().and_then(|runs| Ok(runs.list()?.0)).is_ok_and(|runs| {
            let last = runs.last().filter(|run| run.inputs.values["remedy"] == remedy.title.as_str());
            last.is_some_and(|run| run.state != RunState::Done && !run.times.steps.is_empty())
        }),
    };
    let (message, hint) = if is_begun {
        let hint = "`seaworthy doctor --undo` looks, and takes back what of it is seen in the cluster";
        (format!("stopped: it is not known whether this was done: {}", remedy.title), Some(hint.to_owned()))
    } else {
        (format!("stopped; nothing was begun of: {}", remedy.title), None)
    };
    Failure::new("interrupted", Class::Interrupted, message, hint)
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
) -> Result<Gone, Failure> {
    if session.globals.yes && !remedy.is_reversible {
        return Ok(Gone::Came(Came::Left));
    }
    let done = match &remedy.way {
        Way::Steps(steps) => {
            let plan = remedy::plan(cluster.id.clone(), &finding.object, steps.clone());
            let values = json!({"finding": finding.fingerprint, "remedy": remedy.title});
            let remarks = Remarks { warnings: remedy.warning().into_iter().collect(), ..Remarks::default() };
            match Box::pin(sail(session, cluster.clone(), (plan, values), remarks)).await {
                Ok(landing) if landing.outcome.ended == Ended::Interrupted => return Ok(Gone::Stopped(landing.code())),
                other => other.map(|landing| ExitCode::from(landing.code())),
            }
        }
        Way::Command(words) => Box::pin(typed(session, words)).await,
    };
    match done {
        Ok(code) if code == ExitCode::SUCCESS => {}
        Ok(code) => {
            let signal = SIGNALS.into_iter().find(|signal| code == ExitCode::from(*signal));
            return Ok(signal.map_or(Gone::Came(Came::Failed), Gone::Stopped));
        }
        Err(failure) if failure.class == Class::Declined => return Ok(Gone::Came(Came::Declined)),
        Err(failure) if ends_all(&failure) => return Err(failure),
        Err(failure) => return Ok(Gone::Failed(failure)),
    }
    // What stacks allow, and what they check themselves, is no other than it was.
    let only = Choice { only: vec![finding.id.clone()], stacks: choice.stacks.clone(), ..Choice::default() };
    Ok(Gone::Came(look_again(session, cluster, &only, (finding, remedy)).await))
}

/// Nobody can be asked, or the screen is gone: that is no answer to one remedy alone. What one lacks, another need not.
fn ends_all(failure: &Failure) -> bool {
    failure.class == Class::Interrupted || failure.id == "cannot-ask"
}

async fn sail(
    session: &Session,
    cluster: Cluster,
    (plan, values): (Plan, serde_json::Value),
    remarks: Remarks,
) -> Result<Landing, Failure> {
    let face = session.face();
    let landing = land(session, cluster, (None, plan, values), remarks).await?;
    // The one document of -o json is the doctor's.
    if !session.is_json() {
        landing.show(session, &face);
    }
    Ok(landing)
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

pub(super) async fn land(
    session: &Session,
    cluster: Cluster,
    (command, plan, values): (Option<&'static str>, Plan, serde_json::Value),
    remarks: Remarks,
) -> Result<Landing, Failure> {
    let inputs = Inputs::of(&plan.installation, values);
    let (snapshot, resources) = (Snapshot::default(), Resources::default());
    let prepared = Prepared { plan, snapshot, resources, refusals: Vec::new() };
    let (record, take_lock, face) = (None, None, session.face());
    let (agreed, passing) = (false, false);
    let voyage = Voyage { session, command, face, cluster, inputs, record, take_lock, remarks, agreed, passing };
    voyage.land(prepared, None).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_what_came_of_all_of_it() {
        let tried = |all: &[Came]| -> Vec<Tried> {
            let one =
                |came: &Came| Tried { fingerprint: String::new(), remedy: String::new(), came: *came, because: None };
            all.iter().map(one).collect()
        };
        for (came, is_unhealthy, wanted) in [
            (&[][..], false, 0),
            (&[], true, 3),
            (&[Came::Gone], false, 0),
            (&[Came::Gone, Came::Failed], true, 3),
            (&[Came::Gone, Came::Failed], false, 1),
            (&[Came::Declined], true, 4),
            (&[Came::Declined, Came::Gone], true, 3),
        ] {
            assert_eq!(code(&tried(came), is_unhealthy), wanted, "{came:?}");
        }
    }

    #[test]
    fn a_remedy_that_cannot_be_done_does_not_end_the_others() {
        assert!(!ends_all(&Failure::input("no-pool", "no address pool can be worked out", "name one")));
        assert!(!ends_all(&Failure::new("api-gone", Class::Failed, "connection refused", None)));
        assert!(ends_all(&Failure::input("cannot-ask", "nobody can be asked", "add --yes")));
        assert!(ends_all(&Failure::interrupted()));
    }

    #[test]
    fn a_remedy_for_several_findings_is_told_once() {
        let finding = |name: &str| {
            let mut finding = judge(&failed_volume(name), &Choice::default()).findings.remove(0);
            finding.id = "S003".to_owned();
            finding
        };
        let remedy = Remedy {
            title: "open the closed nodes".to_owned(),
            is_reversible: false,
            stays: Some("pods stay"),
            way: Way::Steps(Vec::new()),
        };
        let nobody = Failure::new("cannot-ask", Class::Input, "nobody can be asked", None);
        let told = unasked(nobody, &[(finding("a"), remedy.clone()), (finding("b"), remedy)]);
        assert_eq!(told.causes.len(), 1, "{:?}", told.causes);
        let begin = "open the closed nodes (for S003 PersistentVolume/a, S003 PersistentVolume/b): it cannot wholly";
        assert!(told.causes[0].starts_with(begin), "{:?}", told.causes);
    }

    fn failed_volume(name: &str) -> Evidence {
        let mut snapshot = Snapshot::default();
        snapshot.insert(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"persistentVolumeReclaimPolicy": "Retain"}, "status": {"phase": "Failed"}}));
        Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse().unwrap())
    }
}
