//! Where stacks come from: folders embedded in the program, and folders given with `--profiles`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::fault::{Fault, FaultKind, Place, StackError};
use super::{Stack, names};
use crate::error::closest;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/profiles");
static ASSETS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// A file of a stack that is larger than this is refused: nothing of the size goes into a Kubernetes object.
const LARGEST: u64 = 4 << 20;

/// Folders within a stack's folder are at most this deep; a link to itself would be deeper.
const DEEPEST: u32 = 4;

/// Where a stack's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// In the program itself.
    Embedded(String),
    /// In a folder on disk.
    Folder(PathBuf),
}

impl Home {
    /// The name of one of its files, as a user would find it again.
    pub fn file(&self, path: &str) -> String {
        match self {
            Self::Embedded(name) => format!("{}{name}/{path}", super::fault::EMBEDDED),
            Self::Folder(folder) => folder.join(path).display().to_string(),
        }
    }

    /// A place in one of its files.
    pub fn place(&self, path: &str) -> Place {
        Place::file(self.file(path))
    }
}

/// All texts of a stack's folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where they are.
    pub home: Home,
    /// The folder's own name, which is the stack's.
    pub name: String,
    /// The texts by their path in the folder.
    pub files: BTreeMap<String, String>,
}

impl Folder {
    /// The files of YAML right below one of its own folders: each with its place, its name without the ending, and its text.
    pub fn sheets<'a>(&'a self, below: &'a str) -> impl Iterator<Item = (String, &'a str, &'a str)> {
        self.files.iter().filter_map(move |(path, text)| {
            let name = path.strip_prefix(below)?.strip_prefix('/')?.strip_suffix(".yaml")?;
            Some((self.home.file(path), name, text.as_str()))
        })
    }
}

/// The stacks that can be chosen: those in the given folders, then the embedded ones.
#[derive(Debug, Clone)]
pub struct Catalogue {
    dirs: Vec<PathBuf>,
    embedded: &'static Dir<'static>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new([])
    }
}

impl Catalogue {
    /// A catalogue of the embedded stacks and those in these folders; the first that has a stack of a name has it whole.
    pub fn new(dirs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { dirs: dirs.into_iter().collect(), embedded: &EMBEDDED }
    }

    /// What is installed below stacks: the prerequisites, and what proves that they work. Nobody can put something else in
    /// their place, because what is decided about them is decided about these.
    pub fn prerequisites() -> Self {
        Self { dirs: Vec::new(), embedded: &ASSETS }
    }

    /// The names of all stacks, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.dirs.iter().flat_map(|dir| stacks_in(dir)).chain(names_in(self.embedded)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Every stack in the order in which people should read them; and those that cannot be used, each with the reason.
    pub fn stacks(&self) -> (Vec<Stack>, Vec<(String, StackError)>) {
        let (mut stacks, mut broken) = (Vec::new(), Vec::new());
        for name in self.names() {
            match self.get(&name) {
                Ok(stack) => stacks.push(stack),
                Err(error) => broken.push((name, error)),
            }
        }
        // Sorting keeps the order of the names.
        stacks.sort_by_key(|stack| stack.definition().order.unwrap_or(u32::MAX));
        (stacks, broken)
    }

    /// Loads the stack of this name, and no other.
    ///
    /// # Errors
    /// When there is none, or it cannot be read, or its files do not fit together.
    pub fn get(&self, name: &str) -> Result<Stack, StackError> {
        let folder = self.folder(name)?;
        Stack::load(&folder)
    }

