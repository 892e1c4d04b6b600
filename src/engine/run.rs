//! Running a plan: every step as soon as what it needs is done, many at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::graph::Graph;
use super::journal::{Entry, Journal, JournalError, Took};
use super::ready::Tracker;
use super::step::{Applied, Doing, Ending};
use super::{Context, ready};
use crate::cluster::Clock;
use crate::doctor::{Cause, Outlook};
use crate::event::{Ended, Event, Outcome, StepState};
use crate::object::ObjectRef;
use crate::plan::compare::compare;
use crate::plan::verb::{Pinned, Tend, Verb};
use crate::plan::{Change, Plan, Purpose, Step};
use crate::snapshot::collect::{collect, queries_for};

/// After a failure, how long what is already being waited for may still come about: it would be a pity to report as not
/// begun what was about to be ready.
const AFTERMATH: Duration = Duration::from_secs(2);

/// Runs a plan to its end, and tells how it ended. The journal is closed, unless the disk refuses.
pub async fn run(plan: &Plan, context: &Context, journal: Option<&Journal>) -> Outcome {
    let _leap = context.cluster.clock.leap();
    let began = Instant::now();
    if plan.cluster.uid != context.cluster.id.uid {
        return refuse(plan, context).await;
    }
    let tracker = Tracker::new(&context.cluster, context.resources.clone(), context.stacks.clone());
    let doing = Doing { context, journal, tracker, applied: Mutex::default(), changed: Mutex::default() };
    let mut course = Course::new(plan, &doing);
    context.emit(Event::Started { run: course.run_id(), total: plan.steps.len() }).await;
    course.sail().await;
    if course.causes.is_empty() && !course.stopped {
        match course.never_begun().as_slice() {
            [] => course.causes.extend(verify(&doing).await),
            stuck => course.causes.push(need_each_other(stuck)),
        }
    }
    let outcome = course.outcome(began.elapsed());
    if let Some(journal) = journal
        && let Err(error) = close(journal, &outcome, &context.cluster.clock).await
    {
        context.emit(Event::Notice { text: format!("the end of the run could not be recorded: {error}") }).await;
    }
    context.emit(Event::Finished { outcome: outcome.clone() }).await;
    outcome
}

async fn close(journal: &Journal, outcome: &Outcome, clock: &Clock) -> Result<(), JournalError> {
    clock.outside(journal.commit(Entry::Closed { at: Timestamp::now(), ended: outcome.ended })).await
}

/// A plan is bound to its cluster: to the cluster itself, not to the name of a context.
async fn refuse(plan: &Plan, context: &Context) -> Outcome {
    let cause = Cause {
        id: "other-cluster".to_owned(),
        object: None,
        reason: "OtherCluster".to_owned(),
        message: format!(
            "the plan was made for the cluster at {}, this is {}",
            plan.cluster.server, context.cluster.id.server
        ),
        remedy: Some("choose the cluster with --context, or make a new plan".to_owned()),
        outlook: Outlook::Final,
    };
    let outcome = Outcome {
        run: String::new(),
        ended: Ended::Failed,
        done: 0,
        total: plan.steps.len(),
        causes: vec![cause],
        requests: context.cluster.meter.counts(),
        millis: 0,
    };
    context.emit(Event::Finished { outcome: outcome.clone() }).await;
    outcome
}

/// The state of a run.
struct Course<'a> {
    plan: &'a Plan,
    doing: &'a Doing<'a>,
    graph: Graph,
    done: usize,
    writing: usize,
    begun: Vec<bool>,
    ended: Vec<bool>,
    causes: Vec<Cause>,
    stopped: bool,
    /// When it began, by the cluster's time.
    began: Instant,
}

/// The workload that a step scales, and to how many.
fn scaled(step: &Step) -> Option<(&Pinned, i64)> {
    match step.verb()? {
        Verb::Scale { workload, to, .. } => Some((workload, *to)),
        _ => None,
    }
}

