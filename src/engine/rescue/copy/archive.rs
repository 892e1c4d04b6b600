//! The archive of a volume on this machine: written as it comes, looked through as a whole, and passed on again.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use super::list::{Entry, Kind, List, normal};
use crate::clusters::count;
use crate::engine::rescue::shelf::{self, ShelfError, checksum, hexadecimal};
use crate::object::ObjectRef;

/// The version of the certificate's format.
pub const FORMAT: u32 = 1;
/// The unit of a tar archive, bytes.
const BLOCK: u64 = 512;
/// An archive ends with two blocks of zeros.
const END: u64 = 2 * BLOCK;
/// What GNU tar reads at once, and waits for.
const RECORD: u64 = 20 * BLOCK;

/// The files of one claim's copy.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The archive.
    pub tar: PathBuf,
    /// The archive while it is being written.
    pub part: PathBuf,
    /// What is in it, a line each.
    pub list: PathBuf,
    /// That it is whole; written last.
    pub certificate: PathBuf,
}

impl Paths {
    /// Those of a claim in a folder.
    pub fn of(folder: &Path, claim: &ObjectRef) -> Self {
        let name = format!("{}.{}", claim.namespace.as_deref().unwrap_or_default(), claim.name);
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        Self { tar: path("tar"), part: path("tar.part"), list: path("list"), certificate: path("json") }
    }
}

/// What is known of a copy that is whole: it stands beside the archive, and is written when everything is proven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// See [`FORMAT`].
    pub format: u32,
    /// When.
    pub at: Timestamp,
    /// Of which claim.
    pub claim: ObjectRef,
    /// The claim's uid then.
    pub uid: String,
    /// Its volume then.
    pub volume: String,
    /// Bytes of the archive.
    pub bytes: u64,
    /// SHA-256 of the archive.
    pub sha256: String,
    /// SHA-256 of the list.
    pub list_sha256: String,
    /// Regular files in it.
    pub files: u64,
    /// Their bytes together.
    pub content: u64,
    /// Whether something could write while it was copied: then it is not of one moment.
    pub live: bool,
    /// What changed while it was copied; nothing unless `live`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Sockets, pipes and devices, which are not copied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// In which pod and container it was made, of which image.
    pub by: String,
}

impl Certificate {
    /// What it comes to, for people.
    pub fn words(&self) -> String {
        let live = if self.live { "; live, not of one moment" } else { "" };
        let changed =
            if self.changed.is_empty() { String::new() } else { format!(", {} changed meanwhile", self.changed.len()) };
        let left =
            if self.left_out.is_empty() { String::new() } else { format!("; left out: {}", self.left_out.join(", ")) };
        let files = count(usize::try_from(self.files).unwrap_or(usize::MAX), "file");
        format!("{files}, {} bytes{live}{changed}{left}", self.content)
    }
}

/// An archive that is not what was in the volume.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Reading or writing failed.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// It is not whole, or no archive.
    #[error("{}: {why}", path.display())]
    Broken {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> ArchiveError + '_ {
    move |source| ArchiveError::Shelf(ShelfError::Io { path: path.to_owned(), source })
}

fn broken(path: &Path, why: impl Into<String>) -> ArchiveError {
    ArchiveError::Broken { path: path.to_owned(), why: why.into() }
}

/// Begins an archive that nobody else can read; what an earlier try left is gone.
pub(super) fn begin(part: &Path) -> Result<File, ArchiveError> {
    shelf::make_folder(part.parent().unwrap_or(Path::new(".")))?;
    let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(part);
    open.map_err(io(part))
}

/// Adds to it.
pub(super) fn add(part: &Path, mut file: File, bytes: &[u8]) -> Result<File, ArchiveError> {
    file.write_all(bytes).map_err(io(part))?;
    Ok(file)
}

/// Makes it durable.
pub(super) fn keep(part: &Path, file: &File) -> Result<(), ArchiveError> {
    file.sync_all().map_err(io(part))
}

/// What is in an archive, when it is whole to its end mark.
///
/// # Errors
/// When it cannot be read, is cut short, or holds what no copy of ours has.
pub fn look_through(path: &Path) -> Result<List, ArchiveError> {
    let mut file = File::open(path).map_err(io(path))?;
    let length = file.metadata().map_err(io(path))?.len();
    let mut end = vec![1; usize::try_from(END).unwrap_or(0)];
    if length < END || length % BLOCK != 0 {
        return Err(broken(path, format!("{length} bytes are no whole archive")));
    }
    file.seek(SeekFrom::End(-i64::try_from(END).unwrap_or(0))).map_err(io(path))?;
    file.read_exact(&mut end).map_err(io(path))?;
    if end.iter().any(|byte| *byte != 0) {
        return Err(broken(path, "its end mark (two blocks of zeros) is missing"));
    }
    file.seek(SeekFrom::Start(0)).map_err(io(path))?;
    let mut list = List::default();
    let mut archive = tar::Archive::new(BufReader::new(file));
    let unreadable = |error: std::io::Error| broken(path, error.to_string());
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let (name, one) = described(&mut entry, &list).map_err(unreadable)?;
        list.0.insert(name, one);
    }
    Ok(list)
}

