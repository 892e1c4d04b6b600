//! What is done to an etcd: to one member of several while the others go on, or to all of them.

use serde_json::json;

use super::{CompileError, Draft, LIMIT_PATCH, LIMIT_PROVISION};
use crate::etcd::{self, EtcdSet, Id, Member, View, birth, member_of};
use crate::object::{ObjectRef, items};
use crate::plan::verb::{EtcdAct, Meanwhile, Pinned, Seed, Verb};
use crate::recover::join::workload;
use crate::recover::loss::{gone_for_good, is_beyond_return};
use crate::recover::playbook::Task;

/// Limits of the steps, seconds.
const LIMIT_SNAPSHOT: u64 = 600;
const LIMIT_MEMBER: u64 = 120;
const LIMIT_SPACE: u64 = 600;
const LIMIT_SEED: u64 = 300;

impl Draft<'_> {
    /// The etcd that the claim is of, and the pod of the member.
    fn etcd(&self) -> Result<(EtcdSet, String), CompileError> {
        let Some(claim) = self.wish.claims.first() else { return Err(CompileError::NoEtcd(None)) };
        etcd::of_claim(&self.wish.sighting.snapshot, claim).ok_or_else(|| CompileError::NoEtcd(Some(claim.clone())))
    }

    fn view(&self, set: &EtcdSet) -> Option<&View> {
        self.wish.sighting.etcds.iter().find(|view| view.set.pinned == set.pinned)
    }

    fn act(&mut self, set: &EtcdSet, act: EtcdAct, limit: u64) {
        self.push(Verb::Etcd { set: set.pinned.clone(), act }, limit);
    }

    pub(super) fn snapshot_etcd(&mut self) -> Result<(), CompileError> {
        let (set, _) = self.etcd()?;
        let file = self.snapshot_file(&set);
        self.act(&set, EtcdAct::Snapshot { file }, LIMIT_SNAPSHOT);
        Ok(())
    }

    fn snapshot_file(&self, set: &EtcdSet) -> String {
        format!("{}.{}.db", self.wish.folder, set.name())
    }

    pub(super) fn without_majority(&mut self) -> Result<(), CompileError> {
        let (set, _) = self.etcd()?;
        let view = self.view(&set).ok_or_else(|| CompileError::NoEtcd(Some(set.pinned.object.clone())))?;
        if !is_beyond_return(self.wish.sighting, view) {
            let gone: Vec<&str> = gone_for_good(self.wish.sighting, view).into_iter().map(|(pod, _)| pod).collect();
            let back = view.told.keys().filter(|pod| !gone.contains(&pod.as_str())).cloned().collect();
            return Err(CompileError::MayComeBack { set: set.pinned.object.clone(), pods: back });
        }
        self.act(&set, EtcdAct::WithoutMajority, LIMIT_MEMBER);
        Ok(())
    }

    /// The etcds that begin again from a snapshot, each with its file: those that the backup has one of, or the playbook's own.
    fn restored(&self) -> Result<Vec<(EtcdSet, String)>, CompileError> {
        if self.wish.snapshots.is_empty() {
            let (set, _) = self.etcd()?;
            let file = self.snapshot_file(&set);
            return Ok(vec![(set, file)]);
        }
        let sets = etcd::sets(&self.wish.sighting.snapshot);
        let of_file = |(object, file): &(ObjectRef, String)| {
            let set = sets.iter().find(|set| set.pinned.object == *object).cloned();
            set.map(|set| (set, file.clone())).ok_or_else(|| CompileError::NoEtcd(Some(object.clone())))
        };
        self.wish.snapshots.iter().map(of_file).collect()
    }

    /// Whether the data of a claim is made from a snapshot, and so neither copied nor counted upon.
    pub(super) fn is_restored(&self, claim: &ObjectRef) -> bool {
        let sets = etcd::of_claim(&self.wish.sighting.snapshot, claim);
        sets.is_some_and(|(set, _)| self.wish.snapshots.iter().any(|(object, _)| *object == set.pinned.object))
    }

    /// Every member begins anew, with what the snapshot has and with the others as they are told: all at once another cluster, so that
    /// nobody who comes back with an old disk is taken for one of it.
    pub(super) fn restore_etcd(&mut self) -> Result<(), CompileError> {
        self.brings_back = true;
        for (set, file) in self.restored()? {
            self.refuse_scripts(&set)?;
            let claims = claims_of(&set);
            self.replace(&claims, None)?;
            for pod in set.pods() {
                let seed = self.seed(&set, &pod, &file)?;
                self.push(Verb::Seed(Box::new(seed)), LIMIT_SEED);
            }
        }
        Ok(())
    }

    fn seed(&self, set: &EtcdSet, pod: &str, file: &str) -> Result<Seed, CompileError> {
        let unknown = || CompileError::NoDataFolder(set.pinned.object.clone());
        let live = self.wish.sighting.snapshot.get(&set.pinned.object).ok_or_else(unknown)?;
        let claim = set.claim(pod).ok_or_else(unknown)?;
        Ok(Seed {
            set: set.pinned.clone(),
            pod: pod.to_owned(),
            others: claims_of(set).into_iter().filter(|other| *other != claim).collect(),
            claim,
            birth: birth(live, pod).ok_or_else(unknown)?,
            token: format!("{}-{}", set.name(), self.wish.at.strftime("%Y%m%d%H%M%S")),
            file: file.to_owned(),
            image: self.wish.copies.image.clone(),
        })
    }

    /// The member that is lost goes out of the cluster and comes into it again with another number, and an empty disk.
    ///
    /// The order matters: the template has to say `existing` before the pod is made anew, for an empty disk is refused as a founder; and
    /// the member has to be out and in before it starts, for one that was known with data is not taken without. At the end the template is
    /// as it was, so that nobody finds a difference; only the pod of this member is of the other one, and is replaced for it.
    pub(super) fn replace_member(&mut self) -> Result<(), CompileError> {
        let (set, pod) = self.etcd()?;
        self.refuse_scripts(&set)?;
        let (known, peer) = self.known_as(&set, &pod)?;
        let live = self.wish.sighting.snapshot.get(&set.pinned.object).and_then(workload);
        self.hold_keepers(&live.into_iter().collect::<Vec<_>>());
        let serves = self.serves_already(&set, &pod, known);
        let joining = self.let_join(&set)?;
        if serves && joining.is_none() {
            return Err(CompileError::NothingLost(set.claim(&pod).unwrap_or_else(|| set.pinned.object.clone())));
        }
        // What an earlier recovery has done is not done again; what it has left is put back.
        if !serves {
            self.out_and_in(&set, &pod, (known, peer));
        }
        self.act(&set, EtcdAct::Joined { pod }, LIMIT_PROVISION);
        self.act(&set, EtcdAct::Alike, LIMIT_MEMBER);
        if let Some((object, fields)) = joining {
            let does = format!("put updateStrategy and initial-cluster-state of {} back", object.object);
            self.push(Verb::Set { object, does, fields: fields.back }, LIMIT_PATCH);
        }
        self.act(&set, EtcdAct::Serves, LIMIT_PROVISION);
        Ok(())
    }

    fn out_and_in(&mut self, set: &EtcdSet, pod: &str, (known, peer): (Option<Id>, String)) {
        if let Some(member) = known.filter(|id| id.0 != 0) {
            self.act(set, EtcdAct::Remove { pod: pod.to_owned(), member }, LIMIT_MEMBER);
        }
        let was = known.unwrap_or_default();
        self.act(set, EtcdAct::Add { pod: pod.to_owned(), peer, was }, LIMIT_MEMBER);
        self.renew(set.claim(pod).as_ref(), &set.pod(pod));
    }

    /// Whether the member answers under the number that the others know it by.
    fn serves_already(&self, set: &EtcdSet, pod: &str, known: Option<Id>) -> bool {
        let answers = |view: &View| view.answered().any(|(name, status)| name == pod && Some(status.member) == known);
        self.view(set).is_some_and(answers)
    }

    /// The number that the others know the member by, and its address.
    fn known_as(&self, set: &EtcdSet, pod: &str) -> Result<(Option<Id>, String), CompileError> {
        let unknown = || CompileError::NoMember { set: set.pinned.object.clone(), pod: pod.to_owned() };
        let members = self.view(set).and_then(|view| view.members.as_ref()).ok_or_else(unknown)?;
        let known = member_of(members, pod);
        let peer =
            known.and_then(|member| member.peers.first().cloned()).or_else(|| set.peer(pod)).ok_or_else(unknown)?;
        // One that was added and has never started is what a recovery that was given up has left: it may stay.
        Ok((known.filter(|member| Member::has_started(member)).map(|member| member.id), peer))
    }

    /// Scripts that take members out when they stop, or wipe what they find, do not go together with this.
    fn refuse_scripts(&self, set: &EtcdSet) -> Result<(), CompileError> {
        let live = self.wish.sighting.snapshot.get(&set.pinned.object);
        let mut containers = live.into_iter().flat_map(|live| items(live, "/spec/template/spec/containers"));
        let scripted = containers.any(|container| container.pointer("/lifecycle/preStop").is_some());
        if scripted { Err(CompileError::ScriptedEtcd(set.pinned.object.clone())) } else { Ok(()) }
    }

    /// Lets a member that is made anew join, without a restart of the others: both fields in one write, for with another strategy than
    /// `OnDelete` the changed template would replace every member.
    fn let_join(&mut self, set: &EtcdSet) -> Result<Option<(Pinned, Meanwhile)>, CompileError> {
        let object = set.pinned.clone();
        let Some(live) = self.wish.sighting.snapshot.get(&object.object) else { return Ok(None) };
        let state = set.state.as_ref().ok_or_else(|| CompileError::NoState(object.object.clone()))?;
        let on_delete = ("/spec/updateStrategy".to_owned(), Some(json!({"type": "OnDelete"})));
        let existing = (state.pointer.clone(), Some(format!("{}existing", state.prefix).into()));
        let Some(fields) = Meanwhile::of(live, [on_delete, existing]) else { return Ok(None) };
        let does =
            format!("set updateStrategy of {} to OnDelete and its initial-cluster-state to existing", object.object);
        self.set_meanwhile(&object, &fields, does);
        Ok(Some((object, fields)))
    }

    pub(super) fn serves(&mut self) -> Result<(), CompileError> {
        for (set, _) in self.restored()? {
            self.act(&set, EtcdAct::Serves, LIMIT_PROVISION);
            if let Some(revision) = self.revision_of_snapshot(&set) {
                self.act(&set, EtcdAct::Holds { revision }, LIMIT_MEMBER);
            }
        }
        Ok(())
    }

    /// What the snapshot that this plan takes is to have: that of the member that has the most.
    fn revision_of_snapshot(&self, set: &EtcdSet) -> Option<i64> {
        let steps = &self.wish.playbook.sheet.steps;
        let own = steps.contains(&Task::RestoreEtcd) && self.wish.snapshots.is_empty();
        self.view(set).and_then(View::revision).filter(|_| own)
    }

    pub(super) fn probe(&mut self) -> Result<(), CompileError> {
        for (set, _) in self.restored()? {
            self.act(&set, EtcdAct::Probe, LIMIT_MEMBER);
        }
        Ok(())
    }

    /// Compacts, defragments one member after the other, the leader last, and takes the alarm back.
    pub(super) fn make_space(&mut self) -> Result<(), CompileError> {
        let (set, _) = self.etcd()?;
        self.act(&set, EtcdAct::Compact, LIMIT_SPACE);
        let mut pods = set.pods();
        let leads = |pod: &String| {
            let view = self.view(&set);
            let own = view.and_then(|view| view.answered().find(|(name, _)| name == pod));
            own.is_some_and(|(_, status)| status.leader == Some(status.member))
        };
        pods.sort_by_key(leads);
        for pod in pods {
            self.act(&set, EtcdAct::Defragment { pod }, LIMIT_SPACE);
        }
        self.act(&set, EtcdAct::Disarm, LIMIT_MEMBER);
        Ok(())
    }
}

/// All claims that an etcd has its data on.
pub fn claims_of(set: &EtcdSet) -> Vec<ObjectRef> {
    set.pods().iter().filter_map(|pod| set.claim(pod)).collect()
}
