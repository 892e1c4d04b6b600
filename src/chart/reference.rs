//! What `--chart REF` means. Pure: whoever asks says what lies at the path.

use std::fmt;
use std::path::{Path, PathBuf};

use semver::Version;

use crate::error::{Class, Explain};

/// What lies where a reference points, if it is a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// A folder with a `Chart.yaml`.
    Chart,
    /// A folder without one.
    Folder,
    /// A file.
    File,
}

impl There {
    /// What lies at a path of this machine.
    pub fn at(path: &Path) -> Self {
        match path {
            path if path.join("Chart.yaml").is_file() => Self::Chart,
            path if path.is_dir() => Self::Folder,
            path if path.exists() => Self::File,
            _ => Self::Nothing,
        }
    }
}

/// In which form a chart is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A folder of this machine.
    Folder(PathBuf),
    /// An archive of this machine.
    Archive(PathBuf),
    /// In a registry of images: `oci://HOST/PATH`.
    Registry,
    /// An archive that is fetched over HTTP.
    Address,
    /// `REPOSITORY/CHART`, of a repository that helm knows.
    Repository {
        /// The name that helm knows it by.
        repository: String,
    },
}

/// A chart that was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// As helm is given it.
    pub text: String,
    /// In which form.
    pub form: Form,
    /// The version that was asked for.
    pub version: Option<String>,
}

/// A reference that cannot be one to a chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// A path to nothing.
    #[error("there is no chart at {}: nothing lies there", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A folder that is no chart.
    #[error("{} is no chart: the folder has no Chart.yaml", path.display())]
    NoChart {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is no archive of a chart.
    #[error("{} is no archive of a chart: its name ends in neither .tgz nor .tar.gz", path.display())]
    NoArchive {
        /// The file.
        path: PathBuf,
    },
    /// Neither a path, nor an address, nor `REPOSITORY/CHART`.
    #[error("`{text}` names no chart")]
    Nothing {
        /// What was given.
        text: String,
    },
    /// An address that leads nowhere.
    #[error("`{text}` is no address of a chart: {why}")]
    Address {
        /// What was given, without its secrets.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A version that helm would not read.
    #[error("--chart-version `{text}` is no version, and no range of versions")]
    Version {
        /// What was given.
        text: String,
    },
}

impl Explain for ReferenceError {
    fn id(&self) -> &'static str {
        "bad-chart"
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Missing { .. } => "give the path of a chart's folder or .tgz",
                Self::NoChart { .. } => "give the folder in which its Chart.yaml lies",
                Self::NoArchive { .. } => "`helm package` makes an archive of a chart's folder, and the folder itself will do",
                Self::Nothing { .. } => {
                    "give a folder, a .tgz, oci://HOST/PATH, https://HOST/CHART.tgz, or REPOSITORY/CHART of `helm repo list`"
                }
                Self::Address { .. } => "addresses are oci://HOST/PATH and https://HOST/CHART.tgz; `helm registry login` and `helm repo add` take passwords",
                Self::Version { .. } => "write it as the chart does, such as 1.2.3",
            }
            .to_owned(),
        )
    }
}

impl Reference {
    /// Reads one. `there`: what lies at the path, if it is one.
    ///
    /// # Errors
    /// When it cannot lead to a chart.
    pub fn read(text: &str, version: Option<&str>, there: There) -> Result<Self, ReferenceError> {
        let version = version.map(read_version).transpose()?;
        let form = form(text, there)?;
        Ok(Self { text: text.to_owned(), form, version })
    }

    /// The version that helm is told; what is on this machine, or at an address, has the one that it has.
    pub fn asked(&self) -> Option<&str> {
        self.version.as_deref().filter(|_| self.is_remote())
    }

    /// Whether helm looks for it elsewhere, and is told a version.
    pub fn is_remote(&self) -> bool {
        matches!(self.form, Form::Registry | Form::Repository { .. })
    }