/// One entry as a list has it. A second name of a file is that file again.
fn described<R: Read>(entry: &mut tar::Entry<'_, R>, list: &List) -> std::io::Result<(Vec<u8>, Entry)> {
    let name = normal(&entry.path_bytes());
    let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
    let header = entry.header();
    let mut one = Entry {
        kind: Kind::Other,
        mode: header.mode()? & 0o7777,
        uid: header.uid()?,
        gid: header.gid()?,
        size: 0,
        sum: "-".to_owned(),
    };
    match header.entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            one.kind = Kind::File;
            let mut hash = Hashing::default();
            one.size = std::io::copy(entry, &mut hash)?;
            one.sum = hash.sum();
        }
        EntryType::Directory => one.kind = Kind::Folder,
        EntryType::Symlink => {
            one.kind = Kind::Link;
            one.sum = checksum(&target);
        }
        EntryType::Link => match list.0.get(&normal(&target)) {
            Some(first) => one = first.clone(),
            None => return Err(std::io::Error::other("a second name of a file that is not in it")),
        },
        _ => {}
    }
    Ok((name, one))
}

/// Takes the checksum of what is written to it.
#[derive(Default)]
struct Hashing(Sha256);

impl Hashing {
    fn sum(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Length and SHA-256 of a file.
///
/// # Errors
/// When it cannot be read.
pub fn sum_of(path: &Path) -> Result<(u64, String), ArchiveError> {
    let mut file = File::open(path).map_err(io(path))?;
    let mut hash = Hashing::default();
    let length = std::io::copy(&mut file, &mut hash).map_err(io(path))?;
    Ok((length, hash.sum()))
}

/// The certificate of a copy of which archive and list are as it says; `None` when there is none, or one of them is not.
///
/// # Errors
/// When the disk refuses.
pub fn certified(paths: &Paths) -> Result<Option<Certificate>, ArchiveError> {
    let text = match fs::read(&paths.certificate) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(io(&paths.certificate))?,
    };
    let Ok(certificate) = serde_json::from_slice::<Certificate>(&text) else { return Ok(None) };
    if certificate.format != FORMAT || !paths.tar.is_file() || !paths.list.is_file() {
        return Ok(None);
    }
    let whole = sum_of(&paths.tar)? == (certificate.bytes, certificate.sha256.clone())
        && sum_of(&paths.list)?.1 == certificate.list_sha256;
    Ok(whole.then_some(certificate))
}

/// Puts a proven archive in its place, then its list, then its certificate.
pub(super) fn certify(paths: &Paths, list: &List, certificate: Certificate) -> Result<Certificate, ArchiveError> {
    // What an earlier try left with a broken certificate would stand in the way.
    for old in [&paths.certificate, &paths.list] {
        match fs::remove_file(old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(old)(error)),
            _ => {}
        }
    }
    fs::rename(&paths.part, &paths.tar).map_err(io(&paths.tar))?;
    let list_sha256 = shelf::put(&paths.list, list.lines().as_bytes())?;
    let certificate = Certificate { list_sha256, ..certificate };
    let text = serde_json::to_string_pretty(&certificate).unwrap_or_default();
    shelf::put(&paths.certificate, format!("{text}\n").as_bytes())?;
    Ok(certificate)
}

/// Reads a file and gives on its bytes. How many there were.
///
/// # Errors
/// When the disk refuses, or whoever takes them.
pub(crate) fn read_on(path: &Path, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, ArchiveError> {
    let mut file = File::open(path).map_err(io(path))?;
    let (mut length, mut piece) = (0, vec![0; 64 * 1024]);
    loop {
        let count = file.read(&mut piece).map_err(io(path))?;
        if count == 0 {
            return Ok(length);
        }
        take(&piece[..count]).map_err(io(path))?;
        length += count as u64;
    }
}

/// Passes an archive on as whole records, without sockets, pipes and devices, to whoever takes the pieces. The length is that of all.
///
/// # Errors
/// When it cannot be read, or nobody takes a piece any more.
pub(super) fn pass_on(path: &Path, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, ArchiveError> {
    let file = File::open(path).map_err(io(path))?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    let unreadable = |error: std::io::Error| broken(path, error.to_string());
    let mut length: u64 = 0;
    let mut held: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        // A long name stands before its entry, and goes with it.
        let before = matches!(kind.as_byte(), b'L' | b'K' | b'x' | b'g');
        let goes = matches!(kind, EntryType::Char | EntryType::Block | EntryType::Fifo);
        held.extend(entry.header().as_bytes());
        let mut left = entry.size();
        let padding = (BLOCK - left % BLOCK) % BLOCK;
        while left > 0 {
            let count = entry.read(&mut buffer).map_err(unreadable)?;
            if count == 0 {
                return Err(broken(path, "it is cut short"));
            }
            left -= count as u64;
            held.extend(&buffer[..count]);
            if !before && !goes {
                take(&held).map_err(unreadable)?;
                length += held.len() as u64;
                held.clear();
            }
        }
        if goes {
            held.clear();
            continue;
        }
        held.extend(std::iter::repeat_n(0, usize::try_from(padding).unwrap_or(0)));
        if !before {
            take(&held).map_err(unreadable)?;
            length += held.len() as u64;
            held.clear();
        }
    }
    let end = END + (RECORD - (length + END) % RECORD) % RECORD;
    take(&vec![0; usize::try_from(end).unwrap_or(0)]).map_err(unreadable)?;
    Ok(length + end)
}
