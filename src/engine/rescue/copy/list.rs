//! What a volume holds, entry by entry, with checksums: asked in a pod, made from an archive, and written down for people.
//!
//! Names are bytes: they may hold spaces, line ends, and what is no UTF-8. In the pod each entry ends with a zero byte, because
//! nothing else is certain not to be part of a name; the list itself ends with a word of its own, because what comes through exec is
//! cut short now and then (kubernetes #60140).

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What one entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; its checksum is that of its target.
    Link,
    /// A socket, a pipe or a device: not copied, and named.
    Other,
    /// It was there, and could not be read.
    Unreadable,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Self::File => 'f',
            Self::Folder => 'd',
            Self::Link => 'l',
            Self::Other => 'o',
            Self::Unreadable => 'E',
        }
    }

    fn of_letter(letter: &str) -> Option<Self> {
        [Self::File, Self::Folder, Self::Link, Self::Other, Self::Unreadable]
            .into_iter()
            .find(|kind| letter.len() == 1 && letter.starts_with(kind.letter()))
    }
}

/// An entry of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Its owner, by number.
    pub uid: u64,
    /// Its group, by number.
    pub gid: u64,
    /// Bytes; of files.
    pub size: u64,
    /// SHA-256 of its content, or of a link's target, in hexadecimal; `-` for what has none.
    pub sum: String,
}

impl Entry {
    /// Whether it is the same in all that a copy keeps. The rights of a link mean nothing, and a folder's size neither.
    fn is_like(&self, other: &Self) -> bool {
        let rights = self.kind == Kind::Link || self.mode == other.mode;
        let owner = (self.uid, self.gid) == (other.uid, other.gid);
        let content = self.kind != Kind::File || self.size == other.size;
        self.kind == other.kind && self.sum == other.sum && rights && owner && content
    }
}

/// Entries by their path below the volume's root, which is the empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List(pub BTreeMap<Vec<u8>, Entry>);

/// The folder that a file system of the ext family has at its root; no data of anybody's.
const LOST_AND_FOUND: &[u8] = b"lost+found";

/// What a container is asked, with the path as its argument. The order of `if` matters: `-d` and `-f` follow links.
pub(crate) const SCRIPT: &str = r#"cd "$1" && find . -exec sh -c '
for f do
  k=o s=-
  if [ -h "$f" ]; then k=l; s=$(readlink -n "$f" | sha256sum) || k=E
  elif [ -d "$f" ]; then k=d
  elif [ -f "$f" ]; then k=f; s=$(sha256sum <"$f") || k=E
  fi
  m=$(stat -c "%a %u %g %s" "$f") || { k=E; m="0 0 0 0"; }
  printf "%s %s %s %s\0" "$k" "$m" "${s%% *}" "$f"
done' sh {} + && printf 'end\0'"#;

/// Reads the answer to [`SCRIPT`].
///
/// # Errors
/// What is wrong with it: cut short, or an entry that is none.
pub(crate) fn parse(answer: &[u8]) -> Result<List, String> {
    let whole = answer.strip_suffix(b"end\0").ok_or("the list of files was cut short on its way")?;
    let entries = whole.strip_suffix(b"\0").unwrap_or(whole).split(|byte| *byte == 0).filter(|line| !line.is_empty());
    let read = |line: &[u8]| {
        let mut parts = line.splitn(7, |byte| *byte == b' ');
        let entry = fields(&mut parts)?;
        Some((normal(parts.next()?), entry))
    };
    let list: Option<BTreeMap<Vec<u8>, Entry>> = entries.map(read).collect();
    list.map(List).ok_or_else(|| "the list of files cannot be read".to_owned())
}

fn fields<'a>(parts: &mut impl Iterator<Item = &'a [u8]>) -> Option<Entry> {
    let mut word = || std::str::from_utf8(parts.next()?).ok();
    let (letter, mode, uid, gid, size, sum) = (word()?, word()?, word()?, word()?, word()?, word()?);
    Some(Entry {
        kind: Kind::of_letter(letter)?,
        mode: u32::from_str_radix(mode, 8).ok()?,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        size: size.parse().ok()?,
        sum: sum.to_owned(),
    })
}

/// A path as all lists have it: `./a/` is `a`, and the root is empty.
pub(super) fn normal(path: &[u8]) -> Vec<u8> {
    let mut path = path;
    while let Some(rest) = path.strip_prefix(b"./".as_slice()).or_else(|| path.strip_prefix(b"/".as_slice())) {
        path = rest;
    }
    while let Some(rest) = path.strip_suffix(b"/") {
        path = rest;
    }
    if path == b"." { Vec::new() } else { path.to_owned() }
}

