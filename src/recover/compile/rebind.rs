//! Binding a volume back to its claim: what that takes in each state in which the two can be.

use serde_json::Value;

use super::manifest::{claim_for, fresh_claim, rebuilt_volume, volume_for};
use super::{CompileError, Draft, LIMIT_BOUND, LIMIT_GONE, LIMIT_PATCH};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Verb, holders};
use crate::recover::join::{is_on_a_node, volume_ref};
use crate::snapshot::storage::makes_claim;

fn is_going(object: &Value) -> bool {
    text(object, "/metadata/deletionTimestamp").is_some()
}

impl<'a> Draft<'a> {
    pub(super) fn rebind(&mut self, of: &ObjectRef) -> Result<(), CompileError> {
        match (self.live(of), self.volume(of)) {
            (Some(claim), Some(volume)) if is_going(claim) => self.rescue_claim(of, claim, volume),
            (Some(claim), Some(volume)) if is_going(volume) => self.rescue_volume(of, claim, volume),
            (Some(claim), None) if text(claim, "/spec/volumeName").is_some() => self.make_volume(of, claim),
            (claim, _) => {
                let volume = self.one_released(of)?;
                match claim {
                    None => self.take_back(of, volume, None),
                    Some(claim) => self.take_over(of, claim, volume),
                }
            }
        }
    }

