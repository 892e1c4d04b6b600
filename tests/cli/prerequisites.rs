//! `prerequisites ...` in the sandbox: from nothing to all of them and back. The same on a real cluster, with the real controllers:
//! tests/cluster/groups/prerequisites.sh.

use serde_json::Value;

use crate::test::{Output, Test};

const INSTALL: &str = "prerequisites install --sandbox --yes --pool 172.30.255.200-172.30.255.220 -o json";

fn again(output: Output, line: &str) -> Output {
    Test::after(output).line(line).any_stdout().any_stderr().run()
}

/// What would be done about each, by name.
fn verdicts(document: &Value) -> Vec<(String, String)> {
    let all = document["prerequisites"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|one| (text(&one["prerequisite"]), text(&one["do"]))).collect()
}

fn pairs(expected: [(&str, &str); 5]) -> Vec<(String, String)> {
    expected.map(|(name, verdict)| (name.to_owned(), verdict.to_owned())).to_vec()
}

#[test]
fn they_come_are_proven_and_go() {
    let installed = Test::new().line(INSTALL).any_stderr().any_stdout().run();
    let document = installed.json();
    let missing = [
        ("local-path", "use"),
        ("shared-path", "leave"),
        ("metrics-server", "install"),
        ("metallb", "install"),
        ("kruise", "install"),
    ];
    assert_eq!(verdicts(&document), pairs(missing));
    assert_eq!(document["checks"].as_array().unwrap().len(), 3, "{document}");
    assert!(document["checks"].as_array().unwrap().iter().all(|check| check["works"] == true), "{document}");
    let address = document["checks"][1]["proof"].as_str().unwrap();
    assert!(address.contains("nothing was asked there"), "no connection leaves a sandbox: {address}");
    let second = again(installed, INSTALL);
    let document = second.json();
    let there = [
        ("local-path", "use"),
        ("shared-path", "leave"),
        ("metrics-server", "keep"),
        ("metallb", "keep"),
        ("kruise", "keep"),
    ];
    assert_eq!(verdicts(&document), pairs(there));
    let written = |run: &Value| run["outcome"]["requests"]["writes"].as_u64();
    assert!(document["runs"].as_array().unwrap().iter().all(|run| written(run) == Some(0)), "{document}");
    let gone = again(second, "prerequisites uninstall metallb kruise metrics-server --sandbox --yes -o json");
    let runs = gone.json()["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 3);
    // The largest goes neither first nor last, so counts that add up would show.
    let writes = |name: &str| written(runs.as_array().unwrap().iter().find(|run| run["prerequisite"] == name).unwrap());
    assert!(writes("kruise") < writes("metallb"), "each run counts its own: {runs}");
    let listed = again(gone, "prerequisites list --sandbox -o json");
    assert!(verdicts(&listed.json()).iter().skip(1).all(|(_, verdict)| verdict != "keep"), "{}", listed.stdout);
}

/// On several nodes MetalLB's speakers have a key, which its controller makes.
#[test]
fn all_of_them_come_on_three_nodes() {
    let installed = Test::new().line(&INSTALL.replace("--sandbox", "--sandbox=ha")).any_stderr().any_stdout().run();
    let document = installed.json();
    assert!(document.get("error").is_none(), "{document}");
    assert_eq!(document["checks"].as_array().unwrap().len(), 3, "{document}");
    assert!(document["checks"].as_array().unwrap().iter().all(|check| check["works"] == true), "{document}");
}

/// With three nodes, and with one.
#[test]
fn a_profile_that_shares_volumes_waits_for_who_can_make_them() {
    let kinds = [
        ("ha", "--sandbox=ha", "pods on sandbox-1 and sandbox-"),
        ("single-node", "--sandbox", "pods on sandbox-1 wrote"),
    ];
    for (kind, place, pods) in kinds {
        let line = |text: &str| format!("{text} --sandbox={kind} --yes -o json");
        let ha = "install newton-v2t --profile ha --set etcd.antiAffinity=preferred";
        let refused = Test::new().line(&line(ha)).status(2).any_stdout().any_stderr().run();
        let error = refused.json()["error"].clone();
        assert_eq!(error["id"], "no-shared-volumes", "{error}");
        assert!(error["message"].as_str().unwrap().contains("nothing was written"), "{error}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("`seaworthy {place} prerequisites install shared-path`")), "{hint}");
        assert!(hint.ends_with("`--set global.storageClass=shared`"), "{hint}");
        let causes = error["causes"].to_string();
        assert!(causes.contains("ceph-filesystem") && causes.contains("PersistentVolumeClaim/newton-v2t-workspace"));
        let install = line("prerequisites install shared-path");
        let installed = again(refused, &install);
        let check = installed.json()["checks"][0].clone();
        assert!(check["works"] == true && check["proof"].as_str().unwrap().starts_with(pods), "{check}");
        let second = again(installed, &install);
        assert_eq!(second.json()["runs"][0]["outcome"]["requests"]["writes"], 0, "{}", second.stdout);
        let refused = Test::after(second).line(&line(ha)).status(2).any_stdout().any_stderr().run();
        assert_eq!(refused.json()["error"]["hint"], "name a class that can: `--set global.storageClass=shared`");
        let done = again(refused, &line(&format!("{ha} --set global.storageClass=shared")));
        assert_eq!(done.json()["outcome"]["ended"], "done", "{}", done.stdout);
        let gone = line("prerequisites uninstall shared-path");
        let used = Test::after(done).line(&gone).status(2).any_stdout().any_stderr().run();
        let error = used.json()["error"].clone();
        assert_eq!(error["id"], "prerequisite-in-use");
        assert!(
            error["causes"].to_string().contains("of PersistentVolumeClaim/newton-v2t/newton-v2t-history stays"),
            "{error}"
        );
    }
}

#[test]
fn what_is_in_use_stays() {
    let installed =
        Test::new().line("prerequisites install kruise --sandbox --yes --no-check").any_stdout().any_stderr().run();
    let used = Test::after(installed).line("sandbox reset").any_stdout().run();
    let nothing = Test::after(used).line("prerequisites uninstall kruise --sandbox --yes").status(2);
    let said = "error: kruise is not there; nothing was deleted\n hint: `seaworthy --sandbox prerequisites list` shows what is";
    nothing.stderr(said).run();
    let theirs = Test::new().line("prerequisites uninstall local-path --sandbox --yes").status(2);
    theirs
        .stderr("error: local-path was not installed by seaworthy; nothing was deleted\n hint: `seaworthy --sandbox prerequisites list` shows who looks after it")
        .run();
}

#[test]
fn what_is_not_there_is_not_checked() {
    let said = "error: there is no metrics-server to check: nobody serves the metrics API; nothing was written\n hint: `seaworthy --sandbox prerequisites install metrics-server` installs and checks it";
    Test::new().line("prerequisites check metrics-server --sandbox").status(2).stderr(said).run();
}

#[test]
fn the_list_fits_on_eighty_columns() {
    let listed = Test::new().line("prerequisites list --sandbox=ha").any_stdout().run().stdout;
    assert!(listed.lines().all(|line| line.chars().count() <= 80), "{listed}");
    assert!(listed.contains("\nkruise          no                               install it\n"), "{listed}");
    assert!(listed.contains("\nkruise: OpenKruise, which makes CloneSets, is not there"), "{listed}");
}

/// None needs another.
#[test]
fn one_that_fails_keeps_nothing_from_the_others() {
    let broken = Test::new().line("sandbox fault inject image-missing").any_stdout().any_stderr().run();
    let failed = Test::after(broken).line(INSTALL).status(1).any_stdout().any_stderr().run();
    let document = failed.json();
    let runs = document["runs"].as_array().unwrap();
    assert!(runs.len() == 3 && runs.iter().all(|run| run["outcome"]["ended"] == "failed"), "{document}");
    assert_eq!((&document["notBegun"], &document["checks"]), (&serde_json::json!([]), &serde_json::json!([])));
    let last: Vec<&str> = failed.stderr.lines().rev().take(3).collect();
    assert!(last.iter().all(|line| line.contains(" was not installed: ")), "{last:?}");
}

/// What a check makes is gone a second later.
#[test]
fn nobody_is_told_to_open_what_a_check_makes() {
    let line = "prerequisites install metallb --sandbox --yes --pool 172.30.255.200-172.30.255.220";
    let said = Test::new().line(line).any_stderr().run().stderr;
    assert!(said.contains("metallb works: ") && !said.contains("open it with"), "{said}");
}

#[test]
fn a_wrong_setting_is_answered_with_the_right_ones_before_anything_is_shown() {
    let refused = Test::new().line("prerequisites install metallb --set x=y --sandbox --yes").status(2).any_stderr();
    let said = refused.run().stderr;
    assert!(said.starts_with("error: --set x: unknown key"), "{said}");
    assert!(said.contains(" hint: settings of metallb: ") && said.contains("pool.addresses"), "{said}");
}

#[test]
fn bad_input_is_told_before_anything_is_looked_at() {
    let unknown = "error: invalid value 'metalb' for '[NAMES]...': there is no prerequisite `metalb`; did you mean `metallb`?\n\nFor more information, try '--help'.";
    let table = [
        ("install metalb", unknown),
        (
            "install kruise --pool 172.30.0.1-172.30.0.9",
            "error: --pool is for metallb, which is not among what is to be installed\n hint: name metallb too, or leave --pool out",
        ),
        ("install --set a=b", "error: --set is for a single prerequisite\n hint: name one, or leave --set out"),
    ];
    for (line, said) in table {
        Test::new().line("prerequisites").line(line).line("--sandbox --yes").status(2).stderr(said).run();
    }
    let refused =
        Test::new().line("prerequisites install metallb --sandbox --yes --pool 172.30.0.2-172.30.0.4").status(2);
    let refused = refused.any_stderr().any_stdout().run();
    assert!(refused.stderr.contains("172.30.0.2"), "a node has it: {}", refused.stderr);
}
