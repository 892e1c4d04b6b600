//! The sandbox on disk: `$STATE/sandbox/KIND.json`, whole or not at all, and one process at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Address;
use super::ids::Ids;
use super::kind::Kind;
use super::store::Store;
use super::world::{Remains, World};
use crate::error::{Class, Explain};
use crate::file_lock::FileLock;
use crate::object::printable;
use crate::plan::{NAMESPACE_LABEL, STACK_LABEL};
use crate::stack::Catalogue;

/// The version of this format.
const FORMAT: u32 = 1;

/// Why a kept sandbox is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The disk refuses.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} is no sandbox that this version can read: {why}", path = path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// Another process has it.
    #[error("the sandbox {kind} is in use by another seaworthy process{}", .holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Busy {
        /// Which sandbox.
        kind: Kind,
        /// Which process, where the system tells.
        holder: Option<String>,
    },
}

impl Explain for SandboxError {
    fn id(&self) -> &'static str {
        match self {
            Self::Io { .. } => "sandbox-io",
            Self::Broken { .. } => "sandbox-broken",
            Self::Busy { .. } => "sandbox-busy",
        }
    }

    fn class(&self) -> Class {
        Class::Failed
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => "make room, or choose another folder with SEAWORTHY_STATE_DIR".to_owned(),
            Self::Broken { .. } => {
                "`seaworthy sandbox reset` begins a new one; nothing in a sandbox is real".to_owned()
            }
            Self::Busy { .. } => {
                "the home screen and `seaworthy sandbox serve` keep it as long as they run, other commands until they end: end \
                 it there; a sandbox of its own comes with another SEAWORTHY_STATE_DIR"
                    .to_owned()
            }
        })
    }
}

/// A sandbox as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    format: u32,
    kind: Kind,
    version: u64,
    ids: Ids,
    remains: Remains,
    objects: Vec<Placed>,
}

/// An object and the plural under which it is served.
#[derive(Serialize, Deserialize)]
struct Placed {
    plural: String,
    object: Value,
}

/// The file of a sandbox, locked for this process.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    _lock: FileLock,
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> SandboxError + '_ {
    move |source| SandboxError::Io { path: path.to_owned(), source }
}

fn paths(state: &Path, kind: Kind) -> (PathBuf, PathBuf) {
    let folder = state.join("sandbox");
    (folder.join(format!("{kind}.json")), folder.join(format!("{kind}.lock")))
}

fn locked(state: &Path, kind: Kind) -> Result<(PathBuf, FileLock), SandboxError> {
    let (path, lock) = paths(state, kind);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io(folder))?;
    }
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&lock).map_err(io(&lock))?;
    let Some(mut held) = FileLock::take(file).map_err(io(&lock))? else {
        return Err(SandboxError::Busy { kind, holder: holder(&lock) });
    };
    // Who has it is only for people: the lock itself is the system's.
    let _ = held.set_len(0).and_then(|()| write!(held, "{}", std::process::id()));
    Ok((path, held))
}

/// Words of a command line that are shown: more may hold what is nobody's business.
const WORDS: usize = 3;

/// The process that has a lock, with the first words of its command line where the system shows them.
fn holder(lock: &Path) -> Option<String> {
    let pid: u32 = fs::read_to_string(lock).ok()?.trim().parse().ok()?;
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).into_owned();
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let words = line.split('\0').take_while(|word| !word.starts_with('-') && !word.is_empty()).take(WORDS).map(name);
    let words = words.collect::<Vec<_>>().join(" ");
    Some(if words.is_empty() { format!("process {pid}") } else { format!("`{}`, process {pid}", printable(&words)) })
}

/// Forgets a kept sandbox. Whether there was one.
///
/// # Errors
/// When another process has it, or the disk refuses.
pub fn reset(state: &Path, kind: Kind) -> Result<bool, SandboxError> {
    let (path, _lock) = locked(state, kind)?;
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io(&path)(error)),
    }
}

/// Kinds that stay when a stack is taken away.
const STAYS: [&str; 4] = ["PersistentVolumeClaim", "PersistentVolume", "Namespace", "Secret"];

/// How many stacks are in a kept sandbox; `None`: there is none. Whoever has it open may have changed it since.
///
/// # Errors
/// When the file cannot be read, or is none of a sandbox.
pub fn used(state: &Path, kind: Kind) -> Result<Option<usize>, SandboxError> {
    let (path, _) = paths(state, kind);
    let world = match fs::read(&path) {
        Ok(bytes) => read(&path, kind, &bytes)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(&path)(error)),
    };
    let below = Catalogue::prerequisites().names();
    let of = |(_, object): (&Address, &Value)| {
        let label = |label: &str| object["metadata"]["labels"][label].as_str().map(str::to_owned);
        let stays = object["kind"].as_str().is_none_or(|kind| STAYS.contains(&kind));
        Some((label(STACK_LABEL)?, label(NAMESPACE_LABEL)?)).filter(|(stack, _)| !stays && !below.contains(stack))
    };
    Ok(Some(world.store.iter().filter_map(of).collect::<BTreeSet<_>>().len()))
}

