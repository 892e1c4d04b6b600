//! Volumes that several nodes write to: which claims want one, and who in a cluster can make it. Pure but for [`sharing()`].
//!
//! A claim that nobody can serve stays pending for ever, and the pods with it; so it is said where a profile is chosen, and a plan
//! with such a claim is refused. Only what is known counts against a class: whoever made it may know better.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::needs::claims;
use super::room::Need;
use crate::cluster::Cluster;
use crate::network::{Folder, NoFolder, Shore};
use crate::object::{items, text};
use crate::plan::{Action, Change, Plan};
use crate::prerequisites::{Assessment, Picture, Prerequisite, Verdict, Wants, assess, shared_path};
use crate::snapshot::classes;
use crate::stack::{Choices, Stack};

/// The access mode (kubernetes.io/docs/concepts/storage/persistent-volumes, "Access modes").
const MODE: &str = "ReadWriteMany";
/// Provisioners whose file systems are on one node at a time. local-path: its `provisioner.go` refuses the mode, unless it was told
/// that its folder is shared. The others attach a disk: the documentation of each driver has the mode for raw blocks only.
const ONE_NODE: [&str; 4] = ["rancher.io/local-path", "ebs.csi.aws.com", "disk.csi.azure.com", "pd.csi.storage.gke.io"];
/// The class is only a name, for volumes that are made by hand.
const NOBODY: &str = "kubernetes.io/no-provisioner";

/// A claim for a file system that several nodes want to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The object that makes it, such as `PersistentVolumeClaim/data`.
    pub claim: String,
    /// The class that it names; `None` leaves that to the cluster.
    pub class: Option<String>,
}

/// The claims, and templates of claims, among these objects. One that names its volume, or no class on purpose, is served by hand; so is one
/// whose class is that of a volume among the objects.
fn wanted<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Vec<Wanted> {
    let objects: Vec<&Value> = objects.into_iter().collect();
    let volumes = objects.iter().filter(|object| object["kind"] == "PersistentVolume");
    let made: Vec<&str> = volumes.filter_map(|volume| text(volume, "/spec/storageClassName")).collect();
    let of = |(name, claim): (String, &Value)| {
        let shares = items(claim, "/spec/accessModes").any(|mode| mode == MODE);
        let class = text(claim, "/spec/storageClassName");
        let by_hand = claim.pointer("/spec/volumeName").is_some()
            || class == Some("")
            || class.is_some_and(|class| made.contains(&class));
        let file_system = text(claim, "/spec/volumeMode").is_none_or(|mode| mode == "Filesystem");
        (shares && file_system && !by_hand).then(|| Wanted { claim: name, class: class.map(str::to_owned) })
    };
    objects.iter().copied().flat_map(claims).filter_map(of).collect()
}

/// What an installation shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// Its claims.
    pub claims: Vec<Wanted>,
    /// The setting in which its stack names the class for them.
    pub setting: Option<String>,
}

impl Shares {
    /// What a plan would make.
    pub fn of_plan(plan: &Plan, setting: Option<String>) -> Self {
        let made = plan.steps.iter().filter_map(|step| match (&step.action, &step.change) {
            (Action::Apply { object }, Change::Create) => Some(object),
            _ => None,
        });
        Self { claims: wanted(made), setting }
    }

    /// What these objects would share.
    pub(super) fn of_objects<'a>(objects: impl IntoIterator<Item = &'a Value>, setting: Option<String>) -> Self {
        Self { claims: wanted(objects), setting }
    }

    /// What a profile comes to with what was chosen so far; what is required and not chosen yet is answered by the example. Nothing,
    /// where that cannot be rendered: what is wrong is said elsewhere.
    pub fn of_profile(stack: &Stack, choices: &Choices, profile: &str) -> Self {
        let choices = Choices { profile: Some(profile.to_owned()), example: true, ..choices.clone() };
        let prepared = stack.prepare(&choices, &stack.release(None, None));
        let objects = prepared.map(|prepared| prepared.objects).unwrap_or_default();
        let setting = stack.definition().shared_class.clone();
        Self { claims: wanted(objects.iter().map(|rendered| &rendered.object)), setting }
    }
}

