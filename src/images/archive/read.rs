//! From a file to the images that it says to hold.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use tar::EntryType;

use super::sum::checksum;
use super::{Archive, ArchiveError, Archived, DESCRIPTION, Flaw, Place};
use crate::images::full_name;

/// The size of the parts of a tar, in bytes; an empty one says that it ends. Source: POSIX.1-2017, `pax`.
pub(super) const RECORD: u64 = 512;
/// How often a link may lead to another one.
const LINKS: usize = 8;
/// The first bytes of what people compress archives with, and what unpacks it.
const PACKED: [(&[u8], &str); 4] =
    [(&[0x1f, 0x8b], "gunzip"), (&[0x28, 0xb5, 0x2f, 0xfd], "unzstd"), (b"\xfd7zXZ", "unxz"), (b"BZh", "bunzip2")];

/// An image in `manifest.json`. Source: moby, `image/tarexport/tarexport.go`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Row {
    pub(super) config: String,
    #[serde(default)]
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) layers: Vec<String>,
}

/// What matters here of an image's configuration. Source: OCI image-spec 1.1, `config.md`.
#[derive(Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    pub(super) os: String,
    #[serde(default)]
    pub(super) architecture: String,
    pub(super) rootfs: RootFs,
}

#[derive(Deserialize)]
pub(super) struct RootFs {
    #[serde(default)]
    pub(super) diff_ids: Vec<String>,
}

/// Reads what an archive holds: its table, and its descriptions. Layers are not read; `check` does.
///
/// # Errors
/// When it cannot be read, is none, is cut off, or describes what is not in it.
pub fn open(path: &Path) -> Result<Archive, ArchiveError> {
    let look = || {
        let mut file = File::open(path)?;
        let entries = entries(&mut file)?;
        let images = images(&mut file, &entries)?;
        Ok((entries, images))
    };
    let (entries, images) = look().map_err(|flaw: Flaw| flaw.of(path))?;
    Ok(Archive { file: path.to_owned(), images, entries })
}

fn entries(file: &mut File) -> Result<BTreeMap<String, Place>, Flaw> {
    let length = file.metadata()?.len();
    let mut first = Vec::new();
    file.by_ref().take(6).read_to_end(&mut first)?;
    if let Some((_, tool)) = PACKED.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Err(Flaw::Whole(format!("it is compressed; unpack it first with `{tool}`")));
    }
    if first.is_empty() {
        return Err(Flaw::Whole("it is empty".to_owned()));
    }
    file.seek(SeekFrom::Start(0))?;
    let (mut files, mut links) = (BTreeMap::new(), Vec::new());
    let mut archive = tar::Archive::new(&mut *file);
    let (mut before, mut end) = ("its beginning".to_owned(), 0);
    let cut = |before: &str, error: &std::io::Error| {
        Flaw::Whole(format!("it is no tar archive, or damaged, after {before}: {error}"))
    };
    for entry in archive.entries_with_seek()? {
        let entry = entry.map_err(|error| cut(&before, &error))?;
        let name = name(&entry.path_bytes());
        let place = Place { offset: entry.raw_file_position(), size: entry.size() };
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                if place.offset.saturating_add(place.size) > length {
                    let here = length.saturating_sub(place.offset);
                    let why = format!("the file ends in it, after {here} of {} bytes: it is cut off", place.size);
                    return Err(Flaw::entry(&name, why));
                }
                files.insert(name.clone(), place);
            }
            kind @ (EntryType::Symlink | EntryType::Link) => {
                let target = entry.link_name_bytes().unwrap_or_default();
                links.push((name.clone(), target_of(&name, &target, kind)));
            }
            _ => {}
        }
        before = crate::object::printable(&name);
        end = end.max(place.offset.saturating_add(place.size).next_multiple_of(RECORD));
    }
    if end.saturating_add(RECORD) > length {
        return Err(Flaw::Whole(format!("it has no end after {before}: it is cut off")));
    }
    follow(&mut files, links);
    Ok(files)
}

/// A path without what means nothing in it.
fn name(bytes: &[u8]) -> String {
    tidy(&String::from_utf8_lossy(bytes))
}

pub(super) fn tidy(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    kept.join("/")
}

