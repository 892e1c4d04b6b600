//! Copying data out before a volume is replaced, and in from a backup.

use super::{CompileError, Draft, LIMIT_PATCH, fresh_claim};
use crate::engine::rescue::Files;
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Verb};
use crate::plan::{Change, Step};
use crate::recover::Sighting;
use crate::recover::join::{hosts, node_of_host, volume_ref};
use crate::recover::playbook::Task;
use crate::snapshot::nodes::is_ready;

/// How data is copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    /// The folder for archives that are made, or from which they are taken.
    pub folder: String,
    /// The image to copy with; `None`: one that the volume's node has.
    pub image: Option<String>,
    /// Whether nothing is copied out: somebody has said so.
    pub skip: bool,
}

/// Why nothing can be read of a claim's volume, or is worth it; `None`: it can be.
pub fn unreadable(sighting: &Sighting, claim: &ObjectRef) -> Option<String> {
    let snapshot = &sighting.snapshot;
    let Some(live) = snapshot.get(claim) else { return Some("the claim is not there".to_owned()) };
    let phase = text(live, "/status/phase").unwrap_or("of no phase");
    if phase != "Bound" {
        return Some(format!("the claim is {phase}"));
    }
    if text(live, "/metadata/deletionTimestamp").is_some() {
        return Some("the claim waits for its deletion, and no new pod can mount it".to_owned());
    }
    let name = text(live, "/spec/volumeName").unwrap_or_default();
    let Some(volume) = snapshot.get(&volume_ref(name)) else { return Some(format!("volume {name} is not there")) };
    let hosts = hosts(volume);
    if !hosts.is_empty() && !hosts.iter().any(|host| node_of_host(snapshot, host).is_some_and(is_ready)) {
        return Some(format!("its node {} is not there, or not ready", hosts.join(", ")));
    }
    match sighting.files.get(claim) {
        Some(Files::Counted { files: 0, .. }) => Some("there are no files on it".to_owned()),
        _ => None,
    }
}

pub(super) fn copies_out(step: &Step, claim: &ObjectRef) -> bool {
    matches!(step.verb(), Some(Verb::CopyOut { claim: from, .. }) if from.object == *claim)
}

impl<'a> Draft<'a> {
    /// Nothing where nothing can be read: whoever shows the plan says why.
    pub(super) fn copy_out(&mut self, claim: &'a ObjectRef) {
        let copies = &self.wish.copies;
        if copies.skip || unreadable(self.wish.sighting, claim).is_some() {
            return;
        }
        let Some(pinned) = self.live(claim).and_then(Pinned::of) else { return };
        let waited = Verb::Unreferenced { claim: claim.clone() }.id();
        let quiet = self.steps.iter().any(|step| step.id == waited);
        let (folder, image) = (copies.folder.clone(), copies.image.clone());
        self.push(Verb::CopyOut { claim: pinned, folder, image, quiet }, 0);
    }

    /// A claim that is not there is made first.
    pub(super) fn copy_in(&mut self) -> Result<(), CompileError> {
        let wish = self.wish;
        let own = wish.playbook.sheet.steps.contains(&Task::CopyOut);
        for claim in wish.claims.iter().filter(|claim| !self.is_restored(claim)).collect::<Vec<_>>() {
            let live = self.live(claim);
            // A playbook brings back what it has copied out itself, and where that is nothing, nothing.
            if own && !self.steps.iter().any(|step| copies_out(step, claim)) {
                continue;
            }
            let made = |step: &Step| {
                step.change == Change::Create
                    && step.action.object().as_ref() == Some(claim)
                    && !copies_out(step, claim)
            };
            if self.steps.iter().any(made) {
                let (folder, image) = (wish.copies.folder.clone(), wish.copies.image.clone());
                self.push(Verb::CopyIn { claim: claim.clone(), folder, image, over: false }, 0);
                continue;
            }
            if live.is_none() {
                let known = wish.archive.find(claim, |_| true).map(|(manifest, _)| manifest);
                let manifest = known.ok_or_else(|| CompileError::NoClaim(claim.clone()))?;
                self.push(Verb::Create { object: fresh_claim(manifest, None), instead_of: None }, LIMIT_PATCH);
            }
            let is_empty = matches!(wish.sighting.files.get(claim), Some(Files::Counted { files: 0, .. }));
            let is_fresh = live.is_none_or(|live| text(live, "/status/phase") == Some("Pending"));
            let (folder, image) = (wish.copies.folder.clone(), wish.copies.image.clone());
            self.push(Verb::CopyIn { claim: claim.clone(), folder, image, over: !is_empty && !is_fresh }, 0);
        }
        Ok(())
    }
}