/// A storage class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Claims that name none get it.
    pub default: bool,
    /// Why several nodes cannot write to its volumes, where that is known.
    pub unable: Option<String>,
}

/// What this program could do about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Offer {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// It installs, or mends, the prerequisite that makes such volumes: what that is, and what they survive.
    Install(String),
    /// Nothing: why, and what else would do.
    Nothing {
        /// Why.
        because: String,
        /// What would do.
        remedy: String,
    },
}

/// What a cluster has for claims that several nodes write to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    /// Its classes; `None` when they could not be read.
    pub classes: Option<Vec<Class>>,
    /// Classes of which there is a free volume that several nodes can write to, whoever made it; the empty name is no class. `None`
    /// when volumes could not be read.
    pub free: Option<BTreeSet<String>>,
    /// What this program could do.
    pub offer: Offer,
}

/// How a cluster stands. `shore` is awaited only where it decides: this machine, or that of a sandbox.
pub async fn sharing(cluster: &Cluster, picture: &Picture, shore: impl Future<Output = Shore>) -> Sharing {
    let folder = if shared_path::needs_look(picture) {
        Some(shared_path::folder(picture, &shore.await, &cluster.id.server))
    } else {
        None
    };
    Sharing::of(picture, folder)
}

impl Sharing {
    /// From what was read. `folder`: the one that all nodes share, where somebody has looked for it.
    pub fn of(picture: &Picture, folder: Option<Result<Folder, NoFolder>>) -> Self {
        let wants = Wants { by_name: true, folder, ..Wants::default() };
        let ours = assess(Prerequisite::SharedPath, picture, &wants);
        let readable = |kind: &str| !picture.snapshot.is_unread(kind);
        let all = picture.snapshot.of_kind("storage.k8s.io", "StorageClass");
        let class = |class: &Value| Class {
            name: text(class, "/metadata/name").unwrap_or_default().to_owned(),
            default: classes::is_default(class),
            unable: unable(class, picture, &ours),
        };
        Self {
            classes: readable("StorageClass").then(|| all.map(class).collect()),
            free: readable("PersistentVolume").then(|| free(picture)),
            offer: offer(&ours),
        }
    }

    /// Why claims cannot be served, a line for each reason with the claims that it is about; empty when they can, or when that
    /// cannot be told.
    pub fn objections(&self, shares: &Shares) -> Vec<String> {
        let mut all: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for one in &shares.claims {
            if let Some(why) = self.objection(one) {
                all.entry(why).or_default().push(&one.claim);
            }
        }
        all.into_iter().map(|(why, claims)| format!("{why}, for {}", claims.join(", "))).collect()
    }

    fn objection(&self, wanted: &Wanted) -> Option<String> {
        let (classes, free) = (self.classes.as_ref()?, self.free.as_ref()?);
        if free.contains(wanted.class.as_deref().unwrap_or_default()) {
            return None;
        }
        let class = classes.iter().find(|class| match &wanted.class {
            Some(name) => class.name == *name,
            None => class.default,
        });
        match (class, &wanted.class) {
            (Some(class), _) => class.unable.clone(),
            (None, Some(name)) => Some(format!("there is no storage class {name}")),
            (None, None) => Some("no storage class is the default one".to_owned()),
        }
    }

    /// The classes whose volumes several nodes may be able to write to.
    fn able(&self) -> Vec<&str> {
        let able = self.classes.iter().flatten().filter(|class| class.unable.is_none());
        able.map(|class| class.name.as_str()).collect()
    }

    /// What to do where claims cannot be served.
    pub fn remedy(&self, shares: &Shares) -> String {
        let name = |class: &str| match &shares.setting {
            Some(setting) => format!("`--set {setting}={class}`"),
            None => format!("class {class} in the stack's settings"),
        };
        match (self.able().as_slice(), &self.offer) {
            ([first, ..], _) => format!("name a class that can: {}", name(first)),
            ([], Offer::Install(label)) => format!(
                "`seaworthy prerequisites install shared-path` makes a class that can ({label}); then name it: {}",
                name(shared_path::CLASS)
            ),
            ([], Offer::Nothing { because, remedy }) => format!("shared-path cannot be had here: {because}; {remedy}"),
            ([], Offer::Unknown) => "install a StorageClass that makes ReadWriteMany volumes (NFS, CephFS, ...), and name it in the stack's settings".to_owned(),
        }
    }

