//! Installing with the program itself, against the API server in memory on a loopback port.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::Signal;
use seaworthy::event::Event;
use seaworthy::object::ObjectRef;
use serde_json::{Value, json};

use crate::engine::fake::{Call, Fake, Fate, Server};
use crate::test::{Output, Test};

const PASSWORD: &str = "swordfish";
const INSTALL: &str = "install shop --secret password=@password";

/// A cluster, and the program before it.
struct Harbour {
    fake: Fake,
    server: Server,
    home: Option<Output>,
}

impl Harbour {
    fn new() -> Self {
        let fake = Fake::new();
        let class = json!({"metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"});
        fake.made_by_hand(&class);
        for name in ["one", "two", "three"] {
            fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}));
            let images = json!([{"names": ["docker.io/library/mq:1"]}, {"names": ["docker.io/library/web:1"]}]);
            let status = json!({"allocatable": {"cpu": "2", "memory": "4Gi"}, "images": images, "conditions": [{"type": "Ready", "status": "True"}]});
            fake.set(&node(name), "status", &status, "kubelet");
        }
        Self { server: fake.serve(), fake, home: None }
    }

    /// The program with this command line, in the home of the last one.
    fn test(&mut self, line: &str) -> Test {
        let test = self.home.take().map_or_else(Test::new, Test::after).any_stdout().any_stderr();
        let stacks = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/stacks");
        let test = test.cluster(&self.server.address.to_string()).file("password", &format!("{PASSWORD}\n"));
        test.line(line).args(["--profiles", stacks])
    }

    #[track_caller]
    fn run(&mut self, line: &str, status: i32) -> &Output {
        let output = self.test(line).status(status).run();
        self.home.insert(output)
    }

    #[track_caller]
    fn json(&mut self, line: &str, status: i32) -> Value {
        self.run(&format!("{line} -o json"), status).json()
    }

    /// What is written beside the lock and the record.
    fn writes(&self) -> Vec<String> {
        let own = |write: &String| !write.contains("seaworthy-system");
        self.fake.writes().into_iter().filter(own).collect()
    }

    /// Told of every write, before it is answered.
    fn hear_of_writes(&self, fate: impl Fn(&Call) -> Fate + Send + 'static) -> mpsc::Receiver<String> {
        let (sender, receiver) = mpsc::channel();
        self.fake.rule(move |call| {
            if call.write.is_some() {
                // Who has heard enough does not listen any more.
                let _ = sender.send(call.path.clone());
            }
            fate(call)
        });
        receiver
    }
}

#[track_caller]
fn until(heard: &mpsc::Receiver<String>, end: &str) {
    while !heard.recv_timeout(Duration::from_secs(20)).expect("the program does not get there").ends_with(end) {}
}

/// Without what differs from run to run: dates and times, how long, how many reads, which run.
fn steady(text: &str) -> String {
    const SHAPES: [(&str, &str); 4] =
        [("00:00:00", "TIME"), ("0000-00-00", "DATE"), ("00000000-000000", "RUN"), ("00000000-000000-0", "RUN")];
    let is = |word: &str, shape: &str| {
        let same = |(c, s): (char, char)| if s == '0' { c.is_ascii_digit() } else { c == s };
        word.len() == shape.len() && word.chars().zip(shape.chars()).all(same)
    };
    let word = |word: &str, next: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_digit());
        let shape = SHAPES.iter().find(|(shape, _)| is(bare, shape)).map(|(_, name)| *name);
        let counted = ["ms", "s", "ms:", "s:", "reads)"].contains(&next) && bare.parse::<f64>().is_ok();
        shape.or(counted.then_some("N")).map_or(word.to_owned(), |name| word.replace(bare, name))
    };
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let next = |index: usize| words.get(index + 1).copied().unwrap_or_default();
        let words: Vec<String> = words.iter().enumerate().map(|(index, text)| word(text, next(index))).collect();
        words.join(" ").replace("N ms", "N s")
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn without_a_terminal_agreement_has_to_be_given() {
    let mut harbour = Harbour::new();
    let said = harbour.run(INSTALL, 2).stderr.clone();
    insta::assert_snapshot!("no-terminal", said);
    assert_eq!(harbour.fake.writes(), [""; 0]);
    assert!(!harbour.home.unwrap().state().exists());
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let mut harbour = Harbour::new();
    let output = harbour.run(&format!("{INSTALL} --dry-run"), 0);
    insta::assert_snapshot!("dry-run", format!("{}\n{}", output.stdout, output.stderr));
    let document = harbour.json(&format!("{INSTALL} --dry-run --profile ha"), 0);
    assert_eq!((&document["kind"], &document["summary"]["create"]), (&json!("Plan"), &json!(6)));
    assert!(!document.to_string().contains(PASSWORD));
    assert_eq!(harbour.fake.writes(), [""; 0]);
    assert!(!harbour.home.unwrap().state().exists());
}

