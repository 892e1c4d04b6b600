//! `etcdutl snapshot restore`, as far as it matters: a container of that command ends with a member's database on its volume, made of the
//! snapshot that the container before it has taken in. Words and refusals are those of etcd 3.6.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::data::{Data, Peer, number};
use crate::engine::rescue::copy::WAIT;
use crate::etcd::SUM;
use crate::object::items;
use crate::sandbox::containers;
use crate::sandbox::world::World;

/// The name of the file that is taken in.
pub(in crate::sandbox) const SNAPSHOT: &str = "snapshot.db";

fn words(container: &Value) -> Vec<&str> {
    items(container, "/command").filter_map(Value::as_str).collect()
}

/// Whether a container waits for a snapshot that has not come.
pub(in crate::sandbox) fn waits(world: &World, pod: &Value, container: &Value) -> bool {
    let command = words(container);
    if command.get(2) != Some(&WAIT) {
        return false;
    }
    let folder = command.get(4).and_then(|path| containers::own_folder(pod, container, path));
    let files = folder.and_then(|folder| world.disks.files(&folder));
    !files.is_some_and(|files| files.contains_key(SNAPSHOT))
}

/// Whether a container is one of the two: they leave nothing else on volumes.
pub(in crate::sandbox) fn is_seed(container: &Value) -> bool {
    words(container).get(2) == Some(&WAIT) || is_maker(container)
}

/// Whether a container makes a database of a snapshot.
fn is_maker(container: &Value) -> bool {
    let command = words(container);
    command.first().is_some_and(|program| program.starts_with("etcd"))
        && command.get(1..3) == Some(&["snapshot", "restore"])
}

/// What an earlier try has left goes, when the container is one that takes it away.
pub(in crate::sandbox) fn clear(world: &mut World, pod: &Value, container: &Value) {
    let command = words(container);
    let (Some(&WAIT), Some(folder)) = (command.get(2), command.get(5).filter(|folder| !folder.is_empty())) else {
        return;
    };
    let folders = containers::folders(world, pod, container).into_iter();
    let places: Vec<String> = folders.filter(|(path, _)| folder.starts_with(path)).map(|(_, place)| place).collect();
    for place in places {
        world.disks.make(&place).retain(|name, _| !name.starts_with("member/"));
    }
}

/// Makes it, when the container is one that does; its last words, when it does not come to that.
pub(in crate::sandbox) fn make(world: &mut World, pod: &Value, container: &Value) -> Result<(), String> {
    if !is_maker(container) {
        return Ok(());
    }
    let command = words(container);
    let flags: BTreeMap<&str, &str> =
        command.iter().filter_map(|word| word.strip_prefix("--")?.split_once('=')).collect();
    let flag = |name: &str| flags.get(name).copied().unwrap_or_default();
    let snapshot = command.get(3).and_then(|path| {
        let folder = containers::own_folder(pod, container, path.rsplit_once('/')?.0)?;
        world.disks.files(&folder)?.get(SNAPSHOT).cloned()
    });
    let snapshot = snapshot.ok_or("Error: open snapshot.db: no such file or directory")?;
    let place =
        containers::folders(world, pod, container).into_iter().find(|(path, _)| flag("data-dir").starts_with(path));
    let (_, place) = place.ok_or("Error: mkdir: permission denied")?;
    if Data::read(world, &place) != Ok(None) {
        return Err(format!("Error: data-dir \"{}\" not empty or could not be read", flag("data-dir")));
    }
    let (was, sum) = snapshot.split_at_checked(snapshot.len().saturating_sub(SUM)).unwrap_or_default();
    if Sha256::digest(was)[..] != *sum {
        return Err("Error: expected sha256, got another".to_owned());
    }
    // The file of a database is a whole number of pages, and what is behind the text is nothing.
    let end = was.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let was: Data = serde_json::from_slice(&was[..end]).map_err(|error| format!("Error: invalid database: {error}"))?;
    let peer = |pair: &str| {
        let (name, url) = pair.split_once('=')?;
        let id = number(&format!("{url}/{}", flag("initial-cluster-token")));
        Some(Peer { id, name: name.to_owned(), url: url.to_owned(), started: true })
    };
    let members: Vec<Peer> = flag("initial-cluster").split(',').filter_map(peer).collect();
    let founded = Data::founded(members, flag("initial-cluster-token"), flag("name"));
    let founded = founded.ok_or_else(|| {
        format!("Error: couldn't find local name \"{}\" in the initial cluster configuration", flag("name"))
    })?;
    // What was written stays; who wrote it, and what had been agreed on among those who are gone, does not.
    Data {
        revision: was.revision,
        compacted: was.compacted,
        keys: was.keys,
        size: was.size,
        in_use: was.in_use,
        ..founded
    }
    .write(world, &place);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_its_own_command_makes_anything() {
        assert!(is_maker(&json!({"command": ["etcdutl", "snapshot", "restore", "/seed/snapshot.db"]})));
        assert!(is_maker(&json!({"command": ["etcdctl", "snapshot", "restore", "/seed/snapshot.db"]})));
        assert!(!is_maker(&json!({"command": ["/usr/local/bin/etcd"]})));
        assert!(!is_maker(&json!({"command": ["etcdctl", "snapshot", "save", "x"]})));
        assert!(!is_maker(&json!({})));
    }
}
