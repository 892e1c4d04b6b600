//! What is refused before the first write, in the sandbox. On a real cluster: tests/cluster/groups/preflight.sh.

use crate::test::Test;

const LARGE: &str = "install hello --sandbox --yes --set resources.requests.cpu=64";

#[test]
fn what_no_node_has_room_for_is_refused_with_the_figures() {
    let refused = Test::new().line(LARGE).status(2).any_stderr().run();
    assert!(
        refused.stderr.contains("the plan cannot succeed on this cluster; nothing was written"),
        "{}",
        refused.stderr
    );
    let said = "Deployment/hello/hello-web CannotSucceed: a pod of Deployment/hello/hello-web asks for 64000m cpu, and the largest node";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    assert!(refused.stderr.contains("--ignore room goes on all the same"), "{}", refused.stderr);
    let nothing = Test::after(refused).line("status --sandbox -o json").any_stderr().any_stdout().run();
    assert_eq!(nothing.json()["installations"].as_array().map(Vec::len), Some(0), "{}", nothing.stdout);
}

#[test]
fn who_knows_better_goes_on_and_is_told() {
    let line = format!("{LARGE} --ignore room --timeout 5s");
    let failed = Test::new().line(&line).status(1).any_stderr().any_stdout().run();
    assert!(
        failed.stderr.contains("warning: a pod of Deployment/hello/hello-web asks for 64000m cpu"),
        "{}",
        failed.stderr
    );
    assert!(failed.stderr.contains("Insufficient cpu") || failed.stderr.contains("64 cpu"), "{}", failed.stderr);
    let slip = Test::new().line(&format!("{LARGE} --ignore rooms")).touches_nothing().status(2).any_stderr().run();
    assert!(slip.stderr.contains("there is no check `rooms`; did you mean `room`?"), "{}", slip.stderr);
}

#[test]
fn a_pull_secret_that_is_not_there_is_a_warning() {
    let line = "install hello --sandbox --yes --pull-secret harbour";
    let installed = Test::new().line(line).any_stderr().any_stdout().run();
    assert!(
        installed.stderr.contains("warning: Secret/hello/harbour is not there, which Deployment/hello/hello-web needs"),
        "{}",
        installed.stderr
    );
}
