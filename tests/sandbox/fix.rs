//! `doctor --fix` and `--undo`, by the program, on a sandbox that it reaches over loopback as any cluster.

use std::net::Ipv4Addr;
use std::time::Duration;

use seaworthy::sandbox::{Kind, faults};
use serde_json::{Value, json};

use super::support::{Harbour, SEA};
use crate::test::{Output, Test};

const WEB: &str = "/apis/apps/v1/namespaces/sea/deployments/web";

/// Served until the test ends, with time that passes ten times as fast.
struct Served {
    harbour: Harbour,
    address: String,
}

impl Served {
    async fn new() -> Self {
        let harbour = Harbour::new(Kind::SingleNode).await;
        harbour.sandbox.clock().play(10);
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sandbox = harbour.sandbox.clone();
        tokio::spawn(async move { sandbox.serve(listener).await });
        Self { harbour, address }
    }

    /// What the program says, in a home of its own or that of an earlier run.
    async fn run(&self, (line, status): (&str, i32), after: Option<Output>) -> Output {
        let config = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"http://{}\"}}}}]\nusers: [{{name: u, user: {{}}}}]\n\
             contexts: [{{name: sea, context: {{cluster: c, user: u}}}}]\ncurrent-context: sea\n",
            self.address
        );
        let line = line.to_owned();
        let run = move || {
            let test = after.map_or_else(Test::new, Test::after);
            test.file(".kube/config", &config).line(&line).status(status).any_stdout().any_stderr().run()
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }
}

fn image(deployment: &Value) -> &str {
    deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap()
}

/// A Deployment that ran until it was given an image that does not exist.
async fn broken() -> Served {
    let served = Served::new().await;
    let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": SEA}, "spec": {"replicas": 1,
        "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": "web:1"}]}}}});
    served.harbour.make(&web).await.unwrap();
    served.harbour.until(WEB, |web| web["status"]["readyReplicas"] == 1).await;
    served.harbour.sandbox.strike(faults::find("image-missing").unwrap(), "web:2");
    let newer = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "web:2"}]}}}});
    served.harbour.merge(WEB, &newer).await.unwrap();
    let is_stuck = |web: &Value| web["status"]["updatedReplicas"] == 1 && web["status"]["unavailableReplicas"] == 1;
    served.harbour.until(WEB, is_stuck).await;
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_that_does_not_work_is_taken_back_proven_and_put_back_again() {
    let served = broken().await;
    // The reason of a pull comes with the second attempt.
    let mut found = served.run(("doctor -o json", 3), None).await;
    for _ in 0..30 {
        if found.json()["findings"][0]["id"] == "P002" {
            break;
        }
        // A program that looks once is asked again until it sees it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        found = served.run(("doctor -o json", 3), None).await;
    }
    let document = found.json();
    assert_eq!(document["findings"][0]["remedy"]["isReversible"], true, "{document:#}");
    let looked = served.run(("doctor --fix --read-only --yes", 2), None).await;
    assert!(looked.stderr.contains("refused by --read-only"), "{}", looked.stderr);
    assert_eq!(image(&served.harbour.get(WEB).await.unwrap()), "web:2");

    let fixed = served.run(("doctor --fix --yes -o json", 0), None).await;
    let document = fixed.json();
    assert_eq!(document["tried"][0]["came"], "gone", "{document:#}\n{}", fixed.stderr);
    assert_eq!(document["report"]["healthy"], true);
    assert!(fixed.stderr.contains(r#"image: "web:2" -> "web:1""#), "the plan shows the difference: {}", fixed.stderr);
    assert_eq!(image(&served.harbour.get(WEB).await.unwrap()), "web:1");

    // What is put back does not work, and is not waited for.
    let undone = served.run(("doctor --undo --yes", 0), Some(fixed)).await;
    assert_eq!(image(&served.harbour.get(WEB).await.unwrap()), "web:2");
    let again = served.run(("doctor --undo --yes", 2), Some(undone)).await;
    assert!(again.stderr.contains("no remedy was run on this cluster that is not taken back yet"), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_has_changed_meanwhile_is_not_put_back() {
    let served = broken().await;
    let paused = json!({"spec": {"paused": true}});
    served.harbour.merge(WEB, &paused).await.unwrap();
    let fixed = served.run(("doctor --fix --yes --only W015", 0), None).await;
    assert!(fixed.stderr.contains("the check finds it no more"), "{}", fixed.stderr);
    assert_eq!(image(&served.harbour.get(WEB).await.unwrap()), "web:2", "nobody asked for more");
    served.harbour.merge(WEB, &json!({"spec": {"paused": true}})).await.unwrap();
    served.harbour.merge(WEB, &json!({"spec": {"replicas": 2}})).await.unwrap();
    served.run(("doctor --undo --yes", 0), Some(fixed)).await;
    // It is paused already: nothing is to be done, and what else was changed stays.
    assert_eq!(served.harbour.get(WEB).await.unwrap()["spec"]["replicas"], 2);
}

/// What lets things through that stay is not covered by `--yes`.
#[test]
fn a_webhook_is_not_passed_by_without_being_asked() {
    let broken = Test::new().line("sandbox fault inject webhook-down").any_stderr().run();
    let fixed =
        Test::after(broken).line("doctor --sandbox --fix --yes -o json").status(3).any_stdout().any_stderr().run();
    let document = fixed.json();
    assert_eq!(document["tried"][0]["came"], "left", "{document:#}");
    let lived_with = Test::after(fixed)
        .file("quiet.yaml", "suppress: [{check: X002, object: '*', reason: it comes back on Monday}]")
        .line("doctor --sandbox --fix --yes --suppress quiet.yaml -o json");
    let document = lived_with.status(0).any_stdout().any_stderr().run().json();
    assert_eq!(document["tried"], json!([]), "{document:#}");
}

/// Of each remedy is said what would have it done, where nobody can be asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_each_remedy_says_what_would_have_it_done() {
    let served = broken().await;
    served.harbour.merge(WEB, &json!({"spec": {"paused": true}})).await.unwrap();
    served.harbour.sandbox.strike(faults::find("webhook-down").unwrap(), "");
    let refused = served.run(("doctor --fix", 2), None).await;
    let said = &refused.stderr;
    assert!(said.contains("hint: add --yes for what can be taken back, or run it on a terminal"), "{said}");
    assert!(said.contains("  why: let the rollout of Deployment/web go on: --yes does it"), "{said}");
    let asked = "it cannot wholly be taken back: what is let through meanwhile stays; it is only done where somebody can be asked";
    assert!(said.contains(asked), "{said}");
    // A remedy of the whole cluster is in no namespace.
    let alone = served.run(("doctor --fix --only X002", 2), Some(refused)).await;
    assert!(alone.stderr.contains("hint: run it on a terminal: --yes does not cover"), "{}", alone.stderr);
    assert!(alone.stderr.contains("warning: it cannot wholly be taken back"), "{}", alone.stderr);
    assert!(!alone.stderr.contains("in namespace cluster"), "{}", alone.stderr);
}

/// Whether a journal below a folder tells of an intent.
fn has_begun(folder: &std::path::Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| match entry.path() {
        path if path.is_dir() => has_begun(&path),
        path => {
            std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"intent\"") || text.contains("\"Intent\""))
        }
    })
}

