//! Doing a step on this machine: look, act when it is not as wanted, and look again.

mod containers;
mod helm;
mod kind;
mod load;
mod pipe;
mod ready;
mod save;
mod unit;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::step::{Doing, Ending};
use crate::doctor::{Cause, Outlook};
use crate::event::{Event, Facts, Moved};
use crate::host::engines;
use crate::plan::Step;
use crate::plan::task::{Door, Task};

/// How long an engine may take to answer one request.
const ANSWER: Duration = Duration::from_secs(60);

/// A step under way: what it needs to speak, and to end in time.
struct Work<'a> {
    doing: &'a Doing<'a>,
    step: &'a Step,
    task: &'a Task,
    /// What was said last of how far it is, and why it is not further.
    last: Mutex<(String, Option<Cause>)>,
}

impl Doing<'_> {
    pub(super) async fn host(&self, step: &Step, task: &Task) -> Ending {
        if self.context.cluster.meter.is_read_only() && step.change.writes() {
            return Ending::Failed(failure(task, "read-only", "ReadOnly", "refused by --read-only"));
        }
        let work = Work { doing: self, step, task, last: Mutex::default() };
        if matches!(task, Task::DeployRelease { .. } | Task::FreeRelease { .. } | Task::RemoveRelease { .. }) {
            // A helm that is killed leaves a release that refuses every change: it is asked to stop, and heard to its end.
            return work.done().await;
        }
        tokio::select! {
            () = self.context.cancel.cancelled() => Ending::Stopped,
            ending = work.done() => ending,
        }
    }
}

impl Work<'_> {
    async fn done(&self) -> Ending {
        match self.task {
            // It keeps to the limit by itself: what it has to say when time is up takes time.
            Task::CreateKind { .. } => self.create_kind().await,
            Task::DeleteKind { cluster } => self.in_time(self.delete_kind(cluster)).await,
            Task::TrustAuthority { engine, container } => self.in_time(self.trust(engine, container)).await,
            Task::StartContainer { engine, container, address } => {
                self.in_time(self.start(engine, container, *address)).await
            }
            Task::WriteFile { path, text, mode } => self.write_file(path, text, *mode),
            Task::StartUnit { unit } => self.in_time(self.start_unit(unit)).await,
            // As long as something moves; a large image takes its time.
            Task::LoadImage { node, cargo } => self.load_image(node, cargo).await,
            Task::SaveImages { file, images } => self.save_images(file, images).await,
            Task::DeployRelease { deployment } => self.deploy_release(deployment).await,
            Task::FreeRelease { place, pending, to } => self.free_release(place, *pending, *to).await,
            Task::RemoveRelease { place } => self.remove_release(place).await,
            Task::ClusterReady { context, kubeconfig, nodes, anew } => {
                self.in_time(self.cluster_ready((context, kubeconfig.as_deref()), *nodes, anew)).await
            }
        }
    }

    async fn in_time(&self, work: impl Future<Output = Ending>) -> Ending {
        timeout(self.limit(), work).await.unwrap_or_else(|_| Ending::Failed(self.too_late()))
    }

    /// Time is up: where it stood.
    fn too_late(&self) -> Cause {
        let (last, cause) = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cause) = cause {
            return cause;
        }
        let at = if last.is_empty() { String::new() } else { format!("; last: {last}") };
        let message = format!("still not done after {} s: {}{at}", self.limit().as_secs(), self.task.title());
        let remedy = Some("`seaworthy runs resume` goes on with it; wait longer with --timeout".to_owned());
        Cause { remedy, outlook: Outlook::Stuck, ..failure(self.task, "deadline", "Timeout", &message) }
    }

    fn limit(&self) -> Duration {
        self.doing.context.limits.wait
    }

    fn say(&self, progress: &str, cause: Option<&Cause>) {
        self.tell(progress, cause, Facts::default());
    }

    /// How much of it has gone where it goes.
    fn say_moved(&self, progress: &str, moved: Moved) {
        self.tell(progress, None, Facts { moved: Some(moved), ..Facts::default() });
    }

    /// Progress is only worth the newest: when the front end is behind, it is dropped.
    fn tell(&self, progress: &str, cause: Option<&Cause>, facts: Facts) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (progress.to_owned(), cause.cloned());
        let (object, progress, facts) = (self.task.subject(), progress.to_owned(), Box::new(facts));
        // Some of it may take as long as something moves.
        let (id, cause, limit) = (self.step.id.clone(), cause.cloned(), None);
        let event = Event::Waiting { id, object, progress, cause, limit, facts };
        let _ = self.doing.context.events.try_send(event);
    }

    async fn notice(&self, text: String) {
        self.doing.context.emit(Event::Notice { text }).await;
    }

    async fn open(&self, door: &Door) -> Result<bollard::Docker, Ending> {
        self.open_for(door, ANSWER).await
    }

    /// `limit`: how long it may take to begin an answer.
    async fn open_for(&self, door: &Door, limit: Duration) -> Result<bollard::Docker, Ending> {
        engines::open(&self.doing.context.here, &door.url, limit).await.map_err(|fault| {
            let cause = failure(self.task, "no-engine", "NoEngine", &format!("{door} does not answer: {fault}"));
            let remedy = format!("start {}, then `seaworthy runs resume`", door.product);
            Ending::Failed(Cause { remedy: Some(remedy), outlook: Outlook::Stuck, ..cause })
        })
    }
}

fn failure(task: &Task, id: &str, reason: &str, message: &str) -> Cause {
    Cause {
        id: id.to_owned(),
        object: Some(task.subject()),
        reason: reason.to_owned(),
        message: message.to_owned(),
        remedy: None,
        outlook: Outlook::Final,
    }
}
