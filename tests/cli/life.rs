//! The life of an installation in the sandbox: changed, kept as it was chosen, brought back, and taken away with what it has made.

use serde_json::Value;

use crate::test::{Output, Test};

fn again(output: Output, line: &str) -> Test {
    Test::after(output).line(line).any_stdout().any_stderr()
}

/// The greeting that the page has now.
fn greeting(output: Output) -> (String, Output) {
    let runs = again(output, "runs list -o json").run();
    let document = runs.json();
    let last = document["items"].as_array().unwrap().last().unwrap()["run"].as_str().unwrap().to_owned();
    let run = again(runs, &format!("runs show {last} -o json")).run();
    let steps = run.json()["plan"]["steps"].as_array().unwrap().clone();
    let map = steps.iter().map(|step| &step["action"]["object"]).find(|object| object["kind"] == "ConfigMap").unwrap();
    let text = map["data"].as_object().unwrap().values().filter_map(Value::as_str).collect::<String>();
    (text, run)
}

#[test]
fn an_upgrade_keeps_what_was_chosen_and_a_rollback_brings_back_what_was() {
    let installed = Test::new()
        .line("install hello --sandbox --yes --set page.greeting=First --set resources.requests.memory=32Mi")
        .any_stderr()
        .any_stdout()
        .run();
    let upgraded = again(installed, "upgrade hello --sandbox --yes --set page.greeting=Second").run();
    assert!(!upgraded.stderr.contains("memory"), "what was chosen before stays: {}", upgraded.stderr);
    let (text, shown) = greeting(upgraded);
    assert!(text.contains("Second"), "{text}");
    let unchanged = again(shown, "upgrade hello --sandbox --yes -o json").run();
    assert_eq!(unchanged.json()["outcome"]["requests"]["writes"], 0, "{}", unchanged.stdout);
    let back = again(unchanged, "rollback hello --sandbox --yes").run();
    let (text, shown) = greeting(back);
    assert!(text.contains("First"), "{text}");
    let reset = again(shown, "upgrade hello --sandbox --yes --reset-values").run();
    assert!(reset.stderr.contains("memory"), "{}", reset.stderr);
    assert!(greeting(reset).0.contains("Ahoy!"));
}

#[test]
fn what_was_never_installed_is_neither_upgraded_nor_brought_back() {
    let said = Test::new().line("upgrade hello --sandbox --yes").status(2).any_stderr().run().stderr;
    assert!(said.contains("hello has no record of an installation in namespace hello"), "{said}");
    let said = Test::new().line("rollback hello --sandbox --yes").status(2).any_stderr().run().stderr;
    assert!(said.contains("no run of this installation is known on this machine"), "{said}");
}

#[test]
fn an_upgrade_that_does_not_become_ready_goes_back_when_it_was_told_to() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().any_stdout().run();
    let broken = again(installed, "sandbox fault image-missing=none").run();
    let line = "upgrade hello --sandbox --yes --roll-back --timeout 20s --set image.tag=none";
    let failed = again(broken, line).status(1).run();
    assert!(failed.stderr.contains("going back to run"), "{}", failed.stderr);
    // Healthy again: it exits with 0.
    again(failed, "status hello --sandbox").status(0).run();
}
