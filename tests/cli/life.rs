//! The life of an installation in the sandbox: changed, kept as it was chosen, brought back, and taken away with what it has made.

use serde_json::Value;

use crate::test::{Output, Test};

fn again(output: Output, line: &str) -> Test {
    Test::after(output).line(line).any_stdout().any_stderr()
}

/// The greeting that the page has now.
fn greeting(output: Output) -> (String, Output) {
    let runs = again(output, "runs list -o json").run();
    let document = runs.json();
    let last = document["items"].as_array().unwrap().last().unwrap()["run"].as_str().unwrap().to_owned();
    let run = again(runs, &format!("runs show {last} -o json")).run();
    let steps = run.json()["plan"]["steps"].as_array().unwrap().clone();
    let map = steps.iter().map(|step| &step["action"]["object"]).find(|object| object["kind"] == "ConfigMap").unwrap();
    let text = map["data"].as_object().unwrap().values().filter_map(Value::as_str).collect::<String>();
    (text, run)
}

#[test]
fn an_upgrade_keeps_what_was_chosen_and_a_rollback_brings_back_what_was() {
    let installed = Test::new()
        .line("install hello --sandbox --yes --set page.greeting=First --set resources.requests.memory=32Mi")
        .any_stderr()
        .any_stdout()
        .run();
    let upgraded = again(installed, "upgrade hello --sandbox --yes --set page.greeting=Second").run();
    assert!(!upgraded.stderr.contains("memory"), "what was chosen before stays: {}", upgraded.stderr);
    let (text, shown) = greeting(upgraded);
    assert!(text.contains("Second"), "{text}");
    let unchanged = again(shown, "upgrade hello --sandbox --yes -o json").run();
    assert_eq!(unchanged.json()["outcome"]["requests"]["writes"], 0, "{}", unchanged.stdout);
    let back = again(unchanged, "rollback hello --sandbox --yes").run();
    let (text, shown) = greeting(back);
    assert!(text.contains("First"), "{text}");
    let reset = again(shown, "upgrade hello --sandbox --yes --reset-values").run();
    assert!(reset.stderr.contains("memory"), "{}", reset.stderr);
    assert!(greeting(reset).0.contains("Ahoy!"));
}

#[test]
fn a_demonstration_is_said_to_be_one_until_the_programs_are_the_stacks_own() {
    const WARNING: &str = "a demonstration with stand-ins";
    let installed = Test::new().line("install newton-v2t --sandbox --yes --stand-ins").any_stderr().any_stdout().run();
    assert!(installed.stderr.contains(WARNING), "{}", installed.stderr);
    assert!(
        installed.stderr.contains("reach Dashboard at Service/newton-v2t-dashboard (GET / answered 200"),
        "{}",
        installed.stderr
    );
    let status = again(installed, "status newton-v2t --sandbox").run();
    assert!(status.stdout.contains("healthy\n  a demonstration with stand-ins"), "{}", status.stdout);
    let kept = again(status, "upgrade newton-v2t --sandbox --yes -o json").run();
    assert_eq!(kept.json()["outcome"]["requests"]["writes"], 0, "{}", kept.stdout);
    let real = again(kept, "install newton-v2t --sandbox --yes").run();
    assert!(real.stderr.contains("programs: the stack's own, was stand-ins"), "{}", real.stderr);
    assert!(!real.stderr.contains(WARNING), "{}", real.stderr);
    let status = again(real, "status newton-v2t --sandbox").run();
    assert!(!status.stdout.contains(WARNING), "{}", status.stdout);
}

