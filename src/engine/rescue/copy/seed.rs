//! From a snapshot of an etcd to the data of a member. Only etcd's own program makes a database of a snapshot, with who the member is and
//! who the others are; it runs in a pod that has the member's claim, and nothing else uses that.

pub(super) mod pod;

use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;
use tokio::time::timeout;

use super::berth::{Miss, used_by};
use super::inward::Take;
use super::{BESIDE, PACE, archive, causes, helper};
use crate::engine::apply::ApplyError;
use crate::engine::etcd::whole;
use crate::engine::step::{Doing, Ending, done};
use crate::engine::wait::Wait;
use crate::object::{ObjectRef, text};
use crate::plan::Step;
use crate::plan::verb::{SEEDED, SEEDING, Seed};
use crate::snapshot::Snapshot;
use pod::{Means, State};

/// How long the pod may take until it waits for the snapshot: its images are there, its volume may have to be made.
const START: Duration = Duration::from_secs(120);

/// A snapshot on this machine that is whole.
struct Source {
    bytes: u64,
    sha256: String,
}

/// What became of one pod.
enum Made {
    Yes,
    /// Its image has not the program.
    NoProgram(String),
}

impl Doing<'_> {
    /// Makes the data of a member, unless its claim says that it was made of this very snapshot.
    pub(in crate::engine::rescue) async fn seed(&self, step: &Step, seed: &Seed, limit: Duration) -> Ending {
        let claim = &seed.claim;
        let file = PathBuf::from(&seed.file);
        let source = match self.at_disk(claim, move || Ok(whole(&file))).await {
            Ok(Some((bytes, sha256))) => Source { bytes, sha256 },
            Ok(None) => return Ending::Failed(causes::no_snapshot(claim, &seed.file)),
            Err(ending) => return ending,
        };
        let work = self.seeded(step, seed, &source, limit);
        let ending = tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => Ending::Stopped,
            ending = work => ending.unwrap_or_else(|ending| ending),
        };
        self.cast_off(claim).await;
        ending
    }

    async fn seeded(&self, step: &Step, seed: &Seed, source: &Source, limit: Duration) -> Result<Ending, Ending> {
        let claim = &seed.claim;
        let seen = self.look_at(claim).await?;
        let Some(live) = seen.get(claim) else {
            return Err(Ending::Failed(causes::unseeded(claim, "the claim is not there")));
        };
        let note = format!("{} from a snapshot of {} KiB", seed.pod, source.bytes >> 10);
        if live["metadata"]["annotations"][SEEDED] == source.sha256.as_str() {
            return Ok(done(false, Some(note)));
        }
        if text(live, "/metadata/deletionTimestamp").is_some() {
            return Err(Ending::Failed(causes::unseeded(claim, "the claim waits for its deletion")));
        }
        if let Some(pod) = used_by(&seen, claim) {
            return Err(Ending::Failed(causes::in_use(claim, pod)));
        }
        let Some(set) = seen.get(&seed.set.object) else {
            return Err(Ending::Failed(causes::unseeded(claim, &format!("{} is not there", seed.set.object))));
        };
        let limit = limit.max(Duration::from_secs(source.bytes / PACE) + BESIDE);
        // Whoever began and was killed has left this, and what it made is its own to take away.
        let begun = live["metadata"]["annotations"][SEEDING].is_string();
        self.note(claim, SEEDING, Some(&source.sha256)).await?;
        Box::pin(self.in_some_pod(step, (&seen, set), (seed, source, begun), limit)).await?;
        self.note(claim, SEEDED, Some(&source.sha256)).await?;
        Ok(done(true, Some(note)))
    }

    /// Image by image for the way in, and with the older program where the newer one is not there.
    async fn in_some_pod(
        &self,
        step: &Step,
        (seen, set): (&Snapshot, &Value),
        (seed, source, begun): (&Seed, &Source, bool),
        limit: Duration,
    ) -> Result<(), Ending> {
        let images = helper::images(seen, &seed.claim, seed.image.as_deref());
        let mut tried = Vec::new();
        for image in &images {
            for program in pod::PROGRAMS {
                let wished = pod::pod(seen, set, seed, Means { image, program, sum: &source.sha256, begun });
                match Box::pin(self.in_pod(step, (seed, source), (&wished, image), limit)).await {
                    Ok(Made::Yes) => return Ok(()),
                    Ok(Made::NoProgram(why)) => {
                        tried.push(format!("{program}: {why}"));
                        self.no_helper(&seed.claim).await.map_err(|cause| Ending::Failed(*cause))?;
                    }
                    Err(Miss::Image(why)) => {
                        tried.push(format!("{image}: {why}"));
                        break;
                    }
                    Err(Miss::Refused(cause)) => return Err(Ending::Failed(*cause)),
                    Err(Miss::Ended(ending)) => return Err(ending),
                }
            }
        }
        Err(Ending::Failed(causes::no_maker(&seed.claim, &tried)))
    }

    /// One pod, from its making to the end of it. One that was left by a run that was killed is gone on with.
    async fn in_pod(
        &self,
        step: &Step,
        (seed, source): (&Seed, &Source),
        (wished, image): (&Value, &str),
        limit: Duration,
    ) -> Result<Made, Miss> {
        let claim = &seed.claim;
        let (pods, name, about) = (self.pods(claim), helper::name(claim), helper::reference(claim));
        let there = self.patiently(&about, || async { Ok::<_, ApplyError>(pods.get_opt(&name).await?) }).await?;
        if !there.as_ref().is_some_and(|live| pod::is_same(live, wished)) {
            if there.is_some() {
                self.no_helper(claim).await.map_err(Miss::Refused)?;
            }
            self.make_helper(claim, wished).await?;
        }
        let begun = |pod: Option<&Pod>| !matches!(pod::state(pod), State::Starting(_));
        if self.reached(&pods, (&name, &about), begun, START).await? == State::Waiting {
            let late = || Miss::Image(format!("the snapshot did not get there within {} s", limit.as_secs()));
            timeout(limit, self.give(step, (seed, source), image)).await.map_err(|_| late())??;
        }
        let ended = |pod: Option<&Pod>| !matches!(pod::state(pod), State::Starting(_) | State::Waiting | State::Making);
        match self.reached(&pods, (&name, &about), ended, limit).await? {
            State::Made => Ok(Made::Yes),
            State::NoProgram(why) => Ok(Made::NoProgram(why)),
            State::Hopeless(why) => Err(Miss::Image(why)),
            state => Err(Miss::Ended(Ending::Failed(causes::late_seed(claim, limit.as_secs(), &format!("{state:?}"))))),
        }
    }

    /// How far the pod is when it has come to a point, or when the time is up.
    async fn reached(
        &self,
        pods: &Api<Pod>,
        (name, about): (&str, &ObjectRef),
        point: impl Fn(Option<&Pod>) -> bool,
        limit: Duration,
    ) -> Result<State, Miss> {
        if let Some(pod) = super::berth::reached(pods, name, point, limit).await {
            return Ok(pod::state(pod.as_ref()));
        }
        let read = || async { Ok::<_, ApplyError>(pods.get_opt(name).await?) };
        match pod::state(self.patiently(about, read).await?.as_ref()) {
            State::Starting(why) => Err(Miss::Image(format!("it does not run after {} s: {why}", limit.as_secs()))),
            state => Ok(state),
        }
    }

    /// The snapshot's bytes, from the disk. What does not have its checksum in the pod is sent anew.
    async fn give(&self, step: &Step, (seed, source): (&Seed, &Source), image: &str) -> Result<(), Miss> {
        let place = pod::place(seed, image);
        let length = source.bytes.to_string();
        let arguments = [length.as_str(), source.sha256.as_str()];
        let mut last = String::new();
        for _ in 0..super::TRIES {
            let path = PathBuf::from(&seed.file);
            let read = move |take: &mut Take<'_>| archive::read_on(&path, take);
            let say = |bytes| self.say_sent(step, seed, bytes);
            let program = "the container that takes the snapshot in";
            match self.feed((&place, program), (pod::TAKE, &arguments), read, say).await {
                Ok(_) => return Ok(()),
                Err(why) => last = why,
            }
        }
        Err(Miss::Image(format!("the snapshot did not get there: {last}")))
    }

    fn say_sent(&self, step: &Step, seed: &Seed, bytes: u64) {
        let wait = Wait::new(self.context, &self.tracker, &step.id, &seed.claim);
        wait.say(&format!("{} MiB sent", bytes >> 20), None);
    }
}
