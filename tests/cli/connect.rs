//! No cluster: which file, which context, what is wrong with it.

use std::net::TcpListener;

use crate::test::{Test, kubeconfig};

/// A command that needs a cluster, with nothing else wrong.
const COMMAND: &str = "install telemetry-pipeline --set global.imageRegistry=local --yes";

#[track_caller]
fn refused(test: Test, line: &str, status: i32, said: &str) {
    let output = test.line(line).status(status).any_stderr().run();
    // Warnings of the stack come first.
    let from = output.stderr.find("error: ").unwrap_or_default();
    assert_eq!(output.stderr[from..].trim_end(), said.trim_end(), "{line}");
    assert!(!output.state().exists());
}

#[test]
fn no_kubeconfig() {
    let hint = " hint: give a file with --kubeconfig or KUBECONFIG, or make a cluster with `seaworthy cluster create`; `seaworthy detect` shows what is here";
    for line in [COMMAND, "status", "open telemetry-pipeline", "uninstall telemetry-pipeline --yes"] {
        let said = "error: no kubeconfig names a cluster: [HOME]/.kube/config: no such file";
        refused(Test::new(), line, 2, &format!("{said}\n{hint}"));
    }
    let gone = "error: kubeconfig gone: no such file\n hint: correct the path given with `--kubeconfig`";
    refused(Test::new(), "status --kubeconfig gone", 2, gone);
    let test = Test::new().env("KUBECONFIG", "a:b");
    refused(
        test,
        "status",
        2,
        &format!("error: no kubeconfig names a cluster: a: no such file, b: no such file\n{hint}"),
    );
}

#[test]
fn an_unknown_context() {
    let test = || Test::new().touches_nothing();
    refused(
        test(),
        "status --context harbor",
        2,
        "error: no context `harbor` in [HOME]/.kube/config\n hint: did you mean `harbour`?",
    );
    refused(
        test(),
        "status --context zzz",
        2,
        "error: no context `zzz` in [HOME]/.kube/config\n hint: there are: harbour",
    );
}

#[test]
fn no_current_context() {
    let text = kubeconfig("http://127.0.0.1:1").replace("current-context: harbour", "");
    let test = Test::new().file(".kube/config", &text);
    refused(
        test,
        "status",
        2,
        "error: no context is the current one in [HOME]/.kube/config\n hint: choose one with --context: harbour",
    );
    let test = Test::new().file(".kube/config", "apiVersion: v1\nkind: Config\n");
    let hint = " hint: give a file with --kubeconfig or KUBECONFIG, or make a cluster with `seaworthy cluster create`; `seaworthy detect` shows what is here";
    refused(test, "status", 2, &format!("error: no kubeconfig names a cluster: [HOME]/.kube/config\n{hint}"));
}

#[test]
fn a_broken_kubeconfig() {
    let good = kubeconfig("http://127.0.0.1:1");
    let cases = [
        ("no-yaml", "clusters: [\n".to_owned()),
        ("no-map", "hello".to_owned()),
        ("no-cluster", good.replace("name: c,", "name: other,")),
        ("no-server", good.replace("server: \"http://127.0.0.1:1\"", "")),
        ("no-certificate", good.replace("token: t", "client-certificate: gone.pem, client-key: gone.pem")),
        ("strange-server", kubeconfig("harbour far away")),
    ];
    for (name, text) in cases {
        let output = Test::new().line("status").file(".kube/config", &text).status(2).any_stderr().run();
        insta::assert_snapshot!(format!("kubeconfig-{name}"), output.stderr);
    }
}

#[test]
fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = format!(
        "error: cluster of context `harbour` (http://{address}, from [HOME]/.kube/config): connection refused
 hint: start the cluster, or correct the server's address"
    );
    for line in [COMMAND, "status", "open telemetry-pipeline", "uninstall telemetry-pipeline --yes"] {
        refused(Test::new().cluster(&address.to_string()), line, 1, &said);
    }
}
