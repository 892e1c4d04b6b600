//! `doctor --watch` in a real terminal, against an API server that changes.

use seaworthy::object::ObjectRef;
use serde_json::json;

use super::pty::Terminal;

fn volume(name: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"persistentVolumeReclaimPolicy": "Retain"}, "status": {"phase": "Failed", "message": "disk is busy"}})
}

#[test]
fn what_is_new_and_what_is_gone_is_told_until_control_c() {
    let mut terminal = Terminal::start(&["doctor", "--watch", "--only", "V013"]);
    terminal.see("watching; Ctrl-C ends it. Now: healthy");
    terminal.fake.made_by_hand(&volume("pv-1"));
    terminal.see("new   error    V013 PersistentVolume/pv-1: the volume pv-1 could not be reclaimed");
    terminal.fake.made_by_hand(&volume("pv-2"));
    terminal.see("V013 PersistentVolume/pv-2");
    terminal.fake.remove(&ObjectRef::new("v1", "PersistentVolume", None, "pv-1"));
    terminal.see("gone  error    V013 PersistentVolume/pv-1");
    terminal.keys("\x03");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 3, "one volume is still lost: {text}");
    assert_eq!(text.matches("V013 PersistentVolume/pv-2").count(), 1, "{text}");
}

#[test]
fn a_cluster_that_is_well_at_the_end_ends_well() {
    let mut terminal = Terminal::start(&["doctor", "--watch", "--only", "V013"]);
    terminal.see("watching; Ctrl-C ends it. Now: healthy");
    terminal.keys("\x03");
    assert_eq!(terminal.ended().0, 0);
}
