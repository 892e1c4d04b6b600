//! The lock of a cluster of this machine: there is no API server yet that could keep one, so a file does.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Holder, LockError};
use crate::file_lock::FileLock;
use crate::heir;

/// The held lock, given back when it is dropped and when the process ends.
#[derive(Debug)]
pub struct MachineLock(#[expect(dead_code, reason = "it is held, not read")] FileLock);

impl MachineLock {
    /// Takes the lock of a cluster of this machine, or says who has it. `state`: the folder of this program's state.
    pub fn acquire(state: &Path, key: &str) -> Result<Self, LockError> {
        let folder = state.join("clusters");
        let path = folder.join(format!("{key}.lock"));
        let failed = |source: io::Error| LockError::File { path: path.clone(), source };
        heir::make_folder(&folder).map_err(failed)?;
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
        heir::inherit(&path).map_err(failed)?;
        let Some(mut held) = FileLock::take(file).map_err(failed)? else {
            return Err(LockError::HeldHere { key: key.to_owned(), holder: holder(&path) });
        };
        // Who has it is for people; the lock is the operating system's.
        held.set_len(0).map_err(failed)?;
        held.write_all(Holder::this_process().named().as_bytes()).map_err(failed)?;
        Ok(Self(held))
    }
}

fn holder(path: &PathBuf) -> String {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    if read.is_ok() && !text.is_empty() { text } else { "another process".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cannot_have_it_and_a_third_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let first = MachineLock::acquire(folder.path(), "demo.kind").unwrap();
        let second = MachineLock::acquire(folder.path(), "demo.kind").unwrap_err().to_string();
        let me = Holder::this_process().named();
        assert_eq!(second, format!("demo.kind is being worked on by {me}"));
        assert!(MachineLock::acquire(folder.path(), "other.kind").is_ok());
        drop(first);
        assert!(MachineLock::acquire(folder.path(), "demo.kind").is_ok());
    }
}
