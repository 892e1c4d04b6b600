//! `images`, as far as it can be told without a container engine; `tests/cluster/groups/load.sh` has the rest.

use crate::test::Test;

#[test]
fn in_a_sandbox_nothing_is_pulled() {
    for command in ["images load hello", "images save hello --archive a.tar"] {
        let said = Test::new().line(command).line("--sandbox").touches_nothing().status(2).any_stderr().run().stderr;
        assert!(
            said.contains("error: --sandbox is a cluster inside this program, in which nothing is pulled"),
            "{said}"
        );
        assert!(said.contains("hint: leave --sandbox out"), "{said}");
    }
}

#[test]
fn an_archive_that_is_none_is_named_before_anything_is_asked() {
    let table = [("", "a.tar: it is empty"), ("hello", "a.tar: it is no tar archive, or damaged, after its beginning")];
    for (text, words) in table {
        let test = Test::new().file("a.tar", text);
        let said = test.line("images load hello --from a.tar").status(2).any_stderr().run().stderr;
        assert!(said.contains(words), "{said}");
        assert!(said.contains("hint: make one with `seaworthy images save STACK --archive FILE`"), "{said}");
    }
    let line = "images load hello --from not-there.tar";
    let said = Test::new().line(line).touches_nothing().status(2).any_stderr().run().stderr;
    assert!(said.contains("not-there.tar: No such file"), "{said}");
}

#[test]
fn values_belong_to_one_stack() {
    let line = "images save hello newton-v2t --set a=1 --archive a.tar";
    let said = Test::new().line(line).touches_nothing().status(2).any_stderr().run().stderr;
    assert!(said.contains("error: values are given, and 2 stacks named"), "{said}");
    let said = Test::new().line("images load").touches_nothing().status(2).any_stderr().run().stderr;
    assert!(said.contains("<STACK>..."), "{said}");
}

#[test]
fn where_an_archive_cannot_lie_is_said_with_all_else_that_stands_in_the_way() {
    let test = Test::new().file("a.tar", "mine");
    let said = test.line("images save hello --archive a.tar").status(2).any_stderr().run().stderr;
    assert!(
        said.contains("a.tar is there already, and no archive is ever written over; nothing was written"),
        "{said}"
    );
    assert!(said.contains("docker.io/library/busybox:1.36.1: no container engine"), "{said}");
    let line = "images save hello --archive no/such/a.tar";
    let said = Test::new().line(line).touches_nothing().status(2).any_stderr().run().stderr;
    assert!(said.contains("there is no folder no/such"), "{said}");
}

#[test]
fn a_pull_secret_that_is_missing_is_said() {
    let line = "images list telemetry-pipeline --sandbox --registry a.example --set imagePullSecrets[0].name=login";
    let said = Test::new().line(line).any_stderr().any_stdout().run().stdout;
    let row = said.lines().find(|line| line.starts_with("login ")).unwrap_or_else(|| panic!("{said}"));
    assert!(row.contains("missing: kubectl create secret docker-registry makes it"), "{said}");
    let any = "images list hello --sandbox --registry a.example --pull-secret login";
    let said = Test::new().line(any).any_stderr().any_stdout().run().stdout;
    assert!(said.lines().any(|line| line.starts_with("login ") && line.contains("missing: ")), "{said}");
    let offline = line.replace("--sandbox", "--offline --example");
    let document = Test::new().line(&offline).line("-o json").touches_nothing().any_stderr().any_stdout().run().json();
    let secrets = &document["pullSecrets"];
    assert_eq!(secrets[0]["name"], "login", "{document}");
    assert_eq!(secrets[0]["registries"], serde_json::json!(["a.example"]), "{document}");
    assert!(secrets[0]["state"].is_null(), "{document}");
}
