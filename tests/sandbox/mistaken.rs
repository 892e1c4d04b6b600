//! What is typed wrong is told as such: what is said of nothing reads as if all were well.

use crate::test::{Output, Test};

fn refused(line: &str, said: &str, before: Option<Output>) -> Output {
    let test = before.map_or_else(Test::new, Test::after);
    let output = test.line(line).status(2).any_stderr().run();
    assert!(output.stderr.starts_with(said), "{line}: {}", output.stderr);
    output
}

#[test]
fn a_namespace_that_is_not_there_is_not_healthy() {
    let saved = Test::new().line("doctor --sandbox --save e.json").any_stdout().any_stderr().run();
    let unknown = "error: there is no namespace `nons`\n hint: there are default, ";
    let mut last = saved;
    for line in [
        "doctor --sandbox -n nons",
        "doctor --sandbox -n nons --fix --yes",
        "doctor --sandbox -n nons --watch",
        "doctor --from e.json -n nons",
        "status --sandbox -n nons",
        "bundle --sandbox -n nons",
        "bundle --sandbox -n nons --preview",
    ] {
        last = refused(line, unknown, Some(last));
    }
    let near = "error: there is no namespace `defalt`\n hint: did you mean `default`?\n";
    last = refused("doctor --sandbox -n defalt", near, Some(last));
    let stack = "error: there is no namespace `hello`\n hint: hello is not installed there; `seaworthy --sandbox install hello`";
    last = refused("doctor hello --sandbox", stack, Some(last));
    Test::after(last).line("doctor --sandbox -n default").any_stdout().run();
}

/// A list without Namespaces tells them by what lives in them.
#[test]
fn a_list_of_objects_knows_its_namespaces() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}}\n";
    let test = |namespace: &str| Test::new().file("l.yaml", list).line("doctor --from l.yaml -n").line(namespace);
    let output = test("shpo").status(2).any_stderr().run();
    assert_eq!(output.stderr.trim_end(), "error: there is no namespace `shpo`\n hint: did you mean `shop`?");
    test("shop").any_stdout().run();
}

/// What is not hit is told before anything is struck; what acts on what comes is told to do so.
#[test]
fn a_fault_that_hits_nothing_is_refused() {
    let empty = refused(
        "sandbox fault inject etcd-quorum-lost",
        "error: etcd-quorum-lost would strike nothing in the sandbox single-node: there is no member of an application's etcd\n hint: install a stack",
        None,
    );
    let mut last = Test::after(empty).line("install hello --sandbox --yes").any_stderr().run();
    for (fault, said) in [
        ("volume-lost=nope/nope", "there is no volume of that name\n hint: there is hello/hello-data"),
        ("claim-deleted=helo-data", "there is no claim of that name\n hint: did you mean `claim-deleted=hello-data`?"),
        ("crash=nothing-like-it", "there is no container of that name\n hint: there is hello-web-"),
        ("not-ready=hello", "there is no container of that name\n hint: there is coredns, "),
        ("node-unreachable=w1", "there is no node of that name\n hint: there is sandbox-1"),
        ("secret-deleted=key", "there is no Secret of an application of that name"),
        ("etcd-wiped", "there is no etcd of an application\n hint: install a stack"),
        ("etcd-full", "there is no etcd of an application"),
        ("etcd-corrupt", "there is no member of an application's etcd"),
        ("etcd-majority-gone", "there is no etcd of several members"),
        ("volumes-swapped", "there is no volume with another one in its namespace"),
        ("claim-renewed", "there is no claim of a StatefulSet"),
        ("namespace-stuck=default", "there is no namespace of an application of that name\n hint: there is hello"),
    ] {
        let said = format!("error: {fault} would strike nothing in the sandbox single-node: {said}");
        last = refused(&format!("sandbox fault inject {fault}"), &said, Some(last));
    }
    // Who forgets which sandbox it was is told of the other one, and commands lead to the one that was meant.
    let said = "error: etcd-wiped would strike nothing in the sandbox ha: there is no etcd of an application\n hint: install a stack that has \
        one first, without --stand-ins: `seaworthy install STACK --sandbox=ha`; there is also the sandbox single-node: --sandbox=single-node";
    last = refused("sandbox fault inject etcd-wiped --sandbox=ha", said, Some(last));
    // None of several, when one is a slip.
    last = refused("sandbox fault inject claim-deleted node-gone=w1", "error: node-gone=w1 would", Some(last));
    let later = Test::after(last).line("sandbox fault inject image-missing=zzz").any_stderr().run();
    assert!(later.stderr.contains("acts on the next pull"), "{}", later.stderr);
    assert!(later.stderr.contains("nothing has `zzz` in its name now, so it acts on what comes"), "{}", later.stderr);
    let listed = Test::after(later).line("sandbox fault list").any_stdout().run();
    let column = listed.stdout.lines().next().unwrap().find("WHAT IT DOES").unwrap();
    let broken: Vec<&str> = listed
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.as_bytes().get(column - 1) != Some(&b' '))
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(listed.stdout.ends_with("in force in the sandbox single-node: image-missing=zzz\n"), "{}", listed.stdout);
    Test::after(listed).line("doctor --sandbox").any_stdout().run();
}

