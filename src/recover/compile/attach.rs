//! Having a volume let go by a machine that is switched off.

use super::{CompileError, Draft, LIMIT_PATCH};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Tend, Verb};
use crate::recover::loss::attachments;

/// Without the taint Kubernetes waits six minutes for a node that is not there (`pkg/controller/volume/attachdetach`,
/// `maxWaitForUnmountDuration`), and for one that is silent without end.
const LIMIT_DETACH: u64 = 600;

impl Draft<'_> {
    /// The node is marked as out of service, which lets its pods and then its attachments go (Kubernetes 1.28, KEP-2268); an attachment
    /// itself is never deleted here. Afterwards the mark is taken back, so that nothing surprises whoever switches the machine on again.
    pub(super) fn detach(&mut self) -> Result<(), CompileError> {
        let wish = self.wish;
        let mut found: Vec<(Pinned, String)> = Vec::new();
        for claim in &wish.claims {
            let volume = self.volume(claim).and_then(|volume| text(volume, "/metadata/name"));
            let of_it = volume.into_iter().flat_map(|volume| attachments(wish.sighting, volume));
            found.extend(of_it.filter_map(|one| Some((Pinned::of(one)?, text(one, "/spec/nodeName")?.to_owned()))));
        }
        let mut away: Vec<Pinned> = Vec::new();
        found.retain(|(_, node)| {
            let live = wish.sighting.snapshot.get(&ObjectRef::new("v1", "Node", None, node));
            let ready = live.is_some_and(crate::snapshot::nodes::is_ready);
            away.extend(live.filter(|_| !ready).and_then(Pinned::of).filter(|node| !away.contains(node)));
            !ready
        });
        if found.is_empty() {
            let claims: Vec<String> = wish.claims.iter().map(ToString::to_string).collect();
            return Err(CompileError::NotAttached(claims.join(", ")));
        }
        for Pinned { object, uid } in away.iter().cloned() {
            self.push(Verb::Tend { object, act: Tend::OutOfService { uid } }, LIMIT_PATCH);
        }
        for (Pinned { object, uid }, _) in found {
            self.push(Verb::Tend { object, act: Tend::Gone { uid } }, LIMIT_DETACH);
        }
        for Pinned { object, uid } in away {
            self.push(Verb::Tend { object, act: Tend::BackInService { uid } }, LIMIT_PATCH);
        }
        self.brings_back = true;
        Ok(())
    }
}
