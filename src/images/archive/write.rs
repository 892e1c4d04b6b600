//! From what engines export to an archive in which everything lies under its checksum.
//!
//! Source of what engines export: moby, `image/tarexport/save.go` (20.10: folders of layers, links between them; 25 and newer:
//! blobs), Podman 4.3 (layers by their checksums, links from Docker's older names).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};

use tar::EntryType;

use super::layout::{Blob, Described, descriptions};
use super::read::{RECORD, Row, parse_config, target_of, tidy};
use super::send::header;
use super::sum::{Summing, checksum, compression};
use super::{BLOBS, DESCRIPTION, Flaw};
use crate::images::full_name;

/// What is not longer than this may be a description, and is kept until it is known what it is; in bytes.
const SMALL: u64 = 1024 * 1024;

/// An archive that is being written.
pub(crate) struct Writer {
    file: File,
    /// What is written already, by its checksum.
    blobs: BTreeMap<String, Blob>,
    images: Vec<Described>,
}

/// What one export holds, until its end says what that was.
#[derive(Default)]
struct Export {
    /// By its path: what is written already.
    written: BTreeMap<String, Blob>,
    /// By its path: what is not.
    small: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, String>,
}

impl Writer {
    pub(crate) fn new(file: File) -> Self {
        Self { file, blobs: BTreeMap::new(), images: Vec::new() }
    }

