use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::*;
use crate::host::engines::Product;
use crate::images::save::{self, Berth};
use crate::plan::task::Door;
use crate::plan::task::image::Runtime;
use crate::plan::{Action, Change};

const ID: &str = "sha256:1111";

fn image(name: &str) -> Image {
    Image { image: name.to_owned(), components: BTreeSet::new(), never_pulled: false, nodes: None }
}

fn docker() -> Door {
    Door { product: Product::Docker, url: "unix:///d.sock".to_owned() }
}

fn node(name: &str, held: &[(&str, &str)]) -> Node {
    let held =
        held.iter().map(|(name, id)| Held { id: Some((*id).to_owned()), names: vec![crate::images::full_name(name)] });
    let way = Way::Container { engine: docker(), container: format!("id-of-{name}") };
    let door = NodeDoor { name: name.to_owned(), way };
    Node {
        name: name.to_owned(),
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        runtime: "containerd://1.7.24".to_owned(),
        k3s: false,
        here: false,
        told: Vec::new(),
        inside: Inside::Open { door, held: held.collect() },
    }
}

fn elsewhere(name: &str) -> Node {
    Node { inside: Inside::Closed("no container is called so".to_owned()), ..node(name, &[]) }
}

fn ware(name: &str) -> Ware {
    Ware {
        from: ImageSource::Engine { engine: docker(), name: name.to_owned() },
        id: Some(ID.to_owned()),
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        size: 1_000_000,
    }
}

fn stock(found: &[(&str, Found)]) -> Stock {
    let found: BTreeMap<String, Found> =
        found.iter().map(|(name, found)| ((*name).to_owned(), found.clone())).collect();
    Stock { found, asked: vec![docker().to_string()], silent: Vec::new() }
}

fn place() -> ClusterId {
    ClusterId { context: "this machine".to_owned(), server: "here".to_owned(), uid: "host:1".to_owned() }
}

fn judge(images: &[Image], nodes: &[Node], only: &[&str], stock: &Stock) -> Decision {
    let only: Vec<String> = only.iter().map(ToString::to_string).collect();
    judge_as(false, (images, nodes), &only, stock)
}

fn judge_as(rehearsal: bool, (images, nodes): (&[Image], &[Node]), only: &[String], stock: &Stock) -> Decision {
    let inputs = Inputs { images, nodes, only, stock, rehearsal, command: "seaworthy images load a" };
    decide(inputs, &Installation::of_cluster("", "try", ""), place())
}

/// A node that is this machine.
fn machine(name: &str) -> NodeDoor {
    let runtime = Runtime {
        socket: "/run/containerd/containerd.sock".into(),
        server: "1-2".to_owned(),
        ctr: vec!["/usr/bin/ctr".to_owned()],
        crictl: Vec::new(),
        snapshotter: Some("overlayfs".to_owned()),
    };
    NodeDoor { name: name.to_owned(), way: Way::Machine(runtime) }
}

/// Every step: its title, whether it writes, and what it needs.
fn steps(decision: &Decision) -> Vec<(String, bool, Vec<String>)> {
    let steps = decision.plan.iter().flat_map(|plan| &plan.steps);
    steps.map(|step| (step.title.clone(), step.change.writes(), step.needs.clone())).collect()
}

fn refused(decision: &Decision) -> Vec<(String, String, String)> {
    assert!(decision.plan.is_none() || decision.refusals.is_empty());
    let told = |cause: &Cause| (cause.id.clone(), cause.message.clone(), cause.remedy.clone().unwrap_or_default());
    decision.refusals.iter().map(told).collect()
}

#[test]
fn what_a_node_lacks_goes_into_it_one_after_the_other() {
    let images = [image("a:1"), image("b:1"), image("c:1")];
    let nodes = [node("one", &[("b:1", ID)]), node("two", &[])];
    let stock = stock(&["a:1", "b:1", "c:1"].map(|name| (name, Found::Here(ware(name)))));
    let found = steps(&judge(&images, &nodes, &[], &stock));
    let told: Vec<_> = found.iter().map(|(title, writes, needs)| (title.as_str(), *writes, needs.join(","))).collect();
    let wanted = [
        ("load a:1 into one", true, ""),
        ("load b:1 into one", false, ""),
        ("load c:1 into one", true, "load:one/a:1"),
        ("load a:1 into two", true, ""),
        ("load b:1 into two", true, "load:two/a:1"),
        ("load c:1 into two", true, "load:two/b:1"),
    ];
    assert_eq!(told, wanted.map(|(title, writes, needs)| (title, writes, needs.to_owned())));
}