    /// The same where what can be installed is offered anyway.
    fn way_out(&self, shares: &Shares) -> String {
        match &self.offer {
            Offer::Install(label) => format!("shared-path makes one ({label})"),
            Offer::Nothing { .. } | Offer::Unknown => self.remedy(shares),
        }
    }

    /// Whether a profile is not to be chosen: nothing in the cluster can serve its claims, whatever is named in the settings.
    pub fn refuses(&self, shares: &Shares) -> bool {
        self.able().is_empty() && !self.objections(shares).is_empty()
    }

    /// The need of a profile with these claims; `None`: it has none of them. Where some class can do it, it can still be named.
    pub fn need(&self, shares: &Shares) -> Option<Need> {
        if shares.claims.is_empty() {
            return None;
        }
        let able = self.able();
        let (met, there) = match &self.classes {
            None => (None, "may not be read".to_owned()),
            Some(_) if self.objections(shares).is_empty() => (Some(true), "there is one".to_owned()),
            Some(_) if !able.is_empty() => (Some(true), format!("{}, to be named in the settings", able.join(", "))),
            Some(_) => (Some(false), format!("none; {}", self.way_out(shares))),
        };
        let needed = format!("a StorageClass with ReadWriteMany for {}", plural(shares.claims.len()));
        let can_be_added = met == Some(false) && matches!(self.offer, Offer::Install(_));
        Some(Need { what: "shared volumes".to_owned(), needed, there, met, can_be_added })
    }
}

/// The claims of an installation as people count them.
fn plural(count: usize) -> String {
    if count == 1 { "1 claim".to_owned() } else { format!("{count} claims") }
}

/// Why several nodes cannot write to volumes of a class, where that is known.
fn unable(class: &Value, picture: &Picture, ours: &Assessment) -> Option<String> {
    let (name, provisioner) = (text(class, "/metadata/name")?, text(class, "/provisioner")?);
    if provisioner == shared_path::PROVISIONER {
        let (met, why) = ours.standing();
        return (met == Some(false)).then(|| format!("nobody makes volumes of class {name}: {why}"));
    }
    if provisioner == NOBODY {
        return Some(format!("class {name} is of volumes that are made by hand, and none is free"));
    }
    let mut volumes = picture.snapshot.of_kind("", "PersistentVolume");
    let has_done = volumes.any(|volume| text(volume, "/spec/storageClassName") == Some(name) && shares(volume));
    let one_node = ONE_NODE.contains(&provisioner) && !has_done;
    one_node.then(|| format!("volumes of class {name} ({provisioner}) are on one node only"))
}

fn shares(volume: &Value) -> bool {
    items(volume, "/spec/accessModes").any(|mode| mode == MODE)
}

fn free(picture: &Picture) -> BTreeSet<String> {
    let volumes = picture.snapshot.of_kind("", "PersistentVolume");
    let free = volumes.filter(|volume| shares(volume) && volume["status"]["phase"] == "Available");
    free.map(|volume| text(volume, "/spec/storageClassName").unwrap_or_default().to_owned()).collect()
}

fn offer(ours: &Assessment) -> Offer {
    match &ours.verdict {
        Verdict::Install { because, .. } | Verdict::Leave { because } | Verdict::Use { because } => {
            Offer::Install(because.clone())
        }
        Verdict::Keep { .. } | Verdict::Upgrade { .. } => Offer::Install("it mends what is there".to_owned()),
        Verdict::Blocked(blocked) => {
            Offer::Nothing { because: blocked.because.clone(), remedy: blocked.remedy.clone() }
        }
    }
}

#[cfg(test)]
mod tests;