/// What was sent may have been done: that is said, nothing more is read, and what is seen of it can be taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remedy_that_was_stopped_is_not_known_to_be_done_and_can_be_taken_back() {
    let served = broken().await;
    served.harbour.merge(WEB, &json!({"spec": {"paused": true}})).await.unwrap();
    let config = crate::test::kubeconfig(&format!("http://{}", served.address));
    let test = Test::new().file(".kube/config", &config).line("doctor --fix --yes --only W015").status(130);
    let runs = test.home().join("state/runs");
    let running = test.any_stdout().any_stderr().start();
    let lease = "/apis/coordination.k8s.io/v1/namespaces/seaworthy-system/leases/sea.remedy";
    // The program says nothing between its lock and its first step: both are looked for again and again.
    while served.harbour.get(lease).await.is_err() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Longer than a program that is stopped waits for an answer.
    served.harbour.sandbox.strike(faults::find("api-slow").unwrap(), "5");
    while !has_begun(&runs) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.signal(rustix::process::Signal::INT);
    let stopped = tokio::task::spawn_blocking(|| running.finish()).await.unwrap();
    served.harbour.sandbox.heal(faults::find("api-slow").unwrap());
    let said = &stopped.stderr;
    assert!(said.contains("it is not known whether this was done: let the rollout of Deployment/web go on"), "{said}");
    assert!(said.contains("hint: `seaworthy doctor --undo") && !said.contains(": not done"), "{said}");

    // As if it had been done.
    served.harbour.merge(WEB, &json!({"spec": {"paused": null}})).await.unwrap();
    let undone = Test::after(stopped).line("doctor --undo --yes").any_stdout().any_stderr();
    let undone = tokio::task::spawn_blocking(|| undone.run()).await.unwrap();
    assert_eq!(served.harbour.get(WEB).await.unwrap()["spec"]["paused"], true, "{}", undone.stderr);
}
