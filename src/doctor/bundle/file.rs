//! A bundle on disk: one archive that only its owner can read, there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::Bundle;
use super::pack::EVIDENCE;
use crate::error::{Class, Explain};
use crate::heir;

/// How the name of an archive ends.
pub const ENDING: &str = "tar.gz";
/// The first bytes of what gzip has packed.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// More than any evidence; what claims to be larger is no bundle of ours.
const LARGEST: u64 = 2 << 30;

/// Why a bundle is not on disk.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something has that name.
    #[error("{} is there already; nothing was written", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// The folder is not there, or is none.
    #[error("{}: its folder is not there", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl Explain for WriteError {
    fn id(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "bundle-exists",
            Self::NoFolder { .. } => "bundle-folder",
            Self::Io { .. } => "bundle-file",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Taken { .. } | Self::NoFolder { .. } => Class::Input,
            Self::Io { .. } => Class::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Taken { .. } => "choose another name with --to, or move that file away".to_owned(),
            Self::NoFolder { .. } => "make the folder, or choose another with --to".to_owned(),
            Self::Io { .. } => "choose a place with --to where you may write and there is room".to_owned(),
        })
    }
}

/// Whether a bundle could be written there; asked before anything is read.
///
/// # Errors
/// When the name is taken, or its folder is not there.
pub fn check(path: &Path) -> Result<(), WriteError> {
    if path.symlink_metadata().is_ok() {
        return Err(WriteError::Taken { path: path.to_owned() });
    }
    let has_name = path.file_name().is_some();
    if has_name && folder(path).is_dir() { Ok(()) } else { Err(WriteError::NoFolder { path: path.to_owned() }) }
}

/// Writes the archive; returns its size.
///
/// # Errors
/// When it cannot be written, or something got that name meanwhile.
pub fn write(bundle: &Bundle, path: &Path) -> Result<u64, WriteError> {
    check(path)?;
    let failed = |error| WriteError::Io { path: path.to_owned(), error };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = archive(bundle, &part).and_then(|size| rename(&part, path).map(|()| size));
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&part);
    }
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(WriteError::Taken { path: path.to_owned() }),
        other => other.map_err(failed),
    }
}

fn archive(bundle: &Bundle, part: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part)?;
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    for packed in &bundle.files {
        let mut header = tar::Header::new_gnu();
        header.set_size(packed.text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(bundle.taken.as_second()).unwrap_or_default());
        archive.append_data(&mut header, format!("{}/{}", bundle.name, packed.path), packed.text.as_bytes())?;
    }
    let file = archive.into_inner()?.finish()?;
    file.sync_all()?;
    heir::inherit(part)?;
    Ok(file.metadata()?.len())
}

/// Gives it its name, unless something has it. File systems that cannot tell in one go are asked before.
fn rename(part: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if path.symlink_metadata().is_err() => {
            fs::rename(part, path)?;
        }
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) => return Err(error.into()),
    }
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The evidence in a bundle: in an archive, or in the folder that was unpacked of one. `None` when the path is neither.
///
/// # Errors
/// When it cannot be read, or holds no evidence.
pub fn evidence(path: &Path) -> io::Result<Option<String>> {
    unpacked(path).map_err(cut)
}

fn cut(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { io::Error::new(error.kind(), CUT) } else { error }
}

/// The evidence in what was read of a pipe: in an archive, or as it stands.
///
/// # Errors
/// When it is cut off, an archive without evidence, or no text.
pub fn evidence_in(bytes: Vec<u8>) -> io::Result<String> {
    if bytes.starts_with(&MAGIC) {
        return archived(io::Cursor::new(bytes)).map_err(cut);
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text"))
}

/// What is said of a file that was not copied to its end.
pub const CUT: &str = "it is incomplete, its end is missing: copy or download it again";

fn unpacked(path: &Path) -> io::Result<Option<String>> {
    if path.is_dir() {
        return match fs::read_to_string(path.join(EVIDENCE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is a folder without {EVIDENCE}")))
            }
            other => other.map(Some),
        };
    }
    let mut file = File::open(path)?;
    let mut begin = Vec::new();
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut begin)?;
    if begin != MAGIC {
        return Ok(None);
    }
    archived(io::Cursor::new(begin).chain(file)).map(Some)
}

fn archived(packed: impl io::Read) -> io::Result<String> {
    let mut archive = tar::Archive::new(GzDecoder::new(packed).take(LARGEST));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let is_evidence = entry.path()?.components().count() == 2 && entry.path()?.ends_with(EVIDENCE);
        if is_evidence {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return Ok(text);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is an archive without {EVIDENCE}")))
}
