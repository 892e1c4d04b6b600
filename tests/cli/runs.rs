//! `runs list|show|abort|purge` over journals made by hand: what is on disk may be of any age and in any state.

use crate::test::{Output, Test};

const OPENED: &str = include_str!("../fixtures/cli/opened.jsonl");
const INTENT: &str = r#"{"entry":"intent","step":"apply:Namespace/sea","at":"2026-01-02T03:04:06Z"}"#;
const DONE: &str = r#"{"entry":"done","step":"apply:Namespace/sea","at":"2026-01-02T03:04:07Z","changed":true}"#;
const FAILED: &str = r#"{"entry":"failed","step":"apply:ConfigMap/sea/shop","at":"2026-01-02T03:04:08Z","cause":{"id":"D001","object":{"apiVersion":"v1","kind":"ConfigMap","namespace":"sea","name":"shop"},"reason":"Forbidden","message":"no","remedy":null,"outlook":"final"}}"#;
const HINT: &str = " hint: `seaworthy runs list` shows the runs there are";

fn opened(run: &str) -> String {
    OPENED.replace("RUN", run)
}

fn closed(ended: &str) -> String {
    format!(r#"{{"entry":"closed","at":"2026-01-02T03:04:09Z","ended":"{ended}"}}"#)
}

/// A state folder with a run in each state, and journals that nobody can read.
fn harbour() -> Test {
    let file = |test: Test, run: &str, lines: &[&str]| {
        test.file(&format!("state/runs/{run}.jsonl"), &format!("{}{}", opened(run), lines.join("\n")))
    };
    let test = Test::new();
    let test = file(test, "20260102-030401", &[INTENT, DONE, &closed("done"), ""]);
    let test = file(test, "20260102-030402", &[INTENT, DONE, FAILED, &closed("failed"), ""]);
    let test = file(test, "20260102-030403", &[INTENT, DONE, &closed("interrupted"), ""]);
    let test = file(test, "20260102-030404", &[INTENT, DONE, r#"{"entry":"intent","step":"apply:Conf"#]);
    let test = file(test, "20260102-030405", &[INTENT, "not a line of ours", DONE, ""]);
    test.file("state/runs/20260102-030406.jsonl", &opened("20260102-030406").replace("\"format\":1", "\"format\":2"))
        .file("state/runs/20260102-030407.jsonl", "")
        .file("state/runs/notes.txt", "not a journal")
        .file("state/x.jsonl", &opened("20260102-030408"))
}

#[track_caller]
fn after(output: Output, line: &str) -> Output {
    Test::after(output).line(line).any_stdout().any_stderr().run()
}

#[test]
fn a_journal_that_cannot_be_read_hides_no_other() {
    let output = harbour().line("runs list").any_stdout().any_stderr().run();
    insta::assert_snapshot!("list", format!("{}\n{}", output.stdout, output.stderr));
    let document = Test::after(output).line("runs list -o json").any_stdout().any_stderr().run().json();
    let states: Vec<&str> =
        document["items"].as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "failed", "interrupted", "open"]);
}

#[test]
fn show() {
    let output = harbour().line("runs show 20260102-030402").any_stdout().run();
    insta::assert_snapshot!("show-failed", output.stdout);
    let output = Test::after(output).line("runs show 20260102-030404").any_stdout().run();
    insta::assert_snapshot!("show-torn", output.stdout);
    let document = Test::after(output).line("runs show 20260102-030402 -o json").any_stdout().run().json();
    assert_eq!(document["causes"][0]["reason"], "Forbidden", "{document}");
    assert_eq!(document["done"], serde_json::json!(["apply:Namespace/sea"]), "{document}");
}

/// Journals of older programs tell less.
#[test]
fn show_over_time() {
    let map = r#"{"entry":"intent","step":"apply:ConfigMap/sea/shop","at":"2026-01-02T03:04:06Z"}"#;
    let took = r#"{"entry":"done","step":"apply:ConfigMap/sea/shop","at":"2026-01-02T03:04:12Z","changed":true,"millis":4000,"after":7000}"#;
    let again = r#"{"entry":"resumed","at":"2026-01-03T00:00:00Z","binary":"0.1.0"}"#;
    let lines = [INTENT, DONE, map, took, &closed("done"), ""].join("\n");
    let test = harbour().file("state/runs/20260102-030409.jsonl", &format!("{}{lines}", opened("20260102-030409")));
    let lines = [INTENT, DONE, again, map, ""].join("\n");
    let test = test.file("state/runs/20260102-030410.jsonl", &format!("{}{lines}", opened("20260102-030410")));
    let output = test.line("runs show 20260102-030409 --timeline").any_stdout().run();
    insta::assert_snapshot!("timeline", output.stdout);
    let output = Test::after(output).line("runs show 20260102-030402 --timeline").any_stdout().run();
    insta::assert_snapshot!("timeline-failed", output.stdout);
    let output = Test::after(output).line("runs show 20260102-030410 --timeline").any_stdout().run();
    insta::assert_snapshot!("timeline-again", output.stdout);
    let output = Test::after(output).line("runs show 20260102-030407 --timeline").status(1).any_stderr().run();
    assert!(output.stderr.contains("it is empty"), "{}", output.stderr);
    let document = Test::after(output).line("runs show 20260102-030409 -o json").any_stdout().run().json();
    assert_eq!(document["times"]["steps"]["apply:ConfigMap/sea/shop"]["ended"], "2026-01-02T03:04:12Z", "{document}");
}

#[test]
fn show_of_what_cannot_be_read() {
    let mut home = harbour().line("runs list").any_stdout().any_stderr().run();
    for run in ["20260102-030405", "20260102-030406", "20260102-030407"] {
        home = Test::after(home).line("runs show").line(run).status(1).any_stderr().run();
        insta::assert_snapshot!(format!("show-{run}"), home.stderr);
    }
}

#[test]
fn a_name_does_not_lead_out_of_the_folder() {
    let mut home = harbour().line("runs list").any_stdout().any_stderr().run();
    for name in ["../x", "..", "", "20260102-030401.jsonl", "/etc/passwd", "zzz"] {
        for command in ["show", "abort", "purge", "resume"] {
            let test = Test::after(home).args(["runs", command, name]).status(2);
            home = test.stderr(&format!("error: no run `{name}` in [HOME]/state/runs\n{HINT}")).run();
        }
    }
    assert!(home.state().join("x.jsonl").exists(), "a file beside the folder was deleted");
}

#[test]
fn abort_closes_an_unfinished_run_once() {
    // Killed, interrupted, and failed: each can be gone on with.
    for run in ["20260102-030403", "20260102-030404", "20260102-030402"] {
        let said = format!("run {run} is closed; what it did stays as it is");
        let output = harbour().line("runs abort").line(run).stdout(&said).run();
        let again = format!("error: run {run} is over: given up\n hint: there is nothing to close");
        let output = Test::after(output).line("runs abort").line(run).status(2).stderr(&again).run();
        let shown = after(output, &format!("runs show {run} -o json"));
        assert_eq!(shown.json()["state"], "abandoned");
        // What was torn off is gone, and what was whole is still there.
        assert_eq!(shown.json()["done"], serde_json::json!(["apply:Namespace/sea"]));
    }
}

#[test]
fn purge_forgets_a_run_whatever_is_in_it() {
    let mut home = harbour().line("runs list").any_stdout().any_stderr().run();
    for number in 1..=7 {
        let run = format!("20260102-03040{number}");
        home = Test::after(home).line("runs purge").line(&run).stdout(&format!("run {run} is forgotten")).run();
    }
    let left = std::fs::read_dir(home.state().join("runs")).unwrap().count();
    assert_eq!(left, 1, "only the notes");
    Test::after(home).line("runs list").stdout("no runs yet").run();
}

#[test]
fn a_run_that_is_over_is_not_taken_up_again() {
    let hint = " hint: run the command itself again; it compares with the cluster";
    let said = format!("error: run 20260102-030401 is over: done\n{hint}");
    harbour().line("runs resume 20260102-030401").status(2).stderr(&said).run();
}

#[test]
fn the_folder_may_be_elsewhere() {
    let state = |test: Test| test.file("other/seaworthy/runs/20260102-030401.jsonl", &opened("20260102-030401"));
    let test = state(Test::new()).env("SEAWORTHY_STATE_DIR", "");
    let other = test.home().join("other").display().to_string();
    let output = test.env("XDG_STATE_HOME", &other).line("runs list -o json").any_stdout().run();
    assert_eq!(output.json()["items"].as_array().unwrap().len(), 1);
}