#[test]
fn a_life() {
    let mut harbour = Harbour::new();
    let said = harbour.run(&format!("{INSTALL} --yes --events events"), 0).stderr.clone();
    // What is done at the same time is said in any order; what was waited for hangs on who is faster.
    let mut lines: Vec<String> = steady(&said).lines().map(str::to_owned).collect();
    lines.retain(|line| !line.starts_with("TIME wait"));
    lines.sort();
    insta::assert_snapshot!("install", lines.join("\n"));
    assert_eq!(harbour.writes().len(), 6, "{:#?}", harbour.writes());

    let again = harbour.run(&format!("{INSTALL} --yes"), 0).stderr.clone();
    assert!(again.contains("nothing to do: all is as wanted (9 steps checked in "), "{again}");
    let again = harbour.json(&format!("{INSTALL} --yes"), 0);
    assert_eq!((&again["outcome"]["ended"], &again["outcome"]["run"]), (&json!("done"), &json!("")));
    assert_eq!(harbour.writes().len(), 6, "the second run wrote");
    assert_eq!(harbour.json("runs list", 0)["items"].as_array().unwrap().len(), 1);

    let status = harbour.json("status", 0);
    assert_eq!((&status["healthy"], status["installations"].as_array().unwrap().len()), (&json!(true), 1));
    harbour.fake.remove(&web());
    let status = harbour.run("status shop", 3).stdout.clone();
    assert!(status.contains("FAIL Deployment/sea/shop-web"), "{status}");

    let changed = harbour.run(&format!("{INSTALL} --yes --set greeting=hello"), 0).stderr.clone();
    assert!(changed.contains("greeting"), "{changed}");
    harbour.run("status", 0);

    let gone = harbour.json("uninstall shop --yes", 0);
    assert_eq!(gone["outcome"]["ended"], "done", "{gone}");
    let left: Vec<String> = harbour
        .fake
        .state()
        .iter()
        .filter(|object| object["metadata"]["namespace"] == "sea")
        .map(|object| object["kind"].to_string())
        .collect();
    assert_eq!(left, ["\"PersistentVolumeClaim\"", "\"Secret\""]);
    let left = harbour.json("status", 0)["installations"].clone();
    assert_eq!((left[0]["stage"].as_str(), left[0]["objects"].as_array().unwrap().len()), (Some("leftover"), 1));
    is_nowhere(PASSWORD, harbour.home.unwrap().home.path());
}

fn node(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "Node", None, name)
}

fn web() -> ObjectRef {
    ObjectRef::new("apps/v1", "Deployment", Some("sea"), "shop-web")
}

/// Not in a journal, not in the events, not in a log: only in the file from which it came.
#[track_caller]
pub(crate) fn is_nowhere(secret: &str, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            is_nowhere(secret, &entry);
        } else if !entry.ends_with("password") {
            let text = String::from_utf8_lossy(&std::fs::read(&entry).unwrap()).into_owned();
            assert!(!text.contains(secret) && !text.contains("c3dvcmRmaXNo"), "the secret is in {}", entry.display());
        }
    }
}

