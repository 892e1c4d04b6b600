//! `doctor --watch` in a real terminal, against an API server that changes.

use seaworthy::object::ObjectRef;
use serde_json::json;

use super::pty::Terminal;

/// Another name for a Service that is not there.
fn service(name: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"type": "ExternalName", "externalName": "pg.data.svc.cluster.local"}})
}

#[test]
fn what_is_new_and_what_is_gone_is_told_until_control_c() {
    let mut terminal = Terminal::start(&["doctor", "--watch", "--only", "SV007"]);
    terminal.see("watching; Ctrl-C ends it. Now: nothing could be judged");
    terminal.fake.made_by_hand(&service("one"));
    terminal.see("new   error    SV007 Service/kube-system/one: the Service `one` leads to");
    terminal.fake.made_by_hand(&service("two"));
    terminal.see("SV007 Service/kube-system/two");
    terminal.fake.remove(&ObjectRef::new("v1", "Service", Some("kube-system"), "one"));
    terminal.see("gone  error    SV007 Service/kube-system/one");
    terminal.keys("\x03");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 3, "one of them still leads nowhere: {text}");
    assert_eq!(text.matches("SV007 Service/kube-system/two").count(), 1, "{text}");
}

#[test]
fn a_cluster_that_is_well_at_the_end_ends_well() {
    let mut terminal = Terminal::start(&["doctor", "--watch", "--only", "SV007"]);
    terminal.see("watching; Ctrl-C ends it. Now: nothing could be judged");
    terminal.keys("\x03");
    assert_eq!(terminal.ended().0, 0);
}
