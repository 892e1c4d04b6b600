//! Recorded clusters, and from the documentation what could not be provoked: waited object in, cause out.

mod choice;
mod fuzz;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::doctor::Outlook;
use crate::engine::ready::judge::{Readiness, judge};

/// A fixture: the part of a cluster that is around what is waited for.
#[derive(Deserialize)]
struct Recorded {
    source: String,
    now: Timestamp,
    waited: ObjectRef,
    items: Vec<Value>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stall")
}

fn read(name: &str) -> Recorded {
    let file = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&file).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn snapshot(items: impl IntoIterator<Item = Value>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    items.into_iter().for_each(|object| snapshot.insert(object));
    snapshot
}

#[test]
fn the_table_of_rules_is_sound() {
    let mut seen = BTreeSet::new();
    for rule in RULES.iter().copied().flatten() {
        assert!(seen.insert((rule.id, rule.title)), "{} {} is there twice", rule.id, rule.title);
        assert!(rule.title.chars().count() < 60, "{}", rule.title);
        assert!(rule.title.starts_with(|c: char| c.is_lowercase()) && !rule.title.ends_with('.'), "{}", rule.title);
    }
}

/// The remedy of a recorded stall whose Deployment carries a label of ours; `None`: none.
fn remedy(name: &str, stack: Option<&str>) -> String {
    let mut recorded = read(name);
    for deployment in recorded.items.iter_mut().filter(|item| item["kind"] == "Deployment") {
        deployment["metadata"]["labels"][crate::plan::STACK_LABEL] = Value::from(stack);
    }
    let cause = cause(&recorded.waited, &snapshot(recorded.items), recorded.now).unwrap();
    cause.remedy.unwrap()
}

#[test]
fn an_image_of_ours_is_loaded_by_the_name_of_its_stack() {
    let ctr = "`ctr -n k8s.io images import FILE`.";
    for name in ["image-no-such-host", "image-refused", "image-x509", "image-limited", "image-missing", "image-never"] {
        assert!(remedy(name, None).ends_with(ctr), "{}", remedy(name, None));
        let ours = remedy(name, Some("shop"));
        assert!(ours.ends_with("into the nodes: `seaworthy images load shop`, with the same values."), "{ours}");
    }
    // A prerequisite is no stack that could be named.
    let storage = crate::stack::Catalogue::prerequisites().names().remove(0);
    let prerequisite = remedy("image-refused", Some(&storage));
    assert!(prerequisite.ends_with("into the nodes: `seaworthy images load --prerequisites`."), "{prerequisite}");
    // Where a registry refuses who asks, a pull secret is what is missing.
    assert!(!remedy("image-denied", Some("shop")).contains("images load"));
}