    /// The texts of the stack of this name, unread.
    ///
    /// # Errors
    /// When there is none, or it cannot be read, or one of the folders given is none.
    pub fn folder(&self, name: &str) -> Result<Folder, StackError> {
        if let Some(dir) = self.dirs.iter().find(|dir| !dir.is_dir()) {
            let reason = "is not a folder; `--profiles` takes one with a folder for each stack".to_owned();
            return Err(StackError::Unreadable { path: dir.display().to_string(), reason });
        }
        if names::is_label(name) {
            if let Some(dir) = self.dirs.iter().find(|dir| dir.join(name).join("stack.yaml").is_file()) {
                return read_folder(&dir.join(name));
            }
            if let Some(dir) = self.embedded.get_dir(name) {
                return embedded(name, dir);
            }
        }
        let known = self.names();
        let closest = closest(name, known.iter().map(String::as_str)).map(str::to_owned);
        Err(StackError::UnknownStack { name: name.to_owned(), closest, known })
    }
}

/// The name of the embedded stack that new ones are copied from: what `profiles/starter` says.
pub(super) fn starter_name() -> Option<&'static str> {
    EMBEDDED.get_file("starter")?.contents_utf8().map(str::trim)
}

/// Whether a stack of this name is embedded.
pub(super) fn built_in(name: &str) -> bool {
    EMBEDDED.get_dir(name).is_some()
}

fn names_in(embedded: &'static Dir<'static>) -> impl Iterator<Item = String> {
    embedded
        .dirs()
        .filter(|dir| dir.get_file(dir.path().join("stack.yaml")).is_some())
        .filter_map(|dir| dir.path().to_str().map(str::to_owned))
}