#[test]
fn a_failure_ends_with_its_cause() {
    let mut harbour = Harbour::new();
    let heard = harbour.hear_of_writes(|call| {
        if call.path.ends_with("/deployments/shop-web") { Fate::Refused(403, "Forbidden") } else { Fate::Answered }
    });
    let said = harbour.run(&format!("{INSTALL} --yes"), 1).stderr.clone();
    assert!(said.trim_end().lines().last().unwrap().contains("the rule says Forbidden"), "{said}");
    assert_eq!(said.matches("the rule says Forbidden").count(), 1, "the cause is said once: {said}");
    assert!(said.contains("1 step was not begun") && !said.contains("skip"), "{said}");
    let document = harbour.json(&format!("{INSTALL} --yes"), 1);
    assert!(document["error"]["message"].as_str().unwrap().contains("the rule says Forbidden"), "{document}");
    assert_eq!(harbour.json("runs list", 0)["items"][0]["state"], "failed");
    drop(heard);
    harbour.fake.rule(|_| Fate::Answered);
    harbour.run(&format!("{INSTALL} --yes"), 0);
    harbour.run("status", 0);
}

#[test]
fn what_was_never_finished_is_seen() {
    let mut harbour = Harbour::new();
    let heard = harbour.hear_of_writes(|call| {
        if call.path.ends_with("/deployments/shop-web") { Fate::Refused(403, "Forbidden") } else { Fate::Answered }
    });
    harbour.run(&format!("{INSTALL} --yes"), 1);
    drop(heard);
    let here = harbour.run("status", 3).stdout.clone();
    let run = harbour.json("runs list", 0)["items"][0]["run"].as_str().unwrap().to_owned();
    for part in ["not finished", "not there", "the rule says Forbidden", &format!("runs resume {run}")] {
        assert!(here.contains(part), "{part}: {here}");
    }
    // Another machine knows nothing of the run.
    harbour.home = None;
    let elsewhere = harbour.run("status", 3).stdout.clone();
    assert!(elsewhere.contains("not finished") && elsewhere.contains("stacks install shop -n sea"), "{elsewhere}");
    assert_eq!(harbour.json("status -n sea", 3)["installations"].as_array().unwrap().len(), 1);
    let other = harbour.run("status -n land", 2).stderr.clone();
    assert!(other.starts_with("error: there is no namespace `land`\n hint: "), "{other}");
    harbour.run("status --namespace Sea", 2);
}

#[test]
fn an_uninstall_that_was_stopped_shows_what_is_still_there() {
    let mut harbour = Harbour::new();
    harbour.run(&format!("{INSTALL} --yes"), 0);
    let heard = harbour.hear_of_writes(|call| {
        let hangs = call.method == "DELETE" && call.path.ends_with("/deployments/shop-mq");
        if hangs { Fate::Refused(403, "Forbidden") } else { Fate::Answered }
    });
    harbour.run("uninstall shop --yes", 1);
    drop(heard);
    let status = harbour.json("status shop", 3);
    let objects = status["installations"][0]["objects"].as_array().unwrap().iter();
    let deployments: Vec<&Value> = objects.filter(|object| object["object"]["kind"] == "Deployment").collect();
    assert_eq!(deployments.len(), 1, "what is gone is not asked for any more: {status}");
    assert_eq!(deployments[0]["object"]["name"], "shop-mq");
    let hint = harbour.run("status shop -n land", 2).stderr.clone();
    assert!(hint.contains("stacks install shop -n land` installs it"), "{hint}");
}

#[test]
fn what_a_profile_needs_and_is_not_there_is_said_before_anything_is_made() {
    let mut harbour = Harbour::new();
    harbour.fake.remove(&node("three"));
    let dry = harbour.json(&format!("{INSTALL} --dry-run --profile ha"), 0);
    assert_eq!(dry["warnings"], json!(["profile ha needs 3 schedulable nodes; there are 2 of 2"]));
    let said = harbour.run(&format!("{INSTALL} --yes --profile ha"), 0).stderr.clone();
    assert!(said.contains("warning: profile ha needs 3 schedulable nodes"), "{said}");
    // Where nothing new is made, nothing is asked.
    let asked = |harbour: &Harbour| harbour.fake.calls().iter().filter(|call| call.path.ends_with("/nodes")).count();
    let before = asked(&harbour);
    harbour.run(&format!("{INSTALL} --yes --profile ha"), 0);
    assert_eq!(asked(&harbour), before);
}

