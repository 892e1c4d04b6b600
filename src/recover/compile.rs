//! From a playbook and what is there to a plan. Pure.
//!
//! The steps of a recovery go one after the other: each needs the one before. What a task comes to depends on the state in which the
//! claim and its volume are; everything that is found out here stands in the plan, and so in the journal.

mod attach;
mod copies;
mod erase;
mod error;
mod etcd;
mod finish;
mod give_back;
mod grow;
mod hold;
mod manifest;
mod moves;
mod node;
mod provision;
mod rebind;
mod renew;
mod selection;
mod stop;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::archive::Archive;
use super::join::{Workload, claim_ref, of_component, workloads};
use super::keeper::Hold;
use super::playbook::{ClaimRole, Follow, Playbook, Task};
use super::stuck::Stuck;
use super::{Sighting, join};
use crate::cluster::ClusterId;
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::{COPYING_IN, Meanwhile, Pinned, Secrets, Selection, TO_BE_COPIED_IN, Verb};
use crate::plan::{Action, Change, Installation, Plan, Purpose, Reach, Step};
use crate::snapshot::provisioner::CHOSEN;
use crate::snapshot::storage::made_from;

use copies::copies_out;
pub use copies::{Copies, unreadable};
pub use error::CompileError;
pub use etcd::claims_of;
pub use grow::can_grow;
pub use manifest::{fresh_claim, rebuilt_volume};
pub use moves::can_move;
pub use selection::selections;

/// Limits of the steps, seconds; 0 is the limit of the run.
const LIMIT_EXPORT: u64 = 60;
const LIMIT_PATCH: u64 = 20;
const LIMIT_STOP: u64 = 120;
const LIMIT_GONE: u64 = 60;
const LIMIT_BOUND: u64 = 90;
/// The scheduler comes back by itself, after five and a half minutes at the latest, to a pod that found no place.
const LIMIT_PROVISION: u64 = 390;
const LIMIT_COUNT: u64 = 30;
/// People have to find the machine.
const LIMIT_NODE: u64 = 3600;

/// What a plan is made from.
pub struct Wish<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// The claims that it is about: the one that was chosen, then those that were lost with it (see [`super::loss::companions`]).
    pub claims: Vec<ObjectRef>,
    /// What is there.
    pub sighting: &'a Sighting,
    /// What was kept of what is not there any more.
    pub archive: &'a Archive,
    /// The cluster.
    pub cluster: ClusterId,
    /// The installation that the claim belongs to; its lock keeps others out.
    pub installation: Installation,
    /// The way into the application, to be proven at the end.
    pub reach: Option<Reach>,
    /// The settings of the playbook, as they come out.
    pub settings: BTreeMap<String, String>,
    /// The folder for the export.
    pub folder: String,
    /// How data is copied out and in.
    pub copies: Copies,
    /// Snapshots of a backup that etcds are restored from: each `StatefulSet` with its file. A playbook takes its own.
    pub snapshots: Vec<(ObjectRef, String)>,
    /// When it was made; the mark of what this recovery does anew.
    pub at: Timestamp,
}

/// The claim of a role in a namespace.
pub fn claim_of_role(sighting: &Sighting, namespace: &str, role: &ClaimRole) -> Result<ObjectRef, CompileError> {
    let mut claims = Vec::new();
    for workload in of_component(&sighting.snapshot, namespace, &role.component) {
        let Some(live) = sighting.snapshot.get(&workload.pinned.object) else { continue };
        for volume in items(live, "/spec/template/spec/volumes") {
            let fits = role.volume.as_deref().is_none_or(|name| text(volume, "/name") == Some(name));
            let claim = text(volume, "/persistentVolumeClaim/claimName").filter(|_| fits);
            claims.extend(claim.map(|claim| claim_ref(namespace, claim)));
        }
        claims.extend(first_of_templates(live, role, namespace));
    }
    claims.sort();
    claims.dedup();
    match claims.as_slice() {
        [claim] => Ok(claim.clone()),
        _ => Err(CompileError::NoRole {
            component: role.component.clone(),
            namespace: namespace.to_owned(),
            volume: role.volume.clone(),
            found: claims.len(),
        }),
    }
}

