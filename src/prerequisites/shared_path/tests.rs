use serde_json::{Value, json};

use super::super::tests::{class, ours, picture, provisioner, workload};
use super::super::{Assessment, Prerequisite, assess};
use super::*;

const IMAGE: &str = "docker.io/rancher/local-path-provisioner";

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
}

fn nodes(count: usize) -> Vec<Value> {
    (1..=count).map(|number| node(&format!("n{number}"))).collect()
}

/// As `assets/shared-path` makes it.
fn installed(tag: &str, proved: &str) -> Vec<Value> {
    let mut deployment =
        workload("Deployment", "shared-path", "seaworthy-shared-path", &format!("{IMAGE}:{tag}"), true);
    deployment["spec"]["template"]["spec"]["containers"][0]["command"] =
        json!(["local-path-provisioner", "start", "--provisioner-name", PROVISIONER]);
    let mut class = class(CLASS, PROVISIONER, false);
    class["metadata"]["annotations"] = json!({PROVED: proved});
    vec![ours(deployment), ours(class)]
}

type Looked = Result<Folder, NoFolder>;

fn wants(by_name: bool, folder: Looked) -> Wants {
    Wants { by_name, folder: Some(folder), ..Wants::default() }
}

/// Nobody has looked at this machine.
fn blind(by_name: bool) -> Wants {
    Wants { by_name, ..Wants::default() }
}

fn one_folder() -> Folder {
    Folder { path: "/srv/shared".to_owned() }
}

fn unproved() -> Looked {
    Err(NoFolder::Unproved(vec!["no container is called n1".to_owned()]))
}

fn lacking() -> Looked {
    Err(NoFolder::Lacking("node n2 has no folder of its machine there".to_owned()))
}

fn judged(objects: Vec<Value>, wants: &Wants) -> Assessment {
    super::super::assess(Prerequisite::SharedPath, &picture(objects), wants)
}

/// The verdict in a word, and why.
fn said(objects: Vec<Value>, wants: &Wants) -> (&'static str, String) {
    match judged(objects, wants).verdict {
        Verdict::Use { because } => ("use", because),
        Verdict::Keep { values } => ("keep", values.to_string()),
        Verdict::Install { because, .. } => ("install", because),
        Verdict::Upgrade { from, to, .. } => ("upgrade", format!("{from} to {to}")),
        Verdict::Leave { because } => ("leave", because),
        Verdict::Blocked(Blocked { because, remedy, .. }) => ("blocked", format!("{because} | {remedy}")),
    }
}

#[test]
fn one_node_shares_its_folder_with_itself() {
    let (verdict, because) = said(nodes(1), &blind(true));
    assert!(verdict == "install" && because.contains("lives and dies with that node's disk"), "{verdict}: {because}");
    let Verdict::Install { values, .. } = judged(nodes(1), &blind(true)).verdict else { panic!() };
    assert_eq!(values, json!({"path": FOLDER, "nodes": ["n1"]}));
    assert_eq!(said(nodes(1), &blind(false)).0, "leave", "nobody has named it, and nothing is known to need it");
    assert!(!judged(nodes(1), &blind(false)).wants_folder, "there is nothing to look for");
    assert_eq!(said(Vec::new(), &blind(true)).0, "blocked", "a cluster without nodes has no folder");
}

#[test]
fn several_nodes_have_to_be_proved_to_share_it() {
    let (verdict, because) = said(nodes(3), &wants(true, Ok(one_folder())));
    assert_eq!((verdict, because.as_str()), ("install", "all nodes share /srv/shared: survives a node, not this disk"));
    let (verdict, because) = said(nodes(3), &wants(true, lacking()));
    assert!(verdict == "blocked" && because.contains("cluster create --shared-volumes"), "{because}");
    assert!(because.contains("node n2 has no folder of its machine there"), "{because}");
    let (verdict, because) = said(nodes(3), &wants(true, unproved()));
    assert!(verdict == "blocked" && because.contains("its 3 nodes are not proved"), "{because}");
    assert!(because.contains("no container is called n1") && because.contains("bring a StorageClass"), "{because}");
    assert!(!because.contains("cluster create"), "machines are not made anew: {because}");
    let open = judged(nodes(3), &blind(true));
    assert!(open.wants_folder && matches!(open.verdict, Verdict::Blocked(_)), "{open:?}");
    assert_eq!(open.standing().0, None, "whoever has not looked cannot tell");
}

