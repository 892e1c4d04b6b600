//! Every check with what it must find, what is well, and what only looks alike.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::doctor::check::{Judge, Severity};
use crate::doctor::report::{Choice, Report, judge};
use crate::doctor::{Outlook, evidence, explain, stall};
use crate::snapshot::Snapshot;

/// The time at which the fixtures of this folder are judged.
const NOW: &str = "2026-11-20T10:00:00Z";

/// A check's fixture. Written from the shapes that Kubernetes' API documents.
#[derive(Deserialize)]
struct Fixture {
    says: String,
    object: String,
    fail: Vec<Value>,
    healthy: Vec<Value>,
    lookalike: Vec<Value>,
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn seen(items: Vec<Value>, now: &str) -> Evidence {
    let mut snapshot = Snapshot::default();
    for item in items {
        snapshot.insert(evidence::kept(item));
    }
    Evidence::new(snapshot, now.parse::<Timestamp>().unwrap())
}

fn report(items: Vec<Value>) -> Report {
    judge(&seen(items, NOW), &Choice::default())
}

/// All findings, whatever hangs below what.
fn flat(report: &Report) -> Vec<&Finding> {
    report.findings.iter().flat_map(Finding::walk).collect()
}

fn ids(report: &Report) -> Vec<&str> {
    flat(report).iter().map(|finding| finding.id.as_str()).collect()
}

#[test]
fn the_catalogue_is_sound() {
    let mut seen = BTreeSet::new();
    for check in all() {
        assert!(seen.insert(check.id), "{} is there twice", check.id);
        assert!(check.title.chars().count() < 72 && !check.title.ends_with('.'), "{}", check.title);
        assert!(
            check.title.starts_with(|c: char| c.is_lowercase()) || check.title.starts_with("cluster DNS"),
            "{}",
            check.title
        );
        assert_ne!(check.group(), "other", "{}", check.id);
        assert!(!check.reads.is_empty() || check.id == "A001", "{}", check.id);
        for kind in check.reads {
            assert!(evidence::is_gathered_kind(kind), "{}: nobody reads {kind}", check.id);
        }
        for text in [check.explain, check.fix, check.unless] {
            assert!(text.ends_with('.') && text.len() > 15, "{}: {text}", check.id);
        }
    }
    assert!(seen.len() > 80, "{}", seen.len());
}

/// Whatever a rule about stalls can find, the catalogue explains.
#[test]
fn every_rule_has_its_check() {
    for rule in stall::RULES.iter().copied().flatten() {
        // Ids in small letters name what passes, and what custom resources say of themselves. V004 only passes.
        if rule.id.starts_with(|c: char| c.is_uppercase()) && rule.id != "V004" {
            assert!(find(rule.id).is_some(), "{} {}", rule.id, rule.title);
        }
    }
}

#[test]
fn every_check_of_its_own_finds_and_lets_be() {
    for check in all() {
        let path = folder("checks").join(format!("{}.yaml", check.id));
        // Rules have the recorded clusters below; of the API server there is no object.
        if !path.exists() && (matches!(check.judge, Judge::Rules) || check.id == "A001") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let fixture: Fixture =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let failing = report(fixture.fail);
        let found = flat(&failing).into_iter().find(|finding| finding.id == check.id);
        let found = found.unwrap_or_else(|| panic!("{}: found {:?}", check.id, ids(&failing)));
        assert!(found.message.starts_with(fixture.says.trim()), "{}: {}", check.id, found.message);
        assert_eq!(found.object.to_string(), fixture.object, "{}", check.id);
        assert!(found.fix.is_some(), "{}", check.id);
        for (what, items) in [("healthy", fixture.healthy), ("lookalike", fixture.lookalike)] {
            assert!(!items.is_empty(), "{} {what}", check.id);
            let clean = report(items);
            assert!(!ids(&clean).contains(&check.id), "{} {what}: {:?}", check.id, clean.headline);
            let verdict = check.evaluate(&seen(Vec::new(), NOW));
            assert!(matches!(verdict, Verdict::Pass { looked: 0 }), "{}: {verdict:?}", check.id);
        }
    }
}

#[test]
fn no_fixture_is_left_over() {
    for entry in std::fs::read_dir(folder("checks")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(find(&name).is_some(), "{name}");
    }
}

#[test]
fn the_api_server_says_how_it_is() {
    let check = find("A001").unwrap();
    let mut evidence = seen(Vec::new(), NOW);
    assert!(matches!(check.evaluate(&evidence), Verdict::Unknown { .. }));
    evidence.readyz = Some("[+]ping ok\n[+]etcd ok\nreadyz check passed\n".to_owned());
    assert!(matches!(check.evaluate(&evidence), Verdict::Pass { looked: 2 }));
    // A part that is only left out says so in the same brackets.
    evidence.readyz = Some("[+]ping ok\n[+]etcd excluded: ok\n".to_owned());
    assert!(matches!(check.evaluate(&evidence), Verdict::Pass { looked: 2 }));
    evidence.readyz = Some("[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n".to_owned());
    let Verdict::Found { findings, .. } = check.evaluate(&evidence) else { panic!() };
    assert_eq!(findings[0].message, "the API server is not well: etcd failed: reason withheld");
}

/// A recorded cluster of the folder of stalls.
#[derive(Deserialize)]
struct Recorded {
    now: String,
    waited: ObjectRef,
    items: Vec<Value>,
}

fn recorded() -> Vec<(String, Recorded)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder("stall")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "refused" {
            let recorded = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            all.push((name, recorded));
        }
    }
    assert!(all.len() > 100, "the fixtures are not where they were");
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// What a wait names as the cause, the doctor finds too; and what only passes is no finding.
#[test]
fn the_doctor_finds_what_stalls_a_wait() {
    let (mut found, mut missed) = (BTreeSet::new(), Vec::new());
    for (name, recorded) in recorded() {
        let evidence = seen(recorded.items, &recorded.now);
        let cause = stall::cause(&recorded.waited, &evidence.snapshot, evidence.taken);
        let report = judge(&evidence, &Choice::default());
        match cause {
            Some(cause) if cause.outlook > Outlook::Passing && find(&cause.id).is_some() => {
                if !ids(&report).contains(&cause.id.as_str()) {
                    missed.push(format!("{name}: {} is not in {:?}", cause.id, ids(&report)));
                }
                found.insert(cause.id);
            }
            Some(cause) => assert!(!ids(&report).contains(&cause.id.as_str()), "{name}: {:?}", ids(&report)),
            None => {}
        }
    }
    assert_eq!(missed, [""; 0]);
    assert!(found.len() > 45, "{found:?}");
}