/// Whether a claim has this role: also that of another pod of the `StatefulSet` than the first.
pub fn is_of_role(sighting: &Sighting, role: &ClaimRole, claim: &ObjectRef) -> bool {
    let namespace = claim.namespace.as_deref().unwrap_or_default();
    let made = |workload: &Workload| {
        let (template, _) = made_from(sighting.snapshot.get(&workload.pinned.object)?, &claim.name)?;
        Some(role.volume.as_deref().is_none_or(|volume| volume == template))
    };
    claim_of_role(sighting, namespace, role).is_ok_and(|found| found == *claim)
        || of_component(&sighting.snapshot, namespace, &role.component).iter().any(|one| made(one) == Some(true))
}

/// Of each claim template of a `StatefulSet` the claim of its first pod.
fn first_of_templates(set: &serde_json::Value, role: &ClaimRole, namespace: &str) -> Vec<ObjectRef> {
    let first = set.pointer("/spec/ordinals/start").and_then(serde_json::Value::as_i64).unwrap_or(0);
    let names = items(set, "/spec/volumeClaimTemplates").filter_map(|template| text(template, "/metadata/name"));
    let fits = names.filter(|name| role.volume.as_deref().is_none_or(|volume| volume == *name));
    let set = text(set, "/metadata/name").unwrap_or_default();
    fits.map(|name| claim_ref(namespace, &format!("{name}-{set}-{first}"))).collect()
}

/// Makes the plan of a playbook.
pub fn compile(wish: &Wish<'_>) -> Result<Plan, CompileError> {
    let mut draft = Draft::new(wish);
    draft.refuse_going_namespace()?;
    for task in &wish.playbook.sheet.steps {
        draft.task(task)?;
    }
    draft.refuse_unread()?;
    draft.unspare_claims();
    draft.release_keepers();
    let mut steps = draft.steps;
    chain(&mut steps);
    let (installation, cluster) = (wish.installation.clone(), wish.cluster.clone());
    Ok(Plan { purpose: Purpose::Recover, installation, cluster, steps, reach: Vec::new(), occasion: None })
}

/// How long saving or making Secrets may take, seconds.
pub(super) const LIMIT_SECRETS: u64 = 120;

/// The plan of the brake: every one of these volumes is kept, and everything is saved. Nothing waits for anything.
pub fn hold(
    (cluster, installation): (ClusterId, Installation),
    volumes: Vec<Pinned>,
    selections: Vec<Selection>,
    (folder, secrets): (String, Option<Secrets>),
) -> Plan {
    let secrets = secrets.map(|secrets| (Verb::Secrets(Box::new(secrets)), LIMIT_SECRETS));
    let keep = volumes.into_iter().map(|volume| (Verb::Keep { volume, quarantine: None }, LIMIT_PATCH));
    let export = Verb::Export { folder, selections, must: Vec::new() };
    let steps =
        keep.chain([(export, LIMIT_EXPORT)]).chain(secrets).map(|(verb, limit)| step(verb, limit, None)).collect();
    Plan { purpose: Purpose::Hold, installation, cluster, steps, reach: Vec::new(), occasion: None }
}

/// A verb as a step; what has to be done before is for whoever puts it in its place.
pub(super) fn step(verb: Verb, limit: u64, component: Option<String>) -> Step {
    let (id, title, change) = (verb.id(), verb.title(), verb.change());
    Step { id, title, component, needs: Vec::new(), action: Action::Rescue { verb: Box::new(verb), limit }, change }
}

/// Each step needs the one before; an id that comes again gets a number.
fn chain(steps: &mut [Step]) {
    let mut before: Option<String> = None;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for step in steps {
        let times = seen.entry(step.id.clone()).and_modify(|times| *times += 1).or_insert(1);
        if *times > 1 {
            step.id = format!("{}#{times}", step.id);
        }
        step.needs = before.take().into_iter().collect();
        before = Some(step.id.clone());
    }
}