/// The names of the stacks that lie in a folder, sorted.
pub fn stacks_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut stacks: Vec<String> = entries
        .filter(|entry| entry.path().join("stack.yaml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| names::is_label(name))
        .collect();
    stacks.sort();
    stacks
}

fn embedded(name: &str, dir: &Dir<'static>) -> Result<Folder, StackError> {
    let home = Home::Embedded(name.to_owned());
    let mut files = BTreeMap::new();
    let mut open = vec![dir];
    while let Some(dir) = open.pop() {
        open.extend(dir.dirs());
        for file in dir.files() {
            let path = file.path().strip_prefix(name).unwrap_or(file.path()).display().to_string();
            let text = file.contents_utf8().ok_or_else(|| not_text(&home, &path))?;
            files.insert(path, text.to_owned());
        }
    }
    Ok(Folder { home, name: name.to_owned(), files })
}

/// Reads a stack's folder from disk.
///
/// # Errors
/// When a file cannot be read, is no text, is too large, or is a link that leads out of the folder.
pub fn read_folder(folder: &Path) -> Result<Folder, StackError> {
    let root = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut read = Folder { home: Home::Folder(folder.to_owned()), name, files: BTreeMap::new() };
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = open.pop() {
        let here = folder.join(&below);
        for entry in fs::read_dir(&here).map_err(|error| unreadable(&here, &error))? {
            let entry = entry.map_err(|error| unreadable(&here, &error))?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let path = below.join(entry.file_name());
            let full = inside(&root, &folder.join(&path))?;
            if full.is_dir() {
                if depth == DEEPEST {
                    let message = format!("a stack's folders are at most {DEEPEST} deep");
                    let place = read.home.place(&path.display().to_string());
                    return Err(Fault::new(FaultKind::BadStack, place, message).into());
                }
                open.push((path, depth + 1));
            } else if full.is_file() {
                let text = read_text(&read.home, &path, &full)?;
                read.files.insert(path.display().to_string(), text);
            }
        }
    }
    Ok(read)
}

/// The real path of a file, which must lie inside the stack's folder.
fn inside(root: &Path, path: &Path) -> Result<PathBuf, StackError> {
    let real = path.canonicalize().map_err(|error| unreadable(path, &error))?;
    if real.starts_with(root) {
        return Ok(real);
    }
    let place = Place::file(path.display().to_string());
    Err(Fault::new(FaultKind::BadStack, place, "is a link that leads out of the stack's folder").into())
}

fn read_text(home: &Home, path: &Path, full: &Path) -> Result<String, StackError> {
    let size = fs::metadata(full).map_err(|error| unreadable(full, &error))?.len();
    let path = path.display().to_string();
    if size > LARGEST {
        let message = format!("is {size} bytes; a stack's files have at most {LARGEST}");
        return Err(Fault::new(FaultKind::BadStack, home.place(&path), message).into());
    }
    let bytes = fs::read(full).map_err(|error| unreadable(full, &error))?;
    String::from_utf8(bytes).map_err(|_| not_text(home, &path))
}

fn not_text(home: &Home, path: &str) -> StackError {
    Fault::new(FaultKind::BadStack, home.place(path), "is not UTF-8 text").into()
}

fn unreadable(path: &Path, error: &std::io::Error) -> StackError {
    StackError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Explain;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn the_first_folder_has_a_stack_whole() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(first.path(), &[("a/stack.yaml", "1")]);
        write(second.path(), &[("a/stack.yaml", "2"), ("a/values.yaml", ""), ("b/stack.yaml", "3"), ("c/no.yaml", "")]);
        let catalogue = Catalogue::new([first.path().to_owned(), second.path().to_owned()]);
        let names = catalogue.names();
        assert!(names.contains(&"a".to_owned()) && names.contains(&"b".to_owned()) && !names.contains(&"c".to_owned()));
        let a = catalogue.folder("a").unwrap();
        assert_eq!(a.files.into_iter().collect::<Vec<_>>(), [("stack.yaml".to_owned(), "1".to_owned())]);
        assert_eq!(a.home.file("x.yaml"), first.path().join("a/x.yaml").display().to_string());
    }

    /// The order is that of the stacks' own numbers; those without one stand behind, by name.
    #[test]
    fn stacks_stand_in_their_order() {
        let (stacks, broken) = Catalogue::default().stacks();
        assert!(broken.is_empty(), "{broken:?}");
        let places: Vec<(u32, &str)> =
            stacks.iter().map(|stack| (stack.definition().order.unwrap_or(u32::MAX), stack.name())).collect();
        assert!(places.is_sorted() && places[0].0 < u32::MAX, "{places:?}");
        let names: Vec<String> = stacks.iter().map(|stack| stack.name().to_owned()).collect();
        assert_ne!(names, Catalogue::default().names(), "one is for trying out, and comes first");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_closest_and_never_leaves_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[("inner/geodata/stack.yaml", ""), ("outer/stack.yaml", "")]);
        let catalogue = Catalogue::new([dir.path().join("inner")]);
        let error = catalogue.folder("geodat").unwrap_err();
        assert_eq!(error.id(), "unknown-stack");
        assert!(error.to_string().contains("did you mean `geodata`?"), "{error}");
        for name in ["../outer", "..", ".", "", "a/b"] {
            assert_eq!(catalogue.folder(name).unwrap_err().id(), "unknown-stack", "{name}");
        }
        let nowhere = Catalogue::new([dir.path().join("nowhere")]);
        assert_eq!(nowhere.folder("geodata").unwrap_err().id(), "unreadable-stack");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_refused_and_one_inside_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[("s/stack.yaml", "x"), ("secret", "no")]);
        std::os::unix::fs::symlink("stack.yaml", dir.path().join("s/again.yaml")).unwrap();
        assert_eq!(read_folder(&dir.path().join("s")).unwrap().files["again.yaml"], "x");
        std::os::unix::fs::symlink(".", dir.path().join("s/loop")).unwrap();
        let error = read_folder(&dir.path().join("s")).unwrap_err();
        assert!(error.to_string().ends_with("a stack's folders are at most 4 deep"), "{error}");
        fs::remove_file(dir.path().join("s/loop")).unwrap();
        std::os::unix::fs::symlink("../secret", dir.path().join("s/values.yaml")).unwrap();
        let error = read_folder(&dir.path().join("s")).unwrap_err();
        assert!(error.to_string().ends_with("is a link that leads out of the stack's folder"), "{error}");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("values.yaml"), [0xff, 0xfe]).unwrap();
        let error = read_folder(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("values.yaml: is not UTF-8 text"), "{error}");
    }
}
