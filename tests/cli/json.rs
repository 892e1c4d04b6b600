//! `-o json`: exactly one document on standard output, whatever happens.

use crate::test::Test;

#[track_caller]
fn error(line: &str, status: i32) -> serde_json::Value {
    let output = Test::new().line(line).line("-o json").touches_nothing().status(status).any_stdout().run();
    let document = output.json();
    assert_eq!(document["kind"], "Error", "{document}");
    document["error"].clone()
}

#[test]
fn bad_input() {
    let cases = [
        ("render zzz", "unknown-stack"),
        ("render telemetry-pipeline", "missing-value"),
        ("render telemetry-pipeline -f gone.yaml", "unreadable-file"),
        ("render telemetry-pipeline --namespace A", "bad-name"),
        ("install telemetry-pipeline --secret a=b", "secret-in-the-clear"),
        ("runs show 20200101-000000", "unknown-run"),
        ("runs resume", "no-unfinished-run"),
        ("status --context nowhere", "unknown-context"),
        ("status --kubeconfig gone", "kubeconfig-missing"),
    ];
    for (line, id) in cases {
        let error = error(line, 2);
        assert_eq!((&error["id"], &error["class"]), (&id.into(), &"input".into()), "{line}: {error}");
        assert!(error["message"].is_string() && error["hint"].is_string(), "{line}: {error}");
    }
}

#[test]
fn bad_usage() {
    for line in
        ["frobnicate", "open", "render x --frob", "status --timeout soon", "runs", "uninstall x --destroy-data y"]
    {
        let error = error(line, 2);
        assert_eq!((&error["id"], &error["class"]), (&"usage".into(), &"input".into()), "{line}: {error}");
    }
}

#[test]
fn results() {
    let cases = [
        ("stacks list", "Stacks"),
        ("stacks show telemetry-pipeline", "Stack"),
        ("stacks validate telemetry-pipeline", "Validation"),
        ("render telemetry-pipeline --example", "Manifests"),
        ("runs list", "Runs"),
    ];
    for (line, kind) in cases {
        let output = Test::new().line(line).line("-o json").touches_nothing().any_stdout().run();
        assert_eq!(output.json()["kind"], kind, "{line}");
    }
}

/// Only that it answers, and in one document: what is on this machine is not ours to know.
#[test]
fn the_host() {
    let output = Test::new().line("detect -o json").any_stdout().any_stderr().run();
    assert_eq!(output.json()["kind"], "Host");
}
