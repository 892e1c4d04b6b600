//! Playbooks: what to do about a loss, as data. `profiles/<stack>/playbooks/*.yaml`, and for every stack `profiles/common/playbooks/`.

mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LossKind;
use crate::error::{Class, Explain, closest};
use crate::stack::{Catalogue, Fault, FaultKind, Folder, Place, StackError, typed};

/// The version of this format.
const FORMAT: u32 = 1;
/// The folder of the playbooks that fit every stack, and of the guides.
pub(super) const COMMON: &str = "common";

/// A playbook as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sheet {
    /// The version of this format; 1.
    pub format: u32,
    /// Its name for people.
    pub title: String,
    /// The losses that it is proposed for.
    #[serde(default)]
    pub losses: Vec<LossKind>,
    /// What it is about.
    #[serde(default)]
    pub subject: About,
    /// Which claim it is about; without one, the claim of the loss, or the one that is named.
    pub claim: Option<ClaimRole>,
    /// Whether it is about an etcd, and about which part of it: the claim is then that of one of its members.
    pub etcd: Option<Part>,
    /// What has to be agreed to by typing a word, beside the names of what goes.
    pub consent: Option<Consent>,
    /// What is lost for good when it is done.
    pub lost: String,
    /// What it does not touch.
    pub untouched: String,
    /// What comes back by itself afterwards.
    pub returns: String,
    /// What can be set for it.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// What is done, in order.
    pub steps: Vec<Task>,
    /// How it is practised.
    pub drill: Option<Drill>,
}

impl Sheet {
    /// Whether it is about a namespace as a whole, and no claim of it.
    pub fn is_of_a_namespace(&self) -> bool {
        self.subject == About::Namespace
    }

    /// Whether the claims have fresh volumes when it is done.
    pub fn makes_fresh(&self) -> bool {
        !self.brings_back() && !self.is_of_a_namespace() && !self.steps.contains(&Task::Erase)
    }

    /// Whether the data is there when it is done.
    pub fn brings_back(&self) -> bool {
        self.steps.iter().any(|task| {
            matches!(
                task,
                Task::Rebind
                    | Task::Move
                    | Task::GiveBack
                    | Task::Grow
                    | Task::Detach
                    | Task::NodeReady
                    | Task::ReplaceMember
                    | Task::MakeSpace
                    | Task::RestoreEtcd
            )
        })
    }
}

/// How a playbook is practised in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drill {
    /// The stack that is installed for it; without one, the playbook's own.
    pub stack: Option<String>,
    /// Values of the stack, as `--set` takes them.
    #[serde(default)]
    pub set: Vec<String>,
    /// The claim that is lost; without one, the playbook's own.
    pub claim: Option<ClaimRole>,
    /// Each loss, with the fault of the sandbox that brings it about.
    pub losses: BTreeMap<LossKind, String>,
}

/// What a playbook is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A claim, and those that were lost with it.
    #[default]
    Claim,
    /// A namespace as a whole: itself, or what runs in it while something outside of the cluster is mended.
    Namespace,
}

/// How much of an etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The member that the claim is of; the others have to go on.
    Member,
    /// All members, with all of their claims.
    All,
}

/// What a person has to agree to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// What it is.
    pub question: String,
    /// The word to be typed.
    pub word: String,
}

/// Which claim, by its role: the one that a component mounts, never by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRole {
    /// The label `app.kubernetes.io/component` of the workload.
    pub component: String,
    /// The name of the volume in its pods, where they mount more than one claim.
    pub volume: Option<String>,
}

/// Something that can be set: on the command line, by a value of the stack, or by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What it is, for people.
    pub title: String,
    /// The value of the stack that holds it, where the installation recorded one.
    pub value: Option<String>,
    /// What it is otherwise. Empty: nothing is known, and the person is asked instead.
    #[serde(default)]
    pub default: String,
}

