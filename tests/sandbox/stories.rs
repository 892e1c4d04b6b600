//! Somebody lost data: recognised, recovered and compared, in the sandbox, with the program as a user types it.

use crate::test::{Output, Test};

fn say(after: Output, line: &str, status: i32) -> Output {
    Test::after(after).line(line).status(status).any_stdout().any_stderr().run()
}

fn installed(stack: &str) -> Output {
    Test::new().line(&format!("install {stack} --sandbox --yes")).any_stderr().run()
}

/// What stands behind a word of the report.
fn told<'a>(output: &'a Output, word: &str) -> &'a str {
    let line = output.stderr.lines().find_map(|line| line.trim().strip_prefix(word));
    line.unwrap_or_else(|| panic!("no `{word}` in {}", output.stderr)).trim()
}

/// The name that a step which cannot be taken back wants typed.
fn names(output: &Output) -> String {
    let named = output.stderr.lines().find_map(|line| line.split_once("hint: name each of them: "));
    named.map(|(_, names)| names.to_owned()).unwrap_or_default()
}

fn is_healthy(after: Output, stack: &str) {
    let status = say(after, &format!("status {stack} --sandbox"), 0);
    assert!(status.stdout.contains(": healthy"), "{}", status.stdout);
    let doctor = say(status, "doctor --sandbox --fail-on error", 0);
    assert!(!doctor.stdout.contains("error "), "{}", doctor.stdout);
}

/// A loss in the words of `recover`, the playbook that it proposes, and whether a name has to be typed.
fn story(stack: &str, (fault, loss): (&str, &str), playbook: &str) -> Output {
    let broken = say(installed(stack), &format!("sandbox fault inject {fault}"), 0);
    let seen = say(broken, "recover --sandbox", 3);
    assert!(seen.stdout.contains(loss), "{fault}: {}", seen.stdout);
    assert!(seen.stdout.contains(&format!("seaworthy --sandbox recover {playbook}")), "{fault}: {}", seen.stdout);
    let recover = format!("recover {playbook} --sandbox --yes");
    let first = Test::after(seen).line(&recover).any_status().any_stdout().any_stderr().run();
    let wanted = names(&first);
    if wanted.is_empty() {
        return first;
    }
    say(first, &format!("{recover} {wanted}"), 0)
}

#[test]
fn a_volume_that_was_deleted_is_bound_back_with_what_is_on_it() {
    let done = story("hello", ("volume-lost=hello/hello-data", "claim-lost"), "rebind --claim hello/hello-data");
    assert_eq!(told(&done, "in it now"), "1 file");
    is_healthy(done, "hello");
}

#[test]
fn a_claim_that_was_deleted_in_use_is_made_anew_with_its_volume() {
    let done = story("hello", ("claim-deleted=hello/hello-data", "claim-going"), "rebind --claim hello/hello-data");
    assert_eq!(told(&done, "in it now"), "1 file");
    is_healthy(done, "hello");
}

#[test]
fn a_lost_history_is_replaced_and_the_rest_stays() {
    let fault = ("volume-emptied=newton-v2t/newton-v2t-history", "volume-emptied");
    let done = story("newton-v2t", fault, "newton-v2t/history --claim newton-v2t/newton-v2t-history");
    assert_eq!(told(&done, "in it now"), "1 file");
    is_healthy(done, "newton-v2t");
}

#[test]
fn a_lost_workspace_is_replaced_and_its_import_is_waited_for() {
    let fault = ("volume-emptied=newton-v2t/newton-v2t-workspace", "volume-emptied");
    let done = story("newton-v2t", fault, "newton-v2t/workspace --claim newton-v2t/newton-v2t-workspace");
    assert!(done.stderr.contains("service import finished"), "{}", done.stderr);
    let order =
        ["stop Deployment/newton-v2t-agent", "stop Deployment/newton-v2t-core", "start Deployment/newton-v2t-core"];
    let places: Vec<usize> = order.iter().map(|step| done.stderr.find(&format!("ok   {step}")).unwrap()).collect();
    assert!(places.is_sorted(), "{}", done.stderr);
    is_healthy(done, "newton-v2t");
}
