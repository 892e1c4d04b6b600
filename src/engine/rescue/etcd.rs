//! What a recovery does to an etcd. Its members cannot be watched, so they are asked again after a pause; each time everything is asked
//! anew: the proof first, then the gate.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant as Tick, sleep_until};

use crate::engine::etcd::{EtcdError, Gateway, whole};
use crate::engine::step::{Doing, Ending, done};
use crate::engine::wait::Wait;
use crate::etcd::{self, View};
use crate::plan::Step;
use crate::plan::verb::{EtcdAct, Pinned, Standing, Verb, crowded};
use crate::recover::look;

/// Between two looks at the members.
const PAUSE: Duration = Duration::from_secs(2);
/// The key that is written, read and deleted.
const PROBE: &str = "seaworthy.dev/probe";

/// What came of acting.
enum Acted {
    /// It is done, and this is what is to be said.
    Proven(String),
    /// The members are asked whether it is.
    Changed,
    /// It may go the next time.
    Again(String),
}

impl Doing<'_> {
    pub(super) async fn etcd(&self, step: &Step, set: &Pinned, act: &EtcdAct, limit: Duration) -> Ending {
        let wait = Wait { limit, ..Wait::new(self.context, &self.tracker, &step.id, &set.object) };
        let verb = Verb::Etcd { set: set.clone(), act: act.clone() };
        let deadline = Tick::now() + limit;
        let mut changed = false;
        loop {
            let progress = match self.once(&verb, set, act).await {
                Ok(Acted::Proven(note)) => {
                    return done(changed || verb.change() != crate::plan::Change::Observe, Some(note));
                }
                Ok(Acted::Changed) => {
                    changed = true;
                    continue;
                }
                Ok(Acted::Again(progress)) => progress,
                Err(ending) => return ending,
            };
            wait.say(&progress, None);
            tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => return Ending::Stopped,
                () = sleep_until(deadline) => return Ending::Failed(wait.too_late(&progress, None)),
                // A member tells nobody that it has changed.
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// One look, and what it leads to.
    async fn once(&self, verb: &Verb, set: &Pinned, act: &EtcdAct) -> Result<Acted, Ending> {
        if let EtcdAct::Snapshot { file } = act
            && let Some((bytes, _)) = whole(Path::new(file))
        {
            return Ok(Acted::Proven(saved(file, bytes)));
        }
        let seen = self.look(&set.object, verb).await?;
        let shut = |why: &str| Ending::Failed(super::shut(verb, &set.object, why));
        let live = seen.get(&set.object).filter(|live| live["metadata"]["uid"] == set.uid.as_str());
        let Some(live) = live else { return Err(shut("it is not the one that was seen")) };
        let Some(crew) = etcd::of(live) else { return Err(shut("it is no etcd any more")) };
        let client = &self.context.cluster.client;
        let view = look::view(client, &seen, crew, true).await;
        match act.standing(&view, live) {
            Standing::Proven { note } => Ok(Acted::Proven(note)),
            Standing::Early { progress } => Ok(Acted::Again(progress)),
            Standing::Shut { why } => Err(shut(&why)),
            Standing::Open { .. } => match self.do_it(act, &view).await {
                Err(error) if error.may_pass() => Ok(Acted::Again(error.to_string())),
                Err(error) => Err(Ending::Failed(error.cause(&set.object))),
                Ok(acted) => Ok(acted),
            },
        }
    }

    async fn do_it(&self, act: &EtcdAct, view: &View) -> Result<Acted, EtcdError> {
        let gateway = |pod: &str| Gateway::new(&self.context.cluster.client, &view.set, pod);
        let Some(best) = best(view) else { return Ok(Acted::Again("no member answers".to_owned())) };
        match act {
            EtcdAct::Snapshot { file } => {
                let saved =
                    gateway(best).snapshot(&PathBuf::from(file), &self.context.cluster.clock, |_, _| ()).await?;
                Ok(Acted::Proven(self::saved(file, saved.bytes)))
            }
            EtcdAct::Remove { member, .. } => gateway(best).remove(*member).await.map(|()| Acted::Changed),
            EtcdAct::Add { peer, .. } => gateway(best).add(peer).await.map(|_| Acted::Changed),
            EtcdAct::Compact => {
                let revision = view.revision().unwrap_or_default();
                gateway(best).compact(revision).await?;
                Ok(Acted::Proven(format!("up to revision {revision}")))
            }
            EtcdAct::Defragment { pod } => gateway(pod).defragment().await.map(|()| Acted::Changed),
            EtcdAct::Disarm => {
                let crowded: Vec<&str> = crowded(view).collect();
                for pod in &crowded {
                    gateway(pod).defragment().await?;
                }
                if !crowded.is_empty() {
                    return Ok(Acted::Again(format!("{} defragmented again", crowded.join(", "))));
                }
                for alarm in gateway(best).alarms().await?.iter().filter(|alarm| alarm.alarm == "NOSPACE") {
                    gateway(best).disarm(alarm).await?;
                }
                Ok(Acted::Changed)
            }
            EtcdAct::Probe => {
                gateway(best).probe(PROBE, &self.context.cluster.clock.now().to_string()).await?;
                Ok(Acted::Proven("a key was written, read and deleted".to_owned()))
            }
            EtcdAct::Alike => self.alike(view).await,
            EtcdAct::Joined { .. } | EtcdAct::Serves | EtcdAct::Holds { .. } | EtcdAct::WithoutMajority => {
                Ok(Acted::Again("waiting".to_owned()))
            }
        }
    }

    /// Whether all members have the same, at a revision that all have.
    async fn alike(&self, view: &View) -> Result<Acted, EtcdError> {
        let revision = view.answered().map(|(_, status)| status.revision).min().unwrap_or_default();
        let mut hashes = Vec::new();
        for (pod, _) in view.answered() {
            let hash = Gateway::new(&self.context.cluster.client, &view.set, pod).hash(revision).await?;
            let Some(hash) = hash else { return Ok(Acted::Proven("this version of etcd does not tell".to_owned())) };
            hashes.push((pod, hash));
        }
        if hashes.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            return Ok(Acted::Proven(format!("{} members have the same at revision {revision}", hashes.len())));
        }
        let shown: Vec<String> = hashes.iter().map(|(pod, hash)| format!("{pod} {hash:x}")).collect();
        Ok(Acted::Again(format!("the members differ at revision {revision}: {}", shown.join(", "))))
    }
}

/// The member that has the most: one that knows a leader before one that does not.
fn best(view: &View) -> Option<&str> {
    let most = |pods: Vec<(&str, i64, u64)>| {
        pods.into_iter().max_by_key(|(_, revision, index)| (*revision, *index)).map(|(pod, ..)| pod.to_owned())
    };
    let of = |status: &etcd::Status| (status.revision, status.index);
    let serving = view.serving().map(|(pod, status)| (pod, of(status).0, of(status).1)).collect();
    let answered = view.answered().map(|(pod, status)| (pod, of(status).0, of(status).1)).collect();
    let name = most(serving).or_else(|| most(answered))?;
    view.told.keys().find(|pod| **pod == name).map(String::as_str)
}

fn saved(file: &str, bytes: u64) -> String {
    format!("{} KiB in {file}", bytes >> 10)
}