/// A task of a playbook; each comes to one or more steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Save the manifests of all that is concerned.
    Export,
    /// Keep the volume.
    Keep,
    /// Wait until the node on which the volumes lie is ready again; every volume on it is kept meanwhile.
    NodeReady,
    /// The machine is switched off and does not come back: its node goes.
    NodeOff,
    /// Have the volumes let go by the machine that they are attached to, which is switched off.
    Detach,
    /// Stop these components, in this order, and whatever else uses the claim; wait until no pod does.
    Stop(Vec<String>),
    /// Bring about that the claim is given a volume: its class, whoever makes volumes, and a node that is there.
    Provision,
    /// Put a fresh volume in the place of the claim's; the old one is kept aside.
    Replace,
    /// Put a fresh volume in the place of the claim's, on another node where it lies on one; the old one is kept aside.
    Move,
    /// Delete the claim and the pod of one ordinal of a `StatefulSet`, which makes both anew; its other pods go on, and the old volume
    /// is kept aside.
    Renew,
    /// Bind the volume that holds the data back to its claim.
    Rebind,
    /// Make the volume of the claim larger, where its class allows it.
    Grow,
    /// Let the volume that a claim names name that claim again.
    GiveBack,
    /// Have a volume that was let go erased by whoever made it.
    Erase,
    /// Let a namespace go that was told to go: what it waits for is brought back or given up, and its volumes are kept.
    Finish,
    /// Copy to this machine what can still be read of the volume; nothing where nothing can be.
    CopyOut,
    /// Copy onto the volume what was copied out, in place of what is on it.
    CopyIn,
    /// Wait until the claim is bound to a fresh volume.
    Bound,
    /// Start what was stopped of these components, or with `[]` all that is still stopped.
    Start(Vec<String>),
    /// Replace the pods of these components.
    Restart(Vec<String>),
    /// Follow the logs of a component.
    Follow(Follow),
    /// Count the files of the volume.
    Count,
    /// Save a snapshot of the etcd to this machine.
    Snapshot,
    /// Take the member out of the etcd and add it again, with a fresh claim.
    ReplaceMember,
    /// Compact the etcd, defragment its members, and take the alarm back.
    MakeSpace,
    /// Wait until every member of the etcd serves.
    Serves,
    /// Make sure that the etcd has no majority any more.
    WithoutMajority,
    /// Put fresh claims in the place of those of all members, and make the data of each from the snapshot.
    RestoreEtcd,
    /// Write, read and delete a key of the etcd.
    Probe,
    /// Ask the person.
    Ask(Question),
    /// Prove that the application answers.
    Reach,
}

/// Which logs, and what to look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// The component.
    pub component: String,
    /// The container; without one, the first.
    pub container: Option<String>,
    /// The setting that holds the regular expression of the line.
    pub until: String,
    /// The setting that holds the one of a line that says it will not come.
    pub fail: Option<String>,
    /// How long, seconds.
    pub limit: u64,
}

/// A question to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub question: String,
    /// The word to be typed; without one, yes or no.
    pub word: Option<String>,
}

/// A playbook with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Playbook {
    /// `rebind`, or `stack/name`.
    pub name: String,
    /// The stack that it belongs to; `None`: to all.
    pub stack: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub sheet: Sheet,
}

/// All playbooks that there are.
#[derive(Debug, Clone, Default)]
pub struct Playbooks(pub Vec<Playbook>);

/// A playbook that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaybookError {
    /// There is none of this name.
    #[error("there is no playbook `{name}`{}; known are {}", closest.as_ref().map_or_else(String::new, |name| format!(", did you mean `{name}`?")), known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        closest: Option<String>,
        /// What there is.
        known: Vec<String>,
    },
    /// One cannot be read.
    #[error(transparent)]
    Unreadable(#[from] StackError),
}

impl Explain for PlaybookError {
    fn id(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-playbook",
            Self::Unreadable(error) => error.id(),
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => {
                Some("`seaworthy recover` without a name recognises what is lost and proposes one".to_owned())
            }
            Self::Unreadable(error) => error.hint(),
        }
    }
}