#[test]
fn ours_is_kept_upgraded_and_told_when_the_ground_is_gone() {
    let with = |count: usize, tag: &str, proved: &str| [nodes(count), installed(tag, proved)].concat();
    let version = Prerequisite::SharedPath.version().unwrap();
    let now = format!("v{version}");
    assert_eq!(said(with(1, &now, "n1"), &blind(false)).0, "keep", "whoever has it keeps it without naming it");
    assert_eq!(said(with(2, &now, "n1"), &wants(false, Ok(one_folder()))).0, "keep");
    assert_eq!(said(with(1, "v0.0.30", "n1"), &blind(false)), ("upgrade", format!("0.0.30 to {version}")));
    assert_eq!(said(with(1, "v9.0.0", "n1"), &blind(false)).0, "use");
    // Two machines joined the one, and a pod there would see an empty folder.
    let (verdict, because) = said(with(3, &now, "n1"), &wants(false, unproved()));
    assert!(verdict == "blocked" && because.starts_with("it is there, but its 3 nodes"), "{because}");
    assert_eq!(judged(with(3, &now, "n1"), &wants(false, unproved())).standing().0, Some(false));
    // What was proved once counts on a machine from which it cannot be seen, and not against what can be seen.
    let (verdict, because) = said(with(3, &now, "n1,n2,n3"), &wants(false, unproved()));
    assert!(verdict == "use" && because.contains("when it was installed"), "{verdict}: {because}");
    assert_eq!(said(with(3, &now, "n1,n2,n3"), &wants(false, lacking())).0, "blocked");
    assert_eq!(said(with(4, &now, "n1,n2,n3"), &wants(false, unproved())).0, "blocked", "a node has come since");
}

#[test]
fn what_is_half_there_is_completed_where_it_is_ours() {
    let only = |index: usize| [nodes(1), vec![installed("v0.0.37", "n1").remove(index)]].concat();
    let (verdict, because) = said(only(1), &blind(false));
    assert!(verdict == "install" && because.contains("nobody provides its volumes"), "{verdict}: {because}");
    assert_eq!(said(only(0), &blind(false)).0, "keep", "its plan makes the class");
    let foreign = class(CLASS, "nfs.csi.k8s.io", false);
    let (verdict, because) = said([nodes(1), vec![foreign]].concat(), &blind(true));
    assert!(verdict == "blocked" && because.contains("of nfs.csi.k8s.io"), "{because}");
}

#[test]
fn the_two_provisioners_do_not_take_each_other_for_themselves() {
    let both = || {
        let local = provisioner("local-path-storage", &format!("{IMAGE}:v0.0.37"));
        [nodes(1), installed("v0.0.37", "n1"), vec![local, class("local-path", "rancher.io/local-path", true)]].concat()
    };
    let local = assess(Prerequisite::LocalPath, &picture(both()), &Wants::default());
    assert!(matches!(local.verdict, Verdict::Use { .. }), "{local:?}");
    assert_eq!(said(both(), &blind(false)).0, "keep");
    let shared = [nodes(1), installed("v0.0.37", "n1")].concat();
    let local = assess(Prerequisite::LocalPath, &picture(shared), &Wants::default());
    assert!(matches!(local.verdict, Verdict::Install { .. }), "{local:?}");
}

#[test]
fn a_provisioners_name_is_read_however_it_is_given() {
    let named = |container: Value| {
        let deployment = json!({"spec": {"template": {"spec": {"containers": [{"command": ["x"]}, container]}}}});
        provisioner_name(&deployment).map(str::to_owned)
    };
    let own = Some("a.b/c".to_owned());
    assert_eq!(named(json!({"command": ["local-path-provisioner", "start", "--provisioner-name", "a.b/c"]})), own);
    assert_eq!(named(json!({"command": ["start"], "args": ["--provisioner-name=a.b/c"]})), own);
    assert_eq!(named(json!({"args": ["-provisioner-name", "a.b/c"]})), own);
    assert_eq!(named(json!({"env": [{"name": "PROVISIONER_NAME", "value": "a.b/c"}]})), own);
    assert_eq!(named(json!({"args": ["--debug", "provisioner-name", "a.b/c", "--provisioner-name-x=1"]})), None);
}

#[test]
fn the_place_in_the_example_is_where_it_is_looked_for() {
    let stack = crate::stack::Catalogue::prerequisites().get("shared-path").unwrap();
    let choices = crate::stack::Choices { example: true, ..Default::default() };
    let objects = stack.prepare(&choices, &stack.release(None, None)).unwrap().objects;
    let config = objects.iter().find_map(|rendered| rendered.object["data"]["config.json"].as_str()).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(config).unwrap(),
        json!({"nodePathMap": [], "sharedFileSystemPath": FOLDER})
    );
    let classes: Vec<&Value> =
        objects.iter().map(|rendered| &rendered.object).filter(|object| object["kind"] == "StorageClass").collect();
    assert_eq!(classes.len(), 1);
    assert_eq!((&classes[0]["metadata"]["name"], &classes[0]["provisioner"]), (&json!(CLASS), &json!(PROVISIONER)));
    assert!(classes[0]["metadata"]["annotations"][PROVED].as_str().unwrap().contains("dev-worker2"));
    let deployment = objects.iter().find(|rendered| rendered.object["kind"] == "Deployment").unwrap();
    assert_eq!(provisioner_name(&deployment.object), Some(PROVISIONER));
}
