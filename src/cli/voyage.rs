//! From a prepared plan to an exit code: show, ask, lock, journal, run, record. Shared by all commands that run a plan.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::cluster::fault::classify;
use seaworthy::doctor::{Cause, Outlook};
use seaworthy::engine::journal::{Inputs, Journal};
use seaworthy::engine::lock::{Lock, LockError, MachineLock, SYSTEM_NAMESPACE};
use seaworthy::engine::record::InstallRecord;
use seaworthy::engine::{self, Context, Limits};
use seaworthy::error::Class;
use seaworthy::event::{Ended, Event, Outcome};
use seaworthy::plan::{Choice, Installation, Plan, Purpose};
use seaworthy::preflight;
use seaworthy::prepare::Prepared;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::forecast::time_of;
use super::landing::Landing;
use super::pilot::{self, Front};
use super::{Failure, Session, health, report};
use crate::front::ask::{Answer, Ask};
use crate::front::can_ask;
use crate::front::face::Face;
use crate::front::failure::code;
use crate::front::paint::{Paint, count};
use crate::front::plain::{End, cause_text};
use crate::front::plan_text::{plan_text, summary_text, undecided_lines};
use crate::front::recover_text::plan_text_in_full;
use crate::front::say;

/// Events that may wait for the front end.
const EVENTS: usize = 256;

/// Running one plan.
pub(super) struct Voyage<'a> {
    pub(super) session: &'a Session,
    /// The command, where the plan's purpose does not tell it.
    pub(super) command: Option<&'static str>,
    /// What shows it and asks; [`Session::face`] unless the full screen is open.
    pub(super) face: Face,
    pub(super) cluster: Cluster,
    pub(super) inputs: Inputs,
    pub(super) record: Option<InstallRecord>,
    pub(super) take_lock: Option<&'a str>,
    pub(super) remarks: Remarks,
    /// Whether the plan was shown and agreed to already.
    pub(super) agreed: bool,
    /// Whether the same command takes away again what it makes: nobody opens that, and nobody goes on with it.
    pub(super) passing: bool,
}

/// What keeps others away from what a plan is about.
enum Held {
    /// A Lease.
    Cluster(Box<Lock>),
    /// A file of this machine.
    Machine(#[expect(dead_code, reason = "it is held, not read")] MachineLock),
}

/// What is said with a plan, before anybody agrees to it.
#[derive(Default)]
pub(super) struct Remarks {
    /// What was chosen otherwise than the last finished run recorded: a file that was forgotten resets what it had set.
    pub(super) differences: Vec<String>,
    /// What may go wrong.
    pub(super) warnings: Vec<String>,
}

impl Remarks {
    /// The differences first, because they say why the plan is as it is; the warnings last, before the question.
    fn around(&self, plan: &str, paint: Paint) -> String {
        let mut lines = Vec::new();
        if !self.differences.is_empty() {
            lines.push(paint.careful("differs from the last run:"));
            lines.extend(self.differences.iter().map(|difference| format!("  {difference}")));
        }
        lines.push(plan.to_owned());
        lines.extend(self.warnings.iter().map(|warning| paint.careful(&format!("warning: {warning}"))));
        lines.join("\n")
    }
}

impl Voyage<'_> {
    /// Runs the plan, and says how it ended.
    pub(super) async fn sail(self, prepared: Prepared, open: Option<&str>) -> Result<ExitCode, Failure> {
        let landing = Box::pin(self.land(prepared, open)).await?;
        Ok(landing.show(self.session, &self.face))
    }

