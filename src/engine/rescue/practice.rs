//! Making a loss on purpose, on a real cluster, in a namespace that is there for it: what a drill marks, and how it breaks it. Only what
//! the API can do is done; nobody's node is touched.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::copy::CLEAR;
use super::count::{mounts, say_in};
use crate::error::{Class, Explain, root};
use crate::object::{ObjectRef, text};
use crate::plan::FIELD_MANAGER;
use crate::plan::verb::holders;
use crate::recover::LossKind;
use crate::snapshot::Snapshot;

/// Label of a namespace in which losses may be made; its value is [`ALLOWED`].
pub const LABEL: &str = "seaworthy.dev/drill";
/// The value that allows it.
pub const ALLOWED: &str = "allowed";
/// The losses that can be made on a cluster.
pub const LOSSES: [LossKind; 6] = [
    LossKind::VolumeGoing,
    LossKind::ClaimGoing,
    LossKind::ClaimLost,
    LossKind::VolumeReleased,
    LossKind::ClaimGone,
    LossKind::VolumeEmptied,
];

/// How many files are put on a volume.
const FILES: usize = 8;
/// Writes them, with a word that only this drill has, and says what is in them.
const MARK: &str = r#"for i in 1 2 3 4 5 6 7 8; do echo "WORD $i" >"$1/seaworthy-drill-$i" || exit 1; done; cat "$1"/seaworthy-drill-[1-8]"#;
/// Says what is in them.
const READ: &str = r#"cat "$1"/seaworthy-drill-[1-8] 2>/dev/null; true"#;
/// How long a provisioner may take to erase a volume.
const ERASED: Duration = Duration::from_secs(120);
/// Between two looks at it.
const LOOK: Duration = Duration::from_secs(1);

/// A loss could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// The namespace is not there for it.
    #[error("namespace {0} is not there for drills: it has not the label {LABEL}={ALLOWED}")]
    NotAllowed(String),
    /// The API server refuses.
    #[error("{object}: {why}")]
    Refused {
        /// What was to be read or changed.
        object: ObjectRef,
        /// What the API server said.
        why: String,
    },
    /// Nothing can be written to the volume.
    #[error("the volume of {claim} cannot be marked: {why}")]
    Unmarked {
        /// The claim.
        claim: ObjectRef,
        /// Why not.
        why: String,
    },
    /// The claim has no volume.
    #[error("{0} is not bound to a volume")]
    Unbound(ObjectRef),
    /// It does not go.
    #[error("{0} is not erased after two minutes")]
    Stays(ObjectRef),
    /// It takes hands on the node, or on the program that runs there.
    #[error("{} cannot be made on a cluster: it takes more than its API", .0.name())]
    NotHere(LossKind),
}

impl Explain for PracticeError {
    fn id(&self) -> &'static str {
        match self {
            Self::NotAllowed(_) => "drill-not-allowed",
            Self::Refused { .. } => "drill-refused",
            Self::Unmarked { .. } => "drill-unmarked",
            Self::Unbound(_) => "drill-unbound",
            Self::Stays(_) => "drill-stays",
            Self::NotHere(_) => "drill-not-here",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::NotAllowed(_) | Self::NotHere(_) | Self::Unbound(_) => Class::Input,
            _ => Class::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAllowed(namespace) => format!(
                "a drill loses data on purpose: where nothing is kept that somebody needs, `kubectl label namespace {namespace} {LABEL}={ALLOWED}`"
            ),
            Self::Refused { .. } => "look at what you may do: kubectl auth can-i --list".to_owned(),
            Self::Unmarked { .. } => {
                "a running container needs the whole volume mounted, and a shell; nothing was lost".to_owned()
            }
            Self::Unbound(_) => "a drill begins with what is well: `seaworthy status` says what is not".to_owned(),
            Self::Stays(volume) => format!("its provisioner has to erase it: kubectl describe pv {}", volume.name),
            Self::NotHere(_) => {
                let names: Vec<&str> = LOSSES.iter().map(|kind| kind.name()).collect();
                format!(
                    "on a cluster there are {}; the others are practised in the sandbox, without --cluster",
                    names.join(", ")
                )
            }
        })
    }
}

/// Whether losses may be made in a namespace.
///
/// # Errors
/// When they may not, or it cannot be read.
pub async fn allowed(client: &Client, namespace: &str) -> Result<(), PracticeError> {
    let about = ObjectRef::new("v1", "Namespace", None, namespace);
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let live = namespaces.get(namespace).await.map_err(|error| refused(&about, &error))?;
    let label = live.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL));
    if label.map(String::as_str) == Some(ALLOWED) {
        Ok(())
    } else {
        Err(PracticeError::NotAllowed(namespace.to_owned()))
    }
}

fn refused(object: &ObjectRef, error: &kube::Error) -> PracticeError {
    PracticeError::Refused { object: object.clone(), why: root(error) }
}

/// What the files of a drill hold.
fn wanted(word: &str) -> String {
    let lines: Vec<String> = (1..=FILES).map(|number| format!("{word} {number}\n")).collect();
    lines.concat()
}

