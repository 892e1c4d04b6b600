//! Walk-throughs: something is really broken, and the step that names it is the first that does not hold.

use serde_json::Value;

use crate::test::{Output, Test};

fn say(after: Output, line: &str) -> Output {
    Test::after(after).line(line).any_status().any_stdout().any_stderr().run()
}

/// What is broken, by a fault before, by what is installed, or by a fault afterwards; and the step that names it.
struct Story {
    stack: &'static str,
    before: Option<&'static str>,
    /// Options of the install, which then does not come to its end.
    set: &'static str,
    afterwards: Option<&'static str>,
    walk: &'static str,
    /// The title of the step that names the cause, a word that was seen, and one of the command that shows it.
    names: (&'static str, &'static str, &'static str),
}

const NOTHING: Story = Story { stack: "", before: None, set: "", afterwards: None, walk: "", names: ("", "", "") };

const STORIES: &[Story] = &[
    Story {
        stack: "telemetry-pipeline",
        set: "--set streamer.existingConfigMap=gone --ignore references --timeout 20s",
        walk: "streamer-not-starting",
        names: ("its ConfigMap is there", "gone", "get configmap -l app.kubernetes.io/name=telemetry-pipeline"),
        ..NOTHING
    },
    Story {
        stack: "telemetry-pipeline",
        set: "--set collector.persistence.storageClass=slow-ssd --timeout 20s",
        walk: "collector-persistence",
        names: ("its storage class exists", "there is no StorageClass slow-ssd", "get persistentvolumeclaim -l"),
        ..NOTHING
    },
    Story {
        stack: "telemetry-pipeline",
        set: "-f ingress.yaml --ignore ingress-class --timeout 60s",
        walk: "gateway-ingress",
        names: ("its ingress class exists", "there is no IngressClass nginx", "component=api-gateway"),
        ..NOTHING
    },
    Story {
        stack: "telemetry-pipeline",
        before: Some("image-missing"),
        set: "--timeout 20s",
        walk: "collector-not-ready",
        names: ("the queue that it waits for is there", "no pod that is ready stands behind it", "component=mq"),
        ..NOTHING
    },
    Story {
        stack: "newton-v2t",
        before: Some("image-private"),
        set: "--timeout 20s",
        walk: "images-refused",
        names: ("the registry lets them have the images", "P003", "describe pod"),
        ..NOTHING
    },
    Story {
        stack: "newton-v2t",
        afterwards: Some("etcd-quorum-lost"),
        walk: "core-not-starting",
        names: ("etcd is ready", "of 1 pods ready", "component=etcd"),
        ..NOTHING
    },
    Story {
        stack: "exadeploy",
        before: Some("no-room"),
        set: "--timeout 20s",
        walk: "pods-not-starting",
        names: ("a node has room for them", "S001", "describe pod"),
        ..NOTHING
    },
];

const INGRESS: &str = "apiGateway: {ingress: {enabled: true, className: nginx, hosts: [{host: a.example.com, paths: [{path: /, pathType: Prefix}]}]}}\n";

#[test]
fn the_first_step_that_does_not_hold_names_what_is_broken() {
    for Story { stack, before, set, afterwards, walk, names: (title, seen, command) } in STORIES {
        let begun =
            Test::new().file("ingress.yaml", INGRESS).line("sandbox fault list").any_stdout().any_stderr().run();
        let ready = match before {
            Some(fault) => say(begun, &format!("sandbox fault inject {fault}")),
            None => begun,
        };
        let installed = say(ready, &format!("install {stack} --sandbox --yes {set}"));
        let words = installed.stderr.clone();
        let broken = match afterwards {
            Some(fault) => say(installed, &format!("sandbox fault inject {fault}")),
            None => installed,
        };
        let line = format!("doctor {stack} --walk {walk} --sandbox -o json");
        let walked = Test::after(broken).line(&line).status(3).any_stdout().any_stderr().run();
        let document = walked.json();
        let at = document["cause"].as_u64().unwrap_or_else(|| panic!("{walk}: {document:#}\n{words}"));
        let step = &document["steps"][usize::try_from(at).unwrap()];
        assert_eq!(step["title"], *title, "{walk}: {document:#}");
        assert!(step["seen"].to_string().contains(seen), "{walk}: {step:#}");
        assert!(step["command"].as_str().unwrap().contains(command), "{walk}: {step:#}");
        let earlier = document["steps"].as_array().unwrap().iter().take(usize::try_from(at).unwrap());
        assert!(earlier.into_iter().all(|step| step["state"] != "does-not-hold"), "{walk}: {document:#}");
    }
}

/// Logs are read for the steps that ask for them, and the list says which symptom there is.
#[test]
fn symptoms_are_listed_worst_first() {
    let installed = Test::new().line("install hello --sandbox --yes").any_stderr().any_stdout().run();
    let without = Test::after(installed).line("doctor hello --walk --sandbox").status(2).any_stderr().run();
    assert!(without.stderr.contains("hello has no walk-throughs"), "{}", without.stderr);
    let elsewhere = Test::after(without).line("doctor newton-v2t --walk --sandbox").status(2).any_stderr().run();
    assert!(elsewhere.stderr.contains("newton-v2t is not installed in namespace newton-v2t"), "{}", elsewhere.stderr);
    let newton = say(elsewhere, "install newton-v2t --sandbox --yes");
    let well = Test::after(newton).line("doctor newton-v2t --walk --sandbox").any_stdout().any_stderr().run();
    assert!(
        !well.stdout.contains("[fail]") && well.stdout.contains("etcd-unwell: etcd is not ready"),
        "{}",
        well.stdout
    );
    let broken = say(well, "sandbox fault inject etcd-quorum-lost");
    let list = Test::after(broken)
        .line("doctor newton-v2t --walk --sandbox -o json")
        .status(3)
        .any_stdout()
        .any_stderr()
        .run();
    let walks: Vec<(String, bool)> = list.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|walk: &Value| (walk["name"].as_str().unwrap().to_owned(), walk["holds"].as_bool().unwrap()))
        .collect();
    let first_good = walks.iter().position(|(_, holds)| *holds).unwrap();
    assert!(
        walks[..first_good].iter().all(|(_, holds)| !holds) && walks[first_good..].iter().all(|(_, holds)| *holds),
        "{walks:?}"
    );
    assert!(walks[..first_good].iter().any(|(name, _)| name == "etcd-unwell"), "{walks:?}");
}
