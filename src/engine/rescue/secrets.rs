//! Secrets on this machine's disk: a file that only the holders of keys can read, and beside it a list of what is in it. The list is
//! written last; a file without one is not whole.

pub mod envelope;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::api::PostParams;
use kube::core::{ApiResource, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::envelope::EnvelopeError;
use super::shelf::{self, ShelfError, checksum};
use crate::clusters::count;
use crate::doctor::{Cause, Outlook};
use crate::engine::apply::ApplyError;
use crate::engine::step::{Doing, Ending, done, unknown_kind};
use crate::error::Explain;
use crate::object::{ObjectRef, again, items, text};
use crate::plan::FIELD_MANAGER;
use crate::plan::verb::{Secrets, SecretsAct};
use crate::snapshot::collect::{Query, Scope, collect, url};

/// The encrypted file, in the folder of a backup or an export.
pub const FILE: &str = "secrets.json.age";

/// What a token of a service account is: a controller makes them, for accounts that have other uids afterwards.
const TOKEN: &str = "kubernetes.io/service-account-token";

/// Whether a Secret is somebody's: tokens of service accounts are made anew by themselves.
pub fn is_kept(secret: &Value) -> bool {
    text(secret, "/type") != Some(TOKEN)
}

/// What is in an encrypted file, for those who cannot read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// SHA-256 of the encrypted file, hexadecimal.
    pub sha256: String,
    /// The Secrets in it.
    pub secrets: Vec<ObjectRef>,
}

/// Where the list of a file is.
pub fn list_of(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{name}.list"))
}

/// What is in a file that is whole; `None`: it is not, or there is none.
pub fn listing(file: &Path) -> Option<Listing> {
    whole(file).map(|(listing, _)| listing)
}

/// What is in a file that is whole, and its bytes.
fn whole(file: &Path) -> Option<(Listing, Vec<u8>)> {
    let listing: Listing = serde_json::from_slice(&fs::read(list_of(file)).ok()?).ok()?;
    let sealed = fs::read(file).ok()?;
    (checksum(&sealed) == listing.sha256).then_some((listing, sealed))
}

/// Why Secrets could not be saved or read.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error("{}: not whole: the list of what is in it is missing, or is of another file", .0.display())]
    NotWhole(PathBuf),
    #[error("{}: {why}", path.display())]
    Strange { path: PathBuf, why: String },
}

fn strange(file: &Path, error: &dyn std::error::Error) -> Trouble {
    Trouble::Strange { path: file.to_owned(), why: error.to_string() }
}

impl Trouble {
    fn cause(&self) -> Cause {
        let (id, remedy) = match self {
            Self::Envelope(error) => (error.id(), error.hint()),
            Self::Shelf(error) => (error.id(), error.hint()),
            Self::NotWhole(_) | Self::Strange { .. } => {
                ("secrets-broken", Some("`seaworthy backup list --verify` shows which backups are whole".to_owned()))
            }
        };
        Cause { id: id.to_owned(), remedy, ..cause(&self.to_string()) }
    }
}

/// Encrypts and writes, each as it can be made again. The list comes last, and an encrypted file without one is replaced: nobody can say what is in it.
fn save(file: &Path, secrets: &[Value], recipients: &[String]) -> Result<Listing, Trouble> {
    let items: Vec<Value> = secrets.iter().map(again).collect();
    let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let sealed = envelope::seal(text.as_bytes(), recipients)?;
    shelf::replace(file, &sealed)?;
    let secrets = secrets.iter().filter_map(ObjectRef::of).collect();
    let listing = Listing { sha256: checksum(&sealed), secrets };
    let line = serde_json::to_string(&listing).map_err(|error| strange(file, &error))?;
    shelf::put(&list_of(file), format!("{line}\n").as_bytes())?;
    // Read again: what counts is what the disk has.
    self::listing(file).ok_or_else(|| Trouble::NotWhole(file.to_owned()))
}

/// The Secrets in a file.
fn read(file: &Path, identity: &Path) -> Result<Vec<Value>, Trouble> {
    let (_, sealed) = whole(file).ok_or_else(|| Trouble::NotWhole(file.to_owned()))?;
    let text = envelope::open(&sealed, identity)?;
    let list: Value = serde_json::from_slice(&text).map_err(|error| strange(file, &error))?;
    Ok(items(&list, "/items").cloned().collect())
}

/// What became of a Secret that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brought {
    Made,
    Same,
    /// There is one of that name that holds something else.
    Other,
}

