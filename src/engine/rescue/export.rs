//! Objects on this machine's disk: a file each, a list of checksums last. A folder with that list is whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::shelf::{self, ShelfError, checksum};
use crate::doctor::{Cause, Outlook};
use crate::engine::apply::ApplyError;
use crate::engine::step::{Doing, Ending, done, unknown_kind};
use crate::error::Explain as _;
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Pinned, Selection};
use crate::snapshot::Snapshot;
use crate::snapshot::collect::{Query, Scope, collect};

/// The file that is written last, in the form of `sha256sum`.
pub const SUMS: &str = "SHA256SUMS";

impl Doing<'_> {
    pub(super) async fn export(
        &self,
        (folder, selections, must): (&str, &[Selection], &[Pinned]),
        limit: Duration,
    ) -> Ending {
        let (folder, must) = (PathBuf::from(folder), must.to_vec());
        // Only a run that is taken up again may find its own export; without a journal there is none.
        if self.journal.is_some()
            && let Some((whole, files)) = whole(&folder, &must)
        {
            return done(false, Some(format!("{files} files in {}", whole.display())));
        }
        let seen = match tokio::time::timeout(limit, self.select(selections)).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(ending)) => return ending,
            Err(_) => return Ending::Failed(late(&folder, limit)),
        };
        if let Some(missing) = must.iter().find(|pinned| !holds(&seen, pinned)) {
            return Ending::Failed(gone(missing));
        }
        // The disk may take its time; nothing else of the run needs to wait for it.
        let written = self.context.cluster.clock.at_disk(move || write(&folder, &seen)).await;
        match written {
            Ok(Ok((folder, files))) => done(true, Some(format!("{files} files in {}", folder.display()))),
            Ok(Err(error)) => Ending::Failed(unkept(&error)),
            Err(error) => Ending::Failed(broken(&error.to_string())),
        }
    }

    async fn select(&self, selections: &[Selection]) -> Result<Snapshot, Ending> {
        let mut queries = Vec::new();
        for selection in selections {
            let kind = ObjectRef::new(&selection.api_version, &selection.kind, selection.namespace.as_deref(), "");
            let Some(resource) = self.context.resources.of(&kind) else {
                return Err(Ending::Failed(unknown_kind(&kind)));
            };
            queries.push(Query { resource, namespace: selection.namespace.clone(), scope: Scope::All });
        }
        let about = ObjectRef::new("v1", "List", None, "export");
        let read = || async { Ok::<_, ApplyError>(collect(&self.context.cluster.client, queries.clone()).await?) };
        self.patiently(&about, read).await
    }
}

fn holds(seen: &Snapshot, pinned: &Pinned) -> bool {
    seen.get(&pinned.object).is_some_and(|live| text(live, "/metadata/uid") == Some(&pinned.uid))
}

/// An export of this name that is whole and holds what it must. A later one of the same name has a number.
pub(super) fn whole(folder: &Path, must: &[Pinned]) -> Option<(PathBuf, usize)> {
    candidates(folder).take_while(|folder| folder.exists()).find_map(|folder| {
        let files = verified(&folder)?;
        let has = |pinned: &Pinned| {
            let text = fs::read(folder.join(file_of(&pinned.object))).ok();
            let live: Option<Value> = text.and_then(|text| serde_json::from_slice(&text).ok());
            live.is_some_and(|live| live["metadata"]["uid"] == pinned.uid)
        };
        must.iter().all(has).then_some((folder, files))
    })
}

fn candidates(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = folder.to_owned();
    (1..)
        .map(move |number| if number == 1 { folder.clone() } else { folder.with_file_name(format!("{name}-{number}")) })
}

/// How many files an export has, when its list of checksums is there and every file on it is as it says.
pub fn verified(folder: &Path) -> Option<usize> {
    let sums = fs::read_to_string(folder.join(SUMS)).ok()?;
    let fits = |line: &str| {
        let (sum, path) = line.split_once("  ")?;
        let text = fs::read(folder.join(path)).ok()?;
        (checksum(&text) == sum).then_some(())
    };
    let lines: Vec<&str> = sums.lines().collect();
    lines.iter().all(|line| fits(line).is_some()).then_some(lines.len())
}

