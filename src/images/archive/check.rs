//! Proving that an archive is what it says: every checksum, before anything of it is used.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use serde_json::Value;

use super::layout::Blob;
use super::read::{json, whole};
use super::sum::{checksum, compression, copy, is_sum};
use super::{Archive, ArchiveError, BLOBS, Flaw, List, Place};

/// Reads all of an archive.
///
/// # Errors
/// The first thing that is not as it has to be: altered, missing, or of which nothing says how it has to be.
pub fn check(archive: &Archive) -> Result<(), ArchiveError> {
    let look = || {
        let mut file = File::open(&archive.file)?;
        list(&mut file, archive)?;
        index(&mut file, archive)?;
        let mut seen = BTreeSet::new();
        for (entry, place) in archive.entries.iter().filter(|(entry, _)| entry.starts_with(BLOBS)) {
            let sum = sum_of(&mut file, *place)?.sum;
            let named = &entry[BLOBS.len()..];
            if is_sum(named) && sum != named {
                return Err(altered(entry, &sum));
            }
            seen.insert(entry.as_str());
        }
        let layers = archive.images.iter().flat_map(|image| &image.layers);
        for (entry, content) in layers {
            if !seen.contains(entry.as_str()) {
                layer(&mut file, archive, entry, content)?;
                seen.insert(entry);
            }
        }
        Ok(())
    };
    look().map_err(|flaw: Flaw| flaw.of(&archive.file))
}

/// A layer that lies under a name that says nothing: its content has to be what the image's configuration says.
fn layer(file: &mut File, archive: &Archive, entry: &str, content: &str) -> Result<(), Flaw> {
    let place = archive.entries.get(entry).copied().ok_or_else(|| Flaw::entry(entry, "it is not in the archive"))?;
    let Blob { sum, first, .. } = sum_of(file, place)?;
    if format!("sha256:{sum}") == content {
        return Ok(());
    }
    match compression(first) {
        Some(how) => {
            Err(Flaw::entry(entry, format!("a layer compressed with {how}, and nothing says which checksum it has")))
        }
        None => Err(altered(entry, &sum)),
    }
}

fn altered(entry: &str, sum: &str) -> Flaw {
    Flaw::entry(entry, format!("its checksum is {sum}: it was altered, or damaged"))
}

fn sum_of(file: &mut File, place: Place) -> io::Result<Blob> {
    file.seek(SeekFrom::Start(place.offset))?;
    copy(file.by_ref().take(place.size), &mut io::sink())
}

/// Our own list, where there is one: the descriptions are as it says, and speak of the same images.
fn list(file: &mut File, archive: &Archive) -> Result<(), Flaw> {
    if !archive.entries.contains_key("images.json") {
        return Ok(());
    }
    let list: List = json(file, &archive.entries, "images.json")?;
    for (name, wanted) in &list.files {
        let sum = checksum(&whole(file, &archive.entries, name)?);
        if sum != *wanted {
            return Err(altered(name, &sum));
        }
    }
    let listed: BTreeSet<(&str, &str)> =
        list.images.iter().map(|image| (image.name.as_str(), image.id.as_str())).collect();
    let there: BTreeSet<(&str, &str)> = archive
        .images
        .iter()
        .flat_map(|image| image.names.iter().map(move |name| (name.as_str(), image.id.as_str())))
        .collect();
    match listed.symmetric_difference(&there).next() {
        Some((name, _)) => {
            let why = format!("it does not say of {} what manifest.json says", crate::object::printable(name));
            Err(Flaw::entry("images.json", why))
        }
        None => Ok(()),
    }
}

/// What containerd goes by must be there, too.
fn index(file: &mut File, archive: &Archive) -> Result<(), Flaw> {
    if !archive.entries.contains_key("index.json") {
        return Ok(());
    }
    let index: Value = json(file, &archive.entries, "index.json")?;
    let digests = crate::object::items(&index, "/manifests").filter_map(|entry| entry["digest"].as_str());
    let mut blobs = digests.map(|digest| format!("blobs/{}", digest.replacen(':', "/", 1)));
    match blobs.find(|blob| !archive.entries.contains_key(blob)) {
        Some(blob) => Err(Flaw::entry(&blob, "a manifest that index.json names is not in the archive")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
