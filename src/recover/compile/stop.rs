//! Stopping whatever uses a claim, and starting it again.

use super::{CompileError, Draft, LIMIT_PATCH, LIMIT_STOP};
use crate::object::{ObjectRef, has_ended, text};
use crate::plan::verb::{Meanwhile, ORIGINAL_REPLICAS, Pinned, Verb, holders, is_helper, is_set_meanwhile};
use crate::plan::{NAMESPACE_LABEL, STACK_LABEL};
use crate::recover::join::{SCALABLE, Workload, top_owner, workload};

/// When the claims of a `StatefulSet` go.
const RETENTION: [&str; 2] =
    ["/spec/persistentVolumeClaimRetentionPolicy/whenScaled", "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted"];

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
        let grace = order.iter().map(|workload| workload.grace).max().unwrap_or(30);
        self.hold_keepers(&order);
        self.spare_claims(&order);
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

    /// A set that deletes its claims when it is scaled down, or deleted, is told to let them be before it is stopped: the fence would be the
    /// loss (Kubernetes 1.27, KEP-1847). Its controller reads policy and replicas from one object, and the policy was written first.
    fn spare_claims(&mut self, order: &[Workload]) {
        for workload in order.iter().filter(|workload| workload.replicas > 0) {
            let Some(live) = self.wish.sighting.snapshot.get(&workload.pinned.object) else { continue };
            let deletes = |pointer: &&str| text(live, pointer) == Some("Delete") || is_set_meanwhile(live, pointer);
            let deletes = RETENTION.into_iter().filter(deletes);
            let fields = Meanwhile::of(live, deletes.map(|pointer| (pointer.to_owned(), Some("Retain".into()))));
            let object = workload.pinned.clone();
            let Some(fields) = fields.filter(|_| !self.spared.iter().any(|(spared, _)| *spared == object)) else {
                continue;
            };
            let does = format!("keep the claims of {}, which would go with its pods", object.object);
            self.set_meanwhile(&object, &fields, does);
            self.spared.push((object, fields));
        }
    }

    /// Every set goes on with its claims as before.
    pub(super) fn unspare_claims(&mut self) {
        for (object, fields) in std::mem::take(&mut self.spared).into_iter().rev() {
            let does = format!("let {} do with its claims as before", object.object);
            self.push(Verb::Set { object, does, fields: fields.back }, LIMIT_PATCH);
        }
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

    /// The components that are named, or all that use the claim or were stopped and were not started yet, also by an earlier recovery: what
    /// was never stopped is proven to be ready as well.
    pub(super) fn start(&mut self, components: &[String]) -> Result<(), CompileError> {
        let mut order: Vec<Workload> = Vec::new();
        for component in components {
            order.extend(self.component(component)?);
        }
        if components.is_empty() {
            let users = self.users.clone();
            order = self.stopped.iter().rev().cloned().collect();
            order.extend(users.into_iter().filter(|user| !self.started(user) && !self.stopped.contains(user)));
            let left = self.left_stopped().filter(|left| !order.contains(left) && !self.started(left));
            order.extend(left.collect::<Vec<_>>());
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

    /// What an earlier recovery of this installation has stopped and not started again, because it was given up.
    fn left_stopped(&self) -> impl Iterator<Item = Workload> {
        let ours = &self.wish.installation;
        let is_left = |object: &&serde_json::Value| {
            let (labels, notes) = (&object["metadata"]["labels"], &object["metadata"]["annotations"]);
            labels[STACK_LABEL] == ours.stack
                && labels[NAMESPACE_LABEL] == ours.namespace
                && notes.get(ORIGINAL_REPLICAS).is_some()
                && object["spec"]["replicas"] == 0
        };
        let snapshot = &self.wish.sighting.snapshot;
        let all = SCALABLE.into_iter().flat_map(|kind| snapshot.of_kind("apps", kind));
        all.filter(is_left).filter_map(workload)
    }

    fn started(&self, workload: &Workload) -> bool {
        let id =
            Verb::Scale { workload: workload.pinned.clone(), to: workload.replicas, original: workload.replicas }.id();
        self.steps.iter().any(|step| step.id == id)
    }
}