impl Doing<'_> {
    pub(super) async fn secrets(&self, secrets: &Secrets, limit: Duration) -> Ending {
        let about = ObjectRef::new("v1", "Secret", secrets.namespace.as_deref(), "");
        let Some(resource) = self.context.resources.of(&about) else { return Ending::Failed(unknown_kind(&about)) };
        let work = async {
            match &secrets.act {
                SecretsAct::Save { recipients } => self.save_secrets((&about, resource), secrets, recipients).await,
                SecretsAct::Bring { identity } => self.bring_secrets((&about, resource), secrets, identity).await,
            }
        };
        let late = || cause(&format!("{}: not done within {} s", secrets.file, limit.as_secs()));
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Ending::Failed(late()))
    }

    async fn save_secrets(
        &self,
        (about, resource): (&ObjectRef, ApiResource),
        secrets: &Secrets,
        recipients: &[String],
    ) -> Ending {
        let file = PathBuf::from(&secrets.file);
        if let Some(known) = listing(&file) {
            return done(false, Some(format!("{} in {}", counted(known.secrets.len()), secrets.file)));
        }
        let query = Query { resource, namespace: secrets.namespace.clone(), scope: Scope::All };
        let read = || async { Ok::<_, ApplyError>(collect(&self.context.cluster.client, vec![query.clone()]).await?) };
        let seen = match self.patiently(about, read).await {
            Ok(seen) => seen,
            Err(ending) => return ending,
        };
        if let Some(unread) = seen.unread.first() {
            return Ending::Failed(cause(&format!("the Secrets may not be read: {}", unread.why)));
        }
        let own: Vec<Value> = seen.of_kind("", "Secret").filter(|secret| is_kept(secret)).cloned().collect();
        let recipients = recipients.to_vec();
        let keys = recipients.len();
        let work = move || save(&file, &own, &recipients);
        match self.context.cluster.clock.at_disk(work).await {
            Ok(Ok(known)) => {
                let note = format!("{} in {}, for {}", counted(known.secrets.len()), secrets.file, count(keys, "key"));
                done(true, Some(note))
            }
            Ok(Err(trouble)) => Ending::Failed(trouble.cause()),
            Err(error) => Ending::Failed(cause(&error.to_string())),
        }
    }

    async fn bring_secrets(
        &self,
        (about, resource): (&ObjectRef, ApiResource),
        secrets: &Secrets,
        identity: &str,
    ) -> Ending {
        let (file, identity) = (PathBuf::from(&secrets.file), PathBuf::from(identity));
        let objects = match self.context.cluster.clock.at_disk(move || read(&file, &identity)).await {
            Ok(Ok(objects)) => objects,
            Ok(Err(trouble)) => return Ending::Failed(trouble.cause()),
            Err(error) => return Ending::Failed(cause(&error.to_string())),
        };
        let (mut made, mut same, mut others) = (0, 0, Vec::new());
        for object in &objects {
            let Some(name) = ObjectRef::of(object) else { continue };
            match self.patiently(about, || self.bring(&resource, &name, object)).await {
                Ok(Brought::Made) => made += 1,
                Ok(Brought::Same) => same += 1,
                Ok(Brought::Other) => others.push(name.to_string()),
                Err(ending) => return ending,
            }
        }
        let mut note = format!("{made} made, {same} as they were");
        if !others.is_empty() {
            note = format!("{note}; left as they are, and hold something else: {}", others.join(", "));
        }
        done(made > 0, Some(note))
    }

    /// Makes one that is not there. What is there is compared, and left.
    async fn bring(&self, resource: &ApiResource, name: &ObjectRef, object: &Value) -> Result<Brought, ApplyError> {
        let client = &self.context.cluster.client;
        let place = url(resource, name.namespace.as_deref());
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
        let request = Request::new(&place).create(&params, body).map_err(kube::Error::BuildRequest)?;
        match client.request::<Value>(request).await {
            Ok(_) => return Ok(Brought::Made),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(error.into()),
        }
        let request = Request::new(&place)
            .get(&name.name, &kube::api::GetParams::default())
            .map_err(kube::Error::BuildRequest)?;
        let live: Value = client.request(request).await?;
        Ok(if live["data"] == object["data"] { Brought::Same } else { Brought::Other })
    }
}

fn counted(number: usize) -> String {
    format!("{number} Secret{}", if number == 1 { "" } else { "s" })
}

fn cause(message: &str) -> Cause {
    Cause {
        id: "secrets-failed".to_owned(),
        object: None,
        reason: "Secrets".to_owned(),
        message: message.to_owned(),
        remedy: Some("run the same command again; what is done is not done twice".to_owned()),
        outlook: Outlook::Stuck,
    }
}
