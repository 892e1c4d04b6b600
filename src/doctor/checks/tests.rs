//! Every check with what it must find, what is well, and what only looks alike.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::doctor::check::Severity;
use crate::doctor::report::{Choice, Report, judge};
use crate::doctor::{Outlook, evidence, explain, stall};
use crate::snapshot::Snapshot;

/// The time at which the fixtures of this folder are judged.
const NOW: &str = "2026-11-20T10:00:00Z";

/// A check's fixture: what it must find, what is well, and what only looks alike.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// How the message begins, and of which object; the table of stalls knows it of what was recorded.
    says: Option<String>,
    object: Option<String>,
    fail: Value,
    healthy: Value,
    lookalike: Value,
}

/// The evidence of a fixture: objects, written from the shapes that Kubernetes' API documents; objects with what is around them
/// (`items`, `cluster`, `host`); a recorded cluster (`recorded`), or the same when all has come right (`recovered`).
fn scene(told: &Value) -> Evidence {
    if let Some(items) = told.as_array() {
        return seen(items.clone(), NOW);
    }
    let known = ["recorded", "recovered", "items", "cluster", "host", "readyz", "answered"];
    let strange = told.as_object().unwrap().keys().find(|key| !known.contains(&key.as_str()));
    assert_eq!(strange, None, "{told}");
    let named = |key: &str| Some((told[key].as_str()?.to_owned(), key == "recovered"));
    if let Some((name, has_recovered)) = named("recorded").or_else(|| named("recovered")) {
        let path = folder("stall").join(format!("{name}.json"));
        let recorded: Recorded = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        return if has_recovered { as_recovered(recorded) } else { seen(recorded.items, &recorded.now) };
    }
    let mut evidence = seen(told["items"].as_array().unwrap().clone(), NOW);
    evidence.cluster = serde_json::from_value(told["cluster"].clone()).unwrap();
    evidence.host = serde_json::from_value(told["host"].clone()).unwrap();
    evidence.readyz = told["readyz"].as_str().map(str::to_owned);
    evidence.answered = told["answered"].as_u64();
    evidence
}