/// Puts files with a word of this drill on the volume of a claim, and reads them again.
///
/// # Errors
/// When no container can, or they read otherwise.
pub async fn mark(client: &Client, seen: &Snapshot, claim: &ObjectRef, word: &str) -> Result<(), PracticeError> {
    let unmarked = |why: String| PracticeError::Unmarked { claim: claim.clone(), why };
    let said = ask(client, seen, claim, &MARK.replace("WORD", word)).await.map_err(unmarked)?;
    if said == wanted(word) { Ok(()) } else { Err(unmarked(format!("the files read {:?}", said.trim()))) }
}

/// Whether the files of a drill are there, as they were.
///
/// # Errors
/// When no container can tell.
pub async fn is_marked(client: &Client, seen: &Snapshot, claim: &ObjectRef, word: &str) -> Result<bool, PracticeError> {
    let said = ask(client, seen, claim, READ).await;
    said.map(|said| said == wanted(word)).map_err(|why| PracticeError::Unmarked { claim: claim.clone(), why })
}

/// The answer of the first container that has the whole volume mounted and can tell.
async fn ask(client: &Client, seen: &Snapshot, claim: &ObjectRef, script: &str) -> Result<String, String> {
    let mut last = "no running pod has it mounted".to_owned();
    for pod in holders(seen, claim) {
        for (container, path) in mounts(pod, claim) {
            match say_in(client, pod, (&container, &path), script).await {
                Ok((out, None)) => return Ok(out),
                Ok((_, Some(why))) | Err(why) => last = format!("{container}: {why}"),
            }
        }
    }
    Err(last)
}

/// Makes the loss. What can be kept is kept: the policy of the volume becomes Retain where the loss is not that of its bytes.
///
/// # Errors
/// When the API server refuses, or the loss is none that can be made here.
pub async fn strike(client: &Client, seen: &Snapshot, claim: &ObjectRef, kind: LossKind) -> Result<(), PracticeError> {
    let volume = seen.get(claim).and_then(|live| text(live, "/spec/volumeName"));
    let volume = volume.ok_or_else(|| PracticeError::Unbound(claim.clone()))?;
    let volume = ObjectRef::new("v1", "PersistentVolume", None, volume);
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    let claims: Api<PersistentVolumeClaim> =
        Api::namespaced(client.clone(), claim.namespace.as_deref().unwrap_or_default());
    let policy = |policy: &str| json!({"spec": {"persistentVolumeReclaimPolicy": policy}});
    match kind {
        LossKind::VolumeGoing => delete(&volumes, &volume, seen).await,
        LossKind::ClaimGoing => delete(&claims, claim, seen).await,
        LossKind::ClaimLost => {
            patch(&volumes, &volume, &policy("Retain")).await?;
            delete(&volumes, &volume, seen).await?;
            let_go(&volumes, &volume).await
        }
        LossKind::VolumeReleased => {
            patch(&volumes, &volume, &policy("Retain")).await?;
            delete(&claims, claim, seen).await?;
            let_go(&claims, claim).await
        }
        LossKind::ClaimGone => {
            patch(&volumes, &volume, &policy("Delete")).await?;
            delete(&claims, claim, seen).await?;
            let_go(&claims, claim).await?;
            gone(&volumes, &volume).await
        }
        LossKind::VolumeEmptied => {
            let said = ask(client, seen, claim, CLEAR).await;
            said.map(drop).map_err(|why| PracticeError::Unmarked { claim: claim.clone(), why })
        }
        other => Err(PracticeError::NotHere(other)),
    }
}

async fn delete<K>(api: &Api<K>, object: &ObjectRef, seen: &Snapshot) -> Result<(), PracticeError>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let uid = seen.get(object).and_then(|live| text(live, "/metadata/uid")).map(str::to_owned);
    let only = Preconditions { uid, resource_version: None };
    let deleted = api.delete(&object.name, &DeleteParams::default().preconditions(only)).await;
    deleted.map(drop).map_err(|error| refused(object, &error))
}

async fn patch<K>(api: &Api<K>, object: &ObjectRef, change: &Value) -> Result<(), PracticeError>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    send(api, object, change).await.map_err(|error| refused(object, &error))
}

async fn send<K>(api: &Api<K>, object: &ObjectRef, change: &Value) -> Result<(), kube::Error>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    api.patch(&object.name, &params, &Patch::Merge(change)).await.map(drop)
}

/// Past its finalizers; that it is gone already is as well.
async fn let_go<K>(api: &Api<K>, object: &ObjectRef) -> Result<(), PracticeError>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    match send(api, object, &json!({"metadata": {"finalizers": null}})).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        sent => sent.map_err(|error| refused(object, &error)),
    }
}

/// Waits until a provisioner has erased a volume: nothing tells a client that does not watch, and a drill looks once a second.
async fn gone(volumes: &Api<PersistentVolume>, volume: &ObjectRef) -> Result<(), PracticeError> {
    let deadline = Instant::now() + ERASED;
    while volumes.get_opt(&volume.name).await.map_err(|error| refused(volume, &error))?.is_some() {
        if Instant::now() >= deadline {
            return Err(PracticeError::Stays(volume.clone()));
        }
        sleep(LOOK).await;
    }
    Ok(())
}
