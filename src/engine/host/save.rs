//! Saving images to an archive, which is there whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Work, failure, pipe};
use crate::doctor::{Cause, Outlook};
use crate::engine::step::{Ending, done};
use crate::images::archive::{self, Flaw, write::Writer};
use crate::images::full_name;
use crate::plan::task::image::{Packed, size};
use crate::plan::task::Door;

/// A file that is not whole yet; gone when it is dropped before it got its name.
struct Part {
    path: PathBuf,
    named: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.named {
            // It may never have been made.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Work<'_> {
    pub(super) async fn save_images(&self, file: &Path, images: &[Packed]) -> Ending {
        match self.save(file, images).await {
            Ok(ending) | Err(ending) => ending,
        }
    }

    async fn save(&self, file: &Path, images: &[Packed]) -> Result<Ending, Ending> {
        if file.symlink_metadata().is_ok() {
            return self.is_saved(file, images).await;
        }
        let mut part = Part { path: beside(file), named: false };
        let made = OpenOptions::new().write(true).create(true).truncate(true).open(&part.path);
        let mut writer = Writer::new(made.map_err(|error| self.unwritable(&part.path, &error))?);
        let total: u64 = images.iter().map(|one| one.size).sum();
        for (engine, wanted) in by_engine(images) {
            let names: Vec<&str> = wanted.values().map(String::as_str).collect();
            let pieces = self.exported(&engine, &names).await?;
            writer = self.taken((writer, &part.path), Box::pin(self.watched(pieces, total)), wanted).await?;
        }
        let path = part.path.clone();
        let length = tokio::task::spawn_blocking(move || writer.finish()).await;
        let length = length.map_err(|error| self.stopped(&error))?.map_err(|flaw| self.flawed(&path, flaw))?;
        name(&part.path, file).map_err(|error| self.unnamed(file, &error))?;
        part.named = true;
        let count = crate::clusters::count(images.len(), "image");
        Ok(done(true, Some(format!("{count}, {}", size(length)))))
    }

    /// Has a thread read an export and write the archive, while the engine sends.
    async fn taken(
        &self,
        (mut writer, path): (Writer, &Path),
        mut pieces: std::pin::Pin<Box<impl futures::Stream<Item = Result<bytes::Bytes, String>> + Send>>,
        wanted: BTreeMap<String, String>,
    ) -> Result<Writer, Ending> {
        let (sender, reader) = pipe::to_reader();
        let writing = tokio::task::spawn_blocking(move || writer.take(reader, &wanted).map(|()| writer));
        let send = async move {
            while let Some(piece) = pieces.next().await {
                // The writer has stopped, and says why.
                if sender.send(piece).await.is_err() {
                    break;
                }
            }
        };
        let ((), written) = tokio::join!(send, writing);
        written.map_err(|error| self.stopped(&error))?.map_err(|flaw| self.flawed(path, flaw))
    }

    /// Something lies there: the archive of an earlier try, whole, or somebody else's.
    async fn is_saved(&self, file: &Path, images: &[Packed]) -> Result<Ending, Ending> {
        let path = file.to_owned();
        let looked = tokio::task::spawn_blocking(move || {
            let archive = archive::open(&path)?;
            archive::check(&archive).map(|()| archive)
        });
        let found = looked.await.map_err(|error| self.stopped(&error))?;
        match found {
            Ok(archive) if images.iter().all(|one| archive.image(&one.image).is_some()) => {
                Ok(done(false, Some("it is there already, whole".to_owned())))
            }
            Ok(_) => Err(self.taken_place(file, "it holds other images")),
            Err(error) => Err(self.taken_place(file, &error.to_string())),
        }
    }

    fn taken_place(&self, file: &Path, why: &str) -> Ending {
        let message = format!("{} came to be there since, and no archive is ever written over: {why}", file.display());
        let remedy = Some("take it away, then `seaworthy runs resume`".to_owned());
        Ending::Failed(Cause { remedy, ..failure(self.task, "archive-exists", "Exists", &message) })
    }

    fn unwritable(&self, path: &Path, error: &io::Error) -> Ending {
        let message = format!("{} cannot be written: {error}", path.display());
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room there, or choose another folder",
            io::ErrorKind::FileTooLarge => "choose a file system that takes files of this size",
            _ => "choose a folder that can be written to",
        };
        let cause = failure(self.task, "unwritable-archive", "Unwritable", &message);
        Ending::Failed(Cause { remedy: Some(remedy.to_owned()), outlook: Outlook::Stuck, ..cause })
    }

    fn unnamed(&self, file: &Path, error: &io::Error) -> Ending {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return self.taken_place(file, "somebody made it meanwhile");
        }
        self.unwritable(file, error)
    }

    fn flawed(&self, path: &Path, flaw: Flaw) -> Ending {
        let why = match flaw {
            Flaw::Io(error) => return self.unwritable(path, &error),
            Flaw::Whole(why) => why,
            Flaw::Entry(entry, why) => format!("{entry}: {why}"),
        };
        let cause = failure(self.task, "export-failed", "ExportFailed", &why);
        let remedy = Some("`seaworthy runs resume` tries again".to_owned());
        Ending::Failed(Cause { remedy, outlook: Outlook::Stuck, ..cause })
    }

    fn stopped(&self, error: &tokio::task::JoinError) -> Ending {
        Ending::Failed(failure(self.task, "writer-stopped", "Stopped", &error.to_string()))
    }
}

/// The whole names that are wanted of each engine, with the engine's own.
fn by_engine(images: &[Packed]) -> Vec<(Door, BTreeMap<String, String>)> {
    let mut groups: Vec<(Door, BTreeMap<String, String>)> = Vec::new();
    for one in images {
        let pair = (full_name(&one.image), one.name.clone());
        match groups.iter_mut().find(|(door, _)| *door == one.engine) {
            Some((_, names)) => names.extend([pair]),
            None => groups.push((one.engine.clone(), BTreeMap::from([pair]))),
        }
    }
    groups
}

fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.part"))
}

/// Gives a file its name, unless something has it. File systems that cannot tell in one go (exFAT, older NFS) are asked before.
fn name(part: &Path, file: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, file, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if file.symlink_metadata().is_err() => {
            fs::rename(part, file)?;
        }
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) => return Err(error.into()),
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}