/// The node that a step marks as out of service, or whose mark it takes back.
fn marked(step: &Step) -> Option<(&ObjectRef, bool)> {
    match step.verb()? {
        Verb::Tend { object, act: Tend::OutOfService { .. } } => Some((object, false)),
        Verb::Tend { object, act: Tend::BackInService { .. } } => Some((object, true)),
        _ => None,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl<'a> Course<'a> {
    fn new(plan: &'a Plan, doing: &'a Doing<'a>) -> Self {
        let none = vec![false; plan.steps.len()];
        let graph = Graph::new(&plan.steps);
        let (begun, ended, began) = (none.clone(), none, Instant::now());
        Self { plan, doing, graph, done: 0, writing: 0, begun, ended, causes: Vec::new(), stopped: false, began }
    }

    fn run_id(&self) -> String {
        self.doing.journal.map(|journal| journal.run().to_owned()).unwrap_or_default()
    }

    async fn sail(&mut self) {
        let context = self.doing.context;
        let mut active = FuturesUnordered::new();
        loop {
            while let Some(index) = self.next_step() {
                let step = &self.plan.steps[index];
                self.begun[index] = true;
                if !matches!(step.change, Change::Unchanged | Change::Keep { .. }) {
                    self.tell(step, StepState::Running).await;
                }
                let doing = self.doing;
                active.push(async move {
                    let began = Instant::now();
                    (index, doing.step(step).await, began.elapsed())
                });
            }
            let next = tokio::select! {
                biased;
                next = active.next() => next,
                () = context.cancel.cancelled(), if !self.stopped => {
                    self.stopped = true;
                    continue;
                }
            };
            let Some((index, ending, took)) = next else { break };
            self.end(index, ending, took).await;
            if !self.causes.is_empty() && self.writing == 0 {
                break;
            }
        }
        // What was being waited for when something else failed gets a last, short chance.
        while let Ok(Some((index, ending, took))) = timeout(AFTERMATH, active.next()).await {
            self.end(index, ending, took).await;
        }
        drop(active);
        if self.plan.purpose == Purpose::Backup && (self.stopped || !self.causes.is_empty()) {
            Box::pin(self.start_again()).await;
        }
        if self.stopped || !self.causes.is_empty() {
            Box::pin(self.unmark()).await;
        }
        for (index, step) in self.plan.steps.iter().enumerate().filter(|(index, _)| !self.ended[*index]) {
            let state = if self.begun[index] { StepState::Left } else { StepState::Skipped };
            self.tell(step, state).await;
        }
    }

    /// What was stopped for something that came to nothing is started again, whatever has gone wrong. A run that is being stopped
    /// sends what it takes, and does not wait for it.
    async fn start_again(&mut self) {
        let stopped = |course: &Self, workload: &Pinned| {
            course.plan.steps.iter().zip(&course.begun).any(|(step, begun)| {
                *begun && matches!(scaled(step), Some((other, 0)) if other.object == workload.object)
            })
        };
        for (index, step) in self.plan.steps.iter().enumerate() {
            if self.begun[index] || !matches!(scaled(step), Some((workload, to)) if to > 0 && stopped(self, workload)) {
                continue;
            }
            self.on_the_way_out(index, step).await;
        }
    }

    /// A step that undoes what this run has done, after the run has ended.
    async fn on_the_way_out(&mut self, index: usize, step: &Step) {
        self.begun[index] = true;
        self.writing += 1;
        self.tell(step, StepState::Running).await;
        let began = Instant::now();
        let ending = Box::pin(self.doing.step(step)).await;
        self.end(index, ending, began.elapsed()).await;
    }

    /// A node that was marked as out of service is marked no more, whatever has gone wrong: who switches its machine on again would see
    /// everything on it thrown out.
    async fn unmark(&mut self) {
        for (index, step) in self.plan.steps.iter().enumerate() {
            let Some((node, true)) = marked(step) else { continue };
            let marks = self
                .plan
                .steps
                .iter()
                .zip(&self.begun)
                .any(|(other, begun)| *begun && marked(other) == Some((node, false)));
            if self.begun[index] || !marks {
                continue;
            }
            self.on_the_way_out(index, step).await;
        }
    }

    /// A step that can begin now. After a failure or a stop nothing begins any more.
    fn next_step(&mut self) -> Option<usize> {
        if self.stopped || !self.causes.is_empty() {
            return None;
        }
        let index = self.graph.next()?;
        if self.plan.steps[index].change.writes() {
            if self.writing >= self.doing.context.limits.in_flight {
                self.graph.put_back(index);
                return None;
            }
            self.writing += 1;
        }
        Some(index)
    }

    async fn end(&mut self, index: usize, ending: Ending, took: Duration) {
        let step = &self.plan.steps[index];
        if step.change.writes() {
            self.writing -= 1;
        }
        let at = Timestamp::now();
        let (millis, after) = (millis(took), millis(self.began.elapsed()));
        let took = Took { millis: Some(millis), after: Some(after) };
        let state = match ending {
            Ending::Done { changed, note } => {
                self.ended[index] = true;
                self.done += 1;
                self.graph.done(index);
                if !matches!(step.change, Change::Unchanged | Change::Keep { .. }) {
                    self.note(Entry::Done { step: step.id.clone(), at, changed, note: note.clone(), took });
                }
                StepState::Done { changed, millis, note }
            }
            Ending::Failed(cause) => {
                self.ended[index] = true;
                self.note(Entry::Failed { step: step.id.clone(), at, cause: cause.clone(), took });
                if !self.causes.iter().any(|known| (&known.id, &known.object) == (&cause.id, &cause.object)) {
                    self.causes.push(cause.clone());
                }
                StepState::Failed { cause }
            }
            // Left is said for all of them at the end. The step may have heard of the stop before the run did.
            Ending::Stopped => {
                self.stopped = true;
                return;
            }
        };
        self.tell(step, state).await;
    }

    /// The ids of the steps that did not come to an end.
    fn never_begun(&self) -> Vec<&str> {
        let steps = self.plan.steps.iter().zip(&self.ended);
        steps.filter(|(_, ended)| !**ended).map(|(step, _)| step.id.as_str()).collect()
    }

    fn note(&self, entry: Entry) {
        if let Some(journal) = self.doing.journal {
            journal.note(entry);
        }
    }

    async fn tell(&self, step: &Step, state: StepState) {
        let event = Event::Step { id: step.id.clone(), done: self.done, total: self.plan.steps.len(), state };
        self.doing.context.emit(event).await;
    }

    fn outcome(&mut self, took: Duration) -> Outcome {
        // The root first: what cannot pass before what might, and what the API server refused before what waits.
        self.causes.sort_by_key(|cause| std::cmp::Reverse(cause.outlook));
        let ended = match (self.causes.is_empty(), self.stopped) {
            (false, _) => Ended::Failed,
            (true, true) => Ended::Interrupted,
            (true, false) => Ended::Done,
        };
        Outcome {
            run: self.run_id(),
            ended,
            done: self.done,
            total: self.plan.steps.len(),
            causes: std::mem::take(&mut self.causes),
            requests: self.doing.context.cluster.meter.counts(),
            millis: millis(took),
        }
    }
}

/// A plan from a file may be damaged; what was not done must not be reported as done.
fn need_each_other(steps: &[&str]) -> Cause {
    Cause {
        id: "cyclic-plan".to_owned(),
        object: None,
        reason: "CyclicPlan".to_owned(),
        message: format!("these steps need each other, or what needs them, and none could begin: {}", steps.join(", ")),
        remedy: Some("make a new plan with --replan".to_owned()),
        outlook: Outlook::Final,
    }
}

/// The proof of what nobody waits for: everything that was applied is read again and compared.
async fn verify(doing: &Doing<'_>) -> Vec<Cause> {
    let applied = doing.applied.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let unseen: Vec<(&ObjectRef, &Applied)> =
        applied.iter().filter(|(reference, _)| !ready::is_awaited(reference)).collect();
    if unseen.is_empty() {
        return Vec::new();
    }
    let located: Vec<_> =
        unseen.iter().filter_map(|(reference, _)| Some((*reference, doing.context.resources.of(reference)?))).collect();
    let queries = queries_for(located.iter().map(|(reference, resource)| (*reference, resource)));
    let snapshot = match collect(&doing.context.cluster.client, queries).await {
        Ok(snapshot) => snapshot,
        Err(error) => return vec![super::wait::api_gone(&crate::error::root(&error))],
    };
    let missing = |(reference, applied): &(&ObjectRef, &Applied)| match snapshot.get(reference) {
        None if snapshot.is_unread(&reference.kind) => None,
        None => Some(not_there(reference, "it was applied and is not there any more".to_owned())),
        Some(live) => {
            let lost = lost_fields(applied, live);
            (!lost.is_empty()).then(|| {
                not_there(reference, format!("somebody changed it while the run was under way: {}", lost.join(", ")))
            })
        }
    };
    unseen.iter().filter_map(missing).collect()
}

/// The fields that were as sent in the server's answer to the apply, and are not any more.
fn lost_fields(applied: &Applied, live: &Value) -> Vec<String> {
    let paths = |object: &Value| -> Vec<String> {
        compare(&applied.sent, object).changed.into_iter().map(|changed| changed.path).collect()
    };
    let never = paths(&applied.stored);
    paths(live).into_iter().filter(|path| !never.contains(path)).collect()
}

fn not_there(reference: &ObjectRef, message: String) -> Cause {
    Cause {
        id: "not-as-applied".to_owned(),
        object: Some(reference.clone()),
        reason: "NotAsApplied".to_owned(),
        message,
        remedy: Some("find out who else manages it: kubectl get -o yaml --show-managed-fields".to_owned()),
        outlook: Outlook::Stuck,
    }
}
