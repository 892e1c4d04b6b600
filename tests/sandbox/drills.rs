//! Practising, with the program as a user types it.

use serde_json::Value;

use crate::test::Test;

/// Every playbook with every loss that it says how to practise.
#[test]
fn every_playbook_is_practised() {
    let done = Test::new().line("drill --all -o json").any_stdout().any_stderr().run().json();
    let drills = done["drills"].as_array().unwrap();
    assert_eq!(done["passed"], true, "{done:#}");
    let of = |playbook: &str| drills.iter().filter(|drill| drill["playbook"] == playbook).collect::<Vec<_>>();
    for saved in of("rebind") {
        assert_eq!(saved["data"], "saved", "{saved:#}");
    }
    assert_eq!(of("rebind").len(), 4);
    assert!(of("replace").iter().all(|drill| drill["data"] == "fresh"));
    for playbook in ["newton-v2t/history", "newton-v2t/workspace", "exadeploy/modules", "telemetry-pipeline/collector"]
    {
        assert!(of(playbook).len() >= 3, "{playbook}");
    }
    assert!(
        of("node-back").iter().all(|drill| drill["data"] == "saved" && drill["millis"].as_u64() > Some(600_000)),
        "it waits"
    );
    assert_eq!(of("node-off").len(), 1);
    assert_eq!(of("distributed-notebook/daemons").len(), 2);
    for (playbook, drilled, data) in [
        ("provision", 3, "fresh"),
        ("reunite", 1, "saved"),
        ("give-back", 1, "saved"),
        ("detach", 1, "saved"),
        ("move", 2, "saved"),
    ] {
        assert!(of(playbook).len() == drilled && of(playbook).iter().all(|drill| drill["data"] == data), "{playbook}");
    }
    let node = of("newton-v2t/node");
    assert!(node.len() == 1 && node[0]["steps"].as_u64() >= Some(20), "both of Core's volumes: {node:#?}");
    for (playbook, drilled) in [("etcd-space", 1), ("etcd-member", 2), ("newton-v2t/etcd", 2)] {
        assert_eq!(of(playbook).len(), drilled, "{playbook}");
    }
    let facts = |drill: &Value| drill["facts"].as_array().map_or(0, Vec::len);
    assert!(drills.iter().all(|drill| facts(drill) >= 2), "{done:#}");
}

#[test]
fn one_loss_of_one_playbook() {
    let done = Test::new().line("drill rebind --loss claim-lost").any_stdout().any_stderr().run();
    assert!(done.stdout.starts_with("[ok] rebind  claim-lost  saved"), "{}", done.stdout);
    assert!(done.stdout.contains("1 of 1 drill came to what"), "{}", done.stdout);
}

/// Who practises by hand finds the loss, and recovers as at night.
#[test]
fn a_loss_is_made_for_somebody_to_recover_from_by_hand() {
    let made = Test::new().line("drill rebind --loss claim-lost --by-hand -o json").any_stdout().any_stderr().run();
    let document = made.json();
    let whole = Test::new().line("drill rebind --by-hand").any_stdout().any_stderr().run();
    assert!(
        whole.stdout.contains("is for claim-going, claim-lost, volume-released as well: --loss chooses"),
        "{}",
        whole.stdout
    );
    assert_eq!((&document["loss"], &document["sandbox"]), (&Value::from("claim-lost"), &Value::from("single-node")));
    let folder = made.state().join("drills/rebind-claim-lost").display().to_string();
    let seen =
        Test::after(made).env("SEAWORTHY_STATE_DIR", &folder).line("recover --sandbox").status(3).any_stdout().run();
    assert!(seen.stdout.starts_with("claim-lost PersistentVolumeClaim/hello/hello-data"), "{}", seen.stdout);
}

/// What a sandbox that somebody uses holds is not touched.
#[test]
fn a_drill_has_a_sandbox_of_its_own() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().run();
    let drilled = Test::after(installed).line("drill rebind --loss claim-going").any_stdout().any_stderr().run();
    let after = Test::after(drilled).line("recover --sandbox").any_stdout().run();
    assert!(after.stdout.starts_with("no loss is recognised"), "{}", after.stdout);
}

#[test]
fn what_cannot_be_practised_is_named() {
    let cases = [
        ("drill", "these can be practised, each for these losses:\n"),
        ("drill", "rebind: volume-going, claim-going"),
        ("drill", "`seaworthy drill --all` all of them"),
        ("drill rebnd", "did you mean `rebind`?"),
        ("drill rebind --loss claim-losd", "did you mean `claim-lost`?"),
        ("drill rebind --loss node-gone", "cannot be practised for node-gone\n hint: it is practised for volume-going"),
        ("drill rebind --loss node-gone", "; that is practised by "),
        ("drill rebind --all", "cannot be used with"),
    ];
    for (line, expected) in cases {
        let refused = Test::new().line(line).status(2).any_stderr().run();
        assert!(refused.stderr.contains(expected), "{line}: {}", refused.stderr);
    }
}