impl Held {
    /// Locks the file and reads what is in it.
    pub(super) fn open(state: &Path, kind: Kind) -> Result<(Self, Option<World>), SandboxError> {
        let (path, lock) = locked(state, kind)?;
        let world = match fs::read(&path) {
            Ok(bytes) => Some(read(&path, kind, &bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(&path)(error)),
        };
        Ok((Self { path, _lock: lock }, world))
    }

    /// Writes everything beside the file, and puts it in its place.
    pub(super) fn write(&self, world: &World) -> Result<(), SandboxError> {
        let placed =
            |(address, object): (&Address, &Value)| Placed { plural: address.plural.clone(), object: object.clone() };
        let kept = Kept {
            format: FORMAT,
            kind: world.kind,
            version: world.store.version,
            ids: world.store.ids.clone(),
            remains: world.remains(),
            objects: world.store.iter().map(placed).collect(),
        };
        let bytes = serde_json::to_vec(&kept).map_err(|error| io(&self.path)(error.into()))?;
        let beside = self.path.with_extension("new");
        let write = || {
            let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
            file.write_all(&bytes)?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(io(&self.path))
    }
}

fn read(path: &Path, kind: Kind, bytes: &[u8]) -> Result<World, SandboxError> {
    let broken = |why: String| SandboxError::Broken { path: path.to_owned(), why };
    let document: Value = serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
    if document["format"] != FORMAT {
        return Err(broken(format!("its format is {}, not {FORMAT}", document["format"])));
    }
    let kept: Kept = serde_json::from_value(document).map_err(|error| broken(error.to_string()))?;
    if kept.kind != kind {
        return Err(broken(format!("it is a sandbox {}", kept.kind)));
    }
    let place = |placed: Placed| {
        let reference =
            ObjectRef::of(&placed.object).ok_or_else(|| broken("an object without a name is in it".to_owned()))?;
        let address =
            Address::new(&reference.api_version, &placed.plural, reference.namespace.as_deref(), &reference.name);
        Ok((address, placed.object))
    };
    let objects = kept.objects.into_iter().map(place).collect::<Result<_, SandboxError>>()?;
    Ok(World::new(kind, Store::restored(objects, kept.version, kept.ids), kept.remains))
}

use crate::object::ObjectRef;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;

    #[test]
    fn a_sandbox_is_kept_and_reset_and_belongs_to_one() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let first = Sandbox::open(folder.path(), Kind::Ha).unwrap();
        let Err(busy) = Sandbox::open(folder.path(), Kind::Ha) else { panic!("two have it") };
        let said = busy.to_string();
        assert!(said.ends_with(&format!("process {}", std::process::id())), "{said}");
        let before = first.objects();
        assert_eq!(before.iter().filter(|object| object["kind"] == "Node").count(), 3);
        drop(first);
        assert_eq!(Sandbox::open(folder.path(), Kind::Ha).unwrap().objects(), before);
        assert!(reset(folder.path(), Kind::Ha).unwrap() && !reset(folder.path(), Kind::Ha).unwrap());
        assert_ne!(Sandbox::open(folder.path(), Kind::Ha).unwrap().objects(), before);
    }

    #[test]
    fn what_is_in_a_kept_sandbox_is_counted_by_stacks() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(used(folder.path(), Kind::Ha).unwrap(), None, "nobody was there");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        drop(Sandbox::open(folder.path(), Kind::Ha).unwrap());
        assert_eq!(used(folder.path(), Kind::Ha).unwrap(), Some(0));
        let path = folder.path().join("sandbox/ha.json");
        let mut document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let object = |kind: &str, name: &str, stack: &str| {
            let labels = serde_json::json!({STACK_LABEL: stack, NAMESPACE_LABEL: "sea"});
            let metadata = serde_json::json!({"name": name, "namespace": "sea", "labels": labels});
            serde_json::json!({"plural": "x", "object": {"apiVersion": "v1", "kind": kind, "metadata": metadata}})
        };
        // One stack of two objects, one of which only a claim is left, and what is no stack to a person.
        let added = [
            object("Service", "a", "shop"),
            object("ConfigMap", "b", "shop"),
            object("PersistentVolumeClaim", "c", "gone"),
            object("Service", "d", "metallb"),
        ];
        document["objects"].as_array_mut().unwrap().extend(added);
        fs::write(&path, document.to_string()).unwrap();
        assert_eq!(used(folder.path(), Kind::Ha).unwrap(), Some(1));
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("sandbox")).unwrap();
        for text in ["{", "{\"format\": 9}", "{\"format\": 1, \"kind\": \"ha\"}"] {
            let path = folder.path().join("sandbox/ha.json");
            fs::write(&path, text).unwrap();
            let error = Sandbox::open(folder.path(), Kind::Ha).err().unwrap();
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
            assert!(error.hint().unwrap().contains("reset"));
        }
    }
}
