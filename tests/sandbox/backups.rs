//! Backups and what is brought back from them, with the program as a user types it.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::test::{Output, Test};

fn installed() -> Output {
    Test::new().line("install hello --sandbox --yes").any_stdout().any_stderr().run()
}

#[track_caller]
fn then(output: Output, line: &str, status: i32) -> Output {
    Test::after(output).line(line).any_stdout().any_stderr().status(status).run()
}

fn folders(output: &Output) -> Vec<PathBuf> {
    let below = |path: &Path| {
        let mut all: Vec<PathBuf> =
            std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all
    };
    let clusters = below(&output.state().join("backups"));
    clusters.iter().flat_map(|cluster| below(cluster)).flat_map(|installation| below(&installation)).collect()
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

const CLAIM: &str = "PersistentVolumeClaim/hello/hello-data";

#[test]
fn a_backup_holds_what_there_is_and_names_what_it_does_not() {
    let output = then(installed(), "backup hello --sandbox --yes -o json", 0);
    let folder = folders(&output).remove(0);
    let document = output.json();
    assert_eq!(document["outcome"]["ended"], "done", "{document:#}");
    assert_eq!(document["backup"]["consistent"], false);
    let backup = manifest(&folder);
    let parts: Vec<&str> =
        backup["parts"].as_array().unwrap().iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["values", "manifests", "claim"]);
    assert_eq!((&backup["parts"][2]["live"], &backup["parts"][2]["files"]), (&json!(true), &json!(1)), "{backup:#}");
    assert!(folder.join("data/hello.hello-data.tar").is_file() && folder.join("manifests/SHA256SUMS").is_file());
    assert!(!folder.join("manifests/Secret").exists());
    let values: Value = serde_json::from_slice(&std::fs::read(folder.join("values.json")).unwrap()).unwrap();
    assert_eq!(values["page"]["greeting"], "Ahoy!");

    let listed = then(output, "backup list", 0);
    assert!(
        listed.stdout.contains("hello")
            && listed.stdout.contains("1 volume, 1 file")
            && listed.stdout.contains("whole"),
        "{}",
        listed.stdout
    );
    std::fs::remove_file(folder.join("manifest.json")).unwrap();
    let listed = then(listed, "backup list", 0);
    assert!(listed.stdout.contains("not whole"), "{}", listed.stdout);
    let refused = then(listed, "restore hello --sandbox --yes", 2);
    assert!(refused.stderr.contains("no backup in") && refused.stderr.contains("backup list"), "{}", refused.stderr);
}

#[test]
fn what_was_lost_is_brought_back_by_a_typed_name_and_not_by_yes() {
    let output = then(installed(), "backup hello --sandbox --yes --consistent", 0);
    assert!(output.stderr.contains("stop Deployment/hello/hello-web"), "{}", output.stderr);
    let folder = folders(&output).remove(0);
    let backup = manifest(&folder);
    assert_eq!((&backup["consistent"], &backup["parts"][2]["live"]), (&json!(true), &json!(false)));
    let healthy = then(output, "status hello --sandbox", 0);
    let refused = then(healthy, "restore hello --sandbox --yes", 2);
    assert!(refused.stderr.contains(&format!("--destroy-data={CLAIM}")), "{}", refused.stderr);
    assert!(refused.stderr.contains("verified, moments old, of one moment"), "{}", refused.stderr);
    let restored = then(refused, &format!("restore hello --sandbox --yes --destroy-data={CLAIM} -o json"), 0);
    let document = restored.json();
    assert_eq!(document["outcome"]["ended"], "done", "{document:#}");
    let after = then(restored, "status hello --sandbox", 0);
    // What is empty is filled without a name: nothing goes. The pod that started again has written its line to what was there.
    let lost = then(after, "sandbox fault inject volume-emptied", 0);
    let filled = then(lost, "restore hello --sandbox --yes", 0);
    assert!(filled.stderr.contains("copy in"), "{}", filled.stderr);
    let again = then(filled, "backup hello --sandbox --yes", 0);
    let newest = folders(&again).pop().unwrap();
    let text = String::from_utf8_lossy(&std::fs::read(newest.join("data/hello.hello-data.tar")).unwrap()).into_owned();
    assert_eq!(text.matches("started at").count(), 2, "{text}");
}