#[test]
fn what_can_no_longer_be_changed_is_made_anew_where_that_loses_nothing() {
    let stacks = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/stacks");
    let line = |rest: &str| format!("{rest} --sandbox --profiles {stacks}");
    let installed = Test::new().line(&line("install fixed --yes")).any_stderr().any_stdout().run();
    let refused = again(installed, &line("upgrade fixed --yes --set size=24Mi")).status(2).run();
    for part in ["StatefulSet", "or add --recreate to have it deleted and made anew", "its pods go on meanwhile"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let pods = |output: Output| {
        let evidence = again(output, "doctor --sandbox --save evidence.json").run();
        let path = evidence.home.path().join("evidence.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let items = document["items"].as_array().unwrap().iter().filter(|object| object["kind"] == "Pod");
        let uid = |object: &Value| (object["metadata"]["name"].to_string(), object["metadata"]["uid"].to_string());
        (items.map(uid).collect::<std::collections::BTreeMap<_, _>>(), evidence)
    };
    let (before, looked) = pods(refused);
    let replaced = again(looked, &line("upgrade fixed --yes --set size=24Mi --set app=two --recreate")).run();
    for part in ["-/+ replace StatefulSet", "-/+ replace Deployment", "2 to replace"] {
        assert!(replaced.stderr.contains(part), "{part}: {}", replaced.stderr);
    }
    let (after, looked) = pods(replaced);
    let store = "\"fixed-store-0\"";
    assert!(before.contains_key(store) && before.get(store) == after.get(store), "{before:?} {after:?}");
    assert!(before.keys().filter(|name| name.contains("-web-")).all(|name| !after.contains_key(name)), "{after:?}");
    let unchanged = again(looked, &line("upgrade fixed --yes --recreate -o json")).run();
    assert_eq!(unchanged.json()["outcome"]["requests"]["writes"], 0, "{}", unchanged.stdout);
    let deleting = again(unchanged, &line("upgrade fixed --yes --set whenDeleted=Delete")).run();
    let kept = again(deleting, &line("upgrade fixed --yes --set size=32Mi --recreate")).status(2).run();
    assert!(kept.stderr.contains("its claims would be deleted with it"), "{}", kept.stderr);
}

#[test]
fn what_was_never_installed_is_neither_upgraded_nor_brought_back() {
    let said = Test::new().line("upgrade hello --sandbox --yes").status(2).any_stderr().run().stderr;
    assert!(said.contains("hello has no record of an installation in namespace hello"), "{said}");
    let said = Test::new().line("rollback hello --sandbox --yes").status(2).any_stderr().run().stderr;
    assert!(said.contains("no run of this installation is known on this machine"), "{said}");
}

#[test]
fn an_upgrade_that_does_not_become_ready_goes_back_when_it_was_told_to() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().any_stdout().run();
    let broken = again(installed, "sandbox fault inject image-missing=none").run();
    let line = "upgrade hello --sandbox --yes --roll-back --timeout 20s --set image.tag=none";
    let failed = again(broken, line).status(1).run();
    assert!(failed.stderr.contains("going back to run"), "{}", failed.stderr);
    // Healthy again: it exits with 0.
    again(failed, "status hello --sandbox").status(0).run();
}

#[test]
fn everything_goes_but_data_and_what_it_needs() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().any_stdout().run();
    let scaled = again(installed, "prerequisites install metrics-server kruise --sandbox --yes --no-check").run();
    let dry = again(scaled, "uninstall --all --sandbox --dry-run").run();
    for line in [
        "- delete Deployment/hello-web",
        "= keep   PersistentVolumeClaim/hello-data",
        "- delete Deployment/metrics-server",
    ] {
        assert!(dry.stdout.contains(line), "{line}: {}", dry.stdout);
    }
    let gone = again(dry, "uninstall --all --sandbox --yes").run();
    for line in [
        "ok   delete Deployment/hello-web",
        "ok   delete Deployment/metrics-server",
        "ok   delete Deployment/kruise-controller-manager",
        "the namespace of records is deleted",
        "nothing is known to be left on this machine",
    ] {
        assert!(gone.stderr.contains(line), "{line}: {}", gone.stderr);
    }
    // Only data is left: it is named again, and goes when it is named.
    let left = again(gone, "uninstall --all --sandbox --yes").run();
    assert!(left.stderr.contains("nothing is known to be left on this machine"), "{}", left.stderr);
    let data = "--destroy-data=PersistentVolumeClaim/hello/hello-data";
    let nothing = again(left, &format!("uninstall --all --sandbox --yes {data}")).run();
    assert!(nothing.stderr.contains("ok   delete PersistentVolumeClaim/hello-data"), "{}", nothing.stderr);
    let slip = again(nothing, "uninstall --all --sandbox --yes --destroy-data=PersistentVolumeClaim/hello/other")
        .status(2)
        .run();
    assert!(
        slip.stderr.contains("other is not there, or not part of any installation; nothing was deleted"),
        "{}",
        slip.stderr
    );
}

#[test]
fn everything_or_one_stack() {
    for line in ["uninstall --sandbox --yes", "uninstall hello --all --sandbox --yes"] {
        Test::new().line(line).status(2).any_stderr().run();
    }
}

#[test]
fn pods_pull_with_the_login_that_was_given_and_keep_it() {
    let login = "install hello --sandbox --yes --registry r.example --registry-login robot=@-";
    let installed = Test::new().line(login).stdin("hunter2\n").any_stderr().any_stdout().run();
    assert!(installed.stderr.contains("create Secret/hello-registry"), "{}", installed.stderr);
    let again_without = again(installed, "upgrade hello --sandbox --yes --set page.greeting=Second -o json").run();
    let changed = again_without.json();
    assert_eq!(changed["outcome"]["ended"], "done", "{changed}");
    let status = again(again_without, "status hello --sandbox -o json").run();
    assert!(status.stdout.contains("hello-registry"), "{}", status.stdout);
    let reset = again(status, "upgrade hello --sandbox --yes --reset-values --dry-run").run();
    assert!(reset.stdout.contains("registry login: none, was given"), "{}", reset.stdout);
    let files = walk(&reset.state());
    assert!(!files.is_empty() && files.iter().all(|text| !text.contains("hunter2")), "a password lies on the disk");
}

/// The texts of all files of a folder but the sandbox's own cluster, which is what a cluster holds.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            texts.extend(walk(&entry));
        } else if !entry.display().to_string().contains("sandbox") {
            texts.push(String::from_utf8_lossy(&std::fs::read(&entry).unwrap()).into_owned());
        }
    }
    texts
}

#[test]
fn in_a_sandbox_no_image_is_put_anywhere() {
    for option in ["--load-images", "--load-images=harbour.tar"] {
        let said =
            Test::new().line(&format!("install hello --sandbox --yes {option}")).status(2).any_stderr().run().stderr;
        assert!(said.contains("there are no nodes to put images into"), "{said}");
    }
}

#[test]
fn a_login_has_to_be_for_where_the_images_come_from() {
    let install = "install hello --sandbox --yes";
    let table = [
        ("--registry-login robot=hunter2", "a password has to be in a file"),
        ("--registry-login robot@quay.io=@-", "--registry-login is for quay.io, and the images come from docker.io"),
        ("--registry-login robot=@- --pull-secret mine", "cannot be used with"),
        ("--registry-login @-", "it has no login for docker.io; it has quay.io"),
    ];
    for (options, wanted) in table {
        let file = r#"{"auths": {"quay.io": {"auth": "cm9ib3Q6aHVudGVyMg=="}}}"#;
        let said = Test::new().line(&format!("{install} {options}")).stdin(file).status(2).any_stderr().run().stderr;
        assert!(said.contains(wanted) && !said.contains("hunter2"), "{options}: {said}");
    }
}