#[test]
fn another_image_of_the_same_name_is_replaced_and_said() {
    let decision = judge(
        &[image("a:1")],
        &[node("one", &[("a:1", "sha256:2222")])],
        &[],
        &stock(&[("a:1", Found::Here(ware("a:1")))]),
    );
    let step = &decision.plan.unwrap().steps[0];
    assert!(matches!(step.change, Change::Update { .. }));
    let Action::Host { task } = &step.action else { panic!() };
    assert_eq!(task.details()[1], "the node has another image of this name: 2222");
    let commands = ["docker save a:1 | docker exec -i one ctr --namespace=k8s.io images import --all-platforms -"];
    assert_eq!(task.commands(), commands);
}

#[test]
fn what_the_node_has_needs_no_source() {
    let nodes = [node("one", &[("a:1", "sha256:2222"), ("q/b@sha256:00", "sha256:3333")])];
    let images = [image("a:1"), image("q/b@sha256:00")];
    let found = steps(&judge(&images, &nodes, &[], &stock(&[])));
    assert!(found.len() == 2 && found.iter().all(|(_, writes, _)| !writes), "{found:?}");
    // An engine whose ids are not those of nodes says nothing of whether it is the same.
    let unsure = Ware { id: None, ..ware("a:1") };
    let found = steps(&judge(&images[..1], &nodes, &[], &stock(&[("a:1", Found::Here(unsure))])));
    assert!(!found[0].1);
}

#[test]
fn a_node_that_cannot_be_asked_and_has_told_of_every_image_needs_none() {
    let told = vec![Held { id: None, names: vec![crate::images::full_name("a:1")] }];
    let nodes = [Node { told, ..elsewhere("far") }];
    let (images, none) = ([image("a:1"), image("b:1")], stock(&[]));
    let decision = judge(&images[..1], &nodes, &[], &none);
    assert!(decision.plan.unwrap().steps.is_empty() && decision.warnings[0].contains("node far"));
    assert_eq!(refused(&judge(&images, &nodes, &[], &none)).len(), 1, "one is missing");
    let here = stock(&[("a:1", Found::Here(ware("a:1")))]);
    assert_eq!(refused(&judge(&images[..1], &nodes, &[], &here)).len(), 1, "which one the node has is not known");
}

#[test]
fn everything_that_stands_in_the_way_is_said_once_and_at_once() {
    let arm = Ware { architecture: "arm64".to_owned(), ..ware("arm:1") };
    let images = [image("none:1"), image("arm:1"), image("other:1"), image("x/y@sha256:00")];
    let other = Found::OtherName { engine: docker(), names: vec!["localhost/other:1".to_owned()] };
    let stock = stock(&[("arm:1", Found::Here(arm)), ("other:1", other)]);
    let nodes = [node("one", &[]), node("two", &[]), elsewhere("far")];
    let found = refused(&judge(&images, &nodes, &["one", "two", "far", "tow"], &stock));
    let ids: Vec<&str> = found.iter().map(|(id, ..)| id.as_str()).collect();
    let wanted = [
        "unknown-node",
        "image-not-here",
        "image-architecture",
        "image-other-name",
        "image-by-digest",
        "image-architecture",
        "node-out-of-reach",
    ];
    assert_eq!(ids, wanted);
    assert_eq!(found[0].2, "did you mean two?");
    assert_eq!(found[1].1, "none:1: docker at unix:///d.sock does not have it");
    assert!(found[1].2.starts_with("docker pull none:1, build it, or bring it in an archive"));
    assert_eq!(found[2].1, "arm:1 is made for linux/arm64, and node one is linux/amd64");
    assert_eq!(found[2].2, "docker pull --platform linux/amd64 arm:1");
    assert_eq!(found[3].2, "docker tag other:1 docker.io/library/other:1");
    assert!(found[6].1.contains("into node far from here: no container is called so"), "{}", found[6].1);
    assert!(found[6].2.contains("| ssh far sudo ctr -n k8s.io images import -"), "{}", found[6].2);
}

#[test]
fn only_the_nodes_that_were_named_count() {
    let nodes = [node("one", &[]), elsewhere("far")];
    let stock = stock(&[("a:1", Found::Here(ware("a:1")))]);
    assert_eq!(steps(&judge(&[image("a:1")], &nodes, &["one"], &stock)).len(), 1);
    let k3s = [Node { k3s: true, ..elsewhere("far") }];
    let found = refused(&judge(&[image("a:1")], &k3s, &[], &stock));
    assert_eq!(found[0].2, "type: docker save a:1 | ssh far sudo k3s ctr -n k8s.io images import -");
    let own = [Node { here: true, ..k3s[0].clone() }];
    let found = refused(&judge(&[image("a:1")], &own, &[], &stock));
    assert_eq!(found[0].2, "type: docker save a:1 | sudo k3s ctr -n k8s.io images import -");
}