    /// Runs the plan, in the journal of an open run or a new one. A plan that writes nothing needs neither lock nor
    /// journal.
    pub(super) async fn land(&self, prepared: Prepared, open: Option<&str>) -> Result<Landing, Failure> {
        let plan = &prepared.plan;
        refuse(&prepared)?;
        let record_is_due = match plan.purpose {
            Purpose::Install => !self.record_matches(&prepared),
            // An uninstall that was killed near its end has left nothing but its record, and its lock.
            Purpose::Uninstall => self.record.is_some(),
            _ => false,
        };
        let writes = (plan.writes() || record_is_due || open.is_some()) && !self.cluster.meter.is_read_only();
        if plan.writes() && self.cluster.meter.is_read_only() {
            return Err(self.read_only(plan));
        }
        if plan.writes() && !self.session.globals.yes && can_ask() && !plan.purpose.is_of_host() {
            // Nobody is to read a plan and agree to it before hearing that it cannot be begun.
            let key = plan.installation.key();
            Lock::look(&self.cluster, &key, self.take_lock == Some(key.as_str())).await?;
        }
        if plan.writes() && !self.agreed {
            self.show(plan);
            if !self.session.globals.yes {
                self.face.show(|_| time_of(self.session, std::iter::once(plan)));
                ask_to_go_on(&self.face).await.map_err(|failure| stays_open(failure, open))?;
            }
        }
        let key = plan.installation.key();
        let signals = self.face.signals();
        let cancel = signals.token();
        let lock = if writes { Some(self.lock(plan, cancel.clone()).await?) } else { None };
        let outcome = self.run(prepared, open, writes, cancel).await;
        if let Some(Held::Cluster(lock)) = lock
            && let Err(error) = lock.release().await
        {
            self.face.say(&format!("the lock could not be given back and expires in a minute: {}", classify(&error)));
        }
        let outcome = outcome?;
        // Nothing but a signal and the loss of the lock stops a run.
        if outcome.ended == Ended::Interrupted && signals.code().is_none() {
            return Err(lock_lost(&key, &outcome.run));
        }
        let report = report::write(self.session, &outcome).unwrap_or_else(|failure| {
            self.face.say(&format!("the report could not be written: {}", failure.message));
            None
        });
        Ok(Landing { report, signal: signals.code(), outcome })
    }

    /// Shows what is to be agreed to.
    pub(super) fn show(&self, plan: &Plan) {
        self.face.show(|paint| self.remarks.around(&plan_text(plan, paint), paint));
    }

    /// The command that opens what was installed, when there is something to open.
    fn way_in(&self, plan: &Plan) -> Option<String> {
        let Installation { stack, namespace, .. } = &plan.installation;
        if plan.purpose == Purpose::Uninstall || plan.reach.is_empty() || self.passing {
            return None;
        }
        let known = self.session.catalogue().get(stack).ok();
        let usual = known.is_some_and(|known| known.definition().default_namespace() == namespace);
        let place = if usual { String::new() } else { format!(" -n {namespace}") };
        Some(format!("open it with: seaworthy open {stack}{place}"))
    }

    /// The plan is shown, and not begun.
    fn read_only(&self, plan: &Plan) -> Failure {
        self.face.show(|paint| plan_text(plan, paint));
        let message = format!("refused by --read-only: {}", summary_text(plan));
        Failure::input("read-only", message, "run it without --read-only")
    }

    async fn lock(&self, plan: &Plan, lost: CancellationToken) -> Result<Held, Failure> {
        let key = plan.installation.key();
        if plan.purpose.is_of_host() {
            return Ok(Held::Machine(MachineLock::acquire(&self.session.state_dir()?, &key)?));
        }
        let take_over = self.take_lock == Some(key.as_str());
        let cluster = &self.cluster;
        let held = match Lock::acquire(cluster, &key, take_over, lost.clone()).await {
            Err(held @ LockError::Held { expired: true, .. }) => held,
            answer => return Ok(Held::Cluster(Box::new(answer?))),
        };
        let question = format!("{held}. Take it over?");
        let ask = Ask::Typed { question, word: key.clone() };
        match self.face.ask(ask).await.map_err(|error| unanswerable(&error))? {
            Some(Answer::Yes) => Ok(Held::Cluster(Box::new(Lock::acquire(cluster, &key, true, lost).await?))),
            Some(Answer::No) => Err(declined()),
            Some(Answer::Interrupted) => Err(Failure::interrupted()),
            None => Err(held.into()),
        }
    }

