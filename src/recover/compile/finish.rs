//! Letting a namespace go that was told to go: what it waits for is brought back, or given up by name.

use super::{CompileError, Draft, LIMIT_NODE, LIMIT_PATCH};
use crate::object::text;
use crate::plan::verb::{Pinned, Tend, Verb};
use crate::recover::join::volumes_of;
use crate::recover::stuck::Stuck;

/// The setting by which APIs that do not answer go, whether their Service is there or not.
const APIS: &str = "apis";
/// Its value for that.
const DELETE: &str = "delete";
/// The namespace controller looks again after at most a quarter of a minute for each thing that is left (Kubernetes: `estimate`, 15 s).
const LIMIT_NAMESPACE: u64 = 300;

impl<'a> Draft<'a> {
    /// The namespace that it is about, where it is on its way out.
    pub(super) fn stuck(&self) -> Option<&'a Stuck> {
        let namespace = self.namespace();
        self.wish.sighting.stuck.iter().find(|stuck| stuck.namespace.object.name == namespace)
    }

    /// The volumes first: they go with their claims. Then what nobody can ask about, for that may show more. Then what waits.
    pub(super) fn finish(&mut self) -> Result<(), CompileError> {
        let Some(stuck) = self.stuck() else { return Err(CompileError::NotStuck(self.namespace().to_owned())) };
        if stuck.held().next().is_none() && stuck.apis.is_empty() {
            let left = stuck.others().map(ToString::to_string).chain(stuck.unread.iter().cloned()).collect();
            return Err(CompileError::GoesByItself { namespace: self.namespace().to_owned(), left });
        }
        let volumes = volumes_of(&self.wish.sighting.snapshot, self.namespace());
        let erased = volumes.filter(|volume| text(volume, "/spec/persistentVolumeReclaimPolicy") != Some("Retain"));
        for volume in erased.filter_map(Pinned::of).collect::<Vec<_>>() {
            self.push(Verb::Keep { volume, quarantine: None }, LIMIT_PATCH);
        }
        let all_go = self.wish.settings.get(APIS).is_some_and(|word| word == DELETE);
        for silent in &stuck.apis {
            if silent.has_service && !all_go {
                let how = format!(
                    "bring back what serves it (`kubectl describe apiservice {}`), or give it up with --set {APIS}={DELETE}",
                    silent.api.object.name
                );
                self.push(Verb::Tend { object: silent.api.object.clone(), act: Tend::Await { how } }, LIMIT_NODE);
            } else {
                self.push(Verb::Delete { object: silent.api.clone() }, LIMIT_PATCH);
            }
        }
        for (Pinned { object, uid }, finalizers) in stuck.held() {
            let act = Tend::Unhold { uid: uid.clone(), finalizers };
            self.push(Verb::Tend { object: object.clone(), act }, LIMIT_PATCH);
        }
        let Pinned { object, uid } = stuck.namespace.clone();
        self.push(Verb::Tend { object, act: Tend::Gone { uid } }, LIMIT_NAMESPACE);
        Ok(())
    }
}
