//! The very scripts that are run in containers, run here: with the shell and tar of this machine, and with busybox where it is, on
//! files that are hard to copy. What they say has to be what the archive says.

use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::archive::{look_through, pass_on};
use super::list::{Kind, List, parse};
use super::{CLEAR, IN, LIST, OUT, PROBE, SIZE};

/// A folder of tools by which a script finds those of busybox; `None`: this machine's own.
struct Tools(Option<tempfile::TempDir>);

impl Tools {
    /// This machine's, and busybox's where that is here.
    fn all() -> Vec<Self> {
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).is_file());
        let of_busybox = busybox.map(|path| {
            let folder = tempfile::tempdir().unwrap();
            for tool in ["sh", "tar", "find", "sha256sum", "stat", "readlink", "head", "du", "rm"] {
                symlink(path, folder.path().join(tool)).unwrap();
            }
            Self(Some(folder))
        });
        std::iter::once(Self(None)).chain(of_busybox).collect()
    }

    fn run(&self, script: &str, arguments: &[&Path], input: &[u8]) -> (bool, Vec<u8>) {
        let shell = self.0.as_ref().map_or_else(|| PathBuf::from("sh"), |folder| folder.path().join("sh"));
        let mut command = Command::new(shell);
        if let Some(folder) = &self.0 {
            command.env("PATH", folder.path());
        }
        command.args(["-c", script, "sh"]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        // Standard input stays open until the end: no program may wait for its end.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input).unwrap();
        let mut out = Vec::new();
        std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut out).unwrap();
        let ended = child.wait().unwrap().success();
        drop(stdin);
        (ended, out)
    }

    fn list(&self, folder: &Path) -> List {
        let (ended, answer) = self.run(LIST, &[folder], b"");
        assert!(ended);
        parse(&answer).unwrap()
    }
}

/// Everything that is hard to copy.
fn fill(root: &Path) {
    let name = |bytes: &[u8]| root.join(std::ffi::OsStr::from_bytes(bytes));
    fs::create_dir_all(root.join("empty/inner")).unwrap();
    fs::create_dir(root.join("d")).unwrap();
    for odd in [b"a b".as_slice(), b"line\nend", b"back\\slash", b"no\xfftext", b"-rf", b"'q' \"q\" $(x)", b"d/* ?"] {
        fs::write(name(odd), odd).unwrap();
    }
    fs::write(name(&[b'n'; 200]), "a long name").unwrap();
    fs::create_dir_all(root.join("deep").join("x".repeat(120)).join("y".repeat(120))).unwrap();
    fs::write(root.join("deep").join("x".repeat(120)).join("y".repeat(120)).join("f"), "far down").unwrap();
    fs::write(root.join("nothing"), "").unwrap();
    fs::write(root.join("large"), vec![7; 3_000_001]).unwrap();
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    sparse.set_len(4_000_000).unwrap();
    fs::hard_link(root.join("large"), root.join("zlarge")).unwrap();
    symlink("a b", root.join("link")).unwrap();
    symlink("nowhere\n", root.join("dangling")).unwrap();
    symlink("/etc", root.join("away")).unwrap();
    fs::set_permissions(root.join("a b"), fs::Permissions::from_mode(0o4750)).unwrap();
    fs::set_permissions(root.join("empty"), fs::Permissions::from_mode(0o1777)).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

#[test]
fn what_goes_out_and_in_is_the_same_with_every_set_of_tools() {
    for tools in Tools::all() {
        let home = tempfile::tempdir().unwrap();
        let (from, to, path) = (home.path().join("from"), home.path().join("to"), home.path().join("x.tar"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        fill(&from);
        assert!(tools.run(PROBE, &[&from], b"").0);
        let there = tools.list(&from);
        assert_eq!(there.files().0, 13, "{}", there.lines());
        assert_eq!(there.named(Kind::Other), ["pipe"]);
        assert_eq!(there.named(Kind::Link).len(), 3);
        assert!(
            String::from_utf8(tools.run(SIZE, &[&from], b"").1)
                .unwrap()
                .split_whitespace()
                .next()
                .unwrap()
                .parse::<u64>()
                .is_ok()
        );

        let (ended, archive) = tools.run(OUT, &[&from], b"");
        assert!(ended);
        fs::write(&path, &archive).unwrap();
        let list = look_through(&path).unwrap();
        assert_eq!(there.differences(&list), [""; 0]);
        for cut in [archive.len() / 2, archive.len() / 1024 * 512, 512, archive.len() - 1024] {
            fs::write(&path, &archive[..cut / 512 * 512]).unwrap();
            let same = look_through(&path).is_ok_and(|list| there.differences(&list).is_empty());
            // Only zeros behind the end mark may be missing.
            assert!(!same || archive[cut / 512 * 512..].iter().all(|byte| *byte == 0), "{cut}");
        }
        fs::write(&path, &archive).unwrap();

        fs::write(to.join("old"), "goes").unwrap();
        fs::create_dir(to.join("lost+found")).unwrap();
        assert!(tools.run(CLEAR, &[&to], b"").0);
        assert_eq!(tools.list(&to).something(), None);
        let mut sent = Vec::new();
        let length = pass_on(&path, |piece| {
            sent.extend(piece);
            Ok(())
        })
        .unwrap();
        assert_eq!(length, sent.len() as u64);
        assert_eq!(length % 10240, 0, "GNU tar reads whole records");
        let (ended, _) = tools.run(IN, &[&to, Path::new(&length.to_string())], &sent);
        assert!(ended);
        assert_eq!(list.differences(&tools.list(&to)), [""; 0]);
        assert!(!to.join("pipe").exists(), "what is no data is not made");
        // Half of it is an error, or a difference; never the same.
        assert!(tools.run(CLEAR, &[&to], b"").0);
        let half = &sent[..sent.len() / 2 / 512 * 512];
        let _ = tools.run(IN, &[&to, Path::new(&half.len().to_string())], half);
        assert!(!list.differences(&tools.list(&to)).is_empty());
    }
}

#[test]
fn a_tool_that_is_missing_is_named() {
    let tools = Tools::all();
    let Some(Tools(Some(folder))) = tools.last() else { return };
    fs::remove_file(folder.path().join("tar")).unwrap();
    let shell = folder.path().join("sh");
    let output = Command::new(shell).env("PATH", folder.path()).args(["-c", PROBE, "sh", "/"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // The shell of busybox may have its tools built in.
    assert!(output.status.success() || said.contains("it has no tar"), "{said}");
}
