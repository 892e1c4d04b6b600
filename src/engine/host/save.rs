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
use crate::file_lock::FileLock;
use crate::images::archive::{self, Flaw, write::Writer};
use crate::images::full_name;
use crate::plan::task::Door;
use crate::plan::task::image::{Packed, size};

/// A file that is not whole yet; gone when it is dropped before it got its name.
struct Part {
    path: PathBuf,
    named: bool,
    _lock: FileLock,
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
        let path = beside(file);
        let (mut part, mut writer) = begin(&path).map_err(|error| self.unwritable(&path, &error))?;
        let total: u64 = images.iter().map(|one| one.size).sum();
        for (engine, wanted) in by_engine(images) {
            let names: Vec<&str> = wanted.values().map(String::as_str).collect();
            let pieces = self.exported(&engine, &names).await?;
            writer = self.taken((writer, &part.path), Box::pin(self.watched(pieces, total)), wanted).await?;
        }
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
            io::ErrorKind::ResourceBusy => "wait for it, then `seaworthy runs resume`",
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

/// Opens the file under its name of the time being. What a kill has left there goes; what another process is writing stays.
fn begin(path: &Path) -> io::Result<(Part, Writer)> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another process is writing it");
    let lock = FileLock::take(file.try_clone()?)?.ok_or_else(busy)?;
    file.set_len(0)?;
    Ok((Part { path: path.to_owned(), named: false, _lock: lock }, Writer::new(file)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_archive_is_gone_when_it_is_dropped_and_busy_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = beside(&folder.path().join("a.tar"));
        fs::write(&path, "what a kill has left").unwrap();
        let (part, _writer) = begin(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        fs::write(&path, "half").unwrap();
        let Err(error) = begin(&path) else { panic!("two write it") };
        assert_eq!((error.kind(), fs::read(&path).unwrap()), (io::ErrorKind::ResourceBusy, b"half".to_vec()));
        drop(part);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(begin(&path).is_ok());
    }

    #[test]
    fn a_name_that_is_taken_stays_with_whoever_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let (part, file) = (folder.path().join("part"), folder.path().join("a.tar"));
        fs::write(&part, "new").unwrap();
        fs::write(&file, "old").unwrap();
        assert_eq!(name(&part, &file).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).unwrap(), b"old");
        fs::remove_file(&file).unwrap();
        name(&part, &file).unwrap();
        assert_eq!((fs::read(&file).unwrap(), part.exists()), (b"new".to_vec(), false));
    }
}
