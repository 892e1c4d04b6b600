//! The plans that copy an installation's data to this machine and back. Pure; compiled as playbooks are, from the same tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Sighting;
use super::archive::Archive;
use super::compile::{self, CompileError, Copies, Wish, unreadable};
use super::join::{claim_ref, of_component, workload, workloads};
use super::playbook::{About, Playbook, Sheet, Task};
use crate::cluster::ClusterId;
use crate::engine::record::InstallRecord;
use crate::engine::rescue::backup::{DATA, MANIFESTS, Manifest};
use crate::engine::rescue::secrets;
use crate::etcd::{self, EtcdSet, View};
use crate::object::{ObjectRef, items, text};
use crate::plan::verb::{EtcdAct, Head, LeftOut, Secrets, SecretsAct, Verb};
use crate::plan::{Installation, NAMESPACE_LABEL, Plan, Purpose, Reach, STACK_LABEL, Step};
use crate::snapshot::Snapshot;
use crate::snapshot::storage::makes_claim;
use crate::stack::Definition;

/// What a backup is made of.
pub struct Wanted<'a> {
    /// What is there.
    pub sighting: &'a Sighting,
    /// The cluster.
    pub cluster: ClusterId,
    /// The installation.
    pub installation: Installation,
    /// What the cluster remembers of it.
    pub record: Option<&'a InstallRecord>,
    /// What its stack says of itself, for the order in which its components stop.
    pub definition: Option<&'a Definition>,
    /// The folder of this backup.
    pub folder: String,
    /// The image to copy with.
    pub image: Option<String>,
    /// The public keys for which its Secrets are encrypted; none: they are left out.
    pub recipients: Vec<String>,
    /// What of a backup is brought back.
    pub only: Only,
    /// When.
    pub at: Timestamp,
}

/// What of a backup is brought back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Only {
    /// Everything that is in it.
    #[default]
    Everything,
    /// The files of these claims.
    Claims(Vec<ObjectRef>),
    /// The Secrets that are gone: no workload stops for them, and no volume is touched.
    Secrets,
}

/// The claims of an installation: those that carry its labels or are in its inventory, and those that its workloads use.
pub fn claims(snapshot: &Snapshot, installation: &Installation, inventory: &[ObjectRef]) -> Vec<ObjectRef> {
    let is_own = |object: &serde_json::Value| {
        let labels = &object["metadata"]["labels"];
        let by_labels = labels[STACK_LABEL] == installation.stack && labels[NAMESPACE_LABEL] == installation.namespace;
        by_labels || ObjectRef::of(object).is_some_and(|object| inventory.contains(&object))
    };
    let here = |object: &&serde_json::Value| text(object, "/metadata/namespace") == Some(&installation.namespace);
    let all: Vec<&serde_json::Value> = snapshot.of_kind("", "PersistentVolumeClaim").filter(here).collect();
    let mut found: BTreeSet<ObjectRef> =
        all.iter().filter(|claim| is_own(claim)).filter_map(|it| ObjectRef::of(it)).collect();
    for user in snapshot.objects().filter(here).filter(|object| is_own(object) && workload(object).is_some()) {
        let named =
            items(user, "/spec/template/spec/volumes").filter_map(|it| text(it, "/persistentVolumeClaim/claimName"));
        found.extend(named.map(|name| claim_ref(&installation.namespace, name)));
        let made = all.iter().filter_map(|claim| text(claim, "/metadata/name")).filter(|name| makes_claim(user, name));
        found.extend(made.map(|name| claim_ref(&installation.namespace, name)));
    }
    found.into_iter().collect()
}

/// How long a snapshot may take, seconds.
const LIMIT_SNAPSHOT: u64 = 600;

/// Whether a claim holds the data of a member.
fn is_of(set: &EtcdSet, claim: &ObjectRef) -> bool {
    set.pods().iter().any(|pod| set.claim(pod).as_ref() == Some(claim))
}

fn members_are_on(set: &EtcdSet, claims: &[ObjectRef]) -> bool {
    claims.iter().any(|claim| is_of(set, claim))
}