/// A symbolic link leads on from its folder, a hard one from the root.
pub(super) fn target_of(name: &str, target: &[u8], kind: EntryType) -> String {
    let target = String::from_utf8_lossy(target);
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    if kind == EntryType::Symlink { tidy(&format!("{folder}/{target}")) } else { tidy(&target) }
}

/// Docker 20.10 saves a layer of two images once, and a link to it.
fn follow(files: &mut BTreeMap<String, Place>, links: Vec<(String, String)>) {
    let ways: BTreeMap<String, String> = links.into_iter().collect();
    for name in ways.keys() {
        let mut target = name;
        for _ in 0..LINKS {
            let Some(next) = ways.get(target) else { break };
            target = next;
        }
        if let Some(place) = files.get(target).copied() {
            files.insert(name.clone(), place);
        }
    }
}

fn images(file: &mut File, entries: &BTreeMap<String, Place>) -> Result<Vec<Archived>, Flaw> {
    if !entries.contains_key("manifest.json") {
        return Err(Flaw::Whole("it has no manifest.json: it is no archive of images, or cut off".to_owned()));
    }
    let rows: Vec<Row> = json(file, entries, "manifest.json")?;
    if rows.is_empty() {
        return Err(Flaw::entry("manifest.json", "it names no image"));
    }
    rows.into_iter().map(|row| image(file, entries, row)).collect()
}

fn image(file: &mut File, entries: &BTreeMap<String, Place>, row: Row) -> Result<Archived, Flaw> {
    let name = tidy(&row.config);
    let text = whole(file, entries, &name)?;
    let sum = checksum(&text);
    if named_sum(&name).is_some_and(|named| named != sum) {
        return Err(Flaw::entry(&name, format!("its checksum is {sum}: it was altered, or damaged")));
    }
    let config = parse_config(&name, &text, row.layers.len())?;
    let layers = row.layers.iter().map(|layer| tidy(layer)).zip(config.rootfs.diff_ids).collect::<Vec<_>>();
    if let Some((missing, _)) = layers.iter().find(|(layer, _)| !entries.contains_key(layer)) {
        return Err(Flaw::entry(missing, "a layer that manifest.json names is not in the archive"));
    }
    Ok(Archived {
        names: row.repo_tags.unwrap_or_default().iter().map(|name| full_name(name)).collect(),
        id: format!("sha256:{sum}"),
        os: config.os,
        architecture: config.architecture,
        config: name,
        layers,
    })
}

/// An image's configuration, which has to know as many layers as there are.
pub(super) fn parse_config(name: &str, text: &[u8], layers: usize) -> Result<Config, Flaw> {
    let config: Config = serde_json::from_slice(text)
        .map_err(|error| Flaw::entry(name, format!("it is no configuration of an image: {error}")))?;
    let known = config.rootfs.diff_ids.len();
    if known != layers {
        return Err(Flaw::entry(name, format!("it knows {known} layers, and manifest.json names {layers}")));
    }
    Ok(config)
}

/// The checksum that an entry's name says it has: `blobs/sha256/HEX`, or Docker's `HEX.json`.
pub(super) fn named_sum(entry: &str) -> Option<&str> {
    let last = entry.rsplit('/').next().unwrap_or_default();
    let sum = last.strip_suffix(".json").unwrap_or(last);
    let told = entry.starts_with(super::BLOBS) || last.len() > sum.len();
    (told && super::sum::is_sum(sum)).then_some(sum)
}

pub(super) fn json<T: serde::de::DeserializeOwned>(
    file: &mut File,
    entries: &BTreeMap<String, Place>,
    name: &str,
) -> Result<T, Flaw> {
    let text = whole(file, entries, name)?;
    serde_json::from_slice(&text).map_err(|error| Flaw::entry(name, format!("it cannot be understood: {error}")))
}

/// A description, whole.
pub(super) fn whole(file: &mut File, entries: &BTreeMap<String, Place>, name: &str) -> Result<Vec<u8>, Flaw> {
    let place = entries.get(name).ok_or_else(|| Flaw::entry(name, "it is not in the archive"))?;
    if place.size > DESCRIPTION {
        return Err(Flaw::entry(name, format!("it has {} bytes, and should only describe something", place.size)));
    }
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(place.offset))?;
    file.by_ref().take(place.size).read_to_end(&mut text)?;
    Ok(text)
}
