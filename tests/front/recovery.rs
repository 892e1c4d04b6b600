//! A recovery on the full screen, by keys alone.

use std::process::Command;

use super::pty::Terminal;

const ENTER: &str = "\r";
const ESCAPE: &str = "\x1b";
const PROGRAM: &str = env!("CARGO_BIN_EXE_seaworthy");

/// A loss in a sandbox of its own: its state folder, and what has to be kept so that it stays.
fn loss() -> (String, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let mut drill = Command::new(PROGRAM);
    drill.env_clear().env("HOME", home.path()).env("SEAWORTHY_STATE_DIR", &state);
    let out = drill.args(["drill", "rebind", "--by-hand", "-o", "json"]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let document: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    (document["folder"].as_str().unwrap().to_owned(), home)
}

/// The word that the window asks for.
fn word(terminal: &Terminal) -> String {
    let text = terminal.see(" to agree:");
    let line = text.lines().find_map(|line| line.split_once("Type ")?.1.split_once(" to agree:")).unwrap();
    line.0.to_owned()
}

/// What is lost, the plan, the word, the run with a note, and the report; after a wrong word nothing is begun.
#[test]
fn a_loss_is_recovered_by_keys() {
    let (state, _home) = loss();
    let environment = [("SEAWORTHY_STATE_DIR", state.as_str())];
    let mut terminal = Terminal::start_program(PROGRAM, &["--sandbox"], &environment);
    terminal.see("✓ the sandbox single-node");
    terminal.keys(ENTER);
    terminal.see("a loss is certain: volume-going of hello/hello-data; v shows what to do");
    terminal.keys("v");
    terminal.see("1 loss is certain");
    terminal.see("▸ ✗ volume-going: PersistentVolumeClaim/hello/hello-data");
    terminal.keys("h");
    terminal.see("hold: 1 volume of namespace hello kept, manifests in");
    terminal.keys(ENTER);
    terminal.see("▸    ✓ rebind: keeps the data");
    terminal.keys(ENTER);
    terminal.see("Bind a volume back");
    terminal.see("Enter run it");
    terminal.keys("G");
    terminal.see("Before it runs");
    terminal.keys(ENTER);
    let name = word(&terminal);
    terminal.keys("yes\r");
    terminal.see(&format!("✗ that is not {name}"));
    terminal.keys(ESCAPE);
    terminal.see("not agreed; the plan was not begun");
    terminal.resize(30, 100);
    terminal.see("Enter run it");
    terminal.keys("G\r");
    assert_eq!(word(&terminal), name);
    terminal.keys(&name);
    terminal.keys(ENTER);
    terminal.see("the loss is known for ");
    terminal.see("all is done; Enter shows the report");
    terminal.keys("n");
    terminal.see("For the report");
    terminal.keys("disk 3 was replaced\r");
    terminal.see("✓ note: disk 3 was replaced");
    terminal.keys(ENTER);
    assert!(terminal.see("› [Report]").contains("/reports/"), "where it is stands above it");
    terminal.keys("G");
    let report = terminal.see("operator   disk 3 was replaced");
    assert!(report.contains("ended: done"), "{report}");
    terminal.keys("h");
    terminal.see("hello 1.0.0 single-node in hello: healthy");
    terminal.keys("v");
    terminal.see("no loss is recognised; compared with 1 record");
    terminal.keys("q");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("saved: its volume is bound to it again"), "{text}");
    let reports: Vec<_> = std::fs::read_dir(format!("{state}/reports")).unwrap().collect();
    assert_eq!(reports.len(), 2, "a report, and the same as JSON: {reports:?}");
}
