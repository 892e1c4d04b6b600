//! `recover --guide`, as a user types it: it needs no cluster.

use crate::test::Test;

#[test]
fn guides_are_listed_and_shown_without_a_cluster() {
    let listed = Test::new().touches_nothing().line("recover --guide").any_stdout().run();
    for name in ["control-plane-k3s", "control-plane-kind", "control-plane-kubeadm", "full-volume", "stuck-namespace"] {
        assert!(listed.stdout.contains(name), "{}", listed.stdout);
    }
    let shown = Test::after(listed).line("recover --guide control-plane-k3s").any_stdout().run();
    assert!(shown.stdout.contains("--cluster-reset") && shown.stdout.contains("Done when: "), "{}", shown.stdout);
    let document = Test::after(shown).line("recover --guide full-volume -o json").any_stdout().run().json();
    assert!(document["steps"].as_array().unwrap().len() >= 4, "{document:#}");
    let refused = Test::new().line("recover --guide full-volum").status(2).any_stderr().run();
    assert!(refused.stderr.contains("did you mean `full-volume`?"), "{}", refused.stderr);
    // Typed as a playbook, without a cluster: that is when it is wanted.
    let refused = Test::new().line("recover control-plane-k3s").status(2).any_stderr().run();
    assert!(
        refused.stderr.contains("hint: `seaworthy recover --guide control-plane-k3s` shows it"),
        "{}",
        refused.stderr
    );
}

/// Who asks what is lost and hears that nobody answers is told of them.
#[test]
fn without_a_control_plane_the_way_leads_to_the_guides() {
    let config = crate::test::kubeconfig("http://127.0.0.1:1");
    let failed = Test::new().file(".kube/config", &config).line("recover").any_status().any_stderr().run();
    assert!(failed.stderr.contains("seaworthy recover --guide"), "{}", failed.stderr);
}