    fn one_released(&self, of: &ObjectRef) -> Result<&'a Value, CompileError> {
        let claim = of.clone();
        let found: Vec<&'a Value> = self.released(of).collect();
        let bound = self.live(of).is_some_and(|claim| text(claim, "/status/phase") == Some("Bound"));
        match found.as_slice() {
            [volume] => Ok(volume),
            [] if bound => Err(CompileError::NothingLost(claim)),
            [] => Err(CompileError::NoVolume(claim)),
            many => {
                let volumes =
                    many.iter().filter_map(|volume| text(volume, "/metadata/name")).map(str::to_owned).collect();
                Err(CompileError::ManyVolumes { claim, volumes })
            }
        }
    }

    /// The volume waits for its deletion while the claim stays: stop, let the old object go, and make it anew for the very same claim.
    fn rescue_volume(&mut self, of: &ObjectRef, claim: &Value, volume: &Value) -> Result<(), CompileError> {
        self.keep(of, None);
        self.stop(&[])?;
        self.release(of, volume);
        let object = volume_for(volume, of, text(claim, "/metadata/uid"));
        self.push(Verb::Create { object, instead_of: uid(volume) }, LIMIT_PATCH);
        self.bound(of, volume);
        Ok(())
    }

    fn release(&mut self, of: &ObjectRef, volume: &Value) {
        let claim = of.clone();
        if let Some(volume) = Pinned::of(volume) {
            self.push(Verb::Release { volume, claim }, LIMIT_GONE);
        }
    }

    /// The claim waits for its deletion, which cannot be called off: keep the volume, let the claim go, and make it anew. When the
    /// volume waits for its own deletion too, it goes with the claim, policy or not, and is made anew as well.
    fn rescue_claim(&mut self, of: &ObjectRef, claim: &Value, volume: &Value) -> Result<(), CompileError> {
        self.keep(of, None);
        self.stop(&[])?;
        if let Some(object) = Pinned::of(claim) {
            self.push(Verb::Delete { object }, LIMIT_GONE);
        }
        if is_going(volume) {
            self.release(of, volume);
            let object = volume_for(volume, of, None);
            self.push(Verb::Create { object, instead_of: uid(volume) }, LIMIT_PATCH);
            self.make_claim(of, volume, Some(claim));
            return Ok(());
        }
        self.take_back(of, volume, Some(claim))
    }

    /// The volume's object is gone and the claim stays, `Lost`: make the volume anew, with the claim's uid. Without it, it would be
    /// `Available` and the claim `Lost` for ever.
    fn make_volume(&mut self, of: &ObjectRef, claim: &Value) -> Result<(), CompileError> {
        let wish = self.wish;
        let name = text(claim, "/spec/volumeName").unwrap_or_default();
        let was_of = |volume: &Value| text(volume, "/spec/claimRef/uid") == text(claim, "/metadata/uid");
        let kept = wish.archive.find(&volume_ref(name), was_of).map(|(volume, _)| volume.clone());
        let no_manifest = |why: String| CompileError::NoManifest { volume: volume_ref(name), why };
        let volume = match kept {
            Some(volume) => volume,
            None => rebuilt_volume(&wish.sighting.snapshot, claim).map_err(no_manifest)?,
        };
        if holders(&wish.sighting.snapshot, of).any(is_on_a_node) {
            self.stop(&[])?;
        }
        let object = volume_for(&volume, of, text(claim, "/metadata/uid"));
        self.push(Verb::Create { object, instead_of: None }, LIMIT_PATCH);
        self.bound(of, &volume);
        Ok(())
    }

    /// The claim is gone and the volume was let go.
    fn take_back(&mut self, of: &ObjectRef, volume: &Value, was: Option<&Value>) -> Result<(), CompileError> {
        if was.is_none() {
            self.keep_volume(volume);
            // A StatefulSet would make the claim anew, and empty, in the gap.
            let makers = self.users.iter().filter_map(|user| self.wish.sighting.snapshot.get(&user.pinned.object));
            if makers.into_iter().any(|maker| makes_claim(maker, &of.name)) {
                self.stop(&[])?;
            }
        }
        self.free(volume, was.and_then(uid));
        self.make_claim(of, volume, was);
        Ok(())
    }

    /// A claim of that name is there again: unbound, it gets the volume; bound to a fresh one, it has to give way, and the fresh volume
    /// is kept aside.
    fn take_over(&mut self, of: &ObjectRef, claim: &Value, volume: &Value) -> Result<(), CompileError> {
        self.keep_volume(volume);
        let name = text(volume, "/metadata/name");
        if text(claim, "/spec/volumeName").is_none_or(|named| Some(named) == name) {
            self.free(volume, None);
            self.bound(of, volume);
            return Ok(());
        }
        self.keep(of, Some("gave-way"));
        if self.stopped.is_empty() {
            self.stop(&[])?;
        }
        if let Some(object) = Pinned::of(claim) {
            self.push(Verb::Delete { object }, LIMIT_GONE);
        }
        self.free(volume, None);
        self.make_claim(of, volume, Some(claim));
        Ok(())
    }

    fn keep_volume(&mut self, volume: &Value) {
        if let Some(volume) = Pinned::of(volume) {
            self.push(Verb::Keep { volume, quarantine: None }, LIMIT_PATCH);
        }
    }

    /// The uid in the volume is that of the claim that is gone, or of the one that is about to go.
    fn free(&mut self, volume: &Value, going: Option<String>) {
        let named = text(volume, "/spec/claimRef/uid").map(str::to_owned);
        if let (Some(volume), Some(claim_uid)) = (Pinned::of(volume), going.or(named)) {
            self.push(Verb::Free { volume, claim_uid }, LIMIT_GONE);
        }
    }

    fn make_claim(&mut self, of: &ObjectRef, volume: &Value, was: Option<&Value>) {
        let wish = self.wish;
        let name = text(volume, "/metadata/name");
        let kept = wish.archive.find(of, |claim| text(claim, "/spec/volumeName") == name).map(|(claim, _)| claim);
        let object = match was.or(kept) {
            Some(claim) => fresh_claim(claim, name),
            None => fresh_claim(&claim_for(volume, of), name),
        };
        self.push(Verb::Create { object, instead_of: was.and_then(uid) }, LIMIT_PATCH);
        self.bound(of, volume);
    }

    fn bound(&mut self, of: &ObjectRef, volume: &Value) {
        let volume = ObjectRef::of(volume).map(|volume| volume.name);
        self.push(Verb::Bound { claim: of.clone(), volume }, LIMIT_BOUND);
    }
}

fn uid(object: &Value) -> Option<String> {
    text(object, "/metadata/uid").map(str::to_owned)
}
