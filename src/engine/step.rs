//! Doing one step.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::core::ApiResource;
use serde_json::Value;
use tokio::time::Instant;

use super::Context;
use super::apply::{self, ApplyError, Deletion, Pods};
use super::forward::{self, Forward, ForwardError};
use super::journal::{Entry, Journal, JournalError};
use super::ready::{Readiness, Tracker, judge};
use super::wait::{PATIENCE, Unmet, Wait, api_gone};
use crate::doctor::{Cause, Outlook, refusal};
use crate::error::root;
use crate::event::Event;
use crate::object::ObjectRef;
use crate::plan::difference::hides_values;
use crate::plan::replace::Replacement;
use crate::plan::{Action, Change, Reach, Step};

/// The pause before an API server that is away is asked again; doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How often a request is sent again that the API server answered with 500.
const TROUBLES: u32 = 2;
/// How long what was already sent may still be answered once the run is being stopped.
const GRACE: Duration = Duration::from_secs(3);
/// A server that is there may take this long: it has to ask its webhooks.
const SHORTEST_ANSWER: Duration = Duration::from_secs(30);

/// What the steps of a run share.
pub(super) struct Doing<'a> {
    pub(super) context: &'a Context,
    pub(super) journal: Option<&'a Journal>,
    pub(super) tracker: Tracker,
    /// What this run has applied.
    pub(super) applied: Mutex<BTreeMap<ObjectRef, Applied>>,
    /// Steps of this machine that were done in this run: what stands behind them is not as the picture has it.
    pub(super) changed: Mutex<HashSet<String>>,
}

/// An object that was applied.
#[derive(Clone)]
pub(super) struct Applied {
    /// As it was sent.
    pub(super) sent: Value,
    /// As the API server returned it.
    pub(super) stored: Value,
}

/// How a step ended.
pub(super) enum Ending {
    Done { changed: bool, note: Option<String> },
    Failed(Cause),
    Stopped,
}

impl From<Unmet> for Ending {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Failed(cause) => Self::Failed(*cause),
            Unmet::Stopped => Self::Stopped,
        }
    }
}

pub(super) fn done(changed: bool, note: Option<String>) -> Ending {
    Ending::Done { changed, note }
}

