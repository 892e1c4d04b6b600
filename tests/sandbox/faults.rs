//! Each fault by its name: injected as a user would, seen, healed, and seen healed.

use seaworthy::recover::Playbooks;
use seaworthy::sandbox::Kind;
use seaworthy::sandbox::faults::{FAULTS, find};
use seaworthy::stack::Catalogue;
use serde_json::{Value, json};

use super::support::{Harbour, SEA, collection};
use crate::test::{Output, Test};

/// What the tests of this folder name.
const SOURCES: [&str; 6] = [
    include_str!("broken_off.rs"),
    include_str!("copies.rs"),
    include_str!("etcd.rs"),
    include_str!("faults.rs"),
    include_str!("program.rs"),
    include_str!("stories.rs"),
];

/// What drills practise with, all of which `drills.rs` runs.
fn practised() -> Vec<String> {
    let playbooks = Playbooks::read(&Catalogue::default()).unwrap().0;
    let drills = playbooks.into_iter().filter_map(|playbook| playbook.sheet.drill);
    drills.flat_map(|drill| drill.losses.into_values()).collect()
}

#[test]
fn every_fault_has_a_test() {
    let practised = practised();
    let has_one = |name: &str| {
        SOURCES.iter().any(|text| text.contains(&format!("\"{name}"))) || practised.iter().any(|known| known == name)
    };
    let without: Vec<&str> = FAULTS.iter().map(|fault| fault.name).filter(|name| !has_one(name)).collect();
    assert_eq!(
        without, [""; 0],
        "faults without a test in tests/sandbox/{{broken_off,copies,etcd,faults,program,stories}}.rs and without a drill"
    );
}

/// A fault in the life of a stack: what is there before, what shows it, with its exit code and words, and what is well again.
struct Story {
    stack: &'static str,
    fault: &'static str,
    seen: (&'static str, i32, &'static [&'static str]),
    healed: &'static str,
}

const STORIES: &[Story] = &[
    Story {
        stack: "hello",
        fault: "dns-down",
        seen: (
            "doctor --sandbox",
            3,
            &[
                "[crit] Deployment/kube-system/coredns: container `coredns` ends",
                "P001",
                "below: D001 Service/kube-system/kube-dns",
            ],
        ),
        healed: "doctor --sandbox",
    },
    Story {
        stack: "hello",
        fault: "disk-pressure",
        seen: (
            "doctor --sandbox",
            3,
            &["Node/sandbox-1: a node runs out of disk", "DiskPressure: kubelet has disk pressure"],
        ),
        healed: "doctor --sandbox",
    },
    Story {
        stack: "hello",
        fault: "quota=hello",
        seen: (
            "upgrade hello --sandbox --yes --set page.greeting=Second --timeout 60s",
            1,
            &["ResourceQuota/hello/sandbox-fault ExceededQuota: the quota `sandbox-fault` is used up"],
        ),
        healed: "upgrade hello --sandbox --yes --set page.greeting=Second",
    },
    Story {
        stack: "newton-v2t",
        fault: "etcd-quorum-lost",
        seen: (
            "doctor --sandbox",
            3,
            &["P001 error  StatefulSet/newton-v2t/newton-v2t-etcd: a program fails, or ends"],
        ),
        healed: "doctor --sandbox",
    },
    Story {
        stack: "hello",
        fault: "certificate-expired",
        seen: ("doctor --sandbox", 1, &["the server's certificate has expired", "hint: renew it on the control plane"]),
        healed: "doctor --sandbox",
    },
    Story {
        stack: "hello",
        fault: "api-refusing=403",
        seen: (INSTALL, 1, &["this user may not do this (403)", "must be able to create, get, update and delete it"]),
        healed: INSTALL,
    },
    Story {
        stack: "hello",
        fault: "api-refusing=409",
        seen: (INSTALL, 1, &["the server answered 409", "do the same again when the API server takes writes"]),
        healed: INSTALL,
    },
    Story {
        stack: "hello",
        fault: "api-refusing=429",
        seen: (INSTALL, 1, &["the server answered 429", "do the same again when the API server takes writes"]),
        healed: INSTALL,
    },
    Story {
        stack: "hello",
        fault: "api-refusing=500",
        seen: (INSTALL, 1, &["the server answered 500", "do the same again when the API server takes writes"]),
        healed: INSTALL,
    },
    // It is slow, and done all the same: the application, too, is reached through this API server.
    Story {
        stack: "hello",
        fault: "api-slow=1",
        seen: (UPGRADE, 0, &["reach Page at Service/hello-web"]),
        healed: UPGRADE,
    },
];
const INSTALL: &str = "install hello --sandbox --yes";
const UPGRADE: &str = "upgrade hello --sandbox --yes --set page.greeting=Third";

fn say(after: Output, line: &str, status: i32) -> Output {
    Test::after(after).line(line).status(status).any_stdout().any_stderr().run()
}

#[test]
fn a_fault_is_seen_and_seen_no_more_when_it_is_healed() {
    for Story { stack, fault, seen: (line, status, words), healed } in STORIES {
        let first = format!("install {stack} --sandbox --yes");
        // What is seen of an installation itself has none before it.
        let before = if *line == first { "sandbox fault list" } else { first.as_str() };
        let ready = Test::new().line(before).any_stderr().any_stdout().run();
        let broken = say(ready, &format!("sandbox fault inject {fault}"), 0);
        let seen = say(broken, line, *status);
        let said = format!("{}\n{}", seen.stdout, seen.stderr);
        for word in *words {
            assert!(said.contains(word), "{fault}: no `{word}` in {said}");
        }
        let name = fault.split('=').next().unwrap();
        let mended = say(seen, &format!("sandbox fault heal {name}"), 0);
        let well = say(mended, healed, 0);
        say(well, &format!("status {stack} --sandbox"), 0);
    }
}

fn strike(harbour: &Harbour, name: &str, target: &str) {
    harbour.sandbox.strike(find(name).unwrap(), target);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_slow_takes_its_time_with_every_answer() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    for (target, seconds) in [("", 5), ("2", 2)] {
        strike(&harbour, "api-slow", target);
        let began = tokio::time::Instant::now();
        harbour.get("/api/v1/nodes").await.unwrap();
        assert_eq!(began.elapsed().as_secs(), seconds, "{target}");
        harbour.sandbox.heal(find("api-slow").unwrap());
        let began = tokio::time::Instant::now();
        harbour.get("/api/v1/nodes").await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 0, "{target}");
    }
}

#[tokio::test]
async fn a_node_that_is_gone_comes_back_when_it_is_healed() {
    let harbour = Harbour::new(Kind::Ha).await;
    let nodes = async || harbour.get("/api/v1/nodes").await.unwrap()["items"].as_array().unwrap().len();
    strike(&harbour, "node-gone", "sandbox-2");
    assert!(harbour.see("v1", "Node", "sandbox-2").is_none());
    assert_eq!(nodes().await, 2);
    harbour.sandbox.heal(find("node-gone").unwrap());
    assert_eq!(nodes().await, 3);
}

#[tokio::test]
async fn a_secret_is_deleted_by_its_name() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    for name in ["key", "other"] {
        harbour.make(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}})).await.unwrap();
    }
    strike(&harbour, "secret-deleted", "sea/key");
    assert!(harbour.see("v1", "Secret", "key").is_none());
    assert!(harbour.see("v1", "Secret", "other").is_some());
}