#[test]
fn what_was_chosen_otherwise_before_is_said_first() {
    let mut harbour = Harbour::new();
    harbour.run(&format!("{INSTALL} --yes --set greeting=hello --set replicas=2"), 0);
    let said = harbour.run(&format!("{INSTALL} --dry-run --set replicas=2"), 0).stdout.clone();
    let head: Vec<&str> = said.lines().take(2).collect();
    assert_eq!(head, ["differs from the last run:", "  greeting: \"ahoy\", was \"hello\""], "{said}");
    let same = harbour.run(&format!("{INSTALL} --dry-run --set greeting=hello --set replicas=2"), 0).stdout.clone();
    assert!(!same.contains("differs"), "{same}");
}

#[test]
fn what_was_scaled_away_is_not_healthy() {
    let mut harbour = Harbour::new();
    harbour.run(&format!("{INSTALL} --yes"), 0);
    harbour.fake.scale(&web(), 0);
    let status = harbour.run("status", 3).stdout.clone();
    assert!(status.contains("scaled to 0 by kubectl scale or an autoscaler, 1 installed"), "{status}");
    harbour.fake.set(&web(), "spec.replicas", &json!(3), "kubectl");
    let status = harbour.run("status", 0).stdout.clone();
    assert!(status.contains("ready; scaled to 3 by kubectl, 1 installed"), "{status}");
}

/// Kills the program when it writes the last object, with the answer still out.
fn killed(harbour: &mut Harbour) {
    let hangs = |call: &Call| {
        if call.path.ends_with("/deployments/shop-web") && call.write.is_some() {
            Fate::Hanging
        } else {
            Fate::Answered
        }
    };
    let heard = harbour.hear_of_writes(hangs);
    let running = harbour.test(&format!("{INSTALL} --yes")).status(-9).start();
    until(&heard, "/deployments/shop-web");
    running.signal(Signal::KILL);
    harbour.home = Some(running.finish());
    harbour.fake.rule(|_| Fate::Answered);
    assert_eq!(harbour.json("runs list", 0)["items"][0]["state"], "open");
}

#[test]
fn a_killed_run_is_resumed_without_its_secrets() {
    let mut harbour = Harbour::new();
    killed(&mut harbour);
    let before = harbour.writes().len();
    let outcome = harbour.json("runs resume --yes", 0);
    assert_eq!(outcome["outcome"]["ended"], "done", "{outcome}");
    assert_eq!(harbour.writes()[before..], ["PATCH /apis/apps/v1/namespaces/sea/deployments/shop-web"]);
    assert_eq!(harbour.json("runs list", 0)["items"][0]["state"], "done");
    harbour.run("status", 0);
    harbour.run("runs resume", 2);
}