/// What no playbook brings back a backup may have; the others of its claims stay as they are.
#[test]
fn one_claim_is_brought_back_from_the_backup_that_recover_names() {
    let output = Test::new().line("install newton-v2t --sandbox --yes").any_stdout().any_stderr().run();
    let output = then(output, "recover --sandbox -n newton-v2t", 0);
    let output = then(output, "backup newton-v2t --sandbox --yes", 0);
    let lost = then(output, "sandbox fault inject volume-emptied=newton-v2t/newton-v2t-history", 0);
    let seen = then(lost, "recover --sandbox -n newton-v2t", 3);
    let command = "restore newton-v2t -n newton-v2t --claim newton-v2t/newton-v2t-history";
    assert!(seen.stdout.contains(&format!("  then        seaworthy --sandbox {command}\n")), "{}", seen.stdout);
    assert!(seen.stdout.contains("brings back what the backup of "), "{}", seen.stdout);
    let refused = then(seen, "restore newton-v2t --sandbox --yes --claim newton-v2t/histori", 2);
    assert!(
        refused.stderr.contains("holds no files of PersistentVolumeClaim/newton-v2t/histori"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("newton-v2t-workspace"), "{}", refused.stderr);
    let shown = then(refused, &format!("{command} --sandbox --dry-run -o json"), 0);
    let steps = shown.json()["plan"]["steps"].to_string();
    assert!(
        steps.contains("newton-v2t-history")
            && !steps.contains("copy-in:PersistentVolumeClaim/newton-v2t/newton-v2t-workspace"),
        "{steps}"
    );
    let filled = then(shown, &format!("{command} --sandbox --yes"), 0);
    assert!(filled.stderr.contains("copy in"), "{}", filled.stderr);
    let well = then(filled, "recover --sandbox -n newton-v2t", 0);
    then(well, "status newton-v2t --sandbox", 0);
}

#[test]
fn a_backup_with_a_byte_of_it_changed_is_refused_before_anything_is_asked() {
    let output = then(installed(), "backup hello --sandbox --yes", 0);
    let folder = folders(&output).remove(0);
    let tar = folder.join("data/hello.hello-data.tar");
    let mut bytes = std::fs::read(&tar).unwrap();
    let place = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[place] ^= 1;
    std::fs::write(&tar, bytes).unwrap();
    let refused = then(output, &format!("restore hello --sandbox --yes --destroy-data={CLAIM} -o json"), 2);
    let error = refused.json()["error"].clone();
    assert_eq!(error["id"], "backup-changed", "{error}");
    assert!(error["message"].as_str().unwrap().contains("hello.hello-data.tar"), "{error}");
    let listed = then(refused, "backup list --verify -o json", 1);
    assert_eq!(listed.json()["items"][0]["whole"], false);
}

#[test]
fn what_was_stopped_for_a_backup_is_started_again_when_the_backup_fails() {
    let output = then(installed(), "sandbox fault inject copy-truncated", 0);
    let failed = then(output, "backup hello --sandbox --yes --consistent -o json", 1);
    let document = failed.json();
    assert_eq!(document["error"]["id"], "copy-unproven", "{document:#}");
    assert_eq!(document["backup"], Value::Null);
    // It runs again, with as many replicas as before, and nothing is left of the helper.
    let well = then(failed, "status hello --sandbox -o json", 0);
    let health = well.json();
    let text = health.to_string();
    assert!(!text.contains("seaworthy-copy"), "{health:#}");
    assert!(!text.contains("0 of 1"), "{health:#}");
    let healed = then(well, "sandbox fault heal copy-truncated", 0);
    // A run that has failed is taken up by its name, and stops what writes anew.
    let run = document["outcome"]["run"].as_str().unwrap();
    let done = then(healed, &format!("runs resume {run} --sandbox --yes"), 0);
    let whole = then(done, "status hello --sandbox", 0);
    assert_eq!(folders(&whole).iter().filter(|folder| folder.join("manifest.json").is_file()).count(), 1);
}

#[test]
fn what_is_not_there_is_named() {
    let cases = [
        ("backup", 2, "required"),
        ("backup hello --sandbox --yes", 2, "hello is not installed in namespace hello"),
        ("restore hello --sandbox --yes", 2, "no backup in"),
        ("restore hello --sandbox --from nowhere", 2, "never finished, or is no backup"),
        ("backup list", 0, ""),
    ];
    for (line, status, expected) in cases {
        let output = Test::new().line(line).any_stdout().any_stderr().status(status).run();
        assert!(output.stderr.contains(expected), "{line}: {}", output.stderr);
    }
}

#[test]
fn a_playbook_copies_out_what_can_still_be_read() {
    let output = then(installed(), "recover replace --sandbox --claim hello/hello-data --dry-run", 0);
    assert!(output.stdout.contains("copy out PersistentVolumeClaim/hello/hello-data"), "{}", output.stdout);
    let without = then(output, "recover replace --sandbox --claim hello/hello-data --dry-run --no-copy", 0);
    assert!(
        without.stdout.contains("nothing is copied out of") && without.stdout.contains("--no-copy"),
        "{}",
        without.stdout
    );
    let done =
        then(without, &format!("recover replace --sandbox --claim hello/hello-data --yes --destroy-data={CLAIM}"), 0);
    let exports: Vec<PathBuf> =
        std::fs::read_dir(done.state().join("exports")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(exports.iter().any(|folder| folder.join("data/hello.hello-data.tar").is_file()), "{exports:?}");
}

/// Starts the program and kills it after so many milliseconds.
fn killed(output: Output, line: &str, signal: Signal, after: u64) -> Output {
    let running = Test::after(output).line(line).any_stdout().any_stderr().any_status().start();
    // The moment of the kill is what is tried: somewhere in the run, each time somewhere else.
    std::thread::sleep(std::time::Duration::from_millis(after));
    running.signal(signal);
    running.finish()
}

fn text_of(folder: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(folder.join("data/hello.hello-data.tar")).unwrap()).into_owned()
}

#[test]
fn a_backup_that_was_killed_anywhere_is_taken_up_and_what_it_stopped_runs() {
    let mut output = installed();
    for (number, after) in [40, 80, 120, 160, 200, 260, 320].into_iter().enumerate() {
        output = killed(output, "backup hello --sandbox --yes --consistent", Signal::KILL, after);
        output = then(output, "backup hello --sandbox --yes --consistent", 0);
        output = then(output, "status hello --sandbox", 0);
        let whole = folders(&output).iter().filter(|folder| folder.join("manifest.json").is_file()).count();
        assert!(whole > number, "{whole} after {after} ms");
    }
    // What was begun was taken up in its own folder: none is left that is not whole.
    let listed = then(output, "backup list --verify -o json", 0).json();
    assert!(listed["items"].as_array().unwrap().iter().all(|item| item["whole"] == true), "{listed:#}");
}

#[test]
fn a_restore_that_was_killed_anywhere_comes_to_the_same_end() {
    let mut output = then(installed(), "backup hello --sandbox --yes --consistent", 0);
    let first = folders(&output).remove(0);
    let before = text_of(&first);
    let line = format!("restore hello --sandbox --yes --from {} --destroy-data={CLAIM}", first.display());
    for after in [40, 90, 140, 190, 240, 300] {
        output = killed(output, &line, Signal::KILL, after);
        output = then(output, &line, 0);
        output = then(output, "status hello --sandbox", 0);
    }
    let again = then(output, "backup hello --sandbox --yes --consistent", 0);
    let text = text_of(&folders(&again).pop().unwrap());
    // What was there at the backup, and the line of the start after the restore.
    assert!(before.matches("started at").count() < text.matches("started at").count(), "{text}");
    assert_eq!(text.matches("started at").count(), 2, "{text}");
}

#[test]
fn ctrl_c_starts_again_what_a_backup_has_stopped() {
    let mut output = installed();
    for after in [60, 110, 160, 210] {
        output = killed(output, "backup hello --sandbox --yes --consistent", Signal::INT, after);
        output = then(output, "sandbox fault list", 0);
        // It was sent off, and not waited for: the run was told to end.
        let runs = |output: &Output| output.stdout.contains("ok   Deployment/hello/hello-web");
        for _ in 0..40 {
            output = Test::after(output).line("status hello --sandbox").any_stdout().any_stderr().any_status().run();
            if runs(&output) {
                break;
            }
            // What was sent off takes a moment to be ready, and each look is a run of the program.
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        assert!(runs(&output), "after {after} ms: {}", output.stdout);
    }
}

/// Of a backup that was made while it ran, an etcd begins again from its snapshot: what was in it is there, in another cluster, and
/// whoever had seen more than that has begun anew.
#[test]
fn an_etcd_is_brought_back_from_the_snapshot_of_a_backup() {
    let install = "install newton-v2t --sandbox --yes --set global.imageTag=1.0";
    let output = Test::new().line(install).any_stdout().any_stderr().any_status().run();
    let output = then(output, "backup newton-v2t --sandbox --yes", 0);
    let folder = folders(&output).pop().unwrap();
    let output = then(output, "sandbox fault inject etcd-wiped", 0);
    let line = format!("restore newton-v2t --sandbox --yes --from {}", folder.display());
    let refused = then(output, &line, 2);
    assert!(refused.stderr.contains("from its snapshot; its members get fresh volumes"), "{}", refused.stderr);
    let words = refused.stderr.split([' ', '\n', ',', '`']).map(str::to_owned).collect::<Vec<_>>();
    let mut names: Vec<&String> = words.iter().filter(|word| word.starts_with("--destroy-data=")).collect();
    names.sort();
    names.dedup();
    assert!(names.iter().any(|name| name.contains("data-newton-v2t-etcd-0")), "{names:?}: {}", refused.stderr);
    let names = names.into_iter().cloned().collect::<Vec<_>>().join(" ");
    let done = then(refused, &format!("{line} {names}"), 0);
    for said in
        ["stop Deployment/newton-v2t/newton-v2t-dashboard", "make the data of newton-v2t-etcd-0 from the snapshot"]
    {
        assert!(done.stderr.contains(said), "{said}: {}", done.stderr);
    }
    let well = then(done, "status newton-v2t --sandbox", 0);
    let nothing = then(well, "recover --sandbox -n newton-v2t", 0);
    assert!(nothing.stdout.contains("no loss is recognised"), "{}", nothing.stdout);
}

/// While it runs, its database cannot be copied as files: a snapshot is taken instead, and beside the files when it stands still.
#[test]
fn of_an_etcd_there_is_a_snapshot_with_its_checksum() {
    let output = Test::new()
        .line("install newton-v2t --sandbox --yes --set global.imageTag=1.0")
        .any_stdout()
        .any_stderr()
        .any_status()
        .run();
    let output = then(output, "status newton-v2t --sandbox", 0);
    let output = then(output, "backup newton-v2t --sandbox --yes", 0);
    let parts = |folder: &Path| {
        let backup = manifest(folder);
        let parts = backup["parts"].as_array().unwrap().clone();
        let claims =
            parts.iter().filter_map(|part| part["claim"]["name"].as_str().map(str::to_owned)).collect::<Vec<_>>();
        (backup, parts.into_iter().find(|part| part["part"] == "etcd"), claims)
    };
    let folder = folders(&output).pop().unwrap();
    let (backup, snapshot, claims) = parts(&folder);
    let file = folder.join(snapshot.unwrap_or_else(|| panic!("{backup:#}"))["file"]["path"].as_str().unwrap());
    assert!(std::fs::read(&file).unwrap().len() > 32, "{}", file.display());
    assert!(!claims.iter().any(|claim| claim.contains("etcd")), "{claims:?}");
    let left = backup["leftOut"].as_array().unwrap();
    assert!(left.iter().any(|left| left["why"].as_str().unwrap().contains("snapshot of that etcd")), "{left:#?}");
    let output = then(output, "backup newton-v2t --sandbox --yes --consistent", 0);
    let (_, snapshot, claims) = parts(&folders(&output).pop().unwrap());
    assert!(snapshot.is_some() && claims.iter().any(|claim| claim.contains("etcd")), "{claims:?}");
    let output = then(output, "status newton-v2t --sandbox", 0);
    let told = Test::after(output).line("restore newton-v2t --sandbox --dry-run").any_stdout().any_stderr().run();
    assert!(told.stderr.contains("the snapshot is not needed"), "{}", told.stderr);
    std::fs::write(&file, b"cut").unwrap();
    let listed = Test::after(told).line("backup list --verify").any_stdout().any_stderr().any_status().run();
    assert!(listed.stdout.contains("backup-changed"), "{}", listed.stdout);
}

/// Whoever backs up every night does not hide what was lost in the evening.
#[test]
fn a_backup_after_a_loss_is_marked_and_restore_passes_over_it() {
    let test = Test::new().line("install hello --sandbox --yes").any_stderr().run();
    let good = Test::after(test).line("backup hello --sandbox --yes").any_stderr().run();
    let struck = Test::after(good).line("sandbox fault inject volume-emptied").any_stderr().run();
    let bad = Test::after(struck).line("backup hello --sandbox --yes").any_stderr().run();
    assert!(
        bad.stderr.contains("PersistentVolumeClaim/hello/hello-data is lost, and is not in this backup"),
        "{}",
        bad.stderr
    );
    let listed = Test::after(bad).line("backup list --sandbox").any_stdout().run();
    assert!(listed.stdout.contains("made after a loss") && listed.stdout.contains("whole"), "{}", listed.stdout);
    let seen = Test::after(listed).line("recover --sandbox").status(3).any_stdout().any_stderr().run();
    assert!(seen.stdout.contains("volume-emptied PersistentVolumeClaim/hello/hello-data"), "{}", seen.stdout);
    let back = Test::after(seen).line("restore hello --sandbox --yes").any_stderr().run();
    assert!(back.stderr.contains("passed over ") && back.stderr.contains("hello-data: 1 file"), "{}", back.stderr);
    let mistyped = Test::after(back).line("recover --sandbox --consent x").status(2).any_stderr().run();
    assert!(mistyped.stderr.contains("--consent is about a playbook"), "{}", mistyped.stderr);
}

/// Nothing is left to copy, so there is no plan to be shown, and what is lacking is said all the same.
#[test]
fn a_backup_that_copies_nothing_says_what_it_lacks() {
    let test = Test::new().line("install hello --sandbox --yes").any_stderr().run();
    let struck = Test::after(test).line("sandbox fault inject claim-erased").any_stderr().run();
    let bad = Test::after(struck).line("backup hello --sandbox --yes").any_stderr().run();
    let said = "warning: PersistentVolumeClaim/hello/hello-data is lost, and is not in this backup";
    assert!(bad.stderr.contains(said), "{}", bad.stderr);
    assert!(bad.stderr.contains(" --from "), "restore would pass over it otherwise: {}", bad.stderr);
}
