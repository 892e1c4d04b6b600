//! Files that must survive: written beside their place, made durable, put there under a name that nothing has, and read again.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::Explain;

/// A file could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file reads otherwise than it was written.
    #[error("{} does not read as it was written", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for ShelfError {
    fn id(&self) -> &'static str {
        match self {
            Self::Io { .. } => "shelf-io",
            Self::Differs { .. } => "shelf-differs",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            "make room, or choose another folder (with SEAWORTHY_STATE_DIR, of a backup with --to); then run the same command again"
                .to_owned(),
        )
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> ShelfError + '_ {
    move |source| ShelfError::Io { path: path.to_owned(), source }
}

/// Makes a folder, and those above it, that nobody else on this machine can look into.
pub fn make_folder(folder: &Path) -> Result<(), ShelfError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io(folder))
}

/// Writes a file that is not there yet, mode 0600, and proves it by reading it again. One that is there with the same content is
/// left as it is; one with another content is never overwritten.
pub fn put(path: &Path, text: &[u8]) -> Result<String, ShelfError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    if !path.exists() {
        let beside = beside(path);
        write(&beside, text).map_err(io(&beside))?;
        // A link, not a rename: it fails when somebody else has put a file there meanwhile.
        let linked = fs::hard_link(&beside, path);
        fs::remove_file(&beside).map_err(io(&beside))?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(path)(error)),
            _ => {}
        }
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))?;
    }
    let read = fs::read(path).map_err(io(path))?;
    if read == text { Ok(checksum(text)) } else { Err(ShelfError::Differs { path: path.to_owned() }) }
}

/// Writes a file over an older one: a reader sees the one or the other, whole.
pub fn replace(path: &Path, text: &[u8]) -> Result<(), ShelfError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let beside = beside(path);
    write(&beside, text).map_err(io(&beside))?;
    fs::rename(&beside, path).map_err(io(path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// SHA-256 in hexadecimal, as `sha256sum` writes it.
pub fn checksum(text: &[u8]) -> String {
    hexadecimal(&Sha256::digest(text))
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_put_once_and_only_its_owner_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/secret.json");
        let sum = put(&path, b"{}").unwrap();
        assert_eq!(sum, put(&path, b"{}").unwrap());
        assert_eq!(put(&path, b"[]").unwrap_err().id(), "shelf-differs");
        assert_eq!(fs::read(&path).unwrap(), b"{}");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "a part is left");
    }

    #[test]
    fn what_a_kill_left_beside_is_no_obstacle() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.json");
        fs::write(beside(&path), "half").unwrap();
        put(&path, b"whole").unwrap();
        replace(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
    }

    #[test]
    fn a_folder_that_is_a_file_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("a"), "").unwrap();
        let error = put(&home.path().join("a/b.json"), b"").unwrap_err();
        assert!(error.to_string().contains("/a"), "{error}");
        assert!(error.hint().is_some());
    }
}