/// What no pod that has recovered puts right: a Service that selects nothing or is not there, endpoints that were recorded as not
/// ready, a volume of a node that is gone.
const STILL: &[(&str, &str)] =
    &[("fine", "W006"), ("service-no-pods", "SV001"), ("service-unready", "SV002"), ("volume-node", "V010")];

/// What was wrong once and is right now is no finding, whatever events and restarts have stayed: the most frequent false alarm
/// of tools of this kind.
#[test]
fn what_has_recovered_is_let_be() {
    let (mut tried, mut all_bad) = (0, Vec::new());
    for (name, recorded) in recorded() {
        let deleted = |item: &Value| item["metadata"]["deletionTimestamp"].is_string();
        let foreign = |item: &Value| matches!(item["kind"].as_str(), Some("APIService" | "CustomResourceDefinition"));
        if recorded.items.iter().any(|item| deleted(item) || foreign(item)) {
            continue;
        }
        let mut evidence = seen(recorded.items.into_iter().map(recovered).collect(), &recorded.now);
        // What is around a stall was recorded and no more: of other kinds nothing can be said.
        let kinds = evidence.snapshot.objects().filter_map(|object| object["kind"].as_str().map(str::to_owned));
        evidence.read = Some(kinds.collect());
        let report = judge(&evidence, &Choice::default());
        let bad: Vec<_> = flat(&report)
            .into_iter()
            .filter(|finding| {
                finding.severity > Severity::Info
                    && finding.id.starts_with(['P', 'F', 'S', 'V', 'W', 'Q', 'N', 'J', 'R', 'Z', 'X'])
            })
            .filter(|finding| finding.id != "P024" && !STILL.contains(&(name.as_str(), finding.id.as_str())))
            .map(|finding| format!("{} {}: {}", finding.id, finding.object, finding.message))
            .collect();
        all_bad.extend(bad.into_iter().map(|bad| format!("{name}: {bad}")));
        tried += 1;
    }
    assert_eq!(all_bad, [""; 0]);
    assert!(tried > 90, "{tried}");
}

