//! Doing a step of a recovery: look, ask for the proof first, act when the gate is open, and watch until it is proven.
//!
//! A step that is killed anywhere leaves nothing but the cluster and the files; the next run looks at those and comes to the
//! same end. What is acted on is always bound to the incarnation that was seen, by uid and, for what cannot be taken back,
//! by resource version.

mod act;
pub mod backup;
pub mod copy;
mod count;
mod etcd;
pub mod export;
mod follow;
pub mod practice;
pub mod secrets;
pub mod shelf;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant as Tick, MissedTickBehavior, interval, sleep_until};

use super::apply::ApplyError;
use super::journal::Entry;
use super::ready::Readiness;
use super::step::{Doing, Ending, done, unknown_kind};
use super::wait::{CLOCK, PATIENCE, Wait};
use crate::doctor::{Cause, Outlook};
use crate::event::{Command, Event};
use crate::object::ObjectRef;
use crate::plan::Step;
use crate::plan::verb::{Standing, Verb};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

pub(crate) use count::script as count_script;
pub use count::{Disk, Files, Room, ask_for_held, ask_on_nodes, ask_pods, files_text};

/// How often an act is tried again when the object changes between look and write.
const TRIES: usize = 5;

/// What a watch waits for.
#[derive(Debug, Clone, Copy)]
enum Aim {
    /// That the step may be done.
    Gate,
    /// That it is done.
    Proof,
}

impl Aim {
    /// How far it is; an error when it is reached, or out of reach.
    fn missing(self, standing: Standing) -> Result<String, Standing> {
        match (self, standing) {
            (_, Standing::Early { progress }) | (Self::Proof, Standing::Open { progress }) => Ok(progress),
            (_, standing) => Err(standing),
        }
    }
}

