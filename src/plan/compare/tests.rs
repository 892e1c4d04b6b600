//! Against objects and managed fields of a real API server, with what that server itself says about each
//! (`tests/fixtures/compare/record.py` makes them).

use std::fmt::Write as _;
use std::path::PathBuf;

use super::*;

struct Fixture {
    name: String,
    wanted: Value,
    live: Value,
    /// Whether the server's object would stay as it is.
    same: bool,
    /// `field manager` of each conflict that the server would refuse.
    conflicts: Vec<String>,
}

fn fixtures() -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compare");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let whole: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let conflicts = items(&whole, "/server/conflicts").map(|conflict| conflict.as_str().unwrap().to_owned());
        Fixture {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            wanted: whole["wanted"].clone(),
            live: whole["live"].clone(),
            same: whole["server"]["same"] == true,
            conflicts: conflicts.collect(),
        }
    };
    let mut fixtures: Vec<Fixture> =
        files.filter(|path| path.extension().is_some_and(|e| e == "json")).map(read).collect();
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(fixtures.len() > 60, "the fixtures are not where they were");
    fixtures
}

/// The server writes `.spec.template.spec.containers[name="web"].image`, for people it is without dot and key name.
fn as_people_write(field: &str) -> String {
    if let Some(label) = field.strip_prefix(".metadata.labels.") {
        let (label, manager) = label.split_once(' ').unwrap();
        return format!("metadata.labels[{label}] {manager}");
    }
    let mut path = String::new();
    for part in field.split_inclusive(['[', ']']) {
        match part.split_once("=\"") {
            Some((_, value)) => path.push_str(&value.replacen('"', "", 1)),
            None => path.push_str(part),
        }
    }
    path.trim_start_matches('.').to_owned()
}

/// Where the server would write although nothing that means anything is different: the unit in which a quantity is
/// written, the order of a set. Known, and rightly the same.
const MEANS_NOTHING: [&str; 2] = ["wanted-quantity", "custom-set-moved"];

#[test]
fn as_the_server_says() {
    let mut wrong = String::new();
    for Fixture { name, wanted, live, same, conflicts } in fixtures() {
        let comparison = compare(&wanted, &live);
        let ours: Vec<String> = comparison.conflicts().map(|c| format!("{} {}", c.path, c.owners.join(","))).collect();
        let theirs: Vec<String> = conflicts.iter().map(|conflict| as_people_write(conflict)).collect();
        let same = same || MEANS_NOTHING.contains(&name.as_str());
        if comparison.is_same() != same || ours != theirs {
            writeln!(wrong, "{name}: same {} and not {same}; {ours:?} and not {theirs:?}", comparison.is_same())
                .unwrap();
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn field_by_field() {
    let mut text = String::new();
    for Fixture { name, wanted, live, .. } in fixtures() {
        let comparison = compare(&wanted, &live);
        writeln!(text, "{name}{}", if comparison.unsure { " (unsure)" } else { "" }).unwrap();
        for Changed { path, now, wanted, owners, .. } in &comparison.changed {
            let show = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
            let owners = if owners.is_empty() { String::new() } else { format!(" (of {})", owners.join(", ")) };
            writeln!(text, "  {path}: {} -> {}{owners}", show(now), show(wanted)).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// A pointer must lead to the field in the wanted object: `--on-conflict keep` takes it out there.
#[test]
fn pointers_lead_to_the_field() {
    for Fixture { name, wanted, live, .. } in fixtures() {
        for changed in compare(&wanted, &live).changed.iter().filter(|changed| changed.wanted.is_some()) {
            assert_eq!(wanted.pointer(&changed.pointer), changed.wanted.as_ref(), "{name}: {}", changed.pointer);
        }
    }
}
