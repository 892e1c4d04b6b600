//! What the programs by which a volume is copied would say and do: every file belongs to root here and is 0644, every folder 0755, and
//! there are no links.

use std::collections::BTreeSet;
use std::io::Read as _;

use serde_json::Value;

use super::{Course, Ended, Then, is_folder};
use crate::engine::rescue::copy::{CLEAR, IN, LIST, OUT, PROBE, SIZE, TAKE};
use crate::engine::rescue::shelf::checksum;
use crate::object::text;
use crate::sandbox::disks::Files;
use crate::sandbox::etcd::SNAPSHOT;
use crate::sandbox::world::World;

/// What a file takes on a disk, KiB.
const LEAST: usize = 4;

/// A command that nobody here knows.
pub(super) fn unknown() -> Ended {
    Ended::badly(127, "the sandbox: nothing runs here, and nothing but counting and copying files is simulated\n")
}

/// Runs one of the scripts in a folder that is mounted.
pub(super) fn run(world: &mut World, container: &Value, place: &str, (script, rest): (&str, &[&str])) -> Course {
    let image = text(container, "/image").unwrap_or_default();
    let files = world.disks.files(place).cloned().unwrap_or_default();
    let has_tar = !world.suffers("no-tar", image);
    let course = match (script, rest) {
        (PROBE, []) if has_tar => Ended::well(""),
        (PROBE, []) => Ended::badly(127, "it has no tar\n"),
        (SIZE, []) => Ended::well(format!("{}\t{place}\n", kib(&files))),
        (LIST, []) => Ended::well(list(&files)),
        (OUT, []) if has_tar => Ended::well(cut_short(world, pack(&files))),
        (CLEAR, []) => clear(world, place),
        (IN, [length]) if has_tar => {
            return Course::Hears(place.to_owned(), length.parse().unwrap_or(0), Then::Unpack);
        }
        (TAKE, [length, sum]) => {
            return Course::Hears(place.to_owned(), length.parse().unwrap_or(0), Then::Keep((*sum).to_owned()));
        }
        (OUT | IN, _) => Ended::badly(127, "sh: tar: not found\n"),
        _ => unknown(),
    };
    Course::Ends(course)
}

fn clear(world: &mut World, place: &str) -> Ended {
    if let Some(why) = world.disk_refuses(place) {
        return Ended::badly(1, format!("rm: {}\n", why.said()));
    }
    world.disks.make(place).clear();
    Ended::well("")
}

fn kib(files: &Files) -> usize {
    files.values().map(|content| content.len().div_ceil(1024).next_multiple_of(LEAST).max(LEAST)).sum::<usize>() + LEAST
}

/// Every folder above the files, and those that are empty; not the root.
fn folders(files: &Files) -> BTreeSet<&str> {
    let above = |name: &'_ str| -> Vec<usize> { name.match_indices('/').map(|(place, _)| place).collect() };
    files.keys().flat_map(|name| above(name).into_iter().map(move |place| &name[..place])).collect()
}

fn list(files: &Files) -> Vec<u8> {
    let mut said = b"d 755 0 0 4096 - .\0".to_vec();
    for folder in folders(files) {
        said.extend(format!("d 755 0 0 4096 - ./{folder}\0").bytes());
    }
    for (name, content) in files.iter().filter(|(name, _)| !is_folder(name)) {
        said.extend(format!("f 644 0 0 {} {} ./{name}\0", content.len(), checksum(content)).bytes());
    }
    said.extend(b"end\0");
    said
}

fn header(kind: tar::EntryType, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

fn pack(files: &Files) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    // A buffer takes everything.
    let _ = archive.append_data(&mut header(tar::EntryType::Directory, 0), "./", std::io::empty());
    for folder in folders(files) {
        let _ =
            archive.append_data(&mut header(tar::EntryType::Directory, 0), format!("./{folder}/"), std::io::empty());
    }
    for (name, content) in files.iter().filter(|(name, _)| !is_folder(name)) {
        let mut header = header(tar::EntryType::Regular, content.len());
        let _ = archive.append_data(&mut header, format!("./{name}"), content.as_slice());
    }
    archive.into_inner().unwrap_or_default()
}

/// As the fault has it: so many times, or always.
fn cut_short(world: &mut World, mut archive: Vec<u8>) -> Vec<u8> {
    let Some(times) = world.faults.get("copy-truncated").and_then(|targets| targets.first()).cloned() else {
        return archive;
    };
    let left = times.parse::<u32>().ok();
    match left {
        Some(0) => return archive,
        Some(left) => drop(world.faults.insert("copy-truncated".to_owned(), vec![(left - 1).to_string()])),
        None => {}
    }
    archive.truncate(archive.len() * 2 / 3 / 512 * 512);
    archive
}

/// A snapshot that came whole gets its name; another one does not.
pub(super) fn keep(world: &mut World, place: &str, heard: Vec<u8>, sum: &str) -> Ended {
    if let Some(why) = world.disk_refuses(place) {
        return Ended::badly(1, format!("{SNAPSHOT}: {}\n", why.said()));
    }
    if checksum(&heard) != sum {
        return Ended::badly(1, "");
    }
    world.disks.make(place).insert(SNAPSHOT.to_owned(), heard);
    Ended::well("")
}

/// Unpacks an archive in a folder.
pub(super) fn unpack(world: &mut World, place: &str, archive: &[u8]) -> Ended {
    if let Some(why) = world.disk_refuses(place) {
        return Ended::badly(1, format!("tar: {}\n", why.said()));
    }
    let mut archive = tar::Archive::new(archive);
    let mut found = Files::new();
    let mut read = || -> std::io::Result<()> {
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = name.trim_start_matches("./").to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            match entry.header().entry_type() {
                tar::EntryType::Directory if name.is_empty() => {}
                tar::EntryType::Directory => drop(found.insert(format!("{}/", name.trim_end_matches('/')), content)),
                tar::EntryType::Regular => drop(found.insert(name, content)),
                other => return Err(std::io::Error::other(format!("{name}: the sandbox has no {other:?}"))),
            }
        }
        Ok(())
    };
    match read() {
        Ok(()) => {
            // A folder with something in it shows by that.
            let names: Vec<String> = found.keys().cloned().collect();
            let has_more = |name: &String| names.iter().any(|other| other != name && other.starts_with(name.as_str()));
            found.retain(|name, _| !is_folder(name) || !has_more(name));
            world.disks.make(place).extend(found);
            Ended::well("")
        }
        Err(error) => Ended::badly(1, format!("tar: {error}\n")),
    }
}