#[test]
fn without_any_engine_that_is_what_is_said() {
    let none = Stock::default();
    let found = refused(&judge(&[image("a:1")], &[node("one", &[])], &[], &none));
    assert_eq!(found[0].1, "a:1: no container engine answers on this machine");
    let silent = Stock { silent: vec!["docker: permission denied".to_owned()], ..none };
    let found = refused(&judge(&[image("a:1")], &[node("one", &[])], &[], &silent));
    assert_eq!(found[0].1, "a:1: no container engine can be asked (docker: permission denied)");
}

#[test]
fn an_archive_is_never_written_over_and_lacks_nothing() {
    let free = Berth { file: PathBuf::from("/a/b.tar"), taken: false, no_folder: None };
    let has = stock(&[("a:1", Found::Here(ware("a:1")))]);
    let whole = save::decide(&["a:1"], &has, &free, ("hello", place())).plan.unwrap();
    assert_eq!((whole.purpose, whole.steps[0].title.as_str()), (Purpose::SaveImages, "save 1 image to /a/b.tar"));
    let ids = |images: &[&str], berth: &Berth| -> Vec<String> {
        let decision = save::decide(images, &has, berth, ("hello", place()));
        refused(&decision).into_iter().map(|(id, ..)| id).collect()
    };
    assert_eq!(ids(&["a:1"], &Berth { taken: true, ..free.clone() }), ["archive-exists"]);
    let nowhere = Berth { no_folder: Some(PathBuf::from("/a")), ..free.clone() };
    assert_eq!(ids(&["b:1"], &nowhere), ["no-folder", "image-not-here"]);
    let missing = refused(&save::decide(&["b:1"], &has, &free, ("hello", place())));
    assert_eq!(missing[0].2, "docker pull b:1, or build it");
    assert_eq!(ids(&["a:1", "q/b@sha256:00"], &free), ["image-by-digest"]);
    assert_eq!(ids(&[], &free), ["no-images"]);
}

#[test]
fn a_node_that_is_this_machine_gets_them_through_its_socket() {
    let held = vec![Held { id: None, names: vec!["docker.io/library/b:1".to_owned()] }];
    let nodes = [Node { inside: Inside::Open { door: machine("one"), held }, ..node("one", &[]) }];
    let stock = stock(&["a:1", "b:1"].map(|name| (name, Found::Here(ware(name)))));
    let decision = judge(&[image("a:1"), image("b:1"), image("x/c@sha256:00")][..2], &nodes, &[], &stock);
    let plan = decision.plan.unwrap();
    // Which `b:1` it has it does not tell, so it gets this one.
    assert!(plan.steps.iter().all(|step| step.change == Change::Create), "{:?}", plan.steps);
    let Action::Host { task } = &plan.steps[0].action else { panic!() };
    let commands =
        ["docker save a:1 | /usr/bin/ctr --address=/run/containerd/containerd.sock --namespace=k8s.io images \
        import --all-platforms --snapshotter=overlayfs -"];
    assert_eq!(task.commands(), commands);
    let details = [
        "from docker at unix:///d.sock, 1.0 MB",
        "into the containerd of this machine, /run/containerd/containerd.sock",
    ];
    assert_eq!(task.details(), details);
}

#[test]
fn root_is_asked_for_and_a_rehearsal_does_without() {
    let told = vec![Held { id: None, names: vec!["docker.io/library/b:1".to_owned()] }];
    let nodes = [Node { inside: Inside::Locked { door: machine("one"), told }, ..node("one", &[]) }];
    let images = [image("a:1"), image("b:1")];
    let stock = stock(&["a:1", "b:1"].map(|name| (name, Found::Here(ware(name)))));
    let found = refused(&judge(&images, &nodes, &[], &stock));
    let (id, message, remedy) = &found[0];
    assert_eq!((found.len(), id.as_str(), remedy.as_str()), (1, "needs-root", "sudo -E seaworthy images load a"));
    assert_eq!(
        message,
        "node one is this machine, and only root may speak to its containerd (/run/containerd/containerd.sock: permission \
        denied)"
    );
    let rehearsed = judge_as(true, (&images, &nodes), &[], &stock);
    assert!(
        rehearsed.warnings[0].contains("for certainty: sudo -E seaworthy images load a"),
        "{:?}",
        rehearsed.warnings
    );
    let told: Vec<_> = steps(&rehearsed).into_iter().map(|(title, writes, _)| (title, writes)).collect();
    assert_eq!(told, [("load a:1 into one".to_owned(), true), ("load b:1 into one".to_owned(), false)]);
    // What stands in the way otherwise is said in a rehearsal, too.
    let arm = self::stock(&[("a:1", Found::Here(Ware { architecture: "arm64".to_owned(), ..ware("a:1") }))]);
    let ids: Vec<String> = refused(&judge_as(true, (&images, &nodes), &[], &arm)).into_iter().map(|it| it.0).collect();
    assert_eq!(ids, ["image-architecture"]);
}