const NOTHING: &str = "format: 1\ntitle: t\nlosses: [claim-lost]\nlost: l\nuntouched: u\nreturns: r\nsteps: [export]\n\
    drill: {stack: hello, claim: {component: web}, losses: {claim-lost: volume-lost}}\n";

/// `hello` as somebody's own, with a playbook of theirs.
fn own(playbook: &str) -> Test {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/hello");
    let files = [
        "stack.yaml",
        "values.yaml",
        "values.schema.yaml",
        "single-node.yaml",
        "manifests/web.yaml",
        "files/page.html",
        "files/serve.sh",
    ];
    let there = files.iter().filter(|file| folder.join(file).is_file());
    let test = there.fold(Test::new(), |test, file| {
        test.file(&format!("mine/hello/{file}"), &std::fs::read_to_string(folder.join(file)).unwrap())
    });
    test.file("mine/hello/playbooks/nothing.yaml", playbook)
}

/// A playbook that does nothing is found out, and what it leaves can be looked at.
#[test]
fn a_drill_that_goes_wrong_says_where() {
    let failed = own(NOTHING).line("drill hello/nothing --profiles mine").status(1).any_stdout().any_stderr().run();
    assert!(failed.stdout.starts_with("[fail] hello/nothing  claim-lost"), "{}", failed.stdout);
    let words =
        ["    wrong   the stack is not well afterwards (exit code 3)", "    left in ", "0 of 1 drill came to what"];
    assert!(words.iter().all(|words| failed.stdout.contains(words)), "{}", failed.stdout);
    let misspelt = NOTHING.replace("volume-lost", "volume-losd");
    let refused = own(&misspelt).line("drill hello/nothing --profiles mine").status(2).any_stderr().run();
    assert!(refused.stderr.contains("did you mean `volume-lost`?"), "{}", refused.stderr);
}

/// On a cluster data is lost on purpose: only where that is said, and only when its names are typed.
#[test]
fn nothing_is_lost_on_a_cluster_that_is_not_there_for_it() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stdout().any_stderr().run();
    let cases = [
        ("drill rebind --cluster --sandbox", 2, "--namespace"),
        ("drill rebind --cluster --sandbox -n helo", 2, "did you mean `hello`?"),
        ("drill rebind --cluster --sandbox -n hello", 2, "kubectl label namespace hello seaworthy.dev/drill=allowed"),
        ("drill rebind --all --cluster --sandbox -n hello", 2, "cannot be used with"),
        ("drill node-off --cluster --sandbox -n hello", 2, "node-unreachable cannot be made on a cluster"),
        ("drill rebind --consent=x", 2, "--cluster"),
    ];
    let mut output = installed;
    for (line, status, expected) in cases {
        output = Test::after(output).line(line).any_stdout().any_stderr().status(status).run();
        assert!(output.stderr.contains(expected), "{line}: {}", output.stderr);
    }
    let well = Test::after(output).line("recover --sandbox").any_stdout().any_stderr().run();
    assert!(well.stdout.contains("no loss is recognised"), "{}", well.stdout);
}

/// What a recovery has put aside stays until somebody has it erased by its name; nothing else can be.
#[test]
fn a_volume_that_was_put_aside_is_erased_by_its_name() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().run();
    let agreed = "--destroy-data=pvc/hello/hello-data";
    let replaced = Test::after(installed)
        .line(&format!("recover replace --claim hello/hello-data {agreed} --sandbox --yes -o json"))
        .any_stdout()
        .any_stderr()
        .run();
    let document = replaced.json();
    let left = document["report"]["left"].as_array().unwrap().iter().filter_map(Value::as_str);
    let mut aside = left.filter_map(|left| left.strip_prefix("PersistentVolume/")?.split_once(", put aside"));
    let (name, _) = aside.next().unwrap();
    let name = name.to_owned();
    let erase = "recover erase --claim hello/hello-data --sandbox --yes -o json";
    let unnamed = Test::after(replaced).line(erase).status(2).any_stderr().any_stdout().run();
    // It is the only one that was let go; its name has to be typed all the same.
    assert_eq!(unnamed.json()["error"]["id"], "destroy-data-needed", "{}", unnamed.stdout);
    assert!(unnamed.stdout.contains(&name), "{}", unnamed.stdout);
    let erase = format!("{erase} --set volume={name}");
    let unagreed = Test::after(unnamed).line(&erase).status(2).any_stderr().any_stdout().run();
    let agreed = format!("--destroy-data=PersistentVolume/{name}");
    assert!(unagreed.stdout.contains(&agreed), "{}", unagreed.stdout);
    let erased = Test::after(unagreed).line(&format!("{erase} {agreed}")).any_stdout().any_stderr().run();
    assert_eq!(erased.json()["outcome"]["ended"], "done", "{}", erased.stdout);
    let again = Test::after(erased).line(&erase).status(2).any_stderr().any_stdout().run();
    let message = again.json()["error"]["message"].to_string();
    assert!(message.contains("no volume that was let go was of"), "{message}");
    let well = Test::after(again).line("doctor hello --sandbox").any_stdout().any_stderr().run();
    assert!(well.stdout.contains("healthy"), "{}", well.stdout);
}
