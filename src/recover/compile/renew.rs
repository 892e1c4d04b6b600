//! One pod of a `StatefulSet` and its claim, made anew by the set while its other pods go on.

use super::{CompileError, Draft, LIMIT_GONE, LIMIT_PATCH, LIMIT_PROVISION};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Verb};
use crate::recover::join::{makes_claim, volume_ref};

impl Draft<'_> {
    pub(super) fn renew_claims(&mut self) -> Result<(), CompileError> {
        for claim in &self.wish.claims {
            let pod = self.pod_of(claim).ok_or_else(|| CompileError::NoSet(claim.clone()))?;
            self.renew(Some(claim), &pod);
        }
        Ok(())
    }

    /// The pod for which a set makes this claim: `<template>-<set>-<ordinal>` is of `<set>-<ordinal>`.
    fn pod_of(&self, claim: &ObjectRef) -> Option<ObjectRef> {
        let namespace = claim.namespace.as_deref();
        let sets = self.wish.sighting.snapshot.of_kind("apps", "StatefulSet");
        let mut own = sets
            .into_iter()
            .filter(|set| text(set, "/metadata/namespace") == namespace && makes_claim(set, &claim.name));
        let set = own.next().and_then(|set| text(set, "/metadata/name"))?;
        let (_, ordinal) = claim.name.rsplit_once('-')?;
        Some(ObjectRef::new("v1", "Pod", namespace, &format!("{set}-{ordinal}")))
    }

    /// The claim and the pod are made anew; the old volume is put aside with its bytes.
    pub(super) fn renew(&mut self, claim: Option<&ObjectRef>, pod: &ObjectRef) {
        let snapshot = &self.wish.sighting.snapshot;
        let live = claim.and_then(|claim| snapshot.get(claim));
        let volume =
            live.and_then(|claim| text(claim, "/spec/volumeName")).and_then(|name| snapshot.get(&volume_ref(name)));
        if let Some(volume) = volume.and_then(Pinned::of) {
            self.push(Verb::Keep { volume, quarantine: Some("replaced".to_owned()) }, LIMIT_PATCH);
        }
        match (live.and_then(Pinned::of), snapshot.get(pod).and_then(Pinned::of)) {
            (Some(claim), _) => self.push(Verb::Renew { claim, pod: pod.clone() }, LIMIT_PROVISION),
            // The claim is gone already: the pod is made anew with one.
            (None, Some(object)) => self.push(Verb::Delete { object }, LIMIT_GONE),
            (None, None) => {}
        }
    }
}
