//! What a chart of this machine is known again by: a digest of everything in it. Its version says too little: whoever works on a chart changes
//! templates and not the version.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Form;

/// Folders of a chart are at most this deep; a link to itself would be deeper.
const DEEPEST: usize = 16;
/// What a version control keeps for itself in a folder.
const KEPT_APART: [&str; 4] = [".git", ".hg", ".svn", ".bzr"];

/// The digest of a chart that lies on this machine; none of one that lies elsewhere, where a version stays what it is.
///
/// # Errors
/// What cannot be read, and why.
pub fn digest(form: &Form) -> Result<Option<String>, (PathBuf, io::Error)> {
    let mut all = Sha256::new();
    match form {
        Form::Archive(path) => all.update(std::fs::read(path).map_err(|error| (path.clone(), error))?),
        Form::Folder(path) => {
            for (name, file) in files(path)? {
                let content = std::fs::read(&file).map_err(|error| (file, error))?;
                // Lengths, so that nothing moves from a name to a content unseen.
                for part in [name.as_bytes(), &content] {
                    all.update((part.len() as u64).to_be_bytes());
                    all.update(part);
                }
            }
        }
        Form::Registry | Form::Address | Form::Repository { .. } => return Ok(None),
    }
    let hex = all.finalize().iter().fold("sha256:".to_owned(), |hex, byte| format!("{hex}{byte:02x}"));
    Ok(Some(hex))
}

/// All files below a folder with their names in it, in the order of the names. Helm follows links, too.
fn files(root: &Path) -> Result<Vec<(String, PathBuf)>, (PathBuf, io::Error)> {
    let mut files = Vec::new();
    let mut open = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let failed = |error| (folder.clone(), error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_folder = path.is_dir();
            if is_folder && depth < DEEPEST && !KEPT_APART.contains(&name.as_str()) {
                open.push((path, depth + 1));
            } else if path.is_file() && !is_of_an_editor(&name) {
                let below = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                files.push((below, path));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What editors leave beside a file that is open, or was.
fn is_of_an_editor(name: &str) -> bool {
    let swapped = |end: &str| end.len() == 3 && end.starts_with("sw");
    name.ends_with('~')
        || name.starts_with(".#")
        || (name.starts_with('.') && name.rsplit('.').next().is_some_and(swapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_folder_is_known_by_all_that_is_in_it_and_by_nothing_else() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for root in [one.path(), other.path()] {
            write(root, "Chart.yaml", "name: a\n");
            write(root, "templates/a.yaml", "a: 1\n");
        }
        let of = |root: &Path| digest(&Form::Folder(root.to_owned())).unwrap().unwrap();
        let before = of(one.path());
        assert_eq!(before, of(other.path()), "where it lies is nothing of it");
        assert!(before.starts_with("sha256:") && before.len() == 71, "{before}");
        write(one.path(), ".git/index", "x");
        write(one.path(), "templates/.a.yaml.swp", "x");
        write(one.path(), "templates/a.yaml~", "x");
        assert_eq!(before, of(one.path()));
        write(one.path(), "templates/a.yaml", "a: 2\n");
        let changed = of(one.path());
        assert_ne!(before, changed);
        write(one.path(), "charts/sub/templates/b.yaml", "");
        assert_ne!(changed, of(one.path()), "a part of it, although it is empty");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_end() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "files/x", "1");
        std::os::unix::fs::symlink(".", dir.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("files/x", dir.path().join("y")).unwrap();
        let of = || digest(&Form::Folder(dir.path().to_owned())).unwrap().unwrap();
        let before = of();
        write(dir.path(), "files/x", "2");
        assert_ne!(before, of());
    }

    #[test]
    fn an_archive_is_its_bytes_and_what_lies_elsewhere_has_none() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.tgz", "1");
        let archive = Form::Archive(dir.path().join("a.tgz"));
        let before = digest(&archive).unwrap();
        write(dir.path(), "a.tgz", "2");
        assert!(before.is_some() && before != digest(&archive).unwrap());
        assert_eq!(digest(&Form::Registry).unwrap(), None);
        let gone = digest(&Form::Archive(dir.path().join("b.tgz"))).unwrap_err();
        assert!(gone.0.ends_with("b.tgz"));
    }
}
