//! Its life in the sandbox: what lies outside of its namespace comes and goes with it.

use crate::test::Test;

const OUTSIDE: [&str; 2] =
    ["Role/kube-system/geodata-geodata-agent-system", "RoleBinding/kube-system/geodata-geodata-check-namespaces"];

#[test]
fn nothing_of_it_is_left_in_kube_system() {
    let installed = Test::new().line("install geodata --sandbox --yes").any_stderr().any_stdout().run();
    let gone = Test::after(installed).line("uninstall geodata --sandbox --yes").any_stderr().any_stdout().run();
    for object in OUTSIDE {
        assert!(gone.stderr.contains(&format!("ok   delete {object}")), "{object}: {}", gone.stderr);
    }
    assert!(gone.stderr.contains("keep   PersistentVolumeClaim/nova-geodata-prod"), "{}", gone.stderr);
    // Everything is new but what was kept.
    let again = Test::after(gone).line("install geodata --sandbox --yes").any_stderr().any_stdout().run();
    for object in OUTSIDE {
        assert!(again.stderr.contains(&format!("ok   create {object}")), "{object}: {}", again.stderr);
    }
}