#[test]
fn the_same_install_goes_on_and_another_is_refused() {
    let mut harbour = Harbour::new();
    killed(&mut harbour);
    let refused = harbour.run(&format!("{INSTALL} --yes --set greeting=hello --profile ha"), 2).stderr.clone();
    insta::assert_snapshot!("other-run-open", steady(&refused));
    let resumed = harbour.run(&format!("{INSTALL} --yes"), 0).stderr.clone();
    assert!(resumed.contains("going on with run"), "{resumed}");
    assert_eq!(harbour.json("runs list", 0)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_open_run_can_be_given_up_for_a_new_one() {
    let mut harbour = Harbour::new();
    killed(&mut harbour);
    harbour.run(&format!("{INSTALL} --yes --set greeting=hello --replan"), 0);
    let states: Vec<String> =
        harbour.json("runs list", 0)["items"].as_array().unwrap().iter().map(|run| run["state"].to_string()).collect();
    assert_eq!(states, ["\"abandoned\"", "\"done\""]);
}

#[test]
fn ctrl_c_stops_in_good_order() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut harbour = Harbour::new();
        harbour.fake.hold("Deployment/shop-mq");
        let heard = harbour.hear_of_writes(|_| Fate::Answered);
        let running = harbour.test(&format!("{INSTALL} --yes")).status(status).start();
        until(&heard, "/deployments/shop-mq");
        running.signal(signal);
        let said = running.finish();
        assert!(said.stderr.contains("go on with: seaworthy runs resume "), "{}", said.stderr);
        harbour.home = Some(said);
        assert_eq!(harbour.json("runs list", 0)["items"][0]["state"], "interrupted");
        let locks = harbour.fake.state().into_iter().filter(|object| object["kind"] == "Lease").count();
        assert_eq!(locks, 0, "the lock was not given back");
    }
}

#[test]
fn somebody_elses_lock_is_respected() {
    let mut harbour = Harbour::new();
    harbour
        .fake
        .made_by_hand(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "seaworthy-system"}}));
    let now = jiff::Timestamp::now().to_string();
    harbour.fake.made_by_hand(&json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "sea.shop", "namespace": "seaworthy-system"},
        "spec": {"holderIdentity": "elsewhere/boot/1/1", "renewTime": now, "leaseDurationSeconds": 60}}));
    let error = harbour.json(&format!("{INSTALL} --yes"), 1)["error"].clone();
    assert_eq!(error["id"], "locked", "{error}");
    assert!(error["message"].as_str().unwrap().contains("locked by process 1 on elsewhere, since "), "{error}");
    // Not heard of for a minute, and named by the user.
    let lease = ObjectRef::new("coordination.k8s.io/v1", "Lease", Some("seaworthy-system"), "sea.shop");
    harbour.fake.set(&lease, "spec.renewTime", &json!("2026-01-01T00:00:00.000000Z"), "elsewhere");
    assert_eq!(harbour.json(&format!("{INSTALL} --yes"), 1)["error"]["id"], "locked");
    assert_eq!(harbour.writes(), [""; 0]);
    harbour.run(&format!("{INSTALL} --yes --take-lock sea.shop"), 0);
}

#[test]
fn without_the_right_to_lock_nothing_is_begun() {
    let mut harbour = Harbour::new();
    let may =
        |call: &Call| if call.path.contains("/leases") { Fate::Refused(403, "Forbidden") } else { Fate::Answered };
    harbour.fake.rule(may);
    let error = harbour.json(&format!("{INSTALL} --yes"), 1)["error"].clone();
    assert_eq!(error["id"], "lock-refused", "{error}");
    assert_eq!(harbour.writes(), [""; 0]);
}

#[test]
fn without_the_right_to_remember_the_install_is_done_all_the_same() {
    let mut harbour = Harbour::new();
    let is_record = |call: &Call| call.path.contains("/namespaces/seaworthy-system/configmaps");
    harbour.fake.rule(move |call| if is_record(call) { Fate::Refused(403, "Forbidden") } else { Fate::Answered });
    let said = harbour.run(&format!("{INSTALL} --yes"), 0).stderr.clone();
    assert!(said.contains("the cluster's own record could not be written"), "{said}");
    // What was installed is known here, and found by its labels.
    harbour.run("uninstall shop --yes", 0);
    let kept = harbour.fake.state().into_iter().filter(|object| object["metadata"]["namespace"] == "sea").count();
    assert_eq!(kept, 2, "the claim and the Secret");
}

#[test]
fn a_cluster_that_goes_away_after_the_first_answer_is_named() {
    for line in [&format!("{INSTALL} --yes"), "status", "uninstall shop --yes"] {
        let mut harbour = Harbour::new();
        harbour.fake.rule(|call| if call.number > 0 { Fate::Lost } else { Fate::Answered });
        let error = harbour.json(line, 1)["error"].clone();
        assert!(error["message"].is_string() && error["hint"].is_string(), "{line}: {error}");
        assert!(!harbour.home.unwrap().state().exists(), "{line}");
    }
}