/// What people see of a name: `\n`, `\\` and `\xHH` for what is no printable text.
pub fn shown(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                letter if letter.is_control() => {
                    let _ = write!(text, "\\x{:02x}", u32::from(letter));
                }
                letter => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

impl List {
    /// How many regular files, and their bytes together.
    pub fn files(&self) -> (u64, u64) {
        let files = self.0.values().filter(|entry| entry.kind == Kind::File);
        files.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.size))
    }

    /// The names of the entries of a kind.
    pub fn named(&self, kind: Kind) -> Vec<String> {
        self.0.iter().filter(|(_, entry)| entry.kind == kind).map(|(path, _)| shown(path)).collect()
    }

    /// The first name of anything that is somebody's data; `None`: the volume is empty.
    pub fn something(&self) -> Option<String> {
        let own = |path: &&Vec<u8>| !path.is_empty() && path.as_slice() != LOST_AND_FOUND;
        self.0.keys().find(own).map(|path| shown(path))
    }

    /// What the other list has otherwise, each with its name. What is not copied is left out.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (path, entry) in self.0.iter().filter(|(_, entry)| entry.kind != Kind::Other) {
            match other.0.get(path) {
                None => found.push(format!("{} is missing", shown(path))),
                Some(theirs) if !entry.is_like(theirs) => found.push(format!("{} differs", shown(path))),
                Some(_) => {}
            }
        }
        let more = |path: &&Vec<u8>| !self.0.contains_key(*path) && path.as_slice() != LOST_AND_FOUND;
        let copied = other.0.iter().filter(|(_, entry)| entry.kind != Kind::Other).map(|(path, _)| path);
        found.extend(copied.filter(more).map(|path| format!("{} is too much", shown(path))));
        found
    }

    /// The list without what has changed between two looks.
    pub(super) fn steady(&self, later: &Self) -> (Self, Vec<String>) {
        let is_same = |path: &Vec<u8>, entry: &Entry| {
            entry.kind != Kind::Unreadable && later.0.get(path).is_some_and(|other| entry.is_like(other))
        };
        let all = self.0.keys().chain(later.0.keys().filter(|path| !self.0.contains_key(*path)));
        let moved = all.filter(|path| self.0.get(*path).is_none_or(|entry| !is_same(path, entry)));
        let moved: Vec<String> = moved.map(|path| shown(path)).collect();
        let steady = self.0.iter().filter(|(path, entry)| is_same(path, entry));
        (Self(steady.map(|(path, entry)| (path.clone(), entry.clone())).collect()), moved)
    }

    /// A line each, for people: kind, rights, owner, group, bytes, checksum, name.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for (path, entry) in &self.0 {
            let Entry { kind, mode, uid, gid, size, sum } = entry;
            let _ = writeln!(text, "{} {mode:o} {uid} {gid} {size} {sum} {}", kind.letter(), shown(path));
        }
        text
    }
}

/// Up to five of many, for a message.
pub(super) fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_was_cut_short_is_no_list() {
        let answer = b"d 755 0 0 4096 - .\0f 644 1 2 3 abc ./a b\nc\0end\0";
        let list = parse(answer).unwrap();
        assert_eq!(list.files(), (1, 3));
        assert_eq!(list.named(Kind::File), ["a b\\nc"]);
        for cut in 0..answer.len() {
            assert!(parse(&answer[..cut]).is_err(), "{cut}");
        }
        assert!(parse(b"x 1 2\0end\0").is_err());
    }

    #[test]
    fn names_are_shown_without_what_moves_a_cursor() {
        assert_eq!(shown(b"a\\b\n\x1b\xff"), "a\\\\b\\n\\x1b\\xff");
        assert_eq!((shown(b""), normal(b"./"), normal(b".//a/")), (".".to_owned(), Vec::new(), b"a".to_vec()));
    }

    #[test]
    fn what_differs_is_named_and_what_is_not_copied_is_no_difference() {
        let list = |text: &str| parse(text.as_bytes()).unwrap();
        let one = list("f 644 0 0 3 abc ./a\0f 644 0 0 3 abc ./b\0o 644 0 0 0 - ./s\0end\0");
        let two = list("f 644 0 0 3 abd ./a\0f 644 0 0 3 abc ./c\0d 755 0 0 0 - ./lost+found\0end\0");
        assert_eq!(one.differences(&two), ["a differs", "b is missing", "c is too much"]);
        assert_eq!(one.differences(&one), Vec::<String>::new());
        let (steady, moved) = one.steady(&two);
        assert!(steady.0.is_empty());
        assert_eq!(moved, ["a", "b", "s", "c", "lost+found"]);
        assert_eq!(list("d 755 0 0 0 - .\0d 755 0 0 0 - ./lost+found\0end\0").something(), None);
    }
}
