//! Releases of helm: what is there is read from helm's own records, before and after.

use std::time::Duration;

use super::{Work, failure};
use crate::chart::{Release, Releases, helm, secret};
use crate::doctor::{Cause, Outlook};
use crate::engine::apply::{ApplyError, Deletion, Pods, delete};
use crate::engine::step::{Ending, done, unknown_kind};
use crate::host::child;
use crate::plan::chart::{Standing, standing};
use crate::plan::task::helm::{Deployment, Place};

/// How long a helm that is asked to stop may take to write down that it did not come to its end.
const PATIENCE: Duration = Duration::from_secs(15);

impl Work<'_> {
    pub(super) async fn deploy_release(&self, deployment: &Deployment) -> Ending {
        match self.deploy(deployment).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn deploy(&self, deployment: &Deployment) -> Result<Ending, Ending> {
        let place = &deployment.place;
        let (first, rest) = deployment.words();
        self.another_ended(place, &first).await?;
        let releases = self.releases(place).await?;
        match standing(deployment, &releases) {
            Standing::Done(release) => {
                return Ok(done(false, Some(format!("revision {} is there already", release.revision))));
            }
            Standing::Busy(release) => return Err(self.busy(place, release)),
            Standing::Moved(release) => return Err(self.moved(release)),
            Standing::Left(release) => self.forget(release).await?,
            Standing::Due => {}
        }
        let mut values = deployment.values.clone();
        let kept = releases.newest().map(|release| &release.values);
        let missing = secret::fill(&mut values, &deployment.secrets, kept);
        if !missing.is_empty() {
            return Err(Ending::Failed(self.secrets_needed(&missing)));
        }
        let command = helm::command(&place.program, &[], &[first, self.limited(rest)].concat());
        self.say("helm is at it", None);
        self.run_helm(&command, values.to_string().as_bytes()).await?;
        let after = self.releases(place).await?;
        match standing(deployment, &after) {
            Standing::Done(release) => Ok(done(true, Some(format!("revision {}", release.revision)))),
            Standing::Busy(release) => Err(self.busy(place, release)),
            Standing::Moved(release) | Standing::Left(release) => Err(self.moved(release)),
            Standing::Due => {
                Err(self.helm_failed("helm ended well, and its record does not say that the release is there"))
            }
        }
    }

    /// Helm waits for what it runs on the way, and for nothing else.
    fn limited(&self, words: Vec<String>) -> Vec<String> {
        let limit = format!("{}s", self.limit().as_secs().max(1));
        ["--timeout".to_owned(), limit].into_iter().chain(words).collect()
    }

    pub(super) async fn free_release(&self, place: &Place, pending: u64, to: u64) -> Ending {
        match self.free(place, pending, to).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn free(&self, place: &Place, pending: u64, to: u64) -> Result<Ending, Ending> {
        let releases = self.releases(place).await?;
        match releases.newest() {
            Some(release) if release.revision == pending && release.status.is_pending() => {}
            Some(release) if release.status.is_pending() => return Err(self.busy(place, release)),
            _ => return Ok(done(false, Some("it is free already".to_owned()))),
        }
        let words = self.limited(Vec::new());
        let command = place.command("rollback", &[vec![to.to_string()], words].concat());
        self.run_helm(&command, b"").await?;
        match self.releases(place).await?.newest() {
            Some(release) if release.status.is_pending() => Err(self.busy(place, release)),
            Some(release) => Ok(done(true, Some(format!("revision {}, as {to} was", release.revision)))),
            None => Ok(done(true, Some("it is gone".to_owned()))),
        }
    }

    pub(super) async fn remove_release(&self, place: &Place) -> Ending {
        match self.take_away(place).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn take_away(&self, place: &Place) -> Result<Ending, Ending> {
        self.another_ended(place, &["uninstall".to_owned(), place.release.clone()]).await?;
        if self.releases(place).await?.newest().is_none() {
            return Ok(done(false, Some("it is gone already".to_owned())));
        }
        // The plan waits for each object; its pods have to be gone by then.
        let cascade = place.cascades.then(|| ["--cascade", "foreground"].map(str::to_owned));
        let command = place.command("uninstall", &self.limited(cascade.into_iter().flatten().collect()));
        self.run_helm(&command, b"").await?;
        match self.releases(place).await?.newest() {
            None => Ok(done(true, None)),
            Some(release) => Err(self.helm_failed(&format!(
                "helm ended well, and revision {} is still {}",
                release.revision,
                release.status.word()
            ))),
        }
    }

    /// A helm that an earlier, killed run has left behind on this machine goes on by itself: two would stand in each other's way.
    async fn another_ended(&self, place: &Place, words: &[String]) -> Result<(), Ending> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        while let Some(pid) = child::find(&place.program, &words) {
            self.say(&format!("the helm of an interrupted run (process {pid}) comes to its end"), None);
            tokio::select! {
                () = self.doing.context.cancel.cancelled() => return Err(Ending::Stopped),
                waited = tokio::time::timeout(self.limit(), child::wait_for(pid)) => {
                    if waited.is_err() {
                        return Err(Ending::Failed(self.too_late()));
                    }
                }
            }
        }
        Ok(())
    }

    async fn releases(&self, place: &Place) -> Result<Releases, Ending> {
        let client = &self.doing.context.cluster.client;
        let ask = || async { Ok(Releases::read(client, &place.namespace, &place.release).await?) };
        let read = self.doing.patiently(&self.task.subject(), ask).await?;
        read.map_err(|why| self.helm_failed(&why))
    }

    /// Takes away the record of a revision that a killed helm of this plan has left; helm begins anew then.
    async fn forget(&self, release: &Release) -> Result<(), Ending> {
        self.notice(format!(
            "helm was killed while it made revision {}; its record goes, and helm begins again",
            release.revision
        ))
        .await;
        let resource = self
            .doing
            .context
            .resources
            .of(&release.record)
            .ok_or_else(|| Ending::Failed(unknown_kind(&release.record)))?;
        let client = &self.doing.context.cluster.client;
        let ask = || async {
            delete(client, &resource, (&release.record, &release.uid), Pods::Go).await.map_err(ApplyError::from)
        };
        match self.doing.patiently(&release.record, ask).await? {
            Deletion::Gone | Deletion::Going => Ok(()),
            Deletion::AnotherOne => Err(self.moved(release)),
        }
    }

    async fn run_helm(&self, command: &[String], input: &[u8]) -> Result<(), Ending> {
        let context = &self.doing.context;
        let ended = child::tend(command, &context.here.variables, input, (&context.cancel, PATIENCE)).await;
        if context.cancel.is_cancelled() {
            return Err(Ending::Stopped);
        }
        match ended {
            Ok(ended) if ended.code == 0 => Ok(()),
            Ok(ended) => Err(self.helm_failed(&helm::words(&ended))),
            Err(why) => Err(self.helm_failed(&format!("{} {why}", command.first().map_or("helm", String::as_str)))),
        }
    }

    fn helm_failed(&self, said: &str) -> Ending {
        let cause = failure(self.task, "helm-failed", "HelmFailed", said);
        let remedy = Some("mend what it says, then `seaworthy runs resume` or the same command again".to_owned());
        Ending::Failed(Cause { remedy, outlook: Outlook::Stuck, ..cause })
    }

    fn busy(&self, place: &Place, release: &Release) -> Ending {
        let message = format!(
            "revision {} of release {} is {}: a helm is at it, or was killed",
            release.revision,
            place.release,
            release.status.word()
        );
        let cause = failure(self.task, "release-locked", "ReleaseLocked", &message);
        let remedy = "wait for it; when nobody's helm works on it any more, the same `seaworthy install` with --replan --unlock-release frees it";
        Ending::Failed(Cause { remedy: Some(remedy.to_owned()), outlook: Outlook::Stuck, ..cause })
    }

    fn moved(&self, release: &Release) -> Ending {
        let message = format!(
            "somebody else has brought the release to revision {} ({}) since the plan was made",
            release.revision,
            release.status.word()
        );
        let cause = failure(self.task, "drifted", "Drifted", &message);
        Ending::Failed(Cause {
            remedy: Some("run the same command again, with --replan, to see the difference as it is now".to_owned()),
            ..cause
        })
    }

    fn secrets_needed(&self, missing: &[String]) -> Cause {
        let message = format!("values that are written nowhere here: {}", missing.join(", "));
        let remedy = "run the same `seaworthy install` again with the secrets: it goes on where it stopped".to_owned();
        Cause { remedy: Some(remedy), ..failure(self.task, "secret-needed", "SecretNeeded", &message) }
    }
}