#[test]
fn data_goes_only_when_it_is_named() {
    let mut harbour = Harbour::new();
    harbour.run(&format!("{INSTALL} --yes"), 0);
    let plan = harbour.run("uninstall shop --dry-run --destroy-data pvc/sea/shop-data", 0).stdout.clone();
    insta::assert_snapshot!("uninstall-dry-run", plan);
    harbour.run("uninstall shop --yes --destroy-data pvc/sea/shop-data --destroy-data secret/sea/shop-login", 0);
    let left = harbour.fake.state().into_iter().filter(|object| object["metadata"]["namespace"] == "sea").count();
    assert_eq!(left, 0);
}

#[test]
fn read_only_shows_and_writes_nothing() {
    let mut harbour = Harbour::new();
    let error = harbour.json(&format!("{INSTALL} --yes --read-only"), 2)["error"].clone();
    assert_eq!(error["id"], "read-only", "{error}");
    assert_eq!(harbour.fake.writes(), [""; 0]);
    assert!(!harbour.home.unwrap().state().exists());
}

#[test]
fn a_run_is_taken_up_only_in_its_own_cluster() {
    let mut harbour = Harbour::new();
    killed(&mut harbour);
    let mut other = Harbour::new();
    other.fake.made_by_hand(
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}}),
    );
    let system = ObjectRef::new("v1", "Namespace", None, "kube-system");
    other.fake.remove(&system);
    other.fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}));
    other.home = harbour.home.take();
    let run = other.json("runs list", 0)["items"][0]["run"].as_str().unwrap().to_owned();
    let error = other.json(&format!("runs resume {run} --yes"), 2)["error"].clone();
    assert_eq!(error["id"], "other-cluster", "{error}");
    let error = other.json("runs resume --yes", 2)["error"].clone();
    assert_eq!(error["id"], "no-unfinished-run", "a run of another cluster is none to go on with: {error}");
    assert_eq!(other.fake.writes(), [""; 0]);
}

#[test]
fn events_are_written_as_lines_of_json() {
    let mut harbour = Harbour::new();
    let home = harbour.run(&format!("{INSTALL} --yes --events events"), 0).home.path().to_owned();
    let text = std::fs::read_to_string(home.join("events")).unwrap();
    let events: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(matches!(events.first(), Some(Event::Planned { .. })), "{:?}", events.first());
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{:?}", events.last());
    is_nowhere(PASSWORD, &home);
}

/// The one journal in the state folder.
fn journal(output: &Output) -> String {
    let mut entries = std::fs::read_dir(output.state().join("runs")).unwrap();
    entries.next().map_or(String::new(), |entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
}

/// When the disk is full nothing is begun that the journal does not know, and what it knows can be read.
#[test]
fn a_full_disk_stops_the_run() {
    let whole = journal(Harbour::new().run(&format!("{INSTALL} --yes"), 0)).len();
    // The shell counts in blocks of 512 bytes; without the trap the signal would end the program.
    for blocks in 0..=whole / 512 {
        let mut harbour = Harbour::new();
        let test = harbour.test(&format!("{INSTALL} --yes -o json"));
        // What comes last is only a note: with room for all but that the run is done.
        let finished = test.before(&format!("trap '' XFSZ; ulimit -f {blocks}")).any_status().run();
        let journal = journal(&finished);
        assert!(journal.is_empty() || journal.ends_with('\n'), "half a line at {blocks}: {journal}");
        let intents = journal.lines().filter(|line| line.contains("\"entry\":\"intent\"")).count();
        let writes = harbour.writes();
        assert_eq!(writes.len(), intents, "{blocks} blocks: {writes:#?}\n{journal}");
        let document = finished.json();
        match writes.len() {
            6 => assert_eq!(document["outcome"]["ended"], "done", "{document}"),
            _ => assert_eq!(document["error"]["id"], "journal-io", "{document}"),
        }
    }
}