/// The file for the snapshot of an etcd, below the backup's folder.
fn snapshot_of(set: &EtcdSet) -> (ObjectRef, PathBuf) {
    let file = Path::new(DATA).join(format!("{}.{}.db", set.namespace, set.name()));
    (set.pinned.object.clone(), file)
}

/// The components that use one of these claims, those first that others are not started after.
fn order(sighting: &Sighting, claims: &[ObjectRef], definition: Option<&Definition>) -> Vec<String> {
    let users = claims.iter().flat_map(|claim| workloads(&sighting.snapshot, claim));
    let used: BTreeSet<String> = users.filter_map(|user| user.component).collect();
    let Some(definition) = definition else { return used.into_iter().collect() };
    // Components stand in the order in which they can be started.
    let known = definition.components.iter().rev().map(|component| component.name.clone());
    known.filter(|name| used.contains(name)).collect()
}

fn playbook(name: &str, steps: Vec<Task>) -> Playbook {
    let nothing = String::new;
    let sheet = Sheet {
        subject: About::Claim,
        format: 1,
        title: name.to_owned(),
        losses: Vec::new(),
        claim: None,
        etcd: None,
        consent: None,
        lost: nothing(),
        untouched: nothing(),
        returns: nothing(),
        settings: BTreeMap::new(),
        steps,
        drill: None,
    };
    Playbook { name: name.to_owned(), stack: None, sheet }
}