/// A pod that stops being ready is told of before it is wrong, and its Service does not speak for it.
#[test]
fn what_is_not_settled_is_not_healthy() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().run();
    let broken = Test::after(installed).line("sandbox fault inject not-ready").any_stderr().run();
    let early = Test::after(broken).line("doctor --sandbox --fail-on warning").any_stdout().run();
    let head = "[unkn] nothing found so far; not settled: ";
    assert!(early.stdout.starts_with(head), "{}", early.stdout);
    assert!(early.stdout.contains("Deployment/hello/hello-web 0 of 1 pods ready for "), "{}", early.stdout);
    let document = Test::after(early).line("doctor --sandbox -o json").any_stdout().run();
    assert_eq!(document.json()["unsettled"][0]["object"]["kind"], "Deployment", "{}", document.stdout);
}

#[test]
fn an_archive_that_was_cut_is_told_to_be_incomplete() {
    let bundle = Test::new().line("bundle --sandbox --to b.tar.gz").any_stdout().any_stderr().run();
    let saved = Test::after(bundle).line("doctor --sandbox --save e.json").any_stdout().any_stderr().run();
    for name in ["b.tar.gz", "e.json"] {
        let path = saved.home.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 8]).unwrap();
    }
    let incomplete = |name: &str| format!("error: {name}: it is incomplete, its end is missing");
    let after = refused("doctor --from b.tar.gz", &incomplete("b.tar.gz"), Some(saved));
    refused("doctor --from e.json", &incomplete("e.json"), Some(after));
}

/// A stack where a symptom is typed can only mean one thing.
#[test]
fn a_walk_of_a_stack_is_one_of_its_symptoms() {
    let listed = Test::new().line("doctor --sandbox --walk telemetry-pipeline").status(2).any_stderr().run();
    assert!(listed.stderr.starts_with("error: telemetry-pipeline is not installed in namespace"), "{}", listed.stderr);
    refused("doctor --sandbox --walk no-data", "error: --walk goes through a symptom of a stack, and no stack", None);
}

/// The last line of `doctor` counts the checks that `explain` lists.
#[test]
fn as_many_checks_are_listed_as_are_counted() {
    let listed = Test::new().line("explain").any_stdout().run();
    let count = listed.stdout.trim_end().lines().last().unwrap().split(' ').next().unwrap().to_owned();
    let said = Test::new().line("doctor --sandbox").any_stdout().run();
    assert!(said.stdout.contains(&format!("; {count} checks: ")), "{count}: {}", said.stdout);
    let explained = |check: &str| Test::new().line("explain").line(check).any_stdout().run().stdout;
    assert!(explained("W015").contains("What --fix can do:\n  where the cluster allows it"), "{}", explained("W015"));
    assert!(explained("V009").contains("What --fix can do:\n  nothing"), "{}", explained("V009"));
}

/// What became of a claim or its volume is told as it is, and leads to `recover`: what is done by hand makes it worse.
#[test]
fn what_has_become_of_data_is_said_as_it_is_and_leads_to_recover() {
    let installed = || Test::new().line("install hello --sandbox --yes").any_stderr().run();
    for (fault, said) in [
        ("claim-misbound", "the volume is there, and names another claim or nobody"),
        ("claim-released", "its claim is gone, and is wanted by Deployment/hello-web"),
        ("volume-lost", "the volume was deleted"),
    ] {
        let broken =
            Test::after(installed()).line(&format!("sandbox fault inject {fault}=hello/hello-data")).any_stderr().run();
        let told = Test::after(broken).line("doctor --sandbox").status(3).any_stdout().run();
        let first = told.stdout.split("\n\n").nth(1).unwrap_or_default();
        assert!(told.stdout.contains(said), "{fault}: {}", told.stdout);
        assert!(first.contains("seaworthy --sandbox recover"), "{fault}: {}", told.stdout);
        let truth = fault == "volume-lost" || !told.stdout.contains("was deleted");
        assert!(truth && !told.stdout.contains("claimRef/uid"), "{fault}: {}", told.stdout);
    }
}