/// A cluster as it was made, recorded with `doctor --save`: system namespaces, images of nodes and most events left out.
#[test]
fn a_healthy_cluster_is_called_healthy() {
    let recorded = evidence::load(&folder("doctor").join("healthy.json"), None).unwrap();
    let report = judge(&recorded, &Choice::default());
    assert!(report.worst() <= Some(Severity::Info), "{:#?}", report.findings);
    assert!(report.summary.evaluated > 65 && report.unknown.is_empty(), "{:?} {:?}", report.summary, report.unknown);
    let said = format!("healthy: {} checks, {} objects", report.summary.evaluated, report.summary.objects);
    assert_eq!(report.headline, said);
}

/// What the real cluster showed for cases of `tests/cluster/doctor/`, recorded with `doctor --save`; only the case's namespace was kept.
#[test]
fn what_was_broken_by_hand_is_named_first() {
    for (name, id, object, symptoms) in [
        ("chain", "P004", "Deployment/doctor-chain/db", 2),
        ("key", "F003", "ConfigMap/doctor-key/settings", 1),
        ("port", "SV003", "Service/doctor-port/web", 0),
        ("probe", "P021", "Deployment/doctor-probe/web", 2),
        ("quota", "Q001", "ResourceQuota/doctor-quota/team", 2),
        ("secret", "F002", "Secret/doctor-secret/web-login", 1),
        ("selector", "SV001", "Service/doctor-selector/web", 0),
    ] {
        let recorded = evidence::load(&folder("doctor").join(format!("{name}.json")), None).unwrap();
        let report = judge(&recorded, &Choice::default());
        let first = &report.findings[0];
        let said = (first.id.as_str(), first.object.to_string(), first.suffering(), report.findings.len());
        assert_eq!(said, (id, object.to_owned(), symptoms, 1), "{name}: {:#?}", report.findings);
        assert!(report.headline.starts_with(&format!("{object}: ")), "{}", report.headline);
    }
}

/// The object as it is when everything has come right, with the traces that stay.
fn recovered(mut object: Value) -> Value {
    let spec = object["spec"]["replicas"].clone();
    match object["kind"].as_str().unwrap_or_default() {
        "Pod" => {
            object["spec"]["nodeName"] = json!("n1");
            for list in ["containerStatuses", "initContainerStatuses"] {
                for status in object["status"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                    let ended = status["state"]["terminated"].clone();
                    if ended.is_object() {
                        status["lastState"] = json!({"terminated": ended});
                    }
                    status["ready"] = json!(true);
                    status["started"] = json!(true);
                    status["state"] = json!({"running": {"startedAt": "2026-11-20T00:00:00Z"}});
                }
            }
            object["status"]["phase"] = json!("Running");
            object["status"]["reason"] = Value::Null;
            object["status"]["conditions"] =
                json!([{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}]);
        }
        "PersistentVolumeClaim" => object["status"]["phase"] = json!("Bound"),
        "ReplicaSet" | "StatefulSet" => {
            object["status"] = json!({"replicas": spec, "readyReplicas": spec, "availableReplicas": spec,
                "observedGeneration": object["metadata"]["generation"]});
        }
        "DaemonSet" => {
            let wanted = object["status"]["desiredNumberScheduled"].clone();
            object["status"]["currentNumberScheduled"] = wanted;
        }
        "Deployment" => {
            object["status"] = json!({"replicas": spec, "observedGeneration": object["metadata"]["generation"]});
            object["spec"]["paused"] = json!(false);
        }
        "Job" => {
            object["spec"]["suspend"] = json!(false);
            object["status"] = json!({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]});
        }
        "Node" => object["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]),
        "Service" | "Ingress" => object["status"]["loadBalancer"]["ingress"] = json!([{"ip": "10.0.0.1"}]),
        _ => {}
    }
    object
}

/// `SEAWORTHY_WRITE_DOCS=1 cargo test --lib docs_checks` writes the page anew.
#[test]
fn docs_checks_is_what_the_catalogue_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    let page = explain::page();
    if std::env::var_os("SEAWORTHY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/checks.md is stale: SEAWORTHY_WRITE_DOCS=1 cargo test --lib docs_checks");
}