impl Doing<'_> {
    /// Does a step: nothing where nothing is to do, else the intent to the journal, the act, and the proof.
    pub(super) async fn step(&self, step: &Step) -> Ending {
        if (step.change.writes() || matches!(step.action, Action::Rescue { .. }))
            && step.change != Change::Unchanged
            && let Some(journal) = self.journal
            && let Err(error) = self.intend(journal, step).await
        {
            return Ending::Failed(no_journal(&error));
        }
        match (&step.action, &step.change) {
            (_, Change::Unchanged | Change::Keep { .. }) => done(false, None),
            (Action::Apply { object }, Change::Replace { replacement }) => {
                self.replace(step, object, replacement).await
            }
            (Action::Apply { object }, change) => self.apply(object, change).await,
            (Action::Await { object }, _) => self.ready(step, object).await,
            (Action::Delete { object, uid }, _) => self.delete(step, object, uid).await,
            (Action::Reach { reach }, _) => self.reach(step, reach).await,
            (Action::Host { task }, _) => {
                let ending = Box::pin(self.host(step, task)).await;
                // A step that was still to be done when the picture was taken: whoever has done it since.
                if step.change.writes() && matches!(ending, Ending::Done { .. }) {
                    self.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(step.id.clone());
                }
                ending
            }
            (Action::Rescue { verb, limit }, _) => self.rescue(step, verb, Duration::from_secs(*limit)).await,
        }
    }

    async fn intend(&self, journal: &Journal, step: &Step) -> Result<(), JournalError> {
        let intent = Entry::Intent { step: step.id.clone(), at: Timestamp::now() };
        self.context.cluster.clock.outside(journal.commit(intent)).await
    }

    async fn apply(&self, object: &Value, change: &Change) -> Ending {
        let Some(reference) = ObjectRef::of(object) else { return Ending::Failed(unnamed()) };
        let Some(resource) = self.context.resources.of(&reference) else {
            return Ending::Failed(unknown_kind(&reference));
        };
        if hides_values(object) {
            return Ending::Failed(secret_needed(&reference));
        }
        let sent = apply::to_send(object, change);
        let write = || apply::apply(&self.context.cluster.client, &resource, &sent, change);
        match self.patiently(&reference, write).await {
            Ok(stored) => {
                self.applied.lock().unwrap_or_else(PoisonError::into_inner).insert(reference, Applied { sent, stored });
                done(true, None)
            }
            Err(ending) => ending,
        }
    }

    /// Deletes the incarnation that was looked at, waits until it is gone, and makes it anew. Killed in between, the next look finds
    /// nothing there, and makes it.
    async fn replace(&self, step: &Step, object: &Value, replacement: &Replacement) -> Ending {
        let Some(reference) = ObjectRef::of(object) else { return Ending::Failed(unnamed()) };
        let Some(resource) = self.context.resources.of(&reference) else {
            return Ending::Failed(unknown_kind(&reference));
        };
        let pods = if replacement.leaves_pods { Pods::GoOn } else { Pods::Go };
        match self.gone(step, &resource, (&reference, &replacement.uid), pods).await {
            Ok((Deletion::AnotherOne, _)) => {
                let fields = vec!["the object, which was made anew".to_owned()];
                Ending::Failed(self.refusal(&reference, &ApplyError::Drifted { fields }))
            }
            Ok(_) => self.apply(object, &Change::Create).await,
            Err(ending) => ending,
        }
    }

    /// Deletes this incarnation, and waits until it is gone unless another one is there; what is to be noted of the wait.
    async fn gone(
        &self,
        step: &Step,
        resource: &ApiResource,
        (object, uid): (&ObjectRef, &str),
        pods: Pods,
    ) -> Result<(Deletion, Option<String>), Ending> {
        let client = &self.context.cluster.client;
        let delete = || async { Ok(apply::delete(client, resource, (object, uid), pods).await?) };
        match self.patiently(object, delete).await? {
            Deletion::Going => {
                let wait = Wait::new(self.context, &self.tracker, &step.id, object);
                Ok((Deletion::Gone, wait.gone(uid).await?))
            }
            ended => Ok((ended, None)),
        }
    }

    async fn ready(&self, step: &Step, object: &ObjectRef) -> Ending {
        let applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner).get(object).cloned();
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // What was ready when the plan was made and was not written since needs no watching.
        if applied.is_none()
            && !step.needs.iter().any(|need| changed.contains(need))
            && let Some(live) = self.context.snapshot.get(object)
            && let Readiness::Ready { note } = judge(live, &self.context.snapshot)
        {
            return done(false, note);
        }
        let wait = Wait::new(self.context, &self.tracker, &step.id, object);
        wait.ready(applied.as_ref().map(|applied| &applied.stored))
            .await
            .map_or_else(Ending::from, |note| done(false, note))
    }

    async fn delete(&self, step: &Step, object: &ObjectRef, uid: &str) -> Ending {
        let Some(resource) = self.context.resources.of(object) else {
            return Ending::Failed(unknown_kind(object));
        };
        match self.gone(step, &resource, (object, uid), Pods::Go).await {
            Ok((Deletion::AnotherOne, _)) => done(false, Some("somebody made it anew; left alone".to_owned())),
            Ok((_, note)) => done(true, note),
            Err(ending) => ending,
        }
    }

    async fn reach(&self, step: &Step, reach: &Reach) -> Ending {
        let service = ObjectRef::new("v1", "Service", Some(&reach.namespace), &reach.service);
        let wait = Wait::new(self.context, &self.tracker, &step.id, &service);
        let began = Instant::now();
        // What is behind the Service knows more than the one who found the door closed; where nothing is wrong there, the
        // answer itself is what is wrong.
        let heard = |error: &ForwardError| {
            if began.elapsed() >= PATIENCE && self.tracker.why(&service).is_none() {
                wait.say("not reached yet", Some(&error.cause()));
            }
        };
        let proof = async {
            let forward = Forward::open(self.context.cluster.client.clone(), reach, 0).await?;
            let how = (self.context.limits.wait, &self.context.cluster.clock);
            forward::prove(&forward, reach, how, heard).await
        };
        tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => Ending::Stopped,
            answer = proof => match answer {
                Ok(note) => done(false, Some(note)),
                Err(error) => match wait.root(self.tracker.why(&service)).await {
                    Ok(root) => Ending::Failed(root.unwrap_or_else(|| error.cause())),
                    Err(unmet) => unmet.into(),
                },
            },
            never = wait.explain("not reached yet") => match never {},
        }
    }

    /// Asks again while the API server is away, up to the limit, and twice when it says that something in it went wrong; whatever
    /// else it says is final. Every request of a step can be sent twice, so one that is not answered counts as lost. A stop lets what
    /// was sent come to an end for a moment.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, ApplyError>>>(
        &self,
        about: &ObjectRef,
        ask: impl Fn() -> F,
    ) -> Result<T, Ending> {
        let (cancel, limit) = (&self.context.cancel, self.context.limits.api_away);
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut troubles = 0;
        loop {
            let stopped = async {
                cancel.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            let answer = tokio::select! {
                biased;
                () = stopped => return Err(Ending::Stopped),
                answer = tokio::time::timeout(limit.max(SHORTEST_ANSWER), ask()) => answer.unwrap_or_else(|_| Err(no_answer())),
            };
            let error = match answer {
                // Who was asleep finds the time of the request over, and the lock's as well: not the server is away then.
                Err(_) if self.context.cluster.meter.fence.objection().is_some() => return Err(Ending::Stopped),
                Err(error) if is_transport(&error) && began.elapsed() < limit => error,
                Err(error) if is_trouble(&error) && troubles < TROUBLES => {
                    troubles += 1;
                    error
                }
                answer => return answer.map_err(|error| Ending::Failed(self.refusal(about, &error))),
            };
            if pause == FIRST_PAUSE {
                let how = if is_trouble(&error) { "has trouble" } else { "does not answer" };
                let text = format!("the API server {how} ({}); trying again", root(&error));
                self.context.emit(Event::Notice { text }).await;
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Ending::Stopped),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn refusal(&self, reference: &ObjectRef, error: &ApplyError) -> Cause {
        match error {
            ApplyError::Kube(kube::Error::Api(status)) => {
                refusal::refused(reference, status.code, &status.reason, &status.message)
            }
            ApplyError::Kube(kube::Error::Service(service)) if self.context.cluster.meter.is_read_only() => Cause {
                id: "read-only".to_owned(),
                object: Some(reference.clone()),
                reason: "ReadOnly".to_owned(),
                message: service.to_string(),
                remedy: Some("run it without --read-only".to_owned()),
                outlook: Outlook::Final,
            },
            ApplyError::Kube(error) => api_gone(&root(error)),
            ApplyError::Drifted { .. } => Cause {
                id: "drifted".to_owned(),
                object: Some(reference.clone()),
                reason: "Drifted".to_owned(),
                message: error.to_string(),
                remedy: Some("run the same command again to see the difference as it is now".to_owned()),
                outlook: Outlook::Stuck,
            },
        }
    }
}

fn no_answer() -> ApplyError {
    let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "a request was not answered");
    ApplyError::Kube(kube::Error::Service(error.into()))
}

fn is_transport(error: &ApplyError) -> bool {
    match error {
        ApplyError::Kube(kube::Error::HyperError(_) | kube::Error::ReadEvents(_)) => true,
        ApplyError::Kube(kube::Error::Service(error)) => !error.is::<crate::cluster::meter::RefusedWrite>(),
        ApplyError::Kube(kube::Error::Api(status)) => matches!(status.code, 429 | 502 | 503 | 504),
        _ => false,
    }
}

/// A 500: of a moment, or of a webhook that is called and cannot be, which stays so.
fn is_trouble(error: &ApplyError) -> bool {
    matches!(error, ApplyError::Kube(kube::Error::Api(status)) if status.code == 500)
}

pub(super) fn no_journal(error: &super::journal::JournalError) -> Cause {
    use crate::error::Explain as _;
    Cause {
        id: error.id().to_owned(),
        object: None,
        reason: "Journal".to_owned(),
        message: error.to_string(),
        remedy: error.hint(),
        outlook: Outlook::Stuck,
    }
}

pub(super) fn unnamed() -> Cause {
    Cause {
        id: "unnamed-object".to_owned(),
        object: None,
        reason: "Invalid".to_owned(),
        message: "an object of the plan has no apiVersion, kind or name".to_owned(),
        remedy: Some("the plan is damaged: make a new one with --replan".to_owned()),
        outlook: Outlook::Final,
    }
}

/// A Secret of a plan that was written down, whose values are not to be had any more.
pub(crate) fn secret_needed(reference: &ObjectRef) -> Cause {
    Cause {
        id: "secret-needed".to_owned(),
        object: Some(reference.clone()),
        reason: "SecretNeeded".to_owned(),
        message: "its values are written nowhere but in the cluster, and it is not there".to_owned(),
        remedy: Some("run the same `seaworthy install` again with the secrets: it goes on where it stopped".to_owned()),
        outlook: Outlook::Final,
    }
}

pub(super) fn unknown_kind(reference: &ObjectRef) -> Cause {
    Cause {
        id: "unknown-kind".to_owned(),
        object: Some(reference.clone()),
        reason: "NoKindMatch".to_owned(),
        message: format!("the cluster knows no kind {} in {}", reference.kind, reference.api_version),
        remedy: Some("install what defines it (a CustomResourceDefinition) first".to_owned()),
        outlook: Outlook::Stuck,
    }
}
