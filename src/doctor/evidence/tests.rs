//! Evidence that is kept, and evidence that others took.

use serde_json::json;

use super::*;
use crate::doctor::report::{Choice, judge};
use crate::error::Explain as _;

const NOW: &str = "2026-11-20T10:00:00Z";

fn written(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn what_was_kept_is_read_as_it_was() {
    let mut snapshot = Snapshot::default();
    snapshot.insert(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}));
    snapshot.unread.push(crate::snapshot::Unread { kind: "Secret".into(), namespace: None, why: "forbidden".into() });
    let evidence = Evidence { readyz: Some("[+]ping ok".into()), ..Evidence::new(snapshot, NOW.parse().unwrap()) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("e.json");
    save(&evidence, &path).unwrap();
    assert!(save(&evidence, &path).unwrap_err().hint().is_some_and(|hint| hint.contains("nothing is overwritten")));
    let read = load(&path, None).unwrap();
    assert_eq!((&read.snapshot, read.taken, &read.readyz), (&evidence.snapshot, evidence.taken, &evidence.readyz));
    assert_eq!(read.gap("Secret").as_deref(), Some("Secret could not be read: forbidden"));
    assert_eq!(read.gap("Pod"), None);
    let later = "2026-11-21T10:00:00Z".parse().unwrap();
    assert_eq!(load(&path, Some(later)).unwrap().taken, later);
}

#[test]
fn a_list_of_kubectl_tells_only_of_what_it_shows() {
    let yaml = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s, namespace: n}\n  data: {password: aHVudGVyMg==}\n";
    let (_folder, path) = written("list.yaml", yaml);
    let read = load(&path, Some(NOW.parse().unwrap())).unwrap();
    assert_eq!(read.gap("Secret"), None);
    assert_eq!(read.gap("Pod").as_deref(), Some("Pod is not in the evidence"));
    assert!(!read.snapshot.objects().any(|object| object.to_string().contains("aHVudGVyMg")));
    let report = judge(&read, &Choice::default());
    assert!(report.unknown.iter().any(|unknown| unknown.id == "P001"), "{:?}", report.unknown);
    assert!(report.headline.contains("checks could not tell"), "{}", report.headline);
    let (_folder, path) = written(
        "pods.json",
        r#"{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "p", "namespace": "n"}}]}"#,
    );
    assert_eq!(load(&path, None).unwrap().gap("Pod"), None);
}

#[test]
fn what_is_no_evidence_is_refused_by_name() {
    for (text, id) in [
        ("", "evidence-kind"),
        ("{", "evidence-syntax"),
        ("a: [", "evidence-syntax"),
        ("just words", "evidence-kind"),
        (r#"{"apiVersion": "v1", "kind": "Pod"}"#, "evidence-kind"),
        (r#"{"schemaVersion": 9, "kind": "Evidence"}"#, "evidence-version"),
        (r#"{"schemaVersion": 1, "kind": "Evidence"}"#, "evidence-syntax"),
    ] {
        let (_folder, path) = written("x", text);
        let error = load(&path, None).unwrap_err();
        assert_eq!(error.id(), id, "{text}: {error}");
        assert!(error.to_string().starts_with(&path.display().to_string()) && error.hint().is_some());
    }
    assert_eq!(load(std::path::Path::new("/nowhere"), None).unwrap_err().id(), "evidence-file");
}