impl Wanted<'_> {
    fn compile(&self, steps: Vec<Task>, claims: Vec<ObjectRef>, more: More<'_>) -> Result<Plan, CompileError> {
        let mut plan = compile::compile(&Wish {
            playbook: &playbook(more.purpose.word(), steps),
            claims,
            sighting: self.sighting,
            archive: more.archive,
            cluster: self.cluster.clone(),
            installation: self.installation.clone(),
            reach: more.reach,
            settings: BTreeMap::new(),
            copies: Copies { folder: more.data, image: self.image.clone(), skip: false },
            snapshots: more.snapshots,
            folder: more.export,
            at: self.at,
        })?;
        plan.purpose = more.purpose;
        Ok(plan)
    }

    fn below(&self, name: &str) -> String {
        Path::new(&self.folder).join(name).display().to_string()
    }

    /// The plan of a backup. `consistent`: what writes is stopped for it, and started again. `left_out`: what is known not to be in it.
    ///
    /// # Errors
    /// When something cannot be stopped that has to be.
    pub fn backup(&self, consistent: bool, mut left_out: Vec<LeftOut>) -> Result<Plan, CompileError> {
        let all = self.own_claims();
        // An empty volume is copied as well: that it was empty is worth knowing.
        let sighting = Sighting { files: BTreeMap::new(), ..self.sighting.clone() };
        let etcds: Vec<&View> = self.sighting.etcds.iter().filter(|view| members_are_on(&view.set, &all)).collect();
        let (saved, silent): (Vec<&View>, Vec<&View>) =
            etcds.into_iter().partition(|view| view.answered().next().is_some());
        let (mut claims, mut lost) = (Vec::new(), Vec::new());
        for claim in all {
            let has_snapshot = saved.iter().any(|view| is_of(&view.set, &claim));
            match unreadable(&sighting, &claim) {
                // A database that is written to while it is copied is none afterwards.
                None if has_snapshot && !consistent => {
                    let why = "a snapshot of that etcd is in the backup instead".to_owned();
                    lost.push(LeftOut { what: claim.to_string(), why });
                }
                None => claims.push(claim),
                Some(why) => lost.push(LeftOut { what: claim.to_string(), why }),
            }
        }
        lost.extend(silent.into_iter().map(|view| LeftOut {
            what: format!("a snapshot of {}", view.set.pinned.object),
            why: "none of its members answers".to_owned(),
        }));
        left_out.splice(0..0, lost);
        let mut steps = vec![Task::Export];
        if consistent && !claims.is_empty() {
            steps.push(Task::Stop(order(&sighting, &claims, self.definition)));
        }
        steps.push(Task::CopyOut);
        if consistent && !claims.is_empty() {
            steps.push(Task::Start(Vec::new()));
        }
        let more = More {
            purpose: Purpose::Backup,
            archive: &Archive::default(),
            reach: None,
            export: self.below(MANIFESTS),
            data: self.below(DATA),
            snapshots: Vec::new(),
        };
        let with = Wanted { sighting: &sighting, ..self.copy() };
        let mut plan = with.compile(steps, claims.clone(), more)?;
        let etcds: Vec<(ObjectRef, PathBuf)> = saved.iter().map(|view| snapshot_of(&view.set)).collect();
        for (view, (_, file)) in saved.iter().zip(&etcds) {
            after_export(&mut plan, self.snapshot_step(&view.set, file));
        }
        if !self.recipients.is_empty() {
            let act = SecretsAct::Save { recipients: self.recipients.clone() };
            after_export(&mut plan, self.secrets_step(act));
        }
        let head = Head {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: self.cluster.clone(),
            installation: self.installation.clone(),
            consistent: consistent && !claims.is_empty(),
            values: self.record.map_or(serde_json::Value::Null, |record| record.inputs.values.clone()),
            claims,
            etcds,
            recipients: self.recipients.clone(),
            left_out,
            losses: self.losses(),
        };
        let verb = Verb::Seal { folder: self.folder.clone(), head: Box::new(head) };
        let needs = plan.steps.last().map(|step| step.id.clone()).into_iter().collect();
        plan.steps.push(Step { needs, ..compile::step(verb, 0, None) });
        Ok(plan)
    }

    /// The claims of the installation.
    fn own_claims(&self) -> Vec<ObjectRef> {
        let inventory = self.record.map(|record| record.inventory.as_slice()).unwrap_or_default();
        claims(&self.sighting.snapshot, &self.installation, inventory)
    }

    /// What is lost of the installation for certain, and so is in no backup that is made now.
    fn losses(&self) -> Vec<LeftOut> {
        let own = self.own_claims();
        let recorded =
            self.sighting.records.iter().filter(|record| record.installation.key() == self.installation.key());
        let recorded: BTreeSet<&ObjectRef> =
            recorded.flat_map(|record| &record.volumes).map(|volume| &volume.claim).collect();
        let is_own = |claim: &ObjectRef| own.contains(claim) || recorded.contains(claim);
        let one = |loss: &super::Loss| {
            let claim = loss.claim.as_ref().filter(|claim| loss.certain && loss.has_no_data() && is_own(claim))?;
            Some(LeftOut { what: claim.to_string(), why: format!("{}: {}", loss.kind.name(), loss.facts.join("; ")) })
        };
        super::recognise(self.sighting).iter().filter_map(one).collect()
    }

    fn snapshot_step(&self, set: &EtcdSet, file: &Path) -> Step {
        let file = Path::new(&self.folder).join(file).display().to_string();
        let verb = Verb::Etcd { set: set.pinned.clone(), act: EtcdAct::Snapshot { file } };
        compile::step(verb, LIMIT_SNAPSHOT, None)
    }

    fn secrets_step(&self, act: SecretsAct) -> Step {
        let (namespace, file) = (Some(self.installation.namespace.clone()), self.below(secrets::FILE));
        compile::step(Verb::Secrets(Box::new(Secrets { namespace, file, act })), compile::LIMIT_SECRETS, None)
    }

    fn copy(&self) -> Wanted<'_> {
        Wanted {
            sighting: self.sighting,
            cluster: self.cluster.clone(),
            installation: self.installation.clone(),
            record: self.record,
            definition: self.definition,
            folder: self.folder.clone(),
            image: self.image.clone(),
            recipients: self.recipients.clone(),
            only: self.only.clone(),
            at: self.at,
        }
    }

    /// The plan that brings back what a backup has: everything that uses the claims stops, each claim gets its files, and all starts.
    /// `export`: the folder for the manifests as they are now. `identity`: the file with the key to the Secrets in it, where those that are
    /// gone are to be made again.
    ///
    /// # Errors
    /// When something cannot be stopped, or a claim is neither there nor in the backup.
    pub fn restore(&self, manifest: &Manifest, export: String, identity: Option<String>) -> Result<Plan, CompileError> {
        let mut claims: Vec<ObjectRef> = self.chosen(manifest).map(|(claim, _)| claim.clone()).collect();
        let sets = self.from_snapshots(manifest);
        let snapshots = sets.iter().map(|(set, file)| (set.pinned.object.clone(), file.clone())).collect();
        claims.extend(sets.iter().flat_map(|(set, _)| compile::claims_of(set)));
        let stop = match sets.as_slice() {
            [] => order(self.sighting, &claims, self.definition),
            _ => self.everybody(&claims),
        };
        let steps = if self.only == Only::Secrets { vec![Task::Export] } else { tasks(stop, !sets.is_empty()) };
        let more = More {
            purpose: Purpose::Restore,
            archive: &Archive::of_export(&Path::new(&self.folder).join(manifest.manifests())),
            reach: self.record.and_then(|record| record.reach.first().cloned()),
            export,
            data: self.below(DATA),
            snapshots,
        };
        let mut plan = self.compile(steps, claims, more)?;
        if let Some(identity) = identity.filter(|_| !manifest.secrets().is_empty()) {
            after_export(&mut plan, self.secrets_step(SecretsAct::Bring { identity }));
        }
        Ok(plan)
    }

    /// The claims that are brought back, with how many files each has.
    pub fn chosen<'m>(&'m self, manifest: &'m Manifest) -> impl Iterator<Item = (&'m ObjectRef, u64)> {
        manifest.claims().filter(|(claim, _)| match &self.only {
            Only::Everything => true,
            Only::Claims(claims) => claims.contains(claim),
            Only::Secrets => false,
        })
    }

    /// The etcds that are there and begin again from their snapshot, with its file: those of which not every member's files are in the
    /// backup.
    pub fn from_snapshots(&self, manifest: &Manifest) -> Vec<(EtcdSet, String)> {
        if self.only != Only::Everything {
            return Vec::new();
        }
        let copied: BTreeSet<&ObjectRef> = manifest.claims().map(|(claim, _)| claim).collect();
        let sets = etcd::sets(&self.sighting.snapshot);
        let of_set = |(object, file): (&ObjectRef, &Path)| {
            let set = sets.iter().find(|set| set.pinned.object == *object)?;
            let has_files = compile::claims_of(set).iter().all(|claim| copied.contains(claim));
            (!has_files).then(|| (set.clone(), self.below(&file.display().to_string())))
        };
        manifest.etcds().filter_map(of_set).collect()
    }

    /// All components that are there, those first that others are not started after: whoever has seen an etcd further on than it is
    /// afterwards has to begin anew, whether it has a claim or not.
    fn everybody(&self, claims: &[ObjectRef]) -> Vec<String> {
        let Some(definition) = self.definition else { return order(self.sighting, claims, None) };
        let namespace = &self.installation.namespace;
        let is_there = |name: &String| !of_component(&self.sighting.snapshot, namespace, name).is_empty();
        definition.components.iter().rev().map(|component| component.name.clone()).filter(is_there).collect()
    }
}

/// What brings claims back, and the etcds that begin again from their snapshot.
fn tasks(stop: Vec<String>, has_etcds: bool) -> Vec<Task> {
    let mut steps = vec![Task::Export, Task::Stop(stop), Task::CopyIn];
    if has_etcds {
        steps.push(Task::RestoreEtcd);
    }
    steps.push(Task::Start(Vec::new()));
    if has_etcds {
        steps.extend([Task::Serves, Task::Probe]);
    }
    steps.extend([Task::Count, Task::Reach]);
    steps
}

/// Puts a step right after the export, while everything still runs.
fn after_export(plan: &mut Plan, step: Step) {
    let needs: Vec<String> = plan.steps.first().map(|export| export.id.clone()).into_iter().collect();
    if let Some(next) = plan.steps.get_mut(1) {
        next.needs = vec![step.id.clone()];
    }
    plan.steps.insert(1.min(plan.steps.len()), Step { needs, ..step });
}

/// What differs between the two ways.
struct More<'a> {
    purpose: Purpose,
    archive: &'a Archive,
    reach: Option<Reach>,
    export: String,
    data: String,
    snapshots: Vec<(ObjectRef, String)>,
}