impl Doing<'_> {
    pub(super) async fn rescue(&self, step: &Step, verb: &Verb, limit: Duration) -> Ending {
        let limit = if limit.is_zero() { self.context.limits.wait } else { limit };
        match verb {
            Verb::Export { folder, selections, must } => self.export((folder, selections, must), limit).await,
            Verb::Follow { .. } => self.follow_logs(step, verb, limit).await,
            Verb::Count { claim, at_least } => self.count(claim, *at_least, limit).await,
            Verb::Etcd { set, act } => self.etcd(step, set, act, limit).await,
            Verb::CopyOut { claim, folder, image, quiet } => {
                let out = copy::Out { claim, folder, image: image.as_deref(), quiet: *quiet };
                Box::pin(self.copy_out(step, &out, limit)).await
            }
            Verb::CopyIn { claim, folder, image, over } => {
                let into = copy::In { claim, folder, image: image.as_deref(), over: *over };
                Box::pin(self.copy_in(step, &into, limit)).await
            }
            Verb::Seed(seed) => Box::pin(self.seed(step, seed, limit)).await,
            Verb::Secrets(secrets) => self.secrets(secrets, limit).await,
            Verb::Seal { folder, head } => self.seal(folder, head).await,
            Verb::Ask { question, word } => self.ask(step, question, word.as_deref()).await,
            _ => self.observe_and_act(step, verb, limit).await,
        }
    }

    async fn observe_and_act(&self, step: &Step, verb: &Verb, limit: Duration) -> Ending {
        let Some(about) = verb.object() else { return Ending::Failed(super::step::unnamed()) };
        for _ in 0..TRIES {
            let seen = match self.look(&about, verb).await {
                Ok(seen) => seen,
                Err(ending) => return ending,
            };
            match verb.standing(&seen) {
                Standing::Proven { note } => return done(false, Some(note)),
                Standing::Shut { why } => return Ending::Failed(shut(verb, &about, &why)),
                Standing::Early { .. } => match self.watch(step, verb, (&about, limit), Aim::Gate).await {
                    Ok(_) => continue,
                    Err(ending) => return ending,
                },
                Standing::Open { .. } => {}
            }
            match self.patiently(&about, || act::act(self, verb, &seen)).await {
                Ok(act::Acted::Changed) => return self.prove(step, verb, (&about, limit), true).await,
                Ok(act::Acted::Nothing) => return self.prove(step, verb, (&about, limit), false).await,
                // It changed between look and write: look again.
                Ok(act::Acted::Outdated) => {}
                Err(ending) => return ending,
            }
        }
        Ending::Failed(shut(verb, &about, "it changes faster than it can be looked at"))
    }

    /// What the verb reads, as it is now.
    async fn look(&self, about: &ObjectRef, verb: &Verb) -> Result<Snapshot, Ending> {
        let mut queries = Vec::new();
        for object in verb.reads() {
            let Some(resource) = self.context.resources.of(&object) else {
                return Err(Ending::Failed(unknown_kind(&object)));
            };
            queries.push(Query { resource, namespace: object.namespace, scope: Scope::Named(object.name) });
        }
        if let Some(pods) = verb.reads_pods().map(pods_in) {
            let Some(resource) = self.context.resources.of(&pods) else {
                return Err(Ending::Failed(unknown_kind(&pods)));
            };
            queries.push(Query { resource, namespace: pods.namespace, scope: Scope::All });
        }
        let read = || async { Ok::<_, ApplyError>(collect(&self.context.cluster.client, queries.clone()).await?) };
        self.patiently(about, read).await
    }

    /// Watches until the proof holds.
    async fn prove(&self, step: &Step, verb: &Verb, (about, limit): (&ObjectRef, Duration), changed: bool) -> Ending {
        match self.watch(step, verb, (about, limit), Aim::Proof).await {
            Ok(Standing::Proven { note }) => done(changed, Some(note)),
            Ok(Standing::Shut { why } | Standing::Early { progress: why } | Standing::Open { progress: why }) => {
                Ending::Failed(shut(verb, about, &why))
            }
            Err(ending) => ending,
        }
    }

    /// Watches until what is aimed at is reached or out of reach, and then reads once more: what counts is what the server says,
    /// not what a watch has seen.
    async fn watch(
        &self,
        step: &Step,
        verb: &Verb,
        (about, limit): (&ObjectRef, Duration),
        aim: Aim,
    ) -> Result<Standing, Ending> {
        let wait = Wait { limit, ..Wait::new(self.context, &self.tracker, &step.id, about) };
        let watched: Vec<ObjectRef> = verb.reads().into_iter().chain(verb.reads_pods().map(pods_in)).collect();
        for object in &watched {
            self.tracker.follow(object);
        }
        let began = Tick::now();
        let deadline = began + limit;
        let mut changes = self.tracker.changes();
        let mut clock = interval(CLOCK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = String::new();
        loop {
            changes.heed();
            let seen = self.tracker.look(&watched, |picture| verb.standing(picture));
            let progress = match seen {
                Some(standing) => match aim.missing(standing) {
                    Ok(progress) => progress,
                    // Only a fresh look decides. A watch lags behind the write that was just made.
                    Err(_) => match aim.missing(verb.standing(&self.look(about, verb).await?)) {
                        Ok(progress) => progress,
                        Err(standing) => return Ok(standing),
                    },
                },
                None => "looking".to_owned(),
            };
            if let Err(unmet) = wait.check_api() {
                return Err(unmet.into());
            }
            let cause = if began.elapsed() < PATIENCE { None } else { self.stalled(verb, about) };
            let cause = self.tracker.rooted(about, cause, false);
            if said != progress {
                wait.say(&progress, cause.as_ref());
                said.clone_from(&progress);
            }
            tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => return Err(Ending::Stopped),
                () = sleep_until(deadline) => {
                    return Err(Ending::Failed(wait.too_late(&progress, cause.map(Box::new))));
                }
                () = changes.rung() => {}
                _ = clock.tick() => {}
            }
        }
    }

    /// Why a workload that is started does not become ready: what an install would say of it.
    fn stalled(&self, verb: &Verb, about: &ObjectRef) -> Option<Cause> {
        let starts = matches!(verb, Verb::Scale { to, .. } if *to > 0) || matches!(verb, Verb::Restart { .. });
        let standing = starts.then(|| self.tracker.standing(about, None))?;
        standing.cause.filter(|_| !matches!(standing.readiness, Readiness::Ready { .. }))
    }

    async fn ask(&self, step: &Step, question: &str, word: Option<&str>) -> Ending {
        let Some(commands) = &self.context.commands else { return Ending::Failed(nobody(question)) };
        let (id, word) = (step.id.clone(), word.map(str::to_owned));
        self.context.emit(Event::Ask { id, question: question.to_owned(), word }).await;
        let mut commands = commands.lock().await;
        loop {
            let command = tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => return Ending::Stopped,
                command = commands.recv() => command,
            };
            match command {
                None => return Ending::Failed(nobody(question)),
                Some(Command::Answer { id, agreed }) if id == step.id => {
                    return self.answered(step, question, agreed).await;
                }
                Some(Command::Answer { .. }) => {}
            }
        }
    }

    async fn answered(&self, step: &Step, question: &str, agreed: bool) -> Ending {
        if let Some(journal) = self.journal
            && let Err(error) =
                journal.commit(Entry::Answered { step: step.id.clone(), at: Timestamp::now(), agreed }).await
        {
            return Ending::Failed(super::step::no_journal(&error));
        }
        if agreed { done(false, Some("yes".to_owned())) } else { Ending::Failed(refused(question)) }
    }
}

/// A kind in a namespace, as the tracker and the collector take it.
fn pods_in(namespace: &str) -> ObjectRef {
    ObjectRef::new("v1", "Pod", Some(namespace), "")
}

/// Neither proof nor gate: both are shown.
fn shut(verb: &Verb, about: &ObjectRef, why: &str) -> Cause {
    Cause {
        id: "gate-shut".to_owned(),
        object: Some(about.clone()),
        reason: "GateShut".to_owned(),
        message: format!("{}: {why} (proof wanted: {}; gate wanted: {})", verb.title(), verb.proof(), verb.gate()),
        remedy: Some(
            "look at what is there; `seaworthy recover` recognises what is lost now and makes a new plan".to_owned(),
        ),
        outlook: Outlook::Final,
    }
}

fn nobody(question: &str) -> Cause {
    Cause {
        id: "cannot-ask".to_owned(),
        object: None,
        reason: "NobodyAnswers".to_owned(),
        message: format!("there is no terminal to ask on: {question}"),
        remedy: Some("run `seaworthy runs resume` on a terminal: it goes on with this question".to_owned()),
        outlook: Outlook::Stuck,
    }
}

fn refused(question: &str) -> Cause {
    Cause {
        id: "declined".to_owned(),
        object: None,
        reason: "Declined".to_owned(),
        message: format!("the answer was no: {question}"),
        remedy: Some("`seaworthy runs resume` asks again".to_owned()),
        outlook: Outlook::Stuck,
    }
}
