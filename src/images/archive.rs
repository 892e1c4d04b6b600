//! Archives of images: what `images save` writes and `images load --from` reads.
//!
//! ```text
//! blobs/sha256/HEX   configuration, layers and manifest of every image, each under its own checksum
//! index.json, oci-layout   what containerd goes by (OCI image layout 1.0)
//! manifest.json      what `docker load` and `podman load` go by
//! images.json        for people and for `check`: names, ids, architectures, and the checksums of the files above
//! ```
//!
//! Both readers find the same blobs, so one file serves `ctr images import` and `docker load`, whose older versions know
//! nothing but `manifest.json`; Docker itself writes its archives so since version 25. What `docker save` and `podman save`
//! write is read, too: an image's id is the checksum of its configuration, and that names the checksums of its layers.

pub(crate) mod check;
pub(crate) mod layout;
pub(crate) mod read;
pub(crate) mod send;
pub(crate) mod sum;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod write;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Class, Explain};
use crate::images::full_name;

pub use check::check;
pub use read::open;

/// Where blobs lie in an archive.
pub(crate) const BLOBS: &str = "blobs/sha256/";
/// The largest file of an archive that is read whole: descriptions, never layers.
pub(crate) const DESCRIPTION: u64 = 16 * 1024 * 1024;

/// An archive, as its descriptions say; `check` proves that they are true.
#[derive(Debug, Clone)]
pub struct Archive {
    /// Where it lies.
    pub file: PathBuf,
    /// Its images, in its order.
    pub images: Vec<Archived>,
    /// Every regular file in it, links followed: where it begins, and how long it is, in bytes.
    pub(crate) entries: BTreeMap<String, Place>,
}

/// Where a file lies in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// An image in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Its names, whole.
    pub names: Vec<String>,
    /// The checksum of its configuration, `sha256:...`: what runtimes call its id.
    pub id: String,
    /// Such as `linux`.
    pub os: String,
    /// Such as `amd64`, as Kubernetes writes it.
    pub architecture: String,
    /// The entry of its configuration.
    pub(crate) config: String,
    /// The entries of its layers, the lowest first, each with the checksum of its content when it is unpacked.
    pub(crate) layers: Vec<(String, String)>,
}

/// The list in an archive (`images.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct List {
    /// The version of this form.
    pub schema_version: u32,
    /// What made it.
    pub made_by: String,
    /// Its images.
    pub images: Vec<Listed>,
    /// The checksums of its descriptions, by their names.
    pub files: BTreeMap<String, String>,
}

/// An image in the list of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name, whole.
    pub name: String,
    /// Its id: the checksum of its configuration.
    pub id: String,
    /// The checksum of its OCI manifest: its digest in containerd, once it is loaded.
    pub manifest: String,
    /// Such as `linux`.
    pub os: String,
    /// Such as `amd64`.
    pub architecture: String,
    /// Its layers and its configuration, as they lie in the archive, in bytes.
    pub size: u64,
}

/// Why an archive is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file itself.
    #[error("{}: {source}", file.display())]
    File {
        /// The archive.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is none, or not whole.
    #[error("{}: {why}", file.display())]
    Unusable {
        /// The archive.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// Something in it is not as it has to be.
    #[error("{}: {entry}: {why}", file.display())]
    Entry {
        /// The archive.
        file: PathBuf,
        /// What in it.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Explain for ArchiveError {
    fn id(&self) -> &'static str {
        match self {
            Self::File { .. } => "unreadable-archive",
            Self::Unusable { .. } => "no-archive",
            Self::Entry { .. } => "broken-archive",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { .. } => "give the path of a file that can be read".to_owned(),
            Self::Unusable { .. } => {
                "make one with `seaworthy images save STACK --archive FILE`, or with `docker save`".to_owned()
            }
            Self::Entry { .. } => {
                "nothing was loaded; copy it here once more, and compare `sha256sum` of both".to_owned()
            }
        })
    }
}

/// What is wrong inside of an archive, before it is known which file it is.
#[derive(Debug)]
pub(crate) enum Flaw {
    Io(io::Error),
    Whole(String),
    Entry(String, String),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Flaw {
    pub(crate) fn entry(entry: &str, why: impl Into<String>) -> Self {
        Self::Entry(crate::object::printable(entry), why.into())
    }

    pub(crate) fn of(self, file: &std::path::Path) -> ArchiveError {
        let file = file.to_owned();
        match self {
            Self::Io(source) => ArchiveError::File { file, source },
            Self::Whole(why) => ArchiveError::Unusable { file, why },
            Self::Entry(entry, why) => ArchiveError::Entry { file, entry, why },
        }
    }
}

impl Archive {
    /// The image of this name, as manifests write it.
    pub fn image(&self, name: &str) -> Option<&Archived> {
        let wanted = full_name(name);
        self.images.iter().find(|image| image.names.contains(&wanted))
    }

    /// How long the parts of an image are, in bytes.
    pub fn size(&self, image: &Archived) -> u64 {
        let entries = std::iter::once(&image.config).chain(image.layers.iter().map(|(entry, _)| entry));
        entries.filter_map(|entry| self.entries.get(entry)).map(|place| place.size).sum()
    }
}
