//! What root leaves in a folder of somebody else is theirs. Who is asked to type a command again as root (`sudo -E`, which keeps
//! where the state of this program lies) has to be able to go on without root afterwards.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::Path;

/// Makes a folder with all that are missing above it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !is_there(folder)).collect();
    fs::create_dir_all(path)?;
    missing.into_iter().rev().try_for_each(inherit)
}

/// Gives what was just made to the owner of the folder in which it lies, when it is root's and the folder is not.
pub(crate) fn inherit(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (made, above) = (fs::symlink_metadata(path)?, fs::metadata(folder)?);
    if made.uid() == 0 && above.uid() != 0 { lchown(path, Some(above.uid()), Some(above.gid())) } else { Ok(()) }
}

fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As root, for a user who is not; by anybody else, for themselves.
    #[test]
    fn it_belongs_to_whom_the_folder_belongs() {
        let folder = tempfile::tempdir().unwrap();
        let own = fs::metadata(folder.path()).unwrap().uid();
        let owner = if own == 0 { 65534 } else { own };
        lchown(folder.path(), Some(owner), None).unwrap();
        let deep = folder.path().join("state/seaworthy/runs");
        make_folder(&deep).unwrap();
        let file = deep.join("one");
        fs::write(&file, "").unwrap();
        inherit(&file).unwrap();
        for made in file.ancestors().take_while(|path| *path != folder.path()) {
            assert_eq!(fs::metadata(made).unwrap().uid(), owner, "{}", made.display());
        }
        make_folder(&deep).unwrap();
    }

    #[test]
    fn what_stands_in_the_way_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(make_folder(&folder.path().join("file/runs")).is_err());
    }
}