/// The pressure on a node is nothing to a claim that is bound to nothing.
#[test]
fn a_node_is_not_blamed_for_what_became_of_a_volume() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().run();
    let faults = "sandbox fault inject disk-pressure=sandbox-1 claim-misbound=hello/hello-data";
    let broken = Test::after(installed).line(faults).any_stderr().run();
    let told = Test::after(broken).line("doctor --sandbox -o json").status(3).any_stdout().run();
    let document = told.json();
    let first = &document["findings"][0];
    assert_ne!(first["id"], "N004", "the data comes first: {}", told.stdout);
    let below = first["causes"].to_string();
    assert!(first["fix"].as_str().is_some_and(|fix| fix.contains("recover")) && !below.contains("N004"), "{first:#}");
}

/// Who asks for a part is told of that part only, and what could not be read is not called healthy.
#[test]
fn healthy_says_what_it_is_said_of() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().run();
    let own = Test::after(installed).line("doctor hello --sandbox").any_stdout().run();
    assert!(own.stdout.starts_with("[ok] healthy in namespace hello: "), "{}", own.stdout);
    let all = Test::after(own).line("doctor --sandbox").any_stdout().run();
    assert!(all.stdout.starts_with("[ok] healthy: "), "{}", all.stdout);
    let skipped = Test::after(all).line("doctor --sandbox --skip V").any_stdout().run();
    assert!(skipped.stdout.starts_with("[ok] healthy by the checks that were asked: "), "{}", skipped.stdout);
    let pods =
        "apiVersion: v1\nkind: PodList\nitems:\n- {metadata: {name: p, namespace: n}, status: {phase: Running}}\n";
    let some = Test::after(skipped).file("pods.yaml", pods).line("doctor --from pods.yaml -o json").any_stdout().run();
    let document = some.json();
    assert_eq!(document["healthy"], false, "{}", some.stdout);
    assert!(
        document["headline"].as_str().unwrap().starts_with("nothing found in what could be read: "),
        "{document:#}"
    );
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let mine = Test::new().file("mine.txt", "my own\n").line("doctor --sandbox --save mine.txt").status(2);
    let refused = mine.any_stderr().run();
    assert!(refused.stderr.contains("nothing is overwritten"), "{}", refused.stderr);
}

/// Its pods go on until they restart; a pod that has only just started may have a claim that the list has missed.
#[test]
fn a_claim_that_is_gone_under_a_running_pod_is_not_healthy() {
    let made = Test::new().line("drill replace --loss claim-gone --by-hand -o json").any_stdout().any_stderr().run();
    let document = made.json();
    let folder = made.state().join("drills/replace-claim-gone").display().to_string();
    assert_eq!(document["loss"], "claim-gone", "{document}");
    let told =
        Test::after(made).env("SEAWORTHY_STATE_DIR", &folder).line("doctor --sandbox").status(3).any_stdout().run();
    assert!(told.stdout.contains("PersistentVolumeClaim/hello/hello-data"), "{}", told.stdout);
    assert!(told.stdout.contains("seaworthy --sandbox recover"), "{}", told.stdout);
}

/// What would be stopped before the question stays as it is.
#[test]
fn a_question_that_nobody_can_answer_is_refused_before_anything_is_stopped() {
    let installed = Test::new().line("install exadeploy --sandbox --yes").any_stdout().any_stderr().run();
    let line = "recover exadeploy/database --sandbox --yes";
    let asked = Test::after(installed).line(line).status(2).any_stdout().any_stderr().run();
    let said = "`exadeploy/database` asks something half way, and there is no terminal to ask on; nothing was written";
    assert!(asked.stderr.contains(said), "{}", asked.stderr);
    Test::after(asked).line("status exadeploy --sandbox").any_stdout().any_stderr().run();
}

/// A busybox that stands in for an etcd founds no cluster, and has none to lose.
#[test]
fn stand_ins_of_an_etcd_are_none() {
    let line =
        "install newton-v2t --sandbox=ha --stand-ins --yes --profile ha --set etcd.persistence.storageClass=local-path";
    let shared =
        Test::new().line("prerequisites install shared-path --sandbox=ha --yes").any_stdout().any_stderr().run();
    let line = format!("{line} --set global.storageClass=shared");
    let installed = Test::after(shared).line(&line).any_stdout().any_stderr().run();
    let struck =
        Test::after(installed).line("sandbox fault inject etcd-wiped --sandbox=ha").status(2).any_stderr().run();
    assert!(struck.stderr.contains("there is no etcd of an application"), "{}", struck.stderr);
    Test::after(struck).line("recover --sandbox=ha").any_stdout().any_stderr().run();
}
