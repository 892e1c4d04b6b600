//! The program with `--sandbox`: the whole of an installation, and what breaks it.

use crate::test::{Output, Test};

const INSTALL: &str = "install telemetry-pipeline --sandbox --yes --timeout 60s";

fn installed() -> Output {
    let output = Test::new().line(INSTALL).any_stderr().run();
    assert!(output.stderr.contains("of the sandbox single-node"), "the plan says where: {}", output.stderr);
    assert!(output.stderr.contains("taken from the stack's example: global.imageRegistry"), "{}", output.stderr);
    assert!(output.stderr.contains("reach REST API"), "{}", output.stderr);
    output
}

#[test]
fn a_stack_is_installed_once_seen_and_taken_away() {
    let again = Test::after(installed()).line(INSTALL).any_stderr().run();
    assert!(again.stderr.contains("0 writes"), "{}", again.stderr);
    let status = Test::after(again).line("status --sandbox").any_stdout().run();
    assert!(status.stdout.contains(": healthy"), "{}", status.stdout);
    let gone = Test::after(status).line("uninstall telemetry-pipeline --sandbox --yes").any_stdout().any_stderr().run();
    let status = Test::after(gone).line("status --sandbox").any_status().any_stdout().any_stderr().run();
    assert!(!status.stdout.contains("healthy"), "{}", status.stdout);
}

/// Each fault is what a failed installation ends with.
#[test]
fn what_is_broken_is_named() {
    let table = [
        ("image-missing", "does not exist"),
        ("image-private", "refuses access"),
        ("crash", "CrashLoopBackOff"),
        ("out-of-memory", "OOMKilled"),
        ("not-ready", "readiness probe"),
        ("no-answer", "answered 500, not 200"),
        ("provisioner-away", "nobody makes the volume"),
        ("no-room", "Insufficient cpu"),
        ("no-storage-class", "names no storage class"),
        ("node-unreachable", "has not been ready"),
        ("image-rate-limited", "toomanyrequests"),
        ("disk-pressure", "has had too little disk"),
        ("webhook-down", "must be asked and cannot be"),
        ("api-refusing=403", "this user may not do this (403)"),
        ("api-refusing=500", "the server answered 500"),
        ("api-down=600", "connection refused"),
        ("certificate-expired", "certificate has expired"),
    ];
    for (fault, words) in table {
        let broken = Test::new().args(["sandbox", "fault", "inject", fault]).any_stderr().run();
        let failed = Test::after(broken).line(INSTALL).status(1).any_stderr().run();
        let said: Vec<&str> = failed.stderr.trim_end().lines().collect();
        // The last line, or the error before its hint.
        let last = said[said.len().saturating_sub(2)..].join("\n");
        assert!(last.contains(words), "{fault}: {last}");
    }
}

#[test]
fn a_mended_sandbox_takes_the_same_command_up() {
    let broken = Test::new().line("sandbox fault inject crash").any_stderr().run();
    let failed = Test::after(broken).line(INSTALL).status(1).any_stderr().run();
    let mended = Test::after(failed).line("sandbox fault heal").any_stderr().run();
    Test::after(mended).line(INSTALL).any_stderr().run();
}

#[test]
fn two_clusters_are_one_too_many() {
    let said = "error: --sandbox and --context name two clusters\n hint: leave one of them out";
    Test::new().line("status --sandbox --context x").status(2).stderr(said).run();
    Test::new().line("--context x status --sandbox").status(2).stderr(said).run();
}

#[test]
fn an_unknown_fault_is_answered_with_the_nearest() {
    let said = "error: there is no fault `crush`\n hint: did you mean `crash`?";
    Test::new().line("sandbox fault inject crush").status(2).stderr(said).run();
}

#[test]
fn a_broken_file_is_named_and_reset() {
    let test = Test::new().file("state/sandbox/single-node.json", "{");
    let broken = test.line("status --sandbox").status(1).any_stderr().run();
    assert!(broken.stderr.contains("[HOME]/state/sandbox/single-node.json is no sandbox"), "{}", broken.stderr);
    assert!(broken.stderr.contains("`seaworthy sandbox reset`"), "{}", broken.stderr);
    let reset = Test::after(broken).line("sandbox reset").stdout("the sandbox single-node is forgotten").run();
    Test::after(reset).line("status --sandbox").any_status().any_stdout().any_stderr().run();
}

/// Three speakers want the key that the load balancer's controller makes, and three Services want addresses.
#[test]
fn a_stack_with_load_balancers_and_clone_sets_finds_them_made_ready() {
    let ready =
        Test::new().line("prerequisites install kruise metallb --sandbox=ha --yes").any_stdout().any_stderr().run();
    let install = "install distributed-notebook --sandbox=ha --profile ha --yes";
    let first = Test::after(ready).line(install).any_stderr().run();
    assert!(first.stderr.contains("reach Jupyter at Service/jupyter-notebook"), "{}", first.stderr);
    assert!(!first.stderr.contains("profile ha needs"), "{}", first.stderr);
    let again = Test::after(first).line(install).any_stderr().run();
    assert!(again.stderr.contains("0 writes"), "{}", again.stderr);
}
