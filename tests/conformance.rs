//! One suite of behaviours that our plans, checks, playbooks, kubectl and helm rely on: recorded on a real API server, and
//! passing on the sandbox.
//!
//! `AREA.yaml` has the cases, `recorded/AREA.json` what a real cluster (three nodes, `cluster/groups/conformance.sh`) answered,
//! and `open.txt` the cases in which the sandbox is known to differ, each with how. Without settings the target is the sandbox.
//! With `SEAWORTHY_CONFORMANCE_KUBECONFIG` it is that cluster, for which there are no open cases; with
//! `SEAWORTHY_CONFORMANCE_RECORD=1` its answers are written down. `SEAWORTHY_CONFORMANCE_ONLY` is a part of the names of the
//! cases that are wanted.

mod case;
mod driver;
mod look;
mod normalise;
mod target;

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures::StreamExt as _;
use serde_json::Value;

use case::Case;
use target::Target;

/// Each area, and how many cases it has at least.
const QUOTAS: [(&str, usize); 9] = [
    ("apply", 40),
    ("watch", 20),
    ("gc", 20),
    ("workloads", 40),
    ("storage", 20),
    ("errors", 30),
    ("others", 30),
    ("webhooks", 12),
    ("warnings", 6),
];
/// How many cases run on a real cluster at once.
const AT_ONCE: usize = 8;

type Recording = BTreeMap<String, Vec<Value>>;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

fn cases(area: &str) -> Vec<Case> {
    let path = folder().join(format!("{area}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn recorded_at(area: &str) -> PathBuf {
    folder().join(format!("recorded/{area}.json"))
}

fn recorded(area: &str) -> Recording {
    match std::fs::read_to_string(recorded_at(area)) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Recording::new(),
        Err(error) => panic!("{area}: {error}"),
    }
}

/// The cases in which the sandbox differs, by area and name, each with how.
fn open() -> BTreeMap<(String, String), String> {
    let text = std::fs::read_to_string(folder().join("open.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (case, how) = line.split_once(": ").expect("area/case: how it differs");
            let (area, name) = case.split_once('/').expect("area/case");
            ((area.to_owned(), name.to_owned()), how.to_owned())
        })
        .collect()
}

/// Runs the cases of an area on the target, and compares or records.
async fn area(area: &str) {
    let only = std::env::var("SEAWORTHY_CONFORMANCE_ONLY").unwrap_or_default();
    let cases: Vec<Case> = cases(area).into_iter().filter(|case| case.name.contains(&only)).collect();
    let at_once = if target::is_real() { AT_ONCE } else { 1 };
    let run = |case: Case| async move {
        let answers = driver::run(&case, &Target::of(&case).await).await;
        (case, answers)
    };
    let all: Vec<(Case, driver::Answers)> =
        futures::stream::iter(cases.into_iter().map(run)).buffer_unordered(at_once).collect().await;
    if target::is_real() && std::env::var("SEAWORTHY_CONFORMANCE_RECORD").is_ok() {
        return record(area, all);
    }
    let recording = recorded(area);
    let open = if target::is_real() { BTreeMap::new() } else { open() };
    let mut faults: Vec<String> = Vec::new();
    for (case, answers) in &all {
        let known = open.get(&(area.to_owned(), case.name.clone()));
        let differences = match recording.get(&case.name) {
            Some(expected) => driver::differences(expected, answers),
            None => vec!["there is no recording of it".to_owned()],
        };
        match known {
            Some(_) if differences.is_empty() => {
                faults.push(format!("{}: passes now; take it out of open.txt", case.name));
            }
            Some(_) => {}
            None => faults.extend(differences.iter().map(|line| format!("{}: {line}", case.name))),
        }
    }
    faults.sort();
    assert!(faults.is_empty(), "{area}: {} differences\n{}", faults.len(), faults.join("\n"));
}

/// Writes down what a real cluster answered. What could not be run to its end is not worth keeping.
fn record(area: &str, all: Vec<(Case, driver::Answers)>) {
    let known: Vec<String> = cases(area).into_iter().map(|case| case.name).collect();
    let mut recording = recorded(area);
    let mut faults = Vec::new();
    for (case, answers) in all {
        match answers {
            Ok(steps) => drop(recording.insert(case.name, steps)),
            Err(fault) => faults.push(format!("{}: {fault}", case.name)),
        }
    }
    recording.retain(|name, _| known.contains(name));
    let text = serde_json::to_string_pretty(&recording).unwrap();
    std::fs::write(recorded_at(area), text + "\n").unwrap();
    assert!(faults.is_empty(), "{area}: not recorded:\n{}", faults.join("\n"));
}

#[tokio::test]
async fn apply() {
    area("apply").await;
}

#[tokio::test]
async fn watch() {
    area("watch").await;
}

#[tokio::test]
async fn gc() {
    area("gc").await;
}

#[tokio::test]
async fn workloads() {
    area("workloads").await;
}

#[tokio::test]
async fn storage() {
    area("storage").await;
}

#[tokio::test]
async fn errors() {
    area("errors").await;
}

#[tokio::test]
async fn others() {
    area("others").await;
}

#[tokio::test]
async fn webhooks() {
    area("webhooks").await;
}

#[tokio::test]
async fn warnings() {
    area("warnings").await;
}

#[test]
fn every_area_has_its_number_of_cases_each_with_a_name_of_its_own_and_a_recording() {
    let mut names = std::collections::BTreeSet::new();
    for (area, quota) in QUOTAS {
        let (cases, recording) = (cases(area), recorded(area));
        assert!(cases.len() >= quota, "{area} has {} cases of {quota}", cases.len());
        for case in &cases {
            assert!(names.insert(case.name.clone()), "{area}: there are two of {}", case.name);
            let steps = recording.get(&case.name).unwrap_or_else(|| panic!("{area}: no recording of {}", case.name));
            assert_eq!(steps.len(), case.steps.len(), "{area}: the recording of {} has other steps", case.name);
            for (step, answer) in case.steps.iter().zip(steps) {
                assert_eq!(
                    answer["step"],
                    step.title().as_str(),
                    "{area}: the recording of {} is of another request",
                    case.name
                );
            }
        }
        assert_eq!(recording.len(), cases.len(), "{area}: there are recordings without a case");
    }
    for (area, name) in open().keys() {
        assert!(names.contains(name), "open.txt: there is no case {name} in {area}");
    }
}
