//! What can be done about a finding, from the home screen, on a sandbox that the program reaches over loopback as any cluster.

use std::net::Ipv4Addr;

use seaworthy::sandbox::{Kind, faults};
use serde_json::json;

use super::pty::Terminal;
use crate::sandbox::support::{Harbour, SEA};
use crate::test::kubeconfig;

const DB: &str = "/apis/apps/v1/namespaces/sea/statefulsets/db";

/// A StatefulSet that ran until it was given an image that does not exist.
async fn broken() -> (Harbour, String) {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.sandbox.clock().play(10);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let sandbox = harbour.sandbox.clone();
    tokio::spawn(async move { sandbox.serve(listener).await });
    let db = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": SEA}, "spec": {"replicas": 1,
        "serviceName": "", "selector": {"matchLabels": {"app": "db"}}, "template": {"metadata": {"labels": {"app": "db"}},
            "spec": {"containers": [{"name": "main", "image": "db:1"}]}}}});
    harbour.make(&db).await.unwrap();
    harbour.until(DB, |db| db["status"]["readyReplicas"] == 1).await;
    harbour.sandbox.strike(faults::find("image-missing").unwrap(), "db:2");
    harbour
        .merge(DB, &json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "db:2"}]}}}}))
        .await
        .unwrap();
    harbour.until(DB, |db| db["status"]["updatedReplicas"] == 1).await;
    (harbour, kubeconfig(&format!("http://{address}")))
}

/// The plan stands beside the finding before anything is done; what is done is proven by the check, and home is well again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stateful_set_is_taken_back_from_home() {
    let (harbour, config) = broken().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, config).unwrap();
    let keys = move || {
        let environment = [("KUBECONFIG", file.to_str().unwrap())];
        let mut terminal = Terminal::start_program(env!("CARGO_BIN_EXE_seaworthy"), &[], &environment);
        terminal.resize(48, 120);
        terminal.see("✓ harbour (current)");
        terminal.keys("\r");
        let shown = terminal.see("f fix");
        assert!(shown.contains("f: give StatefulSet/db the pod template of revision 1 again"), "{shown}");
        assert!(shown.contains("db:2") && shown.contains("-> \"db:1\""), "the plan shows the difference: {shown}");
        assert!(shown.contains("- delete Pod/sea/db-0") || shown.contains("- delete Pod/db-0"), "{shown}");
        terminal.keys("f");
        let asked = terminal.see("Go ahead?");
        assert!(
            asked.contains("warning: it cannot wholly be taken back: what has a number usually has data"),
            "{asked}"
        );
        terminal.keys("y\r");
        let said = terminal.see("Enter, Esc or q goes back to the screen");
        assert!(said.contains("done, and the check finds it no more"), "{said}");
        terminal.keys("\r");
        terminal.until("home without a finding", |screen| {
            let text = screen.contents();
            text.contains("i install") && !text.contains("f fix") && !text.contains("P002")
        });
        terminal.keys("q");
        terminal.ended().0
    };
    assert_eq!(tokio::task::spawn_blocking(keys).await.unwrap(), 0);
    let image = &harbour.get(DB).await.unwrap()["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "db:1");
    let pod = harbour.get("/api/v1/namespaces/sea/pods/db-0").await.unwrap();
    assert_eq!(
        pod["spec"]["containers"][0]["image"], "db:1",
        "a StatefulSet replaces no pod that is not ready by itself"
    );
}
