//! A file that one process has: the lock of the operating system, freed when it is dropped and when the process ends.

use std::fs::File;
use std::ops::{Deref, DerefMut};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// An open file under an exclusive lock.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl FileLock {
    /// Takes the lock at once, or not: `None` when somebody else has it.
    ///
    /// # Errors
    /// When the file system has no locks, or fails.
    pub(crate) fn take(file: File) -> std::io::Result<Option<Self>> {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that is just being started has it open, too, until its program
        // takes over. Should freeing fail, closing frees it a moment later.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl Deref for FileLock {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for FileLock {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a child has it between fork and exec: another descriptor of the same open file.
    #[test]
    fn a_copy_of_the_descriptor_does_not_keep_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let again = || FileLock::take(File::open(file.path()).unwrap()).unwrap();
        let held = again().unwrap();
        assert!(again().is_none());
        let copy = held.try_clone().unwrap();
        drop(held);
        assert!(again().is_some());
        drop(copy);
    }
}
