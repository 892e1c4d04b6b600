//! Bringing about that a claim is given a volume: its class, whoever makes volumes of it, and a node on which it can be made.

use serde_json::Value;

use super::manifest::class_for;
use super::{CompileError, Draft, LIMIT_BOUND, LIMIT_NODE, LIMIT_PATCH, LIMIT_PROVISION};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Tend, Verb};
use crate::recover::join::{SCALABLE, workload};
use crate::recover::loss::waits;
use crate::snapshot::classes::is_default;
use crate::snapshot::provisioner::{Maker, asked, chosen, class_ref, maker};
use crate::snapshot::storage::waits_to_be_erased;

impl<'a> Draft<'a> {
    pub(super) fn provision(&mut self, claim: &ObjectRef) -> Result<(), CompileError> {
        let live = self.live(claim).ok_or_else(|| CompileError::NoClaim(claim.clone()))?;
        if !waits(live) {
            let phase = text(live, "/status/phase").unwrap_or("of no phase").to_owned();
            return Err(CompileError::NothingWaits(claim.clone(), phase));
        }
        let class = self.class_again(claim, live);
        // Before whoever makes volumes starts: that one would take the choice back at the same moment, and try again only later.
        self.choose_again(claim, live);
        let provisioner = class.and_then(|class| text(class, "/provisioner")).or_else(|| asked(live));
        if let Some(provisioner) = provisioner {
            self.maker_again(claim, provisioner);
        }
        self.push(Verb::Bound { claim: claim.clone(), volume: None }, LIMIT_PROVISION);
        Ok(())
    }

    /// The class of a claim: the one that is there, or the one of that name that was kept, which is then made again. One that names none
    /// gets the default class as soon as there is one (Kubernetes 1.28, KEP-3333).
    fn class_again(&mut self, claim: &ObjectRef, live: &Value) -> Option<&'a Value> {
        let wish = self.wish;
        let snapshot = &wish.sighting.snapshot;
        let Some(name) = text(live, "/spec/storageClassName") else { return self.default_again(claim) };
        let reference = class_ref(name);
        if let Some(class) = snapshot.get(&reference) {
            return Some(class);
        }
        let kept = wish.archive.find(&reference, |_| true).map(|(class, _)| class);
        if let Some(class) = kept {
            self.create_class(class);
        } else {
            let by = asked(live).map_or_else(String::new, |by| format!(" of {by}"));
            let how = format!(
                "no export and no record on this machine has it; make one of that name{by}, with the parameters that it had: `kubectl create -f FILE`"
            );
            self.tend_once(reference, Tend::Await { how }, LIMIT_NODE);
        }
        kept
    }

    fn default_again(&mut self, claim: &ObjectRef) -> Option<&'a Value> {
        let wish = self.wish;
        let snapshot = &wish.sighting.snapshot;
        if let Some(class) = snapshot.of_kind("storage.k8s.io", "StorageClass").find(|class| is_default(class)) {
            return Some(class);
        }
        let then = wish.sighting.records.iter().flat_map(|record| &record.volumes);
        let mut then = then.filter(|volume| volume.claim == *claim).map(|volume| &volume.class_manifest);
        let kept = then.find(|class| {
            is_default(class) && ObjectRef::of(class).is_some_and(|class| snapshot.get(&class).is_none())
        });
        if let Some(class) = kept {
            self.create_class(class);
        } else {
            let how = "it names no class, so one has to be the default: `kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true`";
            self.tend_once(claim.clone(), Tend::Await { how: how.to_owned() }, LIMIT_NODE);
        }
        kept
    }

    fn create_class(&mut self, class: &Value) {
        let object = class_for(class, &self.wish.sighting.snapshot);
        self.push_once(Verb::Create { object, instead_of: None }, LIMIT_PATCH);
    }

    /// One that was stopped is started. Why another does not run is for people to find out.
    pub(super) fn maker_again(&mut self, of: &ObjectRef, provisioner: &str) {
        let found = maker(&self.wish.sighting.snapshot, provisioner);
        if !matches!(found, Maker::Runs(_)) {
            self.keep_what_waits_to_be_erased();
        }
        let live = match found {
            Maker::Runs(_) => return,
            Maker::Idle(live) => live,
            Maker::Absent | Maker::Unknown => {
                let how = format!(
                    "{provisioner} makes and erases volumes, if it runs: install or start it; `kubectl get pods -A` shows what runs"
                );
                return self.tend_once(of.clone(), Tend::Await { how }, LIMIT_NODE);
            }
        };
        let Some(maker) = workload(live) else { return };
        let object = maker.pinned.object.clone();
        let stopped = live["spec"]["replicas"] == 0 && SCALABLE.contains(&object.kind.as_str());
        if stopped {
            let to = maker.replicas.max(1);
            return self.push_once(Verb::Scale { workload: maker.pinned, to, original: to }, LIMIT_BOUND);
        }
        let how = format!(
            "find out why its pods are not ready: `seaworthy why {}/{}`",
            object.kind.to_lowercase(),
            object.name
        );
        self.tend_once(object, Tend::Await { how }, LIMIT_NODE);
    }

    /// Whoever makes volumes erases them, too: those that were let go with policy Delete while nobody was there to do it.
    fn keep_what_waits_to_be_erased(&mut self) {
        let volumes =
            self.wish.sighting.snapshot.of_kind("", "PersistentVolume").filter(|volume| waits_to_be_erased(volume));
        for volume in volumes.filter_map(Pinned::of).collect::<Vec<_>>() {
            self.push_once(Verb::Keep { volume, quarantine: None }, LIMIT_PATCH);
        }
    }

    /// A node that is not there any more is not chosen any more.
    fn choose_again(&mut self, claim: &ObjectRef, live: &Value) {
        let snapshot = &self.wish.sighting.snapshot;
        let absent = |node: &&str| snapshot.get(&ObjectRef::new("v1", "Node", None, node)).is_none();
        if let (Some(node), Some(Pinned { uid, .. })) = (chosen(live).filter(absent), Pinned::of(live)) {
            let acts =
                [Tend::Rechoose { uid: uid.clone(), node: node.to_owned() }, Tend::Requeue { uid, at: self.mark() }];
            for act in acts {
                self.push(Verb::Tend { object: claim.clone(), act }, LIMIT_PATCH);
            }
        }
    }

    fn tend_once(&mut self, object: ObjectRef, act: Tend, limit: u64) {
        self.push_once(Verb::Tend { object, act }, limit);
    }

    /// What several claims need is done once.
    fn push_once(&mut self, verb: Verb, limit: u64) {
        if !self.steps.iter().any(|step| step.id == verb.id()) {
            self.push(verb, limit);
        }
    }
}
