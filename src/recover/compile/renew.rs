//! One pod of a `StatefulSet` and its claim, made anew by the set while its other pods go on.

use super::{CompileError, Draft, LIMIT_GONE, LIMIT_PATCH, LIMIT_PROVISION};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Verb};
use crate::snapshot::storage::made_from;

impl Draft<'_> {
    pub(super) fn renew_claims(&mut self) -> Result<(), CompileError> {
        for claim in &self.wish.claims {
            let pod = self.pod_of(claim).ok_or_else(|| CompileError::NoSet(claim.clone()))?;
            self.renew(Some(claim), &pod);
        }
        Ok(())
    }

    /// The pod for which a set makes this claim.
    fn pod_of(&self, claim: &ObjectRef) -> Option<ObjectRef> {
        let namespace = claim.namespace.as_deref();
        let mut sets = self.wish.sighting.snapshot.of_kind("apps", "StatefulSet");
        sets.find_map(|set| {
            let here = text(set, "/metadata/namespace") == namespace;
            let (_, ordinal) = made_from(set, &claim.name).filter(|_| here)?;
            Some(ObjectRef::new("v1", "Pod", namespace, &format!("{}-{ordinal}", text(set, "/metadata/name")?)))
        })
    }

    /// The claim and the pod are made anew; the old volume is put aside with its bytes.
    pub(super) fn renew(&mut self, claim: Option<&ObjectRef>, pod: &ObjectRef) {
        if let Some(volume) = claim.and_then(|claim| self.volume(claim)).and_then(Pinned::of) {
            self.push(Verb::Keep { volume, quarantine: Some("replaced".to_owned()) }, LIMIT_PATCH);
        }
        let pinned = |object: &ObjectRef| self.wish.sighting.snapshot.get(object).and_then(Pinned::of);
        match (claim.and_then(pinned), pinned(pod)) {
            (Some(claim), _) => self.push(Verb::Renew { claim, pod: pod.clone() }, LIMIT_PROVISION),
            // The claim is gone already: the pod is made anew with one.
            (None, Some(object)) => self.push(Verb::Delete { object }, LIMIT_GONE),
            (None, None) => {}
        }
    }
}
