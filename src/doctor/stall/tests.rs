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