    /// Takes an export in. `wanted`: the whole names of its images that are wanted, each with the name that the engine has.
    ///
    /// # Errors
    /// When it is not whole, is not what it says, or lacks an image; or when it cannot be written.
    pub(crate) fn take(&mut self, export: impl Read, wanted: &BTreeMap<String, String>) -> Result<(), Flaw> {
        let mut taken = Export::default();
        for entry in tar::Archive::new(Source(export)).entries().map_err(|error| unreadable(&error))? {
            let mut entry = entry.map_err(|error| unreadable(&error))?;
            let path = tidy(&String::from_utf8_lossy(&entry.path_bytes()));
            match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous if is_known(&path) => {}
                EntryType::Regular | EntryType::Continuous => {
                    let size = entry.size();
                    if size <= limit(&path) {
                        let mut text = Vec::new();
                        entry.read_to_end(&mut text).map_err(|error| unreadable(&error))?;
                        taken.small.insert(path, text);
                    } else {
                        let blob = self.put(&mut entry, size)?;
                        taken.written.insert(path, blob);
                    }
                }
                kind @ (EntryType::Symlink | EntryType::Link) => {
                    let target = target_of(&path, &entry.link_name_bytes().unwrap_or_default(), kind);
                    taken.links.insert(path, target);
                }
                _ => {}
            }
        }
        self.images_of(&taken, wanted)
    }

    fn images_of(&mut self, taken: &Export, wanted: &BTreeMap<String, String>) -> Result<(), Flaw> {
        let text = taken.small.get("manifest.json");
        let text = text.ok_or_else(|| Flaw::Whole("the engine's export has no manifest.json".to_owned()))?;
        let rows: Vec<Row> = serde_json::from_slice(text)
            .map_err(|error| Flaw::entry("manifest.json", format!("it cannot be understood: {error}")))?;
        let mut missing: BTreeMap<&String, &String> = wanted.iter().collect();
        for row in rows {
            let tags: Vec<String> = row.repo_tags.iter().flatten().map(|tag| full_name(tag)).collect();
            let names: Vec<String> = tags.into_iter().filter(|tag| missing.remove(tag).is_some()).collect();
            if !names.is_empty() {
                let image = self.image(taken, &row, names)?;
                self.images.push(image);
            }
        }
        match missing.values().next() {
            Some(name) => Err(Flaw::Whole(format!("the engine's export does not hold {name}"))),
            None => Ok(()),
        }
    }

    fn image(&mut self, taken: &Export, row: &Row, names: Vec<String>) -> Result<Described, Flaw> {
        let name = tidy(&row.config);
        let text = taken.small.get(taken.leads_to(&name));
        let text = text.ok_or_else(|| Flaw::entry(&name, "the engine's export names it, and does not hold it"))?;
        let config = parse_config(&name, text, row.layers.len())?;
        let blob = self.put_small(text)?;
        let mut layers = Vec::new();
        for (path, content) in row.layers.iter().zip(&config.rootfs.diff_ids) {
            layers.push(self.layer(taken, &tidy(path), content)?);
        }
        Ok(Described { names, os: config.os, architecture: config.architecture, config: blob, layers })
    }

    /// A layer, whose content has to be what the image's configuration says.
    fn layer(&mut self, taken: &Export, path: &str, content: &str) -> Result<Blob, Flaw> {
        let target = taken.leads_to(path);
        let blob = match (taken.written.get(target), taken.small.get(target)) {
            (Some(blob), _) => blob.clone(),
            (None, Some(text)) => self.put_small(text)?,
            (None, None) => return Err(Flaw::entry(path, "the engine's export names it, and does not hold it")),
        };
        if compression(blob.first).is_none() && format!("sha256:{}", blob.sum) != content {
            let why = format!("its checksum is {}, and the image's configuration says {content}", blob.sum);
            return Err(Flaw::entry(path, why));
        }
        Ok(blob)
    }

    fn put_small(&mut self, text: &[u8]) -> Result<Blob, Flaw> {
        match self.blobs.get(&checksum(text)) {
            Some(blob) => Ok(blob.clone()),
            None => self.put(&mut &*text, text.len() as u64),
        }
    }

    /// Writes a blob. Its checksum is known when it has been written, so its header is written afterwards; and what turns out
    /// to be there already is written over by what comes next.
    fn put(&mut self, from: &mut impl Read, size: u64) -> Result<Blob, Flaw> {
        let begin = self.file.stream_position()?;
        self.file.seek(SeekFrom::Start(begin + RECORD))?;
        let mut from = Summing::new(from);
        io::copy(&mut from, &mut self.file).map_err(told)?;
        let blob = from.blob();
        if blob.size != size {
            return Err(Flaw::Whole(format!(
                "the engine's export ended after {} of {size} bytes of a layer",
                blob.size
            )));
        }
        self.file.seek(SeekFrom::Start(begin))?;
        if self.blobs.contains_key(&blob.sum) {
            return Ok(blob);
        }
        let mut header = header(size);
        header.set_path(format!("{BLOBS}{}", blob.sum))?;
        header.set_cksum();
        self.file.write_all(header.as_bytes())?;
        let end = begin + RECORD + size;
        let padding = usize::try_from(end.next_multiple_of(RECORD) - end).unwrap_or_default();
        self.file.seek(SeekFrom::Start(end))?;
        self.file.write_all(&[0; 512][..padding])?;
        self.blobs.insert(blob.sum.clone(), blob.clone());
        Ok(blob)
    }

    /// Writes the descriptions and the end, makes all of it durable, and says how long it is, in bytes.
    pub(crate) fn finish(mut self) -> Result<u64, Flaw> {
        let begin = self.file.stream_position()?;
        self.file.set_len(begin)?;
        self.images.sort_by(|a, b| a.names.cmp(&b.names));
        let mut tar = tar::Builder::new(&mut self.file);
        for file in descriptions(&self.images) {
            tar.append_data(&mut header(file.text.len() as u64), &file.name, file.text.as_slice())?;
        }
        tar.finish()?;
        drop(tar);
        self.file.sync_all()?;
        Ok(self.file.stream_position()?)
    }
}

impl Export {
    /// Where a link leads to, or the path itself.
    fn leads_to<'a>(&'a self, path: &'a str) -> &'a str {
        self.links.get(path).map_or(path, |target| self.links.get(target).unwrap_or(target))
    }
}

/// An export, whose faults are told from those of the disk.
struct Source<R>(R);

/// Why an export could not be read any further.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SourceFault(String);

impl<R: Read> Read for Source<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.0.read(piece).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(SourceFault(error.to_string())),
        })
    }
}

fn told(error: io::Error) -> Flaw {
    match error.get_ref() {
        Some(inner) if inner.is::<SourceFault>() => unreadable(&error),
        _ => Flaw::Io(error),
    }
}

fn unreadable(error: &io::Error) -> Flaw {
    Flaw::Whole(format!("the engine's export broke off, or is damaged: {error}"))
}

/// What Docker writes beside an image for versions of itself before 1.10, and descriptions that are written anew.
fn is_known(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    ["VERSION", "json"].contains(&last) || ["repositories", "index.json", "oci-layout"].contains(&path)
}

fn limit(path: &str) -> u64 {
    if path == "manifest.json" { DESCRIPTION } else { SMALL }
}

#[cfg(test)]
mod tests;