/// A plan being made.
struct Draft<'a> {
    wish: &'a Wish<'a>,
    steps: Vec<Step>,
    /// Every workload that uses one of the claims.
    users: Vec<Workload>,
    /// What the plan has stopped and not started yet.
    stopped: Vec<Workload>,
    /// Who is held, so that nothing undoes what is done.
    held: Vec<Hold>,
    /// The sets that are told to let their claims be, with what they did before.
    spared: Vec<(Pinned, Meanwhile)>,
    /// Whether the data is expected to be in the volume at the end.
    brings_back: bool,
}

impl<'a> Draft<'a> {
    fn new(wish: &'a Wish<'a>) -> Self {
        let mut users: Vec<Workload> = Vec::new();
        for user in wish.claims.iter().flat_map(|claim| workloads(&wish.sighting.snapshot, claim)) {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        Self {
            wish,
            steps: Vec::new(),
            users,
            stopped: Vec::new(),
            held: Vec::new(),
            spared: Vec::new(),
            brings_back: false,
        }
    }

    fn push(&mut self, verb: Verb, limit: u64) {
        self.steps.push(step(verb, limit, None));
    }

    /// The namespace that all of the claims are in.
    fn namespace(&self) -> &'a str {
        let of_claim = self.wish.claims.first().and_then(|claim| claim.namespace.as_deref());
        of_claim.unwrap_or(&self.wish.installation.namespace)
    }

    /// Nothing can be made in a namespace that was told to go: a plan for a claim of it would end half way. What is erased is in none.
    fn refuse_going_namespace(&self) -> Result<(), CompileError> {
        let sheet = &self.wish.playbook.sheet;
        let is_of_claims = !self.wish.claims.is_empty() && !sheet.steps.contains(&Task::Erase);
        // A backup only reads.
        let makes = sheet.steps.iter().any(|task| !matches!(task, Task::Export | Task::CopyOut));
        if is_of_claims && makes && self.stuck().is_some() {
            return Err(CompileError::NamespaceGoes(self.namespace().to_owned()));
        }
        Ok(())
    }

    /// Whoever takes a claim from its pods has to know its volume: one that could not be read would not be kept.
    fn refuse_unread(&self) -> Result<(), CompileError> {
        let takes = |step: &Step| match step.verb() {
            Some(Verb::Delete { object }) => object.object.kind == "PersistentVolumeClaim",
            Some(verb) => matches!(verb, Verb::Renew { .. } | Verb::Release { .. }),
            None => false,
        };
        let needed = ["PersistentVolume", "PersistentVolumeClaim", "Pod"];
        let unread = &self.wish.sighting.snapshot.unread;
        match unread.iter().find(|unread| needed.contains(&unread.kind.as_str())) {
            Some(unread) if self.steps.iter().any(takes) => {
                Err(CompileError::Unread { kind: unread.kind.clone(), why: unread.why.clone() })
            }
            _ => Ok(()),
        }
    }

    fn task(&mut self, task: &Task) -> Result<(), CompileError> {
        match task {
            Task::Export => self.export(),
            Task::Keep => self.each(|draft, claim| draft.keep(claim, None)),
            Task::NodeReady => return self.node_ready(),
            Task::NodeOff => return self.node_off(),
            Task::Detach => return self.detach(),
            Task::Stop(components) => return self.stop(components),
            Task::Replace => return self.replace(&self.wish.claims, None),
            Task::Move => return self.move_away(),
            Task::Renew => return self.renew_claims(),
            Task::Provision => return self.wish.claims.iter().try_for_each(|claim| self.provision(claim)),
            Task::Rebind => {
                self.brings_back = true;
                return self.wish.claims.iter().try_for_each(|claim| self.rebind(claim));
            }
            Task::Erase => return self.wish.claims.iter().try_for_each(|claim| self.erase(claim)),
            Task::Finish => return self.finish(),
            Task::Grow => {
                self.brings_back = true;
                return self.wish.claims.iter().try_for_each(|claim| self.grow(claim));
            }
            Task::GiveBack => {
                self.brings_back = true;
                return self.wish.claims.iter().try_for_each(|claim| self.give_back(claim));
            }
            Task::CopyOut => self.each(Self::copy_out),
            Task::CopyIn => return self.copy_in(),
            Task::Bound => self.each(|draft, claim| {
                draft.push(Verb::Bound { claim: claim.clone(), volume: None }, LIMIT_PROVISION);
            }),
            Task::Start(components) => return self.start(components),
            Task::Restart(components) => return self.restart(components),
            Task::Follow(follow) => return self.follow(follow),
            Task::Snapshot => return self.snapshot_etcd(),
            Task::ReplaceMember => return self.replace_member(),
            Task::MakeSpace => return self.make_space(),
            Task::Serves => return self.serves(),
            Task::Probe => return self.probe(),
            Task::WithoutMajority => return self.without_majority(),
            Task::RestoreEtcd => return self.restore_etcd(),
            Task::Count => self.each(Self::count),
            Task::Ask(question) => {
                self.push(Verb::Ask { question: question.question.clone(), word: question.word.clone() }, 0);
            }
            Task::Reach => self.reach(),
        }
        Ok(())
    }

