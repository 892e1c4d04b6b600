//! From an archive onto a volume.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::mpsc;

use super::archive::{self, ArchiveError, Certificate, Paths};
use super::berth::{Berth, Wanted, used_by};
use super::helper::Way;
use super::list::{self, List};
use super::talk::Place;
use super::{BESIDE, Broken, CLEAR, IN, In, PACE, SAY, causes, talk};
use crate::engine::apply::ApplyError;
use crate::engine::step::{Doing, Ending, done};
use crate::object::{ObjectRef, text};
use crate::plan::Step;
use crate::plan::verb::COPYING_IN;

/// Whoever takes what is read, piece by piece.
pub(super) type Take<'a> = dyn FnMut(&[u8]) -> std::io::Result<()> + 'a;

impl Doing<'_> {
    /// Copies an archive onto a volume, unless what it holds is on it already.
    pub(in crate::engine::rescue) async fn copy_in(&self, step: &Step, into: &In<'_>, limit: Duration) -> Ending {
        let paths = Paths::of(Path::new(into.folder), into.claim);
        let known = match self.certified(into.claim, &paths).await {
            Ok(Some(known)) => known,
            Ok(None) => return Ending::Failed(causes::no_archive(into.claim, &paths.tar)),
            Err(ending) => return ending,
        };
        let work = self.copied_in(step, into, (&paths, &known), limit);
        let ending = tokio::select! {
            biased;
            () = self.context.cancel.cancelled() => Ending::Stopped,
            ending = work => ending.unwrap_or_else(|ending| ending),
        };
        self.cast_off(into.claim).await;
        ending
    }

    async fn copied_in(
        &self,
        step: &Step,
        into: &In<'_>,
        (paths, known): (&Paths, &Certificate),
        limit: Duration,
    ) -> Result<Ending, Ending> {
        let claim = into.claim;
        let seen = self.look_at(claim).await?;
        let Some(live) = seen.get(claim) else {
            return Err(Ending::Failed(causes::shut(claim, "it is not there")));
        };
        if text(live, "/status/phase") == Some("Lost") || text(live, "/metadata/deletionTimestamp").is_some() {
            return Err(Ending::Failed(causes::shut(claim, "its volume is lost, or it waits for its deletion")));
        }
        if let Some(pod) = used_by(&seen, claim) {
            return Err(Ending::Failed(causes::in_use(claim, pod)));
        }
        // Whoever began to write and was killed has left this, and what it wrote is its own to take away.
        let begun = live["metadata"]["annotations"][COPYING_IN] == known.sha256.as_str();
        let berth = Box::pin(self.berth(&seen, &Wanted { claim, way: Way::In, image: into.image })).await?;
        let path = paths.tar.clone();
        let wanted = self.at_disk(claim, move || archive::look_through(&path)).await?;
        let there = self.list(&berth.place).await.map_err(|why| Ending::Failed(causes::unproven(claim, 1, &why)))?;
        let note = format!("{} on {claim}", known.words());
        if wanted.differences(&there).is_empty() {
            self.note(claim, COPYING_IN, None).await?;
            return Ok(done(false, Some(note)));
        }
        if let Some(first) = there.something().filter(|_| !into.over && !begun) {
            return Err(Ending::Failed(causes::not_empty(claim, &first)));
        }
        self.note(claim, COPYING_IN, Some(&known.sha256)).await?;
        let limit = limit.max(Duration::from_secs(known.bytes / PACE) + BESIDE);
        let copy = || self.one_way_in(step, claim, (paths, &wanted), &berth);
        self.again_and_again(claim, limit, copy).await?;
        self.note(claim, COPYING_IN, None).await?;
        Ok(done(true, Some(note)))
    }

    async fn one_way_in(
        &self,
        step: &Step,
        claim: &ObjectRef,
        (paths, wanted): (&Paths, &List),
        berth: &Berth,
    ) -> Result<(), Broken> {
        talk::ask(&self.context.cluster.client, &berth.place, CLEAR).await?;
        self.send(step, claim, paths, berth).await?;
        let there = self.list(&berth.place).await?;
        let differs = wanted.differences(&there);
        if differs.is_empty() { Ok(()) } else { Err(Broken::Again(list::some(&differs))) }
    }

    /// The archive's bytes, from the disk. A first time through it tells the length, which the program has to know before.
    async fn send(&self, step: &Step, claim: &ObjectRef, paths: &Paths, berth: &Berth) -> Result<(), Broken> {
        let path = paths.tar.clone();
        let length = self.at_disk(claim, move || archive::pass_on(&path, |_| Ok(()))).await?;
        let (path, length_text) = (paths.tar.clone(), length.to_string());
        let say = |bytes| self.say_copied(step, claim, bytes);
        let read = move |take: &mut Take<'_>| archive::pass_on(&path, take);
        match self.feed((&berth.place, "tar"), (IN, &[&length_text]), read, say).await? {
            sent if sent == length => Ok(()),
            _ => Err(Broken::Again("the archive changed while it was read".to_owned())),
        }
    }

    /// Runs a script that takes what is read from this machine's disk, piece by piece, and waits until it has ended well: how many bytes
    /// that were. `what`: the program, for people. `say` is told every now and then how many there are so far.
    pub(super) async fn feed(
        &self,
        (place, what): (&Place, &str),
        (script, arguments): (&str, &[&str]),
        read: impl FnOnce(&mut Take<'_>) -> Result<u64, ArchiveError> + Send + 'static,
        say: impl Fn(u64),
    ) -> Result<u64, String> {
        let (sender, pieces) = mpsc::channel::<Vec<u8>>(talk::PIECES);
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let reading = tokio::task::spawn_blocking(move || {
            let closed = |_| std::io::Error::other("nobody takes it any more");
            read(&mut |piece| {
                counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
                sender.blocking_send(piece.to_owned()).map_err(closed)
            })
        });
        let cluster = &self.context.cluster;
        let told = {
            let telling = talk::tell(&cluster.client, &cluster.clock, place, (script, arguments), pieces);
            let mut telling = std::pin::pin!(telling);
            loop {
                tokio::select! {
                    biased;
                    told = &mut telling => break told,
                    // Nobody waits for this: it is how often a person hears how far it is.
                    () = tokio::time::sleep(SAY) => say(sent.load(Ordering::Relaxed)),
                }
            }
        };
        let read = cluster.clock.outside(reading).await;
        told?.well(what)?;
        read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    /// Notes on the claim what is being written to it, or was; or takes that away.
    pub(super) async fn note(&self, claim: &ObjectRef, key: &str, what: Option<&str>) -> Result<(), Ending> {
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(self.context.cluster.client.clone(), claim.namespace.as_deref().unwrap_or_default());
        let change = json!({"metadata": {"annotations": {key: what}}});
        let params =
            PatchParams { field_manager: Some(crate::plan::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = || async {
            claims.patch(&claim.name, &params, &Patch::Merge(&change)).await?;
            Ok::<_, ApplyError>(())
        };
        self.patiently(claim, patch).await
    }
}
