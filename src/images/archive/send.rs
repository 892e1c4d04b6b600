//! One image of an archive, as an archive of its own: what a node is given.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};

use super::layout::{Blob, Described, descriptions};
use super::read::named_sum;
use super::sum::{Summing, copy};
use super::{Archive, ArchiveError, Archived, BLOBS, Flaw, Place};

/// Writes an archive that holds this image under this whole name alone. What is read is held against its checksum once more:
/// the archive may have changed since it was checked.
///
/// # Errors
/// When the archive cannot be read, or is not what it was; or whatever `to` says.
pub(crate) fn send(archive: &Archive, image: &Archived, name: &str, to: impl Write) -> Result<(), ArchiveError> {
    let give = || {
        let mut parts =
            Parts { file: File::open(&archive.file)?, archive, given: BTreeMap::new(), tar: tar::Builder::new(to) };
        let config = parts.give(&image.config)?;
        let layers = image.layers.iter().map(|(entry, _)| parts.give(entry)).collect::<Result<_, _>>()?;
        let (os, architecture) = (image.os.clone(), image.architecture.clone());
        let described = Described { names: vec![name.to_owned()], os, architecture, config, layers };
        if format!("sha256:{}", described.config.sum) != image.id {
            return Err(changed(&image.config));
        }
        for file in descriptions(&[described]) {
            parts.tar.append_data(&mut header(file.text.len() as u64), &file.name, file.text.as_slice())?;
        }
        parts.tar.into_inner()?.flush()?;
        Ok(())
    };
    give().map_err(|flaw: Flaw| flaw.of(&archive.file))
}

/// How a file of an archive is described; the same for all, so that the same images make the same archive.
pub(super) fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(size);
    header
}

/// An archive that is being read, and what was written of it.
struct Parts<'a, W: Write> {
    file: File,
    archive: &'a Archive,
    given: BTreeMap<String, Blob>,
    tar: tar::Builder<W>,
}

impl<W: Write> Parts<'_, W> {
    /// Writes a part, once. Its name comes before its content, so the checksum has to be known before: what has a name that
    /// does not tell it is read twice.
    fn give(&mut self, entry: &str) -> Result<Blob, Flaw> {
        let place = self.archive.entries.get(entry).copied();
        let place = place.ok_or_else(|| Flaw::entry(entry, "it is not in the archive"))?;
        let sum = match named_sum(entry) {
            Some(sum) => sum.to_owned(),
            None => copy(self.part(place)?, &mut io::sink())?.sum,
        };
        if let Some(blob) = self.given.get(&sum) {
            return Ok(blob.clone());
        }
        self.file.seek(SeekFrom::Start(place.offset))?;
        let mut content = Summing::new(Read::by_ref(&mut self.file).take(place.size));
        self.tar.append_data(&mut header(place.size), format!("{BLOBS}{sum}"), &mut content)?;
        let blob = content.blob();
        if (blob.sum.as_str(), blob.size) != (sum.as_str(), place.size) {
            return Err(changed(entry));
        }
        self.given.insert(sum, blob.clone());
        Ok(blob)
    }

    fn part(&mut self, place: Place) -> io::Result<impl Read> {
        self.file.seek(SeekFrom::Start(place.offset))?;
        Ok(Read::by_ref(&mut self.file).take(place.size))
    }
}

fn changed(entry: &str) -> Flaw {
    Flaw::entry(entry, "it is not any more what it was when it was checked")
}