    async fn run(
        &self,
        prepared: Prepared,
        open: Option<&str>,
        writes: bool,
        cancel: CancellationToken,
    ) -> Result<Outcome, Failure> {
        let journal = if writes { Some(self.journal(&prepared.plan, open).await?) } else { None };
        let (events, front, commands) = self.front(&prepared.plan).await?;
        let record_due = !self.record_matches(&prepared);
        let Prepared { plan, snapshot, resources, refusals } = prepared;
        let limits = Limits { wait: self.session.globals.timeout, ..Limits::default() };
        let here = self.session.here.clone();
        // That something in them cannot be read is told by `doctor` and `stacks validate`.
        let (stacks, _) = super::doctor::own_stacks(self.session);
        let cluster = self.cluster.clone();
        let context = Context { cluster, here, resources, snapshot, events, cancel, limits, stacks, commands };
        let outcome = engine::run(&plan, &context, journal.as_ref()).await;
        let Context { snapshot, resources, .. } = context;
        // The front end has shown everything when it has seen the end of the run.
        if let Err(error) = front.await {
            tracing::error!(%error, "the front end has failed");
        }
        let prepared = Prepared { plan, snapshot, resources, refusals };
        self.remember(&prepared, &outcome, record_due).await;
        Ok(outcome)
    }

    async fn journal(&self, plan: &Plan, open: Option<&str>) -> Result<Journal, Failure> {
        let runs = self.session.runs()?;
        Ok(match open {
            Some(run) => runs.resume(run, env!("CARGO_PKG_VERSION")).await?,
            None => runs.open_for(self.command, self.inputs.clone(), plan.without_secrets()).await?,
        })
    }

    async fn front(&self, plan: &Plan) -> Result<Front, Failure> {
        let (shown, receiver) = mpsc::channel(EVENTS);
        let end = End { way_in: self.way_in(plan), resumable: !self.passing };
        let front = self.face.follow(receiver, end).map_err(|error| {
            Failure::input("unwritable-file", format!("{error:#}"), "choose another file for --events")
        })?;
        // The channel is new and has room.
        let _ = shown.send(Event::Planned { plan: plan.without_secrets() }).await;
        Ok(pilot::follow(self.face.clone(), shown, front))
    }

    fn record_matches(&self, prepared: &Prepared) -> bool {
        if prepared.plan.purpose != Purpose::Install {
            return true;
        }
        let wanted = |record: &InstallRecord| *record == InstallRecord::of(&prepared.plan, &self.inputs, &record.run);
        self.record.as_ref().is_some_and(wanted)
    }

    /// What the cluster remembers is best effort: said when it fails, not fatal.
    async fn remember(&self, prepared: &Prepared, outcome: &Outcome, due: bool) {
        if outcome.ended != Ended::Done || self.cluster.meter.is_read_only() {
            return;
        }
        self.record_health(&prepared.plan).await;
        let client = &self.cluster.client;
        let written = match prepared.plan.purpose {
            Purpose::Install if due => {
                InstallRecord::of(&prepared.plan, &self.inputs, &outcome.run).write(client).await
            }
            Purpose::Backup => {
                let key = prepared.plan.installation.key();
                InstallRecord::note_backup(client, &key, self.cluster.clock.now()).await
            }
            Purpose::Uninstall => InstallRecord::delete(client, &prepared.plan.installation.key()).await,
            _ => return,
        };
        if let Err(error) = written {
            self.face.say(&format!(
                "the cluster's own record could not be written (the journal here suffices): {}",
                classify(&error)
            ));
        }
    }

