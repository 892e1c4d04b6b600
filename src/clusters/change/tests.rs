use super::*;
use crate::clusters::found;
use crate::clusters::testing::{engine, machine, node};
use crate::host::engines::Product;
use crate::plan::Action;

fn place() -> ClusterId {
    ClusterId { context: "this machine".into(), server: "box".into(), uid: "host:1".into() }
}

/// Three stopped nodes of kind, which had .4, .2 and .3.
fn stopped() -> (Found, BTreeMap<String, IpAddr>) {
    let mut picture = machine();
    let names = [("demo-control-plane", "control-plane"), ("demo-worker", "worker"), ("demo-worker2", "worker")];
    picture.engines[0].containers = names.map(|(name, role)| node("demo", name, role, None)).to_vec();
    let addresses = ["172.18.0.4", "172.18.0.2", "172.18.0.3"];
    let before = names.iter().zip(addresses).map(|((name, _), address)| ((*name).to_owned(), address.parse().unwrap()));
    (found(&picture).remove(0), before.collect())
}

fn started(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn containers_start_in_the_order_of_the_addresses_that_they_had() {
    let (cluster, before) = stopped();
    let (plan, warnings) = up(&cluster, &before, None, (place(), Timestamp::UNIX_EPOCH));
    assert_eq!(
        started(&plan),
        ["start:demo-worker", "start:demo-worker2", "start:demo-control-plane", "ready:kind/demo"]
    );
    assert_eq!(plan.steps[2].needs, ["start:demo-worker2"], "one after the other");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn without_addresses_the_control_plane_comes_first() {
    let (cluster, _) = stopped();
    let (plan, _) = up(&cluster, &BTreeMap::new(), None, (place(), Timestamp::UNIX_EPOCH));
    assert_eq!(started(&plan)[0], "start:demo-control-plane");
}

#[test]
fn what_runs_is_left_alone_and_a_missing_context_is_said() {
    let (mut cluster, before) = stopped();
    cluster.nodes[0].running = true;
    cluster.context = None;
    let (plan, warnings) = up(&cluster, &before, None, (place(), Timestamp::UNIX_EPOCH));
    assert_eq!(started(&plan), ["start:demo-worker", "start:demo-worker2"]);
    assert!(warnings[0].contains("kind export kubeconfig --name demo"), "{warnings:?}");
}

#[test]
fn several_control_planes_are_warned_about() {
    let (mut cluster, before) = stopped();
    cluster.nodes[1].role = "control-plane".into();
    assert!(up(&cluster, &before, None, (place(), Timestamp::UNIX_EPOCH)).1[0].contains("1689"));
}

#[test]
fn a_name_that_is_nobodys_names_what_there_is() {
    let (cluster, _) = stopped();
    let clusters = [cluster];
    let remedy = |name: &str| named(&clusters, name).unwrap_err().remedy.unwrap();
    assert_eq!(remedy("dmeo"), "did you mean demo?");
    assert_eq!(remedy("zzz"), "there are: demo");
    assert!(named(&[], "x").unwrap_err().remedy.unwrap().contains("detect"));
}

#[test]
fn one_name_on_two_engines_is_not_guessed() {
    let mut picture = machine();
    picture.engines.push(engine(Product::Podman));
    for engine in &mut picture.engines {
        engine.containers = vec![node("demo", "demo-control-plane", "control-plane", Some("10.0.0.2"))];
    }
    let clusters = found(&picture);
    assert_eq!(clusters.len(), 2);
    assert_eq!(named(&clusters, "demo").unwrap_err().id, "ambiguous-cluster");
}

#[test]
fn only_clusters_of_kind_are_deleted() {
    let (mut cluster, _) = stopped();
    let plan = delete(&machine(), &cluster, None, place()).unwrap();
    let Action::Host { task } = &plan.steps[0].action else { panic!() };
    assert_eq!(task.commands(), ["kind delete cluster --name demo"]);
    cluster.distribution = "k3d";
    assert!(delete(&machine(), &cluster, None, place()).unwrap_err().remedy.unwrap().starts_with("k3d delete demo"));
}
