//! `hold` and `recover` as people and scripts use them, over a loopback port.

use serde_json::{Value, json};

use super::harbour::{Harbour, claim};
use crate::engine::fake::Server;
use crate::test::{Output, Test};

struct Shore {
    harbour: Harbour,
    server: Server,
    home: Option<Output>,
}

impl Shore {
    async fn new() -> Self {
        let harbour = Harbour::new().await;
        let server = harbour.fake.serve();
        Self { harbour, server, home: None }
    }

    /// The program with this command line, in the home of the last one.
    #[track_caller]
    fn run(&mut self, line: &str, status: i32) -> &Output {
        let test = self.home.take().map_or_else(Test::new, Test::after).any_stdout().any_stderr();
        let output = test.cluster(&self.server.address.to_string()).line(line).status(status).run();
        self.home.insert(output)
    }

    #[track_caller]
    fn json(&mut self, line: &str, status: i32) -> Value {
        self.run(&format!("{line} -o json"), status).json()
    }
}

#[tokio::test]
async fn nothing_lost_is_said_with_what_it_was_compared_with() {
    let mut shore = Shore::new().await;
    let said = shore.run("recover", 0).stdout.clone();
    assert!(said.contains("no loss is recognised") && said.contains("no record of a healthy installation"), "{said}");
    assert_eq!(shore.json("recover", 0)["losses"], json!([]));
    let before = shore.harbour.fake.writes().len();
    shore.run("recover --read-only", 0);
    assert_eq!(shore.harbour.fake.writes().len(), before);
}

#[tokio::test]
async fn a_loss_is_proposed_for_confirmed_by_name_and_brought_back() {
    let mut shore = Shore::new().await;
    let path = shore.harbour.path("history");
    shore.harbour.fake.delete_by_hand(&claim("history"));
    let said = shore.run("recover", 3).stdout.clone();
    assert!(said.contains("claim-going PersistentVolumeClaim/sea/app-history"), "{said}");
    assert!(said.contains("seaworthy recover rebind --claim sea/app-history"), "{said}");

    let plan = shore.json("recover rebind --dry-run", 0);
    assert_eq!(plan["plan"]["purpose"], "recover");
    let before = shore.harbour.fake.writes().len();
    let refused = shore.json("recover rebind --yes", 2);
    assert_eq!(refused["error"]["id"], "destroy-data-needed");
    assert!(refused.to_string().contains("--destroy-data=PersistentVolumeClaim/sea/app-history"), "{refused}");
    assert_eq!(shore.harbour.fake.writes().len(), before, "--yes does not cover what cannot be taken back");

    let done = shore.json("recover rebind --yes --destroy-data=pvc/sea/app-history", 0);
    assert_eq!(done["outcome"]["ended"], "done");
    let lost = &done["report"]["occasion"]["losses"][0];
    assert_eq!((&lost["kind"], &lost["claim"]["name"]), (&json!("claim-going"), &json!("app-history")));
    assert_eq!(done["report"]["data"][0]["verdict"], "saved");
    let run = done["outcome"]["run"].as_str().unwrap();
    let report = shore.run(&format!("runs report {run}"), 0).stdout.clone();
    for part in ["agreed by name: delete PersistentVolumeClaim/sea/app-history", "ended: done", "saved: its volume"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert_eq!(shore.harbour.path("history"), path);
    assert_eq!(shore.harbour.fake.disk(&path).as_deref(), Some("the history"));
    shore.run("recover", 0);
    let runs = shore.json("runs list", 0);
    assert_eq!((&runs["items"][0]["purpose"], &runs["items"][0]["state"]), (&json!("recover"), &json!("done")));
}

#[tokio::test]
async fn bad_input_is_named_before_anything_is_asked_of_the_cluster() {
    let mut shore = Shore::new().await;
    let cases = [
        ("recover rebnd", "unknown-playbook", "did you mean `rebind`?"),
        ("recover rebind --claim history", "bad-claim", "NAMESPACE/NAME"),
        ("recover rebind", "nothing-lost", "no loss is recognised"),
        ("recover rebind --claim sea/app-history", "nothing-lost", "nothing to bind back"),
        ("recover rebind --claim sea/nowhere", "no-released-volume", "nowhere"),
        ("recover newton-v2t/history -n sea --claim sea/app-history --set a=b", "broken-set", "no such setting"),
        ("recover newton-v2t/workspace -n sea --set importDone=( ", "broken-set", "no regular expression"),
        ("recover newton-v2t/history -n elsewhere", "unknown-namespace", "elsewhere"),
        ("recover -n elsewhere", "unknown-namespace", "elsewhere"),
        ("hold -n elsewhere", "unknown-namespace", "elsewhere"),
    ];
    for (line, id, message) in cases {
        let error = shore.json(line, 2)["error"].clone();
        assert_eq!(error["id"], id, "{line}: {error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{line}: {error}");
        assert!(error["hint"].is_string(), "{line}: {error}");
    }
}

#[tokio::test]
async fn the_brake_asks_nothing_and_takes_no_lock() {
    let mut shore = Shore::new().await;
    let said = shore.run("hold", 0).stderr.clone();
    assert!(said.contains("2 volumes kept, manifests in"), "{said}");
    let calls = shore.harbour.fake.calls();
    assert!(!calls.iter().any(|call| call.path.contains("/leases")), "a lock was taken");
    let state = shore.home.as_ref().unwrap().state();
    assert!(!state.join("runs").exists());
    let folder = std::fs::read_dir(state.join("exports")).unwrap().next().unwrap().unwrap().path();
    assert!(folder.join("SHA256SUMS").is_file() && !folder.join("Secret").exists());
    // In the same second, most likely: each has a folder of its own, and everything in it.
    shore.run("hold -n sea", 0);
    shore.run("hold", 0);
    let state = shore.home.as_ref().unwrap().state();
    let folders = std::fs::read_dir(state.join("exports")).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.map(|folder| std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap().lines().count());
    let files: Vec<usize> = files.collect();
    assert!(files.len() == 3 && files.iter().all(|files| *files > 3), "{files:?}");
    let key = age::x25519::Identity::generate().to_public();
    let again = shore.json(&format!("hold -n sea --with-secrets {key}"), 0);
    assert_eq!((&again["outcome"]["ended"], &again["volumes"]), (&json!("done"), &json!(2)));
    let state = shore.home.as_ref().unwrap().state();
    let files = std::fs::read_dir(state.join("exports")).unwrap().map(|entry| entry.unwrap().path());
    let sealed: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with("-secrets.json.age")).collect();
    assert!(std::fs::read(&sealed[0]).unwrap().starts_with(b"age-encryption.org/v1\n"), "{sealed:?}");
}