/// `PersistentVolume/name.json`, `Deployment/namespace/name.json`.
fn file_of(object: &ObjectRef) -> PathBuf {
    let folder = object.namespace.as_ref().map_or_else(PathBuf::new, PathBuf::from);
    Path::new(&object.kind).join(folder).join(format!("{}.json", object.name))
}

/// Writes into the first folder of this name that is not begun.
fn write(folder: &Path, seen: &Snapshot) -> Result<(PathBuf, usize), ShelfError> {
    let is_empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut files| files.next().is_none());
    let free = candidates(folder).find(|folder| !folder.exists() || is_empty(folder));
    let folder = free.unwrap_or_else(|| folder.to_owned());
    let mut sums = BTreeMap::new();
    for object in seen.objects() {
        let Some(reference) = ObjectRef::of(object) else { continue };
        let path = file_of(&reference);
        let sum = shelf::put(&folder.join(&path), format!("{object:#}\n").as_bytes())?;
        sums.insert(path, sum);
    }
    let lines: Vec<String> = sums.iter().map(|(path, sum)| format!("{sum}  {}\n", path.display())).collect();
    let unread: Vec<String> = seen.unread.iter().map(|unread| format!("{}: {}\n", unread.kind, unread.why)).collect();
    if !unread.is_empty() {
        shelf::put(&folder.join("could-not-be-read.txt"), unread.concat().as_bytes())?;
    }
    shelf::put(&folder.join(SUMS), lines.concat().as_bytes())?;
    Ok((folder, sums.len()))
}

fn gone(missing: &Pinned) -> Cause {
    Cause {
        id: "export-gone".to_owned(),
        object: Some(missing.object.clone()),
        reason: "Gone".to_owned(),
        message: format!("it is not there any more as uid {}, and was not saved; nothing was changed", missing.uid),
        remedy: Some("`seaworthy recover` recognises what is lost now".to_owned()),
        outlook: Outlook::Final,
    }
}

fn unkept(error: &ShelfError) -> Cause {
    Cause { id: error.id().to_owned(), remedy: error.hint(), ..broken(&error.to_string()) }
}

fn late(folder: &Path, limit: Duration) -> Cause {
    broken(&format!("{}: the objects could not be read within {} s", folder.display(), limit.as_secs()))
}

fn broken(message: &str) -> Cause {
    Cause {
        id: "export-failed".to_owned(),
        object: None,
        reason: "Export".to_owned(),
        message: message.to_owned(),
        remedy: Some("run the same command again; nothing was changed".to_owned()),
        outlook: Outlook::Stuck,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn volume(uid: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv", "uid": uid}})
    }

    fn snapshot(uid: &str) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.insert(volume(uid));
        snapshot.insert(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n", "uid": "c"}}),
        );
        snapshot
    }

    #[test]
    fn an_export_is_whole_only_with_its_list_and_a_second_one_gets_a_number() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("x");
        let must = [Pinned::of(&volume("1")).unwrap()];
        assert_eq!(whole(&folder, &must), None);
        assert_eq!(write(&folder, &snapshot("1")).unwrap(), (folder.clone(), 2));
        assert_eq!(whole(&folder, &must), Some((folder.clone(), 2)));
        // A kill before the list: what is there is left alone, and the next one is another folder.
        fs::remove_file(folder.join(SUMS)).unwrap();
        assert_eq!(whole(&folder, &must), None);
        let second = home.path().join("x-2");
        assert_eq!(write(&folder, &snapshot("1")).unwrap().0, second);
        assert_eq!(whole(&folder, &must), Some((second.clone(), 2)));
        assert_eq!(whole(&folder, &[Pinned::of(&volume("2")).unwrap()]), None);
        fs::write(second.join("PersistentVolume/pv.json"), "{}").unwrap();
        assert_eq!(verified(&second), None, "a file that was changed is not what was saved");
    }
}
