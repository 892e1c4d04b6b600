//! Having a volume erased that was let go, and that nobody wants.

use serde_json::Value;

use super::{CompileError, Draft, LIMIT_PATCH};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Tend, Verb};
use crate::recover::join::{claim_of, hosts, node_of_host};
use crate::recover::loss::is_to_be_erased;
use crate::snapshot::nodes::is_ready;
use crate::snapshot::provisioner::made_by;
use crate::snapshot::storage::was_let_go;

/// The setting that names the volume.
const VOLUME: &str = "volume";
/// local-path gives the pod that deletes a folder two minutes, and tries again (v0.0.26 to v0.0.37, provisioner.go).
const LIMIT_ERASE: u64 = 600;

impl<'a> Draft<'a> {
    /// It is kept until whoever erases it runs again: other volumes wait to be erased as well, and those are kept.
    pub(super) fn erase(&mut self, claim: &ObjectRef) -> Result<(), CompileError> {
        let volume = self.unwanted(claim)?;
        let name = text(volume, "/metadata/name").unwrap_or_default().to_owned();
        let Some(maker) = made_by(volume) else { return Err(CompileError::NobodyErases(name)) };
        let snapshot = &self.wish.sighting.snapshot;
        let away = |host: &&str| !node_of_host(snapshot, host).is_some_and(is_ready);
        if let Some(host) = hosts(volume).into_iter().find(away) {
            return Err(CompileError::OutOfReach(name, host.to_owned()));
        }
        let Some(pinned) = Pinned::of(volume) else { return Err(CompileError::NoVolume(claim.clone())) };
        self.push(Verb::Keep { volume: pinned.clone(), quarantine: None }, LIMIT_PATCH);
        self.maker_again(&pinned.object, maker);
        let Pinned { object, uid } = pinned;
        self.push(Verb::Tend { object, act: Tend::Erase { uid } }, LIMIT_ERASE);
        Ok(())
    }

    /// The one that is named, as long as it was of this claim, or the only one that is to be erased, or that was let go at all.
    fn unwanted(&self, claim: &ObjectRef) -> Result<&'a Value, CompileError> {
        let of_it = |volume: &&Value| claim_of(volume).as_ref() == Some(claim) && was_let_go(volume);
        let all: Vec<&'a Value> = self.wish.sighting.snapshot.of_kind("", "PersistentVolume").filter(of_it).collect();
        let named = self.wish.settings.get(VOLUME).filter(|name| !name.is_empty());
        let fits = |volume: &&Value| match named {
            Some(name) => text(volume, "/metadata/name") == Some(name),
            None => is_to_be_erased(volume),
        };
        let found: Vec<&'a Value> = all.iter().copied().filter(fits).collect();
        // Whoever erases types the volume's name before anything is written: a single one need not be named twice.
        let only = if named.is_none() && found.is_empty() { &all } else { &found };
        if let [volume] = only.as_slice() {
            return Ok(volume);
        }
        let volumes = all.iter().filter_map(|volume| text(volume, "/metadata/name")).map(str::to_owned).collect();
        Err(CompileError::WhichVolume { claim: claim.clone(), volumes })
    }
}
