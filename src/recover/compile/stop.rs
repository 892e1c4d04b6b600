//! Stopping whatever uses a claim, and starting it again.

use super::{CompileError, Draft, LIMIT_STOP};
use crate::engine::rescue::copy::is_helper;
use crate::object::{ObjectRef, has_ended, text};
use crate::plan::verb::{Pinned, Verb, holders};
use crate::recover::join::{SCALABLE, Workload, top_owner, workload};

impl Draft<'_> {
    /// The components that are named, in that order, then whatever else uses one of the claims: found by the claim, not by a name. Ends
    /// when no pod object names them any more, since each holds its claim, also one that has finished.
    pub(super) fn stop(&mut self, components: &[String]) -> Result<(), CompileError> {
        let mut order: Vec<Workload> = Vec::new();
        for component in components {
            order.extend(self.component(component)?);
        }
        let rest: Vec<Workload> = self.users.iter().filter(|user| !order.contains(user)).cloned().collect();
        order.extend(rest);
        self.wish.claims.iter().try_for_each(|claim| self.refuse_what_cannot_be_stopped(claim))?;
        self.refuse_what_would_delete(&order)?;
        let grace = order.iter().map(|workload| workload.grace).max().unwrap_or(30);
        self.hold_keepers(&order);
        let anew =
            |draft: &Self, workload: &Workload| !draft.stopped.iter().any(|other| other.pinned == workload.pinned);
        for workload in order.into_iter().filter(|workload| anew(self, workload)).collect::<Vec<_>>() {
            if workload.replicas > 0 && SCALABLE.contains(&workload.pinned.object.kind.as_str()) {
                let verb = Verb::Scale { workload: workload.pinned.clone(), to: 0, original: workload.replicas };
                self.push(verb, LIMIT_STOP.max(grace + 60));
                self.stopped.push(workload);
            }
        }
        self.each(|draft, claim| draft.let_go(claim, LIMIT_STOP.max(grace + 60)));
        Ok(())
    }

    /// The pods that have ended go, and then nothing may name the claim.
    fn let_go(&mut self, claim: &ObjectRef, limit: u64) {
        for pod in holders(&self.wish.sighting.snapshot, claim).filter(|pod| has_ended(pod)) {
            let Some(object) = Pinned::of(pod) else { continue };
            let verb = Verb::Delete { object };
            // One that has two of the claims goes once.
            if !self.steps.iter().any(|step| step.id == verb.id()) {
                self.push(verb, LIMIT_STOP);
            }
        }
        self.push(Verb::Unreferenced { claim: claim.clone() }, limit);
    }

    /// The fence would be the loss (Kubernetes 1.27, KEP-1847).
    fn refuse_what_would_delete(&self, order: &[Workload]) -> Result<(), CompileError> {
        for workload in order {
            let live = self.wish.sighting.snapshot.get(&workload.pinned.object);
            let policy = live.and_then(|live| text(live, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled"));
            if policy == Some("Delete") {
                return Err(CompileError::DeletesClaims(workload.pinned.object.clone()));
            }
        }
        Ok(())
    }

    fn refuse_what_cannot_be_stopped(&self, claim: &ObjectRef) -> Result<(), CompileError> {
        let snapshot = &self.wish.sighting.snapshot;
        // A pod of ours that a copy has left goes by itself.
        for pod in holders(snapshot, claim).filter(|pod| !has_ended(pod) && !is_helper(pod)) {
            let owner = top_owner(snapshot, pod).and_then(workload).map(|owner| owner.pinned.object);
            if owner.as_ref().is_some_and(|owner| SCALABLE.contains(&owner.kind.as_str())) {
                continue;
            }
            let by_reference = crate::object::items(pod, "/metadata/ownerReferences").next();
            let named = by_reference.map(|owner| {
                format!("{}/{}", owner["kind"].as_str().unwrap_or("?"), owner["name"].as_str().unwrap_or("?"))
            });
            let owner = owner.map(|owner| owner.to_string()).or(named).unwrap_or_else(|| "nothing".to_owned());
            let Some(pod) = ObjectRef::of(pod) else { continue };
            return Err(CompileError::Unstoppable { pod: Box::new(pod), claim: Box::new(claim.clone()), owner });
        }
        Ok(())
    }

    /// The components that are named, or all that use the claim or were stopped and were not started yet: also what was never stopped
    /// is proven to be ready.
    pub(super) fn start(&mut self, components: &[String]) -> Result<(), CompileError> {
        let mut order: Vec<Workload> = Vec::new();
        for component in components {
            order.extend(self.component(component)?);
        }
        if components.is_empty() {
            let users = self.users.clone();
            order = self.stopped.iter().rev().cloned().collect();
            order.extend(users.into_iter().filter(|user| !self.started(user) && !self.stopped.contains(user)));
        }
        for workload in order {
            self.stopped.retain(|stopped| stopped.pinned != workload.pinned);
            if workload.replicas > 0 && SCALABLE.contains(&workload.pinned.object.kind.as_str()) {
                let (to, original) = (workload.replicas, workload.replicas);
                self.push(Verb::Scale { workload: workload.pinned, to, original }, 0);
            }
        }
        Ok(())
    }

    fn started(&self, workload: &Workload) -> bool {
        let id =
            Verb::Scale { workload: workload.pinned.clone(), to: workload.replicas, original: workload.replicas }.id();
        self.steps.iter().any(|step| step.id == id)
    }
}