    /// What the healthy installation looks like, on this machine: what recognising a loss goes by. Best effort, too.
    async fn record_health(&self, plan: &Plan) {
        let kept = match plan.purpose {
            Purpose::Install if !plan.writes() || !health::has_data(plan) => return,
            // What is lost is not well: the record of when it was says what is missing.
            Purpose::Backup if health::has_losses(plan) => return,
            Purpose::Uninstall => health::forget(self.session, &self.cluster, plan),
            Purpose::Install | Purpose::Recover | Purpose::Backup | Purpose::Restore => {
                health::keep(self.session, &self.cluster, plan).await
            }
            _ => return,
        };
        if let Err(failure) = kept {
            self.face.say(&format!("what the healthy installation looks like was not recorded: {}", failure.message));
        }
    }
}

/// What stands in the way of a plan, before anything is asked or written.
pub(super) fn refuse(prepared: &Prepared) -> Result<(), Failure> {
    // Every object of a release of helm is somebody else's: what they have in common says more than each of them.
    if let Some(release) = prepared.refusals.iter().find(|cause| cause.id == "helm-release") {
        return Err(refused(release, &prepared.refusals));
    }
    if prepared.plan.summary().undecided > 0 {
        let adopt = prepared.plan.conflicts().any(|(_, conflict)| conflict.pointer.is_empty());
        let hint = if adopt {
            "--adopt takes over what is there; another --namespace or --name leaves it alone"
        } else {
            "--on-conflict keep leaves those values, --on-conflict take sets ours"
        };
        let open = undecided_lines(&prepared.plan);
        let message = format!("{} of somebody else in the way; nothing was written", count(open.len(), "field"));
        let failure = Failure::input("undecided-conflicts", message, hint);
        return Err(match undecided_cause(&prepared.plan) {
            Some(cause) => failure.because(open).rooted(cause),
            None => failure.because(open),
        });
    }
    match prepared.refusals.first() {
        Some(needed) if matches!(needed.id.as_str(), "secret-needed" | "release-locked") => {
            Err(Failure::input(&needed.id, cause_text(needed), needed.remedy.clone().unwrap_or_default()))
        }
        Some(first) => Err(refused(first, &prepared.refusals)),
        None => Ok(()),
    }
}

/// Several plans that are agreed to together: shown, and asked about once.
pub(super) async fn agree_to_all(
    session: &Session,
    face: &Face,
    plans: &[&Plan],
    after: &[String],
) -> Result<(), Failure> {
    let due: Vec<&&Plan> = plans.iter().filter(|plan| plan.writes()).collect();
    if due.is_empty() {
        return Ok(());
    }
    for plan in &due {
        face.show(|paint| plan_text(plan, paint));
    }
    for line in after {
        face.show(|_| line.clone());
    }
    if session.globals.read_only {
        let sums: Vec<String> = due.iter().map(|plan| summary_text(plan)).collect();
        let message = format!("refused by --read-only: {}", sums.join("; "));
        return Err(Failure::input("read-only", message, "run it without --read-only"));
    }
    if session.globals.yes {
        return Ok(());
    }
    face.show(|_| time_of(session, plans.iter().copied()));
    ask_to_go_on(face).await
}

async fn ask_to_go_on(face: &Face) -> Result<(), Failure> {
    match face.ask(Ask::Agree).await.map_err(|error| unanswerable(&error))? {
        Some(Answer::Yes) => Ok(()),
        Some(Answer::No) => Err(declined()),
        Some(Answer::Interrupted) => Err(Failure::interrupted()),
        None => {
            let message = "there is no terminal to ask for agreement on";
            Err(Failure::input("cannot-ask", message, "add --yes to go ahead"))
        }
    }
}

