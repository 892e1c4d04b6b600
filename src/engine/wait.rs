//! Waiting for one object: every wait has a deadline, says what it waits for, and ends early when waiting is pointless.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::Context;
use super::ready::{Readiness, Tracker};
use crate::doctor::{Cause, Outlook};
use crate::event::{Event, Facts};
use crate::object::{ObjectRef, items};

/// How often a wait looks at the clock: some causes only show by the time that passes ("no event for 30 s").
pub(super) const CLOCK: Duration = Duration::from_secs(1);
/// How long an object may be unready before what surrounds it (nodes, storage classes) is read as well; a cause that will not
/// pass needs no patience.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How long an object may be unready for no cause that is seen before the doctor is asked about it.
const LATE: Duration = Duration::from_secs(15);

/// How long a cause has to stand before it is shown: what a controller is about to do in a moment is no news. A second of
/// [`CLOCK`] brings the next look.
const STANDING: Duration = Duration::from_millis(900);

/// How long a cause that was seen counts when the time is up and nothing is seen in that moment: a container that crashes is
/// given a minute or two by its kubelet at most while it runs.
const RECENT: Duration = Duration::from_secs(60);

/// Why a wait ended without success.
pub(super) enum Unmet {
    /// It will not come about, or the deadline passed.
    Failed(Box<Cause>),
    /// The run is being stopped.
    Stopped,
}

/// One wait.
pub(super) struct Wait<'a> {
    pub(super) context: &'a Context,
    pub(super) tracker: &'a Tracker,
    /// The step, for its events.
    pub(super) step: &'a str,
    pub(super) object: &'a ObjectRef,
    /// How long.
    pub(super) limit: Duration,
}

impl<'a> Wait<'a> {
    /// As long as the run allows.
    pub(super) fn new(context: &'a Context, tracker: &'a Tracker, step: &'a str, object: &'a ObjectRef) -> Self {
        Self { context, tracker, step, object, limit: context.limits.wait }
    }
}

/// What the wait found when it looked.
enum Look {
    Met(Option<String>),
    Not { progress: String, cause: Option<Box<Cause>>, hopeless: bool },
}

