//! Recoveries for the full screen: what is lost, the plan that was chosen, the brake, notes and reports.

use jiff::Timestamp;
use seaworthy::engine::journal::RunRecord;
use seaworthy::event::{Ended, Outcome};
use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::Destroy;
use seaworthy::plan::{Plan, Purpose};
use seaworthy::recover::agreement::questions;
use seaworthy::recover::look::Looking;
use seaworthy::recover::occasion::last_good;
use seaworthy::recover::playbook::Task;
use seaworthy::recover::{Playbook, Playbooks};
use tokio::sync::mpsc;

use super::director::Next;
use crate::cli::forecast::time_of;
use crate::cli::hold::{Braked, brake, everything};
use crate::cli::install::{Ready, taken_up};
use crate::cli::recover::{
    RecoverArgs, Scene, Subject, note_agreement, offers, other_run_open, unfinished, whether_lost,
};
use crate::cli::report::Written;
use crate::cli::{Failure, Session, report};
use crate::front::paint::count;
use crate::front::plain::cause_text;
use crate::front::recover_text::Offer;
use crate::front::tui::model::{Known, Passage, Seen, Setting, Told, Wanted, What};

/// Events of the brake that may wait; nobody looks at them.
const EVENTS: usize = 16;

/// What is lost. `tell`: what is read at the moment.
pub(super) async fn sight(session: &Session, context: &str, tell: impl Fn(String)) -> Result<Seen, Failure> {
    let scene = look(session, context, |looking| tell(words(looking))).await?;
    let known = |(loss, Offer { proposals, backup, instead }): (&seaworthy::recover::Loss, Offer)| {
        let last_good = loss.claim.as_ref().and_then(|claim| last_good(claim, &scene.sighting));
        Known { proposals, backup, instead, last_good, loss: loss.clone() }
    };
    let unread = scene.sighting.snapshot.unread.iter();
    Ok(Seen {
        at: Timestamp::now(),
        losses: scene.losses.iter().zip(offers(session, &scene)).map(known).collect(),
        unread: unread.map(ToString::to_string).collect(),
        records: scene.sighting.records.len(),
        open: unfinished(session, &scene).iter().map(|run| (run.run.clone(), of_run(run))).collect(),
    })
}

async fn look(session: &Session, context: &str, tell: impl Fn(Looking)) -> Result<Scene, Failure> {
    let playbooks = Playbooks::read(&session.catalogue())?;
    let cluster = session.connect_to(Some(context)).await?;
    Scene::look(session, (cluster, None), playbooks, tell).await
}

fn words(looking: Looking) -> String {
    match looking {
        Looking::Storage => "reading volumes, claims, nodes, pods and what they belong to".to_owned(),
        Looking::Files(volumes) => format!("counting the files on {}", count(volumes, "volume")),
        Looking::Etcds => "asking the members of every etcd".to_owned(),
    }
}

/// What a recovery is of, in a few words.
fn of_run(run: &RunRecord) -> String {
    let Some(occasion) = &run.plan.occasion else { return run.word().to_owned() };
    let claims: Vec<String> = occasion.losses.iter().map(|lost| lost.claim.name.clone()).collect();
    format!("{} for {}", occasion.playbook, claims.join(", "))
}

/// The plan that was chosen, ready to be run once it is agreed to.
pub(super) async fn draft(session: &Session, wanted: &Wanted) -> Result<(Next, Passage), Failure> {
    match &wanted.what {
        What::Run(run) => {
            let open = session.runs()?.load(run)?;
            if open.state.is_over() {
                let message = format!("run {run} is over; nothing of it is left to do");
                return Err(Failure::input("run-over", message, "look again for what is lost"));
            }
            go_on(session, &wanted.context, open).await
        }
        What::Playbook { name, subject } => fresh(session, wanted, name, subject).await,
    }
}

/// A run that did not come to its end, as it stands now.
async fn go_on(session: &Session, context: &str, open: RunRecord) -> Result<(Next, Passage), Failure> {
    let cluster = session.connect_to(Some(context)).await?;
    if cluster.id.uid != open.plan.cluster.uid {
        let message =
            format!("run {} belongs to another cluster, that of context `{}`", open.run, open.plan.cluster.context);
        return Err(Failure::input("other-cluster", message, "choose that cluster on the first screen"));
    }
    let ready = taken_up(cluster, &open).await?;
    let seen = ready.prepared.plan.occasion.as_ref().map(|occasion| occasion.at);
    let known_for = seen.map(millis_since);
    let passage = Passage { known_for, goes_on: Some(open.run), ..passage(session, &ready.prepared.plan) };
    Ok((Next::Recover(Box::new(ready)), passage))
}

fn millis_since(then: Timestamp) -> u64 {
    u64::try_from(Timestamp::now().duration_since(then).as_millis()).unwrap_or_default()
}

