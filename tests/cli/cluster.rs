//! `cluster`, as far as it can be told without a container engine; `tests/cluster/groups/kind.sh` has the rest.

use crate::test::Test;

#[test]
fn a_sandbox_is_no_cluster_of_this_machine() {
    for command in ["cluster list", "cluster create", "cluster up x", "cluster delete x"] {
        let said = Test::new().line(command).line("--sandbox").touches_nothing().status(2).any_stderr().run().stderr;
        assert!(said.contains("error: --sandbox is a cluster inside this program"), "{command}: {said}");
        assert!(said.contains("hint: `seaworthy sandbox reset` makes a new sandbox"), "{command}: {said}");
    }
}

#[test]
fn what_is_typed_wrong_is_said_before_anything_is_looked_at() {
    let table = [
        ("--port 80", "`80` is no [ADDRESS:]HOST:NODE[/udp], such as 8080:30080"),
        ("--mount a:/b", "is no HOST:NODE[:ro] of two absolute folders"),
        ("--mount /not/there:/b", "error: --mount: /not/there is not there"),
        ("--name Upper", "error: `Upper` is no name for a cluster"),
        ("--image=", "error: --image: `` is not the name of an image"),
        ("--nodes 0", "expected how many nodes, a whole number from 1 on"),
        ("--nodes -1", "expected how many nodes, a whole number from 1 on"),
        ("--nodes x", "expected how many nodes, a whole number from 1 on"),
        ("--profile tiny", "error: `tiny` is no profile of a cluster"),
        ("--stack nothing", "error: there is no stack `nothing`"),
        ("--stack newton-v2t --profile tiny", "error: newton-v2t has no profile `tiny`"),
        ("--stack hello --nodes 2", "cannot be used with"),
        ("--config nothing.yaml", "error: nothing.yaml: No such file"),
        ("--ca nothing.pem", "error: nothing.pem: No such file"),
        ("--engine lxc", "invalid value 'lxc'"),
    ];
    for (options, words) in table {
        let line = format!("cluster create {options}");
        let said = Test::new().line(&line).touches_nothing().status(2).any_stderr().run().stderr;
        assert!(said.contains(words), "{line}: {said}");
    }
}

#[test]
fn a_configuration_that_contradicts_the_options_is_named_with_its_line() {
    let test = Test::new().file("mine.yaml", "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: one\n");
    let said = test.line("cluster create --name two --config mine.yaml").status(2).any_stderr().run().stderr;
    assert!(said.contains("mine.yaml:3:1: the file names the cluster one, --name says two"), "{said}");
}

#[test]
fn a_delete_that_names_two_clusters_is_refused() {
    let line = "cluster delete one --destroy-data two";
    let said = Test::new().line(line).touches_nothing().status(2).any_stderr().run().stderr;
    assert!(said.contains("--destroy-data names two, and one is to be deleted"), "{said}");
}

#[test]
fn k3s_has_no_containers_and_has_to_be_here() {
    let said = Test::new().line("cluster create k3s").status(2).any_stderr().run().stderr;
    assert!(
        said.contains("error: k3s is not on the PATH, or does not tell its version; nothing was written"),
        "{said}"
    );
    for option in ["--port 80:80", "--image x", "--engine docker", "--nodes 3", "--stack hello"] {
        let line = format!("cluster create k3s {option}");
        let said = Test::new().line(&line).touches_nothing().status(2).any_stderr().run().stderr;
        assert!(said.contains("is for nodes in containers; k3s runs on this machine itself"), "{line}: {said}");
    }
    let said = Test::new().line("cluster delete k3s").status(2).any_stderr().run().stderr;
    assert!(said.contains("hint: as root: k3s-uninstall.sh"), "{said}");
}
