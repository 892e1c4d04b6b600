//! Where the output goes changes how it looks, never what it says.

use std::process::{Command, Stdio};

use crate::test::Test;

#[test]
fn there_is_no_escape_sequence_without_a_terminal() {
    for (name, value) in [("", ""), ("NO_COLOR", "1"), ("CI", "true"), ("TERM", "dumb")] {
        for line in ["--help", "stacks show telemetry-pipeline", "render zzz", "frobnicate", "runs list", "status"] {
            let mut test = Test::new().line(line);
            if !name.is_empty() {
                test = test.env(name, value);
            }
            let status = if matches!(line, "render zzz" | "frobnicate" | "status") { 2 } else { 0 };
            let output = test.status(status).any_stdout().any_stderr().run();
            assert!(!format!("{}{}", output.stdout, output.stderr).contains('\x1b'), "{name}={value} {line}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for line in [
        vec!["render", "telemetry-pipeline", "--example"],
        vec!["stacks", "show", "telemetry-pipeline"],
        vec!["--help"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(&line)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Closed before anything is read: every write fails.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panic"), "{line:?}: {said}");
        assert_eq!(output.status.code(), Some(0), "{line:?}: {said}");
    }
}

/// `2>&1 | head` must not stop a run in the middle, and a window that was closed must not either.
#[test]
fn a_listener_that_goes_away_stops_no_run() {
    let home = tempfile::tempdir().unwrap();
    for (line, code) in [(vec!["install", "hello", "--sandbox", "--yes"], 0), (vec!["render", "zzz"], 2)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .args(&line)
            .env_clear()
            .env("SEAWORTHY_STATE_DIR", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{line:?}");
    }
}
