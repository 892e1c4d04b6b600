use super::*;
use crate::clusters::testing::{machine, tool};

/// A machine on which k3s can be.
fn fit() -> Picture {
    let mut picture = machine();
    picture.tools.push(tool("k3s", "v1.34.1+k3s1"));
    picture.uid = 0;
    picture.k3s = Facts { systemd: true, there: Vec::new(), active: None };
    picture
}

fn decided(picture: &Picture, wish: &Wish) -> Decision {
    let place = ClusterId { context: "this machine".into(), server: "box".into(), uid: "host:1".into() };
    decide(picture, (wish, &config(wish).unwrap()), "seaworthy cluster create k3s", place)
}

fn text_of<'a>(plan: &'a Plan, id: &str) -> &'a str {
    let crate::plan::Action::Host { task } = &plan.step(id).unwrap().action else { panic!() };
    let Task::WriteFile { text, .. } = &**task else { panic!() };
    text
}

#[test]
fn a_server_is_a_unit_that_is_started_and_waited_for() {
    let wish = Wish { name: Some("sea".into()), ha: true, file: Some(("mine".into(), "disable: [traefik]\n".into())) };
    let plan = decided(&fit(), &wish).plan.unwrap();
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "write:/etc/rancher/k3s/config.yaml",
            "write:/etc/systemd/system/k3s.service",
            "start:k3s.service",
            "ready:k3s"
        ]
    );
    let settings = yaml::node("x", text_of(&plan, ids[0])).unwrap().to_value();
    assert_eq!(settings, json!({"disable": ["traefik"], "node-name": "sea", "cluster-init": true}));
    assert!(text_of(&plan, ids[1]).contains("\nExecStart=/usr/bin/k3s server\n"));
    assert_eq!(plan.steps[2].needs, ids[..2]);
    assert_eq!((plan.installation.key().as_str(), plan.installation.profile.as_str()), ("sea.k3s", "ha"));
}

#[test]
fn without_wishes_k3s_needs_no_settings() {
    let plan = decided(&fit(), &Wish::default()).plan.unwrap();
    assert_eq!(plan.steps[0].id, "write:/etc/systemd/system/k3s.service");
}

#[test]
fn what_stands_in_the_way_is_said_with_what_to_type() {
    type Spoil = fn(&mut Picture);
    let table: [(Spoil, &str, &str); 7] = [
        (|p| p.uid = 1000, "needs-root", "NO_PROXY seaworthy cluster create k3s"),
        (|p| p.tools.retain(|tool| tool.name != "k3s"), "no-k3s", "agent/images"),
        (|p| p.k3s.systemd = false, "no-systemd", "k3s server"),
        (|p| p.k3s.there = vec!["/var/lib/rancher/k3s".into()], "cluster-exists", "k3s-uninstall.sh"),
        (
            |p| p.k3s = Facts { systemd: true, there: vec![UNIT_FILE.into()], active: Some(false) },
            "cluster-exists",
            "cluster up k3s",
        ),
        (
            |p| p.k3s = Facts { systemd: true, there: vec![UNIT_FILE.into()], active: Some(true) },
            "cluster-exists",
            "--kubeconfig /etc/rancher/k3s/k3s.yaml",
        ),
        (|p| p.taken = vec![(6443, "in use".into())], "port-taken", "sport = :6443"),
    ];
    for (spoil, id, remedy) in table {
        let mut picture = fit();
        spoil(&mut picture);
        let decision = decided(&picture, &Wish::default());
        assert!(decision.plan.is_none());
        let first = &decision.refusals[0];
        assert!(first.id == id && first.remedy.as_ref().unwrap().contains(remedy), "{first:?}");
    }
}

#[test]
fn proxies_reach_the_server_and_spare_what_is_inside() {
    let mut picture = fit();
    let set =
        |url: &str| [("https_proxy", url), ("NO_PROXY", "corp.example")].map(|(n, u)| (n.to_owned(), u.to_owned()));
    picture.proxies = set("http://proxy:3128").into();
    let plan = decided(&picture, &Wish::default()).plan.unwrap();
    let text = text_of(&plan, "write:/etc/systemd/system/k3s.service.env");
    assert!(
        text.starts_with("HTTPS_PROXY=http://proxy:3128\nNO_PROXY=corp.example,127.0.0.0/8,10.42.0.0/16,"),
        "{text}"
    );
    picture.proxies = set("http://me:hunter2@proxy:3128").into();
    let decision = decided(&picture, &Wish::default());
    assert!(!serde_json::to_string(&decision.plan).unwrap().contains("hunter2"));
    assert!(decision.warnings[0].contains("k3s.service.env") && !decision.warnings[0].contains("hunter2"));
}

#[test]
fn settings_that_contradict_are_refused_with_their_file() {
    let file = |text: &str| Wish { name: Some("a".into()), file: Some(("mine.yaml".into(), text.into())), ha: false };
    let said = |text: &str| config(&file(text)).unwrap_err().to_string();
    assert_eq!(
        said("node-name: b\n"),
        "mine.yaml: node-name is \"b\" there, and \"a\" was asked for; leave one of them out"
    );
    assert!(said("- a\n").contains("a map is expected"));
    assert!(said("a: [\n").starts_with("mine.yaml:"));
}

#[test]
fn further_hosts_get_their_commands() {
    assert_eq!(join(false, "192.0.2.1").len(), 2);
    assert!(join(true, "192.0.2.1")[1].contains("k3s server --server https://192.0.2.1:6443"));
}