    fn each(&mut self, mut one: impl FnMut(&mut Self, &'a ObjectRef)) {
        self.wish.claims.iter().for_each(|claim| one(self, claim));
    }

    /// A claim as it is, if it is there.
    fn live(&self, claim: &ObjectRef) -> Option<&'a serde_json::Value> {
        self.wish.sighting.snapshot.get(claim)
    }

    /// The live volume that a claim names.
    fn volume(&self, claim: &ObjectRef) -> Option<&'a serde_json::Value> {
        join::volume_of(&self.wish.sighting.snapshot, claim)
    }

    fn export(&mut self) {
        let concerned = |claim: &'a ObjectRef| {
            [self.live(claim), self.volume(claim)].into_iter().flatten().chain(self.released(claim))
        };
        let mut must: Vec<Pinned> = self.wish.claims.iter().flat_map(concerned).filter_map(Pinned::of).collect();
        let (folder, mut selections) = (self.wish.folder.clone(), selections(Some(self.namespace())));
        if self.wish.playbook.sheet.is_of_a_namespace() {
            let held = self.stuck().into_iter().flat_map(Stuck::held).map(|(object, _)| object.clone());
            must.extend(held);
            let kinds = must.iter().map(|one| Selection {
                api_version: one.object.api_version.clone(),
                kind: one.object.kind.clone(),
                namespace: one.object.namespace.clone(),
            });
            selections.extend(kinds.collect::<Vec<_>>());
            selections.sort();
            selections.dedup();
        }
        must.dedup();
        self.push(Verb::Export { folder, selections, must }, LIMIT_EXPORT);
    }

    fn keep(&mut self, claim: &ObjectRef, quarantine: Option<&str>) {
        let uid = self.live(claim).and_then(|claim| text(claim, "/metadata/uid"));
        // One that is another's by now is not put aside with this claim.
        let is_its = |volume: &serde_json::Value| {
            let names = text(volume, "/spec/claimRef/uid");
            names.is_none() || uid.is_none() || names == uid
        };
        let quarantine = quarantine.filter(|_| self.volume(claim).is_some_and(is_its));
        if let Some(volume) = self.volume(claim).and_then(Pinned::of) {
            self.push(Verb::Keep { volume, quarantine: quarantine.map(str::to_owned) }, LIMIT_PATCH);
        }
    }

    /// Fresh claims under the same names, on this node where one is named. The old volumes are kept aside, with their bytes and with the
    /// claims they were of. All go before any is made anew: a pod that has one of several starts no sooner.
    fn replace(&mut self, claims: &[ObjectRef], on: Option<&str>) -> Result<(), CompileError> {
        let wish = self.wish;
        let manifest = |claim: &ObjectRef| {
            let known = wish.archive.find(claim, |_| true).map(|(claim, _)| claim);
            self.live(claim).or(known).ok_or_else(|| CompileError::NoClaim(claim.clone()))
        };
        let manifests = claims.iter().map(manifest).collect::<Result<Vec<_>, _>>()?;
        for claim in claims {
            self.refuse_half_copied(claim)?;
            self.keep(claim, Some("replaced"));
        }
        if self.stopped.is_empty() {
            self.stop(&[])?;
        }
        let old: Vec<Option<Pinned>> = claims.iter().map(|claim| self.live(claim).and_then(Pinned::of)).collect();
        for object in old.iter().flatten().cloned() {
            self.push(Verb::Delete { object }, LIMIT_GONE);
        }
        for ((of, claim), old) in claims.iter().zip(manifests).zip(old) {
            let (mut object, instead_of) = (fresh_claim(claim, None), old.map(|old| old.uid));
            if let Some(node) = on {
                object["metadata"]["annotations"][CHOSEN] = node.into();
            }
            if wish.playbook.sheet.steps.contains(&Task::CopyIn) && self.steps.iter().any(|step| copies_out(step, of)) {
                object["metadata"]["annotations"][COPYING_IN] = TO_BE_COPIED_IN.into();
            }
            self.push(Verb::Create { object, instead_of }, LIMIT_PATCH);
        }
        Ok(())
    }

    /// What a claim held is in an archive, on whatever machine, and not on its volume yet: that volume is not all there is.
    fn refuse_half_copied(&self, claim: &ObjectRef) -> Result<(), CompileError> {
        let begun = |live: &serde_json::Value| live["metadata"]["annotations"][COPYING_IN].is_string();
        if self.live(claim).is_some_and(begun) { Err(CompileError::HalfCopied(claim.clone())) } else { Ok(()) }
    }

    fn component(&self, component: &str) -> Result<Vec<Workload>, CompileError> {
        let found = of_component(&self.wish.sighting.snapshot, self.namespace(), component);
        let (component, namespace) = (component.to_owned(), self.namespace().to_owned());
        if found.is_empty() { Err(CompileError::NoComponent { component, namespace }) } else { Ok(found) }
    }

    /// The mark of what this recovery does anew.
    fn mark(&self) -> String {
        self.wish.at.strftime("%FT%TZ").to_string()
    }

    fn restart(&mut self, components: &[String]) -> Result<(), CompileError> {
        for component in components {
            for workload in self.component(component)? {
                let at = self.mark();
                self.push(Verb::Restart { workload: workload.pinned, at }, 0);
            }
        }
        Ok(())
    }

    /// With no pattern known the person is asked instead: nothing is guessed.
    fn follow(&mut self, follow: &Follow) -> Result<(), CompileError> {
        let setting = |name: &String| self.wish.settings.get(name).filter(|value| !value.is_empty()).cloned();
        let fail = follow.fail.as_ref().and_then(setting);
        let until = setting(&follow.until);
        for workload in self.component(&follow.component)? {
            if let Some(until) = until.clone() {
                let (workload, container) = (workload.pinned, follow.container.clone());
                self.push(Verb::Follow { workload, container, until, fail: fail.clone() }, follow.limit);
            } else {
                let question = format!("do the logs of {} say that it is done?", workload.pinned.object);
                self.push(Verb::Ask { question, word: None }, 0);
            }
        }
        Ok(())
    }

    /// When the data was brought back, an empty volume is a failure, if it is known to have held something.
    fn count(&mut self, claim: &ObjectRef) {
        let records = self.wish.sighting.records.iter().flat_map(|record| &record.volumes);
        let held = records.filter(|volume| volume.claim == *claim).any(|volume| volume.files_then() > 0);
        let at_least = u64::from(held && self.brings_back);
        self.push(Verb::Count { claim: claim.clone(), at_least }, LIMIT_COUNT);
    }

    fn reach(&mut self) {
        let Some(reach) = self.wish.reach.clone() else { return };
        self.steps.push(Step {
            id: format!("reach:{}", reach.name),
            title: format!("reach {}", reach.title),
            component: None,
            needs: Vec::new(),
            action: Action::Reach { reach },
            change: Change::Observe,
        });
    }

    /// Every volume that was let go by a claim of this name and is not set aside.
    fn released<'b>(&self, claim: &'b ObjectRef) -> impl Iterator<Item = &'a serde_json::Value> + use<'a, 'b> {
        let volumes = self.wish.sighting.snapshot.of_kind("", "PersistentVolume");
        volumes.filter(move |volume| {
            text(volume, "/status/phase") == Some("Released")
                && join::claim_of(volume).as_ref() == Some(claim)
                && volume["metadata"]["labels"].get(crate::plan::verb::QUARANTINE).is_none()
        })
    }
}

#[cfg(test)]
mod tests;
