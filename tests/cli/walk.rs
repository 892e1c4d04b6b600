//! `doctor STACK --walk`, on evidence from a file.

use crate::test::Test;

const STREAMER: &str = include_str!("../fixtures/cli/doctor/streamer.yaml");

fn walk(line: &str) -> Test {
    let from = "--from streamer.yaml --now 2026-11-20T10:00:00Z";
    Test::new().file("streamer.yaml", STREAMER).line(line).line(from).touches_nothing()
}

#[test]
fn without_a_terminal_all_steps_come_at_once() {
    let output = walk("doctor telemetry-pipeline --walk streamer-not-starting").status(3).any_stdout().run();
    insta::assert_snapshot!("steps", output.stdout);
}

#[test]
fn without_a_name_the_symptoms_are_listed() {
    let output = walk("doctor telemetry-pipeline --walk").status(3).any_stdout().run();
    insta::assert_snapshot!("symptoms", output.stdout);
}

#[test]
fn one_document_for_programs() {
    let output = walk("doctor telemetry-pipeline --walk Streamer-Not-Starting -o json").status(3).any_stdout().run();
    let document = output.json();
    assert_eq!((&document["kind"], &document["holds"]), (&"Walk".into(), &false.into()));
    let step = &document["steps"][usize::try_from(document["cause"].as_u64().unwrap()).unwrap()];
    assert_eq!((&step["title"], &step["state"]), (&"its ConfigMap is there".into(), &"does-not-hold".into()));
    assert_eq!(step["findings"][0]["id"], "F001");
    assert_eq!(
        step["command"],
        "kubectl -n telemetry-pipeline get configmap -l app.kubernetes.io/name=telemetry-pipeline"
    );
    let unread = document["steps"].as_array().unwrap().iter().find(|step| step["state"] == "cannot-tell").unwrap();
    assert!(unread["because"].is_string(), "{unread}");
    let list = walk("doctor telemetry-pipeline --walk -o json").status(3).any_stdout().run().json();
    assert_eq!((&list["kind"], &list["items"][0]["holds"]), (&"Walks".into(), &false.into()));
}

#[test]
fn bad_names_are_named() {
    for (line, said) in [
        (
            "doctor telemetry-pipeline --walk streamer-not-startng",
            "error: telemetry-pipeline has no walk-through `streamer-not-startng`\n hint: did you mean streamer-not-starting?",
        ),
        (
            "doctor telemetry-pipeline --walk zzz",
            "error: telemetry-pipeline has no walk-through `zzz`\n hint: telemetry-pipeline has collector-not-ready, ",
        ),
        (
            "doctor --walk streamer-not-starting",
            "error: --walk goes through a symptom of a stack, and no stack was named\n hint: name the stack first: `seaworthy doctor STACK --walk`",
        ),
        ("doctor telemetry-pipelin --walk", "error: there is no stack `telemetry-pipelin`"),
        ("doctor hello --walk", "error: hello has no walk-throughs\n hint: `seaworthy doctor hello`"),
        (
            "doctor newton-v2t -n telemetry-pipeline --walk -o junit",
            "error: junit and sarif are of findings, and --walk tells of steps\n hint: leave one of the two out",
        ),
    ] {
        let output = walk(line).status(2).any_stderr().any_stdout().run();
        assert!(output.stderr.starts_with(said), "{line}: {}", output.stderr);
    }
    // A stack can only be the one whose symptoms are wanted.
    let listed = walk("doctor --walk telemetry-pipeline").status(3).any_stdout().run();
    assert!(listed.stdout.starts_with("telemetry-pipeline in telemetry-pipeline: 8 symptoms"), "{}", listed.stdout);
    let both = walk("doctor telemetry-pipeline --walk --watch").status(2).any_stderr().run();
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

/// A stack of one's own brings its own, and what is wrong in them is told by `stacks validate`.
#[test]
fn stacks_of_ones_own_have_them_too() {
    let own = "symptom: nothing streams\nabout: {kind: DaemonSet}\nsteps:\n- {title: it is ready, at: {kind: DaemonSet}, expect: [ready], means: m, otherwise: o}\n";
    let made = Test::new().line("stacks new mine --dir .").any_stdout().any_stderr().run();
    std::fs::create_dir(made.home.path().join("mine/walks")).unwrap();
    let file = made.home.path().join("mine/walks/silent.yaml");
    std::fs::write(&file, own).unwrap();
    let good = Test::after(made).line("stacks validate ./mine").any_stdout().any_stderr().run();
    let evidence = STREAMER.replace("app.kubernetes.io/name: telemetry-pipeline", "app.kubernetes.io/name: mine");
    let line = "--profiles . doctor mine -n telemetry-pipeline --walk silent --from streamer.yaml";
    let walked =
        Test::after(good).file("streamer.yaml", &evidence).line(line).status(3).any_stdout().any_stderr().run();
    assert!(walked.stdout.contains("[fail] 1/1 it is ready"), "{}", walked.stdout);
    std::fs::write(&file, own.replace("[ready]", "[redy]")).unwrap();
    let wrong = Test::after(walked).line("stacks validate ./mine").status(2).any_stdout().any_stderr().run();
    assert!(
        wrong.stdout.contains("walks/silent.yaml:4:") && wrong.stdout.contains("did you mean `ready`?"),
        "{}",
        wrong.stdout
    );
}

/// `why` goes by the checks of stacks of one's own, as the doctor does.
#[test]
fn checks_of_stacks_of_ones_own_are_heeded_by_why() {
    let own = "severity: warning\ntitle: the streamer has no pause\nexplain: It runs hot.\nfix: Give it one.\nunless: it has one.\n\
        look:\n  kind: DaemonSet\n  component: streamer\n  when:\n    - {at: /status/numberReady, below: 3}\n\
        examples:\n  object: DaemonSet/t/a\n  fail:\n    - {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a, namespace: t, labels: {app.kubernetes.io/component: streamer}}, status: {numberReady: 0}}\n  \
        healthy: []\n  lookalike: []\n";
    let made = Test::new().line("stacks new mine --dir .").any_stdout().any_stderr().run();
    std::fs::create_dir(made.home.path().join("mine/checks")).unwrap();
    std::fs::write(made.home.path().join("mine/checks/no-pause.yaml"), own).unwrap();
    let evidence = STREAMER.replace("app.kubernetes.io/name: telemetry-pipeline", "app.kubernetes.io/name: mine");
    let line = |rest: &str| format!("{rest} why ds/tp-streamer -n telemetry-pipeline --from streamer.yaml");
    let heeded = Test::after(made)
        .file("streamer.yaml", &evidence)
        .line(&line("--profiles ."))
        .any_status()
        .any_stdout()
        .any_stderr()
        .run();
    assert!(heeded.stdout.contains("why:     the streamer has no pause, because"), "{}", heeded.stdout);
    let unheeded = Test::after(heeded).line(&line("")).any_status().any_stdout().any_stderr().run();
    assert!(!unheeded.stdout.contains("the streamer has no pause"), "{}", unheeded.stdout);
}