impl Playbooks {
    /// Reads the common ones and those of every stack of the catalogue.
    pub fn read(catalogue: &Catalogue) -> Result<Self, PlaybookError> {
        let mut playbooks = of_folder(&catalogue.folder(COMMON)?, None)?;
        for stack in catalogue.names() {
            playbooks.extend(of_folder(&catalogue.folder(&stack)?, Some(&stack))?);
        }
        Ok(Self(playbooks))
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Result<&Playbook, PlaybookError> {
        self.0.iter().find(|playbook| playbook.name == name).ok_or_else(|| {
            let known: Vec<String> = self.0.iter().map(|playbook| playbook.name.clone()).collect();
            let closest = closest(name, known.iter().map(String::as_str)).map(str::to_owned);
            PlaybookError::Unknown { name: name.to_owned(), closest, known }
        })
    }
}

fn of_folder(folder: &Folder, stack: Option<&str>) -> Result<Vec<Playbook>, StackError> {
    let read = |(file, name, text): (String, &str, &str)| {
        let sheet = sheet(&file, text)?;
        let name = stack.map_or_else(|| name.to_owned(), |stack| format!("{stack}/{name}"));
        Ok(Playbook { name, stack: stack.map(str::to_owned), sheet })
    };
    folder.sheets("playbooks").map(read).collect()
}

/// Reads a playbook.
///
/// # Errors
/// When it is not YAML, or everything in it that is not as it must be, each with its line.
pub fn sheet(file: &str, text: &str) -> Result<Sheet, StackError> {
    let sheet: Sheet = typed::of_file(file, text)?;
    match check::wrong(&sheet) {
        None => Ok(sheet),
        Some(message) => Err(Fault::new(FaultKind::BadStack, Place::file(file), message).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_our_playbooks_can_be_read() {
        let playbooks = Playbooks::read(&Catalogue::default()).unwrap();
        assert_eq!(playbooks.get("rebind").unwrap().stack, None);
        let error = playbooks.get("rebnd").unwrap_err();
        assert!(error.to_string().contains("did you mean `rebind`?"), "{error}");
        assert_eq!(error.class(), Class::Input);
    }

    const HEAD: &str = "format: 1\ntitle: t\nlost: l\nuntouched: u\nreturns: r\n";

    #[test]
    fn every_fault_of_a_playbook_is_named_with_its_place() {
        let cases = [
            ("steps: [export, repalce]\n", "replace"),
            ("steps: [rebind]\n", "`export` is missing"),
            ("steps: [export, finish]\n", "`subject: namespace` is missing"),
            ("subject: namespace\nsteps: [export, rebind]\n", "`rebind` is about a claim"),
            ("subject: namespace\nclaim: {component: a}\nsteps: [export]\n", "names no `claim`"),
            ("steps: [replace, export]\n", "stands behind"),
            ("steps: [export, move, copy-in]\n", "between `copy-out`"),
            ("steps: [export, copy-out, move]\n", "between `copy-out`"),
            ("steps: [export, {follow: {component: a, until: x, limit: 3}}]\n", "the setting `x`"),
            ("settings: {x: {title: t, default: '('}}\nsteps: [export]\n", "no regular expression"),
            ("losses: [claim-losd]\nsteps: [export]\n", "claim-lost"),
            ("steps: [export, probe]\n", "`probe` is about an etcd"),
            ("etcd: all\nsteps: [export, replace-member]\n", "`etcd: member` is missing"),
            ("claim: {componnet: a}\nsteps: [export]\n", "component"),
            ("losses: [claim-lost]\ndrill: {losses: {claim-lost: volume-lost}}\nsteps: [export]\n", "names no `claim`"),
            (
                "claim: {component: a}\ndrill: {losses: {claim-lost: volume-lost}}\nsteps: [export]\n",
                "practises claim-lost, which is not among `losses`",
            ),
        ];
        for (text, expected) in cases {
            let error = sheet("p.yaml", &format!("{HEAD}{text}")).unwrap_err();
            assert!(error.to_string().contains(expected) && error.to_string().contains("p.yaml"), "{text}: {error}");
        }
        assert!(sheet("p.yaml", &HEAD.replace("format: 1", "format: 2")).is_err());
    }
}