    /// Whether it may be another chart tomorrow, although nobody here has changed anything.
    pub fn is_loose(&self) -> bool {
        let exact = |version: &String| Version::parse(version.trim_start_matches('v')).is_ok();
        match self.form {
            Form::Folder(_) | Form::Archive(_) | Form::Address => false,
            Form::Registry if self.text.contains("@sha256:") => false,
            Form::Registry | Form::Repository { .. } => !self.version.as_ref().is_some_and(exact),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Helm takes ranges as npm has them; what is certainly none is refused here, before anything is fetched.
fn read_version(text: &str) -> Result<String, ReferenceError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".+-^~<>=!*|, ".contains(c);
    let meant = !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(fits)
        && text.contains(|c: char| c.is_ascii_digit() || c == '*');
    if meant { Ok(text.to_owned()) } else { Err(ReferenceError::Version { text: text.to_owned() }) }
}

fn form(text: &str, there: There) -> Result<Form, ReferenceError> {
    let path = || PathBuf::from(text);
    if let Some((scheme, rest)) = text.split_once("://") {
        return address(text, scheme, rest);
    }
    match there {
        There::Chart => return Ok(Form::Folder(path())),
        There::Folder => return Err(ReferenceError::NoChart { path: path() }),
        There::File if is_archive(text) => return Ok(Form::Archive(path())),
        There::File => return Err(ReferenceError::NoArchive { path: path() }),
        There::Nothing => {}
    }
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [repository, chart] if is_name(repository) && is_name(chart) && !is_archive(text) => {
            Ok(Form::Repository { repository: (*repository).to_owned() })
        }
        [one] if !is_archive(one) => Err(ReferenceError::Nothing { text: text.to_owned() }),
        _ => Err(ReferenceError::Missing { path: path() }),
    }
}

/// A name that begins with a dash would be an option of helm; one that begins with a dot is a path.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn is_archive(text: &str) -> bool {
    [".tgz", ".tar.gz"].iter().any(|end| text.to_ascii_lowercase().ends_with(end))
}

fn address(text: &str, scheme: &str, rest: &str) -> Result<Form, ReferenceError> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let shown = || text.replace(host, host.rsplit('@').next().unwrap_or(host));
    let bad = |why| ReferenceError::Address { text: shown(), why };
    match scheme {
        _ if host.is_empty() => Err(bad("it names no host")),
        // It would stand in the journal, in the record, and in the list of processes.
        _ if host.contains('@') => Err(bad("it holds a user or a password")),
        _ if path.is_empty() => Err(bad("it names a host and no chart there")),
        "oci" => Ok(Form::Registry),
        "http" | "https" => Ok(Form::Address),
        _ => Err(bad("only oci, http and https are known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, there: There) -> Result<Form, String> {
        Reference::read(text, None, there).map(|read| read.form).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_told_from_the_others() {
        assert_eq!(read("./chart", There::Chart), Ok(Form::Folder("./chart".into())));
        assert_eq!(read("a/b", There::Chart), Ok(Form::Folder("a/b".into())), "helm looks at the disk first, too");
        assert_eq!(read("a-1.tgz", There::File), Ok(Form::Archive("a-1.tgz".into())));
        assert_eq!(read("oci://host/a/b", There::Nothing), Ok(Form::Registry));
        assert_eq!(read("https://host/a.tgz", There::Nothing), Ok(Form::Address));
        assert_eq!(read("repo/chart", There::Nothing), Ok(Form::Repository { repository: "repo".to_owned() }));
    }

    #[test]
    fn what_cannot_be_a_chart_says_why() {
        for (text, there, part) in [
            ("chart", There::Nothing, "names no chart"),
            ("", There::Nothing, "names no chart"),
            ("./chart", There::Nothing, "nothing lies there"),
            ("/a/b/c", There::Nothing, "nothing lies there"),
            ("repo/chart.tgz", There::Nothing, "nothing lies there"),
            ("--debug/x", There::Nothing, "nothing lies there"),
            ("./chart", There::Folder, "no Chart.yaml"),
            ("values.yaml", There::File, "ends in neither"),
            ("ftp://host/a", There::Nothing, "only oci, http and https"),
            ("oci://host", There::Nothing, "no chart there"),
            ("oci:///a", There::Nothing, "names no host"),
        ] {
            let told = read(text, there).unwrap_err();
            assert!(told.contains(part), "{text}: {told}");
        }
        let told = read("https://me:swordfish@host/a.tgz", There::Nothing).unwrap_err();
        assert!(told.contains("a user or a password") && !told.contains("swordfish"), "{told}");
    }

    #[test]
    fn a_pinned_chart_is_the_same_tomorrow() {
        let loose =
            |text: &str, version: Option<&str>| Reference::read(text, version, There::Nothing).unwrap().is_loose();
        assert!(loose("repo/chart", None) && loose("oci://host/chart", None) && loose("repo/chart", Some("^1.2")));
        assert!(!loose("repo/chart", Some("1.2.3")) && !loose("oci://host/chart", Some("v1.2.3")));
        assert!(!loose("oci://host/chart@sha256:0a", None) && !loose("https://host/chart.tgz", None));
        for bad in ["", "latest!", "--devel", "new"] {
            assert!(Reference::read("repo/chart", Some(bad), There::Nothing).is_err(), "{bad}");
        }
    }

    #[test]
    fn helm_is_told_a_version_only_where_it_looks_for_one() {
        let folder = Reference::read("./chart", Some("1.2.3"), There::Chart).unwrap();
        assert_eq!((folder.asked(), folder.version.as_deref()), (None, Some("1.2.3")));
        let remote = Reference::read("repo/chart", Some("1.2.3"), There::Nothing).unwrap();
        assert_eq!(remote.asked(), Some("1.2.3"));
    }
}