/// A plan with nothing said of it.
fn passage(session: &Session, plan: &Plan) -> Passage {
    Passage {
        plan: plan.without_secrets(),
        asked: Vec::new(),
        settings: Vec::new(),
        copies: false,
        warnings: Vec::new(),
        time: time_of(session, std::iter::once(plan)),
        goes_on: None,
        gives_up: None,
        known_for: None,
    }
}

async fn fresh(
    session: &Session,
    wanted: &Wanted,
    name: &str,
    subject: &ObjectRef,
) -> Result<(Next, Passage), Failure> {
    let scene = look(session, &wanted.context, |_| {}).await?;
    let playbook = scene.playbooks.get(name)?;
    let arguments = RecoverArgs {
        set: wanted.settings.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        no_copy: wanted.no_copy,
        ..RecoverArgs::default()
    };
    let subject = Subject::of((session, &arguments), &scene, playbook, Some(subject.clone())).await?;
    let open = session.runs()?.latest(&scene.cluster.id.uid, &subject.installation.key())?;
    let open = open.filter(|run| run.is_in_the_way_of(&subject.inputs));
    let given_up = match open {
        Some(open) if wanted.replan => Some(open.run),
        Some(open) if open.plan.purpose == Purpose::Recover && open.inputs == subject.inputs => {
            return go_on(session, &wanted.context, open).await;
        }
        Some(open) => return Err(other_run_open(&open, &subject.inputs)),
        None => None,
    };
    let seen = wanted.seen.unwrap_or_else(Timestamp::now);
    let (mut prepared, remarks) = subject.plan((session, &arguments), &scene, seen).await?;
    note_agreement(&mut prepared.plan);
    let doubts = subject.claims.iter().filter_map(|claim| whether_lost(&scene.losses, claim).err());
    let shown = Passage {
        asked: questions(&prepared.plan, &Destroy::default(), playbook.sheet.consent.as_ref()),
        settings: settings(playbook, &subject),
        copies: playbook.sheet.steps.contains(&Task::CopyOut),
        warnings: doubts.chain(remarks.warnings.iter().cloned()).collect(),
        gives_up: given_up.clone(),
        ..passage(session, &prepared.plan)
    };
    let ready = Ready {
        command: None,
        cluster: scene.cluster.clone(),
        inputs: subject.inputs,
        record: None,
        prepared,
        remarks,
        open: None,
        given_up,
        spent: scene.cluster.meter.counts(),
        passing: false,
    };
    Ok((Next::Recover(Box::new(ready)), shown))
}

fn settings(playbook: &Playbook, subject: &Subject<'_>) -> Vec<Setting> {
    let setting = |(name, sheet): (&String, &seaworthy::recover::playbook::Setting)| Setting {
        name: name.clone(),
        title: sheet.title.clone(),
        value: subject.settings.get(name).cloned().unwrap_or_default(),
    };
    playbook.sheet.settings.iter().map(setting).collect()
}

/// Pulls the brake, and says what it came to.
pub(super) async fn hold(session: &Session, context: &str, namespace: Option<&str>) -> Result<String, Failure> {
    let cluster = session.connect_to(Some(context)).await?;
    let (events, mut unseen) = mpsc::channel(EVENTS);
    let drain = async move { while unseen.recv().await.is_some() {} };
    let scope = everything(namespace.unwrap_or_default());
    let (braked, ()) = tokio::join!(brake(session, cluster, (scope, &[]), events), drain);
    let Braked { outcome, kept, folder } = braked?;
    if outcome.ended == Ended::Done {
        let of = namespace.map_or_else(|| "of the cluster".to_owned(), |name| format!("of namespace {name}"));
        return Ok(format!("{} {of} kept, manifests in {folder}; Secrets are left out", count(kept, "volume")));
    }
    Err(not_held(&outcome))
}

fn not_held(outcome: &Outcome) -> Failure {
    let causes: Vec<String> = outcome.causes.iter().map(cause_text).collect();
    let why = if causes.is_empty() { "it was stopped".to_owned() } else { causes.join("; ") };
    let message = format!("{} of {} steps done: {why}", outcome.done, outcome.total);
    Failure::input("not-held", message, "h tries again; what was kept stays kept")
}

/// Writes a note down beside a run.
pub(super) fn note(session: &Session, run: &str, text: &str) -> Result<(), Failure> {
    Ok(session.runs()?.add_note(run, text)?)
}

/// What came of a run, as it is on this machine's disk from now on.
pub(super) fn told(session: &Session, run: &str) -> Result<Told, Failure> {
    report::renew(session, run).map(of_written)
}

/// The same, where it was just written.
pub(super) fn of_written(written: Written) -> Told {
    Told { report: written.report, file: written.file }
}