/// A recorded cluster when all has come right: events, restarts and last states have stayed.
fn as_recovered(recorded: Recorded) -> Evidence {
    let mut evidence = seen(recorded.items.into_iter().map(recovered).collect(), &recorded.now);
    // What is around a stall was recorded and no more: of other kinds nothing can be said.
    let kinds = evidence.snapshot.objects().filter_map(|object| object["kind"].as_str().map(str::to_owned));
    evidence.read = Some(kinds.collect());
    evidence
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

fn report(scene: &Evidence) -> Report {
    judge(scene, &Choice::default())
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
        // Of the API server itself and of this machine there is no object.
        assert!(!check.reads.is_empty() || ["A001", "A003", "E001", "K001"].contains(&check.id), "{}", check.id);
        for kind in check.reads {
            assert!(evidence::is_gathered_kind(kind), "{}: nobody reads {kind}", check.id);
        }
        for text in [check.explain, check.fix, check.unless] {
            assert!(text.ends_with('.') && text.len() > 15, "{}: {text}", check.id);
        }
    }
    assert!(seen.len() >= 125, "{}", seen.len());
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
fn every_check_finds_and_lets_be() {
    let mut faults = Vec::new();
    for check in all() {
        faults.extend(proved(check).err().map(|why| format!("{}: {why}", check.id)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A check without all three kinds of evidence is not proved.
fn proved(check: &Check) -> Result<(), String> {
    let path = folder("checks").join(format!("{}.yaml", check.id));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let fixture: Fixture = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    let failing = report(&scene(&fixture.fail));
    let found = flat(&failing).into_iter().find(|finding| finding.id == check.id);
    let found = found.ok_or_else(|| format!("found only {:?}", ids(&failing)))?;
    match (&fixture.says, &fixture.object) {
        (Some(says), Some(object)) => {
            if !found.message.starts_with(says.trim()) || found.object.to_string() != *object {
                return Err(format!("{} {}", found.object, found.message));
            }
        }
        _ if fixture.fail["recorded"].is_string() => {}
        _ => return Err("says nothing of what is found".to_owned()),
    }
    if found.fix.is_none() {
        return Err(format!("no remedy: {}", found.message));
    }
    for (what, told) in [("healthy", &fixture.healthy), ("lookalike", &fixture.lookalike)] {
        let evidence = scene(told);
        if evidence.snapshot.is_empty() {
            return Err(format!("{what} is empty"));
        }
        let clean = report(&evidence);
        if let Some(found) = flat(&clean).into_iter().find(|finding| finding.id == check.id) {
            return Err(format!("{what}: {} {}", found.object, found.message));
        }
    }
    match check.evaluate(&seen(Vec::new(), NOW)) {
        Verdict::Pass { looked: 0 } => Ok(()),
        Verdict::Unknown { .. } if check.id == "A001" => Ok(()),
        verdict => Err(format!("nothing there: {verdict:?}")),
    }
}

#[test]
fn no_fixture_is_left_over() {
    for entry in std::fs::read_dir(folder("checks")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(find(&name).is_some(), "{name}");
    }
}

/// A row of the study is either built or left out with a reason.
#[test]
fn what_is_left_out_is_not_built() {
    let mut seen = BTreeSet::new();
    for (why, left) in left_out::LEFT_OUT {
        assert!(why.ends_with('.') && !left.is_empty(), "{why}");
        for id in *left {
            assert!(seen.insert(*id), "{id} is there twice");
            assert!(find(id).is_none(), "{id} is built: {why}");
        }
    }
    // The study has 357 rows; these checks came from real clusters, and from what this program does itself.
    let own = ["F011", "V024", "V025", "V026", "V027", "V028", "W017", "X013"];
    assert_eq!(seen.len() + all().filter(|check| !own.contains(&check.id)).count(), 357);
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

/// What one check finds in objects.
fn found(id: &str, items: &[Value]) -> Vec<Finding> {
    match find(id).unwrap().evaluate(&seen(items.to_vec(), NOW)) {
        Verdict::Found { findings, .. } => findings,
        Verdict::Pass { .. } => Vec::new(),
        Verdict::Unknown { because } => panic!("{because}"),
    }
}

/// Network, volumes and services of a cluster need their nodes; a cluster with them is no worse for it.
#[test]
fn what_a_cluster_cannot_do_without_is_only_told() {
    let agent = |namespace: &str, name: &str, spec: Value| {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name, "namespace": namespace},
            "spec": {"template": {"spec": spec}}})
    };
    let powerful = |folder: &str| {
        json!({"containers": [{"name": "c", "securityContext": {"privileged": true}}],
            "volumes": [{"name": "v", "hostPath": {"path": folder}}]})
    };
    let socket = |folder: &str| json!({"containers": [{"name": "c"}], "volumes": [{"hostPath": {"path": folder}}]});
    let manager = agent("volumes", "manager", json!({"hostPID": true}));
    let driver = agent("volumes", "driver", powerful("/var/lib/kubelet/plugins/x"));
    for (name, items, severity) in [
        ("kube-proxy", vec![agent("kube-system", "kube-proxy", powerful("/lib/modules"))], Severity::Info),
        ("a network plugin", vec![agent("net", "plugin", powerful("/opt/cni/bin"))], Severity::Info),
        (
            "one of k3s",
            vec![agent("net", "plugin", powerful("/var/lib/rancher/k3s/agent/etc/cni/net.d"))],
            Severity::Info,
        ),
        ("OpenKruise", vec![agent("kruise-system", "kruise-daemon", socket("/var/run"))], Severity::Info),
        ("a driver of volumes with its manager", vec![manager.clone(), driver], Severity::Info),
        ("the manager alone", vec![manager], Severity::Warning),
        (
            "a driver where everybody is",
            vec![
                agent("default", "own", json!({"hostPID": true})),
                agent("default", "driver", socket("/var/lib/kubelet/plugins")),
            ],
            Severity::Warning,
        ),
        ("anybody", vec![agent("a", "agent", powerful("/data"))], Severity::Warning),
        ("the runtime", vec![agent("a", "agent", socket("/var/run/containerd/containerd.sock"))], Severity::Warning),
        ("the runtime of k3s", vec![agent("a", "agent", socket("/run/k3s/containerd/"))], Severity::Warning),
    ] {
        let findings = found("Z001", &items);
        assert!(!findings.is_empty(), "{name}");
        for finding in findings {
            assert_eq!((finding.severity, finding.fix.is_some()), (severity, true), "{name}: {finding:?}");
        }
    }
    assert!(found("Z001", &[agent("a", "agent", socket("/var/running"))]).is_empty());
}

/// The commands that give the right that was refused, where it was refused.
#[test]
fn a_program_is_told_which_right_it_lacks() {
    let pod = |words: &str| {
        let said = format!("it is forbidden: User \"system:serviceaccount:a:agent\" cannot {words}");
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "status": {"phase": "Running",
            "containerStatuses": [{"name": "c", "lastState": {"terminated": {"exitCode": 1, "message": said}}}]}})
    };
    for (words, message, fix) in [
        (
            "list resource \"pods\" in API group \"\" in the namespace \"b\"",
            "its service account a/agent may not list pods in the namespace b",
            "`kubectl create role a-agent-list-pods --verb=list --resource=pods -n b`, then `kubectl create rolebinding a-agent-list-pods --role=a-agent-list-pods --serviceaccount=a:agent -n b`",
        ),
        (
            "update resource \"deployments/scale\" in API group \"apps\" at the cluster scope",
            "its service account a/agent may not update deployments.apps/scale in the whole cluster",
            "`kubectl create clusterrole a-agent-update-deployments --verb=update --resource=deployments.apps/scale`, then `kubectl create clusterrolebinding a-agent-update-deployments --clusterrole=a-agent-update-deployments --serviceaccount=a:agent`",
        ),
        (
            "watch resource \\\"nodes\\\" in API group \\\"\\\" at the cluster scope",
            "its service account a/agent may not watch nodes in the whole cluster",
            "--resource=nodes`",
        ),
        ("get path \"/metrics\"", "its service account a/agent may not get /metrics", "`nonResourceURLs`"),
    ] {
        let findings = found("R004", &[pod(words)]);
        assert_eq!(findings[0].message, message);
        let said = findings[0].fix.as_deref().unwrap();
        assert!(said.contains(fix), "{said}");
    }
}

#[test]
fn a_release_goes_back_to_a_revision_that_was_good() {
    let record = |version: u64, status: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "metadata": {"namespace": "a",
            "name": format!("sh.helm.release.v1.web.v{version}"), "creationTimestamp": "2026-11-20T08:00:00Z",
            "labels": {"name": "web", "version": version.to_string(), "status": status}}})
    };
    for (records, fix) in [
        (
            vec![(1, "superseded"), (2, "deployed"), (9, "failed"), (10, "pending-upgrade")],
            "`helm rollback web 2 -n a`",
        ),
        (vec![(1, "pending-install")], "`kubectl delete secret sh.helm.release.v1.web.v1 -n a`"),
        (vec![(1, "failed")], "`helm status web -n a`"),
    ] {
        let records: Vec<Value> = records.iter().map(|(version, status)| record(*version, status)).collect();
        let findings = found("W012", &records);
        assert!(findings[0].fix.as_deref().unwrap().contains(fix), "{findings:?}");
    }
}

#[test]
fn the_same_address_is_worse_than_the_same_machine_id() {
    let node = |name: &str, address: &str| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"nodeInfo": {"machineID": "ab"},
            "addresses": [{"type": "InternalIP", "address": address}]}})
    };
    let said = |address| {
        let findings = found("N018", &[node("n1", "10.0.0.1"), node("n2", address)]);
        (findings.len(), findings[0].severity, findings[0].message.clone())
    };
    assert_eq!(
        said("10.0.0.1"),
        (1, Severity::Error, "the nodes n1 and n2 have the same address, 10.0.0.1".to_owned())
    );
    assert_eq!(said("10.0.0.2"), (1, Severity::Warning, "the nodes n1 and n2 have the same machine id, ab".to_owned()));
}

#[test]
fn a_mistyped_id_means_its_letters_and_number() {
    for (typed, meant) in [("V0012", "V012"), ("p2", "P002"), ("sv-1", "SV001"), ("Z0001", "Z001")] {
        assert_eq!(nearest(typed), Some(meant), "{typed}");
    }
    assert_eq!(nearest("nothing"), None);
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
        let report = report(&as_recovered(recorded));
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