impl Wait<'_> {
    /// Until the object is ready; returns the note about it.
    pub(super) async fn ready(&self, applied: Option<&Value>) -> Result<Option<String>, Unmet> {
        self.until(|| {
            let standing = self.tracker.standing(self.object, applied);
            let cause = standing.cause;
            match standing.readiness {
                Readiness::Ready { note } => Look::Met(note),
                Readiness::Waiting { progress } => {
                    let hopeless = cause.as_ref().is_some_and(|cause| cause.outlook == Outlook::Final);
                    Look::Not { progress, cause: cause.map(Box::new), hopeless }
                }
                Readiness::Failed { reason, message } => {
                    let own = || Cause {
                        id: "failed".to_owned(),
                        object: Some(self.object.clone()),
                        reason,
                        message: message.clone(),
                        remedy: None,
                        outlook: Outlook::Final,
                    };
                    Look::Not { cause: Some(Box::new(cause.unwrap_or_else(own))), progress: message, hopeless: true }
                }
            }
        })
        .await
    }

    /// Until this incarnation of the object is gone.
    pub(super) async fn gone(&self, uid: &str) -> Result<Option<String>, Unmet> {
        self.until(|| {
            if self.tracker.is_gone(self.object, uid) {
                return Look::Met(None);
            }
            let cause = self.tracker.seen(self.object).and_then(|live| self.finalizers(&live)).map(Box::new);
            Look::Not { progress: "being deleted".to_owned(), cause, hopeless: false }
        })
        .await
    }

    /// Says why the object does not do what it is there for, each time that changes, until somebody stops listening.
    pub(super) async fn explain(&self, progress: &str) -> Infallible {
        let mut changes = self.tracker.changes();
        self.tracker.follow(self.object);
        let mut clock = interval(CLOCK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut said, mut doubt) = (None::<Said>, Doubt::default());
        loop {
            changes.heed();
            let cause = self.tracker.why(self.object).filter(|cause| doubt.has_stood(cause));
            let cause = self.tracker.rooted(self.object, cause, false);
            let seen = Said { progress: progress.to_owned(), cause, facts: self.facts(progress) };
            // That it has begun is said by the step.
            if !said.as_ref().map_or(seen.is_nothing(), |said| said.is_as(&seen)) {
                self.tell(&seen);
                said = Some(seen);
            }
            tokio::select! {
                biased;
                () = changes.rung() => {}
                _ = clock.tick() => {}
            }
        }
    }

    fn finalizers(&self, live: &Value) -> Option<Cause> {
        let names: Vec<&str> = items(live, "/metadata/finalizers").filter_map(Value::as_str).collect();
        if names == ["foregroundDeletion"] {
            let message = "what it made ends first, and its pods are given the time that they ask for".to_owned();
            let (id, object, reason) = ("T004".to_owned(), Some(self.object.clone()), "Ending".to_owned());
            return Some(Cause { id, object, reason, message, remedy: None, outlook: Outlook::Passing });
        }
        (!names.is_empty()).then(|| Cause {
            id: "T004".to_owned(),
            object: Some(self.object.clone()),
            reason: "Finalizers".to_owned(),
            message: format!("{} is not gone until these finalizers are done: {}", self.object, names.join(", ")),
            remedy: Some("see that the controller of each finalizer runs".to_owned()),
            outlook: Outlook::Stuck,
        })
    }

    async fn until(&self, look: impl Fn() -> Look) -> Result<Option<String>, Unmet> {
        let began = Instant::now();
        let deadline = Instant::now() + self.limit;
        let mut changes = self.tracker.changes();
        self.tracker.follow(self.object);
        let mut clock = interval(CLOCK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said: Option<Said> = None;
        let mut lasting: Option<(Instant, Box<Cause>)> = None;
        let mut doubt = Doubt::default();
        loop {
            changes.heed();
            let (progress, cause) = match look() {
                Look::Met(note) => {
                    self.say_last(said.as_ref());
                    return Ok(note);
                }
                Look::Not { cause: Some(cause), hopeless: true, .. } => return Err(self.failed(*cause).await),
                Look::Not { progress, cause, .. } => (progress, cause),
            };
            self.check_api()?;
            if began.elapsed() >= PATIENCE || cause.as_ref().is_some_and(|cause| cause.outlook >= Outlook::Stuck) {
                self.tracker.look_around().await;
            }
            let cause_shown = cause.clone().filter(|cause| doubt.has_stood(cause)).map(|cause| *cause);
            // Nothing is known, which is something else than a cause that has not stood yet.
            let is_late = cause.is_none() && began.elapsed() >= LATE;
            let cause_shown = self.tracker.rooted(self.object, cause_shown, is_late);
            let seen = Said { progress: progress.clone(), cause: cause_shown, facts: self.facts(&progress) };
            if !said.as_ref().is_some_and(|said| said.is_as(&seen)) {
                self.tell(&seen);
                said = Some(seen);
            }
            if let Some(stuck) = cause.as_ref().filter(|cause| cause.outlook >= Outlook::Stuck) {
                lasting = Some((Instant::now(), stuck.clone()));
            }
            tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => return Err(Unmet::Stopped),
                () = sleep_until(deadline) => {
                    // A container that crashes runs now and then: why it does not stay is what is wrong in that moment, too.
                    let recent = lasting.filter(|(at, _)| at.elapsed() < RECENT).map(|(_, cause)| cause);
                    let cause = self.root(recent.or(cause).map(|cause| *cause)).await?;
                    return Err(Unmet::Failed(Box::new(self.too_late(&progress, cause.map(Box::new)))));
                }
                () = changes.rung() => {}
                _ = clock.tick() => {}
            }
        }
    }

    /// The end of a wait that is pointless, at the root.
    async fn failed(&self, cause: Cause) -> Unmet {
        match self.root(Some(cause.clone())).await {
            Ok(root) => Unmet::Failed(Box::new(root.unwrap_or(cause))),
            Err(stopped) => stopped,
        }
    }

    /// What the doctor names as the root of why the object is not as it should be; a stop is not kept waiting by that.
    pub(super) async fn root(&self, cause: Option<Cause>) -> Result<Option<Cause>, Unmet> {
        tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => Err(Unmet::Stopped),
            root = self.tracker.rooted_now(self.object, cause) => Ok(root),
        }
    }

    pub(super) fn say(&self, progress: &str, cause: Option<&Cause>) {
        let facts = self.facts(progress);
        self.tell(&Said { progress: progress.to_owned(), cause: cause.cloned(), facts });
    }

    /// What is seen beside that: one thing whose words say what the progress says is nothing more.
    fn facts(&self, progress: &str) -> Facts {
        let mut facts = self.tracker.facts(self.object);
        if matches!(facts.parts.as_slice(), [only] if only.wanted == 1 && only.said == progress) {
            facts.parts.clear();
        }
        facts
    }

    /// Progress is only worth the newest: when the front end is behind, it is dropped.
    fn tell(&self, seen: &Said) {
        let Said { progress, cause, facts } = seen.clone();
        let (id, object, facts) = (self.step.to_owned(), self.object.clone(), Box::new(facts));
        let limit = u64::try_from(self.limit.as_millis()).ok();
        let _ = self.context.events.try_send(Event::Waiting { id, object, progress, cause, limit, facts });
    }

    /// What was seen at the end, of what somebody was told about: when an image has come, its pod may be ready at once.
    fn say_last(&self, said: Option<&Said>) {
        let Some(said) = said else { return };
        let facts = self.facts(&said.progress);
        if !facts.is_empty() && !facts.says_as(&said.facts) {
            self.tell(&Said { facts, cause: None, ..said.clone() });
        }
    }

    pub(super) fn check_api(&self) -> Result<(), Unmet> {
        match self.tracker.broken() {
            Some((since, why)) if since > self.context.limits.api_away => {
                let is_ours = self.context.cluster.meter.fence.objection().is_none();
                Err(if is_ours { Unmet::Failed(Box::new(api_gone(&why))) } else { Unmet::Stopped })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn too_late(&self, progress: &str, cause: Option<Box<Cause>>) -> Cause {
        let waited = self.limit.as_secs();
        let late = || Cause {
            id: "deadline".to_owned(),
            object: Some(self.object.clone()),
            reason: "Timeout".to_owned(),
            message: format!("{} is not as it should be after {waited} s: {progress}", self.object),
            remedy: Some(format!("look at it with: kubectl {}; wait longer with --timeout", describe(self.object))),
            outlook: Outlook::Stuck,
        };
        match cause {
            None => late(),
            Some(cause) if cause.outlook >= Outlook::Stuck => *cause,
            // What would have passed is not why; it is what was going on.
            Some(cause) => {
                let late = late();
                Cause { message: format!("{} ({}: {})", late.message, cause.reason, cause.message), ..late }
            }
        }
    }
}

/// What was told of a wait.
#[derive(Clone)]
struct Said {
    progress: String,
    cause: Option<Cause>,
    facts: Facts,
}

impl Said {
    fn is_as(&self, other: &Self) -> bool {
        (&self.progress, &self.cause) == (&other.progress, &other.cause) && self.facts.says_as(&other.facts)
    }

    fn is_nothing(&self) -> bool {
        self.cause.is_none() && self.facts.is_empty()
    }
}

/// Holds back a cause until it has stood for a moment.
#[derive(Default)]
struct Doubt {
    since: Option<(String, Option<ObjectRef>, String, Instant)>,
}

impl Doubt {
    /// Whether the same cause, in whatever words, was there for long enough.
    fn has_stood(&mut self, cause: &Cause) -> bool {
        let same = |(id, object, reason, _): &(String, Option<ObjectRef>, String, Instant)| {
            (id, object, reason) == (&cause.id, &cause.object, &cause.reason)
        };
        if !self.since.as_ref().is_some_and(same) {
            self.since = Some((cause.id.clone(), cause.object.clone(), cause.reason.clone(), Instant::now()));
        }
        self.since.as_ref().is_some_and(|(.., since)| since.elapsed() >= STANDING)
    }
}

/// The arguments of `kubectl describe` for an object.
fn describe(object: &ObjectRef) -> String {
    let scope = object.namespace.as_ref().map_or_else(String::new, |namespace| format!(" -n {namespace}"));
    format!("describe{scope} {}/{}", object.kind.to_lowercase(), object.name)
}

/// The API server has been away for too long.
pub(super) fn api_gone(why: &str) -> Cause {
    Cause {
        id: "api-gone".to_owned(),
        object: None,
        reason: "ApiServerGone".to_owned(),
        message: format!("the API server does not answer any more: {why}"),
        remedy: Some("bring it back; then run the same command again: it goes on where it stopped".to_owned()),
        outlook: Outlook::Stuck,
    }
}