/// An etcd of three members with claims of their own.
fn etcd() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "store", "namespace": SEA},
        "spec": {"serviceName": "store", "replicas": 3, "selector": {"matchLabels": {"app": "store"}},
            "template": {"metadata": {"labels": {"app": "store"}}, "spec": {
                "containers": [{"name": "etcd", "image": "etcd:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Mi"}}}}]}})
}

#[tokio::test]
async fn a_member_of_etcd_that_is_wiped_comes_back_with_nothing_written() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&etcd()).await.unwrap();
    harbour.sandbox.rest(120);
    let uid = |name: &str| harbour.see("v1", "Pod", name).map(|pod| pod["metadata"]["uid"].clone());
    let ready = || harbour.see("apps/v1", "StatefulSet", "store").unwrap()["status"]["readyReplicas"].clone();
    assert_eq!(ready(), 3);
    for member in ["data-store-0", "data-store-1"] {
        assert!(harbour.sandbox.write_file((SEA, member), "member/wal", b"revisions"), "{member}");
    }
    let before = (uid("store-0"), uid("store-1"));
    strike(&harbour, "etcd-member-wiped", "sea/store-1");
    harbour.sandbox.rest(120);
    let files = |claim: &str| format!("{:?}", harbour.sandbox.files(SEA, claim));
    assert!(
        files("data-store-0").contains("wal") && !files("data-store-1").contains("wal"),
        "{}",
        files("data-store-1")
    );
    assert_eq!(uid("store-0"), before.0);
    assert_ne!(uid("store-1"), before.1);
    assert_eq!(ready(), 3);
}

#[tokio::test]
async fn most_members_of_etcd_crash_and_come_back() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&etcd()).await.unwrap();
    harbour.sandbox.rest(120);
    let ready = || harbour.see("apps/v1", "StatefulSet", "store").unwrap()["status"]["readyReplicas"].clone();
    strike(&harbour, "etcd-quorum-lost", "");
    harbour.sandbox.rest(5);
    assert_eq!(ready(), 1);
    harbour.sandbox.heal(find("etcd-quorum-lost").unwrap());
    harbour.sandbox.rest(600);
    assert_eq!(ready(), 3);
}

/// The webhook of the fault is an object like any other: what it is about is refused, and nothing else.
#[tokio::test]
async fn a_webhook_that_is_down_refuses_what_it_is_about() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    strike(&harbour, "webhook-down", "");
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let said = harbour.make(&map("a")).await.unwrap_err();
    let words = "failed calling webhook \"guard.sandbox.example\": failed to call webhook: Post \"https://guard.sandbox-guard.svc:443/judge?timeout=10s\": service \"guard\" not found";
    assert_eq!(said["message"], format!("Internal error occurred: {words}"));
    assert_eq!(said["details"]["causes"][0]["message"], words);
    let system = collection(&map("b")).replace(SEA, "kube-system");
    harbour.send(http::Method::POST, &system, "application/json", &map("b")).await.unwrap();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lake"}});
    harbour.make(&namespace).await.unwrap();
    harbour.sandbox.heal(find("webhook-down").unwrap());
    harbour.make(&map("a")).await.unwrap();
}