/// The first field about which nothing was decided, for programs.
fn undecided_cause(plan: &Plan) -> Option<Cause> {
    let (step, conflict) = plan.conflicts().find(|(_, conflict)| conflict.choice == Choice::Stop)?;
    let owners = conflict.owners.join(", ");
    Some(Cause {
        id: "undecided-conflicts".to_owned(),
        object: step.action.object(),
        reason: "Conflict".to_owned(),
        message: format!("{} is owned by {owners}", conflict.path),
        remedy: None,
        outlook: Outlook::Final,
    })
}

/// What stands in the way, and what to do about it.
fn with_remedy(cause: &Cause) -> String {
    match &cause.remedy {
        Some(remedy) => format!("{} ({remedy})", cause_text(cause)),
        None => cause_text(cause),
    }
}

fn refused(first: &Cause, all: &[Cause]) -> Failure {
    // What is to be done about the first is the hint; the others say it where it is another thing.
    let line = |cause: &Cause| if cause.remedy == first.remedy { cause_text(cause) } else { with_remedy(cause) };
    let lines: Vec<String> = all.iter().map(line).collect();
    let message = if first.reason == preflight::REASON {
        "the plan cannot succeed on this cluster; nothing was written"
    } else {
        "the API server would refuse the plan; nothing was written"
    };
    let failure = Failure::input(&first.id, message, "").because(lines).rooted(first.clone());
    Failure { hint: first.remedy.clone(), ..failure }
}

pub(super) fn unanswerable(error: &color_eyre::Report) -> Failure {
    Failure::input("cannot-ask", format!("the question could not be asked: {error:#}"), "add --yes to go ahead")
}

pub(super) fn declined() -> Failure {
    Failure::new("declined", Class::Declined, "declined; nothing was written", None)
}

/// Who says no to going on with a run has not ended it.
fn stays_open(failure: Failure, open: Option<&str>) -> Failure {
    match open {
        Some(run) if failure.class != Class::Input => {
            let hint = format!(
                "run {run} stays unfinished: `seaworthy runs resume {run}` goes on with it, `seaworthy runs abort {run}` closes it"
            );
            Failure { hint: Some(hint), ..failure }
        }
        _ => failure,
    }
}

fn lock_lost(key: &str, run: &str) -> Failure {
    let message = format!("the lock of {key} was lost: somebody took it over, or it could not be renewed for a minute");
    let hint = format!(
        "`kubectl get lease -n {SYSTEM_NAMESPACE} {key} -o yaml` shows who has it; then `seaworthy runs resume {run}`"
    );
    Failure::new("lock-lost", Class::Failed, message, Some(hint))
}

/// `--dry-run`: the plan and every field that would change.
pub(super) fn show_plan(session: &Session, cluster: &Cluster, prepared: &Prepared, remarks: &Remarks) -> ExitCode {
    let shown = prepared.plan.without_secrets();
    let document = json!({"plan": shown, "summary": shown.summary(), "refusals": prepared.refusals,
        "differences": remarks.differences, "warnings": remarks.warnings, "requests": cluster.meter.counts()});
    session.print("Plan", &document, || {
        let mut lines = vec![remarks.around(&plan_text_in_full(&shown, Paint(false)), Paint(false))];
        lines.extend(prepared.refusals.iter().map(|cause| format!("would be refused: {}", with_remedy(cause))));
        lines.join("\n")
    });
    tell_dry_run(session, cluster, &[&shown]);
    if prepared.refusals.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(code(Class::Input)) }
}

/// The last line of every `--dry-run`: what it took, and what the plans come to.
pub(super) fn tell_dry_run(session: &Session, cluster: &Cluster, plans: &[&Plan]) {
    if session.is_json() {
        return;
    }
    let counts = cluster.meter.counts();
    let sums: Vec<String> = plans.iter().map(|plan| summary_text(plan)).collect();
    let sums = if sums.is_empty() { "nothing to do".to_owned() } else { sums.join("; ") };
    say(format!("dry run: {} writes, {} reads; {sums}", counts.writes, counts.reads + counts.dry));
}
