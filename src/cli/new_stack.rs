//! `stacks new`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use seaworthy::error::{Class, Explain};
use seaworthy::stack::{Folder, Report, starter, validate_folder};
use serde_json::json;
use thiserror::Error;

use super::{Failure, Session};
use crate::front::form::quoted;
use crate::front::paint::count;

/// Why a new stack could not be written.
#[derive(Debug, Error)]
enum WriteError {
    /// There is something of this name.
    #[error("`{}` is there already; nothing was written", .0.display())]
    Taken(PathBuf),
    /// The disk refuses.
    #[error("{}: {reason}", path.display())]
    Refused { path: PathBuf, reason: io::Error },
}

impl Explain for WriteError {
    fn id(&self) -> &'static str {
        match self {
            Self::Taken(_) => "folder-taken",
            Self::Refused { .. } => "unwritable-folder",
        }
    }

    fn class(&self) -> Class {
        if matches!(self, Self::Taken(_)) { Class::Input } else { Class::Failed }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Taken(_) => "choose another name, or another folder with --dir",
            Self::Refused { .. } => {
                "choose a folder that can be written to with --dir; what is there of the new one is not whole"
            }
        };
        Some(hint.to_owned())
    }
}

pub(crate) fn run(session: &Session, name: &str, dir: &Path) -> Result<ExitCode, Failure> {
    let home = dir.join(name);
    let folder = starter::start(name, &home)?;
    write(&folder, dir, &home)?;
    let report = validate_folder(&home)?;
    let next = commands(name, dir, &home);
    let files: Vec<&String> = folder.files.keys().collect();
    let document = json!({"name": name, "folder": home, "files": files, "validation": report, "next": next});
    session.print("NewStack", &document, || text(&home, &folder, &report, &next));
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Writes a folder that was not there. Whoever made one of this name a moment ago keeps it.
fn write(folder: &Folder, dir: &Path, home: &Path) -> Result<(), WriteError> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |reason| WriteError::Refused { path, reason }
    };
    fs::create_dir_all(dir).map_err(refused(dir))?;
    fs::create_dir(home).map_err(|reason| match reason.kind() {
        io::ErrorKind::AlreadyExists => WriteError::Taken(home.to_owned()),
        _ => refused(home)(reason),
    })?;
    for (path, text) in &folder.files {
        let path = home.join(path);
        let above = path.parent().unwrap_or(home);
        fs::create_dir_all(above).map_err(refused(above))?;
        let file = fs::File::create_new(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(refused(&path))?;
    }
    Ok(())
}

/// What to do with it now.
fn commands(name: &str, dir: &Path, home: &Path) -> [String; 3] {
    let (dir, home) = (word(dir), word(home));
    [
        format!("seaworthy --profiles {dir} install {name} --dry-run"),
        format!("seaworthy --profiles {dir} install {name}"),
        format!("seaworthy stacks validate {home}"),
    ]
}

/// A path as a shell reads it as one word, and `stacks validate` as a path.
fn word(path: &Path) -> String {
    let text = path.display().to_string();
    quoted(&if text.starts_with('-') { format!("./{text}") } else { text })
}

fn text(home: &Path, folder: &Folder, report: &Report, next: &[String; 3]) -> String {
    let mut lines = vec![format!("{}: {} written", home.display(), count(folder.files.len(), "file"))];
    lines.extend(report.faults.iter().map(ToString::to_string));
    let verdict = if report.is_good() { "is good as it is" } else { "cannot be used" };
    lines.push(format!("{} {verdict}\n", folder.name));
    let about = ["what an install would do", "do it", "after each change"];
    let widest = next.iter().map(String::len).max().unwrap_or_default();
    lines.extend(next.iter().zip(about).map(|(command, about)| format!("    {command:<widest$}   # {about}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::word;
    use std::path::Path;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        let table = [("./a-b", "./a-b"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$x", "'$x'"), ("-x", "./-x")];
        for (path, expected) in table {
            assert_eq!(word(Path::new(path)), expected);
        }
    }
}
